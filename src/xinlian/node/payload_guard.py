"""The payload guard: what this node never signs onto the chain.

Rules
1. No text holds a personal ID number (check digit tested, so that an 18-digit permit number passes).
2. No text is a file or encoded data, and none is longer than a name or an address needs; key sets are the one exception.

Source: design 5; PIPL art. 6, 47.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from xinlian.protocol.codes import check_id_number
from xinlian.protocol.errors import InputError
from xinlian.protocol.jwks import parse_key_set

MAX_TEXT = 300
_EIGHTEEN = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)", re.ASCII)
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{80,}={0,2}", re.ASCII)
_WORD = re.compile(r"0x([0-9a-fA-F]{2})*", re.ASCII)


def check_payload(values: Iterable[object]) -> None:
    """Check everything a transaction would carry.

    Args:
        values: arguments of a call; nested lists and dicts are looked into.

    Raises:
        InputError: ``payload-refused``; never repeats the text.
    """
    for value in values:
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, Mapping):
            check_payload(value.values())
        elif isinstance(value, Sequence) and not isinstance(value, bytes):
            check_payload(value)


def _check_text(text: str) -> None:
    shown = _ascii_of_word(text) if _WORD.fullmatch(text) else text
    if any(_is_id_number(match) for match in _EIGHTEEN.findall(shown)):
        raise InputError("payload-refused", "a text meant for the chain holds a personal ID number")
    if _WORD.fullmatch(text) or (text.startswith('{"keys":') and _is_key_set(text)):
        return
    if len(text) > MAX_TEXT or _ENCODED.search(text):
        raise InputError("payload-refused", "a text meant for the chain is too long or holds encoded data")


def _ascii_of_word(text: str) -> str:
    return bytes.fromhex(text[2:]).rstrip(b"\0").decode("ascii", "replace")


def _is_id_number(text: str) -> bool:
    try:
        check_id_number(text.upper())
    except InputError:
        return False
    return True


def _is_key_set(text: str) -> bool:
    try:
        parse_key_set(text.encode())
    except InputError:
        return False
    return True
