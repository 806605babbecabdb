"""Transfers of files between departments: what the provider gave, and what the requester is fetching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xinlian.store.attachments import RESTRICTED
from xinlian.store.ended_values import RESTRICTED as COPY_RESTRICTED
from xinlian.store.writer import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Transfer:
    """A file that was given to another department, as the provider counts it.

    Args:
        rid: request id of the piece that opened it.
        requester: USCC.
        grant_ref: ``<provider USCC>/<number>``.
        case_ref: ``<lead USCC>/<case no.>`` or None.
        position: of the record.
        field: the file field.
        pieces: how many were given.
        bytes: how many bytes were given, repeated ones included.
        opened_at, last_at: wall clock, epoch seconds.
        refused: the check that last refused a piece, None without one.
    """

    rid: str
    requester: str
    grant_ref: str
    case_ref: str | None
    position: int
    field: str
    pieces: int
    bytes: int
    opened_at: int
    last_at: int
    refused: str | None = None


def open_transfer(tx: Transaction, new: Transfer) -> None:
    """Store a transfer together with its read entry."""
    tx.run(
        "INSERT INTO file_transfers (rid, requester, grant_ref, case_ref, position, field, pieces, bytes, opened_at, last_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.rid,
            new.requester,
            new.grant_ref,
            new.case_ref,
            new.position,
            new.field,
            new.pieces,
            new.bytes,
            new.opened_at,
            new.last_at,
        ),
    )


def transfer(reader: Reader, rid: str) -> Transfer | None:
    """One transfer, None when it is not known."""
    rows = reader.fetch(
        "SELECT rid, requester, grant_ref, case_ref, position, field, pieces, bytes, opened_at, last_at, refused "
        "FROM file_transfers WHERE rid = ?",
        (rid,),
    )
    return Transfer(*rows[0]) if rows else None


def count_piece(tx: Transaction, rid: str, size: int, now_s: int) -> None:
    """Count a piece before it is sent."""
    tx.run("UPDATE file_transfers SET pieces = pieces + 1, bytes = bytes + ?, last_at = ? WHERE rid = ?", (size, now_s, rid))


def note_refusal(tx: Transaction, rid: str, check: str, now_s: int) -> None:
    """Note which check refused a further piece."""
    tx.run("UPDATE file_transfers SET refused = ?, last_at = ? WHERE rid = ?", (check, now_s, rid))


@dataclass(frozen=True, slots=True)
class Fetch:
    """A file that this department fetches from another one.

    Args:
        attachment: id of the attachment it goes into.
        rid: request id of the query that brought the record.
        item: place of the subject in that query, from 0.
        record_id: the record.
        field: the file field.
        transfer: request id of the piece that opened the transfer; None before.
    """

    attachment: bytes
    rid: str
    item: int
    record_id: str
    field: str
    transfer: str | None = None


_FETCH = "attachment, rid, item, record_id, field, transfer"


def begin_fetch(tx: Transaction, new: Fetch) -> None:
    """Store a fetch, in place of one of the same file whose attachment is gone."""
    tx.run(
        "DELETE FROM file_fetches WHERE rid = ? AND item = ? AND record_id = ? AND field = ?",
        (new.rid, new.item, new.record_id, new.field),
    )
    tx.run(
        "INSERT INTO file_fetches (attachment, rid, item, record_id, field, transfer) VALUES (?, ?, ?, ?, ?, ?)",
        (new.attachment, new.rid, new.item, new.record_id, new.field, new.transfer),
    )


def fetch_of(reader: Reader, rid: str, item: int, record_id: str, name: str) -> Fetch | None:
    """The fetch of one file, None when it was not begun."""
    rows = reader.fetch(
        f"SELECT {_FETCH} FROM file_fetches WHERE rid = ? AND item = ? AND record_id = ? AND field = ?",  # noqa: S608 - columns
        (rid, item, record_id, name),
    )
    return Fetch(*rows[0]) if rows else None


def fetch_into(reader: Reader, attachment: bytes) -> Fetch | None:
    """The fetch that an attachment came by, None for own ones."""
    rows = reader.fetch(f"SELECT {_FETCH} FROM file_fetches WHERE attachment = ?", (attachment,))  # noqa: S608 - columns
    return Fetch(*rows[0]) if rows else None


def note_transfer(tx: Transaction, attachment: bytes, transfer_rid: str | None) -> None:
    """Note which transfer the provider opened; None when it has to open another one."""
    tx.run("UPDATE file_fetches SET transfer = ? WHERE attachment = ?", (transfer_rid, attachment))


def fetched_of(reader: Reader, rid: str, item: int, record_id: str) -> list[bytes]:
    """Attachments that belong to one record of what a query brought."""
    sql = "SELECT attachment FROM file_fetches WHERE rid = ? AND item = ? AND record_id = ?"
    return [row[0] for row in reader.fetch(sql, (rid, item, record_id))]


def disposed(reader: Reader) -> list[bytes]:
    """Attachments whose record, received for a case, was disposed of; restricted ones when no duty keeps that record's copy."""
    rows = reader.fetch(
        "SELECT f.attachment FROM file_fetches f LEFT JOIN attachments a ON a.id = f.attachment "
        "WHERE CASE WHEN a.state = ? THEN NOT EXISTS (SELECT 1 FROM ended_values e WHERE e.rid = f.rid AND e.item = f.item "
        "AND e.state = ? AND lower(hex(e.jti)) = replace(f.record_id, '-', '')) "
        "ELSE NOT EXISTS (SELECT 1 FROM received_values v WHERE v.rid = f.rid AND v.item = f.item) END",
        (RESTRICTED, COPY_RESTRICTED),
    )
    return [row[0] for row in rows]


def forget_fetches(tx: Transaction, attachments: Sequence[bytes]) -> None:
    """Remove fetches whose attachments are gone."""
    for attachment in attachments:
        tx.run("DELETE FROM file_fetches WHERE attachment = ?", (attachment,))
