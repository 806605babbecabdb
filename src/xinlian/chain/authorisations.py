"""Typed calls and views of the contract ``AuthorisationRegistry``.

Example: ``await sender.send(AuthorisationRegistry(address).record(id, digest, commitment(secret), expires_at), "record")``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xinlian.chain.bound import BoundContract
from xinlian.chain.calls import Call, unhex
from xinlian.chain.questions import Question
from xinlian.chain.wire import BlockTag
from xinlian.protocol.keccak import keccak256


@dataclass(frozen=True, slots=True)
class AuthorisationEntry:
    """What the registry holds of an authorisation; times in epoch seconds, ``withdrawn_at`` 0 = not withdrawn."""

    digest: bytes
    commitment: bytes
    recorded_at: int
    expires_at: int
    withdrawn_at: int


def commitment(secret: bytes) -> bytes:
    """What stands on chain for a withdrawal secret of 32 random bytes.

    Raises:
        ValueError: another length (a defect).
    """
    if len(secret) != 32:
        raise ValueError("a withdrawal secret has 32 bytes")
    return keccak256(secret)


def _entry(values: list[Any]) -> AuthorisationEntry | None:
    one = values[0]
    if one["recordedAt"] == 0:
        return None
    digest, hidden = unhex(one["digest"]), unhex(one["commitment"])
    return AuthorisationEntry(digest, hidden, one["recordedAt"], one["expiresAt"], one["withdrawnAt"])


class AuthorisationRegistry(BoundContract):
    """Authorisations of data subjects by recorder and random id."""

    __slots__ = ()

    def record(self, authorisation_id: bytes, digest: bytes, hidden: bytes, expires_at: int) -> Call:
        """LAW of the recorder: record an authorisation with the commitment to its withdrawal secret."""
        return self._call("record", authorisation_id, digest, hidden, expires_at)

    def withdraw(self, recorder: str, authorisation_id: bytes, secret: bytes) -> Call:
        """Any signer: withdraw it with the data subject's secret."""
        return self._call("withdraw", recorder, authorisation_id, secret)

    def authorisation_of(
        self, recorder: str, authorisation_id: bytes, tag: BlockTag = "latest"
    ) -> Question[AuthorisationEntry | None]:
        """What the registry holds of an authorisation, None when there is none."""
        return self._view("authorisationOf", (recorder, authorisation_id), _entry, tag)

    def is_in_force_at(self, recorder: str, authorisation_id: bytes, time: int, tag: BlockTag = "latest") -> Question[bool]:
        """Recorded by then, not expired and not withdrawn at ``time`` (epoch seconds)."""
        return self._view("isInForceAt", (recorder, authorisation_id, time), lambda values: bool(values[0]), tag)
