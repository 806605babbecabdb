"""``xinlian calendar`` and recovery against a real chain: the contract answers as the file does, the authority keeps both."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.support.anvil import START_S, TestChain, fresh_anvil
from xinlian.cli.main import app
from xinlian.protocol.working_days import day_of, end_of
from xinlian.scenarios.calendar import shipped_calendar_bytes

RUNNER = CliRunner()
USCC = "12411599MBDEM00233"
VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "calendar.json").read_text("utf-8"))
ROWS = [("working", row) for row in VECTORS["working_days"]] + [("calendar", row) for row in VECTORS["calendar_days"]]


@dataclass(frozen=True)
class Office:
    """The authority's office: a chain with contracts, its keys, a calendar file."""

    chain: TestChain
    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str | Path, **extra: str) -> Result:
        blank: dict[str, str | None] = {name: None for name in os.environ if name.startswith("XINLIAN_")}
        result = RUNNER.invoke(app, [*map(str, arguments)], env={**blank, **self.environment, **extra})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def need(self, *arguments: str | Path, **extra: str) -> Any:
        result = self.run(*arguments, "--json", **extra)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def code(self, *arguments: str | Path) -> tuple[int, str]:
        result = self.run(*arguments, "--json")
        return result.exit_code, json.loads(result.stderr)["code"]

    @property
    def asking(self) -> tuple[str, ...]:
        return ("--rpc", self.chain.url)

    @property
    def signing(self) -> tuple[str, ...]:
        return ("--rpc", self.chain.url, "--keys", str(self.folder / "authority"))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    (folder / "passphrase").write_text("passphrase of the tests\n", "utf-8")
    environment = {
        "XINLIAN_PASSPHRASE_FILE": str(folder / "passphrase"),
        "XINLIAN_DEPLOYMENT": str(folder / "deployment.json"),
        "HOME": str(folder),
    }
    with fresh_anvil() as chain:
        made = Office(chain, folder, environment)
        (folder / "calendar.json").write_bytes(shipped_calendar_bytes())
        address = made.need("authority", "init", "--keys", folder / "authority", "--light-kdf")["authority"]
        chain.fund(address)
        made.need("deploy", *made.signing, "-o", folder / "deployment.json")
        yield made


def test_before_anything_is_loaded_the_contract_names_the_year(office: Office) -> None:
    assert office.code("calendar", "add", "2026-09-24", "10", *office.asking) == (13, "calendar-year-missing")
    assert office.code("calendar", "show", "2026", *office.asking) == (13, "calendar-year-missing")


def test_the_authority_loads_the_file_once(office: Office) -> None:
    done = office.need("calendar", "load", *office.signing)["years"]
    assert [(one["year"], one["change"]) for one in done] == [(2025, "loaded"), (2026, "loaded")], "the shipped file"
    again = office.need("calendar", "load", office.folder / "calendar.json", *office.signing)["years"]
    assert [(one["year"], one["change"], one["tx_hash"]) for one in again] == [
        (2025, "unchanged", None),
        (2026, "unchanged", None),
    ]
    for year in ("2025", "2026"):
        assert office.need("calendar", "show", year, *office.asking) == office.need("calendar", "show", year)


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[row["name"] for _, row in ROWS])
def test_the_contract_answers_as_the_file_does(office: Office, kind: str, row: dict[str, Any]) -> None:
    options = ["--calendar-days"] if kind == "calendar" else []
    for pause in row["pauses"]:
        options += ["--pause", f"{pause['from']}..{'2100-12-31' if pause['to'] == 'open' else pause['to']}"]
    arguments = ("calendar", "add", row["start"], str(row["count"]), *options)
    from_file, from_contract = office.run(*arguments), office.run(*arguments, *office.asking, *office.asking)
    assert (from_contract.exit_code, from_contract.stdout) == (from_file.exit_code, from_file.stdout)
    if "missing_year" in row:
        assert from_contract.exit_code == 13
        assert office.code(*arguments, *office.asking) == (13, "calendar-year-missing")
    else:
        assert from_contract.stdout == row["last"] + "\n"
        assert office.need(*arguments, *office.asking) == office.need(*arguments)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("2026-09-24", "0"), "calendar-term"),
        (("2026-09-24", "251"), "calendar-term"),
        (("1999-12-30", "1"), "calendar-range"),
        (("2026-09-24", "1", *("--pause", "2026-09-29..2026-09-29") * 17), "calendar-pauses"),
    ],
)
def test_the_contract_refuses_with_the_codes_of_the_file(office: Office, arguments: tuple[str, ...], code: str) -> None:
    assert office.code("calendar", "add", *arguments) == (2, code)
    assert office.code("calendar", "add", *arguments, *office.asking) == (2, code)


def test_outages_and_changes_count_from_the_contract_at_once(office: Office) -> None:
    ask = ("calendar", "add", "2026-09-24", "10", *office.asking)
    office.need("calendar", "outage", "2026-09-28..2026-09-29", *office.signing)
    assert office.run(*ask).stdout == "2026-10-19\n"
    assert office.need("calendar", "show", "2026", *office.asking)["outages"] == ["2026-09-28", "2026-09-29"]
    office.need("calendar", "outage", "2026-09-28..2026-09-29", "--withdraw", *office.signing)
    assert office.run(*ask).stdout == "2026-10-15\n"

    file = json.loads(shipped_calendar_bytes())
    del file["years"]["2025"]
    extra = {"name": "x", "from": "2026-09-28", "to": "2026-09-28", "basis": "x"}
    file["years"]["2026"]["holidays"].append(extra)
    changed = office.folder / "changed.json"
    changed.write_text(json.dumps(file), "utf-8")
    done = office.need("calendar", "load", changed, *office.signing)["years"]
    assert [(one["year"], one["change"]) for one in done] == [(2026, "changed")]
    assert office.run(*ask).stdout == "2026-10-16\n"
    office.need("calendar", "load", office.folder / "calendar.json", *office.signing)
    assert office.run(*ask).stdout == "2026-10-15\n"


def test_what_is_past_stays(office: Office) -> None:
    """The chain stands at 2026-09-21."""
    assert office.code("calendar", "outage", "2026-09-01..2026-09-02", *office.signing) == (13, "calendar-day-frozen")
    assert office.code("calendar", "outage", "2026-09-28..2026-10-29", *office.signing) == (2, "calendar-outage-length")
    file = json.loads(shipped_calendar_bytes())
    file["years"]["2026"]["holidays"].append({"name": "x", "from": "2026-09-21", "to": "2026-09-21", "basis": "x"})
    late = office.folder / "late.json"
    late.write_text(json.dumps(file), "utf-8")
    assert office.code("calendar", "load", late, *office.signing) == (13, "calendar-day-frozen")


def test_an_rpc_of_another_chain_is_refused(office: Office) -> None:
    with fresh_anvil(genesis_time=START_S + 1) as other:
        assert office.code("calendar", "add", "2026-09-24", "1", "--rpc", other.url) == (15, "chain-wrong")


def test_a_department_is_recovered_by_the_command_line(office: Office) -> None:
    for name in ("first", "second"):
        data = office.folder / name
        office.need(
            "department", "init", "--data-dir", data, "--department", USCC, "--name", "测试市住房公积金管理中心",
            "--endpoint", "http://127.0.0.1:8702", "--light-kdf", "--token-out", office.folder / f"{name}.token",
        )  # fmt: skip
        office.need("department", "request", "--data-dir", data, "-o", office.folder / f"{name}.json")
    office.need("authority", "register", office.folder / "first.json", *office.signing)

    assert office.code("authority", "recover", USCC, *office.signing)[1] == "recovery-unknown"
    office.need("authority", "announce-recovery", office.folder / "second.json", *office.signing)
    office.need("authority", "cancel-recovery", USCC, *office.signing)
    office.need("authority", "announce-recovery", office.folder / "second.json", *office.signing)
    assert office.code("authority", "recover", USCC, *office.signing)[1] == "recovery-too-early"
    office.chain.rpc("evm_setNextBlockTimestamp", end_of(day_of(START_S) + 2))
    office.chain.mine()
    done = office.need("authority", "recover", USCC, *office.signing)
    assert done["call"] == "DepartmentRegistry.recover"
