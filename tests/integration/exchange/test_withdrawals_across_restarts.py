"""A withdrawal outlives the node that took it: honoured at once after a restart, relayed when the chain is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.authorisations import authorise
from tests.support.exchange import P1
from tests.support.faults import Life
from tests.support.network import D01, D02, D03, Running, make_keys, registration, running_network, settings_of
from xinlian.chain.anvil import free_port
from xinlian.node.graph import KEYS_DIR
from xinlian.protocol.errors import ChainError, ConflictError


async def test_a_withdrawal_outlives_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_network(tmp_path, [D02]) as network:
        keys = make_keys(tmp_path / D03 / KEYS_DIR, authority=False)
        life = Life(settings_of(tmp_path, D03, network.anvil.url, free_port()))
        network.nodes[D03] = await life.start()
        request = await registration(D03, keys, network[D03].url, network.deployment)
        await network[D01].node.authority.register(request.dumps())
        await network.in_step()
        await network.offer(D02, "GJJ-01")
        await network.in_step()
        code = network[D02].node.catalogue.own("GJJ-01").schema.code
        row = await authorise(network[D02], P1, code, ("has_account",), None)
        await network.in_step()
        ref, taking = (D02, row.id), network[D03]

        async def nothing_is_sent(*_args: object, **_more: object) -> None:
            raise ChainError("rpc-down", "no chain in this test")

        monkeypatch.setattr(taking.node.transactions, "law", nothing_is_sent)
        handed_in = await taking.node.authorisations.withdrawing.hand_in(ref, row.secret, taking.person)
        assert handed_in.relayed_at is None
        del network.nodes[D03]
        await life.stop()
        network.nodes[D03] = again = await life.start()
        kept = again.node.authorisations.withdrawing.handed_in(ref)
        assert kept is not None
        assert kept.handed_in_at == handed_in.handed_in_at
        await until_relayed(again, ref)
        await network.in_step()
        known = network[D02].node.state.authorisation(D02, "0x" + row.id.hex())
        assert known is not None
        assert known.relayed_by == D03
        with pytest.raises(ConflictError) as twice:
            await network[D02].node.authorisations.withdrawing.withdraw(row.id, network[D02].person)
        assert twice.value.code == "authorisation-withdrawn"
        del network.nodes[D03]
        await life.stop()


async def until_relayed(running: Running, ref: tuple[str, bytes]) -> None:
    """Wait until the node's background work has relayed a withdrawal."""
    for _ in range(100):
        found = running.node.authorisations.withdrawing.handed_in(ref)
        if found is not None and found.relayed_at is not None:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the withdrawal was not relayed")
