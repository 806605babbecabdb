"""The open nonces of one key, in memory: which transactions stand for each, and which number comes next.

Rules
1. A nonce is open until one of its transactions is mined, or all of them failed; what they carry belongs to the nonce.
2. ``next`` is None while it is not known: before the first resync, and after a failure left a gap below stored nonces.

Example: ``nonces.note(stored, now, broadcast_at=NEVER)``
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from xinlian.chain.sender.values import Mined, StoredTx, Ticket
from xinlian.protocol.errors import ChainError

NEVER: Final = float("-inf")


@dataclass(slots=True)
class OpenNonce:
    """An open nonce: its transactions, newest last.

    Args:
        txs: at least one.
        result: done when the nonce is used.
        since: monotonic seconds since which it waits, or was last replaced.
        broadcast_at: monotonic seconds of the last broadcast.
        looks: how often its nonce was used and no receipt found.
    """

    txs: list[StoredTx]
    result: asyncio.Future[Mined]
    since: float
    broadcast_at: float
    looks: int = 0

    @property
    def newest(self) -> StoredTx:
        """The transaction that is broadcast."""
        return self.txs[-1]


class OpenNonces:
    """All of one key."""

    def __init__(self) -> None:
        self._open: dict[int, OpenNonce] = {}
        self.next: int | None = None

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, nonce: int) -> bool:
        return nonce in self._open

    def __getitem__(self, nonce: int) -> OpenNonce:
        return self._open[nonce]

    def __iter__(self) -> Iterator[int]:
        """Ascending; may change while it is gone through."""
        return iter(sorted(self._open))

    def note(self, tx: StoredTx, now: float) -> None:
        """Take up a stored transaction that was not broadcast yet, as far as is known."""
        opened = self._open.get(tx.nonce)
        if opened is None:
            result: asyncio.Future[Mined] = asyncio.get_running_loop().create_future()
            result.add_done_callback(_retrieved)
            self._open[tx.nonce] = OpenNonce([tx], result, now, NEVER)
        elif all(tx.hash != one.hash for one in opened.txs):
            opened.txs.append(tx)

    def keep_only(self, stored: set[int]) -> None:
        """Forget nonces of which nothing is stored as open any more."""
        for nonce in [nonce for nonce in self._open if nonce not in stored]:
            del self._open[nonce]

    def ticket(self, nonce: int) -> Ticket:
        """To wait for an open nonce."""
        opened = self._open[nonce]
        return Ticket(nonce, opened.newest.hash, opened.newest.purpose, opened.result)

    def succeeded(self, nonce: int, mined: Mined) -> None:
        """One of the nonce's transactions was mined."""
        opened = self._open.pop(nonce)
        if not opened.result.done():
            opened.result.set_result(mined)

    def failed(self, nonce: int, error: ChainError) -> None:
        """None of the nonce's transactions will be mined, or the one that was reverted."""
        opened = self._open.pop(nonce)
        used_up = error.code in {"tx-reverted", "tx-lost"}
        if not used_up:
            self.next = nonce if self.next == nonce + 1 else None  # None: a gap, which the next send fills
        if not opened.result.done():
            opened.result.set_exception(error)


def _retrieved(result: asyncio.Future[Mined]) -> None:
    """Nobody has to wait for a transaction; its failure is in the log then."""
    if not result.cancelled():
        result.exception()
