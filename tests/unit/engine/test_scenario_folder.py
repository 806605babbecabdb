"""A scenario folder as a whole: what must fit together, each mistake named by its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.scenario_a import scenario_a
from xinlian.engine.scenario import hash_files, is_read, load_scenario
from xinlian.protocol.errors import InputError
from xinlian.scenarios.folder import read_folder

FILES = read_folder("new-home-loan")
Change = Callable[[dict[str, Any]], object]


def place_of(change: Change, path: str = "scenario.json") -> str:
    root = json.loads(FILES[path])
    change(root)
    with pytest.raises(InputError) as caught:
        load_scenario({**FILES, path: json.dumps(root).encode()})
    assert caught.value.code == "scenario-file"
    assert caught.value.message.startswith(path)
    return str(caught.value.fields["place"])


def silent(root: dict[str, Any], **changed: object) -> None:
    counts = {"silence_is_consent": True, "silence_outcome": {"acceptance": "accepted"}}
    root["steps"]["A2"].update({**counts, **changed})


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda root: root.update(format="xinlian-scenario/2"), "format"),
        (lambda root: root.update(lead="D99"), "lead"),
        (lambda root: root.update(more=1), "the file"),
        (lambda root: root["steps"].pop("A6b"), "steps"),
        (lambda root: root["steps"].update(A99=root["steps"]["A1"]), "steps"),
        (lambda root: root["steps"]["A8"].update(role="D02"), "steps.A8.role"),
        (lambda root: root["roles"].pop("D05"), "steps.A3e.role"),
        (lambda root: root["steps"]["A8"].update(mandatory=1), "steps.A8.mandatory"),
        (lambda root: root["steps"]["A8"].update(outcome=["nothing"]), "steps.A8.outcome"),
        (lambda root: root["steps"]["A8"]["due"].update(length_wd=0), "steps.A8.due.length_wd"),
        (lambda root: root["steps"]["A8"]["due"].update(length_wd=251), "steps.A8.due.length_wd"),
        (lambda root: root["steps"]["A8"]["pauses"][0].update(max_wd="30"), "steps.A8.pauses.max_wd"),
        (lambda root: root["steps"]["A6b"].update(distinct_from=["A6b"]), "steps.A6b.distinct_from"),
        (lambda root: root["steps"]["A6b"].update(distinct_from=["A99"]), "steps.A6b.distinct_from"),
        (lambda root: root["steps"]["A8"].update(decision="DT-A1"), "steps.A8.decision"),
        (lambda root: root["steps"]["A4"].update(decision="DT-A9"), "steps.A4.decision"),
        (lambda root: root["steps"]["A4"].update(decision="", result={}), "steps.A4.decision"),
        (lambda root: root["steps"]["A4"].update(result={}), "steps.A4.result"),
        (lambda root: root["steps"]["A4"]["result"]["eligibility"].update(output="nothing"), "steps.A4.result.eligibility"),
        (lambda root: root["steps"]["A4"]["result"]["eligibility"].update(worst_of=[]), "steps.A4.result.eligibility"),
        (
            lambda root: root["steps"]["A4"]["result"]["eligibility"].update(worst_of=["reject", "hold"]),
            "steps.A4.result.eligibility.worst_of",
        ),
        (lambda root: root["steps"]["A4"]["result"]["eligibility"].update(none="fine"), "steps.A4.result.eligibility"),
        (lambda root: root["steps"]["A4c"]["result"]["loan_class"].update(worst_of=["first"]), "steps.A4c.result.loan_class"),
        (lambda root: root["variables"]["loan_class"].update(values=["first", "refuse"]), "steps.A4c.result.loan_class"),
        (lambda root: root["variables"]["off_plan"].update(first="yes"), "variables.off_plan"),
        (lambda root: root["variables"]["off_plan"].update(type="date"), "variables.off_plan"),
        (lambda root: root["variables"]["off_plan"].update(type=["boolean"]), "variables.off_plan"),
        (lambda root: root["timers"]["T_A3f"].update(length_wd=4), "timers.T_A3f"),
        (lambda root: root["timers"].pop("T_A3f"), "timers"),
        (lambda root: root["ends"].pop("End_stopped"), "ends"),
        (lambda root: root["ends"]["End_stopped"].update(status=16), "ends.End_stopped.status"),
        (lambda root: root.update(no_withdrawal_after=["A99"]), "no_withdrawal_after"),
        (lambda root: silent(root, due=None), "steps.A2.silence_is_consent"),
        (lambda root: silent(root, silence_outcome={}), "steps.A2.silence_outcome"),
        (lambda root: silent(root, silence_outcome={"acceptance": "perhaps"}), "steps.A2.silence_outcome.acceptance"),
        (lambda root: root["steps"]["A2"].update(silence_outcome={"acceptance": "accepted"}), "steps.A2.silence_outcome"),
    ],
)
def test_a_mistake_in_the_definition_is_named(change: Change, place: str) -> None:
    assert place_of(change) == place


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda root: root.update(scenario="another"), "scenario and rules"),
        (lambda root: root.update(rules={}), "scenario and rules"),
        (lambda root: root["rules"][2].update(dataset="GJJ-99"), "rules[2].dataset"),
        (lambda root: root["rules"][2].update(dataset=["GJJ-01"]), "rules[2].dataset"),
    ],
)
def test_a_mistake_in_the_need_to_know_is_named(change: Change, place: str) -> None:
    assert place_of(change, "need_to_know.json") == place


def test_silence_may_count_where_the_table_says_so() -> None:
    root = json.loads(FILES["scenario.json"])
    silent(root)
    step = load_scenario({**FILES, "scenario.json": json.dumps(root).encode()}).definition.steps["A2"]
    assert (step.silence_is_consent, dict(step.silence_outcome)) == (True, {"acceptance": "accepted"})
    assert not any(step.silence_is_consent for step in scenario_a().definition.steps.values())


def test_nothing_is_approved_by_the_first_values() -> None:
    first = {name: variable.first for name, variable in scenario_a().definition.variables.items()}
    assert first["eligibility"] == first["approval"] == "reject"
    assert (first["loan_class"], first["acceptance"], first["filing_in_force"]) == ("refuse", "not-accepted", False)


def test_a_decision_is_named_as_its_file() -> None:
    files = {name: data for name, data in FILES.items() if name != "decisions/DT-A2.dmn"}
    with pytest.raises(InputError) as caught:
        load_scenario({**files, "decisions/DT-A9.dmn": FILES["decisions/DT-A2.dmn"]})
    assert caught.value.fields["file"] == "decisions/DT-A9.dmn"


@pytest.mark.parametrize("path", ["scenario.json", "process.bpmn", "parameters.json", "need_to_know.json"])
def test_every_file_is_needed(path: str) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario({name: data for name, data in FILES.items() if name != path})
    assert (caught.value.code, caught.value.fields["file"]) == ("scenario-incomplete", path)


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("scenario.json", True),
        ("decisions/DT-A1.dmn", True),
        ("datasets/GJJ-01.json", True),
        ("decisions/a/b.dmn", False),
        ("decisions/../x.dmn", False),
        ("/scenario.json", False),
        ("notes.txt", False),
        ("decisions/DT-A1.dmn\n", False),
    ],
)
def test_only_files_with_an_effect_are_read(path: str, read: bool) -> None:
    assert is_read(path) is read


def test_every_file_counts_in_the_hash() -> None:
    assert hash_files(FILES) == scenario_a().hash
    hashes = {hash_files({**FILES, path: changed(path, data)}) for path, data in FILES.items()}
    without = {hash_files({name: data for name, data in FILES.items() if name != path}) for path in FILES}
    assert len({scenario_a().hash, *hashes, *without}) == 1 + 2 * len(FILES)


def changed(path: str, data: bytes) -> bytes:
    """The file with one member or attribute more."""
    if path.endswith(".json"):
        return json.dumps({**json.loads(data), "more": 1}).encode()
    return data.replace(b"definitions xmlns", b'definitions more="1" xmlns', 1)
