"""Reading a JSON object strictly: exactly these members, each of its type and within its bounds.

Rules
1. A missing member and an unknown one are both errors; there are no optional members, ``null`` is written out.
2. Every error carries the code the caller gave and names the member by its path; it never repeats a value.
3. ``bool`` is not an integer, and an integer is never a float.
4. Places are named only when something is wrong: this runs for every item of every exchange.

Example::

    grant = Members.of(value, ("provider", "number"), Where("request-form", "grant"))
    number = grant.integer("number", 1, 2**64 - 1)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar, cast

from xinlian.protocol.errors import InputError

Scalar = str | int | bool | None
"""A JSON value that a field can hold: fixed-point numbers are strings."""

MAX_INTEGER: Final = 2**53 - 1

_E = TypeVar("_E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Where:
    """Which document is read, for its errors.

    Args:
        code: error code of the document's family.
        path: where in the document, for the message.
    """

    code: str
    path: str

    def at(self, member: str | int) -> Where:
        """The place one step further in."""
        step = f"[{member}]" if isinstance(member, int) else f".{member}"
        return Where(self.code, self.path + step)

    def error(self, expected: str) -> InputError:
        """The error for this place."""
        return InputError(self.code, f"{self.path}: expected {expected}", path=self.path, expected=expected)


@dataclass(frozen=True, slots=True)
class Members:
    """One object with exactly the members asked for.

    Args:
        where: the object's place.
        values: the parsed members.
    """

    where: Where
    values: Mapping[str, object]

    @classmethod
    def of(cls, value: object, names: tuple[str, ...], where: Where) -> Members:
        """Take an object apart.

        Raises:
            InputError: the code of ``where`` when it is not an object with exactly these members.
        """
        if not isinstance(value, dict) or value.keys() != frozenset(names):
            raise where.error(f"an object with exactly the members {', '.join(names)}")
        return cls(where, cast("dict[str, object]", value))

    def text(self, name: str, form: re.Pattern[str]) -> str:
        """A string of this form."""
        value = self.values[name]
        if isinstance(value, str) and form.fullmatch(value) is not None:
            return value
        return as_text(value, form, self.where.at(name))

    def integer(self, name: str, low: int, high: int = MAX_INTEGER) -> int:
        """An integer, bounds included."""
        value = self.values[name]
        if type(value) is int and low <= value <= high:
            return value
        return as_integer(value, low, high, self.where.at(name))

    def texts(self, name: str, form: re.Pattern[str], most: int, least: int = 0) -> tuple[str, ...]:
        """The elements of an array of strings of this form."""
        value = self.values[name]
        if isinstance(value, list) and least <= len(value) <= most:
            fits = form.fullmatch
            if all(isinstance(text, str) and fits(text) is not None for text in value):
                return tuple(value)
        return tuple(as_text(text, form, place) for place, text in self.list(name, most, least))

    def list(self, name: str, most: int, least: int = 0) -> list[tuple[Where, object]]:
        """The elements of an array, each with its place."""
        return as_list(self.values[name], most, least, self.where.at(name))

    def optional_text(self, name: str, form: re.Pattern[str]) -> str | None:
        """A string of this form, or ``null``."""
        return None if self.values[name] is None else self.text(name, form)

    def optional_integer(self, name: str, low: int, high: int = MAX_INTEGER) -> int | None:
        """An integer, or ``null``."""
        return None if self.values[name] is None else self.integer(name, low, high)

    def choice(self, name: str, kind: type[_E]) -> _E:
        """A value of a string enumeration."""
        try:
            return kind(cast("str", self.values[name]))
        except ValueError:
            raise self.where.at(name).error(f"one of {', '.join(kind)}") from None

    def scalars(self, name: str, form: re.Pattern[str], most: int, longest: int) -> dict[str, Scalar]:
        """An object of scalars whose names have this form.

        Args:
            name: the member.
            form: form of the inner names.
            most: how many inner members at most.
            longest: characters of a string at most.
        """
        value = self.values[name]
        if value == {}:
            return {}
        where = self.where.at(name)
        if not isinstance(value, dict) or len(value) > most:
            raise where.error(f"an object of at most {most} members")
        for key, inner in value.items():
            as_text(key, form, where)
            _check_scalar(inner, longest, where)
        return cast("dict[str, Scalar]", value)


def as_text(value: object, form: re.Pattern[str], where: Where) -> str:
    """Return a string of this form or raise."""
    if not isinstance(value, str) or form.fullmatch(value) is None:
        raise where.error(f"a string of the form {form.pattern}")
    return value


def as_integer(value: object, low: int, high: int, where: Where) -> int:
    """Return an integer within the bounds or raise."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise where.error(f"an integer from {low} to {high}")
    return value


def as_list(value: object, most: int, least: int, where: Where) -> list[tuple[Where, object]]:
    """Return an array's elements with their places or raise."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise where.error(f"an array of {least} to {most} elements")
    return [(where.at(index), element) for index, element in enumerate(value)]


def _check_scalar(value: object, longest: int, where: Where) -> None:
    if isinstance(value, str):
        if len(value) > longest:
            raise where.error(f"strings of at most {longest} characters")
    elif value is not None and not isinstance(value, bool):
        as_integer(value, -MAX_INTEGER, MAX_INTEGER, where)
