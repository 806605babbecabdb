"""Grants by provider and number, as the events of SharingRegistry tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xinlian.node.chain_state.facts import ChainFact, Handlers, Known, code_text
from xinlian.protocol.types import Uscc


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a grant: masks per mode, purposes and scenarios, ``valid_from_s <= t < valid_to_s``, uses per case."""

    verify_mask: int
    query_mask: int
    answer_mask: int
    batch_mask: int
    purposes: tuple[str, ...]
    scenarios: tuple[str, ...]
    valid_from_s: int
    valid_to_s: int
    uses_per_case: int
    standing: bool


@dataclass(slots=True)
class GrantState:
    """One grant of a provider."""

    provider: Uscc
    number: int
    receiver: Uscc
    serial: int
    version: int
    terms: Terms
    given_block: int
    revoked_block: int | None = None
    revoke_reason: int | None = None

    @property
    def ref(self) -> str:
        """``<provider USCC>/<number>``."""
        return f"{self.provider}/{self.number}"

    @property
    def vct(self) -> str:
        """The dataset version it covers."""
        return f"{self.provider}/{self.serial:06d}@{self.version}"

    def is_running_at(self, time_s: int) -> bool:
        """Whether it is not revoked and its term covers a time."""
        return self.revoked_block is None and self.terms.valid_from_s <= time_s < self.terms.valid_to_s


class SharingFacts:
    """The part of the projection."""

    def __init__(self) -> None:
        self.grants: dict[tuple[str, int], GrantState] = Known()
        self.handlers: Handlers = {
            "GrantGiven": self._on_grant_given,
            "GrantNarrowed": self._on_grant_narrowed,
            "GrantRevoked": self._on_grant_revoked,
        }

    def _on_grant_given(self, event: ChainFact) -> None:
        args = event.args
        self.grants[args["provider"], args["number"]] = GrantState(
            provider=Uscc(args["provider"]),
            number=args["number"],
            receiver=Uscc(args["receiver"]),
            serial=args["serial"],
            version=args["version"],
            terms=_terms(args["terms"]),
            given_block=event.block_number,
        )

    def _on_grant_narrowed(self, event: ChainFact) -> None:
        self.grants[event.args["provider"], event.args["number"]].terms = _terms(event.args["terms"])

    def _on_grant_revoked(self, event: ChainFact) -> None:
        grant = self.grants[event.args["provider"], event.args["number"]]
        grant.revoked_block = event.block_number
        grant.revoke_reason = event.args["reason"]


def _terms(args: Mapping[str, Any]) -> Terms:
    return Terms(
        verify_mask=args["verifyMask"],
        query_mask=args["queryMask"],
        answer_mask=args["answerMask"],
        batch_mask=args["batchMask"],
        purposes=tuple(code_text(purpose) for purpose in args["purposes"]),
        scenarios=tuple(args["scenarios"]),
        valid_from_s=args["validFrom"],
        valid_to_s=args["validTo"],
        uses_per_case=args["usesPerCase"],
        standing=args["standing"],
    )
