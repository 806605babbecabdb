"""What a transaction costs on this chain: type 2, legacy, or nothing.

Rules
1. A base fee in the newest block means type 2 (EIP-1559), none means legacy (EIP-155).
2. A chain that asks no price is paid none; a node without eth_maxPriorityFeePerGas gets a tip out of its gas price.
3. A replacement must raise every price by at least 10 % (nodes' rule); ``bumped`` raises by a quarter, and by at least 1 wei.

Source: EIP-1559; EIP-155.
"""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.chain import questions
from xinlian.chain.rpc import AsksChain
from xinlian.protocol.errors import ChainError


@dataclass(frozen=True, slots=True)
class Fees:
    """Prices in wei per gas.

    Args:
        price_wei: legacy gas price, or the cap of type 2 (maxFeePerGas).
        tip_wei: maxPriorityFeePerGas; None makes it a legacy transaction.
    """

    price_wei: int
    tip_wei: int | None

    def bumped(self) -> Fees:
        """The same, a quarter dearer."""
        return Fees(_dearer(self.price_wei), None if self.tip_wei is None else _dearer(self.tip_wei))

    def at_least(self, other: Fees) -> Fees:
        """The dearer of both, price by price; the own kind stays."""
        tip = None if self.tip_wei is None else max(self.tip_wei, other.tip_wei or 0)
        return Fees(max(self.price_wei, other.price_wei), tip)


def _dearer(price_wei: int) -> int:
    return price_wei + max(price_wei // 4, 1)


async def current_fees(rpc: AsksChain, cap_wei: int) -> Fees:
    """The fees to offer now.

    Raises:
        ChainError: chain-fee-cap when the chain asks more than ``cap_wei`` per gas, or the transport's errors.
    """
    head = await rpc.ask(questions.head())
    gas_price = await rpc.ask(questions.gas_price_wei())
    if head.base_fee_wei is None:
        fees = Fees(gas_price, None)
    elif head.base_fee_wei == 0 and gas_price == 0:
        fees = Fees(0, 0)  # rule 2: a suggested tip is not a price (anvil suggests 1 gwei on a chain that asks nothing)
    else:
        tip = await _tip(rpc, max(gas_price - head.base_fee_wei, 0))
        fees = Fees(2 * head.base_fee_wei + tip, tip)
    if fees.price_wei > cap_wei:
        raise ChainError("chain-fee-cap", f"the chain asks {fees.price_wei} wei per gas, allowed are {cap_wei}", cap_wei=cap_wei)
    return fees


async def _tip(rpc: AsksChain, fallback_wei: int) -> int:
    try:
        return await rpc.ask(questions.priority_fee_wei())
    except ChainError as error:
        if error.code not in {"rpc-refused", "rpc-answer"}:
            raise
        return fallback_wei
