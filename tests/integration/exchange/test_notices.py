"""Notices that are not taken: told again, parked, replayed; a recipient that lies; a stop at every step on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.integration.node.conftest import quiet_log  # noqa: F401 (autouse here, too: stops are logged)
from tests.support.exchange import Stage
from tests.support.http import client_of
from tests.support.network import D02, D03, Running
from tests.support.notices import code_of, craft, erase, everything_is_there, give_away, send, settled
from xinlian.node.notices import taking, telling, writing
from xinlian.node.notices.telling import TellingLimits
from xinlian.node.peer_client import Reply
from xinlian.protocol.errors import PeerError, StoreError
from xinlian.protocol.notices import Done
from xinlian.store import notices as table

pytestmark = pytest.mark.asyncio(loop_scope="session")

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

    def put(tx: Any, sealer: Any, new: Any, now_s: int) -> None:
        first.extend(one.notice_id for one in new)
        honest(tx, sealer, new, now_s)

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
    assert isinstance(facts.result, Done)
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
