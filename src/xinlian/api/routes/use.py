"""Use records (使用情况记录) and disposals (处置) of this department."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import NumberPath
from xinlian.api.routes.approvals import shown
from xinlian.api.wire import (
    ApprovalOut,
    CaseDisposalIn,
    DisposalFullOut,
    DisposalOut,
    UseRecordFullOut,
    UseRecordIn,
    UseRecordOut,
)
from xinlian.node.paging import Window
from xinlian.node.people import Person, Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["use"])
RECORDS = Listing("use-records", int)
DISPOSALS = Listing("disposals", int)
_reading = [Depends(allow(Role.AUDITOR, Role.AUTHORITY, Role.HEAD, Role.SHARING))]
_recording = allow(Role.SHARING)
_disposing = allow(Role.SHARING, Role.CASEWORKER)


@router.get("/use-records", dependencies=_reading, response_model=PageOut[UseRecordOut])
async def list_use_records(
    request: Request,
    window: Annotated[Window, Depends(RECORDS)],
    grant: Annotated[str | None, Query(max_length=40, description="Only those of this grant, <provider>/<number>.")] = None,
) -> dict[str, Any]:
    """Use records, oldest first, without their texts."""
    return RECORDS.page(node_of(request).use_records.page(window, grant), lambda one: UseRecordOut(**one))


@router.post("/use-records", status_code=202)
async def propose_use_record(request: Request, body: UseRecordIn, person: Annotated[Person, Depends(_recording)]) -> ApprovalOut:
    """Propose a use record to the department's head; consented to, it is kept at least three years and cannot be back-dated."""
    made = await node_of(request).use_records.propose(body.provider, body.number, body.form, person)
    return shown(request, made, person)


@router.get("/use-records/{record_no}", dependencies=_reading)
async def show_use_record(request: Request, record_no: NumberPath) -> UseRecordFullOut:
    """One use record with its text and what proves it."""
    return UseRecordFullOut(**node_of(request).use_records.info(record_no))


@router.delete("/use-records/{record_no}", dependencies=[Depends(allow(Role.HEAD))])
async def delete_use_record(request: Request, record_no: NumberPath) -> UseRecordOut:
    """Delete a use record's text after its retention of at least three years; refused before."""
    return UseRecordOut(**await node_of(request).use_records.delete(record_no))


@router.get("/disposals", dependencies=_reading, response_model=PageOut[DisposalOut])
async def list_disposals(request: Request, window: Annotated[Window, Depends(DISPOSALS)]) -> dict[str, Any]:
    """Disposals of this department, oldest first, without their texts."""
    return DISPOSALS.page(node_of(request).disposing.page(window), lambda one: DisposalOut(**one))


@router.post("/disposals", status_code=202)
async def propose_case_disposal(
    request: Request, body: CaseDisposalIn, person: Annotated[Person, Depends(_disposing)]
) -> ApprovalOut:
    """Propose to dispose of what was received for a closed case; that of a request is its step dispose."""
    made = await node_of(request).disposing.propose(body.lead, body.case_no, body.form, person)
    return shown(request, made, person)


@router.get("/disposals/{disposal_no}", dependencies=_reading)
async def show_disposal(request: Request, disposal_no: NumberPath) -> DisposalFullOut:
    """One disposal with its receipt: text, salt, acts, and whether the chain shows it."""
    return DisposalFullOut(**node_of(request).disposing.info(disposal_no))
