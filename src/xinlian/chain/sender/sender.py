"""The public steps of a sender; rules and an example stand in the package's head."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from xinlian.chain import questions
from xinlian.chain.calls import Call
from xinlian.chain.fees import Fees, current_fees
from xinlian.chain.keys import ChainKey
from xinlian.chain.raw_tx import Unsigned
from xinlian.chain.rpc import AsksChain
from xinlian.chain.sender.broadcasting import broadcast, push
from xinlian.chain.sender.desk import Desk
from xinlian.chain.sender.nonces import OpenNonces
from xinlian.chain.sender.pricing import gas_for
from xinlian.chain.sender.settling import settle_used
from xinlian.chain.sender.values import Mined, SenderOptions, StoredTx, Ticket, TransactionLog
from xinlian.protocol.errors import ChainError

FILLER = "nonce-gap"
"""Purpose of an empty transfer that fills a missing nonce."""
_TRANSFER_GAS = 21_000
_TRIES = 5


class Sender:
    """Sends for one key. One instance per key and process.

    Args:
        rpc: transport.
        key: signs.
        log: stores.
        options: see ``SenderOptions``.
    """

    def __init__(self, rpc: AsksChain, key: ChainKey, log: TransactionLog, options: SenderOptions) -> None:
        self._rpc = rpc
        self._options = options
        self._lock = asyncio.Lock()
        self._nonces = OpenNonces()
        self._desk = Desk(rpc, key, log, options, self._nonces)

    @property
    def address(self) -> str:
        """The signing address."""
        return self._desk.key.address

    @property
    def open_count(self) -> int:
        """How many nonces are on their way."""
        return len(self._nonces)

    # -- the public steps ----------------------------------------------------------------------------

    async def resync(self) -> None:
        """Take up what is stored: at the start, and after the log was rolled back by a reorganisation.

        Raises:
            ChainError: the transport's errors; then nothing was lost, call it again.
        """
        async with self._lock:
            await self._resync()

    async def send(self, call: Call, purpose: str, load: object = None, gas: int | None = None) -> Ticket:
        """Store and broadcast a transaction.

        Args:
            call: content.
            purpose: the caller's word for it, stored with it.
            load: handed to the log, to be stored in the same step.
            gas: limit; None estimates it on the pending state.

        Returns:
            A ticket. The transaction is stored; if the node could not be reached it will be broadcast later.

        Raises:
            ChainError: tx-reverted, chain-funds, chain-fee-cap, rpc-refused, or rpc-* before anything was stored.
        """
        async with self._lock:
            if self._nonces.next is None:
                await self._resync()
            fees = await current_fees(self._rpc, self._options.fee_cap_wei)
            limit = gas if gas is not None else await gas_for(self._desk, call)
            for _ in range(_TRIES):
                stored = await self._store(call, purpose, load, (limit, fees))
                if await self._broadcast_first(stored):
                    return self._nonces.ticket(stored.nonce)
            raise ChainError("tx-lost", f"another user of key {self.address} keeps taking its transaction numbers")

    def find(self, purpose: str) -> Ticket | None:
        """The ticket of an open transaction with this purpose, None when there is none."""
        return next((self._nonces.ticket(one) for one in self._nonces if self._nonces[one].newest.purpose == purpose), None)

    async def wait(self, ticket: Ticket, timeout_s: float) -> Mined:
        """Wait until the ticket's nonce is used.

        Raises:
            ChainError: tx-reverted (with the contract's error), tx-lost, tx-timeout, or the transport's errors.
        """
        deadline = self._options.monotonic() + timeout_s
        while not ticket.result.done():
            await self.look()
            if ticket.result.done():
                break
            if self._options.monotonic() >= deadline:
                raise ChainError("tx-timeout", f"{ticket.purpose}: not mined after {timeout_s} s, stays queued", hash=ticket.hash)
            await asyncio.sleep(self._options.poll_s)
        return ticket.result.result()

    async def wait_for_block(self, number: int, timeout_s: float) -> None:
        """Wait until the chain has a block of this number (an automatically mining anvil makes none on its own).

        Raises:
            ChainError: tx-timeout, or the transport's errors.
        """
        deadline = self._options.monotonic() + timeout_s
        while (await self._rpc.ask(questions.head())).number < number:
            if self._options.monotonic() >= deadline:
                raise ChainError("tx-timeout", f"the chain did not reach block {number} in {timeout_s} s", block=number)
            await asyncio.sleep(self._options.poll_s)

    async def look(self) -> None:
        """Look at the chain once: settle what is mined, broadcast again what waits, replace what is stuck.

        Raises:
            ChainError: the transport's errors; then nothing was lost, call it again.
        """
        async with self._lock:
            if not self._nonces:
                return
            await settle_used(self._desk, await self._used())
            await push(self._desk)

    async def run(self, on_trouble: Callable[[ChainError], None]) -> None:
        """Look again and again until cancelled; trouble is told and tried again."""
        while True:
            try:
                await self.look()
            except ChainError as error:
                on_trouble(error)
            await asyncio.sleep(self._options.poll_s if self._nonces else 10 * self._options.poll_s)

    # -- taking up and storing -----------------------------------------------------------------------

    async def _used(self) -> int:
        return await self._rpc.ask(questions.nonce(self.address))

    async def _resync(self) -> None:
        used = await self._used()
        stored = await self._desk.log.open_txs(self.address)
        self._nonces.keep_only({tx.nonce for tx in stored})
        for tx in stored:
            self._nonces.note(tx, self._options.monotonic())
        logged = await self._desk.log.next_nonce(self.address)
        self._nonces.next = max(used, logged or 0, *(nonce + 1 for nonce in self._nonces), 0)
        for nonce in range(used, self._nonces.next):
            if nonce not in self._nonces:
                await self._fill(nonce)
        await settle_used(self._desk, used)
        await push(self._desk)

    async def _fill(self, nonce: int) -> None:
        fees = await current_fees(self._rpc, self._options.fee_cap_wei)
        transfer = Call(self.address, b"", FILLER)
        await self._desk.store(Unsigned(self._options.chain_id, nonce, _TRANSFER_GAS, fees, transfer), FILLER, None)

    async def _store(self, call: Call, purpose: str, load: object, price: tuple[int, Fees]) -> StoredTx:
        nonce = self._nonces.next
        if nonce is None:
            raise ValueError("resync comes first")
        stored = await self._desk.store(Unsigned(self._options.chain_id, nonce, price[0], price[1], call), purpose, load)
        self._nonces.next = nonce + 1
        return stored

    async def _broadcast_first(self, stored: StoredTx) -> bool:
        """Broadcast a new transaction; False when its nonce turned out to be used by someone else."""
        try:
            await broadcast(self._desk, self._nonces[stored.nonce])
        except ChainError as error:
            await self._desk.fail(stored.nonce, error)
            if error.code != "tx-lost":
                raise
            self._nonces.next = max(self._nonces.next or 0, await self._used())
            return False
        return True
