"""Corrections (校核): disputing a value, answering, who was told, and what others told this department.

A step that binds the department is an approval: the call answers 202 with it, the head's consent sends it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import NumberPath
from xinlian.api.routes.approvals import shown
from xinlian.api.wire import ApprovalOut, CorrectionIn, CorrectionOut, CorrectionStepIn, CorrectionToldOut
from xinlian.node.corrections import told_json
from xinlian.node.paging import Window
from xinlian.node.people import Person, Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/corrections", tags=["corrections"])
CORRECTIONS = Listing("corrections", str, int)
TOLD = Listing("corrections-told", int)
_reading = [Depends(allow(*Role))]
_proposing = allow(Role.SHARING)
_using = (Role.SHARING, Role.CASEWORKER)


@router.get("", dependencies=_reading, response_model=PageOut[CorrectionOut])
async def list_corrections(
    request: Request,
    window: Annotated[Window, Depends(CORRECTIONS)],
    direction: Literal["made", "received", "own", "all"] = "own",
    open_only: bool = False,
) -> dict[str, Any]:
    """Corrections that this department made or has to answer; all of them for who supervises."""
    page = node_of(request).corrections.views.page(direction, window, open_only=open_only)
    return CORRECTIONS.page(page, lambda one: CorrectionOut(**one))


@router.get("/told", dependencies=[Depends(allow(*_using, Role.AUDITOR, Role.HEAD))], response_model=PageOut[CorrectionToldOut])
async def list_told(request: Request, window: Annotated[Window, Depends(TOLD)]) -> dict[str, Any]:
    """What other departments told about values that this one received, oldest first."""
    return TOLD.page(node_of(request).corrections.views.told_page(window), lambda one: CorrectionToldOut(**told_json(one)))


@router.post("/told/{number}/see")
async def see_told(request: Request, number: NumberPath, person: Annotated[Person, Depends(allow(*_using))]) -> CorrectionToldOut:
    """Take note, for the department, that a value received was wrong; stated in the anchored log."""
    return CorrectionToldOut(**await node_of(request).corrections.views.see(number, person))


@router.get("/{receiver}/{number}", dependencies=_reading)
async def show_correction(request: Request, receiver: str, number: NumberPath) -> CorrectionOut:
    """One correction with its clock, who was told of what it changed, and who has not acknowledged."""
    return CorrectionOut(**node_of(request).corrections.views.info(receiver, number))


@router.post("", status_code=202)
async def propose_correction(request: Request, body: CorrectionIn, person: Annotated[Person, Depends(_proposing)]) -> ApprovalOut:
    """Propose to dispute a value received, to the department's head, who files it by consenting."""
    return shown(request, await node_of(request).corrections.approvals.propose_new(body.model_dump(), person), person)


@router.post("/{receiver}/{number}/steps/{step}", status_code=202)
async def propose_correction_step(
    request: Request,
    receiver: str,
    number: NumberPath,
    step: str,
    body: CorrectionStepIn,
    person: Annotated[Person, Depends(_proposing)],
) -> ApprovalOut:
    """Propose a step (withdraw, correct, maintain, forward, adopt) to the department's head."""
    approvals = node_of(request).corrections.approvals
    return shown(request, await approvals.propose(step, receiver, number, body.model_dump(), person), person)


@router.post("/{receiver}/{number}/marks/overdue", dependencies=[Depends(allow(Role.SHARING, Role.AUTHORITY))])
async def record_correction_overdue(request: Request, receiver: str, number: NumberPath) -> dict[str, Any]:
    """Record on chain that the addressee is late; any department may, nobody before the deadline."""
    desk = node_of(request).corrections
    tx_hash = await desk.registry.mark_overdue(receiver, number)
    return {**CorrectionOut(**desk.views.info(receiver, number)).model_dump(), "tx_hash": tx_hash}
