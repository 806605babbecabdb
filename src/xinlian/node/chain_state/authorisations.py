"""Authorisations of data subjects by recorder and random id, as the events of AuthorisationRegistry tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xinlian.node.chain_state.facts import ChainFact, Handlers, Known
from xinlian.protocol.types import Uscc


@dataclass(slots=True)
class AuthorisationState:
    """One authorisation; id, digest and commitment are ``0x`` hex, times epoch seconds."""

    recorder: Uscc
    id: str
    digest: str
    commitment: str
    recorded_at: int
    expires_at: int
    withdrawn_at: int | None = None
    relayed_by: Uscc | None = None

    def is_in_force_at(self, time_s: int) -> bool:
        """Recorded by then, not expired and not withdrawn at that time."""
        if self.withdrawn_at is not None and self.withdrawn_at <= time_s:
            return False
        return self.recorded_at <= time_s < self.expires_at


class AuthorisationFacts:
    """The part of the projection."""

    def __init__(self) -> None:
        self.authorisations: dict[tuple[str, str], AuthorisationState] = Known()
        self.handlers: Handlers = {
            "AuthorisationRecorded": self._on_recorded,
            "AuthorisationWithdrawn": self._on_withdrawn,
        }

    def _on_recorded(self, event: ChainFact) -> None:
        args = event.args
        self.authorisations[_key(args)] = AuthorisationState(
            recorder=Uscc(args["recorder"]),
            id=args["id"],
            digest=args["digest"],
            commitment=args["commitment"],
            recorded_at=event.block_time,
            expires_at=args["expiresAt"],
        )

    def _on_withdrawn(self, event: ChainFact) -> None:
        found = self.authorisations[_key(event.args)]
        found.withdrawn_at, found.relayed_by = event.block_time, Uscc(event.args["relayedBy"])


def _key(args: Mapping[str, Any]) -> tuple[str, str]:
    return args["recorder"], args["id"]
