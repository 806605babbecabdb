"""What the figures are measured against: the same work without the API, without protection, without the exchange."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import orjson

from scripts.bench_app import data
from xinlian.node.sealing import LinesJob, StorageKeys, _seal_lines, _start_worker
from xinlian.protocol.dataset import load_schema
from xinlian.store import datasets, records
from xinlian.store.opening import open_store
from xinlian.store.record_keys import Vault, put_many
from xinlian.store.writer import Transaction

CHUNK = 500


def bare_sealing(directory: Path, count: int) -> float:
    """Records per second of validating, disclosing, encrypting and inserting, by the same pool and tables, without the API."""
    keys = StorageKeys(Vault({1: os.urandom(32)}, os.urandom), os.urandom(32))
    schema = load_schema(data.schema_file())
    lines = [orjson.dumps(row) for row in data.rows(0, count)]
    store = open_store(directory / "bare")
    context = multiprocessing.get_context("spawn")
    try:
        stored = datasets.StoredDataset(0, schema.code, 1, schema.alias, schema.source, schema.schema_hash, "published", 0)
        dataset_id = store.node.submit(lambda tx: datasets.insert(tx, stored)).result().id
        with ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=_start_worker, initargs=(keys,)) as pool:
            list(pool.map(_seal_lines, [_job(schema.source, lines, 0, dataset_id)] * (os.cpu_count() or 1)))
            started = time.perf_counter()
            jobs = [_job(schema.source, lines, start, dataset_id) for start in range(0, count, CHUNK)]
            chunks = list(pool.map(_seal_lines, jobs))
            wrapped = [key for chunk in chunks for key in chunk.keys]
            store.keys.submit(lambda tx: put_many(tx, wrapped)).result()

            def insert(tx: Transaction) -> int:
                rows = [row for chunk in chunks for row in chunk.records]
                return records.insert_many(tx, rows, [tokens for chunk in chunks for tokens in chunk.tokens])

            store.node.submit(insert).result()
            return count / (time.perf_counter() - started)
    finally:
        store.close()


def _job(source: bytes, lines: list[bytes], start: int, dataset_id: int) -> LinesJob:
    part = lines[start : start + CHUNK]
    return LinesJob(source, b"\n".join(part), range(start, start + len(part)), dataset_id, 1, 1_790_000_000)


def parse_and_insert(directory: Path, count: int) -> float:
    """Records per second of parsing JSON and inserting it as it is, durable, nothing else."""
    lines = [orjson.dumps(row) for row in data.rows(0, count)]
    connection = sqlite3.connect(directory / "raw.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE rows (id TEXT PRIMARY KEY, person TEXT, body BLOB)")
    started = time.perf_counter()
    parsed = ((row["row_no"], row["id_number"], line) for line in lines for row in [orjson.loads(line)])
    connection.executemany("INSERT INTO rows VALUES (?, ?, ?)", parsed)
    connection.commit()
    took = time.perf_counter() - started
    connection.close()
    return count / took


@contextmanager
def plain_server(directory: Path) -> Iterator[str]:
    """A plain ASGI route that inserts a row by group commit: the URL to post to."""
    with _server("single", directory) as url:
        yield f"{url}/rows"


@contextmanager
def direct_server(directory: Path) -> Iterator[str]:
    """FastAPI with an SQL read of the same rows: the URL to post lookups to."""
    with _server("read", directory) as url:
        yield f"{url}/read"


@contextmanager
def _server(kind: str, directory: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    popen = subprocess.Popen([sys.executable, "-m", "scripts.bench_app.plain", kind, str(directory), str(port)])
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(1200):
            try:
                with urllib.request.urlopen(url + "/up", timeout=1):  # noqa: S310 (our own server on loopback)
                    break
            except OSError:
                time.sleep(0.05)
        yield url
    finally:
        popen.terminate()
        popen.wait(10)
