"""A stop at any point between a call's effect and its kept answer: the repeat reports the first effect and makes no second one.

The first test stops a call at each point between two commits (an exception that nothing in the node catches, then a restart);
the second kills a real process at random times.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession, ClientTimeout
from httpx import ASGITransport, AsyncClient

from tests.support.faults import Trial, trial
from tests.support.http import Client, Reply, client_of
from tests.support.network import D05, Running
from tests.support.process import Process, settings_file
from tests.support.profile import scaled
from xinlian.api.app import create_app
from xinlian.chain.sender import Sender
from xinlian.node.following import Following
from xinlian.node.idempotency import Journal
from xinlian.store import anchoring, chain_cache
from xinlian.store.opening import open_store
from xinlian.store.writer import Transaction

KILLS = scaled(ci=4, deep=60)
SEED = 20261124
SCENARIO = "0x" + "5c" * 32

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120 + 20 * KILLS)]


class KilledError(BaseException):
    """Nothing in a node catches it: what would have come after does not come."""


POINTS: dict[str, tuple[type, str]] = {
    "before it is signed": (Sender, "send"),
    "stored, not broadcast": (Sender, "_broadcast_first"),
    "broadcast, not mined": (Sender, "wait"),
    "mined, not seen": (Following, "reach"),
    "done, not answered": (Journal, "finish"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Trial]:
    async with trial(tmp_path_factory.mktemp("stopped"), D05) as made:
        yield made


async def stopped(running: Running, path: str, body: bytes, key: str) -> None:
    """A call that comes to an end within the node, at the point that is patched."""
    headers = {**running.headers, "Idempotency-Key": key, "Content-Type": "application/json"}
    async with AsyncClient(transport=ASGITransport(create_app(running.node)), base_url="http://node") as client:
        with pytest.raises(KilledError):
            await client.post(path, content=body, headers=headers)


async def repeated(one: Trial, path: str, body: bytes, key: str) -> Reply:
    """The same call to the node started anew, over HTTP."""
    await one.restart(D05)
    async with client_of(one.node) as client:
        return await client.send(path, body, "application/json", **{"Idempotency-Key": key})


def events(one: Trial, contract: str, name: str) -> list[Any]:
    """Events of the department on chain, as its node follows them."""
    with one.node.node.store.node.read() as reader:
        return [orjson.loads(event.args) for event in chain_cache.events(reader, contract, [name]) if D05 in event.args]


Stop = Callable[[str], None]


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Stop:
    """Let the call end at a point; ``monkeypatch.undo`` is the restart."""

    def patch(point: str) -> None:
        owner, name = POINTS[point]

        async def killed(*_: object, **__: object) -> None:
            raise KilledError

        monkeypatch.setattr(owner, name, killed)

    return patch


def case_body(number: str) -> dict[str, Any]:
    return {"case_no": number, "scenario": SCENARIO, "subjects": [{"kind": "person", "value": "411599199001010014"}]}


@pytest.mark.parametrize("point", POINTS)
async def test_a_case_is_opened_and_extended_once(one: Trial, stop_at: Stop, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    number = f"STOP-{list(POINTS).index(point)}"
    calls = [("/api/v1/cases", case_body(number)), (f"/api/v1/cases/{number}/subjects", {"kind": "contract", "value": "HT-1"})]
    for size, (path, value) in enumerate(calls, start=1):
        body = orjson.dumps(value)
        stop_at(point)
        await stopped(one.node, path, body, point)
        monkeypatch.undo()
        assert (await repeated(one, path, body, point)).ok(201)["subject_count"] == size
    opened = [e for e in events(one, "CaseLedger", "CaseOpened") if e["caseNo"].startswith("0x" + number.encode().hex())]
    extended = [e for e in events(one, "CaseLedger", "CaseSubjectAdded") if e["caseNo"].startswith("0x" + number.encode().hex())]
    assert (len(opened), len(extended)) == (1, 1)


async def test_a_transaction_that_failed_for_good_is_sent_anew(one: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored, never broadcast, and given up by the time the call is repeated: nothing was done, so it is done now."""
    body, key = orjson.dumps(case_body("FAILED-1")), "failed for good"

    async def killed(*_: object) -> None:
        raise KilledError

    async def idle(*_: object) -> None:
        """The sender's background look, which would broadcast it."""

    monkeypatch.setattr(Sender, "_broadcast_first", killed)
    monkeypatch.setattr(Sender, "look", idle)
    await stopped(one.node, "/api/v1/cases", body, key)
    await one.lives[D05].stop()
    monkeypatch.undo()
    store = open_store(one.lives[D05].settings.data_dir)
    try:
        with store.node.read() as reader:
            (left,) = anchoring.txs_in(reader, ("prepared", "sent"))
        store.node.submit(lambda tx: anchoring.tx_failed(tx, left.id)).result(5)
    finally:
        store.close()
    one.network.nodes[D05] = await one.lives[D05].start()
    async with client_of(one.node) as client:
        again = await client.send("/api/v1/cases", body, "application/json", **{"Idempotency-Key": key})
    assert again.ok(201)["tx_hash"].startswith("0x")
    opened = [e for e in events(one, "CaseLedger", "CaseOpened") if e["caseNo"].startswith("0x" + b"FAILED-1".hex())]
    assert len(opened) == 1


async def test_of_a_replaced_transaction_the_one_that_took_its_place_counts(one: Trial) -> None:
    node = one.node.node

    def job(tx: Transaction) -> tuple[int, int]:
        first, second = (
            anchoring.insert_tx(tx, anchoring.SignedTx("0xSomebody", 7, f"0x{name}", b"raw", "CaseLedger.open"))
            for name in ("first", "second")
        )
        anchoring.tx_replaced(tx, first, second)
        return first, second

    first, second = await node.store.node.write(job)
    try:
        assert node.transactions._settled("0xfirst") is None, "on its way"
        await node.store.node.write(lambda tx: anchoring.tx_mined(tx, second, 5, 1))
        found = node.transactions._settled("0xfirst")
        assert found is not None
        assert (found.hash, found.state, found.block_number) == ("0xsecond", "mined", 5)
        await node.store.node.write(lambda tx: anchoring.tx_mined(tx, first, 6, 1))  # after all: the nonce admits either
        found = node.transactions._settled("0xfirst")
        assert found is not None
        assert (found.hash, found.block_number) == ("0xfirst", 6)
    finally:
        await node.store.node.write(lambda tx: tx.run("DELETE FROM transactions WHERE signer = '0xSomebody'"))


async def test_a_user_is_added_once(one: Trial, stop_at: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    user = {"person_id": "S0001", "name": "测试", "post": "测试岗", "roles": ["auditor"], "expires": 1_999_999_999}
    stop_at("done, not answered")
    await stopped(one.node, "/api/v1/users", orjson.dumps(user), "user")
    monkeypatch.undo()
    again = await repeated(one, "/api/v1/users", orjson.dumps(user), "user")
    assert again.ok(201)["person_id"] == "S0001"
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_a_token_that_was_lost_with_its_answer_is_not_shown_again(
    one: Trial, stop_at: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/v1/users/{one.node.person.id}/tokens"
    stop_at("done, not answered")
    await stopped(one.node, path, b'{"days": 1}', "token")
    monkeypatch.undo()
    again = await repeated(one, path, b'{"days": 1}', "token")
    assert (again.status, again.code) == (409, "token-already-issued")


@pytest.mark.parametrize("point", POINTS)
async def test_a_key_is_rotated_once(one: Trial, stop_at: Stop, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """Also when the stop comes after the key file was written and before its key set is on its way."""
    body, before = b'{"kind": "hpke"}', len(one.node.node.identity._keys.hpke.keys)
    versions = len(one.node.node.state.departments[D05].key_sets)
    stop_at(point)
    await stopped(one.node, "/api/v1/keys/rotate", body, point)
    monkeypatch.undo()
    (await repeated(one, "/api/v1/keys/rotate", body, point)).ok()
    assert len(one.node.node.identity._keys.hpke.keys) == before + 1
    assert len(one.node.node.state.departments[D05].key_sets) == versions + 1


# -- a real process --------------------------------------------------------------------------------


@dataclass(slots=True)
class Opener:
    """Opens cases under keys as long as the node answers."""

    url: str
    token: str
    numbers: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    async def work(self, stop: asyncio.Event) -> None:
        """Open case after case until told to stop."""
        async with ClientSession(timeout=ClientTimeout(total=15), headers={"Authorization": f"Bearer {self.token}"}) as session:
            while not stop.is_set():
                self.numbers.append(number := f"KILL-{len(self.numbers)}")
                try:
                    headers = {"Idempotency-Key": number}
                    async with session.post(self.url + "/api/v1/cases", json=case_body(number), headers=headers) as reply:
                        if reply.status == 201:
                            self.answers[number] = await reply.json()
                except (ClientError, TimeoutError, OSError):
                    await asyncio.sleep(0.05)

    async def repeat(self, client: Client, number: str) -> Any:
        """The same call again."""
        return (await client.post("/api/v1/cases", json=case_body(number), headers={"Idempotency-Key": number})).ok(201)


async def test_a_killed_node_opens_every_case_once(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    async with trial(tmp_path, D05) as one:
        opener = Opener(one.node.url, one.node.token)
        await one.lives[D05].stop()
        process = Process(settings_file(one), tmp_path / "node.log")
        for _ in range(KILLS):
            process.start()
            stop = asyncio.Event()
            try:
                await process.answers(opener.url)
                tasks = [asyncio.create_task(opener.work(stop)) for _ in range(3)]
                await asyncio.sleep(dice.uniform(0.1, 1.2))
            finally:
                process.kill()
            stop.set()
            await asyncio.gather(*tasks)
        one.network.nodes[D05] = await one.lives[D05].start()
        async with client_of(one.node) as client:
            repeated = {number: await opener.repeat(client, number) for number in opener.numbers}
        opened = [bytes.fromhex(e["caseNo"][2:]).rstrip(b"\0").decode() for e in events(one, "CaseLedger", "CaseOpened")]
        unanswered = len(opener.numbers) - len(opener.answers)
        print(f"seed {SEED}: {KILLS} kills, {len(opener.numbers)} calls, {unanswered} unanswered")
        assert sorted(opened) == sorted(opener.numbers)
        assert {number: repeated[number] for number in opener.answers} == opener.answers
