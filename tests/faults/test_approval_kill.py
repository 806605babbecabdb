"""kill -9 between the head's consent and the end of the action: it is carried out, once, and the persons' steps stand.

Three moments: before anything could be sent, after the transaction was stored but never arrived, after it was mined but nobody
saw its receipt. A real node process is killed; what happened is counted on the chain.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.support.faults import LyingProxy, Told, Trial, honest, trial, until
from tests.support.network import D05
from tests.support.process import Process, settings_file
from xinlian.scenarios.catalogue import dataset_files
from xinlian.store import chain_cache
from xinlian.store.approvals import State

pytestmark = pytest.mark.timeout(180)

SEND, RECEIPT = "eth_sendRawTransaction", "eth_getTransactionReceipt"
SCHEMA = dataset_files("new-home-loan")["BDC-01"]
CHANGED = SCHEMA.replace(b"/000001", b"/000004").replace(b'"BDC-01"', b'"BDC-04"')


def nowhere(asked: Told, told: Told) -> Told:
    """The endpoint accepts a transaction and loses it."""
    return {**told, "result": "0x" + "ab" * 32} if asked["method"] == SEND else told


def unseen(asked: Told, told: Told) -> Told:
    """The endpoint mines transactions and shows no receipt."""
    return {**told, "result": None} if asked["method"] == RECEIPT else told


class Office:
    """The handler and the head at the node, over HTTP."""

    def __init__(self, session: ClientSession, one: Trial) -> None:
        self._session, self._url = session, one.node.url
        self._handler, self._head = one.node.token, one.node.head_token

    async def propose(self) -> Any:
        """The handler proposes the changed dataset."""
        return await self._call("POST", "/api/v1/datasets", self._handler, data=CHANGED)

    async def consent(self, number: int) -> None:
        """The head consents; the node may die meanwhile."""
        with contextlib.suppress(ClientError):
            await self._call("POST", f"/api/v1/approvals/{number}/consent", self._head, json={})

    async def wait_executing(self, number: int) -> None:
        """Wait until the consent is committed and the action has begun."""
        for _ in range(500):
            if (await self._call("GET", f"/api/v1/approvals/{number}", self._head))["state"] == "executing":
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the action has not begun")

    async def _call(self, method: str, path: str, token: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        async with self._session.request(method, self._url + path, headers=headers, **body) as reply:
            assert reply.status < 300, await reply.text()
            return await reply.json()


def _disturb(proxy: LyingProxy, moment: str) -> None:
    if moment == "nothing-sent":
        proxy.down = True
    elif moment == "never-arrived":
        proxy.swallow, proxy.alter = frozenset({SEND}), nowhere
    else:
        proxy.alter = unseen


def _reached(proxy: LyingProxy, moment: str) -> bool:
    return moment == "nothing-sent" or SEND in proxy.asked


@pytest.mark.parametrize("moment", ["nothing-sent", "never-arrived", "mined-unseen"])
async def test_a_consent_is_carried_out_once_whenever_the_node_is_killed(tmp_path: Path, moment: str) -> None:
    async with trial(tmp_path, D05) as one:
        await one.lives[D05].stop()
        process = Process(settings_file(one), tmp_path / "node.log")
        process.start()
        try:
            async with ClientSession(timeout=ClientTimeout(total=60)) as session:
                await process.answers(one.node.url)
                office = Office(session, one)
                proposed = await office.propose()
                assert proposed["state"] == "pending"
                await asyncio.sleep(0.5)  # the node holds the chain's head
                _disturb(one.proxy, moment)
                one.proxy.asked.clear()
                consenting = asyncio.create_task(office.consent(proposed["id"]))
                await office.wait_executing(proposed["id"])
                assert await until(lambda: _reached(one.proxy, moment))
                process.kill()
                await consenting
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        one.proxy.down, one.proxy.swallow, one.proxy.alter = False, frozenset(), honest
        one.network.nodes[D05] = await one.lives[D05].start()
        approvals = one.node.node.approvals
        assert await until(lambda: approvals.get(proposed["id"]).state is State.DONE, 60), approvals.get(proposed["id"])
        _check(one, proposed)


def _check(one: Trial, proposed: Any) -> None:
    node = one.node.node
    done = node.approvals.get(proposed["id"])
    assert [step.act for step in done.steps] == ["proposed", "consented"]
    assert done.code is None
    with node.store.node.read() as reader:
        events = [e for e in chain_cache.events(reader, "DatasetCatalog", ["DatasetProposed"]) if '"serial":4' in e.args]
        sent = reader.fetch("SELECT state FROM transactions WHERE purpose = 'DatasetCatalog.propose' ORDER BY id")
    assert len(events) == 1
    assert [row[0] in ("mined", "final") for row in sent] == [True, True]  # BDC-01 of the trial, and this one
    entry = node.state.dataset(D05, 4, 1)
    assert entry is not None
    assert (entry.state, entry.head_consent) == ("proposed", f"0x{done.document}")
    assert node.documents.opened(bytes.fromhex(done.document or "")).kind == "consent"
