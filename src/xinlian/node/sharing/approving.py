"""Every step of a request as a kind of approval: 经办 fills in the form, 负责人 consents, the node sends it.

Rules
1. The payload of a proposal is what the handler wrote; ``filling`` completes it. It is checked as a whole when it is proposed and
   again before the consent.
2. The text that the consent signs is the completed form; its salted digest is the step's ``document`` on chain, and that of its
   使用依据 alone the request's ``legal_basis``.
3. A step counts as done when the chain shows an event of it with this document.
4. Steps of the authority are proposed by role ``authority``; all are consented to by role ``head``.

Source: Decree 809 art. 20-22; dossier 2.1 (经办 + 负责人), 2.3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from xinlian.node.approvals import (
    ApprovalInfo,
    Approvals,
    Consented,
    Kind,
    Proposal,
    Result,
    Signatures,
    Text,
    consent_text,
)
from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState, RequestState, SharingRequest
from xinlian.node.documents import Documents
from xinlian.node.necessity import Necessity
from xinlian.node.people import Person, Role
from xinlian.node.sharing.conditions import StepDetails
from xinlian.node.sharing.filling import NOT_YET, Filling
from xinlian.node.sharing.payloads import addressed, basis_digest, changed_terms, cover_of, grounds_of, terms_of
from xinlian.node.sharing.requests import NewRequest, SharingRequests
from xinlian.node.sharing.steps import STEPS, Party, Step
from xinlian.node.sharing.terms import ScopeByName, TermsByName, names_of
from xinlian.protocol.clocks import ClockReading, Term
from xinlian.protocol.dataset import DatasetSchema, Mode
from xinlian.protocol.errors import ConflictError, EvidenceError, InputError, NotFoundError, StoreError
from xinlian.protocol.forms import FORMS, read_form
from xinlian.protocol.forms.fit import faults_against
from xinlian.protocol.forms.reading import refused
from xinlian.protocol.forms.request import SharingRequest as RequestForm
from xinlian.protocol.objects import request_object

PREFIX: Final = "request-"
_UNSET: Final = b"\x01" * 32
"""Stands for a digest while a proposal is only checked."""


@dataclass(frozen=True, slots=True)
class Before:
    """What a step asks for on this node: a check of the form, and an action that may be repeated, under the text's digest."""

    check: Callable[[SharingRequest, Mapping[str, Any]], None]
    carry_out: Callable[[SharingRequest, bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RequestApprovals:
    """The kinds.

    Args:
        department: USCC of this node.
        requests: takes the steps.
        state: shows what was taken.
        catalogue: names datasets.
        necessity: the need-to-know matrices.
        approvals: holds what is proposed.
        documents: texts that are here.
        read: how a clock stands now, by the calendar on chain.
    """

    department: str
    requests: SharingRequests
    state: ChainState
    catalogue: Catalogue
    necessity: Necessity
    approvals: Approvals
    documents: Documents
    read: Callable[[Term], ClockReading]
    before: dict[str, Before] = field(init=False, repr=False, default_factory=dict)
    """By the step's name: what is checked, and what is done here before the chain is told; registered when the node is built."""
    _numbering: asyncio.Lock = field(init=False, repr=False, default_factory=asyncio.Lock)

    # -- proposing ---------------------------------------------------------------------------------

    async def propose(self, name: str, requester: str, number: int, payload: Mapping[str, Any], person: Person) -> ApprovalInfo:
        """Propose a step of a request to the department's head.

        Raises:
            NotFoundError: ``step-unknown``, ``request-unknown``.
            XinlianError: what the step's validation says.
        """
        step = STEPS.get(name)
        if step is None or step.party is Party.ANYONE or name == "submit":
            names = sorted(step.name for step in STEPS.values() if step.party is not Party.ANYONE and step.name != "submit")
            raise NotFoundError("step-unknown", f"a request has no such step; there are {', '.join(names)}", expected=names)
        self.requests.known(requester, number)
        return await self.approvals.propose(PREFIX + name, request_object(requester, number), payload, person)

    async def propose_new(self, payload: Mapping[str, Any], person: Person) -> ApprovalInfo:
        """Propose a new request (草稿 → 负责人同意 → 提交), under the next number of the day.

        Raises:
            XinlianError: what the form and the catalogue say.
        """
        async with self._numbering:
            number = self.requests.next_number(self._reserved())
            return await self.approvals.propose(PREFIX + "submit", request_object(self.department, number), payload, person)

    def _reserved(self) -> int:
        newest = self.approvals.newest_object(PREFIX + "submit")
        return 0 if newest is None else _parse(newest)[1]

    # -- the kinds and their functions -------------------------------------------------------------

    def kinds(self) -> tuple[Kind, ...]:
        """One kind for every step that a person takes in the department's name."""
        return tuple(self._kind(step) for step in STEPS.values() if step.party is not Party.ANYONE)

    def _kind(self, step: Step) -> Kind:
        doing = partial(self._validate, step), partial(self._perform, step), partial(self._find_done, step)
        said = partial(self._compose, step)
        return Kind(PREFIX + step.name, *doing, said, act=step.act, term=self.term, proposers=_proposers(step))

    def term(self, object_ref: str) -> Term | None:
        """The clock of the request that waits, None when none runs."""
        request = self.state.requests.get(_parse(object_ref))
        _, start_s, length_wd = (None, 0, 0) if request is None else request.clock()
        return Term(start_s, length_wd) if length_wd else None

    async def _validate(self, step: Step, proposal: Proposal) -> None:
        requester, number = _parse(proposal.object_ref)
        await self.catalogue.learn(self._provider(step, proposal))
        if step.name == "submit":
            await self.requests.check_dataset(*addressed(proposal.payload))
        content = self._content(step, proposal, NOT_YET)
        if step.form in FORMS:
            form = read_form(step.form, content)
            if isinstance(form, RequestForm):
                self._check_fit(form)
        if step.name == "submit":
            await self.requests.check_new(self._new(proposal.payload, content, _UNSET))
            return
        details = self._details(step, requester, number, proposal.payload, content, _UNSET)
        await self.requests.check_step(step.name, requester, number, details)
        if step.name == "agree":
            self._require_form(self.requests.known(requester, number))
        if step.name in self.before:
            self.before[step.name].check(self.requests.known(requester, number), content)

    def _require_form(self, request: SharingRequest) -> None:
        """Nobody agrees to what was not read: the form says on which basis and for what the data is asked.

        Raises:
            ConflictError: ``request-text-missing``.
        """
        try:
            read_form("sharing-request", self.documents.opened(bytes.fromhex(request.form or "")).content())
        except (NotFoundError, InputError, EvidenceError, StoreError) as error:
            text = f"the form of {request.request_no} is not here, or is not of its form"
            raise ConflictError("request-text-missing", text, request=request.ref) from error

    async def _perform(self, step: Step, consented: Consented) -> Result:
        requester, number = _parse(consented.proposal.object_ref)
        content, digest = consented.document.content(), bytes(consented.document.digest)
        if step.name == "submit":
            _, tx_hash = await self.requests.submit(self._new(consented.proposal.payload, content, digest), number)
        else:
            details = self._details(step, requester, number, consented.proposal.payload, content, digest)
            if step.name in self.before:
                await self.before[step.name].carry_out(self.requests.known(requester, number), digest)
            _, tx_hash = await self.requests.take(step.name, requester, number, details)
        return {**_brief(self.requests.known(requester, number)), "tx_hash": tx_hash}

    async def _find_done(self, step: Step, consented: Consented) -> Result | None:
        request = self.state.requests.get(_parse(consented.proposal.object_ref))
        if request is None:
            return None
        digest = consented.document.digest.hex()
        is_withdrawn = step.name == "withdraw" and request.state is RequestState.WITHDRAWN
        if not is_withdrawn and all(done.document != digest for done in request.steps):
            return None
        return _brief(request)

    def _compose(self, step: Step, proposal: Proposal, signatures: Signatures) -> Text:
        if step.form in (None, "consent"):
            return consent_text(proposal, signatures)
        return Text(str(step.form), self._content(step, proposal, signatures.to_json()))

    # -- from forms to calls -----------------------------------------------------------------------

    def _content(self, step: Step, proposal: Proposal, by: Mapping[str, Any]) -> dict[str, Any]:
        """The completed form."""
        requester, number = _parse(proposal.object_ref)
        form = proposal.payload.get("form")
        written = form if isinstance(form, Mapping) else {}
        filling = Filling(self.department, self.state, self._schema, self.requests.law_time, self.read)
        if step.form not in FORMS:
            return {}
        if step.name == "submit":
            provider, dataset, version = addressed(proposal.payload)
            info = self.catalogue.info(dataset, version)
            if info.owner != provider:
                raise NotFoundError("dataset-unknown", f"{provider} has no such dataset", dataset=dataset[:40])
            return filling.new(number, info.code, info.version, written, by)
        request = self.requests.known(requester, number)
        if step.name == "resubmit":
            return filling.new(number, request.code, request.version, written, by)
        return filling.step(step.name, request, written, by)

    def _provider(self, step: Step, proposal: Proposal) -> str:
        return (
            addressed(proposal.payload)[0]
            if step.name == "submit"
            else self.requests.known(*_parse(proposal.object_ref)).provider
        )

    def _check_fit(self, form: RequestForm) -> None:
        """The form against the catalogue entry, and the matrix."""
        schema = self._schema_of(form.catalog_code, form.catalog_version)
        if schema is not None:
            found = list(faults_against(form, schema))
            if found:
                raise refused(found)
        terms = terms_of(form)
        if self._is_out_of_scope(form.catalog_code, form.catalog_version, terms) and form.out_of_scope_reason is None:
            text = "超范围: the need-to-know matrix does not cover all of it; out_of_scope_reason is missing"
            raise InputError("scope-reason-missing", text, field="out_of_scope_reason")

    def _new(self, payload: Mapping[str, Any], content: Mapping[str, Any], document: bytes) -> NewRequest:
        provider, dataset, version = addressed(payload)
        terms = terms_of(read_form("sharing-request", content))
        out_of_scope = self._is_out_of_scope(dataset, version, terms)
        return NewRequest(provider, dataset, version, terms, out_of_scope, basis_digest(content, document), document)

    def _is_out_of_scope(self, dataset: str, version: int | None, terms: TermsByName) -> bool:
        """Whether the matrices leave something of it out; property 1 knows no further condition."""
        info = self.catalogue.info(dataset, version)
        names = {mode.value: getattr(terms, mode) for mode in Mode}
        return info.share_type != 1 and bool(self.necessity.uncovered(self.department, info.alias, names, terms.purposes))

    def _details(
        self,
        step: Step,
        requester: str,
        number: int,
        payload: Mapping[str, Any],
        content: Mapping[str, Any],
        document: bytes,
    ) -> StepDetails:
        request = self.requests.known(requester, number)
        if step.name == "resubmit":
            terms = terms_of(read_form("sharing-request", content))
            out_of_scope = self._is_out_of_scope(request.code, request.version, terms)
            basis = basis_digest(content, document)
            return StepDetails(document, terms=terms, out_of_scope=out_of_scope, legal_basis=basis)
        if step.name == "propose-change":
            return StepDetails(document, terms=changed_terms(request, payload))
        agreed = content.get("agreed_items")
        return StepDetails(
            document,
            scope=None if agreed is None else self._scope(request, agreed),
            grounds=grounds_of(content.get("refused_items") or []),
            cover=cover_of(payload),
            working_days=content.get("working_days") or content.get("rectify_within"),
            grant_number=content.get("grant_number"),
        )

    def _scope(self, request: SharingRequest, names: list[str]) -> ScopeByName:
        """The modes in which what is agreed to was asked for."""
        schema = self._schema(request)
        if schema is None:
            raise InputError("item-unknown", "the dataset's schema is not known here", field="agreed_items")
        asked = names_of(request.terms, schema)
        outside = sorted(set(names).difference(asked.verify, asked.query, asked.answer, asked.batch))
        if outside:
            raise InputError("item-unknown", f"not asked for: {', '.join(outside)}", field="agreed_items")
        verify, query, answer, batch = (tuple(name for name in getattr(asked, mode) if name in names) for mode in Mode)
        return ScopeByName(verify, query, answer, batch)

    def _schema(self, request: SharingRequest) -> DatasetSchema | None:
        return self._schema_of(request.code, request.version)

    def _schema_of(self, code: str, version: int) -> DatasetSchema | None:
        owner, _, serial = code.partition("/")
        entry = self.state.dataset(owner, int(serial), version)
        return None if entry is None else self.catalogue.known_schema(entry)


def _proposers(step: Step) -> frozenset[Role]:
    if step.party is Party.AUTHORITY:
        return frozenset({Role.AUTHORITY})
    if step.party is Party.PROVIDER_OR_AUTHORITY:
        return frozenset({Role.SHARING, Role.AUTHORITY})
    return frozenset({Role.SHARING})


def _parse(object_ref: str) -> tuple[str, int]:
    requester, _, number = object_ref.removeprefix("request ").partition("/")
    return requester, int(number)


def _brief(request: SharingRequest) -> dict[str, object]:
    return {
        "request_no": request.request_no,
        "requester": request.requester,
        "number": request.number,
        "state": request.state.name.lower(),
        "grant": request.grant_number or None,
    }
