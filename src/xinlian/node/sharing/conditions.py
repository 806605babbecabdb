"""Conditions of single steps that a request's state alone does not tell, by the step's function of SharingRegistry.

The contract checks all of them again; here they are refused under the same codes before anything is sent.

Source: Decree 809 art. 14, 15, 21, 25, 27; dossier 2.3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xinlian.node.chain_state import Cover, SharingRequest
from xinlian.node.sharing.steps import Step
from xinlian.node.sharing.terms import ScopeByName, TermsByName
from xinlian.protocol.clocks import CLOCKS, ClockId
from xinlian.protocol.errors import ConflictError, InputError
from xinlian.protocol.forms import Ground

GROUNDS: Final = tuple(ground.name.lower() for ground in Ground)
"""共享范围, 使用用途, 使用条件: the three catalogue items that a refusal may cite, bit 0 to 2."""
EXTENSION_LIMIT_WD: Final = CLOCKS[ClockId.ANSWER_CONDITIONAL].extension_wd
RECTIFICATION_LIMIT_WD: Final = 250


@dataclass(frozen=True, slots=True)
class StepDetails:
    """What a step says beyond its name.

    Args:
        document: digest of its text, 32 bytes; None for marks.
        terms: of resubmit and propose-change.
        scope: of agree, review-scope and settle-dispute; None = all that is asked (settle-dispute: nothing).
        grounds: of refuse and partial agree, names of ``GROUNDS``.
        cover: of agree and settle-dispute for a receiver that is no department.
        working_days: of ask-extension, consent-extension, extend, suspend.
        out_of_scope: of resubmit.
        legal_basis: of resubmit, 32 bytes.
        grant_number: of deliver; None takes the next one.
    """

    document: bytes | None = None
    terms: TermsByName | None = None
    scope: ScopeByName | None = None
    grounds: tuple[str, ...] = ()
    cover: Cover = Cover.NONE
    working_days: int | None = None
    out_of_scope: bool = False
    legal_basis: bytes = b""
    grant_number: int | None = None

    @property
    def names_anything(self) -> bool:
        """Whether its scope names a field or view."""
        scope = self.scope
        return scope is not None and any((scope.verify, scope.query, scope.answer, scope.batch))

    @property
    def days(self) -> int:
        """``working_days``, 0 when none are named."""
        return self.working_days or 0


def check_conditions(step: Step, request: SharingRequest, details: StepDetails) -> None:
    """Refuse a step whose conditions do not hold.

    Raises:
        ConflictError: the code of the condition.
        InputError: when a number or a name of the details is out of range.
    """
    for check in _CHECKS.get(step.function, ()):
        check(request, details)


def ground_bits(names: tuple[str, ...]) -> int:
    """Bits of the grounds.

    Raises:
        InputError: ``grounds-missing`` for a name that is none of ``GROUNDS``.
    """
    if any(name not in GROUNDS for name in names):
        raise InputError("grounds-missing", "grounds are conditions of the catalogue entry", expected=list(GROUNDS))
    return sum(Ground[name.upper()].bit for name in set(names))


def _first_supplement(request: SharingRequest, _details: StepDetails) -> None:
    if request.is_supplemented:
        raise ConflictError("supplement-repeated", "completion is asked for once (一次性告知补正)", request=request.ref)


def _conditional(request: SharingRequest, _details: StepDetails) -> None:
    if request.unconditional:
        text = "sharing property 1 is neither refused, extended nor flagged"
        raise ConflictError("request-unconditional", text, request=request.ref)


def _extendable(request: SharingRequest, details: StepDetails) -> None:
    if request.extension_wd > 0:
        raise ConflictError("extension-repeated", "the answer's time was extended before", request=request.ref)
    if request.is_answer_overdue:
        raise ConflictError("extension-too-late", "the answer is recorded as overdue", request=request.ref)
    if not 1 <= details.days <= EXTENSION_LIMIT_WD:
        text = f"an extension has 1 to {EXTENSION_LIMIT_WD} working days"
        raise InputError("extension-range", text, field="working_days")


def _consented(request: SharingRequest, details: StepDetails) -> None:
    consented = request.extension_consented_wd
    if details.days > consented:
        text = f"the authority consented to {consented} working days"
        raise ConflictError("extension-without-consent", text, request=request.ref, consented=consented)


def _asked_for(request: SharingRequest, details: StepDetails) -> None:
    if not 1 <= details.days <= request.extension_asked_wd:
        text = f"{request.extension_asked_wd} working days were asked for"
        raise InputError("extension-range", text, field="working_days")


def _rectifiable(_request: SharingRequest, details: StepDetails) -> None:
    if not 1 <= details.days <= RECTIFICATION_LIMIT_WD:
        text = f"time to rectify is 1 to {RECTIFICATION_LIMIT_WD} working days"
        raise InputError("rectification-range", text, field="working_days")


def _reviewed(request: SharingRequest, _details: StepDetails) -> None:
    if request.out_of_scope:
        raise ConflictError("scope-not-reviewed", "超范围: the authority reviews the request first", request=request.ref)


def _flagged(request: SharingRequest, _details: StepDetails) -> None:
    if not request.out_of_scope:
        raise ConflictError("scope-flag", "the request is not flagged 超范围", request=request.ref)


def _not_flagged(request: SharingRequest, _details: StepDetails) -> None:
    if request.out_of_scope:
        raise ConflictError("scope-flag", "the request is flagged 超范围 already", request=request.ref)


def _not_in_review(request: SharingRequest, _details: StepDetails) -> None:
    if request.out_of_scope:
        raise ConflictError("clock-none", "超范围: while the authority reviews nobody else is late", request=request.ref)


def _grounds_named(_request: SharingRequest, details: StepDetails) -> None:
    if ground_bits(details.grounds) == 0:
        text = "a refusal cites conditions of the catalogue entry"
        raise InputError("grounds-missing", text, expected=list(GROUNDS))


def _not_settled(request: SharingRequest, _details: StepDetails) -> None:
    if request.is_settled:
        raise ConflictError("dispute-settled", "the authority has decided about this request", request=request.ref)


def _is_change(request: SharingRequest, _details: StepDetails) -> None:
    if request.is_stop:
        raise ConflictError("change-kind", "the end of sharing is negotiated, no change of terms", request=request.ref)


def _is_stop(request: SharingRequest, _details: StepDetails) -> None:
    if not request.is_stop:
        raise ConflictError("change-kind", "a change of terms is negotiated, not the end", request=request.ref)


def _not_disposed(request: SharingRequest, _details: StepDetails) -> None:
    if request.disposed_at_s > 0:
        raise ConflictError("disposal-unexpected", "the disposal is recorded already", request=request.ref)


_Check = Callable[[SharingRequest, StepDetails], None]
_CHECKS: Final[dict[str, tuple[_Check, ...]]] = {
    "dispute": (_not_settled,),
    "acceptChange": (_is_change,),
    "recordDisposal": (_not_disposed,),
    "askSupplement": (_first_supplement,),
    "flagScope": (_conditional, _not_flagged),
    "askExtension": (_conditional, _extendable),
    "extend": (_conditional, _extendable, _consented),
    "agree": (_reviewed,),
    "refuse": (_conditional, _grounds_named),
    "suspendUse": (_rectifiable,),
    "reviewScope": (_flagged,),
    "consentExtension": (_asked_for,),
    "fileClosing": (_is_stop,),
    "recordOverdue": (_not_in_review,),
}
