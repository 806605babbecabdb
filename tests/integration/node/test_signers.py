"""A department's chain signers: a further one is added with its proof, the old one retired, and the last one stays."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.http import Client, client_of
from tests.support.network import D01, D02, Network, make_keys, registration, running_network
from xinlian.node.graph import KEYS_DIR

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    async with running_network(tmp_path_factory.mktemp("signers"), [D02]) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(network: Network) -> AsyncIterator[Client]:
    async with client_of(network[D02]) as made:
        yield made


async def request_of(network: Network, uscc: str) -> tuple[bytes, dict[str, str]]:
    """A registration request of fresh keys, and their addresses by role."""
    keys = make_keys(network.directory / os.urandom(4).hex() / KEYS_DIR, authority=False)
    return (await registration(uscc, keys, "http://127.0.0.1:1", network.deployment)).dumps(), {
        role: key.address for role, key in keys.chain.items()
    }


async def test_a_signer_is_added_and_retired(network: Network, client: Client) -> None:
    request, address = await request_of(network, D02)
    first = (await client.get("/api/v1/signers")).ok()["items"]
    assert sorted(one["roles"] for one in first) == [["admin"], ["anchor"], ["law"]]
    old = next(one["address"] for one in first if one["roles"] == ["anchor"])

    alone = await client.call("POST", f"/api/v1/signers/{old}/retire")
    assert (alone.status, alone.json["code"]) == (409, "signer-last")
    headers = {"Idempotency-Key": "one"}
    added = [await client.call("POST", "/api/v1/signers?role=anchor", data=request, headers=headers) for _ in range(2)]
    assert [reply.status for reply in added] == [201, 201]
    assert added[0].json["tx_hash"] == added[1].json["tx_hash"]
    twice = await client.call("POST", "/api/v1/signers?role=anchor", data=request)
    assert (twice.status, twice.json["code"]) == (409, "signer-exists")

    retired = await client.call("POST", f"/api/v1/signers/{old.lower()}/retire")
    assert retired.status == 200, retired.json
    again = await client.call("POST", f"/api/v1/signers/{old}/retire")
    assert (again.status, again.json["code"]) == (409, "signer-retired")
    last = await client.call("POST", f"/api/v1/signers/{address['anchor']}/retire")
    assert (last.status, last.json["code"]) == (409, "signer-last")
    found = {one["address"]: one["to_block"] for one in (await client.get("/api/v1/signers")).ok()["items"]}
    assert len(found) == 4
    assert found[old] == retired.json["block_number"]
    assert found[address["anchor"]] is None


async def test_two_retired_at_the_same_time_leave_one(network: Network, client: Client) -> None:
    request, _ = await request_of(network, D02)
    assert (await client.call("POST", "/api/v1/signers?role=law", data=request)).status == 201
    listed = (await client.get("/api/v1/signers")).ok()["items"]
    both = [one["address"] for one in listed if one["roles"] == ["law"] and one["to_block"] is None]
    replies = await asyncio.gather(*(client.call("POST", f"/api/v1/signers/{address}/retire") for address in both))
    assert sorted(reply.status for reply in replies) == [200, 409]
    assert [reply.json["code"] for reply in replies if reply.status == 409] == ["signer-last"]


async def test_what_is_no_signer_to_add_is_refused(network: Network, client: Client) -> None:
    foreign, _ = await request_of(network, D01)
    own, _ = await request_of(network, D02)
    stolen = own.replace(b'"possession": "0x', b'"possession": "0xff', 1)
    for role, body, status, code in (
        ("anchor", foreign, 422, "signer-foreign"),
        ("anchor", b"{", 400, "json-broken"),
        ("owner", own, 422, "request-body"),
        ("anchor", stolen, 409, "tx-reverted"),
    ):
        reply = await client.call("POST", f"/api/v1/signers?role={role}", data=body)
        assert (reply.status, reply.json["code"]) == (status, code), reply.json
    unknown = await client.call("POST", f"/api/v1/signers/0x{'00' * 20}/retire")
    assert (unknown.status, unknown.json["code"]) == (404, "signer-unknown")
