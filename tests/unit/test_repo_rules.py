"""Rules of the repository that no linter knows: what may be tracked, scripts, error codes, generated documents, purity."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from scripts.lib.error_codes import scan
from xinlian.protocol.errors import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "xinlian"

# Codes that stand in the catalogue before the code that raises them; each with what will.
RESERVED: dict[str, str] = {}

# Put together from pieces, so that this file does not hold what it looks for.
_MACHINE_PATHS = re.compile(r"(?<![A-Za-z0-9_.$}])/(?:work|farm|root|opt/wheels)/")
_REGISTRY_HOSTS = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("files", "pythonhosted", "org"), ("pypi", "org"), ("registry", "npmjs", "org"), ("deb", "debian", "org"),
            ("npmmirror", "com"), ("pypi", "tuna", "tsinghua"), ("registry", "yarnpkg", "com"), ("index", "crates", "io"),
        )
    )
)  # fmt: skip
_SECRETS = re.compile("-----BEGIN (?:EC |RSA |ENCRYPTED |OPENSSH )?PRIVATE " + "KEY-----")

# Names that read a clock or draw randomness although their module is pure otherwise.
_IMPURE_CALLS = set("now today utcnow urandom uuid1 uuid4 uuid6 uuid7 open input getenv perf_counter print generate".split(" "))


def _tracked() -> list[Path]:
    """Every tracked file, and new ones that are not ignored: a slip is found before it is committed."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    ).stdout.decode("utf-8")
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def _lines_matching(pattern: re.Pattern[str]) -> list[str]:
    hits = []
    for path in _tracked():
        data = path.read_bytes()
        if b"\0" in data:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
            if pattern.search(line):
                hits.append(f"{path.relative_to(ROOT)}:{number}")
    return hits


@pytest.mark.parametrize(
    "pattern", [_MACHINE_PATHS, _REGISTRY_HOSTS, _SECRETS], ids=["machine-path", "registry-host", "private-key"]
)
def test_no_tracked_file_holds(pattern: re.Pattern[str]) -> None:
    assert _lines_matching(pattern) == []


def test_the_patterns_find_what_they_are_for() -> None:
    assert _MACHINE_PATHS.search('path = "/' + 'work/main"')
    assert _REGISTRY_HOSTS.search("https://files.python" + "hosted.org/x")
    assert not _MACHINE_PATHS.search("see docs/work/plan and $ROOT/root/x")


def _scripts() -> list[Path]:
    folders = (ROOT / "scripts", ROOT / ".ci", ROOT / "docker")
    return sorted(path for folder in folders for path in folder.iterdir() if path.is_file())


@pytest.mark.parametrize("script", _scripts(), ids=lambda path: path.name)
def test_every_script_is_executable_and_strict(script: Path) -> None:
    lines = script.read_text("utf-8").splitlines()
    assert os.access(script, os.X_OK), "chmod +x"
    assert lines[0] in {"#!/usr/bin/env bash", "#!/usr/bin/env python3"}
    if lines[0].endswith("bash"):
        assert "set -euo pipefail" in lines
        subprocess.run(["bash", "-n", str(script)], check=True)
    else:
        compile(script.read_text("utf-8"), str(script), "exec")


def test_every_raised_code_is_catalogued() -> None:
    found = scan()
    assert {code: found.where[code] for code in found.raised if code not in CATALOGUE} == {}


def test_every_catalogued_code_is_in_use_or_reserved() -> None:
    found = scan()
    assert sorted(code for code in CATALOGUE if not found.uses(code)) == sorted(RESERVED)


def test_codes_are_kebab_case_unique_and_explained() -> None:
    text = (SOURCE / "protocol" / "errors.py").read_text("utf-8")
    calls = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "CodeEntry"
    ]
    assert len(calls) == len(CATALOGUE), "a code stands twice in the catalogue"
    for entry in CATALOGUE.values():
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", entry.code), entry.code
        assert entry.cause.endswith((".", "?")), entry.code
        assert entry.remedy.endswith((".", "?")), entry.code


def test_the_scan_finds_helpers_and_formatted_codes(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        "def _refuse(message, code):\n    raise RefusedError(code, message)\n"
        "def f(x):\n    _refuse('m', 'one')\n    _refuse('m', code='two')\n    raise InputError(f'{x}-unknown', 'm')\n"
        "raise ChainError('three' if y else 'four', 'm')\n",
        "utf-8",
    )
    found = scan(tmp_path)
    assert found.raised == {"one": {"RefusedError"}, "two": {"RefusedError"}, "three": {"ChainError"}, "four": {"ChainError"}}
    assert found.uses("field-unknown")
    assert not found.uses("field-type")


def test_generated_documents_are_fresh() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate-docs"), "--check"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("package", ["protocol", "engine"])
def test_pure_packages_neither_read_a_clock_nor_draw_randomness(package: str) -> None:
    hits = []
    for path in sorted((SOURCE / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = _called_name(node)
            if name in _IMPURE_CALLS:
                hits.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {name}")
    assert hits == []


def _called_name(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else None


def test_nothing_reads_the_environment_at_import() -> None:
    hits = []
    for path in sorted(SOURCE.rglob("*.py")):
        for statement in ast.parse(path.read_text("utf-8")).body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if re.search(r"\bos\.(environ|getenv)\b", ast.unparse(statement)):
                hits.append(f"{path.relative_to(ROOT)}:{statement.lineno}")
    assert hits == []


def test_locks_pin_every_package_with_hashes() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-build.lock"):
        text = (ROOT / name).read_text("utf-8").replace("\\\n", "")
        entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
        assert entries
        assert [line[:60] for line in entries if not re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:", line, re.IGNORECASE)] == []


def test_nothing_that_is_shipped_is_under_a_gpl() -> None:
    """GPL, LGPL and AGPL stand in the development lock only, as oracles of the tests (docs/adr/002-check-digits.md)."""
    locked = re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE | re.IGNORECASE)
    assert "python-stdnum" not in locked
    assert len(locked) > 50
    assert [name for name in locked if _is_gpl(name)] == []
    assert _is_gpl("python-stdnum"), "the test sees one"


def _is_gpl(package: str) -> bool:
    about = metadata.metadata(package)
    said = [*about.get_all("License-Expression", []), *about.get_all("License", []), *about.get_all("Classifier", [])]
    return any(re.search(r"GNU|\b[AL]?GPL", text.split("\n")[0]) for text in said if "::" not in text or "License" in text)


def test_nothing_waits_by_wait_for() -> None:
    """Before Python 3.12 ``asyncio.wait_for`` can swallow a cancellation: a node would not stop. ``asyncio.timeout`` does not."""
    found = [path.relative_to(ROOT) for path in SOURCE.rglob("*.py") if "asyncio.wait_for(" in path.read_text(encoding="utf-8")]
    assert found == []
