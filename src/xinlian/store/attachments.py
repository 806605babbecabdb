"""Attachments: what is known of every stored file, and what uses it.

Rules
1. Names, digests and the open end of an upload are encrypted; a file is found by a keyed tag of its digest.
2. ``taken`` and ``tail_sealed`` change together, after the chunks before them are on disk.
3. uploading → complete | refused; complete → restricted (kept by a duty alone, served to nobody); any → destroying → gone.
   ``destroying`` is committed before a key is destroyed, so that a stop in between is carried on.
4. A use is noted in the transaction that makes it, and only of a complete attachment.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Row, Transaction

OWN, RECEIVED = "own", "received"
UPLOADING, COMPLETE, REFUSED, RESTRICTED, DESTROYING = "uploading", "complete", "refused", "restricted", "destroying"
RECORD = "record"
_COLUMNS = (
    "number, id, origin, state, media_type, name_sealed, length, taken, expected_sealed, digest_sealed, scan, reason, "
    "created_by, created_at, touched_at"
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """One stored file.

    Args:
        id: 16 random bytes.
        origin: ``own`` or ``received``.
        state: see rule 3.
        media_type: as announced, and proven once complete.
        name: file name.
        length: bytes announced; None when they were not.
        taken: bytes taken in for good.
        expected: SHA-256 announced (32 bytes), or None.
        digest: SHA-256 (32 bytes), once complete.
        scan: ``clean`` or ``not-scanned``, once complete.
        reason: why it was refused.
        created_by: user id.
        created_at, touched_at: wall clock, epoch seconds.
        number: row number, rising; 0 until stored.
    """

    id: bytes
    origin: str
    state: str
    media_type: str
    name: str = field(repr=False)
    length: int | None
    taken: int
    expected: bytes | None = field(repr=False)
    digest: bytes | None = field(repr=False)
    scan: str | None
    reason: str | None
    created_by: int
    created_at: int
    touched_at: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """What uses an attachment: kind (``record``), its reference (the position), and the field."""

    kind: str
    ref: str
    field: str


def insert(tx: Transaction, sealer: Sealer, new: Attachment) -> None:
    """Store an attachment that is about to be written; its key is stored already."""
    tx.run(
        "INSERT INTO attachments (id, origin, state, media_type, name_sealed, length, taken, expected_sealed, created_by, "
        "created_at, touched_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.id,
            new.origin,
            UPLOADING,
            new.media_type,
            sealer.seal(_place(new.id, "name"), new.name.encode()),
            new.length,
            0,
            _sealed(sealer, new.id, "expected", new.expected),
            new.created_by,
            new.created_at,
            new.touched_at,
        ),
    )


def by_id(reader: Reader, sealer: Sealer, blob: bytes) -> Attachment:
    """One attachment.

    Raises:
        NotFoundError: ``attachment-unknown``, also for one that is being destroyed.
    """
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM attachments WHERE id = ? AND state <> ?", (blob, DESTROYING))
    if not rows:
        raise NotFoundError("attachment-unknown", "there is no such attachment on this node", attachment=blob.hex())
    return _attachment(rows[0], sealer)


def by_digest(reader: Reader, sealer: Sealer, tag: bytes, media_types: Sequence[str]) -> Attachment | None:
    """The newest complete own attachment with this content and one of these types."""
    marks = ", ".join("?" * len(media_types))
    rows = reader.fetch(
        f"SELECT {_COLUMNS} FROM attachments WHERE digest_tag = ? AND origin = ? AND state = ? AND media_type IN ({marks}) "
        "ORDER BY number DESC LIMIT 1",
        (tag, OWN, COMPLETE, *media_types),
    )
    return _attachment(rows[0], sealer) if rows else None


def page(reader: Reader, sealer: Sealer, after: int, limit: int) -> list[Attachment]:
    """Attachments in the order of their beginning, those being destroyed left out."""
    rows = reader.fetch(
        f"SELECT {_COLUMNS} FROM attachments WHERE number > ? AND state <> ? ORDER BY number LIMIT ?", (after, DESTROYING, limit)
    )
    return [_attachment(row, sealer) for row in rows]


def tail_of(reader: Reader, blob: bytes) -> bytes | None:
    """The sealed open end of an upload."""
    rows = reader.fetch("SELECT tail_sealed FROM attachments WHERE id = ?", (blob,))
    return rows[0][0] if rows else None


def progress(tx: Transaction, blob: bytes, taken: int, tail: bytes | None, now_s: int) -> None:
    """Note how far an upload has come.

    Raises:
        ConflictError: ``attachment-state`` when it is no upload any more.
    """
    sql = "UPDATE attachments SET taken = ?, tail_sealed = ?, touched_at = ? WHERE id = ? AND state = ?"
    _changed(tx.run(sql, (taken, tail, now_s, blob, UPLOADING)), blob)


def announce(tx: Transaction, blob: bytes, length: int) -> None:
    """Note the length of an upload once it is known."""
    tx.run("UPDATE attachments SET length = ? WHERE id = ? AND state = ? AND length IS NULL", (length, blob, UPLOADING))


@dataclass(frozen=True, slots=True)
class Completed:
    """What completing an upload found: size, SHA-256 (32 bytes) and its keyed tag, scan (``clean`` / ``not-scanned``)."""

    size: int
    digest: bytes = field(repr=False)
    tag: bytes = field(repr=False)
    scan: str


def complete(tx: Transaction, sealer: Sealer, blob: bytes, found: Completed, now_s: int) -> None:
    """An upload is complete and may be used.

    Raises:
        ConflictError: ``attachment-state`` when it is no upload any more.
    """
    changed = tx.run(
        "UPDATE attachments SET state = ?, length = ?, taken = ?, tail_sealed = NULL, expected_sealed = NULL, digest_sealed = ?, "
        "digest_tag = ?, scan = ?, touched_at = ? WHERE id = ? AND state = ?",
        (
            COMPLETE,
            found.size,
            found.size,
            sealer.seal(_place(blob, "digest"), found.digest),
            found.tag,
            found.scan,
            now_s,
            blob,
            UPLOADING,
        ),
    )
    _changed(changed, blob)


def refuse(tx: Transaction, blob: bytes, reason: str, now_s: int) -> None:
    """An upload was refused; the row tells why until it expires, its content is destroyed by the caller."""
    tx.run(
        "UPDATE attachments SET state = ?, tail_sealed = NULL, reason = ?, touched_at = ? WHERE id = ? AND state = ?",
        (REFUSED, reason, now_s, blob, UPLOADING),
    )


def unfinished_of(reader: Reader, user_id: int) -> int:
    """How many own uploads of a user are not finished."""
    sql = "SELECT count(*) FROM attachments WHERE created_by = ? AND origin = ? AND state = ?"
    return int(reader.fetch(sql, (user_id, OWN, UPLOADING))[0][0])


def stale(reader: Reader, before_s: dict[str, int]) -> list[bytes]:
    """Attachments nobody needs any more.

    Args:
        reader: of node.db.
        before_s: by state, the time (wall clock) before which they were last touched; complete ones only when nothing uses them.
    """
    found: list[bytes] = []
    for state, before in before_s.items():
        unused = (
            ""
            if state != COMPLETE
            else " AND origin = 'own' AND NOT EXISTS (SELECT 1 FROM attachment_uses u WHERE u.attachment = attachments.id)"
        )
        rows = reader.fetch(f"SELECT id FROM attachments WHERE state = ? AND touched_at < ?{unused} LIMIT 500", (state, before))
        found.extend(row[0] for row in rows)
    return found


def destroying(reader: Reader) -> list[bytes]:
    """Attachments whose destruction was begun."""
    return [row[0] for row in reader.fetch("SELECT id FROM attachments WHERE state = ?", (DESTROYING,))]


def known(reader: Reader) -> dict[bytes, str]:
    """The state of every attachment by id."""
    return {row[0]: row[1] for row in reader.fetch("SELECT id, state FROM attachments")}


def restrict(tx: Transaction, blobs: Sequence[bytes]) -> list[bytes]:
    """From now on these attachments are served to nobody.

    Returns:
        Those that are not complete, so that there is nothing of them to keep.
    """
    return [
        b for b in blobs if tx.run("UPDATE attachments SET state = ? WHERE id = ? AND state = ?", (RESTRICTED, b, COMPLETE)) == 0
    ]


# -- uses ------------------------------------------------------------------------------------------


def use(tx: Transaction, blob: bytes, by: Use) -> None:
    """Note a use.

    Raises:
        ConflictError: ``attachment-state`` when the attachment is not complete.
    """
    if not tx.fetch("SELECT 1 FROM attachments WHERE id = ? AND state = ?", (blob, COMPLETE)):
        _changed(0, blob)
    tx.run(
        "INSERT INTO attachment_uses (attachment, kind, ref, field) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (blob, by.kind, by.ref, by.field),
    )


def end_uses(tx: Transaction, kind: str, ref: str) -> None:
    """Nothing of this reference uses an attachment any more."""
    tx.run("DELETE FROM attachment_uses WHERE kind = ? AND ref = ?", (kind, ref))


def uses_of(reader: Reader, blob: bytes) -> list[Use]:
    """What uses an attachment."""
    rows = reader.fetch("SELECT kind, ref, field FROM attachment_uses WHERE attachment = ? ORDER BY kind, ref, field", (blob,))
    return [Use(*row) for row in rows]


def used_by(reader: Reader, kind: str, ref: str, name: str | None = None) -> list[bytes]:
    """The attachments that something uses, in one field or in any."""
    sql = "SELECT DISTINCT attachment FROM attachment_uses WHERE kind = ? AND ref = ? AND (? IS NULL OR field = ?)"
    return [row[0] for row in reader.fetch(sql, (kind, ref, name, name))]


def only_erased(reader: Reader, position: int) -> list[bytes]:
    """The attachments of a record that nothing uses but records whose erasure has begun."""
    rows = reader.fetch(
        "SELECT DISTINCT u.attachment FROM attachment_uses u WHERE u.kind = ? AND u.ref = ? AND NOT EXISTS ("
        "SELECT 1 FROM attachment_uses o WHERE o.attachment = u.attachment AND NOT (o.kind = ? AND EXISTS ("
        "SELECT 1 FROM erasures e WHERE o.ref = CAST(e.position AS TEXT))))",
        (RECORD, str(position), RECORD),
    )
    return [row[0] for row in rows]


# -- destroying ------------------------------------------------------------------------------------


def begin_destroying(tx: Transaction, blobs: Sequence[bytes]) -> None:
    """From now on these attachments are not served any more; what they were called and held goes at once."""
    for blob in blobs:
        tx.run(
            "UPDATE attachments SET state = ?, tail_sealed = NULL, name_sealed = ?, digest_sealed = NULL, digest_tag = NULL, "
            "expected_sealed = NULL WHERE id = ?",
            (DESTROYING, b"", blob),
        )


def refuse_used(tx: Transaction, blob: bytes) -> None:
    """Refuse to delete what is in use.

    Raises:
        ConflictError: ``attachment-used``.
    """
    if uses_of(tx, blob):
        raise ConflictError("attachment-used", "a record uses this attachment; it goes when the record is erased")


def forget(tx: Transaction, blobs: Sequence[bytes]) -> None:
    """Remove what is left of destroyed attachments, their uses too."""
    for blob in blobs:
        tx.run("DELETE FROM attachment_uses WHERE attachment = ?", (blob,))
        tx.run("DELETE FROM attachments WHERE id = ?", (blob,))


def _changed(rows: int, blob: bytes) -> None:
    if rows == 0:
        raise ConflictError("attachment-state", "the attachment's state does not allow this", attachment=blob.hex())


def _sealed(sealer: Sealer, blob: bytes, what: str, value: bytes | None) -> bytes | None:
    return None if value is None else sealer.seal(_place(blob, what), value)


def _place(blob: bytes, what: str) -> str:
    return f"attachments {blob.hex()} {what}"


def _attachment(row: Row, sealer: Sealer) -> Attachment:
    number, blob, origin, state, media_type, name, length, taken, expected, digest, *rest = row
    return Attachment(
        blob,
        origin,
        state,
        media_type,
        sealer.open(_place(blob, "name"), name).decode(),
        length,
        taken,
        None if expected is None else sealer.open(_place(blob, "expected"), expected),
        None if digest is None else sealer.open(_place(blob, "digest"), digest),
        *(*rest, number),
    )
