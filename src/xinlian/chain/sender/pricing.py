"""What a transaction may use and pay: gas estimated on the pending state, fees raised for a replacement.

Example: ``fees = await raised(desk, old)`` is None when there is nothing to raise.
"""

from __future__ import annotations

from xinlian.chain import questions
from xinlian.chain.calls import Call
from xinlian.chain.fees import Fees, current_fees
from xinlian.chain.sender.desk import Desk
from xinlian.chain.sender.refusals import raise_funds
from xinlian.protocol.errors import ChainError


async def gas_for(desk: Desk, call: Call) -> int:
    """A gas limit with the margin of the options.

    Raises:
        ChainError: tx-reverted, chain-funds, rpc-*.
    """
    address = desk.key.address
    try:
        gas = await desk.rpc.ask(questions.estimate_gas(address, call.to, call.data))
    except ChainError as error:
        if error.code == "tx-reverted" and not desk.nonces:
            raise
        if error.code not in {"rpc-refused", "tx-reverted"}:
            raise
        raise_funds(error, address)
        # a node without a pending state cannot see our own open transactions; ask it for what it has
        gas = await desk.rpc.ask(questions.estimate_gas(address, call.to, call.data, "latest"))
    return gas + gas * desk.options.gas_margin_percent // 100


async def raised(desk: Desk, old: Fees) -> Fees | None:
    """Fees that may replace the old ones; None when there is nothing to raise or the cap forbids it."""
    cap_wei = desk.options.fee_cap_wei
    if old.price_wei == 0:
        return None
    try:
        current = await current_fees(desk.rpc, cap_wei)
    except ChainError as error:
        if error.code != "chain-fee-cap":
            raise
        return None
    higher = old.bumped().at_least(current)
    return higher if higher.price_wei <= cap_wei else None
