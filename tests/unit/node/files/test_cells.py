"""Single cells: what is taken for a field, and what is refused with its reason."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.files import FLAT
from xinlian.node.files.cells import Cell, CellError, Value, coerce

_naive = dt.datetime.fromisoformat
"""Cells have no time zone."""

TAKEN: list[tuple[str, Cell, Value]] = [
    ("no", "  a b \t", "a b"),
    ("no", "", None),
    ("no", "   ", None),
    ("no", None, None),
    ("person", "411599199001010014", "411599199001010014"),
    ("amount", "1234.50", "1234.50"),
    ("amount", "1234.5", "1234.5"),
    ("amount", 1234.5, "1234.50"),
    ("amount", 1234, "1234.00"),
    ("amount", 0.0, "0.00"),
    ("amount", -0.0, "0.00"),
    ("amount", 7309.64, "7309.64"),
    ("amount", 0.1, "0.10"),
    ("balance", -1.5, "-1.500"),
    ("months", "48", 48),
    ("months", 48.0, 48),
    ("months", "-1", -1),
    ("day", "2026-02-28", "2026-02-28"),
    ("day", "2026/2/8", "2026-02-08"),
    ("day", "2026年2月8日", "2026-02-08"),
    ("day", "20260208", "2026-02-08"),
    ("day", dt.date(2026, 2, 8), "2026-02-08"),
    ("day", _naive("2026-02-08"), "2026-02-08"),
    ("day", "28.2.2026", "28.2.2026"),
    ("moment", "20261102T080000", "20261102T080000"),
    ("moment", "2026-11-02 08:00:00", "20261102T080000"),
    ("moment", "2026/11/2 08:00:00", "20261102T080000"),
    ("moment", _naive("2026-11-02T07:59:59.999600"), "20261102T080000"),
    ("state", "01", "01"),
    ("state", "正常", "01"),
    ("state", "不正常", "不正常"),
    ("is_open", "是", True),
    ("is_open", "FALSE", False),
    ("is_open", True, True),
]


@pytest.mark.parametrize(("field", "cell", "value"), TAKEN)
def test_what_is_taken(field: str, cell: Cell, value: Value) -> None:
    taken = coerce(FLAT.field(field), cell)
    assert taken == value
    assert type(taken) is type(value)


REFUSED: list[tuple[str, Cell, str]] = [
    ("person", 4.1159919900101e17, "cell-number"),
    ("person", 411599199001010014, "cell-number"),
    ("person", "4.11599E+17", "cell-number"),
    ("no", 20.0, "cell-number"),
    ("no", True, "cell-number"),
    ("no", dt.date(2026, 1, 1), "cell-number"),
    ("state", 1.0, "cell-number"),
    ("no", "=A1", "file-formula"),
    ("amount", "=1+1", "file-formula"),
    ("amount", 0.125, "cell-inexact"),
    ("amount", 0.1 + 0.2, "cell-inexact"),
    ("amount", 12345678901234.56, "cell-inexact"),
    ("amount", 1e300, "field-scale"),
    ("amount", float("inf"), "cell-inexact"),
    ("amount", float("nan"), "cell-inexact"),
    ("amount", True, "field-type"),
    ("amount", dt.date(2026, 1, 1), "field-type"),
    ("months", "048", "field-type"),
    ("months", "48.0", "field-type"),
    ("months", 48.5, "cell-inexact"),
    ("months", float("nan"), "cell-inexact"),
    ("months", float("inf"), "cell-inexact"),
    ("months", 1e15, "cell-inexact"),
    ("months", True, "field-type"),
    ("day", 46000.0, "field-date"),
    ("day", _naive("2026-02-08T01:00:00"), "field-date"),
    ("moment", 46000.5, "field-date"),
    ("moment", dt.date(2026, 2, 8), "field-date"),
    ("is_open", "Y", "field-type"),
    ("is_open", 1.0, "field-type"),
]


@pytest.mark.parametrize(("field", "cell", "code"), REFUSED)
def test_what_is_refused(field: str, cell: Cell, code: str) -> None:
    with pytest.raises(CellError) as caught:
        coerce(FLAT.field(field), cell)
    assert caught.value.code == code
    assert str(cell) not in caught.value.what


@given(st.integers(0, 99_999_999))
def test_a_number_cell_with_two_places_is_exact(cents: int) -> None:
    text = f"{cents // 100}.{cents % 100:02d}"
    assert coerce(FLAT.field("amount"), float(text)) == text


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_cell_is_taken_exactly_or_not_at_all(number: float) -> None:
    try:
        outcome = coerce(FLAT.field("amount"), number)
    except CellError as error:
        outcome = error.code
    assert outcome in ("cell-inexact", "field-scale") or Decimal(str(outcome)) == Decimal(repr(number))
