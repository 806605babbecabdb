"""Every check of the provider by name, each failed by a request that is right in everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.support.exchange import (
    OTHER_SCENARIO,
    P1,
    P2,
    P3,
    PURPOSE,
    SCENARIO,
    Stage,
    contract_row,
    other_rid,
    person,
)
from tests.support.network import D01, D02, D03, D06
from xinlian.node.asking import AskItem
from xinlian.node.peer_client import Reply
from xinlian.node.rate import RateLimit
from xinlian.node.sharing import StepDetails, TermsByName
from xinlian.protocol.dataset import SubjectKind
from xinlian.protocol.errors import InputError, NotFoundError, RefusedError
from xinlian.protocol.messages import CaseRef, GrantRef, RequestItem
from xinlian.protocol.subjects import Subject, build
from xinlian.protocol.types import EpochS

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENT = b"d" * 32


def code_of(reply: Reply) -> tuple[int, str]:
    """Status and code of a refusal in the clear."""
    return reply.status, orjson.loads(reply.body)["code"]


# -- before the sender is proven: in the clear, counted, never written down ------------------------------


async def test_a_changed_signature_is_refused(stage: Stage) -> None:
    crafted = await stage.craft(stage.question(await stage.case(P1)))
    before = stage.read_count(D03)
    signature = crafted.headers["signature"]
    wrong = "A" if signature[20] != "A" else "B"
    broken = replace(crafted, headers={**crafted.headers, "signature": signature[:20] + wrong + signature[21:]})
    status, code = code_of(await stage.send(broken))
    assert (400 <= status < 500, code) == (True, "signature-wrong")
    changed = replace(crafted, body=crafted.body[:-1] + bytes([crafted.body[-1] ^ 1]))
    assert code_of(await stage.send(changed))[1] == "digest-wrong"
    assert stage.read_count(D03) == before


async def test_keys_that_do_not_count_are_refused(stage: Stage) -> None:
    """Another department's key, a key nobody registered, and a key that was retired."""
    crafted = await stage.craft(stage.question(await stage.case(P1)))
    other = stage[D06].node.identity.current_signing()
    assert code_of(await stage.send(crafted.resealed(signing=other))) == (403, "refused-key-registered")
    node = stage[D02].node
    old = node.identity.current_signing()
    await node.identity.rotate("signing", retire=True)
    await stage.network.in_step()
    assert node.identity.current_signing().kid != old.kid
    assert code_of(await stage.send(crafted)) == (403, "refused-key-registered")
    assert (await stage.send(crafted.resealed(signing=node.identity.current_signing()))).status == 200


async def test_a_request_for_another_department_is_refused(stage: Stage) -> None:
    crafted = await stage.craft(stage.question(await stage.case(P1)))
    assert code_of(await stage.send(crafted, to=D06)) == (403, "refused-addressee")
    relabelled = replace(crafted, headers={**crafted.headers, "xinlian-to": D06})
    assert code_of(await stage.send(relabelled))[1] in {"signature-wrong", "envelope-mismatch"}


async def test_old_requests_are_refused_outside_and_inside(stage: Stage) -> None:
    crafted = await stage.craft(stage.question(await stage.case(P1)))
    assert code_of(await stage.send(crafted.resealed(age_s=120)))[1] == "signature-expired"
    request = crafted.request
    stale = replace(request, created=EpochS(request.created - 120), expires=EpochS(request.expires - 120))
    assert code_of(await stage.send(crafted.resealed(request=stale))) == (403, "request-expired")


async def test_an_envelope_that_disagrees_with_its_request_is_refused(stage: Stage) -> None:
    crafted = await stage.craft(stage.question(await stage.case(P1)))
    inner = replace(crafted.request, from_uscc=stage[D06].node.asking._p.department)
    assert code_of(await stage.send(crafted.resealed(request=inner))) == (422, "envelope-mismatch")


async def test_failed_authentication_is_counted_limited_and_never_written(stage: Stage) -> None:
    crafted = await stage.craft(stage.question(await stage.case(P1)))
    providing: Any = stage[D03].node.providing
    honest, before = providing._rate, stage.read_count(D03)
    providing._rate = RateLimit(3)
    try:
        forged = crafted.resealed(signing=stage[D06].node.identity.current_signing())
        codes = [code_of(await stage.send(forged)) for _ in range(4)]
        assert codes == [(403, "refused-key-registered")] * 3 + [(429, "refused-rate")]
        assert providing._rate.total == 3
    finally:
        providing._rate = honest
    assert stage.read_count(D03) == before


# -- replay ----------------------------------------------------------------------------------------------


async def test_the_same_bytes_get_the_same_answer_and_count_once(stage: Stage) -> None:
    crafted = await stage.craft(stage.question(await stage.case(P1)))
    first = await stage.send(crafted)
    again = await stage.send(crafted)
    assert (first.status, first.body) == (200, again.body)
    assert first.headers["signature"] == again.headers["signature"]
    assert len(stage.reads(D03, crafted.request.rid)) == 1


async def test_the_same_rid_with_other_bytes_is_a_conflict(stage: Stage) -> None:
    crafted = await stage.craft(stage.question(await stage.case(P1)))
    assert (await stage.send(crafted)).status == 200
    assert code_of(await stage.send(crafted.resealed())) == (409, "rid-exists")
    assert len(stage.reads(D03, crafted.request.rid)) == 1


async def test_a_foreign_rid_is_not_answered_with_its_answer(stage: Stage) -> None:
    crafted = await stage.craft(stage.question(await stage.case(P1)))
    request = other_rid(crafted.request)
    moved = crafted.resealed(request=request, rid=request.rid)
    assert (await stage.send(moved)).status == 200
    swapped = crafted.resealed(rid=request.rid)
    assert code_of(await stage.send(swapped)) == (409, "rid-exists")


# -- after authentication: sealed, naming the check, written down on both sides ---------------------------


async def refused(stage: Stage, check: str, **changes: Any) -> None:
    """An honest node's question is refused by this check, and both sides have it in their read logs."""
    asked = await stage.ask(stage.question(**changes))
    assert (asked.state, asked.detail) == ("refused", check)
    (item,) = asked.items
    assert (item.outcome, item.check, item.records, item.answer) == ("refused", check, (), None)
    assert [e.outcome for e in stage.reads(D03, asked.rid)] == ["refused"]
    assert [e.outcome for e in stage.reads(D02, asked.rid)] == ["attempted", "refused"]


async def test_a_suspended_department_gets_nothing(stage: Stage) -> None:
    case = await stage.case(P1)
    await stage[D01].node.authority.suspend(D02, 1)
    await stage.network.in_step()
    try:
        await refused(stage, "department-active", case=case)
    finally:
        await stage[D01].node.authority.reinstate(D02)
        await stage.network.in_step()
    assert (await stage.ask(stage.question(case))).state == "received"


async def test_a_provider_with_a_stale_view_gives_nothing(stage: Stage) -> None:
    case, providing = await stage.case(P1), stage[D03].node.providing
    honest = providing._limits
    providing._limits = replace(honest, max_view_age_s=-1.0)
    try:
        await refused(stage, "view-fresh", case=case)
    finally:
        providing._limits = honest


async def test_more_records_than_an_item_may_carry_are_refused(stage: Stage) -> None:
    busy = person(8)
    await stage.network.publish(D03, "ZJ-02", [contract_row(f"HV-{i}", busy) for i in range(201)])
    await refused(stage, "payload-guard", case=await stage.case(busy), items=(AskItem((busy,), {}),))


async def test_grants_that_are_not_there_or_not_ones_own(stage: Stage) -> None:
    crafted = await stage.craft(stage.question(await stage.case(P1)))
    unknown = replace(crafted.request, grant=GrantRef(crafted.request.grant.provider, 999))
    assert await stage.check_of(crafted.resealed(request=unknown)) == "grant-exists"
    somebody_elses = await stage.give(D03, D06, "ZJ-02", query=("contract_no", "filing_status"))
    other = replace(crafted.request, grant=GrantRef(crafted.request.grant.provider, somebody_elses))
    fresh = await stage.craft(stage.question(await stage.case(P1)))
    moved = fresh.resealed(request=replace(fresh.request, grant=other.grant))
    assert await stage.check_of(moved) == "grant-exists"


async def test_a_grant_counts_only_within_its_term(stage: Stage) -> None:
    case, now = await stage.case(P1), stage[D03].node.clock.law_s()
    fields = ("contract_no", "filing_status")
    later = await stage.give(D03, D02, "ZJ-02", query=fields, valid_from_s=now + 500, valid_to_s=now + 900)
    short = await stage.give(D03, D02, "ZJ-02", query=fields, valid_to_s=now + 500)
    await refused(stage, "grant-running", case=case, grant_number=later)
    assert (await stage.ask(stage.question(case, grant_number=short))).state == "received"
    await stage.pass_time(600)
    await refused(stage, "grant-running", case=case, grant_number=short)
    assert (await stage.ask(stage.question(case, grant_number=later))).state == "received"


async def test_a_grant_changed_and_then_suspended(stage: Stage) -> None:
    case = await stage.case(P1)
    number = await stage.give(D03, D02, "ZJ-02", query=("contract_no", "filing_status"))
    assert (await stage.ask(stage.question(case, grant_number=number))).state == "received"
    node = stage[D03].node
    given = node.state.grants[D03, number].terms
    terms = {"valid_from_s": given.valid_from_s, "valid_to_s": given.valid_to_s, "uses_per_case": given.uses_per_case}
    request = node.state.grants[D03, number].request
    changed = StepDetails(DOCUMENT, terms=_terms(query=("contract_no",), **terms))
    await node.requests.take("propose-change", D02, request.number, changed)
    await stage.network.in_step()
    assert (await stage.ask(stage.question(case, grant_number=number))).state == "received", "goes on while it is negotiated"
    await stage[D02].node.requests.take("accept-change", D02, request.number, StepDetails(DOCUMENT))
    await stage.network.in_step()
    await refused(stage, "fields", case=case, grant_number=number)
    assert (await stage.ask(stage.question(case, grant_number=number, fields=("contract_no",)))).state == "received"
    await node.requests.take("suspend", D02, request.number, StepDetails(DOCUMENT, working_days=5))
    await stage.network.in_step()
    await refused(stage, "grant-running", case=case, grant_number=number, fields=("contract_no",))


def _terms(**terms: Any) -> TermsByName:
    values = {"verify": (), "answer": (), "batch": (), "purposes": (PURPOSE,), "scenarios": (SCENARIO,), **terms}
    return TermsByName(**values)


async def test_another_dataset_version_or_none(stage: Stage) -> None:
    for vct in (f"{D03}/000002@2", f"{D03}/999999@1"):
        crafted = await stage.craft(stage.question(await stage.case(P1)))
        assert await stage.check_of(crafted.resealed(request=replace(crafted.request, dataset=vct))) == "dataset"


async def test_a_mode_the_grant_does_not_have(stage: Stage) -> None:
    number = await stage.give(D03, D02, "ZJ-02", query=("contract_no", "filing_status"))
    case, item = await stage.case(P1), AskItem((P1,), {"contract_no": "HT-1"})
    await refused(stage, "mode", case=case, mode="verify", grant_number=number, items=(item,))
    await refused(stage, "mode", case=case, mode="answer", grant_number=number)


async def test_a_field_or_view_outside_the_grant(stage: Stage) -> None:
    case = await stage.case(P1)
    await refused(stage, "fields", case=case, fields=("contract_no", "total_price_yuan"))
    number = await stage.give(D03, D02, "ZJ-02", answer=("contract_count",))
    await refused(stage, "fields", case=case, mode="answer", view="contract_exists", grant_number=number)


async def test_a_field_that_is_no_field_and_an_array_as_a_whole(stage: Stage) -> None:
    for fields in (("not_a_field",), ("buyers",)):
        crafted = await stage.craft(stage.question(await stage.case(P1)))
        assert await stage.check_of(crafted.resealed(request=replace(crafted.request, fields=fields))) == "fields"


async def test_another_purpose(stage: Stage) -> None:
    await refused(stage, "purpose", case=await stage.case(P1), purpose="DEED_TAX_CHECK")


async def test_another_scenario(stage: Stage) -> None:
    await refused(stage, "scenario", case=await stage.case(P1, scenario=OTHER_SCENARIO))


async def test_no_case_a_closed_case_and_an_unknown_one(stage: Stage) -> None:
    case = await stage.case(P1)
    crafted = await stage.craft(stage.question(case))
    assert await stage.check_of(crafted.resealed(request=replace(crafted.request, case=None))) == "case-open"
    unknown = await stage.craft(stage.question(case))
    elsewhere = replace(unknown.request, case=CaseRef(unknown.request.from_uscc, "NOT-THERE"))
    assert await stage.check_of(unknown.resealed(request=elsewhere)) == "case-open"
    await stage[D02].node.cases.close(case, 1)
    await stage.network.in_step()
    await refused(stage, "case-open", case=case)


async def test_a_department_that_takes_no_part_in_the_case(stage: Stage) -> None:
    number = await stage.give(D03, D06, "ZJ-02", query=("contract_no", "filing_status"))
    case, foreign = await stage.case(P1, lead=D06), await stage.case(P1)
    crafted = await stage.craft(stage.question(case, grant_number=number, lead=D06), D06)
    moved = replace(crafted.request, case=CaseRef(stage[D02].node.asking._p.department, foreign))
    assert await stage.check_of(crafted.resealed(request=moved)) == "case-participant"


async def test_a_person_outside_the_case_with_an_opening_made_up(stage: Stage) -> None:
    """A requester with real keys puts somebody else into a tree of its own and claims it is the case's."""
    case = await stage.case(P1, P2)
    crafted = await stage.craft(stage.question(case))
    forged = build((P1, P3), (b"\1" * 16, b"\2" * 16)).openings[1]
    honest = crafted.request.items[0].subjects[0]
    path = replace(forged, path=honest.path)
    for opening in (forged, path, replace(honest, index=1)):
        fresh = await stage.craft(stage.question(case))
        request = replace(fresh.request, items=(RequestItem((opening,), {}),))
        assert await stage.check_of(fresh.resealed(request=request)) == "subject-in-case"


async def test_uses_of_a_case_are_used_up(stage: Stage) -> None:
    number = await stage.give(D03, D02, "ZJ-02", query=("contract_no",), uses_per_case=3)
    case = await stage.case(P1, P2)
    ask: dict[str, Any] = {"grant_number": number, "fields": ("contract_no",)}
    two = (AskItem((P1,), {}), AskItem((P2,), {}))
    assert (await stage.ask(stage.question(case, "query", *two, **ask))).state == "received"
    too_many = await stage.ask(stage.question(case, "query", *two, **ask))
    assert {item.check for item in too_many.items} == {"uses-left"}
    assert (await stage.ask(stage.question(case, **ask))).state == "received"
    await refused(stage, "uses-left", case=case, **ask)
    assert (await stage.ask(stage.question(await stage.case(P1), **ask))).state == "received"


async def test_the_requester_itself_takes_nothing_on_a_stale_view(stage: Stage) -> None:
    case, asking = await stage.case(P1), stage[D02].node.asking
    honest, before = asking._p, stage.read_count(D03)
    asking._p = replace(honest, max_view_age_s=-1.0)
    try:
        with pytest.raises(RefusedError) as caught:
            await stage.ask(stage.question(case))
    finally:
        asking._p = honest
    assert caught.value.code == "refused-view-fresh"
    assert stage.read_count(D03) == before


async def test_standing_use_needs_a_standing_grant_and_no_case(stage: Stage) -> None:
    number = await stage.give(D03, D02, "ZJ-02", query=("contract_no",), standing=True)
    crafted = await stage.craft(stage.question(await stage.case(P1), grant_number=number, fields=("contract_no",)))
    answer = crafted.resealed(request=replace(crafted.request, case=None))
    assert await stage.check_of(answer) is None
    with pytest.raises(InputError) as caught:
        await stage.ask(replace(stage.question("X", grant_number=number), case=None))
    assert caught.value.code == "query-case"


async def test_a_subject_the_dataset_cannot_be_looked_up_by(stage: Stage) -> None:
    firm = Subject(SubjectKind.ORGANISATION, "91411599MADEM0011L")
    await refused(stage, "fields", case=await stage.case(firm), items=(AskItem((firm,), {}),))


async def test_what_is_not_there_is_said_before_anything_is_sent(stage: Stage) -> None:
    case, before = await stage.case(P1), stage.read_count(D02)
    for changes, code in (
        ({"grant_number": 999}, "grant-unknown"),
        ({"case": (D02, "NOT-THERE")}, "case-unknown"),
        ({"fields": ("no_such_field",)}, "field-unknown"),
    ):
        with pytest.raises((NotFoundError, InputError)) as caught:
            await stage.ask(replace(stage.question(case), **changes))
        assert caught.value.code == code
    assert stage.read_count(D02) == before
