"""``xinlian scenario``, offline."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.support.scenario_a import amount_inputs, eligible_inputs, scenario_a
from xinlian.cli.main import app
from xinlian.scenarios.folder import read_folder

RUNNER = CliRunner()
SHIPPED = Path(__file__).resolve().parents[3] / "src" / "xinlian" / "scenarios" / "new_home_loan"


def run(*arguments: str | Path, stdin: str = "") -> Result:
    return RUNNER.invoke(app, ["scenario", *map(str, arguments)], input=stdin)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "scenario", ignore=shutil.ignore_patterns("__pycache__")))


def test_check_show_and_hash_agree(folder: Path) -> None:
    checked = json.loads(run("check", folder, "--json").stdout)
    assert checked["hash"] == scenario_a().hash.hex() == run("hash", "new-home-loan").stdout.strip()
    shown = json.loads(run("show", folder, "--json").stdout)
    assert [step["id"] for step in shown["steps"]] == list(scenario_a().definition.steps)
    assert "演示参数" in run("show", folder).stdout


def test_decide_prints_result_and_rows(folder: Path) -> None:
    done = run("decide", folder, "DT-A1", "-", stdin=json.dumps(eligible_inputs(home_count=2)))
    found = json.loads(done.stdout)
    assert [row["rule"] for row in found["matched"]] == ["R06"]
    assert found["result"][0]["reason"] == "三套及以上不予贷款"
    amount = json.loads(run("decide", folder, "DT-A3", "-", "--json", stdin=json.dumps(amount_inputs())).stdout)
    assert amount["result"]["payment_fen"] == 200_170


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "exit_code"),
    [
        (("decide", "new-home-loan", "DT-X", "-"), "{}", "decision-unknown", 12),
        (("decide", "new-home-loan", "DT-A2", "-"), "{}", "field-missing", 2),
        (("decide", "new-home-loan", "DT-A2", "-"), "[]", "field-type", 2),
        (("check", "new-home-loan", "--production"), "", "parameter-without-basis", 2),
        (("check", "new-home-loan", "--on", "2024-01-01"), "", "parameter-not-in-force", 2),
        (("check", "new-home-loan", "--on", "soon"), "", "date-form", 2),
        (("check", "no-such"), "", "scenario-unknown", 12),
    ],
)
def test_errors_have_their_code(arguments: tuple[str, ...], stdin: str, code: str, exit_code: int) -> None:
    done = run(*arguments, "--json", stdin=stdin)
    assert (json.loads(done.stderr)["code"], done.exit_code) == (code, exit_code)


def test_a_value_never_stands_in_an_error() -> None:
    done = run("decide", "new-home-loan", "DT-A1", "-", stdin=json.dumps(eligible_inputs(continuous_months="secret")))
    assert done.exit_code == 2
    assert "secret" not in done.stdout + done.stderr


def test_a_changed_rule_changes_the_hash_and_blanks_do_not(folder: Path) -> None:
    before = run("hash", folder).stdout
    table = folder / "decisions" / "DT-A1.dmn"
    text = table.read_text("utf-8")
    table.write_text(text.replace("\n", "\r\n"), "utf-8", newline="")
    parameters = folder / "parameters.json"
    parameters.write_text(json.dumps(json.loads(parameters.read_text("utf-8"))), "utf-8")
    assert run("hash", folder).stdout == before
    table.write_text(text.replace("&lt; min_continuous_months", "&lt;= min_continuous_months"), "utf-8")
    assert run("hash", folder).stdout not in ("", before)


def test_files_of_other_names_and_links_out_of_the_folder_are_not_read(folder: Path, tmp_path: Path) -> None:
    (folder / "notes.txt").write_text("x", "utf-8")
    (tmp_path / "outside.json").write_text("{}", "utf-8")
    (folder / "datasets" / "LINK.json").symlink_to(tmp_path / "outside.json")
    assert set(read_folder(str(folder))) == set(read_folder("new-home-loan"))


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "parameters.json").unlink()
    done = run("check", folder)
    assert (done.exit_code, "scenario-incomplete: parameters.json" in done.stderr) == (2, True)
