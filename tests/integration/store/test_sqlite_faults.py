"""What only the SQLite adapter can show: a full disk, a second process, kill -9, file modes, pragmas."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from xinlian.protocol.errors import StoreError
from xinlian.store.opening import NODE_DB, Store, open_store
from xinlian.store.sqlite.opening import open_writer
from xinlian.store.sqlite.writer import SqliteWriter
from xinlian.store.writer import Transaction


def _limit_pages(writer: SqliteWriter, extra: int | None) -> None:
    def job(tx: Transaction) -> None:
        pages = tx.fetch("PRAGMA page_count")[0][0]
        tx.fetch(f"PRAGMA max_page_count = {2**30 if extra is None else pages + extra}")

    writer.submit(job).result(5)


def _count(writer: SqliteWriter) -> int:
    with writer.read() as reader:
        return int(reader.fetch("SELECT count(*) FROM meta")[0][0])


def test_disk_full_fails_the_whole_group_and_leaves_nothing(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "node.db", "node")
    _limit_pages(writer, 4)
    started, go = threading.Event(), threading.Event()

    def hold(_tx: Transaction) -> None:
        started.set()
        assert go.wait(5)

    def put(key: str, size: int) -> Callable[[Transaction], int]:
        return lambda tx: tx.run("INSERT INTO meta (key, value) VALUES (?, ?)", (key, "x" * size))

    first = writer.submit(hold)
    assert started.wait(5)
    group = [writer.submit(put("small", 10)), writer.submit(put("huge", 1_000_000)), writer.submit(put("later", 10))]
    go.set()
    codes = []
    failing: list[Future[Any]] = [first, *group[:2]]
    for future in failing:
        with pytest.raises(StoreError) as caught:
            future.result(5)
        codes.append((caught.value.code, caught.value.retryable))
    assert codes == [("disk-full", True)] * 3
    group[2].result(5)  # the next group: the thread goes on
    assert _count(writer) == 1
    _limit_pages(writer, None)
    writer.submit(put("huge", 1_000_000)).result(5)
    assert _count(writer) == 2
    writer.close()
    assert sqlite3.connect(tmp_path / "node.db").execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_one_process_owns_the_directory(store: Store, tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from xinlian.store.opening import open_store; open_store(Path(sys.argv[1]))"
    other = subprocess.run([sys.executable, "-c", script, str(tmp_path / "data")], capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "another process uses node.db" in other.stderr
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path / "data")
    assert caught.value.code == "store-locked"
    store.close()
    open_store(tmp_path / "data").close()


_CHILD = """
import sys
from pathlib import Path
from xinlian.store.sqlite.opening import open_writer
writer = open_writer(Path(sys.argv[1]), "node")
number = writer.submit(lambda tx: tx.fetch("SELECT count(*) FROM meta")[0][0]).result()
while True:
    number += 1
    def job(tx):
        tx.run("INSERT INTO meta (key, value) VALUES (?, 'first half')", (f"{number:06}-a",))
        tx.run("INSERT INTO meta (key, value) VALUES (?, 'second half')", (f"{number:06}-b",))
    writer.submit(job).result()
    print(number, flush=True)
"""


def test_kill_9_keeps_what_was_acknowledged_and_nothing_by_halves(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    for lines in (3, 40, 200):
        child = subprocess.Popen([sys.executable, "-c", _CHILD, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        acknowledged = [child.stdout.readline() for _ in range(lines)]
        os.kill(child.pid, signal.SIGKILL)
        acknowledged += child.stdout.readlines()
        child.wait()
        writer = open_writer(path, "node")
        with writer.read() as reader:
            keys = {row[0] for row in reader.fetch("SELECT key FROM meta")}
        writer.close()
        numbers = {int(line) for line in acknowledged if line.endswith("\n")}
        assert len(numbers) >= lines
        assert {f"{n:06}-{half}" for n in numbers for half in "ab"} <= keys
        assert {key[:-1] + "a" for key in keys} == {key[:-1] + "a" for key in keys if key[:-1] + "b" in keys}


def test_files_belong_to_the_owner_and_are_durable(store: Store, tmp_path: Path) -> None:
    store.node.submit(lambda tx: tx.run("INSERT INTO meta (key, value) VALUES ('a', 'b')")).result(5)
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "data").iterdir()} == {0o600}
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    with store.node.read() as reader:
        assert reader.fetch("PRAGMA journal_mode") == [("wal",)]
    pragmas = store.node.submit(
        lambda tx: [tx.fetch(f"PRAGMA {name}")[0][0] for name in ("synchronous", "foreign_keys", "secure_delete")]
    ).result(5)
    assert pragmas == [2, 1, 1]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / NODE_DB).write_bytes(b"this is a text, and a long one at that" * 100)
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path)
    assert caught.value.code == "store-corrupt"


def test_too_many_waiting_jobs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xinlian.store.sqlite.writer.MAX_WAITING_JOBS", 5)
    writer = open_writer(tmp_path / "node.db", "node")
    go = threading.Event()
    started = threading.Event()

    def hold(_tx: Transaction) -> None:
        started.set()
        assert go.wait(5)

    held = writer.submit(hold)
    assert started.wait(5)
    for _ in range(5):
        writer.submit(lambda _tx: None)
    with pytest.raises(StoreError) as caught:
        writer.submit(lambda _tx: None)
    assert caught.value.code == "store-busy"
    go.set()
    held.result(5)
    writer.close()


def test_only_the_adapter_knows_sqlite() -> None:
    root = Path(__file__).parents[3] / "src" / "xinlian"
    files = [path for path in root.rglob("*.py") if root / "store" / "sqlite" not in path.parents]
    assert len(files) > 20
    known = [
        path.name
        for path in files
        for line in path.read_text().splitlines()
        if line.startswith(("import sqlite3", "from sqlite3")) or "PRAGMA" in line
    ]
    assert known == []
