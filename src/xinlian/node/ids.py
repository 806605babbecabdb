"""Record ids between their 16 stored bytes and their UUIDv7 text."""

from __future__ import annotations

from xinlian.protocol.errors import InputError
from xinlian.protocol.types import RecordId, is_uuid7_text


def record_id_text(raw: bytes) -> RecordId:
    """The text of a stored id (16 bytes)."""
    text = raw.hex()
    return RecordId("-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])))


def record_id_bytes(text: str) -> bytes:
    """The 16 bytes of an id that came from outside.

    Raises:
        InputError: ``record-id-form``.
    """
    if not is_uuid7_text(text):
        raise InputError("record-id-form", "a record id is a UUIDv7 in lower-case text, 36 characters")
    return bytes.fromhex(text.replace("-", ""))
