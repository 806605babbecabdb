"""``eth_getProof`` plus the block header lead from a slot of RecordLedger to the block hash, on a real anvil.

What protocol/slots.py says about storage is used here to *find* the slot; what the chain proves is checked with nothing
but Keccak-256, RLP and the trie rules below. Source: Ethereum Yellow Paper, 4.3 (header) and appendix D (trie).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]  # publishes no types
from eth_abi.abi import encode

from tests.support.contracts import ANCHOR, DEPARTMENT, SET_STATUS, SIGNER, Chain, anvil, calldata
from xinlian.protocol import slots
from xinlian.protocol.accumulator import EMPTY, FoldedEvent, fold_all, topic_of
from xinlian.protocol.keccak import keccak256
from xinlian.protocol.types import Status, Stream

BATCH_ROOT, SIZE = keccak256(b"root"), 65_536
ERASED_LEAF = 300
LONDON = [
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas",
]  # fmt: skip
CANCUN = [*LONDON, "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot"]
PRAGUE = [*CANCUN, "requestsHash"]
HARDFORKS = {"london": LONDON, "paris": LONDON, "cancun": CANCUN, "prague": PRAGUE}
QUANTITIES = {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas"}


@pytest.fixture(scope="module", params=HARDFORKS)
def chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    """One batch of records with an erased leaf, and enough batches of reads to give the storage trie some depth."""
    with anvil(request.param) as chain:
        batches = [(1, 1, BATCH_ROOT, SIZE, 1), *((2, sequence, BATCH_ROOT, 7, 1) for sequence in range(1, 16))]
        chain.send(SIGNER, calldata(ANCHOR, (batches, [], bytes(32))), chain.ledger)
        word, leaf = divmod(ERASED_LEAF, 128)
        chain.send(SIGNER, calldata(SET_STATUS, (1, [word], [1 << 2 * leaf], 3, 1)), chain.ledger)
        yield chain


# -- the verifier: 40 lines that know nothing of us ------------------------------------------------------------------


def header_hash(block: dict[str, Any], names: Sequence[str]) -> bytes:
    """Keccak-256 of the RLP of a header."""
    return keccak256(rlp.encode([_field(name, block[name]) for name in names]))


def _field(name: str, text: str) -> bytes:
    raw = bytes.fromhex(text[2:].zfill(len(text[2:]) + len(text[2:]) % 2))
    return raw.lstrip(b"\0") if name in QUANTITIES else raw


def trie_value(root: bytes, key: bytes, proof: Sequence[bytes]) -> bytes:
    """The value at ``key`` in the trie with this root, empty when the proof shows that there is none."""
    path = keccak256(key).hex()
    expected, nodes = root, iter(proof)
    while True:
        encoded = next(nodes, None)
        if encoded is None or keccak256(encoded) != expected:
            raise ValueError("a node is missing or is not the one that its parent names")
        node = rlp.decode(encoded)
        while isinstance(node, list):  # a child shorter than 32 bytes stands inside its parent
            if len(node) == 17:
                node, path = (node[16], "") if path == "" else (node[int(path[0], 16)], path[1:])
                continue
            prefix, leaf = _hex_prefix(node[0])
            if not path.startswith(prefix):
                return b""
            path, node = path[len(prefix) :], node[1]
            if leaf:
                return bytes(node) if path == "" else b""
        if node == b"":
            return b""
        expected = node


def _hex_prefix(encoded: bytes) -> tuple[str, bool]:
    nibbles = encoded.hex()
    flag = int(nibbles[0], 16)
    return nibbles[1:] if flag & 1 else nibbles[2:], bool(flag & 2)


def proven_storage(chain: Chain, slot: bytes) -> bytes:
    """A storage value, 32 bytes, derived from the latest block's hash alone."""
    block = chain.rpc("eth_getBlockByNumber", "latest", False)
    assert header_hash(block, HARDFORKS[chain.hardfork]) == bytes.fromhex(block["hash"][2:])
    answer = chain.rpc("eth_getProof", chain.ledger, ["0x" + slot.hex()], block["number"])
    nodes = [bytes.fromhex(node[2:]) for node in answer["accountProof"]]
    account = trie_value(bytes.fromhex(block["stateRoot"][2:]), bytes.fromhex(chain.ledger[2:]), nodes)
    _, _, storage_root, code_hash = rlp.decode(account)
    assert code_hash == keccak256(bytes.fromhex(chain.rpc("eth_getCode", chain.ledger, "latest")[2:]))
    storage = answer["storageProof"][0]
    value = trie_value(storage_root, slot, [bytes.fromhex(node[2:]) for node in storage["proof"]])
    return bytes(rlp.decode(value) if value else b"").rjust(32, b"\0")


# -- tests -----------------------------------------------------------------------------------------------------------


def test_batch_slot_is_proven_by_the_block_hash(chain: Chain) -> None:
    value = proven_storage(chain, slots.batch_slot(DEPARTMENT, Stream.RECORDS, 1))
    assert value == slots.slot_value(BATCH_ROOT, SIZE, suite=1)
    assert slots.slot_size(value) == SIZE


def test_empty_slot_is_proven_empty(chain: Chain) -> None:
    assert proven_storage(chain, slots.batch_slot(DEPARTMENT, Stream.RECORDS, 2)) == bytes(32)


def test_proven_accumulator_is_that_of_the_replayed_logs(chain: Chain) -> None:
    """One storage proof shows that the logs of a stream are complete, in order and unaltered, their times included."""
    proven = proven_storage(chain, slots.stream_accumulator_slot(DEPARTMENT, Stream.RECORDS))
    events = _events_of_records(chain)
    assert len(events) == 2, "one batch, one status word"
    assert fold_all(EMPTY, events) == proven
    assert fold_all(EMPTY, events[::-1]) != proven
    assert fold_all(EMPTY, events[1:]) != proven
    assert fold_all(EMPTY, [replace(events[0], timestamp=events[0].timestamp + 1), events[1]]) != proven
    assert proven == chain.call(chain.ledger, "accumulatorOf(bytes18,uint8)", (DEPARTMENT.encode(), 1))


def _events_of_records(chain: Chain) -> list[FoldedEvent]:
    """The ledger's logs without those of other streams; all arguments are static, so the body is topics and data."""
    anchored = "0x" + topic_of("BatchAnchored(bytes18,uint8,uint64,bytes32,uint32,uint8,bytes32)").hex()
    events = []
    for log in chain.rpc("eth_getLogs", {"address": chain.ledger, "fromBlock": "0x0", "toBlock": "latest"}):
        if log["topics"][0] == anchored and int(log["topics"][2], 16) != Stream.RECORDS:
            continue
        block = chain.rpc("eth_getBlockByNumber", log["blockNumber"], False)
        body = bytes.fromhex("".join(word[2:] for word in log["topics"][1:]) + log["data"][2:])
        topic0 = bytes.fromhex(log["topics"][0][2:])
        events.append(FoldedEvent(topic0, body, int(block["timestamp"], 16), int(block["number"], 16)))
    return events


def test_status_word_is_proven(chain: Chain) -> None:
    word = int.from_bytes(proven_storage(chain, slots.status_word_slot(DEPARTMENT, 1, ERASED_LEAF)), "big")
    assert slots.status_in_word(word, ERASED_LEAF) == Status.ERASED
    assert slots.status_in_word(word, ERASED_LEAF + 1) == Status.CURRENT


def test_registry_accumulators_stand_where_documented(chain: Chain) -> None:
    places = {
        slots.department_accumulator_slot(DEPARTMENT): ("accumulatorOf(bytes18)", (DEPARTMENT.encode(),)),
        slots.DEPARTMENT_REGISTRY_AUTHORITY_ACCUMULATOR.to_bytes(32, "big"): ("authorityAccumulator()", ()),
    }
    for slot, (signature, values) in places.items():
        stored = bytes.fromhex(chain.rpc("eth_getStorageAt", chain.registry, "0x" + slot.hex(), "latest")[2:])
        expected = keccak256(signature.encode())[:4] + (encode(["bytes18"], values) if values else b"")
        answer = chain.rpc("eth_call", {"to": chain.registry, "data": "0x" + expected.hex()}, "latest")
        assert stored == bytes.fromhex(answer[2:]) != bytes(32)


def test_any_flipped_byte_of_a_proof_is_noticed(chain: Chain) -> None:
    slot = slots.batch_slot(DEPARTMENT, Stream.RECORDS, 1)
    answer = chain.rpc("eth_getProof", chain.ledger, ["0x" + slot.hex()], "latest")
    nodes = [bytes.fromhex(node[2:]) for node in answer["storageProof"][0]["proof"]]
    root = bytes.fromhex(answer["storageHash"][2:])
    assert rlp.decode(trie_value(root, slot, nodes)) == slots.slot_value(BATCH_ROOT, SIZE, suite=1)
    for number, node in enumerate(nodes):
        for position in range(len(node)):
            altered = bytearray(node)
            altered[position] ^= 1
            with pytest.raises(ValueError, match="is not the one that its parent names"):
                trie_value(root, slot, [*nodes[:number], bytes(altered), *nodes[number + 1 :]])
    with pytest.raises(ValueError, match="a node is missing"):
        trie_value(root, slot, nodes[:-1])
