"""Grants: given and received."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import NumberPath
from xinlian.api.wire import GrantIn, GrantOut, GrantTermsIn, ReasonIn
from xinlian.node.paging import Window
from xinlian.node.people import Role
from xinlian.node.sharing import GrantInfo, TermsByName

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1/grants", tags=["grants"])
GRANTS = Listing("grants", str, int)
_reading = [Depends(allow(*ANYONE_SIGNED_IN))]
_writing = [Depends(allow(Role.SHARING))]


def _out(info: GrantInfo, tx_hash: str | None = None) -> GrantOut:
    return GrantOut(
        provider=info.provider,
        number=info.number,
        receiver=info.receiver,
        code=info.code,
        version=info.version,
        state="active" if info.active else "revoked",
        running=info.running,
        terms=info.terms,
        tx_hash=tx_hash,
    )


def _terms(terms: GrantTermsIn) -> TermsByName:
    return TermsByName(
        verify=tuple(terms.verify),
        query=tuple(terms.query),
        answer=tuple(terms.answer),
        batch=tuple(terms.batch),
        purposes=tuple(terms.purposes),
        scenarios=tuple(terms.scenarios),
        valid_from_s=terms.valid_from,
        valid_to_s=terms.valid_to,
        uses_per_case=terms.uses_per_case,
        standing=terms.standing,
    )


@router.get("", dependencies=_reading, response_model=PageOut[GrantOut])
async def list_grants(
    request: Request, window: Annotated[Window, Depends(GRANTS)], direction: Literal["given", "received", "all"] = "all"
) -> dict[str, Any]:
    """Grants that this department gave or received."""
    return GRANTS.page(await node_of(request).sharing.page(direction, window), _out)


@router.get("/{provider}/{number}", dependencies=_reading)
async def show_grant(request: Request, provider: str, number: NumberPath) -> GrantOut:
    """One grant."""
    return _out(await node_of(request).sharing.info(provider, number))


@router.post("", status_code=201, dependencies=_writing)
async def give_grant(request: Request, grant: GrantIn) -> GrantOut:
    """Give a grant on one of this department's datasets."""
    info, tx_hash = await node_of(request).sharing.give(grant.receiver, grant.dataset, grant.version, _terms(grant))
    return _out(info, tx_hash)


@router.post("/{number}/narrow", dependencies=_writing)
async def narrow_grant(request: Request, number: NumberPath, terms: GrantTermsIn) -> GrantOut:
    """Narrow a grant; no term may become wider."""
    info, tx_hash = await node_of(request).sharing.narrow(number, _terms(terms))
    return _out(info, tx_hash)


@router.post("/{number}/revoke", dependencies=_writing)
async def revoke_grant(request: Request, number: NumberPath, body: ReasonIn) -> GrantOut:
    """Revoke a grant for good."""
    info, tx_hash = await node_of(request).sharing.revoke(number, body.reason)
    return _out(info, tx_hash)
