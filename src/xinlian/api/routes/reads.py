"""Read entries of both roles, and their reconciliation with another department."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.paging import Listing
from xinlian.api.wire import ReconcileIn
from xinlian.node.paging import Window
from xinlian.node.people import Role
from xinlian.node.reads import clear_parts

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/reads", tags=["reads"])
READS = Listing("reads", int)
_reading = [Depends(allow(Role.AUDITOR, Role.CASEWORKER, Role.SHARING))]


@router.get("", dependencies=_reading)
async def list_reads(
    request: Request, window: Annotated[Window, Depends(READS)], counterparty: str | None = None
) -> dict[str, Any]:
    """Clear parts of the read entries, oldest first."""
    return READS.page(node_of(request).reads.page(window, counterparty), clear_parts)


@router.post("/reconcile", dependencies=_reading)
async def reconcile(request: Request, body: ReconcileIn) -> dict[str, Any]:
    """Compare this node's read log with another department's, by request id and ciphertext digest."""
    return await node_of(request).reconciling.ask(body.counterparty)
