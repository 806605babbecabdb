"""Fetching the files that received records name, piece by piece, into this node's own store.

Rules
1. What is fetched is what the record disclosed and proved: digest, size, type and name come from the case file, grant, purpose
   and subject from this node's own read entry of the query.
2. The piece that opens a transfer is a request like any other: ``attempted`` is committed before it is sent, its outcome after.
   Later pieces have no entries of their own.
3. Pieces go into an encrypted attachment as they come; broken off anywhere, the next call goes on from there. Complete, the whole
   file must have the disclosed SHA-256 (``attachment-damaged`` otherwise, and nothing is kept), its type and no malware.
4. It is disposed of with the record it belongs to.

Source: design 4.5; issue "2 of 5", Attachments; Decree 809 art. 25, 29.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from xinlian.node.asking.asker import AskingParts
from xinlian.node.asking.file_source import Source, Wanted, source_of
from xinlian.node.asking.line import WINDOW_S, Line, Sealed
from xinlian.node.attachments import Library
from xinlian.node.authorisations import refs_of
from xinlian.node.idempotency import current_journal
from xinlian.node.people import Person
from xinlian.node.providing import FILES_PATH
from xinlian.node.reads import WrittenRead
from xinlian.protocol.b64 import b64u
from xinlian.protocol.dataset import Mode
from xinlian.protocol.envelope import Rid
from xinlian.protocol.errors import EvidenceError, InputError, NotFoundError, PeerError, RefusedError, XinlianError
from xinlian.protocol.messages import (
    MAX_OPENING_BYTES,
    MAX_PIECE_BYTES,
    FileAnswer,
    FilePart,
    FileRequest,
    ProviderCheck,
    Request,
    RequestItem,
    check_file_answer,
    dumps_file_request,
    parse_file_answer,
    refusal,
)
from xinlian.protocol.statements import ReadOutcome
from xinlian.protocol.subjects import read_subject
from xinlian.protocol.types import EpochS, RecordId
from xinlian.store import attachments, authorisations, file_transfers, streams
from xinlian.store import exchange as table
from xinlian.store.attachments import Attachment
from xinlian.store.blobs import ID_BYTES
from xinlian.store.file_transfers import Fetch
from xinlian.store.writer import Transaction

MODE = "file"
"""Under what transfers stand in the list of queries."""
BUDGET_S = 20.0
"""One call fetches pieces for so long; the next one goes on."""


class Fetching:
    """The use case.

    Args:
        parts: as for asking.
        library: where files go.
        monotonic_s: a clock that only goes on.
    """

    def __init__(self, parts: AskingParts, library: Library, monotonic_s: Callable[[], float]) -> None:
        self._p = parts
        self._library = library
        self._monotonic_s = monotonic_s
        self._beginning = asyncio.Lock()
        self._line = Line(parts.state, parts.clock, parts.identity, parts.peers, parts.following, parts.client)

    async def fetch(self, wanted: Wanted, person: Person) -> Attachment:
        """Fetch a file, or go on fetching it.

        Returns:
            The attachment; ``uploading`` when there is more to come: call again.

        Raises:
            NotFoundError: ``query-unknown``; ``attachment-unknown`` when the query brought no such proven file.
            RefusedError: the provider's check, ``refused-subject-in-case``, ``refused-view-fresh``.
            PeerError: the provider cannot be reached, or its answer is not usable; call again.
            EvidenceError: ``attachment-damaged``.
            InputError: ``attachment-…`` when the file is not what it must be, or too large for this node.
        """
        current_journal().answer_from_notes()  # a repeat goes on with the file
        source = source_of(self._p, wanted)
        async with self._beginning:
            fetch = await self._begun(source, person)
        until = self._monotonic_s() + BUDGET_S
        async with self._library.uploads.turns.of(fetch.attachment):
            row = self._library.keeping.get(fetch.attachment.hex())
            while row.state == attachments.UPLOADING and self._monotonic_s() < until:
                row = await self._piece(source, row, person)
        return row

    async def _begun(self, source: Source, person: Person) -> Fetch:
        """The fetch as it stands, or a new one."""
        wanted = source.wanted
        with self._p.store.node.read() as reader:
            known = file_transfers.fetch_of(reader, wanted.rid, wanted.item, wanted.record_id, wanted.field)
        if known is not None:
            try:
                if self._library.keeping.get(known.attachment.hex()).state != attachments.REFUSED:
                    return known
            except NotFoundError:
                pass  # it was destroyed since
        self._library.uploads.check_room(source.value.bytes)
        new = self._new_row(source, person)
        fetch = Fetch(new.id, wanted.rid, wanted.item, wanted.record_id, wanted.field)
        await self._library.keeping.begin(new, lambda tx: file_transfers.begin_fetch(tx, fetch))
        return fetch

    def _new_row(self, source: Source, person: Person) -> Attachment:
        now, value = self._library.keeping.now_s, source.value
        return Attachment(
            os.urandom(ID_BYTES),
            attachments.RECEIVED,
            attachments.UPLOADING,
            value.media_type,
            value.name,
            value.bytes,
            0,
            bytes.fromhex(value.sha256),
            None,
            None,
            None,
            person.id,
            now,
            now,
        )

    # -- pieces ------------------------------------------------------------------------------------

    async def _piece(self, source: Source, row: Attachment, person: Person) -> Attachment:
        """Fetch the next piece and keep it."""
        with self._p.store.node.read() as reader:
            fetch = file_transfers.fetch_into(reader, row.id)
        if fetch is None:
            raise NotFoundError("attachment-unknown", "the file is not being fetched any more", attachment=row.id.hex())
        content = None if fetch.transfer is None else await self._next(source, row, Rid(fetch.transfer))
        transfer = fetch.transfer
        if content is None:
            content, transfer = await self._open_transfer(source, row, person)
        is_last = row.taken + len(content) == source.value.bytes
        try:
            return await self._library.uploads.take(row, content, is_last=is_last)
        except (EvidenceError, InputError) as error:
            code = error.code
            await self._p.store.node.write(lambda tx: table.note_detail(tx, str(transfer), code))
            raise

    def _asked(self, source: Source, row: Attachment, transfer: Rid | None) -> tuple[FileRequest, Sealed]:
        if self._p.clock.view_age_s() > self._p.max_view_age_s:
            text = "this node's view of the chain is too old to take personal data; nothing was sent"
            raise refusal(ProviderCheck.VIEW_FRESH, text)
        ends, now = self._line.ends_to(source.provider), int(self._p.clock.wall_s())
        most = MAX_OPENING_BYTES if transfer is None else MAX_PIECE_BYTES
        wanted = source.wanted
        request = Request(
            rid=Rid(b64u(os.urandom(16))),
            from_uscc=self._p.department,
            to_uscc=source.provider,
            signing_kid=ends.signing.kid,
            sealing_kid=ends.sealing_kid,
            reply_key=ends.reply_public,
            grant=source.grant,
            dataset=source.disclosed.dataset,
            case=source.case,
            purpose=source.disclosed.purpose,
            mode=Mode.QUERY,
            fields=(wanted.field,),
            view=None,
            items=(RequestItem((source.opening,), {}),),
            created=EpochS(now),
            expires=EpochS(now + WINDOW_S),
            authorisations=self._p.shelf.shown_with(wanted.rid),
        )
        part = FilePart(
            transfer,
            RecordId(wanted.record_id),
            source.rev,
            wanted.field,
            bytes.fromhex(source.value.sha256),
            row.taken,
            min(most, source.value.bytes - row.taken),
        )
        asked = FileRequest(request, part)
        return asked, self._line.seal(ends, request, dumps_file_request(asked), FILES_PATH)

    async def _answer(self, asked: FileRequest, sealed: Sealed, size: int) -> tuple[FileAnswer, bytes]:
        """The checked answer to a file request, and the digest of its sealed bytes.

        Raises:
            PeerError: ``peer-…``, ``answer-mismatch``.
            InputError: the codes of the answer's form.
            RefusedError: ``refused-key-registered``.
        """
        reply = await self._line.send(asked.request.to_uscc, FILES_PATH, sealed)
        if reply.status != 200 or "xinlian-envelope" not in reply.headers:
            reason = reply.problem_code()
            raise PeerError("peer-refused", f"the provider's node refuses the call ({reason})", reason=reason)
        answer = parse_file_answer(await self._line.opened(sealed, reply))
        check_file_answer(answer, asked, sealed.body, size)
        return answer, hashlib.sha256(reply.body).digest()

    async def _next(self, source: Source, row: Attachment, transfer: Rid) -> bytes | None:
        """A later piece; None when the provider does not know the transfer (any more)."""
        asked, sealed = self._asked(source, row, transfer)
        answer, _ = await self._answer(asked, sealed, source.value.bytes)
        if answer.check is ProviderCheck.FILE:
            return None
        if answer.check is not None:
            raise _refused(answer.check, source)
        return answer.content

    async def _open_transfer(self, source: Source, row: Attachment, person: Person) -> tuple[bytes, str]:
        """The piece that opens a transfer, and the transfer's id."""
        asked, sealed = self._asked(source, row, None)
        await self._commit_attempt(source, asked, sealed, person)
        try:
            answer, digest = await self._answer(asked, sealed, source.value.bytes)
        except XinlianError as error:
            no_answer = replace(_outcome(ReadOutcome.NO_ANSWER), detail=error.code)
            await self._finish(asked, sealed, person, no_answer)
            raise
        if answer.check is not None:
            await self._finish(asked, sealed, person, _Outcome(ReadOutcome.REFUSED, "refused", digest, answer.check.value))
            raise _refused(answer.check, source)
        given = _Outcome(ReadOutcome.FILE, "received", digest, None, row.id)
        await self._finish(asked, sealed, person, given)
        return answer.content, asked.request.rid

    # -- the log -----------------------------------------------------------------------------------

    async def _commit_attempt(self, source: Source, asked: FileRequest, sealed: Sealed, person: Person) -> None:
        request = asked.request
        out = table.Outgoing(
            request.rid,
            request.to_uscc,
            MODE,
            f"{request.grant.provider}/{request.grant.number}",
            source.case_ref,
            "attempted",
            sealed.digest,
            None,
            None,
            int(self._p.clock.wall_s()),
            None,
            person.id,
        )
        entries = self._entries(asked, sealed, person, _outcome(ReadOutcome.ATTEMPTED))

        def job(tx: Transaction) -> None:
            table.attempt(tx, out)
            authorisations.use(tx, request.rid, refs_of(request), self._p.clock.law_s())
            streams.insert_reads(tx, self._p.sealer, entries)

        await self._p.store.node.write(job)

    async def _finish(self, asked: FileRequest, sealed: Sealed, person: Person, outcome: _Outcome) -> None:
        entries = self._entries(asked, sealed, person, outcome)
        ending = table.Ending(outcome.state, int(self._p.clock.wall_s()), outcome.answer_digest, outcome.detail)

        def job(tx: Transaction) -> None:
            table.finish(tx, asked.request.rid, ending)
            streams.insert_reads(tx, self._p.sealer, entries)
            if outcome.attachment is not None:
                file_transfers.note_transfer(tx, outcome.attachment, asked.request.rid)

        await self._p.store.node.write(job)

    def _entries(self, asked: FileRequest, sealed: Sealed, person: Person, outcome: _Outcome) -> list[streams.ReadEntry]:
        subjects = [read_subject(opening) for opening in asked.request.items[0].subjects]
        records = (asked.part.record_id,) if outcome.read is ReadOutcome.FILE else ()
        read = WrittenRead(
            0,
            outcome.read,
            self._p.reads.pseudonyms(subjects),
            records,
            sealed.digest,
            outcome.answer_digest,
            person.person_id,
        )
        return self._p.reads.requester_entries(asked.request, [read])


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How the piece that opens a transfer came out; ``attachment`` when its transfer goes on."""

    read: ReadOutcome
    state: str
    answer_digest: bytes | None = None
    detail: str | None = None
    attachment: bytes | None = None


def _outcome(read: ReadOutcome) -> _Outcome:
    return _Outcome(read, read.value)


def _refused(check: ProviderCheck, source: Source) -> RefusedError:
    return refusal(check, f"the provider refuses: {check.value}", department=source.provider)
