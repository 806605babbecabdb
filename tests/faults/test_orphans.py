"""A node that is killed leaves no process behind: its sealing processes hold the storage keys."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

NODE = """
import os, time
from xinlian.node.sealing import SealingPool, StorageKeys
from xinlian.store.record_keys import Vault

if __name__ == "__main__":
    pool = SealingPool(StorageKeys(Vault({1: bytes(32)}, os.urandom), bytes(32)), 1)
    print(pool._pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_sealing_processes_end_when_the_node_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "node.py"
    script.write_text(NODE, "utf-8")
    node = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True)
    assert node.stdout is not None
    worker = int(node.stdout.readline())
    try:
        assert is_running(worker)
        os.kill(node.pid, 9)
        node.wait(10)
        until = time.monotonic() + 20
        while is_running(worker) and time.monotonic() < until:
            time.sleep(0.05)
        assert not is_running(worker)
    finally:
        node.stdout.close()
        if is_running(worker):
            os.kill(worker, 9)
