"""Attachments: upload with resume, list, show, ranges, delete.

Plain Starlette routes (``ROUTES``), since bodies and answers are streams. Uploads follow draft-ietf-httpbis-resumable-upload;
interim responses (104) are not sent, as the server cannot; HEAD tells the offset instead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from xinlian.api import upload_headers as fields
from xinlian.api.access import Access, Endpoint, allow, guarded, node_of
from xinlian.api.creating import REPLAYED
from xinlian.api.paging import Listing
from xinlian.api.problems import problem_of
from xinlian.node.attachments import Library, NewUpload, Part
from xinlian.node.idempotency import Call
from xinlian.node.people import Person, Role
from xinlian.protocol.errors import ConflictError, InputError, XinlianError
from xinlian.store.attachments import COMPLETE, Attachment

_WORKING = allow(Role.PUBLISHER, Role.SHARING, Role.CASEWORKER)
_LOOKING = allow(Role.PUBLISHER, Role.SHARING, Role.CASEWORKER, Role.AUDITOR)
PAGES = Listing("attachments", int)
_OF_THE_CONTENT = frozenset(
    {"attachment-type", "attachment-active", "attachment-infected", "attachment-damaged", "attachment-empty"}
)
"""What the whole content can be refused for; the upload itself is complete then."""
_SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


def _library(request: Request) -> Library:
    return node_of(request).library


def _state_fields(library: Library, row: Attachment) -> dict[str, str]:
    """The upload's state as header fields."""
    limits = library.uploads.limits
    left = max(0, row.touched_at + limits.unfinished_s - library.keeping.now_s)
    state = {
        "Upload-Offset": str(row.taken),
        "Upload-Complete": "?1" if row.state == COMPLETE else "?0",
        "Upload-Limit": f"max-size={limits.max_bytes}, max-age={left}",
        "Cache-Control": "no-store",
    }
    return state if row.length is None else {**state, "Upload-Length": str(row.length)}


def _shown(request: Request, row: Attachment, person: Person, status: int, **headers: str) -> Response:
    library = _library(request)
    body = orjson.dumps(library.show(row, person))
    return Response(body, status_code=status, media_type="application/json", headers={**_state_fields(library, row), **headers})


def _place(row: Attachment) -> str:
    return f"/api/v1/attachments/{row.id.hex()}"


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    async for block in request.stream():
        if block:
            yield block


def _new(request: Request, person: Person, *, is_last: bool) -> NewUpload:
    headers = request.headers
    length = fields.whole(headers, "upload-length")
    whole = fields.whole(headers, "content-length") if is_last else None
    if length is not None and whole is not None and length != whole:
        raise InputError("attachment-length", "Upload-Length and Content-Length contradict each other", expected=length)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return NewUpload(
        fields.file_name(headers), media_type, whole if length is None else length, fields.digest(headers), person.id
    )


def _call(request: Request, person: Person, new: NewUpload) -> Call | None:
    """The idempotent call of a creation: what makes it the same are the header fields; the content may come in parts."""
    call = node_of(request).idempotency.call(person.id, "POST /api/v1/attachments", request.headers.get("idempotency-key"))
    if call is not None:
        expected = None if new.expected is None else new.expected.hex()
        call.update(orjson.dumps([new.name, new.media_type, new.length, expected]))
    return call


async def create(request: Request, person: Person) -> Response:
    """Begin an upload; with ``Upload-Complete: ?1``, or without the field, the body is the whole file."""
    library = _library(request)
    is_last = fields.flag(request.headers, "upload-complete") is not False
    new = _new(request, person, is_last=is_last)
    call = _call(request, person, new)
    try:
        kept = call.find() if call is not None else None
        row = await library.uploads.begin(new, call, lambda made: {"id": made.id.hex()}) if kept is None else None
    except ConflictError as error:
        if call is None or error.code != "idempotency-race":
            raise
        kept, row = call.find(), None
    if row is None:
        assert kept is not None
        begun = library.uploads.own(kept[1]["id"], person.id)
        return _shown(request, begun, person, kept[0], Location=_place(begun), **REPLAYED)
    return await _appended(request, person, row, Part(0, is_last, new.length), 201)


async def append(request: Request, person: Person) -> Response:
    """Append to an upload from its offset on."""
    headers = request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != fields.PARTIAL_UPLOAD:
        raise InputError("media-type", f"send {fields.PARTIAL_UPLOAD}", expected=[fields.PARTIAL_UPLOAD])
    offset = fields.needed(fields.whole(headers, "upload-offset"), "Upload-Offset", "a whole number")
    is_last = bool(fields.needed(fields.flag(headers, "upload-complete"), "Upload-Complete", "?0 or ?1"))
    length = fields.whole(headers, "upload-length")
    if is_last and length is None and (whole := fields.whole(headers, "content-length")) is not None:
        length = offset + whole
    row = _library(request).uploads.own(request.path_params["attachment_id"], person.id)
    return await _appended(request, person, row, Part(offset, is_last, length), 200)


async def _appended(request: Request, person: Person, row: Attachment, part: Part, status: int) -> Response:
    """Take the body in; a problem's header fields say where the upload stands."""
    try:
        done = await _library(request).uploads.append(row.id.hex(), part, _blocks(request), person.id)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody hears it
    except XinlianError as error:
        response = problem_of(error)
        response.headers["Upload-Complete"] = "?1" if error.code in _OF_THE_CONTENT else "?0"
        if error.code == "attachment-offset":
            response.headers["Upload-Offset"] = str(error.fields["expected_offset"])
        if error.code == "attachment-too-large":
            response.headers["Upload-Limit"] = f"max-size={_library(request).uploads.limits.max_bytes}"
        if status == 201:
            response.headers["Location"] = _place(row)
        return response
    return _shown(request, done, person, status, Location=_place(done))


async def offset(request: Request, person: Person) -> Response:
    """Where an upload stands (HEAD); a transfer that still runs is ended first."""
    library = _library(request)
    row = await library.uploads.status(request.path_params["attachment_id"], person.id)
    return Response(status_code=204, headers=_state_fields(library, row))


async def listing(request: Request, person: Person) -> Response:
    """Attachments in the order of their beginning."""
    library = _library(request)
    return JSONResponse(PAGES.page(library.page(PAGES.window(request)), lambda row: library.show(row, person)))


async def state(request: Request, person: Person) -> Response:
    """One attachment without its content."""
    library = _library(request)
    return JSONResponse(library.show(library.keeping.get(request.path_params["attachment_id"]), person))


async def content(request: Request, person: Person) -> Response:
    """The content of a complete attachment, whole or one range of it."""
    span = fields.span_of(request.headers.get("range"))
    found = await _library(request).content(request.path_params["attachment_id"], span or (0, None), person)
    row = found.row
    assert row.digest is not None
    headers = {
        **_SAFE,
        "Accept-Ranges": "bytes",
        "Content-Length": str(found.stop - found.start),
        "Content-Disposition": fields.disposition("attachment", row.name),
        "ETag": f'"{row.digest.hex()}"',
        "Repr-Digest": fields.digest_field(row.digest),
    }
    if span is not None:
        headers["Content-Range"] = f"bytes {found.start}-{found.stop - 1}/{row.taken}"
    return StreamingResponse(found.parts, 200 if span is None else 206, headers, row.media_type)


async def delete(request: Request, person: Person) -> Response:
    """Cancel an upload, or delete an attachment that nothing uses."""
    await _library(request).delete(request.path_params["attachment_id"], person)
    return Response(status_code=204)


def _route(path: str, endpoint: Endpoint, method: str, access: Access) -> Route:
    name: Any = getattr(endpoint, "__name__", "attachments")
    route = Route(path, guarded(access, endpoint), methods=[method], name=f"attachment_{name}")
    route.methods = {method}  # Starlette answers HEAD with GET's body left out; here HEAD is a call of its own
    return route


_ALL = "/api/v1/attachments"
_ONE = "/api/v1/attachments/{attachment_id}"

ROUTES = [
    _route(_ALL, create, "POST", _WORKING),
    _route(_ALL, listing, "GET", _LOOKING),
    _route(_ONE, offset, "HEAD", _WORKING),
    _route(_ONE, append, "PATCH", _WORKING),
    _route(_ONE, content, "GET", _WORKING),
    _route(_ONE + "/state", state, "GET", _LOOKING),
    _route(_ONE, delete, "DELETE", _WORKING),
]
