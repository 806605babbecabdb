"""Authorisations of data subjects between real nodes: recorded, shown, checked, withdrawn anywhere, honoured at once."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import Any

import pytest

from tests.support.attachments import SAMPLES, upload_fields
from tests.support.authorisations import authorise, day_after, form
from tests.support.exchange import P1, P2, P3, SCENARIO, Stage
from tests.support.http import client_of, token_for
from tests.support.network import D01, D02, D03
from xinlian.chain.authorisations import commitment
from xinlian.node.asking import Asked, AskItem, Question
from xinlian.node.paging import Window
from xinlian.node.people import Role
from xinlian.node.sharing import NewRequest, StepDetails, TermsByName
from xinlian.protocol.attachments import PDF
from xinlian.protocol.documents import make_document, read_document
from xinlian.protocol.errors import ChainError, ConflictError, InputError, NotFoundError, RefusedError
from xinlian.protocol.messages import ShownAuthorisation
from xinlian.protocol.objects import authorisation_object
from xinlian.protocol.subjects import Subject
from xinlian.scenarios.catalogue import load_schemas
from xinlian.store.authorisations import Recorded

pytestmark = pytest.mark.asyncio(loop_scope="session")

CODE = load_schemas("new-home-loan")["GJJ-01"].code
VIEW = "months_reached"
SHARING_REQUEST: dict[str, Any] = {
    "request_no": "GX20260921000001",
    "requester": {"uscc": D02, "handler": "测试甲"},
    "catalog_version": 1,
    "requested_items": [{"name_en": "filing_status", "modes": ["query"], "necessity_reason": "核对备案状态"}],
    "legal_basis": [{"title": "住房公积金管理条例", "article": "第二十六条"}],
    "scenario": {"name": "新建住房申请公积金贷款", "item_code": "4115990000001"},
    "scope": {"users": "贷款受理岗", "region": "411599"},
    "method": "服务接口",
    "frequency": {"per_day": 200},
    "valid_from": "2026-09-21",
    "valid_to": "2027-09-20",
    "storage": {"kind": "不落地"},
    "purposes": ["HPF_LOAN_REVIEW"],
    "uses_per_case": 50,
    "standing": False,
}


def asked_for(stage: Stage, case: str, *subjects: Subject, **changes: Any) -> Question:
    """D03, which leads the case, asks D02 for a view of GJJ-01, whose entry says that an authorisation is needed."""
    items = [AskItem((subject,), {"required_months": 12}) for subject in subjects or (P1,)]
    return stage.question(case, "answer", *items, provider=D02, view=VIEW, lead=D03, **changes)


async def opened(stage: Stage, *subjects: Subject) -> str:
    return await stage.case(*(subjects or (P1,)), lead=D03)


async def signed(stage: Stage, case: str, who: Subject = P1, **changes: Any) -> Recorded:
    row = await authorise(stage[D03], who, CODE, (VIEW,), (D03, case), **changes)
    await stage.network.in_step()
    return row


async def ask(stage: Stage, question: Question) -> Asked:
    return await stage.ask(question, D03)


async def refused_here(stage: Stage, question: Question) -> str:
    """The code with which the asking node refuses; nothing is sent and nothing written down."""
    before = stage.read_count(D02), stage.read_count(D03)
    with pytest.raises(RefusedError) as caught:
        await ask(stage, question)
    assert (stage.read_count(D02), stage.read_count(D03)) == before
    return caught.value.code


async def refused_there(stage: Stage, question: Question, *shown: ShownAuthorisation) -> str | None:
    """The check with which the provider refuses what a dishonest node sends, written down as a refusal."""
    crafted = await stage.craft(question, D03)
    crafted = crafted.resealed(request=replace(crafted.request, authorisations=shown))
    check = await stage.check_of(crafted)
    assert {entry.outcome for entry in stage.reads(D02, crafted.request.rid)} == {"refused" if check else "answer"}
    return check


def shown(row: Recorded, recorder: str = D03, **changes: Any) -> ShownAuthorisation:
    return replace(ShownAuthorisation(recorder, row.id, row.salt, row.text), **changes)  # type: ignore[arg-type]


async def test_recorded_shown_withdrawn_refused(stage: Stage) -> None:
    case = await opened(stage)
    assert await refused_here(stage, asked_for(stage, case)) == "authorisation-missing"
    row = await signed(stage, case)
    asked = await ask(stage, asked_for(stage, case))
    assert (asked.state, asked.items[0].answer is not None) == ("received", True)
    for one in (stage[D02], stage[D03]):
        info = one.node.authorisations.showing.info((D03, row.id), with_form=True)
        assert (info["state"], [use["rid"] for use in info["uses"]]) == ("in-force", [asked.rid])
        assert ("form" in info) == (one is stage[D03])
    done = await stage[D03].node.authorisations.withdrawing.withdraw(row.id, stage[D03].person)
    assert done.relayed_at is not None
    assert await refused_here(stage, asked_for(stage, case)) == "authorisation-withdrawn"
    await stage.network.in_step()
    state = stage[D02].node.state.authorisation(D03, "0x" + row.id.hex())
    assert state is not None
    assert state.relayed_by == D03


async def test_an_authorisation_stands_on_chain_without_the_person(stage: Stage) -> None:
    case = await opened(stage)
    row = await signed(stage, case)
    state = stage[D02].node.state.authorisation(D03, "0x" + row.id.hex())
    assert state is not None
    assert state.digest == "0x" + read_document(row.salt, row.text).digest.hex()
    assert state.commitment == "0x" + commitment(row.secret).hex()
    assert P1.value.encode() in row.text
    with stage[D03].node.store.node.read() as reader:
        stored = reader.fetch("SELECT form_sealed, secret_sealed FROM authorisations WHERE id = ?", (row.id,))[0]
    assert not any(P1.value.encode() in part or row.secret in part for part in stored)


async def test_the_provider_honours_what_is_handed_in_before_it_is_mined(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing D02 sends is mined now; it refuses at once, keeps the withdrawal, and relays it when it can."""
    case = await opened(stage)
    row = await signed(stage, case)
    crafted = await stage.craft(asked_for(stage, case), D03)
    node, ref = stage[D02].node, (D03, row.id)

    async def nothing_is_sent(*_args: object, **_more: object) -> None:
        raise ChainError("rpc-down", "no chain in this test")

    with monkeypatch.context() as patched:
        patched.setattr(node.transactions, "law", nothing_is_sent)
        done = await node.authorisations.withdrawing.hand_in(ref, row.secret, stage[D02].person)
        assert (done.relayed_at, node.authorisations.withdrawing.handed_in(ref)) == (None, done)
        assert await stage.check_of(crafted) == "authorisation-withdrawn"
        known = node.state.authorisation(D03, "0x" + row.id.hex())
        assert known is not None
        assert known.withdrawn_at is None
        await node.authorisations.withdrawing.once()
        waiting = node.authorisations.withdrawing.handed_in(ref)
        assert waiting is not None
        assert (waiting.relayed_at, waiting.code) == (None, "rpc-down")
    await node.authorisations.withdrawing.once()
    await stage.network.in_step()
    assert known.relayed_by == D02
    assert await refused_here(stage, asked_for(stage, case)) == "authorisation-withdrawn"


async def test_any_participant_relays_a_withdrawal(stage: Stage) -> None:
    case = await opened(stage)
    row = await signed(stage, case)
    desk = stage[D01].node.authorisations.withdrawing
    with pytest.raises(ConflictError) as forged:
        await desk.hand_in((D03, row.id), os.urandom(32), stage[D01].person)
    assert forged.value.code == "authorisation-forged"
    assert (await desk.hand_in((D03, row.id), row.secret, stage[D01].person)).relayed_at is not None
    await stage.network.in_step()
    with pytest.raises(ConflictError) as twice:
        await stage[D02].node.authorisations.withdrawing.hand_in((D03, row.id), row.secret, stage[D02].person)
    assert twice.value.code == "authorisation-withdrawn"
    with pytest.raises(NotFoundError) as unknown:
        await desk.hand_in((D03, os.urandom(32)), row.secret, stage[D01].person)
    assert unknown.value.code == "authorisation-unknown"


async def test_a_forged_authorisation_is_refused(stage: Stage) -> None:
    case = await opened(stage)
    row = await signed(stage, case)
    question = asked_for(stage, case)
    longer = row.text.replace(b"2027-08-31", b"2028-08-31")
    assert await refused_there(stage, question) == "authorisation-missing"
    assert await refused_there(stage, question, shown(row, text=longer)) == "authorisation-forged"
    assert await refused_there(stage, question, shown(row, salt=os.urandom(32))) == "authorisation-forged"
    assert await refused_there(stage, question, shown(row, id=os.urandom(32))) == "authorisation-forged"
    assert await refused_there(stage, question, shown(row, D02)) == "authorisation-forged"
    assert await refused_there(stage, question, shown(row)) is None


async def test_an_authorisation_of_another_case_is_refused(stage: Stage) -> None:
    first, second = await opened(stage), await opened(stage)
    row = await signed(stage, first)
    question = asked_for(stage, second, authorisations=(row.id,))
    assert await refused_here(stage, question) == "authorisation-reused"
    await signed(stage, second)
    assert await refused_there(stage, asked_for(stage, second), shown(row)) == "authorisation-reused"


async def test_an_authorisation_covers_what_was_signed_and_no_more(stage: Stage) -> None:
    case = await opened(stage, P1, P2)
    of_first, of_second = await signed(stage, case), await signed(stage, case, P2)
    both = asked_for(stage, case, P1, P2)
    assert (await ask(stage, both)).state == "received"
    assert await refused_there(stage, both, shown(of_first)) == "authorisation-scope"
    assert await refused_there(stage, both, shown(of_first), shown(of_second)) is None
    alone = asked_for(stage, case)
    for changes in ({"items": [{"name_en": "has_account", "separate_consent": True}]}, {"purposes": ["OTHER"]}):
        narrow = await signed(stage, case, **changes)
        assert await refused_there(stage, alone, shown(narrow)) == "authorisation-scope"
    elsewhere = await authorise(stage[D02], P1, CODE, (VIEW,), (D03, case))
    await stage.network.in_step()
    assert await refused_there(stage, alone, shown(elsewhere, D02)) == "authorisation-scope"


async def test_what_cannot_be_recorded_is_refused(stage: Stage) -> None:
    case = await opened(stage)
    before = stage[D03].node.clock.head().number
    for changes, code in (
        ({"valid_from": "2026-01-01", "valid_to": "2026-01-31"}, "authorisation-expired"),
        ({"valid_from": "2027-01-01", "valid_to": "2026-12-31"}, "term-reversed"),
        ({"items": [{"name_en": "nonsense", "separate_consent": True}]}, "field-unknown"),
        ({"items": [{"name_en": VIEW, "separate_consent": False}]}, "separate-consent-missing"),
        ({"informed": None}, "informed-missing"),
        ({"subject": {"kind": "person", "value": "411599199001010015"}}, "code-check-digit"),
    ):
        with pytest.raises(InputError) as caught:
            await signed(stage, case, P3, **changes)
        assert caught.value.code == code, changes
    with pytest.raises(NotFoundError) as unknown:
        await signed(stage, case, P3, catalog_code=f"{D02}/000999")
    assert unknown.value.code == "dataset-unknown"
    assert not [row for row in _rows(stage) if P3.value.encode() in row.text]
    assert stage[D03].node.clock.head().number >= before


def _rows(stage: Stage) -> list[Recorded]:
    return stage[D03].node.authorisations.showing.page(Window(200)).items


# -- by the API, and by the contract itself ----------------------------------------------------------------


async def test_by_the_api(stage: Stage) -> None:
    case = await opened(stage)
    body = {"form": form(P1, CODE, (VIEW,), (D03, case))}
    async with client_of(stage[D03]) as recorder, client_of(stage[D01]) as other:
        once = {"headers": {"Idempotency-Key": f"authorisation of {case}"}}
        made = (await recorder.post("/api/v1/authorisations", json=body, **once)).ok(201)
        again = (await recorder.post("/api/v1/authorisations", json=body, **once)).ok(201)
        assert (again["id"], again["secret"], again["tx_hash"]) == (made["id"], made["secret"], made["tx_hash"])
        path = f"/api/v1/authorisations/{D03}/{made['id']}"
        seen = (await recorder.get(path)).ok()
        assert (seen["state"], seen["form"]["receiver"], seen["case"]) == ("in-force", D03, f"{D03}/{case}")
        auditor = recorder.with_token(await token_for(stage[D03], Role.AUDITOR))
        assert (await auditor.get(path)).ok()["form"] is None
        assert made["secret"] not in str((await recorder.get("/api/v1/authorisations?limit=200")).ok())
        await stage.network.in_step()
        slip = {name: made[name] for name in ("recorder", "id", "secret")}
        forged = await other.post("/api/v1/authorisations/withdrawals", json={**slip, "secret": "00" * 32})
        assert (forged.status, forged.code) == (409, "authorisation-forged")
        not_theirs = await other.post(f"{path}/withdraw")
        assert (not_theirs.status, not_theirs.code) == (404, "authorisation-unknown")
        assert (await other.post("/api/v1/authorisations/withdrawals", json=slip)).ok()["state"] == "withdrawn"
        await stage.network.in_step()
        twice = await recorder.post(f"{path}/withdraw")
        assert (twice.status, twice.code) == (409, "authorisation-withdrawn")
        asked = await recorder.post("/api/v1/queries", json=_query(stage, case, made["id"]))
        assert (asked.status, asked.code) == (403, "authorisation-withdrawn")
        missing = await recorder.post("/api/v1/queries", json=_query(stage, await opened(stage)))
        assert (missing.status, missing.code) == (403, "authorisation-missing")
        reused = await recorder.post(
            "/api/v1/queries", json=_query(stage, await opened(stage), (await signed(stage, case)).id.hex())
        )
        assert (reused.status, reused.code) == (403, "authorisation-reused")


def _query(stage: Stage, case: str, *named: str) -> dict[str, Any]:
    return {
        "provider": D02,
        "grant": stage.grants[D02],
        "case": {"lead": D03, "case_no": case},
        "purpose": "HPF_LOAN_REVIEW",
        "mode": "answer",
        "view": VIEW,
        "items": [{"subjects": [{"kind": "person", "value": P1.value}], "values": {"required_months": 12}}],
        "authorisations": list(named),
    }


async def test_the_contract_rejects_under_the_same_codes(stage: Stage) -> None:
    row = await signed(stage, await opened(stage))
    send = stage[D03].node.transactions.law
    now = stage[D03].node.clock.law_s()

    async def code(function: str, *args: object) -> str:
        with pytest.raises((InputError, ConflictError)) as caught:
            await send("AuthorisationRegistry", function, *args)
        return caught.value.code

    words = ["0x" + part.hex() for part in (row.id, row.digest, commitment(row.secret))]
    assert await code("record", *words, row.expires_at) == "authorisation-exists"
    assert await code("record", "0x" + os.urandom(32).hex(), *words[1:], now - 1) == "authorisation-expired"
    assert await code("withdraw", D03, words[0], "0x" + os.urandom(32).hex()) == "authorisation-forged"
    assert await code("withdraw", D02, words[0], "0x" + row.secret.hex()) == "authorisation-unknown"
    await send("AuthorisationRegistry", "withdraw", D03, words[0], "0x" + row.secret.hex())
    assert await code("withdraw", D03, words[0], "0x" + row.secret.hex()) == "authorisation-withdrawn"


# -- who acted, the scan, the basis ------------------------------------------------------------------------


async def test_who_recorded_and_who_took_the_withdrawal_stand_in_the_anchored_log(stage: Stage) -> None:
    row = await signed(stage, await opened(stage))
    await stage[D01].node.authorisations.withdrawing.hand_in((D03, row.id), row.secret, stage[D01].person)
    ref = authorisation_object(D03, row.id)
    for uscc, act in ((D03, "authorised"), (D01, "authorisation-withdrawn")):
        (info,) = stage[uscc].node.acts.page(Window(200), ref).items
        assert info.statement.clear.act.value == act
        assert info.statement.disclosed is not None
        assert info.statement.disclosed.person_id == stage[uscc].person.person_id
    assert not stage[D02].node.acts.page(Window(200), ref).items


async def test_the_scan_is_kept_as_an_attachment(stage: Stage) -> None:
    case = await opened(stage)
    async with client_of(stage[D03]) as recorder:
        made = (await recorder.send("/api/v1/attachments", SAMPLES[PDF], PDF, **upload_fields(None))).ok(201)
        body = {"form": form(P1, CODE, (VIEW,), (D03, case), scan={"attachment": made["id"]})}
        recorded = (await recorder.post("/api/v1/authorisations", json=body)).ok(201)
        seen = (await recorder.get(f"/api/v1/authorisations/{D03}/{recorded['id']}")).ok()
        assert seen["form"]["scan"]["sha256"] == hashlib.sha256(SAMPLES[PDF]).hexdigest()
        assert (await recorder.get(f"/api/v1/attachments/{made['id']}/state")).ok()["used"]
        body["form"]["scan"] = {"attachment": "0" * 32}
        unknown = await recorder.post("/api/v1/authorisations", json=body)
        assert (unknown.status, unknown.code) == (404, "attachment-unknown")
    await stage.network.in_step()
    assert (await ask(stage, asked_for(stage, case))).state == "received"


async def test_a_receiver_that_names_consent_as_its_basis_needs_authorisations(stage: Stage) -> None:
    """The entry ZJ-02 needs none; the form of this request says 单独同意, which both sides read once it is there."""
    schema = load_schemas("new-home-loan")["ZJ-02"]
    now = stage[D02].node.clock.law_s()
    content = {**SHARING_REQUEST, "catalog_code": schema.code, "pi_basis": {"kind": "单独同意"}}
    document = make_document("sharing-request", f"request {D02}/20260921000001", content, os.urandom(32))
    terms = TermsByName((), ("filing_status",), (), (), ("HPF_LOAN_REVIEW",), (SCENARIO,), now - 10, now + 10_000_000, 50)
    filed, _ = await stage[D02].node.requests.submit(
        NewRequest(D03, "ZJ-02", None, terms, False, bytes(document.digest), bytes(document.digest))
    )
    await stage.network.in_step()
    await stage[D03].node.requests.take("agree", D02, filed["number"], StepDetails(b"d" * 32))
    done, _ = await stage[D03].node.requests.take("deliver", D02, filed["number"], StepDetails(b"d" * 32))
    await stage.network.in_step()
    case = await stage.case(P1)
    question = stage.question(case, "query", grant_number=int(done["grant"]), fields=("filing_status",))
    crafted = await stage.craft(question)
    assert (await stage.ask(question)).state == "received", "nobody has the form yet"
    for one in (stage[D03], stage[D02]):
        documents = one.node.documents
        await documents.writer.write(lambda tx, documents=documents: documents.keep(tx, document))  # type: ignore[misc]
        if one is stage[D03]:
            assert await stage.check_of(crafted) == "authorisation-missing"
    with pytest.raises(RefusedError) as caught:
        await stage.ask(question)
    assert caught.value.code == "authorisation-missing"
    await authorise(stage[D02], P1, schema.code, ("filing_status",), (D02, case))
    await stage.network.in_step()
    assert (await stage.ask(question)).state == "received"


async def test_an_authorisation_ends_with_its_term(stage: Stage) -> None:
    """Last in this file: it moves the chain's time."""
    case = await opened(stage)
    row = await signed(stage, case, valid_to=day_after(stage[D03], 0))
    assert (await ask(stage, asked_for(stage, case))).state == "received"
    crafted = await stage.craft(asked_for(stage, case), D03)
    await stage.pass_time(86_400)
    assert await refused_here(stage, asked_for(stage, case)) == "authorisation-expired"
    assert await stage.check_of(crafted) == "authorisation-expired"
    assert (await stage[D03].node.authorisations.withdrawing.withdraw(row.id, stage[D03].person)).relayed_at is not None
