"""Read logs of both sides, key rotation, and many requests at once."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.support.exchange import P1, P2, P3, Stage
from tests.support.network import D02, D03, D06, Running
from xinlian.node.asking import AskItem, Question
from xinlian.node.paging import Window
from xinlian.node.reads import clear_parts
from xinlian.protocol.types import Stream
from xinlian.store import exchange as table
from xinlian.store import streams

pytestmark = pytest.mark.asyncio(loop_scope="session")


def question_to_police(stage: Stage, case: str, name: str = "测试甲") -> Question:
    """Whether P1 has this name."""
    return stage.question(case, "verify", AskItem((P1,), {"name": name}), provider=D06, fields=("name",))


async def all_anchored(running: Running) -> None:
    """Seal and anchor everything a node has."""
    node = running.node
    with node.store.node.read() as reader:
        last = {stream: streams.last_position(reader, stream) for stream in Stream}
    node.anchoring.flush()
    for stream, position in last.items():
        assert position == 0 or await node.anchoring.wait_anchored(position, 20, stream)


async def test_both_sides_anchor_their_entries_and_the_logs_agree(stage: Stage) -> None:
    case = await stage.case(P1, P3)
    asked = await stage.ask(stage.question(case, "verify", AskItem((P1,), {"name": "测试甲"}), provider=D06, fields=("name",)))
    await stage.ask(stage.question(case, "verify", AskItem((P3,), {"name": "测试甲"}), provider=D06, fields=("name",)))
    await stage.ask(question_to_police(stage, case, "测试乙"))
    for uscc in (D02, D06):
        await all_anchored(stage[uscc])
    await stage.network.in_step()
    for asker, other in ((D02, D06), (D06, D02)):
        found = await stage[asker].node.reconciling.ask(other)
        assert found["clean"], found
        assert found["agreed"] >= 3
    for uscc in (D02, D06):
        node = stage[uscc].node
        for entry in stage.reads(uscc, asked.rid):
            bundle = node.bundles.read_bundle(entry.position)
            report = stage[D03].node.bundles.verify_parsed(bundle)
            assert report.exit_code == 0, report.lines()


async def test_a_refusal_in_the_clear_is_no_finding(stage: Stage) -> None:
    """What fails authentication is never written by the provider, so the logs still agree."""
    case, node = await stage.case(P1), stage[D02].node
    identity: Any = node.identity
    identity.current_signing = stage[D06].node.identity.current_signing
    try:
        asked = await stage.ask(question_to_police(stage, case))
    finally:
        del identity.current_signing
    assert (asked.state, asked.detail) == ("refused", "refused-key-registered")
    found = await node.reconciling.ask(D06)
    assert found["clean"], found
    assert [asked.rid, 0] in found["unanswered"]


@pytest.mark.parametrize("side", [D02, D06])
async def test_an_entry_removed_on_one_side_is_found(stage: Stage, side: str) -> None:
    case = await stage.case(P1)
    asked = await stage.ask(question_to_police(stage, case))
    for uscc in (D02, D06):
        await all_anchored(stage[uscc])
    await stage.network.in_step()
    other = D06 if side == D02 else D02
    async with Changed(stage[side], "UPDATE read_entries SET counterparty = 'gone' WHERE rid = ?", asked.rid):
        found = await stage[other].node.reconciling.ask(side)
        assert found["missing_there"] == [[asked.rid, 0]]
        assert not found["clean"]
        own = await stage[side].node.reconciling.ask(other)
        assert own["missing_here"] == [[asked.rid, 0]]
    assert (await stage[other].node.reconciling.ask(side))["clean"]


@pytest.mark.parametrize("side", [D02, D06])
async def test_an_entry_altered_on_one_side_is_found_even_if_the_logs_still_agree(stage: Stage, side: str) -> None:
    """The time of an entry is compared by nobody, but it is what was anchored."""
    case = await stage.case(P1)
    asked = await stage.ask(question_to_police(stage, case))
    for uscc in (D02, D06):
        await all_anchored(stage[uscc])
    await stage.network.in_step()
    other = D06 if side == D02 else D02
    (entry,) = [one for one in stage.reads(side, asked.rid) if one.outcome == "match"]
    older = entry.statement.replace(f'"time":{entry.time}'.encode(), f'"time":{entry.time - 1}'.encode())
    assert older != entry.statement
    async with Changed(stage[side], "UPDATE read_entries SET statement = ? WHERE position = ?", older, entry.position):
        found = await stage[other].node.reconciling.ask(side)
        assert found["unproven_there"] == [[asked.rid, 0]]
        assert not found["clean"]
        assert (await stage[side].node.reconciling.ask(other))["unproven_here"] == [[asked.rid, 0]]
    outcome = entry.statement.replace(b'"outcome":"match"', b'"outcome":"none"')
    async with Changed(stage[side], "UPDATE read_entries SET statement = ? WHERE position = ?", outcome, entry.position):
        found = await stage[other].node.reconciling.ask(side)
        assert found["differing"] == [{"rid": asked.rid, "item": 0, "members": ["outcome"]}]


class Changed:
    """Change read entries of a node behind its back, and put them back at the end."""

    def __init__(self, running: Running, sql: str, *values: object) -> None:
        self._store, self._sql, self._values = running.node.store.node, sql, values
        self._before: list[tuple[Any, ...]] = []

    async def __aenter__(self) -> None:
        def job(tx: Any) -> list[tuple[Any, ...]]:
            before = tx.fetch("SELECT statement, counterparty, position FROM read_entries")
            assert tx.run(self._sql, self._values) >= 1
            return list(before)

        self._before = await self._store.write(job)

    async def __aexit__(self, *_: object) -> None:
        sql = "UPDATE read_entries SET statement = ?, counterparty = ? WHERE position = ?"
        await self._store.write(lambda tx: tx.executemany(sql, self._before))


async def test_rotation_of_the_sealing_key_answers_requests_in_flight(stage: Stage) -> None:
    case, provider = await stage.case(P1), stage[D03].node
    in_flight = await stage.craft(stage.question(case))
    for _ in range(3):  # more often than a key stands in the key set
        await provider.identity.rotate("hpke")
    await stage.network.in_step()
    reply = await stage.send(in_flight)
    assert in_flight.opened(reply).items[0].outcome == "records"
    asked = await stage.ask(stage.question(case))
    assert asked.state == "received"
    fresh = await stage.craft(stage.question(case))
    assert fresh.header.to_kid != in_flight.header.to_kid


async def test_rotation_of_the_signing_key_keeps_old_evidence_and_retires_the_key(stage: Stage) -> None:
    provider, requester = stage[D03].node, stage[D02].node
    case = await stage.case(P1)
    before = await stage.ask(stage.question(case, "answer"))
    with provider.store.node.read() as reader:
        (kept,) = streams.answers_of_rid(reader, provider.asking._p.sealer, before.rid)
    in_flight = await stage.craft(stage.question(case))
    for node in (provider, requester):
        await node.identity.rotate("signing")
    await stage.network.in_step()
    assert (await stage.send(in_flight)).status == 200, "signed by the key before, which still stands in the set"
    assert (await stage.ask(stage.question(case))).state == "received"
    later = await stage.craft(stage.question(case))
    await provider.identity.rotate("signing", retire=True)
    await requester.identity.rotate("signing", retire=True)
    await stage.network.in_step()
    assert (await stage.send(later)).status == 403, "retired"
    assert (await stage.ask(stage.question(case))).state == "received"
    await all_anchored(stage[D03])
    await stage.network.in_step()
    (bundle,) = before.items[0].bundles
    pending = requester.bundles.verify(orjson.dumps(bundle), None)
    assert pending.exit_code == 1, "without a receipt the signature counts, and its key was retired"
    (complete,) = (await requester.late_receipts.complete(before.rid, Window(200))).items
    assert requester.bundles.verify(orjson.dumps(complete), None).exit_code == 0
    own = provider.bundles.answer_bundle(kept.position)
    assert requester.bundles.verify_parsed(own).exit_code == 0


async def test_an_answer_signed_by_a_key_the_requester_has_not_seen_yet(stage: Stage) -> None:
    """The provider has just rotated; the requester looks at the chain before it says no."""
    case, requester = await stage.case(P1), stage[D02].node
    following = requester.following
    poll, following._poll_s = following._poll_s, 30.0
    try:
        await asyncio.sleep(0.3)
        await stage[D03].node.identity.rotate("signing", retire=True)
        asked = await stage.ask(stage.question(case))
    finally:
        following._poll_s = poll
        following.look_now()
    assert asked.state == "received"


async def test_fifty_requests_at_once_use_a_grant_exactly_up_to_its_limit(stage: Stage) -> None:
    number = await stage.give(D03, D02, "ZJ-02", query=("contract_no",), uses_per_case=30)
    case = await stage.case(P1, P2)
    question = stage.question(case, grant_number=number, fields=("contract_no",))
    asked = await asyncio.gather(*(stage.ask(question) for _ in range(50)))
    states = [one.state for one in asked]
    assert (states.count("received"), states.count("refused")) == (30, 20)
    assert {one.detail for one in asked if one.state == "refused"} == {"uses-left"}
    with stage[D03].node.store.node.read() as reader:
        assert table.uses_of(reader, f"{D03}/{number}", f"{D02}/{case}") == 30


async def test_the_same_bytes_many_times_at_once_are_one_use(stage: Stage) -> None:
    number = await stage.give(D03, D02, "ZJ-02", query=("contract_no",), uses_per_case=5)
    case = await stage.case(P1)
    crafted = await stage.craft(stage.question(case, grant_number=number, fields=("contract_no",)))
    replies = await asyncio.gather(*(stage.send(crafted) for _ in range(8)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    assert len(stage.reads(D03, crafted.request.rid)) == 1
    with stage[D03].node.store.node.read() as reader:
        assert table.uses_of(reader, f"{D03}/{number}", f"{D02}/{case}") == 1


async def test_a_provider_that_is_down_is_said_so_and_leaves_an_honest_log(stage: Stage) -> None:
    case, node = await stage.case(P1), stage[D02].node
    department = node.state.departments[D06]
    endpoint, department.endpoint = department.endpoint, "http://127.0.0.1:9"
    try:
        asked = await stage.ask(question_to_police(stage, case))
    finally:
        department.endpoint = endpoint
    assert (asked.state, asked.detail) == ("no-answer", "peer-down")
    assert [e.outcome for e in stage.reads(D02, asked.rid)] == ["attempted", "no-answer"]
    found = await node.reconciling.ask(D06)
    assert found["clean"]
    assert [asked.rid, 0] in found["unanswered"]


async def test_the_log_tells_who_received_a_record_and_shows_nothing_else(stage: Stage) -> None:
    case, provider = await stage.case(P2), stage[D03].node
    asked = await stage.ask(stage.question(case, "query", AskItem((P2,), {})))
    (record,) = asked.items[0].records
    assert provider.reads.recipients_of(record["record_id"]) == [D02]
    assert provider.reads.recipients_of("01a208df-0000-7000-8000-000000000000") == []
    (entry,) = [one for one in provider.reads.page(Window(10_000), D02).items if one.rid == asked.rid]
    shown = clear_parts(entry)
    assert (shown["role"], shown["counterparty"], shown["outcome"]) == ("provider", D02, "records")
    assert provider.reads.page(Window(10_000, (entry.position,)), D06).items == []
    assert P2.value not in str(shown)
