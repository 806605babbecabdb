"""OpenAPI entries of the plain Starlette routes, so that the document is complete.

Every such route stands in ``HOT``; a test compares the list with the routes that exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute, Route

from xinlian.api.access import decisions
from xinlian.api.wire import Problem, ReasonIn, SearchIn
from xinlian.protocol.errors import CATALOGUE

_ROW = {"contract_no": "WQ2026000001", "paid_yuan": "220000.00", "paid_on": "2026-10-12", "confirmed": True}
_ACCEPTED = {
    "accepted": 1,
    "first_position": 1,
    "last_position": 1,
    "state": "pending",
    "record_ids": ["019a0b1c-2d3e-7f00-8000-000000000001"],
    "record_id": "019a0b1c-2d3e-7f00-8000-000000000001",
    "rev": 1,
    "leaf": "ab" * 32,
}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry: what the document says about a plain route."""

    summary: str
    tag: str
    status: int = 200
    consumes: dict[str, Any] = field(default_factory=dict)
    example: Any = None
    parameters: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    produces: str = "application/json"


_BYTES = "application/octet-stream"
_ERASED = {"record_id": _ACCEPTED["record_id"], "revisions": 1, "status": "erased", "state": "pending", "recipients": []}
_ITEM = {"record_id": _ACCEPTED["record_id"], "rev": 1, "state": "anchored", "status": "current"}
_BRIEF = {"items": [_ITEM], "next_cursor": None}
_JSON_ROW = {"application/json": {"schema": {"type": "object"}, "example": _ROW}}
_CREATING = ("Idempotency-Key", "Prefer")
_SEALED = {_BYTES: {"schema": {"type": "string", "format": "binary"}}}


def _model(model: type[Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": model.model_json_schema(), "example": example}}


HOT: dict[tuple[str, str], Operation] = {
    ("POST", "/api/v1/datasets/{dataset}/records"): Operation("Publish one row", "records", 201, _JSON_ROW, _ACCEPTED, _CREATING),
    ("GET", "/api/v1/datasets/{dataset}/records"): Operation(
        "Records of a dataset in publication order", "records", example=_BRIEF, query=("cursor", "limit")
    ),
    ("POST", "/api/v1/datasets/{dataset}/records/bulk"): Operation(
        "Publish many rows, all or nothing",
        "records",
        201,
        {
            "application/x-ndjson": {"schema": {"type": "string"}, "example": '{"contract_no":"…"}\n{"contract_no":"…"}\n'},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}, "example": [_ROW]},
        },
        {"accepted": 2, "first_position": 1, "last_position": 2, "state": "pending"},
        _CREATING,
    ),
    ("POST", "/api/v1/datasets/{dataset}/records/search"): Operation(
        "Find living records by a lookup field",
        "records",
        200,
        _model(SearchIn, {"field": "id_number", "value": "411599199001010014"}),
        _BRIEF,
    ),
    ("POST", "/api/v1/datasets/{dataset}/imports"): Operation(
        "Publish a CSV, XLSX, NDJSON or JSON file, all or nothing",
        "records",
        201,
        {
            "text/csv": {"schema": {"type": "string"}, "example": "合同编号,…\n"},
            _XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
        {"accepted": 1200, "first_position": 1, "last_position": 1200, "state": "pending"},
        (*_CREATING, "X-File-Name"),
    ),
    ("GET", "/api/v1/records/{record_id}"): Operation("One record", "records", example={**_ITEM, "fields": _ROW}, query=("rev",)),
    ("POST", "/api/v1/records/{record_id}/revisions"): Operation(
        "Publish a revision", "records", 201, _JSON_ROW, {**_ACCEPTED, "rev": 2}, _CREATING
    ),
    ("POST", "/api/v1/records/{record_id}/revoke"): Operation(
        "Revoke a record", "records", 202, _model(ReasonIn, {"reason": 1}), {"status": "revoked", "state": "pending"}
    ),
    ("POST", "/api/v1/records/{record_id}/erase"): Operation(
        "Erase every revision of a record", "records", 202, _model(ReasonIn, {"reason": 3}), _ERASED
    ),
    ("POST", "/exchange/v1/requests"): Operation(
        "Answer a sealed request of another department's node", "exchange", 200, _SEALED, produces=_BYTES
    ),
    ("GET", "/exchange/v1/schemas/{schema_hash}"): Operation("A schema file by its hash", "exchange", example={"title": "…"}),
    ("POST", "/exchange/v1/receipts"): Operation(
        "The receipt of a leaf that the caller knows",
        "exchange",
        200,
        {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"kind": "record", "id": _ACCEPTED["record_id"], "number": 1, "leaf": _ACCEPTED["leaf"]},
            }
        },
        {"receipt": None},
    ),
    ("POST", "/exchange/v1/reconciliations"): Operation(
        "Read statements about the department that asks",
        "exchange",
        200,
        {"application/json": {"schema": {"type": "object"}, "example": {}}},
        {"statements": []},
    ),
}


_RECEIPT = {
    "chain_id": 31337,
    "genesis_hash": "0x" + "12" * 32,
    "ledger": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    "department": "12411599MBDEM00233",
    "stream": "records",
    "sequence": 1,
    "index": 0,
    "size": 1,
    "root": "ab" * 32,
    "suite": 1,
    "path": [],
    "block_number": 7,
    "block_time": 1790000000,
    "tx_hash": "0x" + "cd" * 32,
}
_BUNDLE = {
    "format": "xinlian-evidence/1",
    "statement": "eyJpc3Mi…",
    "disclosures": ["WyJz…"],
    "receipt": _RECEIPT,
    "successor": None,
    "issued_at": 1790000100,
}
_VIEW = {
    "block_number": 7,
    "block_hash": "0x" + "34" * 32,
    "block_time": 1790000000,
    "age_s": 0.4,
    "law_time": 1790000012,
    "state": "fresh",
}
_QUERY = {
    "rid": "q3Jr0w4u2cWz1m5b8n7x9A",
    "state": "received",
    "view": {"block_number": 7, "block_time": 1790000000},
    "items": [{"outcome": "records", "records": [{"record_id": _ACCEPTED["record_id"], "values": {"balance_yuan": "32000.00"}}]}],
}
_READ = {"position": 1, "rid": _QUERY["rid"], "role": "provider", "counterparty": "12411599MBDEM00233", "outcome": "records"}
_DEPARTMENT = {"uscc": "12411599MBDEM00233", "name": "测试市住房公积金管理中心", "kind": "department", "active": True}

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "/healthz"): {"status": "ok"},
    ("GET", "/readyz"): {
        "ready": True,
        "checks": [{"name": "chain", "ok": True, "detail": "view fresh"}],
        "view": _VIEW,
        "wall_offset_s": -3.0,
    },
    ("GET", "/metrics"): "xinlian_view_age_seconds 0.4\n",
    ("GET", "/api/v1/view"): _VIEW,
    ("GET", "/api/v1/departments"): {"items": [_DEPARTMENT]},
    ("GET", "/api/v1/datasets/{dataset}/schema"): {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "…"},
    ("GET", "/api/v1/records/{record_id}/receipt"): {
        "record_id": _ACCEPTED["record_id"],
        "rev": 1,
        "leaf": "ab" * 32,
        "state": "anchored",
        "pending_since": None,
        "status": "current",
        "receipt": _RECEIPT,
    },
    ("GET", "/api/v1/records/{record_id}/bundle"): _BUNDLE,
    ("GET", "/api/v1/answers/{position}/bundle"): _BUNDLE,
    ("GET", "/api/v1/reads/{position}/bundle"): _BUNDLE,
    ("POST", "/api/v1/verifications"): {
        "format": "xinlian-report/1",
        "verdict": "AUTHENTIC",
        "exit_code": 0,
        "checks": [{"name": "format", "outcome": "passed", "detail": ""}],
        "remarks": [],
    },
    ("POST", "/api/v1/queries"): _QUERY,
    ("GET", "/api/v1/queries"): {"items": [{"rid": _QUERY["rid"], "state": "received"}]},
    ("GET", "/api/v1/queries/{rid}"): _QUERY,
    ("GET", "/api/v1/queries/{rid}/bundles"): {"items": [_BUNDLE]},
    ("GET", "/api/v1/reads"): {"items": [_READ], "next_cursor": None},
    ("POST", "/api/v1/reads/reconcile"): {
        "counterparty": "12411599MBDEM0058M",
        "agreed": 3,
        "missing_here": [],
        "missing_there": [],
        "unanswered": [],
        "differing": [],
        "repeated": [],
        "unproven_here": [],
        "unproven_there": [],
        "clean": True,
    },
    ("GET", "/api/v1/parked"): {
        "items": [{"id": 1, "kind": "anchoring", "ref": "outbox", "reason": "tx-reverted", "since": 1790000000, "attempts": 5}]
    },
    ("POST", "/api/v1/parked/{item_id}/replay"): {"replayed": 1},
    ("GET", "/api/v1/batches"): {
        "items": [{"stream": "records", "sequence": 1, "size": 1, "root": "ab" * 32, "state": "final", "block_number": 7}]
    },
    ("GET", "/api/v1/transactions"): {
        "items": [{"id": 1, "nonce": 0, "hash": "0x" + "cd" * 32, "purpose": "RecordLedger.anchor", "state": "final"}]
    },
    ("POST", "/api/v1/keys/rotate"): {"kind": "signing", "kid": "…", "tx_hash": "0x" + "cd" * 32},
    ("POST", "/api/v1/chain/reattach"): {
        "chain_id": 31337,
        "genesis_hash": "0x" + "ab" * 32,
        "batches": 12,
        "marks": 1,
        "redo": {"register": True, "datasets": ["12411599MBDEM0058M/000001@1"], "grants": [], "cases": ["CASE-1"]},
        "restart": True,
    },
}
"""Examples of answers that no model describes."""

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/datasets"): {
        "application/schema+json": {"schema": {"type": "object"}, "example": {"x-format": "xinlian-dataset/1", "title": "…"}}
    },
    ("POST", "/api/v1/chain/reattach"): {
        "application/json": {"schema": {"type": "object"}, "example": {"format": "xinlian-deployment/1", "chain_id": 31337}}
    },
    ("POST", "/api/v1/authority/departments"): {
        "application/json": {
            "schema": {"type": "object"},
            "example": {"format": "xinlian-registration/1", "uscc": "12411599MBDEM00233", "kind": "department"},
        }
    },
    ("POST", "/api/v1/verifications"): {"application/json": {"schema": {"type": "object"}, "example": _BUNDLE}},
}
"""Bodies that are read as bytes, which the framework does not see."""

OTHER_MEDIA = {
    ("GET", "/metrics"): "text/plain",
    ("GET", "/api/v1/datasets/{dataset}/schema"): "application/schema+json",
    ("GET", "/api/v1/datasets/{dataset}/template"): _XLSX,
}

PROBLEM_EXAMPLES = {
    "400": "json-broken",
    "401": "token-missing",
    "403": "role-missing",
    "404": "record-unknown",
    "409": "idempotency-mismatch",
    "413": "too-large",
    "422": "request-body",
    "500": "internal",
    "503": "rpc-down",
}


def install(app: FastAPI) -> None:
    """Make ``app.openapi()`` complete."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    components.setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer"}
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for (method, path), operation in HOT.items():
        document["paths"].setdefault(path, {})[method.lower()] = _entry(path, operation)
    for route in served(app):
        if isinstance(route, Route) and route.path in document["paths"]:
            for method in route.methods or ():
                entry = document["paths"][route.path].get(method.lower())
                if entry is not None:
                    _complete(entry, route, (method, route.path), schemas)
    return document


def served(app: FastAPI) -> Iterator[BaseRoute]:
    """Every route of an application, those of included routers among them."""
    for entry in app.routes:
        included = getattr(entry, "original_router", None)
        if isinstance(included, APIRouter):
            yield from included.routes
        else:
            yield entry


def _complete(entry: dict[str, Any], route: Route, place: tuple[str, str], schemas: dict[str, Any]) -> None:
    """Who may call, examples, and problems."""
    roles = sorted({role.value for access in decisions(route) for role in access.roles})
    statuses = ["400", "413", "422"] if "requestBody" in entry else []
    if roles:
        entry["security"] = [{"token": []}]
        entry["description"] = f"{entry.get('description', entry['summary'])}\n\nRoles: {', '.join(roles)}."
        statuses += ["401", "403"]
    if "{" in route.path:
        statuses.append("404")
    if place[0] == "POST":
        statuses += ["409", "503"]
    responses = {code: answer for code, answer in entry["responses"].items() if code.startswith("2")}
    for content in entry.get("requestBody", {}).get("content", {}).values():
        _exemplify(content, schemas)
    for code, answer in responses.items():
        if code != "204" and place in OTHER_MEDIA:
            answer["content"] = {OTHER_MEDIA[place]: {"schema": {"type": "string"}}}
        for content in answer.get("content", {}).values():
            if place in ANSWERS:
                content["example"] = ANSWERS[place]
            _exemplify(content, schemas)
    if place in BODIES:
        entry["requestBody"] = {"required": True, "content": BODIES[place]}
    entry["responses"] = responses | {code: _problem(code) for code in sorted({*statuses, "500"})}


def _problem(status: str) -> dict[str, Any]:
    code = PROBLEM_EXAMPLES[status]
    known = CATALOGUE[code]
    example = {
        "type": f"urn:xinlian:error:{code}",
        "title": code,
        "status": int(status),
        "detail": known.cause,
        "code": code,
        "retryable": known.retryable,
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {"description": known.cause, "content": {"application/problem+json": content}}


def _exemplify(content: dict[str, Any], schemas: dict[str, Any]) -> None:
    if "example" not in content and content.get("schema", {}).get("format") != "binary":
        content["example"] = example_of(content.get("schema", {}), schemas)


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """An example of a JSON Schema: its own, else put together from its parts'."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for own in ("example", "const", "default"):
        if own in schema:
            return schema[own]
    for several in ("examples", "enum", "anyOf"):
        if schema.get(several):
            first = schema[several][0]
            return example_of(first, schemas) if several == "anyOf" else first
    return _put_together(schema, schemas)


def _put_together(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    if "properties" in schema:
        return {name: example_of(part, schemas) for name, part in schema["properties"].items()}
    if "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict):
        return {"items": example_of(schema["additionalProperties"], schemas)}
    if schema.get("type") == "array":
        return [example_of(schema.get("items", {}), schemas)]
    return {"string": "text", "integer": 1, "number": 1.5, "boolean": False}.get(schema.get("type", ""), {})


def _entry(path: str, operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {operation.produces: {"schema": {"type": "object"}}}
    if operation.produces == _BYTES:
        content = {_BYTES: {"schema": {"type": "string", "format": "binary"}}}
    if operation.example is not None:
        content[operation.produces]["example"] = operation.example
    entry: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(path, operation),
        "responses": {str(operation.status): {"description": operation.summary, "content": content}},
    }
    if operation.consumes:
        entry["requestBody"] = {"required": True, "content": operation.consumes}
    return entry


def _parameters(path: str, operation: Operation) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    found: list[dict[str, Any]] = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    found += [{"name": name, "in": "header", "required": False, "schema": {"type": "string"}} for name in operation.parameters]
    found += [{"name": name, "in": "query", "required": False, "schema": {"type": "integer"}} for name in operation.query]
    return found
