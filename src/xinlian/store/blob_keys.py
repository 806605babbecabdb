"""The keys of blobs, in the key store beside the record keys; the rules of ``record_keys`` hold.

A blob's key is wrapped like a record key, bound to the blob's id and revision 0, which no record has.

Example: ``await keys.write(lambda tx: put(tx, vault, blob, key))``
"""

from __future__ import annotations

from collections.abc import Sequence

from xinlian.protocol.errors import NotFoundError
from xinlian.store.record_keys import WRAPPED_BYTES, Vault, WrappedKey
from xinlian.store.writer import Reader, Transaction, Writer

_ZEROS = bytes(WRAPPED_BYTES)
_REV = 0
_SWEEP_PAGE = 2_000
_SWEPT_TO = "blobs-swept-to"


def put(tx: Transaction, vault: Vault, blob: bytes, key: bytes) -> None:
    """Store the key of a new blob.

    Raises:
        StoreError: ``store-constraint`` when it has one.
    """
    ((_, _, kek, wrapped),) = vault.wrap_many([(blob, _REV, key)])
    tx.run("INSERT INTO blob_keys (blob, kek, wrapped) VALUES (?, ?, ?)", (blob, kek, wrapped))


def get(reader: Reader, vault: Vault, blob: bytes) -> bytes:
    """The key of a blob, 32 bytes.

    Raises:
        NotFoundError: ``record-key-missing`` when there is none or it was destroyed.
        StoreError: ``sealed-broken``.
    """
    rows = reader.fetch("SELECT kek, wrapped FROM blob_keys WHERE blob = ?", (blob,))
    if not rows or rows[0][1] == _ZEROS:
        raise NotFoundError("record-key-missing", f"no key for the stored file {blob.hex()}", attachment=blob.hex())
    return vault.unwrap(WrappedKey(blob, _REV, *rows[0]))


def destroy(tx: Transaction, blobs: Sequence[bytes]) -> int:
    """Overwrite keys; gone for good after the next ``Writer.checkpoint``. Repeating it does no harm.

    Returns:
        How many there were to destroy.
    """
    sql = "UPDATE blob_keys SET wrapped = ? WHERE blob = ? AND wrapped <> ?"
    return sum(tx.run(sql, (_ZEROS, blob, _ZEROS)) for blob in blobs)


def is_destroyed(reader: Reader, blob: bytes) -> bool:
    """True when no usable key of this blob is stored."""
    return not reader.fetch("SELECT 1 FROM blob_keys WHERE blob = ? AND wrapped <> ?", (blob, _ZEROS))


def sweep_orphans(keys: Writer, node: Writer) -> int:
    """Destroy keys whose attachment was never stored; call it at start. The caller runs ``keys.checkpoint()`` when it is not 0.

    Returns:
        How many keys were destroyed.
    """
    destroyed = 0
    while page := _unswept(keys):
        with node.read() as reader:
            orphans = [blob for _, blob in page if not reader.fetch("SELECT 1 FROM attachments WHERE id = ?", (blob,))]

        def job(tx: Transaction, orphans: list[bytes] = orphans, swept_to: int = page[-1][0]) -> int:
            tx.run("DELETE FROM key_meta WHERE key = ?", (_SWEPT_TO,))
            tx.run("INSERT INTO key_meta (key, value) VALUES (?, ?)", (_SWEPT_TO, str(swept_to)))
            return destroy(tx, orphans)

        destroyed += keys.submit(job).result()
    return destroyed


def _unswept(keys: Writer) -> list[tuple[int, bytes]]:
    with keys.read() as reader:
        mark = reader.fetch("SELECT value FROM key_meta WHERE key = ?", (_SWEPT_TO,))
        rows = reader.fetch(
            "SELECT id, blob FROM blob_keys WHERE id > ? ORDER BY id LIMIT ?", (int(mark[0][0]) if mark else 0, _SWEEP_PAGE)
        )
    return [(row[0], row[1]) for row in rows]
