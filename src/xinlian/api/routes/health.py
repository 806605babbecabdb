"""Liveness, readiness, metrics, and the node's view of the chain."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from xinlian.api.access import ANYONE_SIGNED_IN, PUBLIC, GuardedRoute, allow, node_of
from xinlian.node.people import Role

router = APIRouter(route_class=GuardedRoute, tags=["health"])


@router.get("/healthz", dependencies=[Depends(PUBLIC)])
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", dependencies=[Depends(PUBLIC)])
async def readyz(request: Request) -> JSONResponse:
    """The node can do its work: chain, follower, database, keys."""
    report = node_of(request).health.readiness()
    return JSONResponse(report, status_code=200 if report["ready"] else 503)


@router.get("/metrics", dependencies=[Depends(allow(Role.OPERATOR))])
async def metrics(request: Request) -> Response:
    """Prometheus metrics."""
    node_of(request).health.update_metrics()
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/api/v1/view", dependencies=[Depends(allow(*ANYONE_SIGNED_IN))])
async def view(request: Request) -> dict[str, Any]:
    """Block and time as of which this node speaks, and how old that is."""
    return node_of(request).health.view()
