from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from xinlian.chain import jsonrpc, questions, wire
from xinlian.protocol.errors import ChainError

HASH = "0x" + "ab" * 32
HEADER = {"number": "0x10", "hash": HASH, "parentHash": HASH, "timestamp": "0x6ab00300", "gasLimit": "0x1c9c380"}
LOG = {
    "address": "0x" + "11" * 20,
    "topics": [HASH],
    "data": "0x",
    "blockNumber": "0x1",
    "blockHash": HASH,
    "transactionHash": HASH,
    "logIndex": "0x0",
    "removed": False,
}


@pytest.mark.parametrize("value", [None, 16, "16", "0x", "0xg1", "-0x1", "0x" + "f" * 65, ["0x1"], "0x1\n"])
def test_a_quantity_is_hex_or_refused(value: object) -> None:
    with pytest.raises(ChainError) as caught:
        wire.quantity(value)
    assert caught.value.code == "rpc-answer"


@pytest.mark.parametrize("value", [None, "", "ab", "0xa", "0xzz", b"\x00", "0xab "])
def test_data_is_hex_pairs_or_refused(value: object) -> None:
    with pytest.raises(ChainError) as caught:
        wire.data(value)
    assert caught.value.code == "rpc-answer"


def test_hashes_have_32_bytes_and_lower_case() -> None:
    assert wire.hash_text("0x" + "AB" * 32) == HASH
    with pytest.raises(ChainError) as caught:
        wire.hash_text("0x" + "ab" * 31)
    assert caught.value.code == "rpc-answer"


@pytest.mark.parametrize("missing", sorted(HEADER))
def test_a_header_without_a_part_is_refused(missing: str) -> None:
    assert wire.header(HEADER).base_fee_wei is None
    with pytest.raises(ChainError) as caught:
        wire.header({name: value for name, value in HEADER.items() if name != missing})
    assert caught.value.code == "rpc-answer"


@pytest.mark.parametrize("read", [wire.header, wire.log, wire.tx_receipt, wire.logs])
@pytest.mark.parametrize("value", ["text", 7, None, True])
def test_other_shapes_are_refused(read: Callable[[object], object], value: object) -> None:
    with pytest.raises(ChainError) as caught:
        read(value)
    assert caught.value.code == "rpc-answer"


def test_a_blocks_time_in_a_log_is_read_where_it_stands_and_does_not_make_two_logs_differ() -> None:
    silent, telling = wire.log(LOG), wire.log({**LOG, "blockTimestamp": "0x10"})
    assert (silent.block_time, telling.block_time) == (None, 16)
    assert silent == telling, "one node says it, another does not: they still agree"
    with pytest.raises(ChainError) as caught:
        wire.log({**LOG, "blockTimestamp": 16})
    assert caught.value.code == "rpc-answer"


def test_a_removed_log_is_refused_and_logs_come_in_order() -> None:
    later = {**LOG, "blockNumber": "0x2"}
    second = {**LOG, "logIndex": "0xa"}
    third = {**LOG, "logIndex": "0x9"}
    assert [(one.block_number, one.log_index) for one in wire.logs([later, second, LOG, third])] == [
        (1, 0),
        (1, 9),
        (1, 10),
        (2, 0),
    ]
    with pytest.raises(ChainError) as caught:
        wire.logs([{**LOG, "removed": True}])
    assert caught.value.code == "rpc-answer"


def _answer(content: object) -> int:
    return jsonrpc.decode(json.dumps(content).encode(), [questions.chain_id()])[0]


def test_a_batch_may_be_answered_in_any_order() -> None:
    asked = [questions.nonce("0x" + "11" * 20), questions.gas_price_wei()]
    body = b'[{"id":1,"result":"0x2"},{"id":0,"result":"0x1"}]'
    assert jsonrpc.decode(body, asked) == [1, 2]
    assert [one["id"] for one in json.loads(jsonrpc.encode(asked))] == [0, 1]


BAD_ANSWERS = (
    b"",
    b"<html>502</html>",
    b"[]",
    b"null",
    b'{"id":0}',
    b'{"id":1,"result":"0x1"}',
    b'{"id":0,"result":1}',
    b"[" * 100_000,
    b'{"id":[0],"result":"0x1"}',
)


@pytest.mark.parametrize("body", BAD_ANSWERS, ids=range(len(BAD_ANSWERS)))
def test_what_is_no_answer_to_us_is_refused(body: bytes) -> None:
    with pytest.raises(ChainError) as caught:
        jsonrpc.decode(body, [questions.chain_id()])
    assert caught.value.code == "rpc-answer"


def test_an_error_of_the_node_keeps_its_number_and_text() -> None:
    with pytest.raises(ChainError) as caught:
        _answer({"id": 0, "error": {"code": -32601, "message": "Method not found"}})
    assert caught.value.code == "rpc-refused"
    assert caught.value.fields == {"method": "eth_chainId", "rpc_code": -32601, "rpc_message": "Method not found"}


def test_an_error_without_id_is_the_answer_to_an_unreadable_request() -> None:
    with pytest.raises(ChainError) as caught:
        _answer({"id": None, "error": {"code": -32700, "message": "Parse error"}})
    assert caught.value.code == "rpc-refused"


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_revert_is_decoded_wherever_the_node_puts_its_data(wrapped: bool) -> None:
    text = "0x08c379a0" + (32).to_bytes(32).hex() + (4).to_bytes(32).hex() + b"nope".ljust(32, b"\0").hex()
    data: object = {"data": text} if wrapped else text
    with pytest.raises(ChainError) as caught:
        _answer({"id": 0, "error": {"code": 3, "message": "execution reverted", "data": data}})
    assert caught.value.code == "tx-reverted"
    assert caught.value.fields["args"] == {"text": "nope"}


def test_a_revert_without_data_is_still_a_revert() -> None:
    with pytest.raises(ChainError) as caught:
        _answer({"id": 0, "error": {"code": 3, "message": "execution reverted"}})
    assert caught.value.code == "tx-reverted"
    assert caught.value.fields["error"] == "Unknown"
