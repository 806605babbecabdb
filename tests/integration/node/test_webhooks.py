"""Webhooks with real receivers: signed, retried with pauses, parked, replayed; redirects, slow ones; nothing personal."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import logging
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
import structlog
from aiohttp import web

from tests.integration.node.conftest import ALIAS, Rows
from tests.integration.node.test_approvals import propose
from tests.support.faults import trial, until
from tests.support.http import Client, client_of, token_for
from tests.support.network import D02, D05, Network, running_network
from xinlian.api.logs import configure_logging
from xinlian.chain.anvil import free_port
from xinlian.node.people import Role
from xinlian.node.webhooks import EVENT_TYPES, Event
from xinlian.scenarios.catalogue import load_schemas
from xinlian.store import webhooks as table
from xinlian.store.webhooks import DeliveryState
from xinlian.store.writer import Transaction

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOOKS = "/api/v1/webhooks"
SCHEDULE = (1, 1)
SETTINGS: dict[str, Any] = {"webhook_allowed_hosts": ("127.0.0.1",), "webhook_retry_s": SCHEDULE, "webhook_timeout_s": 0.5}
KEYS = [bytes([n]) * 32 for n in (1, 2)]
SECRETS = ["whsec_" + b64encode(key).decode() for key in KEYS]
TOKEN = "token-in-the-address"


@dataclass
class Seen:
    """One call that a receiver got."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """A receiver on a real port: notes every call, answers as told."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answers: list[int | Answer] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(Seen({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        answer = self.answers.pop(0) if self.answers else 204
        return web.Response(status=answer) if isinstance(answer, int) else await answer(request)

    def of(self, event: str) -> list[Seen]:
        return [one for one in self.seen if one.event["type"] == event]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    receiver.url = f"http://127.0.0.1:{port}/hooks?{TOKEN}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    async with running_network(tmp_path_factory.mktemp("network"), [D02], **SETTINGS) as made:
        await made.offer(D02, ALIAS)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(network: Network) -> AsyncIterator[Client]:
    async with client_of(network[D02]) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def hook(client: Client, receiver: Receiver) -> AsyncIterator[int]:
    """A hook to the receiver for everything but batches, texts and steps, which come whenever they come; removed afterwards."""
    wanted = sorted(name for name in EVENT_TYPES if name not in ("batch.final", "document.received") and ".step" not in name)
    number = await added(client, receiver, *wanted)
    yield number
    await client.call("DELETE", f"{HOOKS}/{number}")


async def added(client: Client, receiver: Receiver, *events: str) -> int:
    body = {"url": receiver.url, "secret": SECRETS[0], "events": list(events)}
    return int((await client.post(HOOKS, json=body)).ok(201)["id"])


async def deliveries(client: Client, hook: int, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"{HOOKS}/{hook}/deliveries", params=query)).ok()["items"]
    return found


async def ended(client: Client, hook: int, state: str, count: int = 1) -> list[dict[str, Any]]:
    for _ in range(400):
        found = await deliveries(client, hook, state=state)
        if len(found) >= count:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(await deliveries(client, hook))


def is_signed(seen: Seen, key: bytes) -> bool:
    """As a receiver's library checks it."""
    signed = f"{seen.headers['webhook-id']}.{seen.headers['webhook-timestamp']}.".encode() + seen.body
    expected = hmac.new(key, signed, hashlib.sha256).digest()
    signatures = [text.split(",") for text in seen.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(b64decode(text), expected) for version, text in signatures)


async def test_an_event_is_delivered_once_signed_and_thin(
    network: Network, client: Client, receiver: Receiver, hook: int
) -> None:
    proposed = await propose(client.with_token(await token_for(network[D02], Role.SHARING)), 50)
    head = client.with_token(network[D02].head_token)
    (await head.post(f"/api/v1/approvals/{proposed['id']}/consent", json={})).ok()
    assert await until(lambda: len(receiver.seen) >= 3)
    assert [one.event["type"] for one in receiver.seen] == ["approval.proposed", "approval.consented", "approval.done"]
    for one in receiver.seen:
        assert is_signed(one, KEYS[0])
        assert not is_signed(one, KEYS[1])
        assert one.headers["content-type"] == "application/json"
        assert set(one.event) == {"type", "timestamp", "department", "data"}
        assert one.event["department"] == D02
        assert one.event["data"]["object"] == proposed["object"]
        for personal in ("测试", "T0001", "T0002", "P0"):
            assert personal not in one.body.decode()
    assert len({one.headers["webhook-id"] for one in receiver.seen}) == 3
    done = await ended(client, hook, "delivered", 3)
    assert [(one["attempts"], one["code"], one["next_at"]) for one in done] == [(1, None, None)] * 3
    assert [one["body"] for one in done] == [one.body.decode() for one in receiver.seen]


async def test_a_final_batch_is_told_to_who_asked_for_it(
    network: Network, client: Client, receiver: Receiver, rows: Rows
) -> None:
    hook = await added(client, receiver, "batch.final")
    (await client.post(f"/api/v1/datasets/{ALIAS}/records", json=rows.one(), headers={"Prefer": "wait=30"})).ok(201)
    assert await until(lambda: any(one.event["data"]["stream"] == "records" for one in receiver.of("batch.final")))
    newest = (await client.get("/api/v1/batches", params={"limit": 50})).ok()["items"]
    (batch,) = [one for one in newest if one["stream"] == "records"][:1]
    told = [one.event["data"] for one in receiver.seen if one.event["data"]["stream"] == "records"][-1]
    assert {name: told[name] for name in ("sequence", "size", "root")} == {
        name: batch[name] for name in ("sequence", "size", "root")
    }
    assert {one.event["type"] for one in receiver.seen} == {"batch.final"}
    assert (await client.call("DELETE", f"{HOOKS}/{hook}")).status == 204


async def test_a_failing_receiver_is_tried_again_and_then_parked_until_it_is_replayed(
    client: Client, receiver: Receiver, hook: int
) -> None:
    receiver.answers = [500, 404, 503, 204]
    (await client.post(f"{HOOKS}/{hook}/test")).ok(202)
    (parked,) = await ended(client, hook, "parked")
    assert (parked["attempts"], parked["code"]) == (len(SCHEDULE) + 1, "webhook-refused")
    assert len({one.headers["webhook-id"] for one in receiver.seen}) == 1
    times = [int(one.headers["webhook-timestamp"]) for one in receiver.seen]
    assert times == sorted(times)
    assert times[-1] - times[0] >= sum(SCHEDULE)
    replayed = (await client.post(f"{HOOKS}/deliveries/{parked['id']}/replay")).ok(202)
    assert (replayed["state"], replayed["attempts"]) == ("queued", 0)
    (done,) = await ended(client, hook, "delivered")
    assert done["message_id"] == parked["message_id"]
    assert all(is_signed(one, KEYS[0]) for one in receiver.seen)
    twice = await client.post(f"{HOOKS}/deliveries/{parked['id']}/replay")
    assert (twice.status, twice.code) == (409, "webhook-delivery-state")


async def test_a_redirect_is_a_failure_and_not_followed(client: Client, receiver: Receiver, hook: int) -> None:
    async with receiving() as elsewhere:

        async def redirect(_request: web.Request) -> web.StreamResponse:
            return web.Response(status=307, headers={"Location": elsewhere.url})

        receiver.answers = [redirect, 204]
        (await client.post(f"{HOOKS}/{hook}/test")).ok(202)
        await ended(client, hook, "delivered")
        assert elsewhere.seen == []
    assert len(receiver.seen) == 2


async def test_a_slow_receiver_times_out_and_holds_up_no_other(client: Client, receiver: Receiver, hook: int) -> None:
    async with receiving() as quick:
        other = await added(client, quick, "webhook.test")

        async def sleepy(_request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(5)
            return web.Response(status=204)

        receiver.answers = [sleepy, sleepy, sleepy]
        (await client.post(f"{HOOKS}/{hook}/test")).ok(202)
        (await client.post(f"{HOOKS}/{other}/test")).ok(202)
        await ended(client, other, "delivered")
        assert await deliveries(client, hook, state="delivered") == []
        (parked,) = await ended(client, hook, "parked")
        assert parked["code"] == "webhook-timeout"
        await client.call("DELETE", f"{HOOKS}/{other}")


async def test_gone_is_parked_at_once_and_nobody_there_is_tried_again(client: Client, receiver: Receiver, hook: int) -> None:
    receiver.answers = [410]
    (await client.post(f"{HOOKS}/{hook}/test")).ok(202)
    (parked,) = await ended(client, hook, "parked")
    assert (parked["attempts"], parked["code"]) == (1, "webhook-gone")
    absent = Receiver(f"http://127.0.0.1:{free_port()}/")
    other = await added(client, absent, "webhook.test")
    (await client.post(f"{HOOKS}/{other}/test")).ok(202)
    (parked,) = await ended(client, other, "parked")
    assert (parked["attempts"], parked["code"]) == (3, "webhook-unreachable")
    await client.call("DELETE", f"{HOOKS}/{other}")


async def test_a_busy_receiver_says_when_to_come_again(network: Network, client: Client, receiver: Receiver, hook: int) -> None:
    async def later(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "1800"})

    receiver.answers = [later]
    (await client.post(f"{HOOKS}/{hook}/test")).ok(202)
    assert await until(lambda: len(receiver.seen) == 1)
    await asyncio.sleep(0.2)
    (queued,) = await deliveries(client, hook, state="queued")
    assert 1_700 < queued["next_at"] - queued["created_at"] < 1_900
    assert queued["code"] == "webhook-refused"


async def test_two_secrets_sign_while_the_receiver_changes_over(client: Client, receiver: Receiver, hook: int) -> None:
    (await client.post(f"{HOOKS}/{hook}/secrets", json={"secrets": [SECRETS[1], SECRETS[0]]})).ok()
    (await client.post(f"{HOOKS}/{hook}/test")).ok(202)
    assert await until(lambda: len(receiver.seen) == 1)
    assert is_signed(receiver.seen[0], KEYS[0])
    assert is_signed(receiver.seen[0], KEYS[1])
    shown = (await client.post(f"{HOOKS}/{hook}/secrets", json={"secrets": [SECRETS[1]]})).ok()
    assert shown["secrets"] == 1
    (await client.post(f"{HOOKS}/{hook}/test")).ok(202)
    assert await until(lambda: len(receiver.seen) == 2)
    assert not is_signed(receiver.seen[1], KEYS[0])


async def test_what_is_wrong_is_refused_with_its_code(client: Client, receiver: Receiver, hook: int) -> None:
    good = {"url": receiver.url, "secret": SECRETS[0], "events": ["batch.final"]}
    for change, code in (
        ({"url": "http://evil.example/"}, "webhook-host"),
        ({"url": "ftp://127.0.0.1/"}, "webhook-url"),
        ({"secret": "whsec_short"}, "webhook-secret"),
        ({"events": ["approval.proposed", "no.such"]}, "webhook-event"),
        ({"events": []}, "request-body"),
        ({"more": 1}, "request-body"),
    ):
        refused = await client.post(HOOKS, json={**good, **change})
        assert (refused.status, refused.code) == (422, code), change
        assert SECRETS[0].encode() not in refused.body
        assert TOKEN.encode() not in refused.body
    wrong = await client.post(f"{HOOKS}/{hook}/secrets", json={"secrets": [SECRETS[0], "x"]})
    assert (wrong.status, wrong.code) == (422, "webhook-secret")
    for method, path in (("POST", f"{HOOKS}/999/test"), ("DELETE", f"{HOOKS}/999")):
        missing = await client.call(method, path)
        assert (missing.status, missing.code) == (404, "webhook-unknown")
    missing = await client.post(f"{HOOKS}/deliveries/99999/replay")
    assert (missing.status, missing.code) == (404, "webhook-delivery-unknown")


async def test_neither_address_nor_secret_is_shown_or_stored_in_clear(
    network: Network, client: Client, receiver: Receiver, hook: int
) -> None:
    listed = (await client.get(HOOKS)).ok()["items"]
    (shown,) = [one for one in listed if one["id"] == hook]
    assert shown["host"] == receiver.url.partition("/hooks")[0]
    assert TOKEN not in json.dumps(listed)
    assert SECRETS[0] not in json.dumps(listed)
    with network[D02].node.store.node.read() as reader:
        stored = repr(reader.fetch("SELECT * FROM webhooks"))
    assert TOKEN not in stored
    assert SECRETS[0].removeprefix("whsec_") not in stored


async def test_a_removed_hook_gets_nothing_more(network: Network, client: Client, receiver: Receiver) -> None:
    hook = await added(client, receiver, "webhook.test")
    receiver.answers = [500]
    (await client.post(f"{HOOKS}/{hook}/test")).ok(202)
    assert await until(lambda: len(receiver.seen) == 1)
    assert (await client.call("DELETE", f"{HOOKS}/{hook}")).status == 204
    await asyncio.sleep(1.5)
    assert len(receiver.seen) == 1
    events, store = network[D02].node.events, network[D02].node.store.node
    await store.write(lambda tx: events.emit(tx, Event("webhook.test", {})))
    (left,) = await deliveries(client, hook)
    assert (left["state"], left["code"]) == ("queued", "webhook-refused")
    assert (await client.post(f"{HOOKS}/{hook}/test")).code == "webhook-unknown"


async def test_event_and_outbox_are_one_transaction(network: Network, client: Client, receiver: Receiver, hook: int) -> None:
    events, store = network[D02].node.events, network[D02].node.store.node

    def failing(tx: Any) -> None:
        events.emit(tx, Event("approval.done", {"approval": 1}))
        raise KeyError("the step fails after all")

    with pytest.raises(KeyError):
        await store.write(failing)
    assert await deliveries(client, hook) == []
    with pytest.raises(LookupError):
        await store.write(lambda tx: events.emit(tx, Event("no.such", {})))


async def test_what_could_be_personal_is_withheld_and_named(network: Network, receiver: Receiver, hook: int) -> None:
    events, store = network[D02].node.events, network[D02].node.store.node
    data = {
        "approval": 7,
        "name": "测试甲",
        "id": "411599199001010014",
        "file": "QUJD" * 40,
        "list": ["x"],
        "code": "tx-reverted",
        "none": None,
    }
    await store.write(lambda tx: events.emit(tx, Event("approval.failed", data)))
    assert await until(lambda: len(receiver.seen) == 1)
    event = receiver.seen[0].event
    assert event["data"] == {"approval": 7, "code": "tx-reverted", "none": None}
    assert event["withheld"] == ["file", "id", "list", "name"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    kept, level, config = root.handlers[:], root.level, structlog.get_config()
    configure_logging(stream)
    root.setLevel(logging.INFO)
    yield stream
    root.handlers[:], root.level = kept, level
    structlog.configure(**config)


async def test_no_log_line_holds_an_address_or_a_secret(log: io.StringIO, client: Client, receiver: Receiver, hook: int) -> None:
    receiver.answers = [500, 204]
    (await client.post(f"{HOOKS}/{hook}/test")).ok(202)
    await ended(client, hook, "delivered")
    lines = log.getvalue()
    assert "webhook failed" in lines
    for secret in (TOKEN, SECRETS[0], receiver.url):
        assert secret not in lines


async def test_what_waits_is_sent_after_a_restart(tmp_path: Path) -> None:
    async with receiving() as receiver, trial(tmp_path, D05, **SETTINGS) as one, client_of(one.node) as client:
        hook = await added(client, receiver, "webhook.test")
        receiver.answers = [500]
        (await client.post(f"{HOOKS}/{hook}/test")).ok(202)
        assert await until(lambda: len(receiver.seen) == 1)
        running = await one.restart(D05)
        assert await until(lambda: len(receiver.seen) == 2)
        assert receiver.seen[0].headers["webhook-id"] == receiver.seen[1].headers["webhook-id"]

        def is_delivered() -> bool:
            with running.node.store.node.read() as reader:
                return [d.state for d in table.deliveries(reader, hook, 0, 9)] == [DeliveryState.DELIVERED]

        assert await until(is_delivered)


async def test_old_deliveries_go_but_what_is_parked_stays(network: Network) -> None:
    """Runs in a transaction that is rolled back."""
    store, sealer = network[D02].node.store.node, network[D02].node.documents.sealer

    def work(tx: Transaction) -> None:
        hooks = [table.insert(tx, sealer, table.Hook(0, "u", ("s",), ("webhook.test",), 1, 1)).id for _ in range(2)]
        for number in (1, 2, 3):
            table.queue(tx, [hooks[0]], f"m{number}", "webhook.test", b"{}", number)
        table.queue(tx, [hooks[1]], "m4", "webhook.test", b"{}", 1)
        first, second, third = table.deliveries(tx, hooks[0], 0, 9)
        table.delivered(tx, first.id)
        table.failed(tx, second.id, "webhook-gone", None)
        table.delivered(tx, third.id)
        table.remove(tx, hooks[1], 9)
        gone = table.forget_before(tx, 3)
        raise _RolledBackError(gone, [d.message_id for hook in hooks for d in table.deliveries(tx, hook, 0, 9)])

    with pytest.raises(_RolledBackError) as caught:
        await store.write(work)
    assert caught.value.args == (2, ["m2", "m3"])


class _RolledBackError(Exception):
    """Carries what a transaction saw out of it."""


async def test_steps_of_the_law_are_told_once_they_are_final(network: Network, client: Client, receiver: Receiver) -> None:
    number = await added(client, receiver, "catalogue.step", "request.step")
    await network.offer(D02, "GJJ-02")
    assert await until(lambda: len(receiver.of("catalogue.step")) >= 2)
    told = [one.event["data"] for one in receiver.of("catalogue.step")]
    code = load_schemas("new-home-loan")["GJJ-02"].code
    assert {one["object"] for one in told} == {f"dataset {code}@1"}
    assert sorted(one["step"] for one in told) == ["DatasetProposed", "DatasetPublished"]
    assert all(one["tx_hash"].startswith("0x") and one["block_number"] > 0 for one in told)
    await client.call("DELETE", f"{HOOKS}/{number}")
