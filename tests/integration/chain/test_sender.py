from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TypeVar

import pytest

from tests.support.anvil import TestChain, fresh_anvil
from tests.support.deployed import DEPARTMENT, Deployed, MemoryLog, batch
from xinlian.chain import questions, raw_tx
from xinlian.chain.calls import Call
from xinlian.chain.questions import Question
from xinlian.chain.rpc import Rpc
from xinlian.chain.sender import FILLER, Sender, SenderOptions
from xinlian.protocol.errors import ChainError

T = TypeVar("T")


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


class Scripted(Rpc):
    """A transport that meddles with broadcasts."""

    def __init__(self, url: str) -> None:
        super().__init__(url, attempts=1)
        self.kill_before = self.kill_after = self.swallow = 0
        self.raws: list[str] = []

    async def ask(self, question: Question[T]) -> T:
        if question.method != "eth_sendRawTransaction":
            return await super().ask(question)
        self.raws.append(str(question.params[0]))
        if self.kill_before == len(self.raws):
            raise Killed
        if self.swallow >= len(self.raws):
            raise ChainError("rpc-timeout", "the answer was lost")
        answer = await super().ask(question)
        if self.kill_after == len(self.raws):
            raise Killed
        return answer


class Time:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def pay(to: str, wei: int = 1) -> Call:
    return Call(to, b"", "pay", wei)


@pytest.fixture
def receiver() -> str:
    return "0x00000000000000000000000000000000000A11cE"


def sender_of(chain: TestChain, rpc: Rpc, log: MemoryLog, time: Time | None = None) -> Sender:
    options = SenderOptions(31337, poll_s=0.01) if time is None else SenderOptions(31337, poll_s=0.01, monotonic=time)
    return Sender(rpc, chain.key("payer"), log, options)


async def test_fifty_at_once_are_mined_once_each(chain: TestChain, rpc: Rpc, receiver: str) -> None:
    log = MemoryLog()
    sender = sender_of(chain, rpc, log)

    async def one(number: int) -> int:
        mined = await sender.wait(await sender.send(pay(receiver), f"pay {number}"), 30)
        return mined.block.number

    blocks = await asyncio.gather(*(one(number) for number in range(50)))
    assert await rpc.ask(questions.balance_wei(receiver)) == 50
    assert sorted(tx.nonce for tx in log.txs) == list(range(50))
    assert len(set(blocks)) == 50
    assert sender.open_count == 0


async def test_it_is_stored_before_it_is_broadcast(chain: TestChain, receiver: str) -> None:
    async with Scripted(chain.url) as rpc:
        log = MemoryLog()
        seen: list[list[str]] = []
        original = rpc.ask

        async def watching(question: Question[T]) -> T:
            if question.method == "eth_sendRawTransaction":
                seen.append(list(log.story))
            return await original(question)

        rpc.ask = watching  # type: ignore[method-assign]
        sender = sender_of(chain, rpc, log)
        await sender.wait(await sender.send(pay(receiver), "pay", load={"batch": 7}), 10)
    assert seen == [["signed 0"]]
    assert log.loads[log.txs[0].hash] == {"batch": 7}
    assert log.story == ["signed 0", "sent", "mined 0 in 1"]


@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
async def test_a_kill_around_the_broadcast_loses_and_doubles_nothing(chain: TestChain, receiver: str, moment: str) -> None:
    log = MemoryLog()
    async with Scripted(chain.url) as dying:
        setattr(dying, moment, 1)
        with pytest.raises(Killed):
            await sender_of(chain, dying, log).send(pay(receiver), "pay")
    async with Scripted(chain.url) as rpc:
        sender = sender_of(chain, rpc, log)
        await sender.resync()
        ticket = sender.find("pay")
        if ticket is not None:
            await sender.wait(ticket, 10)
        assert [bytes.fromhex(raw[2:]) for raw in rpc.raws] in ([], [log.txs[0].raw])
        assert await rpc.ask(questions.balance_wei(receiver)) == 1
    assert log.states[log.txs[0].hash] == "mined"
    assert len(log.txs) == 1


async def test_a_lost_answer_is_not_a_lost_transaction(chain: TestChain, receiver: str) -> None:
    async with Scripted(chain.url) as rpc:
        rpc.swallow = 2
        time = Time()
        log = MemoryLog()
        sender = sender_of(chain, rpc, log, time)
        ticket = await sender.send(pay(receiver), "pay")
        assert log.states[ticket.hash] == "signed"
        for _ in range(3):
            time.now += 6
            await sender.look()
        await sender.look()
        assert log.states[ticket.hash] == "mined"
        assert len(set(rpc.raws)) == 1
        assert await rpc.ask(questions.balance_wei(receiver)) == 1


async def test_a_stuck_transaction_is_replaced_with_the_same_nonce(chain: TestChain, rpc: Rpc, receiver: str) -> None:
    time, log = Time(), MemoryLog()
    sender = sender_of(chain, rpc, log, time)
    chain.automine(False)
    ticket = await sender.send(pay(receiver), "pay", load="the load")
    time.now += 60
    await sender.look()
    old, new = (raw_tx.parse(tx.raw, 31337) for tx in log.txs)
    assert (old.nonce, old.call.to, old.call.value_wei) == (new.nonce, new.call.to, new.call.value_wei)
    assert new.fees.price_wei * 4 >= old.fees.price_wei * 5
    assert log.loads[log.txs[1].hash] == "the load"
    chain.mine()
    mined = await sender.wait(ticket, 0)
    assert mined.hash == log.txs[1].hash
    assert await rpc.ask(questions.balance_wei(receiver)) == 1


async def test_the_replaced_one_may_win(chain: TestChain, rpc: Rpc, receiver: str) -> None:
    time, log = Time(), MemoryLog()
    async with Scripted(chain.url) as meddled:
        sender = sender_of(chain, meddled, log, time)
        chain.automine(False)
        ticket = await sender.send(pay(receiver), "pay")
        meddled.swallow = 2  # the replacement never arrives
        time.now += 60
        await sender.look()
        assert len(log.txs) == 2
        chain.mine()
        mined = await sender.wait(ticket, 0)
    assert mined.hash == log.txs[0].hash == ticket.hash
    assert log.states[log.txs[1].hash] == "over"


async def test_after_a_restart_a_replaced_pair_is_settled_whichever_won(chain: TestChain, rpc: Rpc, receiver: str) -> None:
    time, log = Time(), MemoryLog()
    chain.automine(False)
    first = sender_of(chain, rpc, log, time)
    await first.send(pay(receiver), "pay")
    time.now += 60
    await first.look()
    chain.mine()
    second = sender_of(chain, rpc, log)
    await second.resync()
    assert second.open_count == 0
    assert sorted(log.states.values()) == ["mined", "over"]


async def test_a_revert_is_named_with_its_arguments_before_anything_is_stored(deployed: Deployed) -> None:
    log = MemoryLog()
    with pytest.raises(ChainError) as caught:
        await deployed.sender(log=log).send(deployed.ledger.anchor([batch(3)], []), "anchor")
    assert caught.value.code == "tx-reverted"
    assert caught.value.fields["error"] == "RecordLedgerSequenceGap"
    assert caught.value.fields["args"] == {"stream": 1, "sequence": 3, "missing": 2}
    assert log.txs == []


async def test_a_transaction_that_reverts_when_mined_is_named_and_uses_its_nonce(chain: TestChain, deployed: Deployed) -> None:
    log = MemoryLog()
    sender = deployed.sender(log=log)
    ticket = await sender.send(deployed.ledger.anchor([batch(3)], []), "anchor", gas=200_000)
    with pytest.raises(ChainError) as caught:
        await sender.wait(ticket, 10)
    assert caught.value.code == "tx-reverted"
    assert caught.value.fields["error"] == "RecordLedgerSequenceGap"
    assert log.states[ticket.hash] == "failed"
    after = await sender.send(deployed.ledger.anchor([batch(1)], []), "anchor")
    assert after.nonce == ticket.nonce + 1
    await sender.wait(after, 10)


async def test_running_out_of_gas_is_named(deployed: Deployed) -> None:
    sender = deployed.sender()
    ticket = await sender.send(deployed.ledger.anchor([batch(1)], []), "anchor", gas=60_000)
    with pytest.raises(ChainError) as caught:
        await sender.wait(ticket, 10)
    assert caught.value.code == "tx-reverted"
    assert caught.value.fields["error"] == "OutOfGas"


async def test_ours_wait_in_the_pool_and_the_next_is_estimated_on_top(chain: TestChain, deployed: Deployed) -> None:
    sender = deployed.sender()
    chain.automine(False)
    tickets = [await sender.send(deployed.ledger.anchor([batch(number)], []), "anchor") for number in (1, 2, 3)]
    chain.mine()
    blocks = {(await sender.wait(ticket, 10)).block.number for ticket in tickets}
    assert len(blocks) == 1
    assert await deployed.rpc.ask(deployed.ledger.is_anchored(DEPARTMENT, batch(3)))


async def test_a_gap_is_filled_so_that_later_ones_can_be_mined(chain: TestChain, rpc: Rpc, receiver: str) -> None:
    log = MemoryLog()
    chain.automine(False)
    sender = sender_of(chain, rpc, log)
    for number in range(3):
        await sender.send(pay(receiver), f"pay {number}")
    lost = log.txs.pop(1)  # a log restored from a backup that misses one; the node's pool forgot it, too
    chain.rpc("anvil_dropAllTransactions")
    restarted = sender_of(chain, rpc, log)
    await restarted.resync()
    assert [tx.purpose for tx in log.txs if tx.nonce == lost.nonce] == [FILLER]
    chain.mine()
    await restarted.look()
    assert restarted.open_count == 0
    assert await rpc.ask(questions.balance_wei(receiver)) == 2


async def test_a_nonce_used_by_a_stranger_is_taken_again_with_the_next(chain: TestChain, rpc: Rpc, receiver: str) -> None:
    log = MemoryLog()
    sender = sender_of(chain, rpc, log)
    await sender.resync()
    stranger = sender_of(chain, rpc, MemoryLog())
    await stranger.wait(await stranger.send(pay(receiver, 100), "elsewhere"), 10)
    ticket = await sender.send(pay(receiver), "pay", load="load")
    await sender.wait(ticket, 10)
    assert ticket.nonce == 1
    assert [log.states[tx.hash] for tx in log.txs] == ["failed", "mined"]
    assert await rpc.ask(questions.balance_wei(receiver)) == 101


async def test_a_stored_one_whose_nonce_a_stranger_used_is_lost_not_silent(chain: TestChain, rpc: Rpc, receiver: str) -> None:
    log = MemoryLog()
    async with Scripted(chain.url) as dying:
        dying.kill_before = 1
        with pytest.raises(Killed):
            await sender_of(chain, dying, log).send(pay(receiver), "pay")
    stranger = sender_of(chain, rpc, MemoryLog())
    await stranger.wait(await stranger.send(pay(receiver, 100), "elsewhere"), 10)
    sender = sender_of(chain, rpc, log)
    await sender.resync()
    ticket = sender.find("pay")
    assert ticket is not None
    with pytest.raises(ChainError) as caught:
        await sender.wait(ticket, 10)
    assert caught.value.code == "tx-lost"
    assert log.states[log.txs[0].hash] == "failed"


async def test_a_reorganisation_takes_it_back_and_it_is_mined_again(chain: TestChain, rpc: Rpc, receiver: str) -> None:
    log = MemoryLog()
    sender = sender_of(chain, rpc, log)
    before = chain.snapshot()
    await sender.wait(await sender.send(pay(receiver), "pay"), 10)
    chain.revert(before)
    chain.mine(3)
    log.states[log.txs[0].hash] = "sent"  # what the node's log does on a rollback
    await sender.resync()
    await sender.look()
    assert await rpc.ask(questions.balance_wei(receiver)) == 1
    assert log.states[log.txs[0].hash] == "mined"
    assert len(log.txs) == 1


async def test_a_node_that_is_down_for_a_while(chain: TestChain, receiver: str) -> None:
    log, time = MemoryLog(), Time()
    async with Rpc(chain.url, attempts=1) as rpc:
        sender = sender_of(chain, rpc, log, time)
        chain.automine(False)
        ticket = await sender.send(pay(receiver), "pay")
        down = chain.anvil
        down.stop()
        with pytest.raises(ChainError) as caught:
            await sender.look()
        assert caught.value.code == "rpc-down"
        with pytest.raises(ChainError) as refused:
            await sender.send(pay(receiver), "another")
        assert refused.value.code == "rpc-down"
        down.start()  # without its state: an empty pool, as after any restart
        chain.fund(sender.address)
        time.now += 6
        await sender.look()
        await sender.wait(ticket, 10)
        assert await rpc.ask(questions.balance_wei(receiver)) == 1
    assert len(log.txs) == 1


async def test_a_timeout_leaves_it_queued(chain: TestChain, rpc: Rpc, receiver: str) -> None:
    chain.automine(False)
    sender = sender_of(chain, rpc, MemoryLog())
    ticket = await sender.send(pay(receiver), "pay")
    with pytest.raises(ChainError) as caught:
        await sender.wait(ticket, 0.05)
    assert caught.value.code == "tx-timeout"
    assert caught.value.retryable
    assert sender.open_count == 1


@pytest.fixture(params=["zero-fee", "legacy"])
def cheap(request: pytest.FixtureRequest) -> Iterator[TestChain]:
    extra: tuple[str, ...] = ("--gas-price", "0", "--base-fee", "0", "--no-priority-fee")
    if request.param == "legacy":
        extra = ("--hardfork", "berlin", "--gas-price", "7")
    with fresh_anvil(extra=extra) as chain:
        yield chain


async def test_zero_fee_and_legacy_chains(cheap: TestChain, receiver: str) -> None:
    log = MemoryLog()
    async with Rpc(cheap.url) as rpc:
        header = await rpc.ask(questions.head())
        sender = sender_of(cheap, rpc, log)
        await sender.wait(await sender.send(pay(receiver), "pay"), 10)
        assert await rpc.ask(questions.balance_wei(receiver)) == 1
    fees = raw_tx.parse(log.txs[0].raw, 31337).fees
    assert (fees.tip_wei is None) == (header.base_fee_wei is None)
    assert fees.price_wei in (0, 7)


async def test_a_fee_above_the_cap_is_refused_before_anything_is_stored(chain: TestChain, rpc: Rpc, receiver: str) -> None:
    log = MemoryLog()
    sender = Sender(rpc, chain.key("payer"), log, SenderOptions(31337, fee_cap_wei=10))
    with pytest.raises(ChainError) as caught:
        await sender.send(pay(receiver), "pay")
    assert caught.value.code == "chain-fee-cap"
    assert log.txs == []
