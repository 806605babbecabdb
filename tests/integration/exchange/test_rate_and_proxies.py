"""Guessing is slow on every public route of the exchange, and counted for whoever really calls."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import orjson
import pytest

from tests.support.exchange import Stage
from tests.support.http import Client, Reply, client_of
from tests.support.network import D02, D03
from xinlian.node.life import Node

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEAF = {"kind": "record", "id": "01a208dd-04fb-7410-b86b-913eca60739a", "number": 1, "leaf": "ab" * 32}
GUESSES: dict[str, tuple[str, str, bytes, tuple[int, str]]] = {
    "receipt of an unknown leaf": ("POST", "/exchange/v1/receipts", orjson.dumps(LEAF), (404, "leaf-unknown")),
    "receipt, no request": ("POST", "/exchange/v1/receipts", b"{}", (422, "receipt-request-form")),
    "unknown schema": ("GET", "/exchange/v1/schemas/" + "ab" * 32, b"", (404, "dataset-unknown")),
    "reconciliation unsigned": ("POST", "/exchange/v1/reconciliations", b"{}", (422, "envelope-form")),
    "request unsigned": ("POST", "/exchange/v1/requests", b"{}", (422, "envelope-form")),
}
LIMIT = 4


@pytest.fixture
def node(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """D03's node with a low limit, nobody counted yet and no proxy trusted; as it was afterwards. No minute ends meanwhile."""
    monkeypatch.setattr("xinlian.node.rate._WINDOW_S", 10**9)
    found = stage[D03].node
    rate: Any = found.rate
    kept = rate._per_minute, found.settings
    rate._per_minute, rate._window = LIMIT, 0
    yield found
    rate._per_minute, found.settings = kept
    rate._window = 0


async def guess(client: Client, name: str, **headers: str) -> Reply:
    method, path, body, _ = GUESSES[name]
    return await client.with_token(None).call(method, path, data=body, headers=headers)


@pytest.mark.parametrize("name", GUESSES)
async def test_after_so_many_failures_a_caller_waits(stage: Stage, node: Node, name: str) -> None:
    async with client_of(stage[D03]) as client:
        for _ in range(LIMIT):
            reply = await guess(client, name)
            assert (reply.status, reply.code) == GUESSES[name][3]
        refused = await guess(client, name)
        assert (refused.status, refused.code) == (429, "refused-rate")
        assert refused.headers["Retry-After"]


async def test_all_routes_count_together_and_what_succeeds_is_not_counted(stage: Stage, node: Node) -> None:
    schema = next(iter(node.catalogue._listed())).schema_hash.hex()
    async with client_of(stage[D03]) as client:
        for _ in range(2 * LIMIT):
            assert (await client.with_token(None).get(f"/exchange/v1/schemas/{schema}")).status == 200
        names = list(GUESSES)[:LIMIT]
        assert len(names) == LIMIT
        for name in names:
            assert (await guess(client, name)).code == GUESSES[name][3][1]
        for name in GUESSES:
            assert (await guess(client, name)).code == "refused-rate"
        refused = await client.with_token(None).get(f"/exchange/v1/schemas/{schema}")
        assert refused.code == "refused-rate", "also what would have succeeded"


async def test_a_caller_that_waits_cannot_make_the_node_read(stage: Stage, node: Node) -> None:
    """The body is refused by its length before the limit is asked, unless the limit comes first."""
    async with client_of(stage[D03]) as client:
        for _ in range(LIMIT):
            await guess(client, "unknown schema")
        reply = await client.with_token(None).call("POST", "/exchange/v1/receipts", data=b" " * 10_000)
        assert reply.code == "refused-rate"


async def test_without_a_trusted_proxy_its_header_counts_for_nothing(stage: Stage, node: Node) -> None:
    async with client_of(stage[D03]) as client:
        for number in range(LIMIT):
            await guess(client, "unknown schema", **{"X-Forwarded-For": f"203.0.113.{number}"})
        assert (await guess(client, "unknown schema", **{"X-Forwarded-For": "203.0.113.99"})).code == "refused-rate"


async def test_behind_a_trusted_proxy_everybody_has_a_count_of_their_own(stage: Stage, node: Node) -> None:
    node.settings = node.settings.model_copy(update={"trusted_proxies": (ip_network("127.0.0.0/8"),)})
    async with client_of(stage[D03]) as client:
        for name in (*GUESSES, *GUESSES):
            await guess(client, name, **{"X-Forwarded-For": "198.51.100.1, 203.0.113.5"})
        assert (await guess(client, "unknown schema", **{"X-Forwarded-For": "203.0.113.5"})).code == "refused-rate"
        for header in ("203.0.113.6", "203.0.113.5, 203.0.113.7"):
            assert (await guess(client, "unknown schema", **{"X-Forwarded-For": header})).code == "dataset-unknown"
        assert (await guess(client, "unknown schema", Forwarded="for=203.0.113.5")).code == "refused-rate"
        assert (await guess(client, "unknown schema")).code == "dataset-unknown", "the proxy itself"


async def test_honest_calls_go_on_under_the_limit(stage: Stage, node: Node) -> None:
    found = await stage[D02].node.reconciling.ask(D03)
    assert found["counterparty"] == D03
