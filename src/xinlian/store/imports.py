"""Imported files: which, how far, with what report.

Rules
1. Of the file only a keyed digest is kept; the report and rows that could not be taken are encrypted.
2. The same file is imported into a dataset once; a refused import may be tried again.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Transaction

_COLUMNS = "id, file_tag, dataset_id, state, rows, first_position, last_position, report_sealed, created_by, created_at"


@dataclass(frozen=True, slots=True)
class Import:
    """One import of one file.

    Args:
        id: row id.
        file_tag: keyed digest of the file, 32 bytes.
        dataset_id: of ``datasets``.
        state: ``running``, ``done`` or ``refused``.
        rows: data rows seen.
        first_position: of the records it made, None for none.
        last_position: of the records it made, None for none.
        report: JSON bytes or None.
        created_by: user id.
        created_at: wall clock, epoch seconds.
    """

    id: int
    file_tag: bytes
    dataset_id: int
    state: str
    rows: int
    first_position: int | None
    last_position: int | None
    report: bytes | None = field(repr=False)
    created_by: int
    created_at: int


def begin(tx: Transaction, file_tag: bytes, dataset_id: int, created_by: int, created_at: int) -> int:
    """Start an import; a refused or broken-off one of the same file is begun anew.

    Returns:
        Its id.

    Raises:
        ConflictError: ``import-exists`` with the ``import_id`` of the one that is done.
    """
    found = tx.fetch("SELECT id, state FROM imports WHERE dataset_id = ? AND file_tag = ?", (dataset_id, file_tag))
    if found and found[0][1] == "done":
        raise ConflictError("import-exists", "the same file was imported already", import_id=found[0][0])
    if found:
        tx.run("DELETE FROM import_rows WHERE import_id = ?", (found[0][0],))
        tx.run("DELETE FROM imports WHERE id = ?", (found[0][0],))
    tx.run(
        "INSERT INTO imports (file_tag, dataset_id, state, rows, created_by, created_at) VALUES (?, ?, 'running', 0, ?, ?)",
        (file_tag, dataset_id, created_by, created_at),
    )
    return int(tx.fetch("SELECT id FROM imports WHERE dataset_id = ? AND file_tag = ?", (dataset_id, file_tag))[0][0])


@dataclass(frozen=True, slots=True)
class ImportEnd:
    """How an import ended.

    Args:
        state: ``done`` or ``refused``.
        rows: data rows seen.
        positions: first and last record, None for none.
        report: JSON bytes or None.
    """

    state: str
    rows: int
    positions: tuple[int, int] | None = None
    report: bytes | None = field(default=None, repr=False)


def finish(tx: Transaction, sealer: Sealer, import_id: int, end: ImportEnd) -> None:
    """Close an import.

    Args:
        tx: of node.db; for all-or-nothing the job that inserts the records.
        sealer: encrypts the report.
        import_id: of ``begin``.
        end: how it ended.
    """
    first, last = end.positions if end.positions is not None else (None, None)
    sealed = None if end.report is None else sealer.seal(f"imports {import_id}", end.report)
    tx.run(
        "UPDATE imports SET state = ?, rows = ?, first_position = ?, last_position = ?, report_sealed = ? WHERE id = ?",
        (end.state, end.rows, first, last, sealed, import_id),
    )


def put_rows(tx: Transaction, sealer: Sealer, import_id: int, rows: Sequence[tuple[int, int | None, bytes | None]]) -> None:
    """Keep rows that a person has to look at.

    Args:
        tx: of node.db.
        sealer: encrypts the values.
        import_id: of ``begin``.
        rows: (row number as the clerk sees it, position of the record made from it or None, values as JSON bytes or None).
    """
    tx.executemany(
        "INSERT INTO import_rows (import_id, row, position, values_sealed) VALUES (?, ?, ?, ?)",
        [
            (import_id, row, position, None if values is None else sealer.seal(f"import_rows {import_id} {row}", values))
            for row, position, values in rows
        ],
    )


def rows_of(reader: Reader, sealer: Sealer, import_id: int) -> list[tuple[int, int | None, bytes | None]]:
    """The rows of ``put_rows``, by row number."""
    found = reader.fetch("SELECT row, position, values_sealed FROM import_rows WHERE import_id = ? ORDER BY row", (import_id,))
    return [(r, p, None if sealed is None else sealer.open(f"import_rows {import_id} {r}", sealed)) for r, p, sealed in found]


def by_id(reader: Reader, sealer: Sealer, import_id: int) -> Import:
    """One import.

    Raises:
        NotFoundError: ``record-unknown``.
    """
    found = reader.fetch(f"SELECT {_COLUMNS} FROM imports WHERE id = ?", (import_id,))
    if not found:
        raise NotFoundError("record-unknown", f"no import {import_id}")
    row = found[0]
    report = None if row[7] is None else sealer.open(f"imports {import_id}", row[7])
    return Import(*(*row[:7], report, *row[8:]))


def purge_position(tx: Transaction, position: int) -> None:
    """Remove what is kept of the row behind a record, and the report of its import (part of an erasure)."""
    tx.run("DELETE FROM import_rows WHERE position = ?", (position,))
    tx.run("UPDATE imports SET report_sealed = NULL WHERE first_position <= ? AND last_position >= ?", (position, position))
