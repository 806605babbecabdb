"""The sealing pool: a process that dies is replaced, and nothing handed in is lost."""

from __future__ import annotations

import os
import signal

import orjson

from xinlian.node.files.examples import example_row
from xinlian.node.sealing import LinesJob, SealingPool, StorageKeys
from xinlian.scenarios.catalogue import load_schemas
from xinlian.store.record_keys import Vault


async def test_a_process_that_dies_is_replaced() -> None:
    schema = load_schemas("new-home-loan")["BDC-01"]
    line = orjson.dumps(example_row(schema))
    pool = SealingPool(StorageKeys(Vault({1: bytes(32)}, os.urandom), bytes(32)), 1)
    try:
        job = LinesJob(schema.source, line, [1], 1, 1, 1_790_000_000)
        assert len((await pool.seal_lines(job)).records) == 1
        for pid in list(pool._pool._processes):
            os.kill(pid, signal.SIGKILL)
        assert len((await pool.seal_lines(job)).records) == 1
    finally:
        pool.close()
