"""SQLite's errors in our words. Messages name tables and columns only, never values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from xinlian.protocol.errors import StoreError

_DISK = {"disk-full", "store-io", "store-corrupt"}


def translate(error: BaseException) -> StoreError:
    """Turn an error of the driver or of SQLAlchemy into a ``StoreError``.

    Args:
        error: what was caught.

    Returns:
        ``store-constraint``, ``disk-full``, ``store-locked``, ``store-corrupt``, ``store-io`` or ``store-sql``.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, OSError):
        return StoreError("store-io", f"the operating system reports: {cause.strerror}")
    if not isinstance(cause, sqlite3.Error):
        return StoreError("store-sql", f"the database refused a statement ({type(cause).__name__})")
    return _of_sqlite(cause)


def _of_sqlite(cause: sqlite3.Error) -> StoreError:
    code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
    text = str(cause)
    if code == sqlite3.SQLITE_CONSTRAINT:
        return StoreError("store-constraint", text, constraint=text.rpartition(": ")[2])
    if code == sqlite3.SQLITE_FULL:
        return StoreError("disk-full", "the disk is full; nothing of this change was kept")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError("store-locked", "another process uses the database")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreError("store-corrupt", f"the database file is damaged: {text}")
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return StoreError("store-io", f"the database file cannot be read or written: {text}")
    return StoreError("store-sql", f"the database refused a statement: {text}")


def is_disk_failure(error: BaseException) -> bool:
    """True when the error says that the whole group cannot be trusted to be written."""
    return isinstance(error, StoreError) and error.code in _DISK


@contextmanager
def translated() -> Iterator[None]:
    """Translate what the block raises.

    Raises:
        StoreError: see ``translate``.
    """
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError) as error:
        raise translate(error) from error
