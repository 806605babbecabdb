"""Entry point: ``python -m scripts.demo_app [--once] [--out DIR]``, started by ``scripts/demo``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from scripts.demo_app import places, story
from scripts.demo_app.chain import PROCESS as CHAIN
from scripts.demo_app.chain import Chain
from scripts.demo_app.commands import Commands
from scripts.demo_app.problems import DemoError, Stopped
from scripts.demo_app.processes import Processes
from scripts.demo_app.stage import Stage
from scripts.demo_app.summary import Summary, say

_DEFAULT = Path(__file__).resolve().parents[2] / ".demo"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str]) -> int:
    """Run the demo.

    Returns:
        0 when every step came out as expected, 1 when not, 2 when it could not begin, 128 + signal when it was ended.
    """
    options = _options(arguments)
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        return _run(_folder(options.out), is_once=options.once)
    except DemoError as error:
        say(f"✗ {error}")
        return 2
    except Stopped as stop:
        say("ended")
        return 128 + stop.number


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/demo",
        description="Six departments and a bank on one chain: request, publish, read, correct, verify, and what is refused.",
    )
    parser.add_argument("--once", action="store_true", help="end after the last step; exit 0 only if all came out as expected")
    parser.add_argument("--out", type=Path, help="output folder: empty, new, or of an earlier run (default: .demo)")
    return parser.parse_args(arguments)


def _folder(out: Path | None) -> Path:
    """The output folder; a relative one counts from where the caller stands."""
    if out is None:
        return _DEFAULT
    return (Path(os.environ.get("XINLIAN_CALLER_DIR", ".")) / out).resolve()


def _stop(number: int, _frame: FrameType | None) -> None:
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(number)


def _run(folder: Path, *, is_once: bool) -> int:
    place = places.take(folder)
    processes = Processes(place.root, place.logs)
    summary = Summary(place.summary, processes)
    stage = Stage(
        place, processes, Commands(processes), Chain(processes, processes.free_port(), place.work / "chain.json"), summary
    )
    began = time.monotonic()
    try:
        is_whole = _tell(stage)
        if is_whole and not is_once:
            story.hand_over(stage)
            _serve(stage)
        return 0 if is_whole and summary.is_ok else 1
    finally:
        processes.close()
        place.endpoints.unlink(missing_ok=True)
        taken_s = time.monotonic() - began
        say(f"{sum(step.ok for step in summary.steps)} of {len(summary.steps)} steps as expected, {taken_s:.0f} s; {place.root}")


def _tell(stage: Stage) -> bool:
    """All steps; a step that all others need and that fails ends them.

    Returns:
        Whether every step was run.
    """
    try:
        story.tell(stage)
    except DemoError as error:
        say(f"✗ {error}")
        if error.process is not None:
            stage.summary.show_log(error.process)
        return False
    stage.summary.write(is_whole=True)
    return True


def _serve(stage: Stage) -> None:
    """Until a signal, or until a process ends by itself."""
    while True:
        for name in (CHAIN, *(node.name for node in stage.nodes.values())):
            stage.processes.require_running(name)
        time.sleep(1.0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
