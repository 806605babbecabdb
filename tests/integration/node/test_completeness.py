"""A node whose one endpoint hides, alters, moves or re-times an event: found by the contracts' accumulators, and healed."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.support.anvil import TestChain, fresh_anvil
from tests.support.deployed import DEPARTMENT, OTHER, Deployed, deployed_on, everything_once
from xinlian.chain import questions
from xinlian.chain.bindings import RecordLedger
from xinlian.chain.events import of_department
from xinlian.chain.follower import Follower
from xinlian.chain.questions import Question
from xinlian.chain.rpc import Rpc
from xinlian.chain.wire import Header, Log
from xinlian.node import completeness
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.completeness import Completeness
from xinlian.node.following import Following
from xinlian.protocol.errors import ChainError
from xinlian.protocol.types import Uscc
from xinlian.store import chain_cache
from xinlian.store.opening import Store, open_store

T = TypeVar("T")
TellLog = Callable[[Log], Log | None]
TellHeader = Callable[[Header], Header]


class Lying(Rpc):
    """An endpoint that tells logs and headers as a test wants, and counts what it is asked."""

    tell_log: TellLog = staticmethod(lambda log: log)
    tell_header: TellHeader = staticmethod(lambda header: header)
    calls = 0
    down = False

    def honest(self) -> None:
        self.tell_log, self.tell_header = lambda log: log, lambda header: header

    async def ask_all(self, asked: Sequence[Question[T]]) -> list[T]:
        answers: list[Any] = list(await super().ask_all(asked))
        for place, question in enumerate(asked):
            if question.method == "eth_getLogs":
                told = [self.tell_log(log) for log in answers[place]]
                answers[place] = sorted(
                    (log for log in told if log is not None), key=lambda one: (one.block_number, one.log_index)
                )
            elif isinstance(answers[place], Header):
                answers[place] = self.tell_header(answers[place])
            elif question.method == "eth_call":
                if self.down:
                    raise ChainError("rpc-down", "down")
                self.calls += 1
        return answers


@dataclasses.dataclass
class Watch:
    """What follows and what watches it."""

    rpc: Lying
    deployed: Deployed
    store: Store
    following: Following
    follower: Follower
    now: float = 0.0
    watching: Completeness = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.following._follower = self.follower
        self.begin()

    def begin(self) -> None:
        """A watcher that remembers nothing, as after a start."""
        self.watching = Completeness(
            self.rpc, self.deployed.deployment, self.following, period_s=0.01, pause_s=0.0, monotonic=lambda: self.now
        )

    async def follow(self) -> None:
        async with self.following._turn:
            await self.following._round(self.follower)

    async def afresh(self) -> None:
        """Follow everything anew."""
        await self.following.forget_after(-1)
        self.following.set_doubt(completeness.DOUBT, None)
        self.begin()
        await self.follow()

    def rows(self) -> list[chain_cache.ChainEvent]:
        with self.store.node.read() as reader:
            return chain_cache.all_events(reader)

    @property
    def doubt(self) -> ChainError | None:
        return self.following.doubt


@pytest.fixture(scope="module")
def chain() -> Iterator[TestChain]:
    with fresh_anvil() as running:
        yield running


@pytest.fixture
async def watch(chain: TestChain, tmp_path: Path) -> AsyncIterator[Watch]:
    snapshot = chain.snapshot()
    async with Lying(chain.url) as rpc:
        deployed = await deployed_on(chain, rpc, tmp_path)
        rpc.calls = 0
        store = open_store(tmp_path / "node")
        following = Following(Uscc("12411599MBTEST0039"), store.node, ChainState(), Clock(), 0, 0.01)
        yield Watch(rpc, deployed, store, following, Follower(rpc, deployed.deployment, following))
        store.close()
    chain.revert(snapshot)


async def all_logs(watch: Watch) -> list[Log]:
    addresses = [one.address for one in watch.deployed.deployment.contracts.values()]
    return await watch.rpc.ask(questions.logs(addresses, 0, 10**6))


def instead_of(true: Log, told: Log | None) -> TellLog:
    return lambda log: told if (log.block_number, log.log_index) == (true.block_number, true.log_index) else log


async def test_everything_that_was_followed_is_proven(watch: Watch, chain: TestChain) -> None:
    await everything_once(watch.deployed, chain)
    assert watch.watching.proven_to == -1
    await watch.follow()
    await watch.watching.look()
    assert (watch.doubt, watch.watching.proven_to) == (None, chain.height())
    await watch.deployed.anchor(3)
    await watch.follow()
    await watch.watching.look()
    assert (watch.doubt, watch.watching.proven_to) == (None, chain.height())


async def test_every_hidden_event_is_found_and_read_anew(watch: Watch, chain: TestChain) -> None:
    """Also those that create something: what comes after must not stop the node."""
    await everything_once(watch.deployed, chain)
    await watch.follow()
    rows, logs = watch.rows(), await all_logs(watch)
    assert len(rows) == len(logs) > 25
    for true in logs:
        watch.rpc.tell_log = instead_of(true, None)
        await watch.afresh()
        assert len(watch.rows()) == len(rows) - 1
        await watch.watching.look()
        assert watch.doubt is not None, true
        assert watch.doubt.code == "events-differ"
        assert not watch.following.may_send
        watch.rpc.honest()
        await watch.follow()
        assert watch.doubt is not None, "only a comparison ends it"
        await watch.watching.look()
        assert watch.doubt is None
        assert watch.rows() == rows


async def test_every_moved_or_retimed_event_is_found(watch: Watch, chain: TestChain) -> None:
    await everything_once(watch.deployed, chain)
    chain.mine(2)
    head = await watch.rpc.ask(questions.head())
    for true in await all_logs(watch):
        moved = dataclasses.replace(true, block_number=head.number, block_hash=head.hash, log_index=true.log_index + 50)
        watch.rpc.tell_log = instead_of(true, moved)
        await watch.afresh()
        await watch.watching.look()
        assert watch.doubt is not None, true
        watch.rpc.honest()

        def later(header: Header, number: int = true.block_number) -> Header:
            return dataclasses.replace(header, time=header.time + 1) if header.number == number else header

        watch.rpc.tell_header = later
        await watch.afresh()
        await watch.watching.look()
        assert watch.doubt is not None, true
        watch.rpc.honest()


async def test_an_altered_argument_is_found(watch: Watch) -> None:
    await watch.deployed.anchor(1)
    [true] = [one for one in await all_logs(watch) if one.address == watch.deployed.address("RecordLedger").lower()]
    watch.rpc.tell_log = instead_of(true, dataclasses.replace(true, data=b"\x07" * 32 + true.data[32:]))
    await watch.follow()
    await watch.watching.look()
    assert watch.doubt is not None
    assert watch.doubt.fields == {"accumulator": f"RecordLedger.accumulatorOf({DEPARTMENT}, 1)", "count": 1}


async def test_what_no_event_touched_must_still_be_zero(watch: Watch) -> None:
    """The only batch of a stream is hidden: nothing that was followed names that stream."""
    await watch.deployed.anchor(1, stream=3)
    ledger = watch.deployed.address("RecordLedger").lower()
    watch.rpc.tell_log = lambda log: None if log.address == ledger else log
    await watch.follow()
    await watch.watching.look()
    assert watch.doubt is not None
    assert watch.doubt.fields["accumulator"] == f"RecordLedger.accumulatorOf({DEPARTMENT}, 3)"


async def test_a_lie_that_goes_on_is_read_anew_only_every_ten_minutes(watch: Watch) -> None:
    await watch.deployed.anchor(1)
    await watch.follow()
    await watch.watching.look()
    proven = watch.watching.proven_to
    await watch.deployed.anchor(2)
    true = (await all_logs(watch))[-1]
    watch.rpc.tell_log = instead_of(true, None)
    forgotten: list[int] = []
    forget = watch.following.forget_after

    async def noted(block_number: int) -> None:
        forgotten.append(block_number)
        await forget(block_number)

    watch.following.forget_after = noted  # type: ignore[method-assign]
    for watch.now in (0.0, 100.0, 599.0, 600.0, 700.0):
        await watch.follow()
        await watch.watching.look()
        assert watch.doubt is not None
    assert forgotten == [proven, proven], "not from the beginning"


async def test_a_rollback_below_what_was_folded_begins_anew(watch: Watch, chain: TestChain) -> None:
    await watch.deployed.anchor(1)
    await watch.follow()
    await watch.watching.look()
    snapshot = chain.snapshot()
    await watch.deployed.anchor(2)
    await watch.follow()
    await watch.watching.look()
    chain.revert(snapshot)
    chain.mine()
    await watch.deployed.anchor(2, size=9)
    chain.mine()
    await watch.follow()
    assert [one.name for one in watch.rows()].count("BatchAnchored") == 2
    await watch.watching.look()
    assert (watch.doubt, watch.watching.proven_to) == (None, chain.height())


async def test_only_final_blocks_are_compared(watch: Watch, chain: TestChain) -> None:
    deployment = dataclasses.replace(watch.deployed.deployment, confirmations=3)
    watching = Completeness(watch.rpc, deployment, watch.following, period_s=1, pause_s=0)
    await watch.deployed.anchor(1)
    await watch.follow()
    await watching.look()
    assert (watch.doubt, watching.proven_to) == (None, chain.height() - 3)


async def test_the_work_of_a_look_is_bounded_and_everything_has_its_turn(
    watch: Watch, chain: TestChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    await everything_once(watch.deployed, chain)
    await watch.follow()
    monkeypatch.setattr(completeness, "TOUCHED_A_LOOK", 2)
    monkeypatch.setattr(completeness, "IN_TURN_A_LOOK", 3)
    monkeypatch.setattr(completeness, "_PAGE", 7)
    looks = 0
    while watch.watching.proven_to < 0:
        watch.rpc.calls = 0
        await watch.watching.look()
        looks += 1
        assert watch.rpc.calls <= 5
    known = completeness._known(watch.watching._folded)
    assert {*of_department(DEPARTMENT), *of_department(OTHER)} < set(known)
    assert (looks, watch.doubt) == (-(-len(known) // 3), None)


async def test_an_endpoint_that_is_down_or_not_held_proves_nothing(watch: Watch) -> None:
    await watch.deployed.anchor(1)
    await watch.watching.look()
    assert watch.rpc.calls == 0, "nothing was followed yet"
    await watch.follow()
    watch.rpc.down = True
    await watch.watching.look()
    assert (watch.doubt, watch.watching.proven_to) == (None, -1)
    watch.rpc.down = False
    watch.following.alarm = ChainError("chain-replaced", "another chain")
    await watch.watching.look()
    assert watch.watching.proven_to == -1
    watch.following.alarm = None
    await watch.watching.look()
    assert watch.watching.proven_to > 0


async def test_a_difference_that_is_gone_after_the_pause_is_none(watch: Watch) -> None:
    """Two answers of two moments of a reorganisation must not stop a node."""
    await watch.deployed.anchor(1)
    await watch.follow()
    stream = RecordLedger(watch.deployed.address("RecordLedger")).accumulator("accumulatorOf", (DEPARTMENT, 1)).params[0]
    ask_all = watch.rpc.ask_all
    lied: list[int] = []

    async def once(asked: Sequence[Question[Any]]) -> list[Any]:
        answers = await ask_all(asked)
        for place, question in enumerate(asked):
            if question.params and question.params[0] == stream and not lied:
                answers[place] = b"\x01" * 32
                lied.append(place)
        return answers

    watch.rpc.ask_all = once  # type: ignore[method-assign]
    await watch.watching.look()
    assert (len(lied), watch.doubt) == (1, None)
