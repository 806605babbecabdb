"""Real restarts: a notice outlives its sender's process, waits for a recipient that is off, and survives a restored backup."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.exchange.test_logs_and_keys import all_anchored
from tests.support.exchange import PURPOSE, SCENARIO, Stage
from tests.support.faults import Life
from tests.support.network import D01, D02, D03, Network, make_keys, registration, running_network, settings_of
from tests.support.notices import Given, erase, give_away, settled, shown
from xinlian.chain.anvil import free_port
from xinlian.node.graph import KEYS_DIR
from xinlian.node.settings import Settings
from xinlian.store.opening import KEYS_DB, NODE_DB


class Lives:
    """The stage's departments, each of which can be stopped and started."""

    def __init__(self, network: Network, settings: dict[str, Settings]) -> None:
        self.stage = Stage(network)
        self._lives = {uscc: Life(one) for uscc, one in settings.items()}

    async def start(self, *usccs: str) -> None:
        """Start nodes; their registered addresses stay what they were."""
        for uscc in usccs:
            self.stage.network.nodes[uscc] = await self._lives[uscc].start()

    async def stop(self, *usccs: str) -> None:
        """Stop nodes."""
        for uscc in usccs:
            del self.stage.network.nodes[uscc]
            await self._lives[uscc].stop()


@pytest.fixture
async def lives(tmp_path: Path) -> AsyncIterator[Lives]:
    async with running_network(tmp_path, []) as network:
        keys = {uscc: make_keys(tmp_path / uscc / KEYS_DIR, authority=False) for uscc in (D02, D03)}
        settings = {uscc: settings_of(tmp_path, uscc, network.anvil.url, free_port()) for uscc in keys}
        made = Lives(network, settings)
        await made.start(D02, D03)
        for uscc, own in keys.items():
            request = await registration(uscc, own, network[uscc].url, network.deployment)
            await network[D01].node.authority.register(request.dumps())
        await network.in_step()
        await network.offer(D03, "ZJ-02")
        terms = {"verify": ("contract_no",), "query": ("contract_no", "filing_status"), "answer": ("contract_count",)}
        made.stage.grants[D03] = await made.stage.give(D03, D02, "ZJ-02", purposes=(PURPOSE,), scenarios=(SCENARIO,), **terms)
        yield made
        await made.stop(*[uscc for uscc in (D02, D03) if uscc in network.nodes])


async def test_a_notice_outlives_every_restart(lives: Lives, tmp_path: Path) -> None:
    stage = lives.stage
    given = await give_away(stage, 700)
    await all_anchored(stage[D03])
    await lives.stop(D03)
    backup = keep(tmp_path / D03, tmp_path / "backup")
    await lives.start(D03)
    await lives.stop(D02)  # the recipient is off
    await erase(stage[D03], given.record_id)
    told = stage[D03].node.notices.showing.erasure(given.record_id)["recipients"]
    assert [(one["recipient"], one["outcome"]) for one in told] == [(D02, None)]
    await lives.stop(D03)  # the sender is killed, too
    await lives.start(D03)
    assert stage[D03].node.notices.showing.erasure(given.record_id)["outstanding"] == [D02]
    await lives.start(D02)
    assert all(shown(stage[D02], rid)["items"] for rid in given.rids)
    (done,) = await settled(stage[D03], given.record_id, seconds=30)
    assert (done["outcome"], done["deleted"], done["notice"]) == ("deleted", 3, told[0]["notice"])
    await until_marked(stage, given)

    # an old backup of the sender: the chain's erasure is replayed, and its recipients are told once more
    await lives.stop(D03)
    for name in (NODE_DB, KEYS_DB):
        shutil.copyfile(backup / name, tmp_path / D03 / name)
    await lives.start(D03)
    (again,) = await settled(stage[D03], given.record_id, seconds=30)
    assert (again["outcome"], again["deleted"]) == ("nothing-held", 0)
    assert again["notice"] != done["notice"]
    assert stage[D03].node.records.is_erased(stage[D03].node.records.get(given.record_id))


def keep(folder: Path, backup: Path) -> Path:
    """Copy both databases of a stopped node."""
    backup.mkdir()
    for name in (NODE_DB, KEYS_DB):
        shutil.copyfile(folder / name, backup / name)
    return backup


async def until_marked(stage: Stage, given: Given) -> None:
    """Wait until the chain calls the record erased."""
    for _ in range(400):
        if stage[D03].node.notices.showing.erasure(given.record_id)["status"] == "erased":
            return
        await asyncio.sleep(0.05)
    pytest.fail("the mark did not come")
