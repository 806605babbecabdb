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


class Standings:
    """Batches and on-chain statuses of entries of one stream; what neighbours share is read once.

    Args:
        reader: of node.db; everything is as of its snapshot.
        department: this node's USCC.
        stream: 1 records, 2 reads, 3 answers.
    """

    def __init__(self, reader: Reader, department: str, stream: int) -> None:
        self.reader = reader
        self._department = department
        self._stream = stream
        self._batches: list[Batch] = []
        self._marks: dict[tuple[int, int], list[chain_cache.ChainMark]] = {}

    def of(self, position: int) -> Standing:
        """Where an entry stands; unsealed entries have no batch and status 0."""
        batch = self.batch_of(position)
        if batch is None:
            return Standing(None, None, 0)
        index = position - batch.first_position
        return Standing(batch, index, self._status(batch.sequence, index) if self._stream == streams.RECORDS else 0)

    def batch_of(self, position: int) -> Batch | None:
        """The batch that holds a position, None while it is not sealed."""
        for known in self._batches:
            if known.first_position <= position <= known.last_position:
                return known
        found = anchoring.batch_of(self.reader, self._stream, position)
        if found is not None:
            self._batches.append(found)
        return found

    def _status(self, sequence: int, index: int) -> int:
        key = sequence, index // chain_cache.LEAVES_PER_WORD
        if key not in self._marks:
            self._marks[key] = chain_cache.marks(self.reader, self._department, *key)
        return chain_cache.status_in(self._marks[key], index)


def standing(reader: Reader, department: str, stream: int, position: int) -> Standing:
    """``Standings.of`` for a single entry."""
    return Standings(reader, department, stream).of(position)


def first_positions(reader: Reader, department: str) -> dict[int, int]:
    """Where each batch of own records on chain begins, by sequence.

    A batch that this database does not know (restored from before the batch was sealed) begins where the one before ended, as
    long as it comes after the last one known: positions have no gaps. An unknown one before that is not this node's.
    """
    known = {
        row[0]: (row[1], row[2])
        for row in reader.fetch(
            "SELECT b.sequence, b.first_position, b.size FROM batches b JOIN chain_batches c ON c.department = ? "
            "AND c.stream = b.stream AND c.sequence = b.sequence AND c.root = b.root AND c.size = b.size WHERE b.stream = ?",
            (department, streams.RECORDS),
        )
    }
    found = {sequence: first for sequence, (first, _) in known.items()}
    last = max(known, default=0)
    following = known[last][0] + known[last][1] if known else 1
    unknown = "SELECT sequence, size FROM chain_batches WHERE department = ? AND stream = ? AND sequence > ? ORDER BY sequence"
    for sequence, size in reader.fetch(unknown, (department, streams.RECORDS, last)):
        found[sequence] = following
        following += size
    return found
