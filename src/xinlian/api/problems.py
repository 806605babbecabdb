"""Errors as RFC 9457 problem documents: the one table from error family and code to HTTP status.

Rules
1. A problem's ``code`` is the error's stable code; ``detail`` its message; extra members its fields.
2. An unexpected exception becomes ``internal`` with no detail: never a stack trace, never a value.

Source: RFC 9457; docs/errors.md is generated from the same catalogue.
"""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response

from xinlian.protocol.errors import (
    AuthError,
    ChainError,
    ConfigError,
    ConflictError,
    EvidenceError,
    InputError,
    NotFoundError,
    PeerError,
    RefusedError,
    StoreError,
    XinlianError,
)

PROBLEM_JSON = "application/problem+json"

STATUS_BY_FAMILY: dict[type[XinlianError], int] = {
    InputError: 422,
    AuthError: 403,
    RefusedError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    EvidenceError: 422,
    ChainError: 503,
    StoreError: 503,
    PeerError: 502,
    ConfigError: 500,
}
"""HTTP status of each error family."""

STATUS_BY_CODE: dict[str, int] = {
    "too-large": 413,
    "token-missing": 401,
    "token-unknown": 401,
    "refused-rate": 429,
    "authority-key-missing": 403,
    "keys-not-registered": 503,
    "json-broken": 400,
    "json-duplicate-key": 400,
    "json-too-deep": 400,
    "media-type": 415,
    "disk-full": 507,
    "tx-reverted": 409,
    "attachment-too-large": 413,
    "attachment-quota": 429,
    "range-form": 416,
    "notice-busy": 503,
}
"""Codes whose HTTP status differs from their family's."""

_log = structlog.get_logger(__name__)


def status_of(error: XinlianError) -> int:
    """The HTTP status of an error: by its code first, else by its family."""
    by_code = STATUS_BY_CODE.get(error.code)
    if by_code is not None:
        return by_code
    return next((status for family, status in STATUS_BY_FAMILY.items() if isinstance(error, family)), 500)


def problem(status: int, code: str, detail: str, **members: object) -> Response:
    """A problem document as a response.

    Args:
        status: HTTP status.
        code: stable error code.
        detail: one sentence for a person.
        members: further members (JSON types).
    """
    body: dict[str, Any] = {"type": f"urn:xinlian:error:{code}", "title": code, "status": status, "detail": detail}
    body["code"] = code
    body.update({name: value for name, value in members.items() if name not in body})
    headers = {"WWW-Authenticate": 'Bearer realm="xinlian"'} if status == 401 else {}
    if status in (429, 503):
        headers["Retry-After"] = "5"
    return Response(orjson.dumps(body, default=str), status_code=status, media_type=PROBLEM_JSON, headers=headers)


def problem_of(error: XinlianError) -> Response:
    """The problem document of an error."""
    return problem(status_of(error), error.code, error.message, retryable=error.retryable, **error.fields)


async def on_error(_request: Request, error: Exception) -> Response:
    """Exception handler of the application for everything xinlian raises."""
    assert isinstance(error, XinlianError)
    return problem_of(error)


async def on_unexpected(request: Request, error: Exception) -> Response:
    """Exception handler for defects: the log names the type, the caller learns nothing of the inside."""
    route = request.scope.get("route")
    _log.error("unexpected", route=getattr(route, "path", "unknown"), kind=type(error).__name__, exc_info=error)
    return problem(500, "internal", "the node failed unexpectedly; the operator's log names the cause", retryable=False)
