"""kill -9 at any point between accept and final: afterwards everything is re-verified from raw data.

A real node process publishes what clients send; it is killed at random times and started again. At the end
1. every acknowledged record exists exactly once, decrypts, rebuilds to its leaf;
2. an unacknowledged call is there wholly or not at all, and its repetition under the same key made nothing twice;
3. positions and batches have no gap, every batch's root follows from the raw leaves and stands in the chain's slot, anchored
   once;
4. every record's bundle verifies with exit code 0, by the node's view and (a sample) by the chain alone;
5. there is no record key without a record.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.support.faults import Trial, home_row, trial, until
from tests.support.network import D05
from tests.support.process import Process, settings_file
from tests.support.profile import scaled
from xinlian.chain.view import RpcView
from xinlian.node.ids import record_id_text
from xinlian.protocol import merkle
from xinlian.protocol.types import Stream
from xinlian.protocol.verification import verify_bundle
from xinlian.store import anchoring, chain_cache, records, streams

KILLS = scaled(ci=6, deep=300)
SEED = 20261123
SAMPLE = 12

pytestmark = pytest.mark.timeout(60 + 20 * KILLS)


@dataclass(slots=True)
class Call:
    """One call of a client: a row or some rows, its idempotency key, and what came of it."""

    key: str
    rows: list[dict[str, Any]]
    path: str
    ids: list[str] | None = None
    tries: int = 0


@dataclass(slots=True)
class Clients:
    """Clients that publish as long as the node answers."""

    url: str
    token: str
    dice: random.Random
    calls: list[Call] = field(default_factory=list)
    revised: dict[str, int] = field(default_factory=dict)
    _next: int = 0

    async def work(self, stop: asyncio.Event) -> None:
        """Publish until told to stop; calls without an answer stay open."""
        timeout = ClientTimeout(total=15)
        async with ClientSession(timeout=timeout, headers={"Authorization": f"Bearer {self.token}"}) as session:
            while not stop.is_set():
                await self._once(session, self._new_call())

    async def repeat(self, call: Call) -> None:
        """The same call again, under its key."""
        async with ClientSession(headers={"Authorization": f"Bearer {self.token}"}) as session:
            await self._once(session, call)

    def _new_call(self) -> Call:
        count = self.dice.choice((1, 1, 1, 7, 40))
        rows = [home_row(self._next + i) for i in range(count)]
        self._next += count
        path = "records" if count == 1 else "records/bulk"
        acked = [c for c in self.calls if c.ids is not None and len(c.rows) == 1 and "/revisions" not in c.path]
        if acked and self.dice.random() < 0.2:
            old = self.dice.choice(acked)
            assert old.ids is not None
            call = Call(f"key-{len(self.calls)}", [dict(old.rows[0], scope_region="测试")], f"/{old.ids[0]}/revisions")
        else:
            call = Call(f"key-{len(self.calls)}", rows, path)
        self.calls.append(call)
        return call

    async def _once(self, session: ClientSession, call: Call) -> None:
        call.tries += 1
        base = "/api/v1/records" if "/revisions" in call.path else "/api/v1/datasets/BDC-01/"
        body = call.rows if len(call.rows) > 1 else call.rows[0]
        try:
            async with session.post(self.url + base + call.path, json=body, headers={"Idempotency-Key": call.key}) as reply:
                told = await reply.json()
                if reply.status == 201:
                    call.ids = told.get("record_ids") or [told["record_id"]]
                elif reply.status not in (409, 503):
                    raise AssertionError(f"{reply.status}: {told}")
        except (ClientError, TimeoutError, OSError):
            await asyncio.sleep(0.05)


async def test_a_node_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    async with trial(tmp_path, D05) as one:
        clients = Clients(one.node.url, one.node.token, dice)
        await one.lives[D05].stop()
        process = Process(settings_file(one), tmp_path / "node.log")
        for _ in range(KILLS):
            await _one_life(process, clients, dice)
        one.network.nodes[D05] = await one.lives[D05].start()
        clients.token = one.node.token
        unanswered = [call for call in clients.calls if call.ids is None]
        repeated = unanswered[::2]
        for call in repeated:
            await clients.repeat(call)
        node = one.node.node
        with node.store.node.read() as reader:
            last = records.last_position(reader)
        print(f"seed {SEED}: {KILLS} kills, {len(clients.calls)} calls, {len(unanswered)} unanswered, {last} records")
        assert await node.anchoring.wait_anchored(last, 60)
        assert await until(lambda: node.anchoring.backlog()["marks"] == 0, 60), node.anchoring.backlog()
        _check_calls(one, clients, repeated)
        _check_batches(one)
        await asyncio.to_thread(_check_bundles, one)
        await one.restart(D05)  # a start sweeps the keys of calls that were refused or cut off
        await one.lives[D05].stop()
        _check_files(one)
        one.network.nodes[D05] = await one.lives[D05].start()


async def _one_life(process: Process, clients: Clients, dice: random.Random) -> None:
    """Start, let clients publish for a random time, kill."""
    process.start()
    stop = asyncio.Event()
    try:
        if dice.random() < 0.85:
            await process.answers(clients.url)
        tasks = [asyncio.create_task(clients.work(stop)) for _ in range(4)]
        await asyncio.sleep(dice.uniform(0.02, 1.6))
    finally:
        process.kill()
    stop.set()
    await asyncio.gather(*tasks)


def _check_calls(one: Trial, clients: Clients, repeated: list[Call]) -> None:
    """1 and 2: what was acknowledged is there exactly once; the rest wholly or not at all."""
    node = one.node.node
    with node.store.node.read() as reader:
        rows = [records.by_position(reader, p) for p in range(1, records.last_position(reader) + 1)]
    opened = node.records.open_many(rows)  # decrypts, rebuilds and compares with the leaf, or raises
    first_revisions = [r for r in opened if r.row.rev == 1]
    homes = [r.values()["unit_code"] for r in first_revisions]
    assert len(set(homes)) == len(homes), "a row stands twice"
    stored = set(homes)
    identities = {(r.record_id, r.row.rev) for r in opened}
    assert len(identities) == len(opened)
    for call in clients.calls:
        if "/revisions" in call.path:
            if call.ids is not None:
                assert max(rev for record_id, rev in identities if record_id == call.ids[0]) > 1
            continue
        there = [row["unit_code"] in stored for row in call.rows]
        assert all(there) or not any(there), f"{call.key}: half of a call"
        if call.ids is not None:
            assert all(there), f"{call.key} was acknowledged and is gone"
            assert all((record_id, 1) in identities for record_id in call.ids)
    assert all(call.ids is not None for call in repeated if "/revisions" not in call.path), "a repeated call was answered"
    for record in opened:
        if record.row.rev > 1:
            assert record.row.prev is not None


def _check_batches(one: Trial) -> None:
    """3: no gap, roots from raw leaves, the chain's slots, one event each."""
    node, deployment = one.node.node, one.network.deployment
    with RpcView.over((one.network.anvil.url,), deployment) as view, node.store.node.read() as reader:
        batches = [b for b in anchoring.all_batches(reader) if b.state == "final"]
        for stream in Stream:
            ours = [b for b in batches if b.stream == stream]
            assert [b.sequence for b in ours] == list(range(1, len(ours) + 1))
            expected = 1
            for batch in ours:
                assert batch.first_position == expected
                expected += batch.size
                raw = streams.leaves(reader, stream, batch.first_position, batch.last_position)
                leaves = [raw[i : i + 32] for i in range(0, len(raw), 32)]
                assert len(leaves) == batch.size
                assert merkle.root(leaves) == batch.root
                assert view.is_anchored(D05, stream, batch.sequence, batch.root, batch.size, 1)
            assert view.anchoring(D05, stream, len(ours) + 1) is None
        events = [
            e for e in chain_cache.events(reader, "RecordLedger", ["BatchAnchored"]) if json.loads(e.args)["department"] == D05
        ]
        assert len(events) == len(batches)


def _check_bundles(one: Trial) -> None:
    """4: every record verifies; a sample against the chain alone."""
    node, deployment = one.node.node, one.network.deployment
    with node.store.node.read() as reader:
        rows = [records.by_position(reader, p) for p in range(1, records.last_position(reader) + 1)]
    latest = {row.jti: row.rev for row in rows}
    sample = random.Random(SEED).sample(rows, min(SAMPLE, len(rows)))
    with RpcView.over((one.network.anvil.url,), deployment) as view:
        for row in rows:
            record_id = record_id_text(row.jti)
            bundle = node.bundles.record_bundle(record_id, row.rev, None, signed=True)
            expected = 0 if row.rev == latest[row.jti] else 4
            assert node.bundles.verify_parsed(bundle).exit_code == expected
            if row in sample:
                report = verify_bundle(bundle, deployment, view, None)
                assert report.exit_code == expected, report.lines()


def _check_files(one: Trial) -> None:
    """3 and 5, with nothing but SQLite: positions without a gap, a key for every record and a record for every key."""
    folder = one.lives[D05].settings.data_dir
    with (
        sqlite3.connect(f"file:{folder / 'node.db'}?mode=ro", uri=True) as node,
        sqlite3.connect(f"file:{folder / 'keys.db'}?mode=ro", uri=True) as keys,
    ):
        positions = [row[0] for row in node.execute("SELECT position FROM records ORDER BY position")]
        assert positions == list(range(1, len(positions) + 1))
        have = set(node.execute("SELECT jti, rev FROM records"))
        wrapped = set(keys.execute("SELECT jti, rev FROM record_keys WHERE wrapped <> zeroblob(60)"))  # destroyed = all zero
        assert have == wrapped
        assert node.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert keys.execute("PRAGMA integrity_check").fetchone() == ("ok",)
