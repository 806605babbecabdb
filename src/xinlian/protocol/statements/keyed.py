"""A department's own names: pseudonyms of subjects and tags of records, keyed, never told to another department."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Final

from xinlian.protocol.b64 import b64u
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import RecordId

KEYED_FORM: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)


def subject_pseudonym(key: bytes, subject: Subject) -> str:
    """Return a department's name for a subject, 43 characters base64url; never sent to another department.

    Args:
        key: the department's pseudonym key, at least 32 bytes.
        subject: the person or thing.
    """
    return _keyed(key, b"xinlian subject/1", (subject.kind.value, subject.value))


def record_tag(key: bytes, record_ids: Iterable[RecordId]) -> str | None:
    """Return a department's tag of the records that served one item, 43 characters base64url; ``None`` for no record.

    One record always has the same tag, so its owner can find every read of it; others learn nothing from it.

    Args:
        key: the department's pseudonym key, at least 32 bytes.
        record_ids: in any order; each counts once.
    """
    ids = sorted(set(record_ids))
    return _keyed(key, b"xinlian records/1", ids) if ids else None


def _keyed(key: bytes, label: bytes, parts: Sequence[str]) -> str:
    if len(key) < 32:
        raise ValueError("a pseudonym key has at least 32 bytes")
    encoded = [part.encode("utf-8") for part in parts]
    message = b"".join([label, *(len(part).to_bytes(4, "big") + part for part in encoded)])
    return b64u(hmac.digest(key, message, hashlib.sha256))
