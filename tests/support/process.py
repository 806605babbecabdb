"""A node in a process of its own, to be killed.

Example: ``process = Process(settings_file(one), tmp_path / "node.log"); process.start(); process.kill()``
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from aiohttp import ClientError, ClientSession

from tests.support.faults import Trial
from tests.support.network import PASSPHRASE

ROOT = Path(__file__).parents[2]
RUNNER = ROOT / "tests" / "faults" / "run_node.py"


def settings_file(one: Trial) -> Path:
    """The settings of a trial's department, as the process reads them."""
    values = json.loads(one.lives[one.uscc].settings.model_dump_json(exclude={"passphrase"}))
    path = one.network.directory / "settings.json"
    path.write_text(json.dumps({**values, "passphrase": PASSPHRASE}), "utf-8")
    return path


class Process:
    """The node process."""

    def __init__(self, settings: Path, log: Path) -> None:
        self._settings, self._log = settings, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it in a session of its own, so that its pool processes die with it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(RUNNER), str(self._settings)],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def kill(self) -> None:
        """SIGKILL to the process and its children, at once."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    async def answers(self, url: str) -> None:
        """Wait until it serves."""
        async with ClientSession() as session:
            for _ in range(600):
                assert self._process is not None
                assert self._process.poll() is None, self._log.read_text("utf-8")[-3000:]
                try:
                    async with session.get(url + "/healthz") as reply:
                        if reply.status == 200:
                            return
                except ClientError:
                    await asyncio.sleep(0.05)
        raise AssertionError("the node did not start")
