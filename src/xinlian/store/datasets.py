"""Datasets this node owns: schema files by code and version.

Rules
1. (code, version) is unique and a stored schema never changes; a change is a new version. The one exception is a version that
   the authority sent back before it was ever published, so that no record can be of it.
2. An alias (short code) belongs to one catalogue code; all its versions may carry it.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from dataclasses import dataclass, field

from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.store.writer import Reader, Row, Transaction

_COLUMNS = "id, code, version, alias, schema, schema_hash, state, created_at"


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """One version of a dataset.

    Args:
        id: row id, stable on this node.
        code: ``<USCC>/<6 digits>``.
        version: from 1.
        alias: short code.
        schema: canonical bytes of the schema file.
        schema_hash: 32 bytes.
        state: ``draft``, ``proposed``, ``published`` or ``retired``.
        created_at: epoch seconds.
    """

    id: int
    code: str
    version: int
    alias: str
    schema: bytes = field(repr=False)
    schema_hash: bytes
    state: str
    created_at: int


def insert(tx: Transaction, dataset: StoredDataset) -> StoredDataset:
    """Store a version of a dataset.

    Args:
        tx: of node.db.
        dataset: its ``id`` is ignored.

    Returns:
        The same with its id.

    Raises:
        ConflictError: ``dataset-exists``, ``alias-taken``.
    """
    d = dataset
    check_free(tx, d)
    tx.run(
        "INSERT INTO datasets (code, version, alias, schema, schema_hash, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (d.code, d.version, d.alias, d.schema, d.schema_hash, d.state, d.created_at),
    )
    return by_code(tx, d.code, d.version)


def check_free(reader: Reader, dataset: StoredDataset, *, replacing: bool = False) -> None:
    """Whether a version of a dataset can be stored.

    Args:
        reader: of node.db.
        dataset: that would be stored.
        replacing: the version itself may be there already.

    Raises:
        ConflictError: ``dataset-exists``, ``alias-taken``.
    """
    d = dataset
    if not replacing and reader.fetch("SELECT 1 FROM datasets WHERE code = ? AND version = ?", (d.code, d.version)):
        raise ConflictError("dataset-exists", f"{d.code}@{d.version} is stored already", dataset=d.code, version=d.version)
    if reader.fetch("SELECT 1 FROM datasets WHERE alias = ? AND code <> ?", (d.alias, d.code)):
        raise ConflictError("alias-taken", f"the short code {d.alias} belongs to another dataset", alias=d.alias)


def replace(tx: Transaction, dataset_id: int, dataset: StoredDataset) -> None:
    """Put another schema in the place of one that the authority sent back.

    Args:
        tx: of node.db.
        dataset_id: row id of the stored version.
        dataset: what stands there from now on; its ``id`` is ignored.

    Raises:
        ConflictError: ``dataset-exists`` when records are of it, ``alias-taken``.
    """
    d = dataset
    if tx.fetch("SELECT 1 FROM records WHERE dataset_id = ? LIMIT 1", (dataset_id,)):
        raise ConflictError("dataset-exists", f"{d.code}@{d.version} has records", dataset=d.code, version=d.version)
    check_free(tx, d, replacing=True)
    tx.run(
        "UPDATE datasets SET alias = ?, schema = ?, schema_hash = ?, state = ?, created_at = ? WHERE id = ?",
        (d.alias, d.schema, d.schema_hash, d.state, d.created_at, dataset_id),
    )


def set_state(tx: Transaction, dataset_id: int, state: str) -> None:
    """Record where a version stands on the chain."""
    tx.run("UPDATE datasets SET state = ? WHERE id = ?", (state, dataset_id))


def by_id(reader: Reader, dataset_id: int) -> StoredDataset:
    """One version by its row id.

    Raises:
        NotFoundError: ``dataset-unknown``.
    """
    return _one(reader.fetch(f"SELECT {_COLUMNS} FROM datasets WHERE id = ?", (dataset_id,)), str(dataset_id))


def by_code(reader: Reader, code: str, version: int | None = None) -> StoredDataset:
    """One version by catalogue code or short code.

    Args:
        reader: of node.db.
        code: ``<USCC>/<6 digits>`` or the alias.
        version: None for the newest.

    Raises:
        NotFoundError: ``dataset-unknown``.
    """
    rows = reader.fetch(
        f"SELECT {_COLUMNS} FROM datasets WHERE (code = ? OR alias = ?) AND (? IS NULL OR version = ?) "
        "ORDER BY version DESC LIMIT 1",
        (code, code, version, version),
    )
    return _one(rows, code if version is None else f"{code}@{version}")


def versions(reader: Reader, code: str) -> list[StoredDataset]:
    """All versions of a catalogue code, oldest first; empty when it is not known."""
    return [_dataset(row) for row in reader.fetch(f"SELECT {_COLUMNS} FROM datasets WHERE code = ? ORDER BY version", (code,))]


def listing(reader: Reader) -> list[StoredDataset]:
    """Every version of every dataset, by code and version."""
    return [_dataset(row) for row in reader.fetch(f"SELECT {_COLUMNS} FROM datasets ORDER BY code, version")]


def _one(rows: list[Row], what: str) -> StoredDataset:
    if not rows:
        raise NotFoundError("dataset-unknown", f"no such dataset: {what}", dataset=what)
    return _dataset(rows[0])


def _dataset(row: Row) -> StoredDataset:
    return StoredDataset(*row)
