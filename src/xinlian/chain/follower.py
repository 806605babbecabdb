"""Following the chain: ordered events of our contracts from where we left off, with rollbacks when the chain reorganises.

Rules
1. A position is a block's number *and* hash. Before going on, the block at our position must still be there, and the next
   block must name it as its parent; else the fork point is looked for among the blocks we remember.
2. A range counts only if its last header is the same before and after the logs were read and every log names its block's hash.
3. The consumer stores a step completely, then asks for the next one: the position moves only after that.
4. Another genesis, other code at the contracts, a fork deeper than ``max_reorg_blocks``, or a head that stays below our position
   for ``shorter_grace_s`` is ``chain-replaced``: never followed on its own (design 6). A lagging RPC node looks like a shorter
   chain for a moment, so until then we only wait, and the view grows old.
5. The view's age counts from the last time the head was reached and held, measured before it was asked for.

Example::

    async for step in follower.steps():      # one round: until the head that was seen at its start
        ...                                  # a Rollback or a Followed, stored in one transaction
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from xinlian.chain import questions
from xinlian.chain.events import Event, decode_log
from xinlian.chain.rpc import AsksChain, check_chain, check_code
from xinlian.chain.wire import Header, Log
from xinlian.protocol.chainview import BlockRef
from xinlian.protocol.errors import ChainError
from xinlian.protocol.manifest import Deployment

REMEMBERED = 512
"""How many of the newest remembered blocks are searched for the fork point."""
_TOO_MUCH = frozenset({"rpc-refused", "rpc-timeout", "rpc-answer"})
_CONTACT_LOST = frozenset({"rpc-down", "rpc-timeout"})
_ANOTHER = frozenset({"chain-wrong", "code-missing"})


class KnownBlocks(Protocol):
    """What the follower must find again after a restart; the node reads it from its tables."""

    async def newest_blocks(self, limit: int) -> Sequence[BlockRef]:
        """The newest remembered blocks, newest first; the first one is our position. Empty before the first step."""
        ...


@dataclass(frozen=True, slots=True)
class Followed:
    """One step forward; to be stored completely before the next is asked for.

    Args:
        head: the last block of this step, our position once it is stored (not always the chain's head).
        events: of the blocks after the position before, in the chain's order.
        blocks: headers to remember, ascending: those with events, ``head``, and all of the newest ones.
        chain_head: number of the newest block the chain has, as far as seen.
    """

    head: BlockRef
    events: tuple[Event, ...]
    blocks: tuple[BlockRef, ...]
    chain_head: int

    @property
    def is_caught_up(self) -> bool:
        """Whether this step ends at the chain's head."""
        return self.head.number == self.chain_head


@dataclass(frozen=True, slots=True)
class Rollback:
    """The chain reorganised: everything after ``block`` is to be forgotten."""

    block: BlockRef


@dataclass(frozen=True, slots=True)
class FollowerStatus:
    """For readiness and metrics.

    Args:
        position: last block stored, None before the first step.
        chain_head: newest block seen, None before the first contact.
        held_at: monotonic seconds when the head was last known to be held, None before.
        contact_at: monotonic seconds of the last answer of the RPC node, None before.
    """

    position: BlockRef | None
    chain_head: int | None
    held_at: float | None
    contact_at: float | None

    @property
    def lag_blocks(self) -> int | None:
        """Blocks between our position and the chain's head; None before the first contact."""
        if self.chain_head is None:
            return None
        return max(self.chain_head - (-1 if self.position is None else self.position.number), 0)

    def age_s(self, now: float) -> float | None:
        """Age of the view at monotonic time ``now``; None when it never held the head."""
        return None if self.held_at is None else now - self.held_at


@dataclass(frozen=True, slots=True)
class FollowerOptions:
    """How to follow.

    Args:
        first_span_blocks: blocks in the first eth_getLogs.
        max_span_blocks: never more.
        max_reorg_blocks: a deeper reorganisation is another chain.
        shorter_grace_s: how long a head below our position may be a lagging node.
        monotonic: seconds that only rise.
    """

    first_span_blocks: int = 2_000
    max_span_blocks: int = 20_000
    max_reorg_blocks: int = 64
    shorter_grace_s: float = 30.0
    monotonic: Callable[[], float] = time.monotonic


class _MovedError(Exception):
    """The chain moved while a range was read: look again."""


class Follower:
    """Follows one deployment on one chain. Not for use by two tasks at once.

    Args:
        rpc: transport.
        deployment: chain, contracts, first blocks.
        known: remembered blocks.
        options: see ``FollowerOptions``.
    """

    def __init__(
        self, rpc: AsksChain, deployment: Deployment, known: KnownBlocks, options: FollowerOptions | None = None
    ) -> None:
        self._rpc = rpc
        self._deployment = deployment
        self._known = known
        self._options = options or FollowerOptions()
        self._contracts = {one.address.lower(): name for name, one in deployment.contracts.items()}
        self._first_block = min(one.block_number for one in deployment.contracts.values())
        self._span = self._options.first_span_blocks
        self._position: BlockRef | None = None
        self._loaded = False
        self._checked = False
        self._shorter_since: float | None = None
        self._chain_head: int | None = None
        self._held_at: float | None = None
        self._contact_at: float | None = None

    @property
    def status(self) -> FollowerStatus:
        """Where the follower stands."""
        return FollowerStatus(self._position, self._chain_head, self._held_at, self._contact_at)

    async def steps(self) -> AsyncIterator[Followed | Rollback]:
        """One round: everything up to the head seen at its start. Ends with a step even when nothing is new.

        Raises:
            ChainError: chain-wrong, code-missing (before the first step), chain-replaced, or the transport's errors.
        """
        try:
            async for step in self._round():
                yield step
        except ChainError as error:
            if error.code in _CONTACT_LOST:
                self._checked = False  # whatever answers next must prove again which chain it is
            raise

    def reset(self) -> None:
        """Forget the position in memory; the next round reads ``known`` again (after a rebuild of the cache)."""
        self._loaded = False
        self._checked = False

    async def _round(self) -> AsyncIterator[Followed | Rollback]:
        started = self._options.monotonic()
        await self._load()
        head = await self._rpc.ask(questions.head())
        self._contact_at, self._chain_head = started, head.number
        if not self._checked:
            await self._check_identity()
        if not await self._is_position_held(head):
            fork = await self._fork(head)
            if fork is None:
                return
            yield Rollback(fork)
            self._position = fork
        async for step in self._forward(head):
            yield step
            self._position = step.head
        self._held_at = started

    async def _load(self) -> None:
        if not self._loaded:
            newest = await self._known.newest_blocks(1)
            self._position = newest[0] if newest else None
            self._loaded = True

    # -- is it still the same chain? -----------------------------------------------------------------

    async def _check_identity(self) -> None:
        try:
            await check_chain(self._rpc, self._deployment.chain_id, self._deployment.genesis_hash)
            await check_code(self._rpc, self._deployment)
        except ChainError as error:
            if error.code not in _ANOTHER or self._position is None:
                raise
            raise self._replaced("genesis" if error.code == "chain-wrong" else "code") from error
        self._checked = True

    async def _is_position_held(self, head: Header) -> bool:
        if self._position is None:
            return True
        found = await self._rpc.ask(questions.block_or_none(self._position.number))
        held = found is not None and found.hash == self._position.hash and head.number >= self._position.number
        if held:
            self._shorter_since = None
        return held

    async def _fork(self, head: Header) -> BlockRef | None:
        """The newest remembered block that still stands; None while the chain is merely shorter."""
        position = self._position
        if position is None:
            raise ValueError("there is no fork without a position")
        await self._check_identity()
        if head.number < position.number:
            self._wait_while_shorter()
            return None
        self._shorter_since = None
        for remembered in await self._known.newest_blocks(REMEMBERED):
            found = await self._rpc.ask(questions.block_or_none(remembered.number))
            if found is not None and found.hash == remembered.hash:
                if position.number - remembered.number > self._options.max_reorg_blocks:
                    break
                return remembered
        raise self._replaced("deep-reorganisation")

    def _wait_while_shorter(self) -> None:
        now = self._options.monotonic()
        if self._shorter_since is None:
            self._shorter_since = now
        if now - self._shorter_since >= self._options.shorter_grace_s:
            raise self._replaced("shorter")

    def _replaced(self, reason: str) -> ChainError:
        self._checked = False
        at = None if self._position is None else self._position.number
        return ChainError("chain-replaced", f"this is not the chain we followed ({reason})", reason=reason, position=at)

    # -- forward -------------------------------------------------------------------------------------

    async def _forward(self, head: Header) -> AsyncIterator[Followed]:
        next_block = self._first_block if self._position is None else self._position.number + 1
        if next_block > head.number:
            if self._position is not None:
                yield Followed(self._position, (), (), head.number)
            return
        while next_block <= head.number:
            try:
                step = await self._step(next_block, head.number)
            except _MovedError:
                return  # the next round finds the fork
            yield step
            next_block = step.head.number + 1

    async def _step(self, first: int, head: int) -> Followed:
        while True:
            last = min(first + self._span - 1, head)
            try:
                step = await self._read(first, last, head)
            except ChainError as error:
                if error.code not in _TOO_MUCH or last == first:
                    raise
                self._span = max((last - first + 1) // 2, 1)
                continue
            self._span = min(self._span * 2, self._options.max_span_blocks)
            return step

    async def _read(self, first: int, last: int, head: int) -> Followed:
        opening, closing = await self._headers([first, last])
        if self._position is not None and opening.parent_hash != self._position.hash:
            raise _MovedError
        logs = await self._rpc.ask(questions.logs(list(self._contracts), first, last))
        recent = range(max(first, head - self._options.max_reorg_blocks), last + 1)
        numbers = sorted({one.block_number for one in logs} | set(recent) | {last})
        headers = {one.number: one for one in await self._headers(numbers)}
        if headers[last].hash != closing.hash or not _is_linked(headers):
            raise _MovedError
        events = tuple(self._decode(one, headers, first, last) for one in logs)
        blocks = tuple(_ref(headers[number]) for number in numbers)
        return Followed(_ref(closing), events, blocks, head)

    async def _headers(self, numbers: Sequence[int]) -> list[Header]:
        found = await self._rpc.ask_all([questions.block_or_none(number) for number in numbers])
        headers = [one for one in found if one is not None]
        if [one.number for one in headers] != list(numbers):
            raise _MovedError
        return headers

    def _decode(self, log: Log, headers: dict[int, Header], first: int, last: int) -> Event:
        if not first <= log.block_number <= last:
            raise ChainError("rpc-answer", f"the RPC node gave a log of block {log.block_number}, outside {first} to {last}")
        header = headers[log.block_number]
        if log.block_hash != header.hash:
            raise _MovedError
        return decode_log(log, header.time, self._contracts)


def _is_linked(headers: dict[int, Header]) -> bool:
    """Whether neighbouring headers name each other (those with a gap between them cannot be compared)."""
    return all(headers[number - 1].hash == one.parent_hash for number, one in headers.items() if number - 1 in headers)


def _ref(header: Header) -> BlockRef:
    return BlockRef(header.number, header.hash, header.time)
