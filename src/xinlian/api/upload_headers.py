"""Header fields of resumable uploads and ranges: read and written in the one form that each of them has.

Rules
1. A field that does not have its form counts as absent, as the draft says; where it is needed, ``attachment-header`` names it.
2. Nothing here is looked up or stored.

Source: draft-ietf-httpbis-resumable-upload (Upload-Offset, Upload-Length, Upload-Complete, Upload-Limit); RFC 9530 (Repr-Digest);
RFC 6266, RFC 8187 (Content-Disposition); RFC 9110 section 14 (Range).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from xinlian.protocol.errors import InputError

PARTIAL_UPLOAD: Final = "application/partial-upload"
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)
_DIGEST: Final = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)", re.ASCII)
_EXTENDED_NAME: Final = re.compile(r";\s*filename\*=utf-8'[^']*'([A-Za-z0-9!#$&+.^_`|~%-]+)\s*(?:;|$)", re.ASCII | re.IGNORECASE)
_PLAIN_NAME: Final = re.compile(r';\s*filename="((?:[^"\\]|\\.)*)"\s*(?:;|$)', re.IGNORECASE)
_RANGE: Final = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII)
_KEPT: Final = "!#$&+.^_`|~-"


def whole(headers: Mapping[str, str], name: str) -> int | None:
    """A whole number, None when absent."""
    text = headers.get(name, "").strip()
    return int(text) if _WHOLE.fullmatch(text) else None


def flag(headers: Mapping[str, str], name: str) -> bool | None:
    """A structured boolean (``?1``, ``?0``), None when absent."""
    return {"?1": True, "?0": False}.get(headers.get(name, "").strip())


def needed(value: int | bool | None, name: str, form: str) -> int:
    """A field that the call cannot do without.

    Raises:
        InputError: ``attachment-header``.
    """
    if value is None:
        raise InputError("attachment-header", f"{name}: expected {form}", header=name, expected=form)
    return value


def digest(headers: Mapping[str, str]) -> bytes | None:
    """The SHA-256 of ``Repr-Digest``, 32 bytes, None when there is none.

    Raises:
        InputError: ``attachment-header`` for a digest that is no base64 of 32 bytes.
    """
    text = headers.get("repr-digest")
    if text is None or "sha-256=" not in text:
        return None
    match = _DIGEST.search(text)
    try:
        return base64.b64decode(match[1], validate=True) if match is not None else _no_digest()
    except binascii.Error:
        return _no_digest()


def _no_digest() -> bytes:
    raise InputError("attachment-header", "Repr-Digest: expected sha-256=:<base64>:", header="Repr-Digest")


def digest_field(sha256: bytes) -> str:
    """The field ``Repr-Digest``."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


def file_name(headers: Mapping[str, str]) -> str:
    """The file name of ``Content-Disposition``; the extended form wins.

    Raises:
        InputError: ``attachment-name`` when there is none.
    """
    text = headers.get("content-disposition", "")
    extended, plain = _EXTENDED_NAME.search(text), _PLAIN_NAME.search(text)
    try:
        if extended is not None:
            return unquote_to_bytes(extended[1]).decode("utf-8")
        if plain is not None:
            return re.sub(r"\\(.)", r"\1", plain[1])
    except UnicodeDecodeError:
        pass
    raise InputError(
        "attachment-name", "Content-Disposition: expected inline; filename*=UTF-8''<name>", header="Content-Disposition"
    )


def disposition(kind: str, name: str) -> str:
    """The field ``Content-Disposition`` with a name of any characters."""
    return f"{kind}; filename*=UTF-8''{quote(name, safe=_KEPT)}"


def span_of(text: str | None) -> tuple[int | None, int | None] | None:
    """One range of ``Range``: (first, last), (first, None) or (None, length of the end); None for the whole file.

    Raises:
        InputError: ``range-form`` for several ranges and other units.
    """
    if text is None:
        return None
    match = _RANGE.fullmatch(text.strip())
    if match is None or match.groups() == ("", ""):
        raise InputError("range-form", "Range: expected one range, bytes=first-last")
    first, last = (int(part) if part else None for part in match.groups())
    return first, last
