"""A backup from before an erasure is restored: what the chain calls erased is destroyed again before anything is read.

One network for the file; every test leaves the department's node stopped and whole. The last one lets the authority declare the
department's keys compromised, so it stays the last.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.node.conftest import ALIAS, Rows, joined
from tests.integration.node.test_ending import Published, all_bytes, is_erased, published
from tests.support.http import Client, client_of
from tests.support.network import D01, D02, Network, Running, running_network, serving, settings_of
from xinlian.chain.anvil import free_port
from xinlian.node import restoring
from xinlian.node.ids import record_id_bytes
from xinlian.node.settings import Settings
from xinlian.node.transactions import Load
from xinlian.protocol.types import Stream
from xinlian.store import anchoring, erasures, record_keys
from xinlian.store import records as table
from xinlian.store.opening import KEYS_DB, NODE_DB

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORDS = "/api/v1/datasets/GJJ-01/records"
BOTH = (NODE_DB, KEYS_DB)


@dataclass(slots=True)
class Place:
    """A department's folder, and its node when it runs."""

    network: Network
    settings: Settings

    @property
    def folder(self) -> Path:
        """Where its databases lie."""
        return self.settings.data_dir

    def keep(self, name: str) -> Path:
        """Copy both databases of the stopped node."""
        backup = self.folder.parent / name
        backup.mkdir()
        for file in BOTH:
            shutil.copyfile(self.folder / file, backup / file)
        return backup

    def restore(self, backup: Path, *names: str) -> None:
        """Put copies in the place of what the stopped node has."""
        for name in names or BOTH:
            for left in self.folder.glob(name + "*"):
                if not left.name.endswith(".lock"):
                    left.unlink()
            shutil.copyfile(backup / name, self.folder / name)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[tuple[Running, Client]]:
        """Start the node, for as long as the context lasts."""
        async with serving(self.settings) as running, client_of(running) as client:
            yield running, client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """The authority runs; the fund centre's node is registered, has offered its dataset, and is stopped."""
    folder = tmp_path_factory.mktemp("restoring")
    async with running_network(folder, [], chain={"state_file": folder / "chain.json"}) as network:
        settings = settings_of(folder, D02, network.anvil.url, free_port())
        async with joined(network, settings):
            await network.offer(D02, ALIAS)
        yield Place(network, settings)


async def until(what: Callable[[], Any], wanted: Any) -> None:
    """Wait until something comes to a value."""
    for _ in range(400):
        found = what()
        if asyncio.iscoroutine(found):
            found = await found
        if found == wanted:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{wanted!r} did not come")


async def member(client: Client, path: str, name: str) -> Any:
    """One member of a record as shown."""
    return (await client.get(path)).ok()[name]


async def erased_after_a_backup(here: Place, rows: Rows, name: str) -> tuple[Published, Published, Path]:
    """Two records; a backup; one of them is erased, on chain too."""
    async with here.serving() as (running, client):
        gone, stays = [await published(client, running.node.store, rows) for _ in "12"]
    backup = here.keep(name)
    async with here.serving() as (_, client):
        assert (await client.post(gone.path + "/erase", json={"reason": 3})).ok(202)["status"] == "erased"
        await until(lambda: member(client, gone.path, "status"), "erased")
    return gone, stays, backup


async def test_a_restored_backup_is_erased_again_before_anything_is_read(here: Place, rows: Rows) -> None:
    gone, stays, backup = await erased_after_a_backup(here, rows, "first")
    for restored in ((KEYS_DB,), (NODE_DB,), BOTH):
        here.restore(backup, *restored)
        files = all_bytes(here.folder)
        assert [secret in files for secret in gone.wrapped] == [KEYS_DB in restored] * 2
        assert [secret in files for secret in gone.ciphertexts] == [NODE_DB in restored] * 2
        async with here.serving() as (running, client):
            refused = await client.get(gone.path + "/bundle")  # the very first call
            assert (refused.status, refused.code) == (404, "record-erased")
            await is_erased(client, running.node.store, here.folder, gone)
            assert (await client.get(stays.path)).ok()["fields"]["balance_yuan"] == "77.00"
            assert (await client.get(stays.path + "/bundle")).status == 200
            assert running.node.following.alarm is None
            if NODE_DB in restored:
                assert (await client.get(gone.path + "/erasure")).ok()["found_on_chain"] is True
                position = running.node.records.get(gone.record_id).position
                with running.node.store.node.read() as reader:  # the chain has the mark: nothing is sent again
                    assert 3 not in [mark.status for mark in anchoring.marks_of(reader, position)]
    async with here.serving() as (running, client):  # it stays so, and the node goes on where the chain is
        await is_erased(client, running.node.store, here.folder, gone)
        more = (await client.post(RECORDS, json=rows.one(), headers={"Prefer": "wait=30"})).ok(201)
        assert more["state"] == "anchored"


async def test_a_stop_at_any_step_of_it_is_carried_on(here: Place, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, _, backup = await erased_after_a_backup(here, rows, "third")
    here.restore(backup)
    steps = [
        (erasures, "reopen"),
        (record_keys, "destroy"),
        (erasures, "key_destroyed"),
        (erasures, "purge"),
        (erasures, "checkpointed"),
        (erasures, "mark"),
    ]
    stopped = list[str]()
    with monkeypatch.context() as patch:  # each is stopped when it is first reached; the work begins anew
        for module, name in steps:
            patch.setattr(module, name, stopping_once(getattr(module, name), name, stopped))
        async with here.serving() as (running, client):
            while len(stopped) < len(steps):
                refused = await client.get(gone.path + "/bundle")
                assert refused.code in {"records-behind", "record-erased"}
                await asyncio.sleep(0.05)
            await until(lambda: running.node.restoring.is_done, True)
            await is_erased(client, running.node.store, here.folder, gone)
    assert stopped == [name for _, name in steps]


async def test_a_process_that_died_in_the_middle_of_it_goes_on_at_its_next_start(
    here: Place, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, _, backup = await erased_after_a_backup(here, rows, "fourth")
    here.restore(backup)

    def stop(*_: object) -> None:
        raise SystemError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(erasures, "purge", stop)
        patch.setattr(restoring, "STARTED_WITHIN_S", 0.5)
        async with here.serving() as (running, client):
            assert not running.node.restoring.is_done
            assert (await client.get(gone.path + "/bundle")).code == "records-behind"
    async with here.serving() as (running, client):
        await is_erased(client, running.node.store, here.folder, gone)


def stopping_once(honest: Callable[..., Any], name: str, stopped: list[str]) -> Callable[..., Any]:
    """A step that is killed the first time it is reached."""

    def step(*args: Any) -> Any:
        if name not in stopped:
            stopped.append(name)
            raise SystemError("killed here")
        return honest(*args)

    return step


async def test_without_the_chain_nothing_is_read_until_it_is_back(here: Place, rows: Rows) -> None:
    gone, stays, backup = await erased_after_a_backup(here, rows, "fifth")
    here.restore(backup)
    await asyncio.to_thread(here.network.anvil.stop)
    async with here.serving() as (running, client):
        for path in (gone.path + "/bundle", stays.path + "/bundle"):
            refused = await client.get(path)
            assert (refused.status, refused.code) == (503, "records-behind")
            assert refused.json["retryable"] is True
        search = {"field": "id_number", "value": gone.row["id_number"]}
        assert (await client.post(RECORDS + "/search", json=search)).code == "records-behind"
        shown = (await client.get(gone.path)).ok()
        assert (shown["withheld"], "fields" in shown) == ("records-behind", False)
        assert (await client.post(RECORDS, json=rows.one())).ok(201)["state"] == "pending"
        await asyncio.to_thread(here.network.anvil.start)
        await until(lambda: running.node.restoring.is_done, True)
        await is_erased(client, running.node.store, here.folder, gone)
        assert (await client.get(stays.path + "/bundle")).status == 200


async def test_a_backup_from_before_the_batch_was_sealed(here: Place, rows: Rows) -> None:
    """The restored node.db does not know where its record went; positions without gaps tell it."""
    async with here.serving() as (running, client):
        seal: Any = running.node.anchoring
        seal._seal_due = nothing_due
        path = f"/api/v1/records/{(await client.post(RECORDS, json=rows.one())).ok(201)['record_id']}"
    backup = here.keep("sixth")
    async with here.serving() as (_, client):
        await until(lambda: member(client, path, "state"), "anchored")
        (await client.post(path + "/erase", json={"reason": 3})).ok(202)
        await until(lambda: member(client, path, "status"), "erased")
    newest = here.keep("newest")
    here.restore(backup)
    async with here.serving() as (running, client):
        assert (await client.get(path + "/bundle")).code == "record-erased"
        store, jti = running.node.store, record_id_bytes(path.rpartition("/")[2])
        with store.keys.read() as keys, store.node.read() as reader:
            assert table.by_jti(reader, jti).ciphertext is None
            assert record_keys.is_destroyed(keys, jti, 1)
        assert running.node.following.alarm is not None  # a batch that this database did not make: a person must look
        assert running.node.following.alarm.code == "batch-foreign"
    here.restore(newest)


async def nothing_due(*_: object, **__: object) -> bool:
    """In the place of sealing."""
    return False


async def mark_as_erased(running: Running, record_id: str) -> None:
    """What a thief of the ANCHOR key could do: mark a record that was never erased here."""
    node = running.node
    stored = node.records.get(record_id)
    receipt = node.bundles.receipt(Stream.RECORDS, stored.position)
    assert receipt is not None
    word, leaf = divmod(receipt.index, 128)
    arguments = receipt.sequence, [word], [1 << 2 * leaf], 3, 1
    await node.transactions.anchor("RecordLedger", "setStatus", *arguments, load=Load((), ()))


async def test_a_mark_that_is_not_final_destroys_nothing_yet(here: Place, rows: Rows) -> None:
    async with here.serving() as (running, client):
        record_id = (await client.post(RECORDS, json=rows.one(), headers={"Prefer": "wait=30"})).ok(201)["record_id"]
        await mark_as_erased(running, record_id)
        work: Any = running.node.restoring
        parts = work._p
        work._p = replace(parts, confirmations=1_000)
        assert await work.once() == 1
        assert running.node.records.get(record_id).ciphertext is not None
        assert (await client.get(f"/api/v1/records/{record_id}/bundle")).code == "record-erased"
        work._p = parts
        assert await work.once() == 0
        assert running.node.records.get(record_id).ciphertext is None


async def test_a_mark_of_a_stolen_key_destroys_nothing_once_the_authority_says_so(here: Place, rows: Rows) -> None:
    async with here.serving() as (running, client):
        record_id = (await client.post(RECORDS, json=rows.one(), headers={"Prefer": "wait=30"})).ok(201)["record_id"]
        await mark_as_erased(running, record_id)
        await here.network[D01].node.authority.mark_compromised(D02, running.node.clock.head().number)
    async with here.serving() as (running, client):
        assert (await client.get(f"/api/v1/records/{record_id}/bundle")).code == "record-erased"  # unreadable all the same
        assert running.node.records.get(record_id).ciphertext is not None
