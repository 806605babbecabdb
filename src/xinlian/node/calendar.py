"""Working days on this node: when a statutory clock ends and how it stands, by the calendar that the chain holds; and that
calendar's upkeep by the authority's node.

Rules
1. Clocks are read on the followed chain state, at law time; nothing is stored but their start.
2. A year that is not loaded is ``calendar-year-missing``; ``read`` names it instead of failing, so that a list of clocks still
   shows.
3. A year is loaded from a calendar file: the first time as a whole, later only its future days may differ. What is the same
   already is not sent again.

Example: ``node.working_days.read(Term(start_s, 10)).text == "3 of 10 working days used"``

Source: design 5 (WorkCalendar); dossier 2.3.1, 2.9.8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from xinlian.node.chain_state import ChainState
from xinlian.node.transactions import Done, Transactions
from xinlian.protocol.calendar_file import parse
from xinlian.protocol.clocks import CLOCKS, ClockId, ClockReading, LightRule, Term, TermEnd, TermQuestion, read_clock
from xinlian.protocol.errors import ConflictError, InputError
from xinlian.protocol.working_days import (
    MAX_OUTAGE_DAYS,
    OUTAGE_LOOKBACK_DAYS,
    YEAR_STARTS,
    Calendar,
    Interval,
    Year,
    YearOverview,
    date_of,
    day_of,
    overview,
    year_missing,
)

Change = Literal["loaded", "changed", "declared", "withdrawn", "unchanged"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a change of the calendar.

    Args:
        change: what was done.
        done: the transaction; None when nothing had to change.
    """

    change: Change
    done: Done | None = None


class WorkingDays:
    """The use case.

    Args:
        state: the projection that holds the calendar.
        law_s: law time.
        rule: when a light turns yellow.
        transactions: sends with the authority's key, on the node that has it.
    """

    def __init__(self, state: ChainState, law_s: Callable[[], int], rule: LightRule, transactions: Transactions) -> None:
        self._state = state
        self._law_s = law_s
        self._rule = rule
        self._transactions = transactions

    @property
    def calendar(self) -> Calendar:
        """The calendar as of the newest event followed."""
        return self._state.calendar

    # -- clocks --------------------------------------------------------------------------------------

    def term(self, clock: ClockId, start_s: int, extension_wd: int = 0, pauses: Sequence[Interval] = ()) -> Term:
        """The term of a statutory clock that started at a time.

        Raises:
            InputError: ``calendar-term`` when the extension is more than the law allows.
        """
        rule = CLOCKS[clock]
        if not 0 <= extension_wd <= rule.extension_wd:
            raise InputError(
                "calendar-term",
                f"{clock} can be extended by at most {rule.extension_wd} working days",
                count=extension_wd,
                limit=rule.extension_wd,
            )
        return Term(start_s, rule.length_wd + extension_wd, tuple(pauses))

    def deadline(self, term: Term) -> int:
        """First second that is too late, epoch seconds.

        Raises:
            ConflictError: ``calendar-year-missing``.
            InputError: ``calendar-term``, ``calendar-pauses``, ``calendar-range``.
        """
        return self.calendar.deadline_after(term.start_s, term.length_wd, term.pauses)

    def is_overdue(self, term: Term) -> bool:
        """Whether the deadline has passed at law time; raises like ``deadline``."""
        return self._law_s() >= self.deadline(term)

    def used(self, term: Term, now_s: int | None = None) -> int:
        """Working days used at a time (law time without one).

        Raises:
            ConflictError: ``calendar-year-missing``.
            InputError: ``dates-reversed``, ``calendar-pauses``, ``calendar-range``.
        """
        return self.calendar.working_days_between(term.start_s, self._law_s() if now_s is None else now_s, term.pauses)

    def read(self, term: Term, now_s: int | None = None) -> ClockReading:
        """How a clock stands at a time (law time without one); a missing year is named in it.

        Raises:
            InputError: ``calendar-term``, ``calendar-pauses``, ``calendar-range``.
        """
        return read_clock(self.calendar, term, self._law_s() if now_s is None else now_s, self._rule)

    def ending(self, question: TermQuestion) -> TermEnd:
        """When a term ends that somebody asks for; raises like ``deadline``."""
        return question.answer(self.calendar)

    # -- years ---------------------------------------------------------------------------------------

    def year(self, number: int) -> YearOverview:
        """A loaded year.

        Raises:
            ConflictError: ``calendar-year-missing``.
        """
        return overview(number, self._loaded(number))

    async def load(self, number: int, file: bytes) -> Kept:
        """Authority: make a year what the file says.

        Raises:
            InputError: ``calendar-file`` and the codes of ``calendar_file.parse``.
            ConflictError: ``calendar-year-missing`` when the file does not hold the year, ``calendar-day-frozen``.
            ConfigError: ``authority-key-missing``.
            ChainError: ``tx-reverted`` and the transport's errors.
        """
        found = parse(file).get(number)
        if found is None:
            raise year_missing(number)
        known = self.calendar.years.get(number)
        words = list(found.days.workday_words)
        if known is None:
            return Kept("loaded", await self._transactions.authority("WorkCalendar", "loadYear", number, words))
        if known.workdays == found.days.workdays:
            return Kept("unchanged")
        self._require_future(number, known.workdays ^ found.days.workdays)
        return Kept("changed", await self._transactions.authority("WorkCalendar", "changeDays", number, words))

    async def declare_outage(self, days: Interval) -> Kept:
        """Authority: no clock counts these days; at most 31, the earliest ten days before today.

        Raises:
            InputError: ``calendar-outage-length``.
            ConflictError: ``calendar-year-missing``, ``calendar-day-frozen``.
            ConfigError: ``authority-key-missing``.
            ChainError: ``tx-reverted`` and the transport's errors.
        """
        self._require_changeable(days, day_of(self._law_s()) - OUTAGE_LOOKBACK_DAYS - 1)
        if all(self._outages(days)):
            return Kept("unchanged")
        args = (days.from_day, days.to_day)
        return Kept("declared", await self._transactions.authority("WorkCalendar", "declareOutage", *args))

    async def withdraw_outage(self, days: Interval) -> Kept:
        """Authority: take back an outage of days that have not begun; raises like ``declare_outage``."""
        self._require_changeable(days, day_of(self._law_s()))
        if not any(self._outages(days)):
            return Kept("unchanged")
        args = (days.from_day, days.to_day)
        return Kept("withdrawn", await self._transactions.authority("WorkCalendar", "withdrawOutage", *args))

    def _loaded(self, number: int) -> Year:
        found = self.calendar.years.get(number)
        if found is None:
            raise year_missing(number)
        return found

    def _outages(self, days: Interval) -> list[bool]:
        """For each of the days whether it is one; every day's year must be loaded."""
        return [self.calendar.is_outage(day) for day in range(days.from_day, days.to_day + 1)]

    def _require_future(self, number: int, differing: int) -> None:
        """The first day that differs must not have begun."""
        first = YEAR_STARTS[number] + (differing & -differing).bit_length() - 1
        _require_unfrozen(first, day_of(self._law_s()))

    def _require_changeable(self, days: Interval, last_frozen: int) -> None:
        length = days.to_day - days.from_day + 1
        if length > MAX_OUTAGE_DAYS:
            raise InputError(
                "calendar-outage-length",
                f"one call covers at most {MAX_OUTAGE_DAYS} days of outage",
                count=length,
                limit=MAX_OUTAGE_DAYS,
            )
        _require_unfrozen(days.from_day, last_frozen)


def _require_unfrozen(day: int, last_frozen: int) -> None:
    if day <= last_frozen:
        shown, last = date_of(day).isoformat(), date_of(last_frozen).isoformat()
        raise ConflictError(
            "calendar-day-frozen", f"{shown} cannot be changed: days up to {last} are frozen", day=shown, last=last
        )
