"""Cells of tables: the forms that FEEL and zen share, and the refusal of the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinlian.engine.cells import compile_cell, read_literal
from xinlian.engine.values import BOOLEAN, NUMBER, STRING, Kind, Value
from xinlian.protocol.errors import InputError
from xinlian.protocol.types import MAX_EXACT_INT

KINDS = {"low": NUMBER, "high": NUMBER, "word": STRING}
VALUES: dict[str, Value] = {"low": 3, "high": 7, "word": "w"}


@pytest.mark.parametrize(
    ("source", "kind", "fitting", "others"),
    [
        ("", NUMBER, (0, -1, 99), ()),
        (" - ", STRING, ("", "x"), ()),
        ("-", BOOLEAN, (True, False), ()),
        ("6", NUMBER, (6,), (5, -6)),
        ("-6", NUMBER, (-6,), (6,)),
        ("1, 3,5", NUMBER, (1, 3, 5), (2, 4)),
        ("< 6", NUMBER, (5, -9), (6, 7)),
        (">=6", NUMBER, (6, 7), (5,)),
        ("[1..3]", NUMBER, (1, 2, 3), (0, 4)),
        ("[ -3 .. -1 ], > 5", NUMBER, (-3, -1, 6), (0, 5, -4)),
        ("[low..high]", NUMBER, (3, 7), (2, 8)),
        ("< low, > high", NUMBER, (2, 8), (3, 7)),
        ('"a"', STRING, ("a",), ("b", "")),
        ('"a", "b,c"', STRING, ("a", "b,c"), ("b", "c")),
        ('"有效"', STRING, ("有效",), ("无效",)),
        ("true", BOOLEAN, (True,), (False,)),
        ("false", BOOLEAN, (False,), (True,)),
    ],
)
def test_a_cell_means_what_it_says(source: str, kind: Kind, fitting: tuple[Value, ...], others: tuple[Value, ...]) -> None:
    cell = compile_cell(source, kind, KINDS, "rule 'R1'")
    assert [cell.fits(value, VALUES) for value in (*fitting, *others)] == [True] * len(fitting) + [False] * len(others)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        *(
            (source, NUMBER)
            for source in (
                "]1..3[",
                "(1..3)",
                "[1..3)",
                "(1..3]",
                "[1..3",
                "1..3",
                "not(6)",
                "!= 6",
                "== 6",
                "= 6",
                "low",
                "word",
                "< word",
                "< other",
                "1.5",
                "1e3",
                "null",
                '"6"',
                "true",
                "> 3 and < 5",
                "$ > 3",
                "6,",
                ",6",
                "6 7",
                "< ",
                "9007199254740992",
                "12345678901234567",
                "< 9007199254740992",
                "[1..9007199254740992]",
                "- 6",
                "--6",
                "a" * 501,
                "1," * 300 + "1",
                "sum([1])",
                "< low + 1",
            )
        ),
        *(
            (source, STRING)
            for source in ("a", "'a'", 'not("a")', '!= "a"', '"a" "b"', '"a', '"a\\"', "6", "true", "null", "word", '"a",')
        ),
        *((source, BOOLEAN) for source in ("True", "1", "not(true)", '"true"', "null", "true,", "yes")),
    ],
)
def test_other_forms_are_refused_with_their_rule(source: str, kind: Kind) -> None:
    with pytest.raises(InputError) as caught:
        compile_cell(source, kind, KINDS, "rule 'R1', column 'x'")
    assert caught.value.code == "dmn-cell"
    assert "rule 'R1', column 'x'" in caught.value.message


@given(
    value=st.integers(-MAX_EXACT_INT, MAX_EXACT_INT),
    low=st.integers(-MAX_EXACT_INT, MAX_EXACT_INT),
    high=st.integers(-MAX_EXACT_INT, MAX_EXACT_INT),
)
def test_numbers_are_compared_exactly_up_to_2_to_the_53(value: int, low: int, high: int) -> None:
    for source, expected in (
        (f"[{low}..{high}]", low <= value <= high),
        (f"< {low}, > {high}", value < low or value > high),
        (f"{low}", value == low),
        (f">= {value}", True),
    ):
        assert compile_cell(source, NUMBER, {}, "here").fits(value, {}) is expected


@pytest.mark.parametrize(("source", "kind", "value"), [(' "a" ', STRING, "a"), ("-5", NUMBER, -5), ("false", BOOLEAN, False)])
def test_an_output_is_one_literal(source: str, kind: Kind, value: Value) -> None:
    assert read_literal(source, kind, "here") == value


@pytest.mark.parametrize(("source", "kind"), [("", STRING), ("-", NUMBER), ("a", STRING), ('"a","b"', STRING), ("1 + 1", NUMBER)])
def test_another_output_is_refused(source: str, kind: Kind) -> None:
    with pytest.raises(InputError) as caught:
        read_literal(source, kind, "here")
    assert caught.value.code == "dmn-cell"
