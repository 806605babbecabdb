"""What every step expected and what it got; progress on standard error, the whole in summary.json.

Rules
1. ``got`` is made from real answers, by the function that the step runs; the comparison is equality, nothing else.
2. A step that raises got the error; the demo goes on, unless the step is needed by all that follow.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from scripts.demo_app.problems import DemoError
from scripts.demo_app.processes import Processes
from xinlian.protocol.errors import XinlianError


@dataclass(frozen=True, slots=True)
class Step:
    """One step of summary.json; ``expected`` and ``got`` are JSON values."""

    id: str
    title: str
    expected: Any
    got: Any
    ok: bool
    seconds: float


@dataclass(slots=True)
class Summary:
    """Collects the steps.

    Args:
        path: summary.json; written after every step, so that a run that breaks off leaves what it found.
        processes: whose logs explain failures.
    """

    path: Path
    processes: Processes
    rows: int = 0
    steps: list[Step] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    @property
    def is_ok(self) -> bool:
        """Whether there are steps and every one came out as expected."""
        return bool(self.steps) and all(step.ok for step in self.steps)

    def run(self, step_id: str, title: str, expected: Any, act: Callable[[], Any], *, needed: bool = False) -> None:
        """Run a step and compare.

        Args:
            step_id: stable name.
            title: what it shows, for a person.
            expected: JSON value.
            act: does it and returns what it got.
            needed: whether everything after it depends on it.

        Raises:
            DemoError: when a needed step did not come out as expected.
        """
        began = time.monotonic()
        process: str | None = None
        try:
            got = act()
        except (DemoError, XinlianError, httpx.TransportError) as error:
            got, process = f"error: {error}", getattr(error, "process", None)
        step = Step(step_id, title, expected, got, got == expected, round(time.monotonic() - began, 2))
        self.steps.append(step)
        self.write()
        self._tell(step, process)
        if needed and not step.ok:
            raise DemoError(f"step {step_id} is needed by all that follow")

    def write(self, *, is_whole: bool = False) -> None:
        """Write summary.json; ``ok`` is true only when the run is whole."""
        document = {"ok": is_whole and self.is_ok, "rows": self.rows, "steps": [asdict(step) for step in self.steps]}
        self.path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")

    def _tell(self, step: Step, process: str | None) -> None:
        say(f"{'✓' if step.ok else '✗'} {step.id:<26} {step.title}  ({step.seconds:.1f} s)")
        if step.ok:
            return
        say(f"    expected  {_short(step.expected)}")
        say(f"    got       {_short(step.got)}")
        if process is not None:
            self.show_log(process)

    def show_log(self, process: str) -> None:
        """Show the end of a process's log (logs hold no personal data)."""
        say(f"    last lines of {self.processes.logs / (process + '.log')}:")
        for line in self.processes.last_lines(process):
            say(f"      {line[:400]}")


def say(line: str) -> None:
    """One line of progress."""
    print(line, file=sys.stderr, flush=True)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 1500 else text[:1500] + "…"
