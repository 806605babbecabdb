from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from tests.support.anvil import key_without_chain
from xinlian.chain import raw_tx
from xinlian.chain.calls import Call
from xinlian.chain.fees import Fees, current_fees
from xinlian.chain.keys import LocalKey
from xinlian.chain.questions import Question
from xinlian.chain.raw_tx import Unsigned
from xinlian.chain.rpc import BlockingRpc, Rpc
from xinlian.protocol.errors import ChainError, ConfigError
from xinlian.protocol.keccak import keccak256

T = TypeVar("T")
KEY = key_without_chain("unit")
ACCOUNT = Account.from_key(keccak256(b"test key unit"))
TO = "0x00000000000000000000000000000000000A11cE"
GWEI = 10**9
LEGACY_FEES = st.builds(Fees, st.integers(0, 10**15), st.none())
TYPE_2_FEES = st.builds(Fees, st.integers(10**10, 10**15), st.integers(0, 10**9))


class Scripted:
    """Answers by method; None makes the node refuse it."""

    def __init__(self, base_fee: int | None, price: int, tip: int | None) -> None:
        head = {"number": "0x1", "hash": "0x" + "aa" * 32, "parentHash": "0x" + "bb" * 32, "timestamp": "0x1", "gasLimit": "0x1"}
        if base_fee is not None:
            head["baseFeePerGas"] = hex(base_fee)
        self.answers: dict[str, object] = {"eth_getBlockByNumber": head, "eth_gasPrice": hex(price)}
        if tip is not None:
            self.answers["eth_maxPriorityFeePerGas"] = hex(tip)

    async def ask(self, question: Question[T]) -> T:
        if question.method not in self.answers:
            raise ChainError("rpc-refused", "Method not found")
        return question.read(self.answers[question.method])

    async def ask_all(self, asked: Sequence[Question[T]]) -> list[T]:
        return [await self.ask(question) for question in asked]


@pytest.mark.parametrize(
    ("node", "fees"),
    [
        (Scripted(None, 7, None), Fees(7, None)),
        (Scripted(None, 0, None), Fees(0, None)),
        (Scripted(0, 0, 0), Fees(0, 0)),
        (Scripted(0, 0, None), Fees(0, 0)),
        (Scripted(GWEI, 3 * GWEI, 2 * GWEI), Fees(4 * GWEI, 2 * GWEI)),
        (Scripted(GWEI, 3 * GWEI, None), Fees(4 * GWEI, 2 * GWEI)),
    ],
)
async def test_fees_by_kind_of_chain(node: Scripted, fees: Fees) -> None:
    assert await current_fees(node, 100 * GWEI) == fees


async def test_the_cap_is_the_last_price_that_is_paid() -> None:
    assert (await current_fees(Scripted(None, 50, None), 50)).price_wei == 50
    with pytest.raises(ChainError) as caught:
        await current_fees(Scripted(None, 51, None), 50)
    assert caught.value.code == "chain-fee-cap"


@given(st.integers(1, 10**15), st.integers(0, 10**12))
def test_a_replacement_raises_every_price_by_a_tenth_at_least(price: int, tip: int) -> None:
    raised = Fees(price, tip).bumped()
    assert raised.tip_wei is not None
    assert raised.price_wei * 10 >= price * 11
    assert raised.tip_wei * 10 >= tip * 11
    assert raised.tip_wei > tip
    assert Fees(5, None).bumped().at_least(Fees(100, 3)) == Fees(100, None)


@given(
    st.integers(0, 2**32),
    st.integers(21_000, 2**30),
    st.one_of(
        st.builds(Fees, st.integers(0, 10**15), st.none()), st.builds(Fees, st.integers(10**10, 10**15), st.integers(0, 10**9))
    ),
    st.binary(max_size=80),
    st.one_of(st.none(), st.just(TO)),
)
def test_a_raw_transaction_is_that_of_eth_account_and_tells_what_it_holds(
    nonce: int, gas: int, fees: Fees, data: bytes, to: str | None
) -> None:
    unsigned = Unsigned(31337, nonce, gas, fees, Call(to, data, "stored transaction", 5))
    signed = asyncio.run(raw_tx.sign(KEY, unsigned))
    assert raw_tx.parse(signed.raw, 31337) == unsigned
    assert asyncio.run(raw_tx.sign(KEY, unsigned)) == signed
    oracle = ACCOUNT.sign_transaction(as_eth_account_wants(unsigned))
    assert (signed.raw, signed.hash) == (bytes(oracle.raw_transaction), "0x" + bytes(oracle.hash).hex())


def as_eth_account_wants(unsigned: Unsigned) -> dict[str, Any]:
    fees, call = unsigned.fees, unsigned.call
    prices = (
        {"gasPrice": fees.price_wei}
        if fees.tip_wei is None
        else {"type": 2, "maxFeePerGas": fees.price_wei, "maxPriorityFeePerGas": fees.tip_wei}
    )
    content = {"value": call.value_wei, "data": call.data, **({} if call.to is None else {"to": call.to})}
    return {"chainId": unsigned.chain_id, "nonce": unsigned.nonce, "gas": unsigned.gas, **prices, **content}


@pytest.mark.parametrize("raw", [b"", b"\x02", b"\x02\xc0", b"\xc0", b"\x80", b"\x03abc", b"\xff" * 9])
def test_other_bytes_are_no_transaction_of_ours(raw: bytes) -> None:
    with pytest.raises(ChainError) as caught:
        raw_tx.parse(raw, 1)
    assert caught.value.code == "chain-abi"


@pytest.mark.parametrize("secret", [b"", bytes(32), b"\xff" * 32, b"x" * 31])
def test_a_wrong_secret_is_refused_without_showing_it(secret: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        LocalKey.from_secret(secret)
    assert caught.value.code == "chain-key"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_key_shows_its_address_only() -> None:
    secret = b"\x11" * 32
    key = LocalKey.from_secret(secret)
    assert secret.hex() not in repr(key)
    assert key.address in repr(key)


@pytest.mark.parametrize("url", ["", "localhost:8545", "ws://node", "http://", "file:///etc/passwd"])
def test_an_rpc_url_is_http_with_a_host(url: str) -> None:
    for transport in (Rpc, BlockingRpc):
        with pytest.raises(ConfigError) as caught:
            transport(url)
        assert caught.value.code == "rpc-url"


def test_credentials_in_a_url_stay_out_of_messages() -> None:
    node = BlockingRpc("http://user:geheim@127.0.0.1:9", timeout_s=0.2, attempts=1)
    with pytest.raises(ChainError) as caught:
        node.ask(Question("eth_chainId", (), lambda value: value))
    assert caught.value.code == "rpc-down"
    assert "geheim" not in str(caught.value) + str(caught.value.fields)


def test_importing_the_ethereum_libraries_does_not_open_the_stack_to_nested_json() -> None:
    script = (
        "import json, sys\n"
        "from xinlian.chain.keys import LocalKey\n"
        "raised = sys.getrecursionlimit()\n"
        "LocalKey.from_secret(b'1' * 32)\n"
        "assert sys.getrecursionlimit() < raised\n"
        "try:\n"
        "    json.loads('[' * 200_000)\n"
        "except RecursionError:\n"
        "    print('refused')\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (0, "refused\n")
