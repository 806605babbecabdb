"""The HTTP application of one node: public API v1, exchange v1, health.

Rules
1. ``create_app`` receives a running node; nothing is created at import time.
2. Hot routes (record create, bulk, exchange) are plain Starlette routes, and the busiest of them stand in front of the
   framework's middleware; everything else is ordinary FastAPI.
3. Pure ASGI middleware only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from xinlian import __version__
from xinlian.api import openapi
from xinlian.api.problems import on_error, on_unexpected, problem, problem_of
from xinlian.api.routes import (
    acts,
    approvals,
    attachments,
    authorisations,
    authority,
    calendar,
    cases,
    corrections,
    datasets,
    documents,
    evidence,
    exchange,
    findings,
    grants,
    health,
    inbox,
    notices,
    operations,
    people,
    queries,
    reads,
    records,
    recovery,
    requests,
    self_access,
    signers,
    use,
    webhooks,
)
from xinlian.node.life import Node
from xinlian.protocol.dataset import safe_name
from xinlian.protocol.errors import XinlianError

DESCRIPTION = "节点/适配器, 接入全国一体化政务大数据体系. A node that shares government data under a blockchain's evidence."

_MAX_FAULTS = 200

ROUTERS = (
    queries,
    acts,
    approvals,
    authorisations,
    authority,
    calendar,
    recovery,
    cases,
    corrections,
    datasets,
    documents,
    evidence,
    findings,
    grants,
    health,
    inbox,
    notices,
    operations,
    people,
    reads,
    requests,
    self_access,
    signers,
    use,
    webhooks,
)
"""The first is matched first: asking is the busiest of them."""


_HOT = frozenset({"create", "exchange_serve"})
"""Names of the routes that are answered before the framework's middleware is entered."""


class NodeApp(FastAPI):
    """FastAPI with the busiest plain routes in front of its middleware: a dozen layers that do nothing for them.

    Access is decided inside those routes (``access.guarded``), and errors become the same problem documents.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a hot route here, anything else as FastAPI does."""
        if scope["type"] == "http" and scope["method"] == "POST":
            for route in self.state.hot_routes:
                match, child = route.matches(scope)
                if match is Match.FULL:
                    scope.update(child, app=self, route=route)
                    await _answer_hot(route, scope, receive, send)
                    return
        await super().__call__(scope, receive, send)


async def _answer_hot(route: Route, scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive, send)
    try:
        response = await route.endpoint(request)
    except XinlianError as error:
        response = problem_of(error)
    except Exception as error:  # noqa: BLE001 - as the framework's outermost middleware does
        response = await on_unexpected(request, error)
    await response(scope, receive, send)


def create_app(node: Node, lifespan: Callable[[], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    """The application that serves a node.

    Args:
        node: the object graph.
        lifespan: run around serving (starts and stops the node's background work).
    """

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        if lifespan is None:
            yield
            return
        async with lifespan():
            yield

    app = NodeApp(
        title="Xinlian 信链",
        version=__version__,
        description=DESCRIPTION,
        lifespan=life,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the framework's pages load scripts from other people's hosts
        redoc_url=None,
    )
    app.state.node = node
    app.add_exception_handler(XinlianError, on_error)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, on_unexpected)
    for module in ROUTERS:
        app.include_router(module.router)
    plain = [*records.ROUTES, *exchange.ROUTES, *attachments.ROUTES]
    app.router.routes[:0] = plain
    app.state.hot_routes = [route for route in plain if route.name in _HOT]
    openapi.install(app)
    return app


async def _on_validation(_request: Request, error: Exception) -> Response:
    """A request body that does not fit its model: names the places, never the values."""
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if any(one["type"] == "json_invalid" for one in errors):
        return problem(400, "json-broken", "the body is not JSON", retryable=False)
    places = [{"field": _place(one["loc"]), "expected": one["msg"]} for one in errors[:_MAX_FAULTS]]
    detail = "; ".join(f"{p['field']}: {p['expected']}" for p in places[:5])
    return problem(422, "request-body", detail or "the body does not fit", retryable=False, faults=places)


def _place(loc: Sequence[str | int]) -> str:
    """Where a fault is; a name that does not look like one may be personal data and is not repeated."""
    return ".".join(safe_name(str(part)) for part in loc[1:]) or "body"


async def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "route-unknown", 405: "method-not-allowed"}.get(error.status_code, "http")
    response = problem(error.status_code, code, str(error.detail), retryable=False)
    response.headers.update(error.headers or {})
    return response
