"""What a verifier asks the chain: the port ``ChainView`` and the small values that it answers with.

Rules
1. Every answer is about the contracts of one deployment manifest, never about addresses out of the evidence.
2. Blocks are found by the view itself (from logs or from its own tables), never from a hint.
3. A question that cannot be answered raises ``ChainError``; an answer is never guessed.

Implemented over RPC by ``chain`` and over a node's own tables by ``node``.

Example: ``view.status_at(department, 1, 0, view.head().number)`` is ``0`` for a current record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from xinlian.protocol.types import Hash32


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block: number, hash (``0x`` and 64 hex characters), time (epoch seconds)."""

    number: int
    hash: str
    time: int


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Where a batch was anchored: block number, its time (epoch seconds), transaction hash."""

    block_number: int
    block_time: int
    tx_hash: str


@dataclass(frozen=True, slots=True)
class KeySetFrom:
    """A key set's exact bytes and the block from which it is registered."""

    block_number: int
    jwks: bytes


class ChainView(Protocol):
    """The questions; ``department`` and ``owner`` are USCCs, ``stream`` is its number, ``block`` a block number.

    Raises:
        ChainError: from every method, when the question cannot be answered; ``rpc-disagree`` when several RPC nodes
            answer differently.
    """

    def head(self) -> BlockRef:
        """Return the newest block known."""
        ...

    def block_at(self, time: int) -> BlockRef:
        """Return the last block whose time is not later than ``time`` (epoch seconds)."""
        ...

    def chain_id(self) -> int:
        """Return the EIP-155 chain id."""
        ...

    def genesis_hash(self) -> str:
        """Return the hash of block 0, ``0x`` and 64 hex characters."""
        ...

    def code_hash(self, address: str) -> str:
        """Return keccak256 of the runtime code at ``address``, ``0x`` and 64 hex characters."""
        ...

    def anchoring(self, department: str, stream: int, sequence: int) -> Anchoring | None:
        """Return where batch ``sequence`` was anchored, or None when it is not."""
        ...

    def is_anchored(self, department: str, stream: int, sequence: int, root: Hash32, size: int, suite: int) -> bool:  # noqa: PLR0913, PLR0917 - the contract's own question
        """Tell whether the batch slot holds exactly this root, size and suite."""
        ...

    def is_active_at(self, department: str, block: int) -> bool:
        """Tell whether the department was registered and not suspended at ``block``."""
        ...

    def is_compromised_at(self, department: str, block: int) -> bool:
        """Tell whether the authority marks the department's keys as compromised since ``block`` or earlier."""
        ...

    def is_published_at(self, owner: str, serial: int, version: int, block: int) -> bool:
        """Tell whether the catalogue entry was published and not retired at ``block``."""
        ...

    def status_at(self, department: str, sequence: int, index: int, block: int) -> int:
        """Return the status (0 to 3) of a leaf of stream ``records`` as of ``block``."""
        ...

    def key_sets(self, department: str) -> Sequence[KeySetFrom]:
        """Return all key sets the department ever registered, oldest first."""
        ...
