"""What the operator sees of the outbox: parked items, batches, transactions.

Rules
1. Looking changes nothing; releasing a parked item is ``Parking.replay``.
2. Batches and transactions come newest first, parked items oldest first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xinlian.node.paging import Page, Window, first_of
from xinlian.protocol.types import Stream
from xinlian.store import anchoring as table
from xinlian.store import parked
from xinlian.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Outbox:
    """The use case; ``writer`` is node.db."""

    writer: Writer

    def parked(self, window: Window) -> Page[parked.Parked]:
        """Items that were retried in vain and wait for a person."""
        after = 0 if window.after is None else int(window.after[0])
        with self.writer.read() as reader:
            found = parked.page(reader, after, window.limit + 1)
        return first_of(found, window, lambda item: (item.id,))

    def batches(self, window: Window) -> Page[table.Batch]:
        """Batches by the time they were sealed."""
        with self.writer.read() as reader:
            found = table.batches_before(reader, window.after, window.limit + 1)
        return first_of(found, window, lambda b: (b.sealed_at, b.stream, b.sequence))

    def transactions(self, window: Window) -> Page[table.StoredTransaction]:
        """Transactions of this node's keys."""
        before = None if window.after is None else int(window.after[0])
        with self.writer.read() as reader:
            found = table.txs_before(reader, before, window.limit + 1)
        return first_of(found, window, lambda tx: (tx.id,))


def shown_parked(item: parked.Parked) -> dict[str, Any]:
    """A parked item as the API shows it."""
    return {
        "id": item.id,
        "kind": item.kind,
        "ref": item.ref,
        "reason": item.reason,
        "since": item.since,
        "attempts": item.attempts,
    }


def shown_batch(batch: table.Batch) -> dict[str, Any]:
    """A batch as the API shows it."""
    return {
        "stream": Stream(batch.stream).name.lower(),
        "sequence": batch.sequence,
        "size": batch.size,
        "root": batch.root.hex(),
        "state": batch.state,
        "block_number": batch.block_number,
        "sealed_at": batch.sealed_at,
    }


def shown_transaction(tx: table.StoredTransaction) -> dict[str, Any]:
    """A transaction as the API shows it."""
    return {"id": tx.id, "signer": tx.signer, "nonce": tx.nonce, "hash": tx.hash, "purpose": tx.purpose, "state": tx.state}
