"""Retention duties: which case's file a law orders to keep, and until when."""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from dataclasses import dataclass

from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.store.writer import Reader, Transaction

_COLUMNS = "id, case_ref, basis, until, recorded_by, recorded_at, ended_by, ended_at"


@dataclass(frozen=True, slots=True)
class Duty:
    """One retention duty; times are wall clock, epoch seconds.

    Args:
        id: row id; 0 until stored.
        case_ref: ``<lead USCC>/<case no.>``.
        basis: the law, one line.
        until: when it ends by itself.
        recorded_by: user id.
        recorded_at: when.
        ended_by: user id of who ended it early, None.
        ended_at: when it was ended early, None.
    """

    id: int
    case_ref: str
    basis: str
    until: int
    recorded_by: int
    recorded_at: int
    ended_by: int | None = None
    ended_at: int | None = None


def record(tx: Transaction, duty: Duty) -> Duty:
    """Store a duty.

    Returns:
        It, with its id.
    """
    d = duty
    tx.run(
        "INSERT INTO retention_duties (case_ref, basis, until, recorded_by, recorded_at) VALUES (?, ?, ?, ?, ?)",
        (d.case_ref, d.basis, d.until, d.recorded_by, d.recorded_at),
    )
    return Duty(*tx.fetch(f"SELECT {_COLUMNS} FROM retention_duties ORDER BY id DESC LIMIT 1")[0])


def end(tx: Transaction, duty_id: int, ended_by: int, now_s: int) -> Duty:
    """End a duty early.

    Raises:
        NotFoundError: ``duty-unknown``.
        ConflictError: ``duty-ended`` when it has ended already.
    """
    duty = by_id(tx, duty_id)
    if duty.ended_at is not None or duty.until <= now_s:
        raise ConflictError("duty-ended", f"retention duty {duty_id} has ended already", duty=duty_id)
    tx.run("UPDATE retention_duties SET ended_by = ?, ended_at = ? WHERE id = ?", (ended_by, now_s, duty_id))
    return by_id(tx, duty_id)


def by_id(reader: Reader, duty_id: int) -> Duty:
    """One duty.

    Raises:
        NotFoundError: ``duty-unknown``.
    """
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM retention_duties WHERE id = ?", (duty_id,))
    if not rows:
        raise NotFoundError("duty-unknown", f"there is no retention duty {duty_id}", duty=duty_id)
    return Duty(*rows[0])


def running(reader: Reader, case_ref: str, now_s: int) -> Duty | None:
    """The duty that keeps a case's file longest, None when none does."""
    rows = reader.fetch(
        f"SELECT {_COLUMNS} FROM retention_duties WHERE case_ref = ? AND ended_at IS NULL AND until > ? "
        "ORDER BY until DESC, id LIMIT 1",
        (case_ref, now_s),
    )
    return Duty(*rows[0]) if rows else None


def cases_held(reader: Reader, now_s: int) -> set[str]:
    """Cases whose file a running duty keeps."""
    sql = "SELECT DISTINCT case_ref FROM retention_duties WHERE ended_at IS NULL AND until > ?"
    return {row[0] for row in reader.fetch(sql, (now_s,))}


def page(reader: Reader, after: int, limit: int) -> list[Duty]:
    """All duties, oldest first; ``after`` is the last id already seen, 0 to begin."""
    sql = f"SELECT {_COLUMNS} FROM retention_duties WHERE id > ? ORDER BY id LIMIT ?"
    return [Duty(*row) for row in reader.fetch(sql, (after, limit))]
