"""The ten working days of a correction: days used and light in the inbox, marks of lateness after the deadline, not before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.corrections import CALLS, opened, record_of, step, view
from tests.support.exchange import Stage, set_stage
from tests.support.http import Client, Reply, client_of
from tests.support.network import D01, D02, D03, D06
from xinlian.protocol.objects import correction_object
from xinlian.scenarios.calendar import shipped_calendar

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_S = 86_400


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A network with the calendar loaded, whose time these tests move."""
    async with set_stage(tmp_path_factory.mktemp("clocks")) as found:
        words = list(shipped_calendar()[2026].days.workday_words)
        await found[D01].node.transactions.authority("WorkCalendar", "loadYear", 2026, words)
        await found.network.in_step()
        yield found


async def todo(client: Client, kind: str, number: int) -> dict[str, Any] | None:
    """What waits because of a correction."""
    found = (await client.get("/api/v1/inbox", params={"limit": 200})).ok()["items"]
    of_kind = [one for one in found if one["kind"] == kind and one["object"] == correction_object(D02, number)]
    return of_kind[0] if of_kind else None


async def mark(client: Client, number: int) -> Reply:
    return await client.post(f"{CALLS}/{D02}/{number}/marks/overdue", json={})


async def lights(client: Client, number: int) -> tuple[str, str | None]:
    """Light and urging of what waits at the addressee."""
    found = await todo(client, "correction-answer", number)
    assert found is not None
    return found["clock"]["light"], found["urging"]


async def test_the_clock_runs_and_lateness_is_recorded_after_the_deadline_alone(stage: Stage) -> None:
    _, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    async with client_of(stage[D03]) as provider, client_of(stage[D06]) as anybody, client_of(stage[D01]) as authority:
        first = await todo(provider, "correction-answer", number)
        assert first is not None
        assert (first["clock"]["used_wd"], first["clock"]["length_wd"]) == (0, 10)
        assert await lights(provider, number) == ("green", None)
        await stage.pass_time(18 * DAY_S)  # from 21 September on, with the holidays of October
        assert await lights(provider, number) == ("yellow", "催办")
        early = await mark(anybody, number)
        assert (early.status, early.code) == (409, "not-overdue")
        assert await todo(authority, "correction-overdue", number) is None

        await stage.pass_time(6 * DAY_S)
        assert await lights(provider, number) == ("red", "督办")
        assert (await mark(anybody, number)).ok()["overdue"] == {"provider": True, "source": False}
        again = await mark(anybody, number)
        assert (again.status, again.code) == (409, "overdue-recorded")
        await stage.network.in_step()
        assert await todo(authority, "correction-overdue", number) is not None
    await step(stage[D02], "withdraw", number)


async def test_the_source_has_ten_days_of_its_own(stage: Stage) -> None:
    _, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    await stage.pass_time(24 * DAY_S)
    await step(stage[D03], "forward", number, {"reason": "源头在公安", "source_department": D06})  # late, but no mark
    await stage.network.in_step()
    async with client_of(stage[D06]) as source, client_of(stage[D03]) as provider:
        fresh = await todo(source, "correction-answer", number)
        assert fresh is not None
        assert (fresh["clock"]["used_wd"], fresh["clock"]["light"]) == (0, "green")
        assert (await mark(provider, number)).code == "not-overdue"
        await stage.pass_time(24 * DAY_S)
        assert (await mark(provider, number)).ok()["overdue"] == {"provider": False, "source": True}
        await step(stage[D06], "maintain", number, {"reason": "与底册一致"})  # late is still an answer
        await stage.network.in_step()
        found = view(stage[D02], number)
        assert (found["state"], found["clock"], found["addressee"]) == ("maintained", None, None)
        over = await mark(source, number)
        assert (over.status, over.code) == (409, "correction-state")


async def test_the_heads_inbox_shows_the_same_clock(stage: Stage) -> None:
    _, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    node, person = stage[D03].node, stage[D03].person
    await node.corrections.approvals.propose("maintain", D02, number, {"form": {"reason": "核对一致"}}, person)
    async with client_of(stage[D03]) as client:
        decide = await todo(client.with_token(stage[D03].head_token), "approval-decide", number)
    assert decide is not None
    assert (decide["what"], decide["clock"]["length_wd"]) == ("correction-maintain", 10)
