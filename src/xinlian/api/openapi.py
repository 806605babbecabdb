"""OpenAPI entries of the plain Starlette routes, so that the document is complete.

Every such route stands in ``HOT``; a test compares the list with the routes that exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from xinlian.api.wire import Problem, ReasonIn, SearchIn

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
    is_public: bool = False


_ITEM = {"record_id": _ACCEPTED["record_id"], "rev": 1, "state": "anchored", "status": "current"}
_BRIEF = {"items": [_ITEM], "next_cursor": None}
_JSON_ROW = {"application/json": {"schema": {"type": "object"}, "example": _ROW}}
_CREATING = ("Idempotency-Key", "Prefer")
_SEALED = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def _model(model: type[Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": model.model_json_schema(), "example": example}}


HOT: dict[tuple[str, str], Operation] = {
    ("POST", "/api/v1/datasets/{dataset}/records"): Operation(
        "Publish one row", "records", 201, _JSON_ROW, _ACCEPTED, _CREATING
    ),
    ("GET", "/api/v1/datasets/{dataset}/records"): Operation(
        "Records of a dataset in publication order", "records", example=_BRIEF
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
        {"text/csv": {"schema": {"type": "string"}, "example": "合同编号,…\n"}, _XLSX: {"schema": {"type": "string", "format": "binary"}}},
        {"accepted": 1200, "first_position": 1, "last_position": 1200, "state": "pending"},
        (*_CREATING, "X-File-Name"),
    ),
    ("GET", "/api/v1/records/{record_id}"): Operation("One record", "records", example={**_ITEM, "fields": _ROW}),
    ("POST", "/api/v1/records/{record_id}/revisions"): Operation(
        "Publish a revision", "records", 201, _JSON_ROW, {**_ACCEPTED, "rev": 2}, _CREATING
    ),
    ("POST", "/api/v1/records/{record_id}/revoke"): Operation(
        "Revoke a record", "records", 202, _model(ReasonIn, {"reason": 1}), {"status": "revoked", "state": "pending"}
    ),
    ("POST", "/api/v1/records/{record_id}/erase"): Operation(
        "Erase every revision of a record", "records", 202, _model(ReasonIn, {"reason": 3}), {"status": "erased", "recipients": []}
    ),
    ("POST", "/exchange/v1/requests"): Operation(
        "Answer a sealed request of another department's node", "exchange", 200, _SEALED, is_public=True
    ),
    ("GET", "/exchange/v1/schemas/{schema_hash}"): Operation(
        "A schema file by its hash", "exchange", example={"title": "…"}, is_public=True
    ),
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
        is_public=True,
    ),
    ("POST", "/exchange/v1/reconciliations"): Operation(
        "Read statements about the department that asks",
        "exchange",
        200,
        {"application/json": {"schema": {"type": "object"}, "example": {}}},
        {"statements": []},
        is_public=True,
    ),
}


def install(app: FastAPI) -> None:
    """Make ``app.openapi()`` complete."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schema.setdefault("components", {}).setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer"}
            schema["components"].setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            for (method, path), operation in HOT.items():
                schema["paths"].setdefault(path, {})[method.lower()] = _entry(path, operation)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _entry(path: str, operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
    if operation.example is not None:
        content["application/json"]["example"] = operation.example
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    entry: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(path, operation),
        "responses": {
            str(operation.status): {"description": operation.summary, "content": content},
            "4XX": {"description": "problem", "content": problem},
        },
    }
    if operation.consumes:
        entry["requestBody"] = {"required": True, "content": operation.consumes}
    if not operation.is_public:
        entry["security"] = [{"token": []}]
    return entry


def _parameters(path: str, operation: Operation) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ]
    found += [{"name": name, "in": "header", "required": False, "schema": {"type": "string"}} for name in operation.parameters]
    return found
