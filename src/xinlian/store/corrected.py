"""What corrections did to records: those of this department, and values that others gave and corrected.

Rules
1. ``corrected_records``: one row a correction, stored with the notices to the recipients of the old value.
2. ``corrections_told``: one row a notice received; its copies stay where they are, ``corrected_values`` names them.
3. Only codes, field names and digests stand here, no value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xinlian.store.writer import Reader, Transaction

_TOLD = "t.notice, t.object_ref, t.jti, t.fields, t.rev, t.leaf, t.corrected_at, t.seen_by, t.seen_at, n.sender"


@dataclass(frozen=True, slots=True)
class CorrectedRecord:
    """A record of this department that a correction changed; ``told_at`` is law time, epoch seconds."""

    object_ref: str
    jti: bytes
    rev: int
    leaf: bytes
    told_at: int


@dataclass(frozen=True, slots=True)
class NewTold:
    """What a notice tells; ``notice`` is its row in the inbox, ``corrected_at`` law time, ``copies`` their (rid, item)."""

    notice: int
    object_ref: str
    jti: bytes
    fields: tuple[str, ...]
    rev: int
    leaf: bytes
    corrected_at: int
    copies: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a received record; times are law time, epoch seconds, ``seen_by`` is ``users.id``."""

    notice: int
    object_ref: str
    jti: bytes
    fields: tuple[str, ...]
    rev: int
    leaf: bytes
    corrected_at: int
    seen_by: int | None
    seen_at: int | None
    sender: str


# -- own records -------------------------------------------------------------------------------------
def put_record(tx: Transaction, corrected: CorrectedRecord) -> None:
    """Note that a correction changed a record; repeating it does no harm."""
    one = corrected
    tx.run(
        "INSERT INTO corrected_records (object_ref, jti, rev, leaf, told_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (one.object_ref, one.jti, one.rev, one.leaf, one.told_at),
    )


def record_of(reader: Reader, object_ref: str) -> CorrectedRecord | None:
    """What a correction changed here, None when nothing (yet)."""
    rows = reader.fetch("SELECT object_ref, jti, rev, leaf, told_at FROM corrected_records WHERE object_ref = ?", (object_ref,))
    return CorrectedRecord(*rows[0]) if rows else None


def right_revisions(reader: Reader, jtis: Sequence[bytes]) -> dict[bytes, int]:
    """The newest revision that a correction made right, of those records that any correction changed."""
    if not jtis:
        return {}
    marks = ", ".join("?" * len(jtis))
    sql = f"SELECT jti, max(rev) FROM corrected_records WHERE jti IN ({marks}) GROUP BY jti"  # noqa: S608 - marks only
    return {row[0]: row[1] for row in reader.fetch(sql, tuple(jtis))}


# -- received values ---------------------------------------------------------------------------------
def put_told(tx: Transaction, told: NewTold) -> None:
    """Store what a notice tells, with the copies it concerns."""
    tx.run(
        "INSERT INTO corrections_told (notice, object_ref, jti, fields, rev, leaf, corrected_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (told.notice, told.object_ref, told.jti, " ".join(told.fields), told.rev, told.leaf, told.corrected_at),
    )
    tx.executemany(
        "INSERT INTO corrected_values (notice, rid, item) VALUES (?, ?, ?)",
        [(told.notice, rid, item) for rid, item in told.copies],
    )


def of_rid(reader: Reader, rid: str) -> list[tuple[int, Told]]:
    """What was told of the values that a request brought, as (item, what), by item."""
    rows = reader.fetch(
        f"SELECT v.item, {_TOLD} FROM corrected_values v JOIN corrections_told t ON t.notice = v.notice "  # noqa: S608 - constants
        "JOIN notices_in n ON n.id = t.notice WHERE v.rid = ? ORDER BY v.item, t.notice",
        (rid,),
    )
    return [(row[0], _told(row[1:])) for row in rows]


def unseen(reader: Reader) -> list[Told]:
    """What nobody of this department has taken note of, oldest first."""
    return [_told(row) for row in reader.fetch(_all("WHERE t.seen_at IS NULL ORDER BY t.notice"))]


def told_page(reader: Reader, after: int, limit: int) -> list[Told]:
    """What was told, oldest first."""
    return [_told(row) for row in reader.fetch(_all("WHERE t.notice > ? ORDER BY t.notice LIMIT ?"), (after, limit))]


def told(reader: Reader, notice: int) -> Told | None:
    """What one notice told."""
    rows = reader.fetch(_all("WHERE t.notice = ?"), (notice,))
    return _told(rows[0]) if rows else None


def see(tx: Transaction, notice: int, user_id: int, now_s: int) -> bool:
    """Note who took note of it.

    Returns:
        False when somebody did before.
    """
    sql = "UPDATE corrections_told SET seen_by = ?, seen_at = ? WHERE notice = ? AND seen_at IS NULL"
    return tx.run(sql, (user_id, now_s, notice)) > 0


def _all(rest: str) -> str:
    return f"SELECT {_TOLD} FROM corrections_told t JOIN notices_in n ON n.id = t.notice {rest}"  # noqa: S608 - constants


def _told(row: Sequence[object]) -> Told:
    values = list(row)
    values[3] = tuple(str(values[3]).split(" "))
    return Told(*values)  # type: ignore[arg-type]  # the columns of _TOLD, in its order
