"""Record ids between their 16 stored bytes and their UUIDv7 text."""

from __future__ import annotations

from uuid import UUID

from xinlian.protocol.errors import InputError
from xinlian.protocol.types import RecordId, is_uuid7_text


def record_id_text(raw: bytes) -> RecordId:
    """The text of a stored id (16 bytes)."""
    return RecordId(str(UUID(bytes=raw)))


def record_id_bytes(text: str) -> bytes:
    """The 16 bytes of an id that came from outside.

    Raises:
        InputError: ``record-id-form``.
    """
    if not is_uuid7_text(text):
        raise InputError("record-id-form", "a record id is a UUIDv7 in lower-case text, 36 characters")
    return UUID(text).bytes
