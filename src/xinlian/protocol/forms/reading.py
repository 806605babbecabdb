"""Reading a form: a frozen dataclass says what a form holds, one reader checks a JSON object against it and finds every fault.

Rules
1. Members are the dataclass's fields, in its order; a member whose type allows ``None`` may be null or left out, no other.
2. All faults of a form are found in one go, each with its place and code: what is missing has the code of its member, so that a
   form without its legal basis is told so and not only that it is incomplete.
3. Messages name places and what was expected, never values.

Example::

    @dataclass(frozen=True, slots=True)
    class Notice:
        reason: Annotated[str, Line(500), Missing("reason-missing")]

    notice = read(Notice, {"reason": "材料不全"})
"""

from __future__ import annotations

import re
import types
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from xinlian.protocol.errors import InputError

MISSING: Final = "form-member-missing"
WRONG: Final = "form-member"
UNKNOWN: Final = "form-member-unknown"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_BREAKS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_]{0,39}", re.ASCII)
_T = TypeVar("_T")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


# -- what a member may say about itself -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Missing:
    """The code of a form that lacks this member."""

    code: str


@dataclass(frozen=True, slots=True)
class Line:
    """A text of one line, 1 to ``most`` characters, not only blanks."""

    most: int

    @property
    def expected(self) -> str:
        """In words."""
        return f"a text of one line, 1 to {self.most} characters"

    def fits(self, value: object) -> bool:
        """Whether a value is of this form."""
        return isinstance(value, str) and _is_text(value, self.most, _CONTROL)


@dataclass(frozen=True, slots=True)
class Prose:
    """A text of several lines, 1 to ``most`` characters, not only blanks."""

    most: int

    @property
    def expected(self) -> str:
        """In words."""
        return f"a text of 1 to {self.most} characters"

    def fits(self, value: object) -> bool:
        """Whether a value is of this form."""
        return isinstance(value, str) and _is_text(value, self.most, _CONTROL_BUT_BREAKS)


@dataclass(frozen=True, slots=True)
class Code:
    """A text that a pattern describes; ``expected`` says it in words."""

    pattern: re.Pattern[str]
    expected: str

    def fits(self, value: object) -> bool:
        """Whether a value is of this form."""
        return isinstance(value, str) and self.pattern.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar."""

    expected: str = "a day as YYYY-MM-DD"

    def fits(self, value: object) -> bool:
        """Whether a value is of this form."""
        try:
            return isinstance(value, str) and _DAY.fullmatch(value) is not None and date.fromisoformat(value).isoformat() == value
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, bounds included."""

    low: int
    high: int

    @property
    def expected(self) -> str:
        """In words."""
        return f"a whole number from {self.low} to {self.high}"

    def fits(self, value: object) -> bool:
        """Whether a value is of this form."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Count:
    """How many elements a list has."""

    least: int
    most: int

    @property
    def expected(self) -> str:
        """In words."""
        return f"a list of {self.least} to {self.most} elements"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where, which code, what was expected."""

    field: str
    code: str
    expected: str

    def to_json(self) -> dict[str, str]:
        """As errors carry it."""
        return {"field": self.field, "code": self.code, "expected": self.expected}


# -- reading --------------------------------------------------------------------------------------------


class _Faulty:
    """Stands for a value that has a fault already."""


_FAULTY: Final = _Faulty()


def read(form: type[_T], content: object) -> _T:
    """Read a JSON object as a form.

    Args:
        form: a frozen dataclass as above; its method ``faults``, if it has one, gives what single members cannot show.
        content: parsed JSON.

    Returns:
        An instance of ``form``.

    Raises:
        InputError: the code of the first fault; ``faults`` lists all of them.
    """
    found: list[Fault] = []
    value = _object(form, content, "", found)
    if not found:
        found.extend(getattr(value, "faults", lambda: ())())
    if found:
        raise refused(found)
    return cast("_T", value)


def refused(found: list[Fault]) -> InputError:
    """The error for a form with faults."""
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InputError(
        first.code,
        f"{first.field or 'form'}: expected {first.expected}{more}",
        field=first.field,
        expected=first.expected,
        faults=[fault.to_json() for fault in found],
    )


def to_json(form: Any) -> dict[str, object]:
    """A form as the JSON object that ``read`` reads; members without a value are left out."""
    found = {field.name: _plain(getattr(form, field.name)) for field in fields(form)}
    return {name: value for name, value in found.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(element) for element in value]
    return to_json(value) if hasattr(value, "__dataclass_fields__") else value


@lru_cache(maxsize=128)
def _members(form: Any) -> dict[str, Any]:
    hints = get_type_hints(form, include_extras=True)
    return {field.name: hints[field.name] for field in fields(form)}


def _object(form: type[Any], content: object, place: str, found: list[Fault]) -> Any:
    if not isinstance(content, Mapping):
        found.append(Fault(place, WRONG, "an object"))
        return _FAULTY
    members = _members(cast("Hashable", form))
    found.extend(Fault(_at(place, _shown(name)), UNKNOWN, "no such member") for name in content if name not in members)
    values = {name: _member(hint, content.get(name), _at(place, name), found) for name, hint in members.items()}
    return form(**values) if not found else _FAULTY


def _member(hint: Any, value: object, place: str, found: list[Fault]) -> Any:
    base, notes, is_optional = _taken_apart(hint)
    if value is None:
        if not is_optional:
            code = next((note.code for note in notes if isinstance(note, Missing)), MISSING)
            found.append(Fault(place, code, _expected(base, notes)))
        return None
    return _value(base, notes, value, place, found)


def _taken_apart(hint: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """(type, notes, whether None is allowed) of an annotation."""
    notes: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        notes = tuple(rest)
    if get_origin(hint) in (Union, types.UnionType):
        inner = [one for one in get_args(hint) if one is not type(None)]
        base, more, _ = _taken_apart(inner[0])
        return base, (*more, *notes), True
    return hint, notes, False


def _value(base: Any, notes: tuple[Any, ...], value: object, place: str, found: list[Fault]) -> Any:
    if get_origin(base) is tuple:
        return _list(get_args(base)[0], notes, value, place, found)
    if isinstance(base, type) and issubclass(base, StrEnum):
        if isinstance(value, str) and value in {member.value for member in base}:
            return base(value)
    elif isinstance(base, type) and hasattr(base, "__dataclass_fields__"):
        return _object(base, value, place, found)
    elif base is bool:
        if isinstance(value, bool):
            return value
    elif next(note for note in notes if isinstance(note, Line | Prose | Code | Day | Whole)).fits(value):
        return value
    is_blank = isinstance(value, str) and not value.strip()
    code = next((note.code for note in notes if is_blank and isinstance(note, Missing)), WRONG)
    found.append(Fault(place, code, _expected(base, notes)))
    return _FAULTY


def _list(inner: Any, notes: tuple[Any, ...], value: object, place: str, found: list[Fault]) -> Any:
    count = next(note for note in notes if isinstance(note, Count))
    if not isinstance(value, list) or not count.least <= len(value) <= count.most:
        code = next((note.code for note in notes if value == [] and isinstance(note, Missing)), WRONG)
        found.append(Fault(place, code, count.expected))
        return _FAULTY
    return tuple(_member(inner, element, f"{place}[{index}]", found) for index, element in enumerate(value))


def _is_text(value: str, most: int, control: re.Pattern[str]) -> bool:
    return bool(value.strip()) and len(value) <= most and control.search(value) is None


def _expected(base: Any, notes: tuple[Any, ...]) -> str:
    """What a member should have held, in words."""
    if isinstance(base, type) and issubclass(base, StrEnum):
        return "one of " + ", ".join(member.value for member in base)
    said = [note.expected for note in notes if not isinstance(note, Missing)]
    return str(said[0]) if said else "true or false" if base is bool else "an object"


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _shown(name: object) -> str:
    """A member's name that is not ours: repeated only when it looks like a name."""
    return name if isinstance(name, str) and _NAME.fullmatch(name) else "?"
