"""An erased record goes everywhere it went: the recipients' copies, what was answered from it, and what stays says so."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.integration.exchange.test_logs_and_keys import all_anchored
from tests.support.exchange import Stage, contract_row, person
from tests.support.http import client_of
from tests.support.network import D01, D02, D03, D06, Running
from tests.support.notices import all_bytes, erase, give_away, sealed_of, settled, shown
from xinlian.node.asking import AskItem
from xinlian.node.paging import Window
from xinlian.protocol.errors import NotFoundError
from xinlian.protocol.statements import parse_read
from xinlian.protocol.types import RecordId, Stream
from xinlian.store import ended_values, erasures, notices, read_records, record_keys, streams

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_copy_goes_and_both_sides_say_so(stage: Stage) -> None:
    given = await give_away(stage, 501)
    fund, housing = stage[D02], stage[D03]
    marks = ", ".join("?" * 3)
    copies = sealed_of(fund, f"SELECT content_sealed FROM received_values WHERE rid IN ({marks})", *given.rids)
    stated = sealed_of(housing, "SELECT disclosures_sealed FROM answers WHERE rid = ?", given.answer.rid)
    answers = sealed_of(housing, f"SELECT answer FROM exchange_in WHERE rid IN ({marks})", *given.rids)
    assert (len(copies), len(stated), len(answers)) == (3, 1, 3)

    done = await erase(housing, given.record_id)
    assert done["recipients"] == [D02]
    (told,) = await settled(housing, given.record_id)
    assert (told["recipient"], told["outcome"], told["deleted"], told["kept"]) == (D02, "deleted", 3, [])
    assert told["acknowledged_at"] >= told["told_at"] >= told["created_at"]

    for rid in given.rids:
        seen = shown(fund, rid)
        assert seen["items"] == []
        assert [(one["item"], one["code"], one["sender"]) for one in seen["ended"]] == [(0, "value-erased", D03)]
        with pytest.raises(NotFoundError) as caught:
            await fund.node.late_receipts.complete(rid, Window(200))
        assert caught.value.code == "value-erased"
    files = await asyncio.to_thread(all_bytes, stage.network.directory / D02)
    assert not any(copy in files for copy in copies)
    files = await asyncio.to_thread(all_bytes, stage.network.directory / D03)
    assert not any(secret in files for secret in (*stated, *answers))
    assert given.contract_no.encode() not in files


async def test_statements_leaves_and_the_log_of_use_stay(stage: Stage) -> None:
    given = await give_away(stage, 500)
    housing = stage[D03]
    with housing.node.store.node.read() as reader:
        (kept,) = streams.answers_of_rid(reader, housing.node.asking._p.sealer, given.answer.rid)
    await erase(housing, given.record_id)
    await settled(housing, given.record_id)
    async with client_of(housing) as client:
        refused = await client.get(f"/api/v1/answers/{kept.position}/bundle")
        assert (refused.status, refused.code) == (404, "answer-erased")
        erasure = (await client.get(f"/api/v1/records/{given.record_id}/erasure")).ok()
    assert (erasure["state"], erasure["steps"], erasure["outstanding"]) == ("erased", ["marked"], [])
    with housing.node.store.node.read() as reader:
        (left,) = streams.answers_of_rid(reader, housing.node.asking._p.sealer, given.answer.rid)
    assert (left.statement, left.leaf, left.disclosures) == (kept.statement, kept.leaf, None)
    await all_anchored(housing)
    assert housing.node.bundles.receipt(Stream.ANSWERS, kept.position) is not None
    for entry in stage.reads(D03, given.query.rid):
        read = parse_read(entry.statement, entry.disclosures.split("~")).disclosed
        assert read is not None
        assert given.record_id in read.record_ids


async def test_erasing_twice_tells_once_and_nothing_is_given_any_more(stage: Stage) -> None:
    given = await give_away(stage, 508)
    await erase(stage[D03], given.record_id)
    before = await settled(stage[D03], given.record_id)
    assert (await erase(stage[D03], given.record_id))["recipients"] == [D02]
    assert await settled(stage[D03], given.record_id) == before
    asked = await stage.ask(stage.question(given.case, "query", AskItem((given.subject,), {})))
    assert asked.items[0].outcome == "none"


async def test_the_erasure_is_shown_on_chain_too(stage: Stage) -> None:
    given = await give_away(stage, 502)
    await erase(stage[D03], given.record_id)
    await settled(stage[D03], given.record_id)
    for _ in range(200):
        if stage[D03].node.notices.showing.erasure(given.record_id)["status"] == "erased":
            break
        await asyncio.sleep(0.05)
    assert stage[D03].node.notices.showing.erasure(given.record_id)["status"] == "erased"


async def test_other_records_of_the_same_answer_stay(stage: Stage) -> None:
    given = await give_away(stage, 503, "HT-503-B", "HT-503-C")
    fund, housing = stage[D02], stage[D03]
    assert len(given.query.items[0].records) == 3
    await erase(housing, given.record_id)
    (told,) = await settled(housing, given.record_id)
    assert told["deleted"] == 3
    seen = shown(fund, given.query.rid)
    numbers = [record["values"]["contract_no"] for record in seen["items"][0]["records"]]
    assert numbers == ["HT-503-B", "HT-503-C"]
    assert [one["code"] for one in seen["ended"]] == ["value-erased"]
    bundles = (await fund.node.late_receipts.complete(given.query.rid, Window(200))).items
    assert len(bundles) == 2
    assert given.record_id not in orjson.dumps(bundles).decode()
    assert [fund.node.bundles.verify(orjson.dumps(one), None).exit_code for one in bundles] == [0, 0]
    # the second record goes as well: what was answered from both is gone already, nothing fails
    (second, third) = [record["record_id"] for record in seen["items"][0]["records"]]
    for record_id, deleted in ((second, 1), (third, 1)):
        await erase(housing, record_id)
        (told,) = await settled(housing, record_id)
        assert (told["outcome"], told["deleted"]) == ("deleted", deleted)
    assert shown(fund, given.query.rid)["items"] == []


async def test_every_revision_is_told_and_a_mismatch_goes_too(stage: Stage) -> None:
    subject = person(504)
    (record_id,) = await stage.network.publish(D03, "ZJ-02", [contract_row("HT-504", subject)])
    housing, fund = stage[D03], stage[D02]
    case = await stage.case(subject)
    before = await stage.ask(stage.question(case, "answer", AskItem((subject,), {})))
    row = contract_row("HT-504", subject)
    accepted = await housing.node.publishing.revise(RecordId(record_id), {**row, "filing_status": "注销"}, housing.person, None)
    assert await housing.node.anchoring.wait_anchored(accepted.last_position, 20)
    await stage.network.in_step()
    wrong = await stage.ask(stage.question(case, "verify", AskItem((subject,), {"contract_no": "HT-9"})))
    assert [one.items[0].outcome for one in (before, wrong)] == ["answer", "mismatch"]
    await erase(housing, record_id)
    (told,) = await settled(housing, record_id)
    assert (told["outcome"], told["deleted"]) == ("deleted", 2)
    assert [shown(fund, one.rid)["items"] for one in (before, wrong)] == [[], []]
    assert stage[D03].node.notices.showing.erasure(record_id)["steps"] == ["marked", "marked"]


async def test_a_record_nobody_received_is_told_to_nobody(stage: Stage) -> None:
    (record_id,) = await stage.network.publish(D03, "ZJ-02", [contract_row("HT-505", person(505))])
    assert (await erase(stage[D03], record_id))["recipients"] == []
    erasure = stage[D03].node.notices.showing.erasure(record_id)
    assert (erasure["recipients"], erasure["outstanding"]) == ([], [])
    with pytest.raises(NotFoundError) as caught:
        stage[D03].node.notices.showing.erasure("01a208dd-04fb-7410-b86b-913eca60739a")
    assert caught.value.code == "erasure-unknown"


async def test_what_was_disposed_of_before_is_nothing_held(stage: Stage) -> None:
    given = await give_away(stage, 506)
    with stage[D02].node.store.node.read() as reader:
        held = reader.fetch("SELECT count(*) FROM received_values WHERE rid IN (?, ?, ?)", given.rids)[0][0]
    assert held == 3
    await stage[D02].node.store.node.write(
        lambda tx: tx.run("DELETE FROM received_values WHERE rid IN (?, ?, ?)", given.rids)  # as regular upkeep does
    )
    await erase(stage[D03], given.record_id)
    (told,) = await settled(stage[D03], given.record_id)
    assert (told["outcome"], told["deleted"]) == ("nothing-held", 0)
    assert shown(stage[D02], given.query.rid)["ended"] == []


async def test_every_recipient_is_told_for_itself(stage: Stage) -> None:
    """Two departments received it; each is told its own requests only."""
    given = await give_away(stage, 507)
    grant = await stage.give(D03, D06, "ZJ-02", query=("contract_no",))
    case = await stage.case(given.subject, lead=D06)
    other = await stage.ask(
        stage.question(case, "query", AskItem((given.subject,), {}), lead=D06, grant_number=grant, fields=("contract_no",)),
        asker=D06,
    )
    assert other.items[0].outcome == "records"
    await erase(stage[D03], given.record_id)
    told = await settled(stage[D03], given.record_id)
    assert sorted((one["recipient"], one["deleted"]) for one in told) == [(D06, 1), (D02, 3)]
    bodies = sealed_of(stage[D03], "SELECT body FROM notices_out ORDER BY id DESC LIMIT 2")
    rids = {orjson.loads(body)["to"]: set(orjson.loads(body)["body"]["record"]["rids"]) for body in bodies}
    assert rids == {D06: {other.rid}, D02: set(given.rids)}


# -- duties --------------------------------------------------------------------------------------------


async def duty_of(stage: Stage, case: str, **changes: Any) -> dict[str, Any]:
    body = {"lead": D02, "case_no": case, "basis": "某法第十条: 档案保存三十年 (合成示例)", "until": 1_900_000_000, **changes}
    async with client_of(stage[D02]) as client:
        made: dict[str, Any] = (await client.post("/api/v1/retention-duties", json=body)).ok(201)
    return made


async def test_a_duty_keeps_the_copy_restricted_and_its_end_lets_it_go(stage: Stage) -> None:
    given = await give_away(stage, 510)
    fund, housing = stage[D02], stage[D03]
    duty = await duty_of(stage, given.case)
    assert (duty["state"], duty["lead"], duty["case_no"]) == ("running", D02, given.case)
    await erase(housing, given.record_id)
    (told,) = await settled(housing, given.record_id)
    kept = [{"case": {"lead": D02, "no": given.case}, "basis": duty["basis"], "until": 1_900_000_000}]
    assert (told["outcome"], told["deleted"], told["kept"]) == ("kept-by-duty", 0, kept)
    for rid in given.rids:
        seen = shown(fund, rid)
        assert seen["items"] == []
        assert [(e["code"], e["basis"], e["until"]) for e in seen["ended"]] == [
            ("value-restricted", duty["basis"], 1_900_000_000)
        ]
        async with client_of(fund) as client:
            refused = await client.get(f"/api/v1/queries/{rid}/bundles")
            assert (refused.status, refused.code) == (409, "value-restricted")
            text = (await client.get(f"/api/v1/queries/{rid}")).body.decode()
        for secret in (given.contract_no, given.subject.value):
            assert secret not in text
            assert secret not in refused.body.decode()
    held = sealed_of(fund, "SELECT content_sealed FROM ended_values WHERE rid IN (?, ?, ?)", *given.rids)
    assert len(held) == 3
    async with client_of(fund) as client:
        over = (await client.post(f"/api/v1/retention-duties/{duty['id']}/end", json={})).ok()
        assert (over["state"], over["released"]) == ("ended", 3)
        twice = await client.post(f"/api/v1/retention-duties/{duty['id']}/end", json={})
        assert (twice.status, twice.code) == (409, "duty-ended")
    assert {e["code"] for rid in given.rids for e in shown(fund, rid)["ended"]} == {"value-erased"}
    files = await asyncio.to_thread(all_bytes, stage.network.directory / D02)
    assert not any(copy in files for copy in held)


async def outcomes_of(running: Running, record_id: str, count: int) -> list[str]:
    """What came of so many notices, once all of them are acknowledged."""
    for _ in range(200):
        rows = running.node.notices.showing.erasure(record_id)["recipients"]
        if len(rows) == count and all(row["state"] == "acknowledged" for row in rows):
            return [row["outcome"] for row in rows]
        await asyncio.sleep(0.05)
    raise AssertionError("not all notices were acknowledged")


async def test_when_the_duty_is_over_the_sender_asks_again(stage: Stage) -> None:
    given = await give_away(stage, 511)
    housing, fund = stage[D03], stage[D02]
    now = int(fund.node.clock.wall_s())
    await duty_of(stage, given.case, until=now + 2 * 86_400)
    await erase(housing, given.record_id)
    (told,) = await settled(housing, given.record_id)
    assert told["outcome"] == "kept-by-duty"
    clocks = [fund.node.clock, housing.node.clock]
    real = clocks[0]._wall
    try:
        for clock in clocks:
            clock._wall = lambda: real() + 3 * 86_400
        await fund.node.store.node.write(lambda tx: ended_values.release(tx, now + 3 * 86_400))
        await housing.node.notices.telling.once()
        outcomes = await outcomes_of(housing, given.record_id, 2)
    finally:
        for clock in clocks:
            clock._wall = real
    assert outcomes == ["kept-by-duty", "nothing-held"]
    assert stage[D03].node.notices.showing.erasure(given.record_id)["outstanding"] == []


async def test_a_duty_holds_back_regular_disposal(stage: Stage) -> None:
    given = await give_away(stage, 512)
    fund = stage[D02]
    duty = await duty_of(stage, given.case)
    await fund.node.cases.close(given.case, 11)
    await fund.node.upkeep.once()  # sees the case closed
    await fund.node.store.node.write(
        lambda tx: tx.run("UPDATE received_values SET dispose_at = 1 WHERE rid = ?", (given.query.rid,))
    )
    await fund.node.upkeep.once()
    assert shown(fund, given.query.rid)["items"] != []
    async with client_of(fund) as client:
        (await client.post(f"/api/v1/retention-duties/{duty['id']}/end", json={})).ok()
    await fund.node.upkeep.once()
    assert shown(fund, given.query.rid)["items"] == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"basis": "411599199001010014 的档案"}, 422, "payload-refused"),
        ({"basis": "A" * 120}, 422, "payload-refused"),
        ({"basis": "两\n行"}, 422, "duty-form"),
        ({"basis": "   "}, 422, "duty-form"),
        ({"basis": ""}, 422, "request-body"),
        ({"basis": "x" * 201}, 422, "request-body"),
        ({"until": 1}, 422, "duty-form"),
        ({"until": 2**52}, 422, "duty-form"),
        ({"case_no": "NO-SUCH"}, 404, "case-unknown"),
        ({"more": 1}, 422, "request-body"),
    ],
)
async def test_a_duty_that_is_none_is_refused(stage: Stage, changes: dict[str, Any], status: int, code: str) -> None:
    case = await stage.case(person(520))
    body = {"lead": D02, "case_no": case, "basis": "某法第十条", "until": 1_900_000_000, **changes}
    async with client_of(stage[D02]) as client:
        before = (await client.get("/api/v1/retention-duties", params={"limit": 200})).ok()["items"]
        refused = await client.post("/api/v1/retention-duties", json=body)
        assert (refused.status, refused.code) == (status, code)
        assert (await client.get("/api/v1/retention-duties", params={"limit": 200})).ok()["items"] == before


async def test_a_duty_under_a_key_is_recorded_and_ended_once(stage: Stage) -> None:
    case = await stage.case(person(521))
    body = {"lead": D02, "case_no": case, "basis": "某法第十条", "until": 1_900_000_000}
    async with client_of(stage[D02]) as client:
        first, again = [await client.post("/api/v1/retention-duties", json=body, headers={"Idempotency-Key": "d1"}) for _ in "12"]
        assert first.ok(201) == again.ok(201)
        path = f"/api/v1/retention-duties/{first.ok(201)['id']}/end"
        ended = [await client.post(path, json={}, headers={"Idempotency-Key": "d2"}) for _ in "12"]
        assert ended[0].ok() == ended[1].ok()
        page = (await client.get("/api/v1/retention-duties", params={"limit": 1})).ok()
        assert len(page["items"]) == 1
        assert page["next"] is not None


# -- a stop at every step ------------------------------------------------------------------------------------


def stop(*_: object, **__: object) -> None:
    """Stands for a kill in the middle."""
    raise SystemError("killed here")


STEPS: dict[str, tuple[Any, str]] = {
    "key destroyed": (record_keys, "destroy"),
    "key noted": (erasures, "key_destroyed"),
    "purged": (erasures, "purge"),
    "answers shredded": (read_records, "shred"),
    "log emptied": (erasures, "checkpointed"),
    "marked": (erasures, "mark"),
}


async def test_an_intent_without_its_notices_is_no_intent(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    given = await give_away(stage, 540)
    with monkeypatch.context() as patch:
        patch.setattr(notices, "put", stop)
        with pytest.raises(SystemError):
            await erase(stage[D03], given.record_id)
    assert not stage[D03].node.records.is_erased(stage[D03].node.records.get(given.record_id))
    assert all(shown(stage[D02], rid)["items"] for rid in given.rids)
    await erase(stage[D03], given.record_id)
    assert [one["outcome"] for one in await settled(stage[D03], given.record_id)] == ["deleted"]


@pytest.mark.parametrize("step", STEPS)
async def test_an_erasure_stopped_at_any_step_is_told_and_carried_on(
    stage: Stage, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = await give_away(stage, 541 + list(STEPS).index(step))
    housing = stage[D03]
    stated = sealed_of(housing, "SELECT disclosures_sealed FROM answers WHERE rid = ?", given.answer.rid)
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], stop)
        with pytest.raises(SystemError):
            await erase(housing, given.record_id)
    erasure = housing.node.notices.showing.erasure(given.record_id)
    assert (erasure["state"], [one["recipient"] for one in erasure["recipients"]]) == ("erasing", [D02])
    (told,) = await settled(housing, given.record_id)  # the recipients need not wait for it
    assert (told["outcome"], told["deleted"]) == ("deleted", 3)
    assert await housing.node.ending.resume() == 1
    assert housing.node.notices.showing.erasure(given.record_id)["state"] == "erased"
    files = await asyncio.to_thread(all_bytes, stage.network.directory / D03)
    assert stated[0] not in files
    assert given.contract_no.encode() not in files


# -- what happens at the same time ---------------------------------------------------------------------------


async def test_nothing_of_a_record_is_committed_once_its_erasure_has_begun(stage: Stage) -> None:
    """It was found, then its erasure began, then the answer would have been committed: the provider looks again."""
    given = await give_away(stage, 530)
    housing = stage[D03]
    answering: Any = housing.node.providing._answering
    honest, begun = answering.results, list[str]()

    def results(*args: Any) -> Any:
        found = honest(*args)
        if not begun:
            begun.append(given.record_id)
            row = housing.node.records.get(given.record_id)
            housing.node.store.node.submit(lambda tx: erasures.intend(tx, row.position, 3, 1, 1)).result(5)
        return found

    answering.results = results
    try:
        asked = await stage.ask(stage.question(given.case, "query", AskItem((given.subject,), {})))
    finally:
        del answering.results
    assert begun
    assert asked.items[0].outcome == "none"
    assert asked.rid not in [use for uses in deliveries(stage, given.record_id).values() for use in uses]
    await housing.node.ending.resume()


def deliveries(stage: Stage, record_id: str) -> dict[str, list[str]]:
    node = stage[D03].node
    with node.store.node.read() as reader:
        return node.reads.deliveries(reader, record_id)


async def test_a_provider_that_does_not_know_yet_what_was_erased_gives_nothing(stage: Stage) -> None:
    """Restarted, maybe on a restored backup, it has not reached the chain's head: an honest no-answer, asked again later."""
    given = await give_away(stage, 550)
    done = stage[D03].node.restoring._done
    done.clear()
    try:
        asked = await stage.ask(stage.question(given.case, "query", AskItem((given.subject,), {})))
    finally:
        done.set()
    assert (asked.state, asked.detail) == ("no-answer", "peer-busy")
    again = await stage.ask(stage.question(given.case, "query", AskItem((given.subject,), {})))
    assert again.items[0].outcome == "records"


async def test_a_late_receipt_does_not_bring_back_what_was_erased(stage: Stage) -> None:
    """The receipt is fetched while the notice comes in: what was read before must not be written back."""
    subject = person(531)
    housing, fund = stage[D03], stage[D02]
    ids = await stage.network.publish(D03, "ZJ-02", [contract_row("HT-531", subject)])
    case = await stage.case(subject)
    halted, housing.node.anchoring.halted = housing.node.anchoring.halted, lambda: True
    try:
        row = contract_row("HT-531-B", subject)
        dataset = housing.node.catalogue.own("ZJ-02")
        await housing.node.publishing.publish_rows(dataset, [(1, row)], housing.person)
        asked = await stage.ask(stage.question(case, "query", AskItem((subject,), {})))
        assert len(asked.items[0].records) == 2
    finally:
        housing.node.anchoring.halted = halted
    await all_anchored(housing)
    late: Any = fund.node.late_receipts
    honest = type(late)._fetch

    async def fetch(self: Any, *args: Any) -> Any:
        receipt = await honest(self, *args)
        await erase(housing, ids[0])
        await settled(housing, ids[0])
        return receipt

    type(late)._fetch = fetch
    try:
        bundles = (await late.complete(asked.rid, Window(200))).items
    finally:
        type(late)._fetch = honest
    assert ids[0] not in orjson.dumps(bundles).decode()
    assert ids[0] not in orjson.dumps(shown(fund, asked.rid)["items"]).decode()
    again = (await late.complete(asked.rid, Window(200))).items  # and the other one still gets its receipt
    assert [one["receipt"] is not None for one in again] == [True]


async def test_an_older_log_is_indexed_at_start(stage: Stage) -> None:
    """Entries that a version without the index wrote are found after ``index_older``, once."""
    given = await give_away(stage, 532, "HT-532-B")
    housing = stage[D03]
    expected = deliveries(stage, given.record_id)
    assert set(expected[D02]) == set(given.rids)

    def forget(tx: Any) -> None:
        tx.run("DELETE FROM read_records")
        tx.run("DELETE FROM meta WHERE key = 'read-records-indexed'")

    await housing.node.store.node.write(forget)
    assert set(deliveries(stage, given.record_id)[D02]) < set(expected[D02])
    assert await housing.node.reads.index_older() > 0
    assert deliveries(stage, given.record_id) == expected
    assert await housing.node.reads.index_older() == 0


async def test_lists_come_in_pages_and_say_what_is_open(stage: Stage) -> None:
    async with client_of(stage[D03]) as client:
        everything = (await client.get("/api/v1/notices", params={"limit": 200})).ok()["items"]
        assert len(everything) > 3
        first = (await client.get("/api/v1/notices", params={"limit": 2})).ok()
        second = (await client.get("/api/v1/notices", params={"limit": 2, "cursor": first["next"]})).ok()
        assert [*first["items"], *second["items"]] == everything[:4]
        opened = (await client.get("/api/v1/notices", params={"state": "open", "limit": 200})).ok()["items"]
        assert opened == [one for one in everything if one["state"] != "acknowledged"]
        wrong = await client.get("/api/v1/notices", params={"state": "shut"})
        assert (wrong.status, wrong.code) == (422, "request-body")
    async with client_of(stage[D02]) as client:
        received = (await client.get("/api/v1/notices/received", params={"limit": 200})).ok()
        assert {one["sender"] for one in received["items"]} <= {D01, D03, D06}
        assert received["next"] is None
