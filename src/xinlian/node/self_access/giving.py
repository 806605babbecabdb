"""A department's side: give the authority's node what this log says about a person who was verified.

Rules
1. Only a request signed by the authority's own chain key, as the chain names it now, for this department, is answered; whoever
   else asks, registered or not, is refused (``refused-authority``), and that is written down.
2. The person is found by this department's own pseudonym; given are read entries about that person and earlier requests for this
   ledger: who, when, for which case, which items, what came of it. Never a value, an official, a record id or a pseudonym.
3. Every page is written down before it goes out; the same bytes get the same answer again.

Source: issue "2 of 5" (the person's ledger); design 4.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from xinlian.chain.keys import signed_by
from xinlian.node.authentic import SKEW_S
from xinlian.node.bundles import Bundles
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.incoming import Incoming, Outgoing
from xinlian.node.providing import Providing
from xinlian.node.reads import Reads
from xinlian.node.self_access.writing import Noted, Writing
from xinlian.protocol.bundle import to_json
from xinlian.protocol.dataset import SubjectKind
from xinlian.protocol.envelope import EnvelopeHeader
from xinlian.protocol.errors import InputError, RefusedError
from xinlian.protocol.messages import (
    ProviderCheck,
    SelfAccessAnswer,
    SelfAccessRequest,
    dumps_self_access_answer,
    parse_self_access_request,
    refusal,
)
from xinlian.protocol.record import parse_disclosure
from xinlian.protocol.statements import ReadRole, SelfAccessOutcome
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import Stream
from xinlian.store import ledger
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction, Writer

PATH = "/exchange/v1/self-access"
LOGIN_S = 3_600
"""How long a person's login counts."""
SHOWN = frozenset({"mode", "dataset", "purpose", "fields", "derived_view", "login_issuer", "login_method"})
"""What of an entry is disclosed."""


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request with what its answer needs."""

    header: EnvelopeHeader
    request: SelfAccessRequest
    digest: bytes
    ciphertext: bytes = field(repr=False)
    signature: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Giving:
    """The use case.

    Args:
        writer: node.db.
        sealer: opens the log.
        state: the chain as followed.
        clock: law time and wall clock.
        reads: this department's pseudonyms.
        bundles: evidence of entries.
        providing: authenticates, seals, commits, as for every request.
        writing: writes down.
        max_view_age_s: the oldest view on which anything is given.
    """

    writer: Writer
    sealer: Sealer
    state: ChainState
    clock: Clock
    reads: Reads
    bundles: Bundles
    providing: Providing
    writing: Writing
    max_view_age_s: float

    async def serve(self, incoming: Incoming) -> Outgoing:
        """Answer a sealed request for a person's ledger.

        Raises:
            RefusedError: ``refused-rate``, ``request-expired``, every refusal of an unproven sender.
            InputError: a request that is not of the form.
            ConflictError: ``rid-exists``.
        """
        proven = self.providing.proven(incoming)
        if isinstance(proven, Outgoing):
            return proven
        request = parse_self_access_request(proven.plaintext)
        call = Call(proven.header, request, proven.digest, proven.ciphertext, proven.signature)
        check_outside(call)
        self._check_time(request)
        try:
            self._check(request)
        except RefusedError as error:
            return await self._refused(call, ProviderCheck(str(error.fields["check"])))
        entries, following = await asyncio.to_thread(self.page, request.subject, request.after, request.limit)
        answer = SelfAccessAnswer(request.rid, call.digest, self.providing.view(), None, tuple(entries), following)
        return await self._committed(call, answer, is_proven=True)

    def page(self, subject: Subject, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """Evidence bundles of what this log says about a person, and where the next page begins.

        Raises:
            ConflictError: ``batch-not-on-chain``.
        """
        with self.writer.read() as reader:
            found = ledger.about(reader, self.sealer, self.reads.pseudonym_bytes(subject), after, limit + 1)
        page = found[:limit]
        following = page[-1].position if len(found) > limit else None
        return [self._bundle(entry) for entry in page], following

    def _bundle(self, entry: ledger.Entry) -> dict[str, Any]:
        chosen = tuple(text for text in entry.disclosures.split("~") if parse_disclosure(text).name in SHOWN)
        return to_json(self.bundles.statement_bundle(entry.statement, chosen, Stream.READS, entry.position))

    def _check_time(self, request: SelfAccessRequest) -> None:
        if not request.created - SKEW_S <= self.clock.wall_s() < request.expires + SKEW_S:
            raise RefusedError("request-expired", "the request is not of this time", check=ProviderCheck.EXPIRED.value)

    def _check(self, request: SelfAccessRequest) -> None:
        """Refuse whoever is not the authority, a view that is too old, a login that is, and what is no person."""
        signer = signed_by(request.signed_text(), request.signature)
        if signer is None or signer.lower() != self.state.authority:
            raise refusal(ProviderCheck.AUTHORITY, "only the authority's key asks for a person's ledger")
        for uscc in (request.from_uscc, request.to_uscc):
            if self.state.department(uscc) is None:
                raise refusal(ProviderCheck.DEPARTMENT_ACTIVE, "a department is not registered", department=uscc)
        if self.clock.view_age_s() > self.max_view_age_s:
            raise refusal(ProviderCheck.VIEW_FRESH, "this node's view of the chain is too old to give personal data")
        if not -SKEW_S <= self.clock.wall_s() - request.login.at <= LOGIN_S:
            raise refusal(ProviderCheck.LOGIN, "the person's login is too old")
        if request.subject.kind is not SubjectKind.PERSON:
            raise refusal(ProviderCheck.LOGIN, "a ledger is a person's own")

    async def _refused(self, call: Call, check: ProviderCheck) -> Outgoing:
        answer = SelfAccessAnswer(call.request.rid, call.digest, self.providing.view(), check)
        return await self._committed(call, answer, is_proven=False)

    async def _committed(self, call: Call, answer: SelfAccessAnswer, *, is_proven: bool) -> Outgoing:
        out = await asyncio.to_thread(self.providing.sealed, call, dumps_self_access_answer(answer))
        outcome = SelfAccessOutcome.GIVEN if is_proven else SelfAccessOutcome.REFUSED
        count = len(answer.entries) if is_proven else None
        noted = Noted(ReadRole.PROVIDER, outcome, call.digest, out.digest, count, None, is_proven)

        def job(tx: Transaction) -> None:
            self.writing.write(tx, call.request, noted)

        return await self.providing.committed(call, out, [], job)


def check_outside(call: Call) -> None:
    """Check that a request says inside what its envelope says outside.

    Raises:
        InputError: ``envelope-mismatch`` naming the member.
    """
    request, header = call.request, call.header
    inside: Sequence[tuple[str, object, object]] = (
        ("rid", request.rid, header.rid),
        ("from", request.from_uscc, header.from_uscc),
        ("to", request.to_uscc, header.to_uscc),
        ("signing_key", request.signing_kid, header.from_kid),
        ("sealing_key", request.sealing_kid, header.to_kid),
    )
    for member, said, outside in inside:
        if said != outside:
            raise InputError("envelope-mismatch", f"{member}: request and envelope disagree", member=member)
