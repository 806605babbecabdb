"""Catalogue entries by owner, serial and version, as the events of DatasetCatalog tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xinlian.node.chain_state.facts import ChainFact, Handlers, Known, code_text
from xinlian.protocol.clocks import CLOCKS, ClockId
from xinlian.protocol.types import Uscc

_UPDATE = CLOCKS[ClockId.CATALOG_UPDATE]


@dataclass(slots=True)
class DatasetState:
    """One version of a catalogue entry; digests are ``0x`` hex, None where the entry has none.

    ``round`` counts how often the version was proposed, ``proposed_at`` is of the last time (epoch seconds); ``document`` is the
    digest behind the authority's last decision on this round.
    """

    owner: Uscc
    serial: int
    version: int
    schema_hash: str
    share_type: int
    field_count: int
    view_count: int
    verifiable_mask: int
    purposes: tuple[str, ...]
    sensitive_mask: int
    personal: bool
    authorisation_required: bool
    secrecy_assessment: str
    impact_assessment: str | None
    head_consent: str
    no_share_basis: str | None
    round: int
    proposed_at: int
    returned: bool = False
    review_overdue: bool = False
    document: str | None = None
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
        """proposed, returned, published or retired."""
        if self.retired_block is not None:
            return "retired"
        if self.published_block is not None:
            return "published"
        return "returned" if self.returned else "proposed"

    def is_published_at(self, block_number: int) -> bool:
        """Whether it was published and not retired at the end of a block."""
        if self.published_block is None or block_number < self.published_block:
            return False
        return self.retired_block is None or block_number < self.retired_block


@dataclass(slots=True)
class UpdateState:
    """A running update clock of a dataset: law or duty changed at ``opened_at`` (epoch seconds)."""

    owner: Uscc
    serial: int
    opened_at: int
    by_authority: bool
    document: str
    extended: bool = False
    overdue: bool = False

    @property
    def length_wd(self) -> int:
        """Working days that it runs."""
        return _UPDATE.length_wd + (_UPDATE.extension_wd if self.extended else 0)


class DatasetFacts:
    """The part of the projection."""

    def __init__(self) -> None:
        self.datasets: dict[tuple[str, int, int], DatasetState] = Known()
        self.updates: dict[tuple[str, int], UpdateState] = Known()
        self.handlers: Handlers = {
            "DatasetProposed": self._on_dataset_proposed,
            "DatasetReturned": self._on_dataset_returned,
            "DatasetPublished": self._on_dataset_published,
            "DatasetRetired": self._on_dataset_retired,
            "DatasetReviewOverdue": self._on_review_overdue,
            "DatasetUpdateOpened": self._on_update_opened,
            "DatasetUpdateExtended": self._on_update_extended,
            "DatasetUpdateOverdue": self._on_update_overdue,
        }

    def _on_dataset_proposed(self, event: ChainFact) -> None:
        new = event.args["proposal"]
        self.datasets[_dataset_key(event.args)] = DatasetState(
            owner=Uscc(event.args["owner"]),
            serial=event.args["serial"],
            version=event.args["version"],
            schema_hash=new["schemaHash"],
            share_type=new["shareType"],
            field_count=new["fieldCount"],
            view_count=new["viewCount"],
            verifiable_mask=new["verifiableMask"],
            purposes=tuple(code_text(purpose) for purpose in new["purposes"]),
            sensitive_mask=new["sensitiveMask"],
            personal=new["personal"],
            authorisation_required=new["authorisationRequired"],
            secrecy_assessment=new["secrecyAssessment"],
            impact_assessment=_digest_or_none(new["impactAssessment"]),
            head_consent=new["headConsent"],
            no_share_basis=_digest_or_none(new["noShareBasis"]),
            round=event.args["round"],
            proposed_at=event.block_time,
        )
        self.updates.pop(_serial_key(event.args), None)

    def _on_dataset_returned(self, event: ChainFact) -> None:
        entry = self._decided(event)
        entry.returned = True

    def _on_dataset_published(self, event: ChainFact) -> None:
        self._decided(event).published_block = event.block_number

    def _on_dataset_retired(self, event: ChainFact) -> None:
        self._decided(event).retired_block = event.block_number
        owner, serial = _serial_key(event.args)
        if not any(entry.state == "published" for (o, s, _), entry in self.datasets.items() if (o, s) == (owner, serial)):
            self.updates.pop((owner, serial), None)

    def _on_review_overdue(self, event: ChainFact) -> None:
        self.datasets[_dataset_key(event.args)].review_overdue = True

    def _on_update_opened(self, event: ChainFact) -> None:
        owner, serial = _serial_key(event.args)
        by_authority, document = event.args["byAuthority"], event.args["document"]
        self.updates[owner, serial] = UpdateState(Uscc(owner), serial, event.block_time, by_authority, document)

    def _on_update_extended(self, event: ChainFact) -> None:
        self.updates[_serial_key(event.args)].extended = True

    def _on_update_overdue(self, event: ChainFact) -> None:
        self.updates[_serial_key(event.args)].overdue = True

    def _decided(self, event: ChainFact) -> DatasetState:
        entry = self.datasets[_dataset_key(event.args)]
        entry.document = event.args["document"]
        return entry


def _dataset_key(args: Mapping[str, Any]) -> tuple[str, int, int]:
    return args["owner"], args["serial"], args["version"]


def _serial_key(args: Mapping[str, Any]) -> tuple[str, int]:
    return args["owner"], args["serial"]


def _digest_or_none(word: str) -> str | None:
    return None if int(word, 16) == 0 else word
