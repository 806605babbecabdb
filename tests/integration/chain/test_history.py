"""One RPC node that hides, alters or re-times a single event, consistently in logs and receipts: every one is found."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.support.anvil import TestChain
from tests.support.deployed import DEPARTMENT, Deployed, batch
from tests.support.lying import Alter, lying_node
from xinlian.chain.abi import event_members
from xinlian.chain.calls import Mark
from xinlian.chain.keys import Registry, prove_possession
from xinlian.chain.view import RpcView
from xinlian.protocol.errors import ChainError

Log = dict[str, Any]
Lie = Callable[[Log], Log | None]
"""What is told instead of one log; None hides it."""
Ask = Callable[[RpcView], object]
LIST_OF: dict[str, Ask] = {
    "RecordLedger": lambda view: view.anchoring(DEPARTMENT, 1, 1),
    "DepartmentRegistry": lambda view: view.key_sets(DEPARTMENT),
}


@pytest.fixture
async def lived(chain: TestChain, deployed: Deployed) -> Deployed:
    """A department with batches, marks, new keys, a new signer, a suspension and its end."""
    await deployed.anchor(1)
    await deployed.send(deployed.ledger.anchor([batch(2)], [Mark(1, 0, 0b1 << 4)]))
    chain.rpc("evm_increaseTime", hex(100))
    await deployed.send(deployed.ledger.set_status(1, [(0, 0b1)], 2, 2))
    chain.rpc("evm_increaseTime", hex(100))
    chain.mine()
    await deployed.send(deployed.ledger.set_status(1, [(0, 0b1)], 3, 2))
    await deployed.anchor(3)
    await deployed.send(deployed.registry.publish_keys('{"keys":[2]}'))
    await deployed.send(deployed.registry.change_endpoint("https://new.test"))
    place = Registry(deployed.deployment.chain_id, deployed.address("DepartmentRegistry"))
    await deployed.send(deployed.registry.add_signer(await prove_possession(chain.key("third"), place, DEPARTMENT, 1)))
    await deployed.send(deployed.registry.suspend(DEPARTMENT, 1), deployed.authority)
    await deployed.send(deployed.registry.reinstate(DEPARTMENT), deployed.authority)
    return deployed


def logs_of(chain: TestChain, deployed: Deployed, contract: str) -> list[Log]:
    """The true logs that the list of a contract is made of."""
    asked = {"address": deployed.address(contract), "fromBlock": "0x0", "toBlock": "latest"}
    department = "0x" + DEPARTMENT.encode().ljust(32, b"\0").hex()
    found = chain.rpc("eth_getLogs", asked)
    return [one for one in found if one["topics"][1] == department]


def telling(true: Log, lie: Lie, method_names: Sequence[str] = ("eth_getLogs", "eth_getTransactionReceipt")) -> Alter:
    """Tell the lie about one log wherever it stands."""

    def told(log: Log) -> list[Log]:
        if (log["blockNumber"], log["logIndex"]) != (true["blockNumber"], true["logIndex"]):
            return [log]
        instead = lie(copy.deepcopy(log))
        return [] if instead is None else [instead]

    def alter(method: str, params: list[Any], result: Any) -> Any:
        if method not in method_names or result is None:
            return result
        if method == "eth_getLogs":
            return [one for log in result for one in told(log)]
        return {**result, "logs": [one for log in result["logs"] for one in told(log)]}

    return alter


def hidden(log: Log) -> None:
    return None


def bent(log: Log) -> Log:
    """One bit of its data, or of its last topic when it has none."""
    if len(log["data"]) > 2:
        return {**log, "data": log["data"][:-1] + ("0" if log["data"][-1] != "0" else "1")}
    return {**log, "topics": [*log["topics"][:-1], log["topics"][-1][:-1] + "7"]}


def later(log: Log) -> Log:
    return {**log, "blockTimestamp": hex(int(log["blockTimestamp"], 16) + 1)}


def refusal(chain: TestChain, deployed: Deployed, lie: Alter, ask: Ask) -> ChainError:
    """How a view over one lying node refuses."""
    with (
        lying_node(chain.url, lie) as url,
        RpcView.over([url], deployed.deployment) as view,
        pytest.raises(ChainError) as caught,
    ):
        ask(view)
    return caught.value


@pytest.mark.parametrize("contract", LIST_OF)
@pytest.mark.parametrize("lie", [hidden, bent, later])
async def test_a_lie_about_any_event_is_found(chain: TestChain, lived: Deployed, contract: str, lie: Lie) -> None:
    events = logs_of(chain, lived, contract)
    assert len(events) >= 6
    key = f"{DEPARTMENT}, 1" if contract == "RecordLedger" else DEPARTMENT
    for true in events:
        error = refusal(chain, lived, telling(true, lie), LIST_OF[contract])
        if lie is bent and error.code in {"chain-abi", "rpc-answer"}:
            continue  # the bit stands where not even the form is right any more, or in the topic that was asked for
        assert error.code == "events-differ"
        assert error.fields["accumulator"] == f"{contract}.accumulatorOf({key})"


@pytest.mark.parametrize("contract", LIST_OF)
async def test_an_event_told_of_another_block_is_found(chain: TestChain, lived: Deployed, contract: str) -> None:
    """The other block exists, its hash and time are told truly: only the event does not belong there."""
    other = chain.rpc("eth_getBlockByNumber", hex(chain.height()), False)

    def moved(log: Log) -> Log:
        place = {"blockNumber": other["number"], "blockHash": other["hash"], "blockTimestamp": other["timestamp"]}
        return {**log, **place, "logIndex": hex(77)}

    for true in logs_of(chain, lived, contract)[:-1]:
        assert refusal(chain, lived, telling(true, moved), LIST_OF[contract]).code == "events-differ"


@pytest.mark.parametrize("contract", LIST_OF)
async def test_a_node_that_says_no_times_with_its_logs_and_lies_about_the_blocks(
    chain: TestChain, lived: Deployed, contract: str
) -> None:
    def silent(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getLogs":
            return result
        return [{name: value for name, value in log.items() if name != "blockTimestamp"} for log in result]

    with lying_node(chain.url, silent) as url, RpcView.over([url], lived.deployment) as view:
        assert LIST_OF[contract](view), "the blocks' own times fold as well"
    for true in logs_of(chain, lived, contract):

        def lie(method: str, params: list[Any], result: Any, number: str = true["blockNumber"]) -> Any:
            if method == "eth_getBlockByNumber" and result["number"] == number:
                return {**result, "timestamp": hex(int(result["timestamp"], 16) + 1)}
            return silent(method, params, result)

        assert refusal(chain, lived, lie, LIST_OF[contract]).code == "events-differ"


async def test_a_hidden_earlier_mark_behind_a_later_one(chain: TestChain, lived: Deployed) -> None:
    """Revoked, then erased: hiding the revocation would make the moment in between look current."""
    marks = "0x" + event_members()["RecordLedger", "StatusSet"].digest.hex()
    events = [one for one in logs_of(chain, lived, "RecordLedger") if one["topics"][0] == marks]
    revoked, erased = events[-2], events[-1]
    between = int(erased["blockNumber"], 16) - 1
    with RpcView.over([chain.url], lived.deployment) as view:
        assert view.status_at(DEPARTMENT, 1, 0, between) == 2
    hiding = refusal(chain, lived, telling(revoked, hidden), lambda view: view.status_at(DEPARTMENT, 1, 0, between))
    assert hiding.code == "events-differ"


async def test_a_moment_moved_by_the_times_of_blocks(chain: TestChain, lived: Deployed) -> None:
    """Asked as of a time after the revocation; the node pretends that block to be younger than that time."""
    marks = "0x" + event_members()["RecordLedger", "StatusSet"].digest.hex()
    revoked = [one for one in logs_of(chain, lived, "RecordLedger") if one["topics"][0] == marks][-2]
    time = int(revoked["blockTimestamp"], 16)

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_getBlockByNumber" and int(result["number"], 16) >= int(revoked["blockNumber"], 16):
            return {**result, "timestamp": hex(int(result["timestamp"], 16) + 500)}
        return result

    with RpcView.over([chain.url], lived.deployment) as view:
        assert view.status_at(DEPARTMENT, 1, 0, view.block_at(time).number) == 2
    with lying_node(chain.url, lie) as url, RpcView.over([url], lived.deployment) as view:
        moment = view.block_at(time)
        assert moment.number < int(revoked["blockNumber"], 16)
        with pytest.raises(ChainError) as caught:
            view.status_at(DEPARTMENT, 1, 0, moment.number)
    assert caught.value.code == "events-differ"


async def test_a_node_that_lies_about_storage_too_is_believed_and_a_second_one_tells(chain: TestChain, lived: Deployed) -> None:
    """The limit: without another node or a storage proof, one that lies about the accumulator as well cannot be found out."""
    newest = logs_of(chain, lived, "DepartmentRegistry")[-1]
    before = hex(int(newest["blockNumber"], 16) - 1)
    hide = telling(newest, hidden)

    def consistent(method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_call":  # everything as it was before the event that is hidden
            return chain.rpc("eth_call", params[0], before)
        return hide(method, params, result)

    with lying_node(chain.url, consistent) as url:
        with RpcView.over([url], lived.deployment) as view:
            assert len(view.key_sets(DEPARTMENT)) == 2
        with RpcView.over([url, chain.url], lived.deployment) as both, pytest.raises(ChainError) as caught:
            both.key_sets(DEPARTMENT)
    assert caught.value.code == "rpc-disagree"


async def test_large_ranges_are_asked_in_parts(chain: TestChain, lived: Deployed) -> None:
    asked: list[int] = []

    def count(method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_getLogs":
            asked.append(int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16))
        return result

    with lying_node(chain.url, count) as url, RpcView.over([url], lived.deployment) as view:
        whole = [view.anchoring(DEPARTMENT, 1, sequence) for sequence in (1, 2, 3)]
        assert len(asked) == 2, "batches and marks, once for all three questions"
        parts = RpcView([Stingy(view)], lived.deployment)
        assert [parts.anchoring(DEPARTMENT, 1, sequence) for sequence in (1, 2, 3)] == whole


class Stingy:
    """A node that refuses log ranges longer than three blocks."""

    def __init__(self, view: RpcView) -> None:
        [self._node] = view._nodes

    def ask(self, question: Any) -> Any:
        return self.ask_all([question])[0]

    def ask_all(self, asked: Sequence[Any]) -> Any:
        for one in asked:
            if one.method == "eth_getLogs" and int(one.params[0]["toBlock"], 16) - int(one.params[0]["fromBlock"], 16) > 2:
                raise ChainError("rpc-refused", "query returned more than 10000 results", rpc_message="too much")
        return self._node.ask_all(asked)
