"""Help is quick and complete, and docs/cli.md is what the commands say."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xinlian.cli.exit_codes import MEANINGS
from xinlian.cli.main import GROUPS, app
from xinlian.cli.reference import commands, reference

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "cli.md"
PROGRAM = Path(sys.executable).with_name("xinlian")
HEAVY = (
    "web3",
    "eth_account",
    "eth_abi",
    "aiohttp",
    "sqlalchemy",
    "fastapi",
    "uvicorn",
    "pydantic",
    "cryptography",
    "rich",
    "zen",
    "lxml",
)
HELP_S = 0.3
CONTRACT = {
    "chain": {"status", "reattach"},
    "authority": {
        "init",
        "register",
        "suspend",
        "reinstate",
        "compromised",
        "publish-dataset",
        "return-dataset",
        "retire-dataset",
        "transfer",
        "accept",
        "announce-recovery",
        "recover",
        "cancel-recovery",
    },
    "calendar": {"add", "show", "load", "outage"},
    "department": {
        "init",
        "request",
        "show",
        "list",
        "rotate-keys",
        "recovery",
        "object",
        "signers",
        "add-signer",
        "retire-signer",
    },
    "user": {"add", "list", "token", "disable"},
    "dataset": {"list", "show", "template", "propose", "check", "decide", "update", "mark"},
    "record": {"show", "revise", "revoke", "erase", "receipt"},
    "approval": {"list", "show", "propose", "consent", "send-back", "withdraw"},
    "acts": {"list", "bundle"},
    "webhook": {"add", "list", "secret", "test", "deliveries", "replay", "remove"},
    "document": {"list", "missing", "show", "deliver", "check", "verify"},
    "request": {"new", "list", "show", "step", "mark"},
    "correction": {"new", "list", "show", "step", "overdue", "told", "see"},
    "grant": {"list", "show"},
    "case": {"open", "list", "show", "add-subject", "close"},
    "query": {"run", "list", "show"},
    "bundle": {"get"},
    "attachment": {"put", "list", "show", "get", "fetch", "delete"},
    "reads": {"list", "reconcile"},
    "scenario": {"check", "show", "hash", "decide"},
    "codes": {"check"},
    "node": {"serve"},
}
ALONE = {"inbox", "publish", "verify", "deploy", "doctor"}


def test_every_command_of_the_contract_is_there() -> None:
    names = {name.removeprefix("xinlian ") for name, _ in commands()}
    wanted = {f"{group} {name}" for group, inner in CONTRACT.items() for name in inner} | ALONE
    assert wanted <= names
    assert {name.split()[0] for name in names} == set(GROUPS)


def test_every_command_and_exit_code_is_documented() -> None:
    text = DOCUMENT.read_text("utf-8")
    for name, _ in commands():
        assert f"### `{name}" in text, name
    for code in MEANINGS:
        assert f"| {int(code)} | " in text, code


def test_the_document_is_what_the_commands_say() -> None:
    assert DOCUMENT.read_text("utf-8") == reference(), "run: python -m xinlian.cli.reference > docs/cli.md"


def test_every_command_has_json_help_and_a_word_about_itself() -> None:
    for name, command in commands():
        assert any(parameter.name == "json_" for parameter in command.params), name
        assert command.help, name
        assert not [p for p in command.params if "token" in p.opts and not str(p.name).startswith("token_file")], name


@pytest.mark.parametrize("name", [*GROUPS, *(name.removeprefix("xinlian ") for name, _ in commands())])
def test_help_of_every_command_works(name: str) -> None:
    result = CliRunner().invoke(app, [*name.split(), "--help"])
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


@pytest.mark.parametrize("arguments", [(), ("no-such",), ("case", "no-such"), ("codes", "check"), ("verify",)])
def test_a_wrong_command_line_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, list(arguments)).exit_code == 2


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from xinlian.cli.main import main\n"
        f"for arguments in [['--help'], *([name, '--help'] for name in {list(GROUPS)})]:\n"
        "    sys.argv = ['xinlian', *arguments]\n"
        "    try: main()\n"
        "    except SystemExit: pass\n"
        f"print('LOADED', [name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "LOADED []"


@pytest.mark.parametrize("arguments", [(), ("verify",), ("department",), ("authority",)])
def test_help_is_there_in_under_0_3_seconds(arguments: tuple[str, ...]) -> None:
    """In processor time, which is the wall time of a machine that nobody else uses."""
    quickest = float("inf")
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([PROGRAM, *arguments, "--help"], capture_output=True, check=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        quickest = min(quickest, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if quickest < HELP_S:
            return
    pytest.fail(f"--help took {quickest:.2f} s")


def test_the_version_is_shown() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith("xinlian ")
