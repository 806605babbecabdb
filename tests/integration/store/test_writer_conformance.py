"""What every implementation of ``Writer`` has to do. PostgreSQL joins by one more entry in ``IMPLEMENTATIONS``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from xinlian.protocol.errors import StoreError
from xinlian.store import parked, tables
from xinlian.store.sqlite.opening import open_writer
from xinlian.store.writer import Transaction, Writer

Opener = Callable[[Path], Writer]
IMPLEMENTATIONS: dict[str, Opener] = {"sqlite": lambda folder: open_writer(folder / "node.db", "node")}


@pytest.fixture(params=sorted(IMPLEMENTATIONS), scope="module")
def opener(request: pytest.FixtureRequest) -> Opener:
    return IMPLEMENTATIONS[request.param]


@pytest.fixture
def writer(opener: Opener, tmp_path: Path) -> Iterator[Writer]:
    opened = opener(tmp_path)
    yield opened
    opened.close()


def _put(key: str, value: str = "v") -> Callable[[Transaction], str]:
    def job(tx: Transaction) -> str:
        tx.run("INSERT INTO meta (key, value) VALUES (?, ?)", (key, value))
        return key

    return job


def _keys(writer: Writer) -> list[str]:
    with writer.read() as reader:
        return [row[0] for row in reader.fetch("SELECT key FROM meta ORDER BY key")]


class StopError(Exception):
    """Raised by jobs of these tests."""


def test_a_job_returns_its_result_and_is_readable_at_once(writer: Writer) -> None:
    assert writer.submit(_put("a")).result(5) == "a"
    assert _keys(writer) == ["a"]


def test_core_and_raw_statements_share_one_transaction(writer: Writer) -> None:
    def job(tx: Transaction) -> list[str]:
        tx.run("INSERT INTO meta (key, value) VALUES (?, ?)", ("raw", "1"))
        tx.execute(insert(tables.meta).values(key="core", value="2"))
        tx.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", [("many-1", "3"), ("many-2", "4")])
        return [row.key for row in tx.execute(select(tables.meta).order_by(tables.meta.c.key))]

    assert writer.submit(job).result(5) == ["core", "many-1", "many-2", "raw"]
    with writer.read() as reader:
        assert reader.execute(select(tables.meta.c.value).where(tables.meta.c.key == "core")).scalar() == "2"


def test_a_failing_job_takes_back_raw_and_core_writes_and_hurts_nobody(writer: Writer) -> None:
    started, go = threading.Event(), threading.Event()

    def hold(_tx: Transaction) -> None:
        started.set()
        assert go.wait(5)

    def fail(tx: Transaction) -> None:
        _put("lost-raw")(tx)
        tx.execute(insert(tables.meta).values(key="lost-core", value="x"))
        raise StopError

    held = writer.submit(hold)
    assert started.wait(5)
    before, bad, after = writer.submit(_put("before")), writer.submit(fail), writer.submit(_put("after"))  # one group
    go.set()
    held.result(5)
    assert (before.result(5), after.result(5)) == ("before", "after")
    with pytest.raises(StopError):
        bad.result(5)
    assert _keys(writer) == ["after", "before"]


def test_a_violated_constraint_is_named_without_values(writer: Writer) -> None:
    writer.submit(_put("twice", "secret")).result(5)
    with pytest.raises(StoreError) as caught:
        writer.submit(_put("twice", "secret")).result(5)
    assert caught.value.code == "store-constraint"
    assert "meta.key" in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(StoreError) as caught:
        writer.submit(lambda tx: tx.execute(insert(tables.meta).values(key="twice", value="secret"))).result(5)
    assert caught.value.code == "store-constraint"
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"


def test_a_wrong_statement_fails_alone(writer: Writer) -> None:
    with pytest.raises(StoreError) as caught:
        writer.submit(lambda tx: tx.run("INSERT INTO nowhere (a) VALUES (?)", (1,))).result(5)
    assert caught.value.code == "store-sql"
    assert writer.submit(_put("still alive")).result(5) == "still alive"


def test_a_job_that_ends_its_thread_does_not_end_the_writer(writer: Writer) -> None:
    def leave(_tx: Transaction) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        writer.submit(leave).result(5)
    assert writer.submit(_put("still alive")).result(5) == "still alive"


def test_coroutines_wait_for_their_own_jobs(writer: Writer) -> None:
    async def fail(tx_no: int) -> str:
        def job(_tx: Transaction) -> str:
            raise StopError(tx_no)

        return await writer.write(job)

    async def main() -> list[object]:
        good = [writer.write(_put(f"{i:03}")) for i in range(100)]
        return await asyncio.gather(*good, fail(7), return_exceptions=True)

    results = asyncio.run(main())
    assert results[:-1] == [f"{i:03}" for i in range(100)]
    assert isinstance(results[-1], StopError)
    assert results[-1].args == (7,)
    assert len(_keys(writer)) == 100


def test_a_caller_that_gives_up_does_not_undo_the_job(writer: Writer) -> None:
    go = threading.Event()

    async def main() -> None:
        task = asyncio.create_task(writer.write(lambda tx: (go.wait(5), _put("kept")(tx))))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()

    asyncio.run(main())
    assert writer.submit(_put("next")).result(5) == "next"
    assert _keys(writer) == ["kept", "next"]


def test_a_read_sees_one_state_and_cannot_write(writer: Writer) -> None:
    writer.submit(_put("a")).result(5)
    with writer.read() as reader:
        first = reader.fetch("SELECT count(*) FROM meta")
        writer.submit(_put("b")).result(5)  # the writer does not wait for the reader
        assert reader.fetch("SELECT count(*) FROM meta") == first == [(1,)]
        with pytest.raises(StoreError) as caught:
            reader.fetch("INSERT INTO meta (key, value) VALUES ('x', 'y')")
        assert caught.value.code == "store-io"
    assert _keys(writer) == ["a", "b"]


def test_many_readers_at_once(writer: Writer) -> None:
    writer.submit(_put("a")).result(5)
    seen: list[list[str]] = []
    threads = [threading.Thread(target=lambda: seen.append(_keys(writer))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert seen == [["a"]] * 40


def test_closing_finishes_what_is_queued_and_then_refuses(opener: Opener, tmp_path: Path) -> None:
    writer = opener(tmp_path)
    futures = [writer.submit(_put(f"{i:04}")) for i in range(3_000)]
    writer.close()
    writer.close()
    assert all(future.done() for future in futures)
    with pytest.raises(StoreError) as caught:
        writer.submit(_put("late"))
    assert caught.value.code == "store-closed"
    with pytest.raises(StoreError) as caught, writer.read():
        pass
    assert caught.value.code == "store-closed"
    again = opener(tmp_path)
    assert len(_keys(again)) == 3_000
    again.close()


def test_jobs_of_one_caller_run_in_order(writer: Writer) -> None:
    def append(i: int) -> Callable[[Transaction], int]:
        return lambda tx: tx.run("UPDATE meta SET value = value || ? WHERE key = 'log'", (f"{i},",))

    assert [future.result(5) for future in [writer.submit(append(i)) for i in range(10)]] == [0] * 10  # nothing there yet
    writer.submit(_put("log", "")).result(5)
    assert [future.result(5) for future in [writer.submit(append(i)) for i in range(500)]] == [1] * 500
    with writer.read() as reader:
        assert reader.fetch("SELECT value FROM meta") == [("".join(f"{i}," for i in range(500)),)]


def test_backup_is_a_complete_copy_for_the_owner_only(writer: Writer, opener: Opener, tmp_path: Path) -> None:
    writer.submit(_put("a")).result(5)
    target = tmp_path / "copy" / "node.db"
    target.parent.mkdir()
    writer.backup(target).result(5)
    writer.submit(_put("b")).result(5)
    assert target.stat().st_mode & 0o777 == 0o600
    copy = opener(target.parent)
    assert _keys(copy) == ["a"]
    copy.close()
    with pytest.raises(StoreError) as caught:
        writer.backup(target).result(5)  # never over an older one
    assert caught.value.code == "store-io"


def test_checkpoint_waits_for_readers_of_the_old_state(writer: Writer) -> None:
    writer.submit(_put("a")).result(5)
    with writer.read() as reader:
        reader.fetch("SELECT 1 FROM meta")
        writer.submit(_put("b")).result(5)
        with pytest.raises(StoreError) as caught:
            writer.checkpoint().result(30)
        assert caught.value.code == "store-checkpoint-busy"
        assert caught.value.retryable
    writer.checkpoint().result(5)


@given(
    plan=st.lists(st.tuples(st.booleans(), st.integers(min_value=1, max_value=4)), min_size=1, max_size=25),
)
def test_positions_have_no_gaps_whatever_fails(
    opener: Opener, tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[bool, int]]
) -> None:
    writer = opener(tmp_path_factory.mktemp("gaps"))

    def job(tag: int, rows: int, fails: bool) -> Callable[[Transaction], None]:
        def run(tx: Transaction) -> None:
            for i in range(rows):
                number = tx.fetch("SELECT coalesce(max(number), 0) + 1 FROM chain_blocks")[0][0]
                tx.run("INSERT INTO chain_blocks (number, hash, time) VALUES (?, ?, ?)", (number, f"{tag}-{i}", 0))
            if fails:
                raise StopError

        return run

    futures = [writer.submit(job(tag, rows, fails)) for tag, (fails, rows) in enumerate(plan)]
    failed = [isinstance(future.exception(5), StopError) for future in futures]
    with writer.read() as reader:
        stored = reader.fetch("SELECT number, hash FROM chain_blocks ORDER BY number")
    writer.close()
    kept = [f"{tag}-{i}" for tag, (fails, rows) in enumerate(plan) if not fails for i in range(rows)]
    assert failed == [fails for fails, _ in plan]
    assert stored == [(number, name) for number, name in enumerate(kept, start=1)]


def test_upserts_count(writer: Writer) -> None:
    for _ in range(3):
        writer.submit(lambda tx: parked.park(tx, "anchor", "batch 1", "chain-down", 5)).result(5)
    with writer.read() as reader:
        assert [(item.attempts, item.since) for item in parked.page(reader, 0, 10)] == [(3, 5)]
