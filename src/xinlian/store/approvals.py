"""Approvals: what one person proposed and another has to consent to, and who did which step when.

Rules
1. States move only along ``MOVES``; a move from any other state is refused inside the transaction that tries it.
2. One object has at most one open approval of a kind (``open_key`` is unique and empty once it is settled).
3. Steps are appended and never changed. A step that a person did names them; what the node did by itself has no step.

Example: ``move(tx, 7, State.CONSENTED, now_s=law)``
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.store.writer import Reader, Row, Transaction

_COLUMNS = "id, kind, object_ref, state, round, proposal, document, code, result, created_at, changed_at"


class State(StrEnum):
    """Where an approval stands."""

    PENDING = "pending"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    CONSENTED = "consented"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"


MOVES: Final[dict[State, frozenset[State]]] = {
    State.PENDING: frozenset({State.RETURNED, State.WITHDRAWN, State.CONSENTED}),
    State.RETURNED: frozenset({State.PENDING, State.WITHDRAWN}),
    State.CONSENTED: frozenset({State.EXECUTING}),
    State.EXECUTING: frozenset({State.DONE, State.FAILED}),
    State.WITHDRAWN: frozenset(),
    State.DONE: frozenset(),
    State.FAILED: frozenset(),
}
"""From where to where."""
SETTLED: Final = frozenset(state for state, following in MOVES.items() if not following)


class Act(StrEnum):
    """What a person did."""

    PROPOSED = "proposed"
    CONSENTED = "consented"
    SENT_BACK = "sent-back"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval.

    Args:
        id: row id.
        kind: registered kind of action.
        object_ref: what it is about (``protocol.objects``).
        state: where it stands.
        round: how often it was proposed, from 1.
        proposal: digest of the newest proposal's text.
        document: digest of the text that the consenting person signed, None before.
        code: error code of the failure, or while executing of what it waits for; else None.
        result: JSON text of what the action gave back, None before.
        created_at: law time, epoch seconds.
        changed_at: law time of the last move, epoch seconds.
    """

    id: int
    kind: str
    object_ref: str
    state: State
    round: int
    proposal: bytes
    document: bytes | None
    code: str | None
    result: str | None
    created_at: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an approval.

    Args:
        seq: from 1; 0 until stored.
        act: what was done.
        user_id: ``users.id`` of who did it.
        at: law time, epoch seconds.
        document: digest of the step's text, None for steps without one.
    """

    seq: int
    act: Act
    user_id: int
    at: int
    document: bytes | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which approvals a listing shows; None shows all."""

    state: State | None = None
    kind: str | None = None
    object_ref: str | None = None


def insert(tx: Transaction, kind: str, object_ref: str, proposal: bytes, now_s: int) -> Approval:
    """Store a first proposal.

    Raises:
        ConflictError: ``approval-open`` when the object has an open approval of this kind.
    """
    if open_one(tx, kind, object_ref) is not None:
        raise ConflictError("approval-open", "this step is proposed already and waits", kind=kind, object=object_ref)
    tx.run(
        "INSERT INTO approvals (kind, object_ref, open_key, state, round, proposal, created_at, changed_at) "
        "VALUES (?, ?, ?, ?, 1, ?, ?, ?)",
        (kind, object_ref, _open_key(kind, object_ref), State.PENDING, proposal, now_s, now_s),
    )
    rows = tx.fetch(f"SELECT {_COLUMNS} FROM approvals WHERE open_key = ?", (_open_key(kind, object_ref),))
    return _approval(rows[0])


def propose_again(tx: Transaction, approval_id: int, proposal: bytes, now_s: int) -> Approval:
    """A returned one gets a new proposal and waits again.

    Raises:
        NotFoundError: ``approval-unknown``.
        ConflictError: ``approval-state``.
    """
    before = move(tx, approval_id, State.PENDING, now_s)
    tx.run("UPDATE approvals SET proposal = ?, round = ? WHERE id = ?", (proposal, before.round + 1, approval_id))
    return by_id(tx, approval_id)


def move(tx: Transaction, approval_id: int, after: State, now_s: int) -> Approval:
    """Move an approval on.

    Returns:
        The approval as it was before.

    Raises:
        NotFoundError: ``approval-unknown``.
        ConflictError: ``approval-state`` when it cannot go there from where it is.
    """
    before = by_id(tx, approval_id)
    if after not in MOVES[before.state]:
        text = f"approval {approval_id} is {before.state}; it cannot become {after}"
        raise ConflictError("approval-state", text, approval=approval_id, state=before.state.value)
    open_key = None if after in SETTLED else _open_key(before.kind, before.object_ref)
    tx.run(
        "UPDATE approvals SET state = ?, open_key = ?, changed_at = ?, code = NULL WHERE id = ?",
        (after, open_key, now_s, approval_id),
    )
    return before


def set_document(tx: Transaction, approval_id: int, document: bytes) -> None:
    """Note the text that was consented to."""
    tx.run("UPDATE approvals SET document = ? WHERE id = ?", (document, approval_id))


def set_code(tx: Transaction, approval_id: int, code: str | None) -> None:
    """Note the error code of a failure, or of what the execution waits for."""
    tx.run("UPDATE approvals SET code = ? WHERE id = ?", (code, approval_id))


def set_result(tx: Transaction, approval_id: int, result: str) -> None:
    """Note what the action gave back (JSON text without personal data)."""
    tx.run("UPDATE approvals SET result = ? WHERE id = ?", (result, approval_id))


def add_step(tx: Transaction, approval_id: int, step: Step) -> Step:
    """Append a step; its ``seq`` is ignored.

    Returns:
        The same with its ``seq``.
    """
    (last,) = tx.fetch("SELECT coalesce(max(seq), 0) FROM approval_steps WHERE approval_id = ?", (approval_id,))[0]
    tx.run(
        "INSERT INTO approval_steps (approval_id, seq, act, user_id, at, document) VALUES (?, ?, ?, ?, ?, ?)",
        (approval_id, last + 1, step.act, step.user_id, step.at, step.document),
    )
    return replace(step, seq=last + 1)


def by_id(reader: Reader, approval_id: int) -> Approval:
    """One approval.

    Raises:
        NotFoundError: ``approval-unknown``.
    """
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM approvals WHERE id = ?", (approval_id,))
    if not rows:
        raise NotFoundError("approval-unknown", f"there is no approval {approval_id}", approval=approval_id)
    return _approval(rows[0])


def open_one(reader: Reader, kind: str, object_ref: str) -> Approval | None:
    """The open approval of a kind for an object, None when there is none."""
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM approvals WHERE open_key = ?", (_open_key(kind, object_ref),))
    return _approval(rows[0]) if rows else None


def newest_object(reader: Reader, kind: str) -> str | None:
    """The greatest object reference of a kind, None when there is none."""
    (found,) = reader.fetch("SELECT max(object_ref) FROM approvals WHERE kind = ?", (kind,))[0]
    return None if found is None else str(found)


def steps_of(reader: Reader, approval_ids: Sequence[int]) -> dict[int, list[Step]]:
    """The steps of some approvals, by approval, in order."""
    found: dict[int, list[Step]] = {approval_id: [] for approval_id in approval_ids}
    marks = ", ".join("?" * len(approval_ids))
    sql = f"SELECT approval_id, seq, act, user_id, at, document FROM approval_steps WHERE approval_id IN ({marks}) ORDER BY seq"
    for approval_id, seq, act, user_id, at, document in reader.fetch(sql, tuple(approval_ids)) if approval_ids else ():
        found[approval_id].append(Step(seq, Act(act), user_id, at, document))
    return found


def proposers(reader: Reader, approval_id: int) -> frozenset[int]:
    """``users.id`` of everybody who proposed it in any round."""
    sql = "SELECT DISTINCT user_id FROM approval_steps WHERE approval_id = ? AND act = ?"
    return frozenset(row[0] for row in reader.fetch(sql, (approval_id, Act.PROPOSED)))


def page(reader: Reader, after: int, limit: int, only: Filter) -> list[Approval]:
    """Approvals by rising id.

    Args:
        reader: of node.db.
        after: the last id already seen, 0 to begin.
        limit: at most so many.
        only: which.
    """
    sql = (
        f"SELECT {_COLUMNS} FROM approvals WHERE id > ? AND (? IS NULL OR state = ?) AND (? IS NULL OR kind = ?) "
        "AND (? IS NULL OR object_ref = ?) ORDER BY id LIMIT ?"
    )
    pairs = (only.state, only.state, only.kind, only.kind, only.object_ref, only.object_ref)
    return [_approval(row) for row in reader.fetch(sql, (after, *pairs, limit))]


def in_states(reader: Reader, *states: State) -> list[Approval]:
    """Every approval in some states, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM approvals WHERE state IN ({', '.join('?' * len(states))}) ORDER BY id"
    return [_approval(row) for row in reader.fetch(sql, states)]


def unanswered_failures(reader: Reader, since: int) -> list[Approval]:
    """Failed approvals after which the same step was not proposed again, oldest first.

    Args:
        reader: of node.db.
        since: law time of the failure at the earliest.
    """
    columns = ", ".join(f"a.{name}" for name in _COLUMNS.split(", "))
    sql = (
        f"SELECT {columns} FROM approvals a WHERE a.state = ? AND a.changed_at >= ? AND NOT EXISTS "
        "(SELECT 1 FROM approvals b WHERE b.kind = a.kind AND b.object_ref = a.object_ref AND b.id > a.id) ORDER BY a.id"
    )
    return [_approval(row) for row in reader.fetch(sql, (State.FAILED, since))]


def _open_key(kind: str, object_ref: str) -> str:
    return f"{kind} {object_ref}"


def _approval(row: Row) -> Approval:
    return Approval(row[0], row[1], row[2], State(row[3]), *row[4:])
