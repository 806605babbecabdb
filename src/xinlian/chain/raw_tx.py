"""Raw signed transactions: what is signed, what is broadcast, and what stands inside, so that one can be replaced after a restart
from its bytes alone.

Example: ``parse((await sign(key, unsigned)).raw, chain_id) == unsigned``

Source: EIP-155 (legacy), EIP-1559 (type 2), RLP (Ethereum yellow paper, appendix B).
"""

from __future__ import annotations

from dataclasses import dataclass

import rlp  # type: ignore[import-untyped]  # publishes no types; few calls, read below
from eth_utils.address import to_checksum_address

from xinlian.chain.calls import Call
from xinlian.chain.fees import Fees
from xinlian.chain.keys import ChainKey
from xinlian.protocol.errors import ChainError
from xinlian.protocol.keccak import keccak256

Item = int | bytes | list[bytes]
_TYPE_2 = b"\x02"


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Everything a signature covers.

    Args:
        chain_id: EIP-155.
        nonce: the sender's transaction number.
        gas: limit.
        fees: prices.
        call: content.
    """

    chain_id: int
    nonce: int
    gas: int
    fees: Fees
    call: Call

    @property
    def is_legacy(self) -> bool:
        """Whether it is of the kind before EIP-1559."""
        return self.fees.tip_wei is None

    def items(self) -> list[Item]:
        """What both the signed and the broadcast form begin with, in their order."""
        to = b"" if self.call.to is None else bytes.fromhex(self.call.to.removeprefix("0x"))
        content: list[Item] = [self.gas, to, self.call.value_wei, self.call.data]
        if self.fees.tip_wei is None:
            return [self.nonce, self.fees.price_wei, *content]
        return [self.chain_id, self.nonce, self.fees.tip_wei, self.fees.price_wei, *content, []]  # no access list

    def signing_bytes(self) -> bytes:
        """What is hashed and signed."""
        if self.is_legacy:
            return _rlp([*self.items(), self.chain_id, 0, 0])
        return _TYPE_2 + _rlp(self.items())


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Raw bytes ready for broadcast and their hash (``0x`` + 64 hex)."""

    raw: bytes
    hash: str


async def sign(key: ChainKey, unsigned: Unsigned) -> SignedTransaction:
    """Sign a transaction.

    Raises:
        ChainError: as ``ChainKey.sign``.
    """
    signature = await key.sign(unsigned.signing_bytes())
    r, s, parity = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64] - 27
    if unsigned.is_legacy:
        raw = _rlp([*unsigned.items(), unsigned.chain_id * 2 + 35 + parity, r, s])
    else:
        raw = _TYPE_2 + _rlp([*unsigned.items(), parity, r, s])
    return SignedTransaction(raw, "0x" + keccak256(raw).hex())


def _rlp(items: list[Item]) -> bytes:
    return bytes(rlp.encode(items))


def parse(raw: bytes, chain_id: int) -> Unsigned:
    """What a legacy or type-2 transaction holds.

    Args:
        raw: signed bytes of our own making.
        chain_id: of the chain (a legacy transaction hides it in its signature).

    Raises:
        ChainError: chain-abi when the bytes are neither.
    """
    try:
        if raw[:1] == _TYPE_2:
            _, nonce, tip, cap, gas, to, value, data, *_ = rlp.decode(raw[1:])
            fees = Fees(_number(cap), _number(tip))
        else:
            nonce, price, gas, to, value, data, *_ = rlp.decode(raw)
            fees = Fees(_number(price), None)
    except (rlp.exceptions.RLPException, ValueError, TypeError) as error:
        raise ChainError("chain-abi", "these bytes are no legacy or type-2 transaction") from error
    call = Call(to_checksum_address(to) if to else None, data, "stored transaction", _number(value))
    return Unsigned(chain_id, _number(nonce), _number(gas), fees, call)


def _number(raw: bytes) -> int:
    return int.from_bytes(raw)
