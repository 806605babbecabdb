"""The output folder: who owns it, what lies where, and how a second run clears away the first.

Rules
1. A folder that is neither empty nor made by this demo is refused; nothing in it is touched.
2. Processes of an earlier run are found by a variable in their environment that names the folder, and by the runner's own
   entry in the marker file; no other process is ever ended.
3. Only what the issue promises stands at the top (summary, deployment, endpoints, bundles, altered); all else is under ``work``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.demo_app.problems import DemoError

MARKER: Final = ".xinlian-demo"
TAG: Final = "SCRIPTS_DEMO_FOLDER"
_GOES_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything lies below the output folder."""

    root: Path

    @property
    def summary(self) -> Path:
        """What every step expected and got."""
        return self.root / "summary.json"

    @property
    def deployment(self) -> Path:
        """Deployment manifest: the trust anchor."""
        return self.root / "deployment.json"

    @property
    def endpoints(self) -> Path:
        """URLs and tokens; only while the demo serves."""
        return self.root / "endpoints.json"

    @property
    def bundles(self) -> Path:
        """Evidence that is authentic and current."""
        return self.root / "bundles"

    @property
    def altered(self) -> Path:
        """Evidence that somebody changed or forged."""
        return self.root / "altered"

    @property
    def ended(self) -> Path:
        """Evidence of records that were superseded, revoked or erased, or that was pending."""
        return self.root / "ended"

    @property
    def work(self) -> Path:
        """Databases, keys, logs, chain state, input files."""
        return self.root / "work"

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.work / "logs"

    @property
    def input(self) -> Path:
        """The spreadsheet files."""
        return self.work / "input"


def take(root: Path) -> Places:
    """Make the folder ready for a run.

    Raises:
        DemoError: when it holds something that is not of this demo.
    """
    marker = root / MARKER
    if root.exists() and not root.is_dir():
        raise DemoError(f"{root} is not a folder")
    if root.is_dir() and any(root.iterdir()):
        if not marker.is_file():
            raise DemoError(f"{root} holds something that this demo did not make: give an empty folder, or one of an earlier run")
        end_processes(root, _runner_of(marker))
        _empty(root, keep=marker)
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o700)
    marker.write_text(json.dumps({"runner": os.getpid(), "started": _started(os.getpid())}), "utf-8")
    places = Places(root)
    for folder in (places.bundles, places.altered, places.ended, places.logs, places.input):
        folder.mkdir(parents=True, exist_ok=True)
    return places


def _empty(root: Path, keep: Path) -> None:
    for entry in root.iterdir():
        if entry == keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _runner_of(marker: Path) -> int | None:
    """Process id of the run that wrote the marker, if that very process still runs."""
    try:
        known = json.loads(marker.read_text("utf-8"))
        pid, started = int(known["runner"]), str(known["started"])
    except (ValueError, KeyError, TypeError):
        return None
    return pid if pid != os.getpid() and _started(pid) == started else None


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot: tells it from a later one with the same number; empty if unknown."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def tagged(root: Path) -> list[int]:
    """Processes that a demo in this folder started, by the tag in their environment."""
    wanted = f"{TAG}={root}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # gone, or another user's
            continue
        if wanted in variables and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def end_processes(root: Path, runner: int | None = None) -> None:
    """End what an earlier run in this folder left: first its runner in good order, then whatever still carries its tag."""
    if runner is not None:
        _signal([runner], signal.SIGTERM)
        _wait_gone([runner], _GOES_S)
        _signal(_alive([runner]), signal.SIGKILL)
    left = tagged(root)
    _signal(left, signal.SIGKILL)
    _wait_gone(left, 5.0)


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _alive(pids: Iterable[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists() and not _is_zombie(pid)]


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True


def _wait_gone(pids: Iterable[int], timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while _alive(pids) and time.monotonic() < until:
        time.sleep(0.05)
