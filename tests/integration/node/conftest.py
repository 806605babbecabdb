"""One network per test module (the authority and the fund centre), one client of the fund centre's node."""

from __future__ import annotations

import io
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
import structlog

from tests.support.http import Client, client_of
from tests.support.network import D01, D02, Network, Running, make_keys, registration, running_network, serving
from xinlian.api.logs import without_texts
from xinlian.node.graph import KEYS_DIR
from xinlian.node.settings import Settings
from xinlian.scenarios.synthetic.rows import make_rows
from xinlian.store import records as table

ALIAS = "GJJ-01"


@pytest.fixture(autouse=True, scope="module")
def quiet_log() -> Iterator[None]:
    """Log as a node does: structlog's own default prints every variable of a traceback, which takes seconds."""
    kept = structlog.get_config()
    structlog.configure(
        processors=[without_texts, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(io.StringIO()),
    )
    yield
    structlog.configure(**kept)


class Rows:
    """Sound rows of GJJ-01 with account numbers that no other call got."""

    def __init__(self) -> None:
        self._made = make_rows(random.Random(7), 1_000)[ALIAS]
        self._next = 0

    def take(self, count: int) -> list[dict[str, Any]]:
        """So many fresh rows."""
        numbers = range(self._next, self._next + count)
        self._next = numbers.stop
        return [{**self._made[number % len(self._made)], "pf_account_no": f"4115{number:012d}"} for number in numbers]

    def one(self, **changes: Any) -> dict[str, Any]:
        """A fresh row with some fields changed."""
        return {**self.take(1)[0], **changes}


def stored(network: Network) -> tuple[int, int]:
    """Records, and usable record keys: what a refused call must leave as they were."""
    store = network[D02].node.store
    with store.node.read() as reader, store.keys.read() as keys:
        return table.last_position(reader), int(
            keys.fetch("SELECT count(*) FROM record_keys WHERE wrapped <> zeroblob(60)")[0][0]
        )


@asynccontextmanager
async def joined(network: Network, settings: Settings) -> AsyncIterator[Running]:
    """A further node that a test may stop and serve again; it is registered on its first start."""
    keys = make_keys(settings.data_dir / KEYS_DIR, authority=False)
    async with serving(settings) as running:
        network.nodes[settings.department] = running
        request = await registration(settings.department, keys, running.url, network.deployment)
        await network[D01].node.authority.register(request.dumps())
        await network.in_step()
        yield running
    del network.nodes[settings.department]


@pytest.fixture(scope="module")
def rows() -> Rows:
    return Rows()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    async with running_network(tmp_path_factory.mktemp("network"), [D02]) as made:
        await made.offer(D02, ALIAS)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(network: Network) -> AsyncIterator[Client]:
    async with client_of(network[D02]) as made:
        yield made
