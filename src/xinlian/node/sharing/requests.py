"""Sharing requests: filing them, every later step, listing and showing them.

Rules
1. 申请编号 = GX + date (UTC+8, law time) + six digits, rising within the day; numbers are the requester's own.
2. A step is checked here against the followed chain first, with the codes that the contract's rejection has too; the contract
   decides.
3. An answer names fields and views; terms that stand on chain are sent back as they stand there.
4. A person never appears: who proposed and who consented stands in approvals and acts.

Example: ``await requests.take("agree", requester, number, StepDetails(document, scope=scope))``

Source: Decree 809 art. 20-22, 25, 27-28; dossier 2.3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState, Cover, RequestClock, SharingRequest
from xinlian.node.dataset_info import DatasetInfo
from xinlian.node.paging import Page, Window, page_of
from xinlian.node.sharing.arguments import StepCall
from xinlian.node.sharing.conditions import GROUNDS, StepDetails, check_conditions
from xinlian.node.sharing.grants import known_schema
from xinlian.node.sharing.steps import STEPS, Step, check_party, check_state
from xinlian.node.sharing.terms import TermsByName, chain_terms, shown_terms
from xinlian.node.transactions import Transactions
from xinlian.protocol.clocks import ClockReading, Term
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError, PeerError
from xinlian.protocol.working_days import date_of, day_of

_SERIALS = 1_000_000


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request to file.

    Args:
        provider: USCC.
        dataset: catalogue code or alias of the provider's dataset.
        version: of the dataset; None for the newest published.
        terms: what is asked.
        out_of_scope: the need-to-know matrix does not cover all of it.
        legal_basis: digest of the 使用依据, 32 bytes.
        document: digest of the form, 32 bytes.
    """

    provider: str
    dataset: str
    version: int | None
    terms: TermsByName
    out_of_scope: bool
    legal_basis: bytes
    document: bytes


class SharingRequests:
    """The use case.

    Args:
        department: USCC of this node.
        state: the chain's requests.
        catalogue: datasets.
        transactions: signs with the LAW key, on the authority's node with the authority's.
        law_s: law time, epoch seconds.
        read: how a clock stands now, by the calendar on chain.
    """

    def __init__(
        self,
        department: str,
        state: ChainState,
        catalogue: Catalogue,
        transactions: Transactions,
        law_s: Callable[[], int],
        read: Callable[[Term], ClockReading],
    ) -> None:
        self._department = department
        self._state = state
        self._catalogue = catalogue
        self._transactions = transactions
        self._law_s = law_s
        self._read = read
        self._numbering = asyncio.Lock()
        self._granting = asyncio.Lock()

    # -- filing ------------------------------------------------------------------------------------

    async def check_new(self, new: NewRequest) -> DatasetSchema:
        """Refuse what the contract would refuse, before anybody is asked to consent.

        Raises:
            NotFoundError: ``dataset-unknown``.
            InputError: ``legal-basis-missing``, ``term-reversed``, ``term-past``, ``terms-empty`` and those of ``chain_terms``.
            ConflictError: ``request-own-data``, ``dataset-not-published``, ``dataset-not-shared``.
            PeerError: when the schema is not known here and the provider's node does not hand it out.
        """
        info = await self.check_dataset(new.provider, new.dataset, new.version)
        self._check_terms(new.terms)
        if not any(new.legal_basis):
            raise InputError("legal-basis-missing", "a request names its legal basis (使用依据)", field="legal_basis")
        schema = await self._catalogue.schema_of(info.code, info.version)
        self._check_purposes(schema, new.terms)
        chain_terms(schema, new.terms)
        return schema

    async def check_dataset(self, provider: str, dataset: str, version: int | None) -> DatasetInfo:
        """Refuse a dataset that cannot be asked for.

        Raises:
            NotFoundError: ``dataset-unknown``.
            ConflictError: ``request-own-data``, ``dataset-not-published``, ``dataset-not-shared``.
        """
        await self._catalogue.learn(provider)
        info = self._catalogue.info(dataset, version)
        if info.owner != provider:
            raise NotFoundError("dataset-unknown", f"{provider} has no such dataset", dataset=dataset[:40])
        if info.own:
            raise ConflictError("request-own-data", "a department needs no request for its own data", dataset=info.code)
        if info.state != "published":
            raise ConflictError(
                "dataset-not-published",
                f"{info.code} version {info.version} is {info.state}",
                dataset=info.code,
                version=info.version,
            )
        if info.share_type == 3:
            raise ConflictError("dataset-not-shared", f"{info.code} has sharing property 3 (不予共享)", dataset=info.code)
        return info

    def _check_terms(self, terms: TermsByName) -> None:
        if terms.valid_from_s >= terms.valid_to_s:
            raise InputError("term-reversed", "使用时限: valid_from must be before valid_to", field="valid_to")
        if terms.valid_to_s <= self._law_s():
            raise InputError("term-past", "使用时限: the term has ended already", field="valid_to")
        if not (terms.verify or terms.query or terms.answer or terms.batch):
            raise InputError("terms-empty", "the request names no field and no view", field="requested_items")
        if not (terms.scenarios or terms.standing):
            text = "scenario.id: expected 64 hex digits, the scenario of the cases it is for (a standing use needs none)"
            raise InputError("scenario-missing", text, field="scenario.id")

    def _check_purposes(self, schema: DatasetSchema, terms: TermsByName) -> None:
        allowed = schema.catalogue.allowed_purposes
        outside = [purpose for purpose in terms.purposes if purpose not in allowed]
        if schema.catalogue.share_type != 1 and outside:
            raise InputError(
                "purpose-not-catalogued", f"使用用途: the entry does not name {', '.join(outside)}", expected=list(allowed)
            )

    async def submit(self, new: NewRequest, number: int | None = None) -> tuple[dict[str, Any], str]:
        """File a request.

        Args:
            new: what is asked.
            number: reserved before; without it the next of the day.

        Returns:
            The request as shown and the hash of its transaction.

        Raises:
            XinlianError: as ``check_new``.
            ChainError: when the chain cannot be reached or rejects it.
        """
        schema = await self.check_new(new)
        async with self._numbering:
            number = self.next_number() if number is None else number
            application = {
                "number": number,
                "provider": new.provider,
                "serial": schema.serial,
                "version": schema.version,
                "terms": chain_terms(schema, new.terms),
                "outOfScope": new.out_of_scope,
                "legalBasis": "0x" + new.legal_basis.hex(),
                "document": "0x" + new.document.hex(),
            }
            done = await self._transactions.law("SharingRegistry", "submit", application)
        return await self.info(self._department, number), done.tx_hash

    def law_time(self) -> int:
        """Law time, epoch seconds."""
        return self._law_s()

    def next_number(self, reserved: int = 0) -> int:
        """The number that the next request of this department gets.

        Args:
            reserved: highest number that a proposal waits with, 0 for none.

        Raises:
            ConflictError: ``request-number``.
        """
        first = int(date_of(day_of(self._law_s())).strftime("%Y%m%d")) * _SERIALS + 1
        number = max(self._state.newest_request_number(self._department, first), reserved) + 1
        if number // _SERIALS != first // _SERIALS:
            raise ConflictError("request-number", "no request number of this day is left")
        return number

    # -- steps -------------------------------------------------------------------------------------

    def known(self, requester: str, number: int) -> SharingRequest:
        """A request on the followed chain.

        Raises:
            NotFoundError: ``request-unknown``.
        """
        found = self._state.requests.get((requester, number))
        if found is None:
            raise NotFoundError("request-unknown", f"there is no request GX{number:014d} of {requester}", requester=requester)
        return found

    async def check_step(self, name: str, requester: str, number: int, details: StepDetails) -> None:
        """Refuse a step that could not be taken now, before anybody is asked to consent.

        Raises:
            NotFoundError: ``request-unknown``.
            ConflictError: ``request-state``, ``request-party`` and the codes of the step's own conditions.
            InputError: when its details do not fit.
        """
        step, request = STEPS[name], self.known(requester, number)
        self._check(step, request, details)
        await StepCall(request, details, 1, self._schema).arguments(step)

    def _check(self, step: Step, request: SharingRequest, details: StepDetails) -> bool:
        """Refuse what cannot be done; tells whether the authority's key sends it."""
        by_authority = check_party(step, request, self._department, is_authority=self._transactions.is_authority)
        check_state(step, request)
        check_conditions(step, request, details)
        if step.name == "agree" or (step.name == "settle-dispute" and details.names_anything):
            self._check_cover(request, details)
        if details.terms is not None:
            self._check_terms(details.terms)
        return by_authority

    def _check_cover(self, request: SharingRequest, details: StepDetails) -> None:
        """A receiver that is no department needs a cover, a department has none (art. 25).

        Raises:
            ConflictError: ``third-party-cover``.
        """
        receiver = self._state.department(request.requester)
        is_department = receiver is not None and receiver.is_department
        if is_department != (details.cover is Cover.NONE):
            text = "a department needs no cover" if is_department else "a receiver that is no department needs a cover (art. 25)"
            raise ConflictError("third-party-cover", text, request=request.ref)

    async def take(self, name: str, requester: str, number: int, details: StepDetails) -> tuple[dict[str, Any], str]:
        """Take a step.

        Returns:
            The request as shown afterwards and the hash of the transaction.

        Raises:
            XinlianError: as ``check_step``, or the contract's rejection under its code.
            ChainError: when the chain cannot be reached.
        """
        step, request = STEPS[name], self.known(requester, number)
        by_authority = self._check(step, request, details)
        send = self._transactions.authority if by_authority else self._transactions.law
        async with self._granting:  # a delivery takes the next grant number
            grant_number = details.grant_number or self._state.newest_grant_number(self._department) + 1
            arguments = await StepCall(request, details, grant_number, self._schema).arguments(step)
            done = await send("SharingRegistry", step.function, *arguments)
        return await self.info(requester, number), done.tx_hash

    async def _schema(self, request: SharingRequest) -> DatasetSchema:
        schema = await known_schema(self._state, self._catalogue, (request.provider, request.serial, request.version))
        if schema is None:
            text = "the provider's node does not hand out the dataset's schema"
            raise PeerError("peer-down", text, department=request.provider)
        return schema

    # -- showing -----------------------------------------------------------------------------------

    async def info(self, requester: str, number: int) -> dict[str, Any]:
        """One request as shown.

        Raises:
            NotFoundError: ``request-unknown``.
        """
        request = self.known(requester, number)
        schema = await known_schema(self._state, self._catalogue, (request.provider, request.serial, request.version))
        return self._shown(request, schema)

    async def page(self, direction: str, window: Window) -> Page[dict[str, Any]]:
        """Requests this department made or received (made, received, own), or all, by requester and number."""
        wanted = (
            request
            for request in self._state.requests.values()
            if direction == "all"
            or (direction in ("made", "own") and request.requester == self._department)
            or (direction in ("received", "own") and request.provider == self._department)
        )
        page = page_of(wanted, window, lambda request: (request.requester, request.number))
        return Page([await self.info(request.requester, request.number) for request in page.items], page.next)

    def _clock(self, request: SharingRequest) -> dict[str, Any] | None:
        """The clock that runs, by the calendar on chain; None when none does."""
        clock, start_s, length_wd = request.clock()
        if clock is RequestClock.NONE:
            return None
        return {"name": clock.name.lower(), "started_at": start_s, **self._read(Term(start_s, length_wd)).to_json()}

    def _shown(self, request: SharingRequest, schema: DatasetSchema | None) -> dict[str, Any]:
        return {
            "request_no": request.request_no,
            "requester": request.requester,
            "number": request.number,
            "provider": request.provider,
            "dataset": request.code,
            "alias": None if schema is None else schema.alias,
            "version": request.version,
            "unconditional": request.unconditional,
            "state": request.state.name.lower(),
            "terms": shown_terms(request.terms, schema),
            "out_of_scope": request.out_of_scope,
            "partial": request.is_partial,
            "cover": request.cover.name.lower(),
            "grounds": [name for bit, name in enumerate(GROUNDS) if request.grounds >> bit & 1],
            "supplemented": request.is_supplemented,
            "extension": {
                "asked_wd": request.extension_asked_wd,
                "consented_wd": request.extension_consented_wd,
                "granted_wd": request.extension_wd,
            },
            "overdue": {"answer": request.is_answer_overdue, "delivery": request.is_delivery_overdue},
            "clock": self._clock(request),
            "by_authority": request.by_authority,
            "stop_proposed": request.is_stop,
            "proposed_terms": None if request.proposed is None else shown_terms(request.proposed, schema),
            "settled": request.is_settled,
            "submitted_at": request.submitted_at_s,
            "state_at": request.state_at_s,
            "ended_at": request.ended_at_s or None,
            "disposed_at": request.disposed_at_s or None,
            "grant": request.grant_number or None,
            "steps": [
                {"event": step.event, "at": step.at_s, "block": step.block_number, "document": step.document}
                for step in request.steps
            ],
        }
