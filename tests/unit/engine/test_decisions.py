"""Decision files: hit policies, what is refused and named, parameters, and rule tasks' outcomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.scenario_a import amount_inputs, eligible_inputs, scenario_a
from xinlian.engine.decisions import decide
from xinlian.engine.dmn import read_decision
from xinlian.engine.parameters import Plain, load_parameters
from xinlian.engine.results import check_recorded, outcome_of
from xinlian.engine.scenario import load_scenario
from xinlian.protocol.errors import ConflictError, InputError
from xinlian.scenarios.folder import read_folder

HEAD = '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="D" name="D" namespace="urn:x">'
DATA = (
    '<inputData id="in_n"><variable name="n" typeRef="number"/></inputData>'
    '<inputData id="param_m"><variable name="m" typeRef="number"/></inputData>'
)
COLUMN = '<input id="c1" label="数"><inputExpression typeRef="number"><text>n</text></inputExpression></input>'
OUTPUT = '<output name="out" typeRef="string"/>'
PARAMETERS: dict[str, Plain] = {"m": 10}


def rule(rule_id: str, cell: str, output: str = '"x"', note: str = "注") -> str:
    return (
        f'<rule id="{rule_id}"><inputEntry><text>{cell}</text></inputEntry><outputEntry><text>{output}</text></outputEntry>'
        f"<annotationEntry><text>{note}</text></annotationEntry></rule>"
    )


def dmn(*rules: str, policy: str = "UNIQUE", inner: str | None = None, data: str = DATA, attributes: str = "") -> bytes:
    table = inner
    if table is None:
        table = (
            f'<decisionTable id="T" hitPolicy="{policy}"{attributes}>{COLUMN}{OUTPUT}<annotation name="依据"/>'
            f"{''.join(rules)}</decisionTable>"
        )
    return f'{HEAD}{data}<decision id="DT" name="表">{table}</decision></definitions>'.encode()


def verdict(data: bytes, n: object) -> Any:
    return decide(read_decision(data, PARAMETERS, "DT.dmn"), {"n": n}, PARAMETERS).document()


ROWS = (rule("R1", "&lt; 5", '"small"'), rule("R2", "[3..m]", '"middle"'), rule("R3", "&gt; m", '"large"'))


@pytest.mark.parametrize(("n", "rules"), [(1, ["R1"]), (7, ["R2"]), (10, ["R2"]), (11, ["R3"])])
def test_a_unique_table_gives_its_one_rule_with_its_annotation(n: int, rules: list[str]) -> None:
    found = verdict(dmn(*ROWS), n)
    assert [row["rule"] for row in found["matched"]] == rules
    assert found["matched"][0]["annotations"] == {"依据": "注"}
    assert found["result"] == found["matched"][0]["outputs"]


def test_two_rules_of_a_unique_table_are_named() -> None:
    with pytest.raises(ConflictError) as caught:
        verdict(dmn(*ROWS), 4)
    assert (caught.value.code, caught.value.fields["rules"]) == ("hit-policy-violated", ["R1", "R2"])


def test_the_first_rule_counts() -> None:
    assert verdict(dmn(*ROWS, policy="FIRST"), 4)["result"] == {"out": "small"}


def test_all_rules_are_collected_and_none_gives_an_empty_list() -> None:
    table = dmn(*ROWS[:2], policy="COLLECT")
    assert verdict(table, 4)["result"] == [{"out": "small"}, {"out": "middle"}]
    assert verdict(table, 99)["result"] == []


@pytest.mark.parametrize("policy", ["UNIQUE", "FIRST"])
def test_no_rule_is_an_error_and_never_an_answer(policy: str) -> None:
    with pytest.raises(ConflictError) as caught:
        verdict(dmn(ROWS[0], policy=policy), 5)
    assert caught.value.code == "rule-without-match"


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({}, "field-missing"),
        ({"n": 1, "m": 99}, "field-unknown"),  # a parameter never comes from the caller
        ({"n": 1, "x": 1}, "field-unknown"),
        *(({"n": value}, "field-type") for value in (None, "1", 1.0, True, 2**53, -(2**53), [1])),
    ],
)
def test_inputs_are_exactly_those_declared(inputs: dict[str, object], code: str) -> None:
    with pytest.raises(InputError) as caught:
        decide(read_decision(dmn(*ROWS), PARAMETERS, "DT.dmn"), inputs, PARAMETERS)
    assert caught.value.code == code


def literal(text: str, language: str = ' expressionLanguage="urn:xinlian:function"') -> str:
    return f'<literalExpression id="L"{language}><text>{text}</text></literalExpression>'


def column(text: str, kind: str = "number") -> str:
    return (
        f'<decisionTable id="T"><input id="c1">'
        f'<inputExpression id="e1" typeRef="{kind}"><text>{text}</text></inputExpression></input>'
        f"{OUTPUT}{rule('R1', '-').replace('<annotationEntry><text>注</text></annotationEntry>', '')}</decisionTable>"
    )


@pytest.mark.parametrize(
    ("data", "code", "named"),
    [
        (b"<definitions/>", "dmn-form", ""),
        (b"<a/>", "dmn-form", ""),
        (dmn(*ROWS).replace(b"20191111", b"20180521"), "dmn-form", "D"),
        (dmn(*ROWS, policy="RULE ORDER"), "dmn-form", "T"),
        (dmn(*ROWS, policy="PRIORITY"), "dmn-form", "T"),
        (dmn(*ROWS, attributes=' aggregation="SUM"'), "dmn-form", "T"),
        (dmn(), "dmn-form", "T"),
        (dmn(ROWS[0], ROWS[0]), "dmn-form", "T"),
        (dmn(rule("", "1")), "dmn-form", ""),
        (dmn(inner=""), "dmn-form", "DT"),
        (dmn(inner='<invocation id="I"/>'), "dmn-form", "I"),
        (dmn(inner='<context id="I"/>'), "dmn-form", "I"),
        (dmn(inner=literal("__import__('os')")), "dmn-form", "L"),
        (dmn(inner=literal("n + 1", "")), "dmn-form", "L"),
        (dmn(inner=literal("housing_fund_loan_amount/1")), "dmn-form", "L"),
        (dmn(inner=column("n == 1", "boolean")), "dmn-form", "e1"),
        (dmn(inner=column("n", "string")), "dmn-form", "e1"),
        (dmn(inner=column("n", "date")), "dmn-form", "e1"),
        (dmn(*ROWS, data=DATA + DATA), "dmn-form", "in_n"),
        (dmn(*ROWS, data=DATA.replace("number", "Any", 1)), "dmn-form", ""),
        (dmn(*ROWS, data=DATA.replace('name="n"', 'name="收入"')), "dmn-form", "in_n"),
        (dmn(*ROWS, data=DATA.replace('name="n"', 'name="null"')), "dmn-form", "in_n"),
        (dmn(*ROWS, data=DATA.replace('name="m" typeRef="number"', 'name="m" typeRef="string"')), "dmn-form", "D"),
        (dmn(*ROWS, data=DATA + '<businessKnowledgeModel id="K"/>'), "dmn-form", "K"),
        (dmn(*ROWS, data=DATA + '<import id="K"/>'), "dmn-form", "K"),
        (dmn(*ROWS).replace(b"<decision id", b'<decision id="Z"/><decision id'), "dmn-form", "D"),
    ],
)
def test_a_file_outside_the_subset_is_refused_and_named(data: bytes, code: str, named: str) -> None:
    with pytest.raises(InputError) as caught:
        read_decision(data, PARAMETERS, "DT.dmn")
    assert (caught.value.code, caught.value.fields["element"]) == (code, named)


@pytest.mark.parametrize("cell", ["]1..3[", "not(1)", "rand(10)", "1.5", "m", "&lt; word"])
def test_a_cell_that_is_not_the_same_in_feel_names_its_rule(cell: str) -> None:
    with pytest.raises(InputError) as caught:
        read_decision(dmn(ROWS[0], rule("BAD", cell)), PARAMETERS, "DT.dmn")
    assert caught.value.code == "dmn-cell"
    assert "'BAD'" in caught.value.message


def test_a_limit_never_becomes_an_input() -> None:
    with pytest.raises(InputError) as caught:
        read_decision(dmn(*ROWS), {}, "DT.dmn")
    assert (caught.value.code, caught.value.fields["parameter"]) == ("parameter-missing", "m")
    with pytest.raises(InputError) as caught:
        read_decision(dmn(*ROWS), {"m": 10, "n": 1}, "DT.dmn")
    assert (caught.value.code, caught.value.fields["element"]) == ("dmn-form", "in_n")


def test_a_rule_with_a_cell_too_few_is_refused() -> None:
    broken = dmn(rule("R1", "1").replace("<inputEntry><text>1</text></inputEntry>", ""))
    with pytest.raises(InputError) as caught:
        read_decision(broken, PARAMETERS, "DT.dmn")
    assert caught.value.code == "dmn-form"


def parameter(**changed: object) -> bytes:
    days = {"effective_from": "2026-01-01", "effective_to": None}
    entry = {"label": "数", "value": 6, "unit": "月", "basis": "文号1", "demo": False, **days}
    return json.dumps({"format": "xinlian-parameters/1", "parameters": {"n": {**entry, **changed}}}).encode()


@pytest.mark.parametrize("changed", [{"basis": ""}, {"demo": True}])
def test_production_wants_a_document_and_no_demo_value(changed: dict[str, object]) -> None:
    load_parameters(parameter()).check_production()
    with pytest.raises(InputError) as caught:
        load_parameters(parameter(**changed)).check_production()
    assert (caught.value.code, caught.value.fields["parameters"]) == ("parameter-without-basis", ["n"])


@pytest.mark.parametrize(
    ("day", "holds"), [("2025-12-31", False), ("2026-01-01", True), ("2026-06-30", True), ("2026-07-01", False)]
)
def test_a_parameter_holds_from_its_first_to_its_last_day(day: str, holds: bool) -> None:
    parameters = load_parameters(parameter(effective_to="2026-06-30"))
    if holds:
        parameters.check_in_force(day)
        return
    with pytest.raises(InputError) as caught:
        parameters.check_in_force(day)
    assert caught.value.code == "parameter-not-in-force"


@pytest.mark.parametrize(
    "changed", [{"value": None}, {"value": 1.5}, {"value": []}, {"value": [[1]]}, {"demo": 1}, {"label": ""}, {"more": 1}]
)
def test_a_parameter_of_another_form_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        load_parameters(parameter(**changed))
    assert caught.value.code == "scenario-file"


@pytest.mark.parametrize("name", ["balance_multiple", "min_continuous_months"])
def test_a_missing_parameter_is_named(name: str) -> None:
    files = read_folder("new-home-loan")
    root = json.loads(files["parameters.json"])
    del root["parameters"][name]
    with pytest.raises(InputError) as caught:
        load_scenario({**files, "parameters.json": json.dumps(root).encode()})
    assert (caught.value.code, caught.value.fields["parameter"]) == ("parameter-missing", name)


@pytest.mark.parametrize(
    ("changed", "eligibility"),
    [
        ({}, "eligible"),
        ({"identity_match": False}, "supplement"),
        ({"identity_match": False, "withdrawal_in_process": True}, "hold"),
        ({"identity_match": False, "withdrawal_in_process": True, "home_count": 3}, "reject"),
    ],
)
def test_the_worst_reason_decides(changed: dict[str, object], eligibility: str) -> None:
    step = scenario_a().definition.steps["A4"]
    found = scenario_a().decide("DT-A1", eligible_inputs(**changed))
    assert outcome_of(step, found) == {"eligibility": eligibility}


def test_a_recorded_outcome_is_held_to_the_decision() -> None:
    step = scenario_a().definition.steps["A5"]
    found = scenario_a().decide("DT-A3", amount_inputs())
    check_recorded("A5", step, found, {"approved_less": False})
    with pytest.raises(ConflictError) as caught:
        check_recorded("A5", step, found, {"approved_less": True})
    assert caught.value.code == "decision-differs"
