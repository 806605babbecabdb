"""Act statements: rows of the stream ``reads`` with role ``actor``, which say who did which step to what.

Rules
1. They share positions and batches with the read entries and are found by object only; listings of reads leave them out.
2. The disclosures, which name the person, are encrypted.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from dataclasses import dataclass, field

from xinlian.protocol.errors import NotFoundError
from xinlian.store import streams
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Row, Transaction

_COLUMNS = "position, leaf, statement, disclosures_sealed, object_ref, outcome, time"


@dataclass(frozen=True, slots=True)
class ActEntry:
    """One act statement.

    Args:
        leaf: 32 bytes.
        statement: exact bytes.
        disclosures: RFC 9901 disclosures joined by ``~``; encrypted at rest.
        object_ref: what was acted on.
        act: what was done.
        time: law time, epoch seconds.
        position: place in the stream; 0 until stored.
    """

    leaf: bytes
    statement: bytes
    disclosures: str = field(repr=False)
    object_ref: str
    act: str
    time: int
    position: int = 0


def insert(tx: Transaction, sealer: Sealer, entry: ActEntry, department: str, jti: str) -> int:
    """Append an act statement.

    Args:
        tx: of node.db; the transaction of the step itself.
        sealer: encrypts the disclosures.
        entry: its ``position`` is ignored.
        department: this node's USCC.
        jti: id of the statement.

    Returns:
        Its position.
    """
    position = streams.last_position(tx, streams.READS) + 1
    sealed = sealer.seal(_place(entry.leaf), entry.disclosures.encode())
    tx.run(
        "INSERT INTO read_entries (position, leaf, statement, disclosures_sealed, rid, role, counterparty, time, outcome, item, "
        "object_ref) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
        (
            position,
            entry.leaf,
            entry.statement,
            sealed,
            jti,
            streams.ACTOR,
            department,
            entry.time,
            entry.act,
            entry.object_ref,
        ),
    )
    return position


def page(reader: Reader, sealer: Sealer, after: int, limit: int, object_ref: str | None = None) -> list[ActEntry]:
    """Act statements in order.

    Args:
        reader: of node.db.
        sealer: opens the disclosures.
        after: the last position already seen, 0 to begin.
        limit: at most so many.
        object_ref: only those about this object.
    """
    sql = (
        f"SELECT {_COLUMNS} FROM read_entries WHERE position > ? AND role = ? AND (? IS NULL OR object_ref = ?) "
        "ORDER BY position LIMIT ?"
    )
    return [_entry(row, sealer) for row in reader.fetch(sql, (after, streams.ACTOR, object_ref, object_ref, limit))]


def at(reader: Reader, sealer: Sealer, position: int) -> ActEntry:
    """The act statement at a position.

    Raises:
        NotFoundError: ``act-unknown``.
    """
    sql = f"SELECT {_COLUMNS} FROM read_entries WHERE position = ? AND role = ?"
    rows = reader.fetch(sql, (position, streams.ACTOR))
    if not rows:
        raise NotFoundError("act-unknown", f"no act statement at position {position}", position=position)
    return _entry(rows[0], sealer)


def _place(leaf: bytes) -> str:
    return f"read_entries {leaf.hex()}"


def _entry(row: Row, sealer: Sealer) -> ActEntry:
    disclosures = sealer.open(_place(row[1]), row[3]).decode()
    return ActEntry(row[1], row[2], disclosures, row[4], row[5], row[6], row[0])
