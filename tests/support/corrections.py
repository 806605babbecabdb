"""Corrections between the nodes of a stage: a record somebody received, disputed by D02, answered by D03 or its source D06."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.support.exchange import P1, P2, Stage, contract_row
from tests.support.network import D02, D03, D06, Running
from xinlian.node.asking import Asked, AskItem, Question
from xinlian.protocol.types import RecordId

EVIDENCE = {"sha256": "cd" * 32, "bytes": 1_024, "media_type": "application/pdf", "name": "合同原件.pdf"}
CALLS = "/api/v1/corrections"
SCENE = ("contract_no", "filing_status")
MADE = iter(range(100, 999))


async def record_of(stage: Stage, *readers: tuple[str, int]) -> tuple[str, str]:
    """A fresh contract of P1 and P2 at D03, read by D02 (and others by their grants); its number and record id."""
    number = f"HT-{next(MADE)}"
    (record_id,) = await stage.network.publish(D03, "ZJ-02", [contract_row(number, P1, P2)])
    for reader, grant in readers or ((D02, stage.grants[D03]),):
        await ask(stage, reader, grant)
    return number, record_id


async def ask(stage: Stage, reader: str, grant: int, mode: str = "query", **changes: Any) -> Asked:
    """Have a department read the contracts of P2 from D03, in a case of its own."""
    case = await stage.case(P1, P2, lead=reader)
    values: dict[str, Any] = {"fields": SCENE if mode == "query" else (), "view": None, "parameters": {}}
    values |= {"items": (AskItem((P2,), {}),), **changes}
    question = Question(D03, grant, (reader, case), "HPF_LOAN_REVIEW", mode, **values)
    asked = await stage[reader].node.asking.ask(question, stage[reader].person)
    assert asked.state == "received", asked
    return asked


def shown(asked: Asked, record_id: str) -> dict[str, Any]:
    """The record in the answer."""
    return next(record for record in asked.items[0].records if record["record_id"] == record_id)


def form(record_id: str, **changes: Any) -> dict[str, Any]:
    """What the handler writes."""
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
    """The correction as a node shows it."""
    return running.node.corrections.views.info(D02, number)


async def revise(stage: Stage, number: str, record_id: str, **changes: Any) -> None:
    """Publish a revision of a contract."""
    row = {**contract_row(number, P1, P2), **changes}
    done = await stage[D03].node.publishing.revise(RecordId(record_id), row, stage[D03].person)
    assert await stage[D03].node.anchoring.wait_anchored(done.last_position, 20)


def settled(running: Running, number: int) -> dict[str, Any] | None:
    """The correction, once everybody acknowledged."""
    found = view(running, number)
    return found if found["recipients"] and not found["outstanding"] else None


async def until(found: Callable[[], Any], seconds: float = 15) -> Any:
    """What a question gives, once it gives anything."""
    for _ in range(int(seconds * 20)):
        value = found()
        if value:
            return value
        await asyncio.sleep(0.05)
    raise AssertionError("nothing came")


async def forwarded(stage: Stage, record_id: str) -> int:
    """A correction that D03 handed on to D06."""
    number = await opened(stage, record_id)
    await step(stage[D03], "forward", number, {"reason": "源头在公安", "source_department": D06})
    await stage.network.in_step()
    return number
