"""This department's chain signers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.bodies import read_body
from xinlian.api.paging import Listing, PageOut
from xinlian.api.wire import TxOut
from xinlian.node.paging import Window
from xinlian.node.people import Role as UserRole
from xinlian.node.registration import SIGNER_ROLES
from xinlian.node.signers import ShownSigner
from xinlian.node.transactions import Done

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["departments"])
SIGNERS = Listing("signers", int, str)
_operator = [Depends(allow(UserRole.OPERATOR))]
_looking = [Depends(allow(UserRole.OPERATOR, UserRole.AUDITOR))]


def _out(done: Done) -> TxOut:
    return TxOut(tx_hash=done.tx_hash, block_number=done.block_number)


@router.get("/signers", dependencies=_looking, response_model=PageOut[dict[str, Any]])
async def list_signers(request: Request, window: Annotated[Window, Depends(SIGNERS)]) -> dict[str, Any]:
    """Chain signers of this department with roles and blocks, retired ones among them, oldest first."""
    return SIGNERS.page(node_of(request).signers.all(window), ShownSigner.to_json)


@router.post("/signers", status_code=201, dependencies=_operator)
async def add_signer(
    request: Request, role: Annotated[Literal["anchor", "law", "admin"], Query(description="Which key of the request.")]
) -> TxOut:
    """Register a further signer: the body is a registration request of this department that proves possession of its keys."""
    body = await read_body(request, 1_000_000)
    return _out(await node_of(request).signers.add(body, SIGNER_ROLES[role]))


@router.post("/signers/{address}/retire", dependencies=_operator)
async def retire_signer(request: Request, address: str) -> TxOut:
    """Take a signer out of use for good; the last one of a role stays."""
    return _out(await node_of(request).signers.retire(address))
