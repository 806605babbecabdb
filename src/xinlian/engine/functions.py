"""Functions that a decision may name where a table cannot say it: exact, of named parameters, without floats.

Rules
1. A function declares its inputs, the parameters it reads and its outputs; a decision file that declares other inputs is refused.
2. Functions are only added; a changed one gets a new version in its name, so that an old case computes as it did.

Example: ``FUNCTIONS["housing_fund_loan_amount/1"].compute(inputs, parameters)["approved_fen"]``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from xinlian.engine import loan
from xinlian.engine.parameters import Plain
from xinlian.engine.values import Kind, Value


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Args:
        name: with version.
        inputs: names and kinds.
        parameters: names of those it reads.
        outputs: names and kinds.
        compute: from checked inputs and parameters to outputs; pure.
        check: refuses parameters of another form (``scenario-file``).
    """

    name: str
    inputs: Mapping[str, Kind]
    parameters: tuple[str, ...]
    outputs: Mapping[str, Kind]
    compute: Callable[[Mapping[str, Value], Mapping[str, Plain]], dict[str, Value]]
    check: Callable[[Mapping[str, Plain]], object]


FUNCTIONS: Final[Mapping[str, Function]] = {
    loan.NAME: Function(loan.NAME, loan.INPUTS, loan.PARAMETERS, loan.OUTPUTS, loan.compute, loan.read_terms),
}
"""By name."""
