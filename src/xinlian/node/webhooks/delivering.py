"""Sending what the outbox holds: signed, each attempt anew, with growing pauses, until it is delivered or parked.

Rules
1. Only 2xx is a delivery. A redirect is a failure and never followed; the answer's body is not looked at.
2. Pauses follow the schedule; ``Retry-After`` of 429 and 503 may lengthen one, up to an hour. After the last attempt, and at
   once on 410, the delivery is parked and waits for a person.
3. At most one attempt per hook is under way, so that a receiver that is slow or down holds up no other.
4. Logs name hook and delivery by number, never the address.

Source: Standard Webhooks, "Deliverability and reliability", "Delivery success and failure".
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp
import structlog

from xinlian.node.webhooks.addresses import Addresses
from xinlian.protocol.errors import InputError, PeerError, StoreError
from xinlian.protocol.webhooks import parse_secret, signed_headers
from xinlian.store import webhooks as table
from xinlian.store.sealing import Sealer
from xinlian.store.webhooks import Delivery, Hook
from xinlian.store.writer import Reader, Writer

_log = structlog.get_logger(__name__)

LOOK_S = 1.0
ROUND = 200
MAX_RETRY_AFTER_S = 3_600
KEPT_S = 30 * 86_400
_TIDY_EVERY_S = 3_600
_JITTER = 0.1
_GONE, _BUSY = 410, frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt was in vain: error code, seconds the receiver asks to wait, whether it is the last."""

    code: str
    retry_after_s: int = 0
    is_last: bool = False


class Delivering:
    """The background work.

    Args:
        writer: node.db.
        sealer: opens addresses and secrets.
        addresses: where to.
        schedule_s: pause after the first, second, … attempt in vain; one more attempt than pauses.
        timeout_s: of one attempt.
        wall_s: wall clock, epoch seconds.
    """

    def __init__(
        self,
        writer: Writer,
        sealer: Sealer,
        addresses: Addresses,
        schedule_s: Sequence[float],
        timeout_s: float,
        wall_s: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._sealer = sealer
        self._addresses = addresses
        self._schedule_s = tuple(schedule_s)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._wall_s = wall_s
        self._dice = random.Random()  # noqa: S311 (jitter of pauses, no secret)
        self._tidied_at = float("-inf")
        self._under_way: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Send until cancelled."""
        connector = aiohttp.TCPConnector(resolver=self._addresses.resolver(), use_dns_cache=False, limit=32)
        try:
            async with aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=False) as session:
                while True:
                    await self._tidy()
                    self._start_due(session)
                    await asyncio.sleep(LOOK_S)
        finally:
            running = list(self._under_way.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _start_due(self, session: aiohttp.ClientSession) -> None:
        with self._writer.read() as reader:
            for delivery in table.due(reader, int(self._wall_s()), ROUND):
                if delivery.hook_id not in self._under_way:
                    self._under_way[delivery.hook_id] = self._task(session, reader, delivery)

    def _task(self, session: aiohttp.ClientSession, reader: Reader, delivery: Delivery) -> asyncio.Task[None]:
        hook = table.by_id(reader, self._sealer, delivery.hook_id)
        task = asyncio.create_task(self._deliver(session, hook, delivery), name=f"webhook {hook.id}")
        task.add_done_callback(lambda _: self._under_way.pop(hook.id, None))
        return task

    async def _deliver(self, session: aiohttp.ClientSession, hook: Hook, delivery: Delivery) -> None:
        """One attempt, and what else is due for the same hook."""
        following: Delivery | None = delivery
        try:
            while following is not None:
                failure = await self._attempt(session, hook, following)
                await self._note(following, failure)
                following = None if failure is not None else self._next_of(hook)
        except StoreError as error:  # it stays queued, and the receiver knows the id when it comes again
            _log.warning("webhook not noted", hook=hook.id, code=error.code)

    def _next_of(self, hook: Hook) -> Delivery | None:
        with self._writer.read() as reader:
            waiting = [one for one in table.due(reader, int(self._wall_s()), ROUND) if one.hook_id == hook.id]
        return waiting[0] if waiting else None

    async def _attempt(self, session: aiohttp.ClientSession, hook: Hook, delivery: Delivery) -> _Failure | None:
        try:
            self._addresses.check_url(hook.url)
            keys = [parse_secret(text) for text in hook.secrets]
            headers = signed_headers(delivery.message_id, int(self._wall_s()), delivery.body, keys)
            headers["Content-Type"] = "application/json"
            async with session.post(hook.url, data=delivery.body, headers=headers, allow_redirects=False) as answer:
                return _judged(answer.status, answer.headers.get("Retry-After", ""))
        except (InputError, PeerError) as error:
            return _Failure(error.code)
        except TimeoutError:
            return _Failure("webhook-timeout")
        except (aiohttp.ClientError, OSError) as error:
            inner = error.__cause__ or error.__context__
            return _Failure(inner.code if isinstance(inner, PeerError) else "webhook-unreachable")

    async def _note(self, delivery: Delivery, failure: _Failure | None) -> None:
        if failure is None:
            await self._writer.write(lambda tx: table.delivered(tx, delivery.id))
            return
        next_at = self._next_at(delivery, failure)
        is_parked = next_at is None
        _log.info("webhook failed", hook=delivery.hook_id, delivery=delivery.id, code=failure.code, parked=is_parked)
        await self._writer.write(lambda tx: table.failed(tx, delivery.id, failure.code, next_at))

    def _next_at(self, delivery: Delivery, failure: _Failure) -> int | None:
        if failure.is_last or delivery.attempts >= len(self._schedule_s):
            return None
        pause_s = self._schedule_s[delivery.attempts] * (1 + self._dice.uniform(0, _JITTER))
        return int(self._wall_s() + max(pause_s, failure.retry_after_s))

    async def _tidy(self) -> None:
        """Once an hour, drop deliveries that nobody needs any more."""
        now = self._wall_s()
        if now - self._tidied_at >= _TIDY_EVERY_S:
            self._tidied_at = now
            await self._writer.write(lambda tx: table.forget_before(tx, int(now) - KEPT_S))


def _judged(status: int, retry_after: str) -> _Failure | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return _Failure("webhook-redirect")
    if status == _GONE:
        return _Failure("webhook-gone", is_last=True)
    asked = int(retry_after) if retry_after.isdecimal() and len(retry_after) < 10 and status in _BUSY else 0
    return _Failure("webhook-refused", min(asked, MAX_RETRY_AFTER_S))
