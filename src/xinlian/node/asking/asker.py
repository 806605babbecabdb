"""Asking: seal, sign and send a question, open its answer, have it judged, commit how it ended."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import orjson

from xinlian.node.asking.history import NOTED, History
from xinlian.node.asking.judging import Judging
from xinlian.node.asking.line import WINDOW_S, Line
from xinlian.node.asking.question import Asked, Question, Sent, ShownItem, case_ref
from xinlian.node.authorisations import Shelf, Use, refs_of
from xinlian.node.bundles import Bundles
from xinlian.node.cases import Cases
from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import CaseState, ChainState, GrantState
from xinlian.node.clock import Clock
from xinlian.node.corrections import Doubts
from xinlian.node.following import Following
from xinlian.node.idempotency import current_journal
from xinlian.node.identity import Identity
from xinlian.node.peer_client import PeerClient, Reply
from xinlian.node.peers import Peers
from xinlian.node.people import Person
from xinlian.node.providing import PATH
from xinlian.node.reads import Reads, WrittenRead
from xinlian.protocol.b64 import b64u
from xinlian.protocol.dataset import DatasetSchema, Mode
from xinlian.protocol.envelope import (
    Rid,
)
from xinlian.protocol.errors import InputError, NotFoundError, PeerError, XinlianError
from xinlian.protocol.messages import (
    Answer,
    CaseRef,
    GrantRef,
    ProviderCheck,
    Request,
    RequestItem,
    check_answer,
    dumps_request,
    parse_answer,
    refusal,
)
from xinlian.protocol.statements import ReadOutcome
from xinlian.protocol.types import EpochS, RecordId, Uscc
from xinlian.store import authorisations, case_files, streams
from xinlian.store import exchange as table
from xinlian.store.opening import Store
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

DISPOSE_AFTER_S = 30 * 86_400
CATCH_UP_S = 10.0


@dataclass(frozen=True, slots=True)
class AskingParts:
    """What the use case is built from."""

    department: Uscc
    store: Store
    sealer: Sealer
    state: ChainState
    clock: Clock
    identity: Identity
    peers: Peers
    catalogue: Catalogue
    cases: Cases
    bundles: Bundles
    reads: Reads
    following: Following
    client: PeerClient
    max_view_age_s: float
    shelf: Shelf
    doubts: Doubts


class Asking:
    """The use case."""

    def __init__(self, parts: AskingParts) -> None:
        self._p = parts
        self._judging = Judging(parts.bundles, parts.clock, parts.doubts)
        self._line = Line(parts.state, parts.clock, parts.identity, parts.peers, parts.following, parts.client)
        self.history = History(parts.store.node, parts.sealer, parts.clock)

    @property
    def parts(self) -> AskingParts:
        """What it was built from; fetching files shares it."""
        return self._p

    async def ask(self, question: Question, person: Person) -> Asked:
        """Ask another department's node.

        Returns:
            The verified answer; ``state`` is received, refused, no-answer or not-proven.

        Raises:
            NotFoundError: ``grant-unknown``, ``case-unknown``, ``authorisation-unknown``.
            InputError: ``field-unknown``, ``view-unknown`` and the codes of ``messages``.
            RefusedError: ``refused-subject-in-case``, ``refused-view-fresh``, ``authorisation-…`` before anything is sent.
            ConflictError: ``query-disposed`` when this call was carried out before and what it brought is no longer kept.
        """
        journal = current_journal()
        journal.answer_from_notes()
        if journal.noted(NOTED) is not None:
            return self.history.again(journal.noted(NOTED))
        self._require_fresh_view()
        grant = self._grant(question)
        schema = await self._schema(grant)
        sent = self._seal(question, grant, schema, person)
        await self._commit_attempt(sent)
        try:
            reply = await self._line.send(sent.request.to_uscc, PATH, sent.sealed)
        except PeerError as error:
            return await self._finish_without(sent, "no-answer", error.code)
        return await self._take(sent, reply)

    # -- asking ------------------------------------------------------------------------------------

    def _require_fresh_view(self) -> None:
        if self._p.clock.view_age_s() > self._p.max_view_age_s:
            text = "this node's view of the chain is too old to take personal data; nothing was sent"
            raise refusal(ProviderCheck.VIEW_FRESH, text)

    def _grant(self, question: Question) -> GrantState:
        grant = self._p.state.grants.get((question.provider, question.grant_number))
        if grant is None or grant.receiver != self._p.department:
            raise NotFoundError(
                "grant-unknown", "this department received no such grant", grant=question.grant_number, provider=question.provider
            )
        return grant

    async def _schema(self, grant: GrantState) -> DatasetSchema:
        entry = self._p.state.dataset(grant.provider, grant.serial, grant.version)
        if entry is None:
            raise NotFoundError("dataset-unknown", "the grant's dataset is not in the catalogue", dataset=grant.vct)
        return await self._p.catalogue.schema_at(entry)

    def _seal(self, question: Question, grant: GrantState, schema: DatasetSchema, person: Person) -> Sent:
        case = self._p.cases.get(*question.case) if question.case is not None else None
        ends = self._line.ends_to(grant.provider)
        now = int(self._p.clock.wall_s())
        request = Request(
            rid=Rid(b64u(os.urandom(16))),
            from_uscc=self._p.department,
            to_uscc=grant.provider,
            signing_kid=ends.signing.kid,
            sealing_kid=ends.sealing_kid,
            reply_key=ends.reply_public,
            grant=GrantRef(grant.provider, grant.number),
            dataset=grant.vct,
            case=None if case is None else CaseRef(case.lead, case.case_no),
            purpose=question.purpose,
            mode=Mode(question.mode),
            fields=_concrete(schema, question),
            view=question.view,
            items=self._items(case, question),
            created=EpochS(now),
            expires=EpochS(now + WINDOW_S),
        )
        subjects = tuple(dict.fromkeys(subject for item in question.items for subject in item.subjects))
        use = Use(request, schema, grant, subjects, self._p.clock.law_s())
        request = self._p.shelf.authorised(use, question.authorisations)
        sealed = self._line.seal(ends, request, dumps_request(request), PATH)
        pseudonyms = tuple(self._p.reads.pseudonyms(item.subjects) for item in question.items)
        return Sent(request, sealed, pseudonyms, person)

    def _items(self, case: CaseState | None, question: Question) -> tuple[RequestItem, ...]:
        if case is None:
            raise InputError("query-case", "a case is needed: standing use is not offered by this call")
        openings = iter(self._p.cases.openings_of(case, [subject for item in question.items for subject in item.subjects]))
        return tuple(
            RequestItem(tuple(islice(openings, len(item.subjects))), {**question.parameters, **item.values})
            for item in question.items
        )

    async def _commit_attempt(self, sent: Sent) -> None:
        request = sent.request
        row = table.Outgoing(
            rid=request.rid,
            provider=request.to_uscc,
            mode=request.mode.value,
            grant_ref=f"{request.grant.provider}/{request.grant.number}",
            case_ref=case_ref(request),
            state="attempted",
            request_digest=sent.digest,
            answer_digest=None,
            detail=None,
            created_at=int(self._p.clock.wall_s()),
            finished_at=None,
            created_by=sent.person.id,
        )
        entries = self._entries(sent, [ShownItem(ReadOutcome.ATTEMPTED.value, None)] * len(request.items), None)
        journal = current_journal()

        def job(tx: Transaction) -> None:
            journal.note(tx, NOTED, {"rid": request.rid, "items": len(entries)})
            table.attempt(tx, row)
            authorisations.use(tx, request.rid, refs_of(request), self._p.clock.law_s())
            streams.insert_reads(tx, self._p.sealer, entries)

        await self._p.store.node.write(job)

    # -- taking the answer -------------------------------------------------------------------------

    async def _take(self, sent: Sent, reply: Reply) -> Asked:
        if reply.status != 200 or "xinlian-envelope" not in reply.headers:
            state = "refused" if 400 <= reply.status < 500 else "no-answer"
            return await self._finish_without(sent, state, reply.problem_code())
        try:
            answer = await self._opened(sent, reply)
        except XinlianError as error:
            return await self._finish_without(sent, "not-proven", error.code)
        await self._catch_up(answer)
        shown = self._judging.judge(sent, answer)
        return await self._finish(sent, answer, shown, hashlib.sha256(reply.body).digest())

    async def _opened(self, sent: Sent, reply: Reply) -> Answer:
        answer = parse_answer(await self._line.opened(sent.sealed, reply))
        check_answer(answer, sent.request, sent.body)
        return answer

    async def _catch_up(self, answer: Answer) -> None:
        """Wait until the own follower has seen the blocks that the receipts name."""
        named = [
            e.receipt.get("block_number")
            for item in answer.items
            for e in (*item.records, *((item.answer,) if item.answer else ()))
            if e.receipt is not None
        ]
        blocks = [number for number in named if isinstance(number, int)]
        if blocks:
            await self._p.following.reach(max(blocks), CATCH_UP_S)

    # -- finishing ---------------------------------------------------------------------------------

    async def _finish(self, sent: Sent, answer: Answer, shown: Sequence[ShownItem], answer_digest: bytes) -> Asked:
        outcomes = {item.outcome for item in shown}
        state = "refused" if outcomes == {"refused"} else "not-proven" if "not-proven" in outcomes else "received"
        detail = next((item.check for item in shown if item.check is not None), "not-proven" if state == "not-proven" else None)
        view = {"block_number": answer.view.block_number, "block_time": int(answer.view.block_time)}
        return await self._close(sent, Asked(sent.request.rid, state, detail, view, tuple(shown)), answer_digest)

    async def _finish_without(self, sent: Sent, state: str, detail: str) -> Asked:
        read = {"refused": ReadOutcome.REFUSED, "not-proven": ReadOutcome.NOT_PROVEN}.get(state, ReadOutcome.NO_ANSWER)
        shown = [ShownItem(read.value, None) for _ in sent.request.items]
        return await self._close(sent, Asked(sent.request.rid, state, detail, None, tuple(shown)), None)

    async def _close(self, sent: Sent, asked: Asked, answer_digest: bytes | None) -> Asked:
        entries = self._entries(sent, asked.items, answer_digest)
        received = [self._received(sent, i, item) for i, item in enumerate(asked.items) if item.is_kept]
        now, state, journal = int(self._p.clock.wall_s()), asked.state, current_journal()
        stored = "no-answer" if state == "not-proven" and answer_digest is None else state.replace("not-proven", "received")

        def job(tx: Transaction) -> None:
            table.finish(tx, asked.rid, table.Ending(stored, now, answer_digest, asked.detail))
            streams.insert_reads(tx, self._p.sealer, entries)
            case_files.put_received(tx, self._p.sealer, received)
            journal.note(tx, NOTED, asked.without_values())

        await self._p.store.node.write(job)
        return asked

    def _entries(self, sent: Sent, shown: Sequence[ShownItem], answer_digest: bytes | None) -> list[streams.ReadEntry]:
        reads = [
            WrittenRead(
                item=i,
                outcome=_logged(item.outcome, answer_digest),
                pseudonyms=sent.pseudonyms[i],
                record_ids=tuple([RecordId(record["record_id"]) for record in item.records]),
                request_digest=sent.digest,
                answer_digest=answer_digest,
                operator=sent.person.person_id,
            )
            for i, item in enumerate(shown)
        ]
        return self._p.reads.requester_entries(sent.request, reads)

    def _received(self, sent: Sent, index: int, item: ShownItem) -> case_files.Received:
        now = int(self._p.clock.wall_s())
        content = orjson.dumps({**item.to_json(), "bundles": list(item.bundles)})
        verdict = "proven" if item.outcome != ReadOutcome.NOT_PROVEN.value else "not-proven"
        return case_files.Received(
            case_ref(sent.request),
            sent.request.rid,
            index,
            sent.request.to_uscc,
            sent.request.dataset,
            content,
            verdict,
            now,
            now + DISPOSE_AFTER_S,
        )


def _concrete(schema: DatasetSchema, question: Question) -> tuple[str, ...]:
    """Field names with arrays spelled out, in the dataset's order."""
    if question.mode == Mode.ANSWER.value:
        return ()
    return schema.names_of(schema.mask_of(question.fields))


def _logged(outcome: str, answer_digest: bytes | None) -> ReadOutcome:
    """The outcome as an entry names it: an answer that could not even be opened is none."""
    read = ReadOutcome(outcome)
    return ReadOutcome.NO_ANSWER if read is ReadOutcome.NOT_PROVEN and answer_digest is None else read
