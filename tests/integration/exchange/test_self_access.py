"""The person's ledger between real nodes: who used which of my items, for which case, when, with what result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from tests.support.exchange import P1, P2, Stage, person, set_stage
from tests.support.http import client_of
from tests.support.network import D01, D02, D03, D05, D06, make_keys, registration
from xinlian.chain.anvil import free_port
from xinlian.node.asking import AskItem
from xinlian.node.asking.line import Ends
from xinlian.node.paging import Window
from xinlian.node.peer_client import Reply
from xinlian.node.self_access import PATH
from xinlian.node.self_access.logins import Verified
from xinlian.protocol.errors import ConfigError, RefusedError
from xinlian.protocol.messages import Login, SelfAccessRequest, dumps_self_access, parse_self_access_answer
from xinlian.protocol.statements import parse_self_access
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, Stream, Uscc
from xinlian.store import streams

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with set_stage(tmp_path_factory.mktemp("self-access"), demo_login=True) as found:
        yield found


async def ledger_of(stage: Stage, who: Subject) -> dict[str, Any]:
    """As the API gives it to the authority's counter."""
    async with client_of(stage[D01]) as counter:
        begun = (await counter.post("/api/v1/self-access/logins")).ok(201)
        reply = await counter.post("/api/v1/self-access", json={"login": begun["login"], "code": who.value})
        return reply.ok()  # type: ignore[no-any-return]


def part(found: dict[str, Any], department: str) -> dict[str, Any]:
    return next(one for one in found["departments"] if one["department"] == department)


def uses(found: dict[str, Any], department: str, rid: str) -> list[dict[str, Any]]:
    return [entry for entry in part(found, department)["entries"] if entry["rid"] == rid]


async def test_who_used_which_items_for_which_case_and_what_came_of_it(stage: Stage) -> None:
    case = await stage.case(P1, P2)
    asked = await stage.ask(stage.question(case))
    family = await stage.ask(stage.question(case, "answer", AskItem((P1, P2), {})))
    other = await stage.ask(stage.question(case, "query", AskItem((P2,), {})))
    found = await ledger_of(stage, P2)
    assert (found["complete"], found["missing"], found["login"]["method"]) == (True, [], "demo")
    assert {one["department"] for one in found["departments"]} == {D01, D02, D03, D06}
    assert uses(found, D03, asked.rid) == uses(found, D02, asked.rid) == []
    (given,) = uses(found, D03, other.rid)
    assert (given["role"], given["counterparty"], given["outcome"]) == ("provider", D02, "records")
    assert given["case"] == {"lead": D02, "case_no": case}
    assert (given["fields"], given["purpose"], given["mode"]) == (["contract_no", "filing_status"], "HPF_LOAN_REVIEW", "query")
    assert {entry["outcome"] for entry in uses(found, D02, other.rid)} == {"attempted", "records"}
    (counted,) = uses(found, D03, family.rid)
    assert (counted["derived_view"], counted["outcome"]) == ("contract_count", "answer")
    assert {entry["verdict"] for one in found["departments"] for entry in one["entries"]} <= {"proven", "pending"}


async def test_it_is_itself_written_down_on_both_sides_and_anchored(stage: Stage) -> None:
    who = person(31)
    assert [one["entries"] for one in (await ledger_of(stage, who))["departments"]] == [[], [], [], []]
    found = await ledger_of(stage, who)
    for department in (D02, D03, D06):
        (given,) = part(found, department)["entries"]
        assert (given["kind"], given["role"], given["counterparty"], given["outcome"]) == (
            "self-access",
            "provider",
            D01,
            "given",
        )
        assert (given["login_method"], given["verdict"] in {"proven", "pending"}) == ("demo", True)
    own = [entry for entry in part(found, D01)["entries"] if entry["kind"] == "self-access"]
    assert {(entry["role"], entry["counterparty"], entry["outcome"]) for entry in own} == {
        ("provider", D01, "given"),
        *(("requester", department, outcome) for department in (D02, D03, D06) for outcome in ("attempted", "given")),
    }
    rid = part(found, D03)["entries"][0]["rid"]
    for one, role in ((D03, "provider"), (D01, "requester")):
        rows = _rows(stage, one, rid)
        assert {parse_self_access(statement).clear.role.value for _, statement in rows} == {role}
        node = stage[one].node
        assert await _anchored(stage, one, max(position for position, _ in rows)), node
    assert not [entry for entry in stage[D03].node.reads.page(_window(), D01).items if entry.rid == rid]


async def test_nobody_who_has_no_entry_is_told_apart_from_one_who_is_not_known(stage: Stage) -> None:
    found = await ledger_of(stage, person(77))
    assert (found["complete"], [one["entries"] for one in found["departments"]]) == (True, [[], [], [], []])
    assert {one["state"] for one in found["departments"]} == {"complete"}


async def test_a_person_sees_only_the_own_entries(stage: Stage) -> None:
    case = await stage.case(P1)
    asked = await stage.ask(stage.question(case))
    found = await ledger_of(stage, P2)
    assert not [e for one in found["departments"] for e in one["entries"] if e["rid"] == asked.rid]
    text = str(await ledger_of(stage, P1))
    assert P1.value not in text
    assert P2.value not in text
    assert stage[D02].person.person_id not in text


async def test_many_entries_come_page_by_page(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xinlian.node.self_access.ledger.MAX_PAGE", 2)
    case = await stage.case(P1)
    rids = {(await stage.ask(stage.question(case))).rid for _ in range(5)}
    found = await ledger_of(stage, P1)
    seen = [entry["rid"] for entry in part(found, D03)["entries"] if entry["rid"] in rids]
    assert sorted(seen) == sorted(rids)


async def test_a_department_that_never_comes_to_an_end_is_missing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page after page, each a little late, must not keep the person from what the others say."""
    monkeypatch.setattr("xinlian.node.self_access.ledger.MAX_PAGE", 1)
    monkeypatch.setattr("xinlian.node.self_access.ledger.PART_S", 0)
    case = await stage.case(P1)
    for _ in range(2):
        await stage.ask(stage.question(case))
    found = part(await ledger_of(stage, P1), D03)
    assert (found["state"], found["code"], len(found["entries"])) == ("missing", "peer-timeout", 1)


# -- who may not -----------------------------------------------------------------------------------------


async def test_another_department_is_refused_and_written_down(stage: Stage) -> None:
    """D06 builds the very request of the authority's node and signs it with every chain key it has."""
    node = stage[D06].node
    for role in ("anchor", "law", "admin"):
        ledger = replace(node.self_access.ledger, authority_key=node.chain_keys[role])
        before = stage.read_count(D03)
        with pytest.raises(RefusedError) as caught:
            await ledger._ask(Uscc(D03), _verified(stage), stage[D06].person, 0)
        assert caught.value.code == "refused-authority"
        assert stage.read_count(D03) == before + 1
    async with client_of(stage[D06]) as counter:
        refused = await counter.post("/api/v1/self-access/logins")
        assert (refused.status, refused.code) == (403, "authority-key-missing")
    with pytest.raises(ConfigError):
        await node.self_access.ledger.of(_verified(stage), stage[D06].person)


async def test_the_authoritys_signature_holds_for_one_department_and_these_words_only(stage: Stage) -> None:
    """What the authority signed for D06 is sent on to D03 by D06; what it signed is altered; its login is old."""
    for_other = await _signed(stage, D06)
    sent_on = replace(for_other.request, from_uscc=Uscc(D06), to_uscc=Uscc(D03))
    assert await _check(stage, D06, sent_on, stage[D06].node.self_access.ledger.line.ends_to(D03)) == "authority"
    one = await _signed(stage, D03)
    assert await _check(stage, D01, replace(one.request, subject=P2), one.ends) == "authority"
    one = await _signed(stage, D03)
    assert await _check(stage, D01, one.request, one.ends) is None
    old = Login("demo", "demo", EpochS(int(stage[D01].node.clock.wall_s()) - 7_200))
    one = await _signed(stage, D03, replace(_verified(stage), login=old))
    assert await _check(stage, D01, one.request, one.ends) == "login"


async def test_logins_are_taken_once(stage: Stage) -> None:
    async with client_of(stage[D01]) as counter:
        begun = (await counter.post("/api/v1/self-access/logins")).ok(201)
        wrong = await counter.post("/api/v1/self-access", json={"login": begun["login"], "code": "411599195001010015"})
        assert (wrong.status, wrong.code) == (403, "login-refused")
        again = await counter.post("/api/v1/self-access", json={"login": begun["login"], "code": P1.value})
        assert (again.status, again.code) == (403, "login-unknown")


# -- last: a node goes down ------------------------------------------------------------------------------


async def test_a_node_that_is_down_is_missing_and_never_nothing(stage: Stage) -> None:
    """D05 is registered, and nothing listens at its address."""
    case = await stage.case(P1)
    asked = await stage.ask(stage.question(case))
    keys = make_keys(stage.network.directory / D05 / "keys", authority=False)
    request = await registration(D05, keys, f"http://127.0.0.1:{free_port()}", stage.network.deployment)
    await stage[D01].node.authority.register(request.dumps())
    await stage.network.in_step()
    found = await ledger_of(stage, P1)
    missing = part(found, D05)
    assert (found["complete"], found["missing"]) == (False, [D05])
    assert (missing["state"], missing["code"], missing["entries"]) == ("missing", "peer-down", [])
    assert uses(found, D03, asked.rid), "what the others say is there"
    own = [entry for entry in part(await ledger_of(stage, P1), D01)["entries"] if entry["counterparty"] == D05]
    assert {"attempted", "no-answer"} <= {entry["outcome"] for entry in own}


# -- helpers ---------------------------------------------------------------------------------------------


def _verified(stage: Stage) -> Verified:
    return Verified(P1, Login("demo", "demo", EpochS(int(stage[D01].node.clock.wall_s()))))


@dataclass(frozen=True, slots=True)
class _Signed:
    """A request that the authority signed, and its ends."""

    request: SelfAccessRequest
    ends: Ends


async def _signed(stage: Stage, to: str, who: Verified | None = None) -> _Signed:
    ledger = stage[D01].node.self_access.ledger
    ends = ledger.line.ends_to(to)
    keys = ends.signing.kid, ends.sealing_kid, ends.reply_public
    return _Signed(await ledger._signed(ledger._request(Uscc(to), who or _verified(stage), 0, keys)), ends)


async def _check(stage: Stage, sender: str, request: SelfAccessRequest, ends: Ends) -> str | None:
    """The check that refuses a request which a node sends to D03, sealed and signed with its own real keys."""
    line = stage[sender].node.self_access.ledger.line
    request = replace(request, signing_kid=ends.signing.kid, sealing_kid=ends.sealing_kid, reply_key=ends.reply_public)
    sealed = line.seal(ends, request, dumps_self_access(request), PATH)
    async with ClientSession() as session, session.post(stage[D03].url + PATH, data=sealed.body, headers=sealed.headers) as got:
        reply = Reply(got.status, {name.lower(): value for name, value in got.headers.items()}, await got.read())
    assert reply.status == 200, reply.body
    answer = parse_self_access_answer(line.open(sealed, reply), request, sealed.digest)
    return None if answer.check is None else answer.check.value


def _rows(stage: Stage, uscc: str, rid: str) -> list[tuple[int, bytes]]:
    with stage[uscc].node.store.node.read() as reader:
        sql = "SELECT position, statement FROM read_entries WHERE rid = ? AND role = ?"
        return [(row[0], row[1]) for row in reader.fetch(sql, (rid, streams.SELF_ACCESS))]


async def _anchored(stage: Stage, uscc: str, position: int) -> bool:
    for _ in range(100):
        if stage[uscc].node.bundles.receipt(Stream.READS, position) is not None:
            return True
        await asyncio.sleep(0.1)
    return False


def _window() -> Any:
    return Window(200)
