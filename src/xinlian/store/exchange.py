"""Requests to and from other nodes.

Rules
1. The requester stores ``attempted`` before it sends; the provider stores the sealed answer, the read entries and what they count
   (uses, attempts) in one job before it answers.
2. The same ``rid`` with the same ciphertext gets the same answer; with other bytes it is a conflict.
3. Only ciphertext digests and sealed bytes are kept here; values go to ``case_files``.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.store.writer import Reader, Row, Transaction

_OUT = (
    "rid, provider, mode, grant_ref, case_ref, state, request_digest, answer_digest, detail, created_at, finished_at, created_by"
)
_IN = "rid, requester, request_digest, status, answer, headers, answer_digest, created_at"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request this node sent.

    Args:
        rid: request id.
        provider: USCC.
        mode: ``verify``, ``query``, ``answer``, or ``file`` for the transfer of a file.
        grant_ref: ``<provider USCC>/<number>``.
        case_ref: ``<lead USCC>/<case no.>`` or None.
        state: ``attempted``, ``received``, ``refused`` or ``no-answer``.
        request_digest: SHA-256 of the ciphertext.
        answer_digest: SHA-256 of the ciphertext, None before.
        detail: the refusing check or the problem's code.
        created_at: wall clock, epoch seconds.
        finished_at: wall clock, epoch seconds, None before.
        created_by: user id.
    """

    rid: str
    provider: str
    mode: str
    grant_ref: str
    case_ref: str | None
    state: str
    request_digest: bytes
    answer_digest: bytes | None
    detail: str | None
    created_at: int
    finished_at: int | None
    created_by: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request this node answered.

    Args:
        rid: request id.
        requester: USCC.
        request_digest: SHA-256 of the ciphertext.
        status: HTTP status of the answer.
        answer: HPKE sealed bytes as sent; None once forgotten.
        headers: JSON text of the answer's signature headers.
        answer_digest: SHA-256 of ``answer``.
        created_at: wall clock, epoch seconds.
    """

    rid: str
    requester: str
    request_digest: bytes
    status: int
    answer: bytes | None = field(repr=False)
    headers: str
    answer_digest: bytes
    created_at: int


# -- requester ---------------------------------------------------------------------------------------
def attempt(tx: Transaction, request: Outgoing) -> None:
    """Store a request before it is sent; it becomes ``attempted``.

    Raises:
        ConflictError: ``rid-exists``.
    """
    r = request
    if tx.fetch("SELECT 1 FROM exchange_out WHERE rid = ?", (r.rid,)):
        raise ConflictError("rid-exists", "a request with this id was made already", rid=r.rid)
    tx.run(
        f"INSERT INTO exchange_out ({_OUT}) VALUES (?, ?, ?, ?, ?, 'attempted', ?, NULL, NULL, ?, NULL, ?)",
        (r.rid, r.provider, r.mode, r.grant_ref, r.case_ref, r.request_digest, r.created_at, r.created_by),
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a request ended.

    Args:
        state: ``received``, ``refused`` or ``no-answer``; the last may still become one of the others.
        finished_at: wall clock, epoch seconds.
        answer_digest: SHA-256 of the ciphertext, None without one.
        detail: the refusing check or the problem's code.
    """

    state: str
    finished_at: int
    answer_digest: bytes | None = None
    detail: str | None = None


def finish(tx: Transaction, rid: str, ending: Ending) -> None:
    """Store how a request ended.

    Raises:
        NotFoundError: ``record-unknown`` when the request is not known or ended already.
    """
    changed = tx.run(
        "UPDATE exchange_out SET state = ?, finished_at = ?, answer_digest = ?, detail = ? "
        "WHERE rid = ? AND state IN ('attempted', 'no-answer')",
        (ending.state, ending.finished_at, ending.answer_digest, ending.detail, rid),
    )
    if changed != 1:
        raise NotFoundError("record-unknown", "no open request with this id", rid=rid)


def note_detail(tx: Transaction, rid: str, detail: str) -> None:
    """Note what became of an answer later (a file that turned out damaged)."""
    tx.run("UPDATE exchange_out SET detail = ? WHERE rid = ?", (detail, rid))


def outgoing(reader: Reader, rid: str) -> Outgoing | None:
    """One request this node sent, None when it is not known."""
    rows = reader.fetch(f"SELECT {_OUT} FROM exchange_out WHERE rid = ?", (rid,))
    return _out(rows[0]) if rows else None


def outgoing_in(reader: Reader, state: str) -> list[Outgoing]:
    """Requests in a state, oldest first (after a crash: those still ``attempted``)."""
    return [
        _out(row) for row in reader.fetch(f"SELECT {_OUT} FROM exchange_out WHERE state = ? ORDER BY created_at, rid", (state,))
    ]


def outgoing_before(reader: Reader, before: Sequence[int | str] | None, limit: int) -> list[Outgoing]:
    """Requests of this node, newest first.

    Args:
        reader: of node.db.
        before: (created_at, rid) of the last one already seen, None to begin.
        limit: at most so many.
    """
    bound, values = ("", ()) if before is None else ("WHERE (created_at, rid) < (?, ?) ", tuple(before))
    sql = f"SELECT {_OUT} FROM exchange_out {bound}ORDER BY created_at DESC, rid DESC LIMIT ?"
    return [Outgoing(*row) for row in reader.fetch(sql, (*values, limit))]


def outgoing_of_case(reader: Reader, case_ref: str) -> list[Outgoing]:
    """Requests made for a case, oldest first."""
    sql = f"SELECT {_OUT} FROM exchange_out WHERE case_ref = ? ORDER BY created_at, rid"
    return [_out(row) for row in reader.fetch(sql, (case_ref,))]


# -- provider ----------------------------------------------------------------------------------------
def answered(reader: Reader, rid: str, requester: str, request_digest: bytes) -> Incoming | None:
    """The answer already given to the same request.

    Returns:
        None when the ``rid`` is new.

    Raises:
        ConflictError: ``rid-exists`` when it came with other bytes or from someone else.
    """
    rows = reader.fetch(f"SELECT {_IN} FROM exchange_in WHERE rid = ?", (rid,))
    if not rows:
        return None
    found = Incoming(*rows[0])
    if found.request_digest != request_digest or found.requester != requester:
        raise ConflictError("rid-exists", "this request id was used with other bytes", rid=rid)
    return found


def keep_answer(tx: Transaction, answer: Incoming) -> None:
    """Store an answer before it is sent; call ``answered`` on the same transaction before.

    Raises:
        StoreError: ``store-constraint`` when the ``rid`` is taken.
    """
    a = answer
    tx.run(
        f"INSERT INTO exchange_in ({_IN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (a.rid, a.requester, a.request_digest, a.status, a.answer, a.headers, a.answer_digest, a.created_at),
    )


def forget_answers_before(tx: Transaction, time: int) -> int:
    """Drop the sealed bytes of answers given before a time; ``rid`` and digests stay.

    Returns:
        How many were dropped.
    """
    return tx.run("UPDATE exchange_in SET answer = NULL WHERE created_at < ? AND answer IS NOT NULL", (time,))


def use(tx: Transaction, grant_ref: str, case_ref: str, uses: int = 1) -> int:
    """Count uses of a grant for a case.

    Args:
        tx: of node.db.
        grant_ref: ``<provider USCC>/<number>``.
        case_ref: ``<lead USCC>/<case no.>``.
        uses: how many more.

    Returns:
        The new count; raise in the same job when it is above the grant's limit, and nothing is counted.
    """
    tx.run(
        "INSERT INTO exchange_uses (grant_ref, case_ref, count) VALUES (?, ?, ?) "
        "ON CONFLICT (grant_ref, case_ref) DO UPDATE SET count = exchange_uses.count + excluded.count",
        (grant_ref, case_ref, uses),
    )
    return uses_of(tx, grant_ref, case_ref)


def uses_of(reader: Reader, grant_ref: str, case_ref: str) -> int:
    """How often a grant was used for a case."""
    rows = reader.fetch("SELECT count FROM exchange_uses WHERE grant_ref = ? AND case_ref = ?", (grant_ref, case_ref))
    return int(rows[0][0]) if rows else 0


def forget_uses(tx: Transaction) -> None:
    """Forget all counted uses: on another chain the same numbers name other grants (``chain reattach`` only)."""
    tx.run("DELETE FROM exchange_uses")


def count_attempts(tx: Transaction, case_ref: str, attempts: Sequence[tuple[bytes, str]]) -> None:
    """Count attempts to verify fields of subjects within a case.

    Args:
        tx: of node.db.
        case_ref: ``<lead USCC>/<case no.>``.
        attempts: (pseudonym, field); one that stands twice counts twice.
    """
    tx.insert(
        "verify_attempts (case_ref, pseudonym, field, count)",
        [(case_ref, pseudonym, name, count) for (pseudonym, name), count in Counter(attempts).items()],
        "ON CONFLICT (case_ref, pseudonym, field) DO UPDATE SET count = verify_attempts.count + excluded.count",
    )


def attempts_of(reader: Reader, case_ref: str, pseudonyms: Sequence[bytes]) -> dict[tuple[bytes, str], int]:
    """How often fields of some subjects were verified within a case, by (pseudonym, field); at most 100 subjects."""
    marks = ", ".join("?" * len(pseudonyms))
    sql = f"SELECT pseudonym, field, count FROM verify_attempts WHERE case_ref = ? AND pseudonym IN ({marks})"
    return {(pseudonym, name): count for pseudonym, name, count in reader.fetch(sql, (case_ref, *pseudonyms))}


def _out(row: Row) -> Outgoing:
    return Outgoing(*row)
