"""The processes of the demo: start, stop, kill, their logs, their ports; nothing is left when the demo ends.

Rules
1. Every process leads its own group, so that a kill takes its sealing workers with it and Ctrl-C reaches only the demo.
2. Every process dies with the demo, even when the demo is killed (setpriv --pdeathsig); so it is started by the main thread.
3. Only processes that stand in this table, or carry this run's tag, are ever ended.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.demo_app.places import TAG, end_processes
from scripts.demo_app.problems import DemoError


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(slots=True)
class Processes:
    """The table of processes.

    Args:
        root: the output folder, which tags them.
        logs: where their output goes, one file per name.
    """

    root: Path
    logs: Path
    _children: dict[str, _Child] = field(default_factory=dict)
    _ports: set[int] = field(default_factory=set)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Environment of every process: the caller's without XINLIAN_ settings, plus the tag of this run."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("XINLIAN_")}
        return {**clean, "PYTHONUNBUFFERED": "1", TAG: str(self.root), **(extra or {})}

    def free_port(self) -> int:
        """A TCP port of the loopback address that nobody uses now and that was not given out before."""
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in self._ports:
                self._ports.add(port)
                return port

    def start(self, name: str, command: Sequence[str], extra: Mapping[str, str] | None = None) -> None:
        """Start a process; a second start under the same name appends to the same log."""
        log = self.logs / f"{name}.log"
        guard = shutil.which("setpriv")
        argv = [guard, "--pdeathsig", "KILL", "--", *command] if guard else list(command)
        with log.open("ab") as out:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.environment(extra),
                cwd=self.root,
                start_new_session=True,
            )
        self._children[name] = _Child(process, log)

    def is_running(self, name: str) -> bool:
        """Whether the process lives."""
        child = self._children.get(name)
        return child is not None and child.process.poll() is None

    def require_running(self, name: str) -> None:
        """Stop the demo when the process has ended by itself.

        Raises:
            DemoError: naming it and its exit code.
        """
        child = self._children[name]
        code = child.process.poll()
        if code is not None:
            raise DemoError(f"the process {name} ended with code {code}", process=name)

    def stop(self, name: str, timeout_s: float = 15.0) -> int:
        """End a process in good order (SIGTERM), by force after the timeout.

        Returns:
            Its exit code; negative = the signal that ended it.
        """
        child = self._children[name]
        if child.process.poll() is None:
            _signal_group(child.process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout_s)
        return self.kill(name)

    def kill(self, name: str) -> int:
        """End a process and its group at once (SIGKILL), as a power cut would.

        Returns:
            Its exit code; negative = the signal that ended it.
        """
        child = self._children[name]
        _signal_group(child.process.pid, signal.SIGKILL)
        return child.process.wait(10.0)

    def last_lines(self, name: str, count: int = 15) -> list[str]:
        """The end of a process's log."""
        log = self.logs / f"{name}.log"
        if not log.is_file():
            return []
        return log.read_text("utf-8", errors="replace").splitlines()[-count:]

    def close(self) -> None:
        """End everything: all at once in good order, then whatever is left by force."""
        running = [child for child in self._children.values() if child.process.poll() is None]
        for child in running:
            _signal_group(child.process.pid, signal.SIGTERM)
        until = time.monotonic() + 10.0
        for child in running:
            try:
                child.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                continue
        for child in self._children.values():
            _signal_group(child.process.pid, signal.SIGKILL)
            child.process.wait(10.0)
        end_processes(self.root)


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
