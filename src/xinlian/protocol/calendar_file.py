"""The calendar file ``xinlian-calendar/1``: holidays and make-up days by year, from which the workdays follow.

Rules
1. The file holds exceptions only. Saturdays and Sundays are computed here: they are no workdays unless named as make-up days;
   all other days are workdays unless they lie in a holiday.
2. A holiday interval may contain weekends and lies within its year; a make-up day is a Saturday or Sunday outside every
   holiday. No day is named twice.
3. Every entry names what it rests on (依据); every year names its source.

Example::

    {"format": "xinlian-calendar/1", "note": "…", "years": {"2026": {"source": "S15a",
      "holidays": [{"name": "元旦", "from": "2026-01-01", "to": "2026-01-03", "basis": "…通知"}],
      "make_up_days": [{"name": "元旦", "day": "2026-01-04", "basis": "…通知"}]}}}

Source: 全国年节及纪念日放假办法; the State Council's yearly notices; dossier 2.9.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import loads_strict
from xinlian.protocol.members import Members, Where
from xinlian.protocol.working_days import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_WORKDAYS,
    MIN_WORKDAYS,
    SATURDAY,
    YEAR_STARTS,
    Calendar,
    Interval,
    Year,
    day_number,
    year_length,
)

FORMAT: Final = "xinlian-calendar/1"
MAX_FILE_BYTES: Final = 256 * 1024
_CODE: Final = "calendar-file"
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEAR: Final = re.compile(r"2\d{3}", re.ASCII)
_TEXT: Final = re.compile(r"[^\x00-\x1f]{1,200}")
_NOTE: Final = re.compile(r"[^\x00-\x1f]{0,1000}")
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Exceptions:
    """An entry of the file: days that are not what their weekday says.

    Args:
        name: of the holiday.
        first, last: both included; the same day for a make-up day.
        basis: what it rests on (依据).
        is_workday: True for a make-up day.
    """

    name: str
    first: date
    last: date
    basis: str
    is_workday: bool


@dataclass(frozen=True, slots=True)
class YearFile:
    """One year of the file.

    Args:
        year: its number.
        source: where the entries come from.
        entries: holidays and make-up days, in the file's order.
        days: the workdays that follow.
    """

    year: int
    source: str
    entries: tuple[Exceptions, ...]
    days: Year


def parse(data: bytes) -> Mapping[int, YearFile]:
    """Read a calendar file.

    Returns:
        The years by number, in ascending order.

    Raises:
        InputError: ``calendar-file`` naming the place, and the codes of ``loads_strict``.
    """
    where = Where(_CODE, "calendar")
    members = Members.of(loads_strict(data, max_bytes=MAX_FILE_BYTES, max_depth=6), ("format", "note", "years"), where)
    if members.values["format"] != FORMAT:
        raise where.at("format").error(FORMAT)
    members.text("note", _NOTE)
    years, place = members.values["years"], where.at("years")
    if not isinstance(years, dict) or not 1 <= len(years) <= LAST_YEAR - FIRST_YEAR + 1:
        raise place.error("an object of at least one year")
    found = [_year(_year_number(key, place), value, place.at(key)) for key, value in years.items()]
    return {one.year: one for one in sorted(found, key=lambda one: one.year)}


def calendar_of(years: Mapping[int, YearFile]) -> Calendar:
    """The calendar of a file: its years without outages."""
    return Calendar({year: one.days for year, one in years.items()})


def parse_date(text: str) -> date:
    """A date as people write it, YYYY-MM-DD.

    Raises:
        InputError: ``date-form``.
    """
    if _DATE.fullmatch(text) is not None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise InputError("date-form", "a date has the form YYYY-MM-DD and exists", expected="YYYY-MM-DD")


def parse_interval(text: str) -> Interval:
    """Days as people write them, FROM..TO, both included.

    Raises:
        InputError: ``date-form``, ``dates-reversed``.
    """
    first, dots, last = text.partition("..")
    if not dots:
        raise InputError("date-form", "days have the form FROM..TO, both included", expected="YYYY-MM-DD..YYYY-MM-DD")
    return Interval(day_number(parse_date(first)), day_number(parse_date(last)))


def _year_number(key: str, place: Where) -> int:
    if _YEAR.fullmatch(key) is None or not FIRST_YEAR <= int(key) <= LAST_YEAR:
        raise place.error(f"years from {FIRST_YEAR} to {LAST_YEAR}")
    return int(key)


def _year(year: int, value: object, where: Where) -> YearFile:
    members = Members.of(value, ("source", "holidays", "make_up_days"), where)
    holidays = [_holiday(one, place) for place, one in members.list("holidays", 50)]
    make_up_days = [_make_up_day(one, place) for place, one in members.list("make_up_days", 50)]
    entries = (*holidays, *make_up_days)
    _check_entries(year, entries, where)
    days = Year(_workdays(year, entries))
    if not MIN_WORKDAYS <= days.workdays.bit_count() <= MAX_WORKDAYS:
        raise where.error(f"{MIN_WORKDAYS} to {MAX_WORKDAYS} workdays, found {days.workdays.bit_count()}")
    return YearFile(year, members.text("source", _TEXT), entries, days)


def _holiday(value: object, where: Where) -> Exceptions:
    members = Members.of(value, ("name", "from", "to", "basis"), where)
    first, last = _date(members, "from"), _date(members, "to")
    if last < first:
        raise where.error("an interval that does not end before it begins")
    return Exceptions(members.text("name", _TEXT), first, last, members.text("basis", _TEXT), is_workday=False)


def _make_up_day(value: object, where: Where) -> Exceptions:
    members = Members.of(value, ("name", "day", "basis"), where)
    day = _date(members, "day")
    if day.weekday() < SATURDAY:
        raise where.error("a Saturday or Sunday (any other day is a workday anyway)")
    return Exceptions(members.text("name", _TEXT), day, day, members.text("basis", _TEXT), is_workday=True)


def _date(members: Members, name: str) -> date:
    try:
        return parse_date(members.text(name, _DATE))
    except InputError as error:
        raise members.where.at(name).error("a date that exists, YYYY-MM-DD") from error


def _check_entries(year: int, entries: Iterable[Exceptions], where: Where) -> None:
    seen: set[date] = set()
    for entry in entries:
        if entry.first.year != year or entry.last.year != year:
            raise where.error(f"only days of {year}; found {entry.first} to {entry.last}")
        days = set(_days(entry))
        if seen & days:
            raise where.error(f"no day twice; found {min(seen & days)}")
        seen |= days


def _days(entry: Exceptions) -> Iterable[date]:
    return (entry.first + n * _ONE_DAY for n in range((entry.last - entry.first).days + 1))


def _workdays(year: int, entries: Iterable[Exceptions]) -> int:
    start = date(year, 1, 1)
    bits = sum(1 << n for n in range(year_length(year)) if (start + n * _ONE_DAY).weekday() < SATURDAY)
    for entry in entries:
        for day in _days(entry):
            bit = 1 << day_number(day) - YEAR_STARTS[year]
            bits = bits | bit if entry.is_workday else bits & ~bit
    return bits
