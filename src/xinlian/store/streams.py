"""What the three anchored streams have in common, and the rows of streams 2 (reads) and 3 (answers).

Rules
1. Positions as in ``records``: contiguous from 1 per stream, rows never deleted.
2. ``leaves`` feeds the tree: leaf hashes in order, one buffer of 32 bytes each.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from xinlian.protocol.errors import ConflictError, NotFoundError, StoreError
from xinlian.store import read_records
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Row, Transaction

RECORDS, READS, ANSWERS = 1, 2, 3
TABLE_OF = {RECORDS: "records", READS: "read_entries", ANSWERS: "answers"}
LEAF_BYTES = 32
_READ_COLUMNS = (
    "position, leaf, statement, disclosures_sealed, rid, role, counterparty, grant_ref, case_ref, time, outcome, "
    "record_tag, subject_pseudonym, item"
)
ACTOR = "actor"
"""Role of the stream's other rows, the act statements (``store.acts``): they are no reads."""
SELF_ACCESS = "self-access"
"""Role of the statements about requests for the own ledger (``store.ledger``): they have no grant."""


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """One entry of the read log.

    Args:
        leaf: 32 bytes.
        statement: exact bytes.
        disclosures: RFC 9901 disclosures joined by ``~``; encrypted at rest.
        rid: request id, text.
        role: ``provider`` or ``requester``.
        counterparty: USCC.
        grant_ref: ``<provider USCC>/<number>`` or None.
        case_ref: ``<lead USCC>/<case no.>`` or None.
        time: law time, epoch seconds.
        outcome: as in the statement.
        record_tag: keyed tag of the record or None.
        subject_pseudonym: keyed, of this department only, or None.
        item: place of the subject in the request, from 0.
        position: place in the stream; 0 until stored.
        record_tags: of every single record, when there are several; only written (``read_records``).
        further_subjects: pseudonyms of the subjects after the first; only written (``ledger``).
    """

    leaf: bytes
    statement: bytes
    disclosures: str = field(repr=False)
    rid: str
    role: str
    counterparty: str
    grant_ref: str | None
    case_ref: str | None
    time: int
    outcome: str
    record_tag: bytes | None
    subject_pseudonym: bytes | None
    item: int = 0
    position: int = 0
    record_tags: tuple[bytes, ...] = ()
    further_subjects: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One signed answer statement that this node gave.

    Args:
        leaf: 32 bytes.
        statement: exact bytes.
        disclosures: RFC 9901 disclosures joined by ``~``; encrypted at rest. None when a record it was made from was erased.
        rid: request id.
        item: place of the subject in the request, from 0.
        time: law time, epoch seconds.
        position: place in the stream; 0 until stored.
    """

    leaf: bytes
    statement: bytes
    disclosures: str | None = field(repr=False)
    rid: str
    item: int
    time: int
    position: int = 0


def last_position(reader: Reader, stream: int) -> int:
    """The newest position of a stream, 0 while it is empty."""
    return int(reader.fetch(f"SELECT coalesce(max(position), 0) FROM {TABLE_OF[stream]}")[0][0])


def leaves(reader: Reader, stream: int, first: int, last: int) -> bytes:
    """Leaf hashes of a range of positions, ends included.

    Returns:
        32 bytes a leaf, in order.

    Raises:
        StoreError: ``batch-gap`` when the stream does not hold the whole range.
    """
    rows = reader.fetch(f"SELECT leaf FROM {TABLE_OF[stream]} WHERE position BETWEEN ? AND ? ORDER BY position", (first, last))
    if len(rows) != last - first + 1:
        raise StoreError("batch-gap", f"stream {stream} holds {len(rows)} of the entries {first} to {last}", stream=stream)
    return b"".join(row[0] for row in rows)


def insert_reads(tx: Transaction, sealer: Sealer, entries: Sequence[ReadEntry]) -> int:
    """Append read entries.

    Returns:
        The position of the first; the others follow.

    Raises:
        ConflictError: ``rid-exists`` when this side's entry of the request is stored already.
    """
    first = last_position(tx, READS) + 1
    rows = [
        (
            position,
            e.leaf,
            e.statement,
            sealer.seal(_place("read_entries", e), e.disclosures.encode()),
            e.rid,
            e.role,
            e.counterparty,
            e.grant_ref,
            e.case_ref,
            e.time,
            e.outcome,
            e.record_tag,
            e.subject_pseudonym,
            e.item,
        )
        for position, e in zip(count(first), entries)
    ]
    _insert(tx, f"read_entries ({_READ_COLUMNS})", rows)
    several = [(tag, position) for position, e in zip(count(first), entries) for tag in e.record_tags]
    if several:
        read_records.index(tx, several)
    others = [(pseudonym, position) for position, e in zip(count(first), entries) for pseudonym in e.further_subjects]
    if others:
        tx.executemany("INSERT INTO read_subjects (pseudonym, position) VALUES (?, ?) ON CONFLICT DO NOTHING", others)
    return first


def insert_answers(tx: Transaction, sealer: Sealer, entries: Sequence[Answer]) -> int:
    """Append answer statements.

    Returns:
        The position of the first; the others follow.

    Raises:
        ConflictError: ``rid-exists`` when the answer to this request is stored already.
    """
    first = last_position(tx, ANSWERS) + 1
    rows = [
        (position, e.leaf, e.statement, sealer.seal(_place("answers", e), (e.disclosures or "").encode()), e.rid, e.item, e.time)
        for position, e in zip(count(first), entries)
    ]
    _insert(tx, "answers (position, leaf, statement, disclosures_sealed, rid, item, time)", rows)
    return first


def _insert(tx: Transaction, into: str, rows: Sequence[Sequence[object]]) -> None:
    try:
        tx.insert(into, rows)
    except StoreError as error:
        if error.code == "store-constraint" and "rid" in error.message:
            raise ConflictError("rid-exists", "this request has its entry already") from error
        raise


def _place(table: str, entry: ReadEntry | Answer) -> str:
    return f"{table} {entry.leaf.hex()}"


def reads_of_rid(reader: Reader, sealer: Sealer, rid: str) -> list[ReadEntry]:
    """The entries of one request, by role and item."""
    rows = reader.fetch(f"SELECT {_READ_COLUMNS} FROM read_entries WHERE rid = ? ORDER BY role, item", (rid,))
    return [_read(row, sealer) for row in rows]


def reads_page(reader: Reader, sealer: Sealer, after: int, limit: int, counterparty: str | None = None) -> list[ReadEntry]:
    """Read entries in order, for pagination and reconciliation; act statements are not among them.

    Args:
        reader: of node.db.
        sealer: opens the disclosures.
        after: the last position already seen, 0 to begin.
        limit: at most so many.
        counterparty: only those with this USCC.
    """
    rows = reader.fetch(
        f"SELECT {_READ_COLUMNS} FROM read_entries WHERE position > ? AND role NOT IN (?, ?) "
        "AND (? IS NULL OR counterparty = ?) ORDER BY position LIMIT ?",
        (after, ACTOR, SELF_ACCESS, counterparty, counterparty, limit),
    )
    return [_read(row, sealer) for row in rows]


def reads_by_pseudonym(reader: Reader, sealer: Sealer, pseudonym: bytes) -> list[ReadEntry]:
    """What was read about one subject, in order."""
    rows = reader.fetch(f"SELECT {_READ_COLUMNS} FROM read_entries WHERE subject_pseudonym = ? ORDER BY position", (pseudonym,))
    return [_read(row, sealer) for row in rows]


def read_at(reader: Reader, sealer: Sealer, position: int) -> ReadEntry:
    """The read entry at a position.

    Raises:
        NotFoundError: ``record-unknown``.
    """
    rows = reader.fetch(
        f"SELECT {_READ_COLUMNS} FROM read_entries WHERE position = ? AND role NOT IN (?, ?)", (position, ACTOR, SELF_ACCESS)
    )
    if not rows:
        raise NotFoundError("record-unknown", f"no read entry at position {position}")
    return _read(rows[0], sealer)


def answers_of_rid(reader: Reader, sealer: Sealer, rid: str) -> list[Answer]:
    """The answer statements of one request, by item."""
    sql = "SELECT position, leaf, statement, disclosures_sealed, rid, item, time FROM answers WHERE rid = ? ORDER BY item"
    return [_answer(row, sealer) for row in reader.fetch(sql, (rid,))]


def answer_at(reader: Reader, sealer: Sealer, position: int) -> Answer:
    """The answer statement at a position.

    Raises:
        NotFoundError: ``record-unknown``.
    """
    sql = "SELECT position, leaf, statement, disclosures_sealed, rid, item, time FROM answers WHERE position = ?"
    rows = reader.fetch(sql, (position,))
    if not rows:
        raise NotFoundError("record-unknown", f"no answer statement at position {position}")
    return _answer(rows[0], sealer)


def _read(row: Row, sealer: Sealer) -> ReadEntry:
    disclosures = sealer.open(f"read_entries {row[1].hex()}", row[3]).decode()
    return ReadEntry(*(row[1], row[2], disclosures, *row[4:], row[0]))


def _answer(row: Row, sealer: Sealer) -> Answer:
    disclosures = None if row[3] is None else sealer.open(f"answers {row[1].hex()}", row[3]).decode()
    return Answer(row[1], row[2], disclosures, row[4], row[5], row[6], row[0])
