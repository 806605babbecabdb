"""Received values that are no longer used because their record was erased where it came from.

Rules
1. ``erased``: the copy is gone; the row says that there was one.
2. ``restricted``: a retention duty keeps the copy, encrypted, in a table that nothing reads values from. When no duty of its case
   runs any more, it is erased.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from xinlian.store import duties
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Transaction

ERASED, RESTRICTED = "erased", "restricted"


@dataclass(frozen=True, slots=True)
class Ended:
    """One copy that ended.

    Args:
        notice: row id of the notice.
        rid: request that brought it.
        item: place in that request, from 0.
        jti: of the record, 16 bytes.
        case_ref: ``<lead USCC>/<case no.>`` or None.
        duty: row id of the duty that keeps it, None when it is gone.
        content: what is kept, JSON bytes; None when it is gone.
    """

    notice: int
    rid: str
    item: int
    jti: bytes
    case_ref: str | None
    duty: int | None = None
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """What may be said of an ended copy: its place, ``erased`` or ``restricted``, and why it is kept until when."""

    item: int
    state: str
    notice_id: str
    sender: str
    ended_at: int
    basis: str | None
    until: int | None


def put(tx: Transaction, sealer: Sealer, ended: Ended, now_s: int) -> None:
    """Note one copy that ended; what a duty keeps is sealed for this place."""
    e = ended
    sealed = None if e.content is None else sealer.seal(_place(e.rid, e.item, e.jti), e.content)
    tx.run(
        "INSERT INTO ended_values (notice, rid, item, jti, case_ref, state, content_sealed, duty, ended_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (e.notice, e.rid, e.item, e.jti, e.case_ref, ERASED if sealed is None else RESTRICTED, sealed, e.duty, now_s),
    )


def of_rid(reader: Reader, rid: str) -> list[Seen]:
    """What ended of a request, by item."""
    rows = reader.fetch(
        "SELECT v.item, v.state, n.notice_id, n.sender, v.ended_at, d.basis, d.until FROM ended_values v "
        "JOIN notices_in n ON n.id = v.notice LEFT JOIN retention_duties d ON d.id = v.duty "
        "WHERE v.rid = ? ORDER BY v.item, v.id",
        (rid,),
    )
    return [Seen(*row) for row in rows]


def restricted_cases(reader: Reader) -> list[str]:
    """Cases of which copies are kept by a duty."""
    rows = reader.fetch("SELECT DISTINCT case_ref FROM ended_values WHERE state = ? ORDER BY 1", (RESTRICTED,))
    return [row[0] for row in rows]


def release(tx: Transaction, now_s: int) -> int:
    """Erase what no running duty keeps any more; gone for good after the next ``Writer.checkpoint``.

    Returns:
        How many copies went.
    """
    gone = 0
    for case_ref in restricted_cases(tx):
        duty = duties.running(tx, case_ref, now_s)
        if duty is None:
            gone += tx.run(
                "UPDATE ended_values SET state = ?, content_sealed = NULL, duty = NULL WHERE case_ref = ? AND state = ?",
                (ERASED, case_ref, RESTRICTED),
            )
        else:
            tx.run("UPDATE ended_values SET duty = ? WHERE case_ref = ? AND state = ?", (duty.id, case_ref, RESTRICTED))
    return gone


def _place(rid: str, item: int, jti: bytes) -> str:
    return f"ended_values {rid} {item} {jti.hex()}"
