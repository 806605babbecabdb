"""Typed calls and views of the contract ``CorrectionRegistry`` (校核).

``document`` is always the salted digest (32 bytes, not zero) of the text that belongs to the step.

Example: ``await sender.send(CorrectionRegistry(address).answer("1241…", 7, CORRECTED, document), "answer")``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from xinlian.chain.bound import BoundContract
from xinlian.chain.calls import Call
from xinlian.chain.questions import Question
from xinlian.chain.wire import BlockTag

OPEN: Final = 1
FORWARDED: Final = 2
CORRECTED: Final = 3
MAINTAINED: Final = 4
WITHDRAWN: Final = 5
_NOBODY = "0x" + "00" * 18


@dataclass(frozen=True, slots=True)
class Opening:
    """A correction to open (ICorrectionRegistry.Opening).

    Args:
        number: 1 to 14 digits, new for the receiver.
        provider: USCC of who gave the grant.
        grant_number: the provider's grant to the receiver.
        serial: of the grant's dataset.
        version: of the grant's dataset.
        target: salted digest naming record and field, 32 bytes.
        evidence: salted digest, 32 bytes.
        document: salted digest of the form, 32 bytes.
    """

    number: int
    provider: str
    grant_number: int
    serial: int
    version: int
    target: bytes
    evidence: bytes
    document: bytes

    def plain(self) -> dict[str, object]:
        """By the struct's member names, for the encoder."""
        return {
            "number": self.number,
            "provider": self.provider,
            "grantNumber": self.grant_number,
            "serial": self.serial,
            "version": self.version,
            "target": self.target,
            "evidence": self.evidence,
            "document": self.document,
        }


@dataclass(frozen=True, slots=True)
class CorrectionEntry:
    """What the registry holds of a correction; ``state`` 0 none, else see this module's names.

    ``source`` None = not forwarded; ``opened_at`` and ``forwarded_at`` in epoch seconds, 0 = not.
    """

    state: int
    provider: str
    opened_at: int
    forwarded_at: int
    provider_overdue: bool
    source_overdue: bool
    source: str | None
    grant_number: int
    serial: int
    version: int


def _entry(values: list[Any]) -> CorrectionEntry | None:
    one = values[0]
    if one["state"] == 0:
        return None
    return CorrectionEntry(
        one["state"],
        one["provider"],
        one["openedAt"],
        one["forwardedAt"],
        one["providerOverdue"],
        one["sourceOverdue"],
        None if one["source"] == _NOBODY else one["source"],
        one["grantNumber"],
        one["serial"],
        one["version"],
    )


class CorrectionRegistry(BoundContract):
    """Corrections by receiver and number."""

    __slots__ = ()

    def open(self, new: Opening) -> Call:
        """LAW of the receiver: dispute a value that came under a grant."""
        return self._call("open", new.plain())

    def withdraw(self, number: int, document: bytes) -> Call:
        """LAW of the receiver: withdraw what is not answered."""
        return self._call("withdraw", number, document)

    def answer(self, receiver: str, number: int, outcome: int, document: bytes) -> Call:
        """LAW of the addressee: ``CORRECTED`` or ``MAINTAINED``."""
        return self._call("answer", receiver, number, outcome, document)

    def forward(self, receiver: str, number: int, source: str, document: bytes) -> Call:
        """LAW of the provider: hand it on to the department that is the value's source, once."""
        return self._call("forward", receiver, number, source, document)

    def record_overdue(self, receiver: str, number: int) -> Call:
        """Any signer: the answer is late."""
        return self._call("recordOverdue", receiver, number)

    def correction_of(self, receiver: str, number: int, tag: BlockTag = "latest") -> Question[CorrectionEntry | None]:
        """What the registry holds of a correction, None when nobody opened it."""
        return self._view("correctionOf", (receiver, number), _entry, tag)

    def deadline_of(self, receiver: str, number: int, tag: BlockTag = "latest") -> Question[int]:
        """First second that is late, epoch seconds; 0 when nobody has to answer."""
        return self._view("deadlineOf", (receiver, number), lambda values: int(values[0]), tag)
