"""The contracts' interfaces, read from the artifacts that scripts/build-contracts writes, and coding by them.

Rules
1. Everything is driven by the compiled ABI: no signature is written twice.
2. Decoded values are *plain*: JSON types only. ``bytes18`` is a USCC as text, other bytes are ``0x`` hex, addresses are
   checksummed, structs are dicts by member name. Plain values encode back to the same bytes.
3. Files are read at first use, never at import.
4. A ``string`` on chain need not be UTF-8, for no contract checks it: bytes that are none stand as lone surrogates and encode
   back to the same bytes, so that nobody can stop the others' followers with a name or an address.

Example: ``contract("RecordLedger").functions["slotOf"].selector``

Source: Solidity contract ABI specification.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, cast

from eth_abi.codec import ABICodec
from eth_abi.decoding import StringDecoder
from eth_abi.encoding import ByteStringEncoder, TextStringEncoder
from eth_abi.exceptions import DecodingError, EncodingError
from eth_abi.registry import BaseEquals
from eth_abi.registry import registry as default_registry
from eth_utils.address import to_checksum_address

from xinlian.protocol.errors import ChainError
from xinlian.protocol.keccak import keccak256
from xinlian.protocol.manifest import CONTRACTS

_NOT_UTF8 = "surrogateescape"
_USCC = re.compile(rb"[0-9A-Z]{18}\Z")
_ARRAY = re.compile(r"(.*)\[\d*\]\Z")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument, return value or struct member.

    Args:
        name: as in Solidity; may be empty for a return value.
        type: canonical ABI type, structs as ``(t1,t2)``.
        members: of the struct (or of the array's struct), else empty.
        indexed: an event's argument that stands in the topics.
    """

    name: str
    type: str
    members: tuple[Parameter, ...] = ()
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A function, event or error of a contract.

    Args:
        contract: its contract's name.
        name: as in Solidity.
        inputs: arguments in the order of declaration.
        outputs: return values; empty for events and errors.
        digest: Keccak-256 of the signature (32 bytes); an event's topic 0.
    """

    contract: str
    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    digest: bytes

    @property
    def selector(self) -> bytes:
        """The first four bytes of the digest (functions and errors)."""
        return self.digest[:4]


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract's interface and code.

    Args:
        name: one of ``CONTRACTS``.
        functions: by name (ours are not overloaded).
        events: by topic 0.
        errors: by selector.
        constructor: arguments of the constructor.
        bytecode: creation code, without arguments.
        deployed: runtime code with zeros where immutables go.
        immutables: (start, length) of these places in ``deployed``.
    """

    name: str
    functions: Mapping[str, Member]
    events: Mapping[bytes, Member]
    errors: Mapping[bytes, Member]
    constructor: tuple[Parameter, ...]
    bytecode: bytes
    deployed: bytes
    immutables: tuple[tuple[int, int], ...]

    def is_code(self, code: bytes) -> bool:
        """Tell whether ``code`` is this contract's runtime code, whatever its immutables hold."""
        masked = bytearray(code)
        for start, length in self.immutables:
            masked[start : start + length] = bytes(len(masked[start : start + length]))
        return bytes(masked) == self.deployed


@cache
def contract(name: str) -> Contract:
    """The interface and code of one of our contracts.

    Raises:
        ChainError: chain-abi, when the name is unknown or the artifact was not built.
    """
    try:
        text = resources.files("xinlian.chain").joinpath("artifacts", f"{name}.json").read_text(encoding="utf-8")
    except OSError as error:
        raise ChainError("chain-abi", f"there is no artifact of contract {name}", contract=name) from error
    artifact = json.loads(text)
    members = [(entry["type"], entry) for entry in artifact["abi"]]
    functions = [_member(name, entry) for kind, entry in members if kind == "function"]
    constructors = [_parameters(entry["inputs"]) for kind, entry in members if kind == "constructor"]
    return Contract(
        name=name,
        functions={one.name: one for one in functions},
        events={one.digest: one for one in (_member(name, entry) for kind, entry in members if kind == "event")},
        errors={one.selector: one for one in (_member(name, entry) for kind, entry in members if kind == "error")},
        constructor=constructors[0] if constructors else (),
        bytecode=_code(artifact["bytecode"]),
        deployed=_code(artifact["deployed_bytecode"]),
        immutables=tuple((place["start"], place["length"]) for place in artifact["immutable_references"]),
    )


@cache
def event_members() -> Mapping[tuple[str, str], Member]:
    """Every event by (contract, name)."""
    return {(name, one.name): one for name in CONTRACTS for one in contract(name).events.values()}


@cache
def error_members() -> Mapping[bytes, Member]:
    """Every custom error of all contracts by selector (errors bubble up through calls between them)."""
    return {selector: one for name in CONTRACTS for selector, one in contract(name).errors.items()}


def _code(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _member(contract_name: str, entry: Mapping[str, Any]) -> Member:
    inputs = _parameters(entry["inputs"])
    signature = f"{entry['name']}({','.join(one.type for one in inputs)})"
    outputs = _parameters(entry.get("outputs", ()))
    return Member(contract_name, entry["name"], inputs, outputs, keccak256(signature.encode()))


def _parameters(entries: Sequence[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    return tuple(_parameter(entry) for entry in entries)


def _parameter(entry: Mapping[str, Any]) -> Parameter:
    members = _parameters(entry.get("components", ()))
    kind = str(entry["type"])
    if kind.startswith("tuple"):
        kind = f"({','.join(one.type for one in members)})" + kind.removeprefix("tuple")
    return Parameter(entry["name"], kind, members, bool(entry.get("indexed", False)))


# -- coding ------------------------------------------------------------------------------------------


class _AnyTextEncoder(TextStringEncoder):
    """A ``string`` with the bytes that are no UTF-8 (rule 4)."""

    @classmethod
    def encode(cls, value: Any) -> bytes:
        """The length and the padded bytes."""
        cls.validate_value(value)  # type: ignore[no-untyped-call]  # the library's coders have no types
        return bytes(ByteStringEncoder.encode(text_bytes(value)))  # type: ignore[no-untyped-call]


@cache
def _codec() -> ABICodec:
    registry: Any = default_registry
    registry = registry.copy()
    decoder: Any = StringDecoder
    matches: Any = BaseEquals
    registry.unregister("string")
    registry.register(matches("string"), _AnyTextEncoder, decoder(handle_string_errors=_NOT_UTF8), label="string")
    return ABICodec(registry)


def text_bytes(text: str) -> bytes:
    """The bytes of a decoded ``string``, exactly as they stand on chain."""
    return text.encode("utf-8", _NOT_UTF8)


def encode(parameters: Sequence[Parameter], values: Sequence[object]) -> bytes:
    """abi.encode of plain values (raw bytes are taken as well as ``0x`` text).

    Raises:
        ChainError: chain-abi, naming the parameters.
    """
    types = [one.type for one in parameters]
    try:
        raw = [_raw(one, value) for one, value in zip(parameters, values, strict=True)]
        return _codec().encode(types, raw)
    except (EncodingError, ValueError, TypeError, KeyError, OverflowError) as error:
        names = ", ".join(one.name for one in parameters)
        raise ChainError("chain-abi", f"a value does not fit ({names}) of types {','.join(types)}") from error


def decode(parameters: Sequence[Parameter], data: bytes) -> list[Any]:
    """Plain values from their abi.encode.

    Raises:
        ChainError: chain-abi, naming the parameters.
    """
    types = [one.type for one in parameters]
    try:
        values = _codec().decode(types, data)
    except (DecodingError, ValueError, OverflowError) as error:
        raise ChainError("chain-abi", f"{len(data)} bytes do not decode as {','.join(types)}") from error
    return [_plain(one, value) for one, value in zip(parameters, values, strict=True)]


def _element(parameter: Parameter) -> Parameter | None:
    match = _ARRAY.match(parameter.type)
    return None if match is None else Parameter(parameter.name, match[1], parameter.members)


def _plain(parameter: Parameter, value: Any) -> object:
    element = _element(parameter)
    if element is not None:
        return [_plain(element, one) for one in value]
    if parameter.members:
        return {member.name: _plain(member, one) for member, one in zip(parameter.members, value, strict=True)}
    if parameter.type == "address":
        return to_checksum_address(value)
    if isinstance(value, bytes):
        is_uscc = parameter.type == "bytes18" and _USCC.match(value) is not None
        return value.decode("ascii") if is_uscc else "0x" + value.hex()
    return cast("object", value)


def _raw(parameter: Parameter, value: Any) -> object:
    element = _element(parameter)
    if element is not None:
        return [_raw(element, one) for one in value]
    if parameter.members:
        return tuple(_raw(member, value[member.name]) for member in parameter.members)
    if parameter.type.startswith("bytes") and isinstance(value, str):
        is_uscc = parameter.type == "bytes18" and len(value) == 18
        value = value.encode("ascii") if is_uscc else _hex(value)
    size = parameter.type.removeprefix("bytes")
    if parameter.type.startswith("bytes") and size and len(value) != int(size):
        raise ValueError(f"{parameter.name}: {len(value)} bytes given")
    return cast("object", value)


def _hex(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError("bytes as text start with 0x")
    return bytes.fromhex(text[2:])
