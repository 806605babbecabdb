"""The working-day calendar: which days count, when a term ends, and its upkeep by the authority."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.bodies import read_body
from xinlian.api.wire import CalendarChange, CalendarYear, TermEndOut
from xinlian.node.calendar import Kept
from xinlian.node.people import Role
from xinlian.protocol.calendar_file import MAX_FILE_BYTES, parse_date, parse_interval
from xinlian.protocol.clocks import TermQuestion
from xinlian.protocol.working_days import FIRST_YEAR, LAST_YEAR, Interval, day_number

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["calendar"])
_reading = [Depends(allow(*ANYONE_SIGNED_IN))]
_authority = [Depends(allow(Role.AUTHORITY))]

YearPath = Annotated[int, Path(ge=FIRST_YEAR, le=LAST_YEAR, examples=[2026])]
FromPath = Annotated[str, Path(min_length=10, max_length=10, examples=["2026-09-28"], description="YYYY-MM-DD.")]
ToPath = Annotated[str, Path(min_length=10, max_length=10, examples=["2026-09-29"], description="YYYY-MM-DD, included.")]
StartQuery = Annotated[str, Query(examples=["2026-09-24"], description="YYYY-MM-DD; this day is not counted.")]
DaysQuery = Annotated[int, Query(ge=1, le=366, examples=[10], description="Length of the term.")]
CalendarDaysQuery = Annotated[bool, Query(examples=[False], description="Every day counts, and the end runs to a workday.")]
PauseQuery = Annotated[
    list[str], Query(max_length=16, examples=[["2026-11-09..2026-11-20"]], description="Days that do not count, FROM..TO.")
]


@router.get("/calendar/deadline", dependencies=_reading)
async def deadline(
    request: Request,
    start: StartQuery,
    days: DaysQuery,
    calendar_days: CalendarDaysQuery = False,
    pause: PauseQuery = [],  # noqa: B006  # never changed; FastAPI reads the default
) -> TermEndOut:
    """The last day that is still in time of a term, by the calendar on chain."""
    pauses = tuple(parse_interval(text) for text in pause)
    question = TermQuestion(day_number(parse_date(start)), days, calendar_days, pauses)
    return TermEndOut.model_validate(node_of(request).working_days.ending(question).to_json())


@router.get("/calendar/{year}", dependencies=_reading)
async def show_year(request: Request, year: YearPath) -> CalendarYear:
    """A loaded year: what is not as its weekday says, and declared outages."""
    return CalendarYear.model_validate(node_of(request).working_days.year(year).to_json())


@router.put("/authority/calendar/{year}", dependencies=_authority)
async def load_year(request: Request, year: YearPath) -> CalendarChange:
    """Load a year from a calendar file, or change its days to come; open clocks move with them."""
    body = await read_body(request, MAX_FILE_BYTES)
    return _out(await node_of(request).working_days.load(year, body))


@router.put("/authority/outages/{from_day}/{to_day}", dependencies=_authority)
async def declare_outage(request: Request, from_day: FromPath, to_day: ToPath) -> CalendarChange:
    """Declare that the system is out of service: no clock counts these days."""
    return _out(await node_of(request).working_days.declare_outage(_interval(from_day, to_day)))


@router.delete("/authority/outages/{from_day}/{to_day}", dependencies=_authority)
async def withdraw_outage(request: Request, from_day: FromPath, to_day: ToPath) -> CalendarChange:
    """Take back an outage of days that have not begun."""
    return _out(await node_of(request).working_days.withdraw_outage(_interval(from_day, to_day)))


def _interval(from_day: str, to_day: str) -> Interval:
    return Interval(day_number(parse_date(from_day)), day_number(parse_date(to_day)))


def _out(kept: Kept) -> CalendarChange:
    done: dict[str, Any] = {"tx_hash": None, "block_number": None}
    if kept.done is not None:
        done = {"tx_hash": kept.done.tx_hash, "block_number": kept.done.block_number}
    return CalendarChange(change=kept.change, **done)
