"""What a JSON-RPC node answers, read strictly into typed values.

Rules
1. A node is not trusted to answer in the right shape: anything else than the expected form is ``ChainError("rpc-answer")``.
2. Quantities are ``0x`` hex without a unit; hashes stay ``0x`` text in lower case; data becomes bytes.
3. Pure: no I/O. Both transports (``rpc.Rpc`` and ``rpc.BlockingRpc``) share this module.

Example: ``quantity("0x10") == 16``

Source: Ethereum JSON-RPC API specification (execution-apis).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from xinlian.protocol.errors import ChainError

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}\Z")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*\Z")

BlockTag = int | str
"""A block number, or one of ``latest``, ``pending``, ``earliest``."""


@dataclass(frozen=True, slots=True)
class Header:
    """The parts of a block's header that we use.

    Args:
        number: height, genesis = 0.
        hash: ``0x`` + 64 hex digits, lower case.
        parent_hash: hash of block ``number - 1``.
        time: epoch seconds.
        base_fee_wei: None on chains without EIP-1559.
        gas_limit: gas a block may use.
    """

    number: int
    hash: str
    parent_hash: str
    time: int
    base_fee_wei: int | None
    gas_limit: int


@dataclass(frozen=True, slots=True)
class Log:
    """One event as the node delivers it: not decoded, position and hashes not yet checked.

    ``block_time`` (epoch seconds) is what the node says about the block; None from nodes that do not say it.
    """

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int
    block_time: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TxReceipt:
    """A mined transaction's receipt (not to be mistaken for ``protocol.receipt``, the evidence of an anchored leaf)."""

    tx_hash: str
    succeeded: bool
    block_number: int
    block_hash: str
    gas_used: int
    contract_address: str | None
    logs: tuple[Log, ...]


def _bad(what: str, expected: str) -> ChainError:
    text = f"the RPC node answered {what} in a wrong form: expected {expected}"
    return ChainError("rpc-answer", text, what=what, expected=expected)


def quantity(value: object, what: str = "a quantity") -> int:
    """A non-negative integer from its ``0x`` form.

    Raises:
        ChainError: rpc-answer.
    """
    if not isinstance(value, str) or not _QUANTITY.match(value):
        raise _bad(what, "0x and hex digits")
    return int(value, 16)


def data(value: object, what: str = "data", length_bytes: int | None = None) -> bytes:
    """Bytes from their ``0x`` form, of exactly ``length_bytes`` when that is given.

    Raises:
        ChainError: rpc-answer.
    """
    if not isinstance(value, str) or not _DATA.match(value):
        raise _bad(what, "0x and pairs of hex digits")
    raw = bytes.fromhex(value[2:])
    if length_bytes is not None and len(raw) != length_bytes:
        raise _bad(what, f"{length_bytes} bytes")
    return raw


def hash_text(value: object, what: str = "a hash") -> str:
    """A 32-byte hash as ``0x`` + 64 lower-case hex digits.

    Raises:
        ChainError: rpc-answer.
    """
    return "0x" + data(value, what, 32).hex()


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _bad(what, "an object")
    return cast("dict[str, object]", value)


def _items(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise _bad(what, "a list")
    return cast("list[object]", value)


def header(value: object) -> Header:
    """A block's header.

    Raises:
        ChainError: rpc-answer.
    """
    block = _object(value, "a block")
    base_fee = block.get("baseFeePerGas")
    return Header(
        number=quantity(block.get("number"), "a block's number"),
        hash=hash_text(block.get("hash"), "a block's hash"),
        parent_hash=hash_text(block.get("parentHash"), "a block's parent hash"),
        time=quantity(block.get("timestamp"), "a block's time"),
        base_fee_wei=None if base_fee is None else quantity(base_fee, "a block's base fee"),
        gas_limit=quantity(block.get("gasLimit"), "a block's gas limit"),
    )


def log(value: object) -> Log:
    """One log entry.

    Raises:
        ChainError: rpc-answer; also for a log the node itself calls removed.
    """
    entry = _object(value, "a log")
    if entry.get("removed") is True:
        raise _bad("a log", "one that was not removed by a reorganisation")
    told_time = entry.get("blockTimestamp")
    return Log(
        address="0x" + data(entry.get("address"), "a log's address", 20).hex(),
        topics=tuple(data(topic, "a log's topic", 32) for topic in _items(entry.get("topics"), "a log's topics")),
        data=data(entry.get("data"), "a log's data"),
        block_number=quantity(entry.get("blockNumber"), "a log's block number"),
        block_hash=hash_text(entry.get("blockHash"), "a log's block hash"),
        tx_hash=hash_text(entry.get("transactionHash"), "a log's transaction hash"),
        log_index=quantity(entry.get("logIndex"), "a log's index"),
        block_time=None if told_time is None else quantity(told_time, "a log's block time"),
    )


def logs(value: object) -> list[Log]:
    """Log entries in the chain's order (block, index).

    Raises:
        ChainError: rpc-answer.
    """
    return sorted((log(entry) for entry in _items(value, "logs")), key=lambda one: (one.block_number, one.log_index))


def tx_receipt(value: object) -> TxReceipt:
    """A transaction's receipt.

    Raises:
        ChainError: rpc-answer; also for pre-Byzantium receipts, which have no status.
    """
    entry = _object(value, "a receipt")
    created = entry.get("contractAddress")
    return TxReceipt(
        tx_hash=hash_text(entry.get("transactionHash"), "a receipt's transaction hash"),
        succeeded=quantity(entry.get("status"), "a receipt's status") == 1,
        block_number=quantity(entry.get("blockNumber"), "a receipt's block number"),
        block_hash=hash_text(entry.get("blockHash"), "a receipt's block hash"),
        gas_used=quantity(entry.get("gasUsed"), "a receipt's gas"),
        contract_address=None if created is None else "0x" + data(created, "a receipt's contract address", 20).hex(),
        logs=tuple(logs(entry.get("logs"))),
    )


def block_tag(block: BlockTag) -> str:
    """A block number as JSON-RPC writes it; tags stay as they are."""
    return hex(block) if isinstance(block, int) else block
