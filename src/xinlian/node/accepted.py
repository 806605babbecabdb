"""What a caller hears about rows that became records, and why a natural key is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xinlian.node.idempotency import Call
from xinlian.node.ids import record_id_text
from xinlian.protocol.errors import ConflictError
from xinlian.protocol.types import RecordId
from xinlian.store.records import NewRow
from xinlian.store.writer import Transaction

MAX_FAULTS = 200
MAX_IDS = 1_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """Rows accepted as records.

    Args:
        first_position, last_position: positions in the department's stream of records, both included.
        record_ids: ids in row order; empty when there are more than ``MAX_IDS``.
        count: number of records.
        rev, leaf: of the first (what a single publication shows).
    """

    first_position: int
    last_position: int
    record_ids: tuple[RecordId, ...]
    count: int
    rev: int
    leaf: bytes

    def to_json(self) -> dict[str, object]:
        """The API's answer: ids only, and of large files only the positions."""
        answer: dict[str, object] = {
            "accepted": self.count,
            "first_position": self.first_position,
            "last_position": self.last_position,
            "state": "pending",
        }
        if self.record_ids:
            answer["record_ids"] = list(self.record_ids)
        if self.count == 1:
            answer.update(record_id=self.record_ids[0], rev=self.rev, leaf=self.leaf.hex())
        return answer


def accepted_rows(records: Sequence[NewRow], first: int, call: Call | None, tx: Transaction) -> Accepted:
    """What was accepted, kept as the answer to its call in the same transaction.

    Args:
        records: as inserted.
        first: position of the first.
        call: the idempotent call they belong to.
        tx: where they were inserted.
    """
    ids = tuple([record_id_text(row[0]) for row in records]) if len(records) <= MAX_IDS else ()
    accepted = Accepted(first, first + len(records) - 1, ids, len(records), records[0][1], records[0][5])
    if call is not None:
        call.keep(tx, 201, accepted.to_json(), (accepted.first_position, accepted.last_position))
    return accepted


def key_exists(rows: Sequence[int]) -> ConflictError:
    """The refusal of rows whose natural key a living record has already.

    Args:
        rows: row numbers as the clerk counts.
    """
    expected = "a new key, or a revision"
    return ConflictError(
        "record-exists",
        f"{len(rows)} rows have the natural key of a record that exists; revise that record instead",
        faults=[key_fault(row, "a record with this key exists", expected, "record-exists") for row in rows[:MAX_FAULTS]],
        fault_count=len(rows),
    )


def key_fault(row: int, what: str, expected: str, code: str) -> dict[str, object]:
    """A fault of a row's natural key; it names no value."""
    return {"row": row, "field": "", "title": "", "what": what, "expected": expected, "code": code}
