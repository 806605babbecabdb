"""This node's own view of the chain, as the verifier asks for it: follower's tables and projection, no RPC.

Rules
1. Same questions, same answers as the view over RPC (``chain.view``): one conformance suite runs on both.
2. Chain id, genesis hash and code hashes are what start-up read from the chain and compared with the manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.protocol.chainview import Anchoring, BlockRef, KeySetFrom
from xinlian.store import chain_cache
from xinlian.store.chain_cache import ChainBatch, ChainMark
from xinlian.store.writer import Reader, Writer


@dataclass(frozen=True, slots=True)
class CheckedChain:
    """What start-up read from the chain: id, genesis hash, code hash by lower-case address."""

    chain_id: int
    genesis_hash: str
    code_hashes: Mapping[str, str]


class LocalView:
    """Implements ``protocol.verification.ChainView``.

    Args:
        chain: what start-up read.
        state: projection of the events.
        writer: node.db with batches and marks.
        clock: knows the head.
    """

    def __init__(self, chain: CheckedChain, state: ChainState, writer: Writer, clock: Clock) -> None:
        self._chain = chain
        self._state = state
        self._writer = writer
        self._clock = clock

    @contextmanager
    def snapshot(self) -> Iterator[LocalView]:
        """The same view for many questions in a row: on one reader, and what was asked before is answered from memory."""
        with self._writer.read() as reader:
            yield self.on(reader)

    def on(self, reader: Reader) -> LocalView:
        """``snapshot`` on a reader that the caller has open."""
        return _Snapshot(self._chain, self._state, self._writer, self._clock, reader)

    def _batch(self, department: str, stream: int, sequence: int) -> ChainBatch | None:
        with self._writer.read() as reader:
            return chain_cache.batch(reader, department, stream, sequence)

    def _marks(self, department: str, sequence: int, word: int) -> list[ChainMark]:
        with self._writer.read() as reader:
            return chain_cache.marks(reader, department, sequence, word)

    def head(self) -> BlockRef:
        """The newest block held."""
        return self._clock.head()

    def block_at(self, time: int) -> BlockRef:
        """The last block at or before a time (epoch seconds), of those this node remembers; genesis if none."""
        with self._writer.read() as reader:
            found = chain_cache.block_at_or_before(reader, time)
        if found is None:
            return BlockRef(0, self._chain.genesis_hash, 0)
        return BlockRef(found.number, found.hash, found.time)

    def chain_id(self) -> int:
        """As start-up read it."""
        return self._chain.chain_id

    def genesis_hash(self) -> str:
        """As start-up read it."""
        return self._chain.genesis_hash

    def code_hash(self, address: str) -> str:
        """Keccak-256 of the code at an address, as start-up read it; empty for any other address."""
        return self._chain.code_hashes.get(address.lower(), "")

    def anchoring(self, department: str, stream: int, sequence: int) -> Anchoring | None:
        """Where a batch was anchored."""
        found = self._batch(department, stream, sequence)
        return None if found is None else Anchoring(found.block_number, found.block_time, found.tx_hash)

    def is_anchored(
        self, department: str, stream: int, sequence: int, root: bytes, size: int, suite: int
    ) -> bool:  # the contract's own question
        """Whether the slot holds exactly this batch."""
        found = self._batch(department, stream, sequence)
        return found is not None and (found.root, found.size, found.suite) == (root, size, suite)

    def is_active_at(self, department: str, block: int) -> bool:
        """Whether a department was registered and not suspended at the end of a block."""
        found = self._state.department(department)
        return found is not None and found.is_active_at(block)

    def is_compromised_at(self, department: str, block: int) -> bool:
        """Whether batches anchored in this block are suspect."""
        found = self._state.department(department)
        return found is not None and found.is_compromised_at(block)

    def is_published_at(self, owner: str, serial: int, version: int, block: int) -> bool:
        """Whether a catalogue entry version was published at the end of a block."""
        found = self._state.dataset(owner, serial, version)
        return found is not None and found.is_published_at(block)

    def status_at(self, department: str, sequence: int, index: int, block: int) -> int:
        """Status of a leaf of stream records at the end of a block."""
        marks = self._marks(department, sequence, index // chain_cache.LEAVES_PER_WORD)
        return chain_cache.status_in(marks, index, block)

    def key_sets(self, department: str) -> list[KeySetFrom]:
        """Key sets in the order of publication."""
        found = self._state.department(department)
        return [] if found is None else [KeySetFrom(k.block_number, k.jwks.encode()) for k in found.key_sets]


class _Snapshot(LocalView):
    """A view that reads batches and marks on one reader, each once."""

    def __init__(self, chain: CheckedChain, state: ChainState, writer: Writer, clock: Clock, reader: Reader) -> None:
        super().__init__(chain, state, writer, clock)
        self._reader = reader
        self._known_batches: dict[tuple[str, int, int], ChainBatch | None] = {}
        self._known_marks: dict[tuple[str, int, int], list[ChainMark]] = {}

    def _batch(self, department: str, stream: int, sequence: int) -> ChainBatch | None:
        key = department, stream, sequence
        if key not in self._known_batches:
            self._known_batches[key] = chain_cache.batch(self._reader, *key)
        return self._known_batches[key]

    def _marks(self, department: str, sequence: int, word: int) -> list[ChainMark]:
        key = department, sequence, word
        if key not in self._known_marks:
            self._known_marks[key] = chain_cache.marks(self._reader, *key)
        return self._known_marks[key]
