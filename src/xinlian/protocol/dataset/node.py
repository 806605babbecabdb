"""A JSON object of a schema file together with its place, so that every complaint names it.

Source: RFC 8785 for ``canonical``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import orjson

from xinlian.protocol.errors import InputError

MAX_LIST: Final = 256
"""Longest list of texts anywhere in a schema file: as many as a dataset has fields."""


def fail(place: str, expected: str) -> InputError:
    """The one error of this module: ``place`` in the file and what was expected there."""
    return InputError("schema-form", f"dataset schema: {place}: expected {expected}", place=place, expected=expected)


class Node:
    """A JSON object of the file together with its place, so that every complaint names it."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise fail(place, "an object")
        self.value: dict[str, object] = value
        self.place = place

    def at(self, key: str) -> str:
        """The place of a key."""
        return f"{self.place}.{key}"

    def only(self, keys: frozenset[str]) -> None:
        """Refuse keys outside ``keys``."""
        for key in self.value:
            if key not in keys:
                raise fail(self.at(key), "no such keyword here")

    def child(self, key: str) -> Node:
        """The object under ``key``."""
        return Node(self.value.get(key), self.at(key))

    def text(self, key: str, pattern: re.Pattern[str] | None = None, expected: str = "a text", *, max_length: int = 500) -> str:
        """The text under ``key``; required."""
        value = self.value.get(key)
        if (
            not isinstance(value, str)
            or not 0 < len(value) <= max_length
            or (pattern is not None and not pattern.fullmatch(value))
        ):
            raise fail(self.at(key), f"{expected} (1 to {max_length} characters)")
        return value

    def text_or(self, key: str, default: str, pattern: re.Pattern[str] | None = None, expected: str = "a text") -> str:
        """The text under ``key``, or ``default`` when the key is absent."""
        return self.text(key, pattern, expected) if key in self.value else default

    def integer(self, key: str, low: int, high: int) -> int:
        """The integer under ``key``; required."""
        value = self.value.get(key)
        if type(value) is not int or not low <= value <= high:
            raise fail(self.at(key), f"an integer from {low} to {high}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """The boolean under ``key``, or ``default``."""
        value = self.value.get(key, default)
        if not isinstance(value, bool):
            raise fail(self.at(key), "true or false")
        return value

    def texts(
        self, key: str, pattern: re.Pattern[str] | None = None, *, at_least: int = 0, expected: str = "texts"
    ) -> tuple[str, ...]:
        """The list of different texts under ``key``; absent means none."""
        value = self.value.get(key, [])
        if not isinstance(value, list) or len(value) < at_least or len(value) > MAX_LIST:
            raise fail(self.at(key), f"a list of at least {at_least} {expected}")
        for index, entry in enumerate(value):
            if not isinstance(entry, str) or not 0 < len(entry) <= 200 or (pattern is not None and not pattern.fullmatch(entry)):
                raise fail(f"{self.at(key)}[{index}]", expected)
        if len(set(value)) != len(value):
            raise fail(self.at(key), "no entry twice")
        return tuple(value)

    def equal(self, key: str, wanted: object) -> None:
        """The value under ``key`` must be ``wanted``."""
        if key not in self.value or not same(self.value[key], wanted):
            raise fail(self.at(key), orjson.dumps(wanted).decode())

    def one_of(self, key: str, allowed: Sequence[str]) -> str:
        """The text under ``key``, one of ``allowed``; required."""
        value = self.value.get(key)
        if not isinstance(value, str) or value not in [str(entry) for entry in allowed]:
            raise fail(self.at(key), "one of " + ", ".join(allowed))
        return value

    def several_of(self, key: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """The different texts under ``key``, each one of ``allowed``, at least one."""
        values = self.texts(key, at_least=1)
        for index, value in enumerate(values):
            if value not in [str(entry) for entry in allowed]:
                raise fail(f"{self.at(key)}[{index}]", "one of " + ", ".join(allowed))
        return values


def same(left: object, right: object) -> bool:
    """Equality of JSON values that keeps ``true`` and ``1`` apart."""
    return orjson.dumps(left, option=orjson.OPT_SORT_KEYS) == orjson.dumps(right, option=orjson.OPT_SORT_KEYS)


def canonical(value: object) -> bytes:
    """RFC 8785 bytes of a document without fractions and with keys below U+D800.

    For such documents orjson's sorted output is RFC 8785 byte for byte; anything else is refused.

    Raises:
        InputError: ``schema-form``.
    """
    _refuse_inexact(value, "$")
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _refuse_inexact(value: object, place: str) -> None:
    if isinstance(value, dict):
        for key, entry in value.items():
            if any(character >= "\ud800" for character in key):
                raise fail(place, "keys of characters below U+D800")
            _refuse_inexact(entry, f"{place}.{key}")
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            _refuse_inexact(entry, f"{place}[{index}]")
    else:
        _refuse_inexact_value(value, place)


def _refuse_inexact_value(value: object, place: str) -> None:
    if isinstance(value, int):
        if abs(value) > 2**53 - 1:
            raise fail(place, "an integer within 2^53-1")
    elif isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise fail(place, "a text without lone surrogates")
    elif value is not None:
        raise fail(place, "text, integer, boolean, null, list or object")
