"""Signing keys of the chain: transactions and proofs of possession.

``ChainKey`` is the port, with one question: sign this message. ``LocalKey`` holds the secret in memory, ``chain.remote_key``
asks a signer that holds it. What is signed is built here and in ``raw_tx``, so both sign the very same bytes.

Example: ``await LocalKey.from_secret(secret).sign(b"...")``

Source: SEC 1 and EIP-2 (signatures), EIP-712 (typed data).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import coincurve
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32
from eth_utils.address import to_checksum_address

from xinlian.chain.calls import NewSigner
from xinlian.chain.libraries import tame
from xinlian.protocol.errors import ConfigError
from xinlian.protocol.keccak import keccak256

SIGNATURE_BYTES = 65
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half of secp256k1's order: the chain takes no greater ``s`` (EIP-2)."""


class ChainKey(Protocol):
    """Something that signs for one address."""

    @property
    def address(self) -> str:
        """Checksummed address."""
        ...

    async def sign(self, message: bytes) -> bytes:
        """Sign the Keccak-256 of a message: 65 bytes r ‖ s ‖ v, ``s`` in the lower half of the order, v 27 or 28.

        Raises:
            ChainError: signer-down, signer-refused or signer-answer, of a key that is elsewhere.
        """
        ...


class LocalKey:
    """A key whose secret is in this process's memory; signs deterministically (RFC 6979).

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

    async def sign(self, message: bytes) -> bytes:
        """Sign the Keccak-256 of a message."""
        return bytes(self._account.unsafe_sign_hash(Hash32(keccak256(message))).signature)


def address_of(public_key: bytes) -> str:
    """The checksummed address of an uncompressed public key without its prefix, 64 bytes."""
    return to_checksum_address(keccak256(public_key)[-20:])


def signed_by(message: bytes, signature: bytes) -> str | None:
    """The address whose key made this signature of ``ChainKey.sign``'s form, None when it is none or not of that form."""
    if len(signature) != SIGNATURE_BYTES or signature[64] not in {27, 28} or int.from_bytes(signature[32:64]) > _HALF_ORDER:
        return None
    try:
        found = coincurve.PublicKey.from_signature_and_message(
            signature[:64] + bytes([signature[64] - 27]), keccak256(message), hasher=None
        )
    except ValueError:
        return None
    return address_of(found.format(compressed=False)[1:])


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


def possession_bytes(registry: Registry, department: str, signer: str, roles: int) -> bytes:
    """What of ``possession_message`` is hashed and signed: 0x1901, domain separator, struct hash (EIP-712)."""
    encoded = encode_typed_data(full_message=possession_message(registry, department, signer, roles))
    return b"\x19" + encoded.version + encoded.header + encoded.body


async def prove_possession(key: ChainKey, registry: Registry, department: str, roles: int) -> NewSigner:
    """A signer entry ready for ``register`` or ``addSigner``, signed by the new key itself.

    Args:
        key: the new signer's key.
        registry: chain and contract; the proof holds nowhere else.
        department: USCC it will belong to, for ever.
        roles: bit mask 1 ANCHOR, 2 LAW, 4 ADMIN.

    Raises:
        ChainError: as ``ChainKey.sign``.
    """
    proof = await key.sign(possession_bytes(registry, department, key.address, roles))
    return NewSigner(key.address, roles, proof)
