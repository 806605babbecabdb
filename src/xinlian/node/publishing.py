"""Publishing: rows become records, accepted only when they are durable.

Rules
1. All or nothing per call: one fault in one row refuses the whole file, and the report names every fault.
2. Order of writes: record keys first, then records with their blind index and the idempotency answer in one transaction.
   Single rows of many callers share both commits (``together``). A refusal in between destroys the keys again; a crash or a
   failing disk leaves them to the sweep at the next start; there is never a record without its key.
3. A natural key stands for one living record: a second row with it is refused (``record-exists``); a change is a revision.
   Revisions are made one after another, so that two of them never share a number or a key.
4. Rows with file fields name attachments of this node; the use of each is noted in the records' transaction.
5. ``iat`` is law time. Nothing here waits for the chain.

Example: ``accepted = await publishing.publish_row(dataset, row, person)``
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import BinaryIO

import orjson

from xinlian.node.accepted import MAX_FAULTS, Accepted, accepted_rows, key_exists, key_fault
from xinlian.node.attachments import FilesOfRow, Library
from xinlian.node.catalogue import Catalogue, LocalDataset
from xinlian.node.files import FileForm, Limits, check_rows, read_rows
from xinlian.node.idempotency import Call
from xinlian.node.ids import record_id_bytes
from xinlian.node.lines import line_chunks, parsed_lines
from xinlian.node.people import Person
from xinlian.node.sealing import (
    KEY_FIELD,
    LinesJob,
    Revised,
    SealedChunk,
    SealingPool,
    StorageKeys,
    Target,
    seal_rows,
)
from xinlian.node.together import Rows, SealedRow
from xinlian.protocol.errors import ConflictError, InputError
from xinlian.protocol.types import RecordId
from xinlian.store import anchoring, erasures
from xinlian.store import records as table
from xinlian.store.opening import Store
from xinlian.store.record_keys import destroy_many, put_many, put_revision
from xinlian.store.records import Token
from xinlian.store.writer import Reader, Transaction

CHUNK_ROWS = 500
_INLINE_ROWS = 64
_ENDED = 2  # status from which on a record has ended: revoked or erased


class Publishing:
    """The use case.

    Args:
        store: the databases.
        keys: storage keys.
        pool: sealing processes.
        catalogue: this department's datasets.
        law_time: epoch seconds by the chain's clock.
        on_accepted: told after every commit (wakes anchoring).
        limits: how much one call may hold.
        library: the attachments that rows name.
    """

    def __init__(
        self,
        store: Store,
        keys: StorageKeys,
        pool: SealingPool,
        catalogue: Catalogue,
        law_time: Callable[[], int],
        on_accepted: Callable[[], None],
        limits: Limits,
        library: Library,
    ) -> None:
        self._store = store
        self._keys = keys
        self._pool = pool
        self._catalogue = catalogue
        self._law_time = law_time
        self._on_accepted = on_accepted
        self._limits = limits
        self._library = library
        self._revising = asyncio.Lock()
        self._rows = Rows(store)

    async def publish_row(
        self, dataset: LocalDataset, row: Mapping[str, object], person: Person, call: Call | None = None
    ) -> Accepted:
        """Publish one row.

        Raises:
            InputError: ``rows-rejected`` with the faults.
            ConflictError: ``record-exists``, ``dataset-not-published``.
        """
        self._catalogue.require_published(dataset)
        chunk = seal_rows(self._keys, self._target(dataset, person), [(1, self._resolved(dataset, row))])
        _refuse_faults([chunk])
        if chunk.files[0]:
            return await self._commit([chunk], call)
        accepted = await self._rows.add(SealedRow(chunk.records[0], chunk.keys[0], chunk.tokens[0], 1, call))
        self._on_accepted()
        return accepted

    async def publish_rows(
        self,
        dataset: LocalDataset,
        rows: Iterable[tuple[int, Mapping[str, object]]],
        person: Person,
        call: Call | None = None,
    ) -> Accepted:
        """Publish many rows that were read from a file, all or nothing.

        Args:
            dataset: where they go.
            rows: (row number as the clerk counts, row).
            person: who publishes.
            call: for idempotent calls.

        Raises:
            InputError: ``rows-rejected``, ``file-empty``, ``too-large``.
            ConflictError: ``record-exists``, ``dataset-not-published``.
        """
        self._catalogue.require_published(dataset)
        numbered = [(number, self._resolved(dataset, row)) for number, row in rows]
        if len(numbered) > self._limits.max_rows:
            raise self._too_many()
        target = self._target(dataset, person)
        if len(numbered) <= _INLINE_ROWS:
            return await self._commit([seal_rows(self._keys, target, numbered)], call)
        jobs = []
        for start in range(0, len(numbered), CHUNK_ROWS):
            part = numbered[start : start + CHUNK_ROWS]
            lines = b"\n".join([orjson.dumps(row) for _, row in part])
            jobs.append(self._pool.seal_lines(_job(dataset, target, lines, [number for number, _ in part])))
        return await self._commit(await asyncio.gather(*jobs), call)

    async def publish_lines(
        self, dataset: LocalDataset, blocks: AsyncIterator[bytes], person: Person, call: Call | None = None
    ) -> Accepted:
        """Publish an NDJSON stream, all or nothing; sealing starts while the rest still arrives.

        Args:
            dataset: where they go.
            blocks: the body as it arrives, cut anywhere.
            person: who publishes.
            call: for idempotent calls.

        Raises:
            InputError: ``rows-rejected`` (broken lines are among the faults), ``file-empty``, ``too-large``.
            ConflictError: ``record-exists``, ``dataset-not-published``.
        """
        self._catalogue.require_published(dataset)
        if dataset.compiled.has_files:
            rows, faults = await parsed_lines(blocks, CHUNK_ROWS, self._limits)
            if faults:
                raise _rejected([asdict(fault) for fault in faults[:MAX_FAULTS]], len(faults))
            return await self.publish_rows(dataset, rows, person, call)
        target = self._target(dataset, person)
        jobs: list[asyncio.Future[SealedChunk]] = []
        try:
            async for first_row, lines in line_chunks(blocks, CHUNK_ROWS, self._limits.max_line_bytes):
                numbers = range(first_row, first_row + lines.count(b"\n") + 1)
                if numbers.stop - 1 > self._limits.max_rows:
                    raise self._too_many()
                jobs.append(asyncio.ensure_future(self._pool.seal_lines(_job(dataset, target, lines, numbers))))
            chunks = await asyncio.gather(*jobs)
        finally:
            for running in jobs:
                running.cancel()
        return await self._commit(chunks, call)

    async def publish_file(
        self, dataset: LocalDataset, file: BinaryIO, form: FileForm, person: Person, call: Call | None = None
    ) -> Accepted:
        """Publish a spreadsheet or another file, all or nothing.

        Args:
            dataset: where its rows go.
            file: seekable, at its start.
            form: what kind of file it is.
            person: who publishes.
            call: for idempotent calls.

        Raises:
            InputError: ``rows-rejected`` with the report, ``too-large``, ``file-…``, ``json-…``.
            ConflictError: ``record-exists``, ``dataset-not-published``.
        """
        self._catalogue.require_published(dataset)
        schema, compiled = dataset.schema, dataset.compiled
        checked = await asyncio.to_thread(
            lambda: check_rows(
                read_rows(file, form, schema, self._limits),
                compiled,
                self._limits,
                lambda row: self._library.resolve(schema, row),
            )
        )
        if checked.faults:
            raise _rejected([asdict(fault) for fault in checked.faults], checked.fault_count)
        return await self.publish_rows(dataset, zip(checked.numbers, checked.rows, strict=True), person, call)

    async def revise(self, record_id: RecordId, row: Mapping[str, object], person: Person, call: Call | None = None) -> Accepted:
        """Publish a revision of a record; the old one becomes superseded on chain.

        Raises:
            NotFoundError: ``record-unknown``.
            ConflictError: ``record-ended`` when it was revoked or erased, ``record-revised`` when somebody was faster.
            InputError: ``rows-rejected``.
        """
        async with self._revising:
            with self._store.node.read() as reader:
                latest = table.by_jti(reader, record_id_bytes(record_id))
                _refuse_ended(reader, latest)
            old = self._catalogue.by_id(latest.dataset_id)
            dataset = self._catalogue.own(old.schema.code)
            self._catalogue.require_published(dataset)
            revised = Revised(record_id, latest.rev, latest.leaf)
            resolved = self._resolved(dataset, row)
            chunk = seal_rows(self._keys, self._target(dataset, person), [(1, resolved)], revised)
            return await self._commit([chunk], call, replaces=latest)

    def _resolved(self, dataset: LocalDataset, row: Mapping[str, object]) -> Mapping[str, object]:
        return self._library.resolve(dataset.schema, row) if dataset.compiled.has_files else row

    def _target(self, dataset: LocalDataset, person: Person) -> Target:
        return Target(dataset.compiled, dataset.id, person.id, self._law_time())

    def _too_many(self) -> InputError:
        return InputError("too-large", f"more than {self._limits.max_rows} rows in one call", limit=self._limits.max_rows)

    async def _commit(self, chunks: Sequence[SealedChunk], call: Call | None, replaces: table.Record | None = None) -> Accepted:
        _refuse_faults(chunks)
        records = [record for chunk in chunks for record in chunk.records]
        if not records:
            raise InputError("file-empty", "there is no row to publish")
        tokens = [row_tokens for chunk in chunks for row_tokens in chunk.tokens]
        numbers = [number for chunk in chunks for number in chunk.rows]
        _refuse_duplicates(tokens, numbers)
        keys = [key for chunk in chunks for key in chunk.keys]
        files = [of_row for chunk in chunks for of_row in chunk.files]
        if any(files):
            self._refuse_foreign_files(records[0][2], files, numbers)

        def job(tx: Transaction) -> Accepted:
            if call is not None:
                call.refuse_done(tx)
            if replaces is not None:
                _refuse_ended(tx, replaces)
            _refuse_existing(tx, tokens, numbers, b"" if replaces is None else replaces.jti)
            first = table.insert_many(tx, records, tokens)
            self._library.note_uses(tx, files, first)
            if replaces is not None:
                anchoring.queue_mark(tx, replaces.position, status=1, reason=0)
            return accepted_rows(records, first, call, tx)

        await self._store.keys.write(lambda tx: put_many(tx, keys) if replaces is None else put_revision(tx, keys[0]))
        try:
            accepted = await self._store.node.write(job)
        except ConflictError:  # refused inside the job, so nothing was stored: the keys are nobody's
            await self._store.keys.write(lambda tx: destroy_many(tx, keys))
            raise
        self._on_accepted()
        return accepted

    def _refuse_foreign_files(self, dataset_id: int, files: Sequence[FilesOfRow], numbers: Sequence[int]) -> None:
        faults = self._library.faults(files, numbers, self._catalogue.by_id(dataset_id).schema)
        if faults:
            raise _rejected([asdict(fault) for fault in faults[:MAX_FAULTS]], len(faults))


def _job(dataset: LocalDataset, target: Target, lines: bytes, numbers: Sequence[int]) -> LinesJob:
    return LinesJob(dataset.schema.source, lines, numbers, target.dataset_id, target.published_by, target.iat)


def _refuse_faults(chunks: Sequence[SealedChunk]) -> None:
    faults = [fault for chunk in chunks for fault in chunk.faults]
    if faults:
        raise _rejected([asdict(fault) for fault in faults[:MAX_FAULTS]], len(faults))


def _rejected(faults: Sequence[Mapping[str, object]], count: int) -> InputError:
    return InputError(
        "rows-rejected", f"{count} faults; nothing was published", faults=list(faults[:MAX_FAULTS]), fault_count=count
    )


def _refuse_duplicates(tokens: Sequence[Sequence[Token]], numbers: Sequence[int]) -> None:
    """Two rows of one call with the same natural key."""
    seen: dict[bytes, int] = {}
    twice = []
    for row_tokens, number in zip(tokens, numbers, strict=True):
        first = seen.setdefault(row_tokens[0][2], number)
        if first != number:
            twice.append(key_fault(number, f"the same key as row {first}", "every natural key once", "key-duplicate"))
    if twice:
        raise _rejected(twice, len(twice))


def _refuse_existing(tx: Transaction, tokens: Sequence[Sequence[Token]], numbers: Sequence[int], besides: bytes) -> None:
    """A natural key that a living record of this node has already, other than the one being revised."""
    found = table.existing_keys(tx, KEY_FIELD, [row_tokens[0] for row_tokens in tokens], besides)
    if found:
        raise key_exists([numbers[i] for i in found])


def _refuse_ended(tx: Reader, replaced: table.Record) -> None:
    latest = table.by_jti(tx, replaced.jti)
    if latest.rev != replaced.rev:
        raise ConflictError("record-revised", "somebody revised this record in the meantime; read it again", rev=latest.rev)
    ended = erasures.is_begun(tx, replaced.position) or any(
        mark.status >= _ENDED for mark in anchoring.marks_of(tx, replaced.position)
    )
    if ended:
        raise ConflictError("record-ended", "this record was revoked or erased; it cannot be revised")
