"""Rows against a schema: the fast check and the explanation say the same, every fault has its code, nothing personal leaks."""

from __future__ import annotations

import copy
import datetime as dt
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.datasets import load, small_document, small_row
from xinlian.protocol.dataset import compile_validator
from xinlian.protocol.dataset.faults import explain
from xinlian.protocol.jsontext import value_text
from xinlian.scenarios.catalogue import load_schemas
from xinlian.scenarios.synthetic.rows import make_rows

SCHEMA = load(small_document())
SMALL = compile_validator(SCHEMA)
_UNEXPLAINED = "the row does not fit the schema"


def _codes(row: Any) -> list[tuple[str, str]]:
    return [(fault.field, fault.code) for fault in SMALL.validate(row)]


def test_a_sound_row_has_no_fault() -> None:
    assert SMALL.validate(small_row()) == []


def test_fields_are_exact_json_texts_in_order_null_included() -> None:
    row = small_row() | {"no": 'a"\\/名', "months": 0, "is_open": False}
    assert SMALL.validate(row) == []
    assert SMALL.to_fields(row) == [
        ("no", '"a\\"\\\\/名"'),
        ("person", '"411599199001010014"'),
        ("amount", '"1234.50"'),
        ("balance", "null"),
        ("months", "0"),
        ("day", '"2026-02-28"'),
        ("moment", '"20261102T080000"'),
        ("state", '"01"'),
        ("is_open", "false"),
        ("owners.1.name", '"测试甲"'),
        ("owners.1.id_number", '"411599199001010014"'),
        ("owners.2.name", '"测试乙"'),
        ("owners.2.id_number", "null"),
        ("owners.3.name", "null"),
        ("owners.3.id_number", "null"),
    ]


def test_lookups_span_places_and_skip_null() -> None:
    assert SMALL.lookups(small_row()) == [
        ("no", "WQ000001"),
        ("person", "411599199001010014"),
        ("owners.id_number", "411599199001010014"),
    ]


def test_the_natural_key_is_exact_text() -> None:
    assert SMALL.key(small_row(7)) == ('"WQ000007"',)


FAULTS: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("empty text", {"no": ""}, [("no", "field-length")]),
    ("text too long", {"no": "x" * 21}, [("no", "field-length")]),
    ("length counts characters", {"no": "名" * 20}, []),
    ("line break", {"no": "a\n"}, [("no", "field-text")]),
    ("zero byte", {"no": "a\x00"}, [("no", "field-text")]),
    ("lone surrogate", {"no": "a\ud800"}, [("no", "field-text")]),
    ("number as text", {"no": 5}, [("no", "field-type")]),
    ("null not allowed", {"no": None}, [("no", "field-missing")]),
    ("check digit", {"person": "411599199001010015"}, [("person", "code-check-digit")]),
    ("form of a code", {"person": "41159919900101001"}, [("person", "code-form")]),
    ("decimal as integer", {"amount": 1234}, [("amount", "field-type")]),
    ("decimal as float", {"amount": 1234.5}, [("amount", "field-type")]),
    ("one place", {"amount": "1234.5"}, [("amount", "field-scale")]),
    ("three places", {"amount": "1234.500"}, [("amount", "field-scale")]),
    ("no places", {"amount": "1234"}, [("amount", "field-scale")]),
    ("leading zero", {"amount": "01234.50"}, [("amount", "field-scale")]),
    ("too many digits", {"amount": "1234567.00"}, [("amount", "field-scale")]),
    ("most digits", {"amount": "999999.99"}, []),
    ("negative, unsigned", {"amount": "-1.00"}, [("amount", "field-scale")]),
    ("thousands", {"amount": "1,234.50"}, [("amount", "field-scale")]),
    ("exponent", {"amount": "1.2E3"}, [("amount", "field-scale")]),
    ("other digits", {"amount": "１２.00"}, [("amount", "field-scale")]),
    ("trailing line break", {"amount": "1234.50\n"}, [("amount", "field-scale")]),
    ("negative, signed", {"balance": "-0.001"}, []),
    ("minus zero", {"balance": "-0.000"}, [("balance", "field-scale")]),
    ("zero", {"balance": "0.000"}, []),
    ("integer as 1.0", {"months": 1.0}, [("months", "field-type")]),
    ("integer as text", {"months": "1"}, [("months", "field-type")]),
    ("integer as true", {"months": True}, [("months", "field-type")]),
    ("integer below", {"months": -1}, [("months", "field-range")]),
    ("integer above", {"months": 10_000}, [("months", "field-range")]),
    ("integer far above", {"months": 10**40}, [("months", "field-range")]),
    ("no such day", {"day": "2026-02-29"}, [("day", "field-date")]),
    ("leap day", {"day": "2028-02-29"}, []),
    ("day with slashes", {"day": "2026/02/28"}, [("day", "field-date")]),
    ("week date", {"day": "2026-W01-1"}, [("day", "field-date")]),
    ("year 0999", {"day": "0999-01-01"}, [("day", "field-date")]),
    ("no such moment", {"moment": "20260229T080000"}, [("moment", "field-date")]),
    ("leap second", {"moment": "20261231T235960"}, [("moment", "field-date")]),
    ("moment as day", {"moment": "20261102"}, [("moment", "field-date")]),
    ("label instead of code", {"state": "正常"}, [("state", "field-enum")]),
    ("logical as text", {"is_open": "true"}, [("is_open", "field-type")]),
    ("logical as 1", {"is_open": 1}, [("is_open", "field-type")]),
    ("object as value", {"no": {"a": 1}}, [("no", "field-type")]),
    ("unknown field", {"extra": 1}, [("extra", "field-unknown")]),
    ("no items", {"owners": []}, [("owners", "array-length")]),
    ("too many items", {"owners": [{"name": "x", "id_number": None}] * 4}, [("owners", "array-length")]),
    ("items no list", {"owners": {}}, [("owners", "field-type")]),
    ("items null", {"owners": None}, [("owners", "field-type")]),
    ("item no object", {"owners": ["x"]}, [("owners.1", "field-type")]),
    ("item incomplete", {"owners": [{"name": "x"}]}, [("owners.1.id_number", "field-missing")]),
    ("item null", {"owners": [{"name": None, "id_number": None}]}, [("owners.1.name", "field-missing")]),
    (
        "second item null",
        {"owners": [{"name": "x", "id_number": None}, {"name": None, "id_number": None}]},
        [("owners.2.name", "field-missing")],
    ),
    (
        "item with check digit",
        {"owners": [{"name": "x", "id_number": "411599199001010015"}]},
        [("owners.1.id_number", "code-check-digit")],
    ),
    ("item with stray field", {"owners": [{"name": "x", "id_number": None, "share": 1}]}, [("owners.1.share", "field-unknown")]),
]


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_every_fault_has_field_and_code(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert _codes(small_row() | change) == expected


def test_all_faults_are_named_not_only_the_first() -> None:
    row = small_row() | {"amount": "x", "months": -1, "state": "9"}
    del row["day"]
    assert [field for field, _ in _codes(row)] == ["amount", "months", "day", "state"]


@pytest.mark.parametrize("row", [None, [], "x", 5, [{"no": 1}]])
def test_a_row_is_an_object(row: object) -> None:
    assert _codes(row) == [("", "row-shape")]


def test_a_row_with_10001_fields_is_one_fault() -> None:
    row = {f"f{number}": "411599199001010014" for number in range(10_001)}
    assert _codes(row) == [("", "row-too-many-fields")]
    assert _codes(small_row() | {"owners": [row]}) == [("owners.1", "row-too-many-fields")]


def test_deep_nesting_is_a_fault_not_a_crash() -> None:
    deep: object = "x"
    for _ in range(100_000):
        deep = [deep]
    assert _codes(small_row() | {"no": deep}) == [("no", "field-type")]
    assert _codes(small_row() | {"owners": deep}) != []
    while isinstance(deep, list):  # taken apart by hand: a garbage collector may recurse
        deep = deep.pop()


def test_keys_that_are_no_text_are_a_fault() -> None:
    assert _codes(small_row() | {1: 2}) == [("1", "field-unknown")]


PERSONAL = ("person", "amount", "balance", "day", "is_open")
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=30),
    st.from_regex(r"-?[0-9]{1,8}\.[0-9]{1,4}", fullmatch=True),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True),
    st.from_regex(r"20[0-9]{6}T[0-9]{6}", fullmatch=True),
    st.sampled_from(["01", "02", "411599199001010014", "411599199102020027", "0.00", "-0.000", "1.000", "12.50", "a\n"]),
    st.dates().map(str),
    st.lists(st.fixed_dictionaries({"name": st.text(max_size=3), "id_number": st.none() | st.text(max_size=3)}), max_size=4),
)


@given(field=st.sampled_from(list(small_row())), value=values)
def test_fast_check_and_explanation_agree(field: str, value: object) -> None:
    row = small_row() | {field: value}
    named = explain(SCHEMA, copy.deepcopy(row))
    if SMALL.validate(row):
        assert [fault.what for fault in named] != [_UNEXPLAINED]
    else:
        assert [fault.what for fault in named] == [_UNEXPLAINED]


@given(field=st.sampled_from(PERSONAL), value=st.text(min_size=6, max_size=30) | st.integers(min_value=10**6))
def test_faults_never_hold_a_personal_value(field: str, value: object) -> None:
    for fault in SMALL.validate(small_row() | {field: value}):
        assert str(value) not in f"{fault.what} {fault.expected} {fault.field}"


@given(name=st.from_regex(r"[0-9]{17}[0-9X]|测试.{1,3}", fullmatch=True))
def test_unknown_names_are_not_echoed_when_they_look_like_data(name: str) -> None:
    (fault,) = SMALL.validate(small_row() | {name: 1})
    assert name not in f"{fault.field} {fault.what}"


@given(st.data())
def test_fields_are_the_values_again(data: st.DataObject) -> None:
    row = small_row() | {
        "no": data.draw(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)),
        "amount": f"{data.draw(st.integers(0, 999_999))}.{data.draw(st.integers(0, 99)):02d}",
        "months": data.draw(st.integers(0, 9999)),
        "is_open": data.draw(st.booleans()),
        "day": data.draw(st.none() | st.dates(min_value=dt.date(1000, 1, 1)).map(str).filter(lambda d: d < "3")),
    }
    assert SMALL.validate(row) == []
    for name, text in SMALL.to_fields(row):
        if "." not in name:
            assert text == value_text(row[name]), "the one exact text that the encoder of records uses"
            assert json.loads(text) == row[name]
            assert type(json.loads(text)) is type(row[name])


# -- and back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("alias", sorted(load_schemas("new-home-loan")))
def test_a_row_taken_back_gives_the_same_texts_lookups_and_key(alias: str) -> None:
    compiled = compile_validator(load_schemas("new-home-loan")[alias])
    rows = make_rows(random.Random(11), 40)[alias]
    assert rows
    for row in rows:
        texts = compiled.to_fields(row)
        back = compiled.to_row([text for _, text in texts])
        assert compiled.to_fields(back) == texts
        assert compiled.lookups(back) == compiled.lookups(row)
        assert compiled.key(back) == compiled.key(row)
        assert compiled.validate(back) == []
