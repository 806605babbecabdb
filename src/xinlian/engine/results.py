"""How the verdict of a decision becomes the outcome of its rule task, and the check that a recorded outcome is that one.

Rules
1. UNIQUE, FIRST and functions: a variable is one output. COLLECT: the first value of ``worst_of`` that some rule gave; ``none``
   when no rule fitted. A value that the list does not hold is refused when the scenario is loaded.
2. Only outcome variables enter the state, so a participant replays a case without the inputs; who holds the inputs checks them.

Example: ``outcome_of(step, verdict) == {"eligibility": "eligible"}``
"""

from __future__ import annotations

from collections.abc import Mapping

from xinlian.engine import steps
from xinlian.engine.decisions import Decision, HitPolicy, Table, Verdict
from xinlian.engine.process import NodeKind, Process
from xinlian.engine.reading import wrong
from xinlian.engine.values import Value
from xinlian.protocol.errors import ConflictError


def outcome_of(step: steps.Step, verdict: Verdict) -> dict[str, Value]:
    """The outcome variables of a rule task."""
    return {name: _value(mapped, verdict) for name, mapped in step.result.items()}


def check_recorded(task: str, step: steps.Step, verdict: Verdict, recorded: Mapping[str, Value]) -> None:
    """Hold a recorded outcome to what the decision gives.

    Raises:
        ConflictError: ``decision-differs``.
    """
    if outcome_of(step, verdict) != dict(recorded):
        message = f"{task}: the recorded outcome is not what {step.decision} gives for these inputs"
        raise ConflictError("decision-differs", message, task=task, decision=step.decision)


def check_result(name: str, step: steps.Step, process: Process, decisions: Mapping[str, Decision]) -> None:
    """Check that a step and its decision fit together.

    Raises:
        InputError: ``scenario-file``.
    """
    where = f"steps.{name}"
    is_rule = process.nodes[name].kind is NodeKind.RULE_TASK
    if is_rule != bool(step.decision):
        raise wrong(steps.FILE, f"{where}.decision", "a decision for a business-rule task, and none for another")
    if not is_rule:
        return
    if step.decision not in decisions:
        raise wrong(steps.FILE, f"{where}.decision", f"one of {', '.join(decisions) or 'no decisions'}")
    for variable, mapped in step.result.items():
        _check_mapped(f"{where}.result.{variable}", mapped, variable, process, decisions[step.decision])


def _check_mapped(where: str, mapped: steps.Mapped, variable: str, process: Process, decision: Decision) -> None:
    declared = process.variables[variable]
    if decision.outputs.get(mapped.output) is not declared.kind:
        raise wrong(steps.FILE, where, f"an output of {decision.id} of the type {declared.kind}")
    collects = isinstance(decision.logic, Table) and decision.logic.hit_policy is HitPolicy.COLLECT
    if collects != bool(mapped.worst_of):
        raise wrong(steps.FILE, where, "worst_of and none for a COLLECT table, and neither elsewhere")
    if isinstance(decision.logic, Table):
        _check_values(where, mapped, {rule.outputs[mapped.output] for rule in decision.logic.rules}, declared.values)


def _check_values(where: str, mapped: steps.Mapped, given: set[Value], allowed: tuple[Value, ...]) -> None:
    if mapped.worst_of:
        unranked = sorted(str(value) for value in given if value not in mapped.worst_of)
        if unranked:
            raise wrong(steps.FILE, f"{where}.worst_of", f"also {unranked[0][:64]!r}, which the table gives")
        given = {*mapped.worst_of, mapped.none}
    more = sorted(str(value) for value in given if allowed and value not in allowed)
    if more:
        raise wrong(steps.FILE, where, f"values that the variable allows, not {more[0][:64]!r}")


def _value(mapped: steps.Mapped, verdict: Verdict) -> Value:
    if isinstance(verdict.result, Mapping):
        return verdict.result[mapped.output]
    given = {row[mapped.output] for row in verdict.result}
    return next((value for value in mapped.worst_of if value in given), mapped.none)
