"""Breaches on a real chain: each becomes a finding with its evidence on the authority's node, and stays the same one."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from tests.integration.exchange.test_texts import request_form
from tests.integration.liability.conftest import DAY_S
from tests.support.exchange import PURPOSE, SCENARIO, Stage
from tests.support.http import client_of
from tests.support.network import D01, D02, D03
from xinlian.node.notices.findings import ReceivedFindings
from xinlian.node.sharing import NewRequest, StepDetails, TermsByName
from xinlian.protocol.findings import Article, Finding, ReadRef
from xinlian.protocol.notices import Notice, NoticeId, ToldFinding
from xinlian.protocol.types import EpochS, Uscc
from xinlian.store import chain_cache
from xinlian.store import findings as table

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = hashlib.sha256(b"a text of the tests").digest()


async def findings(stage: Stage, uscc: str = D01, **query: Any) -> list[dict[str, Any]]:
    async with client_of(stage[uscc]) as client:
        found: list[dict[str, Any]] = (await client.get("/api/v1/findings", params=query)).ok()["items"]
        return found


async def file(stage: Stage) -> int:
    """D02 asks D03 for ZJ-02; the request's number."""
    now = stage[D02].node.clock.law_s()
    terms = TermsByName((), ("contract_no",), (), (), (PURPOSE,), (SCENARIO,), now, now + 80 * DAY_S, 5)
    filed, _ = await stage[D02].node.requests.submit(NewRequest(D03, "ZJ-02", None, terms, False, DOCUMENT, DOCUMENT))
    await stage.network.in_step()
    return int(filed["number"])


async def take(stage: Stage, uscc: str, step: str, number: int, **details: Any) -> None:
    await stage[uscc].node.requests.take(step, D02, number, StepDetails(DOCUMENT, **details))
    await stage.network.in_step()


async def test_a_late_answer_is_a_finding_on_the_authoritys_node(stage: Stage) -> None:
    late, lawful = await file(stage), await file(stage)
    await take(stage, D03, "agree", lawful)
    await take(stage, D03, "deliver", lawful)
    assert await findings(stage) == []
    await stage.pass_time(23 * DAY_S)
    (found,) = await findings(stage)
    assert (found["article"], found["breach"], found["department"]) == ("39(4)", "answer-late", D03)
    assert found["object"] == f"request {D02}/{late}"
    assert (found["origin"], found["standing"]) == ("chain", True)
    assert found["since"] == found["facts"]["deadline"] <= found["noticed_at"]
    (filed,) = found["evidence"]
    with stage[D01].node.store.node.read() as reader:
        events = {(one.block_number, one.log_index): one for one in chain_cache.of_contracts(reader, ["SharingRegistry"])}
    event = events[filed["block"], filed["log_index"]]
    assert (event.name, event.tx_hash, event.block_time) == (filed["event"], filed["tx_hash"], filed["at"])

    for uscc in (D02, D03):
        assert [one["id"] for one in await findings(stage, uscc)] == [found["id"]], "everybody finds the same"
    await take(stage, D03, "agree", late)
    (later,) = await findings(stage)
    assert (later["id"], later["noticed_at"], later["standing"]) == (found["id"], found["noticed_at"], False)
    assert [one["event"] for one in later["evidence"]] == ["RequestSubmitted", "RequestAgreed"]
    async with client_of(stage[D01]) as client:
        assert (await client.get(f"/api/v1/findings/{found['id']}")).ok() == later
        unknown = await client.get(f"/api/v1/findings/{'0' * 64}")
        assert (unknown.status, unknown.code) == (404, "finding-unknown")
        assert (await client.get("/api/v1/findings", params={"article": "1"})).status == 422
    await take(stage, D03, "deliver", late)


async def test_findings_are_filtered(stage: Stage) -> None:
    assert len(await findings(stage, article="39(4)", department=D03)) == 1
    assert await findings(stage, article="39(7)") == []
    assert await findings(stage, department=D02) == []


async def test_a_service_that_is_stopped_alone(stage: Stage) -> None:
    alone, filed = await file(stage), await file(stage)
    for number in (alone, filed):
        await take(stage, D03, "agree", number)
        await take(stage, D03, "deliver", number)
    await take(stage, D03, "suspend", alone, working_days=1)
    await take(stage, D03, "propose-stop", filed)
    await take(stage, D01, "file-closing", filed)
    (found,) = await findings(stage, article="39(7)")
    assert (found["breach"], found["department"], found["object"]) == ("stopped-alone", D03, f"request {D02}/{alone}")
    assert [one["event"] for one in found["evidence"]] == ["GrantSuspended"]
    async with client_of(stage[D01]) as client:
        waiting = (await client.get("/api/v1/inbox", params={"limit": 200})).ok()["items"]
    refs = [one["ref"] for one in waiting if one["kind"] == "finding" and one["object"] == found["object"]]
    assert refs == [f"finding {found['id']}"]
    await stage.pass_time(4 * DAY_S)
    await take(stage, D03, "terminate", alone)
    (ended,) = await findings(stage, article="39(7)")
    assert (ended["id"], ended["facts"]["ended"]) == (found["id"], True)


async def test_a_missing_disposal(stage: Stage) -> None:
    disposed, missing = await file(stage), await file(stage)
    for number in (disposed, missing):
        await take(stage, D03, "agree", number)
        await take(stage, D03, "deliver", number)
        await take(stage, D02, "close", number)
    await take(stage, D02, "dispose", disposed)
    await stage.pass_time(20 * DAY_S)
    found = {one["object"]: one for one in await findings(stage, article="40(4)")}
    assert f"request {D02}/{disposed}" not in found
    one = found[f"request {D02}/{missing}"]
    assert (one["breach"], one["department"], one["standing"]) == ("disposal-missing", D02, True)
    assert [event["event"] for event in one["evidence"]] == ["GrantGiven", "GrantClosed"]


async def test_a_finding_whose_events_are_gone_goes_too(stage: Stage) -> None:
    """Following anew (a reorganisation) loses no finding and no time of noticing; what no event proves does not stay."""
    node = stage[D03].node
    before = await findings(stage, D03)
    invented = table.StoredFinding("0" * 64, table.CHAIN, "39(4)", D03, f"request {D02}/{1:014d}", '{"standing": true}', 1)
    await node.store.node.write(lambda tx: table.put(tx, [invented]))
    await node.following.forget_after(0)
    await node.findings.look()
    async with asyncio.timeout(10):
        await node.following.hold()
    assert await findings(stage, D03) == before


async def test_misuse_that_is_told_after_the_stop_excuses_nothing(stage: Stage) -> None:
    """A provider tells the authority of a breach from before its stop only once it has stopped: it was not on record."""
    number = await file(stage)
    for step in ("agree", "deliver"):
        await take(stage, D03, step, number)
    node = stage[D01].node
    grant = node.state.requests[D02, number].grant_number
    before_s = node.clock.law_s()
    await stage.pass_time(60)
    await take(stage, D03, "suspend", number, working_days=1)
    read = ReadRef(D03, 1, "ab" * 32, before_s)
    told = Finding(Article.SCOPE, "call-outside-grant", D02, f"grant {D03}/{grant}", before_s, False, (read,))
    notice = Notice(NoticeId("0" * 32), Uscc(D03), Uscc(D01), EpochS(1), EpochS(9), ToldFinding(told, EpochS(before_s)))
    received = ReceivedFindings(Uscc(D01), Uscc(D01), node.clock.law_s)
    await stage.pass_time(60)
    await node.store.node.write(lambda tx: received.follow(tx, notice, 1, 1))
    objects = [one["object"] for one in await findings(stage, article="39(7)")]
    assert f"request {D02}/{number}" in objects


async def test_a_return_flow_that_is_late_is_found_where_its_text_is(stage: Stage) -> None:
    """39(5): filed by two persons, so the form travels to the provider and the authority."""
    asking = stage[D02]
    form = {**request_form(asking.node.clock.law_s()), "return_flow": True}
    payload = {"provider": D03, "dataset": "ZJ-02", "form": form}
    filed = await asking.approved(await asking.node.request_approvals.propose_new(payload, asking.person))
    await stage.network.in_step()
    await stage.pass_time(16 * DAY_S)
    ref = f"request {D02}/{(filed.result or {})['number']}"
    for uscc in (D02, D03, D01):
        found = await found_about(stage, uscc, ref)
        assert [one["breach"] for one in found] == ["return-flow-open"]
        assert [one["event"] for one in found[0]["evidence"]] == ["RequestSubmitted"]


async def found_about(stage: Stage, uscc: str, ref: str) -> list[dict[str, Any]]:
    """What a node finds once the text has come to it."""
    for _ in range(100):
        found = [one for one in await findings(stage, uscc, article="39(5)") if one["object"] == ref]
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"nothing found by {uscc}")
