"""Answers of creating POSTs, kept so that the same request twice does the same thing once.

Rules
1. Of the body only a keyed digest is kept (``sealing.keyed_tag``); of the answer only what names things (ids), encrypted.
2. An erasure empties the rows whose answer names an erased record; the key stays taken.
3. A row is written in the same job as what the request creates (``keep``), or before it (``begin``); then every job that does
   something says so in the row (``note``), and ``finish`` puts the answer in the notes' place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from xinlian.protocol.errors import ConflictError
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Slot:
    """Which request it is.

    Args:
        user_id: who asks.
        route: method and path template.
        key: the ``Idempotency-Key``.
        body_tag: keyed digest of the body, 32 bytes.
    """

    user_id: int
    route: str
    key: str
    body_tag: bytes

    @property
    def place(self) -> str:
        """Where the sealed answer stands."""
        return f"idempotency {self.user_id} {self.route} {self.key}"


OPEN = 0
"""Status of a request that has no answer yet; its ``response`` are notes of what was done, None for nothing."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The first answer.

    Args:
        status: HTTP status, or ``OPEN``.
        response: JSON bytes without personal data; None once an erasure emptied it.
        created_at: wall clock, epoch seconds.
        positions: first and last record created, so that erasing one of them empties the row; None for none.
    """

    status: int
    response: bytes | None = field(repr=False)
    created_at: int
    positions: tuple[int, int] | None = None


def find(reader: Reader, sealer: Sealer, slot: Slot) -> Kept | None:
    """The first answer to the same request, None when it is new.

    Raises:
        ConflictError: ``idempotency-mismatch`` when the key was used with another body.
    """
    rows = reader.fetch(
        "SELECT body_tag, status, response_sealed, created_at, first_position, last_position FROM idempotency "
        "WHERE user_id = ? AND route = ? AND key = ?",
        (slot.user_id, slot.route, slot.key),
    )
    if not rows:
        return None
    tag, status, sealed, created_at, first, last = rows[0]
    if tag is not None and tag != slot.body_tag:
        raise ConflictError("idempotency-mismatch", "this Idempotency-Key was used with another body", key=slot.key)
    response = None if sealed is None else sealer.open(slot.place, sealed)
    return Kept(status, response, created_at, None if first is None else (first, last))


def keep(tx: Transaction, sealer: Sealer, slot: Slot, answer: Kept) -> None:
    """Keep the first answer; call ``find`` on the same transaction before.

    Args:
        tx: of node.db; the job that creates what the answer names.
        sealer: encrypts the answer.
        slot: which request.
        answer: ids only.

    Raises:
        StoreError: ``store-constraint`` when the key is taken already.
    """
    first, last = answer.positions if answer.positions is not None else (None, None)
    sealed = None if answer.response is None else sealer.seal(slot.place, answer.response)
    tx.run(
        "INSERT INTO idempotency "
        "(user_id, route, key, body_tag, status, response_sealed, first_position, last_position, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (slot.user_id, slot.route, slot.key, slot.body_tag, answer.status, sealed, first, last, answer.created_at),
    )


def begin(tx: Transaction, slot: Slot, created_at: int) -> None:
    """Commit that a request is to be carried out; call ``find`` on the same transaction before.

    Raises:
        StoreError: ``store-constraint`` when the key is taken already.
    """
    tx.run(
        "INSERT INTO idempotency (user_id, route, key, body_tag, status, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (slot.user_id, slot.route, slot.key, slot.body_tag, OPEN, created_at),
    )


def note(tx: Transaction, sealer: Sealer, slot: Slot, notes: bytes) -> None:
    """Keep what an open request has done so far, in the job that does it.

    Raises:
        ConflictError: ``idempotency-race`` when the request is not open: nothing may be done for it.
    """
    _replace(tx, slot, OPEN, sealer.seal(slot.place, notes))


def finish(tx: Transaction, sealer: Sealer, slot: Slot, status: int, response: bytes) -> None:
    """Put the answer in the place of an open request's notes.

    Raises:
        ConflictError: ``idempotency-race`` when the request is not open.
    """
    _replace(tx, slot, status, sealer.seal(slot.place, response))


def _replace(tx: Transaction, slot: Slot, status: int, sealed: bytes) -> None:
    changed = tx.run(
        "UPDATE idempotency SET status = ?, response_sealed = ? WHERE user_id = ? AND route = ? AND key = ? AND status = ?",
        (status, sealed, slot.user_id, slot.route, slot.key, OPEN),
    )
    if changed != 1:
        raise ConflictError("idempotency-race", "this call is not open any more; repeat it", key=slot.key)


def release(tx: Transaction, slot: Slot) -> bool:
    """Take back a request that has noted nothing: its key is free again.

    Returns:
        False when something was done, and the request stays open.
    """
    sql = "DELETE FROM idempotency WHERE user_id = ? AND route = ? AND key = ? AND status = ? AND response_sealed IS NULL"
    return tx.run(sql, (slot.user_id, slot.route, slot.key, OPEN)) == 1


def forget_before(tx: Transaction, time: int) -> int:
    """Drop rows created before a time (wall clock, epoch seconds).

    Returns:
        How many went.
    """
    return tx.run("DELETE FROM idempotency WHERE created_at < ?", (time,))


def purge_position(tx: Transaction, position: int) -> None:
    """Empty the rows whose answer names the record at a position (part of an erasure)."""
    tx.run(
        "UPDATE idempotency SET body_tag = NULL, response_sealed = NULL WHERE first_position <= ? AND last_position >= ?",
        (position, position),
    )
