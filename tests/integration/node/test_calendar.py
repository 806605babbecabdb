"""Calendar and recovery on real nodes and a real chain: the authority keeps the calendar, every node answers by it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from tests.support.http import Client, client_of
from tests.support.network import D01, D02, NAMES, Network, make_keys, registration, running_network
from xinlian.chain import questions
from xinlian.chain.rpc import BlockingRpc
from xinlian.node.calendar import WorkingDays
from xinlian.node.graph import KEYS_DIR
from xinlian.protocol.clocks import ClockId, Term
from xinlian.protocol.errors import ConflictError, InputError
from xinlian.protocol.working_days import Interval, day_number, end_of, start_of
from xinlian.scenarios.calendar import shipped_calendar_bytes

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILE = shipped_calendar_bytes()
NINE = 9 * 3600


def at(day: str, second: int = NINE) -> int:
    return start_of(day_number(date.fromisoformat(day))) + second


async def move_to(network: Network, time_s: int) -> None:
    """Let the chain's time pass."""
    with contextlib.closing(BlockingRpc(network.anvil.url)) as rpc:
        rpc.ask(questions.raw("evm_setNextBlockTimestamp", time_s))
        rpc.ask(questions.raw("anvil_mine", "0x1"))
        height = int(str(rpc.ask(questions.raw("eth_blockNumber"))), 16)
    for running in network.nodes.values():
        assert await running.node.following.reach(height, 10)


def changed(**years: Any) -> bytes:
    file = json.loads(FILE)
    file["years"] = {name.removeprefix("y"): value for name, value in years.items()}
    return json.dumps(file).encode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    async with running_network(tmp_path_factory.mktemp("calendar"), [D02]) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def authority(network: Network) -> AsyncIterator[Client]:
    async with client_of(network[D01]) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(network: Network) -> AsyncIterator[Client]:
    async with client_of(network[D02]) as made:
        yield made


async def test_before_a_year_is_loaded_it_is_named(network: Network, client: Client) -> None:
    answer = await client.call("GET", "/api/v1/calendar/2026")
    assert (answer.status, answer.json["code"], answer.json["year"]) == (409, "calendar-year-missing", 2026)
    answer = await client.call("GET", "/api/v1/calendar/deadline?start=2026-09-24&days=10")
    assert (answer.status, answer.json["code"], answer.json["year"]) == (409, "calendar-year-missing", 2026)
    reading = network[D02].node.working_days.read(Term(at("2026-09-21"), 10))
    assert (reading.missing_year, reading.light, reading.text) == (2026, None, "0 of 10 working days used")


async def test_the_authority_loads_years_and_every_node_counts_by_them(
    network: Network, authority: Client, client: Client
) -> None:
    for year in (2025, 2026):
        loaded = await authority.call("PUT", f"/api/v1/authority/calendar/{year}", data=FILE)
        assert (loaded.status, loaded.json["change"]) == (200, "loaded")
    again = await authority.call("PUT", "/api/v1/authority/calendar/2026", data=FILE)
    assert again.json == {"change": "unchanged", "tx_hash": None, "block_number": None}
    await network.in_step()

    shown = await client.call("GET", "/api/v1/calendar/2026")
    assert shown.json["workdays"] == 248
    assert shown.json["make_up_days"] == ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]
    assert "2026-09-25" in shown.json["closed_weekdays"]
    assert "2026-09-26" not in shown.json["closed_weekdays"], "a Saturday is closed anyway"

    answer = await client.call("GET", "/api/v1/calendar/deadline?start=2026-09-24&days=10")
    deadline = end_of(day_number(date(2026, 10, 15)))
    assert answer.json == {
        "start": "2026-09-24", "days": 10, "kind": "working-days", "last_day": "2026-10-15", "deadline": deadline,
    }  # fmt: skip
    answer = await client.call("GET", "/api/v1/calendar/deadline?start=2026-09-16&days=15&calendar_days=true")
    assert (answer.json["last_day"], answer.json["kind"]) == ("2026-10-08", "calendar-days")
    answer = await client.call("GET", "/api/v1/calendar/deadline?start=2026-11-02&days=15&pause=2026-11-09..2026-11-20")
    assert answer.json["last_day"] == "2026-12-07"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("start=2026-09-24&days=0", 422, "request-body"),
        ("start=2026-09-24&days=367", 422, "request-body"),
        ("start=2026-09-24&days=251", 422, "calendar-term"),
        ("start=24.9.2026&days=1", 422, "date-form"),
        ("start=2026-02-30&days=1", 422, "date-form"),
        ("start=1999-12-30&days=1", 422, "calendar-range"),
        ("start=2026-12-24&days=10", 409, "calendar-year-missing"),
        ("start=2026-09-24&days=1&pause=2026-09-29..2026-09-28", 422, "dates-reversed"),
        ("start=2026-09-24&days=1&pause=2026-09-29", 422, "date-form"),
        ("start=2026-09-24&days=1" + "&pause=2026-09-28..2026-09-28" * 17, 422, "request-body"),
    ],
)
async def test_bad_questions_have_their_own_codes(client: Client, query: str, status: int, code: str) -> None:
    answer = await client.call("GET", f"/api/v1/calendar/deadline?{query}")
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_a_clock_is_read_as_people_say_it(network: Network) -> None:
    days: WorkingDays = network[D02].node.working_days
    term = days.term(ClockId.ANSWER_CONDITIONAL, at("2026-09-24"))
    reading = days.read(term, at("2026-09-30"))
    assert (reading.text, reading.light, reading.last_day) == ("3 of 10 working days used", "green", "2026-10-15")
    assert days.deadline(term) == reading.deadline_s
    assert days.used(term, at("2026-09-30")) == 3
    assert not days.is_overdue(term)
    extended = days.term(ClockId.ANSWER_CONDITIONAL, at("2026-09-24"), 10)
    assert extended.length_wd == 20
    for clock, extension in ((ClockId.ANSWER_CONDITIONAL, 11), (ClockId.DELIVER, 1), (ClockId.CATALOG_UPDATE, -1)):
        with pytest.raises(InputError) as caught:
            days.term(clock, at("2026-09-24"), extension)
        assert caught.value.code == "calendar-term"


async def test_days_to_come_change_and_days_past_do_not(network: Network, authority: Client, client: Client) -> None:
    """Law time is 2026-09-21, a Monday."""
    year = json.loads(FILE)["years"]["2026"]
    past = {**year, "holidays": [*year["holidays"], {"name": "x", "from": "2026-09-21", "to": "2026-09-21", "basis": "x"}]}
    refused = await authority.call("PUT", "/api/v1/authority/calendar/2026", data=changed(y2026=past))
    assert (refused.status, refused.json["code"], refused.json["day"]) == (409, "calendar-day-frozen", "2026-09-21")
    term = Term(at("2026-09-21"), 2)
    assert network[D02].node.working_days.read(term).last_day == "2026-09-23"
    future = {**year, "holidays": [*year["holidays"], {"name": "x", "from": "2026-09-22", "to": "2026-09-22", "basis": "x"}]}
    done = await authority.call("PUT", "/api/v1/authority/calendar/2026", data=changed(y2026=future))
    assert done.json["change"] == "changed"
    await network.in_step()
    assert network[D02].node.working_days.read(term).last_day == "2026-09-24", "the open clock has moved"
    back = await authority.call("PUT", "/api/v1/authority/calendar/2026", data=FILE)
    assert back.json["change"] == "changed"
    await network.in_step()


async def test_files_that_are_wrong_load_nothing(network: Network, authority: Client) -> None:
    missing = await authority.call("PUT", "/api/v1/authority/calendar/2027", data=FILE)
    assert (missing.status, missing.json["code"]) == (409, "calendar-year-missing")
    broken = await authority.call("PUT", "/api/v1/authority/calendar/2027", data=changed(y2027={}))
    assert (broken.status, broken.json["code"]) == (422, "calendar-file")
    large = await authority.call("PUT", "/api/v1/authority/calendar/2027", data=b" " * 300_000)
    assert (large.status, large.json["code"]) == (413, "too-large")
    assert set(network[D01].node.working_days.calendar.years) == {2025, 2026}


async def test_an_outage_counts_for_nobody(network: Network, authority: Client, client: Client) -> None:
    done = await authority.call("PUT", "/api/v1/authority/outages/2026-09-28/2026-09-29")
    assert done.json["change"] == "declared"
    again = await authority.call("PUT", "/api/v1/authority/outages/2026-09-28/2026-09-28")
    assert again.json["change"] == "unchanged"
    await network.in_step()
    answer = await client.call("GET", "/api/v1/calendar/deadline?start=2026-09-24&days=10")
    assert answer.json["last_day"] == "2026-10-19"
    assert (await client.call("GET", "/api/v1/calendar/2026")).json["outages"] == ["2026-09-28", "2026-09-29"]
    back = await authority.call("DELETE", "/api/v1/authority/outages/2026-09-28/2026-09-29")
    assert back.json["change"] == "withdrawn"
    again = await authority.call("DELETE", "/api/v1/authority/outages/2026-09-28/2026-09-29")
    assert again.json["change"] == "unchanged"
    await network.in_step()


@pytest.mark.parametrize(
    ("method", "days", "status", "code"),
    [
        ("PUT", "2026-09-10/2026-09-11", 409, "calendar-day-frozen"),  # eleven days ago
        ("DELETE", "2026-09-21/2026-09-22", 409, "calendar-day-frozen"),  # today
        ("PUT", "2026-09-29/2026-09-28", 422, "dates-reversed"),
        ("PUT", "2026-09-28/2026-10-29", 422, "calendar-outage-length"),
        ("PUT", "2026-12-31/2027-01-01", 409, "calendar-year-missing"),
        ("PUT", "2026-02-30/2026-09-28", 422, "date-form"),
    ],
)
async def test_outages_out_of_bounds_are_refused(authority: Client, method: str, days: str, status: int, code: str) -> None:
    answer = await authority.call(method, f"/api/v1/authority/outages/{days}")
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_only_the_authoritys_node_can_keep_the_calendar(client: Client) -> None:
    answer = await client.call("PUT", "/api/v1/authority/outages/2026-09-28/2026-09-28")
    assert (answer.status, answer.json["code"]) == (403, "authority-key-missing")


async def test_a_recovery_can_be_objected_to_and_takes_two_working_days(
    network: Network, authority: Client, client: Client
) -> None:
    """2026-09-21 is a Monday: it may be carried out from Thursday on."""
    keys = make_keys(network.directory / "successor" / KEYS_DIR, authority=False)
    request = (await registration(D02, keys, network[D02].url, network.deployment)).dumps()
    none = await client.call("GET", f"/api/v1/departments/{D02}/recovery")
    assert (none.status, none.json["code"]) == (409, "recovery-unknown")
    assert (await client.call("POST", "/api/v1/recovery/object")).json["code"] == "recovery-unknown"

    announced = await authority.call("POST", "/api/v1/authority/recoveries", data=request)
    assert announced.status == 201
    await network.in_step()
    shown = await client.call("GET", f"/api/v1/departments/{D02}/recovery")
    assert shown.json["earliest"] == at("2026-09-24", 0)
    assert [one["roles"] for one in shown.json["signers"]] == [["anchor"], ["law"], ["admin"]]
    early = await authority.call("POST", f"/api/v1/authority/recoveries/{D02}/carry-out")
    assert (early.status, early.json["code"], early.json["earliest"]) == (409, "recovery-too-early", at("2026-09-24", 0))
    objected = await client.call("POST", "/api/v1/recovery/object")
    assert objected.status == 200
    await network.in_step()
    gone = await authority.call("POST", f"/api/v1/authority/recoveries/{D02}/carry-out")
    assert (gone.status, gone.json["code"]) == (409, "recovery-unknown")

    await authority.call("POST", "/api/v1/authority/recoveries", data=request)
    withdrawn = await authority.call("POST", f"/api/v1/authority/recoveries/{D02}/withdraw")
    assert withdrawn.status == 200
    await authority.call("POST", "/api/v1/authority/recoveries", data=request)
    await move_to(network, at("2026-09-24", 0))
    done = await authority.call("POST", f"/api/v1/authority/recoveries/{D02}/carry-out")
    assert done.status == 200, done.json
    await network.in_step()
    state = network[D01].node.state
    alive = {address for address, one in state.signers.items() if one.department == D02 and one.to_block is None}
    assert alive == {keys.chain[role].address for role in ("anchor", "law", "admin")}
    refused = await client.call("POST", "/api/v1/keys/rotate", json={"kind": "signing"})
    assert (refused.status, refused.json["code"]) == (409, "tx-reverted"), "the old ADMIN key signs nothing any more"
    assert "SignerRetired" in refused.json["detail"]


async def test_a_recovery_of_nobody_is_refused(network: Network, authority: Client) -> None:
    unknown = "11411599MBDEM00311"
    assert unknown in NAMES
    keys = make_keys(network.directory / "nobody" / KEYS_DIR, authority=False)
    request = (await registration(unknown, keys, "http://127.0.0.1:1", network.deployment)).dumps()
    answer = await authority.call("POST", "/api/v1/authority/recoveries", data=request)
    assert (answer.status, answer.json["code"]) == (404, "department-unknown")
    answer = await authority.call("POST", f"/api/v1/authority/recoveries/{unknown}/carry-out")
    assert (answer.status, answer.json["code"]) == (404, "department-unknown")


async def test_the_use_case_refuses_what_the_api_cannot_ask(network: Network) -> None:
    days = network[D01].node.working_days
    with pytest.raises(ConflictError) as caught:
        await days.withdraw_outage(Interval(day_number(date(2026, 9, 24)), day_number(date(2026, 9, 24))))
    assert caught.value.code == "calendar-day-frozen"
