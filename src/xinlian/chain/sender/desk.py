"""What the rooms of a sender share: the node, the key, the log, the open nonces; and the two steps that write the log.

Example: ``stored = await desk.store(unsigned, "anchor", load)``
"""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.chain import raw_tx
from xinlian.chain.keys import ChainKey
from xinlian.chain.raw_tx import Unsigned
from xinlian.chain.rpc import AsksChain
from xinlian.chain.sender.nonces import OpenNonces
from xinlian.chain.sender.values import SenderOptions, StoredTx, TransactionLog
from xinlian.protocol.errors import ChainError

_REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Desk:
    """One key's desk.

    Args:
        rpc: transport.
        key: signs.
        log: stores.
        options: how to send.
        nonces: what is open.
    """

    rpc: AsksChain
    key: ChainKey
    log: TransactionLog
    options: SenderOptions
    nonces: OpenNonces

    async def store(self, unsigned: Unsigned, purpose: str, load: object, replaces: StoredTx | None = None) -> StoredTx:
        """Sign and store a transaction, so that it may be broadcast.

        Raises:
            ChainError: as ``ChainKey.sign``; then nothing is stored.
        """
        signed = await raw_tx.sign(self.key, unsigned)
        stored = StoredTx(self.key.address, unsigned.nonce, signed.hash, signed.raw, purpose)
        await self.log.record_signed(stored, load, None if replaces is None else replaces.hash)
        self.nonces.note(stored, self.options.monotonic())
        return stored

    async def fail(self, nonce: int, error: ChainError) -> None:
        """Write down that a nonce's transactions failed and tell who waits."""
        await self.log.record_failed(self.nonces[nonce].newest.hash, f"{error.code}: {error.message}"[:_REASON_CHARACTERS])
        self.nonces.failed(nonce, error)
