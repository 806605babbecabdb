from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.anvil import START_S, TestChain, fresh_anvil
from tests.support.deployed import DEPARTMENT, Deployed, MemoryLog, batch, deployed_on, everything_once
from xinlian.chain import questions
from xinlian.chain.abi import event_members
from xinlian.chain.bindings import accumulator
from xinlian.chain.events import AccumulatorId, Event, body, body_of_log, replay
from xinlian.chain.follower import Followed, Follower, FollowerOptions, Rollback
from xinlian.chain.questions import Question
from xinlian.chain.rpc import Rpc
from xinlian.protocol.chainview import BlockRef
from xinlian.protocol.errors import ChainError

T = TypeVar("T")


@dataclass
class Cache:
    """What a node keeps: blocks and events, rolled back as told."""

    blocks: dict[int, BlockRef] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    rollbacks: list[int] = field(default_factory=list)

    async def newest_blocks(self, limit: int) -> Sequence[BlockRef]:
        return [self.blocks[number] for number in sorted(self.blocks, reverse=True)][:limit]

    async def round(self, follower: Follower) -> None:
        async for step in follower.steps():
            if isinstance(step, Rollback):
                self.rollbacks.append(step.block.number)
                self.blocks = {number: one for number, one in self.blocks.items() if number <= step.block.number}
                self.events = [one for one in self.events if one.block_number <= step.block.number]
            else:
                self.blocks |= {one.number: one for one in step.blocks}
                self.blocks[step.head.number] = step.head
                self.events.extend(step.events)

    def names(self) -> list[str]:
        return [one.name for one in self.events]


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def follower_of(deployed: Deployed, cache: Cache, rpc: Rpc | None = None, **options: object) -> Follower:
    return Follower(rpc or deployed.rpc, deployed.deployment, cache, FollowerOptions(**options))  # type: ignore[arg-type]


async def accumulators_on_chain(deployed: Deployed, ids: Sequence[AccumulatorId]) -> dict[AccumulatorId, bytes]:
    asked = [accumulator(deployed.deployment, one) for one in ids]
    return dict(zip(ids, await deployed.rpc.ask_all(asked), strict=True))


async def test_every_event_is_delivered_and_every_accumulator_comes_out(chain: TestChain, deployed: Deployed) -> None:
    await everything_once(deployed, chain)
    cache = Cache()
    await cache.round(follower_of(deployed, cache))
    found = replay(cache.events)
    assert found == await accumulators_on_chain(deployed, list(found))
    assert len(found) == 27
    logs = await deployed.rpc.ask(questions.logs([one.address for one in deployed.deployment.contracts.values()], 0, 10**6))
    assert [body_of_log(log, one.contract) for log, one in zip(logs, cache.events, strict=True)] == list(map(body, cache.events))
    assert {(one.contract, one.name) for one in cache.events} == set(event_members())


@pytest.mark.parametrize("change", ["drop", "swap", "time", "argument"])
async def test_an_altered_event_list_does_not_come_out(chain: TestChain, deployed: Deployed, change: str) -> None:
    for sequence in (1, 2, 3):
        await deployed.anchor(sequence)
    cache = Cache()
    await cache.round(follower_of(deployed, cache))
    batches = [one for one in cache.events if one.name == "BatchAnchored"]
    stream = AccumulatorId("RecordLedger", "accumulatorOf", (DEPARTMENT, 1))
    right = (await accumulators_on_chain(deployed, [stream]))[stream]
    assert replay(batches)[stream] == right
    first = batches[1]
    wrong = Event(first.contract, first.name, dict(first.args), first.block_number, first.block_hash, first.block_time, "", 0)
    if change == "time":
        wrong = Event(first.contract, first.name, first.args, first.block_number, first.block_hash, first.block_time + 1, "", 0)
    if change == "argument":
        wrong = Event(first.contract, first.name, {**first.args, "size": 5}, first.block_number, "", first.block_time, "", 0)
    altered = {
        "drop": [batches[0], batches[2]],
        "swap": [batches[1], batches[0], batches[2]],
        "time": [batches[0], wrong, batches[2]],
        "argument": [batches[0], wrong, batches[2]],
    }
    assert replay(altered[change])[stream] != right


async def test_one_block_at_a_time_gives_the_same_as_all_at_once(chain: TestChain, deployed: Deployed) -> None:
    for sequence in range(1, 6):
        await deployed.anchor(sequence)
        chain.mine(3)
    at_once, slowly = Cache(), Cache()
    await at_once.round(follower_of(deployed, at_once))
    await slowly.round(follower_of(deployed, slowly, first_span_blocks=1, max_span_blocks=1))
    assert slowly.events == at_once.events
    assert max(slowly.blocks) == max(at_once.blocks) == chain.height()


async def test_it_resumes_from_what_is_remembered(chain: TestChain, deployed: Deployed) -> None:
    cache = Cache()
    await deployed.anchor(1)
    await cache.round(follower_of(deployed, cache))
    await deployed.anchor(2)
    again = follower_of(deployed, cache)
    await cache.round(again)
    await cache.round(again)
    assert [one.args["sequence"] for one in cache.events if one.name == "BatchAnchored"] == [1, 2]
    assert again.status.lag_blocks == 0


async def test_a_reorganisation_of_three_blocks(chain: TestChain, deployed: Deployed) -> None:
    cache = Cache()
    follower = follower_of(deployed, cache)
    await deployed.anchor(1)
    await cache.round(follower)
    fork, snapshot = chain.height(), chain.snapshot()
    await deployed.anchor(2)
    await deployed.anchor(3)
    await deployed.anchor(4)
    await cache.round(follower)
    assert len([one for one in cache.events if one.name == "BatchAnchored"]) == 4
    chain.revert(snapshot)
    chain.mine()  # the other branch begins with an empty block
    await deployed.anchor(2, size=9)
    chain.mine(3)
    await cache.round(follower)
    assert cache.rollbacks == [fork]
    sizes = [one.args["size"] for one in cache.events if one.name == "BatchAnchored"]
    assert sizes == [4, 9]
    fresh = Cache()
    await fresh.round(follower_of(deployed, fresh))
    assert fresh.events == cache.events


async def test_anvils_own_reorganisation_of_depth_three(chain: TestChain, deployed: Deployed) -> None:
    cache = Cache()
    follower = follower_of(deployed, cache)
    log = MemoryLog()
    sender = deployed.sender(log=log)
    for sequence in (1, 2, 3):
        await sender.wait(await sender.send(deployed.ledger.anchor([batch(sequence)], []), "anchor"), 10)
    await cache.round(follower)
    chain.reorganise(3)
    await cache.round(follower)
    assert len(cache.rollbacks) == 1
    assert [one for one in cache.events if one.name == "BatchAnchored"] == []
    for tx in log.txs:
        log.states[tx.hash] = "sent"
    await sender.resync()
    while sender.open_count > 0:
        await sender.look()
    await cache.round(follower)
    assert [one.args["sequence"] for one in cache.events if one.name == "BatchAnchored"] == [1, 2, 3]
    found = replay(cache.events)
    assert found == await accumulators_on_chain(deployed, list(found))


async def test_a_fork_deeper_than_allowed_is_another_chain(chain: TestChain, deployed: Deployed) -> None:
    cache = Cache()
    follower = follower_of(deployed, cache, max_reorg_blocks=2)
    chain.mine(5)
    await cache.round(follower)
    chain.reorganise(4)
    with pytest.raises(ChainError) as caught:
        await cache.round(follower)
    assert caught.value.code == "chain-replaced"
    assert caught.value.fields["reason"] == "deep-reorganisation"
    assert cache.rollbacks == []


async def test_a_chain_that_stays_shorter_is_replaced_a_lagging_node_is_not(chain: TestChain, deployed: Deployed) -> None:
    time, cache = Time(), Cache()
    follower = follower_of(deployed, cache, monotonic=time)
    snapshot = chain.snapshot()
    chain.mine(5)
    await cache.round(follower)
    height = chain.height()
    chain.revert(snapshot)
    time.now = 10
    await cache.round(follower)
    assert follower.status.age_s(time.now) == 10
    assert max(cache.blocks) == height
    time.now = 50
    with pytest.raises(ChainError) as caught:
        await cache.round(follower)
    assert caught.value.code == "chain-replaced"
    assert caught.value.fields["reason"] == "shorter"


async def test_the_views_age_counts_from_contact_not_from_the_blocks_time(chain: TestChain, deployed: Deployed) -> None:
    time, cache = Time(), Cache()
    async with Rpc(chain.url, attempts=1) as rpc:
        follower = follower_of(deployed, cache, rpc, monotonic=time)
        await cache.round(follower)
        for now in (100.0, 200.0):
            time.now = now
            await cache.round(follower)
            assert follower.status.age_s(now) == 0
        chain.anvil.stop()
        time.now = 300.0
        with pytest.raises(ChainError) as caught:
            await cache.round(follower)
    assert caught.value.code == "rpc-down"
    assert follower.status.age_s(300.0) == 100


async def test_another_chain_behind_the_same_url(chain: TestChain, deployed: Deployed) -> None:
    cache = Cache()
    async with Rpc(chain.url, attempts=1) as rpc:
        follower = follower_of(deployed, cache, rpc)
        await cache.round(follower)
        chain.anvil.stop()
        with pytest.raises(ChainError) as down:
            await cache.round(follower)
        assert down.value.code == "rpc-down"
        with fresh_anvil(genesis_time=START_S + 1, port=chain.anvil.port) as other:
            other.mine(20)
            with pytest.raises(ChainError) as caught:
                await cache.round(follower)
    assert caught.value.code == "chain-replaced"
    assert caught.value.fields["reason"] == "genesis"


async def test_the_same_genesis_without_our_contracts_is_another_chain(chain: TestChain, deployed: Deployed) -> None:
    cache = Cache()
    async with Rpc(chain.url) as rpc:
        follower = follower_of(deployed, cache, rpc)
        await cache.round(follower)
        chain.anvil.stop()
        chain.anvil.start()  # no state was kept: the same genesis block, nothing on it
        chain.mine(20)
        with pytest.raises(ChainError) as caught:
            await cache.round(follower)
    assert caught.value.code == "chain-replaced"
    assert caught.value.fields["reason"] == "code"


async def test_before_the_first_step_a_wrong_chain_is_called_wrong(deployed: Deployed) -> None:
    cache = Cache()
    with fresh_anvil(genesis_time=START_S + 1) as other:
        async with Rpc(other.url) as rpc:
            with pytest.raises(ChainError) as caught:
                await cache.round(follower_of(deployed, cache, rpc))
    assert caught.value.code == "chain-wrong"


class Stingy(Rpc):
    """A node that refuses log ranges longer than three blocks, as public nodes do beyond theirs."""

    refused = 0

    async def ask(self, question: Question[T]) -> T:
        if question.method == "eth_getLogs":
            asked = question.params[0]
            assert isinstance(asked, dict)
            if int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) > 2:
                self.refused += 1
                raise ChainError("rpc-refused", "query returned more than 10000 results", rpc_message="too much")
        return await super().ask(question)


async def test_ranges_shrink_until_the_node_serves_them(chain: TestChain, deployed: Deployed) -> None:
    for sequence in range(1, 5):
        await deployed.anchor(sequence)
        chain.mine(4)
    cache, reference = Cache(), Cache()
    async with Stingy(chain.url) as rpc:
        await cache.round(follower_of(deployed, cache, rpc))
        assert 0 < rpc.refused < 20
    await reference.round(follower_of(deployed, reference))
    assert cache.events == reference.events


class MovesWhileReading(Rpc):
    """The chain reorganises between the reading of logs and of headers."""

    moved: TestChain | None = None

    async def ask(self, question: Question[T]) -> T:
        answer = await super().ask(question)
        if question.method == "eth_getLogs" and self.moved is not None:
            chain, self.moved = self.moved, None
            chain.reorganise(2)
        return answer


async def test_a_chain_that_moves_while_it_is_read_is_read_again(chain: TestChain, deployed: Deployed) -> None:
    cache = Cache()
    async with MovesWhileReading(chain.url) as rpc:
        follower = follower_of(deployed, cache, rpc)
        await cache.round(follower)
        await deployed.anchor(1)
        await deployed.anchor(2)
        rpc.moved = chain
        await cache.round(follower)
        await cache.round(follower)
    assert [one for one in cache.events if one.name == "BatchAnchored"] == []
    head = await deployed.rpc.ask(questions.head())
    assert cache.blocks[head.number].hash == head.hash


async def test_a_step_that_was_not_stored_comes_again(chain: TestChain, deployed: Deployed) -> None:
    cache = Cache()
    await deployed.anchor(1)
    steps = follower_of(deployed, cache).steps()
    first = await anext(steps)
    assert isinstance(first, Followed)
    await steps.aclose()  # type: ignore[attr-defined]  # an asynchronous generator, typed as its iterator
    second = await anext(follower_of(deployed, cache).steps())
    assert first == second


async def test_time_and_history_survive_a_restart_of_the_chain(tmp_path: Path) -> None:
    with fresh_anvil(state_file=tmp_path / "state.json") as chain:
        async with Rpc(chain.url) as rpc:
            deployed = await deployed_on(chain, rpc, tmp_path)
            cache = Cache()
            follower = follower_of(deployed, cache)
            await deployed.anchor(1)
            await cache.round(follower)
            before = await rpc.ask(questions.head())
            early = await rpc.ask(deployed.ledger.slot_of(DEPARTMENT, 1, 1, before.number - 1))
            chain.anvil.stop()
            chain.anvil.start()
            await cache.round(follower)
            assert cache.rollbacks == []
            await deployed.anchor(2)
            after = await rpc.ask(questions.head())
            assert before.time <= after.time < before.time + 10
            assert await rpc.ask(deployed.ledger.slot_of(DEPARTMENT, 1, 1, before.number - 1)) == early == bytes(32)
            await cache.round(follower)
    assert [one.args["sequence"] for one in cache.events if one.name == "BatchAnchored"] == [1, 2]
