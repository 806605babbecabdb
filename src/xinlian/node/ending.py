"""Revoking and erasing records.

Rules
1. Revoking queues status 2; the data stays.
2. Erasing covers every revision of a record: intent first, then key, ciphertext and index, then the files' slack, then status 3.
   Each step is idempotent; a stop at any point is continued at the next start.
3. Attachments that only erased records use go with them: their keys with the record's, their files before the purge.
4. From the intent on nothing of the record can be read.

Source: design 4.3, 4.4; PIPL art. 47.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from xinlian.node.attachments import Keeping
from xinlian.node.idempotency import current_journal
from xinlian.node.ids import record_id_bytes
from xinlian.node.people import Person
from xinlian.node.reads import Reads
from xinlian.protocol.errors import ConflictError, NotFoundError, StoreError
from xinlian.protocol.types import Status
from xinlian.store import anchoring, attachments, blob_keys, erasures, record_keys
from xinlian.store import records as table
from xinlian.store.opening import Store
from xinlian.store.writer import Transaction

_CHECKPOINT_TRIES = 50


class Ending:
    """The use case.

    Args:
        store: the databases.
        reads: the read log, which names past recipients.
        wall_s: wall clock, epoch seconds.
        on_queued: told when a mark waits (wakes anchoring).
        keeping: the attachments that records use.
    """

    def __init__(
        self,
        store: Store,
        reads: Reads,
        wall_s: Callable[[], float],
        on_queued: Callable[[], None],
        keeping: Keeping,
    ) -> None:
        self._store = store
        self._reads = reads
        self._wall_s = wall_s
        self._on_queued = on_queued
        self._keeping = keeping

    async def revoke(self, record_id: str, reason: int, _person: Person) -> dict[str, Any]:
        """Revoke the latest revision of a record.

        Raises:
            NotFoundError: ``record-unknown``.
            ConflictError: ``record-ended`` when it has been revoked or erased.
        """
        jti, journal = record_id_bytes(record_id), current_journal()
        rev = journal.noted("revoked")

        def job(tx: Transaction) -> int:
            row = table.by_jti(tx, jti)
            _refuse_ended(tx, row)
            anchoring.queue_mark(tx, row.position, Status.REVOKED, reason)
            journal.note(tx, "revoked", row.rev)
            return row.rev

        if rev is None:
            rev = await self._store.node.write(job)
            self._on_queued()
        return {"record_id": record_id, "rev": rev, "status": "revoked", "state": "pending"}

    async def erase(self, record_id: str, reason: int, person: Person) -> dict[str, Any]:
        """Erase every revision of a record.

        Returns:
            What was erased, and the departments that received it and must be told.

        Raises:
            NotFoundError: ``record-unknown``.
        """
        jti = record_id_bytes(record_id)
        now = int(self._wall_s())

        def intend(tx: Transaction) -> list[table.Record]:
            rows = table.revisions(tx, jti)
            if not rows:
                raise NotFoundError("record-unknown", f"there is no record {record_id} on this node", record=record_id)
            for row in rows:
                if not erasures.is_begun(tx, row.position):
                    erasures.intend(tx, row.position, reason, person.id, now)
            return rows

        rows = await self._store.node.write(intend)
        await self.resume()
        return {
            "record_id": record_id,
            "revisions": len(rows),
            "status": "erased",
            "state": "pending",
            "recipients": self._reads.recipients_of(record_id),
        }

    async def resume(self) -> int:
        """Carry every unfinished erasure on to where the chain takes over.

        Returns:
            How many were unfinished.

        Raises:
            StoreError: when a database fails; the next start goes on.
        """
        with self._store.node.read() as reader:
            open_ones = erasures.unfinished(reader)
        for erasure in open_ones:
            await self._carry_on(erasure)
        if open_ones:
            self._on_queued()
        return len(open_ones)

    async def _carry_on(self, erasure: erasures.Erasure) -> None:
        position = erasure.position
        with self._store.node.read() as reader:
            row = table.by_position(reader, position)
        files = await self._store.node.write(lambda tx: _doomed_files(tx, position))
        if erasure.state == "intent":
            await self._store.keys.write(lambda tx: _destroy_keys(tx, row, files))
            await self._checkpoint(keys=True)
            await self._store.node.write(lambda tx: erasures.key_destroyed(tx, position))
        if erasure.state in ("intent", "key-destroyed"):
            await asyncio.to_thread(self._keeping.remove_files, files)
            await self._store.node.write(lambda tx: _purge(tx, position, files))
        if erasure.state != "checkpointed":
            await self._checkpoint(keys=False)
            await self._store.node.write(lambda tx: erasures.checkpointed(tx, position))
        now = int(self._wall_s())
        await self._store.node.write(lambda tx: erasures.mark(tx, position, now))

    async def _checkpoint(self, *, keys: bool) -> None:
        writer = self._store.keys if keys else self._store.node
        for attempt in range(_CHECKPOINT_TRIES):
            try:
                await asyncio.wrap_future(writer.checkpoint())
            except StoreError as error:
                if error.code != "store-checkpoint-busy" or attempt + 1 == _CHECKPOINT_TRIES:
                    raise
                await asyncio.sleep(0.1)
            else:
                return


def _doomed_files(tx: Transaction, position: int) -> list[bytes]:
    """The attachments that go with a record; from now on nothing can begin to use them."""
    files = attachments.only_erased(tx, position)
    attachments.begin_destroying(tx, files)
    return files


def _destroy_keys(tx: Transaction, row: table.Record, files: Sequence[bytes]) -> None:
    record_keys.destroy(tx, row.jti, row.rev)
    blob_keys.destroy(tx, files)


def _purge(tx: Transaction, position: int, files: Sequence[bytes]) -> None:
    erasures.purge(tx, position)
    attachments.forget(tx, files)


def _refuse_ended(tx: Transaction, row: table.Record) -> None:
    marked = any(mark.status >= Status.REVOKED for mark in anchoring.marks_of(tx, row.position))
    if marked or erasures.is_begun(tx, row.position):
        raise ConflictError("record-ended", "this record has been revoked or erased already")
