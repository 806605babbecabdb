"""What the competent authority does, and the list of departments."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.bodies import read_body
from xinlian.api.paging import Listing, PageOut
from xinlian.api.routes.approvals import shown
from xinlian.api.wire import ApprovalOut, CompromisedIn, DatasetApproval, DatasetDecision, DatasetRef, SuspendIn, TxOut
from xinlian.node.authority import Done
from xinlian.node.chain_state import DepartmentState
from xinlian.node.paging import Window, page_of
from xinlian.node.people import Person, Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["authority"])
DEPARTMENTS = Listing("departments", int, str)
_reading = [Depends(allow(*ANYONE_SIGNED_IN))]
_authority = [Depends(allow(Role.AUTHORITY))]
_Decider = Annotated[Person, Depends(allow(Role.AUTHORITY))]


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


@router.post("/authority/datasets/publish", status_code=202)
async def publish_dataset(request: Request, body: DatasetApproval, person: _Decider) -> ApprovalOut:
    """Propose to the authority's head to publish a proposed catalogue entry."""
    return await _proposed(request, "publish", body, body.opinion, person)


@router.post("/authority/datasets/return", status_code=202)
async def return_dataset(request: Request, body: DatasetDecision, person: _Decider) -> ApprovalOut:
    """Propose to the authority's head to send a proposed catalogue entry back for change (退回修改)."""
    return await _proposed(request, "return", body, body.reason, person)


@router.post("/authority/datasets/retire", status_code=202)
async def retire_dataset(request: Request, body: DatasetDecision, person: _Decider) -> ApprovalOut:
    """Propose to the authority's head to retire a catalogue entry; its records still verify."""
    return await _proposed(request, "retire", body, body.reason, person)


@router.post("/authority/datasets/extend-update", status_code=202)
async def extend_dataset_update(request: Request, body: DatasetDecision, person: _Decider) -> ApprovalOut:
    """Propose to the authority's head to extend a dataset's update clock by 5 working days, once."""
    return await _proposed(request, "extend-update", body, body.reason, person)


async def _proposed(request: Request, step: str, body: DatasetRef, reason: str, person: Person) -> ApprovalOut:
    steps = node_of(request).catalogue_steps
    return shown(request, await steps.propose(step, body.code, body.version, reason, person), person)
