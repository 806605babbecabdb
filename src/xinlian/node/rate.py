"""A fixed-window count of failures per caller of the exchange, so that guessing is slow and cheap to refuse.

One ``RateLimit`` serves all routes of the exchange: requests and reconciliations that fail authentication, receipts of leaves
and schema files that this node does not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xinlian.protocol.errors import XinlianError
from xinlian.protocol.messages import ProviderCheck, refusal

_WINDOW_S = 60
_MAX_CALLERS = 10_000


class RateLimit:
    """Counts failures per caller and minute.

    Args:
        per_minute: failures after which a caller is refused until the minute is over.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._window = 0
        self._counts: dict[str, int] = {}
        self.total = 0

    @contextmanager
    def guarding(self, caller: str, now_s: float) -> Iterator[None]:
        """Refuse a caller that failed too often; count it when the body of ``with`` fails.

        Raises:
            RefusedError: ``refused-rate``; whatever the body raises.
        """
        self.check(caller, now_s)
        try:
            yield
        except XinlianError:
            self.count(caller, now_s)
            raise

    def check(self, caller: str, now_s: float) -> None:
        """Refuse a caller that failed too often.

        Raises:
            RefusedError: ``refused-rate``.
        """
        self._turn(now_s)
        if self._counts.get(caller, 0) >= self._per_minute:
            raise refusal(ProviderCheck.RATE, "too many calls that failed; wait a minute")

    def count(self, caller: str, now_s: float) -> None:
        """Note a failure."""
        self._turn(now_s)
        self.total += 1
        if len(self._counts) < _MAX_CALLERS or caller in self._counts:
            self._counts[caller] = self._counts.get(caller, 0) + 1

    def _turn(self, now_s: float) -> None:
        window = int(now_s // _WINDOW_S)
        if window != self._window:
            self._window, self._counts = window, {}
