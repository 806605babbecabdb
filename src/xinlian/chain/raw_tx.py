"""Raw signed transactions: what stands inside, so that one can be replaced after a restart from its bytes alone.

Example: ``parse(raw).nonce``

Source: EIP-155 (legacy), EIP-1559 (type 2), RLP (Ethereum yellow paper, appendix B).
"""

from __future__ import annotations

from dataclasses import dataclass

import rlp  # type: ignore[import-untyped]  # publishes no types; two calls, read below
from eth_utils.address import to_checksum_address

from xinlian.chain.calls import Call
from xinlian.chain.fees import Fees
from xinlian.chain.keys import ChainKey, SignedTransaction
from xinlian.protocol.errors import ChainError


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

    def fields(self) -> dict[str, object]:
        """As eth_account wants them."""
        fields: dict[str, object] = {
            "chainId": self.chain_id,
            "nonce": self.nonce,
            "gas": self.gas,
            "value": self.call.value_wei,
            "data": self.call.data,
            **self.fees.fields(),
        }
        if self.call.to is not None:
            fields["to"] = self.call.to
        return fields


def sign(key: ChainKey, unsigned: Unsigned) -> SignedTransaction:
    """Sign; equal input gives equal bytes."""
    return key.sign_transaction(unsigned.fields())


def parse(raw: bytes, chain_id: int) -> Unsigned:
    """What a legacy or type-2 transaction holds.

    Args:
        raw: signed bytes of our own making.
        chain_id: of the chain (a legacy transaction hides it in its signature).

    Raises:
        ChainError: chain-abi when the bytes are neither.
    """
    try:
        if raw[:1] == b"\x02":
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
