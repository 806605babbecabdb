"""File fields: the form of their values, the exact text, and what a schema may not do with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.datasets import file_document, file_json, file_row, load
from xinlian.protocol.attachments import MAX_BYTES, MEDIA_TYPES, FileValue, file_fault, file_value, is_file_name
from xinlian.protocol.dataset import Kind, compile_validator
from xinlian.protocol.errors import InputError
from xinlian.protocol.record import StatementHead, parse_disclosure, seal

SCHEMA = load(file_document())
COMPILED = compile_validator(SCHEMA)
GOOD = file_json(b"%PDF-1.7")


def test_the_schema_knows_its_file_fields_with_the_types_it_allows() -> None:
    assert [entry.name for entry in SCHEMA.files] == ["owners.1.proof", "owners.2.proof", "owners.3.proof", "scan"]
    assert SCHEMA.field("scan").media_types == ("application/pdf", "image/png")
    assert SCHEMA.field("owners.1.proof").media_types == MEDIA_TYPES
    assert str(SCHEMA.field("scan").type) == "FILE"


def test_the_exact_text_has_the_four_members_in_their_order_whatever_the_row_says() -> None:
    shuffled = {name: GOOD[name] for name in ("name", "media_type", "bytes", "sha256")}
    row = file_row(1, shuffled, GOOD)
    assert COMPILED.validate(row) == []
    texts = dict(COMPILED.to_fields(row))
    expected = f'{{"sha256":"{GOOD["sha256"]}","bytes":8,"media_type":"application/pdf","name":"授权书.pdf"}}'
    assert texts["scan"] == texts["owners.1.proof"] == expected == FileValue(**GOOD).text()
    assert texts["owners.2.proof"] == texts["owners.3.proof"] == "null"
    assert [(entry.name, value) for entry, value in COMPILED.files(row)] == [
        ("owners.1.proof", FileValue(**GOOD)),
        ("scan", FileValue(**GOOD)),
    ]


def test_a_disclosure_gives_the_value_back() -> None:
    head = StatementHead("urn:uscc:12411599MBDEM00233", SCHEMA.vct, "01a3185c-5000-7000-8000-000000000000", 1_772_000_000, 1)
    fields = COMPILED.to_fields(file_row(1, GOOD))
    sealed = seal(head, fields, bytes(32))
    opened = parse_disclosure(sealed.disclosures[SCHEMA.field_index("scan")])
    assert opened.name == "scan"
    assert list(opened.value) == ["sha256", "bytes", "media_type", "name"]  # type: ignore[call-overload]  # it is a dict
    assert file_value(opened.value) == FileValue(**GOOD)


BAD: list[tuple[str, Any]] = [
    ("sha256", {"sha256": "AB" * 32}),
    ("sha256", {"sha256": "ab" * 31}),
    ("sha256", {"sha256": 5}),
    ("bytes", {"bytes": 0}),
    ("bytes", {"bytes": MAX_BYTES + 1}),
    ("bytes", {"bytes": 8.0}),
    ("bytes", {"bytes": True}),
    ("bytes", {"bytes": "8"}),
    ("media_type", {"media_type": "application/zip"}),
    ("media_type", {"media_type": "image/tiff"}),
    ("media_type", {"media_type": None}),
    ("name", {"name": ""}),
    ("name", {"name": "x" * 256}),
    ("name", {"name": "a/b.pdf"}),
    ("name", {"name": "a\\b.pdf"}),
    ("name", {"name": "a\nb.pdf"}),
    ("name", {"name": "a\x85b.pdf"}),
    ("name", {"name": "fdp.\u202eexe"}),
    ("name", {"name": ".."}),
    ("name", {"name": "a\ud800.pdf"}),
    ("value", {"more": 1}),
]


@pytest.mark.parametrize(("member", "change"), BAD)
def test_what_is_not_of_the_form_is_refused_by_the_fast_check_and_named_by_the_slow_one(member: str, change: Any) -> None:
    value = {**GOOD, **change}
    assert file_fault(value, SCHEMA.field("scan").media_types) == member
    (fault,) = COMPILED.validate(file_row(1, value))
    assert (fault.field, fault.code) == ("scan", "field-file")
    assert ("whose " + member in fault.what) == (member != "value")
    assert "授权书" not in fault.what


@pytest.mark.parametrize("value", ["ab" * 32, 5, True, [], ["sha256"], {}, {"sha256": "ab" * 32}])
def test_something_else_than_the_object_is_refused(value: object) -> None:
    (fault,) = COMPILED.validate(file_row(1, value))
    assert (fault.field, fault.code) == ("scan", "field-file")
    assert file_value(value) is None


def test_bounds_are_allowed() -> None:
    for change in ({"bytes": 1}, {"bytes": MAX_BYTES}, {"name": "名" * 255}, {"name": ".pdf"}, {"media_type": "image/png"}):
        assert COMPILED.validate(file_row(1, {**GOOD, **change})) == []
    assert is_file_name("a")
    assert not is_file_name(None)


def _with(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    document = file_document()
    change(document)
    return document


def _narrowed(document: dict[str, Any], types: object) -> None:
    document["properties"]["scan"]["x-media-types"] = types


def _keyed(document: dict[str, Any]) -> None:
    document["x-key"] = ["scan"]
    scan = document["properties"]["scan"]
    scan["type"], scan["x-nullable"] = "object", False


WRONG: list[tuple[str, Callable[[dict[str, Any]], None], str]] = [
    ("verifiable", lambda d: d["properties"]["scan"].update({"x-verifiable": True}), "$.properties.scan.x-verifiable"),
    ("lookup", lambda d: d["properties"]["scan"].update({"x-lookup": "person"}), "$.properties.scan.x-type"),
    ("code", lambda d: d["properties"]["scan"].update({"x-check": "id"}), "$.properties.scan.x-type"),
    ("key", _keyed, "$.x-key[0]"),
    ("equals view", lambda d: d["x-views"][4].update({"field": "scan"}), "$.x-views[4].field"),
    ("distinct view", lambda d: d["x-views"][2].update({"distinct": "scan"}), "$.x-views[2].distinct"),
    ("where", lambda d: d["x-views"][1].update({"where": {"scan": "x"}}), "$.x-views[1].where.scan"),
    ("foreign type", lambda d: _narrowed(d, ["application/zip"]), "$.properties.scan.x-media-types[0]"),
    ("no type", lambda d: _narrowed(d, []), "$.properties.scan.x-media-types"),
    ("other types than the keywords", lambda d: _narrowed(d, ["application/pdf"]), "$.properties.scan.properties"),
    (
        "types of a text",
        lambda d: d["properties"]["no"].update({"x-media-types": ["image/png"]}),
        "$.properties.no.x-media-types",
    ),
    ("members missing", lambda d: d["properties"]["scan"].pop("required"), "$.properties.scan.required"),
    ("length", lambda d: d["properties"]["scan"].update({"x-type": "FILE(3)"}), "$.properties.scan.x-type"),
    ("more keywords", lambda d: d["properties"]["scan"].update({"maxLength": 3}), "$.properties.scan.maxLength"),
    ("keywords of a file on a text", lambda d: d["properties"]["no"].update({"properties": {}}), "$.properties.no.properties"),
]


@pytest.mark.parametrize(("change", "place"), [(c, p) for _, c, p in WRONG], ids=[n for n, _, _ in WRONG])
def test_a_schema_may_not(change: Callable[[dict[str, Any]], None], place: str) -> None:
    with pytest.raises(InputError) as refused:
        load(_with(change))
    assert (refused.value.code, refused.value.fields["place"]) == ("schema-form", place)


def test_the_hash_depends_on_the_types_allowed() -> None:
    other = file_document()
    other["properties"]["scan"]["x-media-types"].reverse()
    other["properties"]["scan"]["properties"]["media_type"]["enum"].reverse()
    assert load(other).schema_hash != SCHEMA.schema_hash
    assert json.loads(SCHEMA.row_schema)["properties"]["scan"]["type"] == ["object", "null"]
    assert SCHEMA.field("scan").type.kind is Kind.FILE
