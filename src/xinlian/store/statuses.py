"""Where a record of this node stands: its batch, and its status as the chain has it."""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.store import anchoring, chain_cache, streams
from xinlian.store.anchoring import Batch
from xinlian.store.writer import Reader


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one entry of a stream stands.

    Args:
        batch: None while it is not sealed.
        index: leaf index in the batch, None while it is not sealed.
        status: 0 current, 1 superseded, 2 revoked, 3 erased; as marked on chain, always 0 outside stream records.
    """

    batch: Batch | None
    index: int | None
    status: int


def standing(reader: Reader, department: str, stream: int, position: int) -> Standing:
    """Look up batch and on-chain status of an entry.

    Args:
        reader: of node.db.
        department: this node's USCC.
        stream: 1 records, 2 reads, 3 answers.
        position: in the stream.

    Returns:
        Its standing; unsealed entries have no batch and status 0.
    """
    batch = anchoring.batch_of(reader, stream, position)
    if batch is None:
        return Standing(None, None, 0)
    index = position - batch.first_position
    status = chain_cache.status(reader, department, batch.sequence, index) if stream == streams.RECORDS else 0
    return Standing(batch, index, status)
