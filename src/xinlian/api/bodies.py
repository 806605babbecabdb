"""Reading request bodies with a bound, and the headers that all creating routes share."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request

from xinlian.protocol.errors import InputError

MAX_WAIT_S = 60.0


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body.

    Raises:
        InputError: ``too-large`` as soon as the limit is passed.
    """
    return b"".join([block async for block in stream_body(request, limit_bytes)])


async def stream_body(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body as it arrives.

    Raises:
        InputError: ``too-large``: at once when Content-Length says so, else as soon as the limit is passed.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes)
    size = 0
    async for block in request.stream():
        size += len(block)
        if size > limit_bytes:
            raise _too_large(limit_bytes)
        yield block


def _too_large(limit_bytes: int) -> InputError:
    return InputError("too-large", f"the body is larger than {limit_bytes} bytes", limit_bytes=limit_bytes)


def wait_seconds(request: Request) -> float:
    """Seconds of ``Prefer: wait=N`` (RFC 7240 §4.3), at most 60; 0 without it."""
    for part in request.headers.get("prefer", "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "wait" and value.strip().isdecimal():
            return min(float(value), MAX_WAIT_S)
    return 0.0
