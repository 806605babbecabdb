"""Open a SQLite database: lock, migrate, start the writer."""

from __future__ import annotations

from pathlib import Path

from xinlian.store.migrations import History, migrate_connection
from xinlian.store.sqlite.connection import SqliteSession
from xinlian.store.sqlite.errors import translated
from xinlian.store.sqlite.writer import SqliteWriter


def open_writer(path: Path, history: History) -> SqliteWriter:
    """Open (or create) one database at the newest schema.

    Args:
        path: the file; its directory exists.
        history: which schema.

    Returns:
        The running writer; close it.

    Raises:
        StoreError: ``store-locked``, ``store-schema``, ``store-io``, ``store-corrupt``.
    """
    writer = SqliteWriter(path)
    try:
        writer.run_alone(lambda session: _migrate(session, history)).result()
    except BaseException:
        writer.close()
        raise
    return writer


def _migrate(session: SqliteSession, history: History) -> None:
    with translated():
        session.raw.execute("BEGIN IMMEDIATE")
        try:
            migrate_connection(session.core, history)
        except BaseException:
            session.raw.execute("ROLLBACK")
            raise
        session.raw.execute("COMMIT")
