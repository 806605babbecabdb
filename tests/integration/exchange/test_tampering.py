"""A provider that lies with its real keys: whatever it alters, the requester shows no value and writes ``not-proven``."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import orjson
import pytest

from tests.support.exchange import P1, P2, Stage, tampering
from tests.support.network import D02, D03
from xinlian.node.asking import AskItem
from xinlian.node.paging import Window
from xinlian.node.peer_client import Reply
from xinlian.protocol.b64 import b64u
from xinlian.protocol.messages import Answer, AnswerItem, Evidence, Outcome
from xinlian.protocol.record import disclosure
from xinlian.protocol.types import EpochS

pytestmark = pytest.mark.asyncio(loop_scope="session")

Alter = Callable[[Evidence], Evidence]


def of_records(alter: Alter) -> Callable[[Answer], Answer]:
    """Alter every record of an answer."""

    def change(answer: Answer) -> Answer:
        items = [replace(item, records=tuple(alter(e) for e in item.records)) for item in answer.items]
        return replace(answer, items=tuple(items))

    return change


def of_statement(alter: Alter) -> Callable[[Answer], Answer]:
    """Alter every answer statement of an answer."""

    def change(answer: Answer) -> Answer:
        items = [replace(item, answer=None if item.answer is None else alter(item.answer)) for item in answer.items]
        return replace(answer, items=tuple(items))

    return change


def receipt_with(**members: Any) -> Alter:
    return lambda e: replace(e, receipt={**(e.receipt or {}), **members})


def other_value(evidence: Evidence) -> Evidence:
    forged = disclosure(b"\7" * 16, "contract_no", '"HT-9"')
    return replace(evidence, disclosures=(forged, *evidence.disclosures[1:]))


def other_statement(evidence: Evidence) -> Evidence:
    changed = evidence.statement.replace(b'"rev":1', b'"rev":2')
    assert changed != evidence.statement
    return replace(evidence, statement=changed)


def never_anchored(evidence: Evidence) -> Evidence:
    """Drop the receipt and promise one, with a signature that is of another statement."""
    return replace(evidence, receipt=None, signed="e30.e30." + b64u(b"\0" * 64), anchor_by=EpochS(2_000_000_000))


def with_successor(evidence: Evidence) -> Evidence:
    return replace(evidence, successor={"statement": b64u(evidence.statement), "receipt": evidence.receipt})


RECORD_LIES: dict[str, Alter] = {
    "another value": other_value,
    "a field left out": lambda e: replace(e, disclosures=e.disclosures[:1]),
    "a field twice": lambda e: replace(e, disclosures=(e.disclosures[0], e.disclosures[0])),
    "another revision": other_statement,
    "another place in the batch": receipt_with(index=1, size=4),
    "another batch": receipt_with(sequence=999),
    "another root": receipt_with(root="11" * 32),
    "another department": receipt_with(department="12411599MBDEM00233"),
    "another ledger": receipt_with(ledger="0x" + "11" * 20),
    "another chain": receipt_with(chain_id=1),
    "a block that is no number": receipt_with(block_number="soon"),
    "a receipt that is none": lambda e: replace(e, receipt={"path": []}),
    "a promise instead of a receipt": never_anchored,
    "a successor nobody asked for": with_successor,
    "a statement that is none": lambda e: replace(e, statement=b"{}"),
}


@pytest.mark.parametrize("lie", RECORD_LIES)
async def test_a_record_that_does_not_hold_is_not_shown(stage: Stage, lie: str) -> None:
    case = await stage.case(P1)
    with tampering(stage[D03], of_records(RECORD_LIES[lie])):
        asked = await stage.ask(stage.question(case))
    await assert_nothing_shown(stage, asked.rid, asked.state, asked.to_json())


async def test_more_than_was_asked_is_not_shown_either(stage: Stage) -> None:
    """The provider discloses a further field with a perfectly good proof."""
    case, asking = await stage.case(P1), cast("Any", stage[D03].node.providing)._answering
    real = asking._evidence
    asking._evidence = lambda record, fields, receipt: real(record, (*fields, "total_price_yuan"), receipt)
    try:
        asked = await stage.ask(stage.question(case))
    finally:
        del asking._evidence
    await assert_nothing_shown(stage, asked.rid, asked.state, asked.to_json())


async def test_a_record_twice_is_not_two_records(stage: Stage) -> None:
    case = await stage.case(P2)

    def twice(answer: Answer) -> Answer:
        return replace(answer, items=tuple(replace(i, records=i.records * 2) for i in answer.items))

    with tampering(stage[D03], twice):
        asked = await stage.ask(stage.question(case, "query", AskItem((P2,), {})))
    await assert_nothing_shown(stage, asked.rid, asked.state, asked.to_json())


async def test_a_match_of_another_record_is_no_match(stage: Stage) -> None:
    """Asked whether it is HT-9, a provider answers "match" with the good proof of HT-1."""
    case = await stage.case(P2)
    providing: Any = cast("Any", stage[D03].node.providing)._answering
    real = providing._compared

    def always(call: Any, index: int, opened: Any, clear: Any) -> Any:
        result = real(call, index, opened, clear)
        evidence = providing._evidence(opened[0], call.request.fields, call.receipts[opened[0].row.position])
        return replace(result, item=AnswerItem(Outcome.MATCH, (evidence,)), statement=None)

    providing._compared = always
    try:
        asked = await stage.ask(stage.question(case, "verify", AskItem((P2,), {"contract_no": "HT-9"})))
    finally:
        del providing._compared
    await assert_nothing_shown(stage, asked.rid, asked.state, asked.to_json())


async def test_an_answer_statement_passed_off_as_a_record(stage: Stage) -> None:
    case = await stage.case(P1)
    with tampering(stage[D03], lambda a: replace(a, items=tuple(_as_record(i) for i in a.items))):
        asked = await stage.ask(stage.question(case, "query", AskItem((P1,), {})))
        stated = await stage.ask(stage.question(await stage.case(P2, P1), "query", AskItem((P2,), {})))
    for one in (asked, stated):
        await assert_nothing_shown(stage, one.rid, one.state, one.to_json())


def _as_record(item: AnswerItem) -> AnswerItem:
    """The records' statements as answers: neither is what its place says."""
    return AnswerItem(Outcome.NONE, answer=item.records[0])


async def test_an_altered_result_is_not_shown(stage: Stage) -> None:
    def forged(evidence: Evidence) -> Evidence:
        value = disclosure(b"\7" * 16, "value", "0")
        kept = tuple(d for d in evidence.disclosures if b'"value"' not in _decoded(d))
        return replace(evidence, disclosures=(*kept, value))

    lies: dict[str, Alter] = {
        "another result": forged,
        "a result withheld": lambda e: replace(e, disclosures=tuple(d for d in e.disclosures if b'"value"' not in _decoded(d))),
        "signed by nobody": lambda e: replace(e, signed="e30.e30." + b64u(b"\0" * 64)),
    }
    for alter in lies.values():
        case = await stage.case(P1)
        with tampering(stage[D03], of_statement(alter)):
            asked = await stage.ask(stage.question(case, "answer"))
        await assert_nothing_shown(stage, asked.rid, asked.state, asked.to_json())


async def test_the_statement_of_an_earlier_request_does_not_answer_this_one(stage: Stage) -> None:
    case, kept = await stage.case(P1, P2), list[Answer]()

    def remember(answer: Answer) -> Answer:
        kept.append(answer)
        return answer

    with tampering(stage[D03], remember):
        await stage.ask(stage.question(case, "answer", AskItem((P2,), {})))
    with tampering(stage[D03], lambda a: replace(a, items=kept[0].items)):
        asked = await stage.ask(stage.question(case, "answer", AskItem((P1,), {})))
    await assert_nothing_shown(stage, asked.rid, asked.state, asked.to_json())


async def test_results_in_another_order_do_not_answer(stage: Stage) -> None:
    case = await stage.case(P1, P2)
    with tampering(stage[D03], lambda a: replace(a, items=a.items[::-1])):
        asked = await stage.ask(stage.question(case, "answer", AskItem((P1,), {}), AskItem((P2,), {})))
    await assert_nothing_shown(stage, asked.rid, asked.state, asked.to_json())


ENVELOPE_LIES: dict[str, Callable[[Answer], Answer]] = {
    "another rid": lambda a: replace(a, rid=type(a.rid)("A" * 22)),
    "another digest": lambda a: replace(a, request_digest=hashlib.sha256(b"").digest()),
    "an item left out": lambda a: replace(a, items=a.items[:1]),
    "an outcome of another mode": lambda a: replace(a, items=tuple(replace(i, outcome=Outcome.MATCH) for i in a.items)),
}


@pytest.mark.parametrize("lie", ENVELOPE_LIES)
async def test_an_answer_to_another_request_is_not_taken(stage: Stage, lie: str) -> None:
    case = await stage.case(P1, P2)
    with tampering(stage[D03], ENVELOPE_LIES[lie]):
        asked = await stage.ask(stage.question(case, "query", AskItem((P1,), {}), AskItem((P2,), {})))
    assert (asked.state, asked.detail) == ("not-proven", "answer-mismatch")
    await assert_nothing_shown(stage, asked.rid, asked.state, asked.to_json(), digest=False)


async def test_an_answer_changed_on_its_way_or_meant_for_another_request_is_not_taken(stage: Stage) -> None:
    case, client = await stage.case(P1), cast("Any", stage[D02].node.client)
    honest, replies = client.post, list[Reply]()

    async def record(*args: Any) -> Reply:
        replies.append(await honest(*args))
        return replies[-1]

    async def flipped(*args: Any) -> Reply:
        reply: Reply = await honest(*args)
        return replace(reply, body=reply.body[:-1] + bytes([reply.body[-1] ^ 1]))

    async def earlier(*args: Any) -> Reply:
        await honest(*args)
        return replies[0]

    try:
        client.post = record
        assert (await stage.ask(stage.question(case))).state == "received"
        for lie, code in ((flipped, "digest-wrong"), (earlier, "signature-wrong")):
            client.post = lie
            asked = await stage.ask(stage.question(case))
            assert (asked.state, asked.detail) == ("not-proven", code)
            await assert_nothing_shown(stage, asked.rid, asked.state, asked.to_json(), digest=False)
    finally:
        del client.post


async def assert_nothing_shown(stage: Stage, rid: str, state: str, shown: dict[str, Any], *, digest: bool = True) -> None:
    """No value in what is shown, kept or listed; the read entry says that it did not hold."""
    assert state == "not-proven"
    node = stage[D02].node
    for place in (shown, node.asking.history.show(rid, with_values=True)):
        text = orjson.dumps(place).decode()
        assert "HT-1" not in text
        assert "HT-9" not in text
        assert all(not record["values"] for item in place["items"] for record in item["records"])
        assert all("result" not in item["answer"] for item in place["items"] if item["answer"] is not None)
    listed = next(row for row in node.asking.history.page(Window(200)).items if row.rid == rid)
    assert listed.detail is not None
    outcomes = [entry.outcome for entry in stage.reads(D02, rid)]
    assert ("not-proven" in outcomes) is digest
    assert (await node.late_receipts.complete(rid, Window(200))).items == []


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
