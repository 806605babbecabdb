"""Whether the authorisations that a request shows allow the use: on this node's own view of the chain, nothing is asked.

Rules
1. Each shown authorisation must be real, even where none is needed: on chain with this digest, not withdrawn, in its term, of
   this case, of this requester, for this entry, purpose and every item asked.
2. Where authorisations are needed, every subject of every item is covered by one of them.
3. The first fault names the refusal; what it says holds no personal data.

Source: design 4.5 ("authorisation not withdrawn"); PIPL art. 15, 23, 29; Decree 809 art. 25.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from xinlian.node.chain_state import ChainState, Cover, GrantState
from xinlian.protocol.dataset import DatasetSchema, view_fields
from xinlian.protocol.documents import read_document
from xinlian.protocol.errors import InputError
from xinlian.protocol.forms import read_form
from xinlian.protocol.forms.authorisation import Authorisation, AuthorisedSubject
from xinlian.protocol.messages import ProviderCheck, Request, ShownAuthorisation, refusal
from xinlian.protocol.objects import authorisation_object
from xinlian.protocol.subjects import Subject
from xinlian.protocol.working_days import day_number, start_of

KIND = "authorisation"


@dataclass(frozen=True, slots=True)
class Known:
    """What this node knows beside the chain.

    Args:
        withdrawn: (recorder, id) of withdrawals that were handed in here.
        is_consent: whether a grant's receiver named the person's consent as its basis.
    """

    withdrawn: Collection[tuple[str, bytes]] = ()
    is_consent: Callable[[GrantState], bool] = lambda _grant: False


NOTHING_KNOWN: Final = Known()


@dataclass(frozen=True, slots=True)
class Use:
    """What is to be allowed: the request, its dataset and grant, every subject asked about, law time (epoch seconds)."""

    request: Request
    schema: DatasetSchema
    grant: GrantState
    subjects: Sequence[Subject]
    law_s: int


def needs_authorisation(schema: DatasetSchema, grant: GrantState, known: Known) -> bool:
    """Whether every use under a grant needs the data subject's authorisation."""
    return grant.cover is Cover.AUTHORISATION or schema.catalogue.requires_authorisation or known.is_consent(grant)


def check_authorisations(use: Use, state: ChainState, known: Known) -> None:
    """Refuse a use that is not authorised.

    Args:
        use: what is to be allowed.
        state: the chain as followed.
        known: withdrawals that are honoured though not mined yet, and on which basis grants were asked for.

    Raises:
        RefusedError: ``authorisation-missing``, ``-forged``, ``-withdrawn``, ``-expired``, ``-reused``, ``-scope``.
    """
    forms = [_checked(shown, use, state, known) for shown in use.request.authorisations]
    if not needs_authorisation(use.schema, use.grant, known):
        return
    if not forms:
        raise refusal(ProviderCheck.AUTHORISATION_MISSING, "this use needs the data subject's authorisation")
    covered = {_subject(one) for form in forms for one in (form.subject, *form.objects)}
    if not covered.issuperset(use.subjects):
        raise refusal(ProviderCheck.AUTHORISATION_SCOPE, "a subject is not covered by the authorisations shown")


def is_over(form: Authorisation, law_s: int) -> bool:
    """Whether law time lies outside a form's term."""
    return not term_of(form)[0] <= law_s < term_of(form)[1]


def term_of(form: Authorisation) -> tuple[int, int]:
    """First second of a form's term, and first second after it; its days are those of UTC+8."""
    first, last = (day_number(date.fromisoformat(day)) for day in (form.valid_from, form.valid_to))
    return start_of(first), start_of(last + 1)


def _checked(shown: ShownAuthorisation, use: Use, state: ChainState, known: Known) -> Authorisation:
    found = state.authorisation(shown.recorder, "0x" + shown.id.hex())
    form = _read(shown)
    if found is None or form is None or found.digest != "0x" + _digest(shown):
        raise _refused(ProviderCheck.AUTHORISATION_FORGED, "the authorisation is not the one on chain", shown)
    if found.withdrawn_at is not None or (shown.recorder, shown.id) in known.withdrawn:
        raise _refused(ProviderCheck.AUTHORISATION_WITHDRAWN, "the authorisation was withdrawn", shown)
    if use.law_s >= found.expires_at or is_over(form, use.law_s):
        raise _refused(ProviderCheck.AUTHORISATION_EXPIRED, "the authorisation is not within its term", shown)
    if _case(form) != _asked_case(use.request):
        raise _refused(ProviderCheck.AUTHORISATION_REUSED, "the authorisation is for another case", shown)
    outside = _outside(shown, form, use)
    if outside is not None:
        raise _refused(ProviderCheck.AUTHORISATION_SCOPE, f"the authorisation does not cover {outside}", shown)
    return form


def _read(shown: ShownAuthorisation) -> Authorisation | None:
    """The form, None when the text is none of this authorisation."""
    try:
        document = read_document(shown.salt, shown.text)
        is_own = (document.kind, document.object_ref) == (KIND, authorisation_object(shown.recorder, shown.id))
        form: Authorisation | None = read_form(KIND, document.content()) if is_own else None
        if form is not None:
            for one in (form.subject, *form.objects):
                _subject(one)
    except InputError:
        return None
    return form


def _digest(shown: ShownAuthorisation) -> str:
    return read_document(shown.salt, shown.text).digest.hex()


def _outside(shown: ShownAuthorisation, form: Authorisation, use: Use) -> str | None:
    """What of the use the form does not cover, None when it covers all of it."""
    request = use.request
    if not shown.recorder == form.receiver == request.from_uscc:
        return "this department"
    if form.catalog_code != use.schema.code:
        return "this dataset"
    if request.purpose not in form.purposes:
        return "this purpose"
    asked = {request.view} if request.view is not None else set(request.fields)
    missing = asked - covered_names(form, use.schema, with_separate_consent=False)
    if missing:
        return "an item asked for"
    without = _sensitive(asked, use.schema) - covered_names(form, use.schema, with_separate_consent=True)
    return "a sensitive item, for which there is no separate consent" if without else None


def covered_names(form: Authorisation, schema: DatasetSchema, *, with_separate_consent: bool) -> set[str]:
    """Fields (arrays spelled out) and views that a form names, or those with a box of their own; unknown names do not count."""
    views = {view.name for view in schema.views}
    found: set[str] = set()
    for item in form.items:
        if with_separate_consent and not item.separate_consent:
            continue
        if item.name_en in views:
            found.add(item.name_en)
            continue
        try:
            found.update(schema.names_of(schema.mask_of([item.name_en])))
        except InputError:
            continue
    return found


def sensitive_names(schema: DatasetSchema) -> set[str]:
    """Fields that hold sensitive personal information, and views that look at one."""
    fields = set(schema.names_of(schema.sensitive_mask))
    return fields | {view.name for view in schema.views if fields.intersection(view_fields(view))}


def _sensitive(asked: set[str], schema: DatasetSchema) -> set[str]:
    return asked & sensitive_names(schema)


def _subject(one: AuthorisedSubject) -> Subject:
    return Subject(one.kind, one.value)


def _case(form: Authorisation) -> tuple[str, str] | None:
    return None if form.case is None else (form.case.lead, form.case.case_no)


def _asked_case(request: Request) -> tuple[str, str] | None:
    return None if request.case is None else (request.case.lead, request.case.case_no)


def _refused(check: ProviderCheck, message: str, shown: ShownAuthorisation) -> Exception:
    return refusal(check, message, recorder=shown.recorder, authorisation=shown.id.hex())
