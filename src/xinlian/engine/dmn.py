"""Reads the DMN 1.3 subset into a ``Decision``; whatever is not listed here is refused with the element's id and name.

Rules
1. One decision a file, named by its id; ``inputData`` declare typed names (``number``, ``string``, ``boolean``). Those whose id
   begins with ``param_`` are parameters: parameters.json holds them, and a caller never gives them. No other name may be one.
2. A table with hit policy UNIQUE, FIRST or COLLECT without aggregation. A column's expression is a name or a calculation
   (``expressions``), its cells are tests (``cells``), its outputs literals.
3. A literal expression with expressionLanguage ``urn:xinlian:function`` names one of the functions of ``functions``.
4. Diagrams (DMNDI) and descriptions have no effect. Other decisions, knowledge models, imports and extensions are refused.

Example: ``read_decision(data, {"min_continuous_months": 6}, "decisions/DT-A1.dmn").inputs``

Source: DMN 1.3 (formal/2021-02-01) §8; design 9.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from xinlian.engine.cells import compile_cell, read_literal
from xinlian.engine.decisions import Column, Decision, HitPolicy, Rule, Table
from xinlian.engine.expressions import RESERVED, compile_value
from xinlian.engine.functions import FUNCTIONS, Function
from xinlian.engine.parameters import Plain
from xinlian.engine.values import NAME, NUMBER, STRING, Kind
from xinlian.engine.xml import Element, children, local, name_of, namespace, parse_xml, text_of
from xinlian.protocol.errors import InputError

MODEL: Final = "https://www.omg.org/spec/DMN/20191111/MODEL/"
PARAMETER_PREFIX: Final = "param_"
FUNCTION_LANGUAGE: Final = "urn:xinlian:function"
_DIAGRAM: Final = "https://www.omg.org/spec/DMN/20191111/DMNDI/"
MAX_RULES: Final = 500
MAX_COLUMNS: Final = 64
_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_COMMON: Final = frozenset({"id", "name", "label"})
_ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "definitions": frozenset({"namespace", "exporter", "exporterVersion"}),
    "variable": frozenset({"typeRef"}),
    "requiredInput": frozenset({"href"}),
    "decisionTable": frozenset({"hitPolicy", "preferredOrientation", "outputLabel"}),
    "inputExpression": frozenset({"typeRef"}),
    "output": frozenset({"typeRef"}),
    "literalExpression": frozenset({"expressionLanguage"}),
}
_INNER: Final[Mapping[str, frozenset[str]]] = {
    "definitions": frozenset({"inputData", "decision"}),
    "inputData": frozenset({"variable"}),
    "decision": frozenset({"variable", "informationRequirement", "decisionTable", "literalExpression"}),
    "informationRequirement": frozenset({"requiredInput"}),
    "decisionTable": frozenset({"input", "output", "annotation", "rule"}),
    "input": frozenset({"inputExpression"}),
    "inputExpression": frozenset({"text"}),
    "rule": frozenset({"inputEntry", "outputEntry", "annotationEntry"}),
    **{name: frozenset({"text"}) for name in ("inputEntry", "outputEntry", "annotationEntry", "literalExpression")},
}


def read_decision(data: bytes, parameters: Mapping[str, Plain], file: str) -> Decision:
    """A decision that is known to run.

    Args:
        data: DMN 1.3 XML.
        parameters: of the scenario, by name.
        file: name, for messages.

    Raises:
        InputError: ``too-large``, ``xml-refused``, ``dmn-form``, ``dmn-cell``, ``expression-form`` or ``parameter-missing``.
    """
    root = parse_xml(data, file)
    if local(root) != "definitions":
        raise _wrong(root, "the file is no DMN definitions")
    _check(root)
    found = children(root, "decision")
    if len(found) != 1:
        raise _wrong(root, f"holds {len(found)} decisions, expected one")
    decision, decision_id = found[0], str(found[0].get("id", ""))
    if not _ID.fullmatch(decision_id):
        raise _wrong(decision, "has no id of letters, digits, _ . - (at most 64)")
    kinds = dict(_declared(root, parameters))
    _check_requirements(root, decision)
    inputs = {name: kind for name, kind in kinds.items() if name not in parameters}
    read = {name: kind for name, kind in kinds.items() if name in parameters}
    _check_parameters(root, read, parameters)
    return Decision(decision_id, str(decision.get("name", "")), inputs, read, _logic(decision, kinds, inputs, parameters))


def _wrong(element: Element, what: str) -> InputError:
    fields = {"element": str(element.get("id", ""))[:64], "name": str(element.get("name", ""))[:64], "kind": local(element)[:64]}
    return InputError("dmn-form", f"{name_of(element)}: {what}", **fields)


def _check(element: Element) -> None:
    name = local(element)
    if namespace(element) != MODEL:
        raise _wrong(element, f"belongs to {namespace(element)[:80]!r}, expected DMN 1.3")
    for attribute in element.attrib:
        if attribute not in _COMMON and attribute not in _ATTRIBUTES.get(name, frozenset()):
            raise _wrong(element, f"has the attribute {str(attribute)[:80]!r}, which this engine does not run")
    for child in element:
        if (namespace(child) == _DIAGRAM and name == "definitions") or (local(child), namespace(child)) == ("description", MODEL):
            continue
        if local(child) not in _INNER.get(name, frozenset()):
            raise _wrong(child, f"may not stand in {name_of(element)}: it is outside the subset that runs")
        _check(child)


def _declared(root: Element, parameters: Mapping[str, Plain]) -> Iterator[tuple[str, Kind]]:
    seen: set[str] = set()
    for element in children(root, "inputData"):
        variables = children(element, "variable")
        if len(variables) != 1:
            raise _wrong(element, "has no variable with name and type")
        name = str(variables[0].get("name", ""))
        if not NAME.fullmatch(name) or name in RESERVED or name in seen:
            raise _wrong(element, f"declares the name {name[:64]!r}: expected an ASCII name that stands once")
        _check_origin(element, name, parameters)
        seen.add(name)
        yield name, _kind(variables[0])


def _check_origin(element: Element, name: str, parameters: Mapping[str, Plain]) -> None:
    """A limit that is missing from parameters.json must not become something that a caller chooses."""
    is_parameter = str(element.get("id", "")).startswith(PARAMETER_PREFIX)
    if is_parameter and name not in parameters:
        raise InputError("parameter-missing", f"{name_of(element)}: parameters.json holds no {name}", parameter=name)
    if not is_parameter and name in parameters:
        raise _wrong(element, f"is a parameter by its name {name}: give it an id that begins with {PARAMETER_PREFIX}")


def _kind(element: Element) -> Kind:
    name = str(element.get("typeRef", ""))
    if name not in {kind.value for kind in Kind}:
        raise _wrong(element, f"has the type {name[:40]!r}, expected number, string or boolean")
    return Kind(name)


def _check_requirements(root: Element, decision: Element) -> None:
    known = {"#" + str(element.get("id", "")) for element in children(root, "inputData")}
    for requirement in children(decision, "informationRequirement"):
        for required in children(requirement, "requiredInput"):
            if required.get("href") not in known:
                raise _wrong(requirement, f"needs {str(required.get('href', ''))[:64]!r}, which the file does not declare")


def _check_parameters(root: Element, kinds: Mapping[str, Kind], parameters: Mapping[str, Plain]) -> None:
    for name, kind in kinds.items():
        value = parameters[name]
        fits = {NUMBER: isinstance(value, int) and not isinstance(value, bool), STRING: isinstance(value, str)}
        if not fits.get(kind, isinstance(value, bool)):
            raise _wrong(root, f"declares the parameter {name} as {kind}, but parameters.json holds another kind of value")


def _logic(
    decision: Element, kinds: Mapping[str, Kind], inputs: Mapping[str, Kind], parameters: Mapping[str, Plain]
) -> Table | Function:
    tables, literals = children(decision, "decisionTable"), children(decision, "literalExpression")
    if len(tables) + len(literals) != 1:
        raise _wrong(decision, "needs exactly one table or one literal expression")
    return _table(tables[0], kinds) if tables else _function(literals[0], inputs, parameters)


def _function(element: Element, inputs: Mapping[str, Kind], parameters: Mapping[str, Plain]) -> Function:
    name = _text(element)
    if element.get("expressionLanguage") != FUNCTION_LANGUAGE or name not in FUNCTIONS:
        known = ", ".join(sorted(FUNCTIONS))
        raise _wrong(element, f"holds {name[:64]!r}: expected language {FUNCTION_LANGUAGE} and one of {known}")
    function = FUNCTIONS[name]
    if dict(inputs) != dict(function.inputs):
        differing = sorted(set(inputs.items()) ^ set(function.inputs.items()))
        raise _wrong(element, f"{name} takes other inputs: compare {', '.join(f'{part} ({kind})' for part, kind in differing)}")
    for parameter in function.parameters:
        if parameter not in parameters:
            raise InputError("parameter-missing", f"{name}: the parameter {parameter} is missing", parameter=parameter)
    function.check(parameters)
    return function


def _table(element: Element, kinds: Mapping[str, Kind]) -> Table:
    policy = str(element.get("hitPolicy", "UNIQUE"))
    if policy not in {one.value for one in HitPolicy}:
        raise _wrong(element, f"has the hit policy {policy[:40]!r}, expected UNIQUE, FIRST or COLLECT")
    columns = tuple(_column(one, kinds) for one in children(element, "input"))
    outputs = _outputs(element)
    notes = [str(one.get("name", "")) or f"annotation {place}" for place, one in enumerate(children(element, "annotation"), 1)]
    rows = children(element, "rule")
    if not rows or len(rows) > MAX_RULES or not columns or len(columns) > MAX_COLUMNS:
        raise _wrong(element, f"needs 1..{MAX_RULES} rules and 1..{MAX_COLUMNS} input columns")
    rules = tuple(_rule(row, columns, outputs, notes, kinds) for row in rows)
    if len({rule.id for rule in rules}) != len(rules):
        raise _wrong(element, "has two rules of one id")
    return Table(HitPolicy(policy), columns, outputs, rules)


def _column(element: Element, kinds: Mapping[str, Kind]) -> Column:
    found = children(element, "inputExpression")
    if len(found) != 1:
        raise _wrong(element, "has no input expression")
    if "==" in _text(found[0]):
        raise _wrong(found[0], "compares by ==, which FEEL lacks: use the value as column and the comparison as cell, or !=")
    expression = compile_value(_text(found[0]), kinds, name_of(element))
    if found[0].get("typeRef") is not None and _kind(found[0]) is not expression.kind:
        raise _wrong(found[0], f"gives a {expression.kind}, not a {found[0].get('typeRef')}")
    return Column(str(element.get("id", "")), str(element.get("label", "")), expression)


def _outputs(table: Element) -> dict[str, Kind]:
    outputs: dict[str, Kind] = {}
    for element in children(table, "output"):
        name = str(element.get("name", ""))
        if not NAME.fullmatch(name) or name in outputs:
            raise _wrong(element, "needs an ASCII name that stands once")
        outputs[name] = _kind(element)
    if not outputs:
        raise _wrong(table, "has no output column")
    return outputs


def _rule(
    element: Element, columns: tuple[Column, ...], outputs: Mapping[str, Kind], notes: list[str], kinds: Mapping[str, Kind]
) -> Rule:
    rule_id = str(element.get("id", ""))
    if not _ID.fullmatch(rule_id):
        raise _wrong(element, "has no id of letters, digits, _ . - (at most 64)")
    entered = [_text(cell) for cell in children(element, "inputEntry")]
    given = [_text(cell) for cell in children(element, "outputEntry")]
    remarks = [_text(cell) for cell in children(element, "annotationEntry")]
    if len(entered) != len(columns) or len(given) != len(outputs) or len(remarks) > len(notes):
        raise _wrong(element, "has more or fewer cells than the table has columns")
    cells = (
        compile_cell(text, column.expression.kind, kinds, f"rule {rule_id!r}, column {column.label or column.id!r}")
        for text, column in zip(entered, columns, strict=True)
    )
    values = {
        name: read_literal(text, kind, f"rule {rule_id!r}, output {name}")
        for text, (name, kind) in zip(given, outputs.items(), strict=True)
    }
    return Rule(rule_id, tuple(cells), values, dict(zip(notes, remarks, strict=False)))


def _text(element: Element) -> str:
    return "".join(text_of(one) for one in children(element, "text"))
