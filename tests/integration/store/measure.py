"""Bytes per record and durable insert rates of the store, printed; not a test.

Run: ``python tests/integration/store/measure.py [directory on the disk to measure]``
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from xinlian.store import datasets, record_keys, records, sealing
from xinlian.store.opening import Store, open_store

PAYLOAD_BYTES = 850
ROWS = 20_000
PER_JOB = 1_000
CALLERS = 64
DATASET = datasets.StoredDataset(0, "12411599MBDEM00233/000001", 1, "GJJ-01", b"{}", bytes(32), "published", 1)


def _jtis(first: int, size: int) -> list[bytes]:
    return [(1_700_000_000_000 + first + i).to_bytes(6, "big") + os.urandom(10) for i in range(size)]


def _rows(first: int, size: int, dataset_id: int) -> list[records.NewRow]:
    text = os.urandom(PAYLOAD_BYTES + sealing.RECORD_OVERHEAD_BYTES)
    return [(jti, 1, dataset_id, 1_700_000_000, None, sha256(jti).digest(), text, "rec/1", 1) for jti in _jtis(first, size)]


def _sealed(store: Store, dataset_id: int) -> float:
    """Seconds for ROWS records with encryption, wrapped keys and two index tokens each."""
    vault, payload = record_keys.Vault({1: os.urandom(32)}, os.urandom), os.urandom(PAYLOAD_BYTES)
    field_key = sealing.field_index_key(os.urandom(32), DATASET.code, "id_number", 1)
    start = time.perf_counter()
    for first in range(0, ROWS, PER_JOB):
        keyed = [(jti, 1, os.urandom(32)) for jti in _jtis(first, PER_JOB)]
        rows: list[records.NewRow] = [
            (jti, 1, dataset_id, 5, None, sha256(jti).digest(), sealing.encrypt_payload(key, "vct", jti, 1, payload), "rec/1", 1)
            for jti, _, key in keyed
        ]
        tokens = [
            [(name, 1, sealing.value_token(field_key, name + j.hex())) for name in ("id_number", "account")] for j, _, _ in keyed
        ]
        wrapped = vault.wrap_many(keyed)
        store.keys.submit(lambda tx, w=wrapped: record_keys.put_many(tx, w)).result()  # type: ignore[misc]
        store.node.submit(lambda tx, r=rows, t=tokens: records.insert_many(tx, r, t)).result()  # type: ignore[misc]
    return time.perf_counter() - start


def _bulk(store: Store, dataset_id: int) -> float:
    parts = [_rows(10**6 + first, PER_JOB, dataset_id) for first in range(0, ROWS, PER_JOB)]
    start = time.perf_counter()
    for part in parts:
        store.node.submit(lambda tx, p=part: records.insert_many(tx, p)).result()  # type: ignore[misc]
    return time.perf_counter() - start


async def _single(store: Store, dataset_id: int) -> float:
    waiting = iter(_rows(10**7, ROWS, dataset_id))

    async def caller(rows: Iterator[records.NewRow]) -> None:
        for row in rows:
            await store.node.write(lambda tx, r=row: records.insert_many(tx, [r]))  # type: ignore[misc]

    start = time.perf_counter()
    await asyncio.gather(*(caller(waiting) for _ in range(CALLERS)))
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        store = open_store(Path(folder))
        dataset_id = store.node.submit(lambda tx: datasets.insert(tx, DATASET)).result().id
        print(f"sealed, keyed, indexed, {PER_JOB} a job: {ROWS / _sealed(store, dataset_id):,.0f} records/s")
        for writer in (store.node, store.keys):
            writer.checkpoint().result()
        stored = sum(path.stat().st_size for path in Path(folder).glob("*.db")) / ROWS
        print(f"stored: {stored:,.0f} B a record of {PAYLOAD_BYTES} B payload (limit {2 * PAYLOAD_BYTES + 300})")
        print(f"bare insert, {PER_JOB} a job: {ROWS / _bulk(store, dataset_id):,.0f} rows/s")
        print(f"one row each, {CALLERS} coroutines: {ROWS / asyncio.run(_single(store, dataset_id)):,.0f} rows/s")
        store.close()


if __name__ == "__main__":
    main()
