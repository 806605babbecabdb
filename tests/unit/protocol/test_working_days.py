"""Working days by the vectors that forge reads too, and by properties; the contract is compared in tests/integration/chain."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinlian.protocol.calendar_file import calendar_of
from xinlian.protocol.errors import ConflictError, InputError
from xinlian.protocol.working_days import (
    FIRST_DAY,
    LAST_DAY,
    YEAR_STARTS,
    Calendar,
    Interval,
    Year,
    date_of,
    day_number,
    day_of,
    end_of,
    start_of,
    year_length,
)
from xinlian.scenarios.calendar import shipped_calendar

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "calendar.json").read_text("utf-8"))
CALENDAR = calendar_of(shipped_calendar())
UTC8 = timezone(timedelta(hours=8))
FIRST, LAST = day_number(date(2025, 1, 1)), day_number(date(2026, 12, 31))


def _pauses(row: dict[str, Any]) -> tuple[Interval, ...]:
    return tuple(Interval(one["from_day"], one["to_day"]) for one in row["pauses"])


def _with_outage(calendar: Calendar, first: int, last: int) -> Calendar:
    years = dict(calendar.years)
    for day in range(first, last + 1):
        year = date_of(day).year
        years[year] = replace(years[year], outages=years[year].outages | 1 << day - YEAR_STARTS[year])
    return Calendar(years)


def _check(row: dict[str, Any], calendar: Calendar, kind: str) -> None:
    assert day_number(date.fromisoformat(row["start"])) == row["start_day"]
    add = calendar.add_working_days if kind == "working" else calendar.add_calendar_days
    if "missing_year" in row:
        with pytest.raises(ConflictError) as caught:
            add(row["start_day"], row["count"], _pauses(row))
        assert (caught.value.code, caught.value.fields["year"]) == ("calendar-year-missing", row["missing_year"])
    else:
        last = add(row["start_day"], row["count"], _pauses(row))
        assert (date_of(last).isoformat(), last) == (row["last"], row["last_day"])


@pytest.mark.parametrize("row", VECTORS["working_days"], ids=lambda row: row["name"])
def test_working_days(row: dict[str, Any]) -> None:
    _check(row, CALENDAR, "working")


@pytest.mark.parametrize("row", VECTORS["calendar_days"], ids=lambda row: row["name"])
def test_calendar_days(row: dict[str, Any]) -> None:
    _check(row, CALENDAR, "calendar")


@pytest.mark.parametrize("row", VECTORS["outage"]["rows"], ids=lambda row: row["name"])
def test_outages(row: dict[str, Any]) -> None:
    _check(row, _with_outage(CALENDAR, VECTORS["outage"]["from_day"], VECTORS["outage"]["to_day"]), row["kind"])


@pytest.mark.parametrize("row", VECTORS["between"], ids=lambda row: row["name"])
def test_working_days_used(row: dict[str, Any]) -> None:
    for name in ("start", "time"):
        assert datetime.fromisoformat(row[name]).replace(tzinfo=UTC8).timestamp() == row[f"{name}_s"]
    assert CALENDAR.working_days_between(row["start_s"], row["time_s"], _pauses(row)) == row["used"]


@pytest.mark.parametrize("row", VECTORS["deadlines"], ids=lambda row: row["start"])
def test_deadlines(row: dict[str, Any]) -> None:
    assert datetime.fromisoformat(row["deadline"]).replace(tzinfo=UTC8).timestamp() == row["deadline_s"]
    assert CALENDAR.deadline_after(row["start_s"], row["count"]) == row["deadline_s"]


def test_years_of_the_vectors_are_those_of_the_shipped_file() -> None:
    found = {row["year"]: tuple(int(word, 16) for word in row["workdays"]) for row in VECTORS["years"]}
    assert found == {year: one.days.workday_words for year, one in shipped_calendar().items()}
    assert all(Year.from_words(words) == shipped_calendar()[year].days for year, words in found.items())


def test_days_are_those_of_utc8() -> None:
    midnight = int(datetime(2026, 9, 25, tzinfo=UTC8).timestamp())
    day = day_number(date(2026, 9, 25))
    assert (day_of(midnight - 1), day_of(midnight)) == (day - 1, day)
    assert (start_of(day), end_of(day - 1), end_of(day)) == (midnight, midnight, midnight + 86_400)


def test_leap_years() -> None:
    assert {year: year_length(year) for year in (2000, 2024, 2025, 2026, 2028, 2096, 2100)} == {
        2000: 366, 2024: 366, 2025: 365, 2026: 365, 2028: 366, 2096: 366, 2100: 365,
    }  # fmt: skip


@given(day=st.integers(-10, LAST_DAY + 10))
def test_only_days_of_2000_to_2100_have_a_date(day: int) -> None:
    if FIRST_DAY <= day <= LAST_DAY:
        assert day_number(date_of(day)) == day
        return
    with pytest.raises(InputError) as caught:
        date_of(day)
    assert caught.value.code == "calendar-range"


@given(start=st.integers(FIRST, LAST - 60), count=st.integers(1, 30))
def test_a_term_uses_exactly_its_days(start: int, count: int) -> None:
    last = CALENDAR.add_working_days(start, count)
    assert CALENDAR.is_counted(last)
    noon_s = 12 * 3600
    assert CALENDAR.working_days_between(start_of(start), start_of(last) + noon_s) == count
    assert CALENDAR.working_days_between(start_of(start), end_of(last - 1) - 1) == count - 1
    assert CALENDAR.deadline_after(start_of(start) + noon_s, count) == end_of(last)


@given(start=st.integers(FIRST, LAST - 120), count=st.integers(1, 30), first=st.integers(0, 60), length=st.integers(0, 20))
def test_a_pause_only_lengthens_and_by_its_counted_days(start: int, count: int, first: int, length: int) -> None:
    pause = Interval(start + first, start + first + length)
    plain, paused = CALENDAR.add_working_days(start, count), CALENDAR.add_working_days(start, count, (pause,))
    assert paused >= plain
    lost = sum(CALENDAR.is_counted(day) for day in range(start + 1, paused + 1) if pause.covers(day))
    assert paused == CALENDAR.add_working_days(start, count + lost)


def test_terms_and_pauses_have_limits() -> None:
    for count in (0, 251):
        with pytest.raises(InputError) as caught:
            CALENDAR.add_working_days(FIRST, count)
        assert caught.value.code == "calendar-term"
    with pytest.raises(InputError) as caught:
        CALENDAR.add_calendar_days(FIRST, 367)
    assert caught.value.code == "calendar-term"
    many = (Interval(FIRST, FIRST),) * 17
    with pytest.raises(InputError) as caught:
        CALENDAR.add_working_days(FIRST, 1, many)
    assert caught.value.code == "calendar-pauses"
    with pytest.raises(InputError) as caught:
        CALENDAR.working_days_between(0, 0, many)
    assert caught.value.code == "calendar-pauses"


def test_reversed_dates_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        Interval(FIRST + 1, FIRST)
    assert caught.value.code == "dates-reversed"
    with pytest.raises(InputError) as caught:
        CALENDAR.working_days_between(start_of(FIRST) + 1, start_of(FIRST))
    assert caught.value.code == "dates-reversed"


def test_a_day_out_of_service_stays_a_workday() -> None:
    day = VECTORS["outage"]["from_day"]
    calendar = _with_outage(CALENDAR, day, day)
    assert (calendar.is_workday(day), calendar.is_outage(day), calendar.is_counted(day)) == (True, True, False)
