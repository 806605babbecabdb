"""One transfer at a time for each upload: a newer call ends the one before, which may not know yet that its connection is dead.

Example::

    async with turns.of(blob) as turn:
        async for block in turn.guard(blocks): …

Source: draft-ietf-httpbis-resumable-upload, Concurrency.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from xinlian.protocol.errors import ConflictError


@dataclass(slots=True)
class Turn:
    """The right to work on one upload."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    reading: asyncio.Future[bytes] | None = None
    is_ended: bool = False
    users: int = 0

    def end_reading(self) -> None:
        """Stop the transfer that runs, at the latest before its next block."""
        self.is_ended = self.lock.locked()
        if self.reading is not None:
            self.reading.cancel()

    async def guard(self, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The blocks as they arrive, until another call takes over.

        Raises:
            ConflictError: ``attachment-interrupted``.
        """
        while True:
            if self.is_ended:
                raise _taken_over()
            self.reading = asyncio.ensure_future(_next(blocks))
            try:
                block = await self.reading
            except StopAsyncIteration:
                return
            except asyncio.CancelledError:
                if not self.is_ended:
                    raise
                raise _taken_over() from None
            finally:
                self.reading = None
            yield block


def _taken_over() -> ConflictError:
    return ConflictError("attachment-interrupted", "another call took this upload over")


async def _next(blocks: AsyncIterator[bytes]) -> bytes:
    return await anext(blocks)


class Turns:
    """The turns of all uploads in progress."""

    def __init__(self) -> None:
        self._turns: dict[bytes, Turn] = {}

    @asynccontextmanager
    async def of(self, blob: bytes) -> AsyncIterator[Turn]:
        """Take one's turn: end the transfer that runs, wait until it has noted how far it came."""
        turn = self._turns.setdefault(blob, Turn())
        turn.users += 1
        turn.end_reading()
        try:
            async with turn.lock:
                turn.is_ended = False
                yield turn
        finally:
            turn.users -= 1
            if turn.users == 0:
                del self._turns[blob]
