"""The chain of the demo: one anvil that starts at a fixed time, keeps its state, and goes on after a stop.

Rules
1. Gas price and base fee are 0, so no account needs funds.
2. On a restart its clock is set to the last block's time plus what passed meanwhile; with its first start time again it would
   mine blocks that are older than those before.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from scripts.demo_app.problems import DemoError
from scripts.demo_app.processes import Processes
from scripts.demo_app.web import wait_for
from xinlian.chain.anvil import ZERO_FEES, find_binary
from xinlian.protocol.errors import ConfigError

PROCESS: Final = "anvil"
CHAIN_ID: Final = 31337
START: Final = 1_789_952_400
"""2026-09-21 09:00 UTC+8, a Monday inside the working-day calendar of 2026."""
_CONTRACTS: Final = Path(__file__).resolve().parents[2] / "contracts"


@dataclass(slots=True)
class Chain:
    """The chain.

    Args:
        processes: runs it.
        port: of its JSON-RPC endpoint.
        state: file that keeps its state and history.
    """

    processes: Processes
    port: int
    state: Path
    _last: tuple[int, float] | None = None

    @property
    def url(self) -> str:
        """JSON-RPC endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, or start it again where it stopped.

        Raises:
            DemoError: when anvil is missing or does not answer.
        """
        began = START
        if self._last is not None:
            time_s, seen_at = self._last
            began = time_s + 1 + int(time.monotonic() - seen_at)
        self.processes.start(PROCESS, [*_anvil(), *self._options(began)])
        wait_for("the chain", self._answers, 60.0, PROCESS)

    def _options(self, began_s: int) -> list[str]:
        kept = ["--state", str(self.state), "--preserve-historical-states"]
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(CHAIN_ID), "--timestamp", str(began_s)]
        return [*place, *ZERO_FEES, *kept, "--accounts", "1", "--silent"]

    def stop(self) -> None:
        """Stop it in good order: it writes its state."""
        self._last = self.head_time(), time.monotonic()
        self.processes.stop(PROCESS)

    def _answers(self) -> bool | None:
        self.processes.require_running(PROCESS)
        return True if int(self.call("eth_chainId"), 16) == CHAIN_ID else None

    def call(self, method: str, *parameters: Any) -> Any:
        """One JSON-RPC call.

        Raises:
            DemoError: when the chain answers with an error.
            httpx.TransportError: when it does not answer.
        """
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        reply = httpx.post(self.url, json=body, timeout=20.0, trust_env=False).json()
        if "error" in reply:
            raise DemoError(f"the chain refused {method}: {reply['error'].get('message')}", process=PROCESS)
        return reply["result"]

    def block_time(self, block: str) -> int:
        """Time of a block, epoch seconds."""
        return int(self.call("eth_getBlockByNumber", block, False)["timestamp"], 16)

    def head_time(self) -> int:
        """Time of the latest block, epoch seconds."""
        return self.block_time("latest")


def _anvil() -> list[str]:
    """The pinned anvil, or the one on PATH if its version fits.

    Raises:
        DemoError: when there is none, saying what to run.
    """
    try:
        return [str(find_binary(_CONTRACTS))]
    except ConfigError as error:
        raise DemoError(error.message) from error
