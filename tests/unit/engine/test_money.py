"""Money: units do not mix (元 / 万元), and nothing is rounded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinlian.engine.money import fen_of_wan, fen_of_yuan, yuan_of_fen
from xinlian.protocol.errors import InputError
from xinlian.protocol.types import MAX_EXACT_INT


def test_the_fund_and_the_registry_mean_the_same_amount() -> None:
    assert fen_of_wan("50.0000") == fen_of_yuan("500000.00") == 50_000_000
    assert fen_of_wan("0.0001") == fen_of_yuan("1.00")
    assert yuan_of_fen(200_170) == "2001.70"


@pytest.mark.parametrize(
    "text", ["50.0000", "500000", "500000.0", "50", "-1.00", "1,000.00", "01.00", " 1.00", "1.00\n", "１.00", "1e5", ""]
)
def test_yuan_are_nothing_else(text: str) -> None:
    with pytest.raises(InputError) as caught:
        fen_of_yuan(text)
    assert caught.value.code == "field-type"


@pytest.mark.parametrize("text", ["500000.00", "50", "50.00", "50.00000", "-50.0000", ".5000"])
def test_wan_are_nothing_else(text: str) -> None:
    with pytest.raises(InputError) as caught:
        fen_of_wan(text)
    assert caught.value.code == "field-type"


def test_an_amount_beyond_the_exact_range_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        fen_of_wan("9999999999999999.0000")
    assert caught.value.code == "number-range"


@given(fen=st.integers(0, MAX_EXACT_INT))
def test_every_amount_comes_back(fen: int) -> None:
    assert fen_of_yuan(yuan_of_fen(fen)) == fen
    assert Decimal(yuan_of_fen(fen)) * 100 == fen
