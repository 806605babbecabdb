"""Derived views: what each kind says over no, one and several records, and which parameters it takes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.datasets import load, small_document, small_row
from xinlian.protocol.dataset import check_parameters, evaluate_view, view_fields
from xinlian.protocol.errors import InputError

SCHEMA = load(small_document())
A = small_row(1)
B = small_row(2) | {"state": "02", "amount": "0.10", "is_open": False}
C = small_row(1) | {"amount": "0.20"}


def _answer(name: str, records: list[dict[str, Any]], **parameters: object) -> bool | int:
    return evaluate_view(SCHEMA, SCHEMA.view(name), records, parameters)


def test_exists_and_none() -> None:
    assert _answer("any_row", []) is False
    assert _answer("any_row", [B]) is True
    assert _answer("no_row", []) is True
    assert _answer("no_row", [B]) is True, "where leaves only state 01"
    assert _answer("no_row", [A, B]) is False


def test_count_is_of_different_values() -> None:
    assert _answer("rows", []) == 0
    assert _answer("rows", [A, B, C]) == 2


def test_count_without_distinct_counts_records_and_null_is_no_value() -> None:
    document = small_document()
    del document["x-views"][2]["distinct"]
    schema = load(document)
    assert evaluate_view(schema, schema.view("rows"), [A, B, C], {}) == 3
    document["x-views"][2]["distinct"] = "day"
    schema = load(document)
    assert evaluate_view(schema, schema.view("rows"), [A, B | {"day": None}], {}) == 1


@pytest.mark.parametrize(
    ("aggregate", "required", "expected"),
    [
        ("sum", "1234.70", True),
        ("sum", "1234.71", False),
        ("max", "1234.50", True),
        ("min", "0.20", True),
        ("min", "0.21", False),
    ],
)
def test_threshold_compares_exactly(aggregate: str, required: str, expected: bool) -> None:
    document = small_document()
    document["x-views"][3]["aggregate"] = aggregate
    schema = load(document)
    assert evaluate_view(schema, schema.view("enough"), [A, B, C], {"required": required}) is expected


def test_threshold_without_a_value_is_false() -> None:
    assert _answer("enough", [B], required="0.00") is False


def test_equals_needs_one_record() -> None:
    assert _answer("same_state", [A, B], state="02") is True
    assert _answer("same_state", [A], state="02") is False
    assert _answer("same_state", [], state="02") is False


@pytest.mark.parametrize(
    ("view", "parameters"),
    [
        ("any_row", {"required": "1.00"}),
        ("enough", {}),
        ("enough", {"required": "1"}),
        ("enough", {"required": 1.0}),
        ("enough", {"required": None}),
        ("enough", {"required": "1.00", "more": 1}),
        ("same_state", {"state": "99"}),
    ],
)
def test_wrong_parameters_are_refused(view: str, parameters: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        check_parameters(SCHEMA, SCHEMA.view(view), parameters)
    assert caught.value.code == "view-parameter"


def test_view_fields() -> None:
    assert view_fields(SCHEMA.view("enough")) == ("is_open", "amount")
    assert view_fields(SCHEMA.view("any_row")) == ()
