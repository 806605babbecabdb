"""The chain stops and comes back: publishing goes on, honestly pending, and is anchored afterwards, exactly once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tests.integration.node.conftest import ALIAS, Rows, joined
from tests.support.http import Client, client_of
from tests.support.network import D02, running_network, serving, settings_of
from xinlian.chain.anvil import Anvil, free_port

RECORDS = "/api/v1/datasets/GJJ-01/records"


async def code_of(client: Client, data: bytes) -> int:
    return int((await client.send("/api/v1/verifications", data, "application/json")).ok()["exit_code"])


async def until_anchored(client: Client, record_id: str) -> None:
    for _ in range(300):
        if (await client.get(f"/api/v1/records/{record_id}")).ok()["state"] == "anchored":
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{record_id} was not anchored in 30 s")


async def test_publishing_goes_on_without_the_chain_and_is_anchored_when_it_is_back(  # noqa: PLR0915  # one story
    tmp_path: Path,
) -> None:
    rows = Rows()
    async with running_network(tmp_path, [], chain={"state_file": tmp_path / "chain.json"}) as network:
        settings = settings_of(tmp_path, D02, network.anvil.url, free_port())
        async with joined(network, settings) as running, client_of(running) as client:
            await network.offer(D02, ALIAS)
            before = (await client.post(RECORDS, json=rows.one(), headers={"Prefer": "wait=30"})).ok(201)
            assert before["state"] == "anchored"
            await asyncio.to_thread(network.anvil.stop)

            single = (await client.post(RECORDS, json=rows.one(), headers={"Prefer": "wait=1"})).ok(201)
            assert single["state"] == "pending"
            lines = b"\n".join(map(orjson.dumps, rows.take(600)))
            bulk = (await client.send(RECORDS + "/bulk", lines, "application/x-ndjson")).ok(201)
            assert bulk["state"] == "pending"
            revised = (await client.post(f"/api/v1/records/{before['record_id']}/revisions", json=rows.one())).ok(201)
            assert (revised["rev"], revised["state"]) == (2, "pending")
            pending = (await client.get(f"/api/v1/records/{single['record_id']}/bundle")).body
            assert orjson.loads(pending)["receipt"] is None
            assert await code_of(client, pending) == 7
            assert await code_of(client, (await client.get(f"/api/v1/records/{before['record_id']}/bundle?rev=1")).body) == 0
            await _unready(client)
            refused = await client.post("/api/v1/cases", json=CASE)
            assert refused.status == 503
            assert refused.code in {"rpc-down", "rpc-timeout"}
            assert refused.json["retryable"] is True
            assert int(refused.headers["Retry-After"]) > 0

        async with serving(settings) as restarted, client_of(restarted) as client:  # a node starts without its chain too
            more = (await client.post(RECORDS, json=rows.one())).ok(201)
            assert more["state"] == "pending"
            await asyncio.to_thread(network.anvil.start)
            for answer in (single, more, revised):
                await until_anchored(client, answer["record_id"])
            for one in bulk["record_ids"][:: len(bulk["record_ids"]) - 1]:
                await until_anchored(client, one)
                assert await code_of(client, (await client.get(f"/api/v1/records/{one}/bundle")).body) == 0
            assert await code_of(client, pending) == 7  # what was handed out stays what it was
            assert await code_of(client, (await client.get(f"/api/v1/records/{single['record_id']}/bundle")).body) == 0
            assert await code_of(client, (await client.get(f"/api/v1/records/{before['record_id']}/bundle?rev=1")).body) == 4
            batches = (await client.get("/api/v1/batches", params={"limit": "200"})).ok()["items"]
            mine = sorted((b["sequence"], b["size"]) for b in batches if b["stream"] == "records")
            assert [sequence for sequence, _ in mine] == list(range(1, len(mine) + 1))
            assert sum(size for _, size in mine) == more["last_position"]
            assert {b["state"] for b in batches} == {"final"}
            for _ in range(100):
                if (await client.get("/readyz")).status == 200:
                    break
                await asyncio.sleep(0.1)
            assert (await client.get("/readyz")).ok()["ready"] is True


CASE = {
    "case_no": "DOWN-1",
    "scenario": "0x" + "ab" * 32,
    "participants": [],
    "subjects": [{"kind": "person", "value": "411599199001010014"}],
}


async def _unready(client: Client) -> None:
    for _ in range(50):
        reply = await client.get("/readyz")
        if reply.status == 503:
            failed = [check["name"] for check in reply.json["checks"] if not check["ok"]]
            assert failed == ["chain"]
            assert (await client.get("/healthz")).status == 200
            return
        await asyncio.sleep(0.1)
    pytest.fail("the node did not notice that its chain is gone")


async def test_another_chain_behind_the_same_address_stops_anchoring_with_an_alarm(tmp_path: Path) -> None:
    rows = Rows()
    async with running_network(tmp_path, [D02]) as network:
        await network.offer(D02, ALIAS)
        async with client_of(network[D02]) as client:
            (await client.post(RECORDS, json=rows.one(), headers={"Prefer": "wait=30"})).ok(201)
            await asyncio.to_thread(network.anvil.stop)
            options = network.anvil._options
            with Anvil(replace(options, port=network.anvil.port, genesis_time=1_789_999_999)):
                checks: dict[str, dict[str, object]] = {}
                for _ in range(200):
                    checks = {check["name"]: check for check in (await client.get("/readyz")).json["checks"]}
                    if not checks["chain-identity"]["ok"]:
                        break
                    await asyncio.sleep(0.1)
                assert checks["chain-identity"]["ok"] is False
                answer = (await client.post(RECORDS, json=rows.one(), headers={"Prefer": "wait=1"})).ok(201)
                assert answer["state"] == "pending"
                refused = await client.post("/api/v1/cases", json=CASE)
                assert (refused.status, refused.code) in {(503, "chain-replaced"), (503, "chain-wrong")}
