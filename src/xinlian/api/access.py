"""Who may call a route: every route carries one ``Access`` decision, and a test proves that none is without.

Rules
1. A bearer token names one user; the user's roles are compared with the route's.
2. ``PUBLIC`` is a decision too, and stands only where nothing is disclosed (health, catalogue schemas, the sealed exchange,
   whose caller is proven by its signature).
3. A missing, unknown, expired or disabled caller is 401 (which of the last three is not told); one without the role is 403.
4. The decision falls before a byte of the body is read.
5. A creating POST takes an ``Idempotency-Key`` (``creating``).

Example: ``router = APIRouter(route_class=GuardedRoute); @router.get("/me", dependencies=[Depends(allow(*ROLES))])``
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from xinlian.api.bodies import read_body
from xinlian.api.creating import carry_out, takes_key
from xinlian.node.people import Person, Role
from xinlian.protocol.errors import AuthError

if TYPE_CHECKING:
    from xinlian.node.life import Node

BODY_LIMIT_BYTES = 1_000_000
"""Of JSON bodies that fit a model; files and bundles have limits of their own."""

ANYONE_SIGNED_IN = tuple(Role)
"""Every role: the route is for all users of this node."""


@dataclass(frozen=True, slots=True)
class Access:
    """The decision on a route.

    Args:
        roles: any one of them suffices; empty means public.
    """

    roles: frozenset[Role]

    async def __call__(self, request: Request) -> Person | None:
        """Check the caller (usable as a FastAPI dependency).

        Returns:
            The caller, or None on public routes.

        Raises:
            AuthError: ``token-missing``, ``token-unknown``, ``role-missing``.
        """
        if not self.roles:
            return None
        person = node_of(request).people.person_of_token(bearer_token(request))
        if not self.roles & person.roles:
            wanted = ", ".join(sorted(self.roles))
            raise AuthError("role-missing", f"this call needs one of the roles {wanted}", roles=sorted(self.roles))
        return person


PUBLIC = Access(frozenset())


def allow(*roles: Role) -> Access:
    """Access for callers that hold at least one of the roles."""
    return Access(frozenset(roles))


def node_of(request: Request) -> Node:
    """The node that serves this request."""
    node: Node = request.app.state.node
    return node


def bearer_token(request: Request) -> str:
    """The bearer token of a request.

    Raises:
        AuthError: ``token-missing``.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise AuthError("token-missing", "send the header Authorization: Bearer <token>")
    return token.strip()


def decisions(route: Route) -> list[Access]:
    """The access decisions of a route: of the guard around a plain endpoint, or among FastAPI's dependencies."""
    own = getattr(route.endpoint, "access", None)
    found = [own] if isinstance(own, Access) else []
    waiting = list(route.dependant.dependencies) if isinstance(route, APIRoute) else []
    while waiting:
        dependency = waiting.pop()
        waiting += dependency.dependencies
        if isinstance(dependency.call, Access):
            found.append(dependency.call)
    return found


class GuardedRoute(APIRoute):
    """A FastAPI route that decides on the caller, bounds the body and knows repeated calls before the framework reads it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler around FastAPI's own."""
        handler = super().get_route_handler()

        async def call(request: Request) -> Response:
            person: Person | None = None
            for access in decisions(self):
                person = await access(request)
            if person is not None and takes_key(request.method, self.path):
                await _read_whole(request)
                return await carry_out(node_of(request).idempotency, request, person, handler)
            if self.body_field is not None:
                await _read_whole(request)
            return await handler(request)

        return call


async def _read_whole(request: Request) -> None:
    """Read the body within bounds; whoever asks for it later gets what was read."""
    request._body = await read_body(request, BODY_LIMIT_BYTES)  # noqa: SLF001  # where Starlette keeps it


Endpoint = Callable[[Request, Person], Awaitable[Response]]


def guarded(access: Access, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Wrap a plain Starlette endpoint with its access decision (hot routes have no FastAPI dependencies)."""

    async def call(request: Request) -> Response:
        person = await access(request)
        assert person is not None
        return await endpoint(request, person)

    call.access = access  # type: ignore[attr-defined]  # read by the test that lists every route's decision
    return call


def creating(endpoint: Endpoint) -> Endpoint:
    """A plain endpoint whose call is carried out once for each ``Idempotency-Key``."""

    async def call(request: Request, person: Person) -> Response:
        await _read_whole(request)
        return await carry_out(node_of(request).idempotency, request, person, lambda again: endpoint(again, person))

    return call
