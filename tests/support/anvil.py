"""anvil for tests: a fresh chain at a fixed time inside the 2026 calendar, and quick ways to make blocks and reorganisations.

Example::

    @pytest.fixture
    def chain(tmp_path): ...
    with fresh_anvil() as chain:
        chain.mine(3)
        with chain.snapshot() as back: ...; back()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account

from xinlian.chain import questions
from xinlian.chain.anvil import Anvil, AnvilOptions
from xinlian.chain.keys import LocalKey
from xinlian.chain.rpc import BlockingRpc
from xinlian.protocol.keccak import keccak256

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS_DIR = ROOT / "contracts"
START_S = 1_789_920_000
"""2026-09-21T00:00:00+08:00, a Monday inside the calendar of 2026."""
MNEMONIC = "test test test test test test test test test test test junk"
"""The well-known words of every development chain: worthless by design, and only in tests."""
_RICH_WEI = 10**21


@dataclass(frozen=True)
class TestChain:
    """A running anvil and what tests do to it."""

    __test__ = False

    anvil: Anvil

    @property
    def url(self) -> str:
        """RPC URL."""
        return self.anvil.url

    def rpc(self, method: str, *params: object) -> Any:
        """Any JSON-RPC call, answered raw."""
        asking = BlockingRpc(self.url)
        try:
            return asking.ask(questions.raw(method, *params))
        finally:
            asking.close()

    def mine(self, blocks: int = 1) -> None:
        """Make empty blocks."""
        self.rpc("anvil_mine", hex(blocks))

    def pass_time(self, seconds: int) -> None:
        """Mine a block that is so much later."""
        self.rpc("evm_increaseTime", seconds)
        self.mine()

    def height(self) -> int:
        """Number of the newest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    def snapshot(self) -> str:
        """Remember the chain; ``revert`` goes back."""
        return str(self.rpc("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Go back to a snapshot: the chain becomes shorter."""
        assert self.rpc("evm_revert", snapshot) is True

    def reorganise(self, depth: int) -> None:
        """Replace the newest ``depth`` blocks by as many other empty ones; their transactions are gone."""
        self.rpc("anvil_reorg", depth, [])

    def automine(self, on: bool) -> None:
        """Mine a block for every transaction, or only on ``mine``."""
        self.rpc("evm_setAutomine", on)

    def fund(self, address: str, wei: int = _RICH_WEI) -> None:
        """Give an address money."""
        self.rpc("anvil_setBalance", address, hex(wei))

    def key(self, name: str, *, funded: bool = True) -> LocalKey:
        """A key made of a name (the same in every run), with money unless told otherwise."""
        key = LocalKey.from_secret(keccak256(f"test key {name}".encode()))
        if funded:
            self.fund(key.address)
        return key


def key_without_chain(name: str) -> LocalKey:
    """The same key as ``TestChain.key`` where no chain is needed."""
    return LocalKey(Account.from_key(keccak256(f"test key {name}".encode())))


@contextmanager
def fresh_anvil(
    *,
    state_file: Path | None = None,
    block_time_s: int | None = None,
    genesis_time: int = START_S,
    port: int | None = None,
    extra: tuple[str, ...] = (),
) -> Iterator[TestChain]:
    """A new chain on a free port, stopped at the end.

    Args:
        state_file: keep the chain there across ``anvil.stop()`` and ``anvil.start()``.
        block_time_s: interval mining; None mines a block per transaction.
        genesis_time: epoch seconds of block 0.
        port: None takes a free one.
        extra: further anvil arguments.
    """
    options = AnvilOptions(
        CONTRACTS_DIR,
        MNEMONIC,
        accounts=2,
        genesis_time=genesis_time,
        port=port,
        state_file=state_file,
        block_time_s=block_time_s,
        extra=extra,
    )
    with Anvil(options) as anvil:
        yield TestChain(anvil)
