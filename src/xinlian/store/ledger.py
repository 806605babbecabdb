"""What the log says about one person: entries of both roles, and the requests for the own ledger themselves.

Rules
1. An entry is found by the pseudonym of its first subject, which stands in it, or by one of the others (``read_subjects``).
2. Self-access statements are rows of the stream ``reads`` with role ``self-access``; listings of reads leave them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xinlian.store import streams
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the log: place, role, exact statement, disclosures joined by ``~``."""

    position: int
    role: str
    statement: bytes
    disclosures: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SelfAccess:
    """A self-access statement to be stored.

    Args:
        leaf: 32 bytes.
        statement: exact bytes.
        disclosures: joined by ``~``; encrypted at rest.
        rid: request id.
        counterparty: USCC of the other side.
        time: law time, epoch seconds.
        outcome: as in the statement.
        pseudonym: of the person, None when it was not proven who asks.
    """

    leaf: bytes
    statement: bytes
    disclosures: str = field(repr=False)
    rid: str
    counterparty: str
    time: int
    outcome: str
    pseudonym: bytes | None


def insert(tx: Transaction, sealer: Sealer, new: SelfAccess) -> int:
    """Append a self-access statement; gives its position."""
    position = streams.last_position(tx, streams.READS) + 1
    sealed = sealer.seal(f"read_entries {new.leaf.hex()}", new.disclosures.encode())
    tx.run(
        "INSERT INTO read_entries (position, leaf, statement, disclosures_sealed, rid, role, counterparty, time, outcome, "
        "subject_pseudonym, item) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (
            position,
            new.leaf,
            new.statement,
            sealed,
            new.rid,
            streams.SELF_ACCESS,
            new.counterparty,
            new.time,
            new.outcome,
            new.pseudonym,
        ),
    )
    return position


def about(reader: Reader, sealer: Sealer, pseudonym: bytes, after: int, limit: int) -> list[Entry]:
    """What the log says about a person, in order.

    Args:
        reader: of node.db.
        sealer: opens the disclosures.
        pseudonym: of the person, 32 bytes.
        after: the last position already seen, 0 to begin.
        limit: at most so many.
    """
    rows = reader.fetch(
        "SELECT position, role, leaf, statement, disclosures_sealed FROM read_entries WHERE position > ? AND "
        "(subject_pseudonym = ? OR position IN (SELECT position FROM read_subjects WHERE pseudonym = ?)) "
        "ORDER BY position LIMIT ?",
        (after, pseudonym, pseudonym, limit),
    )
    return [
        Entry(position, role, statement, sealer.open(f"read_entries {leaf.hex()}", sealed).decode())
        for position, role, leaf, statement, sealed in rows
    ]


def index(tx: Transaction, rows: Sequence[tuple[bytes, int]]) -> None:
    """Note the further subjects of entries, as (pseudonym, position); repeating it does no harm."""
    tx.executemany("INSERT INTO read_subjects (pseudonym, position) VALUES (?, ?) ON CONFLICT DO NOTHING", rows)
