"""Events of the chain as rows of the cache, and back: one form for the follower, the projection and the proof that all are there.

Example: ``event_of(row)`` is the event that ``row_of`` made the row from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xinlian.chain.events import Event
from xinlian.store import chain_cache
from xinlian.store.writer import Reader

_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class StoredFact:
    """A stored event as the projection reads it."""

    name: str
    args: dict[str, Any]
    block_number: int
    block_time: int

    @classmethod
    def of(cls, row: chain_cache.ChainEvent) -> StoredFact:
        """The fact of a row."""
        return cls(row.name, json.loads(row.args), row.block_number, row.block_time)


def stored_facts(reader: Reader) -> list[StoredFact]:
    """Every stored event, in the chain's order."""
    facts: list[StoredFact] = []
    after = (-1, -1)
    while page := chain_cache.all_events(reader, after, _PAGE):
        facts.extend([StoredFact.of(row) for row in page])
        after = (page[-1].block_number, page[-1].log_index)
    return facts


def row_of(event: Event) -> chain_cache.ChainEvent:
    """The row of an event."""
    keys: Sequence[str | None] = [*event.keys, None, None, None][:3]
    return chain_cache.ChainEvent(
        event.block_number,
        event.log_index,
        event.tx_hash,
        event.block_hash,
        event.block_time,
        event.contract,
        event.name,
        event.args_json,
        *keys,
    )


def event_of(row: chain_cache.ChainEvent) -> Event:
    """The event of a row."""
    return Event(
        contract=row.contract,
        name=row.name,
        args=json.loads(row.args),
        block_number=row.block_number,
        block_hash=row.block_hash,
        block_time=row.block_time,
        tx_hash=row.tx_hash,
        log_index=row.log_index,
    )


def batch_of(event: Event) -> chain_cache.ChainBatch:
    """The batch that a ``BatchAnchored`` tells of."""
    args = event.args
    return chain_cache.ChainBatch(
        args["department"],
        args["stream"],
        args["sequence"],
        bytes.fromhex(args["root"].removeprefix("0x")),
        args["size"],
        args["suite"],
        event.block_number,
        event.block_time,
        event.tx_hash,
    )


def mark_of(event: Event) -> chain_cache.ChainMark:
    """The marks that a ``StatusSet`` tells of."""
    args = event.args
    return chain_cache.ChainMark(
        args["department"],
        args["sequence"],
        args["word"],
        args["mask"],
        args["status"],
        args["reason"],
        event.block_number,
        event.log_index,
    )
