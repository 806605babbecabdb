"""The node's two times: law time from the chain, wall clock for messages, tokens and sessions.

Rules
1. Law time = time of the latest block seen plus what has elapsed since, by a monotonic clock; it never runs backwards while the
   node runs.
2. The age of the view counts from when the follower last reached the chain and held its head, not from the block's time.

Source: design 2.6, 6.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from xinlian.protocol.chainview import BlockRef


class Clock:
    """The node's time.

    Args:
        wall: wall clock, epoch seconds.
        monotonic: seconds that only rise.
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._head: BlockRef | None = None
        self._seen_at = 0.0
        self._reached_at: float | None = None
        self._last_law_s = 0
        self.is_distrusted = False
        """While what the chain says is in doubt (endpoints disagree, another chain) the view counts as infinitely old."""

    def saw(self, head: BlockRef) -> None:
        """The follower holds this head now."""
        now = self._monotonic()
        if self._head is None or head != self._head:
            self._head, self._seen_at = head, now
        self._reached_at = now

    def restore(self, head: BlockRef, age_s: float) -> None:
        """At start, before the chain is reached: the last head held and how long ago, by the wall clock."""
        now = self._monotonic()
        self._head, self._seen_at = head, now - max(age_s, 0.0)
        self._reached_at = self._seen_at

    def head(self) -> BlockRef:
        """The latest block held; block 0 at time 0 before any was."""
        return self._head if self._head is not None else BlockRef(0, "0x" + "00" * 32, 0)

    def law_s(self) -> int:
        """Law time, epoch seconds; the wall clock before any block was seen."""
        if self._head is None:
            return int(self._wall())
        law_s = self._head.time + int(self._monotonic() - self._seen_at)
        self._last_law_s = max(self._last_law_s, law_s)
        return self._last_law_s

    def wall_s(self) -> float:
        """Wall clock, epoch seconds."""
        return self._wall()

    def view_age_s(self) -> float:
        """Seconds since the head was last confirmed; infinite before the first time and while the view is in doubt."""
        if self._reached_at is None or self.is_distrusted:
            return float("inf")
        return self._monotonic() - self._reached_at

    def offset_s(self) -> float:
        """Law time minus wall clock, seconds."""
        return self.law_s() - self._wall()
