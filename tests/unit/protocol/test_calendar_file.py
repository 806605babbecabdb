from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from xinlian.protocol.calendar_file import calendar_of, parse, parse_date
from xinlian.protocol.errors import InputError
from xinlian.protocol.working_days import day_number
from xinlian.scenarios.calendar import shipped_calendar, shipped_calendar_bytes

SHIPPED: dict[str, Any] = json.loads(shipped_calendar_bytes())
HOLIDAYS = {
    2025: "01-01 01-28…02-04 04-04…04-06 05-01…05-05 05-31…06-02 10-01…10-08",
    2026: "01-01…01-03 02-15…02-23 04-04…04-06 05-01…05-05 06-19…06-21 09-25…09-27 10-01…10-07",
}
MAKE_UP_DAYS = {2025: "01-26 02-08 04-27 09-28 10-11", 2026: "01-04 02-14 02-28 05-09 09-20 10-10"}
"""As the dossier prints them (2.9.8)."""


@pytest.mark.parametrize("year", [2025, 2026])
def test_the_shipped_years_are_those_of_the_dossier(year: int) -> None:
    calendar = calendar_of(shipped_calendar())
    closed = set()
    for span in HOLIDAYS[year].split():
        first, last = (date.fromisoformat(f"{year}-{end}") for end in (span.split("…") * 2)[:2])
        closed |= set(range(day_number(first), day_number(last) + 1))
    made_up = {day_number(date.fromisoformat(f"{year}-{day}")) for day in MAKE_UP_DAYS[year].split()}
    for day in range(day_number(date(year, 1, 1)), day_number(date(year + 1, 1, 1))):
        weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
        assert calendar.is_workday(day) == (day in made_up or (weekday < 5 and day not in closed)), day


def test_every_entry_says_what_it_rests_on() -> None:
    years = shipped_calendar()
    assert {year: one.source for year, one in years.items()} == {2025: "own knowledge", 2026: "S15a"}
    assert all(f"{year}年部分节假日安排的通知" in entry.basis for year, one in years.items() for entry in one.entries)
    assert 2027 not in years, "no notice was found; nothing may be computed beyond the loaded years"


def _first_holiday(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda file: change(file["years"]["2026"]["holidays"][0])


def _make_up_day(day: str) -> Callable[[dict[str, Any]], object]:
    return lambda file: file["years"]["2026"]["make_up_days"][0].update(day=day)


DEFECTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another format": lambda file: file.update(format="xinlian-calendar/2"),
    "a member more": lambda file: file.update(more=1),
    "no years": lambda file: file.update(years={}),
    "years no object": lambda file: file.update(years=[]),
    "a year before 2000": lambda file: file["years"].update({"1999": file["years"]["2026"]}),
    "a year after 2100": lambda file: file["years"].update({"2101": file["years"]["2026"]}),
    "a year that is none": lambda file: file["years"].update({"next": file["years"]["2026"]}),
    "a year without source": lambda file: file["years"]["2026"].pop("source"),
    "a holiday without basis": _first_holiday(lambda one: one.pop("basis")),
    "an empty basis": _first_holiday(lambda one: one.update(basis="")),
    "a holiday that ends before it begins": _first_holiday(lambda one: one.update({"from": "2026-01-03", "to": "2026-01-01"})),
    "a holiday of another year": _first_holiday(lambda one: one.update({"from": "2025-12-31"})),
    "a date that does not exist": _first_holiday(lambda one: one.update(to="2026-02-30")),
    "a date in another form": _first_holiday(lambda one: one.update(to="20260103")),
    "a day twice": _first_holiday(lambda one: one.update({"from": "2026-02-20", "to": "2026-02-24"})),
    "a make-up day inside a holiday": _make_up_day("2026-01-03"),
    "a make-up day that is a weekday": _make_up_day("2026-01-05"),
    "a year of holidays": _first_holiday(lambda one: one.update({"from": "2026-07-01", "to": "2026-09-19"})),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_defects_are_named(defect: str) -> None:
    file = copy.deepcopy(SHIPPED)
    DEFECTS[defect](file)
    with pytest.raises(InputError) as caught:
        parse(json.dumps(file).encode())
    assert caught.value.code == "calendar-file"
    assert "calendar" in caught.value.message


def test_a_holiday_over_a_weekend_and_a_leap_day() -> None:
    file = copy.deepcopy(SHIPPED)
    file["years"] = {"2028": {"source": "x", "holidays": [], "make_up_days": []}}
    holiday = {"name": "x", "from": "2028-02-26", "to": "2028-02-29", "basis": "x"}
    before = calendar_of(parse(json.dumps(file).encode()))
    file["years"]["2028"]["holidays"] = [holiday]
    after = calendar_of(parse(json.dumps(file).encode()))
    changed = [day for day in range(21_184, 21_550) if before.is_workday(day) != after.is_workday(day)]
    assert changed == [day_number(date(2028, 2, 28)), day_number(date(2028, 2, 29))]


@pytest.mark.parametrize("text", ["2026-9-24", "20260924", "2026-02-29", "2026-13-01", "", "2026-09-24 ", "２０２６-09-24"])
def test_dates_have_one_form(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_date(text)
    assert caught.value.code == "date-form"


def test_a_date_is_read() -> None:
    assert parse_date("2026-09-24") == date(2026, 9, 24)
