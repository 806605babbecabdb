"""Typed calls and views of the contract ``WorkCalendar``.

Days are numbers from 1970-01-01 = 0, UTC+8 (``protocol.working_days``), times are epoch seconds.

Example: ``await rpc.ask(WorkCalendar(address).deadline_after(start_s, 10))``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xinlian.chain.bound import BoundContract
from xinlian.chain.calls import Call
from xinlian.chain.questions import Question
from xinlian.chain.wire import BlockTag
from xinlian.protocol.working_days import Interval, Year


def _first(values: list[Any]) -> Any:
    return values[0]


def _plain(pauses: Sequence[Interval]) -> list[dict[str, int]]:
    return [{"fromDay": one.from_day, "toDay": one.to_day} for one in pauses]


class WorkCalendar(BoundContract):
    """The working-day calendar."""

    __slots__ = ()

    def load_year(self, year: int, days: Year) -> Call:
        """Authority: load a year's workdays."""
        return self._call("loadYear", year, days.workday_words)

    def change_days(self, year: int, days: Year) -> Call:
        """Authority: replace a loaded year's workdays; those up to today must stay as they are."""
        return self._call("changeDays", year, days.workday_words)

    def declare_outage(self, days: Interval) -> Call:
        """Authority: no clock counts these days (at most 31, the earliest ten days before today)."""
        return self._call("declareOutage", days.from_day, days.to_day)

    def withdraw_outage(self, days: Interval) -> Call:
        """Authority: take back an outage of days that have not begun."""
        return self._call("withdrawOutage", days.from_day, days.to_day)

    def calendar_of(self, year: int, tag: BlockTag = "latest") -> Question[Year | None]:
        """A year as the contract holds it, None while it is not loaded."""

        def read(values: list[Any]) -> Year | None:
            found = Year.from_words(values[0]["workdays"], values[0]["outages"])
            return None if found.workdays == 0 else found

        return self._view("calendarOf", (year,), read, tag)

    def add_working_days(
        self, start_s: int, count: int, pauses: Sequence[Interval] = (), tag: BlockTag = "latest"
    ) -> Question[int]:
        """Last day that is still in time of a term of working days."""
        return self._view("addWorkingDaysWithPauses", (start_s, count, _plain(pauses)), _first, tag)

    def add_calendar_days(
        self, start_s: int, count: int, pauses: Sequence[Interval] = (), tag: BlockTag = "latest"
    ) -> Question[int]:
        """Last day that is still in time of a term of calendar days."""
        return self._view("addCalendarDaysWithPauses", (start_s, count, _plain(pauses)), _first, tag)

    def deadline_after(
        self, start_s: int, count: int, pauses: Sequence[Interval] = (), tag: BlockTag = "latest"
    ) -> Question[int]:
        """First second that is too late for a term of working days."""
        return self._view("deadlineAfterWithPauses", (start_s, count, _plain(pauses)), _first, tag)

    def working_days_between(
        self, start_s: int, time_s: int, pauses: Sequence[Interval] = (), tag: BlockTag = "latest"
    ) -> Question[int]:
        """Working days used at a time."""
        return self._view("workingDaysBetweenWithPauses", (start_s, time_s, _plain(pauses)), _first, tag)
