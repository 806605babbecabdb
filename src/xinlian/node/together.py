"""Single rows of many callers, committed together: what arrives while a commit runs makes up the next one.

Rules
1. Keys first: a row goes on to the second commit only when the first has made its key durable. While the records of one group
   commit, the keys of the next one do: a kill at any point leaves keys without records, never the other way round.
2. Every row is judged by itself: one whose natural key exists, or whose call was carried out already, is refused alone.
3. A refused row's key is destroyed before its caller hears of it; after a failing disk the sweep at the next start does it.

Example: ``accepted = await rows.add(NewRow(record, key, tokens, number, None))``
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from xinlian.node.accepted import Accepted, accepted_rows, key_exists
from xinlian.node.idempotency import Call
from xinlian.node.sealing import KEY_FIELD
from xinlian.protocol.errors import ConflictError, StoreError
from xinlian.store import records as table
from xinlian.store.opening import Store
from xinlian.store.record_keys import destroy_many, put_many
from xinlian.store.records import Token
from xinlian.store.writer import Transaction

T = TypeVar("T")

MAX_TOGETHER = 256
_Outcome = Accepted | ConflictError


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One sealed row on its way.

    Args:
        record: for ``store.records.insert_many``.
        key: wrapped record key, for ``store.record_keys.put_many``.
        tokens: blind-index tokens, the natural key's first.
        number: row number as the clerk counts.
        call: the idempotent call it belongs to.
    """

    record: table.NewRow
    key: tuple[bytes, int, int, bytes] = field(repr=False)
    tokens: Sequence[Token]
    number: int
    call: Call | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    row: SealedRow
    done: asyncio.Future[Accepted]


class Rows:
    """Commits sealed rows.

    Args:
        store: the databases.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = _Stage(self._store_keys)
        self._records = _Stage(self._store_records)

    async def add(self, row: SealedRow) -> Accepted:
        """Commit a row; a caller that gives up does not take it back.

        Raises:
            ConflictError: ``record-exists``, and those of ``Call.refuse_done``.
            StoreError: when a database fails.
        """
        done: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._keys.put(_Waiting(row, done))
        return await done

    async def _store_keys(self, group: list[_Waiting]) -> None:
        try:
            await self._store.keys.write(lambda tx: put_many(tx, [one.row.key for one in group]))
        except Exception as error:  # noqa: BLE001 - the callers get it
            _fail(group, error)
            return
        for one in group:
            self._records.put(one)

    async def _store_records(self, group: list[_Waiting]) -> None:
        try:
            outcomes = await self._store.node.write(lambda tx: _insert(tx, [one.row for one in group]))
        except Exception as error:  # noqa: BLE001 - the callers get it
            _fail(group, error)
            return
        refused: list[tuple[_Waiting, ConflictError]] = []
        for one, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, ConflictError):
                refused.append((one, outcome))
            else:
                _resolve(one.done, outcome)
        if refused:
            await self._refuse(refused)

    async def _refuse(self, refused: Sequence[tuple[_Waiting, ConflictError]]) -> None:
        """Destroy the keys of rows that were refused inside the job, then tell their callers."""
        try:
            await self._store.keys.write(lambda tx: destroy_many(tx, [one.row.key for one, _ in refused]))
        except Exception as error:  # noqa: BLE001 - the callers get it
            _fail([one for one, _ in refused], error)
            return
        for one, outcome in refused:
            _resolve(one.done, outcome)


class _Stage(Generic[T]):
    """Calls ``work`` with everything that was put while it ran before; one call at a time."""

    def __init__(self, work: Callable[[list[T]], Awaitable[None]]) -> None:
        self._work = work
        self._waiting: list[T] = []
        self._running: asyncio.Task[None] | None = None

    def put(self, item: T) -> None:
        self._waiting.append(item)
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MAX_TOGETHER], self._waiting[MAX_TOGETHER:]
                await self._work(group)
        finally:
            self._running = None


def _insert(tx: Transaction, rows: Sequence[SealedRow]) -> list[_Outcome]:
    """Insert the rows that nothing speaks against; what becomes of each, in order."""
    outcomes: list[_Outcome | None] = [_refusal_of_call(tx, rows, i) for i in range(len(rows))]
    existing = set(table.existing_keys(tx, KEY_FIELD, [row.tokens[0] for row in rows]))
    taken: set[bytes] = set()
    fresh: list[int] = []
    for i, row in enumerate(rows):
        if outcomes[i] is not None:
            continue
        if i in existing or row.tokens[0][2] in taken:
            outcomes[i] = key_exists([row.number])
            continue
        taken.add(row.tokens[0][2])
        fresh.append(i)
    if fresh:
        first = table.insert_many(tx, [rows[i].record for i in fresh], [rows[i].tokens for i in fresh])
        for position, i in enumerate(fresh, first):
            outcomes[i] = accepted_rows([rows[i].record], position, rows[i].call, tx)
    return [outcome for outcome in outcomes if outcome is not None]


def _refusal_of_call(tx: Transaction, rows: Sequence[SealedRow], index: int) -> ConflictError | None:
    """Whether a row's call was carried out already, or stands in this very group before it."""
    call = rows[index].call
    if call is None:
        return None
    try:
        call.refuse_done(tx)
    except ConflictError as error:
        return error
    if any(other.call is not None and other.call.is_same_call(call) for other in rows[:index]):
        return call.race()
    return None


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for one in group:
        again = StoreError(error.code, error.message, **error.fields) if isinstance(error, StoreError) else error
        _resolve(one.done, again)


def _resolve(done: asyncio.Future[Accepted], outcome: Accepted | Exception) -> None:
    if done.done():  # a caller that gave up
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
