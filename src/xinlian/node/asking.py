"""The requester's side of the exchange: ask, verify against this node's own view, only then show.

Rules
1. ``attempted`` is committed, with its read entry, before anything is sent; the outcome is a second entry.
2. The same sealed bytes are sent again on a broken connection while the request is of its time: the provider answers once.
3. Values are shown only when every check of their evidence holds against this node's own view; otherwise ``not-proven``.
4. What was received goes, encrypted, into the case file with a disposal date.

Source: design 4.5; Decree 809 art. 25, 29.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from xinlian.node.bundles import Bundles, evidence_bundle
from xinlian.node.cases import Cases
from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import CaseState, ChainState, GrantState
from xinlian.node.clock import Clock
from xinlian.node.following import Following
from xinlian.node.identity import Identity
from xinlian.node.peer_client import PeerClient, Reply
from xinlian.node.peers import Peers, sealing_kid
from xinlian.node.people import Person
from xinlian.node.providing import PATH, SKEW_S
from xinlian.node.reads import Reads, WrittenRead
from xinlian.protocol import httpsig
from xinlian.protocol.b64 import b64u
from xinlian.protocol.bundle import Bundle, to_json
from xinlian.protocol.dataset import DatasetSchema, Mode
from xinlian.protocol.envelope import (
    SUITE,
    Direction,
    EnvelopeHeader,
    Rid,
    answer_header,
    dumps_header,
    open_answer,
    parse_header,
    seal_request,
)
from xinlian.protocol.errors import InputError, NotFoundError, PeerError, RefusedError, XinlianError
from xinlian.protocol.members import Scalar
from xinlian.protocol.messages import (
    Answer,
    AnswerItem,
    CaseRef,
    Evidence,
    GrantRef,
    Outcome,
    ProviderCheck,
    Request,
    RequestItem,
    check_answer,
    dumps_request,
    parse_answer,
    refusal,
)
from xinlian.protocol.report import Report
from xinlian.protocol.statements import ReadOutcome, parse_answer_statement
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import VCT_ANSWER, EpochS, KeyId, RecordId, Uscc, issuer_of
from xinlian.store import case_files, streams
from xinlian.store import exchange as table
from xinlian.store.opening import Store
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

_log = structlog.get_logger(__name__)
_Verify = Callable[[Bundle], Report]

WINDOW_S = 60
DISPOSE_AFTER_S = 30 * 86_400
MAX_PROMISE_S = 86_400
"""A provider may promise anchoring for at most so long ahead; what is promised for later is not shown."""
CATCH_UP_S = 10.0
ROTATION_SEEN_S = 2.0
_SHOWN = frozenset({0, 3, 7})  # exit codes of evidence that may be shown: authentic, with a remark, pending


@dataclass(frozen=True, slots=True)
class AskItem:
    """One thing asked: its subject (a family for answers), and values to compare or a view's parameters."""

    subjects: tuple[Subject, ...]
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Question:
    """A use of another department's data as the caseworker puts it."""

    provider: str
    grant_number: int
    case: tuple[str, str] | None
    purpose: str
    mode: str
    fields: tuple[str, ...]
    view: str | None
    parameters: Mapping[str, Scalar]
    items: tuple[AskItem, ...]


@dataclass(frozen=True, slots=True)
class ShownItem:
    """The result of one item as shown and kept: outcome, refusing check, values with verdicts, bundles."""

    outcome: str
    check: str | None
    records: tuple[dict[str, Any], ...] = ()
    answer: dict[str, Any] | None = None
    bundles: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Without the bundles, which have their own route."""
        return {"outcome": self.outcome, "check": self.check, "records": list(self.records), "answer": self.answer}


@dataclass(frozen=True, slots=True)
class Asked:
    """The outcome of a question."""

    rid: str
    state: str
    detail: str | None
    view: dict[str, int] | None
    items: tuple[ShownItem, ...]

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "rid": self.rid,
            "state": self.state,
            "detail": self.detail,
            "view": self.view,
            "items": [item.to_json() for item in self.items],
        }


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


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request on its way."""

    request: Request
    header: EnvelopeHeader
    reply_key: X25519PrivateKey
    body: bytes
    headers: dict[str, str]
    subjects: tuple[tuple[Subject, ...], ...]
    person: Person

    @property
    def digest(self) -> bytes:
        """SHA-256 of the ciphertext."""
        return hashlib.sha256(self.body).digest()


class Asking:
    """The use case."""

    def __init__(self, parts: AskingParts) -> None:
        self._p = parts

    async def ask(self, question: Question, person: Person) -> Asked:
        """Ask another department's node.

        Returns:
            The verified answer; ``state`` is received, refused, no-answer or not-proven.

        Raises:
            NotFoundError: ``grant-unknown``, ``case-unknown``.
            InputError: ``field-unknown``, ``view-unknown`` and the codes of ``messages``.
            RefusedError: ``refused-subject-in-case``, ``refused-view-fresh`` before anything is sent.
        """
        self._require_fresh_view()
        grant = self._grant(question)
        schema = await self._schema(grant)
        sent = self._seal(question, grant, schema, person)
        await self._commit_attempt(sent)
        try:
            reply = await self._p.client.post(self._endpoint(sent.request.to_uscc), PATH, sent.headers, sent.body)
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

    def _endpoint(self, uscc: str) -> str:
        department = self._p.state.department(uscc)
        if department is None:
            raise NotFoundError("department-unknown", "the provider is not registered", department=uscc)
        return department.endpoint

    def _seal(self, question: Question, grant: GrantState, schema: DatasetSchema, person: Person) -> _Sent:
        case = self._p.cases.get(*question.case) if question.case is not None else None
        hpke_kid, hpke_key = self._p.peers.hpke_key_now(grant.provider)
        signing = self._p.identity.current_signing()
        reply_key = X25519PrivateKey.generate()
        now = int(self._p.clock.wall_s())
        request = Request(
            rid=Rid(b64u(os.urandom(16))),
            from_uscc=self._p.department,
            to_uscc=grant.provider,
            signing_kid=signing.kid,
            sealing_kid=hpke_kid,
            reply_key=reply_key.public_key().public_bytes_raw(),
            grant=GrantRef(grant.provider, grant.number),
            dataset=grant.vct,
            case=None if case is None else CaseRef(case.lead, case.case_no),
            purpose=question.purpose,
            mode=Mode(question.mode),
            fields=_concrete(schema, question),
            view=question.view,
            items=tuple(self._item(item, case, question) for item in question.items),
            created=EpochS(now),
            expires=EpochS(now + WINDOW_S),
        )
        header = EnvelopeHeader(SUITE, Direction.REQUEST, request.from_uscc, request.to_uscc, signing.kid, hpke_kid, request.rid)
        body = seal_request(header, dumps_request(request), hpke_key)
        headers = {
            "content-type": "application/octet-stream",
            "xinlian-to": request.to_uscc,
            "xinlian-envelope": dumps_header(header),
        }
        params = httpsig.SignatureParams(request.created, request.expires, request.rid, signing.kid)
        signed = httpsig.sign_request(httpsig.Request("POST", PATH, None, headers, body), params, signing.private)
        return _Sent(request, header, reply_key, body, signed, tuple(i.subjects for i in question.items), person)

    def _item(self, item: AskItem, case: CaseState | None, question: Question) -> RequestItem:
        if case is None:
            raise InputError("query-case", "a case is needed: standing use is not offered by this call")
        openings = tuple(self._p.cases.opening_of(case, subject) for subject in item.subjects)
        return RequestItem(openings, {**question.parameters, **item.values})

    async def _commit_attempt(self, sent: _Sent) -> None:
        request = sent.request
        row = table.Outgoing(
            rid=request.rid,
            provider=request.to_uscc,
            mode=request.mode.value,
            grant_ref=f"{request.grant.provider}/{request.grant.number}",
            case_ref=_case_ref(request),
            state="attempted",
            request_digest=sent.digest,
            answer_digest=None,
            detail=None,
            created_at=int(self._p.clock.wall_s()),
            finished_at=None,
            created_by=sent.person.id,
        )
        empty = ShownItem(ReadOutcome.ATTEMPTED.value, None)
        entries = [self._entry(sent, i, empty, None) for i in range(len(request.items))]

        def job(tx: Transaction) -> None:
            table.attempt(tx, row)
            streams.insert_reads(tx, self._p.sealer, entries)

        await self._p.store.node.write(job)

    # -- taking the answer -------------------------------------------------------------------------

    async def _take(self, sent: _Sent, reply: Reply) -> Asked:
        if reply.status != 200 or "xinlian-envelope" not in reply.headers:
            state = "refused" if 400 <= reply.status < 500 else "no-answer"
            return await self._finish_without(sent, state, reply.problem_code())
        try:
            answer = await self._opened(sent, reply)
        except XinlianError as error:
            return await self._finish_without(sent, "not-proven", error.code)
        await self._catch_up(answer)
        with self._p.bundles.verifying() as verify:
            shown = [self._shown(sent, i, item, verify) for i, item in enumerate(answer.items)]
        return await self._finish(sent, answer, shown, hashlib.sha256(reply.body).digest())

    async def _opened(self, sent: _Sent, reply: Reply) -> Answer:
        """Open an answer; when its key is not known, look at the chain once: the provider may just have rotated."""
        try:
            return self._open(sent, reply)
        except RefusedError:
            await self._p.following.reach(self._p.clock.head().number + 1, ROTATION_SEEN_S)
            return self._open(sent, reply)

    def _open(self, sent: _Sent, reply: Reply) -> Answer:
        def find(kid: KeyId) -> Ed25519PublicKey:
            return self._p.peers.signing_key_now(sent.request.to_uscc, kid)

        response = httpsig.Response(reply.status, reply.headers, reply.body)
        clock = httpsig.Clock(int(self._p.clock.wall_s()), SKEW_S)
        verified = httpsig.verify_response(response, sent.headers["signature"], find, clock)
        header = parse_header(reply.headers["xinlian-envelope"])
        expected = answer_header(sent.header, verified.params.keyid, sealing_kid(sent.request.reply_key))
        if header != expected:
            raise PeerError("answer-mismatch", "the answer's envelope does not belong to this request", member="envelope")
        answer = parse_answer(open_answer(header, reply.body, sent.reply_key, sent.body))
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

    def _shown(self, sent: _Sent, index: int, item: AnswerItem, verify: _Verify) -> ShownItem:
        if item.check is not None:
            return ShownItem(item.outcome.value, item.check.value)
        try:
            if item.answer is not None:
                return self._shown_statement(sent, index, (item.outcome, item.answer), verify)
            return self._shown_records(sent, index, item, verify)
        except XinlianError as error:  # evidence that is not even of its form
            _log.warning("evidence not of its form", rid=sent.request.rid, item=index, code=error.code)
            return ShownItem(ReadOutcome.NOT_PROVEN.value, None)

    def _shown_records(self, sent: _Sent, index: int, item: AnswerItem, verify: _Verify) -> ShownItem:
        seen = [self._verified(sent, evidence, sent.request.dataset, verify) for evidence in item.records]
        records = tuple(record for record, _, _ in seen)
        if not all(proven for _, _, proven in seen) or not self._covers(sent, index, item, records):
            return ShownItem(ReadOutcome.NOT_PROVEN.value, None, tuple({**record, "values": {}} for record in records))
        return ShownItem(item.outcome.value, None, records, None, tuple(bundle for _, bundle, _ in seen))

    def _covers(self, sent: _Sent, index: int, item: AnswerItem, records: Sequence[dict[str, Any]]) -> bool:
        """Every field asked is disclosed, nothing else, no record twice, and a match really shows the values that were sent."""
        wanted = set(sent.request.fields)
        if any(set(record["values"]) != wanted for record in records):
            return False
        if item.outcome is Outcome.MATCH:
            return len(records) == 1 and _is_same(records[0]["values"], sent.request.items[index].values)
        return len({record["record_id"] for record in records}) == len(records)

    def _verified(
        self, sent: _Sent, evidence: Evidence, vct: str, verify: _Verify
    ) -> tuple[dict[str, Any], dict[str, Any], bool]:
        bundle = evidence_bundle(evidence, int(self._p.clock.law_s()))
        report = verify(bundle)
        statement = bundle.statement
        of_provider = statement.iss == issuer_of(sent.request.to_uscc)
        in_time = evidence.anchor_by is None or evidence.anchor_by <= self._p.clock.law_s() + MAX_PROMISE_S
        proven = report.exit_code in _SHOWN and of_provider and in_time and statement.vct == vct
        shown: dict[str, Any] = {
            "record_id": statement.jti,
            "rev": statement.rev,
            "values": {},
            "receipt": None if evidence.receipt is None else dict(evidence.receipt),
            "pending_anchor_by": evidence.anchor_by,
            "verdict": report.verdict,
            "exit_code": report.exit_code,
            "checks": {check.name: check.outcome.value for check in report.checks},
            "remarks": [remark.code for remark in report.remarks],
        }
        if proven:
            shown["values"] = {disclosure.name: disclosure.value for disclosure in bundle.opened()}
        return shown, to_json(bundle), proven

    def _shown_statement(self, sent: _Sent, index: int, given: tuple[Outcome, Evidence], verify: _Verify) -> ShownItem:
        outcome, evidence = given
        shown, bundle, proven = self._verified(sent, evidence, VCT_ANSWER, verify)
        stated = parse_answer_statement(evidence.statement, evidence.disclosures) if proven else None
        if stated is None or stated.disclosed is None or not self._belongs(sent, index, outcome, stated):
            shown["values"] = {}
            return ShownItem(ReadOutcome.NOT_PROVEN.value, None, (), shown)
        value = stated.disclosed.value
        shown["values"] = {}
        shown["result"] = dict(value) if isinstance(value, Mapping) else value
        shown["as_of_sequence"] = stated.clear.as_of_sequence
        shown["view"] = {"block_number": stated.clear.view.block_number, "block_time": stated.clear.view.block_time}
        return ShownItem(outcome.value, None, (), shown, (bundle,))

    def _belongs(self, sent: _Sent, index: int, outcome: Outcome, stated: Any) -> bool:
        clear, disclosed, item = stated.clear, stated.disclosed, sent.request.items[index]
        return bool(
            clear.request_digest == sent.digest
            and clear.item == index
            and clear.dataset == sent.request.dataset
            and clear.mode is sent.request.mode
            and clear.derived_view == sent.request.view
            and disclosed.outcome is outcome
            and disclosed.subjects == tuple(opening.disclosure for opening in item.subjects)
            and disclosed.fields == sent.request.fields
            and _is_same(disclosed.values, item.values)
        )

    # -- finishing ---------------------------------------------------------------------------------

    async def _finish(self, sent: _Sent, answer: Answer, shown: Sequence[ShownItem], answer_digest: bytes) -> Asked:
        outcomes = {item.outcome for item in shown}
        state = "refused" if outcomes == {"refused"} else "not-proven" if "not-proven" in outcomes else "received"
        detail = next((item.check for item in shown if item.check is not None), "not-proven" if state == "not-proven" else None)
        view = {"block_number": answer.view.block_number, "block_time": int(answer.view.block_time)}
        await self._close(sent, state, detail, shown, answer_digest)
        return Asked(sent.request.rid, state, detail, view, tuple(shown))

    async def _finish_without(self, sent: _Sent, state: str, detail: str) -> Asked:
        read = {"refused": ReadOutcome.REFUSED, "not-proven": ReadOutcome.NOT_PROVEN}.get(state, ReadOutcome.NO_ANSWER)
        shown = [ShownItem(read.value, None) for _ in sent.request.items]
        await self._close(sent, state, detail, shown, None)
        return Asked(sent.request.rid, state, detail, None, tuple(shown))

    async def _close(
        self, sent: _Sent, state: str, detail: str | None, shown: Sequence[ShownItem], answer_digest: bytes | None
    ) -> None:
        entries = [self._entry(sent, i, item, answer_digest) for i, item in enumerate(shown)]
        received = [self._received(sent, i, item) for i, item in enumerate(shown) if item.records or item.answer]
        now = int(self._p.clock.wall_s())
        stored = "no-answer" if state == "not-proven" and answer_digest is None else state.replace("not-proven", "received")

        def job(tx: Transaction) -> None:
            table.finish(tx, sent.request.rid, table.Ending(stored, now, answer_digest, detail))
            streams.insert_reads(tx, self._p.sealer, entries)
            case_files.put_received(tx, self._p.sealer, received)

        await self._p.store.node.write(job)

    def _entry(self, sent: _Sent, index: int, item: ShownItem, answer_digest: bytes | None) -> streams.ReadEntry:
        outcome = ReadOutcome(item.outcome)
        if outcome is ReadOutcome.NOT_PROVEN and answer_digest is None:
            outcome = ReadOutcome.NO_ANSWER
        return self._p.reads.requester_entry(
            sent.request,
            WrittenRead(
                item=index,
                outcome=outcome,
                subjects=sent.subjects[index],
                record_ids=tuple(RecordId(record["record_id"]) for record in item.records),
                request_digest=sent.digest,
                answer_digest=answer_digest,
                operator=sent.person.person_id,
            ),
        )

    def _received(self, sent: _Sent, index: int, item: ShownItem) -> case_files.Received:
        now = int(self._p.clock.wall_s())
        content = orjson.dumps({**item.to_json(), "bundles": list(item.bundles)})
        verdict = "proven" if item.outcome != ReadOutcome.NOT_PROVEN.value else "not-proven"
        return case_files.Received(
            _case_ref(sent.request),
            sent.request.rid,
            index,
            sent.request.to_uscc,
            sent.request.dataset,
            content,
            verdict,
            now,
            now + DISPOSE_AFTER_S,
        )

    # -- looking back ------------------------------------------------------------------------------

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """Questions of this node, newest first, without values."""
        with self._p.store.node.read() as reader:
            return [_brief(row) for row in table.newest_outgoing(reader, limit)]

    def show(self, rid: str, *, with_values: bool) -> dict[str, Any]:
        """One question, with what it brought when the caller may see that.

        Raises:
            NotFoundError: ``query-unknown``.
        """
        with self._p.store.node.read() as reader:
            row = table.outgoing(reader, rid)
            kept = case_files.received_of_rid(reader, self._p.sealer, rid) if with_values else []
        if row is None:
            raise NotFoundError("query-unknown", "there is no such query on this node", rid=rid[:40])
        shown = _brief(row)
        if with_values:
            shown["items"] = [{k: v for k, v in orjson.loads(one.content).items() if k != "bundles"} for one in kept]
            shown["findings"] = _overdue(shown["items"], self._p.clock.law_s())
        return shown

    async def close_interrupted(self) -> int:
        """Close, at start, what a stop left as ``attempted``; its read entry stands, for the provider may have served it.

        Returns:
            How many there were.
        """
        with self._p.store.node.read() as reader:
            left = table.outgoing_in(reader, "attempted")
        now = int(self._p.clock.wall_s())
        for row in left:
            await self._p.store.node.write(
                lambda tx, rid=row.rid: table.finish(tx, rid, table.Ending("no-answer", now, None, "interrupted"))  # type: ignore[misc]
            )
        return len(left)


def _concrete(schema: DatasetSchema, question: Question) -> tuple[str, ...]:
    """Field names with arrays spelled out, in the dataset's order."""
    if question.mode == Mode.ANSWER.value:
        return ()
    return schema.names_of(schema.mask_of(question.fields))


def _is_same(left: Mapping[str, object], right: Mapping[str, object]) -> bool:
    """Equal by name, type and value (in Python ``True == 1``)."""
    return left.keys() == right.keys() and all(type(left[k]) is type(right[k]) and left[k] == right[k] for k in left)


def _case_ref(request: Request) -> str | None:
    return None if request.case is None else f"{request.case.lead}/{request.case.case_no}"


def _overdue(items: Sequence[Mapping[str, Any]], law_s: int) -> list[dict[str, Any]]:
    """Promises of anchoring that passed without a receipt."""
    found = []
    for index, item in enumerate(items):
        for shown in (*item["records"], *([item["answer"]] if item["answer"] is not None else [])):
            promised = shown.get("pending_anchor_by")
            if promised is not None and promised < law_s:
                found.append({"item": index, "record_id": shown["record_id"], "code": "promised-not-anchored", "by": promised})
    return found


def _brief(row: table.Outgoing) -> dict[str, Any]:
    return {
        "rid": row.rid,
        "provider": row.provider,
        "mode": row.mode,
        "grant": row.grant_ref,
        "case": row.case_ref,
        "state": row.state,
        "detail": row.detail,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }
