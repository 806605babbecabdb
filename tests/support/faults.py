"""What fault tests need: an RPC endpoint that lies or is down, a node with its authority, and rows to publish.

Example::

    async with lying_proxy(anvil.url) as proxy:
        proxy.alter = lambda asked, told: told if asked["method"] != "eth_getLogs" else {**told, "result": []}
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientSession, web

from tests.support.network import (
    D01,
    Network,
    Running,
    make_keys,
    registration,
    running_chain,
    serving,
    settings_of,
)
from xinlian.chain.anvil import free_port
from xinlian.node.graph import KEYS_DIR
from xinlian.scenarios.synthetic.people import unit_code
from xinlian.store.secrets import AUTHORITY_ROLE

Told = dict[str, Any]
Alter = Callable[[Told, Told], Told]


def honest(_asked: Told, told: Told) -> Told:
    """Pass an answer on as it is."""
    return told


@dataclass(slots=True)
class LyingProxy:
    """An RPC endpoint between a node and anvil.

    Args:
        target: URL of anvil.
        alter: (question, answer) → the answer told.
        swallow: methods that are answered by ``alter`` without anvil being asked.
        down: answers 503 to everything.
    """

    target: str
    url: str = ""
    alter: Alter = honest
    swallow: frozenset[str] = frozenset()
    down: bool = False
    asked: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one HTTP request."""
        if self.down:
            return web.Response(status=503)
        asked = orjson.loads(await request.read())
        many = asked if isinstance(asked, list) else [asked]
        told = [await self._answer(one) for one in many]
        return web.Response(body=orjson.dumps(told if isinstance(asked, list) else told[0]), content_type="application/json")

    async def _answer(self, one: Told) -> Told:
        self.asked.append(one["method"])
        if one["method"] in self.swallow:
            return self.alter(one, {"jsonrpc": "2.0", "id": one["id"], "result": None})
        async with ClientSession() as session, session.post(self.target, json=one) as reply:
            return self.alter(one, await reply.json())


@asynccontextmanager
async def lying_proxy(target: str) -> AsyncIterator[LyingProxy]:
    """Serve a proxy on a free port."""
    proxy = LyingProxy(target)
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/", proxy.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    proxy.url = f"http://127.0.0.1:{port}"
    try:
        yield proxy
    finally:
        await runner.cleanup()


class Life:
    """A served node that can be stopped and started again."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        self._stack = AsyncExitStack()

    async def start(self) -> Running:
        """Build and serve it."""
        return await self._stack.enter_async_context(serving(self.settings))

    async def stop(self) -> None:
        """Stop it cleanly."""
        await self._stack.aclose()


@dataclass(slots=True)
class Trial:
    """The authority and one department whose node speaks to the chain through a proxy."""

    network: Network
    uscc: str
    proxy: LyingProxy
    lives: dict[str, Life]
    keys: dict[str, Any]
    _rows: int = 0

    @property
    def node(self) -> Running:
        """The department's node."""
        return self.network[self.uscc]

    async def restart(self, uscc: str) -> Running:
        """Stop a node and start it again."""
        await self.lives[uscc].stop()
        self.network.nodes[uscc] = await self.lives[uscc].start()
        return self.network[uscc]

    def rows(self, count: int) -> list[dict[str, Any]]:
        """New rows of BDC-01."""
        first, self._rows = self._rows, self._rows + count
        return [home_row(first + i) for i in range(count)]

    async def publish(self, count: int = 1) -> tuple[int, list[str]]:
        """Publish rows without waiting for the chain: last position, record ids."""
        node = self.node.node
        dataset = node.catalogue.own("BDC-01")
        accepted = await node.publishing.publish_rows(dataset, list(enumerate(self.rows(count), 1)), self.node.person)
        return accepted.last_position, list(accepted.record_ids)

    async def anchored(self, position: int, timeout_s: float = 20) -> bool:
        """Whether a record becomes final in time."""
        return await self.node.node.anchoring.wait_anchored(position, timeout_s)

    def exit_code(self, record_id: str) -> int:
        """Verdict of the record's bundle on this node's own view."""
        bundles = self.node.node.bundles
        return bundles.verify_parsed(bundles.record_bundle(record_id, None, None, signed=True)).exit_code


def home_row(number: int) -> dict[str, Any]:
    """A row of BDC-01, another home for every number."""
    return {
        "owner_id_number": "411599199001010014",
        "unit_code": unit_code(1 + number // 9_000, 1 + number // 90 % 100, 1 + number % 90),
        "scope_region": "411599",
        "as_of": "20261102T080000",
    }


async def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    """Wait for something that happens in the background."""
    end = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.02)
    return True


@asynccontextmanager
async def trial(directory: Path, uscc: str, *, endpoints: int = 1, **changes: Any) -> AsyncIterator[Trial]:
    """Start the authority (honest RPC) and a department (RPC through the proxy; a second endpoint is anvil itself)."""
    keys = {one: make_keys(directory / one / KEYS_DIR, authority=one == D01) for one in (D01, uscc)}
    async with AsyncExitStack() as stack:
        authority = keys[D01].chain[AUTHORITY_ROLE].address
        anvil, deployment = await stack.enter_async_context(running_chain(directory, authority))
        proxy = await stack.enter_async_context(lying_proxy(anvil.url))
        urls = (proxy.url,) if endpoints == 1 else (proxy.url, anvil.url)
        lives = {
            D01: Life(settings_of(directory, D01, anvil.url, free_port())),
            uscc: Life(settings_of(directory, uscc, anvil.url, free_port(), **{"rpc_urls": urls, **changes})),
        }
        network = Network(directory, anvil, deployment)
        found = Trial(network, uscc, proxy, lives, keys)
        for one, life in lives.items():
            stack.push_async_callback(life.stop)
            network.nodes[one] = await life.start()
        await settle(found)
        yield found


async def settle(found: Trial, endpoint: str | None = None) -> None:
    """Register both departments and publish the catalogue entry (on whatever chain the nodes follow now)."""
    network = found.network
    for one in (D01, found.uscc):
        request = await registration(one, found.keys[one], endpoint or network[one].url, network.deployment)
        await network[D01].node.authority.register(request.dumps())
    await network.in_step()
    await network.offer(found.uscc, "BDC-01")
