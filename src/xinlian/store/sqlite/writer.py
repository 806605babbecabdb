"""``Writer`` on one SQLite file: one thread, group commit.

The loop takes every job that has queued, runs each in a savepoint of one transaction (the first needs none), commits, and
only then answers the callers. With 64 callers that is one fdatasync for 64 rows. Answers to coroutines go out in one wake-up
per event loop.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from xinlian.protocol.errors import StoreError
from xinlian.store.sqlite.connection import BUSY_TIMEOUT_MS, FileLock, SqliteSession, open_raw
from xinlian.store.sqlite.errors import is_disk_failure, translate, translated
from xinlian.store.writer import Reader, Transaction

T = TypeVar("T")

MAX_GROUP_JOBS = 1_024
MAX_GROUP_S = 0.05
MAX_WAITING_JOBS = 100_000
MAX_IDLE_READERS = 16
CHECKPOINT_TIMEOUT_MS = 250


@dataclass(slots=True)
class _Job:
    """One queued piece of work and, after it ran, its outcome."""

    work: Callable[[Any], Any]
    future: Future[Any] | asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop | None
    alone: bool = False  # runs outside any transaction (checkpoint, backup)
    result: Any = None
    error: BaseException | None = None


class SqliteWriter:
    """Owns one SQLite database file.

    Args:
        path: the file; its directory exists. It is created when missing; tables are the caller's business (``migrate``).

    Raises:
        StoreError: ``store-locked`` when another process owns the file, ``store-io``, ``store-corrupt``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path)
        try:
            self._session = SqliteSession(open_raw(path))
        except BaseException:
            self._lock.release()
            raise
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._idle: deque[SqliteSession] = deque()
        self._thread = threading.Thread(target=self._loop, name=f"writer {path.name}", daemon=True)
        self._thread.start()

    # -- callers' side -------------------------------------------------------------------------------
    def submit(self, job: Callable[[Transaction], T]) -> Future[T]:
        """See ``Writer.submit``."""
        future: Future[T] = Future()
        self._put(_Job(job, future, None))
        return future

    async def write(self, job: Callable[[Transaction], T]) -> T:
        """See ``Writer.write``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Job(job, future, loop))
        return await future

    def checkpoint(self) -> Future[None]:
        """See ``Writer.checkpoint``."""
        return self.run_alone(lambda _session: self._truncate_log())

    def compact(self) -> Future[None]:
        """See ``Writer.compact``."""
        return self.run_alone(lambda _session: self._vacuum())

    def backup(self, target: Path) -> Future[None]:
        """See ``Writer.backup``."""
        return self.run_alone(lambda _session: self._copy_to(target))

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """See ``Writer.read``."""
        session = self._reader()
        try:
            session.run("BEGIN")
            yield session
        finally:
            self._give_back(session)

    def close(self) -> None:
        """See ``Writer.close``."""
        with self._gate:
            first, self._closed = not self._closed, True
            if first:
                self._jobs.put(None)
        self._thread.join()
        if first:
            self._drop_readers()
            self._session.close()
            self._lock.release()

    def run_alone(self, work: Callable[[SqliteSession], None]) -> Future[None]:
        """Run work in the writer's thread outside any transaction (migration, checkpoint, backup).

        Args:
            work: gets the writer's own session.

        Returns:
            A future that resolves when it ran.

        Raises:
            StoreError: ``store-closed`` or ``store-busy``.
        """
        future: Future[None] = Future()
        self._put(_Job(work, future, None, alone=True))
        return future

    def _put(self, job: _Job) -> None:
        with self._gate:
            if self._closed:
                raise StoreError("store-closed", f"{self._path.name} is closed")
            if self._jobs.qsize() >= MAX_WAITING_JOBS:
                raise StoreError("store-busy", f"{MAX_WAITING_JOBS} changes already wait to be written")
            self._jobs.put(job)

    # -- readers -------------------------------------------------------------------------------------
    def _reader(self) -> SqliteSession:
        if self._closed:
            raise StoreError("store-closed", f"{self._path.name} is closed")
        try:
            return self._idle.pop()
        except IndexError:
            return SqliteSession(open_raw(self._path, read_only=True))

    def _give_back(self, session: SqliteSession) -> None:
        if session.raw.in_transaction:
            session.raw.rollback()
        if not self._closed and len(self._idle) < MAX_IDLE_READERS:
            self._idle.append(session)
        else:
            session.close()

    def _drop_readers(self) -> None:
        while True:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    # -- the thread ----------------------------------------------------------------------------------
    def _loop(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            if job.alone:
                self._run_alone(job)
            elif not self._run_group(job):
                return

    def _run_group(self, first: _Job) -> bool:
        """Run and commit a group; False when the end of the queue was reached."""
        done: list[_Job] = []
        after: _Job | None = first
        try:
            with translated():
                self._session.raw.execute("BEGIN IMMEDIATE")
            after = self._run_jobs(first, done)
            with translated():
                self._session.raw.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - the callers get it; the thread has to survive
            self._fail(done or [first], self._group_failure(error))
        _answer(done or [first])
        if after is not None and after is not first and after.alone:
            self._run_alone(after)
        return after is not None

    def _run_jobs(self, first: _Job, done: list[_Job]) -> _Job | None:
        """Run jobs until the queue is empty or the group is big enough.

        Returns:
            ``first`` when the group simply ended, the job that must run alone, or None at the end of the queue.
        """
        deadline = time.monotonic() + MAX_GROUP_S
        job: _Job | None = first
        while job is not None and not job.alone:
            done.append(job)
            self._run_job(job, is_first=job is first)
            if len(done) >= MAX_GROUP_JOBS or time.monotonic() > deadline:
                return first
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return first
        return job

    def _run_job(self, job: _Job, *, is_first: bool) -> None:
        """Run one job of a group; the first has the transaction to itself and needs no savepoint."""
        raw = self._session.raw
        try:
            if not is_first:
                raw.execute("SAVEPOINT job")
            job.result = job.work(self._session)
            if not is_first:
                raw.execute("RELEASE job")
        except BaseException as error:
            job.error = error if not isinstance(error, sqlite3.Error) else translate(error)
            if is_disk_failure(job.error) or not raw.in_transaction:
                raise self._group_failure(job.error) from error
            with translated():
                for undo in ("ROLLBACK", "BEGIN IMMEDIATE") if is_first else ("ROLLBACK TO job", "RELEASE job"):
                    raw.execute(undo)

    @staticmethod
    def _group_failure(error: BaseException) -> StoreError:
        if isinstance(error, StoreError):
            return error
        return StoreError("store-io", "the database gave up the transaction; nothing of it was kept")

    def _fail(self, jobs: list[_Job], error: StoreError) -> None:
        if self._session.raw.in_transaction:
            with suppress(sqlite3.Error):  # the reason is reported already; the next BEGIN tells whether the file works again
                self._session.raw.execute("ROLLBACK")
        for job in jobs:
            job.result = None
            job.error = StoreError(error.code, error.message, **error.fields)

    def _run_alone(self, job: _Job) -> None:
        try:
            job.work(self._session)
        except BaseException as error:  # noqa: BLE001 - the caller gets it; the thread has to survive
            job.error = translate(error) if isinstance(error, (sqlite3.Error, OSError)) else error
        _answer([job])

    # -- upkeep --------------------------------------------------------------------------------------
    def _truncate_log(self) -> None:
        self._drop_readers()
        self._session.run(f"PRAGMA busy_timeout = {CHECKPOINT_TIMEOUT_MS}")  # queued jobs wait as long as we do
        try:
            busy = self._session.fetch("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]
        finally:
            self._session.run(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if busy:
            raise StoreError("store-checkpoint-busy", "a reader still uses an older state of the database")

    def _vacuum(self) -> None:
        self._session.run("PRAGMA temp_store = FILE")  # the copy may be larger than the memory
        try:
            self._session.run("VACUUM")
        finally:
            self._session.run("PRAGMA temp_store = MEMORY")
        self._truncate_log()

    def _copy_to(self, target: Path) -> None:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            copy = sqlite3.connect(target)
            try:
                self._session.raw.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _answer(jobs: list[_Job]) -> None:
    """Resolve the futures; those of one event loop in one wake-up."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        if job.loop is not None:
            by_loop.setdefault(job.loop, []).append(job)
        else:
            _resolve(job)
    for loop, mine in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve_all, mine)
        except RuntimeError:
            continue  # the loop is closed: nobody waits any more, the change itself is kept


def _resolve_all(jobs: list[_Job]) -> None:
    for job in jobs:
        _resolve(job)


def _resolve(job: _Job) -> None:
    future = cast("Future[Any]", job.future)
    with suppress(InvalidStateError, asyncio.InvalidStateError):  # a caller that gave up
        if job.error is not None:
            future.set_exception(job.error)
        else:
            future.set_result(job.result)
