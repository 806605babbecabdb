"""Anchoring: entries of the three streams become batches, batches and status marks become transactions, exactly once.

Rules
1. A batch is sealed at 65,536 leaves or at its age (records and answers 5 s, reads 10 min); an empty stream sends nothing.
2. The outbox decides: sealed → sent → mined → final. What is sealed is stored before it is sent; the slots on chain refuse a
   second anchoring, so a kill at any point loses and doubles nothing.
3. Marks of revised records travel with the next anchoring; a mark waits until its record's batch is on chain or in the same call.
4. Only one anchoring transaction is on its way at a time: sequences arrive in order.
5. What the contract rejects is parked with its reason after some tries, and goes on when it is replayed.

Source: design 4.2, 4.3, 6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from xinlian.node.bundles import split_leaves
from xinlian.node.transactions import Load, Transactions
from xinlian.protocol import merkle
from xinlian.protocol.errors import ChainError
from xinlian.protocol.types import Status, Stream, Uscc
from xinlian.store import anchoring as table
from xinlian.store import chain_cache, parked, streams
from xinlian.store.anchoring import Batch, Mark
from xinlian.store.writer import Reader, Transaction, Writer

_log = structlog.get_logger(__name__)

SUITE = 1
LEAVES_PER_WORD = 128
MAX_BATCHES = 16
MAX_WORDS = 200
TRIES = 5
_TICK_S = 0.2
PARKED_KIND = "anchoring"


@dataclass(frozen=True, slots=True)
class AnchoringLimits:
    """When a batch is sealed: leaves, and ages in seconds."""

    max_leaves: int
    max_age_s: float
    reads_max_age_s: float

    def age_of(self, stream: Stream) -> float:
        """The age at which a stream's batch is sealed."""
        return self.reads_max_age_s if stream is Stream.READS else self.max_age_s


@dataclass(frozen=True, slots=True)
class _Work:
    """What one anchoring transaction carries."""

    batches: tuple[Batch, ...]
    marks: tuple[Mark, ...]
    words: tuple[tuple[int, int, int], ...]  # (sequence, word, mask)


class Anchoring:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        transactions: sends with the ANCHOR key.
        limits: when to seal.
        law_s: law time, epoch seconds.
        monotonic: seconds that only rise.
    """

    def __init__(
        self,
        department: Uscc,
        writer: Writer,
        transactions: Transactions,
        limits: AnchoringLimits,
        law_s: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._department = department
        self._writer = writer
        self._transactions = transactions
        self._limits = limits
        self._law_s = law_s
        self._monotonic = monotonic
        self._wake = asyncio.Event()
        self._waiting_since: dict[Stream, tuple[int, float]] = {}
        self._failures = 0
        self._flush = False
        self.halted: Callable[[], bool] = lambda: False

    def woken(self) -> None:
        """Something was committed that is to be anchored."""
        self._wake.set()

    def flush(self) -> None:
        """Seal everything at the next look, whatever its age (reads too)."""
        self._flush = True
        self._wake.set()

    async def run(self) -> None:
        """Anchor until cancelled."""
        while True:
            delay_s = _TICK_S
            try:
                await self.step()
                self._failures = 0
            except ChainError as error:
                delay_s = await self._failed(error)
            await self._pause(delay_s)

    async def _pause(self, delay_s: float) -> None:
        try:
            async with asyncio.timeout(delay_s):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
        await asyncio.sleep(min(delay_s, 0.05))

    async def _failed(self, error: ChainError) -> float:
        self._failures += 1
        if self._failures in (1, TRIES):
            _log.warning("anchoring waits", code=error.code, detail=error.message, tries=self._failures)
        if error.code == "tx-reverted" and self._failures >= TRIES:
            reason, now = f"{error.code}: {error.message}"[:500], self._law_s()
            await self._writer.write(lambda tx: parked.park(tx, PARKED_KIND, "outbox", reason, now))
        return float(min(0.2 * 2**self._failures, 10.0))

    async def step(self) -> bool:
        """Seal what is due and send what waits.

        Returns:
            True when a transaction was mined.

        Raises:
            ChainError: the chain cannot be reached or rejected the transaction; everything stays in the outbox.
        """
        flush, self._flush = self._flush, False
        for stream in Stream:
            while await self._seal_due(stream, flush=flush):
                pass
        if self.halted() or self._is_parked() or self._is_busy():
            return False
        await self._settle_overtaken()
        work = self._work()
        if work.batches or work.words:
            await self._send(work)
            return True
        return await self._send_marks()

    def _is_parked(self) -> bool:
        with self._writer.read() as reader:
            return parked.is_parked(reader, PARKED_KIND, "outbox")

    def _is_busy(self) -> bool:
        """Whether an anchoring transaction is on its way; the sender settles it."""
        with self._writer.read() as reader:
            return bool(table.batches_in(reader, "sent")) or bool(table.marks_in(reader, "sent", 1))

    async def _settle_overtaken(self) -> None:
        """Drop marks that a higher one has overtaken; a status only rises, so the contract would refuse them."""
        with self._writer.read() as reader:
            overtaken = table.overtaken_marks(reader)
        if overtaken:
            await self._writer.write(lambda tx: table.settle_marks(tx, overtaken))

    # -- sealing -----------------------------------------------------------------------------------

    async def _seal_due(self, stream: Stream, *, flush: bool) -> bool:
        with self._writer.read() as reader:
            waiting = table.next_range(reader, stream, self._limits.max_leaves)
            if waiting is None:
                self._waiting_since.pop(stream, None)
                return False
            if not self._is_due(stream, waiting, flush=flush):
                return False
            sequence, first, size = waiting
            leaves = streams.leaves(reader, stream, first, first + size - 1)
        root = await asyncio.to_thread(merkle.root, split_leaves(leaves))
        batch = Batch(stream, sequence, first, size, root, "sealed", None, None, None, self._law_s())
        await self._writer.write(lambda tx: table.seal(tx, batch))
        self._waiting_since.pop(stream, None)
        return True

    def _is_due(self, stream: Stream, waiting: tuple[int, int, int], *, flush: bool) -> bool:
        _, first, size = waiting
        now = self._monotonic()
        known = self._waiting_since.get(stream)
        if known is None or known[0] != first:
            known = self._waiting_since[stream] = (first, now)
        return flush or size >= self._limits.max_leaves or now - known[1] >= self._limits.age_of(stream)

    # -- anchoring ---------------------------------------------------------------------------------

    def _work(self) -> _Work:
        with self._writer.read() as reader:
            batches = tuple(table.batches_in(reader, "sealed")[:MAX_BATCHES])
            marks, words = self._superseded(reader, batches)
        return _Work(batches, marks, words)

    def _superseded(self, reader: Reader, batches: Sequence[Batch]) -> tuple[tuple[Mark, ...], tuple[tuple[int, int, int], ...]]:
        if not batches:
            return (), ()  # marks alone go by setStatus
        own = {batch.sequence for batch in batches if batch.stream == Stream.RECORDS}
        taken: list[Mark] = []
        words: dict[tuple[int, int], int] = {}
        for mark in table.marks_in(reader, "queued"):
            place = _place(reader, mark, own) if mark.status == Status.SUPERSEDED else None
            if place is None:
                continue
            sequence, word, bit = place
            if (sequence, word) not in words and len(words) >= MAX_WORDS:
                break
            words[sequence, word] = words.get((sequence, word), 0) | bit
            taken.append(mark)
        return tuple(taken), tuple((s, w, mask) for (s, w), mask in sorted(words.items()))

    async def _send(self, work: _Work) -> None:
        if self._already_on_chain(work.batches):
            return
        arguments = (
            [
                {"stream": b.stream, "sequence": b.sequence, "root": "0x" + b.root.hex(), "size": b.size, "suite": SUITE}
                for b in work.batches
            ],
            [{"sequence": s, "word": w, "mask": mask} for s, w, mask in work.words],
            "0x" + "00" * 32,
        )
        load = Load(tuple((b.stream, b.sequence) for b in work.batches), tuple(mark.id for mark in work.marks))
        await self._transactions.anchor("RecordLedger", "anchor", *arguments, load=load)

    def _already_on_chain(self, batches: Sequence[Batch]) -> bool:
        """Whether the follower has seen one of these batches anchored (its receipt was missed); it settles them then."""
        with self._writer.read() as reader:
            return any(chain_cache.batch(reader, self._department, batch.stream, batch.sequence) is not None for batch in batches)

    async def _send_marks(self) -> bool:
        """Send marks that do not travel with an anchoring: one call per batch, status and reason."""
        with self._writer.read() as reader:
            queued = table.marks_in(reader, "queued")
            groups: dict[tuple[int, int, int], list[tuple[Mark, int, int]]] = {}
            for mark in queued:
                place = _place(reader, mark, set())
                if place is not None:
                    sequence, word, bit = place
                    groups.setdefault((sequence, mark.status, mark.reason), []).append((mark, word, bit))
        if not groups:
            return False
        (sequence, status, reason), found = min(groups.items(), key=lambda item: min(m.id for m, _, _ in item[1]))
        words: dict[int, int] = {}
        taken = []
        for mark, word, bit in found:
            if word not in words and len(words) >= MAX_WORDS:
                break
            words[word] = words.get(word, 0) | bit
            taken.append(mark.id)
        order = sorted(words)
        load = Load((), tuple(taken))
        await self._transactions.anchor(
            "RecordLedger", "setStatus", sequence, order, [words[w] for w in order], status, reason, load=load
        )
        return True

    # -- looking -----------------------------------------------------------------------------------

    def is_final(self, stream: Stream, position: int) -> bool:
        """Whether an entry's batch is final."""
        with self._writer.read() as reader:
            batch = table.batch_of(reader, stream, position)
        return batch is not None and batch.state == "final"

    async def wait_anchored(self, position: int, timeout_s: float, stream: Stream = Stream.RECORDS) -> bool:
        """Wait until an entry is final.

        Returns:
            False when it is not in time.
        """
        end = self._monotonic() + timeout_s
        while not self.is_final(stream, position):
            if self._monotonic() >= end:
                return False
            await asyncio.sleep(0.05)
        return True

    def replayed(self, _tx: Transaction, _ref: str) -> Callable[[], None]:
        """Parked anchoring is taken back into work (``node.parking``)."""

        def go_on() -> None:
            self._failures = 0
            self._wake.set()

        return go_on

    def backlog(self) -> dict[str, int]:
        """How much waits: entries by stream that are not final, and marks."""
        with self._writer.read() as reader:
            waiting = {stream.name.lower(): _not_final(reader, stream) for stream in Stream}
            waiting["marks"] = len(table.marks_in(reader, "queued")) + len(table.marks_in(reader, "sent"))
        return waiting


def _not_final(reader: Reader, stream: Stream) -> int:
    final = sum(batch.size for batch in table.batches_in(reader, "final", stream))
    return streams.last_position(reader, stream) - final


def _place(reader: Reader, mark: Mark, same_call: set[int]) -> tuple[int, int, int] | None:
    """(sequence, word, bit) of a mark's leaf, None while its batch is neither on chain nor in the same call."""
    batch = table.batch_of(reader, Stream.RECORDS, mark.position)
    if batch is None or not (batch.state in ("mined", "final") or batch.sequence in same_call):
        return None
    index = mark.position - batch.first_position
    return batch.sequence, index // LEAVES_PER_WORD, 1 << 2 * (index % LEAVES_PER_WORD)
