"""Use records and disposals of a department, and the calls that its node refused as out of scope.

Rules
1. A use record's row stays after its text was deleted (at the end of its retention), so what it covered stays covered.
2. Days are those of UTC+8, as the law counts them.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from dataclasses import dataclass, replace

from xinlian.protocol.errors import NotFoundError
from xinlian.store.writer import Reader, Transaction

_RECORD = "grant_ref, case_ref, period_from, period_to, document, recorded_at, deleted_at, id"
_DISPOSAL = "object_ref, document, deleted, kept, disposed_at, id"
_OFFSET_S, _DAY_S = 8 * 3_600, 86_400
_USED = "('records', 'match', 'mismatch', 'none', 'answer', 'file')"


@dataclass(frozen=True, slots=True)
class UseRow:
    """One use record; times are law time, epoch seconds, ``period_from <= t < period_to``."""

    grant_ref: str
    case_ref: str | None
    period_from: int
    period_to: int
    document: bytes
    recorded_at: int
    deleted_at: int | None = None
    id: int = 0

    def covers(self, grant_ref: str, case_ref: str | None, day_s: int) -> bool:
        """Whether it is about the reads of a grant and case on a day (its first second)."""
        is_meant = self.grant_ref == grant_ref and self.case_ref in (None, case_ref)
        return is_meant and self.period_from <= day_s < self.period_to


@dataclass(frozen=True, slots=True)
class DisposalRow:
    """One disposal: how many values were deleted, and how many a retention duty keeps."""

    object_ref: str
    document: bytes
    deleted: int
    kept: int
    disposed_at: int
    id: int = 0


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call that this node refused as provider; ``position`` and ``leaf`` are of its first read entry."""

    rid: str
    requester: str
    grant_ref: str
    case_ref: str | None
    check: str
    refused_at: int
    position: int = 0
    leaf: bytes = b""


@dataclass(frozen=True, slots=True)
class ReadDay:
    """The reads of one grant and case on one day: first second of the day, first entry, how many."""

    grant_ref: str
    case_ref: str | None
    day_s: int
    position: int
    leaf: bytes
    count: int


def put_record(tx: Transaction, row: UseRow) -> int:
    """Keep a use record; the same document again is the same record. Returns its id."""
    tx.run(
        "INSERT INTO use_records (grant_ref, case_ref, period_from, period_to, document, recorded_at) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (document) DO NOTHING",
        (row.grant_ref, row.case_ref, row.period_from, row.period_to, row.document, row.recorded_at),
    )
    return int(tx.fetch("SELECT id FROM use_records WHERE document = ?", (row.document,))[0][0])


def record_of(reader: Reader, document: bytes) -> UseRow | None:
    """The use record of a document, None when there is none."""
    rows = reader.fetch(f"SELECT {_RECORD} FROM use_records WHERE document = ?", (document,))
    return UseRow(*rows[0]) if rows else None


def record(reader: Reader, record_id: int) -> UseRow:
    """One use record.

    Raises:
        NotFoundError: ``use-record-unknown``.
    """
    rows = reader.fetch(f"SELECT {_RECORD} FROM use_records WHERE id = ?", (record_id,))
    if not rows:
        raise NotFoundError("use-record-unknown", f"there is no use record {record_id}", record=record_id)
    return UseRow(*rows[0])


def records(reader: Reader, after: int, limit: int, grant_ref: str | None = None) -> list[UseRow]:
    """Use records, oldest first; ``after`` is the last id already seen, 0 to begin."""
    sql = f"SELECT {_RECORD} FROM use_records WHERE id > ? AND (? IS NULL OR grant_ref = ?) ORDER BY id LIMIT ?"
    return [UseRow(*row) for row in reader.fetch(sql, (after, grant_ref, grant_ref, limit))]


def every_record(reader: Reader) -> list[UseRow]:
    """All of them."""
    return [UseRow(*row) for row in reader.fetch(f"SELECT {_RECORD} FROM use_records ORDER BY id")]


def mark_deleted(tx: Transaction, record_id: int, now_s: int) -> UseRow:
    """Note that a use record's text is deleted."""
    tx.run("UPDATE use_records SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL", (now_s, record_id))
    return record(tx, record_id)


def put_disposal(tx: Transaction, row: DisposalRow) -> DisposalRow:
    """Keep a disposal; a later attempt of the same document adds what it deleted. Returns it as it is now."""
    tx.run(
        "INSERT INTO disposals (object_ref, document, deleted, kept, disposed_at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (document) DO UPDATE SET deleted = disposals.deleted + excluded.deleted, kept = excluded.kept",
        (row.object_ref, row.document, row.deleted, row.kept, row.disposed_at),
    )
    return replace(DisposalRow(*tx.fetch(f"SELECT {_DISPOSAL} FROM disposals WHERE document = ?", (row.document,))[0]))


def disposal_of(reader: Reader, document: bytes) -> DisposalRow | None:
    """The disposal of a document, None when there is none."""
    rows = reader.fetch(f"SELECT {_DISPOSAL} FROM disposals WHERE document = ?", (document,))
    return DisposalRow(*rows[0]) if rows else None


def disposals(reader: Reader, after: int, limit: int) -> list[DisposalRow]:
    """Disposals, oldest first; ``after`` is the last id already seen, 0 to begin."""
    sql = f"SELECT {_DISPOSAL} FROM disposals WHERE id > ? ORDER BY id LIMIT ?"
    return [DisposalRow(*row) for row in reader.fetch(sql, (after, limit))]


def note_refused(tx: Transaction, call: RefusedCall) -> None:
    """Note which check refused a call."""
    tx.run(
        "INSERT INTO refused_calls (rid, requester, grant_ref, case_ref, check_name, refused_at) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (rid) DO NOTHING",
        (call.rid, call.requester, call.grant_ref, call.case_ref, call.check, call.refused_at),
    )


def refused_calls(reader: Reader) -> list[RefusedCall]:
    """Refused calls with their first read entry, in the order of the log."""
    sql = (
        "SELECT c.rid, c.requester, c.grant_ref, c.case_ref, c.check_name, c.refused_at, e.position, e.leaf FROM refused_calls c "
        "JOIN read_entries e ON e.rid = c.rid AND e.role = 'provider' AND e.item = 0 ORDER BY e.position"
    )
    return [RefusedCall(*row) for row in reader.fetch(sql)]


def not_proven(reader: Reader) -> list[RefusedCall]:
    """Answers whose evidence did not hold, as this node saw them as requester; ``requester`` is then the provider's USCC."""
    sql = (
        "SELECT rid, counterparty, grant_ref, case_ref, outcome, time, position, leaf FROM read_entries "
        "WHERE role = 'requester' AND outcome = 'not-proven' ORDER BY position"
    )
    return [RefusedCall(*row) for row in reader.fetch(sql)]


def read_days(reader: Reader) -> list[ReadDay]:
    """What this department received, by grant, case and day, in the order of the log."""
    sql = (
        f"SELECT g.grant_ref, g.case_ref, g.day * {_DAY_S} - {_OFFSET_S}, g.first, e.leaf, g.reads FROM ("
        f"SELECT grant_ref, case_ref, (time + {_OFFSET_S}) / {_DAY_S} AS day, min(position) AS first, count(*) AS reads "
        f"FROM read_entries WHERE role = 'requester' AND grant_ref IS NOT NULL AND outcome IN {_USED} "
        "GROUP BY grant_ref, case_ref, day) g JOIN read_entries e ON e.position = g.first ORDER BY g.first"
    )
    return [ReadDay(*row) for row in reader.fetch(sql)]


def uses(reader: Reader, grant_ref: str, case_ref: str | None, from_s: int, to_s: int) -> int:
    """How many items this department received under a grant (and case, None for all) in a period."""
    sql = (
        f"SELECT count(*) FROM read_entries WHERE role = 'requester' AND grant_ref = ? AND outcome IN {_USED} "
        "AND (? IS NULL OR case_ref = ?) AND time >= ? AND time < ?"
    )
    return int(reader.fetch(sql, (grant_ref, case_ref, case_ref, from_s, to_s))[0][0])


def values_of_grant(reader: Reader, grant_ref: str) -> dict[str | None, int]:
    """How many received values of a grant are here, by case."""
    sql = (
        "SELECT v.case_ref, count(*) FROM received_values v JOIN exchange_out o ON o.rid = v.rid "
        "WHERE o.grant_ref = ? GROUP BY v.case_ref"
    )
    return dict(reader.fetch(sql, (grant_ref,)))


def values_of_cases(reader: Reader) -> dict[str, int]:
    """How many received values and openings of subjects are here, by case."""
    sql = (
        "SELECT case_ref, sum(held) FROM (SELECT case_ref, count(*) AS held FROM received_values WHERE case_ref IS NOT NULL "
        "GROUP BY case_ref UNION ALL SELECT case_ref, count(*) AS held FROM case_subjects GROUP BY case_ref) x GROUP BY case_ref"
    )
    return {row[0]: int(row[1]) for row in reader.fetch(sql)}


def dispose_of_grant(tx: Transaction, grant_ref: str, case_ref: str | None) -> int:
    """Delete the received values of a grant and case (None: standing use); gone for good after the next checkpoint."""
    return tx.run(
        "DELETE FROM received_values WHERE rid IN (SELECT rid FROM exchange_out WHERE grant_ref = ?) "
        "AND (case_ref = ? OR (case_ref IS NULL AND ? IS NULL))",
        (grant_ref, case_ref, case_ref),
    )


def dispose_of_case(tx: Transaction, case_ref: str) -> int:
    """Delete what was received for a case and the openings of its subjects; gone for good after the next checkpoint."""
    values = tx.run("DELETE FROM received_values WHERE case_ref = ?", (case_ref,))
    return values + tx.run("DELETE FROM case_subjects WHERE case_ref = ?", (case_ref,))
