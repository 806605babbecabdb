"""Corrections that are none: wrong forms, parties and texts, calls past the node; each with its code, nothing half-written."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.exchange.test_texts import state_of
from tests.integration.node.conftest import quiet_log  # noqa: F401 (autouse here, too: stops are logged)
from tests.support.attachments import SAMPLES, upload_fields
from tests.support.corrections import (
    CALLS,
    MADE,
    ask,
    form,
    opened,
    record_of,
    revise,
    shown,
    step,
    until,
    view,
)
from tests.support.exchange import Stage, contract_row, person
from tests.support.http import client_of
from tests.support.network import D02, D03, D06, Running
from xinlian.node.corrections import Applications, Disputes
from xinlian.node.corrections.registry import Opened
from xinlian.protocol.attachments import PDF
from xinlian.protocol.corrections import evidence_digest, target_digest
from xinlian.protocol.envelope import Rid
from xinlian.protocol.errors import ConflictError, XinlianError
from xinlian.protocol.forms import read_form
from xinlian.protocol.notices import Concerned, Corrected, Notice, NoticeId, NoticeKind
from xinlian.protocol.objects import correction_object
from xinlian.protocol.types import EpochS, RecordId, Uscc
from xinlian.store import corrected
from xinlian.store import notices as incoming
from xinlian.store.writer import Transaction

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNKNOWN = "01a208dd-04fb-7410-b86b-913eca60739a"
WRONG_FORMS: dict[str, tuple[dict[str, Any], int, str]] = {
    "no evidence": ({"evidence": []}, 422, "evidence-missing"),
    "no such file": ({"evidence": [{"attachment": "ab" * 16}]}, 404, "attachment-unknown"),
    "no doubt": ({"doubt": None}, 422, "reason-missing"),
    "no item": ({"items": []}, 422, "form-member"),
    "a field that is none": ({"items": ["price_of_tea"]}, 422, "field-unknown"),
    "a record that never came": ({"record_id": UNKNOWN, "revision": 1}, 409, "correction-not-received"),
    "no record": ({"record_id": None}, 422, "form-member-missing"),
    "a member too many": ({"who": "me"}, 422, "form-member-unknown"),
}


@pytest.mark.parametrize("name", sorted(WRONG_FORMS))
async def test_an_application_that_is_none_is_refused_and_nothing_is_left(stage: Stage, name: str) -> None:
    change, status, code = WRONG_FORMS[name]
    _, record_id = await record_of(stage)
    written = {name: value for name, value in {**form(record_id), **change}.items() if value is not None}
    async with client_of(stage[D02]) as client:
        before = (await client.get("/api/v1/approvals", params={"limit": 200})).ok()["items"]
        refused = await client.post(CALLS, json={"provider": D03, "grant": stage.grants[D03], "form": written})
        assert (refused.status, refused.code) == (status, code)
        assert (await client.get("/api/v1/approvals", params={"limit": 200})).ok()["items"] == before


async def test_only_who_received_a_grant_disputes_under_it(stage: Stage) -> None:
    _, record_id = await record_of(stage)
    body = {"provider": D03, "grant": stage.grants[D03], "form": form(record_id)}
    async with client_of(stage[D06]) as client:
        foreign = await client.post(CALLS, json=body)
        assert (foreign.status, foreign.code) == (409, "correction-party")
        unknown = await client.post(CALLS, json={**body, "grant": 999})
        assert (unknown.status, unknown.code) == (404, "grant-unknown")


async def test_every_step_is_its_partys_alone(stage: Stage) -> None:
    _, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    body = {"form": {"reason": "测试", "source_department": D06}}
    for uscc, name, status, code in (
        (D02, "correct", 409, "correction-party"),
        (D02, "maintain", 409, "correction-party"),
        (D02, "forward", 409, "correction-party"),
        (D02, "adopt", 409, "correction-party"),
        (D03, "withdraw", 409, "correction-party"),
        (D06, "maintain", 409, "correction-party"),
        (D03, "adopt", 409, "correction-state"),
        (D03, "open", 404, "step-unknown"),
        (D03, "record-overdue", 404, "step-unknown"),
        (D03, "destroy", 404, "step-unknown"),
    ):
        async with client_of(stage[uscc]) as client:
            refused = await client.post(f"{CALLS}/{D02}/{number}/steps/{name}", json=body)
            assert (refused.status, refused.code) == (status, code), name
    async with client_of(stage[D06]) as client:
        # no calendar is loaded here; its other codes: test_clocks.py
        early = await client.post(f"{CALLS}/{D02}/{number}/marks/overdue", json={})
        assert (early.status, early.code) == (
            409,
            "calendar-year-missing",
        )
        nobody = await client.get(f"{CALLS}/{D02}/1")
        assert (nobody.status, nobody.code) == (404, "correction-unknown")
    await step(stage[D02], "withdraw", number)


async def test_nobody_answers_what_is_not_here_or_not_revised(stage: Stage) -> None:
    contract, record_id = await record_of(stage)
    number = await opened(stage, record_id, items=["contract_no", "buyers"])
    await revise(stage, contract, record_id, filing_status="注销")  # another field than the disputed ones
    with pytest.raises(ConflictError) as same:
        await step(stage[D03], "correct", number, {"reason": "录入错误"})
    assert same.value.code == "correction-unchanged"
    node = stage[D03].node
    application = bytes.fromhex(view(stage[D03], number)["documents"]["application"])
    kept = node.documents.opened(application)
    await node.store.node.write(lambda tx: tx.run("DELETE FROM documents WHERE digest = ?", (application,)))
    node.corrections.approvals.applications._read.clear()
    node.corrections.views.applications._read.clear()
    assert view(stage[D03], number)["record_id"] is None
    with pytest.raises(ConflictError) as missing:
        await step(stage[D03], "correct", number, {"reason": "录入错误"})
    assert missing.value.code == "correction-text-missing"
    await node.store.node.write(lambda tx: node.documents.keep(tx, kept, D02))
    await step(stage[D02], "withdraw", number)


WRONG_CALLS: dict[str, tuple[str, dict[str, Any], str]] = {
    "number 0": ("open", {"number": 0}, "correction-number"),
    "number taken": ("open", {"number": None}, "correction-exists"),
    "another's grant": ("open", {"grantNumber": 999}, "correction-party"),
    "another dataset": ("open", {"version": 9}, "correction-dataset"),
    "no target": ("open", {"target": "0x" + "00" * 32}, "correction-target"),
    "no evidence": ("open", {"evidence": "0x" + "00" * 32}, "evidence-missing"),
    "no document": ("open", {"document": "0x" + "00" * 32}, "correction-document"),
    "not the addressee": ("answer", {"outcome": 3}, "correction-party"),
    "no outcome": ("answer", {"outcome": 5}, "correction-outcome"),
    "to itself": ("forward", {"source": D03}, "correction-source"),
    "to nobody": ("forward", {"source": "91411500MA45XY7K3Q"}, "correction-source"),
    "unknown": ("recordOverdue", {"number": 7}, "correction-state"),
}


@pytest.mark.parametrize("name", sorted(WRONG_CALLS))
async def test_the_contract_refuses_with_the_same_codes(stage: Stage, disputed: int, name: str) -> None:
    function, change, code = WRONG_CALLS[name]
    grant, word = stage[D02].node.state.grants[D03, stage.grants[D03]], "0x" + "ab" * 32
    by = D02 if function == "open" or name == "not the addressee" else D03
    number = change.get("number") or (disputed if name != "number 0" else 0)
    arguments: dict[str, tuple[Any, ...]] = {
        "open": (
            {
                "number": 77,
                "provider": D03,
                "grantNumber": grant.number,
                "serial": grant.serial,
                "version": grant.version,
                "target": word,
                "evidence": word,
                "document": word,
                **change,
                **({} if "number" not in change else {"number": number}),
            },
        ),
        "answer": (D02, number, change.get("outcome"), word),
        "forward": (D02, number, change.get("source"), word),
        "recordOverdue": (D02, number),
    }
    with pytest.raises(XinlianError) as refused:
        await stage[by].node.transactions.law("CorrectionRegistry", function, *arguments[function])
    assert refused.value.code == code


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def disputed(stage: Stage) -> AsyncIterator[int]:
    """A correction that stays open while the contract is tried."""
    _, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    yield number
    await step(stage[D02], "withdraw", number)


async def test_a_text_that_is_not_of_the_chain_flags_nothing(stage: Stage) -> None:
    """A receiver that goes past its own node: a target of another value, or a record that it never received."""
    _, record_id = await record_of(stage)
    node, grant = stage[D02].node, stage[D02].node.state.grants[D03, stage.grants[D03]]
    (foreign,) = await stage.network.publish(D03, "ZJ-02", [contract_row(f"HT-{next(MADE)}", person(77))])
    for named, other in ((record_id, True), (foreign, False)):
        number = node.corrections.registry.next_number()
        content = {"number": number, "catalog_code": grant.vct.partition("@")[0], "catalog_version": grant.version}
        content |= {**form(named), "revision": 1, "affected_cases": []}
        document = await node.documents.put("correction-application", correction_object(D02, number), content)
        read = read_form(document.kind, document.content())
        target = target_digest(b"\x01" * 32 if other else document.salt, read)
        evidence = evidence_digest(document.salt, read)
        await node.corrections.registry.open(Opened(grant, target, evidence, bytes(document.digest)), number)
        await stage.network.in_step()
        await until(partial(state_of, stage[D03], bytes(document.digest)))
        assert (view(stage[D03], number)["record_id"] is None) is other
        with stage[D03].node.store.node.read() as reader:
            assert named not in disputes(stage[D03]).now(reader, [named]).by_record
        await step(stage[D02], "withdraw", number)


async def test_a_field_that_the_receiver_was_never_given_is_not_flagged(stage: Stage) -> None:
    """D02 was given two fields of the record; it disputes another one as well, of which it knows nothing."""
    _, record_id = await record_of(stage)
    number = await opened(stage, record_id, items=["filing_status", "buyers"])
    fields = ("contract_no", "filing_status", "buyers")
    asked = await ask(stage, D06, await stage.give(D03, D06, "ZJ-02", query=fields), fields=fields)
    flagged = {one["field"] for one in shown(asked, record_id)["in_correction"]}
    assert flagged == {"filing_status"}
    await step(stage[D02], "withdraw", number)


@pytest.mark.parametrize("name", ["of none", "of an open one", "of one that was withdrawn"])
async def test_a_notice_of_a_correction_that_the_chain_does_not_show_marks_nothing(stage: Stage, name: str) -> None:
    """The provider of a value tells its receiver of a correction that nobody made."""
    _, record_id = await record_of(stage)
    number = await opened(stage, record_id)
    if name == "of one that was withdrawn":
        await step(stage[D02], "withdraw", number)
        await stage.network.in_step()
    node, about = stage[D02].node, number if name != "of none" else 20_260_921_999_999
    with stage[D03].node.store.node.read() as reader:
        rids = stage[D03].node.reads.deliveries(reader, record_id)[D02]
    record = Concerned(RecordId(record_id), ((1, b"\x11" * 32),), tuple(Rid(rid) for rid in rids))
    body = Corrected(record, Uscc(D02), about, ("filing_status",), 2, b"\x22" * 32, EpochS(1))
    notice = Notice(NoticeId("ab" * 16), Uscc(D03), Uscc(D02), EpochS(1), EpochS(9), body)
    with node.store.node.read() as reader:
        before = corrected.told_page(reader, 0, 500)

    def follow(tx: Transaction) -> None:
        row = incoming.keep(tx, incoming.NewIncoming(Uscc(D03), notice.id, b"\x33" * 32, "corrected", 1))
        node.notices.taking._p.kinds[NoticeKind.CORRECTED].follow(tx, notice, row, 1)

    with pytest.raises(XinlianError) as refused:
        await node.store.node.write(follow)
    wanted = "refused-notice-source" if name == "of one that was withdrawn" else "notice-busy"
    assert refused.value.code == wanted
    with node.store.node.read() as reader:
        assert corrected.told_page(reader, 0, 500) == before
    if name != "of one that was withdrawn":
        await step(stage[D02], "withdraw", number)


def disputes(running: Running) -> Disputes:
    node = running.node
    return Disputes(Uscc(D03), node.state, Applications(node.documents), node.reads)


async def test_own_files_are_evidence_and_stay(stage: Stage) -> None:
    _, record_id = await record_of(stage)
    async with client_of(stage[D02]) as client:
        uploaded = (await client.send("/api/v1/attachments", SAMPLES[PDF], PDF, **upload_fields(None))).ok(201)
    number = await opened(stage, record_id, evidence=[{"attachment": uploaded["id"]}])
    application = bytes.fromhex(view(stage[D03], number)["documents"]["application"])
    told = stage[D03].node.documents.opened(application).content()["evidence"]
    digest = hashlib.sha256(SAMPLES[PDF]).hexdigest()
    assert told == [{"sha256": digest, "bytes": len(SAMPLES[PDF]), "media_type": PDF, "name": "授权书.pdf"}]
    async with client_of(stage[D02]) as client:
        kept = await client.call("DELETE", f"/api/v1/attachments/{uploaded['id']}")
        assert (kept.status, kept.code) == (409, "attachment-used")
    await step(stage[D02], "withdraw", number)
