"""Whether a lock is whole: what pip reports about its packages on one interpreter, against what each of them asks for.

Rules
1. pip was asked for every package of the lock and for nothing else (``--no-deps``), so the report is the lock as that interpreter
   sees it: each package has a file for it, with the hash of the lock.
2. Everything that the roots ask for there, and what that asks for in turn, extras included, must be in the report in a version
   that fits. Markers are evaluated with the environment that the report names, not with this interpreter's.
3. Nothing is resolved and nothing installed: which newer versions the registry has makes no difference.

Usage: ``lock_check.py REPORT [--extra NAME | --build]`` with ``pip install --report``'s JSON; the roots come from pyproject.toml.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
Report = Mapping[str, Any]


def faults(report: Report, roots: Sequence[str]) -> list[str]:
    """One line for everything that is asked for and not there, or there in a version that does not fit.

    Args:
        report: of pip, as JSON.
        roots: requirements (PEP 508).
    """
    environment: dict[str, str] = report["environment"]
    held = {canonicalize_name(one["metadata"]["name"]): one["metadata"] for one in report["install"]}
    found: list[str] = []
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(root), "pyproject.toml", "") for root in roots]
    while waiting:
        asked, who, extra = waiting.pop()
        if asked.marker is not None and not asked.marker.evaluate({**environment, "extra": extra}):
            continue
        name = canonicalize_name(asked.name)
        if name not in held:
            found.append(f"{who} asks for {asked}, which is not in the lock")
            continue
        version = held[name]["version"]
        if not asked.specifier.contains(version, prereleases=True):
            found.append(f"{who} asks for {asked}, the lock has {version}")
        for further in ("", *asked.extras):
            if (name, further) not in seen:
                seen.add((name, further))
                waiting += [(Requirement(one), str(name), further) for one in held[name].get("requires_dist") or ()]
    return sorted(set(found))


def roots_of(pyproject: Mapping[str, Any], extra: str | None, *, build: bool) -> list[str]:
    """What pyproject.toml asks for: to run, with an extra, or to build."""
    if build:
        return list(pyproject["build-system"]["requires"])
    project = pyproject["project"]
    return [*project["dependencies"], *(project["optional-dependencies"][extra] if extra else ())]


def main() -> int:
    """Print what is wrong; 1 when something is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("--extra")
    parser.add_argument("--build", action="store_true")
    given = parser.parse_args()
    roots = roots_of(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8")), given.extra, build=given.build)
    found = faults(json.loads(given.report.read_bytes()), roots)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
