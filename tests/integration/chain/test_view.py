from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.anvil import START_S, TestChain, fresh_anvil
from tests.support.deployed import DEPARTMENT, DOCUMENT, JWKS, OTHER, Deployed, batch, proposal
from tests.support.lying import Alter, lying_node
from xinlian.chain import questions
from xinlian.chain.calls import Mark
from xinlian.chain.rpc import Rpc
from xinlian.chain.view import MAX_BEHIND_S, RpcView
from xinlian.protocol.chainview import ChainView
from xinlian.protocol.errors import ChainError
from xinlian.protocol.types import Hash32


@pytest.fixture
async def anchored(chain: TestChain, deployed: Deployed) -> Deployed:
    """Batches 1 to 3, later a superseded leaf 2, then an erased leaf 0 of batch 1."""
    await deployed.anchor(1)
    chain.mine(2)
    await deployed.anchor(2)
    await deployed.send(deployed.ledger.anchor([batch(3), batch(1, stream=2)], [Mark(1, 0, 0b1 << 4)]))
    await deployed.send(deployed.ledger.set_status(1, [(0, 0b1)], 3, 2))
    return deployed


@pytest.fixture
def view(anchored: Deployed, chain: TestChain) -> Iterator[RpcView]:
    with RpcView.over([chain.url], anchored.deployment) as one:
        yield one


def over(urls: list[str], deployed: Deployed) -> RpcView:
    return RpcView.over(urls, deployed.deployment, timeout_s=5.0)


async def test_what_stands_on_the_chain(anchored: Deployed, view: RpcView, chain: TestChain) -> None:
    as_port: ChainView = view
    assert as_port.chain_id() == 31337
    assert as_port.genesis_hash() == anchored.deployment.genesis_hash
    for one in anchored.deployment.contracts.values():
        assert as_port.code_hash(one.address) == one.code_hash
    assert as_port.head().number == chain.height()
    first = as_port.anchoring(DEPARTMENT, 1, 1)
    assert first is not None
    receipt = chain.rpc("eth_getTransactionReceipt", first.tx_hash)
    assert int(receipt["blockNumber"], 16) == first.block_number
    assert as_port.anchoring(DEPARTMENT, 1, 4) is None
    assert as_port.anchoring(OTHER, 1, 1) is None
    second = batch(2)
    root = Hash32(second.root)
    assert as_port.is_anchored(DEPARTMENT, 1, 2, root, second.size, second.suite)
    assert not as_port.is_anchored(DEPARTMENT, 1, 2, root, second.size + 1, second.suite)


async def test_status_as_of_every_block(anchored: Deployed, view: RpcView) -> None:
    head = view.head().number
    assert [view.status_at(DEPARTMENT, 1, 0, block) for block in (head - 1, head)] == [0, 3]
    assert [view.status_at(DEPARTMENT, 1, 2, block) for block in (head - 2, head - 1, head)] == [0, 1, 1]
    assert view.status_at(DEPARTMENT, 1, 1, head) == 0
    assert view.status_at(DEPARTMENT, 9, 0, head) == 0
    with pytest.raises(ChainError) as outside:
        view.status_at(DEPARTMENT, 1, 4, head)
    assert outside.value.code == "tx-reverted"
    assert outside.value.fields["error"] == "RecordLedgerIndexOutOfRange"
    with pytest.raises(ChainError) as later:
        view.status_at(DEPARTMENT, 1, 0, head + 1)
    assert later.value.code == "chain-not-reached"


async def test_departments_entries_and_keys_then(chain: TestChain, deployed: Deployed) -> None:
    registered = chain.height()
    await deployed.send(deployed.catalog.propose(proposal()))
    await deployed.send(deployed.catalog.publish(DEPARTMENT, 33, 1, DOCUMENT), deployed.authority)
    published = chain.height()
    await deployed.send(deployed.catalog.retire(DEPARTMENT, 33, 1, DOCUMENT), deployed.authority)
    await deployed.send(deployed.registry.publish_keys('{"keys":[2]}'))
    await deployed.send(deployed.registry.suspend(DEPARTMENT, 1), deployed.authority)
    suspended = chain.height()
    await deployed.send(deployed.registry.mark_compromised(DEPARTMENT, published), deployed.authority)
    with over([chain.url], deployed) as view:
        assert [view.is_active_at(DEPARTMENT, block) for block in (registered - 1, registered, suspended)] == [False, True, False]
        assert [view.is_published_at(DEPARTMENT, 33, 1, block) for block in (published - 1, published, published + 1)] == [
            False,
            True,
            False,
        ]
        assert [view.is_compromised_at(DEPARTMENT, block) for block in (published - 1, published)] == [False, True]
        assert not view.is_compromised_at(OTHER, published)
        assert [(one.block_number, one.jwks.decode()) for one in view.key_sets(DEPARTMENT)] == [
            (registered, JWKS),
            (published + 2, '{"keys":[2]}'),
        ]
        assert view.key_sets(OTHER) == []


async def test_the_block_at_a_time(chain: TestChain, deployed: Deployed) -> None:
    for at in (1000, 1000, 2000, 5000):
        chain.rpc("evm_setNextBlockTimestamp", START_S + at)
        chain.mine()
    head = chain.height()
    with over([chain.url], deployed) as view:
        for seconds, number in (
            (1000, head - 2),
            (1999, head - 2),
            (2000, head - 1),
            (4999, head - 1),
            (5000, head),
            (9999, head),
        ):
            assert view.block_at(START_S + seconds).number == number
        with pytest.raises(ChainError) as caught:
            view.block_at(START_S - 1)
    assert caught.value.code == "chain-not-reached"


# -- nodes that lie or disagree ----------------------------------------------------------------------


def _later_block(method: str, params: list[Any], result: Any) -> Any:
    """Says that every batch was anchored one block later."""
    if method == "eth_getLogs":
        return [{**one, "blockNumber": hex(int(one["blockNumber"], 16) + 1)} for one in result]
    return result


def _other_root(method: str, params: list[Any], result: Any) -> Any:
    """Shows another root in the logs, not in the receipts."""
    if method == "eth_getLogs":
        return [{**one, "data": "0x" + "11" * 32 + one["data"][66:]} for one in result]
    return result


def _failed_receipt(method: str, params: list[Any], result: Any) -> Any:
    return {**result, "status": "0x0"} if method == "eth_getTransactionReceipt" else result


def _no_receipt(method: str, params: list[Any], result: Any) -> Any:
    return None if method == "eth_getTransactionReceipt" else result


def _twice(method: str, params: list[Any], result: Any) -> Any:
    return [*result, *result] if method == "eth_getLogs" else result


def _other_transaction(method: str, params: list[Any], result: Any) -> Any:
    return [{**one, "transactionHash": "0x" + "ab" * 32} for one in result] if method == "eth_getLogs" else result


def _other_block_hash(method: str, params: list[Any], result: Any) -> Any:
    return [{**one, "blockHash": "0x" + "ab" * 32} for one in result] if method == "eth_getLogs" else result


def _foreign_address(method: str, params: list[Any], result: Any) -> Any:
    return [{**one, "address": "0x" + "ab" * 20} for one in result] if method == "eth_getLogs" else result


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (_later_block, "events-differ"),
        (_other_root, "events-differ"),
        (_twice, "events-differ"),
        (_failed_receipt, "rpc-answer"),
        (_no_receipt, "rpc-answer"),
        (_other_transaction, "rpc-answer"),
        (_other_block_hash, "rpc-answer"),
        (_foreign_address, "rpc-answer"),
    ],
)
async def test_one_node_that_lies_about_an_anchoring(anchored: Deployed, chain: TestChain, lie: Alter, code: str) -> None:
    with lying_node(chain.url, lie) as url, over([url], anchored) as view, pytest.raises(ChainError) as caught:
        view.anchoring(DEPARTMENT, 1, 1)
    assert caught.value.code == code


async def test_a_status_that_the_marks_do_not_add_up_to(anchored: Deployed, chain: TestChain) -> None:
    """The events are told truly, the answer of statusOf is not."""
    with over([chain.url], anchored) as honest:
        asked = honest._ledger.status_of(DEPARTMENT, 1, 0).params[0]

    def lie(method: str, params: list[Any], result: Any) -> Any:
        return result[:-1] + "0" if method == "eth_call" and params[0] == asked else result

    with lying_node(chain.url, lie) as url, over([url], anchored) as view, pytest.raises(ChainError) as caught:
        view.status_at(DEPARTMENT, 1, 0, view.head().number)
    assert caught.value.code == "rpc-answer"


async def test_two_nodes_that_disagree(anchored: Deployed, chain: TestChain) -> None:
    def deny(method: str, params: list[Any], result: Any) -> Any:
        return "0x" + "00" * 32 if method == "eth_call" else result

    one = batch(1)
    with lying_node(chain.url, deny) as url, over([chain.url, url], anchored) as view:
        assert view.chain_id() == 31337
        with pytest.raises(ChainError) as caught:
            view.is_anchored(DEPARTMENT, 1, 1, one.root, one.size, one.suite)
    assert caught.value.code == "rpc-disagree"
    assert caught.value.fields["node"] == 2


async def test_two_nodes_at_different_heights_agree(anchored: Deployed, chain: TestChain) -> None:
    height = chain.height()

    def behind(method: str, params: list[Any], result: Any) -> Any:
        asked_head = method == "eth_getBlockByNumber" and params[0] == "latest"
        return chain.rpc("eth_getBlockByNumber", hex(height - 1), False) if asked_head else result

    with lying_node(chain.url, behind) as url, over([chain.url, url], anchored) as view:
        assert view.head().number == height - 1
        assert view.status_at(DEPARTMENT, 1, 0, height - 1) == 0  # its erasure came in the last block


async def test_a_node_that_stands_still_disagrees(anchored: Deployed, chain: TestChain) -> None:
    """It shows a true block, only an old one: the verdict would be as of a moment before the revocation."""
    height = chain.height()

    def frozen(method: str, params: list[Any], result: Any) -> Any:
        asked_head = method == "eth_getBlockByNumber" and params[0] == "latest"
        return chain.rpc("eth_getBlockByNumber", hex(height), False) if asked_head else result

    chain.rpc("evm_increaseTime", hex(MAX_BEHIND_S + 1))
    chain.mine(1)
    with lying_node(chain.url, frozen) as url, over([chain.url, url], anchored) as view, pytest.raises(ChainError) as caught:
        view.head()
    assert (caught.value.code, caught.value.fields["node"]) == ("rpc-disagree", 2)


async def test_two_different_chains_disagree(anchored: Deployed, chain: TestChain) -> None:
    with fresh_anvil(genesis_time=START_S + 1) as other:
        other.mine(chain.height())
        with over([chain.url, other.url], anchored) as view, pytest.raises(ChainError) as caught:
            view.genesis_hash()
    assert caught.value.code == "rpc-disagree"


async def test_a_node_that_is_down(anchored: Deployed, chain: TestChain) -> None:
    view = RpcView.over([chain.url], anchored.deployment)
    assert view.head().number == chain.height()
    chain.anvil.stop()
    with pytest.raises(ChainError) as caught:
        view.chain_id()
    assert caught.value.code == "rpc-down"
    assert caught.value.retryable
    chain.anvil.start()
    assert view.chain_id() == 31337
    view.close()


# -- the asynchronous side ---------------------------------------------------------------------------


async def test_a_receipt_that_names_another_block_is_not_believed(chain: TestChain, deployed: Deployed) -> None:
    def lie(method: str, params: list[Any], result: Any) -> Any:
        return {**result, "blockHash": "0x" + "ab" * 32} if method == "eth_getTransactionReceipt" and result else result

    with lying_node(chain.url, lie) as url:
        async with Rpc(url) as rpc:
            other = Deployed(deployed.deployment, rpc, deployed.authority, deployed.signer)
            sender = other.sender()
            ticket = await sender.send(deployed.ledger.anchor([batch(1)], []), "anchor")
            with pytest.raises(ChainError) as caught:
                await sender.wait(ticket, 5)
    assert caught.value.code == "rpc-answer"
    assert sender.open_count == 1


async def test_a_node_that_never_answers(chain: TestChain) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Rpc(f"http://127.0.0.1:{port}", timeout_s=0.2, attempts=2) as rpc:
        with pytest.raises(ChainError) as caught:
            await rpc.ask(questions.head())
    server.close()
    assert caught.value.code == "rpc-timeout"
