"""Reads a dataset's schema file; every mistake is an ``InputError("schema-form")`` that names its place.

The file is one JSON object: a JSON Schema 2020-12 of a row, plus ``x-`` keywords::

    {"$schema": "https://json-schema.org/draft/2020-12/schema", "x-format": "xinlian-dataset/1",
     "x-catalogue": {"catalog_code": "12411599MBDEM00233/000001", "version": 1, "alias": "GJJ-01", …},
     "type": "object", "additionalProperties": false, "required": ["name", …],
     "properties": {"name": {"title": "姓名", "type": "string", "minLength": 1, "maxLength": 120, "pattern": "…",
                             "x-type": "C(120)", "x-sensitivity": "PI", "x-verifiable": true}, …},
     "x-order": ["name", …], "x-key": ["id_number"], "x-views": [{"name": "home_count", "kind": "count", …}]}

Rules
1. ``x-type`` says what the field is; ``field_schema`` derives the JSON Schema keywords from it, and the file must hold exactly
   these, so that any JSON Schema validator accepts and refuses the same rows as this node (check digits and the existence of a
   date-time apart). Allowed on top, to tighten: ``minimum`` and ``maximum`` of an integer, ``minLength`` of a text.
2. Nothing is fetched: ``$ref`` and every other keyword are refused.
3. Every property is required; null is a value where ``x-nullable`` is true. Arrays hold flat objects and have ``maxItems``.
4. A file field (``FILE``) is looked at as a whole only: it is no lookup, no part of the key or of a view, and mode ``verify``
   never compares it, so nobody learns by guessing which file a record names.
5. The file holds no JSON numbers but integers. Its hash is SHA-256 over its RFC 8785 form, so layout and key order do not matter;
   the order of the fields is ``x-order``, the order of the views and of ``enum`` that of their arrays.

Source: JSON Schema 2020-12; RFC 8785; Decree 809 art. 13-15; dossier 2.2.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from xinlian.protocol.dataset.catalogue import CODE, read_catalogue
from xinlian.protocol.dataset.model import (
    MAX_FIELDS,
    Aggregate,
    ChildArray,
    CodeCheck,
    DatasetSchema,
    Field,
    Kind,
    Lookup,
    Place,
    Sensitivity,
    SubjectKind,
    View,
    ViewKind,
)
from xinlian.protocol.dataset.node import Node, canonical, fail
from xinlian.protocol.dataset.types import JSON_KEYS, check_keywords, read_enum, read_media_types, read_type, type_bounds
from xinlian.protocol.jsontext import loads_strict

FORMAT: Final = "xinlian-dataset/1"
MAX_SCHEMA_BYTES: Final = 1_048_576
MAX_DEPTH: Final = 12
MAX_PLACES: Final = 64
"""Most items of one array."""
MAX_VIEWS: Final = 64

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ALIAS: Final = re.compile(r"[A-Z][A-Z0-9]{0,7}-\d{2}")
_ROOT_KEYS: Final = frozenset(
    [
        "$schema",
        "title",
        "description",
        "type",
        "additionalProperties",
        "required",
        "properties",
        "x-format",
        "x-catalogue",
        "x-order",
        "x-key",
        "x-views",
    ]
)
_FIELD_KEYS: Final = frozenset(
    [
        "x-type",
        "x-sensitivity",
        "x-unit",
        "x-nullable",
        "x-signed",
        "x-labels",
        "x-media-types",
        "x-check",
        "x-lookup",
        "x-verifiable",
        "x-grantable",
        "x-std",
        "title",
        "description",
    ]
)
_ARRAY_KEYS: Final = frozenset(["title", "description", "type", "minItems", "maxItems", "items", "x-order"])
_ITEM_KEYS: Final = frozenset(["type", "additionalProperties", "required", "properties"])
_VIEW_KEYS: Final = frozenset(["name", "title", "kind", "lookup", "where", "distinct", "field", "aggregate", "parameter"])


def load_schema(data: bytes) -> DatasetSchema:
    """Read a dataset's schema file.

    Args:
        data: the file, UTF-8 JSON, at most 1 MiB.

    Returns:
        the schema.

    Raises:
        InputError: ``schema-form`` with the place and what was expected; ``json-*`` when it is not strict JSON; ``too-large``.
    """
    root = Node(loads_strict(data, max_bytes=MAX_SCHEMA_BYTES, max_depth=MAX_DEPTH), "$")
    _check_root(root)
    catalogue_node = root.child("x-catalogue")
    fields, arrays = _flatten(root)
    catalogue = read_catalogue(catalogue_node, is_personal=any(f.sensitivity.is_personal for f in fields))
    lookups = _lookups(fields)
    source = canonical(root.value)
    return DatasetSchema(
        code=catalogue_node.text("catalog_code", CODE, "<USCC>/<6 digits>, not 000000"),
        version=catalogue_node.integer("version", 1, 65535),
        alias=catalogue_node.text("alias", _ALIAS, "a short code such as GJJ-01"),
        catalogue=catalogue,
        fields=fields,
        arrays=arrays,
        key=_key(root, fields),
        lookups=lookups,
        views=_views(root, fields, lookups),
        source=source,
        schema_hash=hashlib.sha256(source).digest(),
        row_schema=canonical(_plain(root.value)),
        _index={f.name: f.index for f in fields},
        _groups=_groups(fields),
    )


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items() if not key.startswith("x-")}
    return [_plain(entry) for entry in value] if isinstance(value, list) else value


def _check_root(root: Node) -> None:
    root.only(_ROOT_KEYS)
    root.equal("$schema", _DIALECT)
    root.equal("x-format", FORMAT)
    root.equal("type", "object")
    root.equal("additionalProperties", False)


def _ordered(owner: Node, listing: Node, order_node: Node) -> Iterator[tuple[str, Node]]:
    """(name, property) in ``x-order``; ``required`` and ``properties`` must name the same ones."""
    properties = owner.child("properties")
    order = order_node.texts("x-order", _NAME, at_least=1, expected="field names ([a-z][a-z0-9_]*, up to 64)")
    if set(order) != set(properties.value):
        odd = min(set(order) ^ set(properties.value))
        raise fail(order_node.at("x-order"), f"exactly the names in properties; {odd!r} is only in one of them")
    if set(listing.texts("required", at_least=1)) != set(order):
        raise fail(listing.at("required"), "all properties (a field without a value is null)")
    for name in order:
        yield name, properties.child(name)


def _flatten(root: Node) -> tuple[tuple[Field, ...], tuple[ChildArray, ...]]:
    """Read all properties in order and number the fields."""
    if len(root.child("properties").value) > MAX_FIELDS:
        raise fail("$.properties", f"at most {MAX_FIELDS} fields")
    fields: list[Field] = []
    arrays: list[ChildArray] = []
    for name, node in _ordered(root, root, root):
        if node.value.get("type") == "array":
            array, parts = _array(name, node, first=len(fields))
            arrays.append(array)
            fields.extend(_places(array, parts))
        else:
            fields.append(replace(_field(name, node), index=len(fields)))
        if len(fields) > MAX_FIELDS:
            raise fail("$.properties", f"at most {MAX_FIELDS} fields, arrays flattened")
    _refuse_equal_titles(fields, arrays)
    return tuple(fields), tuple(arrays)


def _array(name: str, node: Node, *, first: int) -> tuple[ChildArray, list[Field]]:
    node.only(_ARRAY_KEYS)
    most = node.integer("maxItems", 1, MAX_PLACES)
    least = node.integer("minItems", 0, most)
    item = node.child("items")
    item.only(_ITEM_KEYS)
    item.equal("type", "object")
    item.equal("additionalProperties", False)
    parts = [_field(child, child_node) for child, child_node in _ordered(item, item, node)]
    names, titles = tuple(p.name for p in parts), tuple(p.title for p in parts)
    if len(set(titles)) != len(titles):
        raise fail(node.at("items"), "no title twice")
    return ChildArray(name, node.text("title", max_length=60), least, most, names, titles, first), parts


def _places(array: ChildArray, parts: list[Field]) -> Iterator[Field]:
    """The flattened fields of an array; beyond ``min_items`` they are nullable."""
    for number in range(1, array.max_items + 1):
        for item, part in enumerate(parts):
            yield replace(
                part,
                name=f"{array.name}.{number}.{part.name}",
                title=f"{array.title}{number}{part.title}",
                index=array.field_index(number, item),
                is_nullable=part.is_nullable or number > array.min_items,
                place=Place(array.name, number, part.name),
            )


def _refuse_equal_titles(fields: list[Field], arrays: list[ChildArray]) -> None:
    seen = {array.title for array in arrays}
    for entry in fields:
        if entry.title in seen:
            raise fail(f"$.properties.{entry.name}.title", f"a title no other field has ({entry.title})")
        seen.add(entry.title)


def _field(name: str, node: Node) -> Field:
    node.only(_FIELD_KEYS | JSON_KEYS)
    type_ = read_type(node)
    low, high = type_bounds(type_) if type_.kind is Kind.INTEGER else (0, 0)
    minimum = node.integer("minimum", low, high) if type_.kind is Kind.INTEGER else 0
    entry = Field(
        name=name,
        title=node.text("title", max_length=60),
        index=0,
        type=type_,
        unit=node.text_or("x-unit", ""),
        sensitivity=Sensitivity(node.one_of("x-sensitivity", tuple(Sensitivity))),
        is_nullable=node.flag("x-nullable", False),
        accepts_null=node.flag("x-nullable", False),
        minimum=minimum,
        maximum=node.integer("maximum", minimum, high) if type_.kind is Kind.INTEGER else 0,
        min_length=node.integer("minLength", 1, type_.length) if type_.kind is Kind.TEXT else 0,
        enum=read_enum(node, type_),
        media_types=read_media_types(node, type_),
        check=CodeCheck(node.one_of("x-check", tuple(CodeCheck))) if "x-check" in node.value else None,
        lookup=SubjectKind(node.one_of("x-lookup", tuple(SubjectKind))) if "x-lookup" in node.value else None,
        is_verifiable=node.flag("x-verifiable", False),
        is_grantable=node.flag("x-grantable", True),
        std=node.text_or("x-std", ""),
        place=None,
    )
    _refuse_contradictions(node, entry)
    check_keywords(node, entry)
    return entry


def _refuse_contradictions(node: Node, entry: Field) -> None:
    if (entry.check is not None or entry.lookup is not None) and entry.type.kind is not Kind.TEXT:
        raise fail(node.at("x-type"), "C(n), because of x-check or x-lookup")
    if entry.is_verifiable and entry.type.kind is Kind.FILE:
        raise fail(node.at("x-verifiable"), "false, because x-type is FILE")
    if entry.is_verifiable and not entry.is_grantable:
        raise fail(node.at("x-verifiable"), "false, because x-grantable is false")


def _lookups(fields: tuple[Field, ...]) -> tuple[Lookup, ...]:
    places: dict[str, list[int]] = {}
    kinds: dict[str, SubjectKind] = {}
    for entry in fields:
        if entry.lookup is not None:
            places.setdefault(entry.logical_name, []).append(entry.index)
            kinds[entry.logical_name] = entry.lookup
    return tuple(Lookup(name, kinds[name], tuple(indices)) for name, indices in places.items())


def _groups(fields: tuple[Field, ...]) -> dict[str, int]:
    groups: dict[str, int] = {}
    for entry in fields:
        if entry.place is not None:
            for name in (entry.place.array, entry.logical_name):
                groups[name] = groups.get(name, 0) | 1 << entry.index
    return groups


def _key(root: Node, fields: tuple[Field, ...]) -> tuple[str, ...]:
    key = root.texts("x-key", at_least=1, expected="field names")
    known = {f.name: f for f in fields if f.place is None}
    for index, name in enumerate(key):
        if name not in known or known[name].is_nullable or known[name].type.kind is Kind.FILE:
            raise fail(f"$.x-key[{index}]", "the name of a field that is never null and no file, outside arrays")
    return key


def _views(root: Node, fields: tuple[Field, ...], lookups: tuple[Lookup, ...]) -> tuple[View, ...]:
    entries = root.value.get("x-views", [])
    if not isinstance(entries, list) or len(entries) > 64:
        raise fail("$.x-views", "a list of at most 64 views")
    views = tuple(_view(Node(entry, f"$.x-views[{i}]"), i, fields, lookups) for i, entry in enumerate(entries))
    if len({view.name for view in views}) != len(views):
        raise fail("$.x-views", "no view name twice")
    return views


def _view(node: Node, index: int, fields: tuple[Field, ...], lookups: tuple[Lookup, ...]) -> View:
    node.only(_VIEW_KEYS)
    known = {f.name: f for f in fields if f.place is None and f.type.kind is not Kind.FILE}
    kind = ViewKind(node.one_of("kind", tuple(ViewKind)))
    view = View(
        name=node.text("name", _NAME, "a name"),
        title=node.text("title", max_length=60),
        index=index,
        kind=kind,
        lookup=node.one_of("lookup", tuple(entry.name for entry in lookups)),
        where=_where(node, known),
        distinct=node.one_of("distinct", tuple(known)) if "distinct" in node.value else None,
        field=node.one_of("field", tuple(known)) if "field" in node.value else None,
        aggregate=Aggregate(node.one_of("aggregate", tuple(Aggregate))) if "aggregate" in node.value else None,
        parameter=node.text("parameter", _NAME, "a name") if "parameter" in node.value else None,
    )
    _check_view(node, view, known)
    return view


def _where(node: Node, known: dict[str, Field]) -> tuple[tuple[str, str | int | bool], ...]:
    if "where" not in node.value:
        return ()
    pairs: list[tuple[str, str | int | bool]] = []
    for name, value in node.child("where").value.items():
        if name not in known or not _fits(known[name], value):
            raise fail(f"{node.at('where')}.{name}", "a field outside arrays and a value of its type")
        pairs.append((name, value))  # type: ignore[arg-type]  # _fits leaves text, integer and boolean only
    return tuple(sorted(pairs, key=lambda pair: known[pair[0]].index))


def _fits(entry: Field, value: object) -> bool:
    if entry.type.kind is Kind.LOGICAL:
        return isinstance(value, bool)
    if entry.type.kind is Kind.INTEGER:
        return type(value) is int
    if entry.type.kind is Kind.ENUM:
        return value in [allowed.code for allowed in entry.enum]
    return isinstance(value, str)


def _check_view(node: Node, view: View, known: dict[str, Field]) -> None:
    needs = {
        ViewKind.THRESHOLD: {"field", "aggregate", "parameter"},
        ViewKind.EQUALS: {"field", "parameter"},
    }.get(view.kind, set())
    given = {key for key in ("field", "aggregate", "parameter", "distinct") if key in node.value}
    allowed = needs | ({"distinct"} if view.kind is ViewKind.COUNT else set())
    if not needs <= given <= allowed:
        raise fail(node.place, f"kind {view.kind.value} with {sorted(needs) or 'nothing more'} (allowed: {sorted(allowed)})")
    if view.kind is ViewKind.THRESHOLD and known[str(view.field)].type.kind not in (Kind.DECIMAL, Kind.INTEGER):
        raise fail(node.at("field"), "a number")
