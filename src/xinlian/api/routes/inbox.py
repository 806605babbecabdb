"""The inbox of whoever asks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.wire import TodoOut
from xinlian.node.inbox import Waiting
from xinlian.node.paging import Window
from xinlian.node.people import Person

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/inbox", tags=["inbox"])
INBOX = Listing("inbox", int, int, str, str)


def _out(waiting: Waiting) -> TodoOut:
    todo = waiting.todo
    return TodoOut(
        kind=todo.kind,
        ref=todo.ref,
        object=todo.object_ref,
        what=todo.what,
        capacity=todo.capacity.value,
        since=todo.since,
        clock=None if waiting.clock is None else waiting.clock.to_json(),
        urging=None if waiting.urging is None else waiting.urging.value,
    )


@router.get("", response_model=PageOut[TodoOut])
async def inbox(
    request: Request,
    window: Annotated[Window, Depends(INBOX)],
    person: Annotated[Person, Depends(allow(*ANYONE_SIGNED_IN))],
) -> dict[str, Any]:
    """What waits for the caller as 经办, 负责人 or for the authority, by deadline; with working days used and light."""
    return INBOX.page(node_of(request).inbox.page(person, window), _out)
