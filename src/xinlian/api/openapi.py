"""The OpenAPI document: FastAPI's own, made complete with plain routes, who may call, headers, problems and examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route

from xinlian.api.access import decisions
from xinlian.api.creating import takes_key
from xinlian.api.examples import ANSWERS, BODIES, HOT, OCTETS, OTHER_MEDIA, PLAIN_LISTS, PROBLEM_EXAMPLES, Operation
from xinlian.api.paging import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT, Listing
from xinlian.api.wire import Problem
from xinlian.protocol.b64 import b64u
from xinlian.protocol.errors import CATALOGUE


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
    if place[0] != "GET":
        statuses += ["409", "503"]
    parameters = entry.setdefault("parameters", [])
    parameters += [_KEY] if takes_key(*place) else []
    parameters += [_LIMIT, _CURSOR] if is_list(route) else []
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


_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "The same key and body do it once and give the first answer again, with `Idempotency-Replayed: true`.",
    "example": "8b6f5e0e-8e0c-4d62-9f0e-2f9a4d1c7b11",
}
_LIMIT = {
    "name": "limit",
    "in": "query",
    "required": False,
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    "description": "How many items a page has at most.",
    "example": DEFAULT_LIMIT,
}
_CURSOR = {
    "name": "cursor",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "maxLength": MAX_CURSOR},
    "description": "`next` of the page before, as it was given; without it the first page.",
    "example": b64u(orjson.dumps(["records", 50])),
}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "`wait=N`: wait up to N seconds (at most 60) until it stands on the chain.",
    "example": "wait=30",
}


def is_list(route: Route) -> bool:
    """Whether a route answers a page of a list."""
    if not isinstance(route, APIRoute):
        return any((method, route.path) in PLAIN_LISTS for method in route.methods or ())
    return any(isinstance(dependency.call, Listing) for dependency in route.dependant.dependencies)


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
    if operation.produces == OCTETS:
        content = {OCTETS: {"schema": {"type": "string", "format": "binary"}}}
    if operation.status == 204:
        content = {}
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
    for name in operation.parameters:
        plain = {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        found.append(_PREFER if name == "Prefer" else plain)
    found += [{"name": name, "in": "query", "required": False, "schema": {"type": "integer"}} for name in operation.query]
    return found
