"""``xinlian scenario``: check, show and hash a scenario folder, and try one decision, without any node.

Rules
1. A folder is checked as a whole before anything is shown of it.
2. Inputs of a decision come from a file or standard input, never from arguments: they may be personal data.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from xinlian.cli.command import OFFLINE, Session, command, group
from xinlian.cli.files import read_bytes
from xinlian.cli.output import pairs, table
from xinlian.protocol.errors import InputError

if TYPE_CHECKING:
    from xinlian.engine.scenario import Scenario

app = group("Scenario folders: check, show, hash, try a decision.")
Folder = Annotated[str, typer.Argument(metavar="DIR", help="A scenario folder, or the name of a shipped one (new-home-loan).")]
Production = Annotated[bool, typer.Option("--production", help="Also refuse parameters without 依据文号 or marked 演示参数.")]
On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="Also refuse parameters not in force on this day.")]
MAX_INPUT_BYTES = 1_000_000


@command(app, "check", OFFLINE)
def check(session: Session, folder: Folder, production: Production = False, on: On = None) -> None:
    """Check a scenario folder: exit 0, or 2 with the file and element that is wrong."""
    scenario = _load(folder)
    _check_parameters(scenario, production, on)
    process = scenario.process
    counts = {
        "scenario": scenario.definition.id,
        "hash": scenario.hash.hex(),
        "tasks": len(process.tasks),
        "gateways": sum(node.kind.value.endswith("Gateway") for node in process.nodes.values()),
        "timers": len(scenario.definition.timers),
        "decisions": list(scenario.decisions),
        "parameters": len(scenario.parameters.entries),
        "demo_parameters": sum(entry.demo for entry in scenario.parameters.entries.values()),
        "datasets": list(scenario.datasets),
    }
    session.output.result(counts, lambda: pairs(counts))


@command(app, "show", OFFLINE)
def show(session: Session, folder: Folder) -> None:
    """The step table of a scenario, its parameters and decisions."""
    scenario = _load(folder)
    document = _document(scenario)
    session.output.result(document, lambda: _text(scenario))


@command(app, "hash", OFFLINE)
def hash_(session: Session, folder: Folder) -> None:
    """The hash that the authority registers: SHA-256 over the canonical bytes of every file."""
    scenario = _load(folder)
    session.output.result({"scenario": scenario.definition.id, "hash": scenario.hash.hex()}, scenario.hash.hex())


@command(app, "decide", OFFLINE)
def decide(
    session: Session,
    folder: Folder,
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="Id of the decision, such as DT-A1.")],
    file: Annotated[str, typer.Argument(metavar="INPUT", help="JSON object of the inputs; - for stdin. Money in fen.")],
    production: Production = False,
    on: On = None,
) -> None:
    """Evaluate one decision alone; prints result and matched rows as JSON."""
    from xinlian.protocol.jsontext import loads_strict

    scenario = _load(folder)
    _check_parameters(scenario, production, on)
    inputs = loads_strict(read_bytes(file, MAX_INPUT_BYTES))
    if not isinstance(inputs, dict):
        raise InputError("field-type", f"{decision[:64]}: expected a JSON object of the inputs", expected="object")
    document = scenario.decide(decision, inputs).document()
    session.output.result(document, json.dumps(document, ensure_ascii=False, indent=2))


def _load(folder: str) -> Scenario:
    from xinlian.engine.scenario import load_scenario
    from xinlian.scenarios.folder import read_folder

    return load_scenario(read_folder(folder))


def _check_parameters(scenario: Scenario, production: bool, on: str | None) -> None:
    if production:
        scenario.parameters.check_production()
    if on is not None:
        scenario.parameters.check_in_force(on)


def _document(scenario: Scenario) -> dict[str, object]:
    definition, nodes = scenario.definition, scenario.process.nodes
    return {
        "id": definition.id,
        "title": definition.title,
        "lead": definition.lead,
        "hash": scenario.hash.hex(),
        "roles": {name: {"title": title, "uscc": uscc} for name, (title, uscc) in definition.roles.items()},
        "steps": [
            {
                "id": name,
                "name": nodes[name].name,
                "kind": nodes[name].kind.value,
                "role": step.role,
                "mandatory": step.mandatory,
                "clock": step.due.clock if step.due else None,
                "length_wd": step.due.length_wd if step.due else None,
                "statutory": step.due.statutory if step.due else None,
                "silence_is_consent": step.silence_is_consent,
                "pauses": dict(step.pauses),
                "outcome": list(step.outcome),
                "decision": step.decision or None,
            }
            for name, step in definition.steps.items()
        ],
        "decisions": [
            {"id": one.id, "name": one.name, "inputs": dict(one.inputs), "outputs": dict(one.outputs)}
            for one in scenario.decisions.values()
        ],
        "parameters": [
            {"name": one.name, "label": one.label, "value": one.value, "unit": one.unit, "basis": one.basis, "demo": one.demo}
            for one in scenario.parameters.entries.values()
        ],
    }


def _text(scenario: Scenario) -> str:
    nodes = scenario.process.nodes
    steps = [
        (name, nodes[name].name, step.role, step.mandatory, step.due.length_wd if step.due else None, ", ".join(step.outcome))
        for name, step in scenario.definition.steps.items()
    ]
    marks = {True: "演示参数", False: ""}
    values = [
        (one.name, one.label, one.value, one.unit, one.basis, marks[one.demo]) for one in scenario.parameters.entries.values()
    ]
    return "\n\n".join(
        (
            f"{scenario.definition.title}  {scenario.hash.hex()}",
            table(("step", "name", "role", "mandatory", "wd", "outcome"), steps),
            table(("parameter", "label", "value", "unit", "依据文号", "mark"), values),
        )
    )
