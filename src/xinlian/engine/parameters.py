"""Parameters of a scenario: the numbers that a city sets, each with the document it rests on.

Rules
1. A parameter has a label, a unit, a value (whole number, text, decimal as text, or a ladder ``[[from, value], …]``), the number
   of the document it rests on (依据文号, may be empty), the days from and to which it is in force, and ``demo`` (演示参数).
2. Production refuses a parameter that names no document, and one marked as demo.
3. Asked for a day, a parameter that is not in force then is refused. Without a day nothing is compared: there is no clock here.

Example: ``load_parameters(data).plain["min_continuous_months"] == 6``

Source: issue 3 of 5; dossier 3.1.5.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from xinlian.engine.reading import a_bool, a_text, a_text_or_none, an_object, document
from xinlian.engine.values import NAME, is_value
from xinlian.protocol.calendar_file import parse_date
from xinlian.protocol.errors import InputError

FILE: Final = "parameters.json"
FORMAT: Final = "xinlian-parameters/1"
Plain = str | int | bool | tuple[tuple[int, str], ...]
_DECIMAL: Final = re.compile(r"-?\d{1,15}(\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    Args:
        name: ASCII.
        label: for people.
        value: as the rules read it.
        unit: such as 月, 元 or %.
        basis: number of the document it rests on; empty when none is known.
        effective_from: first day, YYYY-MM-DD.
        effective_to: last day; None without end.
        demo: 演示参数.
    """

    name: str
    label: str
    value: Plain
    unit: str
    basis: str
    effective_from: str
    effective_to: str | None
    demo: bool


@dataclass(frozen=True, slots=True)
class Parameters:
    """All parameters of a scenario, by name."""

    entries: Mapping[str, Parameter]

    @property
    def plain(self) -> dict[str, Plain]:
        """The values by name."""
        return {name: entry.value for name, entry in self.entries.items()}

    def check_production(self) -> None:
        """Refuse what may only be shown.

        Raises:
            InputError: ``parameter-without-basis``.
        """
        wrong = [name for name, entry in self.entries.items() if not entry.basis or entry.demo]
        if wrong:
            message = f"{FILE}: without 依据文号 or marked 演示参数: {', '.join(wrong)}"
            raise InputError("parameter-without-basis", message, parameters=wrong)

    def check_in_force(self, day: str) -> None:
        """Refuse parameters that are not in force on a day (YYYY-MM-DD).

        Raises:
            InputError: ``parameter-not-in-force`` or ``date-form``.
        """
        parse_date(day)
        for name, entry in self.entries.items():
            if day < entry.effective_from or (entry.effective_to is not None and day > entry.effective_to):
                until = entry.effective_to or "further notice"
                message = f"{FILE}: {name} is in force from {entry.effective_from} to {until}, not on {day}"
                raise InputError("parameter-not-in-force", message, parameter=name, day=day)


def load_parameters(data: bytes, file: str = FILE) -> Parameters:
    """Read parameters.json.

    Raises:
        InputError: ``scenario-file`` or a code of ``protocol.jsontext``.
    """
    root = document(data, FORMAT, {"parameters"}, file)
    entries = an_object(root["parameters"], file, "parameters")
    return Parameters({name: _entry(name, value, file) for name, value in entries.items()})


def decimal_of(parameters: Mapping[str, Plain], name: str) -> Decimal:
    """A parameter as an exact decimal number.

    Raises:
        InputError: ``scenario-file`` when it is none.
    """
    value = parameters[name]
    if isinstance(value, bool) or not isinstance(value, str | int) or not _DECIMAL.fullmatch(str(value)):
        raise InputError("scenario-file", f"{FILE}: {name}: expected a decimal number as text", parameter=name)
    return Decimal(value)


def ladder_of(parameters: Mapping[str, Plain], name: str) -> tuple[tuple[int, Decimal], ...]:
    """A parameter as a ladder: from which number on which decimal holds.

    Raises:
        InputError: ``scenario-file`` when it is none.
    """
    value = parameters[name]
    steps = value if isinstance(value, tuple) else ()
    rising = all(low[0] < high[0] for low, high in itertools.pairwise(steps))
    if not steps or not rising or not all(_DECIMAL.fullmatch(text) for _, text in steps):
        raise InputError("scenario-file", f"{FILE}: {name}: expected [[from, decimal], …], rising", parameter=name)
    return tuple((start, Decimal(text)) for start, text in steps)


def _entry(name: str, value: object, file: str) -> Parameter:
    where = f"parameters.{name[:64]}"
    if not NAME.fullmatch(name):
        raise InputError("scenario-file", f"{file}: {where}: expected an ASCII name", place=where)
    names = {"label", "value", "unit", "basis", "effective_from", "effective_to", "demo"}
    members = an_object(value, file, where, names)
    starts = a_text(members["effective_from"], file, f"{where}.effective_from")
    ends = a_text_or_none(members["effective_to"], file, f"{where}.effective_to")
    for day in (starts, ends):
        if day is not None:
            parse_date(day)
    return Parameter(
        name=name,
        label=a_text(members["label"], file, f"{where}.label"),
        value=_value(members["value"], file, f"{where}.value"),
        unit=a_text(members["unit"], file, f"{where}.unit", empty=True),
        basis=a_text(members["basis"], file, f"{where}.basis", empty=True),
        effective_from=starts,
        effective_to=ends,
        demo=a_bool(members["demo"], file, f"{where}.demo"),
    )


def _value(value: object, file: str, where: str) -> Plain:
    if isinstance(value, str | int) and is_value(value):
        return value
    if isinstance(value, list) and 0 < len(value) <= 100 and all(map(_is_step, value)):
        return tuple((step[0], step[1]) for step in value)
    raise InputError("scenario-file", f"{file}: {where}: expected a whole number, a text, true, false or a ladder", place=where)


def _is_step(step: object) -> bool:
    return isinstance(step, list) and len(step) == 2 and type(step[0]) is int and isinstance(step[1], str)
