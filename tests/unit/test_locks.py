"""Locks: that one is whole is seen, and it installs although the registry has newer releases."""

from __future__ import annotations

import copy
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.lib.lock_check import faults, roots_of

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"python_version": "3.11", "python_full_version": "3.11.7", "sys_platform": "linux", "platform_system": "Linux"}


def package(name: str, version: str, *asks: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "version": version, "requires_dist": list(asks)}}


WHOLE: dict[str, Any] = {
    "environment": ENVIRONMENT,
    "install": [
        package("pytest-cov", "7.0", "Coverage[toml]>=7.6", 'colorama; sys_platform == "win32"'),
        package("coverage", "7.9", 'tomli>=2; python_version < "3.12" and extra == "toml"', 'extras-only; extra == "other"'),
        package("tomli", "2.1"),
        package("pre", "1.0rc1"),
    ],
}
ROOTS = ["pytest_cov>=7", "pre>=0.9"]


def test_a_whole_lock_has_no_fault() -> None:
    assert faults(WHOLE, ROOTS) == []


def without(name: str) -> Callable[[dict[str, Any]], None]:
    def change(report: dict[str, Any]) -> None:
        report["install"] = [one for one in report["install"] if one["metadata"]["name"] != name]

    return change


def at(name: str, version: str) -> Callable[[dict[str, Any]], None]:
    def change(report: dict[str, Any]) -> None:
        next(one["metadata"] for one in report["install"] if one["metadata"]["name"] == name)["version"] = version

    return change


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (without("tomli"), "coverage asks for tomli>=2"),
        (without("coverage"), "pytest-cov asks for Coverage[toml]>=7.6, which is not in the lock"),
        (at("coverage", "7.5"), "pytest-cov asks for Coverage[toml]>=7.6, the lock has 7.5"),
        (at("pytest-cov", "6.9"), "pyproject.toml asks for pytest_cov>=7, the lock has 6.9"),
        (lambda report: report["environment"].update(sys_platform="win32"), "pytest-cov asks for colorama"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_named(change: Callable[[dict[str, Any]], None], line: str) -> None:
    report = copy.deepcopy(WHOLE)
    change(report)
    [found] = faults(report, ROOTS)
    assert found.startswith(line)


def test_another_interpreter_needs_other_packages() -> None:
    report = copy.deepcopy(WHOLE)
    report["environment"]["python_version"] = "3.13"
    without("tomli")(report)
    assert faults(report, ROOTS) == []


def test_the_roots_are_those_of_pyproject() -> None:
    pyproject: Mapping[str, Any] = {
        "build-system": {"requires": ["hatchling"]},
        "project": {"dependencies": ["a>=1"], "optional-dependencies": {"dev": ["b"]}},
    }
    assert roots_of(pyproject, None, build=False) == ["a>=1"]
    assert roots_of(pyproject, "dev", build=False) == ["a>=1", "b"]
    assert roots_of(pyproject, None, build=True) == ["hatchling"]


# -- installing, from a folder that stands for a registry ----------------------------------------------


def wheel(folder: Path, name: str, version: str, *headers: str) -> str:
    """A wheel of one module; gives its SHA-256."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *headers]) + "\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{name}-{version}.dist-info/METADATA", about)
        archive.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}-{version}.dist-info/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def install(folder: Path, lock: str) -> subprocess.CompletedProcess[str]:
    """``install_locked`` of scripts/setup into a folder of its own, from that registry and no other."""
    (folder / "test.lock").write_text(lock)
    places = {"NO_INDEX": "1", "FIND_LINKS": str(folder), "TARGET": str(folder / "target"), "CONFIG_FILE": "/dev/null"}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **{f"PIP_{name}": value for name, value in places.items()}}
    script = f"source '{ROOT}/scripts/lib/common.sh'; install_locked '{sys.executable}' '{folder}/test.lock'"
    return subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def locked(tmp_path: Path) -> str:
    """A lock over needing 1.0, which asks for thing[toml], and thing 1.0; then thing 2.0 comes out."""
    needing = wheel(tmp_path, "needing", "1.0", "Requires-Dist: thing[toml]>=1.0")
    thing = wheel(tmp_path, "thing", "1.0", "Provides-Extra: toml")
    wheel(tmp_path, "thing", "2.0", "Provides-Extra: toml")
    return f"needing==1.0 --hash=sha256:{needing}\nthing==1.0 --hash=sha256:{thing}\n"


def test_a_release_that_came_out_after_the_lock_changes_nothing(tmp_path: Path, locked: str) -> None:
    ran = install(tmp_path, locked)
    assert ran.returncode == 0, ran.stderr
    assert sorted(path.name for path in (tmp_path / "target").glob("*.dist-info")) == [
        "needing-1.0.dist-info",
        "thing-1.0.dist-info",
    ]


def test_a_file_that_is_not_that_of_the_lock_is_refused(tmp_path: Path, locked: str) -> None:
    wheel(tmp_path, "thing", "1.0", "Provides-Extra: toml", "Summary: another file of the same name")
    ran = install(tmp_path, locked)
    assert ran.returncode != 0
    assert "DO NOT MATCH THE HASHES" in ran.stderr
    assert not (tmp_path / "target").exists()
