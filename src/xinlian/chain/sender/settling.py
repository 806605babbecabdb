"""Settling a used nonce: which of its transactions was mined, and what became of it.

Source: ``chain.sender``, rule 5.
"""

from __future__ import annotations

from xinlian.chain import questions, raw_tx
from xinlian.chain.sender.desk import Desk
from xinlian.chain.sender.values import Mined, StoredTx
from xinlian.chain.wire import TxReceipt
from xinlian.protocol.chainview import BlockRef
from xinlian.protocol.errors import ChainError

LOOKS_BEFORE_LOST = 5
"""Receipts may lag behind the nonce for a moment."""


async def settle_used(desk: Desk, used: int) -> None:
    """Settle every open nonce below ``used``, the number the chain expects next."""
    for nonce in desk.nonces:
        if nonce < used:
            await _settle(desk, nonce)


async def _settle(desk: Desk, nonce: int) -> None:
    opened, address = desk.nonces[nonce], desk.key.address
    receipts = await desk.rpc.ask_all([questions.tx_receipt(one.hash) for one in opened.txs])
    for tx, receipt in zip(opened.txs, receipts, strict=True):
        if receipt is not None:
            await _end(desk, tx, receipt)
            return
    opened.looks += 1
    if opened.looks >= LOOKS_BEFORE_LOST:
        text = f"transaction number {nonce} of {address} was used by a transaction we do not know"
        await desk.fail(nonce, ChainError("tx-lost", text, nonce=nonce, signer=address))


async def _end(desk: Desk, tx: StoredTx, receipt: TxReceipt) -> None:
    block = await _checked_block(desk, tx, receipt)
    if not receipt.succeeded:
        await desk.fail(tx.nonce, await _revert_reason(desk, tx, receipt))
        return
    await desk.log.record_mined(tx.hash, block)
    desk.nonces.succeeded(tx.nonce, Mined(tx.hash, block, receipt))


async def _checked_block(desk: Desk, tx: StoredTx, receipt: TxReceipt) -> BlockRef:
    header = await desk.rpc.ask(questions.block(receipt.block_number))
    if receipt.tx_hash != tx.hash or receipt.block_hash != header.hash:
        raise ChainError("rpc-answer", f"the receipt of {tx.hash} names a block or transaction that is not so", hash=tx.hash)
    return BlockRef(header.number, header.hash, header.time)


async def _revert_reason(desk: Desk, tx: StoredTx, receipt: TxReceipt) -> ChainError:
    """Why a mined transaction failed: it is run again on the state before its block."""
    unsigned = raw_tx.parse(tx.raw, desk.options.chain_id)
    call = unsigned.call
    try:
        await desk.rpc.ask(questions.call(call.to, call.data, receipt.block_number - 1, desk.key.address))
    except ChainError as error:
        if error.code == "tx-reverted":
            return error
    reason = "OutOfGas" if receipt.gas_used >= unsigned.gas else "Unknown"
    return ChainError("tx-reverted", f"{tx.purpose}: the transaction failed ({reason})", error=reason, args={}, hash=tx.hash)
