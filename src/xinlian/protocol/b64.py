r"""Base64url without padding, strict both ways (RFC 4648 §5; RFC 7515 §2).

One byte string has exactly one text: padding, other alphabets, line breaks and unused bits that are not
zero are refused, because a second text for the same bytes would be a second digest for the same fact.

Example: ``b64u(b"\x00\xff")`` is ``AP8``.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64encode
from typing import Final

from xinlian.protocol.errors import InputError

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def b64u(data: bytes) -> str:
    """Return the base64url text of ``data``, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64u(text: str) -> bytes:
    """Return the bytes of a canonical base64url text without padding.

    Raises:
        InputError: ``base64-form`` for any text that ``b64u`` does not write.
    """
    if _ALPHABET.fullmatch(text) is None or len(text) % 4 == 1:
        raise InputError("base64-form", "expected base64url without padding", length=len(text))
    standard = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    data = binascii.a2b_base64(standard)
    if b64u(data) != text:
        raise InputError("base64-form", "expected canonical base64url (unused bits zero)", length=len(text))
    return data
