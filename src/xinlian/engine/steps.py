"""scenario.json: who takes part, the variables, and the table of steps that the authority registers.

Rules
1. A step belongs to one task of the process (same id) and names the role that decides it, whether it is mandatory, its clock with
   the working days promised and the statutory limit in words, whether silence counts as consent, and the special procedures
   allowed with the most working days of each.
2. Silence counts only where there is a clock; what the silent department is taken to have decided stands in ``silence_outcome``.
3. A rule task names its decision and how outputs become variables: ``{"variable": {"output": "class"}}``, and for COLLECT
   ``{"output": "result", "worst_of": ["reject", "hold"], "none": "eligible"}``: the first of the list that some rule gave.

Example: ``read_definition(data).steps["A6c"].distinct_from == ("A6a", "A6b")``

Source: design 5 (ScenarioRegistry), 9; issue 3 of 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from xinlian.engine.process import Variable
from xinlian.engine.reading import a_bool, a_count, a_list, a_text, an_object, document, texts, wrong
from xinlian.engine.values import NAME, Kind, Value, is_of

FILE: Final = "scenario.json"
FORMAT: Final = "xinlian-scenario/1"
MAX_WD: Final = 250
_MEMBERS: Final = ("id", "title", "lead", "roles", "variables", "steps", "timers", "ends", "no_withdrawal_after")
_STEP: Final = ("role", "mandatory", "due", "silence_is_consent", "pauses", "outcome")
_STEP_OPTIONAL: Final = ("silence_outcome", "decision", "result", "distinct_from", "chain_event", "after_closing")


@dataclass(frozen=True, slots=True)
class Due:
    """A clock of a step or timer.

    Args:
        clock: id of the clock.
        length_wd: working days, 1..250.
        statutory: the law's limit in words; empty when there is none.
    """

    clock: str
    length_wd: int
    statutory: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """How a variable comes from a decision.

    Args:
        output: name of the output.
        worst_of: COLLECT only: values, the worst first.
        none: COLLECT only: value when no rule fitted.
    """

    output: str
    worst_of: tuple[str, ...] = ()
    none: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the step table.

    Args:
        role: id of the department role that decides.
        mandatory: whether the case may not be approved without it.
        due: its clock; None without.
        silence_is_consent: whether silence counts.
        pauses: kind of special procedure → most working days.
        outcome: variables that completing it sets.
        silence_outcome: what silence means.
        decision: rule tasks: id of the decision; empty otherwise.
        result: rule tasks: variable → where it comes from.
        distinct_from: steps that another person must have done.
        chain_event: name of the chain event.
        after_closing: whether it may wait when the case is closed.
    """

    role: str
    mandatory: bool
    due: Due | None
    silence_is_consent: bool
    pauses: Mapping[str, int]
    outcome: tuple[str, ...]
    silence_outcome: Mapping[str, Value]
    decision: str
    result: Mapping[str, Mapped]
    distinct_from: tuple[str, ...]
    chain_event: str
    after_closing: bool


@dataclass(frozen=True, slots=True)
class End:
    """What reaching an end event means.

    Args:
        status: national status code 1..15 of the case; 0 for the end of a side path.
        title: for people.
    """

    status: int
    title: str


@dataclass(frozen=True, slots=True)
class Definition:
    """The content of scenario.json.

    Args:
        id: of the scenario.
        title: for people.
        lead: role of the lead department.
        roles: role → title and USCC (empty for a person).
        variables: of the process.
        steps: by task id.
        timers: timer id → its clock.
        ends: by end event id.
        no_withdrawal_after: tasks after which the application cannot be withdrawn.
    """

    id: str
    title: str
    lead: str
    roles: Mapping[str, tuple[str, str]]
    variables: Mapping[str, Variable]
    steps: Mapping[str, Step]
    timers: Mapping[str, Due]
    ends: Mapping[str, End]
    no_withdrawal_after: tuple[str, ...]


def read_definition(data: bytes) -> Definition:
    """Read scenario.json.

    Raises:
        InputError: ``scenario-file`` or a code of ``protocol.jsontext``.
    """
    root = document(data, FORMAT, _MEMBERS, FILE)
    variables = {name: _variable(name, one) for name, one in _object(root, "variables").items()}
    return Definition(
        id=a_text(root["id"], FILE, "id"),
        title=a_text(root["title"], FILE, "title"),
        lead=a_text(root["lead"], FILE, "lead"),
        roles={name: _role(name, one) for name, one in _object(root, "roles").items()},
        variables=variables,
        steps={name: _step(one, f"steps.{name}", variables) for name, one in _object(root, "steps").items()},
        timers={name: _due(one, f"timers.{name}") for name, one in _object(root, "timers").items()},
        ends={name: _end(one, f"ends.{name}") for name, one in _object(root, "ends").items()},
        no_withdrawal_after=texts(root["no_withdrawal_after"], FILE, "no_withdrawal_after"),
    )


def _object(root: Mapping[str, Any], name: str) -> dict[str, Any]:
    return an_object(root[name], FILE, name)


def _role(name: str, value: object) -> tuple[str, str]:
    members = an_object(value, FILE, f"roles.{name}", ("title", "uscc"))
    return a_text(members["title"], FILE, f"roles.{name}.title"), a_text(members["uscc"], FILE, f"roles.{name}.uscc", empty=True)


def _variable(name: str, value: object) -> Variable:
    where = f"variables.{name[:64]}"
    members = an_object(value, FILE, where, ("type", "first", "label"), ("values",))
    if not NAME.fullmatch(name) or members["type"] not in list(Kind):
        raise wrong(FILE, where, "an ASCII name and a type: number, string or boolean")
    kind, first = Kind(members["type"]), members["first"]
    allowed = tuple(a_list(members.get("values", []), FILE, f"{where}.values"))
    if not all(is_of(one, kind) for one in (first, *allowed)):
        raise wrong(FILE, where, f"values of the type {kind}")
    return Variable(kind, first, allowed, a_text(members["label"], FILE, f"{where}.label"))


def _step(value: object, where: str, variables: Mapping[str, Variable]) -> Step:
    members = an_object(value, FILE, where, _STEP, _STEP_OPTIONAL)
    outcome = texts(members["outcome"], FILE, f"{where}.outcome")
    for name in outcome:
        if name not in variables:
            raise wrong(FILE, f"{where}.outcome", f"declared variables, not {name[:64]!r}")
    step = Step(
        role=a_text(members["role"], FILE, f"{where}.role"),
        mandatory=a_bool(members["mandatory"], FILE, f"{where}.mandatory"),
        due=None if members["due"] is None else _due(members["due"], f"{where}.due"),
        silence_is_consent=a_bool(members["silence_is_consent"], FILE, f"{where}.silence_is_consent"),
        pauses=_pauses(members["pauses"], f"{where}.pauses"),
        outcome=outcome,
        silence_outcome=an_object(members.get("silence_outcome", {}), FILE, f"{where}.silence_outcome"),
        decision=a_text(members.get("decision", ""), FILE, f"{where}.decision", empty=True),
        result=_result(members.get("result", {}), f"{where}.result"),
        distinct_from=texts(members.get("distinct_from", []), FILE, f"{where}.distinct_from"),
        chain_event=a_text(members.get("chain_event", ""), FILE, f"{where}.chain_event", empty=True),
        after_closing=a_bool(members.get("after_closing", False), FILE, f"{where}.after_closing"),
    )
    _check_silence(step, where, variables)
    return step


def _check_silence(step: Step, where: str, variables: Mapping[str, Variable]) -> None:
    if step.silence_is_consent and step.due is None:
        raise wrong(FILE, f"{where}.silence_is_consent", "a clock (due): silence counts only after a limit")
    expected = set(step.outcome) if step.silence_is_consent else set()
    if set(step.silence_outcome) != expected:
        raise wrong(FILE, f"{where}.silence_outcome", f"exactly {', '.join(sorted(expected)) or 'nothing'}")
    for name, value in step.silence_outcome.items():
        allowed = variables[name].values
        if not is_of(value, variables[name].kind) or (allowed and value not in allowed):
            raise wrong(FILE, f"{where}.silence_outcome.{name}", "an allowed value")
    if set(step.result) != (set(step.outcome) if step.decision else set()):
        raise wrong(FILE, f"{where}.result", "one entry for every outcome of a rule task, and none elsewhere")


def _due(value: object, where: str) -> Due:
    members = an_object(value, FILE, where, ("clock", "length_wd", "statutory"))
    length_wd = a_count(members["length_wd"], FILE, f"{where}.length_wd", 1, MAX_WD)
    statutory = a_text(members["statutory"], FILE, f"{where}.statutory", empty=True)
    return Due(a_text(members["clock"], FILE, f"{where}.clock"), length_wd, statutory)


def _pauses(value: object, where: str) -> dict[str, int]:
    found = {}
    for entry in a_list(value, FILE, where):
        members = an_object(entry, FILE, where, ("kind", "max_wd"))
        found[a_text(members["kind"], FILE, f"{where}.kind")] = a_count(members["max_wd"], FILE, f"{where}.max_wd", 1, MAX_WD)
    return found


def _result(value: object, where: str) -> dict[str, Mapped]:
    found = {}
    for name, entry in an_object(value, FILE, where).items():
        members = an_object(entry, FILE, f"{where}.{name}", ("output",), ("worst_of", "none"))
        worst_of = texts(members.get("worst_of", []), FILE, f"{where}.{name}.worst_of")
        none = a_text(members.get("none", ""), FILE, f"{where}.{name}.none", empty=True)
        found[name] = Mapped(a_text(members["output"], FILE, f"{where}.{name}.output"), worst_of, none)
    return found


def _end(value: object, where: str) -> End:
    members = an_object(value, FILE, where, ("status", "title"))
    return End(a_count(members["status"], FILE, f"{where}.status", 0, 15), a_text(members["title"], FILE, f"{where}.title"))
