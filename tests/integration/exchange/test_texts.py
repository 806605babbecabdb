"""Texts between departments: handed over when the chain shows them, checked, unconfirmed until then, never lost, never pushed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.node.conftest import quiet_log  # noqa: F401 (autouse here, too: stops are logged)
from tests.support.exchange import PURPOSE, SCENARIO, Stage
from tests.support.http import Client, client_of
from tests.support.network import D01, D02, D03, D06, Running
from tests.support.notices import CraftedNotice, craft, send
from xinlian.node.notices import texts
from xinlian.protocol.documents import Document, document_digest, make_document
from xinlian.protocol.notices import HandedText, NoticeCheck, NoticeId, StoredText
from xinlian.protocol.working_days import date_of, day_of
from xinlian.scenarios.catalogue import load_schemas
from xinlian.store import documents as table
from xinlian.store import notices as notices_table

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCHEMA = load_schemas("new-home-loan")["ZJ-02"]
CODE, REF = SCHEMA.code, f"dataset {SCHEMA.code}@{SCHEMA.version}"
NO_DOCUMENTS = (
    b"{}",
    b"no json",
    b"\xff\xfe",
    b'{"document":"X Y","object":"x"}',
    b'{"document":"consent","object":"nobody 1"}',
)
RECORD, RID = "01a208dd-04fb-7410-b86b-913eca60739a", "AAAAAAAAAAAAAAAAAAAAAA"


async def until(found: Callable[[], Any], seconds: float = 15) -> Any:
    """What a question gives, once it gives anything."""
    for _ in range(int(seconds * 20)):
        value = found()
        if value:
            return value
        await asyncio.sleep(0.05)
    raise AssertionError("nothing came")


def state_of(running: Running, digest: bytes) -> tuple[str, str | None] | None:
    """State and sender of a text, None when it is not here."""
    with running.node.store.node.read() as reader:
        stored = table.found(reader, digest)
    if stored is None:
        return None
    info = running.node.documents.brief(stored)
    return info["state"], info["sender"]


def confirmed(running: Running, digest: bytes) -> str | None:
    """Sender of a text, once the node's own view shows its digest; it may come before its event is followed."""
    found = state_of(running, digest)
    return found[1] if found is not None and found[0] == "confirmed" else None


def crafted(stage: Stage, body: HandedText, *, sender: str = D03, to: str = D02, number: str = "1") -> CraftedNotice:
    """A notice with this text, from a real sender."""
    identity = NoticeId(document_digest(number.encode(), body.salt).hex()[:32])
    return craft(stage, RECORD, RID, sender=sender, to=to, change=lambda n: replace(n, id=identity, body=body))


def handed(document: Document, **changes: bytes) -> HandedText:
    return replace(HandedText(bytes(document.digest), document.salt, document.text), **changes)


def text_of(number: int, ref: str = REF) -> Document:
    return make_document("consent", ref, {"n": number}, os.urandom(32))


async def test_consent_and_decision_reach_the_other_side_and_are_confirmed_there(stage: Stage) -> None:
    owner, authority = stage[D03], stage[D01]
    entry = owner.node.state.dataset(D03, SCHEMA.serial, SCHEMA.version)
    assert entry is not None
    assert entry.document is not None
    consent, decision = (bytes.fromhex(word.removeprefix("0x")) for word in (entry.head_consent, entry.document))
    assert await until(lambda: confirmed(authority, consent)) == D03
    assert await until(lambda: confirmed(owner, decision)) == D01
    assert (state_of(owner, consent), state_of(authority, decision)) == (("own", None), ("own", None))
    assert owner.node.documents.opened(decision).content()["decision"] == "publish"
    (delivery,) = await until(lambda: settled(authority, decision))
    assert (delivery["recipient"], delivery["state"], delivery["last_code"]) == (D03, "acknowledged", None)
    assert state_of(stage[D06], decision) is None  # takes no part
    for one in (owner, authority):
        with one.node.store.node.read() as reader:
            stored = reader.fetch("SELECT count(*) FROM notices_out WHERE document IN (?, ?)", (consent, decision))[0][0]
        assert stored == 1


async def test_the_form_of_a_request_and_its_answer_reach_the_other_side(stage: Stage) -> None:
    asking, giving = stage[D02], stage[D03]
    body = {"provider": D03, "dataset": "ZJ-02", "version": None, "form": request_form(asking.node.clock.law_s())}
    filed = await asking.approved(await asking.node.request_approvals.propose_new(body, asking.person))
    request = asking.node.state.requests[D02, int(str((filed.result or {})["number"]))]
    form = bytes.fromhex(request.steps[0].document or "")
    assert await until(lambda: confirmed(giving, form)) == D02
    read = giving.node.documents.opened(form)
    assert (read.kind, read.content()["security_measures"]) == ("sharing-request", {"text": "专人专岗", "level": 3})
    await stage.network.in_step()
    agreed = await giving.approved(
        await giving.node.request_approvals.propose("agree", D02, request.number, {"form": {}}, giving.person)
    )
    answer = bytes.fromhex(agreed.document or "")
    assert await until(lambda: confirmed(asking, answer)) == D03
    assert asking.node.documents.opened(answer).kind == "answer"


def request_form(now_s: int) -> dict[str, Any]:
    """What the handler writes."""
    today = date_of(day_of(now_s))
    item = {"name_en": "contract_no", "modes": ["query"], "necessity_reason": "认定贷款资格"}
    return {
        "requested_items": [item],
        "legal_basis": [{"title": "住房公积金管理条例", "article": "第二十六条"}],
        "scenario": {"name": "新建住房申请公积金贷款", "item_code": "411599GJJDK1", "id": SCENARIO.removeprefix("0x")},
        "purposes": [PURPOSE],
        "scope": {"users": "贷款受理岗", "region": "411599"},
        "method": "服务接口",
        "frequency": {"per_day": 200},
        "valid_from": today.isoformat(),
        "valid_to": (today + timedelta(days=300)).isoformat(),
        "uses_per_case": 20,
        "storage": {"kind": "不落地"},
        "security_measures": {"text": "专人专岗", "level": 3},
        "pi_basis": {"kind": "法定职责"},
    }


def settled(running: Running, digest: bytes) -> list[dict[str, Any]]:
    """The deliveries of a text, once all are acknowledged."""
    found = running.node.handing.deliveries(digest)
    return found if all(one["state"] == "acknowledged" for one in found) else []


async def test_a_lost_text_is_missing_and_handed_over_again_over_the_api(stage: Stage) -> None:
    owner, authority = stage[D03], stage[D01]
    entry = owner.node.state.dataset(D03, SCHEMA.serial, SCHEMA.version)
    assert entry is not None
    assert entry.document is not None
    digest = entry.document.removeprefix("0x")
    await until(lambda: settled(authority, bytes.fromhex(digest)))
    lost = "DELETE FROM documents WHERE digest = ?"
    await owner.node.store.node.write(lambda tx: tx.run(lost, (bytes.fromhex(digest),)))
    async with client_of(owner) as client, client_of(authority) as other:
        missing = await _missing(client)
        assert [(one["digest"], one["object"], one["event"]) for one in missing] == [(digest, REF, "DatasetPublished")]
        refused = await other.post(f"/api/v1/documents/{digest}/deliver", json={"recipient": D06})
        assert (refused.status, refused.code) == (422, "document-recipient")
        told = (await other.post(f"/api/v1/documents/{digest}/deliver", json={"recipient": D03})).ok(202)
        assert (told["recipient"], told["state"]) == (D03, "to-tell")
        await until(lambda: state_of(owner, bytes.fromhex(digest)))
        assert await _missing(client) == []
        shown = (await client.get(f"/api/v1/documents/{digest}")).ok()
        assert (shown["state"], shown["sender"], shown["deliveries"]) == ("confirmed", D01, [])
        assert shown["on_chain_at"] > 0
        sent = (await other.get(f"/api/v1/documents/{digest}")).ok()
        assert [one["recipient"] for one in sent["deliveries"]] == [D03]


async def _missing(client: Client) -> list[dict[str, Any]]:
    """What is missing of the entry; the stage's requests were filed without texts."""
    found = (await client.get("/api/v1/documents/missing")).ok()["items"]
    return [one for one in found if one["object"] == REF]


async def test_a_stop_between_event_and_notice_loses_no_text(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notice is stored with the event that makes it due: when the one fails, the other is not there either."""
    authority = stage[D01]
    document = await authority.node.documents.put("catalogue-decision", REF, {"decision": "retire", "reason": "测试"})
    code = {"owner": D03, "serial": SCHEMA.serial, "version": SCHEMA.version}
    event = Published({**code, "document": "0x" + document.digest.hex()})
    failed, honest = list[int](), notices_table.put

    def stopped(*args: Any) -> None:
        if not failed:
            failed.append(1)
            raise SystemError("killed here")
        honest(*args)

    with monkeypatch.context() as patch:
        patch.setattr(notices_table, "put", stopped)
        with pytest.raises(SystemError):
            await authority.node.store.node.write(lambda tx: authority.node.handing.followed(tx, [event]))
        assert authority.node.handing.deliveries(document.digest) == []
        await authority.node.store.node.write(lambda tx: authority.node.handing.followed(tx, [event]))
    assert await until(lambda: state_of(stage[D03], document.digest)) == ("unconfirmed", D01)  # no chain shows it


@dataclass(frozen=True, slots=True)
class Published:
    """An event that shows a text of the authority."""

    args: dict[str, Any]
    name: str = "DatasetPublished"
    block_number: int = 1
    block_time: int = 1


# -- what no honest node sends ----------------------------------------------------------------------------


async def test_a_text_nobody_put_on_chain_is_kept_unconfirmed_and_never_more(stage: Stage) -> None:
    document = text_of(1)
    told = crafted(stage, handed(document))
    facts = told.facts(await send(stage, told))
    assert facts.result == StoredText(bytes(document.digest))
    assert state_of(stage[D02], document.digest) == ("unconfirmed", D03)
    again = crafted(stage, handed(document), sender=D06, number="2")
    assert again.facts(await send(stage, again)).result == StoredText(bytes(document.digest))
    assert state_of(stage[D02], document.digest) == ("unconfirmed", D03)  # who sent it first stays
    async with client_of(stage[D02]) as client:
        listed = (await client.get(f"/api/v1/documents?object={REF.replace(' ', '%20')}")).ok()["items"]
        assert [one["state"] for one in listed if one["digest"] == document.digest.hex()] == ["unconfirmed"]


async def test_a_text_that_is_not_of_its_digest_or_no_document_is_refused_by_name(stage: Stage) -> None:
    document, other = text_of(2), text_of(3)
    salt = os.urandom(32)
    wrong = [
        handed(document, text=other.text),
        handed(document, salt=other.salt),
        handed(document, digest=bytes(other.digest)),
        *(HandedText(bytes(document_digest(salt, raw)), salt, raw) for raw in NO_DOCUMENTS),
    ]
    for number, body in enumerate(wrong):
        told = crafted(stage, body, number=f"wrong {number}")
        facts = told.facts(await send(stage, told))
        assert (facts.outcome.value, facts.check, facts.result) == ("refused", NoticeCheck.TEXT, None)
        assert state_of(stage[D02], body.digest) is None


async def test_nobody_fills_anothers_store_with_texts(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "IN_WAITING", 2)
    codes = []
    for number in range(4):
        told = crafted(stage, handed(text_of(number)), sender=D06, to=D03, number=f"many {number}")
        facts = told.facts(await send(stage, told))
        codes.append((facts.outcome.value, facts.check))
    assert codes == [("stored", None)] * 2 + [("refused", NoticeCheck.UNSHOWN)] * 2
    entry = stage[D03].node.state.dataset(D03, SCHEMA.serial, SCHEMA.version)
    assert entry is not None
    assert entry.document is not None
    shown = stage[D01].node.documents.opened(bytes.fromhex(entry.document.removeprefix("0x")))
    known = crafted(stage, handed(shown), sender=D06, to=D03, number="known")
    assert known.facts(await send(stage, known)).outcome.value == "stored"  # what the chain shows is always taken
