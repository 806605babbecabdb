"""Corrections (校核) by receiver and number, as the events of CorrectionRegistry tell.

Source: Decree 809 art. 26; dossier 2.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from xinlian.node.chain_state.facts import ChainFact, Handlers, Known
from xinlian.protocol.types import Uscc


class CorrectionStep(IntEnum):
    """Where a correction stands; the numbers are those of ICorrectionRegistry.State."""

    OPEN = 1
    FORWARDED = 2
    CORRECTED = 3
    MAINTAINED = 4
    WITHDRAWN = 5


@dataclass(slots=True)
class CorrectionState:
    """One correction; digests are ``0x`` hex, times epoch seconds."""

    receiver: Uscc
    number: int
    provider: Uscc
    grant_number: int
    serial: int
    version: int
    target: str
    evidence: str
    document: str
    opened_at: int
    step: CorrectionStep = CorrectionStep.OPEN
    source: Uscc | None = None
    forwarded_at: int | None = None
    forward_document: str | None = None
    provider_overdue: bool = False
    source_overdue: bool = False
    ended_at: int | None = None
    end_document: str | None = None

    @property
    def ref(self) -> str:
        """``<receiver USCC>/<number>``."""
        return f"{self.receiver}/{self.number}"

    @property
    def vct(self) -> str:
        """The dataset version that the value belongs to."""
        return f"{self.provider}/{self.serial:06d}@{self.version}"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to answer."""
        return self.step in (CorrectionStep.OPEN, CorrectionStep.FORWARDED)

    @property
    def addressee(self) -> Uscc:
        """Who has to answer, or had to: the provider, once forwarded the source."""
        return self.provider if self.source is None else self.source

    @property
    def clock_start(self) -> int:
        """When the addressee's clock began."""
        return self.opened_at if self.forwarded_at is None else self.forwarded_at


class CorrectionFacts:
    """The part of the projection."""

    def __init__(self) -> None:
        self.corrections: dict[tuple[str, int], CorrectionState] = Known()
        self.unsettled: dict[tuple[str, int], CorrectionState] = {}
        """Those that somebody has to answer, and those that a source corrected: their provider has to follow."""
        self.handlers: Handlers = {
            "CorrectionOpened": self._on_opened,
            "CorrectionForwarded": self._on_forwarded,
            "CorrectionAnswered": self._on_answered,
            "CorrectionWithdrawn": self._on_withdrawn,
            "CorrectionOverdue": self._on_overdue,
        }

    def _on_opened(self, event: ChainFact) -> None:
        args = event.args
        self.corrections[_key(args)] = self.unsettled[_key(args)] = CorrectionState(
            receiver=Uscc(args["receiver"]),
            number=args["number"],
            provider=Uscc(args["provider"]),
            grant_number=args["grantNumber"],
            serial=args["serial"],
            version=args["version"],
            target=args["target"],
            evidence=args["evidence"],
            document=args["document"],
            opened_at=event.block_time,
        )

    def _on_forwarded(self, event: ChainFact) -> None:
        found = self.corrections[_key(event.args)]
        found.step, found.source = CorrectionStep.FORWARDED, Uscc(event.args["source"])
        found.forwarded_at, found.forward_document = event.block_time, event.args["document"]

    def _on_answered(self, event: ChainFact) -> None:
        self._end(event, CorrectionStep(event.args["outcome"]))

    def _on_withdrawn(self, event: ChainFact) -> None:
        self._end(event, CorrectionStep.WITHDRAWN)

    def _on_overdue(self, event: ChainFact) -> None:
        found = self.corrections[_key(event.args)]
        if found.source is None:
            found.provider_overdue = True
        else:
            found.source_overdue = True

    def _end(self, event: ChainFact, step: CorrectionStep) -> None:
        found = self.corrections[_key(event.args)]
        found.step, found.ended_at, found.end_document = step, event.block_time, event.args["document"]
        if not (step is CorrectionStep.CORRECTED and found.source is not None):
            self.unsettled.pop(_key(event.args), None)


def _key(args: Mapping[str, Any]) -> tuple[str, int]:
    return args["receiver"], args["number"]
