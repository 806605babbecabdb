"""The node's own case file: openings of the case's subjects and what was received for it. Encrypted, with a disposal date."""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Row, Transaction

_RECEIVED = "id, case_ref, rid, item, provider, dataset, content_sealed, verdict, received_at, dispose_at"


@dataclass(frozen=True, slots=True)
class CaseSubject:
    """One subject of a case, as the lead knows it.

    Args:
        idx: leaf index in the subjects tree.
        disclosure: ``[salt, kind, value]`` disclosure; encrypted at rest.
        pseudonym: keyed, of this department only.
        dispose_at: wall clock, epoch seconds; None while the case is open.
    """

    idx: int
    disclosure: str = field(repr=False)
    pseudonym: bytes
    dispose_at: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What one subject's part of an answer brought.

    Args:
        case_ref: ``<lead USCC>/<case no.>`` or None (own ledger).
        rid: request id.
        item: place of the subject in the request, from 0.
        provider: USCC.
        dataset: vct.
        content: values with their evidence, JSON bytes; encrypted at rest.
        verdict: of the verification.
        received_at: wall clock, epoch seconds.
        dispose_at: wall clock, epoch seconds.
        id: row id; 0 until stored.
    """

    case_ref: str | None
    rid: str
    item: int
    provider: str
    dataset: str
    content: bytes = field(repr=False)
    verdict: str
    received_at: int
    dispose_at: int
    id: int = 0


def put_subjects(tx: Transaction, sealer: Sealer, case_ref: str, subjects: Sequence[CaseSubject]) -> None:
    """Keep the openings of a case's subjects, in place of drafts from the first index on.

    Args:
        tx: of node.db.
        sealer: encrypts the disclosures.
        case_ref: ``<lead USCC>/<case no.>``.
        subjects: by rising index; what was stored from the first one's index on is replaced (drafts never put on chain).
    """
    tx.run("DELETE FROM case_subjects WHERE case_ref = ? AND idx >= ?", (case_ref, subjects[0].idx))
    tx.executemany(
        "INSERT INTO case_subjects (case_ref, idx, disclosure_sealed, pseudonym, dispose_at) VALUES (?, ?, ?, ?, ?)",
        [
            (case_ref, s.idx, sealer.seal(f"case_subjects {case_ref} {s.idx}", s.disclosure.encode()), s.pseudonym, s.dispose_at)
            for s in subjects
        ],
    )


def subjects(reader: Reader, sealer: Sealer, case_ref: str) -> list[CaseSubject]:
    """The subjects of a case by index; empty when this node holds none."""
    rows = reader.fetch(
        "SELECT idx, disclosure_sealed, pseudonym, dispose_at FROM case_subjects WHERE case_ref = ? ORDER BY idx", (case_ref,)
    )
    return [CaseSubject(r[0], sealer.open(f"case_subjects {case_ref} {r[0]}", r[1]).decode(), r[2], r[3]) for r in rows]


def subject_count(reader: Reader, case_ref: str) -> int:
    """How many openings of a case this node holds."""
    return int(reader.fetch("SELECT count(*) FROM case_subjects WHERE case_ref = ?", (case_ref,))[0][0])


def cases_of_pseudonym(reader: Reader, pseudonym: bytes) -> list[str]:
    """Cases that a subject is part of."""
    return [
        r[0] for r in reader.fetch("SELECT DISTINCT case_ref FROM case_subjects WHERE pseudonym = ? ORDER BY 1", (pseudonym,))
    ]


def set_disposal(tx: Transaction, case_ref: str, dispose_at: int) -> None:
    """Fix when everything about a case is disposed of (wall clock, epoch seconds)."""
    tx.run("UPDATE case_subjects SET dispose_at = ? WHERE case_ref = ?", (dispose_at, case_ref))
    tx.run("UPDATE received_values SET dispose_at = ? WHERE case_ref = ?", (dispose_at, case_ref))


def put_received(tx: Transaction, sealer: Sealer, values: Sequence[Received]) -> None:
    """Keep what an answer brought.

    Raises:
        StoreError: ``store-constraint`` when the request's item is stored already.
    """
    tx.insert(
        "received_values (case_ref, rid, item, provider, dataset, content_sealed, verdict, received_at, dispose_at)",
        [
            (
                v.case_ref,
                v.rid,
                v.item,
                v.provider,
                v.dataset,
                sealer.seal(_place(v.rid, v.item), v.content),
                v.verdict,
                v.received_at,
                v.dispose_at,
            )
            for v in values
        ],
    )


def received_of_rid(reader: Reader, sealer: Sealer, rid: str) -> list[Received]:
    """What one request brought, by item."""
    return [
        _received(r, sealer) for r in reader.fetch(f"SELECT {_RECEIVED} FROM received_values WHERE rid = ? ORDER BY item", (rid,))
    ]


def received_of_case(reader: Reader, sealer: Sealer, case_ref: str) -> list[Received]:
    """What was received for a case, in order."""
    rows = reader.fetch(f"SELECT {_RECEIVED} FROM received_values WHERE case_ref = ? ORDER BY id", (case_ref,))
    return [_received(r, sealer) for r in rows]


def replace_content(tx: Transaction, sealer: Sealer, value: Received, before: bytes) -> bool:
    """Keep a later form of what one item brought (a receipt that came in, a record that was taken out).

    Args:
        tx: of node.db.
        sealer: seals the content.
        value: with the new content.
        before: the content it was made from.

    Returns:
        False, and nothing is changed, when the item holds something else by now (an erasure went first) or is gone.
    """
    place = _place(value.rid, value.item)
    kept = tx.fetch("SELECT content_sealed FROM received_values WHERE rid = ? AND item = ?", (value.rid, value.item))
    if not kept or sealer.open(place, kept[0][0]) != before:
        return False
    sealed = sealer.seal(place, value.content)
    tx.run("UPDATE received_values SET content_sealed = ? WHERE rid = ? AND item = ?", (sealed, value.rid, value.item))
    return True


def remove(tx: Transaction, rid: str, item: int) -> None:
    """Delete what one item brought; gone for good after the next ``Writer.checkpoint``."""
    tx.run("DELETE FROM received_values WHERE rid = ? AND item = ?", (rid, item))


def cases_without_disposal(reader: Reader) -> list[str]:
    """Cases of whose subjects this node keeps openings without a disposal date."""
    rows = reader.fetch("SELECT DISTINCT case_ref FROM case_subjects WHERE dispose_at IS NULL ORDER BY 1")
    return [row[0] for row in rows]


def cases_due(reader: Reader, now_s: int) -> list[str | None]:
    """Cases of which something has reached its disposal date; None stands for standing use."""
    rows = reader.fetch(
        "SELECT case_ref FROM received_values WHERE dispose_at <= ? "
        "UNION SELECT case_ref FROM case_subjects WHERE dispose_at <= ?",
        (now_s, now_s),
    )
    return [row[0] for row in rows]


def dispose_case(tx: Transaction, case_ref: str | None, now_s: int) -> int:
    """``dispose`` for one case, None for standing use."""
    if case_ref is None:
        return tx.run("DELETE FROM received_values WHERE case_ref IS NULL AND dispose_at <= ?", (now_s,))
    values = tx.run("DELETE FROM received_values WHERE case_ref = ? AND dispose_at <= ?", (case_ref, now_s))
    return values + tx.run("DELETE FROM case_subjects WHERE case_ref = ? AND dispose_at <= ?", (case_ref, now_s))


def dispose(tx: Transaction, now_s: int) -> int:
    """Delete what has reached its disposal date; gone for good after the next ``Writer.checkpoint``.

    Returns:
        How many values and openings went.
    """
    values = tx.run("DELETE FROM received_values WHERE dispose_at <= ?", (now_s,))
    return values + tx.run("DELETE FROM case_subjects WHERE dispose_at <= ?", (now_s,))


def _place(rid: str, item: int) -> str:
    return f"received_values {rid} {item}"


def _received(row: Row, sealer: Sealer) -> Received:
    return Received(*(*row[1:6], sealer.open(_place(row[2], row[3]), row[6]), *row[7:], row[0]))
