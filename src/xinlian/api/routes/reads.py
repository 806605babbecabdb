"""Read entries of both roles, and their reconciliation with another department."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.parameters import CursorQuery, LimitQuery
from xinlian.api.wire import ReconcileIn
from xinlian.node.people import Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/reads", tags=["reads"])
_reading = [Depends(allow(Role.AUDITOR, Role.CASEWORKER, Role.SHARING))]


@router.get("", dependencies=_reading)
async def list_reads(
    request: Request,
    counterparty: str | None = None,
    cursor: CursorQuery = 0,
    limit: LimitQuery = 50,
) -> dict[str, Any]:
    """Clear parts of the read entries, oldest first."""
    entries = node_of(request).reads.page(cursor, limit, counterparty)
    following = entries[-1]["position"] if len(entries) == limit else None
    return {"items": entries, "next_cursor": following}


@router.post("/reconcile", dependencies=_reading)
async def reconcile(request: Request, body: ReconcileIn) -> dict[str, Any]:
    """Compare this node's read log with another department's, by request id and ciphertext digest."""
    return await node_of(request).reconciling.ask(body.counterparty)
