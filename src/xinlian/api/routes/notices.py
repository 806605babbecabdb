"""Notices between nodes (what was told and taken), and the retention duties that decide what a notice of an erasure leaves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import NumberPath
from xinlian.api.wire import DutyIn, DutyOut
from xinlian.node.duties import NewDuty
from xinlian.node.notices.showing import received_json, sent_json
from xinlian.node.paging import Window
from xinlian.node.people import Person, Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["notices"])
SENT = Listing("notices", int)
RECEIVED = Listing("received-notices", int)
DUTIES = Listing("retention-duties", int)
_telling = [Depends(allow(Role.PUBLISHER, Role.AUDITOR, Role.OPERATOR))]
_taking = [Depends(allow(Role.CASEWORKER, Role.AUDITOR, Role.OPERATOR))]
_looking = [Depends(allow(Role.CASEWORKER, Role.AUDITOR))]
Caseworker = Annotated[Person, Depends(allow(Role.CASEWORKER))]


@router.get("/notices", dependencies=_telling)
async def list_notices(
    request: Request,
    window: Annotated[Window, Depends(SENT)],
    state: Annotated[Literal["open", "all"], Query(description="open: only those that are not acknowledged.")] = "all",
) -> dict[str, Any]:
    """Notices to other departments, oldest first, with what each recipient said."""
    return SENT.page(node_of(request).notices.showing.outbox(window, open_only=state == "open"), sent_json)


@router.get("/notices/received", dependencies=_taking)
async def list_received_notices(request: Request, window: Annotated[Window, Depends(RECEIVED)]) -> dict[str, Any]:
    """Notices of other departments that were followed, oldest first, with what was done."""
    return RECEIVED.page(node_of(request).notices.showing.inbox(window), received_json)


@router.get("/retention-duties", dependencies=_looking, response_model=PageOut[DutyOut])
async def list_duties(request: Request, window: Annotated[Window, Depends(DUTIES)]) -> dict[str, Any]:
    """Retention duties of case files, ended ones included, oldest first."""
    return DUTIES.page(node_of(request).duties.page(window), lambda duty: duty)


@router.post("/retention-duties", status_code=201)
async def record_duty(request: Request, duty: DutyIn, person: Caseworker) -> DutyOut:
    """Record that a law orders to keep a case's file: copies of records erased elsewhere stay then, restricted (PIPL art. 47)."""
    new = NewDuty(duty.lead, duty.case_no, duty.basis, duty.until)
    return DutyOut(**await node_of(request).duties.record(new, person))


@router.post("/retention-duties/{duty_id}/end")
async def end_duty(request: Request, duty_id: NumberPath, person: Caseworker) -> DutyOut:
    """End a duty before its day; what it alone kept of erased records goes at once."""
    return DutyOut(**await node_of(request).duties.end(duty_id, person))
