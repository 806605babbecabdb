"""Sharing requests: proposing them and every later step, listing and showing them.

A step that binds the department is an approval: the call answers 202 with it, the head's consent sends it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import NumberPath
from xinlian.api.routes.approvals import shown
from xinlian.api.wire import ApprovalOut, RequestIn, RequestOut, StepIn
from xinlian.node.paging import Window
from xinlian.node.people import Person, Role
from xinlian.node.sharing import StepDetails

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/requests", tags=["requests"])
REQUESTS = Listing("requests", str, int)
_reading = [Depends(allow(*Role))]
_proposing = allow(Role.SHARING, Role.AUTHORITY)


@router.get("", dependencies=_reading, response_model=PageOut[RequestOut])
async def list_requests(
    request: Request, window: Annotated[Window, Depends(REQUESTS)], direction: Literal["made", "received", "own", "all"] = "own"
) -> dict[str, Any]:
    """Requests that this department made or received; all of them for who supervises."""
    return REQUESTS.page(await node_of(request).requests.page(direction, window), lambda one: RequestOut(**one))


@router.get("/{requester}/{number}", dependencies=_reading)
async def show_request(request: Request, requester: str, number: NumberPath) -> RequestOut:
    """One request with its clock."""
    return RequestOut(**await node_of(request).requests.info(requester, number))


@router.post("", status_code=202)
async def propose_request(
    request: Request, body: RequestIn, person: Annotated[Person, Depends(allow(Role.SHARING))]
) -> ApprovalOut:
    """Propose a new request to the department's head, who files it by consenting."""
    return shown(request, await node_of(request).request_approvals.propose_new(body.model_dump(), person), person)


@router.post("/{requester}/{number}/steps/{step}", status_code=202)
async def propose_step(
    request: Request,
    requester: str,
    number: NumberPath,
    step: str,
    body: StepIn,
    person: Annotated[Person, Depends(_proposing)],
) -> ApprovalOut:
    """Propose a step of a request to the department's head; the form's kind depends on the step."""
    approvals = node_of(request).request_approvals
    return shown(request, await approvals.propose(step, requester, number, body.model_dump(), person), person)


@router.post("/{requester}/{number}/marks/{mark}", dependencies=[Depends(_proposing)])
async def record_mark(
    request: Request,
    requester: str,
    number: NumberPath,
    mark: Literal["overdue", "withdrawn", "expired"],
) -> dict[str, Any]:
    """Record on chain what the clock says: an overdue answer or delivery, a deemed withdrawal, the end of the term."""
    info, tx_hash = await node_of(request).requests.take(f"record-{mark}", requester, number, StepDetails())
    return {**RequestOut(**info).model_dump(), "tx_hash": tx_hash}
