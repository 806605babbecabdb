"""The dossier's vectors for every code, python-stdnum as oracle, and no personal value in an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import stdnum.cn.ric
import stdnum.cn.uscc
import stdnum.iso7064.mod_37_36
from hypothesis import given
from hypothesis import strategies as st

from xinlian.protocol import codes
from xinlian.protocol.errors import InputError

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "codes" / "codes.json").read_text(encoding="utf-8"))
GOOD = [(kind, value) for kind, values in VECTORS["ok"].items() for value in values]
BAD = [(kind, bad["value"], bad["code"]) for kind, entries in VECTORS["bad"].items() for bad in entries]
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def accepts(kind: str, value: str) -> bool:
    try:
        codes.CHECKS[kind](value)
    except InputError:
        return False
    return True


def test_vectors_cover_every_check() -> None:
    assert set(VECTORS["ok"]) == set(VECTORS["bad"]) == set(codes.CHECKS)
    assert len(GOOD) == 55


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_good_vector_passes(kind: str, value: str) -> None:
    assert accepts(kind, value)


@pytest.mark.parametrize(("kind", "value", "code"), BAD)
def test_bad_vector_is_refused_without_repeating_it(kind: str, value: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        codes.CHECKS[kind](value)
    assert caught.value.code == code
    assert caught.value.fields["kind"] == kind
    if value:
        assert value not in caught.value.message
        assert value not in repr(caught.value.fields)


@pytest.mark.parametrize(("kind", "value"), [g for g in GOOD if g[0] in {"uscc", "id", "certificate"}])
def test_every_other_check_character_is_refused(kind: str, value: str) -> None:
    alphabet = {"uscc": USCC_ALPHABET, "id": "0123456789X", "certificate": ALNUM}[kind]
    passing = [c for c in alphabet if accepts(kind, value[:-1] + c)]
    assert passing == [value[-1]]


@given(st.text(USCC_ALPHABET, min_size=11, max_size=11), st.from_regex(r"[0-9]{6}", fullmatch=True))
def test_uscc_check_digit_equals_stdnum(letters: str, region: str) -> None:
    first17 = letters[:2] + region + letters[2:]
    assert codes.uscc_check_digit(first17) == stdnum.cn.uscc.calc_check_digit(first17)


@given(st.from_regex(r"[1-9][0-9]{16}", fullmatch=True))
def test_id_check_digit_equals_stdnum_and_the_standards_weights(first17: str) -> None:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(c) * w for c, w in zip(first17, weights, strict=True))
    assert codes.id_check_digit(first17) == "10X98765432"[total % 11]
    assert codes.id_check_digit(first17) == stdnum.cn.ric.calc_check_digit(first17 + "0")


@given(st.text(ALNUM, min_size=1, max_size=80))
def test_certificate_check_digit_equals_stdnum(body: str) -> None:
    assert codes.certificate_check_digit(body) == stdnum.iso7064.mod_37_36.calc_check_digit(body)


@given(st.dates())
def test_every_calendar_day_from_1900_passes_and_earlier_ones_do_not(day: Any) -> None:
    first17 = f"411599{day.year:04d}{day.month:02d}{day.day:02d}001"
    assert accepts("id", first17 + codes.id_check_digit(first17)) is (1900 <= day.year < 2100)


def test_inner_organisation_code_is_checked() -> None:
    first17 = "11411599MBDEM0012"  # the organisation code MBDEM001 needs check digit 5
    assert codes.organisation_check_digit("MBDEM001") == "5"
    assert codes.organisation_check_digit("00001333") == "8"
    assert codes.organisation_check_digit("MB032716") == "9"
    with pytest.raises(InputError) as caught:
        codes.check_uscc(first17 + codes.uscc_check_digit(first17))
    assert caught.value.code == "code-check-digit"
    assert "organisation code" in caught.value.message


def test_inner_check_is_left_out_where_gb_11714_cannot_apply() -> None:
    first17 = "92411599MADEM001A"
    assert accepts("uscc", first17 + codes.uscc_check_digit(first17))


def test_letters_of_registering_departments_pass() -> None:
    first17 = "N2411599MFDEM0017"
    first17 = first17[:16] + codes.organisation_check_digit(first17[8:16])
    assert accepts("uscc", first17 + codes.uscc_check_digit(first17))
