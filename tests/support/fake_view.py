"""A chain in memory for the verifier: every fact is a plain field that a test may bend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from xinlian.protocol.errors import ChainError
from xinlian.protocol.verification import Anchoring, BlockRef, KeySetFrom

Slot = tuple[str, int, int]
FOREVER = 2**62
BLOCK_TIME_S = 1_772_000_000
"""Time of block 0; each block is one second later."""


def block_hash(number: int) -> str:
    return "0x" + sha256(b"block %d" % number).hexdigest()


def tx_hash(slot: Slot) -> str:
    return "0x" + sha256(repr(slot).encode()).hexdigest()


@dataclass
class FakeView:
    """Implements ``ChainView``; ``down`` names methods that fail, ``error`` the code they fail with."""

    chain: int
    genesis: str
    head_number: int = 100
    codes: dict[str, str] = field(default_factory=dict)
    batches: dict[Slot, tuple[int, bytes, int, int]] = field(default_factory=dict)
    marks: dict[tuple[str, int, int], list[tuple[int, int]]] = field(default_factory=dict)
    active: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    compromised: dict[str, int] = field(default_factory=dict)
    published: dict[tuple[str, int, int], list[tuple[int, int]]] = field(default_factory=dict)
    keys: dict[str, list[KeySetFrom]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    error: str = "rpc-down"

    def anchor(self, slot: Slot, block: int, root: bytes, size: int) -> None:
        self.batches[slot] = (block, root, size, 1)

    def mark(self, department: str, sequence: int, index: int, block: int, status: int) -> None:
        self.marks.setdefault((department, sequence, index), []).append((block, status))

    def _up(self, name: str) -> None:
        if name in self.down:
            raise ChainError(self.error, "as the test wants it")

    def block(self, number: int) -> BlockRef:
        return BlockRef(number, block_hash(number), BLOCK_TIME_S + number)

    def head(self) -> BlockRef:
        self._up("head")
        return self.block(self.head_number)

    def block_at(self, time: int) -> BlockRef:
        self._up("block_at")
        return self.block(max(0, min(self.head_number, time - BLOCK_TIME_S)))

    def chain_id(self) -> int:
        self._up("chain_id")
        return self.chain

    def genesis_hash(self) -> str:
        self._up("genesis_hash")
        return self.genesis

    def code_hash(self, address: str) -> str:
        self._up("code_hash")
        return self.codes.get(address, "0x" + "00" * 32)

    def anchoring(self, department: str, stream: int, sequence: int) -> Anchoring | None:
        self._up("anchoring")
        slot = (department, int(stream), sequence)
        if slot not in self.batches:
            return None
        block = self.batches[slot][0]
        return Anchoring(block, BLOCK_TIME_S + block, tx_hash(slot))

    def is_anchored(self, department: str, stream: int, sequence: int, root: bytes, size: int, suite: int) -> bool:
        self._up("is_anchored")
        held = self.batches.get((department, int(stream), sequence))
        return held is not None and held[1:] == (root, size, suite)

    def is_active_at(self, department: str, block: int) -> bool:
        self._up("is_active_at")
        return _inside(self.active.get(department, []), block)

    def is_compromised_at(self, department: str, block: int) -> bool:
        self._up("is_compromised_at")
        return self.compromised.get(department, FOREVER) <= block

    def is_published_at(self, owner: str, serial: int, version: int, block: int) -> bool:
        self._up("is_published_at")
        return _inside(self.published.get((owner, serial, version), []), block)

    def status_at(self, department: str, sequence: int, index: int, block: int) -> int:
        self._up("status_at")
        if index >= self.batches[department, 1, sequence][2]:
            raise ChainError("rpc-refused", "index outside the batch")
        return max((status for since, status in self.marks.get((department, sequence, index), []) if since <= block), default=0)

    def key_sets(self, department: str) -> list[KeySetFrom]:
        self._up("key_sets")
        return self.keys.get(department, [])


def _inside(spans: list[tuple[int, int]], block: int) -> bool:
    return any(first <= block < end for first, end in spans)


Bend = Callable[[FakeView], None]
