"""The kinds of values that conditions and tables know, and the check that given values have them.

Rules
1. ``number``: whole, ±(2^53 - 1); money is a number of fen. ``string``: a text. ``boolean``: true or false. Never null.
2. Names are ASCII, so that zen and FEEL read them alike; labels may be Chinese.

Example: ``checked({"months": 5}, {"months": NUMBER}, "DT-A1")``
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from xinlian.protocol.errors import InputError
from xinlian.protocol.types import MAX_EXACT_INT

Value = str | int | bool
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
MAX_TEXT: Final = 1000


class Kind(StrEnum):
    """Kind of a value, by its DMN type name."""

    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"


NUMBER: Final = Kind.NUMBER
STRING: Final = Kind.STRING
BOOLEAN: Final = Kind.BOOLEAN


def is_of(value: object, kind: Kind) -> bool:
    """Whether a value has the kind."""
    if kind is BOOLEAN:
        return isinstance(value, bool)
    if kind is STRING:
        return isinstance(value, str) and len(value) <= MAX_TEXT
    return isinstance(value, int) and not isinstance(value, bool) and -MAX_EXACT_INT <= value <= MAX_EXACT_INT


def is_value(value: object) -> bool:
    """Whether a value has any of the kinds."""
    return any(is_of(value, kind) for kind in Kind)


def checked(values: Mapping[str, object], kinds: Mapping[str, Kind], where: str) -> dict[str, Value]:
    """The values, when they are exactly those declared.

    Args:
        values: by name.
        kinds: declared names.
        where: what asks for them, for messages.

    Raises:
        InputError: ``field-missing``, ``field-unknown`` or ``field-type``. Values are not repeated in it.
    """
    for name in kinds:
        if name not in values:
            raise InputError("field-missing", f"{where}: {name} is missing", field=name)
    for name in values:
        if name not in kinds:
            raise InputError("field-unknown", f"{where}: {name[:64]!r} is not declared", field=name[:64])
    return {name: _typed(values[name], kinds[name], f"{where}: {name}") for name in sorted(kinds)}


def _typed(value: object, kind: Kind, where: str) -> Value:
    if isinstance(value, str | int) and is_of(value, kind):
        return value
    expected = "a whole number (money in fen)" if kind is NUMBER else f"a {kind}"
    raise InputError("field-type", f"{where}: expected {expected}", expected=kind.value)
