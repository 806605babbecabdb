"""Cases (minimal until the process engine): opened by their lead, with participants and subjects."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.wire import CaseIn, CaseOut, CloseIn, SubjectIn
from xinlian.node.chain_state import CaseState
from xinlian.node.paging import Window
from xinlian.node.people import Role
from xinlian.protocol.subjects import Subject

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/cases", tags=["cases"])
CASES = Listing("cases", int, str, str)
_reading = [Depends(allow(*ANYONE_SIGNED_IN))]
_writing = [Depends(allow(Role.CASEWORKER))]


def _out(case: CaseState, tx_hash: str | None = None) -> CaseOut:
    return CaseOut(
        lead=case.lead,
        case_no=case.case_no,
        scenario=case.scenario,
        participants=list(case.participants),
        subjects_root=case.subjects_root.hex(),
        subject_count=case.subject_count,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        outcome=case.outcome,
        tx_hash=tx_hash,
    )


@router.get("", dependencies=_reading, response_model=PageOut[CaseOut])
async def list_cases(request: Request, window: Annotated[Window, Depends(CASES)]) -> dict[str, Any]:
    """Cases that this department leads or takes part in, in order of opening."""
    return CASES.page(node_of(request).cases.page(window), _out)


@router.get("/{lead}/{case_no}", dependencies=_reading)
async def show_case(request: Request, lead: str, case_no: str) -> CaseOut:
    """One case."""
    return _out(node_of(request).cases.get(lead, case_no))


@router.post("", status_code=201, dependencies=_writing)
async def open_case(request: Request, case: CaseIn) -> CaseOut:
    """Open a case; subjects go on chain only as a salted root."""
    subjects = tuple(Subject(s.kind, s.value) for s in case.subjects)
    opened, tx_hash = await node_of(request).cases.open(case.case_no, case.scenario, tuple(case.participants), subjects)
    return _out(opened, tx_hash)


@router.post("/{case_no}/subjects", status_code=201, dependencies=_writing)
async def add_subject(request: Request, case_no: str, subject: SubjectIn) -> CaseOut:
    """Add a subject to an open case of this department."""
    case, tx_hash = await node_of(request).cases.add_subject(case_no, Subject(subject.kind, subject.value))
    return _out(case, tx_hash)


@router.post("/{case_no}/close", dependencies=_writing)
async def close_case(request: Request, case_no: str, body: CloseIn) -> CaseOut:
    """Close a case of this department; case-bound grants no longer give anything for it."""
    case, tx_hash = await node_of(request).cases.close(case_no, body.outcome)
    return _out(case, tx_hash)
