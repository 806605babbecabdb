"""Following the chain: events into the store and the projection, this node's own batches and marks to their final state.

Rules
1. One transaction per step: blocks, events, batches, marks, own outbox states, progress. A stop loses and doubles nothing.
2. A reorganisation rolls the cache back to the fork, rebuilds the projection, and takes own batches back to ``sent``.
3. Final = ``confirmations`` blocks deep; only then is there a receipt.
4. Another or a shorter chain stops following and anchoring with an alarm (``chain-replaced``) until ``chain reattach``.
5. Nothing is sent while the head is not held: what answers behind the URL must first have proven which chain it is.
6. A batch of this department on chain that this node did not make is an alarm (``batch-foreign``), never a silent repair.
7. A batch that only a receipt calls mined, without its event in the blocks followed, is not believed: it counts as sent.

Source: design 2.1, 6 (Follower).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from xinlian.chain.events import Event
from xinlian.chain.follower import Followed, Follower, Rollback
from xinlian.node.chain_rows import StoredFact, batch_of, mark_of, row_of, stored_facts
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.protocol.chainview import BlockRef
from xinlian.protocol.errors import ChainError
from xinlian.protocol.types import Uscc
from xinlian.store import anchoring, chain_cache
from xinlian.store.writer import Reader, Transaction, Writer

T = TypeVar("T")
_log = structlog.get_logger(__name__)
_PAGE = 2_000
_NOTE_EVERY_S = 20.0
"""While nothing happens on chain, how often the last contact is written down."""


class Following:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        state: the projection.
        clock: told of every head.
        confirmations: of the manifest.
        poll_interval_s: pause between looks at the chain.
    """

    def __init__(
        self,
        department: Uscc,
        writer: Writer,
        state: ChainState,
        clock: Clock,
        confirmations: int,
        poll_interval_s: float,
    ) -> None:
        self._department = department
        self._writer = writer
        self._state = state
        self._clock = clock
        self._confirmations = confirmations
        self._poll_s = poll_interval_s
        self._noted_at = 0.0
        self._moved = asyncio.Condition()
        self._look = asyncio.Event()
        self.alarm: ChainError | None = None
        self.doubts: dict[str, ChainError] = {}
        """By who doubts: what the chain is said to be may be false; nothing is sent and no personal data given meanwhile."""
        self.trouble: ChainError | None = None
        self._stopped = False
        self._follower: Follower | None = None
        self._turn = asyncio.Lock()
        self._lowest_fork: int | None = None
        self.is_held = False
        """Whether the last look reached the chain, proved it to be ours, and ended at its head."""
        self.looked = asyncio.Event()
        """Set once there was a look at the chain since the start, however it ended."""
        self.on_rollback: Callable[[], None] = lambda: None
        """Told when transactions that were mined are open again."""
        self.on_final: Callable[[Transaction, anchoring.Batch], None] = lambda _tx, _batch: None
        """Told inside the transaction in which an own batch becomes final."""
        self.on_events: Callable[[Transaction, Sequence[Event]], None] = lambda _tx, _events: None
        """Told of new events inside the transaction that stores them, before the projection knows them."""
        self.on_final_block: Callable[[Transaction, int], None] = lambda _tx, _block: None
        """Told of the newest final block inside the transaction that stores the events up to it."""

    def restore(self, wall_s: float) -> None:
        """Load the projection and the last head from the store, at start."""
        with self._writer.read() as reader:
            self._state.rebuild(stored_facts(reader))
            progress = chain_cache.progress(reader)
        if progress is not None:
            head = BlockRef(progress.block.number, progress.block.hash, progress.block.time)
            self._clock.restore(head, wall_s - progress.reached_at)

    async def newest_blocks(self, limit: int) -> Sequence[BlockRef]:
        """The newest remembered blocks, newest first (``chain.follower.KnownBlocks``)."""
        with self._writer.read() as reader:
            return [BlockRef(one.number, one.hash, one.time) for one in chain_cache.newest_blocks(reader, limit)]

    async def run(self, follower: Follower) -> None:
        """Follow until cancelled; trouble is remembered, logged once, and tried again."""
        self._follower = follower
        while True:
            try:
                async with self._turn:
                    if not self._stopped:
                        await self._round(follower)
                self.trouble = None
            except ChainError as error:
                self.is_held = False
                self._note(error)
            self.looked.set()
            await self._pause()

    async def forget_after(self, block_number: int) -> None:
        """Forget what was read after a block and read it again: the endpoint that told it may have lied."""
        with self._writer.read() as reader:
            known = [one for one in chain_cache.newest_blocks(reader, _PAGE) if one.number <= block_number]
        fork = BlockRef(known[0].number, known[0].hash, known[0].time) if known else BlockRef(-1, "0x" + "00" * 32, 0)
        async with self._turn:
            self.is_held = False
            await self._roll_back(Rollback(fork))
            if self._follower is not None:
                self._follower.reset()

    async def stop(self) -> None:
        """Follow nothing any more, until the node is started anew (``chain reattach``)."""
        async with self._turn:
            self._stopped = True
            self.is_held = False

    def sound_alarm(self, error: ChainError) -> None:
        """Stop sending and giving personal data until a person has acted."""
        if self.alarm is None:
            _log.error("alarm", code=error.code, detail=error.message)
        self.alarm = error
        self._clock.is_distrusted = True

    @property
    def doubt(self) -> ChainError | None:
        """The oldest doubt, None without."""
        return next(iter(self.doubts.values()), None)

    def set_doubt(self, who: str, error: ChainError | None) -> None:
        """Somebody doubts what the chain is said to be, or does so no longer."""
        if error is None:
            self.doubts.pop(who, None)
        else:
            self.doubts[who] = error
        self._clock.is_distrusted = bool(self.doubts) or self.alarm is not None

    async def between_steps(self, read: Callable[[Reader], T]) -> tuple[T, int | None]:
        """Read the store while no step is being taken; with the lowest block rolled back to since the last such reading."""
        async with self._turn:
            fork, self._lowest_fork = self._lowest_fork, None
            with self._writer.read() as reader:
                return read(reader), fork

    @property
    def may_send(self) -> bool:
        """Whether transactions may be sent now."""
        return self.is_held and self.alarm is None and self.doubt is None

    async def require_sending(self, timeout_s: float) -> None:
        """Wait until transactions may be sent.

        Raises:
            ChainError: the alarm, the doubt, the trouble, or ``rpc-down``.
        """
        for reason in (self.alarm, self.doubt):
            if reason is not None:
                raise reason

        self._look.set()
        try:
            async with asyncio.timeout(timeout_s):
                await self.hold()
        except TimeoutError:
            raise self.alarm or self.trouble or ChainError("rpc-down", "this node does not hold the chain's head") from None

    async def hold(self) -> None:
        """Wait until the head is held."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.is_held)

    def _note(self, error: ChainError) -> None:
        if error.code in ("chain-replaced", "chain-wrong"):
            self.sound_alarm(error)
        if self.trouble is None or self.trouble.code != error.code:
            _log.warning("chain trouble", code=error.code, detail=error.message)
        self.trouble = error

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._look.wait()
        self._look.clear()

    def look_now(self) -> None:
        """Look at the chain at once (a transaction was just mined)."""
        self._look.set()

    async def _round(self, follower: Follower) -> None:
        is_held = False
        async for step in follower.steps():
            if isinstance(step, Rollback):
                await self._roll_back(step)
            else:
                await self._apply(step)
                is_held = step.is_caught_up
        self.is_held = is_held
        async with self._moved:
            self._moved.notify_all()

    async def _apply(self, step: Followed) -> None:
        head = step.head
        if not step.events and head == self._clock.head() and self._clock.wall_s() - self._noted_at < _NOTE_EVERY_S:
            self._clock.saw(head)
            return
        stored = self._step(step)
        final_block = head.number - self._confirmations

        own = [one for one in stored.batches if one.department == self._department]

        def job(tx: Transaction) -> tuple[list[chain_cache.ChainBatch], bool]:
            chain_cache.apply(tx, stored)
            self.on_events(tx, step.events)
            foreign = [one for one in own if not anchoring.is_own(tx, one.stream, one.sequence, one.root, one.size)]
            for one in own:
                if one not in foreign:
                    anchoring.batch_mined(tx, one.stream, one.sequence, one.block_number, one.block_time)
            unseen = anchoring.unmine_unseen(tx, final_block)
            for batch in anchoring.becoming_final(tx, final_block):
                self.on_final(tx, batch)
            anchoring.finalise(tx, final_block)
            self.on_final_block(tx, final_block)
            return foreign, unseen

        foreign, unseen = await self._writer.write(job)
        if unseen:
            _log.warning("a receipt named blocks that do not hold its batch")
            self.on_rollback()
        for one in foreign:
            self.sound_alarm(_foreign(one))
        self._noted_at = self._clock.wall_s()
        for event in step.events:
            self._state.apply(event)
        self._clock.saw(head)

    def _step(self, step: Followed) -> chain_cache.Step:
        block = chain_cache.Block(step.head.number, step.head.hash, step.head.time)
        return chain_cache.Step(
            blocks=[chain_cache.Block(one.number, one.hash, one.time) for one in step.blocks] or [block],
            events=[row_of(event) for event in step.events],
            batches=[batch_of(event) for event in step.events if event.name == "BatchAnchored"],
            marks=[mark_of(event) for event in step.events if event.name == "StatusSet"],
            progress=chain_cache.Progress(block, int(self._clock.wall_s())),
        )

    async def _roll_back(self, step: Rollback) -> None:
        fork = chain_cache.Block(step.block.number, step.block.hash, step.block.time)
        _log.warning("reorganisation", fork_block=fork.number)
        self._lowest_fork = fork.number if self._lowest_fork is None else min(fork.number, self._lowest_fork)
        reached = int(self._clock.wall_s())

        def job(tx: Transaction) -> list[StoredFact]:
            if fork.number < 0:
                chain_cache.drop(tx)
            else:
                chain_cache.rollback_to(tx, fork, reached)
            anchoring.unmine_after(tx, fork.number)
            return stored_facts(tx)

        self._state.rebuild(await self._writer.write(job))
        if fork.number >= 0:
            self._clock.saw(BlockRef(fork.number, fork.hash, fork.time))
        self.on_rollback()

    async def reach(self, block_number: int, timeout_s: float) -> bool:
        """Wait until this node's view has reached a block.

        Returns:
            False when it did not in time.
        """

        async def until() -> None:
            async with self._moved:
                await self._moved.wait_for(lambda: self._clock.head().number >= block_number)

        self._look.set()
        try:
            async with asyncio.timeout(timeout_s):
                await until()
        except TimeoutError:
            return False
        return True


def _foreign(batch: chain_cache.ChainBatch) -> ChainError:
    text = f"the chain holds batch {batch.sequence} of stream {batch.stream} of this department, which this node did not make"
    return ChainError("batch-foreign", text, stream=batch.stream, sequence=batch.sequence, block=batch.block_number)
