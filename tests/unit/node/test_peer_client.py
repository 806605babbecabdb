"""The client to other nodes: the same bytes again on a broken line, honest failures, no unbounded answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from xinlian.chain.anvil import free_port
from xinlian.node import peer_client
from xinlian.node.peer_client import PeerClient, Reply
from xinlian.protocol.errors import PeerError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_seconds: float) -> None:
        return None

    monkeypatch.setattr("xinlian.node.peer_client.asyncio.sleep", at_once)


@asynccontextmanager
async def peer(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/x", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def failing(code: str, endpoint: str, *, development: bool = True, timeout_s: float = 5.0) -> None:
    client = PeerClient(timeout_s, development=development)
    with pytest.raises(PeerError) as caught:
        await client.post(endpoint, "/x", {}, b"body")
    assert caught.value.code == code
    await client.close()


async def test_busy_answers_are_tried_again_with_the_same_bytes() -> None:
    seen: list[bytes] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(await request.read())
        return web.Response(status=503 if len(seen) < 3 else 200, body=b"ok", headers={"X-Name": "v"})

    async with peer(handler) as url:
        client = PeerClient(5, development=True)
        reply = await client.post(url + "/", "/x", {}, b"sealed")
        await client.close()
    assert (reply.status, reply.body, reply.headers["x-name"]) == (200, b"ok", "v")
    assert seen == [b"sealed"] * 3


async def test_busy_to_the_end_is_said() -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429)

    async with peer(handler) as url:
        await failing("peer-busy", url)


async def test_nobody_there() -> None:
    await failing("peer-down", f"http://127.0.0.1:{free_port()}")


async def test_no_answer_in_time() -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with peer(handler) as url:
        await failing("peer-timeout", url, timeout_s=0.05)


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1/", "http://", "nonsense"])
async def test_endpoints_that_are_none(endpoint: str) -> None:
    await failing("peer-endpoint", endpoint)


async def test_plain_http_only_in_development() -> None:
    await failing("peer-endpoint", "http://127.0.0.1:1", development=False)


async def test_redirects_are_not_followed() -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "http://127.0.0.1:1/"})

    async with peer(handler) as url:
        client = PeerClient(5, development=True)
        assert (await client.get(url, "/x")).status == 307
        await client.close()


async def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_client, "MAX_ANSWER_BYTES", 1_000)

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(20):
            await response.write(b"x" * 100)
        return response

    async with peer(handler) as url:
        await failing("peer-answer", url)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code": "disk-full"}', "disk-full"),
        (b"<html>", "peer-answer"),
        (b"[]", "peer-answer"),
        (b'{"code": 7}', "peer-answer"),
        (b'{"code": "' + b"x" * 65 + b'"}', "peer-answer"),
    ],
)
def test_the_code_of_a_problem(body: bytes, code: str) -> None:
    assert Reply(500, {}, body).problem_code() == code


async def test_closing_what_was_never_opened() -> None:
    await PeerClient(1, development=True).close()
