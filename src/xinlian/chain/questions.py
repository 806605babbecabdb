"""Every question we ask a JSON-RPC node, as a value: method, parameters and how to read the answer.

A question knows nothing of transports, so the asynchronous node and the blocking verifier share all of this and nothing is
written twice: ``await rpc.ask(head())`` and ``blocking.ask(head())``.

Source: Ethereum JSON-RPC API specification (execution-apis), namespaces eth and net.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from xinlian.chain import wire
from xinlian.chain.wire import BlockTag, Header, Log, TxReceipt
from xinlian.protocol.errors import ChainError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """One JSON-RPC call.

    Args:
        method: e.g. ``eth_call``.
        params: JSON values.
        read: turns the ``result`` into a typed value or raises ``ChainError``.
    """

    method: str
    params: tuple[object, ...]
    read: Callable[[object], T]


def chain_id() -> Question[int]:
    """The chain's id (EIP-155)."""
    return Question("eth_chainId", (), lambda value: wire.quantity(value, "the chain id"))


def _existing_header(value: object) -> Header:
    if value is None:
        raise ChainError("chain-not-reached", "the chain has no such block")
    return wire.header(value)


def block(tag: BlockTag) -> Question[Header]:
    """The header of a block that must exist (else chain-not-reached)."""
    return Question("eth_getBlockByNumber", (wire.block_tag(tag), False), _existing_header)


def block_or_none(tag: BlockTag) -> Question[Header | None]:
    """The header of a block, None when the chain has none of that number."""
    return Question(
        "eth_getBlockByNumber", (wire.block_tag(tag), False), lambda value: None if value is None else wire.header(value)
    )


def head() -> Question[Header]:
    """The newest block; never the ``safe`` or ``finalized`` tag (design 4.2)."""
    return block("latest")


def code(address: str, tag: BlockTag = "latest") -> Question[bytes]:
    """The code at an address; empty when there is none."""
    return Question("eth_getCode", (address, wire.block_tag(tag)), lambda value: wire.data(value, "code"))


def call(to: str | None, data: bytes, tag: BlockTag = "latest", sender: str | None = None) -> Question[bytes]:
    """Run a call without a transaction and give its return data."""
    request: dict[str, object] = {"data": "0x" + data.hex()}
    if to is not None:
        request["to"] = to
    if sender is not None:
        request["from"] = sender
    return Question("eth_call", (request, wire.block_tag(tag)), lambda value: wire.data(value, "return data"))


def logs(addresses: Sequence[str], first: int, last: int, topics: Sequence[bytes | None] = ()) -> Question[list[Log]]:
    """The logs of these addresses in blocks first..last (both included), in the chain's order."""
    request = {
        "address": list(addresses),
        "fromBlock": hex(first),
        "toBlock": hex(last),
        "topics": [None if topic is None else "0x" + topic.hex() for topic in topics],
    }
    return Question("eth_getLogs", (request,), wire.logs)


def tx_receipt(tx_hash: str) -> Question[TxReceipt | None]:
    """A transaction's receipt, None while it is not mined."""
    return Question("eth_getTransactionReceipt", (tx_hash,), lambda value: None if value is None else wire.tx_receipt(value))


def nonce(address: str, tag: BlockTag = "latest") -> Question[int]:
    """The number of the next transaction of ``address``."""
    return Question("eth_getTransactionCount", (address, wire.block_tag(tag)), lambda value: wire.quantity(value, "a nonce"))


def balance_wei(address: str) -> Question[int]:
    """What the address owns."""
    return Question("eth_getBalance", (address, "latest"), lambda value: wire.quantity(value, "a balance"))


def gas_price_wei() -> Question[int]:
    """The price a legacy transaction should pay; 0 on zero-fee chains."""
    return Question("eth_gasPrice", (), lambda value: wire.quantity(value, "the gas price"))


def priority_fee_wei() -> Question[int]:
    """The tip a type-2 transaction should pay (not every node has this method)."""
    return Question("eth_maxPriorityFeePerGas", (), lambda value: wire.quantity(value, "the priority fee"))


def estimate_gas(sender: str, to: str | None, data: bytes, tag: BlockTag = "pending") -> Question[int]:
    """The gas a transaction would use; on ``pending``, so that our own waiting transactions count."""
    request: dict[str, object] = {"from": sender, "data": "0x" + data.hex()}
    if to is not None:
        request["to"] = to
    return Question("eth_estimateGas", (request, wire.block_tag(tag)), lambda value: wire.quantity(value, "a gas estimate"))


def send_raw(raw: bytes) -> Question[str]:
    """Hand a signed transaction to the node; gives its hash."""
    return Question("eth_sendRawTransaction", ("0x" + raw.hex(),), lambda value: wire.hash_text(value, "a transaction hash"))


def storage(address: str, slot: bytes, tag: BlockTag = "latest") -> Question[bytes]:
    """A storage word (32 bytes)."""
    return Question(
        "eth_getStorageAt",
        (address, "0x" + slot.hex(), wire.block_tag(tag)),
        lambda value: wire.data(value, "a storage word", 32),
    )


def raw(method: str, *params: object) -> Question[object]:
    """Any other method, its result as it comes."""
    return Question(method, params, lambda value: value)
