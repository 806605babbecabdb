"""What the operator sees and does: parked items, batches, transactions, keys."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.bodies import read_body
from xinlian.api.paging import Listing
from xinlian.api.parameters import NumberPath
from xinlian.api.wire import RotateIn
from xinlian.node.outbox import shown_batch, shown_parked, shown_transaction
from xinlian.node.paging import Window
from xinlian.node.people import Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["operations"])
PARKED = Listing("parked", int)
BATCHES = Listing("batches", int, int, int)
TRANSACTIONS = Listing("transactions", int)
_operator = [Depends(allow(Role.OPERATOR))]
_looking = [Depends(allow(Role.OPERATOR, Role.AUDITOR))]


@router.get("/parked", dependencies=_looking)
async def list_parked(request: Request, window: Annotated[Window, Depends(PARKED)]) -> dict[str, Any]:
    """Items that were retried in vain and wait for a person, oldest first."""
    return PARKED.page(node_of(request).outbox.parked(window), shown_parked)


@router.post("/parked/{item_id}/replay", dependencies=_operator)
async def replay_parked(request: Request, item_id: NumberPath) -> dict[str, Any]:
    """Try a parked item again."""
    await node_of(request).parking.replay(item_id)
    return {"replayed": item_id}


@router.get("/batches", dependencies=_looking)
async def list_batches(request: Request, window: Annotated[Window, Depends(BATCHES)]) -> dict[str, Any]:
    """Batches of this node with their state, newest first."""
    return BATCHES.page(node_of(request).outbox.batches(window), shown_batch)


@router.get("/transactions", dependencies=_looking)
async def list_transactions(request: Request, window: Annotated[Window, Depends(TRANSACTIONS)]) -> dict[str, Any]:
    """Transactions of this node's keys, newest first."""
    return TRANSACTIONS.page(node_of(request).outbox.transactions(window), shown_transaction)


@router.post("/chain/reattach", dependencies=_operator)
async def reattach_chain(request: Request) -> dict[str, Any]:
    """Go on with a new chain after the old one is gone: the body is its deployment manifest. The node is then started anew."""
    return (await node_of(request).reattaching.reattach(await read_body(request, 100_000))).to_json()


@router.post("/keys/rotate", dependencies=_operator)
async def rotate_key(request: Request, body: RotateIn) -> dict[str, Any]:
    """Replace the signing or the HPKE key and publish the new key set; old evidence still verifies."""
    return await node_of(request).identity.rotate(body.kind, retire=body.retire)
