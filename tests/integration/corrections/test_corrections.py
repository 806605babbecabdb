"""Corrections between real nodes: disputed, flagged in every answer, answered, everybody who received the old value told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.integration.exchange.test_texts import state_of
from tests.integration.node.conftest import quiet_log  # noqa: F401 (autouse here, too: stops are logged)
from tests.support.corrections import (
    CALLS,
    MADE,
    SCENE,
    ask,
    forwarded,
    opened,
    record_of,
    revise,
    settled,
    shown,
    step,
    until,
    view,
)
from tests.support.exchange import P2, Stage, id_number
from tests.support.http import client_of
from tests.support.network import D02, D03, D06, Running
from xinlian.node.asking import AskItem
from xinlian.node.corrections import Disputed, Disputes
from xinlian.node.providing.answering import Answering
from xinlian.node.webhooks.events import Event, Events
from xinlian.protocol.errors import ConflictError, InputError, StoreError
from xinlian.protocol.objects import correction_object
from xinlian.protocol.types import RecordId
from xinlian.store import notices as notices_table

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_value_is_disputed_flagged_corrected_and_everybody_is_told(stage: Stage) -> None:
    other = await stage.give(D03, D06, "ZJ-02", query=SCENE, answer=("contract_count",))
    contract, record_id = await record_of(stage, (D02, stage.grants[D03]), (D06, other))
    number = await opened(stage, record_id)
    found = view(stage[D03], number)
    assert (found["state"], found["record_id"], found["fields"], found["revision"]) == ("open", record_id, ["filing_status"], 1)
    assert found["clock"]["length_wd"] == 10

    since = [{"field": "filing_status", "since": found["opened_at"]}]
    assert shown(await ask(stage, D02, stage.grants[D03]), record_id)["in_correction"] == since
    assert shown(await ask(stage, D06, other), record_id)["in_correction"] == since
    assert shown(await ask(stage, D02, stage.grants[D03], fields=("contract_no",)), record_id)["in_correction"] == []

    with pytest.raises(ConflictError) as early:
        await step(stage[D03], "correct", number, {"reason": "录入错误"})
    assert early.value.code == "correction-not-revised"
    await revise(stage, contract, record_id, filing_status="注销")
    done = await step(stage[D03], "correct", number, {"reason": "录入错误"})
    assert (done.result or {})["state"] == "corrected"
    told = await until(lambda: settled(stage[D03], number))
    said = {(one["recipient"], one["outcome"], one["copies"]) for one in told["recipients"]}
    assert said == {(D02, "noted", 3), (D06, "noted", 2)}
    assert (told["outstanding"], told["corrected"]["rev"]) == ([], 2)
    again = await ask(stage, D02, stage.grants[D03])
    assert (shown(again, record_id)["in_correction"], shown(again, record_id)["values"]["filing_status"]) == ([], "注销")


async def test_what_was_made_from_a_disputed_value_says_so_too(stage: Stage) -> None:
    contract, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    since = [{"field": "filing_status", "since": view(stage[D03], number)["opened_at"]}]
    grant = stage.grants[D03]
    counted = await ask(stage, D02, grant, "answer", view="contract_count", items=(AskItem((P2,), {}),))
    assert (counted.items[0].answer or {})["in_correction"] == since
    named = {"contract_no": contract, "filing_status": "变更中"}
    compared = await ask(stage, D02, grant, "verify", fields=SCENE, items=(AskItem((P2,), named),))
    assert (compared.items[0].outcome, (compared.items[0].answer or {})["in_correction"]) == ("mismatch", since)
    same = await ask(stage, D02, grant, "verify", fields=SCENE, items=(AskItem((P2,), {**named, "filing_status": "有效"}),))
    assert (same.items[0].outcome, same.items[0].records[0]["in_correction"]) == ("match", since)
    await step(stage[D02], "withdraw", number)
    await stage.network.in_step()
    free = await ask(stage, D02, grant, "answer", view="contract_count", items=(AskItem((P2,), {}),))
    assert (free.items[0].answer or {})["in_correction"] == []


async def test_who_disputes_sees_it_whatever_the_provider_says(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    _, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    monkeypatch.setattr(Disputes, "now", lambda *_: Disputed())  # the provider's node is silent about it
    since = [{"field": "filing_status", "since": view(stage[D02], number)["opened_at"]}]
    assert shown(await ask(stage, D02, stage.grants[D03]), record_id)["in_correction"] == since
    await step(stage[D02], "withdraw", number)
    assert shown(await ask(stage, D02, stage.grants[D03]), record_id)["in_correction"] == []


async def test_maintained_with_a_reason_ends_it_and_tells_nobody(stage: Stage) -> None:
    _, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    with pytest.raises(InputError) as bare:
        await step(stage[D03], "maintain", number)
    assert bare.value.code == "reason-missing"
    await step(stage[D03], "maintain", number, {"reason": "与原件核对一致"})
    await stage.network.in_step()
    ending = bytes.fromhex(view(stage[D02], number)["documents"]["ending"])
    assert (await until(lambda: state_of(stage[D02], ending))) == ("confirmed", D03)
    assert stage[D02].node.documents.opened(ending).content()["reason"] == "与原件核对一致"
    assert view(stage[D03], number)["recipients"] == []
    assert shown(await ask(stage, D02, stage.grants[D03]), record_id)["in_correction"] == []
    for late in ("correct", "maintain", "forward"):
        with pytest.raises(ConflictError) as again:
            await step(stage[D03], late, number, {"reason": "又一次", "source_department": D06})
        assert again.value.code == "correction-state"
    with pytest.raises(ConflictError) as gone:
        await step(stage[D02], "withdraw", number)
    assert gone.value.code == "correction-state"


async def own_of_source(stage: Stage) -> str:
    """A record of D06 with a second revision."""
    citizen, source = id_number(next(MADE)), stage[D06]
    (own,) = await stage.network.publish(D06, "GA-01", [{"name": "测试丙", "id_number": citizen, "person_status": "正常"}])
    row = {"name": "测试丁", "id_number": citizen, "person_status": "正常"}
    done = await source.node.publishing.revise(RecordId(own), row, source.person)
    assert await source.node.anchoring.wait_anchored(done.last_position, 20)
    return own


@pytest.mark.parametrize(
    ("source", "code"),
    [(D03, "correction-source"), ("91411500MA45XY7K3Q", "correction-source"), ("x", "form-member"), (None, "correction-result")],
)
async def test_only_another_active_department_is_a_source(stage: Stage, source: str | None, code: str) -> None:
    _, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    with pytest.raises(InputError) as other:
        await step(stage[D03], "forward", number, {"reason": "源头在别处", "source_department": source})
    assert other.value.code == code
    assert view(stage[D03], number)["state"] == "open"


async def test_the_source_corrects_and_the_provider_follows(stage: Stage) -> None:
    contract, record_id = await record_of(stage)
    number, source = await forwarded(stage, record_id), stage[D06]
    assert (await until(lambda: view(source, number)["record_id"])) == record_id  # who joins later gets what was shown before
    assert [todo.kind for todo in waiting(source, number)] == ["correction-answer"]
    with pytest.raises(ConflictError) as past:
        await step(stage[D03], "correct", number, {"reason": "不归我"})
    assert past.value.code == "correction-party"
    with pytest.raises(InputError) as unnamed:
        await step(source, "correct", number, {"reason": "户籍有误"})
    assert unnamed.value.code == "correction-record"

    own = await own_of_source(stage)
    await step(source, "correct", number, {"reason": "户籍有误"}, record_id=own)
    await stage.network.in_step()
    assert (view(source, number)["corrected"]["rev"], view(source, number)["recipients"]) == (2, [])

    assert [todo.kind for todo in waiting(stage[D03], number)] == ["correction-adopt"]
    since = [{"field": "filing_status", "since": view(stage[D03], number)["opened_at"]}]
    assert shown(await ask(stage, D02, stage.grants[D03]), record_id)["in_correction"] == since
    with pytest.raises(ConflictError) as early:
        await step(stage[D03], "adopt", number)
    assert early.value.code == "correction-not-revised"
    await revise(stage, contract, record_id, filing_status="注销")
    await step(stage[D03], "adopt", number)
    told = await until(lambda: settled(stage[D03], number))
    assert [one["recipient"] for one in told["recipients"]] == [D02]
    assert waiting(stage[D03], number) == []
    assert shown(await ask(stage, D02, stage.grants[D03]), record_id)["in_correction"] == []
    with pytest.raises(ConflictError) as twice:
        await step(stage[D03], "adopt", number)
    assert twice.value.code == "correction-state"


def waiting(running: Running, number: int) -> list[Any]:
    """What waits at a department because of a correction, without the approvals."""
    ref = correction_object(D02, number)
    found = [one.todo for one in running.node.inbox.of(running.person) if one.todo.object_ref == ref]
    return [todo for todo in found if todo.kind.startswith("correction-")]


async def test_who_was_told_shows_it_and_takes_note_once(stage: Stage) -> None:
    contract, record_id = await record_of(stage)
    before = await ask(stage, D02, stage.grants[D03])
    number = await opened(stage, record_id)
    await revise(stage, contract, record_id, filing_status="变更中")
    await step(stage[D03], "correct", number, {"reason": "录入错误"})
    await until(lambda: settled(stage[D03], number))
    kept = stage[D02].node.asking.history.show(before.rid, with_values=True)["items"][0]["records"]
    (old,) = [record for record in kept if record["record_id"] == record_id]
    assert (old["rev"], [(one["fields"], one["rev"]) for one in old["corrected"]]) == (1, [(["filing_status"], 2)])
    assert all(one["corrected"] == [] for one in kept if one["record_id"] != record_id)
    (todo,) = waiting(stage[D02], number)
    assert todo.kind == "correction-told"
    async with client_of(stage[D02]) as client:
        listed = (await client.get(f"{CALLS}/told", params={"limit": 200})).ok()["items"]
        told = listed[-1]
        assert (told["sender"], told["correction"], told["seen_at"]) == (D03, f"{D02}/{number}", None)
        seen = (await client.post(f"{CALLS}/told/{told['id']}/see", json={})).ok()
        assert seen["seen_at"] > 0
        again = await client.post(f"{CALLS}/told/{told['id']}/see", json={})
        assert (again.status, again.code) == (409, "correction-seen")
        nothing = await client.post(f"{CALLS}/told/999999/see", json={})
        assert (nothing.status, nothing.code) == (404, "correction-unknown")
        acts = (await client.get("/api/v1/acts", params={"object": correction_object(D02, number), "limit": 200})).ok()["items"]
    assert [one["act"] for one in acts] == ["proposed", "consented", "correction-opened", "acknowledged"]
    assert waiting(stage[D02], number) == []


async def test_a_stop_between_the_answer_and_telling_loses_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    contract, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    await revise(stage, contract, record_id, filing_status="注销")
    failed, honest = list[int](), notices_table.put

    def stopped(tx: Any, sealer: Any, new: Any, now_s: int) -> None:
        if not failed and any(one.kind == "corrected" for one in new):
            failed.append(1)
            raise StoreError("store-io", "killed here")
        honest(tx, sealer, new, now_s)

    node, person = stage[D03].node, stage[D03].person
    with monkeypatch.context() as patch:
        patch.setattr(notices_table, "put", stopped)
        proposed = await node.corrections.approvals.propose("correct", D02, number, {"form": {"reason": "录入错误"}}, person)
        consented = await node.approvals.consent(proposed.id, stage[D03].head, proposed.proposal)
        assert (consented.state.value, consented.code) == ("executing", "store-io")
        assert (view(stage[D03], number)["state"], view(stage[D03], number)["recipients"]) == ("corrected", [])
        assert view(stage[D03], number)["corrected"] is None  # neither without the other
        told = await until(lambda: settled(stage[D03], number), 30)
    assert [one["recipient"] for one in told["recipients"]] == [D02]
    assert node.approvals.get(proposed.id).state.value == "done"


async def test_an_answer_looked_up_before_the_correction_was_told_is_looked_up_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is told is final from then on, so no old value may leave afterwards."""
    contract, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    await revise(stage, contract, record_id, filing_status="注销")
    await step(stage[D03], "correct", number, {"reason": "录入错误"})
    looks, honest = list[int](), Answering.results

    def stale(self: Answering, *args: Any) -> Any:
        looks.append(1)
        found = honest(self, *args)
        old = [replace(one, revisions=tuple(1 for _ in one.revisions)) for one in found]
        return old if len(looks) == 1 else found

    monkeypatch.setattr(Answering, "results", stale)
    asked = await ask(stage, D02, stage.grants[D03])
    assert (len(looks), shown(asked, record_id)["rev"]) == (2, 2)


async def test_what_a_restored_backup_lost_is_told_again_by_hand(stage: Stage) -> None:
    contract, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    await revise(stage, contract, record_id, filing_status="注销")
    await step(stage[D03], "correct", number, {"reason": "录入错误"})
    assert waiting(stage[D03], number) == []
    ref = correction_object(D02, number)

    def lose(tx: Any) -> None:
        tx.run("DELETE FROM corrected_records WHERE object_ref = ?", (ref,))
        tx.run("DELETE FROM notices_out WHERE object_ref = ?", (ref,))

    await stage[D03].node.store.node.write(lose)
    assert [todo.kind for todo in waiting(stage[D03], number)] == ["correction-adopt"]
    await step(stage[D03], "adopt", number)
    told = await until(lambda: settled(stage[D03], number))
    assert ([one["recipient"] for one in told["recipients"]], waiting(stage[D03], number)) == ([D02], [])


async def test_own_systems_hear_of_it(stage: Stage) -> None:
    """Webhook events on both sides, by codes only."""
    contract, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    await revise(stage, contract, record_id, filing_status="注销")
    seen = list[tuple[str, dict[str, Any]]]()
    emitted = Events.emit

    def noted(self: Events, tx: Any, event: Event) -> None:
        seen.append((event.type, dict(event.data)))
        emitted(self, tx, event)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Events, "emit", noted)
        await step(stage[D03], "correct", number, {"reason": "录入错误"})
        await until(lambda: settled(stage[D03], number))
    ref = correction_object(D02, number)
    assert ("correction.told", {"object": ref, "record": record_id, "sender": D03}) in seen
    assert ("correction.acknowledged", {"object": ref, "recipient": D02, "outcome": "noted", "code": None}) in seen


async def test_only_who_received_the_disputed_value_is_told(stage: Stage) -> None:
    """One gets another field, one an answer that was made from the value."""
    other = await stage.give(D03, D06, "ZJ-02", query=("contract_no",), answer=("contract_count",))
    contract, record_id = await record_of(stage)
    await ask(stage, D06, other, fields=("contract_no",))
    number = await opened(stage, record_id)
    await revise(stage, contract, record_id, filing_status="变更中")
    await step(stage[D03], "correct", number, {"reason": "录入错误"})
    told = await until(lambda: settled(stage[D03], number))
    assert [one["recipient"] for one in told["recipients"]] == [D02]

    contract, record_id = await record_of(stage)
    await ask(stage, D06, other, "answer", view="contract_count")
    number = await opened(stage, record_id)
    await revise(stage, contract, record_id, filing_status="变更中")
    await step(stage[D03], "correct", number, {"reason": "录入错误"})
    told = await until(lambda: settled(stage[D03], number))
    assert {(one["recipient"], one["copies"]) for one in told["recipients"]} == {(D02, 1), (D06, 1)}
