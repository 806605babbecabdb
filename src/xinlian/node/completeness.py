"""The events followed must be all there are: they are folded and compared with the accumulators that the contracts hold.

Rules
1. Every look folds what was followed since the last one, up to the newest final block, and asks the contracts for accumulators as
   of that block: those that the new events touched, and in turn every other one there is, also those that must still be zero.
2. Cost is bounded: at most 800 accumulators a look, in requests of a hundred; folding goes in pages, in a thread.
3. What differs and still does after a pause is a doubt (``events-differ``): nothing is sent and no personal data given. Then
   everything is read anew from the last block that was proven as a whole, at most every ten minutes; the doubt ends when what
   differed is equal.
4. A rollback below the folded block begins the folding anew. An endpoint that cannot be reached proves nothing either way.
5. An endpoint that lies about storage as well is not found out here: name several (``node.agreeing``).

Source: design 4.2 (event accumulators), 2.1.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from xinlian.chain.bindings import accumulator
from xinlian.chain.events import AUTHORITY, CALENDAR, AccumulatorId, Event, folds, of_department, replay
from xinlian.chain.rpc import AsksChain
from xinlian.node.chain_rows import event_of
from xinlian.node.following import Following
from xinlian.protocol.accumulator import EMPTY
from xinlian.protocol.errors import ChainError
from xinlian.protocol.manifest import Deployment
from xinlian.store import chain_cache
from xinlian.store.writer import Reader

_log = structlog.get_logger(__name__)
DOUBT = "events"
TOUCHED_A_LOOK = 400
IN_TURN_A_LOOK = 400
PAUSE_S = 2.0
READ_ANEW_EVERY_S = 600.0
_PAGE = 2_000
_NOTHING = (-1, -1)


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[chain_cache.ChainEvent]
    final: int
    is_last: bool


class Completeness:
    """Compares what was followed with what the contracts hold.

    Args:
        rpc: the endpoint that is followed.
        deployment: our contracts.
        following: whose events they are; told of doubt.
        period_s: pause between looks.
        pause_s: how long a difference may last.
        monotonic: seconds that only rise.
    """

    def __init__(
        self,
        rpc: AsksChain,
        deployment: Deployment,
        following: Following,
        *,
        period_s: float,
        pause_s: float = PAUSE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rpc = rpc
        self._deployment = deployment
        self._following = following
        self._period_s = period_s
        self._pause_s = pause_s
        self._monotonic = monotonic
        self._differing: tuple[AccumulatorId, ...] = ()
        self._proven_to = -1
        self._read_anew_at: float | None = None
        self._begin()

    @property
    def proven_to(self) -> int:
        """Every event up to this block is proven to be there; -1 before the first time."""
        return self._proven_to

    async def run(self) -> None:
        """Compare until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._period_s)

    async def look(self) -> None:
        """Compare once and tell the follower what came of it."""
        if self._following.alarm is not None or not self._following.is_held:
            return
        try:
            differing = await self._compare()
            if differing and not self._differing:
                await asyncio.sleep(self._pause_s)
                differing = await self._compare(differing)
        except ChainError as error:
            _log.info("events not compared with accumulators", code=error.code)
            return
        if differing:
            await self._doubt(differing)
        elif self._differing:
            self._differing = ()
            self._following.set_doubt(DOUBT, None)

    async def _doubt(self, differing: tuple[AccumulatorId, ...]) -> None:
        first = differing[0]
        text = f"the events followed do not fold into {first}: one is hidden, altered or at another time"
        if not self._differing:
            _log.error("events differ", accumulator=str(first), count=len(differing))
        self._differing = differing
        self._following.set_doubt(DOUBT, ChainError("events-differ", text, accumulator=str(first), count=len(differing)))
        now = self._monotonic()
        if self._read_anew_at is None or now - self._read_anew_at >= READ_ANEW_EVERY_S:
            self._read_anew_at = now
            await self._following.forget_after(self._proven_to)
            self._begin()

    # -- folding -------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._folded: dict[AccumulatorId, bytes] = {}
        self._at = _NOTHING
        self._block = -1
        self._touched: dict[AccumulatorId, None] = {}
        self._in_turn: deque[AccumulatorId] = deque()
        self._turn_began: int | None = None

    async def _fold(self) -> None:
        is_last = False
        while not is_last:
            page, fork = await self._following.between_steps(self._page)
            if fork is not None and fork < self._block:
                self._begin()
                continue
            events, self._folded = await asyncio.to_thread(_folded, page.rows, self._folded)
            self._touched |= dict.fromkeys(one for event in events for one in folds(event))
            if page.rows:
                self._at = (page.rows[-1].block_number, page.rows[-1].log_index)
            self._block = max(self._block, self._at[0], page.final if page.is_last else -1)
            is_last = page.is_last

    def _page(self, reader: Reader) -> _Page:
        progress = chain_cache.progress(reader)
        final = -1 if progress is None else progress.block.number - self._deployment.confirmations
        found = chain_cache.all_events(reader, self._at, _PAGE)
        rows = [one for one in found if one.block_number <= final]
        return _Page(rows, final, is_last=len(rows) < _PAGE)

    # -- comparing -----------------------------------------------------------------------------------

    async def _compare(self, named: Iterable[AccumulatorId] = ()) -> tuple[AccumulatorId, ...]:
        """Fold what is new and compare; the accumulators that differ."""
        await self._fold()
        if self._block < 0:
            return ()
        touched, in_turn = self._due()
        due = list(dict.fromkeys([*named, *self._differing, *touched, *in_turn]))
        held = await self._rpc.ask_all([accumulator(self._deployment, one, self._block) for one in due])
        differing = tuple(one for one, value in zip(due, held, strict=True) if value != self._folded.get(one, EMPTY))
        for one in touched:
            del self._touched[one]
        self._took_turns(len(in_turn), is_equal=not differing)
        return differing

    def _due(self) -> tuple[list[AccumulatorId], list[AccumulatorId]]:
        if not self._in_turn:
            self._in_turn.extend(_known(self._folded))
            self._turn_began = self._block
        return list(self._touched)[:TOUCHED_A_LOOK], [*self._in_turn][:IN_TURN_A_LOOK]

    def _took_turns(self, count: int, *, is_equal: bool) -> None:
        """Everything up to the block at which a turn began is proven once each accumulator has been equal since."""
        for _ in range(count):
            self._in_turn.popleft()
        if not is_equal:
            self._in_turn.clear()
        elif not self._in_turn and self._turn_began is not None:
            self._proven_to = max(self._proven_to, self._turn_began)


def _folded(
    rows: list[chain_cache.ChainEvent], folded: dict[AccumulatorId, bytes]
) -> tuple[list[Event], dict[AccumulatorId, bytes]]:
    events = [event_of(row) for row in rows]
    return events, replay(events, folded)


def _known(folded: Iterable[AccumulatorId]) -> list[AccumulatorId]:
    """Every accumulator there is, as far as events tell: also the zero ones of registered departments."""
    registered = [str(one.key[0]) for one in folded if one.contract == "DepartmentRegistry" and one.key]
    return list(dict.fromkeys([AUTHORITY, CALENDAR, *folded, *(one for each in registered for one in of_department(each))]))
