"""The disk is full while publishing: a clear answer, nothing half-written, and publishing goes on when there is room again.

The node's folder is a small file system of its own (tmpfs), so the disk is really full; where mounting is not allowed the test is
skipped, and tests/integration/store/test_sqlite_faults.py has the simulated failure.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from tests.integration.node.conftest import ALIAS, Rows, joined, stored
from tests.support.http import client_of
from tests.support.network import D02, running_network, serving, settings_of
from xinlian.chain.anvil import free_port

RECORDS = "/api/v1/datasets/GJJ-01/records"
_LIBC = ctypes.CDLL(None, use_errno=True)


def mount_small(target: Path, size_kib: int) -> bool:
    """Mount a tmpfs of this size; False where that is not allowed."""
    options = f"size={size_kib}k".encode()
    return int(_LIBC.mount(b"tmpfs", os.fsencode(target), b"tmpfs", 0, options)) == 0


@asynccontextmanager
async def small_disk(target: Path, size_kib: int) -> AsyncIterator[None]:
    await asyncio.to_thread(target.mkdir)
    if not mount_small(target, size_kib):
        pytest.skip("this user may not mount a file system")
    try:
        yield
    finally:
        _LIBC.umount2(os.fsencode(target), 2)


async def test_a_full_disk_while_publishing(tmp_path: Path) -> None:
    rows = Rows()
    async with running_network(tmp_path, []) as network, small_disk(tmp_path / D02, 4_000):
        settings = settings_of(tmp_path, D02, network.anvil.url, free_port())
        async with joined(network, settings) as running, client_of(running) as client:
            await network.offer(D02, ALIAS)
            (await client.post(RECORDS, json=rows.one(), headers={"Prefer": "wait=30"})).ok(201)
            ballast = tmp_path / D02 / "ballast"
            await asyncio.to_thread(fill, ballast)
            before = stored(network)
            count = before[0]
            body = b"\n".join(map(orjson.dumps, rows.take(900)))
            lines = body.split(b"\n")
            for data, media in ((body, "application/x-ndjson"), (b"[" + b",".join(lines[:300]) + b"]", "application/json")):
                reply = await client.send(RECORDS + "/bulk", data, media)
                assert (reply.status, reply.code) in {(507, "disk-full"), (503, "store-io")}, reply.body[:300]
                assert reply.json["retryable"] is True
            assert stored(network)[0] == count  # no record
            page = (await client.get(RECORDS)).ok()
            assert len(page["items"]) == 1
            ballast.unlink()
            again = (await client.send(RECORDS + "/bulk", body, "application/x-ndjson", Prefer="wait=30")).ok(201)
            assert (again["accepted"], again["state"]) == (900, "anchored")
            assert again["first_position"] == count + 1
        async with serving(settings) as restarted, client_of(restarted) as client:
            with restarted.node.store.keys.read() as keys:
                usable = keys.fetch("SELECT count(*) FROM record_keys WHERE wrapped <> zeroblob(60)")[0][0]
            assert usable == 901  # keys of rows that were refused are swept
            last = (await client.get(RECORDS, params={"limit": 200})).ok()["items"][-1]
            bundle = (await client.get(f"/api/v1/records/{last['record_id']}/bundle")).body
            assert (await client.send("/api/v1/verifications", bundle, "application/json")).ok()["exit_code"] == 0


def fill(path: Path) -> None:
    """Take all the room that is left, but for a few pages."""
    with path.open("wb") as file:
        free = shutil.disk_usage(path.parent).free
        try:
            file.write(bytes(max(0, free - 16_384)))
            file.flush()
        except OSError:
            return
