"""The attachments of this department and what it received: who may see them, lists, ranges, references, uses, the end.

Rules
1. Publishers see the content of this department's attachments, caseworkers that of received ones (nobody once an erased record
   left it to a retention duty alone), and whoever uploaded a file sees it. Others (auditors) see that it is there: type, size,
   state, scan, uses; never its name or digest.
2. A file field of a row names a complete attachment by content: SHA-256, bytes and type must be its own. Where several have the
   same content the newest counts.
3. A record's use is noted in the transaction that publishes the record. One attachment may serve several records and revisions;
   it goes when the last of them is erased.

Source: issue "2 of 5", Attachments; PIPL art. 19, 47.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xinlian.node.attachments.keeping import Keeping
from xinlian.node.attachments.uploads import Uploads, in_thread
from xinlian.node.files import RowFault, resolve_row
from xinlian.node.paging import Page, Window, first_of
from xinlian.node.people import Person, Role
from xinlian.protocol.attachments import FileValue
from xinlian.protocol.dataset import DatasetSchema, Field
from xinlian.protocol.errors import AuthError, ConflictError, InputError, NotFoundError
from xinlian.store import attachments as table
from xinlian.store import file_transfers
from xinlian.store.attachments import OWN, RECORD, Attachment, Use
from xinlian.store.writer import Reader, Transaction

FilesOfRow = Sequence[tuple[str, FileValue]]
"""(field name, value) of the filled file fields of one row."""


@dataclass(frozen=True, slots=True)
class Content:
    """A range of a file: the row, first byte and the byte behind the last, and the bytes in parts."""

    row: Attachment
    start: int
    stop: int
    parts: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Library:
    """The use case.

    Args:
        keeping: store, files and keys.
        uploads: takes turns with transfers.
        unscanned_allowed: files that no scanner looked at may be published.
        unused_s: a complete file that nothing uses is kept so long.
    """

    keeping: Keeping
    uploads: Uploads
    unscanned_allowed: bool
    unused_s: int

    # -- looking -----------------------------------------------------------------------------------

    def show(self, row: Attachment, person: Person) -> dict[str, Any]:
        """What a person may know about an attachment."""
        with self.keeping.store.node.read() as reader:
            uses, fetch = table.uses_of(reader, row.id), file_transfers.fetch_into(reader, row.id)
        shown: dict[str, Any] = {
            "id": row.id.hex(),
            "origin": row.origin,
            "state": row.state,
            "media_type": row.media_type,
            "bytes": row.taken if row.state == table.COMPLETE else row.length,
            "offset": row.taken,
            "scan": row.scan,
            "reason": row.reason,
            "created_at": row.created_at,
            "used": len(uses) > 0,
        }
        if fetch is not None:
            shown["received"] = {"query": fetch.rid, "item": fetch.item, "record_id": fetch.record_id, "field": fetch.field}
        if may_see(row, person):
            shown["name"] = row.name
            shown["sha256"] = None if row.digest is None else row.digest.hex()
        return shown

    def page(self, window: Window) -> Page[Attachment]:
        """Attachments in the order of their beginning."""
        after = 0 if window.after is None else int(window.after[0])
        with self.keeping.store.node.read() as reader:
            found = table.page(reader, self.keeping.sealer, after, window.limit + 1)
        return first_of(found, window, lambda row: (row.number,))

    async def content(self, attachment_id: str, span: tuple[int | None, int | None], person: Person) -> Content:
        """A range of a complete file.

        Args:
            attachment_id: 32 hex digits.
            span: (first, last) byte; (None, n) is the last n bytes, (first, None) everything from there.
            person: who asks.

        Raises:
            NotFoundError: ``attachment-unknown``.
            AuthError: ``role-missing``.
            ConflictError: ``attachment-state`` while it is not complete.
            InputError: ``range-form``.
            StoreError: ``sealed-broken`` when the first part does not open.
        """
        row = self.keeping.get(attachment_id)
        if row.state != table.RESTRICTED and not may_see(row, person):
            raise AuthError("role-missing", "this person may not see the content of this attachment")
        if row.state != table.COMPLETE:
            raise ConflictError("attachment-state", f"the attachment is {row.state}, not complete", state=row.state)
        start, stop = resolve_range(span, row.taken)
        parts = in_thread(self.keeping.parts(row, start, stop))
        return Content(row, start, stop, await _opened(parts))

    async def delete(self, attachment_id: str, person: Person) -> None:
        """Delete what nothing uses: the uploader may, and publishers any own one.

        Raises:
            NotFoundError: ``attachment-unknown``.
            AuthError: ``role-missing``.
            ConflictError: ``attachment-used``.
        """
        row = self.keeping.get(attachment_id)
        if row.origin != OWN or not may_see(row, person):
            raise AuthError("role-missing", "this person may not delete this attachment")
        await self.uploads.cancel(row.id)

    # -- rows --------------------------------------------------------------------------------------

    def resolve(self, schema: DatasetSchema, row: Mapping[str, object]) -> Mapping[str, object]:
        """A row with the references of its file fields replaced by values."""
        return resolve_row(schema, row, self._referred)

    def _referred(self, entry: Field, reference: str) -> FileValue | None:
        with self.keeping.store.node.read() as reader:
            row = self._by_reference(reader, entry, reference)
        if row is None or row.digest is None:
            return None
        return FileValue(row.digest.hex(), row.taken, row.media_type, row.name)

    def _by_reference(self, reader: Reader, entry: Field, reference: str) -> Attachment | None:
        if len(reference) == 32:
            try:
                row = table.by_id(reader, self.keeping.sealer, bytes.fromhex(reference))
            except NotFoundError:
                return None
            return row if row.origin == OWN and row.state == table.COMPLETE and row.media_type in entry.media_types else None
        tag = self.keeping.tag(bytes.fromhex(reference.removeprefix("sha256:")))
        return table.by_digest(reader, self.keeping.sealer, tag, entry.media_types)

    def faults(self, files: Sequence[FilesOfRow], numbers: Sequence[int], schema: DatasetSchema) -> list[RowFault]:
        """What keeps rows from being published: values that name no attachment, or one that was not scanned.

        Args:
            files: of every row.
            numbers: row numbers as the clerk counts.
            schema: names the fields.
        """
        found: list[RowFault] = []
        with self.keeping.store.node.read() as reader:
            for of_row, number in zip(files, numbers, strict=True):
                for name, value in of_row:
                    row = self._named(reader, value)
                    if row is None:
                        found.append(_fault(schema, number, name, "field-file", "no such complete attachment is here"))
                    elif row.scan != "clean" and not self.unscanned_allowed:
                        found.append(_fault(schema, number, name, "attachment-not-scanned", "the file was not scanned"))
        return found

    def _named(self, reader: Reader, value: FileValue) -> Attachment | None:
        tag = self.keeping.tag(bytes.fromhex(value.sha256))
        row = table.by_digest(reader, self.keeping.sealer, tag, (value.media_type,))
        return row if row is not None and row.taken == value.bytes else None

    def note_uses(self, tx: Transaction, files: Sequence[FilesOfRow], first_position: int) -> None:
        """Note what the records just inserted use; runs in their transaction.

        Raises:
            ConflictError: ``attachment-state`` when a file went since ``faults`` looked; nothing is published then.
        """
        for position, of_row in enumerate(files, start=first_position):
            for name, value in of_row:
                row = self._named(tx, value)
                if row is None:
                    raise ConflictError("attachment-state", "an attachment went while the records were being published")
                table.use(tx, row.id, Use(RECORD, str(position), name))

    # -- upkeep ------------------------------------------------------------------------------------

    async def sweep(self) -> int:
        """Destroy unfinished uploads past their time, refused ones, files that nothing came to use, and files whose record,
        received for a case, was disposed of.

        Returns:
            How many went.
        """
        now = self.keeping.now_s
        expired = now - self.uploads.limits.unfinished_s
        before = {table.UPLOADING: expired, table.REFUSED: expired, table.COMPLETE: now - self.unused_s}
        with self.keeping.store.node.read() as reader:
            stale, disposed = table.stale(reader, before), file_transfers.disposed(reader)
        for blob in stale:
            try:
                await self.uploads.cancel(blob)
            except ConflictError:  # used meanwhile
                continue
        if disposed:
            await self.keeping.destroy(disposed)
            await self.keeping.store.node.write(lambda tx: file_transfers.forget_fetches(tx, disposed))
        return len(stale) + len(disposed)


def may_see(row: Attachment, person: Person) -> bool:
    """Rule 1."""
    if row.origin != OWN:
        return row.state != table.RESTRICTED and Role.CASEWORKER in person.roles
    return Role.PUBLISHER in person.roles or row.created_by == person.id


def resolve_range(span: tuple[int | None, int | None], size: int) -> tuple[int, int]:
    """First byte and the byte behind the last of a range.

    Args:
        span: as in ``Library.content``.
        size: bytes of the file, at least 1.

    Raises:
        InputError: ``range-form`` when it holds no byte of the file.
    """
    first, last = span
    if first is None:
        start, stop = size - min(last or 0, size), size
    else:
        start, stop = first, size if last is None else min(last + 1, size)
    if start >= stop:
        raise InputError("range-form", f"the range holds no byte of the file's {size}", size=size)
    return start, stop


def _fault(schema: DatasetSchema, number: int, name: str, code: str, what: str) -> RowFault:
    entry = schema.field(name)
    return RowFault(number, name, entry.title, what, "an attachment of this department that is complete", code)


async def _opened(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same parts, the first one fetched already, so that a broken file is an error and not a torn answer."""
    first = await anext(parts)

    async def all_parts() -> AsyncIterator[bytes]:
        yield first
        async for part in parts:
            yield part

    return all_parts()
