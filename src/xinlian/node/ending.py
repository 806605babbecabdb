"""Revoking and erasing records.

Rules
1. Revoking queues status 2; the data stays.
2. Erasing covers every revision of a record: the intent first, with a notice to every department that ever received something of
   it; then key, ciphertext, index and what was answered from it; then the files' slack; then status 3. Each step is idempotent; a
   stop at any point is continued at the next start.
3. Attachments that only erased records use go with them: their keys with the record's, their files before the purge.
4. From the intent on nothing of the record can be read, and no answer that carries it is committed: the recipients are final.
5. What the chain calls erased and a restored backup holds again goes through the same steps (``node.restoring``).

Source: design 4.3, 4.4; PIPL art. 47.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xinlian.node.attachments import Keeping
from xinlian.node.idempotency import current_journal
from xinlian.node.ids import record_id_bytes, record_id_text
from xinlian.node.notices.writing import Erasing, Writing
from xinlian.node.people import Person
from xinlian.node.wiping import wipe
from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.protocol.types import Status
from xinlian.store import anchoring, attachments, blob_keys, erasures, record_keys
from xinlian.store import records as table
from xinlian.store.opening import Store
from xinlian.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Woken:
    """Whom to wake: who anchors marks, who tells notices."""

    marks: Callable[[], None]
    notices: Callable[[], None]


class Ending:
    """The use case.

    Args:
        store: the databases.
        writing: writes the notices to past recipients.
        wall_s: wall clock, epoch seconds.
        woken: told when a mark or a notice waits.
        keeping: the attachments that records use.
    """

    def __init__(self, store: Store, writing: Writing, wall_s: Callable[[], float], woken: Woken, keeping: Keeping) -> None:
        self._store = store
        self._writing = writing
        self._wall_s = wall_s
        self._woken = woken
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
            self._woken.marks()
        return {"record_id": record_id, "rev": rev, "status": "revoked", "state": "pending"}

    async def erase(self, record_id: str, reason: int, person: Person) -> dict[str, Any]:
        """Erase every revision of a record.

        Returns:
            What was erased, and the departments that received something of it and are told.

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
            self._writing.erased(tx, Erasing(rows, reason, now))
            return rows

        rows = await self._store.node.write(intend)
        self._woken.notices()
        await self.resume()
        return {
            "record_id": record_id,
            "revisions": len(rows),
            "status": "erased",
            "state": "pending",
            "recipients": self._writing.reads.recipients_of(record_id),
        }

    async def erase_again(self, reasons: Mapping[int, int]) -> None:
        """Take records through all steps again that are here although they are erased, and tell their recipients if nobody did.

        Args:
            reasons: reason code by position; every revision of a record that is to go is named.

        Raises:
            StoreError: when a database fails; what was intended is resumed.
        """
        now = int(self._wall_s())

        def intend(tx: Transaction) -> None:
            jtis: dict[bytes, int] = {}
            for position, reason in reasons.items():
                jtis.setdefault(table.by_position(tx, position).jti, reason)
                erasures.intend(tx, position, reason, erasures.FOUND_ON_CHAIN, now)
                erasures.reopen(tx, position)
            for jti, reason in jtis.items():
                self._writing.erased(tx, Erasing(table.revisions(tx, jti), reason, now))

        await self._store.node.write(intend)
        self._woken.notices()
        await self.resume()

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
            self._woken.marks()
        return len(open_ones)

    async def _carry_on(self, erasure: erasures.Erasure) -> None:
        position = erasure.position
        with self._store.node.read() as reader:
            row = table.by_position(reader, position)
        files = await self._store.node.write(lambda tx: _doomed_files(tx, position))
        tag = self._writing.reads.tag_of(record_id_text(row.jti))
        if erasure.state == "intent":
            await self._store.keys.write(lambda tx: _destroy_keys(tx, row, files))
            await wipe(self._store.keys)
            await self._store.node.write(lambda tx: erasures.key_destroyed(tx, position))
        if erasure.state in ("intent", "key-destroyed"):
            await asyncio.to_thread(self._keeping.remove_files, files)
            await self._store.node.write(lambda tx: _purge(tx, position, tag, files))
        if erasure.state != "checkpointed":
            await wipe(self._store.node)
            await self._store.node.write(lambda tx: erasures.checkpointed(tx, position))
        now = int(self._wall_s())
        await self._store.node.write(lambda tx: erasures.mark(tx, position, now))


def _doomed_files(tx: Transaction, position: int) -> list[bytes]:
    """The attachments that go with a record; from now on nothing can begin to use them."""
    files = attachments.only_erased(tx, position)
    attachments.begin_destroying(tx, files)
    return files


def _destroy_keys(tx: Transaction, row: table.Record, files: Sequence[bytes]) -> None:
    record_keys.destroy(tx, row.jti, row.rev)
    blob_keys.destroy(tx, files)


def _purge(tx: Transaction, position: int, tag: bytes, files: Sequence[bytes]) -> None:
    erasures.purge(tx, position, tag)
    attachments.forget(tx, files)


def _refuse_ended(tx: Transaction, row: table.Record) -> None:
    marked = any(mark.status >= Status.REVOKED for mark in anchoring.marks_of(tx, row.position))
    if marked or erasures.is_begun(tx, row.position):
        raise ConflictError("record-ended", "this record has been revoked or erased already")
