"""Approvals: what one person proposes and another consents to."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import NumberPath
from xinlian.api.wire import ApprovalIn, ApprovalOut, ConsentIn, SendBackIn
from xinlian.node.approvals import ApprovalInfo
from xinlian.node.paging import Window
from xinlian.node.people import Person, Role
from xinlian.store.approvals import Filter, State

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/approvals", tags=["approvals"])
APPROVALS = Listing("approvals", int)
PROPOSERS = (Role.SHARING, Role.CASEWORKER, Role.PUBLISHER, Role.AUTHORITY)
"""Who may propose at all; the kind names which of them may propose it."""
_proposing = allow(*PROPOSERS)
_deciding = allow(Role.HEAD)
_reading = allow(*PROPOSERS, Role.HEAD, Role.AUDITOR)


def shown(request: Request, info: ApprovalInfo, person: Person) -> ApprovalOut:
    """An approval with what the person may read of it."""
    approvals = node_of(request).approvals
    found = info.to_json()
    if approvals.may_read(info, person):
        reasons = approvals.reasons(info)
        found["payload"] = dict(approvals.payload(info))
        found["steps"] = [{**step, "reason": reasons.get(step["seq"])} for step in found["steps"]]
    return ApprovalOut(**found)


@router.get("", response_model=PageOut[ApprovalOut])
async def list_approvals(
    request: Request,
    window: Annotated[Window, Depends(APPROVALS)],
    _person: Annotated[Person, Depends(_reading)],
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    object_ref: Annotated[str | None, Query(alias="object", max_length=120)] = None,
) -> dict[str, Any]:
    """Approvals by rising number, without what was proposed."""
    found = node_of(request).approvals.page(window, Filter(state, kind, object_ref))
    return APPROVALS.page(found, lambda info: ApprovalOut(**info.to_json()))


@router.get("/{approval_id}")
async def show_approval(request: Request, approval_id: NumberPath, person: Annotated[Person, Depends(_reading)]) -> ApprovalOut:
    """One approval; what was proposed is shown to those who may propose or decide on its kind."""
    return shown(request, node_of(request).approvals.get(approval_id), person)


@router.post("", status_code=202)
async def propose(request: Request, body: ApprovalIn, person: Annotated[Person, Depends(_proposing)]) -> ApprovalOut:
    """Propose a step; a returned proposal for the same object is replaced by this one."""
    info = await node_of(request).approvals.propose(body.kind, body.object, body.payload, person)
    return shown(request, info, person)


@router.post("/{approval_id}/consent")
async def consent(
    request: Request, approval_id: NumberPath, body: ConsentIn, person: Annotated[Person, Depends(_deciding)]
) -> ApprovalOut:
    """Consent as another person than who proposed it; the node then carries it out and says how it ended."""
    info = await node_of(request).approvals.consent(approval_id, person, body.proposal)
    return shown(request, info, person)


@router.post("/{approval_id}/send-back")
async def send_back(
    request: Request, approval_id: NumberPath, body: SendBackIn, person: Annotated[Person, Depends(_deciding)]
) -> ApprovalOut:
    """Send a proposal back with a reason; it may be proposed again."""
    info = await node_of(request).approvals.send_back(approval_id, person, body.reason)
    return shown(request, info, person)


@router.post("/{approval_id}/withdraw")
async def withdraw(request: Request, approval_id: NumberPath, person: Annotated[Person, Depends(_proposing)]) -> ApprovalOut:
    """Take back what one proposed oneself and nobody has consented to."""
    return shown(request, await node_of(request).approvals.withdraw(approval_id, person), person)
