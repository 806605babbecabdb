"""The resumable sequence of an erasure. The order is the use case's (node); every step here can be repeated.

Rules
1. ``intent`` is committed first; from then on the record is not served, and no answer that carries it is committed.
2. intent → key-destroyed (``record_keys.destroy`` + ``keys.checkpoint``) → purged (``purge``) → checkpointed
   (``node.checkpoint``) → marked (status 3 queued for the chain).
3. A step taken twice changes nothing; a step out of order raises ``erasure-state``. Only ``reopen`` goes back: what a restored
   backup brought to life goes through all steps again.
4. Index tokens stand in random order, so a page split may have left a copy of one (16 bytes, keyed, without its row) in the slack
   of a page; ``Writer.compact`` as regular maintenance removes such copies. Keys have no such copies (see ``record_keys``).
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xinlian.protocol.errors import NotFoundError, StoreError
from xinlian.store import anchoring, idempotency, imports, read_records, records
from xinlian.store.writer import Reader, Transaction

INTENT, KEY_DESTROYED, PURGED, CHECKPOINTED, MARKED = "intent", "key-destroyed", "purged", "checkpointed", "marked"
STATES = (INTENT, KEY_DESTROYED, PURGED, CHECKPOINTED, MARKED)
ERASED_STATUS = 3
FOUND_ON_CHAIN = 0
"""In place of a user id: nobody asked here, the chain said it (and so nothing is queued for it)."""
_ASKED_AT_ONCE = 500
_COLUMNS = "position, state, reason, requested_by, requested_at, marked_at"


@dataclass(frozen=True, slots=True)
class Erasure:
    """Where an erasure stands.

    Args:
        position: of the record.
        state: one of ``STATES``.
        reason: code of the contract.
        requested_by: user id, ``FOUND_ON_CHAIN`` after a backup was restored.
        requested_at: wall clock, epoch seconds.
        marked_at: wall clock when status 3 was queued, epoch seconds.
    """

    position: int
    state: str
    reason: int
    requested_by: int
    requested_at: int
    marked_at: int | None


def intend(tx: Transaction, position: int, reason: int, requested_by: int, requested_at: int) -> Erasure:
    """Begin an erasure; one that has begun stays as it is.

    Raises:
        NotFoundError: ``record-unknown``.
    """
    records.by_position(tx, position)
    tx.run(
        "INSERT INTO erasures (position, state, reason, requested_by, requested_at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (position) DO NOTHING",
        (position, INTENT, reason, requested_by, requested_at),
    )
    return by_position(tx, position)


def key_destroyed(tx: Transaction, position: int) -> None:
    """Note that the key is gone from every file of the key store.

    Raises:
        NotFoundError: ``record-unknown`` when no erasure was begun.
    """
    _advance(tx, position, INTENT, KEY_DESTROYED)


def purge(tx: Transaction, position: int, tag: bytes) -> None:
    """Remove ciphertext, index tokens, idempotency answers and import rows of a record, and what was answered from it.

    Args:
        tx: of node.db.
        position: of the record.
        tag: the record's keyed tag in the read log, 32 bytes.

    Raises:
        StoreError: ``erasure-state`` while its key is not destroyed.
        NotFoundError: ``record-unknown`` when no erasure was begun.
    """
    if not _advance(tx, position, KEY_DESTROYED, PURGED):
        return
    tx.run(f"UPDATE records SET ciphertext = NULL, state = {records.ERASED} WHERE position = ?", (position,))
    tx.run("DELETE FROM record_index WHERE position = ?", (position,))
    idempotency.purge_position(tx, position)
    imports.purge_position(tx, position)
    read_records.shred(tx, tag)


def checkpointed(tx: Transaction, position: int) -> None:
    """Note that ``Writer.checkpoint`` of node.db ran after the purge.

    Raises:
        StoreError: ``erasure-state`` while the record is not purged.
        NotFoundError: ``record-unknown`` when no erasure was begun.
    """
    _advance(tx, position, PURGED, CHECKPOINTED)


def mark(tx: Transaction, position: int, marked_at: int) -> None:
    """Queue status 3 for the chain, unless the chain said it first.

    Raises:
        StoreError: ``erasure-state`` while the log is not emptied.
        NotFoundError: ``record-unknown`` when no erasure was begun.
    """
    if _advance(tx, position, CHECKPOINTED, MARKED):
        tx.run("UPDATE erasures SET marked_at = ? WHERE position = ?", (marked_at, position))
        erasure = by_position(tx, position)
        if erasure.requested_by != FOUND_ON_CHAIN:
            anchoring.queue_mark(tx, position, ERASED_STATUS, erasure.reason)


def reopen(tx: Transaction, position: int) -> None:
    """Take an erasure through all its steps again: a restored key store or database holds again what it destroyed.

    Raises:
        NotFoundError: ``record-unknown`` when no erasure was begun.
    """
    by_position(tx, position)
    tx.run("UPDATE erasures SET state = ? WHERE position = ?", (INTENT, position))


def _advance(tx: Transaction, position: int, before: str, after: str) -> bool:
    """Take one step.

    Returns:
        False when it was taken already.
    """
    state = by_position(tx, position).state
    if STATES.index(state) >= STATES.index(after):
        return False
    if state != before:
        raise StoreError("erasure-state", f"the erasure of position {position} stands at {state}, not at {before}", state=state)
    tx.run("UPDATE erasures SET state = ? WHERE position = ?", (after, position))
    return True


def by_position(reader: Reader, position: int) -> Erasure:
    """The erasure of a record.

    Raises:
        NotFoundError: ``record-unknown`` when none was begun.
    """
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM erasures WHERE position = ?", (position,))
    if not rows:
        raise NotFoundError("record-unknown", f"no erasure of position {position}")
    return Erasure(*rows[0])


def unfinished(reader: Reader) -> list[Erasure]:
    """Erasures to resume, oldest first."""
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM erasures WHERE state <> ? ORDER BY requested_at, position", (MARKED,))
    return [Erasure(*row) for row in rows]


def is_begun(reader: Reader, position: int) -> bool:
    """True from the intent on: the record must not be served any more."""
    return bool(reader.fetch("SELECT 1 FROM erasures WHERE position = ?", (position,)))


def begun_of(reader: Reader, positions: Sequence[int]) -> set[int]:
    """Which of some positions are being erased or erased."""
    begun: set[int] = set()
    for start in range(0, len(positions), _ASKED_AT_ONCE):
        part = positions[start : start + _ASKED_AT_ONCE]
        marks = ", ".join("?" * len(part))
        begun.update(row[0] for row in reader.fetch(f"SELECT position FROM erasures WHERE position IN ({marks})", part))
    return begun


def any_begun(reader: Reader, jtis: Sequence[bytes]) -> bool:
    """True when one of some records is being erased or erased."""
    for start in range(0, len(jtis), _ASKED_AT_ONCE):
        part = jtis[start : start + _ASKED_AT_ONCE]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT 1 FROM erasures e JOIN records r ON r.position = e.position WHERE r.jti IN ({marks}) LIMIT 1"
        if reader.fetch(sql, part):
            return True
    return False


def of_record(reader: Reader, jti: bytes) -> list[Erasure]:
    """The erasures of a record's revisions, oldest revision first; empty when none was begun."""
    columns = ", ".join(f"e.{name}" for name in _COLUMNS.split(", "))
    sql = f"SELECT {columns} FROM erasures e JOIN records r ON r.position = e.position WHERE r.jti = ? ORDER BY r.rev"
    return [Erasure(*row) for row in reader.fetch(sql, (jti,))]


def finished_after(reader: Reader, position: int, limit: int) -> list[tuple[int, bytes, int, int]]:
    """Finished erasures in order of position, to see whether their keys are still gone.

    Returns:
        (position, jti, rev, reason).
    """
    rows = reader.fetch(
        "SELECT r.position, r.jti, r.rev, e.reason FROM erasures e JOIN records r ON r.position = e.position "
        "WHERE e.state = ? AND e.position > ? ORDER BY e.position LIMIT ?",
        (MARKED, position, limit),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]
