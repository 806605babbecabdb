"""Histories of the tests: a made-up chain whose events come one working day after the other."""

from __future__ import annotations

from datetime import date
from typing import Any

from xinlian.node.findings.histories import SHARING, Entry, Histories, Moment, RequestHistory
from xinlian.protocol.clocks import Term
from xinlian.protocol.errors import ConflictError
from xinlian.protocol.working_days import Calendar, day_number, start_of
from xinlian.scenarios.calendar import shipped_calendar

REQUESTER, PROVIDER, AUTHORITY = "12411599MBDEM00233", "12411599MBDEM0058M", "11411599MBDEM0015B"
NUMBER = 20260921000001
DIGEST = "0x" + "dd" * 32
CALENDAR = Calendar({year: one.days for year, one in shipped_calendar().items()})


def at(day: str) -> int:
    """Ten o'clock of a day (YYYY-MM-DD), epoch seconds."""
    return start_of(day_number(date.fromisoformat(day))) + 10 * 3_600


def moment(day: str, schema: Any = None) -> Moment:
    """A look at a day."""

    def deadline(term: Term) -> int | None:
        try:
            return CALENDAR.deadline_after(term.start_s, term.length_wd, term.pauses)
        except ConflictError:  # as the desk: a year that is not loaded
            return None

    return Moment(at(day), deadline, lambda *_: schema, disposal_wd=10, dispute_wd=30)


class Chain:
    """Events in order; a block each."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def event(self, day: str, name: str, contract: str = SHARING, **args: Any) -> Chain:
        """Add an event."""
        block = len(self.entries) + 1
        entry = Entry(contract, name, args, block, f"0x{block:064x}", 0, at(day))
        self.entries.append(entry)
        return self

    def step(self, day: str, name: str, **args: Any) -> Chain:
        """Add an event of the request."""
        return self.event(day, name, requester=REQUESTER, number=NUMBER, document=DIGEST, **args)

    def submitted(self, day: str, *, unconditional: bool = False, out_of_scope: bool = False) -> Chain:
        """The request is filed."""
        about: dict[str, Any] = {"provider": PROVIDER, "serial": 1, "version": 1, "unconditional": unconditional}
        return self.step(day, "RequestSubmitted", **about, outOfScope=out_of_scope, terms={})

    def delivered(self, day: str, until: str = "2026-12-20") -> Chain:
        """Its grant is given."""
        args: dict[str, Any] = {
            "provider": PROVIDER,
            "number": 1,
            "receiver": REQUESTER,
            "request": NUMBER,
            "serial": 1,
            "version": 1,
        }
        return self.event(day, "GrantGiven", **args, terms={"validTo": at(until)})

    @property
    def histories(self) -> Histories:
        """Sorted."""
        return Histories.of(self.entries)

    @property
    def request(self) -> RequestHistory:
        """The request's history."""
        return self.histories.requests[REQUESTER, NUMBER]
