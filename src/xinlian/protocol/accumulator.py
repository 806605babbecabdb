"""Event accumulators: one word that proves a list of events complete, in order and unaltered, times included.

``acc' = keccak256(abi.encode(bytes32 acc, bytes32 topic0, bytes body, uint256 timestamp, uint256 number))`` where ``body`` is
``abi.encode`` of all event arguments in the order of their declaration, indexed ones included. The first ``acc`` is zero.

Example: ``fold_all(EMPTY, events)`` equals the contract's ``accumulatorOf`` when ``events`` is the whole list.

Source: design.md 4.2; contracts/src/libraries. Vectors: tests/vectors/accumulator.json (read by forge, too).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode

from xinlian.protocol.keccak import keccak256
from xinlian.protocol.types import Hash32

EMPTY: Final = Hash32(bytes(32))

_BODY_OFFSET: Final = (5 * 32).to_bytes(32)


@dataclass(frozen=True, slots=True)
class FoldedEvent:
    """One event as it is folded.

    Args:
        topic0: keccak256 of the event's signature, 32 bytes.
        body: ABI encoding of all arguments (``event_body``).
        timestamp: time of its block, epoch seconds.
        number: number of its block.
    """

    topic0: bytes
    body: bytes
    timestamp: int
    number: int


def topic_of(signature: str) -> Hash32:
    """Return topic 0 of an event signature such as ``BatchAnchored(bytes18,uint8,…)``."""
    return keccak256(signature.encode("ascii"))


def event_body(types: Sequence[str], values: Sequence[object]) -> bytes:
    """Return ``abi.encode`` of an event's arguments; ``types`` are ABI types in declaration order."""
    return encode(list(types), list(values))


def fold(acc: bytes, topic0: bytes, body: bytes, timestamp: int, number: int) -> Hash32:
    """Fold one event into an accumulator.

    Args:
        acc: accumulator before, 32 bytes.
        topic0: keccak256 of the event's signature, 32 bytes.
        body: ABI encoding of all its arguments, any length.
        timestamp: ``block.timestamp``, epoch seconds.
        number: ``block.number``.

    Raises:
        ValueError: ``acc`` or ``topic0`` is not 32 bytes (a defect of the caller).
    """
    if len(acc) != 32 or len(topic0) != 32:
        raise ValueError("fold takes an accumulator and a topic of 32 bytes")
    words = (acc, topic0, _BODY_OFFSET, timestamp.to_bytes(32), number.to_bytes(32), len(body).to_bytes(32), body)
    return keccak256(b"".join(words) + bytes(-len(body) % 32))


def fold_all(acc: bytes, events: Iterable[FoldedEvent]) -> Hash32:
    """Fold events in order and return the accumulator after the last one."""
    result = Hash32(acc)
    for event in events:
        result = fold(result, event.topic0, event.body, event.timestamp, event.number)
    return result
