"""The decision tables of scenario A against the dossier's rules and vectors (3.1.5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.scenario_a import amount_inputs, eligible_inputs, scenario_a
from xinlian.engine.decisions import Table
from xinlian.protocol.errors import ConflictError, InputError

# (name, inputs that differ from case A, limits cap/price/balance/repay, max, approved, payment), all in fen
VECTORS = [
    ("A", {}, (80_000_000, 57_600_000, 90_000_000, 137_383_323), 57_600_000, 50_000_000, 200_170),
    (
        "C",
        {"base_sum_fen": 600_000, "balance_sum_fen": 900_000, "continuous_months": 8, "price_fen": 50_000_000,
         "applied_fen": 30_000_000, "couple": False},
        (50_000_000, 40_000_000, 6_750_000, 74_936_358), 6_700_000, 6_700_000, 26_823,
    ),
    (
        "E",
        {"base_sum_fen": 400_000, "monthly_debt_fen": 100_000, "balance_sum_fen": 6_000_000, "continuous_months": 70,
         "price_fen": 45_000_000, "applied_fen": 30_000_000, "couple": False},
        (50_000_000, 36_000_000, 135_000_000, 24_978_786), 24_900_000, 24_900_000, 99_685,
    ),
]  # fmt: skip
RULES = [
    ({"continuous_months": 5}, "R01", "reject"),  # case B
    ({"account_status": "02"}, "R02", "reject"),
    ({"account_status": ""}, "R02", "reject"),
    ({"withdrawal_in_process": True}, "R03", "hold"),
    ({"outstanding": True}, "R04", "reject"),
    ({"loan_count_used": 2}, "R05", "reject"),
    ({"home_count": 2}, "R06", "reject"),  # case D
    ({"contract_filed": False}, "R07a", "reject"),
    ({"filing_status": "注销"}, "R07b", "reject"),
    ({"buyers_match": False}, "R07c", "supplement"),
    ({"presale_valid": False}, "R08", "reject"),
    ({"down_confirmed": False}, "R09a", "supplement"),
    ({"down_payment_fen": 14_399_999}, "R09b", "supplement"),
    ({"loan_class": "second", "down_payment_fen": 21_599_999}, "R09c", "supplement"),
    ({"age_months": 68 * 12}, "R10", "reject"),  # case H: born 1958
    ({"age_months": 64 * 12 + 1}, "R10", "reject"),
    ({"credit_conclusion": "不通过"}, "R11a", "reject"),
    ({"credit_conclusion": "需人工"}, "R11b", "hold"),
    ({"credit_conclusion": "没有"}, "R11b", "hold"),
    ({"identity_match": False}, "R12a", "supplement"),
    ({"marriage_match": False}, "R12b", "supplement"),
    ({"applied_fen": 50_000_001}, "R13", "reject"),
]
PASSING: list[dict[str, object]] = [
    {},
    {"continuous_months": 6},
    {"down_payment_fen": 14_400_000},
    {"loan_class": "second", "down_payment_fen": 21_600_000},
    {"age_months": 64 * 12},
    {"house_form": "1", "presale_valid": False},
    {"home_count": 1, "loan_count_used": 1},
]


def amount(**changed: object) -> dict[str, Any]:
    result = scenario_a().decide("DT-A3", amount_inputs(**changed)).document()["result"]
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize(("name", "changed", "limits", "most", "approved", "payment"), VECTORS, ids=lambda value: str(value)[:1])
def test_the_amount_is_that_of_the_dossier(
    name: str, changed: dict[str, object], limits: tuple[int, ...], most: int, approved: int, payment: int
) -> None:
    found = amount(**changed)
    assert tuple(found[f"limit_{limit}_fen"] for limit in ("cap", "price", "balance", "repay")) == limits, name
    assert (found["max_fen"], found["approved_fen"], found["payment_fen"]) == (most, approved, payment)
    assert found["approved_less"] is (approved < amount_inputs(**changed)["applied_fen"])  # type: ignore[operator]


@pytest.mark.parametrize(("changed", "rule", "outcome"), RULES)
def test_each_rule_of_eligibility_alone_gives_its_outcome(changed: dict[str, object], rule: str, outcome: str) -> None:
    verdict = scenario_a().decide("DT-A1", eligible_inputs(**changed))
    assert [(one.id, one.outputs["outcome"], one.outputs["reason_code"]) for one in verdict.matched] == [
        (rule, outcome, rule[:3])
    ]


@pytest.mark.parametrize("changed", PASSING)
def test_no_rule_objects_at_its_boundary(changed: dict[str, object]) -> None:
    verdict = scenario_a().decide("DT-A1", eligible_inputs(**changed))
    assert verdict.document()["result"] == []


def test_every_rule_of_eligibility_has_a_case() -> None:
    logic = scenario_a().decisions["DT-A1"].logic
    assert isinstance(logic, Table)
    assert {rule.id for rule in logic.rules} == {rule for _, rule, _ in RULES}


def test_all_reasons_are_collected() -> None:
    verdict = scenario_a().decide("DT-A1", eligible_inputs(continuous_months=5, home_count=2, identity_match=False))
    assert [rule.id for rule in verdict.matched] == ["R01", "R06", "R12a"]


@pytest.mark.parametrize(
    ("homes", "used", "outstanding", "rule", "loan_class"),
    [
        (0, 0, False, "C1", "first"),
        (0, 1, False, "C2", "second"),
        (1, 0, False, "C3", "second"),
        (1, 1, False, "C3", "second"),
        (0, 1, True, "C4", "refuse"),
        (1, 2, False, "C5", "refuse"),
        (0, 2, True, "C5", "refuse"),
        (2, 0, False, "C6", "refuse"),
        (7, 9, True, "C6", "refuse"),
    ],
)
def test_the_class_of_a_loan(homes: int, used: int, outstanding: bool, rule: str, loan_class: str) -> None:
    inputs = {"home_count": homes, "loan_count_used": used, "outstanding": outstanding}
    verdict = scenario_a().decide("DT-A2", inputs)
    assert isinstance(verdict.result, dict)
    assert ([one.id for one in verdict.matched], verdict.result["loan_class"]) == ([rule], loan_class)


def test_a_negative_count_of_homes_fits_no_rule() -> None:
    with pytest.raises(ConflictError) as caught:
        scenario_a().decide("DT-A2", {"home_count": -1, "loan_count_used": 0, "outstanding": False})
    assert caught.value.code == "rule-without-match"


def test_the_class_is_unique_for_every_combination() -> None:
    for homes in range(5):
        for used in range(5):
            for outstanding in (False, True):
                scenario_a().decide("DT-A2", {"home_count": homes, "loan_count_used": used, "outstanding": outstanding})


@pytest.mark.parametrize(
    "wrong",
    [
        {"applied_fen": 500_000_00 * 10_000},  # 50 万元 taken for 50 万 × 1 万
        {"applied_fen": 50},  # 万元 where fen belong
        {"price_fen": 720_000, "applied_fen": 50_000_000},  # the price in 元, the loan in fen
    ],
)
def test_an_amount_in_a_wrong_unit_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        amount(**wrong)
    assert caught.value.code == "number-range"


@pytest.mark.parametrize("value", [500000.0, "500000", 500000.5, None, True])
def test_money_is_whole_fen_and_nothing_else(value: object) -> None:
    with pytest.raises(InputError) as caught:
        amount(applied_fen=value)
    assert caught.value.code == "field-type"


def test_the_term_is_shortened_to_the_age_at_its_end() -> None:
    assert amount(age_months=55 * 12)["term_months"] == 120
    assert amount(age_months=62 * 12)["annual_rate_percent"] == "2.10"
    assert amount(applied_term_months=400)["term_months"] == 360
    too_old = amount(age_months=66 * 12)
    assert (too_old["term_months"], too_old["approved_fen"], too_old["payment_fen"]) == (0, 0, 0)


def test_equal_principal_begins_with_the_highest_payment() -> None:
    # 500000/360 + 500000 × 0.026/12 = 1388.888… + 1083.333… = 2472.222…
    assert amount(repay_mode="02")["payment_fen"] == 247_222


def test_a_second_loan_needs_more_own_money_and_costs_more() -> None:
    second = amount(loan_class="second")
    assert (second["limit_price_fen"], second["annual_rate_percent"]) == (50_400_000, "3.075")


@pytest.mark.parametrize(("months", "limit_fen"), [(5, 0), (6, 37_500_000), (11, 37_500_000), (12, 60_000_000), (23, 60_000_000),
    (24, 75_000_000), (35, 75_000_000), (36, 90_000_000), (59, 90_000_000), (60, 112_500_000), (400, 112_500_000)])  # fmt: skip
def test_the_time_of_paying_in_counts_by_its_ladder(months: int, limit_fen: int) -> None:
    assert amount(continuous_months=months)["limit_balance_fen"] == limit_fen


def test_debts_above_the_base_leave_nothing() -> None:
    found = amount(monthly_debt_fen=600_000)
    assert (found["limit_repay_fen"], found["approved_fen"], found["bound_by"]) == (0, 0, "repay")
