"""The command line ``xinlian``, run as a person or a script would run it: in a process of its own, with only its arguments."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.demo_app.problems import DemoError
from scripts.demo_app.processes import Processes

_TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    def document(self) -> Any:
        """The JSON on standard output.

        Raises:
            DemoError: when there is none.
        """
        try:
            return json.loads(self.out)
        except ValueError:
            raise DemoError(f"a command printed no JSON (exit code {self.code}): {(self.out + self.err)[-600:]}") from None


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs ``xinlian``; ``processes`` gives the clean environment."""

    processes: Processes

    @property
    def program(self) -> str:
        """The installed command, beside the Python that runs the demo."""
        return str(Path(sys.executable).with_name("xinlian"))

    def run(self, *arguments: str | Path, extra: Mapping[str, str] | None = None) -> Ran:
        """Run a command and return however it ends.

        Raises:
            DemoError: when it is not installed or does not end.
        """
        argv = [self.program, *map(str, arguments)]
        try:
            done = subprocess.run(
                argv,
                capture_output=True,
                encoding="utf-8",
                timeout=_TIMEOUT_S,
                env=self.processes.environment(extra),
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except FileNotFoundError:
            raise DemoError("the command xinlian is not installed: scripts/setup") from None
        except subprocess.TimeoutExpired:
            raise DemoError(f"xinlian {arguments[0]} did not end within {_TIMEOUT_S:.0f} s") from None
        return Ran(done.returncode, done.stdout, done.stderr)

    def need(self, *arguments: str | Path, extra: Mapping[str, str] | None = None) -> Ran:
        """Run a command that must end with 0.

        Raises:
            DemoError: with what it said, when it does not.
        """
        ran = self.run(*arguments, extra=extra)
        if ran.code != 0:
            said = (ran.err + ran.out).strip()[-1200:]
            raise DemoError(f"xinlian {' '.join(map(str, arguments[:2]))} ended with {ran.code}: {said}")
        return ran
