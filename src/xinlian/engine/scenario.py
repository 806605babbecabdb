"""A scenario folder as one checked whole: definition, process, decisions, parameters, datasets, need-to-know; and its hash.

Rules
1. Read are ``scenario.json``, ``process.bpmn``, ``parameters.json``, ``need_to_know.json``, ``decisions/*.dmn``,
   ``datasets/*.json``; files of other names have no effect and are not hashed.
2. Everything named must exist: tasks and steps by the same id, lanes and roles, timers and clocks, ends, decisions and outputs.
3. The hash is SHA-256 over the canonical JSON of path → SHA-256 of the file's canonical bytes: JSON without blanks, XML as
   C14N 2.0 without comments and blanks. Line endings and indentation change nothing; moving a box in the diagram does.

Example: ``load_scenario(files).hash.hex()``

Source: design 9; issue 3 of 5.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from xinlian.engine import bpmn, parameters, steps
from xinlian.engine.decisions import Decision, Verdict, decide
from xinlian.engine.dmn import read_decision
from xinlian.engine.process import NodeKind, Process
from xinlian.engine.reading import wrong
from xinlian.engine.results import check_result
from xinlian.engine.running import RunRules
from xinlian.engine.xml import parse_xml
from xinlian.protocol.dataset import DatasetSchema, load_schema
from xinlian.protocol.errors import InputError, NotFoundError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict

NEED_TO_KNOW: Final = "need_to_know.json"
_REQUIRED: Final = (steps.FILE, bpmn.FILE, parameters.FILE, NEED_TO_KNOW)
_READ: Final = re.compile(r"decisions/[A-Za-z0-9_-]{1,64}\.dmn|datasets/[A-Za-z0-9_-]{1,64}\.json")
MAX_FILES: Final = 200


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that is known to run.

    Args:
        definition: scenario.json.
        process: process.bpmn.
        decisions: by id.
        parameters: parameters.json.
        datasets: by alias.
        rules: what running needs of the step table.
        hash: SHA-256 over all files, 32 bytes.
    """

    definition: steps.Definition
    process: Process
    decisions: Mapping[str, Decision]
    parameters: parameters.Parameters
    datasets: Mapping[str, DatasetSchema]
    rules: RunRules
    hash: bytes

    def decide(self, decision_id: str, inputs: Mapping[str, object]) -> Verdict:
        """Evaluate one decision.

        Raises:
            NotFoundError: ``decision-unknown``.
            ConflictError, InputError: see ``decisions.decide``.
        """
        if decision_id not in self.decisions:
            known = ", ".join(self.decisions) or "none"
            raise NotFoundError("decision-unknown", f"no decision {decision_id[:64]!r}; there are: {known}")
        return decide(self.decisions[decision_id], inputs, self.parameters.plain)


def is_read(path: str) -> bool:
    """Whether a file of a scenario folder has an effect, by its path with ``/``."""
    return path in _REQUIRED or _READ.fullmatch(path) is not None


def load_scenario(files: Mapping[str, bytes]) -> Scenario:
    """Read and check a scenario.

    Args:
        files: the files for which ``is_read`` holds, by path with ``/``.

    Raises:
        InputError: the first mistake, with file and element.
    """
    for path in _REQUIRED:
        if path not in files:
            raise InputError("scenario-incomplete", f"{path} is missing", file=path)
    if len(files) > MAX_FILES:
        raise InputError("too-large", f"{len(files)} files; at most {MAX_FILES}", limit=MAX_FILES)
    definition = steps.read_definition(files[steps.FILE])
    values = parameters.load_parameters(files[parameters.FILE])
    process = bpmn.read_process(files[bpmn.FILE], definition.variables)
    decisions = _decisions(files, values.plain)
    datasets = {_stem(path): load_schema(data) for path, data in _below(files, "datasets/")}
    _check_steps(definition, process, decisions)
    _check_need_to_know(files[NEED_TO_KNOW], definition, datasets)
    return Scenario(definition, process, decisions, values, datasets, _run_rules(definition), hash_files(files))


def hash_files(files: Mapping[str, bytes]) -> bytes:
    """The hash of a scenario's files (rule 3), 32 bytes.

    Raises:
        InputError: a file cannot be read.
    """
    digests = {path: hashlib.sha256(_canonical(path, files[path])).hexdigest() for path in sorted(files)}
    return hashlib.sha256(dumps_canonical({"format": "xinlian-scenario-hash/1", "files": digests})).digest()


def _canonical(path: str, data: bytes) -> bytes:
    if path.endswith(".json"):
        return dumps_canonical(loads_strict(data))
    return bytes(etree.tostring(parse_xml(data, path), method="c14n2", strip_text=True))


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _below(files: Mapping[str, bytes], folder: str) -> list[tuple[str, bytes]]:
    return [(path, files[path]) for path in sorted(files) if path.startswith(folder)]


def _decisions(files: Mapping[str, bytes], values: Mapping[str, parameters.Plain]) -> dict[str, Decision]:
    found: dict[str, Decision] = {}
    for path, data in _below(files, "decisions/"):
        decision = read_decision(data, values, path)
        if decision.id != _stem(path):
            raise wrong(path, "the decision's id", f"the file's name {_stem(path)!r}, not {decision.id!r}")
        found[decision.id] = decision
    return found


def _check_steps(definition: steps.Definition, process: Process, decisions: Mapping[str, Decision]) -> None:
    if definition.lead not in definition.roles:
        raise wrong(steps.FILE, "lead", "one of the roles")
    kinds = {node.id: node.kind for node in process.nodes.values()}
    _check_same(definition.steps, [node.id for node in process.tasks], "steps")
    _check_same(definition.timers, [name for name, kind in kinds.items() if kind is NodeKind.TIMER], "timers")
    _check_same(definition.ends, [name for name, kind in kinds.items() if kind is NodeKind.END], "ends")
    for name in definition.no_withdrawal_after:
        if name not in definition.steps:
            raise wrong(steps.FILE, "no_withdrawal_after", f"steps, not {name[:64]!r}")
    for name, step in definition.steps.items():
        _check_step(name, step, definition, process)
        check_result(name, step, process, decisions)
    for name, due in definition.timers.items():
        if process.nodes[name].duration != f"P{due.length_wd}D":
            raise wrong(steps.FILE, f"timers.{name}", f"the duration of the diagram, {process.nodes[name].duration}")


def _check_same(named: Mapping[str, object], drawn: list[str], what: str) -> None:
    missing, more = sorted(set(drawn) - set(named)), sorted(set(named) - set(drawn))
    if missing:
        raise wrong(steps.FILE, what, f"an entry for {missing[0]!r}, which {bpmn.FILE} has")
    if more:
        raise wrong(steps.FILE, what, f"no entry {more[0][:64]!r}: {bpmn.FILE} has none of that id")


def _check_step(name: str, step: steps.Step, definition: steps.Definition, process: Process) -> None:
    lane = process.nodes[name].lane.partition(" ")[0]
    if step.role not in definition.roles or step.role != lane:
        raise wrong(steps.FILE, f"steps.{name}.role", f"the role of its lane, {lane[:64]!r}, declared in roles")
    for other in step.distinct_from:
        if other not in definition.steps or other == name:
            raise wrong(steps.FILE, f"steps.{name}.distinct_from", "other steps")


def _check_need_to_know(data: bytes, definition: steps.Definition, datasets: Mapping[str, DatasetSchema]) -> None:
    root = loads_strict(data)
    rules = root.get("rules") if isinstance(root, dict) else None
    if not isinstance(root, dict) or root.get("scenario") != definition.id or not isinstance(rules, list):
        raise wrong(NEED_TO_KNOW, "scenario and rules", f"the scenario {definition.id!r} and a list of rules")
    for place, rule in enumerate(rules):
        if not isinstance(rule, dict) or rule.get("dataset") not in list(datasets):
            raise wrong(NEED_TO_KNOW, f"rules[{place}].dataset", "a dataset of the folder")


def _run_rules(definition: steps.Definition) -> RunRules:
    return RunRules(
        outcomes={name: step.outcome for name, step in definition.steps.items()},
        pauses={name: frozenset(step.pauses) for name, step in definition.steps.items()},
        last=frozenset(definition.no_withdrawal_after),
    )
