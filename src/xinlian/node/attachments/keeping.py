"""What every use of attachments shares: keys, reading, and the end of what nobody needs any more.

Rules
1. The key is stored before the row, the row before the file; a stop in between leaves a key that the next start destroys.
2. Destroying: ``destroying`` is committed, then the key is overwritten and leaves the key store's log, then the file goes, then
   the row. Every step can be repeated; the next start carries it on.
3. At start, files that no row knows are removed, and so is what is left of uploads that were refused.

Source: design 4.4 (erasure), 2.2.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from xinlian.node.wiping import wipe
from xinlian.protocol.errors import ConflictError, NotFoundError, XinlianError
from xinlian.store import attachments as table
from xinlian.store import blob_keys
from xinlian.store.attachments import Attachment
from xinlian.store.blobs import BlobReader, BlobStore
from xinlian.store.opening import Store
from xinlian.store.record_keys import Vault
from xinlian.store.sealing import KEY_BYTES, Sealer, keyed_tag
from xinlian.store.writer import Transaction

_log = structlog.get_logger(__name__)
_TAG_LABEL = "attachment"


@dataclass(frozen=True, slots=True)
class Keeping:
    """The store of attachments as use cases see it.

    Args:
        store: the databases.
        blobs: the files.
        vault: wraps their keys.
        sealer: encrypts names and digests.
        tag_key: 32 bytes, of the tags by which content is found.
        wall_s: wall clock, epoch seconds.
    """

    store: Store
    blobs: BlobStore
    vault: Vault
    sealer: Sealer
    tag_key: bytes
    wall_s: Callable[[], float]

    @property
    def now_s(self) -> int:
        """Wall clock, whole seconds."""
        return int(self.wall_s())

    def tag(self, digest: bytes) -> bytes:
        """The tag under which content of a SHA-256 is found."""
        return keyed_tag(self.tag_key, _TAG_LABEL, digest)

    def get(self, attachment_id: str) -> Attachment:
        """One attachment.

        Args:
            attachment_id: 32 hex digits.

        Raises:
            NotFoundError: ``attachment-unknown``, also for what is no id.
        """
        if len(attachment_id) != 32 or not set(attachment_id) <= set("0123456789abcdef"):
            raise NotFoundError("attachment-unknown", "there is no such attachment on this node")
        with self.store.node.read() as reader:
            return table.by_id(reader, self.sealer, bytes.fromhex(attachment_id))

    def evidence(self, attachment_id: str) -> dict[str, object]:
        """An own, complete file as a form names it: digest, size, type, name.

        Raises:
            NotFoundError: ``attachment-unknown``.
            ConflictError: ``attachment-state``.
        """
        row = self.get(attachment_id)
        if row.origin != table.OWN or row.state != table.COMPLETE or row.digest is None:
            raise ConflictError("attachment-state", "expected a complete file of this department", state=row.state)
        return {"sha256": row.digest.hex(), "bytes": row.taken, "media_type": row.media_type, "name": row.name}

    def key(self, blob: bytes) -> bytes:
        """The key of an attachment.

        Raises:
            NotFoundError: ``record-key-missing`` once it is destroyed.
        """
        with self.store.keys.read() as reader:
            return blob_keys.get(reader, self.vault, blob)

    def parts(self, one: Attachment, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The content of a complete attachment, decrypted part by part (blocking; call it from a thread).

        Raises:
            StoreError: ``sealed-broken`` when the file is not what was stored, ``store-io``.
        """
        return self.blobs.read(one.id, self.key(one.id), one.taken, start, one.taken if stop is None else stop)

    def stream(self, blob: bytes, size: int) -> BlobReader:
        """The content as a seekable stream (blocking)."""
        return self.blobs.reader(blob, self.key(blob), size)

    async def begin(self, new: Attachment, also: Callable[[Transaction], None]) -> Attachment:
        """Store a new attachment with a key of its own; no content yet.

        Args:
            new: its row; ``number`` is ignored.
            also: runs in the transaction that stores it; what it raises refuses the attachment.
        """
        await self.store.keys.write(lambda tx: blob_keys.put(tx, self.vault, new.id, os.urandom(KEY_BYTES)))

        def job(tx: Transaction) -> Attachment:
            table.insert(tx, self.sealer, new)
            also(tx)
            return table.by_id(tx, self.sealer, new.id)

        try:
            return await self.store.node.write(job)
        except XinlianError:  # refused inside the job: nothing was stored, the key is nobody's
            await self._destroy_keys([new.id])
            raise

    async def refuse(self, blob: bytes, reason: str) -> None:
        """Refuse an upload: its content is destroyed at once, the row tells why until it expires."""
        now = self.now_s
        await self.store.node.write(lambda tx: table.refuse(tx, blob, reason, now))
        await self._destroy_content([blob])

    async def destroy(self, blobs: Sequence[bytes], also: Callable[[Transaction], None] = lambda _tx: None) -> None:
        """Destroy attachments for good.

        Args:
            blobs: ids.
            also: runs in the transaction that begins it; what it raises leaves everything as it was.
        """

        def begin(tx: Transaction) -> None:
            also(tx)
            table.begin_destroying(tx, blobs)

        await self.store.node.write(begin)
        await self._destroy_content(blobs)
        await self.store.node.write(lambda tx: table.forget(tx, blobs))

    async def finish(self) -> None:
        """Destroy everything whose destruction was begun.

        Raises:
            StoreError: when a database or the disk fails; the next call goes on.
        """
        with self.store.node.read() as reader:
            left = table.destroying(reader)
        if left:
            await self.destroy(left)

    async def _destroy_content(self, blobs: Sequence[bytes]) -> None:
        await self._destroy_keys(blobs)
        await asyncio.to_thread(self.remove_files, blobs)

    async def _destroy_keys(self, blobs: Sequence[bytes]) -> None:
        if await self.store.keys.write(lambda tx: blob_keys.destroy(tx, blobs)) > 0:
            await wipe(self.store.keys)

    def remove_files(self, blobs: Sequence[bytes]) -> None:
        """Remove the files of attachments whose keys are destroyed (blocking); those gone already are no error."""
        for blob in blobs:
            self.blobs.delete(blob)

    async def recover(self) -> None:
        """At start: finish what a stop interrupted (rules 1 to 3).

        Raises:
            StoreError: when a database or the disk fails; the next start does it.
        """
        if blob_keys.sweep_orphans(self.store.keys, self.store.node) > 0:
            await wipe(self.store.keys)
        await self.finish()
        with self.store.node.read() as reader:
            known = table.known(reader)
        present = await asyncio.to_thread(self.blobs.present)
        stray = [blob for blob in present if known.get(blob, table.REFUSED) == table.REFUSED]
        await self._destroy_content(stray)
        missing = sum(1 for blob, state in known.items() if state == table.COMPLETE and blob not in present)
        if stray or missing:
            _log.warning("attachments swept", removed=len(stray), missing=missing)
