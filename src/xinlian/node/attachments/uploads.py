"""Uploading: begin, append, complete; a break at any point leaves either an upload that can be gone on with, or nothing.

Rules
1. The offset told is on disk: chunks in the blob's file, the open end sealed in the row. It never goes back.
2. Only the person who began an upload goes on with it. A newer call takes over from an older one.
3. Completing reads the whole file back from disk: SHA-256, type by content, malware scan; then it counts. What fails is
   destroyed at once, and the row says why until it expires.
4. Memory is constant: at most two chunks an upload.

Source: draft-ietf-httpbis-resumable-upload; docs/attachments.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import structlog

from xinlian.node.attachments.content import ContentCheck
from xinlian.node.attachments.keeping import Keeping
from xinlian.node.attachments.scanning import Scanner, Verdict
from xinlian.node.attachments.turns import Turns
from xinlian.node.idempotency import Call
from xinlian.protocol.attachments import MAX_BYTES, MEDIA_TYPES, is_file_name
from xinlian.protocol.errors import ConflictError, EvidenceError, InputError, NotFoundError, StoreError, XinlianError
from xinlian.store import attachments as table
from xinlian.store.attachments import Attachment, Completed
from xinlian.store.blobs import ID_BYTES, Appending, stored_size
from xinlian.store.writer import Transaction

_log = structlog.get_logger(__name__)
BATCH_BYTES = 1 << 18
NOTED_EVERY_BYTES = 16 << 20
"""A kill loses at most about so much of a transfer that runs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of uploads: bytes of a file, unfinished ones a user, and how long (s) an unfinished one is kept."""

    max_bytes: int = MAX_BYTES
    unfinished_per_user: int = 20
    unfinished_s: int = 86_400


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What is about to come: file name, media type, bytes and SHA-256 where they are known, and who sends it (user id)."""

    name: str
    media_type: str
    length: int | None
    expected: bytes | None
    user_id: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload: where it begins, whether it is the last, and the whole length where this call tells it."""

    offset: int
    is_last: bool
    length: int | None = None


class Uploads:
    """The use case.

    Args:
        keeping: store, files and keys.
        scanner: the malware hook.
        limits: bounds.
    """

    def __init__(self, keeping: Keeping, scanner: Scanner, limits: Limits) -> None:
        self._keeping = keeping
        self._scanner = scanner
        self.turns = Turns()
        self.limits = limits

    async def begin(
        self, new: NewUpload, call: Call | None = None, answer: Callable[[Attachment], dict[str, object]] | None = None
    ) -> Attachment:
        """Begin an upload.

        Args:
            new: what comes.
            call: for idempotent calls.
            answer: what the call is answered with.

        Raises:
            InputError: ``attachment-name``, ``attachment-type``, ``attachment-too-large``, ``attachment-empty``.
            ConflictError: ``attachment-quota``.
            StoreError: ``disk-full`` when the announced file has no room.
        """
        self._check_new(new)
        now = self._keeping.now_s
        row = Attachment(
            os.urandom(ID_BYTES),
            table.OWN,
            table.UPLOADING,
            new.media_type,
            new.name,
            new.length,
            0,
            new.expected,
            None,
            None,
            None,
            new.user_id,
            now,
            now,
        )

        def also(tx: Transaction) -> None:
            if call is not None and answer is not None:
                call.refuse_done(tx)
                call.keep(tx, 201, answer(row), None)
            if table.unfinished_of(tx, new.user_id) > self.limits.unfinished_per_user:
                limit = self.limits.unfinished_per_user
                raise ConflictError("attachment-quota", f"there are {limit} unfinished uploads of this user", limit=limit)

        return await self._keeping.begin(row, also)

    def _check_new(self, new: NewUpload) -> None:
        if not is_file_name(new.name):
            raise InputError("attachment-name", "name: expected 1 to 255 characters without path and control characters")
        if new.media_type not in MEDIA_TYPES:
            raise InputError(
                "attachment-type", "the media type is not one of those an attachment may have", expected=list(MEDIA_TYPES)
            )
        if new.length == 0:
            raise InputError("attachment-empty", "the file is empty")
        self.check_room(new.length or 0)

    def check_room(self, size: int) -> None:
        """Refuse a file that may not or cannot be kept.

        Raises:
            InputError: ``attachment-too-large``.
            StoreError: ``disk-full``.
        """
        self._check_size(size)
        if stored_size(size) > shutil.disk_usage(self._keeping.blobs.directory).free:
            raise StoreError("disk-full", "the disk has no room for a file of this size")

    def _check_size(self, size: int) -> None:
        limit = self.limits.max_bytes
        if size > limit:
            raise InputError("attachment-too-large", f"the file is larger than {limit} bytes", limit_bytes=limit)

    def own(self, attachment_id: str, user_id: int) -> Attachment:
        """An upload of this user.

        Raises:
            NotFoundError: ``attachment-unknown``, also for another person's upload.
        """
        row = self._keeping.get(attachment_id)
        if row.origin != table.OWN or row.created_by != user_id:
            raise NotFoundError("attachment-unknown", "there is no such upload of this user", attachment=attachment_id)
        return row

    async def status(self, attachment_id: str, user_id: int) -> Attachment:
        """How far an upload has come; a transfer that runs is ended, so that the offset told can be gone on from.

        Raises:
            NotFoundError: ``attachment-unknown``.
        """
        blob = self.own(attachment_id, user_id).id
        async with self.turns.of(blob):
            return self.own(attachment_id, user_id)

    async def cancel(self, blob: bytes) -> None:
        """End an upload, or delete a complete file that nothing uses.

        Raises:
            ConflictError: ``attachment-used``.
        """
        async with self.turns.of(blob):
            await self._keeping.destroy([blob], lambda tx: table.refuse_used(tx, blob))

    async def append(self, attachment_id: str, part: Part, blocks: AsyncIterator[bytes], user_id: int) -> Attachment:
        """Take in a part of the content; the last one completes the attachment.

        Args:
            attachment_id: of ``begin``.
            part: where it begins, and whether it is the last.
            blocks: the bytes as they arrive; when they break off, what came is kept.
            user_id: who sends.

        Raises:
            NotFoundError: ``attachment-unknown``.
            ConflictError: ``attachment-state``, ``attachment-offset`` (``fields["expected_offset"]``),
                ``attachment-interrupted``.
            InputError: ``attachment-length``, ``attachment-too-large``, ``attachment-empty``, ``attachment-type``,
                ``attachment-active``, ``attachment-infected``: the upload is destroyed (a length that only this call got wrong
                apart).
            EvidenceError: ``attachment-damaged``, likewise.
            StoreError: ``disk-full``, ``store-io``; go on later.
        """
        blob = self.own(attachment_id, user_id).id
        async with self.turns.of(blob) as turn:
            row = self.own(attachment_id, user_id)
            return await self._append(row, part, turn.guard(blocks))

    async def take(self, row: Attachment, content: bytes, *, is_last: bool) -> Attachment:
        """``append`` for bytes at hand of a file received from another department; one caller at a time."""

        async def blocks() -> AsyncIterator[bytes]:
            yield content

        return await self._append(row, Part(row.taken, is_last), blocks())

    async def _append(self, row: Attachment, part: Part, blocks: AsyncIterator[bytes]) -> Attachment:
        length = await self._checked_part(row, part)
        end = await self._transfer(row, blocks, length)
        if not part.is_last:
            return self._keeping.get(row.id.hex())
        if length is not None and end != length:
            raise InputError("attachment-length", f"{length} bytes were announced and {end} came", expected=length, offset=end)
        return await self._complete(row, end)

    async def _checked_part(self, row: Attachment, part: Part) -> int | None:
        if row.state != table.UPLOADING:
            raise ConflictError("attachment-state", f"this attachment is {row.state}, not an upload", state=row.state)
        if part.offset != row.taken:
            raise ConflictError(
                "attachment-offset",
                f"the part begins at {part.offset}, the upload stands at {row.taken}",
                expected_offset=row.taken,
                provided_offset=part.offset,
            )
        if part.length is None or part.length == row.length:
            return row.length
        if row.length is not None:
            raise InputError("attachment-length", "this call announces another length than the upload", expected=row.length)
        self._check_size(part.length)
        announced = part.length
        await self._keeping.store.node.write(lambda tx: table.announce(tx, row.id, announced))
        return announced

    async def _transfer(self, row: Attachment, blocks: AsyncIterator[bytes], length: int | None) -> int:
        """Write what arrives; whatever ends it, what came is noted."""
        with self._keeping.store.node.read() as reader:
            tail = table.tail_of(reader, row.id)
        appending = await asyncio.to_thread(self._open, row, tail)
        try:
            await self._take_all(appending, row, blocks, length)
        except (InputError, StoreError) as error:
            if isinstance(error, InputError) and error.code in ("attachment-too-large", "attachment-length"):
                await self._keeping.refuse(row.id, error.code)
            raise
        finally:
            await asyncio.to_thread(appending.close)
        return appending.offset

    def _open(self, row: Attachment, tail: bytes | None) -> Appending:
        return self._keeping.blobs.append(row.id, self._keeping.key(row.id), offset=row.taken, open_end=tail)

    async def _take_all(self, appending: Appending, row: Attachment, blocks: AsyncIterator[bytes], length: int | None) -> None:
        batch, noted = bytearray(), row.taken
        try:
            async for block in blocks:
                batch += block
                self._check_growth(appending.offset + len(batch), length)
                if len(batch) >= BATCH_BYTES:
                    await asyncio.to_thread(appending.take, bytes(batch))
                    batch.clear()
                if appending.offset - noted >= NOTED_EVERY_BYTES:
                    noted = await self._note(appending, row.id)
        except (InputError, StoreError):
            raise
        except BaseException:  # broken off: by the network, by another call, by the end of the node
            await self._flush(appending, bytes(batch), row.id)
            raise
        await self._flush(appending, bytes(batch), row.id)

    def _check_growth(self, size: int, length: int | None) -> None:
        self._check_size(size)
        if length is not None and size > length:
            raise InputError("attachment-length", f"more than the announced {length} bytes came", expected=length)

    async def _flush(self, appending: Appending, batch: bytes, blob: bytes) -> None:
        if batch:
            await asyncio.to_thread(appending.take, batch)
        await self._note(appending, blob)

    async def _note(self, appending: Appending, blob: bytes) -> int:
        await asyncio.to_thread(appending.sync)
        offset, end, now = appending.offset, await asyncio.to_thread(appending.open_end), self._keeping.now_s
        await self._keeping.store.node.write(lambda tx: table.progress(tx, blob, offset, end, now))
        return offset

    # -- completing --------------------------------------------------------------------------------

    async def _complete(self, row: Attachment, size: int) -> Attachment:
        try:
            found = await self._examined(row, size)
        except (InputError, EvidenceError) as error:
            _log.warning("attachment refused", attachment=row.id.hex(), code=error.code, media_type=row.media_type, bytes=size)
            await self._keeping.refuse(row.id, error.code)
            raise
        now = self._keeping.now_s
        await self._keeping.store.node.write(lambda tx: table.complete(tx, self._keeping.sealer, row.id, found, now))
        return self._keeping.get(row.id.hex())

    async def _examined(self, row: Attachment, size: int) -> Completed:
        if size == 0:
            raise InputError("attachment-empty", "the file is empty")
        await asyncio.to_thread(self._finish, row, size)
        digest = await asyncio.to_thread(self._examine, row, size)
        verdict = await self._scanner.scan(in_thread(self._read(row.id, size)))
        if verdict is Verdict.INFECTED:
            raise InputError("attachment-infected", "the malware scanner found something in the file")
        return Completed(size, digest, self._keeping.tag(digest), verdict.value)

    def _finish(self, row: Attachment, size: int) -> None:
        with self._keeping.store.node.read() as reader:
            tail = table.tail_of(reader, row.id)
        key = self._keeping.key(row.id)
        with self._keeping.blobs.append(row.id, key, offset=size, open_end=tail) as appending:
            appending.finish()

    def _read(self, blob: bytes, size: int) -> Iterator[bytes]:
        return self._keeping.blobs.read(blob, self._keeping.key(blob), size, 0, size)

    def _examine(self, row: Attachment, size: int) -> bytes:
        """SHA-256 of the file as it stands on disk, after its content was found to be what was announced."""
        digest, check = hashlib.sha256(), ContentCheck(row.media_type)
        fault: XinlianError | None = None
        for part in self._read(row.id, size):
            digest.update(part)
            if fault is None:
                try:
                    check.update(part)
                except InputError as error:
                    fault = error
        if row.expected is not None and digest.digest() != row.expected:
            raise EvidenceError("attachment-damaged", "the content does not have the SHA-256 that was announced")
        if fault is not None:
            raise fault
        check.finish(self._keeping.stream(row.id, size), size)
        return digest.digest()


async def in_thread(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Parts of a blocking iterator, each fetched in a thread."""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part
