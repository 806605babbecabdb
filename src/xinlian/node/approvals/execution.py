"""Carrying out what was consented to: exactly once, whatever stops in between.

Rules
1. ``executing`` is committed before the action runs. Whoever finds an approval in this state asks first whether it is done
   already, after every transaction sent before has its outcome; only then the action runs (again).
2. Trouble of the chain, the disk or another node is waited out: the approval stays ``executing``, names the trouble, and is tried
   again. Everything else is a failure with its code; the persons see it and propose anew.
3. One attempt at a time per approval.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from xinlian.node.approvals.kinds import Consented, Kind, Result
from xinlian.protocol.errors import ChainError, StoreError, XinlianError
from xinlian.store import approvals as table
from xinlian.store.approvals import Approval, State
from xinlian.store.writer import Transaction, Writer

_log = structlog.get_logger(__name__)

LOOK_S = 1.0
MAX_DELAY_S = 30.0
_FOR_GOOD = frozenset({"tx-reverted", "chain-abi"})
INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class ExecutionParts:
    """What carrying out needs.

    Args:
        writer: node.db.
        settled: returns once every transaction sent before has its outcome and this node's view holds it; raises ``ChainError``.
        law_s: law time, epoch seconds.
        monotonic: seconds that only rise.
    """

    writer: Writer
    settled: Callable[[], Awaitable[None]]
    law_s: Callable[[], int]
    monotonic: Callable[[], float]


class Execution:
    """Runs attempts, at once or later.

    Args:
        parts: what it needs of the node.
        load: an approval's kind, and what was consented to.
        moved: told inside the transaction that an approval became done or failed.
    """

    def __init__(
        self,
        parts: ExecutionParts,
        load: Callable[[Approval], tuple[Kind, Consented]],
        moved: Callable[[Transaction, Approval], None],
    ) -> None:
        self._p = parts
        self._load = load
        self._moved = moved
        self._running: dict[int, asyncio.Task[None]] = {}
        self._tries: dict[int, tuple[int, float]] = {}

    async def run(self) -> None:
        """Take up what a stop or trouble left behind, until cancelled."""
        try:
            while True:
                self._start_due()
                await asyncio.sleep(LOOK_S)
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop what runs; it is taken up again at the next start."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def attempt(self, approval_id: int, wait_s: float) -> None:
        """Carry an approval out now; after ``wait_s`` it goes on in the background."""
        await asyncio.wait({self._task(approval_id)}, timeout=wait_s)

    def _start_due(self) -> None:
        now = self._p.monotonic()
        with self._p.writer.read() as reader:
            waiting = table.in_states(reader, State.CONSENTED, State.EXECUTING)
        for approval in waiting:
            if now >= self._tries.get(approval.id, (0, 0.0))[1]:
                _ = self._task(approval.id)  # kept in _running

    def _task(self, approval_id: int) -> asyncio.Task[None]:
        """The one running attempt of an approval, begun now when there is none."""
        task = self._running.get(approval_id)
        if task is None:
            work = self._guarded(approval_id)
            # an empty context: what the action does belongs to the approval, not to the call that happened to start it
            task = asyncio.create_task(work, name=f"approval {approval_id}", context=Context())
            self._running[approval_id] = task
            task.add_done_callback(lambda _: self._running.pop(approval_id, None))
        return task

    async def _guarded(self, approval_id: int) -> None:
        try:
            await self._to_an_end(approval_id)
        except XinlianError as error:
            await self._postpone(approval_id, error.code)

    async def _to_an_end(self, approval_id: int) -> None:
        """One attempt; trouble that passes is raised, every other end is stored."""
        try:
            await self._attempt(approval_id)
        except XinlianError as error:
            if _is_trouble(error):
                raise
            _log.warning("approval failed", approval=approval_id, code=error.code)
            await self._settle(approval_id, State.FAILED, code=error.code)
        except Exception as error:  # noqa: BLE001 (a defect of one action must not stop the others; it is logged)
            _log.error("approval failed", approval=approval_id, kind=type(error).__name__, exc_info=error)
            await self._settle(approval_id, State.FAILED, code=INTERNAL)

    async def _attempt(self, approval_id: int) -> None:
        with self._p.writer.read() as reader:
            approval = table.by_id(reader, approval_id)
        if approval.state not in (State.CONSENTED, State.EXECUTING):
            return
        is_first = approval.state is State.CONSENTED
        if is_first:
            now = self._p.law_s()
            await self._p.writer.write(lambda tx: table.move(tx, approval_id, State.EXECUTING, now))
        kind, consented = self._load(approval)
        result = None if is_first else await self._found(kind, consented)
        if result is None:
            result = await self._performed(kind, consented)
        await self._settle(approval_id, State.DONE, result=result)

    async def _found(self, kind: Kind, consented: Consented) -> Result | None:
        await self._p.settled()
        return await kind.find_done(consented)

    async def _performed(self, kind: Kind, consented: Consented) -> Result:
        """Run the action; when the chain rejects it because an earlier attempt arrived after all, that one counts."""
        try:
            return await kind.perform(consented)
        except XinlianError as error:
            rejected = error.code == "tx-reverted" or isinstance(error.__cause__, ChainError)
            done = await self._found(kind, consented) if rejected else None
            if done is None:
                raise
            return done

    async def _settle(self, approval_id: int, state: State, *, code: str | None = None, result: Result | None = None) -> None:
        now = self._p.law_s()

        def job(tx: Transaction) -> None:
            table.move(tx, approval_id, state, now)
            if code is not None:
                table.set_code(tx, approval_id, code)
            if result is not None:
                table.set_result(tx, approval_id, orjson.dumps(dict(result)).decode())
            self._moved(tx, table.by_id(tx, approval_id))

        await self._p.writer.write(job)
        self._tries.pop(approval_id, None)

    async def _postpone(self, approval_id: int, code: str) -> None:
        tries = self._tries.get(approval_id, (0, 0.0))[0] + 1
        self._tries[approval_id] = tries, self._p.monotonic() + min(0.5 * 2**tries, MAX_DELAY_S)
        if tries == 1:
            _log.info("approval waits", approval=approval_id, code=code)
        try:
            await self._p.writer.write(lambda tx: table.set_code(tx, approval_id, code))
        except StoreError as error:
            _log.warning("approval waits", approval=approval_id, code=error.code)


def _is_trouble(error: XinlianError) -> bool:
    """Whether the same action may succeed later without a change of what was proposed."""
    if error.retryable or isinstance(error, StoreError):
        return True
    return isinstance(error, ChainError) and error.code not in _FOR_GOOD


def result_of(approval: Approval) -> dict[str, Any] | None:
    """What the action gave back."""
    if approval.result is None:
        return None
    found: dict[str, Any] = orjson.loads(approval.result)
    return found
