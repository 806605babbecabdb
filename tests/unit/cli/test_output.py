from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinlian.cli.exit_codes import Exit
from xinlian.cli.output import Output, Problem, cell, display_width, pairs, printable, shown, table
from xinlian.protocol.errors import CATALOGUE


def test_columns_stand_straight_by_display_width() -> None:
    lines = table(("字段", "n"), [("缴存余额", 1), ("id", 22)]).split("\n")
    assert [display_width(line[: line.rindex(" ") + 1]) for line in lines] == [10, 10, 10]
    assert lines == ["字段      n", "缴存余额  1", "id        22"]


def test_cells_say_none_and_truth_in_words() -> None:
    assert table(("a", "b", "c"), [(None, True, ["x", "y"])]).split("\n")[1] == "-  yes  x, y"
    assert pairs({"terms": {"a": 1}}) == 'terms  {"a": 1}'


@pytest.mark.parametrize("bad", ["\x1b[2J", "\r", "\u202e", "\u200b", "\x9b1m", "\ud800"])
def test_nothing_that_moves_a_terminal_is_printed(bad: str) -> None:
    assert bad not in printable(f"机构{bad}名称")
    assert printable(f"机构{bad}名称").startswith("机构\ufffd")


@given(st.text())
def test_printable_text_has_no_control_character_but_line_feeds(text: str) -> None:
    assert all(c == "\n" or c.isprintable() or c.isspace() or not c.isascii() for c in printable(text))
    assert printable(printable(text)) == printable(text)
    assert len(printable(text)) == len(text)


def test_a_result_is_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=True)
    output.progress("working")
    output.result({"name": "测试"}, "text")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"name": "测试"}
    assert "测试" in said.out
    assert said.err == ""


def test_a_result_without_json_is_text_and_progress_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False)
    output.progress("working")
    output.result({"name": "测试"}, lambda: "done")
    assert capsys.readouterr() == ("done\n", "working\n")


FAULTS = [
    {"row": 3, "field": "balance_yuan", "title": "余额", "what": "two places", "expected": "1234.50", "code": "field-scale"},
    {"row": 7, "field": "id_number", "title": "证件号", "what": "check digit", "expected": "18 characters", "code": "code-form"},
]


def test_an_error_is_one_line_and_a_table_of_faults(capsys: pytest.CaptureFixture[str]) -> None:
    problem = Problem("rows-invalid", "2 faults", Exit.USAGE, fields={"faults": FAULTS, "fault_count": 9})
    Output(as_json=False).problem(problem)
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert said.out == ""
    assert lines[0] == "rows-invalid: 2 faults"
    assert lines[1].split() == ["row", "field", "title", "what", "expected"]
    assert lines[2].split()[:3] == ["3", "balance_yuan", "余额"]
    assert lines[4] == "… 7 more"
    assert lines[5] == f"→ {CATALOGUE['rows-invalid'].remedy}"


def test_a_code_of_another_version_has_no_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).problem(Problem("no-such-code", "1 fault", Exit.USAGE))
    assert capsys.readouterr().err.splitlines() == ["no-such-code: 1 fault"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("submitted_at", 1_794_445_329, "2026-11-12 09:02:09"),
        ("valid_from", 1_793_462_400, "2026-11-01 00:00:00"),
        ("valid_to", 1_793_462_400, "2026-10-31 24:00"),
        ("deadline", 1_794_445_329, "2026-11-12 09:02:09"),
        ("number", 1_794_445_329, 1_794_445_329),
        ("created_at", None, None),
        ("settled_at", True, True),
        ("since", 12, 12),
    ],
)
def test_moments_are_shown_as_times_of_utc8(name: str, value: object, expected: object) -> None:
    assert shown(name, value) == expected
    assert pairs({name: value}) == f"{name}  {cell(expected)}"
    assert table((name,), [[value]]).splitlines()[1] == cell(expected)


def test_an_error_with_json_is_a_problem_object(capsys: pytest.CaptureFixture[str]) -> None:
    fields = {"faults": FAULTS, "status": 422, "code": "never", "exit_code": "never"}
    Output(as_json=True).problem(Problem("rows-invalid", "2 faults", Exit.USAGE, fields=fields))
    said = capsys.readouterr()
    expected = {"code": "rows-invalid", "detail": "2 faults", "retryable": False, "exit_code": 2, "faults": FAULTS, "status": 422}
    assert said.out == ""
    assert json.loads(said.err) == expected
