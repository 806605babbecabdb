"""Field types: the JSON Schema keywords that stand for them, and their part of a schema file.

Rule 1 of ``form``: ``x-type`` says what a field is, and the file holds exactly the keywords derived from it.

Source: JSON Schema 2020-12 (validation vocabulary); dossier 3, conventions.
"""

from __future__ import annotations

import re
from typing import Final

from xinlian.protocol.attachments import MAX_BYTES, MAX_NAME, MEDIA_TYPES, MEMBERS, NAME_PATTERN, SHA256_PATTERN
from xinlian.protocol.dataset.model import EnumValue, Field, FieldType, Kind
from xinlian.protocol.dataset.node import Node, fail

_TYPE: Final = re.compile(r"(C|N|I|D|T|E|L|FILE)(?:\((\d{1,4})(?:,(\d{1,2}))?\))?")
JSON_KEYS: Final = frozenset(
    [
        "type",
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "format",
        "enum",
        "additionalProperties",
        "required",
        "properties",
    ]
)

TEXT_PATTERN: Final = r"^[^\x00-\x1f\x7f]*$"
DATE_PATTERN: Final = r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$"
DATETIME_PATTERN: Final = r"^[12][0-9]{3}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]$"


def field_schema(type_: FieldType, *, is_nullable: bool, codes: tuple[str, ...] = ()) -> dict[str, object]:
    """The JSON Schema keywords that stand for a field type.

    Args:
        type_: the type.
        is_nullable: null is allowed.
        codes: permitted codes of kind E, permitted media types of kind FILE (none: all of them).

    Returns:
        the keywords, in the order in which the shipped files write them.
    """
    if type_.kind is Kind.ENUM:
        return {"enum": [*codes, None] if is_nullable else list(codes)}
    name, keywords = _keywords(type_) if type_.kind is not Kind.FILE else _file_keywords(codes or MEDIA_TYPES)
    return {"type": [name, "null"] if is_nullable else name, **keywords}


def _keywords(type_: FieldType) -> tuple[str, dict[str, object]]:
    match type_.kind:
        case Kind.TEXT:
            return "string", {"minLength": 1, "maxLength": type_.length, "pattern": TEXT_PATTERN}
        case Kind.DECIMAL:
            return "string", {"pattern": decimal_pattern(type_)}
        case Kind.INTEGER:
            low, high = type_bounds(type_)
            return "integer", {"minimum": low, "maximum": high}
        case Kind.DATE:
            return "string", {"format": "date", "pattern": DATE_PATTERN}
        case Kind.DATETIME:
            return "string", {"pattern": DATETIME_PATTERN}
        case _:
            return "boolean", {}


def _file_keywords(media_types: tuple[str, ...]) -> tuple[str, dict[str, object]]:
    members: dict[str, object] = {
        "sha256": {"type": "string", "pattern": SHA256_PATTERN},
        "bytes": {"type": "integer", "minimum": 1, "maximum": MAX_BYTES},
        "media_type": {"enum": list(media_types)},
        "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME, "pattern": NAME_PATTERN},
    }
    return "object", {"additionalProperties": False, "required": list(MEMBERS), "properties": members}


def decimal_pattern(type_: FieldType) -> str:
    """The regular expression of the exact text of a decimal: no leading zero, exactly ``scale`` places, no minus zero."""
    digits, scale = type_.length - type_.scale, type_.scale
    whole = f"[1-9][0-9]{{0,{digits - 1}}}" if digits > 0 else ""
    fraction = rf"\.[0-9]{{{scale}}}"
    if not type_.is_signed:
        return rf"^(0|{whole}){fraction}$" if whole else rf"^0{fraction}$"
    below_one = "|".join(rf"0{{{i}}}[1-9][0-9]{{{scale - 1 - i}}}" for i in range(scale))
    start = rf"(0|-?{whole})" if whole else "0"
    return rf"^({start}{fraction}|-0\.({below_one}))$"


def read_type(node: Node) -> FieldType:
    """The type that ``x-type`` and ``x-signed`` name."""
    expected = "C(n), N(p,s), I(n), D, T, E, L or FILE"
    match = _TYPE.fullmatch(node.text("x-type", expected=expected, max_length=12))
    if match is None:
        raise fail(node.at("x-type"), expected)
    kind, length, scale = Kind(match[1]), int(match[2] or 0), int(match[3] or 0)
    type_ = FieldType(kind, length, scale, node.flag("x-signed", False))
    if not _is_sound(type_, has_scale=match[3] is not None):
        raise fail(node.at("x-type"), "C(1…4000), N(p,s) with 1 ≤ s ≤ p ≤ 38, I(1…15), or D, T, E, L, FILE without brackets")
    return type_


def _is_sound(type_: FieldType, *, has_scale: bool) -> bool:
    match type_.kind:
        case Kind.TEXT:
            return 1 <= type_.length <= 4000 and not has_scale and not type_.is_signed
        case Kind.DECIMAL:
            return 1 <= type_.scale <= type_.length <= 38
        case Kind.INTEGER:
            return 1 <= type_.length <= 15 and not has_scale
        case _:
            return type_.length == 0 and not has_scale and not type_.is_signed


def read_enum(node: Node, type_: FieldType) -> tuple[EnumValue, ...]:
    """The permitted values of a type E field: codes from ``enum``, labels from ``x-labels``."""
    if type_.kind is not Kind.ENUM:
        if "x-labels" in node.value:
            raise fail(node.at("x-labels"), "no labels, the type is not E")
        return ()
    labels = node.child("x-labels")
    codes = node.value.get("enum")
    if not isinstance(codes, list) or [code for code in codes if code is not None] == []:
        raise fail(node.at("enum"), "a list of codes")
    names = [code for code in codes if code is not None]
    if set(map(str, names)) != set(labels.value) or len(set(map(str, names))) != len(names):
        raise fail(labels.place, "one label for every code in enum, no code twice")
    return _enum_values(labels, [str(name) for name in names])


def read_media_types(node: Node, type_: FieldType) -> tuple[str, ...]:
    """The permitted media types of a file field: ``x-media-types``, or all there are."""
    if type_.kind is not Kind.FILE:
        if "x-media-types" in node.value:
            raise fail(node.at("x-media-types"), "no media types, the type is not FILE")
        return ()
    return node.several_of("x-media-types", MEDIA_TYPES) if "x-media-types" in node.value else MEDIA_TYPES


def _enum_values(labels: Node, codes: list[str]) -> tuple[EnumValue, ...]:
    values = tuple(EnumValue(code, labels.text(code, max_length=60)) for code in codes)
    meaning: dict[str, str] = {}
    for value in values:
        for word in {value.code, value.label}:
            if meaning.setdefault(word, value.code) != value.code:
                raise fail(labels.place, f"labels and codes that cannot be mistaken for each other ({word})")
    return values


def check_keywords(node: Node, entry: Field) -> None:
    """Refuse a property whose JSON Schema keywords are not those of its field type (rule 1 of ``form``)."""
    wanted = field_schema(
        entry.type, is_nullable=entry.accepts_null, codes=entry.media_types or tuple(value.code for value in entry.enum)
    )
    if entry.type.kind is Kind.INTEGER:
        wanted |= {"minimum": entry.minimum, "maximum": entry.maximum}
    if entry.type.kind is Kind.TEXT:
        wanted["minLength"] = entry.min_length
    for key, value in wanted.items():
        node.equal(key, value)
    for key in JSON_KEYS - set(wanted):
        if key in node.value:
            raise fail(node.at(key), f"no such keyword for type {entry.type}")


def type_bounds(type_: FieldType) -> tuple[int, int]:
    """Smallest and largest value of an integer type."""
    top = 10**type_.length - 1
    return (-top if type_.is_signed else 0), top
