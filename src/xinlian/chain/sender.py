"""One sender per signing key: it owns the key's nonces, and a transaction reaches the chain exactly once.

Rules
1. Build, sign, **store**, then broadcast. What is stored is sent again, byte for byte, until its nonce is used on the chain.
2. A kill before the store leaves nothing; a kill after it leaves a transaction that ``resync`` broadcasts again. Neither loses
   nor doubles: the nonce admits one.
3. The oldest open transaction that is not mined for ``stuck_after_s`` is replaced by itself with higher fees and the same nonce.
   Either may win; the load belongs to the nonce. A zero-fee chain has nothing to raise: there it is only broadcast again.
4. A nonce that is missing before stored ones (a log restored from a backup) is filled with an empty transfer to ourselves.
5. A nonce that was used by a transaction we do not know is ``tx-lost``: the key is used elsewhere. Its load waits again.
6. After a reorganisation the log takes transactions back to open, and ``resync`` broadcasts them again.

Example::

    sender = Sender(rpc, key, log, SenderOptions(chain_id=31337))
    await sender.resync()
    ticket = await sender.send(ledger.anchor([batch], []), "anchor", load)
    mined = await sender.wait(ticket, timeout_s=60)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from xinlian.chain import questions, raw_tx
from xinlian.chain.calls import Call
from xinlian.chain.fees import Fees, current_fees
from xinlian.chain.keys import ChainKey
from xinlian.chain.raw_tx import Unsigned
from xinlian.chain.rpc import AsksChain
from xinlian.chain.wire import TxReceipt
from xinlian.protocol.chainview import BlockRef
from xinlian.protocol.errors import ChainError

FILLER = "nonce-gap"
"""Purpose of an empty transfer that fills a missing nonce."""
_GWEI = 10**9
_UNSURE = frozenset({"rpc-down", "rpc-timeout", "rpc-answer"})
_KNOWN = ("already known", "already imported", "known transaction", "already exists", "already in pool", "alreadyknown")
_NONCE_USED = ("nonce too low", "nonce is too low", "invalid nonce", "oldnonce", "nonce_too_low")
_UNDERPRICED = ("underpriced", "replacement_underpriced", "gasprice too low to replace")
_FUNDS = ("insufficient funds", "insufficientfunds", "upfront cost exceeds", "out of funds")
_LOOKS_BEFORE_LOST = 5


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

        Signing is deterministic, so the very bytes that failed before may come again: they are open again then.

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


@dataclass(slots=True)
class _Open:
    """An open nonce: its transactions, newest last."""

    txs: list[StoredTx]
    result: asyncio.Future[Mined]
    since: float
    broadcast_at: float
    looks: int = 0

    @property
    def newest(self) -> StoredTx:
        return self.txs[-1]


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
        self._key = key
        self._log = log
        self._options = options
        self._lock = asyncio.Lock()
        self._open: dict[int, _Open] = {}
        self._next: int | None = None

    @property
    def address(self) -> str:
        """The signing address."""
        return self._key.address

    @property
    def open_count(self) -> int:
        """How many nonces are on their way."""
        return len(self._open)

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
            if self._next is None:
                await self._resync()
            fees = await current_fees(self._rpc, self._options.fee_cap_wei)
            limit = gas if gas is not None else await self._estimate(call)
            for _ in range(_LOOKS_BEFORE_LOST):
                stored = await self._store(call, purpose, load, (limit, fees))
                if await self._broadcast_first(stored):
                    return Ticket(stored.nonce, stored.hash, purpose, self._open[stored.nonce].result)
            raise ChainError("tx-lost", f"another user of key {self.address} keeps taking its transaction numbers")

    def find(self, purpose: str) -> Ticket | None:
        """The ticket of an open transaction with this purpose, None when there is none."""
        for nonce, one in self._open.items():
            if one.newest.purpose == purpose:
                return Ticket(nonce, one.newest.hash, purpose, one.result)
        return None

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
            if not self._open:
                return
            used = await self._rpc.ask(questions.nonce(self.address))
            for nonce in sorted(self._open):
                if nonce < used:
                    await self._settle(nonce)
            await self._push()

    async def run(self, on_trouble: Callable[[ChainError], None]) -> None:
        """Look again and again until cancelled; trouble is told and tried again."""
        while True:
            try:
                await self.look()
            except ChainError as error:
                on_trouble(error)
            await asyncio.sleep(self._options.poll_s if self._open else 10 * self._options.poll_s)

    # -- taking up -----------------------------------------------------------------------------------

    async def _resync(self) -> None:
        used = await self._rpc.ask(questions.nonce(self.address))
        stored = await self._log.open_txs(self.address)
        self._drop_settled({tx.nonce for tx in stored})
        for tx in stored:
            self._note(tx, broadcast_at=float("-inf"))
        logged = await self._log.next_nonce(self.address)
        self._next = max(used, logged or 0, *(nonce + 1 for nonce in self._open), 0)
        for nonce in range(used, self._next):
            if nonce not in self._open:
                await self._fill(nonce)
        for nonce in sorted(self._open):
            if nonce < used:
                await self._settle(nonce)
        await self._push()

    def _drop_settled(self, stored: set[int]) -> None:
        for nonce in [nonce for nonce in self._open if nonce not in stored]:
            del self._open[nonce]

    def _note(self, tx: StoredTx, broadcast_at: float) -> None:
        now = self._options.monotonic()
        opened = self._open.get(tx.nonce)
        if opened is None:
            result: asyncio.Future[Mined] = asyncio.get_running_loop().create_future()
            result.add_done_callback(_retrieved)
            self._open[tx.nonce] = _Open([tx], result, now, broadcast_at)
        elif all(tx.hash != one.hash for one in opened.txs):
            opened.txs.append(tx)

    async def _fill(self, nonce: int) -> None:
        fees = await current_fees(self._rpc, self._options.fee_cap_wei)
        transfer = Call(self.address, b"", FILLER)
        await self._store_at(nonce, Unsigned(self._options.chain_id, nonce, 21_000, fees, transfer), FILLER, None)

    # -- storing and broadcasting --------------------------------------------------------------------

    async def _estimate(self, call: Call) -> int:
        try:
            gas = await self._rpc.ask(questions.estimate_gas(self.address, call.to, call.data))
        except ChainError as error:
            if error.code == "tx-reverted" and not self._open:
                raise
            if error.code not in {"rpc-refused", "tx-reverted"}:
                raise
            raise_funds(error, self.address)
            # a node without a pending state cannot see our own open transactions; ask it for what it has
            gas = await self._rpc.ask(questions.estimate_gas(self.address, call.to, call.data, "latest"))
        return gas + gas * self._options.gas_margin_percent // 100

    async def _store(self, call: Call, purpose: str, load: object, price: tuple[int, Fees]) -> StoredTx:
        if self._next is None:
            raise ValueError("resync comes first")
        nonce = self._next
        unsigned = Unsigned(self._options.chain_id, nonce, price[0], price[1], call)
        stored = await self._store_at(nonce, unsigned, purpose, load)
        self._next = nonce + 1
        return stored

    async def _store_at(self, nonce: int, unsigned: Unsigned, purpose: str, load: object) -> StoredTx:
        signed = raw_tx.sign(self._key, unsigned)
        stored = StoredTx(self.address, nonce, signed.hash, signed.raw, purpose)
        await self._log.record_signed(stored, load, None)
        self._note(stored, broadcast_at=float("-inf"))
        return stored

    async def _broadcast_first(self, stored: StoredTx) -> bool:
        """Broadcast a new transaction; False when its nonce turned out to be used by someone else."""
        try:
            await self._broadcast(stored)
        except ChainError as error:
            await self._fail(stored.nonce, error)
            if error.code != "tx-lost":
                raise
            self._next = max(self._next or 0, await self._rpc.ask(questions.nonce(self.address)))
            return False
        return True

    async def _broadcast(self, tx: StoredTx) -> None:
        """Hand a stored transaction to the node.

        Raises:
            ChainError: tx-lost (its nonce is used, and not by it), chain-funds, rpc-refused: it will not be mined.
        """
        opened = self._open[tx.nonce]
        opened.broadcast_at = self._options.monotonic()
        try:
            await self._rpc.ask(questions.send_raw(tx.raw))
        except ChainError as error:
            if error.code in _UNSURE:
                return  # perhaps it arrived, perhaps not: look() broadcasts it again
            text = str(error.fields.get("rpc_message", "")).lower()
            if _has(text, _NONCE_USED):
                await self._check_not_lost(opened, error)
                return
            if not _has(text, _KNOWN) and not (_has(text, _UNDERPRICED) and len(opened.txs) > 1):
                raise_funds(error, self.address)
                raise
        await self._log.record_sent(tx.hash)

    async def _check_not_lost(self, opened: _Open, cause: ChainError) -> None:
        """A used nonce is ours when any of its transactions has a receipt (look() settles it then)."""
        receipts = await self._rpc.ask_all([questions.tx_receipt(one.hash) for one in opened.txs])
        if all(receipt is None for receipt in receipts):
            raise ChainError("tx-lost", f"transaction number {opened.newest.nonce} of {self.address} is used") from cause

    async def _push(self) -> None:
        now = self._options.monotonic()
        for position, nonce in enumerate(sorted(self._open)):
            opened = self._open[nonce]
            if position == 0 and now - opened.since >= self._options.stuck_after_s:
                await self._replace(opened)
            elif now - opened.broadcast_at >= self._options.rebroadcast_s:
                await self._push_again(opened)

    async def _push_again(self, opened: _Open) -> None:
        try:
            await self._broadcast(opened.newest)
        except ChainError as error:
            if error.code in {"chain-funds", "tx-lost"}:
                return  # funds may come, and a used nonce is settled by the next look
            await self._fail(opened.newest.nonce, error)

    async def _replace(self, opened: _Open) -> None:
        opened.since = self._options.monotonic()
        old = raw_tx.parse(opened.newest.raw, self._options.chain_id)
        fees = await self._raised(old.fees)
        if fees is None:
            await self._push_again(opened)
            return
        signed = raw_tx.sign(self._key, Unsigned(old.chain_id, old.nonce, old.gas, fees, old.call))
        stored = StoredTx(self.address, old.nonce, signed.hash, signed.raw, opened.newest.purpose)
        await self._log.record_signed(stored, None, opened.newest.hash)
        opened.txs.append(stored)
        await self._push_again(opened)

    async def _raised(self, old: Fees) -> Fees | None:
        """Fees that may replace the old ones; None when there is nothing to raise or the cap forbids it."""
        if old.price_wei == 0:
            return None
        try:
            current = await current_fees(self._rpc, self._options.fee_cap_wei)
        except ChainError as error:
            if error.code != "chain-fee-cap":
                raise
            return None
        raised = old.bumped().at_least(current)
        return raised if raised.price_wei <= self._options.fee_cap_wei else None

    # -- settling ------------------------------------------------------------------------------------

    async def _settle(self, nonce: int) -> None:
        opened = self._open[nonce]
        receipts = await self._rpc.ask_all([questions.tx_receipt(one.hash) for one in opened.txs])
        for tx, receipt in zip(opened.txs, receipts, strict=True):
            if receipt is not None:
                await self._mined(opened, tx, receipt)
                return
        opened.looks += 1
        if opened.looks >= _LOOKS_BEFORE_LOST:  # receipts may lag behind the nonce for a moment
            text = f"transaction number {nonce} of {self.address} was used by a transaction we do not know"
            await self._fail(nonce, ChainError("tx-lost", text, nonce=nonce, signer=self.address))

    async def _mined(self, opened: _Open, tx: StoredTx, receipt: TxReceipt) -> None:
        block = await self._checked_block(tx, receipt)
        if not receipt.succeeded:
            await self._fail(tx.nonce, await self._revert_reason(tx, receipt))
            return
        await self._log.record_mined(tx.hash, block)
        self._open.pop(tx.nonce, None)
        if not opened.result.done():
            opened.result.set_result(Mined(tx.hash, block, receipt))

    async def _checked_block(self, tx: StoredTx, receipt: TxReceipt) -> BlockRef:
        header = await self._rpc.ask(questions.block(receipt.block_number))
        if receipt.tx_hash != tx.hash or receipt.block_hash != header.hash:
            raise ChainError("rpc-answer", f"the receipt of {tx.hash} names a block or transaction that is not so", hash=tx.hash)
        return BlockRef(header.number, header.hash, header.time)

    async def _revert_reason(self, tx: StoredTx, receipt: TxReceipt) -> ChainError:
        """Why a mined transaction failed: it is run again on the state before its block."""
        unsigned = raw_tx.parse(tx.raw, self._options.chain_id)
        call = unsigned.call
        try:
            await self._rpc.ask(questions.call(call.to, call.data, receipt.block_number - 1, self.address))
        except ChainError as error:
            if error.code == "tx-reverted":
                return error
        reason = "OutOfGas" if receipt.gas_used >= unsigned.gas else "Unknown"
        return ChainError("tx-reverted", f"{tx.purpose}: the transaction failed ({reason})", error=reason, args={}, hash=tx.hash)

    async def _fail(self, nonce: int, error: ChainError) -> None:
        opened = self._open.pop(nonce)
        await self._log.record_failed(opened.newest.hash, f"{error.code}: {error.message}"[:500])
        used_up = error.code in {"tx-reverted", "tx-lost"}
        if not used_up and self._next == nonce + 1:
            self._next = nonce
        elif not used_up:
            self._next = None  # a gap: the next send fills it
        if not opened.result.done():
            opened.result.set_exception(error)


def _retrieved(result: asyncio.Future[Mined]) -> None:
    """Nobody has to wait for a transaction; its failure is in the log then."""
    if not result.cancelled():
        result.exception()


def _has(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)


def raise_funds(error: ChainError, address: str) -> None:
    """Raise chain-funds when a node's refusal means that the address cannot pay.

    Raises:
        ChainError: chain-funds.
    """
    if _has(str(error.fields.get("rpc_message", "")).lower(), _FUNDS):
        raise ChainError("chain-funds", f"address {address} cannot pay for the transaction", address=address) from error
