"""The demo once, with everything real: chain, six nodes, files, grants, evidence, refusals, faults."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "scripts" / "demo"
BUDGET_S = 200  # on two cores of its own; the limits leave room for a machine that does other work
PROVIDERS_ASKED = {"identity", "marriage", "contract", "permit", "payment", "payment-reached", "home-count", "no-record"}
REFUSED = {"field-outside", "person-outside", "person-outside-forged", "closed-case", "revoked-grant"}
EVIDENCE = {"altered", "forged-ledger", "superseded", "revoked", "erased"}
FAULTS = {"provider-down", "chain-down"}
STORYLINE = (
    *("request-without-basis", "request-filed", "request-out-of-scope", "scope-not-reviewed", "third-party"),  # 09-24
    *("scope-reviewed", "request-answered", "partly-agreed"),  # 09-28, 09-30
    *("correction-opened", "correction-flagged", "correction-refused", "correction-made"),  # 11-02, 11-06
    *("stopped-alone", "resumed", "stopped-lawfully"),  # 11-09
    *("withdrawn", "disassociated"),  # 11-12
)
"""Steps 1, 2, 6, 5, 10 and 7 of the dossier's storyline, in date order."""


def run_demo(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DEMO, *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=BUDGET_S * 4,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def left_running(folder: Path) -> list[str]:
    """Processes whose environment carries the tag of a demo in this folder."""
    tag, found = f"SCRIPTS_DEMO_FOLDER={folder}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if tag in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.timeout(BUDGET_S * 4 + 30)
def test_demo_runs_once_and_every_step_is_as_expected(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = run_demo("--once", "--out", out)
    assert (out / "summary.json").is_file(), ran.stderr[-3000:]
    summary: dict[str, Any] = json.loads((out / "summary.json").read_bytes())
    wrong = [step for step in summary["steps"] if not step["ok"]]
    assert not wrong, json.dumps(wrong, ensure_ascii=False, indent=1)[:6000] + ran.stderr[-3000:]
    assert ran.returncode == 0
    assert summary["ok"] is True
    assert summary["rows"] >= 10_000
    assert {step["id"] for step in summary["steps"]} >= PROVIDERS_ASKED | REFUSED | EVIDENCE | FAULTS
    ids = [step["id"] for step in summary["steps"]]
    assert [name for name in ids if name in STORYLINE] == list(STORYLINE)
    for step in summary["steps"]:
        assert step["got"] == step["expected"]
    assert json.loads((out / "deployment.json").read_bytes())["format"] == "xinlian-deployment/1"
    for folder, at_least in (("bundles", 10), ("altered", 5)):
        files = list((out / folder).glob("*.json"))
        assert len(files) >= at_least
        assert all(json.loads(file.read_bytes())["format"] == "xinlian-evidence/1" for file in files)
    assert not left_running(out)
    assert "home_count" in ran.stdout


def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me", "utf-8")
    ran = run_demo("--once", "--out", tmp_path)
    assert ran.returncode == 2
    assert "empty folder" in ran.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter.txt"]


def test_help_says_what_it_does_without_starting_anything(tmp_path: Path) -> None:
    ran = run_demo("--help", cwd=tmp_path)
    assert ran.returncode == 0
    assert "--once" in ran.stdout
    assert not list(tmp_path.iterdir())
