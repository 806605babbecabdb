"""Deployment manifest, ``xinlian-deployment/1``: the verifier's only trust anchor.

It says which chain, which contracts with which code, and how many blocks make a transaction final. It comes from the
authority by another way than the evidence; nothing in a bundle can replace it.

Example::

    {"format": "xinlian-deployment/1", "chain_id": 31337, "genesis_hash": "0x…", "confirmations": 0,
     "contracts": {"DepartmentRegistry": {"address": "0x…", "block_number": 1, "tx_hash": "0x…", "code_hash": "0x…"}, …}}

Source: design.md 4.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from xinlian.protocol import hextext
from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.types import MAX_EXACT_INT

FORMAT: Final = "xinlian-deployment/1"
CONTRACTS: Final = (
    "DepartmentRegistry",
    "WorkCalendar",
    "DatasetCatalog",
    "RecordLedger",
    "SharingRegistry",
    "CaseLedger",
    "CorrectionRegistry",
    "AuthorisationRegistry",
)
"""In the order of deployment."""
MAX_CONFIRMATIONS: Final = 1_000_000
MAX_MANIFEST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class ContractDeployment:
    """One deployed contract.

    Args:
        address: ``0x`` and 40 hex characters, checksummed.
        block_number: block of the deployment; events are searched from here.
        tx_hash: deploying transaction.
        code_hash: keccak256 of the runtime code (what EXTCODEHASH gives).
    """

    address: str
    block_number: int
    tx_hash: str
    code_hash: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment of our contracts.

    Args:
        chain_id: EIP-155 chain id.
        genesis_hash: hash of block 0.
        confirmations: blocks on top that make a block final; 0 on anvil and QBFT.
        contracts: by name, exactly ``CONTRACTS``.
    """

    chain_id: int
    genesis_hash: str
    confirmations: int
    contracts: Mapping[str, ContractDeployment]


def dumps(deployment: Deployment) -> bytes:
    """Return the manifest as one line of JSON, contracts in the order of ``CONTRACTS``."""
    return dumps_canonical(
        {
            "format": FORMAT,
            "chain_id": deployment.chain_id,
            "genesis_hash": deployment.genesis_hash,
            "confirmations": deployment.confirmations,
            "contracts": {name: _contract_json(deployment.contracts[name]) for name in CONTRACTS},
        }
    )


def parse(data: bytes) -> Deployment:
    """Read a manifest.

    Raises:
        InputError: ``manifest-format`` for anything that is not exactly this format.
    """
    try:
        members = _members(
            loads_strict(data, max_bytes=MAX_MANIFEST_BYTES, max_depth=4),
            "the manifest",
            ("format", "chain_id", "genesis_hash", "confirmations", "contracts"),
        )
    except InputError as error:
        raise InputError("manifest-format", f"not a deployment manifest: {error.message}") from error
    if members["format"] != FORMAT:
        raise InputError("manifest-format", f"format: expected {FORMAT}", field="format")
    contracts = _members(members["contracts"], "contracts", CONTRACTS)
    return Deployment(
        chain_id=_number(members, "chain_id", 1, MAX_EXACT_INT),
        genesis_hash=_hash(members, "genesis_hash"),
        confirmations=_number(members, "confirmations", 0, MAX_CONFIRMATIONS),
        contracts=MappingProxyType({name: _contract(name, contracts[name]) for name in CONTRACTS}),
    )


def _contract(name: str, value: object) -> ContractDeployment:
    members = _members(value, name, ("address", "block_number", "tx_hash", "code_hash"))
    address = members["address"]
    if not isinstance(address, str) or not hextext.is_address(address):
        raise InputError("manifest-format", f"{name}: expected a checksummed address", field="address")
    block_number = _number(members, "block_number", 0, MAX_EXACT_INT)
    return ContractDeployment(address, block_number, _hash(members, "tx_hash"), _hash(members, "code_hash"))


def _members(value: object, where: str, names: tuple[str, ...]) -> dict[str, object]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise InputError("manifest-format", f"{where}: expected exactly {', '.join(names)}")
    return value


def _number(members: dict[str, object], name: str, low: int, high: int) -> int:
    value = members[name]
    if type(value) is not int or not low <= value <= high:
        raise InputError("manifest-format", f"{name}: expected a whole number from {low}", field=name)
    return value


def _hash(members: dict[str, object], name: str) -> str:
    value = members[name]
    if not isinstance(value, str) or not hextext.is_chain_hash(value):
        raise InputError("manifest-format", f"{name}: expected 0x and 64 lower-case hex characters", field=name)
    return value


def _contract_json(contract: ContractDeployment) -> dict[str, object]:
    return {
        "address": contract.address,
        "block_number": contract.block_number,
        "tx_hash": contract.tx_hash,
        "code_hash": contract.code_hash,
    }
