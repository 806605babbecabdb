"""The contract and the Python calendar agree: on the shipped years, with outages, on more than ten thousand drawn questions."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tests.support.anvil import START_S
from tests.support.deployed import Deployed
from xinlian.chain.questions import Question
from xinlian.protocol.calendar_file import calendar_of
from xinlian.protocol.errors import ChainError, ConflictError
from xinlian.protocol.working_days import DAY_S, YEAR_STARTS, Calendar, Interval, Year, date_of, day_of
from xinlian.scenarios.calendar import shipped_calendar

PAIRS = 10_000
TODAY = day_of(START_S)
OUTAGES = (Interval(TODAY - 3, TODAY + 1), Interval(TODAY + 20, TODAY + 20), Interval(TODAY + 100, TODAY + 103))
FIRST_S, LAST_S = YEAR_STARTS[2025] * DAY_S, YEAR_STARTS[2027] * DAY_S


@dataclass(frozen=True)
class Pair:
    """One question, asked of both."""

    asked: Question[int]
    expected: Callable[[], int]


async def loaded(deployed: Deployed) -> Calendar:
    """The shipped years and ``OUTAGES`` on chain; the same in Python."""
    years = dict(calendar_of(shipped_calendar()).years)
    for number, year in years.items():
        await deployed.send(deployed.calendar.load_year(number, year), deployed.authority)
    for outage in OUTAGES[:2]:
        await deployed.send(deployed.calendar.declare_outage(outage), deployed.authority)
    with pytest.raises(ChainError) as caught:  # its last days lie in 2027
        await deployed.send(deployed.calendar.declare_outage(OUTAGES[2]), deployed.authority)
    assert caught.value.fields["error"] == "WorkCalendarYearNotLoaded"
    for outage in OUTAGES[:2]:
        for day in range(outage.from_day, outage.to_day + 1):
            number = date_of(day).year
            bit = 1 << day - YEAR_STARTS[number]
            years[number] = Year(years[number].workdays, years[number].outages | bit)
    return Calendar(years)


def drawn_pauses(draw: random.Random) -> tuple[Interval, ...]:
    count = draw.choice((0, 0, 0, 1, 2, 16))
    starts = [draw.randrange(YEAR_STARTS[2025] - 20, YEAR_STARTS[2027] + 5) for _ in range(count)]
    return tuple(Interval(start, 2**32 - 1 if draw.random() < 0.02 else start + draw.randrange(30)) for start in starts)


def drawn_pair(draw: random.Random, deployed: Deployed, calendar: Calendar) -> Pair:
    start_s, pauses, count = draw.randrange(FIRST_S, LAST_S), drawn_pauses(draw), draw.randint(1, 60)
    if draw.random() < 0.2:
        count = draw.randint(1, 250)
    kind = draw.randrange(4)
    contract = deployed.calendar
    if kind == 0:
        asked = contract.add_working_days(start_s, count, pauses)
        return Pair(asked, lambda: calendar.add_working_days(day_of(start_s), count, pauses))
    if kind == 1:
        asked = contract.add_calendar_days(start_s, count, pauses)
        return Pair(asked, lambda: calendar.add_calendar_days(day_of(start_s), count, pauses))
    if kind == 2:
        return Pair(contract.deadline_after(start_s, count, pauses), lambda: calendar.deadline_after(start_s, count, pauses))
    time_s = start_s + draw.randrange(400 * DAY_S)
    asked = contract.working_days_between(start_s, time_s, pauses)
    return Pair(asked, lambda: calendar.working_days_between(start_s, time_s, pauses))


async def both(deployed: Deployed, pairs: Sequence[Pair]) -> tuple[int, int]:
    """Compare; the number of answers and of years missing."""
    answered, missing = [], []
    for pair in pairs:
        try:
            answered.append((pair.asked, pair.expected()))
        except ConflictError as error:
            missing.append((pair.asked, error.fields["year"]))
    found = await deployed.rpc.ask_all([asked for asked, _ in answered])
    assert found == [expected for _, expected in answered]
    for asked, year in missing:
        with pytest.raises(ChainError) as caught:
            await deployed.rpc.ask(asked)
        assert caught.value.fields["error"] == "WorkCalendarYearNotLoaded"
        assert caught.value.fields["args"] == {"year": year}
    return len(answered), len(missing)


async def test_contract_and_python_agree_on_ten_thousand_questions(deployed: Deployed) -> None:
    calendar = await loaded(deployed)
    draw = random.Random(20260924)
    answered = missing = 0
    while answered < PAIRS:
        found = await both(deployed, [drawn_pair(draw, deployed, calendar) for _ in range(1000)])
        answered, missing = answered + found[0], missing + found[1]
    assert missing > 100, "the end of the calendar is met, too"


async def test_years_on_chain_are_those_that_were_loaded(deployed: Deployed) -> None:
    calendar = await loaded(deployed)
    for number, year in calendar.years.items():
        assert await deployed.rpc.ask(deployed.calendar.calendar_of(number)) == year
    assert await deployed.rpc.ask(deployed.calendar.calendar_of(2027)) is None
