"""Receipts, evidence bundles, verification."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.bodies import read_body
from xinlian.api.parameters import NumberPath, RevQuery
from xinlian.node.people import Role
from xinlian.protocol.bundle import dumps

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["evidence"])
_publisher = [Depends(allow(Role.PUBLISHER))]
BUNDLE_LIMIT_BYTES = 8_000_000


@router.get("/records/{record_id}/receipt", tags=["receipts"], dependencies=[Depends(allow(Role.PUBLISHER, Role.AUDITOR))])
async def receipt(request: Request, record_id: str, rev: RevQuery = None) -> dict[str, Any]:
    """The receipt of a record; ``receipt`` is null while it is pending."""
    return node_of(request).bundles.receipt_state(record_id, rev)


@router.get("/records/{record_id}/bundle", tags=["bundles"], dependencies=_publisher)
async def record_bundle(
    request: Request,
    record_id: str,
    rev: RevQuery = None,
    fields: Annotated[str | None, "names separated by commas; absent = all, empty = none"] = None,
    signed: bool = False,
) -> Response:
    """The evidence bundle of a record with the fields chosen."""
    names = None if fields is None else tuple(name for name in fields.split(",") if name)
    bundle = node_of(request).bundles.record_bundle(record_id, rev, names, signed=signed)
    return Response(dumps(bundle), media_type="application/json")


@router.get("/answers/{position}/bundle", tags=["bundles"], dependencies=[Depends(allow(Role.SHARING, Role.AUDITOR))])
async def answer_bundle(request: Request, position: NumberPath) -> Response:
    """The evidence bundle of an answer statement that this department gave."""
    return Response(dumps(node_of(request).bundles.answer_bundle(position)), media_type="application/json")


@router.get("/reads/{position}/bundle", tags=["bundles"], dependencies=[Depends(allow(Role.AUDITOR))])
async def read_bundle(request: Request, position: NumberPath) -> Response:
    """The evidence bundle of a read entry, clear parts only."""
    return Response(dumps(node_of(request).bundles.read_bundle(position)), media_type="application/json")


@router.post("/verifications", tags=["verifications"], dependencies=[Depends(allow(*ANYONE_SIGNED_IN))])
async def verify(request: Request, as_of: str | None = None) -> dict[str, Any]:
    """Verify a bundle against this node's own view of the chain; nothing is stored."""
    body = await read_body(request, BUNDLE_LIMIT_BYTES)
    return node_of(request).bundles.verify(body, as_of).to_json()
