"""The provider's checks of an authenticated request, in their fixed order, on this node's own view of the chain.

Rules
1. The first check that fails names the refusal; nothing was decrypted or counted before.
2. No RPC: everything is read from ``ChainState``, the projection of the events this node followed.
3. Checks that count (uses, attempts), and withdrawals handed in here, are made again inside the transaction that commits the
   answer.

Source: design 4.5; Decree 809 art. 25, 27.
"""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.node.authorisations.checking import NOTHING_KNOWN, Known, Use, check_authorisations
from xinlian.node.chain_state import RUNNING, CaseState, ChainState, DatasetState, GrantState
from xinlian.protocol.dataset import DatasetSchema, Mode
from xinlian.protocol.errors import InputError, RefusedError
from xinlian.protocol.messages import ProviderCheck, Request, RequestItem, refusal
from xinlian.protocol.subjects import Subject, read_subject, verify_opening

_WITHHELD = 3  # sharing property 3: not shared


@dataclass(frozen=True, slots=True)
class Moment:
    """When a request is checked: law time (epoch seconds), age of the view and its limit in seconds."""

    law_time_s: int
    view_age_s: float
    max_view_age_s: float


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be answered: schema, grant, case (None for standing use), the subjects of each item."""

    schema: DatasetSchema
    grant: GrantState
    case: CaseState | None
    subjects: tuple[tuple[Subject, ...], ...]

    @property
    def case_ref(self) -> str:
        """Under what uses and attempts are counted; standing use counts for itself."""
        return self.case.ref if self.case is not None else "standing"


def admit(
    request: Request, schema: DatasetSchema | None, state: ChainState, moment: Moment, known: Known = NOTHING_KNOWN
) -> Admitted:
    """Check a request as a whole and every subject of it.

    Args:
        request: authenticated, of this time, addressed to this node.
        schema: the dataset it names, None when this department has none such.
        state: the chain as followed.
        moment: when.
        known: withdrawals that were handed in here, and on which basis grants were asked for.

    Raises:
        RefusedError: ``refused-<check>``; ``fields["check"]`` names the check.
    """
    _check_department(request, state)
    if moment.view_age_s > moment.max_view_age_s:
        raise refusal(ProviderCheck.VIEW_FRESH, "this node's view of the chain is too old to give personal data")
    grant = _running_grant(request, state, moment.law_time_s)
    schema = _covered_dataset(request, schema, state.dataset_by_vct(request.dataset), grant)
    _check_mode(request, schema, grant)
    if request.purpose not in grant.terms.purposes:
        raise refusal(ProviderCheck.PURPOSE, "the grant does not cover this purpose", purpose=request.purpose)
    case = _open_case(request, state, grant)
    subjects = tuple(_subjects(item, case) for item in request.items)
    everybody = tuple(dict.fromkeys(subject for of_item in subjects for subject in of_item))
    check_authorisations(Use(request, schema, grant, everybody, moment.law_time_s), state, known)
    return Admitted(schema, grant, case, subjects)


def _check_department(request: Request, state: ChainState) -> None:
    for uscc in (request.from_uscc, request.to_uscc):
        department = state.department(uscc)
        if department is None or not department.active:
            raise refusal(ProviderCheck.DEPARTMENT_ACTIVE, "a department is suspended or not registered", department=uscc)


def _running_grant(request: Request, state: ChainState, law_time_s: int) -> GrantState:
    grant = state.grants.get((request.grant.provider, request.grant.number))
    if grant is None or grant.receiver != request.from_uscc or grant.provider != request.to_uscc:
        raise refusal(ProviderCheck.GRANT_EXISTS, "there is no such grant to this department", grant=request.grant.number)
    if not grant.is_running_at(law_time_s):
        in_force = grant.request.state in RUNNING
        reason = "not within its term" if in_force else grant.request.state.name.lower()
        raise refusal(ProviderCheck.GRANT_RUNNING, f"the grant is {reason}", grant=grant.number, reason=reason)
    return grant


def _covered_dataset(
    request: Request, schema: DatasetSchema | None, entry: DatasetState | None, grant: GrantState
) -> DatasetSchema:
    shared = entry is not None and entry.state == "published" and entry.share_type != _WITHHELD
    as_published = schema is not None and entry is not None and entry.schema_hash == "0x" + schema.schema_hash.hex()
    if schema is not None and shared and as_published and request.dataset == grant.vct:
        return schema
    raise refusal(ProviderCheck.DATASET, "the grant does not cover this dataset version", dataset=request.dataset)


def _check_mode(request: Request, schema: DatasetSchema, grant: GrantState) -> None:
    mask = {
        Mode.VERIFY: grant.terms.verify_mask,
        Mode.QUERY: grant.terms.query_mask,
        Mode.ANSWER: grant.terms.answer_mask,
    }[request.mode]
    if mask == 0 or request.mode not in schema.catalogue.modes:
        raise refusal(ProviderCheck.MODE, f"the grant gives nothing in mode {request.mode.value}", mode=request.mode.value)
    asked = _asked_mask(request, schema)
    if request.mode is not Mode.ANSWER:
        mask &= schema.grantable_mask
    if request.mode is Mode.VERIFY:
        mask &= schema.verifiable_mask
    if asked & ~mask:
        names = schema.view_names_of if request.mode is Mode.ANSWER else schema.names_of
        outside = list(names(asked & ~mask))
        raise refusal(ProviderCheck.FIELDS, "outside the grant: " + ", ".join(outside), outside=outside)


def _asked_mask(request: Request, schema: DatasetSchema) -> int:
    try:
        if request.view is not None:
            return schema.view_mask_of([request.view])
        asked = schema.mask_of(request.fields)
    except InputError as error:
        raise refusal(ProviderCheck.FIELDS, "a field or view is not part of the dataset") from error
    if set(schema.names_of(asked)) != set(request.fields):
        raise refusal(ProviderCheck.FIELDS, "fields of arrays are asked for place by place")
    return asked


def _open_case(request: Request, state: ChainState, grant: GrantState) -> CaseState | None:
    if request.case is None:
        if not grant.terms.standing:
            raise refusal(ProviderCheck.CASE_OPEN, "this grant gives data only for an open case")
        return None
    case = state.cases.get((request.case.lead, request.case.case_no))
    if case is not None and not grant.terms.standing and case.scenario not in grant.terms.scenarios:
        raise refusal(ProviderCheck.SCENARIO, "the grant does not cover this case's scenario", case=case.case_no)
    if case is None or not case.is_open:
        raise refusal(ProviderCheck.CASE_OPEN, "the case is closed or does not exist", case=request.case.case_no)
    if not case.takes_part(request.from_uscc):
        raise refusal(ProviderCheck.CASE_PARTICIPANT, "this department takes no part in the case", case=case.case_no)
    return case


def _subjects(item: RequestItem, case: CaseState | None) -> tuple[Subject, ...]:
    try:
        if case is None:
            return tuple(read_subject(opening) for opening in item.subjects)
        return tuple(verify_opening(o, case.subjects_root, case.subject_count) for o in item.subjects)
    except (InputError, RefusedError) as error:
        raise refusal(ProviderCheck.SUBJECT_IN_CASE, "a subject is not proven to be in the case") from error
