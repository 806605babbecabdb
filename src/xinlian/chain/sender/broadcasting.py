"""Handing stored transactions to the node: the first time, again while they wait, and replaced when they are stuck.

Rules
1. What is handed over was stored before; an answer that does not come is no failure, the next look hands it over again.
2. Only the oldest open nonce is replaced: those after it wait for it anyway.

Source: ``chain.sender``, rules 1 to 3.
"""

from __future__ import annotations

from xinlian.chain import questions, raw_tx
from xinlian.chain.raw_tx import Unsigned
from xinlian.chain.sender.desk import Desk
from xinlian.chain.sender.nonces import OpenNonce
from xinlian.chain.sender.pricing import raised
from xinlian.chain.sender.refusals import KNOWN, NONCE_USED, UNDERPRICED, has, raise_funds, refusal_text
from xinlian.protocol.errors import ChainError

_UNSURE = frozenset({"rpc-down", "rpc-timeout", "rpc-answer"})


async def broadcast(desk: Desk, opened: OpenNonce) -> None:
    """Hand the newest transaction of a nonce to the node.

    Raises:
        ChainError: tx-lost (its nonce is used, and not by it), chain-funds, rpc-refused: it will not be mined.
    """
    opened.broadcast_at = desk.options.monotonic()
    try:
        await desk.rpc.ask(questions.send_raw(opened.newest.raw))
    except ChainError as error:
        if error.code in _UNSURE:
            return  # perhaps it arrived, perhaps not: the next look broadcasts it again
        text = refusal_text(error)
        if has(text, NONCE_USED):
            await _check_not_lost(desk, opened, error)
            return
        if not has(text, KNOWN) and not (has(text, UNDERPRICED) and len(opened.txs) > 1):
            raise_funds(error, desk.key.address)
            raise
    await desk.log.record_sent(opened.newest.hash)


async def _check_not_lost(desk: Desk, opened: OpenNonce, cause: ChainError) -> None:
    """A used nonce is ours when any of its transactions has a receipt (the next look settles it then)."""
    receipts = await desk.rpc.ask_all([questions.tx_receipt(one.hash) for one in opened.txs])
    if all(receipt is None for receipt in receipts):
        raise ChainError("tx-lost", f"transaction number {opened.newest.nonce} of {desk.key.address} is used") from cause


async def push(desk: Desk) -> None:
    """Broadcast again what waits, replace what is stuck."""
    now = desk.options.monotonic()
    for position, nonce in enumerate(desk.nonces):
        opened = desk.nonces[nonce]
        if position == 0 and now - opened.since >= desk.options.stuck_after_s:
            await _replace(desk, opened)
        elif now - opened.broadcast_at >= desk.options.rebroadcast_s:
            await _push_again(desk, opened)


async def _push_again(desk: Desk, opened: OpenNonce) -> None:
    try:
        await broadcast(desk, opened)
    except ChainError as error:
        if error.code in {"chain-funds", "tx-lost"}:
            return  # funds may come, and a used nonce is settled by the next look
        await desk.fail(opened.newest.nonce, error)


async def _replace(desk: Desk, opened: OpenNonce) -> None:
    opened.since = desk.options.monotonic()
    old = raw_tx.parse(opened.newest.raw, desk.options.chain_id)
    fees = await raised(desk, old.fees)
    if fees is not None:
        higher = Unsigned(old.chain_id, old.nonce, old.gas, fees, old.call)
        await desk.store(higher, opened.newest.purpose, None, replaces=opened.newest)
    await _push_again(desk, opened)
