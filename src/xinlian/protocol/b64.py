r"""Base64url without padding, strict both ways (RFC 4648 §5; RFC 7515 §2).

One byte string has exactly one text: padding, other alphabets, line breaks and unused bits that are not
zero are refused, because a second text for the same bytes would be a second digest for the same fact.

Example: ``b64u(b"\x00\xff")`` is ``AP8``.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

from xinlian.protocol.errors import InputError

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_PADDING: Final = (b"", b"===", b"==", b"=")


def b64u(data: bytes) -> str:
    """Return the base64url text of ``data``, without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode("ascii")


def unb64u(text: str) -> bytes:
    """Return the bytes of a canonical base64url text without padding.

    Raises:
        InputError: ``base64-form`` for any text that ``b64u`` does not write.
    """
    try:
        raw = text.encode("ascii")
        data = binascii.a2b_base64(raw.translate(_FROM_URL) + _PADDING[len(raw) % 4])
    except (UnicodeEncodeError, binascii.Error) as error:
        raise _wrong(text) from error
    if binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=") != raw:  # also when foreign characters were passed over
        raise _wrong(text)
    return data


def _wrong(text: str) -> InputError:
    if _ALPHABET.fullmatch(text) is None or len(text) % 4 == 1:
        return InputError("base64-form", "expected base64url without padding", length=len(text))
    return InputError("base64-form", "expected canonical base64url (unused bits zero)", length=len(text))
