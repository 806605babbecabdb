"""Use records, disposal with a receipt, and the breaches that only one node sees; in the order of law time."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.integration.liability.conftest import DAY_S
from tests.support.exchange import P1, P3, Stage, tampering
from tests.support.http import Client, client_of
from tests.support.network import D01, D02, D03, D06
from xinlian.node.asking import AskItem
from xinlian.node.notices.findings import ReceivedFindings
from xinlian.node.sharing import StepDetails
from xinlian.protocol.acts import parse_act
from xinlian.protocol.bundle import parse
from xinlian.protocol.documents import check_document, read_document
from xinlian.protocol.errors import RefusedError
from xinlian.protocol.findings import Article, EventRef, Finding, ReadRef
from xinlian.protocol.messages import Answer
from xinlian.protocol.notices import Notice, NoticeId, ToldFinding
from xinlian.protocol.types import EpochS, Uscc
from xinlian.protocol.working_days import date_of, day_of
from xinlian.store import use as table

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = {
    "scene": "公积金贷款受理",
    "process": "窗口逐笔核验",
    "effect": "减少申请材料三份",
    "storage": "不落地",
    "disposal": "办结后删除",
}
DISPOSAL = {"method": "删除", "scope": "全部返回值", "done_by": "测试甲", "witnessed_by": "测试乙", "kept": []}
KEPT = [{"what": "办件档案", "legal_basis": "某法第十条 (合成示例)", "until": "2036-12-31"}]


def today(stage: Stage) -> date:
    return date_of(day_of(stage[D02].node.clock.law_s()))


async def findings(stage: Stage, uscc: str, **query: Any) -> list[dict[str, Any]]:
    async with client_of(stage[uscc]) as client:
        found: list[dict[str, Any]] = (await client.get("/api/v1/findings", params=query)).ok()["items"]
        return found


async def consented(stage: Stage, client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Propose and consent; the approval."""
    proposed = (await client.post(path, json=body)).ok(202)
    head = client.with_token(stage[D02].head_token)
    done: dict[str, Any] = (await head.post(f"/api/v1/approvals/{proposed['id']}/consent", json={})).ok()
    assert done["state"] == "done", done
    return done


async def proven(client: Client, shown: dict[str, Any], act: str) -> None:
    """Text, act and anchoring of a receipt, checked with what is in it."""
    document = read_document(bytes.fromhex(shown["salt"]), shown["text"].encode())
    check_document(document, bytes.fromhex(shown["document"]))
    (named,) = [one for one in shown["acts"] if one["act"] == act]
    path = f"/api/v1/acts/{named['position']}/bundle"
    async with asyncio.timeout(20):
        while True:
            bundle = (await client.get(path, params={"fields": ""})).body
            report = (await client.send("/api/v1/verifications", bundle, "application/json")).ok()
            if report["exit_code"] != 7:
                break
            await asyncio.sleep(0.2)
    assert report["exit_code"] == 0, report
    clear = parse_act(parse(bundle).statement.raw).clear
    assert (clear.document, clear.object_ref) == (document.digest, document.object_ref)


async def test_a_use_record_by_two_persons_is_kept_and_proven(stage: Stage) -> None:
    case = await stage.case(P1)
    await stage.ask(stage.question(case))
    day = today(stage).isoformat()
    body = {"provider": D03, "number": stage.grants[D03], "form": {**FORM, "period_from": day, "period_to": day}}
    async with client_of(stage[D02]) as client:
        waiting = (await client.get("/api/v1/inbox", params={"limit": 200})).ok()["items"]
        due = [one for one in waiting if one["kind"] == "use-record"]
        assert [one["object"] for one in due] == [f"grant {D03}/{stage.grants[D03]}"]
        assert due[0]["clock"]["length_wd"] == 5
        done = await consented(stage, client, "/api/v1/use-records", body)
        (listed,) = (await client.get("/api/v1/use-records")).ok()["items"]
        assert listed["id"] == done["result"]["use_record"]
        shown = (await client.get(f"/api/v1/use-records/{listed['id']}")).ok()
        assert {name: shown["content"][name] for name in FORM} == FORM
        assert shown["content"]["uses"] == 1, "counted by the node"
        assert shown["document"] == done["document"]
        assert {one["act"] for one in shown["acts"]} == {"consented", "use-recorded"}
        await proven(client, shown, "use-recorded")
        waiting = (await client.get("/api/v1/inbox", params={"limit": 200})).ok()["items"]
        assert not [one for one in waiting if one["kind"] == "use-record"]
        early = await client.call("DELETE", f"/api/v1/use-records/{listed['id']}")
        assert (early.status, early.code) == (409, "use-record-retained")
        assert shown["retained_until"] >= shown["recorded_at"] + 3 * 365 * DAY_S


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scene": " "}, "use-record-missing"),
        ({"period_from": "2026-01-01"}, "use-record-period"),
        ({"period_to": "2027-01-01"}, "use-record-period"),
        ({"period_to": "2026-01-01"}, "term-reversed"),
        ({"case": f"{D02}/NONE"}, "case-unknown"),
        ({"case": "NONE"}, "form-member"),
        ({"more": 1}, "form-member-unknown"),
    ],
)
async def test_a_use_record_that_is_none(stage: Stage, change: dict[str, Any], code: str) -> None:
    day = today(stage).isoformat()
    form = {**FORM, "period_from": day, "period_to": day, **change}
    async with client_of(stage[D02]) as client:
        refused = await client.post("/api/v1/use-records", json={"provider": D03, "number": stage.grants[D03], "form": form})
        assert refused.code == code
        other = await client.post("/api/v1/use-records", json={"provider": D03, "number": 999, "form": form})
        assert (other.status, other.code) == (404, "grant-unknown")


async def test_calls_outside_the_grant_are_found_by_the_provider(stage: Stage) -> None:
    case = await stage.case(P1)
    crafted = await stage.craft(stage.question(case))
    wrong = crafted.resealed(request=replace(crafted.request, purpose="OTHER"))
    assert await stage.check_of(wrong) == "purpose"
    (found,) = await findings(stage, D03, article="40(2)")
    assert (found["department"], found["origin"], found["facts"]["check"]) == (D02, "local", "purpose")
    (entry,) = found["evidence"]
    (logged,) = stage.reads(D03, wrong.request.rid)
    assert (entry["position"], entry["leaf"]) == (logged.position, logged.leaf.hex())
    lawful = await stage.ask(stage.question(case))
    assert lawful.items[0].outcome == "records"
    assert len(await findings(stage, D03, article="40(2)")) == 1


async def told_by(client: Client) -> dict[str, Any]:
    """The notice of a finding that a node has sent."""
    notices = (await client.get("/api/v1/notices")).ok()["items"]
    (sent,) = [one for one in notices if one["kind"] == "finding"]
    found: dict[str, Any] = sent
    return found


async def test_what_only_one_node_sees_is_told_to_the_authority(stage: Stage) -> None:
    (seen,) = await findings(stage, D03, article="40(2)")
    async with asyncio.timeout(10):
        while not (told := await findings(stage, D01, article="40(2)")):  # noqa: ASYNC110 (the other node tells no event)
            await asyncio.sleep(0.1)
    assert [(one["id"], one["origin"], one["evidence"]) for one in told] == [(seen["id"], D03, seen["evidence"])]
    async with client_of(stage[D03]) as client:
        async with asyncio.timeout(10):
            while (sent := await told_by(client))["outcome"] is None:  # noqa: ASYNC110 (the acknowledgement is on its way)
                await asyncio.sleep(0.1)
        assert (sent["recipient"], sent["outcome"]) == (D01, "listed")
        (entry,) = seen["evidence"]
        bundle = (await client.get(f"/api/v1/reads/{entry['position']}/bundle")).body
    async with client_of(stage[D01]) as authority:
        report = (await authority.send("/api/v1/verifications", bundle, "application/json")).ok()
    assert report["exit_code"] in (0, 7), "the authority checks the entry against its own view"


async def test_a_finding_that_is_not_its_senders_to_tell(stage: Stage) -> None:
    node = stage[D01].node
    received = ReceivedFindings(Uscc(D01), Uscc(D01), node.clock.law_s)
    own = Finding(Article.SCOPE, "call-outside-grant", D02, f"grant {D03}/1", 1, False, (ReadRef(D03, 1, "ab" * 32, 1),))

    async def refused(finding: Finding, to: ReceivedFindings, sender: str = D03) -> str:
        told = Notice(NoticeId("0" * 32), Uscc(sender), Uscc(D01), EpochS(1), EpochS(9), ToldFinding(finding, EpochS(1)))
        with pytest.raises(RefusedError) as caught:
            await node.store.node.write(lambda tx: to.follow(tx, told, 1, 1))
        return caught.value.code

    assert await refused(own, received, D02) == "refused-notice-finding", "a read entry of another department"
    assert await refused(replace(own, article=Article.LATE), received) == "refused-notice-finding", "the chain proves that"
    given = EventRef("SharingRegistry", "GrantGiven", 1, "0x" + "ab" * 32, 0, 1)
    proven = replace(own, article=Article.DISPOSAL, breach="disposal-missing", department=D03, evidence=(given,))
    assert await refused(proven, received) == "refused-notice-finding", "it would hide what the chain proves of D03"
    of_another = replace(own, article=Article.RECORDS, breach="use-record-missing")
    assert await refused(of_another, received) == "refused-notice-finding", "another's use records it does not see"
    undisposed = replace(proven, breach="case-not-disposed", department=D02, object_ref=f"case {D02}/1")
    assert await refused(undisposed, received) == "refused-notice-finding", "nor another's values"
    assert await refused(replace(own, evidence=(given,)), received) == "refused-notice-finding", "no read entry of its own"
    foreign = replace(own, object_ref=f"grant {D06}/1")
    assert await refused(foreign, received) == "refused-notice-finding", "another provider's grant"
    elsewhere = replace(received, department=Uscc(D02))
    assert await refused(own, elsewhere) == "refused-notice-finding", "no authority"


async def test_a_suspension_for_misuse_is_lawful(stage: Stage) -> None:
    """The same step without a breach on record is 39(7) (test_findings); here the provider has seen one."""
    grant = stage.grants[D03]
    await stage.network.suspend(D03, grant)
    await stage.network.in_step()
    for uscc in (D03, D01):
        assert await findings(stage, uscc, article="39(7)") == [], "the authority was told of the breach before"
    request = stage[D03].node.state.grants[D03, grant].request
    details = StepDetails(hashlib.sha256(b"resumed").digest())
    await stage[D03].node.requests.take("resume", request.requester, request.number, details)
    await stage.network.in_step()


async def test_an_answer_that_proves_nothing_is_a_finding(stage: Stage) -> None:
    case = await stage.case(P1)

    def other_records(answer: Answer) -> Answer:
        items = tuple(replace(item, records=item.records * 2) for item in answer.items)
        return replace(answer, items=items)

    with tampering(stage[D03], other_records):
        asked = await stage.ask(stage.question(case))
    assert asked.items[0].outcome == "not-proven"
    (found,) = await findings(stage, D02, article="40(6)")
    assert (found["breach"], found["department"]) == ("answer-not-proven", D03)


async def test_a_gap_in_the_use_records(stage: Stage) -> None:
    """Reads of today are covered by the first test's record; those of tomorrow are not."""
    await stage.pass_time(DAY_S)
    case = await stage.case(P1)
    await stage.ask(stage.question(case))
    assert await findings(stage, D02, article="40(5)") == []
    await stage.pass_time(18 * DAY_S)
    found = await findings(stage, D02, article="40(5)")
    assert [(one["department"], one["object"], one["standing"]) for one in found] == [
        (D02, f"grant {D03}/{stage.grants[D03]}", True)
    ]
    with stage[D02].node.store.node.read() as reader:
        days = table.read_days(reader)
    uncovered = [day for day in days if day.day_s > found[0]["evidence"][0]["at"] - 1]
    assert found[0]["evidence"][0]["leaf"] == uncovered[0].leaf.hex()


async def test_a_disposal_with_a_receipt(stage: Stage) -> None:
    grant = await stage.give(D03, D02, "ZJ-02", query=("contract_no", "filing_status"))
    case, held = await stage.case(P1), await stage.case(P1)
    for number in (case, held):
        await stage.ask(stage.question(number, grant_number=grant))
    request = stage[D02].node.state.grants[D03, grant].request
    path = f"/api/v1/requests/{D02}/{request.number}/steps"
    day = today(stage).isoformat()
    form = {**DISPOSAL, "done_on": day}
    async with client_of(stage[D02]) as client:
        duty = {"lead": D02, "case_no": held, "basis": "某法第十条", "until": 1_999_999_999}
        (await client.post("/api/v1/retention-duties", json=duty)).ok(201)
        await consented(stage, client, f"{path}/close", {"form": {"reason": "已办结", "disposal_due": "2026-12-31"}})
        await stage.network.in_step()
        hidden = await client.post(f"{path}/dispose", json={"form": form})
        assert (hidden.status, hidden.code) == (422, "disposal-kept-missing")
        await consented(stage, client, f"{path}/dispose", {"form": {**form, "kept": KEPT}})
        await stage.network.in_step()
        with stage[D02].node.store.node.read() as reader:
            assert table.values_of_grant(reader, f"{D03}/{grant}") == {f"{D02}/{held}": 1}
        disposals = (await client.get("/api/v1/disposals")).ok()["items"]
        (one,) = [one for one in disposals if one["object"] == f"request {request.ref}"]
        assert (one["deleted"], one["kept"]) == (1, 1)
        shown = (await client.get(f"/api/v1/disposals/{one['id']}")).ok()
        assert shown["recorded_on_chain"] is True
        assert shown["content"]["witnessed_by"] == "测试乙"
        await proven(client, shown, "consented")
    disposed = stage[D01].node.state.requests[D02, request.number]
    assert disposed.steps[-1].event == "DisposalRecorded"
    assert disposed.steps[-1].document == shown["document"], "what the authority's node sees on chain"


async def test_the_disposal_of_a_case(stage: Stage) -> None:
    case = await stage.case(P1, P3)
    await stage.ask(stage.question(case, "query", AskItem((P1,), {})))
    day = today(stage).isoformat()
    body = {"lead": D02, "case_no": case, "form": {**DISPOSAL, "done_on": day}}
    async with client_of(stage[D02]) as client:
        still_open = await client.post("/api/v1/disposals", json=body)
        assert (still_open.status, still_open.code) == (409, "case-not-closed")
        await stage[D02].node.cases.close(case, 1)
        await stage.network.in_step()
        waiting = (await client.get("/api/v1/inbox", params={"limit": 200})).ok()["items"]
        assert f"case {D02}/{case}" in [one["ref"] for one in waiting if one["kind"] == "case-disposal"]
        done = await consented(stage, client, "/api/v1/disposals", body)
        assert (done["result"]["deleted"], done["result"]["kept"]) == (3, 0), "one value, two openings"
        shown = (await client.get(f"/api/v1/disposals/{done['result']['disposal']}")).ok()
        assert shown["recorded_on_chain"] is None
        await proven(client, shown, "disposed")
        waiting = (await client.get("/api/v1/inbox", params={"limit": 200})).ok()["items"]
        assert f"case {D02}/{case}" not in [one["ref"] for one in waiting]
        unknown = await client.get("/api/v1/disposals/999")
        assert (unknown.status, unknown.code) == (404, "disposal-unknown")


async def test_a_use_record_goes_after_its_retention(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    records = stage[D02].node.use_records
    later = replace(records, law_s=lambda: records.law_s() + 1_097 * DAY_S)
    gone = await later.delete(1)
    assert gone["deleted_at"] is not None
    shown = records.info(1)
    assert (shown["text"], shown["content"]) == (None, None)
    assert {one["act"] for one in shown["acts"]} == {"consented", "use-recorded"}, "who acted stays in the log"
    async with client_of(stage[D02]) as client:
        approval = (await client.get("/api/v1/approvals", params={"kind": "use-record"})).ok()["items"][0]
        assert (await client.get(f"/api/v1/approvals/{approval['id']}")).ok()["payload"] == {}
