"""The working-day calendar, as the events of WorkCalendar tell."""

from __future__ import annotations

from dataclasses import replace

from xinlian.node.chain_state.facts import ChainFact, Handlers, Known
from xinlian.protocol.working_days import YEAR_STARTS, Calendar, Year, date_of


class CalendarFacts:
    """The part of the projection; ``calendar`` is always as of the newest event."""

    def __init__(self) -> None:
        self._years: dict[int, Year] = Known()
        self.calendar = Calendar(self._years)
        self.handlers: Handlers = {
            "YearLoaded": self._on_year_loaded,
            "DaysChanged": self._on_days_changed,
            "OutageDeclared": lambda e: self._on_outage(e, True),
            "OutageWithdrawn": lambda e: self._on_outage(e, False),
        }

    def _on_year_loaded(self, event: ChainFact) -> None:
        self._years[event.args["year"]] = Year.from_words(event.args["workdays"])

    def _on_days_changed(self, event: ChainFact) -> None:
        year = event.args["year"]
        self._years[year] = replace(Year.from_words(event.args["workdays"]), outages=self._years[year].outages)

    def _on_outage(self, event: ChainFact, is_declared: bool) -> None:
        for day in range(event.args["fromDay"], event.args["toDay"] + 1):
            year = date_of(day).year
            bit, found = 1 << day - YEAR_STARTS[year], self._years[year]
            self._years[year] = replace(found, outages=found.outages | bit if is_declared else found.outages & ~bit)
