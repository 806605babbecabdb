"""Signing keys of the chain: transactions and proofs of possession.

``ChainKey`` is the port; ``LocalKey`` holds the secret in memory, a remote signer may take its place.

Example: ``LocalKey.from_secret(secret).address``

Source: EIP-155, EIP-1559 (transactions), EIP-712 (typed data).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount

from xinlian.chain.calls import NewSigner
from xinlian.chain.libraries import tame
from xinlian.protocol.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Raw bytes ready for broadcast and their hash (``0x`` + 64 hex)."""

    raw: bytes
    hash: str


class ChainKey(Protocol):
    """Something that signs for one address."""

    @property
    def address(self) -> str:
        """Checksummed address."""
        ...

    def sign_transaction(self, fields: Mapping[str, object]) -> SignedTransaction:
        """Sign a transaction given as eth_account's dict; deterministic for equal fields (RFC 6979)."""
        ...

    def sign_typed_data(self, typed: Mapping[str, object]) -> bytes:
        """EIP-712 signature, 65 bytes r ‖ s ‖ v."""
        ...


class LocalKey:
    """A key whose secret is in this process's memory.

    Args:
        account: eth_account's signer; ``from_secret`` makes one.
    """

    __slots__ = ("_account",)

    def __init__(self, account: LocalAccount) -> None:
        tame()
        self._account = account

    @classmethod
    def from_secret(cls, secret: bytes) -> Self:
        """From 32 bytes.

        Raises:
            ConfigError: chain-key; the message never holds the secret.
        """
        try:
            return cls(Account.from_key(secret))
        except Exception as error:  # noqa: BLE001 (eth_keys raises many kinds; none of their texts may leave)
            del error
        raise ConfigError("chain-key", "the chain key is not a secp256k1 secret of 32 bytes")

    def __repr__(self) -> str:
        return f"LocalKey({self.address})"

    @property
    def address(self) -> str:
        """Checksummed address."""
        return str(self._account.address)

    def sign_transaction(self, fields: Mapping[str, object]) -> SignedTransaction:
        """Sign a transaction given as eth_account's dict."""
        signed = self._account.sign_transaction(cast("dict[str, Any]", dict(fields)))
        return SignedTransaction(bytes(signed.raw_transaction), "0x" + bytes(signed.hash).hex())

    def sign_typed_data(self, typed: Mapping[str, object]) -> bytes:
        """EIP-712 signature, 65 bytes r ‖ s ‖ v."""
        return bytes(self._account.sign_typed_data(full_message=dict(typed)).signature)


@dataclass(frozen=True, slots=True)
class Registry:
    """Where possession is proven: the registry contract on its chain."""

    chain_id: int
    address: str


def possession_message(registry: Registry, department: str, signer: str, roles: int) -> dict[str, object]:
    """The EIP-712 message a new signer signs, ``Possession(bytes18 department,address signer,uint8 roles)``."""
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Possession": [
                {"name": "department", "type": "bytes18"},
                {"name": "signer", "type": "address"},
                {"name": "roles", "type": "uint8"},
            ],
        },
        "primaryType": "Possession",
        "domain": {
            "name": "Xinlian DepartmentRegistry",
            "version": "1",
            "chainId": registry.chain_id,
            "verifyingContract": registry.address,
        },
        "message": {"department": department.encode("ascii"), "signer": signer, "roles": roles},
    }


def prove_possession(key: ChainKey, registry: Registry, department: str, roles: int) -> NewSigner:
    """A signer entry ready for ``register`` or ``addSigner``, signed by the new key itself.

    Args:
        key: the new signer's key.
        registry: chain and contract; the proof holds nowhere else.
        department: USCC it will belong to, for ever.
        roles: bit mask 1 ANCHOR, 2 LAW, 4 ADMIN.
    """
    proof = key.sign_typed_data(possession_message(registry, department, key.address, roles))
    return NewSigner(key.address, roles, proof)
