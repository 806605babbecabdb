"""Texts behind the law's steps, own and received: salt and text encrypted, found by digest or object.

Rules
1. A row never changes; storing the same document again does nothing. Only a use record's text goes, after its retention.
2. ``sender`` is None for own texts. Whether the chain shows a digest is not kept here: the projection of its events knows.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from dataclasses import dataclass

from xinlian.protocol.documents import SALT_BYTES, Document, read_document
from xinlian.protocol.errors import NotFoundError
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Row, Transaction

_COLUMNS = "digest, kind, object_ref, sender, created_at"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What is known of a document without opening it.

    Args:
        digest: 32 bytes.
        kind: which form it is.
        object_ref: what it is about.
        sender: USCC it came from; None for own texts.
        created_at: law time it was made or received, epoch seconds.
    """

    digest: bytes
    kind: str
    object_ref: str
    sender: str | None
    created_at: int


def put(tx: Transaction, sealer: Sealer, document: Document, sender: str | None, now_s: int) -> bool:
    """Store a document.

    Args:
        tx: of node.db.
        sealer: encrypts salt and text.
        document: its digest is the key.
        sender: USCC it came from; None for own texts.
        now_s: law time, epoch seconds.

    Returns:
        False when it is there already.
    """
    digest = bytes(document.digest)
    if tx.fetch("SELECT 1 FROM documents WHERE digest = ?", (digest,)):
        return False
    sealed = sealer.seal(_place(digest), document.salt + document.text)
    tx.run(
        "INSERT INTO documents (digest, kind, object_ref, content_sealed, sender, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (digest, document.kind, document.object_ref, sealed, sender, now_s),
    )
    return True


def found(reader: Reader, digest: bytes) -> StoredDocument | None:
    """What is known of a document, None when it is not here."""
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM documents WHERE digest = ?", (digest,))
    return _stored(rows[0]) if rows else None


def remove_with_proposal(tx: Transaction, digest: bytes) -> None:
    """Delete a text that was consented to, and the proposals it was made from; gone for good after the next checkpoint."""
    proposals = (
        "SELECT s.document FROM approval_steps s JOIN approvals a ON a.id = s.approval_id "
        "WHERE a.document = ? AND s.act = 'proposed' AND s.document IS NOT NULL"
    )
    tx.run(f"DELETE FROM documents WHERE digest = ? OR digest IN ({proposals})", (digest, digest))


def by_digest(reader: Reader, digest: bytes) -> StoredDocument:
    """What is known of a document.

    Raises:
        NotFoundError: ``document-unknown``.
    """
    one = found(reader, digest)
    if one is None:
        raise NotFoundError("document-unknown", "this node does not hold the document", digest=digest.hex())
    return one


def open_document(reader: Reader, sealer: Sealer, digest: bytes) -> Document:
    """The document itself.

    Raises:
        NotFoundError: ``document-unknown``.
        StoreError: ``sealed-broken``.
    """
    rows = reader.fetch("SELECT content_sealed FROM documents WHERE digest = ?", (digest,))
    if not rows:
        raise NotFoundError("document-unknown", "this node does not hold the document", digest=digest.hex())
    content = sealer.open(_place(digest), rows[0][0])
    return read_document(content[:SALT_BYTES], content[SALT_BYTES:])


def page(reader: Reader, after: tuple[int, bytes] | None, limit: int, object_ref: str | None = None) -> list[StoredDocument]:
    """Documents, oldest first.

    Args:
        reader: of node.db.
        after: time and digest of the last one already seen, None to begin.
        limit: at most so many.
        object_ref: only those about this.
    """
    time, digest = after if after is not None else (-1, b"")
    sql = (
        f"SELECT {_COLUMNS} FROM documents WHERE (? IS NULL OR object_ref = ?) "
        "AND (created_at > ? OR (created_at = ? AND digest > ?)) ORDER BY created_at, digest LIMIT ?"
    )
    return [_stored(row) for row in reader.fetch(sql, (object_ref, object_ref, time, time, digest, limit))]


def newest_of(reader: Reader, sender: str, limit: int) -> list[StoredDocument]:
    """The last documents that a department sent, newest first."""
    sql = f"SELECT {_COLUMNS} FROM documents WHERE sender = ? ORDER BY created_at DESC, digest LIMIT ?"
    return [_stored(row) for row in reader.fetch(sql, (sender, limit))]


def _place(digest: bytes) -> str:
    return f"documents {digest.hex()}"


def _stored(row: Row) -> StoredDocument:
    return StoredDocument(*row)


def count(reader: Reader) -> int:
    """How many texts are kept."""
    return int(reader.fetch("SELECT count(*) FROM documents", ())[0][0])
