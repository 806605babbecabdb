"""Words of the protocol as types: ids, hashes, times, and the numbers that stand on the chain.

Rules
1. A ``NewType`` says what a plain value is; the check of its form is a function here or in ``codes``.
2. Numbers on the chain (streams, statuses, roles) are ``IntEnum`` members; they are never renumbered.

Example: ``uuid7_text(1_800_000_000_000, bytes(10))`` is ``01a3185c-5000-7000-8000-000000000000``.
"""

from __future__ import annotations

import re
from enum import IntEnum, IntFlag
from typing import Final, NewType

from xinlian.protocol.errors import InputError

Uscc = NewType("Uscc", str)
"""18-character 统一社会信用代码 (GB 32100), upper case."""
RecordId = NewType("RecordId", str)
"""UUIDv7 as lower-case text of 36 characters."""
Hash32 = NewType("Hash32", bytes)
"""A hash of 32 bytes."""
KeyId = NewType("KeyId", str)
"""RFC 7638 thumbprint of a public key, base64url, 43 characters."""
EpochS = NewType("EpochS", int)
"""Seconds since 1970-01-01T00:00:00Z."""

ISSUER_PREFIX: Final = "urn:uscc:"
VCT_ACT: Final = "xinlian/act@1"
VCT_ANSWER: Final = "xinlian/answer@1"
VCT_READ: Final = "xinlian/read@1"
VCT_SELF_ACCESS: Final = "xinlian/self-access@1"
MAX_EXACT_INT: Final = 2**53 - 1
"""Largest integer that every JSON implementation keeps exactly (RFC 7493 §2.2)."""

_USCC_FORM: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}", re.ASCII)
_UUID7_FORM: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_DATASET_FORM: Final = re.compile(r"([0-9A-HJ-NPQRTUWXY]{18})/([0-9]{6})@([1-9][0-9]{0,4})", re.ASCII)


class Stream(IntEnum):
    """What a department anchors, each with its own batch sequence."""

    RECORDS = 1
    READS = 2
    ANSWERS = 3

    @property
    def label(self) -> str:
        """The lower-case name that stands in receipts, e.g. ``records``."""
        return self.name.lower()

    @classmethod
    def from_label(cls, label: str) -> Stream:
        """Return the stream named ``label``.

        Raises:
            InputError: ``receipt-form`` when no stream has this name.
        """
        for stream in cls:
            if stream.label == label:
                return stream
        raise InputError("receipt-form", "stream: expected records, reads or answers", field="stream")


class Status(IntEnum):
    """Status of an anchored record; it only rises."""

    CURRENT = 0
    SUPERSEDED = 1
    REVOKED = 2
    ERASED = 3


class Role(IntFlag):
    """Roles of a department's signer address; a bit mask on the chain."""

    ANCHOR = 1
    LAW = 2
    ADMIN = 4


def issuer_of(uscc: str) -> str:
    """Return the issuer name of a department, ``urn:uscc:<USCC>``."""
    return ISSUER_PREFIX + uscc


def uscc_of_issuer(issuer: str) -> Uscc:
    """Return the USCC inside an issuer name; its check digit is not looked at.

    Raises:
        InputError: ``statement-form`` when it is not ``urn:uscc:`` and 18 characters of GB 32100's alphabet.
    """
    uscc = issuer.removeprefix(ISSUER_PREFIX)
    if issuer.startswith(ISSUER_PREFIX) and is_uscc_form(uscc):
        return Uscc(uscc)
    raise InputError("statement-form", "iss: expected urn:uscc: and 18 characters", field="iss")


def is_uscc_form(text: str) -> bool:
    """Tell whether ``text`` has a USCC's length and alphabet (the check digit is looked at by ``codes``)."""
    return _USCC_FORM.fullmatch(text) is not None


def is_uuid7_text(text: str) -> bool:
    """Tell whether ``text`` is a lower-case UUID of version 7 and the RFC 9562 variant."""
    return _UUID7_FORM.fullmatch(text) is not None


def split_dataset_vct(vct: str) -> tuple[Uscc, int, int] | None:
    """Return (owner, serial, version) of ``<USCC>/<6 digits>@<version>``, or None for any other text."""
    match = _DATASET_FORM.fullmatch(vct)
    if match is None or int(match[3]) > 0xFFFF:
        return None
    return Uscc(match[1]), int(match[2]), int(match[3])


def uuid7_text(time_ms: int, random: bytes) -> RecordId:
    """Make a UUIDv7 from a given time and given randomness.

    Args:
        time_ms: milliseconds since the epoch, 0 to 2^48 - 1.
        random: 10 random bytes; 74 of their 80 bits are used.

    Returns:
        Lower-case text of 36 characters.

    Raises:
        ValueError: an argument is outside these bounds (a defect of the caller).

    Source: RFC 9562 §5.7.
    """
    if not 0 <= time_ms < 1 << 48 or len(random) != 10:
        raise ValueError("uuid7_text takes a time of 48 bits and 10 random bytes")
    bits = int.from_bytes(random)
    number = time_ms << 80 | 0x7 << 76 | (bits >> 62 & 0xFFF) << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    text = f"{number:032x}"
    return RecordId("-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])))


def uuid7_time_ms(record_id: str) -> int:
    """Return the milliseconds since the epoch inside a UUIDv7's text."""
    return int(record_id[:8] + record_id[9:13], 16)
