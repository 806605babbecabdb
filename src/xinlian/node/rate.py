"""A fixed-window count of failed authentications per caller, so that guessing is slow and cheap to refuse."""

from __future__ import annotations

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

    def check(self, caller: str, now_s: float) -> None:
        """Refuse a caller that failed too often.

        Raises:
            RefusedError: ``refused-rate``.
        """
        self._turn(now_s)
        if self._counts.get(caller, 0) >= self._per_minute:
            raise refusal(ProviderCheck.RATE, "too many requests that failed authentication; wait a minute")

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
