"""Re-indexing a stopped node: the same records are found under other tokens, whatever stops the run in between."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from tests.integration.node.conftest import joined
from tests.support.exchange import P1, P2, P3, contract_row
from tests.support.http import Client, client_of
from tests.support.network import D03, PASSPHRASE, Running, running_network, serving, settings_of
from xinlian.chain.anvil import free_port
from xinlian.cli.main import app
from xinlian.node import reindexing
from xinlian.node.graph import KEYS_DIR
from xinlian.node.reindexing import Reindexed, Reindexing, reindex_offline
from xinlian.node.settings import Settings
from xinlian.protocol.errors import StoreError
from xinlian.store import meta
from xinlian.store import records as table
from xinlian.store.opening import open_store
from xinlian.store.secrets import NodeKeys
from xinlian.store.sqlite.writer import SqliteWriter

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORDS = "/api/v1/datasets/ZJ-02/records"
ROWS = 11
SEARCHES = [("contract_no", f"HT-{number}") for number in range(ROWS)] + [("buyers.id_number", one.value) for one in (P1, P2, P3)]
Found = dict[tuple[str, str], list[str]]


class KilledError(BaseException):
    """Nothing catches it: what would have come after does not come."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def settings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Settings]:
    """A node with records of every standing, stopped; the chain goes on."""
    folder = tmp_path_factory.mktemp("reindexing")
    async with running_network(folder, []) as network:
        of_node = settings_of(folder, D03, network.anvil.url, free_port())
        async with joined(network, of_node) as running, client_of(running) as client:
            await network.offer(D03, "ZJ-02")
            made = []
            for number in range(ROWS):
                row = contract_row(f"HT-{number}", *((P1, P2), (P1,), (P2,))[number % 3])
                made.append((row, (await client.post(RECORDS, json=row)).ok(201)["record_id"]))
            revised, revoked, erased = made[3], made[4], made[5]
            later = {**revised[0], "buyers": contract_row("x", P3)["buyers"]}
            (await client.post(f"/api/v1/records/{revised[1]}/revisions", json=later)).ok(201)
            (await client.post(f"/api/v1/records/{revoked[1]}/revoke", json={"reason": 1}, headers={"Prefer": "wait=30"})).ok(202)
            (await client.post(f"/api/v1/records/{erased[1]}/erase", json={"reason": 3}, headers={"Prefer": "wait=30"})).ok(202)
        yield of_node


async def found(client: Client) -> Found:
    """What every search gives."""
    results: Found = {}
    for name, value in SEARCHES:
        items = (await client.post(RECORDS + "/search?limit=200", json={"field": name, "value": value})).ok()["items"]
        results[name, value] = [item["record_id"] for item in items]
    return results


async def served(settings: Settings, work: Callable[[Client, Running], Any] | None = None) -> Found:
    """Start the node, look for everything, stop it."""
    async with serving(settings) as running, client_of(running) as client:
        if work is not None:
            await work(client, running)
        return await found(client)


def keys_of(settings: Settings) -> NodeKeys:
    return NodeKeys.load(settings.data_dir / KEYS_DIR, PASSPHRASE)


def rebuilt(settings: Settings) -> Reindexed:
    return reindex_offline(settings, keys_of(settings), lambda _: None)


def index_of(settings: Settings) -> dict[int, set[tuple[str, int, bytes]]]:
    """(field, position, token) of every version."""
    store = open_store(settings.data_dir)
    try:
        with store.node.read() as reader:
            rows = reader.fetch("SELECT version, field, position, token FROM record_index")
    finally:
        store.close()
    versions: dict[int, set[tuple[str, int, bytes]]] = {}
    for version, name, position, token in rows:
        versions.setdefault(version, set()).add((name, position, token))
    return versions


async def test_everything_is_found_under_other_tokens_and_the_old_ones_are_gone_from_the_file(settings: Settings) -> None:
    before = await served(settings)
    assert len(before["buyers.id_number", P1.value]) >= 4
    assert before["buyers.id_number", P3.value], "of the revision"
    assert before["contract_no", "HT-5"] == before["contract_no", "HT-4"] == [], "erased, revoked"
    ((old_version, old),) = index_of(settings).items()
    done = rebuilt(settings)
    assert (done.version, done.removed) == (old_version + 1, len(old))
    ((version, new),) = index_of(settings).items()
    assert version == done.version
    assert {(name, position) for name, position, _ in new} == {(name, position) for name, position, _ in old}
    assert len(new) == len(old)
    assert {token for *_, token in new}.isdisjoint(token for *_, token in old)
    content = b"".join(path.read_bytes() for path in settings.data_dir.glob("node.db*"))
    assert not any(token in content for *_, token in old)
    assert all(token in content for *_, token in new), "what is looked for can be seen in the file"
    assert await served(settings) == before


async def test_what_is_published_afterwards_goes_under_the_version_that_counts(settings: Settings) -> None:
    rebuilt(settings)
    (version,) = index_of(settings)

    async def publish(client: Client, _running: Running) -> None:
        again = await client.post(RECORDS, json=contract_row("HT-0", P1))
        assert (again.status, again.code) == (409, "record-exists"), "the natural key is known"
        lines = b"\n".join(json.dumps(contract_row(f"BULK-{version}-{n}", P3)).encode() for n in range(70))
        (await client.send(RECORDS + "/bulk", lines, "application/x-ndjson")).ok(201)  # sealed by the pool
        (await client.post(RECORDS, json=contract_row(f"ONE-{version}", P3))).ok(201)

    results = await served(settings, publish)
    assert len(results["buyers.id_number", P3.value]) >= 71
    assert list(index_of(settings)) == [version]


@pytest.mark.parametrize("point", ["pages", "switch", "old tokens", "file"])
async def test_a_stopped_run_serves_what_counts_and_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    ((counting, old),) = index_of(settings).items()

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(reindexing, "PAGE", 4)
        if point == "pages":
            honest, pages = Reindexing._keep, iter((True, True))
            patch.setattr(Reindexing, "_keep", lambda *args: honest(*args) if next(pages, False) else killed())
        elif point == "switch":
            patch.setattr(Reindexing, "_switch", killed)
        elif point == "old tokens":
            patch.setattr(Reindexing, "_drop_before", killed)
        else:
            patch.setattr(SqliteWriter, "compact", killed)
        with pytest.raises(KilledError):
            rebuilt(settings)
    half = index_of(settings)
    assert (counting in half) == (point != "file")
    if point == "pages":
        assert 0 < len(half[counting + 1]) < len(old)

    async def publish(client: Client, _running: Running) -> None:
        (await client.post(RECORDS, json=contract_row(f"BETWEEN-{point.replace(' ', '-')}", P2))).ok(201)

    between = await served(settings, publish)
    empty = [search for search, ids in between.items() if not ids]
    assert empty == [("contract_no", "HT-4"), ("contract_no", "HT-5")], "what was revoked and erased"
    done = rebuilt(settings)
    assert done.version == counting + 1, "the run that was begun is finished, not another one made"
    assert list(index_of(settings)) == [counting + 1]
    assert await served(settings) == between


async def test_an_index_that_is_not_whole_does_not_count(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await served(settings)
    counting = max(index_of(settings))
    honest = table.reindex
    with monkeypatch.context() as patch:
        patch.setattr(table, "reindex", lambda tx, tokens: honest(tx, [one for one in tokens if one[0] != 2]))
        with pytest.raises(StoreError) as caught:
            rebuilt(settings)
    assert caught.value.code == "index-incomplete"
    assert await served(settings) == before
    store = open_store(settings.data_dir)
    try:
        with store.node.read() as reader:
            assert reindexing.index_version(reader) == counting
        # the run that can never be whole is given up by hand, so that the other tests begin anew
        store.node.submit(lambda tx: meta.remove(tx, "index-rebuild")).result(5)
        store.node.submit(lambda tx: tx.run("DELETE FROM record_index WHERE version > ?", (counting,))).result(5)
    finally:
        store.close()


async def test_a_record_that_does_not_rebuild_stops_the_run(settings: Settings, tmp_path: Path) -> None:
    before = await served(settings)
    store = open_store(settings.data_dir)
    try:
        with store.node.read() as reader:
            ((kept,),) = reader.fetch("SELECT leaf FROM records WHERE position = 1")
        store.node.submit(lambda tx: tx.run("UPDATE records SET leaf = ? WHERE position = 1", (bytes(32),))).result(5)
        store.close()
        with pytest.raises(StoreError) as caught:
            rebuilt(settings)
        assert caught.value.code == "record-rebuild"
    finally:
        store = open_store(settings.data_dir)
        store.node.submit(lambda tx: tx.run("UPDATE records SET leaf = ? WHERE position = 1", (kept,))).result(5)
        store.close()
    assert await served(settings) == before


async def test_a_node_that_runs_is_not_re_indexed(settings: Settings) -> None:
    async with serving(settings):
        with pytest.raises(StoreError) as caught:
            rebuilt(settings)
    assert caught.value.code == "store-locked"


async def test_the_command_does_it(settings: Settings, tmp_path: Path) -> None:
    before = await served(settings)
    counting = max(index_of(settings))
    values = json.loads(settings.model_dump_json(exclude={"passphrase"}, exclude_none=True))
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    config, secret = tmp_path / "node.toml", tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n")
    config.write_text("\n".join([*lines, f'passphrase_file = "{secret}"']), "utf-8")
    result = CliRunner().invoke(app, ["node", "reindex", "--config", str(config), "--json"])
    assert result.exit_code == 0, result.stderr
    done = json.loads(result.stdout)
    assert (done["version"], done["records"] > 0, done["removed"] > 0) == (counting + 1, True, True)
    assert await served(settings) == before
