"""Comparing RPC endpoints: what counts as a disagreement, and what is done about it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from xinlian.chain.questions import Question
from xinlian.node.agreeing import Agreeing
from xinlian.protocol.errors import ChainError
from xinlian.protocol.manifest import CONTRACTS, ContractDeployment, Deployment

T = TypeVar("T")
HASH = "0x" + "ab" * 32
DEPLOYMENT = Deployment(
    31337,
    HASH,
    0,
    {name: ContractDeployment("0x" + f"{i:02x}" * 20, 1, HASH, HASH) for i, name in enumerate(CONTRACTS, start=1)},
)


@dataclass
class Endpoint:
    """Answers from a small made-up chain; raises while it is down."""

    head: int = 5
    overrides: dict[str, Any] = field(default_factory=dict)
    down: bool = False

    async def ask(self, question: Question[T]) -> T:
        if self.down:
            raise ChainError("rpc-down", "down")
        tag = str(question.params[0]) if question.params else ""
        number = int(tag, 16) if question.method == "eth_getBlockByNumber" and tag != "latest" else self.head
        answers: dict[str, Any] = {
            "eth_chainId": hex(31337),
            "eth_getBlockByNumber": _header(number),
            "eth_getLogs": [],
            **self.overrides,
        }
        return question.read(answers[question.method])

    async def ask_all(self, asked: Sequence[Question[T]]) -> list[T]:
        return [await self.ask(one) for one in asked]


def _header(number: int, block_hash: str | None = None) -> dict[str, Any]:
    return {
        "number": hex(number),
        "hash": block_hash or "0x" + f"{number:064x}",
        "parentHash": "0x" + f"{max(number - 1, 0):064x}",
        "timestamp": hex(1_000 + number),
        "stateRoot": HASH,
        "baseFeePerGas": "0x0",
        "gasLimit": "0x1",
    }


@dataclass
class Told:
    """What the follower would be told."""

    doubts: dict[str, ChainError] = field(default_factory=dict)
    forgotten: list[int] = field(default_factory=list)

    @property
    def doubt(self) -> ChainError | None:
        return self.doubts.get("endpoints")

    def set_doubt(self, who: str, error: ChainError | None) -> None:
        self.doubts.pop(who, None)
        if error is not None:
            self.doubts[who] = error

    async def forget_after(self, block_number: int) -> None:
        self.forgotten.append(block_number)


def agreeing(first: Endpoint, second: Endpoint, told: Told) -> Agreeing:
    return Agreeing((first, second), DEPLOYMENT, told, period_s=0.01, pause_s=0.0)  # type: ignore[arg-type]


async def test_endpoints_at_different_heights_agree() -> None:
    told = Told()
    await agreeing(Endpoint(head=5), Endpoint(head=9), told).look()
    assert told.doubt is None


@pytest.mark.parametrize(
    ("overrides", "what"),
    [
        ({"eth_chainId": hex(1)}, "chain id"),
        ({"eth_getBlockByNumber": _header(5, HASH)}, "genesis"),
    ],
)
async def test_a_difference_that_stays_is_a_doubt(overrides: dict[str, Any], what: str) -> None:
    told = Told()
    await agreeing(Endpoint(), Endpoint(overrides=overrides), told).look()
    assert told.doubt is not None
    assert (told.doubt.code, told.doubt.fields["what"]) == ("rpc-disagree", what)


async def test_agreeing_again_forgets_what_was_read_in_between() -> None:
    told, first, second = Told(), Endpoint(head=5), Endpoint(head=5)
    compared = agreeing(first, second, told)
    await compared.look()
    second.overrides = {"eth_chainId": hex(1)}
    first.head = second.head = 9
    await compared.look()
    assert told.doubt is not None
    second.overrides = {}
    await compared.look()
    assert told.doubt is None
    assert told.forgotten == [5], "the last block both agreed on"


async def test_an_endpoint_that_is_down_is_no_disagreement_and_ends_none() -> None:
    told, second = Told(), Endpoint()
    compared = agreeing(Endpoint(), second, told)
    second.down = True
    await compared.look()
    assert told.doubt is None
    second.down, second.overrides = False, {"eth_chainId": hex(1)}
    await compared.look()
    second.down = True
    await compared.look()
    assert told.doubt is not None


async def test_one_endpoint_has_nothing_to_compare() -> None:
    alone = Agreeing((Endpoint(down=True),), DEPLOYMENT, Told(), period_s=0.01)  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(alone.run(), 0.05)


async def test_it_goes_on_comparing() -> None:
    told, second = Told(), Endpoint()
    compared = agreeing(Endpoint(), second, told)
    task = asyncio.create_task(compared.run())
    await asyncio.sleep(0.03)
    second.overrides = {"eth_chainId": hex(1)}
    for _ in range(200):
        if told.doubt is not None:
            break
        await asyncio.sleep(0.01)
    task.cancel()
    assert told.doubt is not None
