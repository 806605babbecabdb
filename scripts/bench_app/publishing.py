"""Publishing over HTTP: many rows at once, single rows, what they cost in bytes, and how long until they are on chain."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from scripts.bench_app import data
from scripts.bench_app.limits import bare_sealing, parse_and_insert, plain_server
from scripts.bench_app.network import D05, Network, Process
from scripts.bench_app.report import Figure, Report, progress

CALLERS = 64
WARM_ROWS = 1_000


async def measure(report: Report, net: Network, *, quick: bool) -> None:
    """Bulk, single, bytes, latency."""
    node = net.nodes[D05]
    count = 20_000 if quick else 60_000
    before = _stored_bytes(node)
    bulk = await _bulk(node, count)
    with tempfile.TemporaryDirectory() as name:
        progress("limit of publish_bulk: bare sealing")
        sealing = bare_sealing(Path(name), count)
        raw = parse_and_insert(Path(name), count)
    report.add(Figure("publish_bulk", bulk, "records/s", sealing, "≥ 10,000 records/s and ≥ 0.5"))
    report.note(f"raw parse and insert of the same rows, unvalidated, unencrypted: {raw:,.0f} records/s")
    payload = sum(len(_payload(row)) for row in data.rows(0, 500)) / 500
    stored = (_stored_bytes(node) - before) / (count + WARM_ROWS)
    limit = 2 * payload + 300
    report.add(
        Figure("bytes_per_record", stored, "bytes", limit, f"≤ 2 × payload ({payload:.0f} B) + 300 B", is_more_better=False)
    )
    await _single(report, node, quick=quick)
    await _latency(report, node)


def _payload(row: dict[str, Any]) -> bytes:
    return "\n".join(orjson.dumps(value).decode() for value in row.values()).encode()


async def _bulk(node: Process, count: int) -> float:
    progress(f"publish_bulk: {count:,} rows of 20 fields over HTTP")
    warm = _ndjson(9_000_000, WARM_ROWS)
    body = _ndjson(0, count)
    async with aiohttp.ClientSession(headers=node.headers) as session:
        await _post_lines(session, node, warm)
        started = time.perf_counter()
        await _post_lines(session, node, body)
        return count / (time.perf_counter() - started)


def _ndjson(first: int, count: int) -> bytes:
    return b"\n".join(orjson.dumps(row) for row in data.rows(first, count))


async def _post_lines(session: aiohttp.ClientSession, node: Process, body: bytes) -> None:
    url = f"{node.url}/api/v1/datasets/{data.ALIAS}/records/bulk"
    async with session.post(url, data=body, headers={"content-type": "application/x-ndjson"}) as response:
        assert response.status == 201, await response.text()


def _stored_bytes(node: Process) -> int:
    """Bytes of both databases with everything in the write-ahead logs taken in; the logs' own files are reused, not kept."""
    total = 0
    for path in node.data_dir.glob("*.db"):
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        total += pages * size
    return total


# -- single --------------------------------------------------------------------------------------------


async def _single(report: Report, node: Process, *, quick: bool) -> None:
    count = 2_000 if quick else 8_000
    progress(f"publish_single: {count:,} rows, {CALLERS} callers")
    url = f"{node.url}/api/v1/datasets/{data.ALIAS}/records"
    ours = _in_own_process(url, node.headers, 1_000_000, count)
    with tempfile.TemporaryDirectory() as name, plain_server(Path(name)) as plain:
        limit = _in_own_process(plain, {}, 2_000_000, count)
    report.add(Figure("publish_single", ours, "records/s", limit, "≥ 0.5"))


def _in_own_process(url: str, headers: dict[str, str], first: int, count: int) -> float:
    """Post rows from another process, so that the client does not share the server's core on purpose."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_post_many, url, headers, first, count).result()


def _post_many(url: str, headers: dict[str, str], first: int, count: int) -> float:
    return asyncio.run(_callers(url, headers, first, count))


async def _callers(url: str, headers: dict[str, str], first: int, count: int) -> float:
    bodies = [orjson.dumps(row) for row in data.rows(first, count + CALLERS)]
    own = {**headers, "content-type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CALLERS)) as session:

        async def post(body: bytes) -> None:
            async with session.post(url, data=body, headers=own) as response:
                answer = await response.read()
                assert response.status == 201, answer

        await asyncio.gather(*(post(bodies.pop()) for _ in range(CALLERS)))

        async def caller() -> None:
            while bodies:
                await post(bodies.pop())

        started = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        return count / (time.perf_counter() - started)


# -- latency -------------------------------------------------------------------------------------------


async def _latency(report: Report, node: Process) -> None:
    progress("anchor_latency: from accepted to anchored")
    async with aiohttp.ClientSession(headers=node.headers) as session:
        blocks = []
        for number in range(3):
            before = await _json(session, f"{node.url}/api/v1/view")
            row = data.rows(3_000_000 + number, 1)[0]
            url = f"{node.url}/api/v1/datasets/{data.ALIAS}/records"
            async with session.post(url, json=row, headers={"Prefer": "wait=30"}) as response:
                accepted = await response.json()
            receipt = (await _json(session, f"{node.url}/api/v1/records/{accepted['record_id']}/receipt"))["receipt"]
            blocks.append(receipt["block_number"] - before["block_number"])
    report.add(
        Figure(
            "anchor_latency",
            max(blocks),
            "blocks",
            2,
            "the block after sealing, on a chain that mines on demand",
            is_more_better=False,
        )
    )


async def _json(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as response:
        return await response.json()
