"""Catalogue entries by owner, serial and version, as the events of DatasetCatalog tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xinlian.node.chain_state.facts import ChainFact, Handlers, Known, code_text
from xinlian.protocol.types import Uscc


@dataclass(slots=True)
class DatasetState:
    """One version of a catalogue entry."""

    owner: Uscc
    serial: int
    version: int
    schema_hash: str
    share_type: int
    field_count: int
    view_count: int
    verifiable_mask: int
    purposes: tuple[str, ...]
    published_block: int | None = None
    retired_block: int | None = None

    @property
    def code(self) -> str:
        """Catalogue code, ``<USCC>/<6 digits>``."""
        return f"{self.owner}/{self.serial:06d}"

    @property
    def vct(self) -> str:
        """Record type, ``<code>@<version>``."""
        return f"{self.code}@{self.version}"

    @property
    def state(self) -> str:
        """proposed, published or retired."""
        if self.retired_block is not None:
            return "retired"
        return "proposed" if self.published_block is None else "published"

    def is_published_at(self, block_number: int) -> bool:
        """Whether it was published and not retired at the end of a block."""
        if self.published_block is None or block_number < self.published_block:
            return False
        return self.retired_block is None or block_number < self.retired_block


class DatasetFacts:
    """The part of the projection."""

    def __init__(self) -> None:
        self.datasets: dict[tuple[str, int, int], DatasetState] = Known()
        self.handlers: Handlers = {
            "DatasetProposed": self._on_dataset_proposed,
            "DatasetPublished": self._on_dataset_published,
            "DatasetRetired": self._on_dataset_retired,
        }

    def _on_dataset_proposed(self, event: ChainFact) -> None:
        args = event.args
        self.datasets[_dataset_key(args)] = DatasetState(
            owner=Uscc(args["owner"]),
            serial=args["serial"],
            version=args["version"],
            schema_hash=args["schemaHash"],
            share_type=args["shareType"],
            field_count=args["fieldCount"],
            view_count=args["viewCount"],
            verifiable_mask=args["verifiableMask"],
            purposes=tuple(code_text(purpose) for purpose in args["purposes"]),
        )

    def _on_dataset_published(self, event: ChainFact) -> None:
        self.datasets[_dataset_key(event.args)].published_block = event.block_number

    def _on_dataset_retired(self, event: ChainFact) -> None:
        self.datasets[_dataset_key(event.args)].retired_block = event.block_number


def _dataset_key(args: Mapping[str, Any]) -> tuple[str, int, int]:
    return args["owner"], args["serial"], args["version"]
