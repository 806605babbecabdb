"""Erasing: what is gone, what stays provable, and that a stop at any step is carried on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.integration.node.conftest import ALIAS, Rows, joined
from tests.support.http import Client, client_of
from tests.support.network import D02, Network, running_network, serving, settings_of
from xinlian.chain.anvil import free_port
from xinlian.node import ending
from xinlian.node.ids import record_id_bytes
from xinlian.store import erasures, record_keys
from xinlian.store import records as table
from xinlian.store.opening import Store

RECORDS = "/api/v1/datasets/GJJ-01/records"
WAIT = {"Prefer": "wait=30"}


@dataclass(slots=True)
class Published:
    """A record with two revisions, what was sent, and evidence handed out before the erasure."""

    record_id: str
    row: dict[str, Any]
    bundles: list[bytes]
    wrapped: list[bytes]
    ciphertexts: list[bytes]

    @property
    def path(self) -> str:
        return f"/api/v1/records/{self.record_id}"


async def published(client: Client, store: Store, rows: Rows) -> Published:
    row = rows.one()
    answer = (await client.post(RECORDS, json=row, headers={**WAIT, "Idempotency-Key": row["pf_account_no"]})).ok(201)
    path = f"/api/v1/records/{answer['record_id']}"
    later = {**row, "balance_yuan": "77.00"}
    headers = {**WAIT, "Idempotency-Key": "r" + row["pf_account_no"]}
    assert (await client.post(path + "/revisions", json=later, headers=headers)).ok(201)["state"] == "anchored"
    bundles = [(await client.get(path + "/bundle", params={"rev": rev})).body for rev in (1, 2)]
    jti = record_id_bytes(answer["record_id"])
    with store.keys.read() as keys, store.node.read() as reader:
        wrapped = [record_keys.get(keys, jti, rev).wrapped for rev in (1, 2)]
        ciphertexts = [one.ciphertext or b"" for one in table.revisions(reader, jti)]
    assert all(ciphertexts)
    return Published(answer["record_id"], later, bundles, wrapped, ciphertexts)


async def is_erased(client: Client, store: Store, directory: Path, record: Published) -> None:
    """Everything that must be gone is gone, here and in the files; the leaves stay, and old evidence says erased."""
    for path in (record.path + "/bundle", record.path + "/bundle?rev=1"):
        reply = await client.get(path)
        assert (reply.status, reply.code) == (404, "record-erased")
    shown = (await client.get(record.path)).ok()
    assert shown["erased"] is True
    assert "fields" not in shown
    for headers in ({"Idempotency-Key": record.row["pf_account_no"]},):
        replay = await client.post(RECORDS, json={**record.row, "balance_yuan": "1.00"}, headers=headers)
        assert (replay.status, replay.code) == (409, "idempotency-erased")
    search = {"field": "id_number", "value": record.row["id_number"]}
    found = (await client.post(RECORDS + "/search", json=search)).ok()["items"]
    assert record.record_id not in [item["record_id"] for item in found]
    jti = record_id_bytes(record.record_id)
    with store.keys.read() as keys, store.node.read() as reader:
        revisions = table.revisions(reader, jti)
        assert [one.ciphertext for one in revisions] == [None, None]
        assert all(record_keys.is_destroyed(keys, jti, rev) for rev in (1, 2))
        positions = [one.position for one in revisions]
        marks = ", ".join(map(str, positions))
        assert reader.fetch(f"SELECT count(*) FROM record_index WHERE position IN ({marks})")[0][0] == 0
        assert {erasures.by_position(reader, position).state for position in positions} == {"marked"}
    files = await asyncio.to_thread(all_bytes, directory)
    for secret in (*record.wrapped, *record.ciphertexts):
        assert secret not in files
    codes: list[int] = []
    for _ in range(150):
        reports = [await client.send("/api/v1/verifications", data, "application/json") for data in record.bundles]
        codes = [report.ok()["exit_code"] for report in reports]
        if codes == [6, 6]:
            break
        await asyncio.sleep(0.1)
    assert codes == [6, 6]
    state = (await client.get(record.path + "/receipt")).ok()
    assert (state["status"], state["receipt"]["department"]) == ("erased", D02)


def all_bytes(directory: Path) -> bytes:
    """Everything that stands in the database files, logs included."""
    return b"".join(path.read_bytes() for path in directory.glob("*.db*"))


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    async with running_network(tmp_path, [D02]) as made:
        await made.offer(D02, ALIAS)
        yield made


async def test_erasing_and_carrying_on_after_a_stop_at_every_step(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Rows()
    directory = tmp_path / D02
    running = network[D02]
    store = running.node.store
    async with client_of(running) as client:
        steps = ["record_keys.destroy", "erasures.key_destroyed", "erasures.purge", "erasures.checkpointed", "erasures.mark"]
        whole, *stopped = await asyncio.gather(*(published(client, store, rows) for _ in range(1 + len(steps))))
        done = (await client.post(whole.path + "/erase", json={"reason": 3})).ok(202)
        assert (done["status"], done["revisions"], done["recipients"]) == ("erased", 2, [])
        await is_erased(client, store, directory, whole)
        again = (await client.post(whole.path + "/erase", json={"reason": 3})).ok(202)
        assert again["status"] == "erased"
        ended = await client.post(whole.path + "/revisions", json=whole.row)
        assert (ended.status, ended.code) == (409, "record-ended")
        ended = await client.post(whole.path + "/revoke", json={"reason": 3})
        assert (ended.status, ended.code) == (409, "record-ended")
        (await client.post(RECORDS, json=whole.row)).ok(201)  # the natural key is free again

        for step, record in zip(steps, stopped, strict=True):
            module, name = step.split(".")
            with monkeypatch.context() as patch:
                patch.setattr(getattr(ending, module), name, stop)
                reply = await client.post(record.path + "/erase", json={"reason": 3})
                assert (reply.status, reply.code) == (500, "internal")
                refused = await client.get(record.path + "/bundle")  # from the intent on
                assert (refused.status, refused.code) == (404, "record-erased")
                assert "fields" not in (await client.get(record.path)).ok()
            assert await running.node.ending.resume() == 2  # what the node does at its start
        await asyncio.gather(*(is_erased(client, store, directory, record) for record in stopped))


def stop(*_: object, **__: object) -> None:
    """Stands for a kill in the middle."""
    raise SystemError("killed here")


async def test_a_restarted_node_finishes_an_erasure_and_sweeps_keys_without_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Rows()
    async with running_network(tmp_path, []) as network:
        settings = settings_of(tmp_path, D02, network.anvil.url, free_port())
        async with joined(network, settings) as running, client_of(running) as client:
            await network.offer(D02, ALIAS)
            store = running.node.store
            record = await published(client, store, rows)
            with monkeypatch.context() as patch:
                patch.setattr(erasures, "purge", stop)
                assert (await client.post(record.path + "/erase", json={"reason": 3})).code == "internal"
            with monkeypatch.context() as patch:  # keys are stored, then the process dies before the record is
                patch.setattr(table, "insert_many", stop)
                assert (await client.post(RECORDS, json=rows.one())).code == "internal"
            revised = await published(client, store, rows)
            with monkeypatch.context() as patch:
                patch.setattr(table, "insert_many", stop)
                assert (await client.post(revised.path + "/revisions", json=revised.row)).code == "internal"
            # one to be erased, one of nobody, two of a record and one of its third revision, which is none
            assert usable_keys(store) == 5
        async with serving(settings) as restarted, client_of(restarted) as client:
            assert usable_keys(restarted.node.store) == 2
            await is_erased(client, restarted.node.store, tmp_path / D02, record)
            third = (await client.post(revised.path + "/revisions", json=revised.row, headers=WAIT)).ok(201)
            assert third["rev"] == 3
            assert (await client.get(revised.path + "/bundle")).status == 200


def usable_keys(store: Store) -> int:
    with store.keys.read() as keys:
        return int(keys.fetch("SELECT count(*) FROM record_keys WHERE wrapped <> zeroblob(60)")[0][0])


async def test_two_revisions_at_once_keep_both_readable(network: Network) -> None:
    rows = Rows()
    async with client_of(network[D02]) as client:
        row = rows.one()
        answer = (await client.post(RECORDS, json=row)).ok(201)
        path = f"/api/v1/records/{answer['record_id']}"
        bodies = [{**row, "balance_yuan": f"{number}.00"} for number in range(6)]
        replies = await asyncio.gather(*(client.post(path + "/revisions", json=body) for body in bodies))
        assert sorted(reply.ok(201)["rev"] for reply in replies) == [2, 3, 4, 5, 6, 7]
        shown = [(await client.get(path, params={"rev": rev})).ok()["fields"]["balance_yuan"] for rev in range(2, 8)]
        assert sorted(shown) == sorted(body["balance_yuan"] for body in bodies)
        assert orjson.loads((await client.get(path + "/bundle", params={"rev": 7, "fields": ""})).body)["disclosures"] == []
