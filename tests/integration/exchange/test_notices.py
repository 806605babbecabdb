"""Notices that are hostile, altered, repeated, late or not taken: refused by name, followed once, told again, never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.integration.node.conftest import quiet_log  # noqa: F401 (autouse here, too: stops are logged)
from tests.support.exchange import Stage, person
from tests.support.http import client_of
from tests.support.network import D02, D03, D06, Running
from tests.support.notices import Given, craft, erase, give_away, send, settled, shown
from xinlian.node.asking import AskItem
from xinlian.node.notices import taking, telling, writing
from xinlian.node.notices.telling import TellingLimits
from xinlian.node.peer_client import Reply
from xinlian.node.providing import PATH as REQUESTS
from xinlian.node.rate import RateLimit
from xinlian.protocol import httpsig
from xinlian.protocol.envelope import Direction, Rid
from xinlian.protocol.errors import PeerError, StoreError
from xinlian.protocol.notices import Notice, NoticeCheck, NoticeId, dumps_notice
from xinlian.protocol.types import EpochS, Uscc
from xinlian.store import exchange as exchange_table
from xinlian.store import notices as table

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNKNOWN = Rid("AAAAAAAAAAAAAAAAAAAAAA")


def code_of(reply: Reply) -> tuple[int, str]:
    """Status and code of a refusal in the clear."""
    return reply.status, orjson.loads(reply.body)["code"]


def everything_is_there(stage: Stage, given: Given) -> bool:
    """Whether every copy is still shown, and nothing was written down about a notice of the record."""
    seen = [shown(stage[D02], rid) for rid in given.rids]
    return all(one["items"] and not one["ended"] for one in seen)


def taken(running: Running) -> int:
    """How many notices a node has followed."""
    with running.node.store.node.read() as reader:
        return int(reader.fetch("SELECT count(*) FROM notices_in")[0][0])


@pytest.fixture(scope="module")
def kept() -> dict[str, Given]:
    return {}


async def one(stage: Stage, kept: dict[str, Given]) -> Given:
    """One contract for all hostile notices: none of them may touch its copies."""
    if "one" not in kept:
        kept["one"] = await give_away(stage, 600)
    return kept["one"]


# -- before the sender is proven: in the clear, counted, nothing done ------------------------------------------


async def test_what_is_altered_or_signed_by_somebody_else_is_refused(stage: Stage, kept: dict[str, Given]) -> None:
    given, before = await one(stage, kept), taken(stage[D02])
    crafted = craft(stage, given.record_id, *given.rids)
    flipped = replace(crafted, body=crafted.body[:-1] + bytes([crafted.body[-1] ^ 1]))
    assert code_of(await send(stage, flipped))[1] == "digest-wrong"
    other = stage[D06].node.identity.current_signing()
    assert code_of(await send(stage, crafted.resealed(signing=other))) == (403, "refused-key-registered")
    assert code_of(await send(stage, crafted, to=D06)) == (403, "refused-addressee")
    relabelled = replace(crafted, headers={**crafted.headers, "xinlian-to": D06})
    assert code_of(await send(stage, relabelled))[1] in {"signature-wrong", "envelope-mismatch"}
    assert code_of(await send(stage, crafted.resealed(age_s=120)))[1] == "signature-expired"
    stale = {"created": EpochS(crafted.message.created - 120), "expires": EpochS(crafted.message.expires - 120)}
    assert code_of(await send(stage, crafted.resealed(message=stale))) == (403, "request-expired")
    assert taken(stage[D02]) == before
    assert everything_is_there(stage, given)


async def test_a_notice_is_no_request_and_a_request_no_notice(stage: Stage, kept: dict[str, Given]) -> None:
    given = await one(stage, kept)
    crafted = craft(stage, given.record_id, *given.rids)
    assert code_of(await send(stage, crafted, path=REQUESTS)) == (403, "refused-addressee")
    as_request = crafted.resealed(direction=Direction.REQUEST)
    assert code_of(await send(stage, as_request, path=REQUESTS))[1] == "signature-form"  # the tag is a notice's
    both = crafted.resealed(direction=Direction.REQUEST, tag=httpsig.TAG)  # signed over the notices' path all the same
    assert code_of(await send(stage, both, path=REQUESTS)) == (403, "signature-wrong")
    assert code_of(await send(stage, both)) == (403, "refused-addressee")
    assert code_of(await send(stage, crafted.resealed(tag=httpsig.TAG)))[1] == "signature-form"
    asked = await stage.craft(stage.question(given.case, "query", AskItem((given.subject,), {})), asker=D02)
    moved = replace(crafted, headers=asked.headers, body=asked.body)
    assert code_of(await send(stage, moved, to=D03)) == (403, "refused-addressee")
    assert everything_is_there(stage, given)


async def test_failed_authentication_is_counted_and_limited(stage: Stage, kept: dict[str, Given]) -> None:
    given = await one(stage, kept)
    desk: Any = stage[D02].node.notices.taking
    honest, desk._p = desk._p, replace(desk._p, rate=RateLimit(3))
    try:
        forged = craft(stage, given.record_id, *given.rids).resealed(signing=stage[D06].node.identity.current_signing())
        codes = [code_of(await send(stage, forged)) for _ in range(4)]
        assert codes == [(403, "refused-key-registered")] * 3 + [(429, "refused-rate")]
        assert desk._p.rate.total == 3
    finally:
        desk._p = honest


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"message": {"from_uscc": Uscc(D06)}}, "envelope-mismatch"),
        ({"message": {"rid": UNKNOWN}}, "envelope-mismatch"),
        ({"raw": b"{}"}, "notice-form"),
        ({"raw": b"\xff"}, "json-broken"),
        ({"from_uscc": Uscc(D06)}, "refused-key-registered"),
    ],
)
async def test_what_does_not_agree_with_itself_is_refused(
    stage: Stage, kept: dict[str, Given], change: dict[str, Any], code: str
) -> None:
    given = await one(stage, kept)
    crafted = craft(stage, given.record_id, *given.rids)
    assert code_of(await send(stage, crafted.resealed(**change)))[1] == code
    for member in ("from_uscc", "to_uscc"):
        other = craft(stage, given.record_id, *given.rids, change=lambda n, m=member: replace(n, **{m: Uscc(D06)}))  # type: ignore[misc]
        sent = craft(stage, given.record_id, *given.rids).resealed(raw=dumps_notice(other.notice))
        assert code_of(await send(stage, sent, to=D02)) == (422, "envelope-mismatch")
    assert everything_is_there(stage, given)


async def test_a_stale_view_follows_no_notice(stage: Stage, kept: dict[str, Given]) -> None:
    """The sender's key may have been retired meanwhile; the sender tries again."""
    given, clock = await one(stage, kept), stage[D02].node.clock
    clock.is_distrusted = True
    try:
        reply = await send(stage, craft(stage, given.record_id, *given.rids))
    finally:
        clock.is_distrusted = False
    assert code_of(reply) == (403, "refused-view-fresh")
    assert everything_is_there(stage, given)


# -- by the checks: signed and sealed, named, nothing done ----------------------------------------------------------


def older(notice: Notice) -> Notice:
    return replace(notice, created=EpochS(notice.created - 2_000), expires=EpochS(notice.created - 1))


async def test_only_who_gave_a_record_may_speak_of_it(stage: Stage, kept: dict[str, Given]) -> None:
    """The police say that a contract of the housing bureau was erased."""
    given, before = await one(stage, kept), taken(stage[D02])
    crafted = craft(stage, given.record_id, *given.rids, sender=D06)
    facts = crafted.facts(await send(stage, crafted))
    assert (facts.outcome.value, facts.check) == ("refused", NoticeCheck.SOURCE)
    assert (taken(stage[D02]), everything_is_there(stage, given)) == (before, True)


async def test_every_wrong_notice_is_refused_by_name_and_does_nothing(stage: Stage, kept: dict[str, Given]) -> None:
    given, before = await one(stage, kept), taken(stage[D02])
    elsewhere = await stage.ask(
        stage.question(given.case, "query", AskItem((given.subject,), {}), fields=("contract_no",)), asker=D02
    )
    unrelated = "01a208dd-04fb-7410-b86b-913eca60739a"
    item = AskItem((person(1),), {"name": "测试甲"})
    case = await stage.case(person(1))
    police = await stage.ask(stage.question(case, "verify", item, provider=D06, fields=("name",)))
    wrong: dict[NoticeCheck, list[Any]] = {
        NoticeCheck.EXPIRED: [craft(stage, given.record_id, *given.rids, change=older)],
        NoticeCheck.SOURCE: [craft(stage, given.record_id, *given.rids, police.rid)],
        NoticeCheck.RECEIVED: [
            craft(stage, given.record_id, UNKNOWN),  # never asked
            craft(stage, given.record_id, *given.rids, UNKNOWN),
            craft(stage, unrelated, *given.rids),  # asked, but it brought another record
            craft(stage, unrelated, elsewhere.rid),
        ],
    }
    for check, some in wrong.items():
        for crafted in some:
            facts = crafted.facts(await send(stage, crafted))
            assert (facts.outcome.value, facts.check) == ("refused", check)
            assert facts.result is None
    assert (taken(stage[D02]), everything_is_there(stage, given)) == (before, True)


async def test_a_refused_request_brought_nothing(stage: Stage, kept: dict[str, Given]) -> None:
    given = await one(stage, kept)
    refused = await stage.ask(stage.question(given.case, "query", AskItem((given.subject,), {}), purpose="OTHER"))
    assert refused.state == "refused"
    crafted = craft(stage, given.record_id, refused.rid)
    assert crafted.facts(await send(stage, crafted)).check is NoticeCheck.RECEIVED


async def test_a_request_under_way_defers_the_notice(stage: Stage, kept: dict[str, Given]) -> None:
    """What it brings would be stored after the copies went."""
    given, fund = await one(stage, kept), stage[D02]
    client: Any = fund.node.client
    honest, caught, rid = client.post, list[Reply](), list[str]()

    async def post(*args: Any) -> Reply:
        reply: Reply = await honest(*args)
        if args[1] == REQUESTS and not caught:
            with fund.node.store.node.read() as reader:
                rid.extend(row.rid for row in exchange_table.outgoing_in(reader, "attempted"))
            caught.append(await send(stage, craft(stage, given.record_id, *rid)))
        return reply

    client.post = post
    try:
        asked = await stage.ask(stage.question(given.case, "query", AskItem((given.subject,), {})))
    finally:
        del client.post
    assert (asked.state, rid) == ("received", [asked.rid])
    assert code_of(caught[0]) == (503, "notice-busy")
    assert everything_is_there(stage, given)


# -- once ------------------------------------------------------------------------------------------------------


async def test_the_same_notice_is_followed_once_and_answered_alike(stage: Stage) -> None:
    given = await give_away(stage, 610)
    first = craft(stage, given.record_id, *given.rids)
    replies = [await send(stage, first), await send(stage, first)]  # the same bytes, as a network might repeat them
    again = first.resealed()  # and as the sender tells it again
    facts = [first.facts(reply) for reply in replies] + [again.facts(await send(stage, again))]
    assert facts[0] == facts[1] == facts[2]
    assert facts[0].result is not None
    assert facts[0].result.deleted == 3
    same_id = craft(stage, given.record_id, given.rids[0], change=lambda n: replace(n, id=first.notice.id))
    assert same_id.facts(await send(stage, same_id)).check is NoticeCheck.REUSED
    many = [first.resealed() for _ in range(6)]
    told = await asyncio.gather(*(send(stage, crafted) for crafted in many))
    assert [crafted.facts(reply) for crafted, reply in zip(many, told, strict=True)] == [facts[0]] * 6
    fresh = craft(stage, given.record_id, *given.rids, change=lambda n: replace(n, id=NoticeId("ab" * 16)))
    result = fresh.facts(await send(stage, fresh)).result
    assert result is not None
    assert (result.deleted, result.kept) == (0, ())
    with stage[D02].node.store.node.read() as reader:
        sql = "SELECT count(*) FROM ended_values WHERE rid IN (?, ?, ?)"
        assert reader.fetch(sql, given.rids)[0][0] == 3


# -- not taken: told again, parked, replayed -----------------------------------------------------------------------


@contextmanager
def limits(running: Running, tries: int) -> Iterator[None]:
    """Hardly any pause between attempts, so many of them."""
    desk: Any = running.node.notices.telling
    honest, desk._limits = desk._limits, TellingLimits(0.01, tries)
    try:
        yield
    finally:
        desk._limits = honest


async def test_a_recipient_that_is_down_is_told_when_it_is_back(stage: Stage) -> None:
    given = await give_away(stage, 620)
    housing = stage[D03]
    fund = housing.node.state.departments[D02]
    endpoint, fund.endpoint = fund.endpoint, "http://127.0.0.1:9"
    try:
        with limits(housing, 50):
            await erase(housing, given.record_id)
            told = await waiting(housing, given.record_id, "peer-down")
            assert (told["state"], told["told_at"], told["outcome"]) == ("to-tell", None, None)
            assert housing.node.notices.showing.erasure(given.record_id)["outstanding"] == [D02]
            assert everything_is_there(stage, given)
            fund.endpoint = endpoint
            (told,) = await settled(housing, given.record_id)
    finally:
        fund.endpoint = endpoint
    assert (told["outcome"], told["last_code"]) == ("deleted", None)
    assert told["attempts"] >= 2


async def waiting(running: Running, record_id: str, code: str) -> dict[str, Any]:
    """Wait until the one notice of a record carries an error code."""
    told = dict[str, Any]()
    for _ in range(400):
        (told,) = running.node.notices.showing.erasure(record_id)["recipients"]
        if told["last_code"] == code:
            return dict(told)
        await asyncio.sleep(0.05)
    raise AssertionError(f"no {code}: {told}")


async def test_after_enough_attempts_it_is_parked_and_a_person_replays_it(stage: Stage) -> None:
    given = await give_away(stage, 621)
    housing = stage[D03]
    fund = housing.node.state.departments[D02]
    endpoint, fund.endpoint = fund.endpoint, "http://127.0.0.1:9"
    try:
        with limits(housing, 2):
            await erase(housing, given.record_id)
            async with client_of(housing) as client:
                item = await parked_item(client)
                assert (item["kind"], item["reason"].partition(":")[0]) == ("notice", "peer-down")
                (told,) = housing.node.notices.showing.erasure(given.record_id)["recipients"]
                assert (told["parked"], told["attempts"], item["ref"]) == (True, 2, told["notice"])
                await asyncio.sleep(1.5)  # nobody tells it while it is parked
                assert housing.node.notices.showing.erasure(given.record_id)["recipients"] == [told]
                ready = (await client.get("/readyz")).ok()["checks"]
                assert {"name": "nothing-parked", "ok": True, "detail": "1 items wait for a person"} in ready
                fund.endpoint = endpoint
                (await client.post(f"/api/v1/parked/{item['id']}/replay", json={})).ok()
                (told,) = await settled(housing, given.record_id)
                assert (told["outcome"], told["parked"]) == ("deleted", False)
                assert (await client.get("/api/v1/parked")).ok()["items"] == []
    finally:
        fund.endpoint = endpoint


async def parked_item(client: Any) -> dict[str, Any]:
    for _ in range(400):
        items = (await client.get("/api/v1/parked")).ok()["items"]
        if items:
            return dict(items[0])
        await asyncio.sleep(0.05)
    raise AssertionError("nothing was parked")


async def test_a_refusal_by_name_is_final_until_a_person_replays_it_as_a_fresh_notice(stage: Stage) -> None:
    """The recipient knows the id with other bytes: refused and parked; the replay takes a fresh id."""
    given = await give_away(stage, 622)
    housing = stage[D03]
    desk: Any = housing.node.notices
    honest = desk.writing.__class__._to
    used = craft(stage, given.record_id, given.rids[0])
    await send(stage, used)

    def same_id(self: Any, *args: Any) -> Any:
        for new in honest(self, *args):
            body = orjson.loads(new.body)
            yield replace(new, notice_id=used.notice.id, body=orjson.dumps({**body, "notice": used.notice.id}))

    desk.writing.__class__._to = same_id
    try:
        await erase(housing, given.record_id)
    finally:
        desk.writing.__class__._to = honest
    (told,) = await settled(housing, given.record_id, table.REFUSED)
    assert (told["last_code"], told["outcome"], told["parked"]) == ("refused-notice-reused", "refused", True)
    assert housing.node.notices.showing.erasure(given.record_id)["outstanding"] == [D02]
    async with client_of(housing) as client:
        item = next(i for i in (await client.get("/api/v1/parked")).ok()["items"] if i["ref"] == told["notice"])
        (await client.post(f"/api/v1/parked/{item['id']}/replay", json={})).ok()
    (again,) = await settled(housing, given.record_id)
    assert again["notice"] != told["notice"]
    assert (again["outcome"], again["deleted"]) == ("deleted", 1)  # what this node's own log names went with the first


async def test_a_notice_near_its_end_is_made_anew_before_it_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    given = await give_away(stage, 623)
    housing = stage[D03]
    first = list[str]()
    honest = table.put

    def put(tx: Any, new: Any, now_s: int) -> None:
        first.extend(one.notice_id for one in new)
        honest(tx, new, now_s)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "LIFE_S", 1)
        patch.setattr(table, "put", put)
        erasing = asyncio.create_task(erase(housing, given.record_id))
        while not first:  # noqa: ASYNC110 (a patched function tells it, no event)
            await asyncio.sleep(0)
    await erasing
    (told,) = await settled(housing, given.record_id)
    assert told["outcome"] == "deleted"
    assert [told["notice"]] != first


# -- a recipient that lies ----------------------------------------------------------------------------------------


Lie = Callable[[Reply], Reply]


def flip(reply: Reply) -> Reply:
    return replace(reply, body=reply.body[:-1] + bytes([reply.body[-1] ^ 1]))


def unsigned(reply: Reply) -> Reply:
    return replace(reply, headers={k: v for k, v in reply.headers.items() if k != "signature"})


def in_the_clear(_: Reply) -> Reply:
    return Reply(200, {}, b'{"outcome": "deleted"}')


def refused_in_the_clear(_: Reply) -> Reply:
    return Reply(403, {}, orjson.dumps({"code": "refused-notice-source"}))


def something_else(_: Reply) -> Reply:
    return Reply(418, {}, b"<html>")


LIES: dict[str, tuple[Lie, str]] = {
    "altered on its way": (flip, "digest-wrong"),
    "unsigned": (unsigned, "signature-missing"),
    "in the clear": (in_the_clear, "peer-answer"),
    "a refusal in the clear": (refused_in_the_clear, "refused-notice-source"),
    "no node": (something_else, "peer-answer"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_nothing_but_the_recipients_own_word_settles_a_notice(stage: Stage, lie: str) -> None:
    given = await give_away(stage, 630 + list(LIES).index(lie))
    housing = stage[D03]
    change, code = LIES[lie]
    client: Any = housing.node.client
    honest = client.post

    async def post(*args: Any) -> Reply:
        reply: Reply = await honest(*args)
        return change(reply) if args[1] == taking.PATH else reply

    client.post = post
    try:
        await erase(housing, given.record_id)
        told = await waiting(housing, given.record_id, code)
        assert (told["state"], told["outcome"]) == ("told", None)
        assert told["told_at"] is not None
    finally:
        del client.post
    (told,) = await settled(housing, given.record_id)  # told again, and answered as the first time
    assert (told["outcome"], told["deleted"]) == ("deleted", 3)


async def test_the_acknowledgement_of_another_notice_is_not_taken(stage: Stage) -> None:
    given, other = await give_away(stage, 640), await give_away(stage, 641)
    fund, housing = stage[D02], stage[D03]
    desk: Any = fund.node.notices.taking
    honest = desk._followed
    wrong = craft(stage, other.record_id, *other.rids)

    async def followed(*args: Any) -> Any:
        facts = await honest(*args)
        return replace(facts, notice=wrong.notice.id)

    desk._followed = followed
    try:
        await erase(housing, given.record_id)
        assert (await waiting(housing, given.record_id, "acknowledgement-mismatch"))["state"] == "told"
    finally:
        del desk._followed
    await settled(housing, given.record_id)


async def test_a_basis_that_holds_a_personal_number_is_not_taken(stage: Stage) -> None:
    """What a recipient names as its law is text of others: the payload guard looks at it before it is stored."""
    given = await give_away(stage, 642)
    fund, housing = stage[D02], stage[D03]
    async with client_of(fund) as client:
        body = {"lead": D02, "case_no": given.case, "basis": "某法第十条", "until": 1_900_000_000}
        duty = (await client.post("/api/v1/retention-duties", json=body)).ok(201)
        forged = "UPDATE retention_duties SET basis = '411599199001010014' WHERE id = ?"
        await fund.node.store.node.write(lambda tx: tx.run(forged, (duty["id"],)))
    await erase(housing, given.record_id)
    told = await waiting(housing, given.record_id, "payload-refused")
    assert (told["state"], told["kept"]) == ("told", [])


# -- a stop at every step -----------------------------------------------------------------------------------------


async def stop(*_: object, **__: object) -> None:
    """Stands for a kill in the middle."""
    raise SystemError("killed here")


def stop_now(*_: object, **__: object) -> None:
    """The same, where nothing is awaited."""
    raise SystemError("killed here")


RECEIVER_STEPS: dict[str, tuple[Any, str, Any]] = {
    "before anything is stored": (table, "keep", stop_now),
    "while the copies go": (table, "say", stop_now),
    "before the log is wiped": (taking, "wipe", stop),
    "before that is noted": (table, "wiped", stop_now),
    "before the acknowledgement leaves": (taking, "seal_answer", stop_now),
}


@pytest.mark.parametrize("step", RECEIVER_STEPS)
async def test_a_recipient_killed_at_any_step_ends_where_it_would_have(
    stage: Stage, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = await give_away(stage, 650 + list(RECEIVER_STEPS).index(step))
    module, name, stopped = RECEIVER_STEPS[step]
    crafted = craft(stage, given.record_id, *given.rids)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, stopped)
        assert (await send(stage, crafted)).status == 500
    await stage[D02].node.notices.taking.wipe()  # what the node does at its start
    again = crafted.resealed()
    facts = again.facts(await send(stage, again))
    assert facts.result is not None
    assert (facts.outcome.value, facts.result.deleted) == ("deleted", 3)
    with stage[D02].node.store.node.read() as reader:
        assert table.newest_unwiped(reader) == 0
        assert reader.fetch("SELECT count(*) FROM received_values WHERE rid IN (?, ?, ?)", given.rids)[0][0] == 0


SENDER_STEPS: dict[str, tuple[Any, str]] = {
    "before the attempt is counted": (table, "attempt"),
    "before it is sent": (telling, "seal_request"),
    "after it was sent": (telling, "open_answer"),
    "before the answer is stored": (table, "answered"),
}


@pytest.mark.parametrize("step", SENDER_STEPS)
async def test_a_sender_killed_at_any_step_loses_no_notice(stage: Stage, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = await give_away(stage, 660 + list(SENDER_STEPS).index(step))
    housing = stage[D03]
    module, name = SENDER_STEPS[step]
    loop, killed = asyncio.get_running_loop(), asyncio.Event()

    def stopped(*_: object, **__: object) -> None:
        loop.call_soon_threadsafe(killed.set)
        raise SystemError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(module, name, stopped)
        await erase(housing, given.record_id)
        await asyncio.wait_for(killed.wait(), 10)
        (told,) = housing.node.notices.showing.erasure(given.record_id)["recipients"]
        assert told["state"] in {"to-tell", "told"}
    (told,) = await settled(housing, given.record_id, seconds=20)
    assert (told["outcome"], told["deleted"]) == ("deleted", 3)


async def test_a_wipe_that_has_to_wait_keeps_the_acknowledgement_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was deleted may still stand in the log: the sender is told to come again, and is answered then."""
    given = await give_away(stage, 670)
    crafted = craft(stage, given.record_id, *given.rids)

    async def busy(*_: object) -> None:
        raise StoreError("store-checkpoint-busy", "a reader still uses an older state")

    with monkeypatch.context() as patch:
        patch.setattr(taking, "wipe", busy)
        assert code_of(await send(stage, crafted)) == (503, "store-checkpoint-busy")
    assert crafted.facts(await send(stage, crafted)).outcome.value == "deleted"


async def test_nothing_is_told_while_the_chain_is_in_doubt(stage: Stage) -> None:
    """Addresses and keys come from it."""
    given = await give_away(stage, 671)
    housing = stage[D03]
    housing.node.clock.is_distrusted = True
    try:
        await erase(housing, given.record_id)
        assert await housing.node.notices.telling.once() == 0
        (told,) = housing.node.notices.showing.erasure(given.record_id)["recipients"]
        assert (told["state"], told["attempts"]) == ("to-tell", 0)
    finally:
        housing.node.clock.is_distrusted = False
    await settled(housing, given.record_id)


async def test_pauses_grow_to_an_hour_and_no_further() -> None:
    some = TellingLimits(2.0, 72)
    assert [some.pause_s(n) for n in (0, 1, 2, 5, 11, 12, 1_000)] == [2, 4, 8, 64, 3_600, 3_600, 3_600]
    assert TellingLimits(0.01, 1).pause_s(0) == 1


async def test_a_department_without_keys_or_address_is_tried_again(stage: Stage) -> None:
    given = await give_away(stage, 672)
    housing = stage[D03]
    peers: Any = housing.node.notices.telling._p.peers
    honest = peers.hpke_key_now

    def none(*_: object) -> Any:
        raise PeerError("peer-endpoint", "no key")

    peers.hpke_key_now = none
    try:
        await erase(housing, given.record_id)
        assert (await waiting(housing, given.record_id, "peer-endpoint"))["state"] == "to-tell"
    finally:
        peers.hpke_key_now = honest
    await settled(housing, given.record_id)
