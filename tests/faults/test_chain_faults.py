"""The chain is away, lies, forks, shrinks or is another one: publishing goes on, nothing false is believed, nothing is lost."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession

from tests.support.anvil import TestChain
from tests.support.faults import Told, Trial, settle, trial, until
from tests.support.network import CONTRACTS_DIR, D01, D05, GENESIS_TIME, MNEMONIC, settings_of
from xinlian.chain.abi import event_members
from xinlian.chain.anvil import ZERO_FEES, Anvil, AnvilOptions, free_port
from xinlian.chain.deploy import DeployOptions, deploy
from xinlian.chain.keys import LocalKey
from xinlian.chain.rpc import Rpc
from xinlian.node.asking import Question
from xinlian.node.graph import build
from xinlian.node.reattach import reattach_offline
from xinlian.node.sharing import TermsByName
from xinlian.protocol.errors import ChainError, ConflictError, RefusedError
from xinlian.scenarios.calendar import shipped_calendar_bytes
from xinlian.store import anchoring, chain_cache
from xinlian.store.secrets import AUTHORITY_ROLE

pytestmark = pytest.mark.timeout(180)


async def readiness(trial_: Trial) -> dict[str, Any]:
    async with ClientSession() as session, session.get(trial_.node.url + "/readyz") as reply:
        found: dict[str, Any] = await reply.json()
    return {check["name"]: check["ok"] for check in found["checks"]} | {"ready": found["ready"]}


def states(one: Trial) -> list[str]:
    """States of the batches of stream records, by sequence."""
    with one.node.node.store.node.read() as reader:
        return [batch.state for batch in anchoring.all_batches(reader) if batch.stream == 1]


async def test_without_the_chain_publishing_goes_on_and_personal_data_stops_at_the_limit(tmp_path: Path) -> None:
    async with trial(tmp_path, D05, max_view_age_s=3.0, view_warn_age_s=1.0) as one:
        before, _ = await one.publish()
        assert await one.anchored(before)
        one.proxy.down = True
        position, ids = await one.publish(3)
        assert not await one.anchored(position, 1.0)
        assert one.exit_code(ids[0]) == 7
        assert await until(lambda: one.node.node.clock.view_age_s() > 3.0)
        with pytest.raises(RefusedError) as caught:
            await one.node.node.asking.ask(Question(D01, 1, None, "P", "query", ("x",), None, {}, ()), one.node.person)
        assert caught.value.code == "refused-view-fresh"
        ready = await readiness(one)
        assert (ready["ready"], ready["chain"], ready["chain-identity"]) == (False, False, True)
        one.proxy.down = False
        assert await one.anchored(position)
        assert one.exit_code(ids[0]) == 0
        assert (await readiness(one))["ready"]


async def test_a_receipt_of_another_block_is_not_believed(tmp_path: Path) -> None:
    async with trial(tmp_path, D05) as one:

        def lie(asked: Told, told: Told) -> Told:
            if asked["method"] == "eth_getTransactionReceipt" and told.get("result"):
                told["result"]["blockHash"] = "0x" + "11" * 32
            return told

        def silent(asked: Told, told: Told) -> Told:
            """Hides the events as well, so that only the receipt speaks."""
            return {**told, "result": []} if asked["method"] == "eth_getLogs" else lie(asked, told)

        one.proxy.alter = silent
        position, ids = await one.publish()
        assert not await one.anchored(position, 2.0)
        assert set(states(one)) == {"sent"}
        one.proxy.alter = lie
        one.proxy.alter = lambda asked, told: told
        await one.node.node.following.forget_after(0)
        assert await one.anchored(position)
        assert one.exit_code(ids[0]) == 0


async def test_a_transaction_said_to_be_mined_that_was_never_sent_on(tmp_path: Path) -> None:
    """The endpoint swallows the transaction, raises the nonce and makes up a receipt with a real block."""
    async with trial(tmp_path, D05) as one:
        chain, signer = TestChain(one.network.anvil), one.node.node.transactions.address_of("anchor").lower()
        sent: list[str] = []

        def lie(asked: Told, told: Told) -> Told:
            method, params = asked["method"], asked["params"]
            if method == "eth_sendRawTransaction":
                sent.append(params[0])
                return {**told, "result": "0x" + "00" * 32}
            if method == "eth_getTransactionCount" and sent and params[0].lower() == signer:
                return {**told, "result": hex(int(told["result"], 16) + 1)}
            if method == "eth_getTransactionReceipt":
                head = chain.rpc("eth_getBlockByNumber", "latest", False)
                return {**told, "result": _receipt(params[0], head)}
            return told

        one.proxy.alter, one.proxy.swallow = lie, frozenset({"eth_sendRawTransaction"})
        position, ids = await one.publish()
        assert await until(lambda: bool(sent))
        chain.mine()
        assert not await one.anchored(position, 3.0), "no event in the blocks, no anchoring"
        assert one.node.node.bundles.receipt(1, position) is None  # type: ignore[arg-type]
        one.proxy.alter, one.proxy.swallow = (lambda asked, told: told), frozenset()
        assert await one.anchored(position, 30)
        assert one.exit_code(ids[0]) == 0


def _receipt(tx_hash: str, head: dict[str, Any]) -> dict[str, Any]:
    return {
        "transactionHash": tx_hash,
        "blockHash": head["hash"],
        "blockNumber": head["number"],
        "status": "0x1",
        "gasUsed": "0x5208",
        "contractAddress": None,
        "logs": [],
    }


async def test_a_batch_with_another_root_in_the_logs_is_an_alarm(tmp_path: Path) -> None:
    async with trial(tmp_path, D05) as one:
        one.proxy.alter = _other_roots
        position, _ = await one.publish()
        following = one.node.node.following
        assert await until(lambda: following.alarm is not None)
        assert following.alarm is not None
        assert following.alarm.code == "batch-foreign"
        assert not one.node.node.anchoring.is_final(1, position)  # type: ignore[arg-type]
        again, _ = await one.publish()
        assert again == position + 1
        ready = await readiness(one)
        assert (ready["ready"], ready["chain-identity"]) == (False, False)


def _other_roots(asked: Told, told: Told) -> Told:
    """Flip the first bit of every event's data that is a root's length or longer."""
    if asked["method"] == "eth_getLogs":
        for log in told["result"]:
            if len(log["data"]) >= 2 + 64:
                log["data"] = "0x" + ("1" if log["data"][2] != "1" else "2") + log["data"][3:]
    return told


async def test_two_endpoints_that_disagree_stop_sending_and_giving_until_they_agree(tmp_path: Path) -> None:
    async with trial(tmp_path, D05, endpoints=2, rpc_compare_s=0.3) as one:
        node = one.node.node
        node.agreeing._pause_s = 0.1
        first, ids = await one.publish()
        assert await one.anchored(first)
        settled = node.clock.head().number

        def another_block(asked: Told, told: Told) -> Told:
            block = told["result"] if asked["method"] == "eth_getBlockByNumber" else None
            if block is not None and int(block["number"], 16) > settled:
                return {**told, "result": {**told["result"], "gasUsed": "0x1", "hash": "0x" + "22" * 32}}
            return told

        def no_logs(asked: Told, told: Told) -> Told:
            return {**told, "result": []} if asked["method"] == "eth_getLogs" else told

        for lie in (no_logs, another_block):
            one.proxy.alter = lie
            await settle_elsewhere(one)
            assert await until(lambda: node.following.doubt is not None), lie.__name__
            assert node.following.doubt is not None
            assert node.following.doubt.code == "rpc-disagree"
            ready = await readiness(one)
            assert (ready["ready"], ready["endpoints-agree"]) == (False, False)
            assert node.clock.view_age_s() == float("inf"), "no personal data either way"
            with pytest.raises(ChainError) as caught:
                await node.identity.rotate("hpke")
            assert caught.value.code == "rpc-disagree"
            position, _ = await one.publish()
            assert not await one.anchored(position, 0.5)
            one.proxy.alter = lambda asked, told: told
            assert await until(lambda: node.following.doubt is None and node.following.is_held, 30)
            assert await one.anchored(position, 30)
        assert one.exit_code(ids[0]) == 0
        assert node.state.department(D01) is not None
        assert [d.endpoint for d in node.state.department_list()] == [
            d.endpoint for d in one.network[D01].node.state.department_list()
        ]


async def test_one_endpoint_that_hides_an_event_is_found_by_the_accumulators(tmp_path: Path) -> None:
    """No second endpoint to compare with: the rotation of another department's keys is hidden, nothing else."""
    keys = "0x" + event_members()["DepartmentRegistry", "KeysPublished"].digest.hex()
    async with trial(tmp_path, D05, rpc_compare_s=0.3) as one:
        node = one.node.node
        node.completeness._pause_s = 0.1
        first, ids = await one.publish()
        assert await one.anchored(first)

        def no_new_keys(asked: Told, told: Told) -> Told:
            is_logs = asked["method"] == "eth_getLogs"
            return {**told, "result": [log for log in told["result"] if log["topics"][0] != keys]} if is_logs else told

        one.proxy.alter = no_new_keys
        await settle_elsewhere(one)
        assert await until(lambda: node.following.doubt is not None)
        assert node.following.doubt is not None
        assert node.following.doubt.code == "events-differ"
        assert node.following.doubt.fields["accumulator"] == f"DepartmentRegistry.accumulatorOf({D01})"
        ready = await readiness(one)
        assert (ready["ready"], ready["events-complete"], ready["endpoints-agree"]) == (False, False, True)
        assert node.clock.view_age_s() == float("inf"), "no personal data"
        position, _ = await one.publish()
        assert not await one.anchored(position, 0.5)
        one.proxy.alter = lambda asked, told: told
        node.completeness._read_anew_at = None  # ten minutes later
        assert await until(lambda: node.following.doubt is None and node.following.is_held, 30)
        assert await one.anchored(position, 30)
        assert one.exit_code(ids[0]) == 0
        theirs = node.state.department(D01)
        assert theirs is not None
        assert [k.version for k in theirs.key_sets] == [1, 2]
        assert (await readiness(one))["ready"]


async def settle_elsewhere(one: Trial) -> None:
    """Something happens on chain that the node should see."""
    await one.network[D01].node.identity.rotate("hpke")


@pytest.mark.parametrize("how", ["reorg", "revert"])
async def test_a_reorganisation_of_three_blocks(tmp_path: Path, how: str) -> None:
    async with trial(tmp_path, D05) as one:
        node, chain = one.node.node, TestChain(one.network.anvil)
        kept, kept_ids = await one.publish(2)
        assert await one.anchored(kept)
        snapshot, height = chain.snapshot(), chain.height()
        ids, last = [kept_ids[0]], kept
        revised = await node.publishing.revise(kept_ids[1], {**one.rows(1)[0]}, one.node.person)  # type: ignore[arg-type]
        assert await one.anchored(revised.last_position)
        await node.ending.revoke(kept_ids[0], 1, one.node.person)
        while chain.height() < height + 3:
            last, more = await one.publish()
            assert await one.anchored(last)
            ids += more
        assert await until(lambda: one.exit_code(kept_ids[0]) == 5)
        mined = chain.height()
        if how == "revert":
            chain.revert(snapshot)
            chain.mine(mined - height + 1)
        else:
            chain.reorganise(mined - height)
        old = {record_id: node.bundles.record_bundle(record_id, None, None, signed=False).receipt for record_id in ids[1:]}
        assert await until(lambda: not all(state == "final" for state in states(one)) or _rolled_back(one, old), 20)
        assert await until(lambda: set(states(one)) == {"final"}, 40), states(one)
        fresh, _ = await one.publish()
        assert await one.anchored(fresh)
        for record_id in ids[1:]:
            assert one.exit_code(record_id) == 0
        assert await until(lambda: one.exit_code(kept_ids[0]) == 5), "revoked again"
        first_revision = node.bundles.record_bundle(kept_ids[1], 1, None, signed=False)
        assert node.bundles.verify_parsed(first_revision).exit_code == 4, "superseded again"
        await assert_same_as_chain(one, chain)


def _rolled_back(one: Trial, old: dict[str, Any]) -> bool:
    bundles = one.node.node.bundles
    return any(bundles.record_bundle(r, None, None, signed=False).receipt != receipt for r, receipt in old.items())


async def assert_same_as_chain(one: Trial, chain: TestChain) -> None:
    """The cache equals one built from nothing, and every own batch stands in it once, without a gap."""
    node = one.node.node
    with node.store.node.read() as reader:
        before = {t: list(chain_cache.rows(reader, t)) for t in chain_cache.TABLES if t != "chain_blocks"}
        batches = [b for b in anchoring.all_batches(reader) if b.stream == 1]
    assert [b.sequence for b in batches] == list(range(1, len(batches) + 1))
    await node.following.forget_after(-1)
    assert not node.following.is_held
    assert await until(lambda: node.following.is_held)
    assert node.clock.head().number == chain.height()
    with node.store.node.read() as reader:
        after = {t: list(chain_cache.rows(reader, t)) for t in chain_cache.TABLES if t != "chain_blocks"}
    assert after == before


async def quiet(chain: TestChain, still_s: float = 2.5) -> None:
    """Wait until nobody sends anything any more."""
    height, since = chain.height(), time.monotonic()
    while time.monotonic() - since < still_s:
        await asyncio.sleep(0.1)
        if chain.height() != height:
            height, since = chain.height(), time.monotonic()


async def test_a_chain_that_became_shorter_is_an_alarm_and_nothing_is_sent(tmp_path: Path) -> None:
    async with trial(tmp_path, D05) as one:
        node, chain = one.node.node, TestChain(one.network.anvil)
        node.follower._options = dataclasses.replace(node.follower._options, shorter_grace_s=1.0)
        await one.lives[D01].stop()
        await quiet(chain)  # acts of both departments are anchored; a batch after the revert would make the chain longer again
        snapshot = chain.snapshot()
        position, _ = await one.publish()
        assert await one.anchored(position)
        senders = node.transactions._senders.values()
        assert await until(lambda: all(sender.open_count == 0 for sender in senders)), "else it would be sent again"
        chain.revert(snapshot)
        nonce = chain.rpc("eth_getTransactionCount", node.transactions.address_of("anchor"), "latest")
        assert await until(lambda: node.following.alarm is not None)
        assert node.following.alarm is not None
        assert (node.following.alarm.code, node.following.alarm.fields["reason"]) == ("chain-replaced", "shorter")
        later, ids = await one.publish(2)
        assert not await one.anchored(later, 1.5)
        assert one.exit_code(ids[0]) == 7, "durable, signed, and said to be pending"
        assert chain.rpc("eth_getTransactionCount", node.transactions.address_of("anchor"), "latest") == nonce
        assert (await readiness(one))["chain-identity"] is False


async def test_another_chain_behind_the_same_url_then_reattach(tmp_path: Path) -> None:  # noqa: PLR0915  # one story
    async with trial(tmp_path, D05) as one:
        node, nodes = one.node.node, one.network.nodes
        position, ids = await one.publish(3)
        assert await one.anchored(position)
        revised = await node.publishing.revise(ids[2], {**one.rows(1)[0]}, one.node.person)  # type: ignore[arg-type]
        assert await one.anchored(revised.last_position)
        terms = TermsByName((), (), ("home_count",), (), ("HPF_LOAN_REVIEW",), ("0x" + "11" * 32,), 1, 2_000_000_000, 5)
        await nodes[D01].node.working_days.load(2026, shipped_calendar_bytes())
        await one.network.share(D05, D01, "BDC-01", terms)
        with node.store.node.read() as reader:
            roots = [(b.stream, b.sequence, b.root) for b in anchoring.all_batches(reader)]
        with pytest.raises(ConflictError) as caught:
            await node.reattaching.reattach((tmp_path / "deployment.json").read_bytes())
        assert caught.value.code == "chain-not-replaced"
        await quiet(TestChain(one.network.anvil))  # nobody is about to anchor when the chain is replaced within a second
        one.network.anvil.stop()
        with Anvil(
            AnvilOptions(CONTRACTS_DIR, MNEMONIC, genesis_time=GENESIS_TIME + 500, port=one.network.anvil.port, extra=ZERO_FEES)
        ) as other:
            chain = TestChain(other)
            assert await until(lambda: node.following.alarm is not None, 30)
            assert node.following.alarm is not None
            assert node.following.alarm.code == "chain-replaced"
            waiting, more = await one.publish(2)
            await asyncio.sleep(1.0)
            assert int(chain.rpc("eth_getTransactionCount", node.transactions.address_of("anchor"), "latest"), 16) == 0
            assert chain.height() == 0
            new = await deployed_anew(tmp_path / "new.json", other.url, one.keys[D01].chain[AUTHORITY_ROLE].address)
            async with ClientSession() as session:
                url, headers = one.node.url + "/api/v1/chain/reattach", one.node.headers
                async with session.post(url, data=new, headers=headers) as reply:
                    told = orjson.loads(await reply.read())
                    assert reply.status == 200, told
            assert told["redo"]["register"]
            assert told["redo"]["datasets"] == [f"{D05}/000001@1"]
            assert len(told["redo"]["grants"]) == 1
            assert told["redo"]["calendar_years"] == [2026]
            await one.lives[D01].stop()
            authority_settings = one.lives[D01].settings
            await reattach_offline(authority_settings.data_dir, D01, other.url, tmp_path / "deployment.json", new)
            nodes[D01] = await one.lives[D01].start()
            await one.restart(D05)
            one.network.deployment = nodes[D01].node.deployment
            ready = await readiness(one)
            assert (ready["ready"], ready["reattached"], ready["registered"]) == (False, False, False)
            await settle(one)
            assert await one.anchored(waiting, 40)
            with one.node.node.store.node.read() as reader:
                again = [(b.stream, b.sequence, b.root) for b in anchoring.all_batches(reader)]
            assert again[: len(roots)] == roots or set(roots) <= set(again), "the same roots, from sequence 1"
            for record_id in (*ids[:2], *more):
                assert one.exit_code(record_id) == 0
            old = one.node.node.bundles.record_bundle(ids[2], 1, None, signed=False)
            assert await until(lambda: one.node.node.bundles.verify_parsed(old).exit_code == 4), "marked again"
            assert (await readiness(one))["ready"]


async def deployed_anew(path: Path, url: str, authority: str) -> bytes:
    async with Rpc(url) as rpc:
        await deploy(rpc, LocalKey.from_secret(b"\5" * 32), DeployOptions(path, authority))
    return await asyncio.to_thread(path.read_bytes)


@pytest.mark.parametrize(
    ("member", "code"), [("chain_id", "chain-wrong"), ("genesis_hash", "chain-wrong"), ("code", "code-missing")]
)
async def test_a_node_that_starts_on_the_wrong_chain_sends_nothing(tmp_path: Path, member: str, code: str) -> None:
    async with trial(tmp_path, D05) as one:
        await one.lives[D05].stop()
        await one.lives[D01].stop()  # the authority's node anchors acts of its own, whenever it is time
        chain = TestChain(one.network.anvil)
        manifest = orjson.loads((tmp_path / "deployment.json").read_bytes())
        if member == "chain_id":
            manifest["chain_id"] = 99
        elif member == "genesis_hash":
            manifest["genesis_hash"] = "0x" + "12" * 32
        else:
            manifest["contracts"]["RecordLedger"]["address"] = "0x" + "00" * 19 + "ff"
        wrong = tmp_path / "wrong.json"
        wrong.write_bytes(orjson.dumps(manifest))
        before = chain.height()
        fresh = settings_of(tmp_path, D05, one.network.anvil.url, free_port(), data_dir=tmp_path / "fresh", deployment=wrong)
        (tmp_path / "fresh").mkdir()
        (tmp_path / D05 / "keys").rename(tmp_path / "fresh" / "keys")
        node = await build(fresh)
        async with node.running():
            assert await until(lambda: node.following.trouble is not None)
            assert node.following.trouble is not None
            assert node.following.trouble.code == code
            with pytest.raises(ChainError) as caught:
                await node.identity.rotate("hpke")
            assert caught.value.code == code
        assert chain.height() == before
        (tmp_path / "fresh" / "keys").rename(tmp_path / D05 / "keys")
