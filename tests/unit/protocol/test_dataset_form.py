"""Schema files: what is read from them, their hash, their masks, and every way to get one wrong."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.datasets import load, small_document
from xinlian.protocol.dataset import Kind, Mode, Sensitivity, SubjectKind, load_schema, safe_name
from xinlian.protocol.errors import InputError

SMALL = load(small_document())


def test_fields_are_in_order_and_arrays_flattened() -> None:
    names = [entry.name for entry in SMALL.fields]
    assert names[:2] == ["no", "person"]
    assert names[9:] == [f"owners.{n}.{item}" for n in (1, 2, 3) for item in ("name", "id_number")]
    assert [entry.index for entry in SMALL.fields] == list(range(15))
    assert SMALL.field("owners.2.name").title == "权利人2姓名"
    assert [entry.is_nullable for entry in SMALL.fields[9:]] == [False, True, True, True, True, True]
    assert SMALL.field("owners.2.name").accepts_null is False


def test_identity_of_a_dataset() -> None:
    assert (SMALL.vct, SMALL.owner, SMALL.serial) == ("12411599MBDEM00233/000009@1", "12411599MBDEM00233", 9)
    assert SMALL.catalogue.modes == (Mode.VERIFY, Mode.QUERY, Mode.ANSWER)
    amount = SMALL.field("amount")
    assert (amount.type.kind, amount.type.length, amount.type.scale, amount.unit) == (Kind.DECIMAL, 8, 2, "元")
    assert SMALL.field("no").sensitivity is Sensitivity.PUBLIC


def test_lookups_span_the_places_of_an_array() -> None:
    found = {(entry.name, entry.kind, entry.fields) for entry in SMALL.lookups}
    assert ("owners.id_number", SubjectKind.PERSON, (10, 12, 14)) in found
    assert ("no", SubjectKind.CONTRACT, (0,)) in found
    lookup = SMALL.lookup("contract")
    assert lookup is not None
    assert lookup.name == "no"
    assert SMALL.lookup("permit") is None


def test_masks() -> None:
    assert SMALL.mask_of(["no", "owners.name"]) == 1 | 1 << 9 | 1 << 11 | 1 << 13
    assert SMALL.mask_of(["owners"]) == 0b111111 << 9
    assert SMALL.verifiable_mask == SMALL.mask_of(["no", "amount"])
    assert SMALL.grantable_mask == (1 << 15) - 1 - SMALL.mask_of(["person"])
    assert SMALL.view_mask == 0b11111
    assert SMALL.view_mask_of(["rows"]) == 0b100
    assert SMALL.view_names_of(0b101) == ("any_row", "rows")


@given(st.integers(0, (1 << 15) - 1))
def test_names_and_masks_are_inverse(mask: int) -> None:
    assert SMALL.mask_of(SMALL.names_of(mask)) == mask


@pytest.mark.parametrize("mask", [1 << 15, -1])
def test_a_mask_beyond_the_last_field_is_refused(mask: int) -> None:
    with pytest.raises(InputError) as caught:
        SMALL.names_of(mask)
    assert caught.value.code == "field-unknown"


def test_unknown_names_are_refused_without_showing_what_may_be_personal() -> None:
    with pytest.raises(InputError) as caught:
        SMALL.mask_of(["411599199001010014"])
    assert caught.value.code == "field-unknown"
    assert "411599199001010014" not in f"{caught.value.message} {caught.value.fields}"
    with pytest.raises(InputError) as caught:
        SMALL.view_mask_of(["nothing"])
    assert caught.value.code == "view-unknown"


def test_safe_name() -> None:
    assert safe_name("balance_yuan") == "balance_yuan"
    assert safe_name("buyers.1.name") == "buyers.1.name"
    for hidden in ("411599199001010014", "测试甲", "a" * 65, "a b", ""):
        assert safe_name(hidden) == "(unreadable)"


def test_the_hash_is_that_of_the_canonical_form() -> None:
    document = small_document()
    canonical = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert canonical == SMALL.source
    assert hashlib.sha256(canonical).digest() == SMALL.schema_hash
    shuffled = dict(reversed(list(document.items())))
    assert load_schema(json.dumps(shuffled, indent=3).encode()).schema_hash == SMALL.schema_hash


def test_the_order_of_fields_is_part_of_the_hash() -> None:
    document = small_document()
    document["x-order"] = [*document["x-order"][1:], document["x-order"][0]]
    assert load(document).schema_hash != SMALL.schema_hash


def test_the_row_schema_holds_no_own_keywords() -> None:
    assert b"x-" not in SMALL.row_schema
    assert json.loads(SMALL.row_schema)["properties"]["amount"]["pattern"] == r"^(0|[1-9][0-9]{0,5})\.[0-9]{2}$"


def test_a_loaded_schema_loads_again_from_its_source() -> None:
    assert load_schema(SMALL.source) == SMALL


Bend = Callable[[dict[str, Any]], object]


def _set(path: str, value: object) -> Bend:
    def bend(document: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        for key in parents:
            document = document[key]
        document[last] = value

    return bend


def _drop(path: str) -> Bend:
    def bend(document: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        for key in parents:
            document = document[key]
        del document[last]

    return bend


def _many_fields(document: dict[str, Any]) -> None:
    for number in range(10_001):
        document["properties"][f"f{number}"] = {}


def _wide_array(document: dict[str, Any]) -> None:
    document["properties"]["owners"]["maxItems"] = 64
    names = [f"n{number}" for number in range(5)]
    items = document["properties"]["owners"]["items"]
    items["properties"] = {name: {**items["properties"]["name"], "title": name} for name in names}
    items["required"] = names
    document["properties"]["owners"]["x-order"] = names


MISTAKES: list[tuple[str, Bend, str]] = [
    ("no dialect", _drop("$schema"), "$.$schema"),
    ("another format", _set("x-format", "xinlian-dataset/2"), "$.x-format"),
    ("open rows", _set("additionalProperties", True), "$.additionalProperties"),
    ("unknown keyword", _set("$defs", {}), "$.$defs"),
    ("reference", _set("properties/no/$ref", "https://example.org/x"), "$.properties.no.$ref"),
    ("foreign keyword", _set("properties/no/format", "email"), "$.properties.no.format"),
    ("no type", _drop("properties/no/x-type"), "$.properties.no.x-type"),
    ("bad type", _set("properties/no/x-type", "X(3)"), "$.properties.no.x-type"),
    ("text too long", _set("properties/no/x-type", "C(9999)"), "$.properties.no.x-type"),
    ("decimal without scale", _set("properties/amount/x-type", "N(8)"), "$.properties.amount.x-type"),
    ("scale above length", _set("properties/amount/x-type", "N(2,3)"), "$.properties.amount.x-type"),
    ("date with length", _set("properties/day/x-type", "D(8)"), "$.properties.day.x-type"),
    ("pattern of another scale", _set("properties/amount/pattern", r"^\d+\.\d{3}$"), "$.properties.amount.pattern"),
    ("float type", _set("properties/amount/type", "number"), "$.properties.amount.type"),
    ("null not declared", _set("properties/no/type", ["string", "null"]), "$.properties.no.type"),
    ("maximum beyond type", _set("properties/months/maximum", 10_000), "$.properties.months.maximum"),
    ("minimum above maximum", _set("properties/months/minimum", 10_000), "$.properties.months.minimum"),
    ("no title", _drop("properties/no/title"), "$.properties.no.title"),
    ("same title twice", _set("properties/no/title", "金额"), "$.properties.amount.title"),
    ("sensitivity", _set("properties/no/x-sensitivity", "secret"), "$.properties.no.x-sensitivity"),
    ("check on a number", _set("properties/amount/x-check", "id"), "$.properties.amount.x-type"),
    ("unknown check", _set("properties/no/x-check", "iban"), "$.properties.no.x-check"),
    ("unknown lookup", _set("properties/no/x-lookup", "car"), "$.properties.no.x-lookup"),
    ("hidden but verifiable", _set("properties/person/x-verifiable", True), "$.properties.person.x-verifiable"),
    ("flag as text", _set("properties/no/x-verifiable", "yes"), "$.properties.no.x-verifiable"),
    ("authorisation as text", _set("x-catalogue/requires_authorisation", "是"), "$.x-catalogue.requires_authorisation"),
    ("labels without enum", _set("properties/no/x-labels", {}), "$.properties.no.x-labels"),
    ("enum without labels", _drop("properties/state/x-labels"), "$.properties.state.x-labels"),
    ("code without label", _set("properties/state/enum", ["01", "02", "03"]), "$.properties.state.x-labels"),
    ("label is another code", _set("properties/state/x-labels/01", "02"), "$.properties.state.x-labels"),
    ("empty enum", _set("properties/state/enum", []), "$.properties.state.enum"),
    ("order misses a field", lambda d: d["x-order"].pop(), "$.x-order"),
    ("order names a field twice", lambda d: d["x-order"].append("no"), "$.x-order"),
    ("bad field name", lambda d: d["x-order"].append("No"), "$.x-order[10]"),
    ("required misses a field", lambda d: d["required"].pop(), "$.required"),
    ("no key", _set("x-key", []), "$.x-key"),
    ("key is nullable", _set("x-key", ["day"]), "$.x-key[0]"),
    ("key inside an array", _set("x-key", ["owners.1.name"]), "$.x-key[0]"),
    ("array without end", _drop("properties/owners/maxItems"), "$.properties.owners.maxItems"),
    (
        "array in array",
        _set("properties/owners/items/properties/name/type", "array"),
        "$.properties.owners.items.properties.name.type",
    ),
    ("open items", _set("properties/owners/items/additionalProperties", True), "$.properties.owners.items.additionalProperties"),
    ("10,001 fields", _many_fields, "$.properties"),
    ("array of 320 fields", _wide_array, "$.properties"),
    ("properties no object", _set("properties", []), "$.properties"),
    ("property no object", _set("properties/no", 1), "$.properties.no"),
    ("view of unknown kind", lambda d: d["x-views"][0].update(kind="sum"), "$.x-views[0].kind"),
    ("view over no lookup", lambda d: d["x-views"][0].update(lookup="amount"), "$.x-views[0].lookup"),
    ("view with a stray parameter", lambda d: d["x-views"][0].update(parameter="p"), "$.x-views[0]"),
    ("threshold over a text", lambda d: d["x-views"][3].update(field="no"), "$.x-views[3].field"),
    ("threshold without aggregate", lambda d: d["x-views"][3].pop("aggregate"), "$.x-views[3]"),
    ("view name twice", lambda d: d["x-views"][1].update(name="any_row"), "$.x-views"),
    ("where of another type", lambda d: d["x-views"][1].update(where={"is_open": 1}), "$.x-views[1].where.is_open"),
    ("code of another department", _set("x-catalogue/catalog_code", "11411599MBDEM0066K/000001"), "$.x-catalogue.catalog_code"),
    ("serial zero", _set("x-catalogue/catalog_code", "12411599MBDEM00233/000000"), "$.x-catalogue.catalog_code"),
    ("provider's check digit", _set("x-catalogue/provider/uscc", "12411599MBDEM00234"), "$.x-catalogue.provider.uscc"),
    ("version zero", _set("x-catalogue/version", 0), "$.x-catalogue.version"),
    ("alias", _set("x-catalogue/alias", "gjj"), "$.x-catalogue.alias"),
    ("type 2 without scope", _drop("x-catalogue/share_scope"), "$.x-catalogue"),
    ("type 3 without reason", _set("x-catalogue/share_type", 3), "$.x-catalogue"),
    ("type 2 with reason", _set("x-catalogue/no_share_reason", "x"), "$.x-catalogue"),
    ("purpose", _set("x-catalogue/allowed_purposes", ["loan review"]), "$.x-catalogue.allowed_purposes[0]"),
    ("secret data", _set("x-catalogue/secret", "秘密"), "$.x-catalogue.secret"),
    ("personal data without assessment", _drop("x-catalogue/pia"), "$.x-catalogue.pia"),
    ("assessment without digest", _drop("x-catalogue/pia/digest"), "$.x-catalogue.pia.digest"),
    ("no consent", _drop("x-catalogue/head_consent"), "$.x-catalogue.head_consent"),
    ("share method", _set("x-catalogue/share_methods", ["邮件"]), "$.x-catalogue.share_methods[0]"),
    ("no mode", _set("x-catalogue/modes", []), "$.x-catalogue.modes"),
    ("grade", _set("x-catalogue/data_grade", "一般-9级"), "$.x-catalogue.data_grade"),
    ("unknown catalogue item", _set("x-catalogue/status", "已发布"), "$.x-catalogue.status"),
    ("key beyond U+D800", lambda d: d["x-views"][1].update(where={"\uff08": "x"}), "$.x-views[1].where"),
]


@pytest.mark.parametrize(("bend", "place"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_a_mistake_is_named_with_its_place(bend: Bend, place: str) -> None:
    document = copy.deepcopy(small_document())
    bend(document)
    with pytest.raises(InputError) as caught:
        load(document)
    assert caught.value.code == "schema-form"
    assert caught.value.fields["place"] == place


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "json-broken"),
        (b'{"a": 1, "a": 2}', "json-duplicate-key"),
        (b"[" * 100 + b"]" * 100, "json-too-deep"),
        (b'{"a": 1.10}', "json-not-exact"),
        (b'"' + b"a" * 1_048_577 + b'"', "too-large"),
        (b"[]", "schema-form"),
    ],
)
def test_what_is_no_schema_file(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        load_schema(data)
    assert caught.value.code == code


def test_share_type_3_names_its_basis() -> None:
    document = small_document()
    document["x-catalogue"] |= {"share_type": 3, "no_share_reason": "测试", "no_share_basis": "测试条例"}
    assert load(document).catalogue.no_share_basis == "测试条例"


def test_an_authorisation_is_required_only_where_the_file_says_so() -> None:
    document = small_document()
    assert not load(document).catalogue.requires_authorisation
    document["x-catalogue"]["requires_authorisation"] = True
    assert load(document).catalogue.requires_authorisation
