"""Recovery of a department whose keys are lost or stolen."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.bodies import read_body
from xinlian.api.wire import RecoveryOut, TxOut
from xinlian.node.people import Role
from xinlian.node.transactions import Done

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["authority"])
_authority = [Depends(allow(Role.AUTHORITY))]


def _out(done: Done) -> TxOut:
    return TxOut(tx_hash=done.tx_hash, block_number=done.block_number)


@router.get("/departments/{uscc}/recovery", tags=["departments"], dependencies=[Depends(allow(*ANYONE_SIGNED_IN))])
async def show_recovery(request: Request, uscc: str) -> RecoveryOut:
    """The recovery that is announced for a department, and from when on it may be carried out."""
    return RecoveryOut.model_validate(node_of(request).recovery.announced(uscc).to_json())


@router.post("/authority/recoveries", status_code=201, dependencies=_authority)
async def announce_recovery(request: Request) -> TxOut:
    """Announce that all signers of a department will be replaced by those of its registration request (the body)."""
    body = await read_body(request, 1_000_000)
    return _out(await node_of(request).recovery.announce(body))


@router.post("/authority/recoveries/{uscc}/carry-out", dependencies=_authority)
async def carry_out_recovery(request: Request, uscc: str) -> TxOut:
    """Replace the signers, two working days after the announcement."""
    return _out(await node_of(request).recovery.carry_out(uscc))


@router.post("/authority/recoveries/{uscc}/withdraw", dependencies=_authority)
async def withdraw_recovery(request: Request, uscc: str) -> TxOut:
    """Withdraw an announcement."""
    return _out(await node_of(request).recovery.withdraw(uscc))


@router.post("/recovery/object", tags=["departments"], dependencies=[Depends(allow(Role.OPERATOR))])
async def object_to_recovery(request: Request) -> TxOut:
    """Object to the recovery of this department: it is void then."""
    return _out(await node_of(request).recovery.object())
