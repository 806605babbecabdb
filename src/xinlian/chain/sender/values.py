"""What is handed to and from a sender, and the port through which it stores: values and no behaviour.

Example: ``SenderOptions(chain_id=31337, stuck_after_s=20)``
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from xinlian.chain.wire import TxReceipt
from xinlian.protocol.chainview import BlockRef

_GWEI = 10**9


@dataclass(frozen=True, slots=True)
class StoredTx:
    """A signed transaction as it is stored.

    Args:
        signer: checksummed address.
        nonce: its number.
        hash: ``0x`` + 64 hex.
        raw: signed bytes.
        purpose: the caller's word for it.
    """

    signer: str
    nonce: int
    hash: str
    raw: bytes = field(repr=False)
    purpose: str


class TransactionLog(Protocol):
    """Where transactions are stored; implemented by the node over its tables and by ``deploy`` over a file.

    Every method is durable before it returns.
    """

    async def next_nonce(self, signer: str) -> int | None:
        """One more than the highest nonce of a stored transaction that has not failed; None when there is none."""
        ...

    async def open_txs(self, signer: str) -> Sequence[StoredTx]:
        """Transactions neither mined nor failed, by nonce, oldest first; a replaced one stays open with its replacement.

        A nonce is over when one of its transactions was mined; a failed one alone does not end it, as a refused transaction
        leaves its nonce to the next.
        """
        ...

    async def record_signed(self, tx: StoredTx, load: object, replaces: str | None) -> None:
        """Store a transaction before it is broadcast, in one step with what it carries.

        Where signing is deterministic, the very bytes that failed before may come again: they are open again then.

        Args:
            tx: to be stored.
            load: what the caller handed to ``send``, None for fillers and replacements.
            replaces: hash of the one whose nonce and load it takes over, else None.
        """
        ...

    async def record_sent(self, tx_hash: str) -> None:
        """A node accepted it."""
        ...

    async def record_mined(self, tx_hash: str, block: BlockRef) -> None:
        """It succeeded in this block; every other one with its nonce is over."""
        ...

    async def record_failed(self, tx_hash: str, reason: str) -> None:
        """It was refused, reverted or lost, and all others with its nonce too; the load waits again."""
        ...


@dataclass(frozen=True, slots=True)
class SenderOptions:
    """How to send.

    Args:
        chain_id: EIP-155.
        stuck_after_s: after so long the oldest open transaction is replaced.
        rebroadcast_s: after so long an open transaction is handed to the node again.
        poll_s: pause between looks at the chain while waiting.
        fee_cap_wei: highest price per gas we offer.
        gas_margin_percent: added to the estimate.
        monotonic: seconds that only rise.
    """

    chain_id: int
    stuck_after_s: float = 45.0
    rebroadcast_s: float = 5.0
    poll_s: float = 0.1
    fee_cap_wei: int = 1_000 * _GWEI
    gas_margin_percent: int = 20
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction that succeeded.

    Args:
        hash: of the one that was mined (a replacement's may differ from the ticket's).
        block: where.
        receipt: as the node gave it, its block checked.
    """

    hash: str
    block: BlockRef
    receipt: TxReceipt


@dataclass(frozen=True, slots=True)
class Ticket:
    """A stored transaction to wait for: the nonce stands for it and all its replacements.

    Args:
        nonce: its number.
        hash: of the one first stored.
        purpose: the caller's word for it.
        result: done when the nonce is used; ``Sender.wait`` drives it.
    """

    nonce: int
    hash: str
    purpose: str
    result: asyncio.Future[Mined] = field(repr=False, compare=False)
