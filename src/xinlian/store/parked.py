"""Work that failed for good and waits for a person: parked with its reason, replayed on demand."""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from dataclasses import dataclass

from xinlian.store.writer import Reader, Transaction

_COLUMNS = "id, kind, ref, reason, since, attempts"


@dataclass(frozen=True, slots=True)
class Parked:
    """One parked item.

    Args:
        id: row id.
        kind: what kind of work.
        ref: which piece, without personal data.
        reason: error code and sentence.
        since: wall clock of the first parking, epoch seconds.
        attempts: how often it was parked.
    """

    id: int
    kind: str
    ref: str
    reason: str
    since: int
    attempts: int


def park(tx: Transaction, kind: str, ref: str, reason: str, now_s: int) -> None:
    """Park an item, or count one more attempt with its newest reason."""
    tx.run(
        "INSERT INTO parked (kind, ref, reason, since, attempts) VALUES (?, ?, ?, ?, 1) "
        "ON CONFLICT (kind, ref) DO UPDATE SET reason = excluded.reason, attempts = parked.attempts + 1",
        (kind, ref, reason, now_s),
    )


def release(tx: Transaction, parked_id: int) -> bool:
    """Take an item back into work.

    Returns:
        True when it was parked.
    """
    return tx.run("DELETE FROM parked WHERE id = ?", (parked_id,)) > 0


def forget(tx: Transaction, kind: str, ref: str) -> None:
    """Nobody has to do anything about a piece of work any more."""
    tx.run("DELETE FROM parked WHERE kind = ? AND ref = ?", (kind, ref))


def is_parked(reader: Reader, kind: str, ref: str) -> bool:
    """True while the item waits for a person."""
    return bool(reader.fetch("SELECT 1 FROM parked WHERE kind = ? AND ref = ?", (kind, ref)))


def page(reader: Reader, after: int, limit: int) -> list[Parked]:
    """What is parked, oldest first.

    Args:
        reader: of node.db.
        after: the last id already seen, 0 to begin.
        limit: at most so many.
    """
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM parked WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    return [Parked(*row) for row in rows]


def by_id(reader: Reader, parked_id: int) -> Parked | None:
    """One item, None when nothing is parked under the id."""
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM parked WHERE id = ?", (parked_id,))
    return Parked(*rows[0]) if rows else None


def count(reader: Reader, kind: str | None = None) -> int:
    """How much is parked, of one kind or of all."""
    return int(reader.fetch("SELECT count(*) FROM parked WHERE ? IS NULL OR kind = ?", (kind, kind))[0][0])
