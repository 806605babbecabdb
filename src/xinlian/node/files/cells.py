"""Turns one spreadsheet cell into the value that a row holds for its field.

Rules
1. Text is stripped of surrounding white space; an empty cell is null. A text that begins with ``=`` is a formula and refused.
2. Codes and other texts come from text cells only. A number cell there is refused: the spreadsheet may already have lost leading
   zeros or digits beyond the fifteenth (411599199001010014 becomes 4.11599E+17). So is a text in scientific notation.
3. A decimal as text has exactly the field's places. A number cell is taken when its shortest exact writing has at most 15
   significant digits (what a spreadsheet keeps) and at most the field's places; missing places are filled with zeros.
4. Dates: a date cell, or YYYY-MM-DD, YYYY/M/D, YYYY年M月D日, YYYYMMDD. Date-times: a date-time cell, YYYYMMDDThhmmss,
   YYYY-MM-DD hh:mm:ss. Enum: code or label. Logical: 是/否, true/false, or a logical cell.

Source: ECMA-376 part 1, 18.18.11 (cell types); IEEE 754 double (15 significant decimal digits).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from xinlian.protocol.dataset import Field, Kind, describe

Cell: TypeAlias = str | int | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta | None
"""A cell as a reader gives it; CSV cells are texts."""

Value: TypeAlias = str | int | bool | None

MAX_SIGNIFICANT_DIGITS: Final = 15
_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(\.\d+)?[eE]\+?\d+")
_INTEGER: Final = re.compile(r"0|-?[1-9]\d{0,15}", re.ASCII)
_DAY: Final = re.compile(
    r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))", re.ASCII
)
_MOMENT: Final = re.compile(r"(\d{4})[-/]?(\d{1,2})[-/]?(\d{1,2})[T ](\d{2}):?(\d{2}):?(\d{2})", re.ASCII)
_LOGICAL: Final = {"是": True, "否": False, "true": True, "false": False}


class CellError(Exception):
    """A cell that cannot be taken. Never leaves this package.

    Args:
        code: stable error code.
        what: what is there, without the value of a personal field.
    """

    def __init__(self, code: str, what: str) -> None:
        super().__init__(code)
        self.code = code
        self.what = what


def coerce(entry: Field, cell: Cell) -> Value:
    """The row value of a cell.

    Args:
        entry: the field.
        cell: the cell as read.

    Returns:
        what ``CompiledSchema.validate`` takes; form, length and check digits are judged there, not here.

    Raises:
        CellError: the cell cannot be taken.
    """
    if isinstance(cell, str):
        cell = cell.strip()
        if cell.startswith("="):
            raise CellError("file-formula", "the cell holds a formula")
    if cell is None or cell == "":
        return None
    return _READERS.get(entry.type.kind, _text)(entry, cell)


def is_empty(cell: Cell) -> bool:
    """True for a cell without content."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _text(entry: Field, cell: Cell) -> str:
    if not isinstance(cell, str):
        raise CellError("cell-number", f"the cell is {kind_of(cell)}, so leading zeros and digits beyond the 15th are lost")
    if _SCIENTIFIC.fullmatch(cell):
        raise CellError("cell-number", "the text is a number in scientific notation; its last digits are lost")
    if entry.type.kind is Kind.ENUM:
        return next((value.code for value in entry.enum if cell in (value.code, value.label)), cell)
    return cell


def _decimal(entry: Field, cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise CellError("field-type", f"the cell is {kind_of(cell)}")
    number = Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)
    if not number.is_finite() or len(number.normalize().as_tuple().digits) > MAX_SIGNIFICANT_DIGITS:
        raise CellError("cell-inexact", f"the number has more than {MAX_SIGNIFICANT_DIGITS} significant digits")
    if number.copy_abs() >= Decimal(10) ** entry.type.length:
        raise CellError("field-scale", "the number has too many digits before the point")
    fixed = number.quantize(Decimal(1).scaleb(-entry.type.scale)) if number != 0 else Decimal(0).scaleb(-entry.type.scale)
    if fixed != number:
        raise CellError("cell-inexact", f"the number has more than {entry.type.scale} places")
    return f"{fixed:f}"


def _integer(_: Field, cell: Cell) -> int:
    if isinstance(cell, str) and _INTEGER.fullmatch(cell):
        return int(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise CellError("field-type", f"the cell is {kind_of(cell)}")
    if cell != cell or abs(cell) >= 10**MAX_SIGNIFICANT_DIGITS or int(cell) != cell:  # noqa: PLR0124  # NaN is not itself
        raise CellError("cell-inexact", "the number is no exact integer")
    return int(cell)


def _logical(_: Field, cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and cell.lower() in _LOGICAL:
        return _LOGICAL[cell.lower()]
    raise CellError("field-type", f"the cell is {kind_of(cell)}")


def _day(_: Field, cell: Cell) -> str:
    if isinstance(cell, dt.datetime):
        if cell.time() != dt.time(0):
            raise CellError("field-date", "the cell holds a time of day as well")
        return cell.date().isoformat()
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if not isinstance(cell, str):
        raise CellError("field-date", f"the cell is {kind_of(cell)}, not a date")
    match = _DAY.fullmatch(cell)
    if match is None:
        return cell
    year, month, day = (part for part in match.groups() if part is not None)
    return f"{year}-{month:0>2}-{day:0>2}"


def _moment(_: Field, cell: Cell) -> str:
    if isinstance(cell, dt.datetime):
        if cell.microsecond >= 500_000:
            cell += dt.timedelta(seconds=1)  # a spreadsheet keeps a moment as a fraction of a day
        return cell.strftime("%Y%m%dT%H%M%S")
    if not isinstance(cell, str):
        raise CellError("field-date", f"the cell is {kind_of(cell)}, not a date with time")
    match = _MOMENT.fullmatch(cell)
    if match is None:
        return cell
    year, month, day, hour, minute, second = match.groups()
    return f"{year}{month:0>2}{day:0>2}T{hour}{minute}{second}"


_READERS: Final[Mapping[Kind, Callable[[Field, Cell], Value]]] = {
    Kind.DECIMAL: _decimal,
    Kind.INTEGER: _integer,
    Kind.LOGICAL: _logical,
    Kind.DATE: _day,
    Kind.DATETIME: _moment,
}


def kind_of(cell: Cell) -> str:
    """The kind of a cell without its content."""
    if isinstance(cell, bool):
        return "a logical value"
    if isinstance(cell, int | float):
        return "a number"
    if isinstance(cell, dt.date | dt.datetime | dt.time | dt.timedelta):
        return "a date or time"
    return describe(cell)
