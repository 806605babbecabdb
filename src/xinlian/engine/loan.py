"""The amount of a housing provident fund loan: the lowest of four limits, and the monthly payment, to the fen.

Rules
1. Inputs are whole fen and months; parameters decimals as text. Nothing here is a float: ``decimal`` with 60 digits, half up to
   the fen at the very end. Limits are cut, never rounded up.
2. Limits (四限取最低): cap (one person or couple), price less the down payment's share, balance times multiple times the
   coefficient of the time of paying in, and what the monthly base can repay (present value of the free part over the term).
3. The result is cut to whole ``rounding_yuan``; approved is the lower of it and what was applied for.
4. The term is what was applied for, shortened to the longest one and to the age at its end.
5. Units: the fund counts in yuan, the registry in 万元. A loan above the price, or an amount below 100 yuan, is
   refused as a wrong unit (``number-range``) instead of being computed.

Example: 500,000 yuan at 2.6 % over 360 months are 2,001.70 yuan a month.

Source: dossier 3.1.5 (DT-A3, config block, test vectors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Final

from xinlian.engine.parameters import Plain, decimal_of, ladder_of
from xinlian.engine.values import BOOLEAN, NUMBER, STRING, Kind, Value
from xinlian.protocol.errors import InputError
from xinlian.protocol.types import MAX_EXACT_INT

NAME: Final = "housing_fund_loan_amount/1"
INPUTS: Final[Mapping[str, Kind]] = {
    "base_sum_fen": NUMBER,
    "monthly_debt_fen": NUMBER,
    "balance_sum_fen": NUMBER,
    "continuous_months": NUMBER,
    "price_fen": NUMBER,
    "applied_fen": NUMBER,
    "applied_term_months": NUMBER,
    "age_months": NUMBER,
    "couple": BOOLEAN,
    "loan_class": STRING,
    "repay_mode": STRING,
}
PARAMETERS: Final = (
    "balance_multiple",
    "max_couple_yuan",
    "max_end_age_years",
    "max_single_yuan",
    "max_term_months",
    "min_down_first_percent",
    "min_down_second_percent",
    "rate_first_gt5y_percent",
    "rate_first_le5y_percent",
    "rate_second_gt5y_percent",
    "rate_second_le5y_percent",
    "repay_percent",
    "rounding_yuan",
    "time_coef",
)
OUTPUTS: Final[Mapping[str, Kind]] = {
    "limit_cap_fen": NUMBER,
    "limit_price_fen": NUMBER,
    "limit_balance_fen": NUMBER,
    "limit_repay_fen": NUMBER,
    "bound_by": STRING,
    "max_fen": NUMBER,
    "approved_fen": NUMBER,
    "approved_less": BOOLEAN,
    "term_months": NUMBER,
    "annual_rate_percent": STRING,
    "payment_fen": NUMBER,
}
_MODES: Final = ("01", "02")
_FIVE_YEARS_MONTHS: Final = 60
_SMALLEST_FEN: Final = 10_000
_FEN: Final = Decimal(100)
_EXACT: Final = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Terms:
    """The parameters, read: decimals by name, and the ladder of the time coefficient."""

    number: Mapping[str, Decimal]
    time_coef: tuple[tuple[int, Decimal], ...]


def read_terms(parameters: Mapping[str, Plain]) -> Terms:
    """The parameters of this function.

    Raises:
        InputError: ``scenario-file`` when one has another form.
    """
    number = {name: decimal_of(parameters, name) for name in PARAMETERS if name != "time_coef"}
    for name, value in number.items():
        if value <= 0:
            raise InputError("scenario-file", f"parameters.json: {name}: expected more than 0", parameter=name)
    return Terms(number, ladder_of(parameters, "time_coef"))


def compute(inputs: Mapping[str, Value], parameters: Mapping[str, Plain]) -> dict[str, Value]:
    """The amount and the payment.

    Args:
        inputs: as ``INPUTS``; ``loan_class`` first or second, ``repay_mode`` 01 (equal instalments) or 02 (equal principal).
        parameters: as ``PARAMETERS``.

    Returns:
        As ``OUTPUTS``. ``payment_fen`` is the first month's payment (with 01, every month's).

    Raises:
        InputError: ``number-range`` (a wrong unit, a negative number), ``field-type`` (class or mode unknown).
    """
    terms = read_terms(parameters)
    _check(inputs)
    with localcontext(_EXACT):
        months = _term_months(inputs, terms)
        rate = terms.number[f"rate_{inputs['loan_class']}_{'le5y' if months <= _FIVE_YEARS_MONTHS else 'gt5y'}_percent"]
        limits = _limits(inputs, terms, rate, months)
        unit = int(terms.number["rounding_yuan"] * _FEN)
        lowest = min(limits, key=lambda name: limits[name])
        most = limits[lowest] // unit * unit
        applied = int(inputs["applied_fen"])
        approved = min(most, applied)
        return {
            **{f"limit_{name}_fen": value for name, value in limits.items()},
            "bound_by": lowest if approved < applied else "applied",
            "max_fen": most,
            "approved_fen": approved,
            "approved_less": approved < applied,
            "term_months": months,
            "annual_rate_percent": str(rate),
            "payment_fen": payment_fen(approved, rate, months, str(inputs["repay_mode"])),
        }


def payment_fen(principal_fen: int, annual_rate_percent: Decimal, months: int, mode: str) -> int:
    """First month's payment of a loan.

    Args:
        principal_fen: of the loan, in fen.
        annual_rate_percent: such as 2.6.
        months: of the term; 0 gives 0.
        mode: 01 等额本息 P·i·(1+i)ⁿ/((1+i)ⁿ−1), 02 等额本金 P/n + P·i.
    """
    if months == 0 or principal_fen == 0:
        return 0
    with localcontext(_EXACT):
        monthly = annual_rate_percent / 1200
        principal = Decimal(principal_fen)
        if mode == "02":
            return _whole(principal / months + principal * monthly)
        growth = (1 + monthly) ** months
        return _whole(principal * monthly * growth / (growth - 1))


def _check(inputs: Mapping[str, Value]) -> None:
    for name, kind in INPUTS.items():
        if kind is NUMBER and int(inputs[name]) < 0:
            raise InputError("number-range", f"{NAME}: {name} is negative", field=name)
    for name, allowed in (("loan_class", ("first", "second")), ("repay_mode", _MODES)):
        if inputs[name] not in allowed:
            raise InputError("field-type", f"{NAME}: {name}: expected one of {', '.join(allowed)}", field=name)
    price, applied = int(inputs["price_fen"]), int(inputs["applied_fen"])
    if applied > price or applied < _SMALLEST_FEN:
        message = f"{NAME}: applied_fen must lie between {_SMALLEST_FEN} and price_fen; both are fen, not 元 or 万元"
        raise InputError("number-range", message, field="applied_fen")


def _term_months(inputs: Mapping[str, Value], terms: Terms) -> int:
    by_age = int(terms.number["max_end_age_years"] * 12) - int(inputs["age_months"])
    return max(0, min(int(inputs["applied_term_months"]), int(terms.number["max_term_months"]), by_age))


def _limits(inputs: Mapping[str, Value], terms: Terms, rate: Decimal, months: int) -> dict[str, int]:
    """The four limits in fen, cut to the fen, in the order cap, price, balance, repay."""
    number = terms.number
    cap = number["max_couple_yuan" if inputs["couple"] else "max_single_yuan"] * _FEN
    down = number[f"min_down_{inputs['loan_class']}_percent"]
    price = Decimal(int(inputs["price_fen"])) * (100 - down) / 100
    balance = int(inputs["balance_sum_fen"]) * number["balance_multiple"] * _coefficient(inputs, terms)
    free = int(inputs["base_sum_fen"]) * number["repay_percent"] / 100 - int(inputs["monthly_debt_fen"])
    repay = _present_value(max(free, Decimal(0)), rate, months)
    exact = {"cap": cap, "price": price, "balance": balance, "repay": repay}
    return {name: _cut(value, name) for name, value in exact.items()}


def _coefficient(inputs: Mapping[str, Value], terms: Terms) -> Decimal:
    months = int(inputs["continuous_months"])
    return next((value for start, value in reversed(terms.time_coef) if months >= start), Decimal(0))


def _present_value(monthly_fen: Decimal, rate: Decimal, months: int) -> Decimal:
    """PV = M·((1+i)ⁿ−1)/(i·(1+i)ⁿ)."""
    monthly = rate / 1200
    growth = (1 + monthly) ** months
    return monthly_fen * (growth - 1) / (monthly * growth)


def _cut(value: Decimal, name: str) -> int:
    whole = int(value.to_integral_value(ROUND_DOWN))
    if whole > MAX_EXACT_INT:
        raise InputError("number-range", f"{NAME}: the limit {name} leaves the exact range", field=name)
    return whole


def _whole(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))
