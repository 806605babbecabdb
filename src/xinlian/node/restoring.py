"""After a backup was restored: what the chain calls erased, or this node erased before, and what is here again, goes again.

Rules
1. At every start, once the follower holds the chain's head: every own record with status 3 on chain in a final block that is live
   in node.db, and every finished erasure whose key is usable in keys.db, goes through all steps of an erasure. The chain's status
   wins.
2. Until then no own record is read or found (``records-behind``): what was erased after the backup would be shown. Publishing
   goes on.
3. A mark from a period that the authority declared compromised (``compromisedSince``) destroys nothing: whoever stole a key can
   mark, too. Its record stays unreadable, as everything that the chain calls erased.
4. A batch on chain that the restored node.db does not know yet continues after the last one it knows: positions have no gaps.

Source: design 4.4 ("restoring a backup replays the chain's erasures before serving").
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.ending import Ending
from xinlian.node.following import Following
from xinlian.node.records import Records
from xinlian.protocol.errors import ChainError
from xinlian.protocol.types import Status, Uscc
from xinlian.store import chain_cache, erasures, record_keys, records, statuses
from xinlian.store.opening import Store
from xinlian.store.writer import Reader

_log = structlog.get_logger(__name__)

PAGE = 500
AGAIN_AFTER_S = 5.0
STARTED_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class RestoringParts:
    """What the use case is built from; ``confirmations`` of the manifest."""

    department: Uscc
    store: Store
    state: ChainState
    clock: Clock
    following: Following
    ending: Ending
    confirmations: int


class Restoring:
    """The use case.

    Args:
        parts: its collaborators.
        records: are read only once it is done.
    """

    def __init__(self, parts: RestoringParts, records: Records) -> None:
        self._p = parts
        self._done = asyncio.Event()
        records.require_readable = self.require_done

    @property
    def is_done(self) -> bool:
        """Whether what was erased is known to be gone, so that own records may be read."""
        return self._done.is_set()

    async def run(self) -> None:
        """Once the chain's head is held, destroy what is to go, again while marks wait to be final; then idle until cancelled."""
        await self._p.following.hold()
        while await self.once() > 0:  # noqa: ASYNC110 (what it waits for is time: a block becoming final)
            await asyncio.sleep(AGAIN_AFTER_S)
        await asyncio.Event().wait()

    async def once(self) -> int:
        """Destroy what is here although it is erased.

        Returns:
            How many live records have a mark that is not final yet; they are unreadable meanwhile.

        Raises:
            StoreError: when a database fails; the next start goes on.
        """
        reasons, waiting = await asyncio.to_thread(self._look)
        if reasons:
            _log.warning("erased records are here again and go again", count=len(reasons))
            await self._p.ending.erase_again(reasons)
        self._done.set()
        return waiting

    def _look(self) -> tuple[dict[int, int], int]:
        """Reason by position of what is to go, and how many live records have a mark that is not final."""
        final_block = self._p.clock.head().number - self._p.confirmations
        with self._p.store.node.read() as reader:
            marked = self._marked(reader)
            live = {position: marked[position] for position in records.live_of(reader, sorted(marked))}
            final = {position: mark.reason for position, mark in live.items() if mark.block_number <= final_block}
            return final | self._undead(reader), len(live) - len(final)

    def _marked(self, reader: Reader) -> dict[int, chain_cache.ChainMark]:
        """Own positions that the chain calls erased, each with its mark, without what a stolen key may have marked."""
        own = self._p.state.department(self._p.department)
        first_of = statuses.first_positions(reader, self._p.department)
        marks = chain_cache.marks_with_status(reader, self._p.department, Status.ERASED)
        trusted = [mark for mark in marks if own is None or not own.is_compromised_at(mark.block_number)]
        return {
            first_of[mark.sequence] + index: mark for mark in trusted if mark.sequence in first_of for index in mark.indices()
        }

    def _undead(self, reader: Reader) -> dict[int, int]:
        """Positions of finished erasures whose key can be used again; with the reason they were erased for."""
        found: dict[int, int] = {}
        for page in _pages(lambda after: erasures.finished_after(reader, after, PAGE)):
            with self._p.store.keys.read() as keys:
                usable = record_keys.usable_of(keys, [(jti, rev) for _, jti, rev, _ in page])
            found |= {position: reason for position, jti, rev, reason in page if (jti, rev) in usable}
        return found

    async def settled(self) -> None:
        """Wait, at start and for a while only, until own records may be read, or the chain is found not to be reached."""
        try:
            async with asyncio.timeout(STARTED_WITHIN_S):
                await self._settled()
        except TimeoutError:
            _log.warning("own records are not read before the chain's head is reached")

    async def _settled(self) -> None:
        await self._p.following.looked.wait()
        if self._p.following.is_held:
            await self._done.wait()

    def require_done(self) -> None:
        """Refuse to read or find own records too early.

        Raises:
            ChainError: ``records-behind``.
        """
        if not self.is_done:
            raise ChainError("records-behind", "this node has not reached the chain's head since it started")


_Page = list[tuple[int, bytes, int, int]]


def _pages(fetch: Callable[[int], _Page]) -> Iterator[_Page]:
    after = 0
    while page := fetch(after):
        yield page
        after = page[-1][0]
