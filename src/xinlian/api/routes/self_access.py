"""The person's ledger, on the authority's node: a login, then who used which of the person's items."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import GuardedRoute, allow, node_of
from xinlian.api.wire import LedgerOut, LoginOut, SelfAccessIn
from xinlian.node.people import Person, Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/self-access", tags=["self-access"])
Authority = Annotated[Person, Depends(allow(Role.AUTHORITY))]


@router.post("/logins", status_code=201)
async def begin_login(request: Request, _person: Authority) -> LoginOut:
    """Begin a person's login at the identity provider; the person goes to ``url`` and comes back with a code."""
    node = node_of(request)
    node.self_access.ledger.require_authority()
    begun = await node.self_access.logins.begin()
    return LoginOut(login=begun.id, url=begun.url, method=begun.method)


@router.post("")
async def read_ledger(request: Request, body: SelfAccessIn, person: Authority) -> LedgerOut:
    """Finish the login and ask every department: who used which of this person's items, for which case, when, with what result.

    Each request is written down on both sides. A department that does not answer is listed as missing.
    """
    desk = node_of(request).self_access
    desk.ledger.require_authority()
    verified = await desk.logins.finish(body.login, body.code)
    return LedgerOut(**await desk.ledger.of(verified, person))
