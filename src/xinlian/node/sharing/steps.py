"""The steps of a sharing request: who takes each, from which states, by which function of SharingRegistry.

Rules
1. The table is the listing of dossier 2.3.1; the contract decides, this node refuses the same things with the same codes before
   it sends, so that nothing half-written is left.
2. A step by the authority is sent with the authority's key, every other one with the department's LAW key; marks of what is
   overdue are anybody's.

Source: Decree 809 art. 20-22, 27-28; dossier 2.3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xinlian.node.chain_state import RequestState, SharingRequest
from xinlian.protocol.acts import ActWord
from xinlian.protocol.errors import ConflictError

S = RequestState


class Party(StrEnum):
    """Who takes a step."""

    REQUESTER = "requester"
    PROVIDER = "provider"
    AUTHORITY = "authority"
    PROVIDER_OR_AUTHORITY = "provider-or-authority"
    ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of step.

    Args:
        name: word of API and CLI, kebab-case.
        title: 中文, as on forms.
        party: who takes it.
        function: of SharingRegistry.
        states: from which states.
        form: kind of the document that belongs to it, None for marks; ``consent`` is the plain consent.
        act: the transition, as the anchored log states it.
    """

    name: str
    title: str
    party: Party
    function: str
    states: frozenset[RequestState]
    form: str | None
    act: ActWord | None


_ACTS: Final = {
    "submit": ActWord.SUBMITTED,
    "resubmit": ActWord.RESUBMITTED,
    "dispute": ActWord.DISPUTED,
    "report-rectification": ActWord.RECTIFIED,
    "accept-change": ActWord.CHANGE_ACCEPTED,
    "close": ActWord.CLOSED,
    "dispose": ActWord.DISPOSED,
    "ask-supplement": ActWord.SUPPLEMENT_ASKED,
    "flag-scope": ActWord.SCOPE_FLAGGED,
    "ask-extension": ActWord.EXTENSION_ASKED,
    "extend": ActWord.EXTENDED,
    "agree": ActWord.ANSWERED,
    "refuse": ActWord.ANSWERED,
    "deliver": ActWord.DELIVERED,
    "propose-change": ActWord.CHANGE_PROPOSED,
    "propose-stop": ActWord.STOP_PROPOSED,
    "keep-terms": ActWord.TERMS_KEPT,
    "suspend": ActWord.SUSPENDED,
    "resume": ActWord.RESUMED,
    "terminate": ActWord.TERMINATED,
    "review-scope": ActWord.SCOPE_REVIEWED,
    "consent-extension": ActWord.EXTENSION_CONSENTED,
    "settle-dispute": ActWord.DECIDED,
    "file-closing": ActWord.CLOSED,
}
"""The transition that each step states in the anchored log; a withdrawal is stated by its consent."""


def _step(name: str, title: str, party: Party, function: str, states: tuple[RequestState, ...], form: str | None) -> Step:
    return Step(name, title, party, function, frozenset(states), form, _ACTS.get(name))


_SUBMITTED, _ACTIVE = (S.SUBMITTED,), (S.ACTIVE,)
_ENDED = (S.EXPIRED, S.CLOSED, S.TERMINATED)
_R, _P, _A, _PA = Party.REQUESTER, Party.PROVIDER, Party.AUTHORITY, Party.PROVIDER_OR_AUTHORITY

STEPS: Final[dict[str, Step]] = {
    step.name: step
    for step in (
        _step("submit", "提交申请", _R, "submit", (), "sharing-request"),
        _step("resubmit", "补正后提交", _R, "resubmit", (S.SUPPLEMENT,), "sharing-request"),
        _step("withdraw", "撤回申请", _R, "withdraw", (S.SUBMITTED, S.SUPPLEMENT), None),
        _step("dispute", "提出争议", _R, "dispute", (S.REFUSED,), "dispute"),
        _step("report-rectification", "报告整改", _R, "reportRectification", (S.SUSPENDED,), "rectification-report"),
        _step("accept-change", "同意变更", _R, "acceptChange", (S.CHANGE_NEGOTIATION,), "change-outcome"),
        _step("close", "使用完成", _R, "close", _ACTIVE, "closing"),
        _step("dispose", "处置记录", _R, "recordDisposal", _ENDED, "disposal-record"),
        _step("ask-supplement", "一次性告知补正", _P, "askSupplement", _SUBMITTED, "supplement-notice"),
        _step("flag-scope", "标记超范围", _P, "flagScope", _SUBMITTED, "consent"),
        _step("ask-extension", "申请延期答复", _P, "askExtension", _SUBMITTED, "extension-application"),
        _step("extend", "延期答复通知", _P, "extend", _SUBMITTED, "extension-notice"),
        _step("agree", "同意", _P, "agree", _SUBMITTED, "answer"),
        _step("refuse", "不同意", _P, "refuse", _SUBMITTED, "answer"),
        _step("deliver", "交付", _P, "deliver", (S.AGREED,), "delivery-note"),
        _step("propose-change", "提出变更", _P, "proposeChange", _ACTIVE, "change-negotiation"),
        _step("propose-stop", "提出停止", _P, "proposeStop", _ACTIVE, "change-negotiation"),
        _step("keep-terms", "维持原条件", _P, "keepTerms", (S.CHANGE_NEGOTIATION,), "change-outcome"),
        _step("suspend", "暂停共享", _PA, "suspendUse", _ACTIVE, "suspension-notice"),
        _step("resume", "恢复共享", _PA, "resume", (S.SUSPENDED,), "resumption-notice"),
        _step("terminate", "终止共享", _PA, "terminate", (S.SUSPENDED,), "termination-notice"),
        _step("review-scope", "超范围审核", _A, "reviewScope", _SUBMITTED, "scope-review"),
        _step("consent-extension", "同意延期", _A, "consentExtension", _SUBMITTED, "extension-consent"),
        _step("settle-dispute", "争议裁定", _A, "settleDispute", (S.DISPUTE,), "dispute-decision"),
        _step("file-closing", "停止备案", _A, "fileClosing", (S.CHANGE_NEGOTIATION,), "change-outcome"),
        _step("record-overdue", "超期登记", Party.ANYONE, "recordOverdue", (S.SUBMITTED, S.AGREED), None),
        _step("record-withdrawn", "视为撤回登记", Party.ANYONE, "recordWithdrawn", (S.SUPPLEMENT,), None),
        _step(
            "record-expired",
            "到期登记",
            Party.ANYONE,
            "recordExpired",
            (S.ACTIVE, S.SUSPENDED, S.CHANGE_NEGOTIATION),
            None,
        ),
    )
}


def check_state(step: Step, request: SharingRequest) -> None:
    """Refuse a step that the request's state does not allow.

    Raises:
        ConflictError: ``request-state``; ``disposal-unexpected`` while the sharing has not ended.
    """
    if request.state not in step.states:
        wanted = ", ".join(sorted(state.name.lower() for state in step.states))
        text = f"request {request.request_no} is {request.state.name.lower()}; {step.name} needs it to be {wanted}"
        code = "disposal-unexpected" if step.name == "dispose" else "request-state"
        raise ConflictError(code, text, request=request.ref, state=request.state.name.lower(), step=step.name)


def check_party(step: Step, request: SharingRequest, department: str, *, is_authority: bool) -> bool:
    """Refuse a step that this department does not take.

    Returns:
        Whether the authority's key sends it.

    Raises:
        ConflictError: ``request-party``.
    """
    if step.party is Party.ANYONE:
        return False
    if step.party is Party.REQUESTER and department == request.requester:
        return False
    if step.party in (Party.PROVIDER, Party.PROVIDER_OR_AUTHORITY) and department == request.provider:
        return False
    if step.party in (Party.AUTHORITY, Party.PROVIDER_OR_AUTHORITY) and is_authority:
        return True
    text = f"{step.name} is for the {step.party.value.replace('-', ' ')} of request {request.request_no}"
    raise ConflictError("request-party", text, request=request.ref, step=step.name, party=step.party.value)
