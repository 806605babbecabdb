"""Decisions: tables with hit policies, and named functions where a table cannot say it; evaluation with the rules that fitted.

Rules
1. Inputs are exactly those declared, typed; parameters come from the scenario and never from the caller.
2. UNIQUE: exactly one rule fits, several are ``hit-policy-violated``. FIRST: the first that fits. None: ``rule-without-match``.
3. COLLECT: the outputs of all that fit, in the order of the table; none gives an empty list, for there is nothing to collect.

Example: ``decide(decision, {"home_count": 0}, {}).document()["matched"][0]["rule"]``

Source: DMN 1.3 §8.2.8; design 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from xinlian.engine.cells import Cell
from xinlian.engine.expressions import Expression
from xinlian.engine.functions import Function
from xinlian.engine.parameters import Plain
from xinlian.engine.values import NUMBER, Kind, Value, checked
from xinlian.protocol.errors import ConflictError


class HitPolicy(StrEnum):
    """Which of the rules that fit count."""

    UNIQUE = "UNIQUE"
    FIRST = "FIRST"
    COLLECT = "COLLECT"


@dataclass(frozen=True, slots=True)
class Column:
    """An input column.

    Args:
        id: its id.
        label: for people.
        expression: over the declared names.
    """

    id: str
    label: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of a table.

    Args:
        id: its id.
        cells: one an input column.
        outputs: by name.
        annotations: by name.
    """

    id: str
    cells: tuple[Cell, ...]
    outputs: Mapping[str, Value]
    annotations: Mapping[str, str]

    def document(self) -> dict[str, object]:
        """The rule as a result shows it."""
        return {"rule": self.id, "outputs": dict(self.outputs), "annotations": dict(self.annotations)}


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table.

    Args:
        hit_policy: which rules count.
        columns: of inputs.
        outputs: names and kinds.
        rules: in order.
    """

    hit_policy: HitPolicy
    columns: tuple[Column, ...]
    outputs: Mapping[str, Kind]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision.

    Args:
        id: such as DT-A1.
        name: for people.
        inputs: declared names and kinds, without parameters.
        parameters: names and kinds of the parameters that it reads.
        logic: a table or a function.
    """

    id: str
    name: str
    inputs: Mapping[str, Kind]
    parameters: Mapping[str, Kind]
    logic: Table | Function

    @property
    def outputs(self) -> Mapping[str, Kind]:
        """Names and kinds of what it gives."""
        return self.logic.outputs


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a decision gave.

    Args:
        decision: its id.
        policy: the hit policy, or ``FUNCTION``.
        result: outputs by name; a list of these for COLLECT.
        matched: the rules that fitted.
    """

    decision: str
    policy: str
    result: Mapping[str, Value] | tuple[Mapping[str, Value], ...]
    matched: tuple[Rule, ...]

    def document(self) -> dict[str, object]:
        """The verdict as JSON types."""
        result = dict(self.result) if isinstance(self.result, Mapping) else [dict(row) for row in self.result]
        matched = [rule.document() for rule in self.matched]
        return {"decision": self.decision, "hit_policy": self.policy, "result": result, "matched": matched}


def decide(decision: Decision, inputs: Mapping[str, object], parameters: Mapping[str, Plain]) -> Verdict:
    """Evaluate a decision.

    Args:
        decision: which.
        inputs: by name, exactly those declared.
        parameters: of the scenario.

    Raises:
        InputError: ``field-missing``, ``field-unknown``, ``field-type`` or ``number-range``.
        ConflictError: ``rule-without-match`` or ``hit-policy-violated``.
    """
    given = checked(inputs, decision.inputs, decision.id)
    if isinstance(decision.logic, Function):
        return Verdict(decision.id, "FUNCTION", decision.logic.compute(given, parameters), ())
    named = {name: value for name, value in parameters.items() if name in decision.parameters and isinstance(value, str | int)}
    return _look_up(decision, decision.logic, {**given, **named})


def _look_up(decision: Decision, table: Table, values: Mapping[str, Value]) -> Verdict:
    row = [_of(column.expression, values) for column in table.columns]
    fitting = [rule for rule in table.rules if _fits(rule, row, values)]
    if table.hit_policy is HitPolicy.COLLECT:
        return Verdict(decision.id, table.hit_policy.value, tuple(rule.outputs for rule in fitting), tuple(fitting))
    if not fitting:
        raise ConflictError("rule-without-match", f"{decision.id}: no rule fits the inputs", decision=decision.id)
    if table.hit_policy is HitPolicy.UNIQUE and len(fitting) > 1:
        names = [rule.id for rule in fitting]
        message = f"{decision.id}: {', '.join(names)} fit together"
        raise ConflictError("hit-policy-violated", message, decision=decision.id, rules=names)
    return Verdict(decision.id, table.hit_policy.value, fitting[0].outputs, (fitting[0],))


def _of(expression: Expression, values: Mapping[str, Value]) -> Value:
    if expression.kind is NUMBER:
        return expression.number(values)
    return expression.plain(values)


def _fits(rule: Rule, row: list[Value], values: Mapping[str, Value]) -> bool:
    return all(cell.fits(value, values) for cell, value in zip(rule.cells, row, strict=True))
