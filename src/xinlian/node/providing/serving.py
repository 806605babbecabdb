"""Serving sealed requests: authenticate, open, check, commit, seal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import orjson
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from xinlian.node.authentic import SKEW_S, Expected, authenticate
from xinlian.node.authorisations import refs_of
from xinlian.node.ids import record_id_bytes
from xinlian.node.incoming import Incoming, Outgoing
from xinlian.node.peers import sealing_kid
from xinlian.node.provider_checks import Admitted, Moment, admit
from xinlian.node.providing.answering import Answering
from xinlian.node.providing.files import FileGiving
from xinlian.node.providing.parts import Answerable, Call, Proven, ProvidingLimits, ProvidingParts, Result, refused_call
from xinlian.node.rate import RateLimit
from xinlian.node.reads import WrittenRead
from xinlian.protocol import httpsig
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.envelope import (
    Direction,
    EnvelopeHeader,
    answer_header,
    dumps_header,
    open_request,
    seal_answer,
)
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError, RefusedError, StoreError
from xinlian.protocol.messages import (
    Answer,
    AnswerItem,
    Outcome,
    ProviderCheck,
    Request,
    View,
    check_outside,
    check_time,
    dumps_answer,
    parse_file_request,
    parse_request,
    refusal,
)
from xinlian.protocol.statements import ReadOutcome
from xinlian.protocol.types import EpochS
from xinlian.store import authorisations, corrected, erasures, streams, use
from xinlian.store import exchange as table
from xinlian.store.writer import Transaction

PATH = "/exchange/v1/requests"
FILES_PATH = "/exchange/v1/files"
ANSWER_WINDOW_S = 60
LOOKS = 5
"""How often a request is looked at anew because a record was erased or corrected meanwhile."""


class Providing:
    """The use case.

    Args:
        parts: its collaborators.
        limits: its bounds.
        on_committed: told after every commit (wakes anchoring).
        rate: of the whole exchange.
    """

    def __init__(self, parts: ProvidingParts, limits: ProvidingLimits, on_committed: Callable[[], None], rate: RateLimit) -> None:
        self._department = parts.department
        self._store = parts.store
        self._sealer = parts.sealer
        self._state = parts.state
        self._clock = parts.clock
        self._identity = parts.identity
        self._peers = parts.peers
        self._catalogue = parts.catalogue
        self._reads = parts.reads
        self._shelf = parts.shelf
        self._answering = Answering(parts, limits)
        self._giving = FileGiving(parts, self)
        self._limits = limits
        self._on_committed = on_committed
        self._rate = rate

    async def serve(self, incoming: Incoming) -> Outgoing:
        """Answer a sealed request.

        Raises:
            RefusedError: ``refused-rate`` and every refusal before the sender is proven.
            InputError: a request that is not of the form.
            ConflictError: ``rid-reused``: the same request id with other bytes.
        """
        proven = self.proven(incoming)
        if isinstance(proven, Outgoing):
            return proven
        return await self._answer(self._call(proven, parse_request(proven.plaintext)))

    async def serve_file(self, incoming: Incoming) -> Outgoing:
        """Answer a sealed request for a piece of a file.

        Raises:
            RefusedError: as ``serve``.
            InputError: as ``serve``.
            ConflictError: as ``serve``.
        """
        proven = self.proven(incoming)
        if isinstance(proven, Outgoing):
            return proven
        asked = parse_file_request(proven.plaintext)
        return await self._giving.give(self._call(proven, asked.request), asked.part)

    def proven(self, incoming: Incoming) -> Proven | Outgoing:
        """A request whose sender is proven, opened; or the answer that its very bytes got before."""
        with self._rate.guarding(incoming.remote, self._clock.wall_s()):
            header, verified = self._authenticate(incoming)
        digest = hashlib.sha256(incoming.body).digest()
        kept = self._answered(header, digest)
        if kept is not None:
            return kept
        plaintext = open_request(header, incoming.body, self._identity.hpke_key(header.to_kid))
        return Proven(header, digest, incoming.body, verified.signature, plaintext)

    def _call(self, proven: Proven, request: Request) -> Call:
        check_outside(request, proven.header)
        check_time(request, int(self._clock.wall_s()), SKEW_S)
        return Call(proven.header, request, proven.digest, proven.ciphertext, proven.signature)

    def _authenticate(self, incoming: Incoming) -> tuple[EnvelopeHeader, httpsig.VerifiedSignature]:
        expected = Expected(self._department, Direction.REQUEST, httpsig.TAG)
        return authenticate(incoming, expected, self._peers, int(self._clock.wall_s()))

    def _answered(self, header: EnvelopeHeader, digest: bytes) -> Outgoing | None:
        with self._store.node.read() as reader:
            kept = table.answered(reader, header.rid, header.from_uscc, digest)
        if kept is None:
            return None
        if kept.answer is None:
            raise refusal(ProviderCheck.REPLAY, "this request was answered and its answer is no longer kept")
        return Outgoing(kept.status, orjson.loads(kept.headers), kept.answer)

    async def _answer(self, call: Call) -> Outgoing:
        for _ in range(LOOKS):
            try:
                return await self._attempt(call)
            except (NotFoundError, ConflictError) as error:  # it ended between looking and committing: look again
                if error.code not in ("record-erased", "record-revised"):
                    raise
        raise StoreError("store-busy", "records of this answer are being erased or corrected; ask again")

    async def _attempt(self, call: Call) -> Outgoing:
        request = call.request
        try:
            admitted, view = self.admitted(request), self.view()
            results = self._answering.results(call, admitted, view)
            return await self._commit(call, admitted, results, view)
        except (RefusedError, InputError) as error:
            if isinstance(error, InputError) and error.code != "answer-too-large":
                raise
            check = ProviderCheck(str(error.fields.get("check", ProviderCheck.PAYLOAD_GUARD.value)))
            refused = [Result(AnswerItem(Outcome.REFUSED, check=check)) for _ in request.items]
            return await self._commit(call, None, refused, self.view())

    def _own_schema(self, vct: str) -> DatasetSchema | None:
        code, _, version = vct.partition("@")
        try:
            return self._catalogue.own(code, int(version)).schema
        except NotFoundError:
            return None

    def _moment(self) -> Moment:
        return Moment(self._clock.law_s(), self._clock.view_age_s(), self._limits.max_view_age_s)

    def admitted(self, request: Request) -> Admitted:
        """The checks of a request, on this node's own tables."""
        return admit(request, self._own_schema(request.dataset), self._state, self._moment(), self._shelf.known(request))

    def note_authorisations(self, tx: Transaction, request: Request) -> None:
        """Note what a use was allowed by, unless one of it was withdrawn meanwhile.

        Raises:
            RefusedError: ``authorisation-withdrawn``.
        """
        refs = refs_of(request)
        if authorisations.withdrawn_among(tx, refs):
            raise refusal(ProviderCheck.AUTHORISATION_WITHDRAWN, "the authorisation was withdrawn")
        authorisations.use(tx, request.rid, refs, self._clock.law_s())

    def sealed(self, call: Answerable, plaintext: bytes) -> Outgoing:
        """An answer sealed and signed."""
        return self._seal(call, plaintext)

    def view(self) -> View:
        """What this node knows of the chain."""
        head = self._clock.head()
        return View(head.number, EpochS(head.time))

    async def _commit(self, call: Call, admitted: Admitted | None, results: Sequence[Result], view: View) -> Outgoing:
        answer = Answer(call.request.rid, call.digest, view, tuple(result.item for result in results))
        out = self._seal(call, dumps_answer(answer))
        entries = self._entries(call, admitted, results, out.digest)

        def also(tx: Transaction) -> None:
            if admitted is not None:
                _refuse_erased(tx, results)
                _refuse_corrected(tx, results)
                self._count(tx, admitted, results)
                self.note_authorisations(tx, call.request)
            else:
                self._note_refused(tx, call.request, results)
            statements = [result.statement for result in results if result.statement is not None]
            if statements:
                streams.insert_answers(tx, self._sealer, statements)

        return await self.committed(call, out, entries, also)

    async def committed(
        self, call: Answerable, out: Outgoing, entries: list[streams.ReadEntry], also: Callable[[Transaction], None]
    ) -> Outgoing:
        """Keep an answer, its read entries and what else belongs to it, in one transaction; the kept one if it was faster.

        Raises:
            ConflictError: ``rid-exists``.
        """
        request = call.request
        kept = table.Incoming(
            request.rid,
            request.from_uscc,
            call.digest,
            out.status,
            out.body,
            orjson.dumps(out.headers).decode(),
            out.digest,
            int(self._clock.wall_s()),
        )

        def job(tx: Transaction) -> None:
            if table.answered(tx, request.rid, request.from_uscc, call.digest) is not None:
                raise ConflictError("rid-exists", "the same request is being answered", rid=request.rid)
            also(tx)
            streams.insert_reads(tx, self._sealer, entries)
            table.keep_answer(tx, kept)

        try:
            await self._store.node.write(job)
        except ConflictError:
            again = self._answered(call.header, call.digest)  # the same bytes arrived twice at once
            if again is None:
                raise
            return again
        self._on_committed()
        return out

    def _count(self, tx: Transaction, admitted: Admitted, results: Sequence[Result]) -> None:
        used = table.use(tx, admitted.grant.ref, admitted.case_ref, len(results))
        if used > admitted.grant.terms.uses_per_case:
            raise refusal(ProviderCheck.USES_LEFT, "the grant's uses for this case are used up")
        attempts = [attempt for result in results for attempt in result.attempts]
        if not attempts:
            return
        table.count_attempts(tx, admitted.case_ref, attempts)
        counts = table.attempts_of(tx, admitted.case_ref, list({pseudonym for pseudonym, _ in attempts}))
        for attempt in attempts:
            if counts[attempt] > self._limits.verify_attempts:
                text = "too many attempts on this field in this case"
                raise refusal(ProviderCheck.VERIFY_ATTEMPTS, text, field=attempt[1])

    def _note_refused(self, tx: Transaction, request: Request, results: Sequence[Result]) -> None:
        check = results[0].item.check
        if check is not None:
            use.note_refused(tx, refused_call(request, check, self._clock.law_s()))

    def _entries(
        self, call: Call, admitted: Admitted | None, results: Sequence[Result], answer_digest: bytes
    ) -> list[streams.ReadEntry]:
        reads = [
            WrittenRead(
                item=i,
                outcome=ReadOutcome(result.item.outcome.value),
                pseudonyms=self._reads.pseudonyms(admitted.subjects[i]) if admitted is not None else (),
                record_ids=result.record_ids,
                request_digest=call.digest,
                answer_digest=answer_digest,
                operator=None,
            )
            for i, result in enumerate(results)
        ]
        return self._reads.provider_entries(call.request, reads)

    def _seal(self, call: Answerable, plaintext: bytes) -> Outgoing:
        now = int(self._clock.wall_s())
        signing = self._identity.current_signing()
        header = answer_header(call.header, signing.kid, sealing_kid(call.request.reply_key))
        body = seal_answer(header, plaintext, X25519PublicKey.from_public_bytes(call.request.reply_key), call.ciphertext)
        headers = {"content-type": "application/octet-stream", "xinlian-envelope": dumps_header(header)}
        params = httpsig.SignatureParams(EpochS(now), EpochS(now + ANSWER_WINDOW_S), call.header.rid, signing.kid)
        signed = httpsig.sign_response(httpsig.Response(200, headers, body), call.signature, params, signing.private)
        return Outgoing(200, signed, body)


def _refuse_erased(tx: Transaction, results: Sequence[Result]) -> None:
    """Nothing of a record is committed once its erasure has begun: the list of its recipients is final then."""
    served = {record_id_bytes(record_id) for result in results for record_id in result.record_ids}
    if served and erasures.any_begun(tx, sorted(served)):
        raise NotFoundError("record-erased", "a record of this answer was erased meanwhile")


def _refuse_corrected(tx: Transaction, results: Sequence[Result]) -> None:
    """Nothing of a wrong revision is committed once its correction was told: the list of its recipients is final then."""
    served = [
        (record_id_bytes(record_id), rev)
        for result in results
        for record_id, rev in zip(result.record_ids, result.revisions, strict=True)
    ]
    right = corrected.right_revisions(tx, sorted({jti for jti, _ in served}))
    if any(rev < right.get(jti, 0) for jti, rev in served):
        raise ConflictError("record-revised", "a record of this answer was corrected meanwhile")
