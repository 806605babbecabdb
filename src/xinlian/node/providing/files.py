"""Giving files: the pieces of an attachment that a granted field of a proven subject's record names.

Rules
1. Every piece passes every check of a read: grant, mode, field, purpose, scenario, case, subject; and the record, as it is now,
   must name exactly this file.
   Nothing leaves once the record's erasure has begun.
2. The piece that opens a transfer counts one use, writes one read entry (outcome ``file``) and its sealed answer is kept, as
   with any request: the same bytes get the same answer again. Later pieces are counted with their transfer, and sealed anew
       each time.
3. A refusal of a later piece is noted with its transfer; it has no entry, since the transfer has one.

Source: design 4.5; issue "2 of 5", Attachments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from xinlian.node.incoming import Outgoing
from xinlian.node.provider_checks import Admitted
from xinlian.node.providing.parts import Call, ProvidingParts, refused_call
from xinlian.node.reads import WrittenRead
from xinlian.protocol.attachments import file_value
from xinlian.protocol.errors import RefusedError
from xinlian.protocol.messages import FileAnswer, FilePart, ProviderCheck, Request, View, dumps_file_answer, refusal
from xinlian.protocol.statements import ReadOutcome
from xinlian.protocol.types import RecordId
from xinlian.store import attachments, erasures, file_transfers, streams, use
from xinlian.store import exchange as table
from xinlian.store.attachments import Attachment
from xinlian.store.file_transfers import Transfer
from xinlian.store.records import Record
from xinlian.store.writer import Reader, Transaction


class Door(Protocol):
    """What lets requests in and answers out (``Providing``)."""

    def admitted(self, request: Request) -> Admitted:
        """The checks of a request."""
        ...

    def view(self) -> View:
        """What this node knows of the chain."""
        ...

    def note_authorisations(self, tx: Transaction, request: Request) -> None:
        """What a use was allowed by, noted."""
        ...

    def sealed(self, call: Call, plaintext: bytes) -> Outgoing:
        """An answer sealed and signed."""
        ...

    async def committed(
        self, call: Call, out: Outgoing, entries: list[streams.ReadEntry], also: Callable[[Transaction], None]
    ) -> Outgoing:
        """An answer committed with its read entries and what else belongs to it."""
        ...


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The record and the attachment that a piece is of."""

    row: Record
    file: Attachment


class FileGiving:
    """The use case.

    Args:
        parts: its collaborators.
        door: authenticates, checks, seals, commits.
    """

    def __init__(self, parts: ProvidingParts, door: Door) -> None:
        self._p = parts
        self._door = door

    async def give(self, call: Call, part: FilePart) -> Outgoing:
        """Answer an authenticated file request of this time.

        Raises:
            ConflictError: ``rid-exists``.
            StoreError: ``sealed-broken`` when the stored file is damaged.
        """
        try:
            admitted = self._door.admitted(call.request)
            chosen = self._chosen(call.request, admitted, part)
            if part.transfer is None:
                return await self._open(call, admitted, part, chosen)
            return await self._go_on(call, part, chosen)
        except RefusedError as error:
            return await self._refused(call, part, ProviderCheck(str(error.fields["check"])))

    def _chosen(self, request: Request, admitted: Admitted, part: FilePart) -> _Chosen:
        """The file that the subject's record names now.

        Raises:
            RefusedError: ``refused-file``.
        """
        schema, subject = admitted.schema, admitted.subjects[0][0]
        lookup = schema.lookup(subject.kind)
        granted = self._p.catalogue.own(schema.code, schema.version).id
        with self._p.store.node.read() as reader:
            standings = self._p.records.standings(reader)
            rows = self._p.records.find(standings, schema, lookup.name, subject.value) if lookup is not None else []
            wanted = [row for row in rows if row.dataset_id == granted and row.rev == part.rev]
            opened = [one for one in self._p.records.open_many(wanted, standings) if one.record_id == part.record_id]
            value = file_value(opened[0].values().get(part.field)) if opened else None
            if value is None or value.sha256 != part.sha256.hex() or part.offset >= value.bytes:
                raise refusal(ProviderCheck.FILE, "the record holds no such file in this field", field=part.field)
            file = self._file(reader, opened[0].row, part)
        return _Chosen(opened[0].row, file)

    def _file(self, reader: Reader, row: Record, part: FilePart) -> Attachment:
        for blob in attachments.used_by(reader, attachments.RECORD, str(row.position), part.field):
            found = attachments.by_id(reader, self._p.sealer, blob)
            if found.digest == part.sha256:
                return found
        raise refusal(ProviderCheck.FILE, "the record's file is not here", field=part.field)

    async def _content(self, chosen: _Chosen, part: FilePart) -> bytes:
        stop = min(chosen.file.taken, part.offset + part.length)
        return await asyncio.to_thread(lambda: b"".join(self._p.keeping.parts(chosen.file, part.offset, stop)))

    def _answer(self, call: Call, check: ProviderCheck | None, content: bytes = b"") -> bytes:
        return dumps_file_answer(FileAnswer(call.request.rid, call.digest, self._door.view(), check, content))

    # -- the piece that opens a transfer -----------------------------------------------------------

    async def _open(self, call: Call, admitted: Admitted, part: FilePart, chosen: _Chosen) -> Outgoing:
        content = await self._content(chosen, part)
        out, now = self._door.sealed(call, self._answer(call, None, content)), int(self._p.clock.wall_s())
        request, grant = call.request, admitted.grant
        case = admitted.case.ref if admitted.case is not None else None
        new = Transfer(
            request.rid, request.from_uscc, grant.ref, case, chosen.row.position, part.field, 1, len(content), now, now
        )
        pseudonyms = self._p.reads.pseudonyms(admitted.subjects[0])
        entries = self._entries(call, out, ReadOutcome.FILE, pseudonyms, (part.record_id,))

        def job(tx: Transaction) -> None:
            if table.use(tx, grant.ref, admitted.case_ref) > grant.terms.uses_per_case:
                raise refusal(ProviderCheck.USES_LEFT, "the grant's uses for this case are used up")
            _refuse_erased(tx, chosen)
            file_transfers.open_transfer(tx, new)
            self._door.note_authorisations(tx, request)

        return await self._door.committed(call, out, entries, job)

    def _entries(
        self,
        call: Call,
        out: Outgoing,
        outcome: ReadOutcome,
        pseudonyms: tuple[str, ...] = (),
        records: tuple[RecordId, ...] = (),
    ) -> list[streams.ReadEntry]:
        read = WrittenRead(0, outcome, pseudonyms, records, call.digest, out.digest, None)
        return self._p.reads.provider_entries(call.request, [read])

    # -- later pieces ------------------------------------------------------------------------------

    async def _go_on(self, call: Call, part: FilePart, chosen: _Chosen) -> Outgoing:
        self._known(call, part, chosen)
        content = await self._content(chosen, part)
        now = int(self._p.clock.wall_s())

        def job(tx: Transaction) -> None:
            _refuse_erased(tx, chosen)
            file_transfers.count_piece(tx, str(part.transfer), len(content), now)

        await self._p.store.node.write(job)
        return await asyncio.to_thread(self._door.sealed, call, self._answer(call, None, content))

    def _known(self, call: Call, part: FilePart, chosen: _Chosen) -> None:
        """Refuse a piece that does not belong to the transfer it names."""
        request = call.request
        with self._p.store.node.read() as reader:
            found = file_transfers.transfer(reader, str(part.transfer))
        case = None if request.case is None else f"{request.case.lead}/{request.case.case_no}"
        wanted = (
            request.from_uscc,
            f"{request.grant.provider}/{request.grant.number}",
            case,
            chosen.row.position,
            part.field,
        )
        if found is None or (found.requester, found.grant_ref, found.case_ref, found.position, found.field) != wanted:
            raise refusal(ProviderCheck.FILE, "there is no such transfer of this file in this case", field=part.field)

    async def _refused(self, call: Call, part: FilePart, check: ProviderCheck) -> Outgoing:
        out, now = self._door.sealed(call, self._answer(call, check)), int(self._p.clock.wall_s())
        if part.transfer is None:
            refused = refused_call(call.request, check, self._p.clock.law_s())
            entries = self._entries(call, out, ReadOutcome.REFUSED)
            return await self._door.committed(call, out, entries, lambda tx: use.note_refused(tx, refused))
        transfer, requester = str(part.transfer), call.request.from_uscc

        def job(tx: Transaction) -> None:
            found = file_transfers.transfer(tx, transfer)
            if found is not None and found.requester == requester:
                file_transfers.note_refusal(tx, transfer, check.value, now)

        await self._p.store.node.write(job)
        return out


def _refuse_erased(tx: Transaction, chosen: _Chosen) -> None:
    if erasures.is_begun(tx, chosen.row.position):
        raise refusal(ProviderCheck.FILE, "the record was erased meanwhile")
