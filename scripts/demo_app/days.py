"""The chain's time moved to another day, as the storyline's dates ask: blocks, clocks and deadlines follow it.

Every node follows the chain's time (law time), so a moved clock is a clock that ran: working days are counted by the contract and
by each node alike.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from scripts.demo_app.stage import UTC8, NodeHandle, Stage
from scripts.demo_app.summary import say
from scripts.demo_app.web import wait_for

_SEEN_S: Final = 60.0


def move_to(stage: Stage, moment: str) -> None:
    """Let time pass until a moment at UTC+8; all nodes have seen it when this returns.

    Args:
        stage: of the demo.
        moment: ``YYYY-MM-DD HH:MM``, later than the latest block.
    """
    time_s = int(datetime.strptime(moment, "%Y-%m-%d %H:%M").replace(tzinfo=UTC8).timestamp())
    stage.chain.call("evm_setNextBlockTimestamp", time_s)
    stage.chain.call("anvil_mine", "0x1")
    height = int(stage.chain.call("eth_blockNumber"), 16)
    for node in stage.nodes.values():
        _wait_seen(node, height)
    say(f"— {moment} —")


def _wait_seen(node: NodeHandle, height: int) -> None:
    def look() -> bool | None:
        return True if node.anyone().ask("GET", "/readyz").body["view"]["block_number"] >= height else None

    wait_for(f"block {height} on {node.department.id}", look, _SEEN_S, node.name)
