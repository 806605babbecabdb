"""Idempotent creating calls: the same key and body do the same thing once.

Rules
1. The answer is kept in the same transaction as what the call creates.
2. Same key and body: the first answer again. Same key, other body: ``idempotency-mismatch``.
3. Of the body only a keyed digest is kept.

Example: ``call = idempotency.call(person, "POST records", key); call.update(body); kept = call.find()``
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
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

    def _slot(self) -> table.Slot:
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
        kept = table.find(reader, self.sealer, self._slot())
        if kept is None:
            return None
        if kept.response is None:
            raise ConflictError("idempotency-erased", "what this call created was erased since", key=self.key)
        return kept.status, orjson.loads(kept.response)

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
        table.keep(tx, self.sealer, self._slot(), kept)


class Idempotency:
    """Makes ``Call`` objects.

    Args:
        writer: node.db.
        sealer: encrypts kept answers.
        tag_key: 32 bytes, keys the body digests.
        now: wall clock, epoch seconds.
    """

    def __init__(self, writer: Writer, sealer: Sealer, tag_key: bytes, now: Callable[[], float]) -> None:
        self._writer = writer
        self._sealer = sealer
        self._tag_key = tag_key
        self._now = now

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
