"""Sharing requests by requester and number, grants by provider and number, as the events of SharingRegistry tell.

Rules
1. A request mirrors ISharingRegistry.Request, with the terms themselves where the contract keeps their hash; the
   state-machine test compares the two after every step.
2. A grant is given by the delivery of a request and runs while that is ACTIVE or in CHANGE_NEGOTIATION.
3. Deadlines are not here: start times are, the calendar says the rest.

Source: Decree 809 art. 20-22, 27-28; dossier 2.3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Final

from xinlian.node.chain_state.facts import ChainFact, Handlers, Known, code_text
from xinlian.protocol.clocks import CLOCKS, ClockId
from xinlian.protocol.types import Uscc


class RequestState(IntEnum):
    """Where a request stands (ISharingRegistry.State)."""

    NONE = 0
    SUBMITTED = 1
    SUPPLEMENT = 2
    WITHDRAWN = 3
    AGREED = 4
    REFUSED = 5
    DISPUTE = 6
    ACTIVE = 7
    SUSPENDED = 8
    CHANGE_NEGOTIATION = 9
    EXPIRED = 10
    CLOSED = 11
    TERMINATED = 12


_FILED: Final = frozenset({"RequestSubmitted", "RequestResubmitted"})


class Cover(IntEnum):
    """What covers a receiver that is no department (ISharingRegistry.Cover; Decree 809 art. 25)."""

    NONE = 0
    CONSENT = 1
    AUTHORISATION = 2


class RequestClock(IntEnum):
    """Which clock runs (ISharingRegistry.Clock)."""

    NONE = 0
    ANSWER = 1
    SUPPLEMENT = 2
    DELIVERY = 3
    RECTIFICATION = 4


SUPPLEMENT_WD: Final = 10
"""For the completion that was asked for (ISharingRegistry); the other lengths are those of ``protocol.clocks``."""
RUNNING: Final = frozenset({RequestState.ACTIVE, RequestState.CHANGE_NEGOTIATION})
ENDED: Final = frozenset({RequestState.EXPIRED, RequestState.CLOSED, RequestState.TERMINATED})


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a grant: masks per mode, purposes and scenarios, ``valid_from_s <= t < valid_to_s``, uses per case."""

    verify_mask: int
    query_mask: int
    answer_mask: int
    batch_mask: int
    purposes: tuple[str, ...]
    scenarios: tuple[str, ...]
    valid_from_s: int
    valid_to_s: int
    uses_per_case: int
    standing: bool

    def with_scope(self, scope: Mapping[str, Any]) -> Terms:
        """The same terms with the fields and views of an answer."""
        return replace(
            self,
            verify_mask=scope["verifyMask"],
            query_mask=scope["queryMask"],
            answer_mask=scope["answerMask"],
            batch_mask=scope["batchMask"],
        )


@dataclass(frozen=True, slots=True)
class RequestStep:
    """One event of a request: its name, law time (epoch seconds), block, the digest of its document (64 hex) or None."""

    event: str
    at_s: int
    block_number: int
    document: str | None


@dataclass(slots=True)
class SharingRequest:
    """One request; see ISharingRegistry.Request. ``terms`` are those asked, agreed to or granted by now, ``asked`` the first."""

    requester: Uscc
    number: int
    provider: Uscc
    serial: int
    version: int
    unconditional: bool
    asked: Terms
    terms: Terms
    state: RequestState
    submitted_at_s: int
    state_at_s: int
    out_of_scope: bool = False
    cover: Cover = Cover.NONE
    is_supplemented: bool = False
    is_partial: bool = False
    is_answer_overdue: bool = False
    is_delivery_overdue: bool = False
    by_authority: bool = False
    extension_asked_wd: int = 0
    extension_consented_wd: int = 0
    extension_wd: int = 0
    rectify_within_wd: int = 0
    is_stop: bool = False
    is_settled: bool = False
    ended_at_s: int = 0
    disposed_at_s: int = 0
    grant_number: int = 0
    grounds: int = 0
    proposed: Terms | None = None
    steps: list[RequestStep] = field(default_factory=list)

    @property
    def ref(self) -> str:
        """``<requester USCC>/<14 digits>``."""
        return f"{self.requester}/{self.number:014d}"

    @property
    def request_no(self) -> str:
        """申请编号, GX and 14 digits."""
        return f"GX{self.number:014d}"

    @property
    def code(self) -> str:
        """Catalogue code of the dataset."""
        return f"{self.provider}/{self.serial:06d}"

    @property
    def form(self) -> str | None:
        """Digest (64 hex) of the newest form with which it was filed."""
        return next((step.document for step in reversed(self.steps) if step.event in _FILED), None)

    def clock(self) -> tuple[RequestClock, int, int]:
        """The clock that runs, its start (epoch seconds) and its length in working days; NONE, 0 and 0 when none does."""
        if self.state is RequestState.SUBMITTED:
            rule = CLOCKS[ClockId.ANSWER_UNCONDITIONAL if self.unconditional else ClockId.ANSWER_CONDITIONAL]
            return RequestClock.ANSWER, self.submitted_at_s, rule.length_wd + self.extension_wd
        if self.state is RequestState.SUPPLEMENT:
            return RequestClock.SUPPLEMENT, self.state_at_s, SUPPLEMENT_WD
        if self.state is RequestState.AGREED:
            return RequestClock.DELIVERY, self.state_at_s, CLOCKS[ClockId.DELIVER].length_wd
        if self.state is RequestState.SUSPENDED:
            return RequestClock.RECTIFICATION, self.state_at_s, self.rectify_within_wd
        return RequestClock.NONE, 0, 0


@dataclass(slots=True)
class GrantState:
    """One grant of a provider, with the request it came from."""

    provider: Uscc
    number: int
    receiver: Uscc
    serial: int
    version: int
    terms: Terms
    given_block: int
    request: SharingRequest

    @property
    def ref(self) -> str:
        """``<provider USCC>/<number>``."""
        return f"{self.provider}/{self.number}"

    @property
    def vct(self) -> str:
        """The dataset version it covers."""
        return f"{self.provider}/{self.serial:06d}@{self.version}"

    @property
    def cover(self) -> Cover:
        """What covers a receiver that is no department."""
        return self.request.cover

    def is_running_at(self, time_s: int) -> bool:
        """Whether its request is active or under negotiation and its term covers a time."""
        return self.request.state in RUNNING and self.terms.valid_from_s <= time_s < self.terms.valid_to_s


class SharingFacts:
    """The part of the projection."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], SharingRequest] = Known()
        self.grants: dict[tuple[str, int], GrantState] = Known()
        steps = {
            "RequestResubmitted": self._on_resubmitted,
            "ScopeFlagged": self._on_scope_flagged,
            "ScopeReviewed": self._on_scope_reviewed,
            "SupplementAsked": self._on_supplement_asked,
            "RequestWithdrawn": lambda r, e: _enter(r, e, RequestState.WITHDRAWN),
            "ExtensionAsked": self._on_extension_asked,
            "ExtensionConsented": self._on_extension_consented,
            "RequestExtended": self._on_extended,
            "RequestAgreed": self._on_agreed,
            "RequestRefused": self._on_refused,
            "RequestOverdue": self._on_overdue,
            "RequestDisputed": lambda r, e: _enter(r, e, RequestState.DISPUTE),
            "DisputeSettled": self._on_settled,
            "GrantSuspended": self._on_suspended,
            "RectificationReported": lambda _r, _e: None,
            "GrantResumed": self._on_resumed,
            "ChangeProposed": self._on_change_proposed,
            "TermsKept": self._on_terms_kept,
            "TermsChanged": self._on_terms_changed,
            "GrantTerminated": lambda r, e: _end(r, e, RequestState.TERMINATED),
            "GrantExpired": lambda r, e: _end(r, e, RequestState.EXPIRED),
            "GrantClosed": lambda r, e: _end(r, e, RequestState.CLOSED),
            "DisposalRecorded": self._on_disposal,
        }
        self.handlers: Handlers = {
            "RequestSubmitted": self._on_submitted,
            "GrantGiven": self._on_grant_given,
            **{name: self._step(apply) for name, apply in steps.items()},
        }

    def _step(self, apply: Any) -> Any:
        def on(event: ChainFact) -> None:
            request = self.requests[event.args["requester"], event.args["number"]]
            apply(request, event)
            _note(request, event)

        return on

    def _on_submitted(self, event: ChainFact) -> None:
        args, terms = event.args, _terms(event.args["terms"])
        request = self.requests[args["requester"], args["number"]] = SharingRequest(
            requester=Uscc(args["requester"]),
            number=args["number"],
            provider=Uscc(args["provider"]),
            serial=args["serial"],
            version=args["version"],
            unconditional=args["unconditional"],
            asked=terms,
            terms=terms,
            state=RequestState.SUBMITTED,
            submitted_at_s=event.block_time,
            state_at_s=event.block_time,
            out_of_scope=args["outOfScope"],
        )
        _note(request, event)

    @staticmethod
    def _on_resubmitted(request: SharingRequest, event: ChainFact) -> None:
        request.asked = request.terms = _terms(event.args["terms"])
        request.out_of_scope = event.args["outOfScope"]
        request.is_partial = request.is_answer_overdue = False
        request.extension_asked_wd = request.extension_consented_wd = 0
        request.submitted_at_s = event.block_time
        _enter(request, event, RequestState.SUBMITTED)

    @staticmethod
    def _on_scope_flagged(request: SharingRequest, _event: ChainFact) -> None:
        request.out_of_scope = True

    @staticmethod
    def _on_scope_reviewed(request: SharingRequest, event: ChainFact) -> None:
        _narrow(request, event.args["scope"])
        request.out_of_scope = False

    @staticmethod
    def _on_supplement_asked(request: SharingRequest, event: ChainFact) -> None:
        request.is_supplemented = True
        _enter(request, event, RequestState.SUPPLEMENT)

    @staticmethod
    def _on_extension_asked(request: SharingRequest, event: ChainFact) -> None:
        request.extension_asked_wd = event.args["workingDays"]

    @staticmethod
    def _on_extension_consented(request: SharingRequest, event: ChainFact) -> None:
        request.extension_consented_wd = event.args["workingDays"]

    @staticmethod
    def _on_extended(request: SharingRequest, event: ChainFact) -> None:
        request.extension_wd = event.args["workingDays"]

    @staticmethod
    def _on_agreed(request: SharingRequest, event: ChainFact) -> None:
        _narrow(request, event.args["scope"])
        request.grounds, request.cover = event.args["grounds"], Cover(event.args["cover"])
        _enter(request, event, RequestState.AGREED)

    @staticmethod
    def _on_refused(request: SharingRequest, event: ChainFact) -> None:
        request.grounds = event.args["grounds"]
        _enter(request, event, RequestState.REFUSED)

    @staticmethod
    def _on_overdue(request: SharingRequest, event: ChainFact) -> None:
        if RequestClock(event.args["clock"]) is RequestClock.ANSWER:
            request.is_answer_overdue = True
        else:
            request.is_delivery_overdue = True

    @staticmethod
    def _on_settled(request: SharingRequest, event: ChainFact) -> None:
        request.is_settled = True
        if event.args["agreed"]:
            _narrow(request, event.args["scope"])
            request.cover, request.out_of_scope = Cover(event.args["cover"]), False
        _enter(request, event, RequestState.AGREED if event.args["agreed"] else RequestState.REFUSED)

    def _on_grant_given(self, event: ChainFact) -> None:
        args = event.args
        request = self.requests[args["receiver"], args["request"]]
        request.grant_number = args["number"]
        _enter(request, event, RequestState.ACTIVE)
        _note(request, event)
        self.grants[args["provider"], args["number"]] = GrantState(
            provider=Uscc(args["provider"]),
            number=args["number"],
            receiver=Uscc(args["receiver"]),
            serial=args["serial"],
            version=args["version"],
            terms=_terms(args["terms"]),
            given_block=event.block_number,
            request=request,
        )

    @staticmethod
    def _on_suspended(request: SharingRequest, event: ChainFact) -> None:
        request.rectify_within_wd, request.by_authority = event.args["rectifyWithin"], event.args["byAuthority"]
        _enter(request, event, RequestState.SUSPENDED)

    @staticmethod
    def _on_resumed(request: SharingRequest, event: ChainFact) -> None:
        request.rectify_within_wd, request.by_authority = 0, False
        _enter(request, event, RequestState.ACTIVE)

    @staticmethod
    def _on_change_proposed(request: SharingRequest, event: ChainFact) -> None:
        request.is_stop = event.args["isStop"]
        request.proposed = None if request.is_stop else _terms(event.args["terms"])
        _enter(request, event, RequestState.CHANGE_NEGOTIATION)

    @staticmethod
    def _on_terms_kept(request: SharingRequest, event: ChainFact) -> None:
        request.proposed, request.is_stop = None, False
        _enter(request, event, RequestState.ACTIVE)

    def _on_terms_changed(self, request: SharingRequest, event: ChainFact) -> None:
        request.terms = self.grants[request.provider, request.grant_number].terms = _terms(event.args["terms"])
        request.proposed = None
        _enter(request, event, RequestState.ACTIVE)

    @staticmethod
    def _on_disposal(request: SharingRequest, event: ChainFact) -> None:
        request.disposed_at_s = event.block_time


def _enter(request: SharingRequest, event: ChainFact, state: RequestState) -> None:
    request.state, request.state_at_s = state, event.block_time


def _end(request: SharingRequest, event: ChainFact, state: RequestState) -> None:
    request.ended_at_s = event.block_time
    request.rectify_within_wd, request.is_stop, request.proposed = 0, False, None
    _enter(request, event, state)


def _narrow(request: SharingRequest, scope: Mapping[str, Any]) -> None:
    narrowed = request.terms.with_scope(scope)
    request.is_partial = request.is_partial or narrowed != request.terms
    request.terms = narrowed


def _note(request: SharingRequest, event: ChainFact) -> None:
    document = event.args.get("document")
    digest = None if document is None else str(document).removeprefix("0x")
    request.steps.append(RequestStep(event.name, event.block_time, event.block_number, digest))


def _terms(args: Mapping[str, Any]) -> Terms:
    return Terms(
        verify_mask=args["verifyMask"],
        query_mask=args["queryMask"],
        answer_mask=args["answerMask"],
        batch_mask=args["batchMask"],
        purposes=tuple(code_text(purpose) for purpose in args["purposes"]),
        scenarios=tuple(args["scenarios"]),
        valid_from_s=args["validFrom"],
        valid_to_s=args["validTo"],
        uses_per_case=args["usesPerCase"],
        standing=args["standing"],
    )
