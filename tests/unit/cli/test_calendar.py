"""``xinlian calendar`` from files: the shared vectors, every bad input, the shipped years."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from xinlian.cli.main import app
from xinlian.scenarios.calendar import shipped_calendar_bytes

RUNNER = CliRunner()
VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "calendar.json").read_text("utf-8"))
ROWS = [("working", row) for row in VECTORS["working_days"]] + [("calendar", row) for row in VECTORS["calendar_days"]]
DATED = [(kind, row) for kind, row in ROWS if all(pause["to"] != "open" for pause in row["pauses"])]


def run(*arguments: str | Path, **environment: str) -> Result:
    blank: dict[str, str | None] = {name: None for name in os.environ if name.startswith("XINLIAN_")}
    result = RUNNER.invoke(app, ["calendar", *map(str, arguments)], env={**blank, **environment})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def arguments_of(kind: str, row: dict[str, Any]) -> list[str]:
    options = ["--calendar-days"] if kind == "calendar" else []
    for pause in row["pauses"]:
        options += ["--pause", f"{pause['from']}..{pause['to']}"]
    return ["add", row["start"], str(row["count"]), *options]


@pytest.mark.parametrize(("kind", "row"), DATED, ids=[row["name"] for _, row in DATED])
def test_the_last_day_in_time_is_printed(kind: str, row: dict[str, Any]) -> None:
    result = run(*arguments_of(kind, row))
    if "missing_year" in row:
        assert (result.exit_code, result.stdout) == (13, "")
        assert result.stderr.startswith("calendar-year-missing: ")
        assert str(row["missing_year"]) in result.stderr
    else:
        assert (result.exit_code, result.stdout) == (0, row["last"] + "\n")


def test_json_says_what_was_asked_and_the_deadline() -> None:
    result = run("add", "2026-09-24", "10", "--json")
    assert json.loads(result.stdout) == {
        "start": "2026-09-24", "days": 10, "kind": "working-days", "last_day": "2026-10-15", "deadline": 1792080000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("2026-02-30", "1"), "date-form"),
        (("24.09.2026", "1"), "date-form"),
        (("2026-09-24", "0"), "calendar-term"),
        (("2026-09-24", "251"), "calendar-term"),
        (("2026-09-24", "367", "--calendar-days"), "calendar-term"),
        (("2026-09-24", "1", "--pause", "2026-09-29..2026-09-28"), "dates-reversed"),
        (("2026-09-24", "1", "--pause", "2026-09-29"), "date-form"),
        (("2026-09-24", "1", *("--pause", "2026-09-29..2026-09-29") * 17), "calendar-pauses"),
        (("1999-12-30", "1"), "calendar-range"),
        (("2026-09-24", "1", "--file", "no-such.json"), "file-unreadable"),
        (("2026-09-24", "1", "--rpc", "http://127.0.0.1:1"), "deployment-missing"),
    ],
)
def test_bad_input_ends_with_2_and_its_own_code(
    arguments: tuple[str, ...], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    result = run("add", *arguments, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert json.loads(result.stderr)["code"] == code


def test_a_number_that_is_none_ends_with_2() -> None:
    assert run("add", "2026-09-24", "ten").exit_code == 2


def test_another_file_answers_differently(tmp_path: Path) -> None:
    file = json.loads(shipped_calendar_bytes())
    file["years"] = {"2027": {"source": "made up", "holidays": [], "make_up_days": []}}
    path = tmp_path / "calendar.json"
    path.write_text(json.dumps(file), "utf-8")
    assert run("add", "2026-12-31", "1", "--file", path).stdout == "2027-01-01\n"
    assert run("show", "2026", "--file", path).exit_code == 13
    path.write_text("{}", "utf-8")
    result = run("add", "2026-12-31", "1", "--file", path, "--json")
    assert (result.exit_code, json.loads(result.stderr)["code"]) == (2, "calendar-file")


def test_a_year_is_shown() -> None:
    shown = json.loads(run("show", "2026", "--json").stdout)
    assert shown["workdays"] == 248
    assert shown["make_up_days"] == ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]
    assert (len(shown["closed_weekdays"]), shown["outages"]) == (19, [])
    text = run("show", "2026")
    assert "2026-10-10" in text.stdout
    assert run("show", "2027").exit_code == 13
    assert run("show", "1999").exit_code == 2


@pytest.mark.parametrize("days", ["2026-09-29..2026-09-28", "2026-09-28", "2026-09-28..x", ".."])
def test_an_outage_is_days_from_to(days: str) -> None:
    result = run("outage", days, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stderr)["code"] in ("dates-reversed", "date-form")


def test_a_file_that_is_wrong_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "calendar.json"
    path.write_text('{"format": "xinlian-calendar/1"}', "utf-8")
    result = run("load", path, "--json")
    assert (result.exit_code, json.loads(result.stderr)["code"]) == (2, "calendar-file")
