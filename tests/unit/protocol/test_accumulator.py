"""Event accumulators: vectors, eth-abi as oracle, every part of an event counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import naive
from xinlian.protocol.accumulator import EMPTY, FoldedEvent, event_body, fold, fold_all, topic_of

VECTORS: list[dict[str, Any]] = json.loads((naive.VECTORS.parent / "accumulator.json").read_text())["vectors"]
TOPIC = topic_of("BatchAnchored(bytes18,uint8,uint64,bytes32,uint32,uint8,bytes32)")


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def event(vector: dict[str, Any]) -> FoldedEvent:
    return FoldedEvent(raw(vector["topic0"]), raw(vector["body"]), vector["timestamp"], vector["number"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["number"]))
def test_vectors(vector: dict[str, Any]) -> None:
    result = fold(raw(vector["acc"]), raw(vector["topic0"]), raw(vector["body"]), vector["timestamp"], vector["number"])
    assert "0x" + result.hex() == vector["result"]


def test_the_vectors_are_a_chain_from_the_naive_implementation() -> None:
    assert naive.accumulator_vectors() == VECTORS
    assert "0x" + fold_all(EMPTY, map(event, VECTORS)).hex() == VECTORS[-1]["result"]


def test_the_body_holds_all_arguments() -> None:
    types = ["bytes18", "uint8", "uint64", "bytes32", "uint32", "uint8", "bytes32"]
    values = [naive.USCC.encode(), 1, 1, naive.sha(b"\x01"), 1, 1, bytes(32)]
    assert event_body(types, values) == raw(VECTORS[0]["body"])
    assert raw(VECTORS[0]["topic0"]) == TOPIC


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 63, 64, 1000])
def test_any_length_of_body(length: int) -> None:
    body = bytes(range(256)) * 4
    assert fold(EMPTY, TOPIC, body[:length], 1, 2) == naive.fold(EMPTY, TOPIC, body[:length], 1, 2)


def test_every_part_counts() -> None:
    folded = {
        fold(EMPTY, TOPIC, b"a", 1, 2),
        fold(TOPIC, TOPIC, b"a", 1, 2),
        fold(EMPTY, EMPTY, b"a", 1, 2),
        fold(EMPTY, TOPIC, b"b", 1, 2),
        fold(EMPTY, TOPIC, b"a\x00", 1, 2),
        fold(EMPTY, TOPIC, b"a", 2, 2),
        fold(EMPTY, TOPIC, b"a", 1, 1),
        fold(EMPTY, TOPIC, b"a", 2, 1),
    }
    assert len(folded) == 8


def test_order_and_completeness_count() -> None:
    events = [event(vector) for vector in VECTORS]
    whole = fold_all(EMPTY, events)
    assert fold_all(EMPTY, events[::-1]) != whole
    assert all(fold_all(EMPTY, events[:n] + events[n + 1 :]) != whole for n in range(len(events)))
    assert fold_all(EMPTY, []) == bytes(32)


@pytest.mark.parametrize(("acc", "topic"), [(bytes(31), TOPIC), (EMPTY, bytes(33))])
def test_lengths_are_fixed(acc: bytes, topic: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        fold(acc, topic, b"", 1, 2)
