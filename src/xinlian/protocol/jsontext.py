"""Exact JSON: texts that are hashed or signed, and the strict reading of texts that others wrote.

Rules
1. What we write holds only strings, whole numbers, true, false, null, lists and objects; no floats. It has no spaces,
   is UTF-8, keeps the order of keys, and escapes only what RFC 8259 §7 requires.
2. What we read has no duplicate key, no NaN, no number that another reader would round (whole numbers outside
   ±(2^53 - 1), decimals whose shortest text differs), no lone surrogate, and a bounded size and depth.

Example: ``dumps_canonical({"a": [1, "信"]})`` is ``{"a":[1,"信"]}`` in UTF-8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Final, NoReturn

import orjson

from xinlian.protocol.errors import InputError
from xinlian.protocol.types import MAX_EXACT_INT

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 32

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_NO_BRACKETS_OR_QUOTES: Final = _NO_BRACKETS.replace(b'"', b"")
_PLAIN: Final = frozenset({str, bool, type(None)})
_NAMES: Final = frozenset({str})


def loads_strict(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> object:
    """Read one JSON text.

    Args:
        data: UTF-8 without a byte order mark.
        max_bytes: largest accepted length of ``data``.
        max_depth: largest accepted nesting; a list or object in nothing has depth 1.

    Returns:
        str, int, float (exact ones only), bool, None, list or dict.

    Raises:
        InputError: ``too-large``, ``json-broken``, ``json-duplicate-key``, ``json-too-deep`` or ``json-not-exact``.

    Source: RFC 8259; RFC 7493 §2.
    """
    if len(data) > max_bytes:
        raise InputError("too-large", f"JSON of {len(data)} bytes; at most {max_bytes}", limit_bytes=max_bytes)
    plain = _plain(data, max_depth)
    if plain is not None:
        return plain
    text = _utf8(data)
    _check_depth(text, max_depth)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError("json-broken", f"not JSON at {where}", line=error.lineno, column=error.colno) from error
    if "\\u" in text:
        _check_surrogates(value)
    return value


def _plain(data: bytes, max_depth: int) -> object:
    """The value of a text that rule 1 would write, read by the fast parser; None for any other, which the strict parser judges.

    The fast parser is lenient (of two equal keys it keeps the last), but what it read is written again and compared.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return value if _is_exact(value, max_depth) and orjson.dumps(value) == data else None


def _is_exact(value: object, depth: int) -> bool:
    """Whether a parsed value has no decimal number, no whole number outside the bounds and no deeper nesting."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if isinstance(value, int):
        return -MAX_EXACT_INT <= value <= MAX_EXACT_INT
    if depth == 0 or not isinstance(value, list | dict):
        return False
    items = value if isinstance(value, list) else value.values()
    return _PLAIN.issuperset(map(type, items)) or all(_is_exact(item, depth - 1) for item in items)


def dumps_canonical(value: object) -> bytes:
    """Write ``value`` as the one JSON text of rule 1.

    Raises:
        InputError: ``json-not-exact`` when it holds a float, a foreign type, a key that is not a string, a lone
            surrogate, or a whole number outside ±(2^53 - 1).
    """
    _check_exact(value)
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise InputError("json-not-exact", "a text holds a lone surrogate or the value is nested too deeply") from error


def value_text(value: object) -> str:
    """Return the exact JSON text of one field value (see ``dumps_canonical``)."""
    if type(value) is str:
        try:
            return orjson.dumps(value).decode()
        except TypeError as error:
            raise InputError("json-not-exact", "a text holds a lone surrogate") from error
    return dumps_canonical(value).decode()


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("json-broken", f"not UTF-8 at byte {error.start}", byte=error.start) from error


def _check_depth(text: str, max_depth: int) -> None:
    """Refuse deep nesting before the recursive decoder sees it; brackets inside strings do not count."""
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for byte in _brackets(text):
        if byte in b"[{":
            depth += 1
            if depth > max_depth:
                raise InputError("json-too-deep", f"nested deeper than {max_depth}", limit=max_depth)
        else:
            depth -= 1


def _brackets(text: str) -> bytes:
    """The brackets of a JSON text in their order, without those inside strings."""
    if "\\" in text:
        return _STRING.sub("", text).encode().translate(None, _NO_BRACKETS)
    kept = text.encode().translate(None, _NO_BRACKETS_OR_QUOTES)
    return b"".join(kept.split(b'"')[::2])  # without escapes every second part stands inside a string


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise InputError("json-duplicate-key", "an object names a key twice", key=_first_repeated(pairs)[:64])
    return result


def _first_repeated(pairs: list[tuple[str, object]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise AssertionError("called only when a name is repeated")


def _int(text: str) -> int:
    if len(text) <= 17 and text != "-0" and -MAX_EXACT_INT <= int(text) <= MAX_EXACT_INT:
        return int(text)
    raise InputError("json-not-exact", "a whole number is outside ±(2^53 - 1)")


def _float(text: str) -> float:
    if len(text) <= 32 and repr(float(text)) == text:
        return float(text)
    raise InputError("json-not-exact", "a decimal number is not written in its shortest form")


def _constant(text: str) -> NoReturn:
    raise InputError("json-not-exact", f"{text} is not a JSON number")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_int=_int, parse_float=_float, parse_constant=_constant)


def _check_surrogates(value: object) -> None:
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise InputError("json-broken", "a text holds a lone surrogate")
    elif isinstance(value, list):
        for item in value:
            _check_surrogates(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_surrogates(name)
            _check_surrogates(item)


def _check_exact(value: object) -> None:
    kind = type(value)
    if kind in _PLAIN:
        return
    if isinstance(value, int) and kind is int and -MAX_EXACT_INT <= value <= MAX_EXACT_INT:
        return
    if isinstance(value, list) and kind is list:
        _check_all_exact(value)
    elif isinstance(value, dict) and kind is dict:
        if value and set(map(type, value)) != _NAMES:
            raise InputError("json-not-exact", "a key is not a string")
        _check_all_exact(value.values())
    else:
        raise InputError("json-not-exact", f"a {kind.__name__} cannot be written exactly", type=kind.__name__)


def _check_all_exact(values: Collection[object]) -> None:
    if not _PLAIN.issuperset(map(type, values)):
        for item in values:
            if type(item) not in _PLAIN:
                _check_exact(item)
