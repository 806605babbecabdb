"""Authorisations of data subjects: own ones with form and secret encrypted, uses by requests, withdrawals that were handed in.

Rules
1. A row of ``authorisations`` is written before its transaction is sent, and removed when the chain rejects that for good.
2. A withdrawal is never removed: a node honours it from ``handed_in_at`` on, whatever becomes of its transaction.
3. Subjects stand as this department's keyed pseudonyms.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from xinlian.protocol.documents import SALT_BYTES
from xinlian.protocol.errors import NotFoundError
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Row, Transaction

_COLUMNS = "id, digest, catalog_code, case_ref, expires_at, created_at, created_by, form_sealed, secret_sealed"
_WITHDRAWN = "recorder, authorisation, handed_in_at, relayed_at, code, secret_sealed"
Ref = tuple[str, bytes]
"""Recorder (USCC) and id (32 bytes) of an authorisation."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An authorisation that this department recorded.

    Args:
        id: random, 32 bytes.
        digest: of the form's document, 32 bytes.
        catalog_code: whose entry it is about.
        case_ref: ``<lead USCC>/<case no.>``, None for standing use.
        expires_at: law time, first second after its term.
        created_at: law time.
        created_by: user id.
        salt: of the form, 32 bytes.
        text: exact bytes of the form.
        secret: opens the commitment on chain, 32 bytes.
    """

    id: bytes
    digest: bytes
    catalog_code: str
    case_ref: str | None
    expires_at: int
    created_at: int
    created_by: int
    salt: bytes = field(repr=False)
    text: bytes = field(repr=False)
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A withdrawal that was handed in here; ``relayed_at`` is law time once the chain shows it."""

    recorder: str
    id: bytes
    handed_in_at: int
    relayed_at: int | None
    code: str | None
    secret: bytes = field(repr=False)


# -- recorded here -----------------------------------------------------------------------------------


def put(tx: Transaction, sealer: Sealer, new: Recorded, pseudonyms: Iterable[bytes]) -> None:
    """Store an authorisation that is about to be recorded, with the pseudonyms of whom it covers."""
    tx.run(
        f"INSERT INTO authorisations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.id,
            new.digest,
            new.catalog_code,
            new.case_ref,
            new.expires_at,
            new.created_at,
            new.created_by,
            sealer.seal(_place(new.id, "form"), new.salt + new.text),
            sealer.seal(_place(new.id, "secret"), new.secret),
        ),
    )
    for pseudonym in dict.fromkeys(pseudonyms):
        tx.run("INSERT INTO authorisation_subjects (authorisation, pseudonym) VALUES (?, ?)", (new.id, pseudonym))


def remove(tx: Transaction, authorisation: bytes) -> None:
    """Forget one that the chain rejected."""
    tx.run("DELETE FROM authorisation_subjects WHERE authorisation = ?", (authorisation,))
    tx.run("DELETE FROM authorisations WHERE id = ?", (authorisation,))


def found(reader: Reader, sealer: Sealer, authorisation: bytes) -> Recorded | None:
    """An authorisation recorded here, None when it is none."""
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM authorisations WHERE id = ?", (authorisation,))
    return _recorded(sealer, rows[0]) if rows else None


def by_id(reader: Reader, sealer: Sealer, authorisation: bytes) -> Recorded:
    """An authorisation recorded here.

    Raises:
        NotFoundError: ``authorisation-unknown``.
    """
    one = found(reader, sealer, authorisation)
    if one is None:
        raise NotFoundError(
            "authorisation-unknown", "this node recorded no such authorisation", authorisation=authorisation.hex()
        )
    return one


def of_subject(reader: Reader, sealer: Sealer, pseudonym: bytes, code: str, case_ref: str | None) -> list[Recorded]:
    """Authorisations about a subject for a catalogue code and a case (None: standing use), newest first."""
    names = ", ".join(f"a.{name}" for name in _COLUMNS.split(", "))
    rows = reader.fetch(
        f"SELECT {names} FROM authorisations a JOIN authorisation_subjects s ON s.authorisation = a.id "
        "WHERE s.pseudonym = ? AND a.catalog_code = ? AND (a.case_ref = ? OR (a.case_ref IS NULL AND ? IS NULL)) "
        "ORDER BY a.created_at DESC, a.id DESC LIMIT 50",
        (pseudonym, code, case_ref, case_ref),
    )
    return [_recorded(sealer, row) for row in rows]


def page(reader: Reader, sealer: Sealer, after: tuple[int, bytes] | None, limit: int) -> list[Recorded]:
    """Authorisations recorded here, oldest first."""
    time, last = after if after is not None else (-1, b"")
    newer = "created_at > ? OR (created_at = ? AND id > ?)"
    sql = f"SELECT {_COLUMNS} FROM authorisations WHERE {newer} ORDER BY created_at, id LIMIT ?"
    return [_recorded(sealer, row) for row in reader.fetch(sql, (time, time, last, limit))]


# -- uses --------------------------------------------------------------------------------------------


def use(tx: Transaction, rid: str, refs: Iterable[Ref], now_s: int) -> None:
    """Note which authorisations a request was allowed by."""
    for recorder, authorisation in refs:
        tx.run(
            "INSERT INTO authorisation_uses (rid, recorder, authorisation, used_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (rid, recorder, authorisation, now_s),
        )


def shown_with(reader: Reader, rid: str) -> list[Ref]:
    """The authorisations that a request showed."""
    sql = "SELECT recorder, authorisation FROM authorisation_uses WHERE rid = ? ORDER BY recorder, authorisation"
    return [(row[0], row[1]) for row in reader.fetch(sql, (rid,))]


def uses_of(reader: Reader, ref: Ref, limit: int = 200) -> list[tuple[str, int]]:
    """(request id, law time) of the requests that showed an authorisation to this node or from it, oldest first."""
    sql = "SELECT rid, used_at FROM authorisation_uses WHERE recorder = ? AND authorisation = ? ORDER BY used_at, rid LIMIT ?"
    return [(row[0], row[1]) for row in reader.fetch(sql, (*ref, limit))]


# -- withdrawals -------------------------------------------------------------------------------------


def hand_in(tx: Transaction, sealer: Sealer, ref: Ref, secret: bytes, now_s: int) -> bool:
    """Keep a withdrawal.

    Returns:
        False when it is there already.
    """
    sealed = sealer.seal(_place(ref[1], f"withdrawal {ref[0]}"), secret)
    changed = tx.run(
        "INSERT INTO authorisation_withdrawals (recorder, authorisation, secret_sealed, handed_in_at, relayed_at, code) "
        "VALUES (?, ?, ?, ?, NULL, NULL) ON CONFLICT DO NOTHING",
        (*ref, sealed, now_s),
    )
    return changed > 0


def relayed(tx: Transaction, ref: Ref, now_s: int) -> None:
    """The chain shows a withdrawal."""
    sql = "UPDATE authorisation_withdrawals SET relayed_at = ?, code = NULL WHERE recorder = ? AND authorisation = ?"
    tx.run(sql, (now_s, *ref))


def not_relayed(tx: Transaction, ref: Ref, code: str) -> None:
    """An attempt to relay it failed."""
    tx.run("UPDATE authorisation_withdrawals SET code = ? WHERE recorder = ? AND authorisation = ?", (code, *ref))


def handed_in(reader: Reader, sealer: Sealer, ref: Ref) -> HandedIn | None:
    """A withdrawal that was handed in here, None when there was none."""
    rows = reader.fetch(f"SELECT {_WITHDRAWN} FROM authorisation_withdrawals WHERE recorder = ? AND authorisation = ?", ref)
    return _handed_in(sealer, rows[0]) if rows else None


def withdrawn_among(reader: Reader, refs: Sequence[Ref]) -> frozenset[Ref]:
    """Those of some authorisations whose withdrawal was handed in here."""
    sql = "SELECT 1 FROM authorisation_withdrawals WHERE recorder = ? AND authorisation = ?"
    return frozenset(ref for ref in refs if reader.fetch(sql, ref))


def to_relay(reader: Reader, sealer: Sealer, limit: int = 100) -> list[HandedIn]:
    """Withdrawals that the chain does not show yet, oldest first."""
    order = "ORDER BY handed_in_at, authorisation LIMIT ?"
    rows = reader.fetch(f"SELECT {_WITHDRAWN} FROM authorisation_withdrawals WHERE relayed_at IS NULL {order}", (limit,))
    return [_handed_in(sealer, row) for row in rows]


def _place(authorisation: bytes, what: str) -> str:
    return f"authorisations {what} {authorisation.hex()}"


def _recorded(sealer: Sealer, row: Row) -> Recorded:
    *plain, sealed_form, sealed_secret = row
    form = sealer.open(_place(row[0], "form"), sealed_form)
    secret = sealer.open(_place(row[0], "secret"), sealed_secret)
    return Recorded(*(*plain, form[:SALT_BYTES], form[SALT_BYTES:], secret))


def _handed_in(sealer: Sealer, row: Row) -> HandedIn:
    *plain, sealed = row
    return HandedIn(*(*plain, sealer.open(_place(row[1], f"withdrawal {row[0]}"), sealed)))
