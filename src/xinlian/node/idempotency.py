"""Idempotent creating calls: the same key and body do the same thing once.

Rules
1. A call that is one store transaction (records) keeps its answer in that transaction: ``find``, ``refuse_done``, ``keep``.
2. Every other call is carried out in three commits: the intent; the effect, whose own transaction notes in the journal what it
   did; the answer. A chain transaction is noted with its signed bytes, before it is broadcast (``Transactions``).
3. A repeat of a call that has no answer yet carries the call out again: a step that was noted is looked up instead of done.
   What was not noted was not done. So a stop at any point neither loses nor doubles.
4. A call that fails with nothing noted frees its key.
5. Same key and body: the first answer again. Same key, other body: ``idempotency-mismatch``. Twice at the same time:
   ``idempotency-race``.
6. Of the body only a keyed digest is kept. An answer that holds a secret, or values with a disposal date of their own, is not
   kept: it is made from the notes each time (``answer_from_notes``), by whoever noted them.
7. A step finds the journal of its call by ``current_journal()``; outside of a call with a key that one remembers nothing. Notes
   are made in writer jobs, so a step takes the journal before it hands in its job.

Example, in a use case::

    journal = current_journal()
    earlier = journal.noted("user")
    if earlier is None: ...  # write(job), and in the job: journal.note(tx, "user", user.id)
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import orjson

from xinlian.protocol.errors import ConflictError, InputError
from xinlian.store import idempotency as table
from xinlian.store.sealing import Sealer, keyed_tag
from xinlian.store.writer import Reader, Transaction, Writer

MAX_KEY = 200


@dataclass(slots=True)
class Call:
    """One call with an idempotency key; the body is fed in as it arrives."""

    user_id: int
    route: str
    key: str
    created_at: int
    tag_key: bytes = field(repr=False)
    sealer: Sealer = field(repr=False)
    writer: Writer = field(repr=False)
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)

    def update(self, block: bytes) -> None:
        """Take in a part of the body."""
        self._digest.update(block)

    def slot(self) -> table.Slot:
        """Which request it is, once the whole body was taken in."""
        tag = keyed_tag(self.tag_key, "idempotency", self._digest.digest())
        return table.Slot(self.user_id, self.route, self.key, tag)

    def find(self) -> tuple[int, dict[str, Any]] | None:
        """The first answer (HTTP status, body), None when the call is new.

        Raises:
            ConflictError: ``idempotency-mismatch``, ``idempotency-erased`` when an erasure emptied the answer.
        """
        with self.writer.read() as reader:
            return self._find(reader)

    def _find(self, reader: Reader) -> tuple[int, dict[str, Any]] | None:
        kept = table.find(reader, self.sealer, self.slot())
        if kept is None or kept.status == table.OPEN:
            return None
        return kept.status, orjson.loads(_answer_of(kept, self.key))

    def refuse_done(self, tx: Transaction) -> None:
        """First thing in the creating transaction: whether the same call committed meanwhile.

        Raises:
            ConflictError: ``idempotency-race``; ``find`` gives its answer. ``idempotency-mismatch``, ``idempotency-erased``.
        """
        if self._find(tx) is not None:
            raise self.race()

    def race(self) -> ConflictError:
        """The refusal of a call whose twin was faster; ``find`` gives the twin's answer once it is committed."""
        return ConflictError("idempotency-race", "the same call was carried out at the same time; repeat it", key=self.key)

    def is_same_call(self, other: Call) -> bool:
        """Whether two calls have the same key, route and user, whatever their bodies."""
        return (self.user_id, self.route, self.key) == (other.user_id, other.route, other.key)

    def keep(self, tx: Transaction, status: int, answer: dict[str, object], positions: tuple[int, int] | None) -> None:
        """Keep the first answer, inside the creating transaction, after ``refuse_done``."""
        kept = table.Kept(status, orjson.dumps(answer), self.created_at, positions)
        table.keep(tx, self.sealer, self.slot(), kept)


def _answer_of(kept: table.Kept, key: str) -> bytes:
    if kept.response is None:
        raise ConflictError("idempotency-erased", "what this call created was erased since", key=key)
    return kept.response


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was kept: HTTP status, JSON bytes."""

    status: int
    body: bytes = field(repr=False)


class Journal:
    """What a call has done so far.

    Args:
        call: None for a call without a key, of which nothing is remembered.
        notes: what an earlier, broken-off attempt noted.
        answer: the first answer, when there is one: then nothing is left to do.
    """

    def __init__(self, call: Call | None, notes: dict[str, Any] | None = None, answer: Answer | None = None) -> None:
        self._call = call
        self._notes = dict(notes or {})
        self._taken: Counter[str] = Counter()
        self._is_kept = True
        self.answer = answer
        self.is_repeat = bool(self._notes) or answer is not None

    def noted(self, step: str) -> Any:
        """What the step noted when it was done, None when it was not."""
        return self._notes.get(step)

    def note(self, tx: Transaction, step: str, value: object) -> None:
        """Note a step in the transaction that does it; noting it again replaces what was noted.

        Args:
            tx: of node.db.
            step: its name within the call.
            value: what a repeat needs to know (JSON types, not None).

        Raises:
            ConflictError: ``idempotency-race`` when the call is not open any more.
        """
        if self._call is None:
            return
        self._notes[step] = value
        table.note(tx, self._call.sealer, self._call.slot(), orjson.dumps(self._notes))

    async def note_now(self, step: str, value: object) -> None:
        """Note something in a transaction of its own, before a step that leaves node.db alone (key files)."""
        if self._call is not None:
            await self._call.writer.write(lambda tx: self.note(tx, step, value))

    def next_step(self, kind: str) -> str:
        """The name of the next step of a kind that may come more than once in a call, in the order of the call."""
        number = self._taken[kind] + 1
        return kind if number == 1 else f"{kind} {number}"

    def take(self, kind: str) -> None:
        """Pass on to the step after it."""
        if self._call is not None:
            self._taken[kind] += 1

    def answer_from_notes(self) -> None:
        """Do not keep the answer of this call: each repeat makes it anew from the notes."""
        if self._call is not None:
            self._is_kept = False

    async def finish(self, status: int, body: bytes) -> None:
        """Keep the answer."""
        call = self._call
        if call is not None and self._is_kept:
            await call.writer.write(lambda tx: table.finish(tx, call.sealer, call.slot(), status, body))

    async def give_up(self) -> None:
        """The call failed: its key is free again when nothing was noted."""
        call = self._call
        if call is not None:
            await call.writer.write(lambda tx: table.release(tx, call.slot()))


_WITHOUT_KEY = Journal(None)
_CURRENT: ContextVar[Journal] = ContextVar("journal of the idempotent call", default=_WITHOUT_KEY)


def current_journal() -> Journal:
    """The journal of the call that is being carried out; one that remembers nothing outside of a call with a key."""
    return _CURRENT.get()


class Idempotency:
    """Makes ``Call`` objects and carries calls out.

    Args:
        writer: node.db.
        sealer: encrypts kept answers and notes.
        tag_key: 32 bytes, keys the body digests.
        now: wall clock, epoch seconds.
    """

    def __init__(self, writer: Writer, sealer: Sealer, tag_key: bytes, now: Callable[[], float]) -> None:
        self._writer = writer
        self._sealer = sealer
        self._tag_key = tag_key
        self._now = now
        self._running: set[tuple[int, str, str]] = set()

    def call(self, user_id: int, route: str, key: str | None) -> Call | None:
        """A call, or None without a key.

        Raises:
            InputError: ``idempotency-key-form``.
        """
        if key is None:
            return None
        if not (1 <= len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
            raise InputError("idempotency-key-form", f"an Idempotency-Key has 1 to {MAX_KEY} printable ASCII characters")
        return Call(user_id, route, key, int(self._now()), self._tag_key, self._sealer, self._writer)

    @asynccontextmanager
    async def carrying_out(self, call: Call) -> AsyncIterator[Journal]:
        """Carry a call out in the body of ``async with``, by rules 2 to 5.

        The body looks at ``journal.answer`` first and does nothing when it is there; else it does the work and calls
        ``journal.finish``. One node process owns node.db, so this object knows every call that runs.

        Raises:
            ConflictError: ``idempotency-mismatch``, ``idempotency-erased``, ``idempotency-race``.
        """
        running = call.user_id, call.route, call.key
        if running in self._running:
            raise ConflictError("idempotency-race", "the same call is being carried out; repeat it in a moment", key=call.key)
        self._running.add(running)
        try:
            journal = await self._writer.write(lambda tx: _begun(tx, call))
            token = _CURRENT.set(journal)
            try:
                yield journal
            except Exception:
                await journal.give_up()
                raise
            finally:
                _CURRENT.reset(token)
        finally:
            self._running.discard(running)


def _begun(tx: Transaction, call: Call) -> Journal:
    """The journal of a call, its intent stored when it is new."""
    slot = call.slot()
    kept = table.find(tx, call.sealer, slot)
    if kept is None:
        table.begin(tx, slot, call.created_at)
        return Journal(call)
    if kept.status != table.OPEN:
        return Journal(call, answer=Answer(kept.status, _answer_of(kept, call.key)))
    return Journal(call, None if kept.response is None else orjson.loads(kept.response))
