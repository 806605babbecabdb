"""Storage keys and slots against vectors made with eth-abi (forge reads the same file), and against eth-abi itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_abi.packed import encode_packed
from hypothesis import given
from hypothesis import strategies as st

from xinlian.protocol import slots
from xinlian.protocol.accumulator import fold
from xinlian.protocol.keccak import keccak256
from xinlian.protocol.types import Status, Stream, Uscc

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "slots.json").read_text("utf-8"))
DEPARTMENT = Uscc("12411599MBTEST0012")
U16, U32, U64 = (st.integers(0, 2**bits - 1) for bits in (16, 32, 64))


def test_vectors() -> None:
    stream, sequence, word = Stream(VECTORS["stream"]), VECTORS["sequence"], VECTORS["word"]
    assert _hex(DEPARTMENT.encode()) == VECTORS["department"]
    assert _hex(slots.batch_key(DEPARTMENT, stream, sequence)) == VECTORS["batch_key"]
    assert _hex(slots.stream_key(DEPARTMENT, stream)) == VECTORS["stream_key"]
    assert _hex(slots.word_key(DEPARTMENT, sequence, word)) == VECTORS["word_key"]
    assert _hex(slots.batch_slot(DEPARTMENT, stream, sequence)) == VECTORS["batch_slot"]
    assert _hex(slots.status_word_slot(DEPARTMENT, sequence, 128 * word + 5)) == VECTORS["status_word_slot"]
    assert _hex(slots.stream_accumulator_slot(DEPARTMENT, stream)) == VECTORS["stream_accumulator_slot"]
    value = slots.slot_value(bytes.fromhex(VECTORS["root"][2:]), VECTORS["size"], VECTORS["suite"])
    assert _hex(value) == VECTORS["slot_value"]


def test_accumulator_vector_that_forge_reads_too() -> None:
    vector = VECTORS["fold"]
    acc, topic0, body = (bytes.fromhex(vector[name][2:]) for name in ("acc", "topic", "body"))
    assert _hex(fold(acc, topic0, body, vector["timestamp"], vector["number"])) == vector["result"]


@given(stream=st.sampled_from(Stream), sequence=U64, serial=U32, version=U16)
def test_keys_are_packed_like_solidity_packs(stream: Stream, sequence: int, serial: int, version: int) -> None:
    owner = DEPARTMENT.encode()
    batch = encode_packed(["bytes18", "uint8", "uint64", "bytes5"], [owner, stream, sequence, bytes(5)])
    assert slots.batch_key(DEPARTMENT, stream, sequence) == batch
    entry = encode_packed(["bytes18", "uint32", "uint16", "bytes8"], [owner, serial, version, bytes(8)])
    assert slots.entry_key(DEPARTMENT, serial, version) == entry
    grant = encode_packed(["bytes18", "uint64", "bytes6"], [owner, sequence, bytes(6)])
    assert slots.grant_key(DEPARTMENT, sequence) == grant
    assert slots.correction_key(DEPARTMENT, sequence) == grant, "a receiver in the provider's place"
    assert slots.department_key(DEPARTMENT) == encode(["bytes18"], [owner])


def test_accumulators_of_mappings() -> None:
    """Each by the rule of the Solidity documentation, written out."""
    department, case_no = slots.department_key(DEPARTMENT), b"XY-2026-000001".ljust(32, b"\0")
    inner = keccak256(department + (1).to_bytes(32, "big"))
    assert slots.case_accumulator_slot(DEPARTMENT, case_no) == keccak256(case_no + inner)
    assert slots.lead_accumulator_slot(DEPARTMENT) == keccak256(department + (2).to_bytes(32, "big"))
    assert slots.department_accumulator_slot(DEPARTMENT) == keccak256(department + (6).to_bytes(32, "big"))
    assert slots.owner_accumulator_slot(DEPARTMENT) == keccak256(department + (3).to_bytes(32, "big"))
    assert slots.requester_accumulator_slot(DEPARTMENT) == keccak256(department + (3).to_bytes(32, "big"))
    assert slots.provider_accumulator_slot(DEPARTMENT) == keccak256(department + (4).to_bytes(32, "big"))
    serial = slots.entry_key(DEPARTMENT, 7, 0) + (2).to_bytes(32, "big")
    assert slots.dataset_accumulator_slot(DEPARTMENT, 7) == keccak256(serial)
    request = slots.request_key(DEPARTMENT, 7) + (2).to_bytes(32, "big")
    assert slots.request_accumulator_slot(DEPARTMENT, 7) == keccak256(request)
    correction = slots.correction_key(DEPARTMENT, 7) + (1).to_bytes(32, "big")
    assert slots.correction_accumulator_slot(DEPARTMENT, 7) == keccak256(correction)
    assert slots.receiver_accumulator_slot(DEPARTMENT) == keccak256(department + (2).to_bytes(32, "big"))
    assert slots.addressee_accumulator_slot(DEPARTMENT) == keccak256(department + (3).to_bytes(32, "big"))
    authorisation = b"random id".ljust(32, b"\0")
    assert slots.authorisation_accumulator_slot(DEPARTMENT, authorisation) == keccak256(authorisation + inner)
    assert slots.recorder_accumulator_slot(DEPARTMENT) == keccak256(department + (2).to_bytes(32, "big"))


@given(root=st.binary(min_size=32, max_size=32), size=st.integers(1, 2**32 - 1), suite=st.integers(1, 255))
def test_slot_value_is_digest_and_size(root: bytes, size: int, suite: int) -> None:
    value = slots.slot_value(root, size, suite)
    assert value[:28] == keccak256(encode(["bytes32", "uint8"], [root, suite]))[:28]
    assert slots.slot_size(value) == size


@given(statuses=st.lists(st.sampled_from(Status), min_size=128, max_size=128), word=st.integers(0, 511))
def test_status_words_hold_128_leaves(statuses: list[Status], word: int) -> None:
    packed = sum(status << 2 * leaf for leaf, status in enumerate(statuses))
    read = [slots.status_in_word(packed, 128 * word + leaf) for leaf in range(128)]
    assert read == statuses


def test_wrong_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a root of 32 bytes, got 31"):
        slots.slot_value(bytes(31), 1, 1)
    with pytest.raises(ValueError, match="18 bytes on the chain, got 3"):
        slots.department_key(Uscc("ABC"))
    with pytest.raises(ValueError, match="got 31 and 32"):
        slots.mapping_slot(bytes(31), 0)
    with pytest.raises(OverflowError):
        slots.batch_key(DEPARTMENT, Stream.RECORDS, 2**64)


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
