"""The port through which everything reads and writes a database.

Rules
1. One ``Writer`` owns a database. Jobs run one after another in its thread; what has queued up meanwhile is committed
   together (group commit), and no caller is told "done" before the commit is durable.
2. Every job runs in a savepoint of its own: a job that raises leaves nothing behind and does not hurt its neighbours.
   A failure of the disk or of the commit fails every job of the group; the writer goes on with the next group.
3. Reads see one consistent snapshot per ``with writer.read()`` block and never wait for the writer.
4. SQL handed to ``fetch`` / ``executemany`` is standard SQL with ``?`` for parameters; an adapter for another database
   rewrites the marks. What only one database can do stays inside its adapter's folder.
5. A job must not keep its ``Transaction`` or start another job and wait for it.

Example: ``position = await writer.write(lambda tx: records.insert_many(tx, rows, tokens))``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Executable

T = TypeVar("T")
Row = tuple[Any, ...]
"""One database row as a plain tuple; its columns are those the SQL text names."""


class Reader(Protocol):
    """A consistent view of the database."""

    def execute(self, statement: Executable, parameters: Any = None) -> Any:
        """Run a SQLAlchemy Core statement.

        Args:
            statement: any Core executable.
            parameters: one mapping or a list of mappings, as in SQLAlchemy.

        Returns:
            A SQLAlchemy ``CursorResult``; read it before the transaction ends.

        Raises:
            StoreError: ``store-constraint``, ``disk-full``, ``store-io`` or ``store-sql``.
        """
        ...

    def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one SQL text and return all its rows (about ten times faster than ``execute``).

        Args:
            sql: standard SQL, ``?`` for each parameter.
            parameters: values in the order of the marks.

        Returns:
            The rows, empty for statements without any.

        Raises:
            StoreError: as ``execute``.
        """
        ...


class Transaction(Reader, Protocol):
    """A reader that may also write; valid only inside its job."""

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one writing SQL text.

        Returns:
            The number of rows changed.

        Raises:
            StoreError: as ``execute``.
        """
        ...

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one writing SQL text once per row, at the driver's own speed.

        Raises:
            StoreError: as ``execute``.
        """
        ...

    def insert(self, into: str, rows: Sequence[Sequence[Any]], then: str = "") -> None:
        """Insert many rows with few statements: a driver's thread lets go of the interpreter once per statement, not per row.

        Args:
            into: table and columns, ``records (position, jti, …)``.
            rows: values in the order of the columns, all of one length.
            then: what follows the values, ``ON CONFLICT …``.

        Raises:
            StoreError: as ``execute``.
        """
        ...


class Writer(Protocol):
    """The one owner of a database."""

    def submit(self, job: Callable[[Transaction], T]) -> Future[T]:
        """Queue a job from any thread.

        Returns:
            A future that resolves after the job's group is durable, with the job's result or its exception.

        Raises:
            StoreError: ``store-closed``, or ``store-busy`` when too many jobs wait.
        """
        ...

    async def write(self, job: Callable[[Transaction], T]) -> T:
        """Queue a job from a coroutine and wait until it is durable.

        A cancelled caller does not cancel the job.

        Raises:
            StoreError: as ``submit``, and whatever the job raises.
        """
        ...

    def read(self) -> AbstractContextManager[Reader]:
        """Open a consistent read-only view; usable from any thread, by one thread at a time."""
        ...

    def checkpoint(self) -> Future[None]:
        """Make overwritten and deleted values disappear from every file of the database (write-ahead log included).

        Raises (through the future):
            StoreError: ``store-checkpoint-busy`` while a reader still needs the old state; try again.
        """
        ...

    def compact(self) -> Future[None]:
        """Rewrite the database without slack, then ``checkpoint``; jobs wait meanwhile (maintenance, not per erasure).

        Raises (through the future):
            StoreError: ``disk-full`` (it needs the database's size once more), ``store-checkpoint-busy``.
        """
        ...

    def backup(self, target: Path) -> Future[None]:
        """Write a consistent copy to a new file, readable by its owner only.

        Raises (through the future):
            StoreError: ``disk-full`` or ``store-io``; the unfinished file is removed.
        """
        ...

    def close(self) -> None:
        """Run what is queued, then release the database. Further jobs raise ``store-closed``. May be called twice."""
        ...
