"""Grants: given and received. They come only from delivering an agreed sharing request (``requests``)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import NumberPath
from xinlian.api.wire import GrantOut
from xinlian.node.paging import Window
from xinlian.node.sharing import GrantInfo

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/grants", tags=["grants"])
GRANTS = Listing("grants", str, int)
_reading = [Depends(allow(*ANYONE_SIGNED_IN))]


def _out(info: GrantInfo) -> GrantOut:
    return GrantOut(
        provider=info.provider,
        number=info.number,
        receiver=info.receiver,
        request=info.request,
        code=info.code,
        version=info.version,
        state=info.state,
        cover=info.cover,
        running=info.running,
        terms=info.terms,
    )


@router.get("", dependencies=_reading, response_model=PageOut[GrantOut])
async def list_grants(
    request: Request, window: Annotated[Window, Depends(GRANTS)], direction: Literal["given", "received", "all"] = "all"
) -> dict[str, Any]:
    """Grants that this department gave or received."""
    return GRANTS.page(await node_of(request).grants.page(direction, window), _out)


@router.get("/{provider}/{number}", dependencies=_reading)
async def show_grant(request: Request, provider: str, number: NumberPath) -> GrantOut:
    """One grant."""
    return _out(await node_of(request).grants.info(provider, number))
