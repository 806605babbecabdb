"""Users and tokens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from xinlian.api.access import ANYONE_SIGNED_IN, GuardedRoute, allow, node_of
from xinlian.api.paging import Listing, PageOut
from xinlian.api.parameters import NumberPath
from xinlian.api.wire import TokenIn, TokenOut, UserIn, UserOut
from xinlian.node.paging import Window
from xinlian.node.people import NewUser, Person, Role

router = APIRouter(route_class=GuardedRoute, prefix="/api/v1", tags=["users"])
USERS = Listing("users", int)


def _out(person: Person) -> UserOut:
    return UserOut(
        id=person.id,
        person_id=person.person_id,
        name=person.name,
        post=person.post,
        roles=sorted(person.roles),
        expires=person.expires_at,
        disabled=person.disabled_at is not None,
    )


@router.get("/me")
async def me(person: Annotated[Person, Depends(allow(*ANYONE_SIGNED_IN))]) -> UserOut:
    """Who this token names."""
    return _out(person)


@router.get("/users", dependencies=[Depends(allow(Role.OPERATOR, Role.AUDITOR))], response_model=PageOut[UserOut])
async def list_users(request: Request, window: Annotated[Window, Depends(USERS)]) -> dict[str, Any]:
    """All users of this node, in order of adding."""
    return USERS.page(node_of(request).people.page(window), _out)


@router.post("/users", status_code=201, dependencies=[Depends(allow(Role.OPERATOR))])
async def add_user(request: Request, user: UserIn) -> UserOut:
    """Add a user."""
    new = NewUser(user.person_id, user.name, user.post, frozenset(user.roles), user.expires)
    return _out(await node_of(request).people.add(new))


@router.post("/users/{user_id}/tokens", status_code=201, dependencies=[Depends(allow(Role.OPERATOR))])
async def issue_token(request: Request, user_id: NumberPath, token: TokenIn) -> TokenOut:
    """Make a token for a user; it is shown once."""
    return TokenOut(token=await node_of(request).people.issue_token(user_id, token.days, token.label))


@router.delete("/users/{user_id}", status_code=204, dependencies=[Depends(allow(Role.OPERATOR))])
async def disable_user(request: Request, user_id: NumberPath) -> None:
    """Disable a user and all their tokens."""
    await node_of(request).people.disable(user_id)
