from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.anvil import TestChain, fresh_anvil
from tests.support.deployed import Deployed
from xinlian.chain import questions
from xinlian.chain.bindings import address_view
from xinlian.chain.deploy import DeployOptions, ProgressFile, deploy
from xinlian.chain.questions import Question
from xinlian.chain.rpc import Rpc, check_chain, check_code
from xinlian.chain.sender import SenderOptions
from xinlian.protocol import manifest
from xinlian.protocol.errors import ChainError, ConfigError

QUICK = SenderOptions(31337, poll_s=0.01)


T = TypeVar("T")


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


class KilledAfter(Rpc):
    """A transport whose process dies before or after the n-th broadcast."""

    def __init__(self, url: str, broadcast: int, *, delivered: bool) -> None:
        super().__init__(url)
        self._left, self._delivered = broadcast, delivered

    async def ask(self, question: Question[T]) -> T:
        if question.method != "eth_sendRawTransaction":
            return await super().ask(question)
        self._left -= 1
        if self._left == 0 and not self._delivered:
            raise Killed
        answer = await super().ask(question)
        if self._left == 0:
            raise Killed
        return answer


async def test_contracts_stand_where_the_manifest_says(chain: TestChain, rpc: Rpc, tmp_path: Path) -> None:
    options = DeployOptions(tmp_path / "d.json", chain.key("authority").address, sender=QUICK)
    deployment = await deploy(rpc, chain.key("deployer"), options)
    assert manifest.parse((tmp_path / "d.json").read_bytes().strip()) == deployment
    await check_chain(rpc, deployment.chain_id, deployment.genesis_hash)
    await check_code(rpc, deployment)
    assert chain.height() == 7, "the registry creates the calendar"
    registry, calendar = (deployment.contracts[name] for name in ("DepartmentRegistry", "WorkCalendar"))
    assert await rpc.ask(address_view("DepartmentRegistry", registry.address, "calendar")) == calendar.address
    assert (calendar.tx_hash, calendar.block_number) == (registry.tx_hash, registry.block_number)
    assert await rpc.ask(Deployed(deployment, rpc, chain.key("a"), chain.key("b")).registry.authority()) == options.authority


@pytest.mark.parametrize("delivered", [False, True])
@pytest.mark.parametrize("broadcast", [1, 3, 5])
async def test_a_kill_at_any_step_creates_every_contract_once(
    chain: TestChain, tmp_path: Path, broadcast: int, delivered: bool
) -> None:
    options = DeployOptions(tmp_path / "d.json", chain.key("authority").address, sender=QUICK)
    key = chain.key("deployer")
    async with KilledAfter(chain.url, broadcast, delivered=delivered) as dying:
        with pytest.raises(Killed):
            await deploy(dying, key, options)
    assert not options.manifest.exists()
    async with Rpc(chain.url) as rpc:
        deployment = await deploy(rpc, key, options)
        again = await deploy(rpc, key, options)
        used = await rpc.ask(questions.nonce(key.address))
    assert again == deployment
    assert used == 7
    assert chain.height() == 7


async def test_a_progress_file_of_another_chain_is_refused(chain: TestChain, rpc: Rpc, tmp_path: Path) -> None:
    options = DeployOptions(tmp_path / "d.json", chain.key("authority").address, sender=QUICK)
    await deploy(rpc, chain.key("deployer"), options)
    with fresh_anvil(genesis_time=1_789_999_999) as other:
        key = other.key("deployer")
        async with Rpc(other.url) as elsewhere:
            with pytest.raises(ConfigError) as caught:
                await deploy(elsewhere, key, options)
    assert caught.value.code == "deploy-conflict"
    assert caught.value.fields["differs"] == "genesis_hash"


async def test_another_authority_does_not_continue_a_deployment(chain: TestChain, rpc: Rpc, tmp_path: Path) -> None:
    key = chain.key("deployer")
    await deploy(rpc, key, DeployOptions(tmp_path / "d.json", chain.key("one").address, sender=QUICK))
    with pytest.raises(ConfigError) as caught:
        await deploy(rpc, key, DeployOptions(tmp_path / "d.json", chain.key("two").address, sender=QUICK))
    assert caught.value.code == "deploy-conflict"


async def test_a_broken_progress_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.progress").write_text("{")
    with pytest.raises(ConfigError) as caught:
        ProgressFile.opened(tmp_path / "x.progress", {})
    assert caught.value.code == "deploy-conflict"


async def test_other_code_at_an_address_is_found(chain: TestChain, deployed: Deployed, rpc: Rpc, tmp_path: Path) -> None:
    chain.rpc("anvil_setCode", deployed.address("RecordLedger"), "0x6001")
    with pytest.raises(ChainError) as caught:
        await check_code(rpc, deployed.deployment)
    assert caught.value.code == "code-missing"
    assert caught.value.fields["contract"] == "RecordLedger"
    with pytest.raises(ChainError) as again:
        await deploy(
            rpc, deployed.authority, DeployOptions(tmp_path / "deployment.json", deployed.authority.address, sender=QUICK)
        )
    assert again.value.code == "code-missing"


async def test_a_key_without_money_is_told_so(chain: TestChain, rpc: Rpc, tmp_path: Path) -> None:
    key = chain.key("poor", funded=False)
    options = DeployOptions(tmp_path / "d.json", key.address, sender=QUICK)
    with pytest.raises(ChainError) as caught:
        await deploy(rpc, key, options)
    assert caught.value.code == "chain-funds"
    assert [step["state"] for step in json.loads(options.progress.read_text())["steps"]] == ["failed"]
    chain.fund(key.address)
    await deploy(rpc, key, options)
    assert await rpc.ask(questions.nonce(key.address)) == 7
    states = [step["state"] for step in json.loads(options.progress.read_text())["steps"]]
    assert states == ["failed", *["mined"] * 7]


async def test_it_waits_for_confirmations(chain: TestChain, tmp_path: Path) -> None:
    with fresh_anvil(block_time_s=1) as ticking:
        key = ticking.key("deployer")
        async with Rpc(ticking.url) as rpc:
            deployment = await deploy(rpc, key, DeployOptions(tmp_path / "d.json", key.address, confirmations=2, sender=QUICK))
        last = max(one.block_number for one in deployment.contracts.values())
        assert ticking.height() >= last + 2
    assert deployment.confirmations == 2
