"""Records: create, bulk, import, list, show, search, revise, revoke, erase.

The creating routes are plain Starlette routes (``ROUTES``), because they are the hot path; each is guarded, and ``openapi``
adds their entries from the same models.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xinlian.api.access import Access, allow, creating, guarded, node_of
from xinlian.api.bodies import read_body, stream_body, wait_seconds
from xinlian.api.creating import HEADER, REPLAYED
from xinlian.api.paging import Listing
from xinlian.api.wire import ReasonIn, SearchIn, Wire
from xinlian.node.accepted import Accepted
from xinlian.node.files import FileForm, FileKind, kind_of_name
from xinlian.node.idempotency import Call
from xinlian.node.ids import record_id_text
from xinlian.node.people import Person, Role
from xinlian.protocol.errors import ChainError, ConflictError, InputError
from xinlian.protocol.jsontext import loads_strict
from xinlian.protocol.types import RecordId, Status
from xinlian.store import records as table

ROW_LIMIT_BYTES = 1_000_000
RECORDS = Listing("records", int)
FOUND = Listing("found", int)
_PUBLISHING = allow(Role.PUBLISHER)
_LOOKING = allow(Role.PUBLISHER, Role.AUDITOR)
_KINDS = {
    "text/csv": FileKind.CSV,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": FileKind.XLSX,
    "application/x-ndjson": FileKind.NDJSON,
    "application/json": FileKind.JSON,
}


_BULK = ("application/json", "application/x-ndjson")
M = TypeVar("M", bound=Wire)


def _answer(body: dict[str, Any], status: int, *, replayed: bool = False) -> Response:
    headers = REPLAYED if replayed else None
    return Response(orjson.dumps(body), status_code=status, media_type="application/json", headers=headers)


def _call(request: Request, person: Person, route: str) -> Call | None:
    key = request.headers.get(HEADER)
    return None if key is None else node_of(request).idempotency.call(person.id, f"{route} {request.url.path}", key)


async def _published(request: Request, call: Call | None, publishing: Awaitable[Accepted]) -> Response:
    """The answer to a creating call; when its twin was faster, the twin's answer."""
    try:
        accepted = await publishing
    except ConflictError as error:
        kept = call.find() if call is not None and error.code == "idempotency-race" else None
        if kept is None:
            raise
        return _answer(kept[1], kept[0], replayed=True)
    body = accepted.to_json()
    wait_s = wait_seconds(request)
    if wait_s > 0 and await node_of(request).anchoring.wait_anchored(accepted.last_position, wait_s):
        body["state"] = "anchored"
    return _answer(body, 201)


def _row(body: bytes) -> dict[str, object]:
    row = loads_strict(body, max_bytes=ROW_LIMIT_BYTES)
    if not isinstance(row, dict):
        raise InputError("field-type", "expected a JSON object: one row", expected="object")
    return row


async def create(request: Request, person: Person) -> Response:
    """Publish one row."""
    node = node_of(request)
    body = await read_body(request, ROW_LIMIT_BYTES)
    call = _call(request, person, "POST")
    if call is not None:
        call.update(body)
        kept = call.find()
        if kept is not None:
            return _answer(kept[1], kept[0], replayed=True)
    dataset = node.catalogue.own(request.path_params["dataset"])
    return await _published(request, call, node.publishing.publish_row(dataset, _row(body), person, call))


async def _fed(blocks: AsyncIterator[bytes], call: Call | None) -> AsyncIterator[bytes]:
    async for block in blocks:
        if call is not None:
            call.update(block)
        yield block


async def bulk(request: Request, person: Person) -> Response:
    """Publish many rows: a JSON array, or NDJSON as a stream; all or nothing."""
    node = node_of(request)
    limit = node.settings.upload_max_bytes
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in _BULK:
        raise InputError("media-type", "send application/x-ndjson or application/json", expected=sorted(_BULK))
    if media == "application/json" or request.headers.get(HEADER) is not None:
        return await _stored_file(request, person, FileForm(_KINDS[media]))
    dataset = node.catalogue.own(request.path_params["dataset"])
    return await _published(request, None, node.publishing.publish_lines(dataset, stream_body(request, limit), person))


async def import_file(request: Request, person: Person) -> Response:
    """Publish a CSV, XLSX, NDJSON or JSON file, all or nothing."""
    return await _stored_file(request, person, _form(request))


def _form(request: Request) -> FileForm:
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    kind = _KINDS.get(media.strip().lower())
    if kind is None:
        name = request.headers.get("x-file-name", "")
        if not name:
            raise InputError(
                "media-type", "send a Content-Type of CSV, XLSX, NDJSON or JSON, or X-File-Name", expected=sorted(_KINDS)
            )
        kind = kind_of_name(name)
    charset = parameters.strip().lower().removeprefix("charset=").strip('"') if "charset=" in parameters.lower() else None
    return FileForm(kind, charset)


async def _stored_file(request: Request, person: Person, form: FileForm) -> Response:
    node = node_of(request)
    dataset = node.catalogue.own(request.path_params["dataset"])
    call = _call(request, person, "POST")
    file = io.BytesIO()  # never a temporary file: what it holds must not reach the disk in clear
    async for block in _fed(stream_body(request, node.settings.upload_max_bytes), call):
        file.write(block)
    kept = call.find() if call is not None else None
    if kept is not None:
        return _answer(kept[1], kept[0], replayed=True)
    file.seek(0)
    return await _published(request, call, node.publishing.publish_file(dataset, file, form, person, call))


async def revise(request: Request, person: Person) -> Response:
    """Publish a revision of a record."""
    node = node_of(request)
    body = await read_body(request, ROW_LIMIT_BYTES)
    call = _call(request, person, "POST")
    if call is not None:
        call.update(body)
        kept = call.find()
        if kept is not None:
            return _answer(kept[1], kept[0], replayed=True)
    record_id = RecordId(request.path_params["record_id"])
    return await _published(request, call, node.publishing.revise(record_id, _row(body), person, call))


def _brief(request: Request, row: table.Record) -> dict[str, Any]:
    standing = node_of(request).records.standing(row)
    anchored = standing.batch is not None and standing.batch.state == "final"
    return {
        "record_id": record_id_text(row.jti),
        "rev": row.rev,
        "leaf": row.leaf.hex(),
        "iat": row.iat,
        "position": row.position,
        "state": "anchored" if anchored else "pending",
        "status": Status(standing.status).name.lower(),
    }


async def listing(request: Request, _person: Person) -> Response:
    """Records of a dataset in publication order."""
    page = node_of(request).records.page(request.path_params["dataset"], RECORDS.window(request))
    return JSONResponse(RECORDS.page(page, lambda row: _brief(request, row)))


def _rev(request: Request) -> int | None:
    text = request.query_params.get("rev")
    if text is None:
        return None
    rev = int(text) if len(text) <= 15 and text.isascii() and text.isdecimal() else 0
    if rev == 0:
        raise InputError("request-body", "rev: a revision number, from 1", expected="whole number from 1")
    return rev


async def search(request: Request, _person: Person) -> Response:
    """Find living records by a lookup field."""
    body = _model(SearchIn, await read_body(request, ROW_LIMIT_BYTES))
    window = FOUND.window(request)
    page = node_of(request).records.search(request.path_params["dataset"], body.field, body.value, window)
    return JSONResponse(FOUND.page(page, lambda row: _brief(request, row)))


def _model(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate(loads_strict(body, max_bytes=ROW_LIMIT_BYTES))
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error


async def show(request: Request, person: Person) -> Response:
    """One record; its fields only for publishers, and not before the node knows what was erased (``withheld``)."""
    node = node_of(request)
    row = node.records.get(request.path_params["record_id"], _rev(request))
    answer = _brief(request, row)
    answer["vct"] = node.catalogue.by_id(row.dataset_id).schema.vct
    answer["erased"] = node.records.is_erased(row)
    if Role.PUBLISHER in person.roles and not answer["erased"]:
        try:
            answer["fields"] = node.records.open(row).values()
        except ChainError as error:  # records-behind: state and status are shown all the same
            answer["withheld"] = error.code
    return JSONResponse(answer)


async def revoke(request: Request, person: Person) -> Response:
    """Revoke a record with a reason."""
    body = _model(ReasonIn, await read_body(request, ROW_LIMIT_BYTES))
    done = await node_of(request).ending.revoke(request.path_params["record_id"], body.reason, person)
    return await _ended(request, done, Status.REVOKED)


async def erase(request: Request, person: Person) -> Response:
    """Erase all revisions of a record; the status on chain follows."""
    body = _model(ReasonIn, await read_body(request, ROW_LIMIT_BYTES))
    done = await node_of(request).ending.erase(request.path_params["record_id"], body.reason, person)
    return await _ended(request, done, Status.ERASED)


async def _ended(request: Request, done: dict[str, Any], status: Status) -> Response:
    """The answer to ending a record, once the mark is on chain when the caller waits for that."""
    wait_s = wait_seconds(request)
    if wait_s > 0 and await node_of(request).records.wait_ended(done["record_id"], status, wait_s):
        done = {**done, "state": "anchored"}
    return JSONResponse(done, status_code=202)


async def erasure(request: Request, _person: Person) -> Response:
    """Where the erasure of a record stands, and what every department that received something of it says."""
    return JSONResponse(node_of(request).notices.showing.erasure(request.path_params["record_id"]))


def _route(path: str, endpoint: Any, method: str, access: Access) -> Route:
    return Route(path, guarded(access, endpoint), methods=[method], name=f"{method} {path}")


_DATASET = "/api/v1/datasets/{dataset}"
_RECORD = "/api/v1/records/{record_id}"

ROUTES = [
    _route(_DATASET + "/records", create, "POST", _PUBLISHING),
    _route(_DATASET + "/records", listing, "GET", _LOOKING),
    _route(_DATASET + "/records/bulk", bulk, "POST", _PUBLISHING),
    _route(_DATASET + "/records/search", search, "POST", _PUBLISHING),
    _route(_DATASET + "/imports", import_file, "POST", _PUBLISHING),
    _route(_RECORD, show, "GET", _LOOKING),
    _route(_RECORD + "/revisions", revise, "POST", _PUBLISHING),
    _route(_RECORD + "/revoke", creating(revoke), "POST", _PUBLISHING),
    _route(_RECORD + "/erase", creating(erase), "POST", _PUBLISHING),
    _route(_RECORD + "/erasure", erasure, "GET", _LOOKING),
]
