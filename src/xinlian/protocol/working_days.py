"""Working days: which days the law's clocks count, and when a term ends. The rules of the contract ``WorkCalendar``, day by day.

Rules
1. Days are days of UTC+8, numbered from 1970-01-01 = 0: ``day = (time + 8 h) // 86,400``. Years run from 2000 to 2100.
2. The start day is not counted (民法典 §201).
3. A term of working days counts every workday outside declared outages and outside the clock's own pauses (特别程序,
   行政许可法 §45). Its end is the last day that counts.
4. A term of calendar days counts every day outside outages and pauses. When its last day is no workday it runs to the next
   day that a term of working days would count (民法典 §203).
5. Deadline = first second after the last day; in time if and only if the time is smaller.
6. A year that is not loaded stops only a question whose answer depends on one of its days; the error names it.

Example: ``calendar.add_working_days(day_number(date(2026, 9, 24)), 10) == day_number(date(2026, 10, 15))``

Source: 行政许可法 §45, §82; 民法典 §201, §203; contracts/src/WorkCalendar.sol (tests/vectors/calendar.json holds for both).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from xinlian.protocol.errors import ConflictError, InputError

DAY_S: Final = 86_400
UTC8_S: Final = 8 * 3600
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
MAX_WORKING_DAYS: Final = 250
MAX_CALENDAR_DAYS: Final = 366
MAX_PAUSES: Final = 16
MIN_WORKDAYS: Final = 200
MAX_WORKDAYS: Final = 300
MAX_OUTAGE_DAYS: Final = 31
OUTAGE_LOOKBACK_DAYS: Final = 10
SATURDAY: Final = 5
"""As ``date.weekday()`` counts."""

_WORD_BITS: Final = 256
_EPOCH: Final = date(1970, 1, 1).toordinal()


def day_of(time_s: int) -> int:
    """Day of UTC+8 in which a time (epoch seconds) lies."""
    return (time_s + UTC8_S) // DAY_S


def end_of(day: int) -> int:
    """First second after a day, epoch seconds."""
    return (day + 1) * DAY_S - UTC8_S


def start_of(day: int) -> int:
    """First second of a day, epoch seconds."""
    return end_of(day - 1)


def day_number(day: date) -> int:
    """Number of a calendar date."""
    return day.toordinal() - _EPOCH


def date_of(day: int) -> date:
    """Calendar date of a day.

    Raises:
        InputError: ``calendar-range`` outside 2000 to 2100.
    """
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InputError("calendar-range", f"day {day} is outside the years {FIRST_YEAR} to {LAST_YEAR}", day=day)
    return date.fromordinal(day + _EPOCH)


FIRST_DAY: Final = day_number(date(FIRST_YEAR, 1, 1))
LAST_DAY: Final = day_number(date(LAST_YEAR, 12, 31))
YEAR_STARTS: Final = {year: day_number(date(year, 1, 1)) for year in range(FIRST_YEAR, LAST_YEAR + 2)}
"""January 1st of every year, and of the one after the last."""


def year_length(year: int) -> int:
    """Days of a year, 365 or 366."""
    return YEAR_STARTS[year + 1] - YEAR_STARTS[year]


@dataclass(frozen=True, slots=True)
class Interval:
    """Days from one to another, both ends included: a pause of one clock, or an outage.

    Args:
        from_day: number of its first day.
        to_day: number of its last day, not before ``from_day``; may lie beyond the calendar.

    Raises:
        InputError: ``dates-reversed``.
    """

    from_day: int
    to_day: int

    def __post_init__(self) -> None:
        if self.to_day < self.from_day:
            raise InputError("dates-reversed", "an interval ends before it begins", from_day=self.from_day, to_day=self.to_day)

    def covers(self, day: int) -> bool:
        """Whether a day lies in it."""
        return self.from_day <= day <= self.to_day


@dataclass(frozen=True, slots=True)
class Year:
    """What is known about a year.

    Args:
        workdays: bit i = day i of the year (0 = January 1st) is a workday.
        outages: bit i = the system was declared out of service on it.
    """

    workdays: int
    outages: int = 0

    @classmethod
    def from_words(cls, workdays: Sequence[int], outages: Sequence[int] = (0, 0)) -> Year:
        """From the contract's two words each, days 0..255 first."""
        return cls(workdays[0] | workdays[1] << _WORD_BITS, outages[0] | outages[1] << _WORD_BITS)

    @property
    def workday_words(self) -> tuple[int, int]:
        """As the contract takes them: days 0..255, days 256..365."""
        return self.workdays & ((1 << _WORD_BITS) - 1), self.workdays >> _WORD_BITS


@dataclass(frozen=True, slots=True)
class Calendar:
    """The loaded years.

    Args:
        years: by number, 2000..2100.
    """

    years: Mapping[int, Year]

    def is_workday(self, day: int) -> bool:
        """Whether a day is a workday, with or without an outage.

        Raises:
            InputError: ``calendar-range``.
            ConflictError: ``calendar-year-missing``.
        """
        year, bit = self._place(day)
        return year.workdays & bit != 0

    def is_outage(self, day: int) -> bool:
        """Whether the system was declared out of service; raises like ``is_workday``."""
        year, bit = self._place(day)
        return year.outages & bit != 0

    def is_counted(self, day: int) -> bool:
        """Whether terms of working days count a day: a workday without an outage; raises like ``is_workday``."""
        year, bit = self._place(day)
        return year.workdays & ~year.outages & bit != 0

    def add_working_days(self, start_day: int, count: int, pauses: Sequence[Interval] = ()) -> int:
        """Last day that is still in time (rule 3).

        Args:
            start_day: the day before the first one that can count.
            count: 1..250.
            pauses: at most 16, in any order, overlapping or not.

        Raises:
            InputError: ``calendar-term``, ``calendar-pauses``, ``calendar-range``.
            ConflictError: ``calendar-year-missing``.
        """
        _check_term(count, MAX_WORKING_DAYS, pauses)
        day = start_day
        for _ in range(count):
            day = self._next(day + 1, pauses)
        return day

    def add_calendar_days(self, start_day: int, count: int, pauses: Sequence[Interval] = ()) -> int:
        """Last day that is still in time of a term of 1..366 calendar days (rule 4); raises like ``add_working_days``."""
        _check_term(count, MAX_CALENDAR_DAYS, pauses)
        day, left = start_day, count
        while left != 0:
            day += 1
            left -= 0 if self.is_outage(day) or _is_paused(day, pauses) else 1
        return self._next(day, pauses)

    def deadline_after(self, start_s: int, count: int, pauses: Sequence[Interval] = ()) -> int:
        """Deadline of a term of working days that starts at a time (rule 5); raises like ``add_working_days``."""
        return end_of(self.add_working_days(day_of(start_s), count, pauses))

    def working_days_between(self, start_s: int, time_s: int, pauses: Sequence[Interval] = ()) -> int:
        """Working days used: the days that count after the day of ``start_s``, up to and with the day of ``time_s``.

        Raises:
            InputError: ``dates-reversed``, ``calendar-pauses``, ``calendar-range``.
            ConflictError: ``calendar-year-missing``.
        """
        if time_s < start_s:
            raise InputError("dates-reversed", "the time is before the start of the term", start=start_s, time=time_s)
        _check_pauses(pauses)
        days = range(day_of(start_s) + 1, day_of(time_s) + 1)
        return sum(1 for day in days if self.is_counted(day) and not _is_paused(day, pauses))

    def _next(self, day: int, pauses: Sequence[Interval]) -> int:
        while not self.is_counted(day) or _is_paused(day, pauses):
            day += 1
        return day

    def _place(self, day: int) -> tuple[Year, int]:  # the bit of the day, not its index
        year = date_of(day).year
        found = self.years.get(year)
        if found is None:
            raise year_missing(year)
        return found, 1 << day - YEAR_STARTS[year]


def year_missing(year: int) -> ConflictError:
    """The error of a year that is not loaded."""
    return ConflictError("calendar-year-missing", f"the working-day calendar of {year} is not loaded", year=year)


def _is_paused(day: int, pauses: Sequence[Interval]) -> bool:
    return any(pause.covers(day) for pause in pauses)


def _check_term(count: int, limit: int, pauses: Sequence[Interval]) -> None:
    if not 1 <= count <= limit:
        raise InputError("calendar-term", f"a term has 1 to {limit} days", count=count, limit=limit)
    _check_pauses(pauses)


def _check_pauses(pauses: Sequence[Interval]) -> None:
    if len(pauses) > MAX_PAUSES:
        raise InputError("calendar-pauses", f"a clock has at most {MAX_PAUSES} pauses", count=len(pauses), limit=MAX_PAUSES)


@dataclass(frozen=True, slots=True)
class YearOverview:
    """A year as people read it: what is not as its weekday says.

    Args:
        year: its number.
        workday_count: workdays in it, outages or not.
        closed: Mondays to Fridays that are no workdays.
        made_up: Saturdays and Sundays that are workdays.
        outages: days that no clock counts.
    """

    year: int
    workday_count: int
    closed: tuple[date, ...]
    made_up: tuple[date, ...]
    outages: tuple[date, ...]

    def to_json(self) -> dict[str, object]:
        """As API and command line give it, dates as YYYY-MM-DD."""
        return {
            "year": self.year,
            "workdays": self.workday_count,
            "closed_weekdays": [day.isoformat() for day in self.closed],
            "make_up_days": [day.isoformat() for day in self.made_up],
            "outages": [day.isoformat() for day in self.outages],
        }


def overview(number: int, year: Year) -> YearOverview:
    """A year as people read it."""
    days = [date_of(YEAR_STARTS[number] + index) for index in range(year_length(number))]
    works = [year.workdays >> index & 1 == 1 for index in range(len(days))]
    weekdays = [day.weekday() < SATURDAY for day in days]
    odd = [(day, works_then) for day, works_then, weekday in zip(days, works, weekdays, strict=True) if works_then != weekday]
    return YearOverview(
        number,
        year.workdays.bit_count(),
        tuple(day for day, works_then in odd if not works_then),
        tuple(day for day, works_then in odd if works_then),
        tuple(day for index, day in enumerate(days) if year.outages >> index & 1 == 1),
    )
