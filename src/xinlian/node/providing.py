"""The provider's side of the exchange: authenticate, open, check, answer from own records, commit, then send.

Rules
1. Nothing is opened before the signature holds under a key that the sender's department has registered now.
2. ``rid`` and ciphertext digest decide: same bytes get the same sealed answer again, other bytes are a conflict (409).
3. Uses, attempts, answer statements, read entries and the sealed answer commit in one transaction before anything is sent.
4. An authenticated request that a check refuses gets a sealed answer that names the check, and a read entry; one that fails
   authentication is counted and rate-limited, never anchored.
5. A value not anchored yet goes out with its statement signed and ``anchor_by``.
6. ``query`` and ``verify`` give records of the granted dataset version only; ``none`` is said of that version. A derived view is
   answered over all versions, or refused when a record has not the fields it looks at.

Source: design 4.5.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from xinlian.node.bundles import Bundles
from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.identity import Identity
from xinlian.node.peers import Peers, sealing_kid
from xinlian.node.provider_checks import Admitted, Moment, admit
from xinlian.node.rate import RateLimit
from xinlian.node.reads import Reads, WrittenRead
from xinlian.node.records import OpenRecord, Records
from xinlian.node.sealing import new_record_id
from xinlian.protocol import httpsig
from xinlian.protocol.dataset import DatasetSchema, Mode, check_parameters, evaluate_view, view_fields
from xinlian.protocol.envelope import (
    Direction,
    EnvelopeHeader,
    answer_header,
    check_bound,
    dumps_header,
    open_request,
    parse_header,
    seal_answer,
)
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError, RefusedError, XinlianError
from xinlian.protocol.messages import (
    Answer,
    AnswerItem,
    Evidence,
    Outcome,
    ProviderCheck,
    Request,
    View,
    check_outside,
    check_time,
    dumps_answer,
    parse_request,
    refusal,
)
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.statements import AnswerClear, AnswerDisclosed, ReadOutcome, StatementIds
from xinlian.protocol.statements import seal_answer as seal_statement
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, KeyId, RecordId, Stream, Uscc
from xinlian.store import chain_cache, streams
from xinlian.store import exchange as table
from xinlian.store.opening import Store
from xinlian.store.records import Record as RecordRow
from xinlian.store.sealing import Sealer
from xinlian.store.statuses import Standings
from xinlian.store.writer import Reader, Transaction

PATH = "/exchange/v1/requests"
ANSWER_WINDOW_S = 60
SKEW_S = 5
MAX_RECORDS = 200


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came in: raw path, header fields by lower-case name, body, the caller's address."""

    path: str
    query: str | None
    headers: Mapping[str, str]
    body: bytes
    remote: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The answer as it goes out."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Call:
    """An authenticated request with everything its answer needs; receipts by position, once its records are found."""

    header: EnvelopeHeader
    request: Request
    digest: bytes
    ciphertext: bytes
    signature: str
    receipts: Mapping[int, Receipt | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Result:
    """What one item came to, before anything is committed."""

    item: AnswerItem
    record_ids: tuple[RecordId, ...] = ()
    statement: streams.Answer | None = None
    attempts: tuple[tuple[bytes, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ProvidingLimits:
    """Bounds: age of the view (s), promise of anchoring (s), verify attempts, unauthenticated requests a minute."""

    max_view_age_s: float
    anchor_promise_s: int
    verify_attempts: int
    unauthenticated_per_minute: int


@dataclass(frozen=True, slots=True)
class ProvidingParts:
    """What the use case is built from."""

    department: Uscc
    store: Store
    sealer: Sealer
    state: ChainState
    clock: Clock
    identity: Identity
    peers: Peers
    catalogue: Catalogue
    records: Records
    bundles: Bundles
    reads: Reads


class Providing:
    """The use case.

    Args:
        parts: its collaborators.
        limits: its bounds.
        on_committed: told after every commit (wakes anchoring).
    """

    def __init__(self, parts: ProvidingParts, limits: ProvidingLimits, on_committed: Callable[[], None]) -> None:
        self._department = parts.department
        self._store = parts.store
        self._sealer = parts.sealer
        self._state = parts.state
        self._clock = parts.clock
        self._identity = parts.identity
        self._peers = parts.peers
        self._catalogue = parts.catalogue
        self._records = parts.records
        self._bundles = parts.bundles
        self._reads = parts.reads
        self._limits = limits
        self._on_committed = on_committed
        self._rate = RateLimit(limits.unauthenticated_per_minute)

    @property
    def refused_total(self) -> int:
        """Requests that failed authentication since the start."""
        return self._rate.total

    async def serve(self, incoming: Incoming) -> Outgoing:
        """Answer a sealed request.

        Raises:
            RefusedError: ``refused-rate`` and every refusal before the sender is proven.
            InputError: a request that is not of the form.
            ConflictError: ``rid-reused``: the same request id with other bytes.
        """
        self._rate.check(incoming.remote, self._clock.wall_s())
        try:
            header, verified = self._authenticate(incoming)
        except XinlianError:
            self._rate.count(incoming.remote, self._clock.wall_s())
            raise
        digest = hashlib.sha256(incoming.body).digest()
        kept = self._answered(header, digest)
        if kept is not None:
            return kept
        key = self._identity.hpke_key(header.to_kid)
        request = parse_request(open_request(header, incoming.body, key))
        check_outside(request, header)
        check_time(request, int(self._clock.wall_s()), SKEW_S)
        return await self._answer(_Call(header, request, digest, incoming.body, verified.signature))

    def _authenticate(self, incoming: Incoming) -> tuple[EnvelopeHeader, httpsig.VerifiedSignature]:
        header = parse_header(incoming.headers.get("xinlian-envelope", ""))
        if header.to_uscc != self._department or header.direction is not Direction.REQUEST:
            raise refusal(ProviderCheck.ADDRESSEE, "this request is addressed to another department")

        def find(kid: KeyId) -> Ed25519PublicKey:
            return self._peers.signing_key_now(header.from_uscc, kid)

        message = httpsig.Request("POST", incoming.path, incoming.query, incoming.headers, incoming.body)
        verified = httpsig.verify_request(message, find, httpsig.Clock(int(self._clock.wall_s()), SKEW_S))
        check_bound(header, Direction.REQUEST, incoming.headers.get("xinlian-to"), verified.params)
        return header, verified

    def _answered(self, header: EnvelopeHeader, digest: bytes) -> Outgoing | None:
        with self._store.node.read() as reader:
            kept = table.answered(reader, header.rid, header.from_uscc, digest)
        if kept is None:
            return None
        if kept.answer is None:
            raise refusal(ProviderCheck.REPLAY, "this request was answered and its answer is no longer kept")
        return Outgoing(kept.status, orjson.loads(kept.headers), kept.answer)

    async def _answer(self, call: _Call) -> Outgoing:
        request = call.request
        try:
            admitted = admit(request, self._own_schema(request.dataset), self._state, self._moment())
            self._check_uses(admitted, len(request.items))
            view = self._view()
            results = self._results(call, admitted, view)
            return await self._commit(call, admitted, results, view)
        except (RefusedError, InputError) as error:
            if isinstance(error, InputError) and error.code != "answer-too-large":
                raise
            check = ProviderCheck(str(error.fields.get("check", ProviderCheck.PAYLOAD_GUARD.value)))
            refused = [_Result(AnswerItem(Outcome.REFUSED, check=check)) for _ in request.items]
            return await self._commit(call, None, refused, self._view())

    def _own_schema(self, vct: str) -> DatasetSchema | None:
        code, _, version = vct.partition("@")
        try:
            return self._catalogue.own(code, int(version)).schema
        except NotFoundError:
            return None

    def _moment(self) -> Moment:
        return Moment(self._clock.law_s(), self._clock.view_age_s(), self._limits.max_view_age_s)

    def _view(self) -> View:
        head = self._clock.head()
        return View(head.number, EpochS(head.time))

    def _check_uses(self, admitted: Admitted, items: int) -> None:
        with self._store.node.read() as reader:
            used = table.uses_of(reader, admitted.grant.ref, admitted.case_ref)
        if used + items > admitted.grant.terms.uses_per_case:
            raise refusal(ProviderCheck.USES_LEFT, "the grant's uses for this case are used up", used=used)

    # -- items -------------------------------------------------------------------------------------

    def _results(self, call: _Call, admitted: Admitted, view: View) -> list[_Result]:
        """Every item's result, from one snapshot of the records; keys and receipts of all of them are read at once."""
        request, schema = call.request, admitted.schema
        attempts: list[tuple[tuple[bytes, str], ...]] = []
        found: list[list[RecordRow]] = []
        with self._store.node.read() as reader:
            standings = self._records.standings(reader)
            for subjects in admitted.subjects:
                if request.mode is Mode.VERIFY:
                    attempts.append(self._attempts(reader, admitted, subjects[0], request.fields))
                found.append(self._find(standings, schema, request, subjects))
            as_of = chain_cache.last_sequence(reader, self._department, Stream.RECORDS)
        rows = {row.position: row for of_item in found for row in of_item}
        opened = dict(zip(rows, self._records.open_many(list(rows.values())), strict=True))
        if request.mode is not Mode.ANSWER:
            call = replace(call, receipts=self._bundles.receipts(Stream.RECORDS, rows))
        results = []
        for index, of_item in enumerate(found):
            clear = AnswerClear(call.digest, index, view, as_of, request.dataset, request.mode, request.view)
            results.append(self._by_mode(call, schema, index, [opened[row.position] for row in of_item], clear))
        if request.mode is not Mode.VERIFY:
            return results
        return [replace(result, attempts=counted) for result, counted in zip(results, attempts, strict=True)]

    def _attempts(
        self, reader: Reader, admitted: Admitted, subject: Subject, fields: Sequence[str]
    ) -> tuple[tuple[bytes, str], ...]:
        pseudonym = self._reads.pseudonym_bytes(subject)
        for name in fields:
            used = table.attempts_of(reader, admitted.case_ref, pseudonym, name)
            if used >= self._limits.verify_attempts:
                raise refusal(ProviderCheck.VERIFY_ATTEMPTS, "too many attempts on this field in this case", field=name)
        return tuple((pseudonym, name) for name in fields)

    def _find(
        self, standings: Standings, schema: DatasetSchema, request: Request, subjects: Sequence[Subject]
    ) -> list[RecordRow]:
        lookups = {entry.name: entry for entry in schema.lookups}
        wanted = lookups.get(schema.view(request.view).lookup) if request.view is not None else None
        granted = self._catalogue.own(schema.code, schema.version).id
        rows: dict[int, RecordRow] = {}
        for subject in subjects:
            lookup = wanted if wanted is not None else schema.lookup(subject.kind)
            if lookup is None or lookup.kind != subject.kind:
                raise refusal(ProviderCheck.FIELDS, "the dataset cannot be looked up by this kind of subject", kind=subject.kind)
            for row in self._records.find(standings, schema, lookup.name, subject.value):
                if request.mode is Mode.ANSWER or row.dataset_id == granted:
                    rows[row.position] = row
        if len(rows) > MAX_RECORDS:
            raise refusal(ProviderCheck.PAYLOAD_GUARD, "more records than one item may carry", limit=MAX_RECORDS)
        return [rows[position] for position in sorted(rows)]

    def _by_mode(
        self, call: _Call, schema: DatasetSchema, index: int, opened: Sequence[OpenRecord], clear: AnswerClear
    ) -> _Result:
        request = call.request
        if request.mode is Mode.ANSWER:
            return self._derived(call, schema, index, opened, clear)
        if not opened:
            return self._stated(call, clear, (Outcome.NONE, None), ())
        if request.mode is Mode.QUERY:
            evidence = tuple(self._evidence(record, request.fields, call.receipts[record.row.position]) for record in opened)
            return _Result(AnswerItem(Outcome.RECORDS, evidence), tuple(record.record_id for record in opened))
        return self._compared(call, index, opened, clear)

    def _derived(
        self, call: _Call, schema: DatasetSchema, index: int, opened: Sequence[OpenRecord], clear: AnswerClear
    ) -> _Result:
        item, view = call.request.items[index], schema.view(str(call.request.view))
        try:
            check_parameters(schema, view, item.values)
        except InputError as error:
            raise refusal(ProviderCheck.FIELDS, "the view does not take these parameters", view=view.name) from error
        if any(set(view_fields(view)) - {entry.name for entry in record.schema.fields} for record in opened):
            raise refusal(ProviderCheck.DATASET, "a record of another version has not the fields of this view", view=view.name)
        value = evaluate_view(schema, view, [record.values() for record in opened], item.values)
        return self._stated(call, clear, (Outcome.ANSWER, value), opened)

    def _compared(self, call: _Call, index: int, opened: Sequence[OpenRecord], clear: AnswerClear) -> _Result:
        values = call.request.items[index].values
        compared = [(record, _matches(record.values(), values)) for record in opened]
        record, matches = max(compared, key=lambda one: sum(one[1].values()))
        if all(matches.values()):
            evidence = self._evidence(record, call.request.fields, call.receipts[record.row.position])
            return _Result(AnswerItem(Outcome.MATCH, (evidence,)), (record.record_id,))
        return self._stated(call, clear, (Outcome.MISMATCH, matches), (record,))

    def _evidence(self, record: OpenRecord, fields: Sequence[str], receipt: Receipt | None) -> Evidence:
        disclosures = record.disclosures_of(fields)
        if receipt is not None:
            return Evidence(record.statement, disclosures, receipt.to_json())
        promise = EpochS(self._clock.law_s() + self._limits.anchor_promise_s)
        return Evidence(record.statement, disclosures, None, self._identity.sign_statement(record.statement), promise)

    def _stated(self, call: _Call, clear: AnswerClear, stated: tuple[Outcome, object], sources: Sequence[OpenRecord]) -> _Result:
        request, law_s = call.request, self._clock.law_s()
        (outcome, value), item = stated, request.items[clear.item]
        disclosed = AnswerDisclosed(
            tuple(opening.disclosure for opening in item.subjects),
            request.fields,
            item.values,
            outcome,
            value,  # type: ignore[arg-type]  # _by_mode pairs outcome and value
            tuple(record.row.leaf for record in sources),
        )
        ids = StatementIds(self._department, new_record_id(), EpochS(law_s))
        sealed = seal_statement(ids, clear, disclosed, os.urandom(32))
        promise = EpochS(law_s + self._limits.anchor_promise_s)
        signed = self._identity.sign_statement(sealed.statement)
        evidence = Evidence(sealed.statement, sealed.disclosures, None, signed, promise)
        kept = streams.Answer(sealed.leaf, sealed.statement, "~".join(sealed.disclosures), request.rid, clear.item, law_s)
        return _Result(AnswerItem(outcome, answer=evidence), tuple(record.record_id for record in sources), statement=kept)

    # -- commit ------------------------------------------------------------------------------------

    async def _commit(self, call: _Call, admitted: Admitted | None, results: Sequence[_Result], view: View) -> Outgoing:
        request = call.request
        answer = Answer(request.rid, call.digest, view, tuple(result.item for result in results))
        out = self._seal(call, dumps_answer(answer))
        answer_digest = hashlib.sha256(out.body).digest()
        entries = self._entries(call, admitted, results, answer_digest)
        kept = table.Incoming(
            request.rid,
            request.from_uscc,
            call.digest,
            out.status,
            out.body,
            orjson.dumps(out.headers).decode(),
            answer_digest,
            int(self._clock.wall_s()),
        )

        def job(tx: Transaction) -> None:
            if table.answered(tx, request.rid, request.from_uscc, call.digest) is not None:
                raise ConflictError("rid-exists", "the same request is being answered", rid=request.rid)
            if admitted is not None:
                self._count(tx, admitted, results)
            statements = [result.statement for result in results if result.statement is not None]
            if statements:
                streams.insert_answers(tx, self._sealer, statements)
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

    def _count(self, tx: Transaction, admitted: Admitted, results: Sequence[_Result]) -> None:
        used = table.use(tx, admitted.grant.ref, admitted.case_ref, len(results))
        if used > admitted.grant.terms.uses_per_case:
            raise refusal(ProviderCheck.USES_LEFT, "the grant's uses for this case are used up")
        for result in results:
            for pseudonym, name in result.attempts:
                if table.count_attempt(tx, admitted.case_ref, pseudonym, name) > self._limits.verify_attempts:
                    raise refusal(ProviderCheck.VERIFY_ATTEMPTS, "too many attempts on this field in this case", field=name)

    def _entries(
        self, call: _Call, admitted: Admitted | None, results: Sequence[_Result], answer_digest: bytes
    ) -> list[streams.ReadEntry]:
        return [
            self._reads.provider_entry(
                call.request,
                WrittenRead(
                    item=i,
                    outcome=ReadOutcome(result.item.outcome.value),
                    subjects=admitted.subjects[i] if admitted is not None else (),
                    record_ids=result.record_ids,
                    request_digest=call.digest,
                    answer_digest=answer_digest,
                    operator=None,
                ),
            )
            for i, result in enumerate(results)
        ]

    def _seal(self, call: _Call, plaintext: bytes) -> Outgoing:
        now = int(self._clock.wall_s())
        signing = self._identity.current_signing()
        header = answer_header(call.header, signing.kid, sealing_kid(call.request.reply_key))
        body = seal_answer(header, plaintext, X25519PublicKey.from_public_bytes(call.request.reply_key), call.ciphertext)
        headers = {"content-type": "application/octet-stream", "xinlian-envelope": dumps_header(header)}
        params = httpsig.SignatureParams(EpochS(now), EpochS(now + ANSWER_WINDOW_S), call.header.rid, signing.kid)
        signed = httpsig.sign_response(httpsig.Response(200, headers, body), call.signature, params, signing.private)
        return Outgoing(200, signed, body)


def _matches(known: Mapping[str, object], values: Mapping[str, object]) -> dict[str, bool]:
    """Per field whether the value sent is the record's, type included (in Python ``True == 1``)."""
    return {name: type(known[name]) is type(value) and known[name] == value for name, value in values.items()}
