"""Corrections between real nodes: disputed, flagged in every answer, answered, everybody who received the old value told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.exchange.test_texts import until
from tests.support.exchange import P1, P2, Stage, contract_row
from tests.support.network import D02, D03, D06, Running
from xinlian.node.asking import Asked, AskItem, Question
from xinlian.protocol.errors import ConflictError
from xinlian.protocol.types import RecordId

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVIDENCE = {"sha256": "cd" * 32, "bytes": 1_024, "media_type": "application/pdf", "name": "合同原件.pdf"}
CALLS = "/api/v1/corrections"
SCENE = ("contract_no", "filing_status")
_MADE = iter(range(100, 999))


async def record_of(stage: Stage, *readers: tuple[str, int]) -> tuple[str, str]:
    """A fresh contract of P1 and P2 at D03, read by D02 (and others by their grants); its number and record id."""
    number = f"HT-{next(_MADE)}"
    (record_id,) = await stage.network.publish(D03, "ZJ-02", [contract_row(number, P1, P2)])
    for reader, grant in readers or ((D02, stage.grants[D03]),):
        await ask(stage, reader, grant)
    return number, record_id


async def ask(stage: Stage, reader: str, grant: int, mode: str = "query", **changes: Any) -> Asked:
    case = await stage.case(P1, P2, lead=reader)
    values: dict[str, Any] = {"fields": SCENE if mode == "query" else (), "view": None, "parameters": {}}
    values |= {"items": (AskItem((P2,), {}),), **changes}
    question = Question(D03, grant, (reader, case), "HPF_LOAN_REVIEW", mode, **values)
    asked = await stage[reader].node.asking.ask(question, stage[reader].person)
    assert asked.state == "received", asked
    return asked


def shown(asked: Asked, record_id: str) -> dict[str, Any]:
    return next(record for record in asked.items[0].records if record["record_id"] == record_id)


def form(record_id: str, **changes: Any) -> dict[str, Any]:
    return {"record_id": record_id, "items": ["filing_status"], "doubt": "与原件不一致", "evidence": [EVIDENCE], **changes}


async def opened(stage: Stage, record_id: str, **changes: Any) -> int:
    """A correction opened by D02 by two persons, its text at D03; its number."""
    node, payload = stage[D02].node, {"provider": D03, "grant": stage.grants[D03], "form": form(record_id, **changes)}
    done = await stage[D02].approved(await node.corrections.approvals.propose_new(payload, stage[D02].person))
    number = int(str((done.result or {})["number"]))
    await stage.network.in_step()
    await until(lambda: view(stage[D03], number)["record_id"])
    return number


async def step(running: Running, name: str, number: int, body: dict[str, Any] | None = None, **more: Any) -> Any:
    """A step by two persons of a department."""
    approvals, payload = running.node.corrections.approvals, {"form": body or {}, **more}
    return await running.approved(await approvals.propose(name, D02, number, payload, running.person))


def view(running: Running, number: int) -> dict[str, Any]:
    return running.node.corrections.views.info(D02, number)


async def revise(stage: Stage, number: str, record_id: str, **changes: Any) -> None:
    row = {**contract_row(number, P1, P2), **changes}
    done = await stage[D03].node.publishing.revise(RecordId(record_id), row, stage[D03].person)
    assert await stage[D03].node.anchoring.wait_anchored(done.last_position, 20)


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


def settled(running: Running, number: int) -> dict[str, Any] | None:
    found = view(running, number)
    return found if found["recipients"] and not found["outstanding"] else None
