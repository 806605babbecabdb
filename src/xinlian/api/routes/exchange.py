"""Exchange v1: sealed requests and notices of other departments' nodes, public schema files, reconciliation of read logs.

Plain Starlette routes. They are public in the sense of tokens: who calls is proven by the message's signature. Failures are
counted per address, over all of these routes together (``node.rate``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from xinlian.api.access import PUBLIC, node_of
from xinlian.api.bodies import read_body
from xinlian.api.remote import caller_of
from xinlian.node.incoming import Incoming
from xinlian.node.late_receipts import PATH as RECEIPTS
from xinlian.node.notices.taking import PATH as NOTICES
from xinlian.node.providing import FILES_PATH, PATH
from xinlian.node.reconciling import PATH as RECONCILIATIONS
from xinlian.node.self_access import PATH as SELF_ACCESS

REQUEST_LIMIT_BYTES = 2 << 20


def _incoming(request: Request, body: bytes) -> Incoming:
    query = request.scope.get("query_string", b"")
    return Incoming(
        path=request.scope.get("raw_path", request.url.path.encode()).decode("ascii").partition("?")[0],
        query=query.decode("ascii") if query else None,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        remote=_caller(request),
    )


def _caller(request: Request) -> str:
    return caller_of(request, node_of(request).settings.trusted_proxies)


async def serve(request: Request) -> Response:
    """Answer a sealed request."""
    incoming = _incoming(request, await read_body(request, REQUEST_LIMIT_BYTES))
    out = await node_of(request).providing.serve(incoming)
    return Response(out.body, status_code=out.status, headers=out.headers)


async def notice(request: Request) -> Response:
    """Follow a sealed notice and acknowledge it."""
    incoming = _incoming(request, await read_body(request, REQUEST_LIMIT_BYTES))
    out = await node_of(request).notices.taking.serve(incoming)
    return Response(out.body, status_code=out.status, headers=out.headers)


async def serve_file(request: Request) -> Response:
    """Answer a sealed request for a piece of a file."""
    incoming = _incoming(request, await read_body(request, REQUEST_LIMIT_BYTES))
    out = await node_of(request).providing.serve_file(incoming)
    return Response(out.body, status_code=out.status, headers=out.headers)


async def self_access(request: Request) -> Response:
    """Answer the authority's sealed request for what this log says about a person."""
    incoming = _incoming(request, await read_body(request, REQUEST_LIMIT_BYTES))
    out = await node_of(request).self_access.giving.serve(incoming)
    return Response(out.body, status_code=out.status, headers=out.headers)


async def schema(request: Request) -> Response:
    """A schema file of this department by its hash: catalogue data, the same for everybody."""
    source = node_of(request).catalogue.source_by_hash(request.path_params["schema_hash"])
    return Response(source, media_type="application/schema+json")


async def reconcile(request: Request) -> Response:
    """The clear parts of this node's read entries about the department that asks, signed by it."""
    incoming = _incoming(request, await read_body(request, REQUEST_LIMIT_BYTES))
    return Response(orjson.dumps(await node_of(request).reconciling.serve(incoming)), media_type="application/json")


async def receipt(request: Request) -> Response:
    """The receipt of a leaf of this department, for whoever knows the leaf."""
    given = node_of(request).late_receipts.give(await read_body(request, 2_000))
    return Response(orjson.dumps(given), media_type="application/json")


Endpoint = Callable[[Request], Awaitable[Response]]


def _public(path: str, endpoint: Endpoint, method: str, *, counts_failures: bool) -> Route:
    """A route that refuses a caller which failed too often before a byte of its body is read.

    Args:
        path: of the route.
        endpoint: answers.
        method: HTTP method.
        counts_failures: every failure counts; False where the use case itself tells an unproven sender from a proven one.
    """

    async def call(request: Request) -> Response:
        node = node_of(request)
        caller, now_s = _caller(request), node.clock.wall_s()
        if counts_failures:
            with node.rate.guarding(caller, now_s):
                return await endpoint(request)
        node.rate.check(caller, now_s)
        return await endpoint(request)

    call.access = PUBLIC  # type: ignore[attr-defined]  # read by the test that lists every route's decision
    return Route(path, call, methods=[method], name=f"{method} {path}")


ROUTES = [
    _public(PATH, serve, "POST", counts_failures=False),
    _public(NOTICES, notice, "POST", counts_failures=False),
    _public(FILES_PATH, serve_file, "POST", counts_failures=False),
    _public(SELF_ACCESS, self_access, "POST", counts_failures=False),
    _public("/exchange/v1/schemas/{schema_hash}", schema, "GET", counts_failures=True),
    _public(RECONCILIATIONS, reconcile, "POST", counts_failures=False),
    _public(RECEIPTS, receipt, "POST", counts_failures=True),
]
