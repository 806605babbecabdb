"""What the competent authority does, and the list of departments."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.bodies import read_body
from xinlian.api.paging import Listing, PageOut
from xinlian.api.wire import CompromisedIn, DatasetApproval, DatasetDecision, SuspendIn, TxOut
from xinlian.node.authority import Done
from xinlian.node.chain_state import DepartmentState
from xinlian.node.paging import Window, page_of
from xinlian.node.people import Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["authority"])
DEPARTMENTS = Listing("departments", int, str)
_reading = [Depends(allow(*ANYONE_SIGNED_IN))]
_authority = [Depends(allow(Role.AUTHORITY))]


def _out(done: Done) -> TxOut:
    return TxOut(tx_hash=done.tx_hash, block_number=done.block_number)


@router.get("/departments", tags=["departments"], dependencies=_reading, response_model=PageOut[dict[str, Any]])
async def list_departments(request: Request, window: Annotated[Window, Depends(DEPARTMENTS)]) -> dict[str, Any]:
    """Departments and other receivers as registered on chain, in order of registration."""
    found = page_of(node_of(request).state.department_list(), window, lambda one: (one.registered_block, one.uscc))
    return DEPARTMENTS.page(found, DepartmentState.to_json)


@router.post("/authority/departments", status_code=201, dependencies=_authority)
async def register_department(request: Request) -> TxOut:
    """Register a department; the body is its registration request with all possession proofs."""
    body = await read_body(request, 1_000_000)
    return _out(await node_of(request).authority.register(body))


@router.post("/authority/departments/{uscc}/suspend", dependencies=_authority)
async def suspend_department(request: Request, uscc: str, body: SuspendIn) -> TxOut:
    """Suspend a department (Decree 809 art. 27)."""
    return _out(await node_of(request).authority.suspend(uscc, body.reason))


@router.post("/authority/departments/{uscc}/reinstate", dependencies=_authority)
async def reinstate_department(request: Request, uscc: str) -> TxOut:
    """Lift a suspension."""
    return _out(await node_of(request).authority.reinstate(uscc))


@router.post("/authority/departments/{uscc}/compromised", dependencies=_authority)
async def mark_compromised(request: Request, uscc: str, body: CompromisedIn) -> TxOut:
    """Mark a department's batches as suspect from a block on."""
    return _out(await node_of(request).authority.mark_compromised(uscc, body.since_block))


@router.post("/authority/datasets/publish", dependencies=_authority)
async def publish_dataset(request: Request, body: DatasetApproval) -> TxOut:
    """Publish a proposed catalogue entry."""
    return _out(await node_of(request).authority.publish_dataset(body.code, body.version, body.opinion))


@router.post("/authority/datasets/return", dependencies=_authority)
async def return_dataset(request: Request, body: DatasetDecision) -> TxOut:
    """Send a proposed catalogue entry back for change (退回修改)."""
    return _out(await node_of(request).authority.return_dataset(body.code, body.version, body.reason))


@router.post("/authority/datasets/retire", dependencies=_authority)
async def retire_dataset(request: Request, body: DatasetDecision) -> TxOut:
    """Retire a catalogue entry; its records still verify."""
    return _out(await node_of(request).authority.retire_dataset(body.code, body.version, body.reason))
