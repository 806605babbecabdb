"""The statutory clocks of Decree 809: what starts each one, how long it runs, by how much it may be extended, what lateness does;
and how a running clock is read: working days used, deadline, light.

Rules
1. A clock stores its start; its deadline is computed from the calendar every time (``working_days``).
2. Light: red from the deadline on; yellow when few working days are left or most of the term is used (``LightRule``
   [assumption], configurable); green before. A clock whose deadline needs a year that is not loaded has no light.
3. A reading never fails for a missing year: it names it.

Example: ``read_clock(calendar, Term(start_s, 10), now_s).text == "3 of 10 working days used"``

Source: Decree 809 art. 17, 21, 22, 26 as in dossier 2.3.1 (deadline decision table).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from xinlian.protocol.errors import ConflictError
from xinlian.protocol.working_days import Calendar, Interval, date_of, day_of, end_of


class ClockId(StrEnum):
    """The clocks of the decision table."""

    ANSWER_UNCONDITIONAL = "ANSWER_UNCONDITIONAL"
    ANSWER_CONDITIONAL = "ANSWER_CONDITIONAL"
    DELIVER = "DELIVER"
    CORRECTION_ANSWER = "CORRECTION_ANSWER"
    CATALOG_UPDATE = "CATALOG_UPDATE"
    CATALOG_REVIEW = "CATALOG_REVIEW"


class Overdue(StrEnum):
    """What lateness does."""

    ESCALATE = "escalate"
    WARN = "warn"


class Light(StrEnum):
    """How urgent a clock is."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class ClockRule:
    """One row of the decision table.

    Args:
        starts: the event whose day is day 0.
        length_wd: working days.
        extension_wd: most working days by which the authority may consent to extend it, once; 0 = never.
        overdue: what lateness does.
        basis: article.
    """

    starts: str
    length_wd: int
    extension_wd: int
    overdue: Overdue
    basis: str


CLOCKS: Final[Mapping[ClockId, ClockRule]] = MappingProxyType(
    {
        ClockId.ANSWER_UNCONDITIONAL: ClockRule("request received", 1, 0, Overdue.ESCALATE, "Decree 809 art. 21"),
        ClockId.ANSWER_CONDITIONAL: ClockRule("request received", 10, 10, Overdue.ESCALATE, "Decree 809 art. 21"),
        ClockId.DELIVER: ClockRule("consent given", 20, 0, Overdue.ESCALATE, "Decree 809 art. 22"),
        ClockId.CORRECTION_ANSWER: ClockRule("校核 application received", 10, 0, Overdue.ESCALATE, "Decree 809 art. 26"),
        ClockId.CATALOG_UPDATE: ClockRule("law or duty changed", 10, 5, Overdue.WARN, "Decree 809 art. 17"),
        ClockId.CATALOG_REVIEW: ClockRule("entry submitted to the authority", 2, 0, Overdue.WARN, "Decree 809 art. 17"),
    }
)
"""By clock. That unconditional answers cannot be extended is an [assumption] of the dossier."""


@dataclass(frozen=True, slots=True)
class LightRule:
    """When a light turns yellow [assumption].

    Args:
        yellow_left_wd: at most so many working days are left.
        yellow_used_percent: at least so much of the term is used.
    """

    yellow_left_wd: int = 2
    yellow_used_percent: int = 70


@dataclass(frozen=True, slots=True)
class Term:
    """A running term of working days.

    Args:
        start_s: epoch seconds; its day is not counted.
        length_wd: 1..250, extensions included.
        pauses: days of special procedures that do not count.
    """

    start_s: int
    length_wd: int
    pauses: tuple[Interval, ...] = ()


@dataclass(frozen=True, slots=True)
class ClockReading:
    """A clock at a time.

    Args:
        length_wd: of the term.
        used_wd: working days used; may exceed the length. None when a missing year prevents the count.
        deadline_s: first second that is too late, epoch seconds. None when a missing year prevents it.
        light: None without a deadline.
        is_paused: the day read lies in one of the term's pauses.
        missing_year: the year that is not loaded, or None.
    """

    length_wd: int
    used_wd: int | None
    deadline_s: int | None
    light: Light | None
    is_paused: bool
    missing_year: int | None = None

    @property
    def left_wd(self) -> int | None:
        """Working days left, not below 0."""
        return None if self.used_wd is None else max(self.length_wd - self.used_wd, 0)

    @property
    def last_day(self) -> str | None:
        """The last day that is in time, YYYY-MM-DD."""
        return None if self.deadline_s is None else date_of(day_of(self.deadline_s) - 1).isoformat()

    @property
    def text(self) -> str:
        """As people are shown it."""
        used = "?" if self.used_wd is None else self.used_wd
        return f"{used} of {self.length_wd} working days used"

    def to_json(self) -> dict[str, object]:
        """As the API gives it."""
        return {
            "length_wd": self.length_wd,
            "used_wd": self.used_wd,
            "left_wd": self.left_wd,
            "deadline": self.deadline_s,
            "last_day": self.last_day,
            "light": self.light,
            "paused": self.is_paused,
            "missing_year": self.missing_year,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class TermQuestion:
    """A term that somebody asks for, without any clock.

    Args:
        start_day: its day is not counted.
        count: days, 1..250 working days or 1..366 calendar days.
        is_calendar_days: whether every day counts and the end runs to a workday.
        pauses: that do not count.
    """

    start_day: int
    count: int
    is_calendar_days: bool = False
    pauses: tuple[Interval, ...] = ()

    def answer(self, calendar: Calendar) -> TermEnd:
        """When it ends.

        Raises:
            InputError: ``calendar-term``, ``calendar-pauses``, ``calendar-range``.
            ConflictError: ``calendar-year-missing``.
        """
        add = calendar.add_calendar_days if self.is_calendar_days else calendar.add_working_days
        return self.ended(add(self.start_day, self.count, self.pauses))

    def ended(self, last_day: int) -> TermEnd:
        """When it ends, by an answer from elsewhere."""
        return TermEnd(self, last_day)


@dataclass(frozen=True, slots=True)
class TermEnd:
    """The end of a term: the last day that is still in time."""

    question: TermQuestion
    last_day: int

    def to_json(self) -> dict[str, object]:
        """As API and command line give it: dates as YYYY-MM-DD, the deadline as epoch seconds."""
        return {
            "start": date_of(self.question.start_day).isoformat(),
            "days": self.question.count,
            "kind": "calendar-days" if self.question.is_calendar_days else "working-days",
            "last_day": date_of(self.last_day).isoformat(),
            "deadline": end_of(self.last_day),
        }


def read_clock(calendar: Calendar, term: Term, now_s: int, rule: LightRule | None = None) -> ClockReading:
    """Read a clock.

    Args:
        calendar: the loaded years.
        term: that runs.
        now_s: law time; a time before the start counts as the start (a node may be a block behind).
        rule: of the light; None takes the defaults.

    Raises:
        InputError: ``calendar-term``, ``calendar-pauses``, ``calendar-range``.
    """
    now_s = max(now_s, term.start_s)
    used, missing = _unless_missing(lambda: calendar.working_days_between(term.start_s, now_s, term.pauses))
    last_day, unknown = _unless_missing(lambda: calendar.add_working_days(day_of(term.start_s), term.length_wd, term.pauses))
    deadline_s = None if last_day is None else end_of(last_day)
    light = None
    if deadline_s is not None and used is not None:
        light = _light(term.length_wd, used, now_s >= deadline_s, rule or LightRule())
    is_paused = any(one.covers(day_of(now_s)) for one in term.pauses)
    return ClockReading(term.length_wd, used, deadline_s, light, is_paused, missing if unknown is None else unknown)


def _unless_missing(count: Callable[[], int]) -> tuple[int | None, int | None]:
    """(number, None), or (None, the year that is missing)."""
    try:
        return count(), None
    except ConflictError as error:  # a calendar knows no other conflict
        return None, int(str(error.fields["year"]))


def _light(length_wd: int, used_wd: int, is_late: bool, rule: LightRule) -> Light:
    if is_late:
        return Light.RED
    left_wd = length_wd - used_wd
    most_used = used_wd * 100 >= length_wd * rule.yellow_used_percent
    return Light.YELLOW if left_wd <= rule.yellow_left_wd or most_used else Light.GREEN
