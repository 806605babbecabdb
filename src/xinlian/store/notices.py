"""Notices to and from other nodes: an outbox with one row a notice and recipient, and what was done about those that came in.

Rules
1. A row of the outbox is stored in the job that makes it necessary (an erasure's intent). Every attempt is committed before it is
   sent; what is not acknowledged is due again.
2. ``to-tell``: no byte is known to have reached the recipient. ``told``: some did, nothing valid came back. ``acknowledged``,
   ``refused``: the recipient's signed word; these two are final until a person replays the row.
3. The inbox keeps the digest of each notice and what the acknowledgement says, so that the same notice is followed once.
4. The body of a notice that brings a text is sealed: only two departments know it. Other bodies and ``facts`` name records,
   requests and laws; no personal data stands in them.
5. A text is told to a recipient by one row, whatever happens (``has_document``).
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Transaction

TO_TELL, TOLD, ACKNOWLEDGED, REFUSED = "to-tell", "told", "acknowledged", "refused"
PARKED_KIND = "notice"
_OUT = (
    "id, notice_id, recipient, kind, jti, document, object_ref, body, state, attempts, next_try, last_code, created_at, told_at, "
    "acknowledged_at, outcome, facts, ask_again_at"
)
_IN = "id, sender, notice_id, digest, kind, facts, received_at, wiped"


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice to be told.

    Args:
        notice_id: 32 hex.
        recipient: USCC.
        kind: of the notice.
        jti: the record it speaks of, 16 bytes; None when it speaks of none.
        document: digest of the text it brings, 32 bytes; None when it brings none.
        body: exact bytes.
        object_ref: the correction it speaks of; None when it speaks of none.
    """

    notice_id: str
    recipient: str
    kind: str
    jti: bytes | None
    document: bytes | None
    body: bytes = field(repr=False)
    object_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A row of the outbox; ``body`` as stored (``raw_of`` opens it), times are wall clock, epoch seconds."""

    id: int
    notice_id: str
    recipient: str
    kind: str
    jti: bytes | None
    document: bytes | None
    object_ref: str | None
    body: bytes = field(repr=False)
    state: str
    attempts: int
    next_try: int
    last_code: str | None
    created_at: int
    told_at: int | None
    acknowledged_at: int | None
    outcome: str | None
    facts: str | None
    ask_again_at: int | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A notice that came in and was followed; ``wiped`` is 0 until what was deleted left the write-ahead log, too."""

    id: int
    sender: str
    notice_id: str
    digest: bytes
    kind: str
    facts: str
    received_at: int
    wiped: int


# -- outbox ------------------------------------------------------------------------------------------
def put(tx: Transaction, sealer: Sealer, new: Sequence[NewNotice], now_s: int) -> None:
    """Store notices that are to be told from now on."""
    tx.executemany(
        "INSERT INTO notices_out "
        "(notice_id, recipient, kind, jti, document, object_ref, body, state, attempts, next_try, created_at) "
        f"VALUES (?, ?, ?, ?, ?, ?, ?, '{TO_TELL}', 0, ?, ?)",
        [(n.notice_id, n.recipient, n.kind, n.jti, n.document, n.object_ref, _stored_body(sealer, n), now_s, now_s) for n in new],
    )


def raw_of(sealer: Sealer, row: Outgoing) -> bytes:
    """A notice's exact bytes.

    Raises:
        StoreError: ``sealed-broken``.
    """
    return row.body if row.document is None else sealer.open(_place(row.notice_id), row.body)


def has_document(reader: Reader, digest: bytes, recipient: str) -> bool:
    """Whether a text is told, or was, to a recipient."""
    return bool(reader.fetch("SELECT 1 FROM notices_out WHERE document = ? AND recipient = ?", (digest, recipient)))


def of_document(reader: Reader, digest: bytes) -> list[Outgoing]:
    """Notices that bring a text, oldest first."""
    return [Outgoing(*row) for row in reader.fetch(f"SELECT {_OUT} FROM notices_out WHERE document = ? ORDER BY id", (digest,))]


def of_object(reader: Reader, object_ref: str) -> list[Outgoing]:
    """Notices that speak of a correction, oldest first."""
    rows = reader.fetch(f"SELECT {_OUT} FROM notices_out WHERE object_ref = ? ORDER BY id", (object_ref,))
    return [Outgoing(*row) for row in rows]


def due(reader: Reader, now_s: int, limit: int) -> list[Outgoing]:
    """What is to be told now and is not parked, longest due first."""
    rows = reader.fetch(
        f"SELECT {_OUT} FROM notices_out WHERE state IN ('{TO_TELL}', '{TOLD}') AND next_try <= ? AND NOT EXISTS "
        f"(SELECT 1 FROM parked p WHERE p.kind = '{PARKED_KIND}' AND p.ref = notice_id) ORDER BY next_try, id LIMIT ?",
        (now_s, limit),
    )
    return [Outgoing(*row) for row in rows]


def to_ask_again(reader: Reader, now_s: int) -> list[Outgoing]:
    """Acknowledged notices of which a duty kept copies until now."""
    sql = f"SELECT {_OUT} FROM notices_out WHERE ask_again_at <= ? ORDER BY id"
    return [Outgoing(*row) for row in reader.fetch(sql, (now_s,))]


def asked_again(tx: Transaction, row_id: int) -> None:
    """Note that another notice asks again."""
    tx.run("UPDATE notices_out SET ask_again_at = NULL WHERE id = ?", (row_id,))


def attempt(tx: Transaction, row_id: int, next_try: int) -> None:
    """Count an attempt before it is made."""
    tx.run("UPDATE notices_out SET attempts = attempts + 1, next_try = ? WHERE id = ?", (next_try, row_id))


def renew(tx: Transaction, sealer: Sealer, row_id: int, fresh: NewNotice) -> None:
    """Put a fresh notice in the place of one that is past its end or whose id was refused."""
    body = _stored_body(sealer, fresh)
    tx.run("UPDATE notices_out SET notice_id = ?, body = ? WHERE id = ?", (fresh.notice_id, body, row_id))


def tell_again(tx: Transaction, sealer: Sealer, row_id: int, fresh: NewNotice, now_s: int) -> None:
    """Tell what was settled, or is under way, from the first attempt on as a fresh notice."""
    renew(tx, sealer, row_id, fresh)
    tx.run(
        f"UPDATE notices_out SET state = '{TO_TELL}', attempts = 0, next_try = ?, last_code = NULL, told_at = NULL, "
        "acknowledged_at = NULL, outcome = NULL, facts = NULL WHERE id = ?",
        (now_s, row_id),
    )


def missed(tx: Transaction, row_id: int, code: str, reached_at: int | None) -> None:
    """Note why an attempt came to nothing.

    Args:
        tx: of node.db.
        row_id: of the notice.
        code: stable error code.
        reached_at: when bytes reached the recipient's node, None when it is not known that they did.
    """
    tx.run(
        f"UPDATE notices_out SET last_code = ?, state = CASE WHEN ? IS NULL THEN state ELSE '{TOLD}' END, "
        f"told_at = coalesce(told_at, ?) WHERE id = ? AND state IN ('{TO_TELL}', '{TOLD}')",
        (code, reached_at, reached_at, row_id),
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """What a recipient's signed acknowledgement came to.

    Args:
        state: ``acknowledged`` or ``refused``.
        outcome: its one word.
        facts: JSON of what it says.
        code: the refusal's code, None when acknowledged.
        at: wall clock, epoch seconds.
        ask_again_at: wall clock, None when nothing was kept.
    """

    state: str
    outcome: str
    facts: str
    code: str | None
    at: int
    ask_again_at: int | None = None


def answered(tx: Transaction, row_id: int, answer: Answered) -> None:
    """Note an acknowledgement."""
    a = answer
    tx.run(
        "UPDATE notices_out SET state = ?, outcome = ?, facts = ?, last_code = ?, told_at = coalesce(told_at, ?), "
        "acknowledged_at = ?, ask_again_at = ? WHERE id = ?",
        (a.state, a.outcome, a.facts, a.code, a.at, a.at, a.ask_again_at, row_id),
    )


def reopen(tx: Transaction, notice_id: str, now_s: int) -> None:
    """Tell a parked or refused notice again, from the first attempt on."""
    tx.run(
        f"UPDATE notices_out SET state = CASE WHEN told_at IS NULL THEN '{TO_TELL}' ELSE '{TOLD}' END, "
        f"attempts = 0, next_try = ? WHERE notice_id = ? AND state <> '{ACKNOWLEDGED}'",
        (now_s, notice_id),
    )


def by_id(reader: Reader, notice_id: str) -> Outgoing | None:
    """One notice by its id, None when it is not known."""
    rows = reader.fetch(f"SELECT {_OUT} FROM notices_out WHERE notice_id = ?", (notice_id,))
    return Outgoing(*rows[0]) if rows else None


def of_record(reader: Reader, jti: bytes) -> list[Outgoing]:
    """Notices that speak of a record, oldest first."""
    return [Outgoing(*row) for row in reader.fetch(f"SELECT {_OUT} FROM notices_out WHERE jti = ? ORDER BY id", (jti,))]


def page(reader: Reader, after: int, limit: int, *, open_only: bool) -> list[Outgoing]:
    """The outbox, oldest first.

    Args:
        reader: of node.db.
        after: last row id already seen, 0 to begin.
        limit: at most so many.
        open_only: only those that are not acknowledged.
    """
    where = f"AND state <> '{ACKNOWLEDGED}' " if open_only else ""
    return [
        Outgoing(*row)
        for row in reader.fetch(f"SELECT {_OUT} FROM notices_out WHERE id > ? {where}ORDER BY id LIMIT ?", (after, limit))
    ]


def _stored_body(sealer: Sealer, notice: NewNotice) -> bytes:
    return notice.body if notice.document is None else sealer.seal(_place(notice.notice_id), notice.body)


def _place(notice_id: str) -> str:
    return f"notices_out {notice_id}"


# -- inbox -------------------------------------------------------------------------------------------
def found(reader: Reader, sender: str, notice_id: str) -> Incoming | None:
    """What was done about a notice, None when it is new."""
    rows = reader.fetch(f"SELECT {_IN} FROM notices_in WHERE sender = ? AND notice_id = ?", (sender, notice_id))
    return Incoming(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class NewIncoming:
    """A notice that is being followed: sender, id, SHA-256 of its bytes, kind, wall clock."""

    sender: str
    notice_id: str
    digest: bytes
    kind: str
    received_at: int


def keep(tx: Transaction, new: NewIncoming) -> int:
    """Store a notice in the job that follows it; ``say`` completes the row in the same job.

    Returns:
        Its row id.
    """
    tx.run(
        "INSERT INTO notices_in (sender, notice_id, digest, kind, facts, received_at, wiped) VALUES (?, ?, ?, ?, '', ?, 0)",
        (new.sender, new.notice_id, new.digest, new.kind, new.received_at),
    )
    return int(tx.fetch("SELECT max(id) FROM notices_in")[0][0])


def say(tx: Transaction, row_id: int, facts: str) -> None:
    """Store what the acknowledgement says."""
    tx.run("UPDATE notices_in SET facts = ? WHERE id = ?", (facts, row_id))


def newest_unwiped(reader: Reader) -> int:
    """The highest row id whose deletions may still stand in the write-ahead log, 0 for none."""
    return int(reader.fetch("SELECT coalesce(max(id), 0) FROM notices_in WHERE wiped = 0")[0][0])


def wiped(tx: Transaction, up_to: int) -> None:
    """Note that ``Writer.checkpoint`` ran after everything up to a row was committed."""
    tx.run("UPDATE notices_in SET wiped = 1 WHERE wiped = 0 AND id <= ?", (up_to,))


def received_page(reader: Reader, after: int, limit: int) -> list[Incoming]:
    """The inbox, oldest first; ``after`` is the last row id already seen, 0 to begin."""
    sql = f"SELECT {_IN} FROM notices_in WHERE id > ? ORDER BY id LIMIT ?"
    return [Incoming(*row) for row in reader.fetch(sql, (after, limit))]
