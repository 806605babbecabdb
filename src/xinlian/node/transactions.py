"""This node's transactions: one sender per chain key, its log in the outbox tables, calls by contract and function name.

Rules
1. A transaction and what it carries (batches, marks) are stored in one step before it is broadcast.
2. A call returns when it is mined and this node's own view has reached its block, so that what was done can be seen.
3. Texts that go on chain pass the payload guard first: no ID number, no file, no base64, no free text.
4. Within a call with an idempotency key every transaction is noted in the call's journal, in the step that stores it. A repeat
   of the call waits for that transaction and sends no second one, unless it failed for good.

Source: design 5 (payload guard), 6 (Anchoring, senders).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from xinlian.chain.bindings import encode_call
from xinlian.chain.calls import Call
from xinlian.chain.keys import ChainKey
from xinlian.chain.rejections import explained
from xinlian.chain.rpc import AsksChain
from xinlian.chain.sender import Mined, Sender, SenderOptions, StoredTx
from xinlian.node.following import Following
from xinlian.node.idempotency import current_journal
from xinlian.node.payload_guard import check_payload
from xinlian.protocol.chainview import BlockRef
from xinlian.protocol.errors import ChainError, ConfigError
from xinlian.protocol.manifest import Deployment
from xinlian.store import anchoring as table
from xinlian.store.writer import Transaction, Writer

_log = structlog.get_logger(__name__)
MINED_WITHIN_S = 60.0
SEEN_WITHIN_S = 15.0
HELD_WITHIN_S = 5.0
LOOK_S = 0.1
IDLE_S = 0.5
_OPEN_STATES = ("prepared", "sent", "replaced")
_SETTLED_STATES = ("mined", "final", "failed")


@dataclass(frozen=True, slots=True)
class Load:
    """What a transaction carries: batches as (stream, sequence), ids of marks; ``on_stored`` runs in the step that stores it."""

    batches: tuple[tuple[int, int], ...] = ()
    marks: tuple[int, ...] = ()
    on_stored: Callable[[Transaction, str], None] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Done:
    """A transaction that succeeded: hash (0x hex), block number, and the facts that were noted with it."""

    tx_hash: str
    block_number: int
    facts: Mapping[str, Any] = field(default_factory=dict)


class OutboxLog:
    """``chain.sender.TransactionLog`` over the outbox tables.

    Args:
        writer: node.db.
        wall: wall clock, epoch seconds.
    """

    def __init__(self, writer: Writer, wall: Callable[[], float]) -> None:
        self._writer = writer
        self._wall = wall

    async def next_nonce(self, signer: str) -> int | None:
        """One more than the highest stored nonce that still counts."""
        with self._writer.read() as reader:
            highest = table.highest_nonce(reader, signer)
        return None if highest is None else highest + 1

    async def open_txs(self, signer: str) -> Sequence[StoredTx]:
        """Transactions on their way, by nonce, oldest first."""
        with self._writer.read() as reader:
            found = table.txs_in(reader, _OPEN_STATES, signer)
            settled = {tx.nonce for tx in table.txs_in(reader, ("mined", "final"), signer)}
        return [StoredTx(tx.signer, tx.nonce, tx.hash, tx.raw, tx.purpose) for tx in found if tx.nonce not in settled]

    def highest_block(self, signer: str) -> int:
        """The highest block in which a transaction of this signer was mined, 0 for none."""
        with self._writer.read() as reader:
            return table.highest_block(reader, signer)

    async def record_signed(self, tx: StoredTx, load: object, replaces: str | None) -> None:
        """Store a transaction with what it carries."""

        def job(transaction: Transaction) -> None:
            signed = table.SignedTx(tx.signer, tx.nonce, tx.hash, tx.raw, tx.purpose)
            tx_id = table.insert_tx(transaction, signed)
            if isinstance(load, Load):
                table.load_tx(transaction, tx_id, load.batches, load.marks)
                if load.on_stored is not None:
                    load.on_stored(transaction, tx.hash)
            old = None if replaces is None else table.tx_by_hash(transaction, replaces)
            if old is not None:
                table.tx_replaced(transaction, old.id, tx_id)

        await self._writer.write(job)

    async def record_sent(self, tx_hash: str) -> None:
        """A node accepted it."""
        now = int(self._wall())
        await self._on(tx_hash, lambda transaction, tx_id: table.tx_sent(transaction, tx_id, now))

    async def record_mined(self, tx_hash: str, block: BlockRef) -> None:
        """It succeeded in this block."""
        await self._on(tx_hash, lambda transaction, tx_id: table.tx_mined(transaction, tx_id, block.number, block.time))

    async def record_failed(self, tx_hash: str, reason: str) -> None:
        """It will never be mined; what it carried waits again."""
        _log.warning("transaction failed", tx_hash=tx_hash, reason=reason)
        await self._on(tx_hash, table.tx_failed)

    async def _on(self, tx_hash: str, change: Callable[[Transaction, int], None]) -> None:
        def job(transaction: Transaction) -> None:
            found = table.tx_by_hash(transaction, tx_hash)
            if found is not None:
                change(transaction, found.id)

        await self._writer.write(job)


class Transactions:
    """Sends calls with this node's chain keys.

    Args:
        rpc: the chain.
        deployment: contract addresses.
        keys: chain keys by role (anchor, law, admin, authority).
        writer: node.db.
        following: this node's view.
        wall: wall clock, epoch seconds.
    """

    def __init__(
        self,
        rpc: AsksChain,
        deployment: Deployment,
        keys: Mapping[str, ChainKey],
        writer: Writer,
        following: Following,
        wall: Callable[[], float],
    ) -> None:
        log = self._log = OutboxLog(writer, wall)
        options = SenderOptions(chain_id=deployment.chain_id)
        self._addresses = {name: contract.address for name, contract in deployment.contracts.items()}
        self._senders = {role: Sender(rpc, key, log, options) for role, key in keys.items()}
        self._following = following
        self._writer = writer
        self._to_resync: set[str] = set()
        following.on_rollback = self.rolled_back

    def rolled_back(self) -> None:
        """Transactions that were mined are open again: every sender takes them up anew."""
        self._to_resync = set(self._senders)

    @property
    def is_authority(self) -> bool:
        """Whether this node holds the authority's key."""
        return "authority" in self._senders

    def address_of(self, role: str) -> str:
        """The address of a role's key."""
        return self._sender(role).address

    async def law(self, contract: str, function: str, *args: object, facts: Mapping[str, object] | None = None) -> Done:
        """Send with the LAW key (grants, cases, proposals).

        Args:
            contract: its name.
            function: of the contract.
            args: of the function.
            facts: what a repeat of the call must know of this one (JSON types), besides its body.
        """
        return await self._send("law", contract, function, args, Load(), facts)

    async def admin(self, contract: str, function: str, *args: object) -> Done:
        """Send with the ADMIN key (own keys)."""
        return await self._send("admin", contract, function, args, Load())

    async def authority(self, contract: str, function: str, *args: object) -> Done:
        """Send with the authority's key.

        Raises:
            ConfigError: ``authority-key-missing`` on nodes that do not hold it.
        """
        return await self._send("authority", contract, function, args, Load())

    async def anchor(self, contract: str, function: str, *args: object, load: Load) -> Done:
        """Send with the ANCHOR key, with what it carries."""
        return await self._send("anchor", contract, function, args, load)

    async def settled(self, timeout_s: float = MINED_WITHIN_S) -> None:
        """Return once everything that persons had sent (all keys but ANCHOR) has its outcome and this node's view holds it.

        Raises:
            ChainError: ``tx-timeout`` while something is still open, ``chain-not-reached`` while the view is behind.
        """
        addresses = [sender.address for role, sender in self._senders.items() if role != "anchor"]
        await self._following.require_sending(HELD_WITHIN_S)
        end = time.monotonic() + timeout_s
        while [tx for address in addresses for tx in await self._log.open_txs(address)]:
            if time.monotonic() >= end:
                raise ChainError("tx-timeout", "earlier transactions of this node are not mined yet")
            await asyncio.sleep(LOOK_S)
        block = max((self._log.highest_block(address) for address in addresses), default=0)
        if not await self._following.reach(block, SEEN_WITHIN_S):
            raise ChainError("chain-not-reached", "this node's view is behind its own transactions", block=block)

    def _sender(self, role: str) -> Sender:
        found = self._senders.get(role)
        if found is None:
            if role == "authority":
                raise ConfigError("authority-key-missing", "this node does not hold the authority's key")
            raise ConfigError("chain-key-missing", f"this node holds no key of role {role}", role=role)
        return found

    async def _send(
        self,
        role: str,
        contract: str,
        function: str,
        args: Sequence[object],
        load: Load,
        facts: Mapping[str, object] | None = None,
    ) -> Done:
        sender = self._sender(role)
        check_payload(args)
        earlier = await self.earlier(contract, function)
        if earlier is not None:
            return earlier
        await self._following.require_sending(HELD_WITHIN_S)
        label, journal, known = f"{contract}.{function}", current_journal(), dict(facts or {})
        step = journal.next_step(label)
        journal.take(label)

        def on_stored(transaction: Transaction, tx_hash: str) -> None:
            journal.note(transaction, step, {"hash": tx_hash, "facts": known})

        call = Call(self._addresses[contract], encode_call(contract, function, args), label)
        try:
            ticket = await sender.send(call, label, replace(load, on_stored=on_stored))
            mined: Mined = await sender.wait(ticket, MINED_WITHIN_S)
        except ChainError as error:
            raise explained(error) from error
        await self._following.reach(mined.block.number, SEEN_WITHIN_S)
        return Done(mined.hash, mined.block.number, known)

    async def earlier(self, contract: str, function: str) -> Done | None:
        """What an earlier attempt of the call that is being carried out did on chain, once it is mined.

        Ask before checking what the transaction itself changes (a case that must not exist yet), and send nothing when there
        was one.

        Returns:
            None when there was none, or it failed for good.

        Raises:
            ChainError: ``tx-timeout`` while it is still on its way; repeat the call.
        """
        label, journal = f"{contract}.{function}", current_journal()
        noted = journal.noted(journal.next_step(label))
        if noted is None:
            return None
        end = time.monotonic() + MINED_WITHIN_S
        while (found := self._settled(noted["hash"])) is None:
            if time.monotonic() >= end:
                raise ChainError("tx-timeout", f"{label}: not mined yet, stays queued", hash=noted["hash"])
            await asyncio.sleep(LOOK_S)
        if found.state == "failed" or found.block_number is None:
            return None
        journal.take(label)
        await self._following.reach(found.block_number, SEEN_WITHIN_S)
        return Done(found.hash, found.block_number, noted["facts"])

    def _settled(self, tx_hash: str) -> table.StoredTransaction | None:
        """The transaction, or the one that took its place, once it was mined or failed; None while it is on its way."""
        with self._writer.read() as reader:
            found = table.tx_by_hash(reader, tx_hash)
            while found is not None and found.replaced_by is not None:
                found = table.tx_by_id(reader, found.replaced_by)
        return found if found is not None and found.state in _SETTLED_STATES else None

    async def run(self) -> None:
        """Take up stored transactions and watch all senders until cancelled."""
        await asyncio.gather(*(self._watch(role, sender) for role, sender in self._senders.items()))

    async def _watch(self, role: str, sender: Sender) -> None:
        self._to_resync.add(role)
        while True:
            if self._following.may_send:
                await self._look(role, sender)
            await asyncio.sleep(LOOK_S if sender.open_count > 0 else IDLE_S)

    async def _look(self, role: str, sender: Sender) -> None:
        try:
            if role in self._to_resync:
                self._to_resync.discard(role)
                await sender.resync()
            await sender.look()
        except ChainError as error:
            self._to_resync.add(role)
            _log.info("sender trouble", role=role, code=error.code)
