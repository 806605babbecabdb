"""Authorisations of data subjects between real nodes: recorded, shown, checked, withdrawn anywhere, honoured at once."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from tests.support.authorisations import authorise, day_after, form
from tests.support.exchange import P1, P2, P3, Stage
from tests.support.http import client_of, token_for
from tests.support.network import D01, D02, D03
from xinlian.chain.authorisations import commitment
from xinlian.node.asking import Asked, AskItem, Question
from xinlian.node.paging import Window
from xinlian.node.people import Role
from xinlian.protocol.documents import read_document
from xinlian.protocol.errors import ChainError, ConflictError, InputError, NotFoundError, RefusedError
from xinlian.protocol.messages import ShownAuthorisation
from xinlian.protocol.subjects import Subject
from xinlian.scenarios.catalogue import load_schemas
from xinlian.store.authorisations import Recorded

pytestmark = pytest.mark.asyncio(loop_scope="session")

CODE = load_schemas("new-home-loan")["GJJ-01"].code
VIEW = "months_reached"


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
    done = await stage[D03].node.authorisations.withdrawing.withdraw(row.id)
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
        done = await node.authorisations.withdrawing.hand_in(ref, row.secret)
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
        await desk.hand_in((D03, row.id), os.urandom(32))
    assert forged.value.code == "authorisation-forged"
    assert (await desk.hand_in((D03, row.id), row.secret)).relayed_at is not None
    await stage.network.in_step()
    with pytest.raises(ConflictError) as twice:
        await stage[D02].node.authorisations.withdrawing.hand_in((D03, row.id), row.secret)
    assert twice.value.code == "authorisation-withdrawn"
    with pytest.raises(NotFoundError) as unknown:
        await desk.hand_in((D03, os.urandom(32)), row.secret)
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


async def test_an_authorisation_ends_with_its_term(stage: Stage) -> None:
    """Last in this file: it moves the chain's time."""
    case = await opened(stage)
    row = await signed(stage, case, valid_to=day_after(stage[D03], 0))
    assert (await ask(stage, asked_for(stage, case))).state == "received"
    crafted = await stage.craft(asked_for(stage, case), D03)
    await stage.pass_time(86_400)
    assert await refused_here(stage, asked_for(stage, case)) == "authorisation-expired"
    assert await stage.check_of(crafted) == "authorisation-expired"
    assert (await stage[D03].node.authorisations.withdrawing.withdraw(row.id)).relayed_at is not None
