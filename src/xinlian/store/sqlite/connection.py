"""SQLite connections: the pragmas, the lock file, and the raw connection that SQLAlchemy Core shares.

Both paths (``fetch`` / ``executemany`` on the driver, ``execute`` through SQLAlchemy Core) use the same driver connection, so
they stand in the same transaction. Transactions are begun and ended by us on the driver; SQLAlchemy is told "autocommit".
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Executable, create_engine
from sqlalchemy.pool import StaticPool

from xinlian.protocol.errors import StoreError
from xinlian.store.sqlite.errors import translate, translated
from xinlian.store.writer import Row

BUSY_TIMEOUT_MS = 5_000
CACHED_STATEMENTS = 512
MAX_ROWS_AT_ONCE = 64
_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA trusted_schema = OFF",
)


def _rows_at_once(left: int) -> int:
    """The largest power of two: so few statement texts are ever made that all of them stay prepared."""
    return min(1 << left.bit_length() - 1, MAX_ROWS_AT_ONCE)


@lru_cache(maxsize=256)
def _insert_text(into: str, width: int, size: int, then: str) -> str:
    row = f"({', '.join('?' * width)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * size)} {then}"  # noqa: S608 - a column list of this package and question marks


class FileLock:
    """An exclusive lock on ``<database>.lock`` for as long as the object is open.

    Args:
        database: path of the database file; its directory exists.

    Raises:
        StoreError: ``store-locked`` when another process holds it.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise StoreError("store-locked", f"another process uses {database.name}", database=database.name) from error

    def release(self) -> None:
        """Give the database free."""
        os.close(self._fd)


def open_raw(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open one driver connection without implicit transactions.

    Args:
        path: the database file; created with mode 0600 unless ``read_only``.
        read_only: every write through this connection fails.

    Returns:
        The connection; WAL, ``synchronous=FULL``, foreign keys and secure delete are on.

    Raises:
        StoreError: ``store-io``, ``store-corrupt`` or ``store-locked``.
    """
    if not read_only:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with translated():
        raw = sqlite3.connect(
            path.absolute().as_uri() + ("?mode=ro" if read_only else "?mode=rw"),
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=CACHED_STATEMENTS,
        )
        for pragma in _PRAGMAS:
            raw.execute(pragma)
        if not read_only:
            raw.execute("PRAGMA journal_mode = WAL")
    return raw


class SqliteSession:
    """Implements ``Transaction`` (and so ``Reader``) on one driver connection.

    Args:
        raw: an autocommit driver connection; begun and ended by the owner of the session.
    """

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw
        engine = create_engine(
            "sqlite://", creator=lambda: raw, poolclass=StaticPool, isolation_level="AUTOCOMMIT", hide_parameters=True
        )
        self.core: Connection = engine.connect()  # before any BEGIN: the first connect of an engine rolls back

    def execute(self, statement: Executable, parameters: Any = None) -> Any:
        """See ``Reader.execute``."""
        with translated():
            return self.core.execute(statement, parameters)

    def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """See ``Reader.fetch``."""
        try:  # not `with translated()`: this is the hot path
            return self.raw.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise translate(error) from error

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """See ``Transaction.run``."""
        try:
            return self.raw.execute(sql, parameters).rowcount
        except sqlite3.Error as error:
            raise translate(error) from error

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """See ``Transaction.executemany``."""
        try:
            self.raw.executemany(sql, rows)
        except sqlite3.Error as error:
            raise translate(error) from error

    def insert(self, into: str, rows: Sequence[Sequence[Any]], then: str = "") -> None:
        """See ``Transaction.insert``."""
        start = 0
        try:
            while start < len(rows):
                size = _rows_at_once(len(rows) - start)
                flat = tuple(chain.from_iterable(rows[start : start + size]))
                self.raw.execute(_insert_text(into, len(flat) // size, size, then), flat)
                start += size
        except sqlite3.Error as error:
            raise translate(error) from error

    def close(self) -> None:
        """Close the driver connection, and SQLAlchemy's hold on it first."""
        self.core.close()
        self.core.engine.dispose()
        self.raw.close()
