"""The forms of the law as typed models: read strictly, every fault named, member names as in the dossier.

``reading`` holds the one reader, the other modules the forms. A document's kind (``documents``) is the name of its form.

Example: ``request = read_form("sharing-request", content)``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from xinlian.protocol.errors import InputError
from xinlian.protocol.forms import answer, authorisation, correction, grant, request
from xinlian.protocol.forms.common import ApprovedBy, Ground, PersonNamed, RefusedItem
from xinlian.protocol.forms.reading import Fault, read, refused, to_json

FORMS: Final[dict[str, type[Any]]] = {
    "sharing-request": request.SharingRequest,
    "supplement-notice": answer.SupplementNotice,
    "extension-application": answer.ExtensionApplication,
    "extension-consent": answer.ExtensionConsent,
    "extension-notice": answer.ExtensionNotice,
    "answer": answer.Answer,
    "scope-review": answer.ScopeReview,
    "dispute": answer.Dispute,
    "dispute-decision": answer.DisputeDecision,
    "delivery-note": grant.DeliveryNote,
    "suspension-notice": grant.SuspensionNotice,
    "rectification-report": grant.RectificationReport,
    "resumption-notice": grant.ResumptionNotice,
    "termination-notice": grant.TerminationNotice,
    "change-negotiation": grant.ChangeNegotiation,
    "change-outcome": grant.ChangeOutcome,
    "closing": grant.Closing,
    "disposal-record": grant.DisposalRecord,
    "case-disposal": grant.CaseDisposal,
    "use-record": grant.UseRecord,
    "correction-application": correction.CorrectionApplication,
    "correction-feedback": correction.CorrectionFeedback,
    "authorisation": authorisation.Authorisation,
}
"""Every form by the kind of its document."""

_KINDS: Final = {form: kind for kind, form in FORMS.items()}


def read_form(kind: str, content: Mapping[str, object]) -> Any:
    """Read a document's content as its form.

    Args:
        kind: of the document.
        content: its members but ``document`` and ``object``.

    Returns:
        An instance of ``FORMS[kind]``.

    Raises:
        InputError: ``form-unknown``, else the code of the first fault with all of them in ``faults``.
    """
    form = FORMS.get(kind)
    if form is None:
        raise InputError("form-unknown", "there is no such form", field="kind", expected=sorted(FORMS))
    return read(form, content)


def kind_of(form: object) -> str:
    """The document kind of a form."""
    return _KINDS[type(form)]


__all__ = [
    "FORMS",
    "ApprovedBy",
    "Fault",
    "Ground",
    "PersonNamed",
    "RefusedItem",
    "kind_of",
    "read",
    "read_form",
    "refused",
    "to_json",
]
