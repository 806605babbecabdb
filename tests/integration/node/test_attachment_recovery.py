"""What a start finds after a stop at the worst moments, and a disk that is full while a file comes in."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.node.conftest import joined
from tests.integration.node.test_disk_full import small_disk
from tests.support.attachments import pdf, upload_fields
from tests.support.http import Client, client_of
from tests.support.network import D02, running_network, serving, settings_of
from xinlian.chain.anvil import free_port
from xinlian.node.attachments.keeping import Keeping
from xinlian.node.attachments.scanning import NoScanner
from xinlian.node.attachments.uploads import Limits, NewUpload, Part, Uploads
from xinlian.protocol.attachments import PDF
from xinlian.protocol.errors import NotFoundError, StoreError
from xinlian.store import attachments as table
from xinlian.store import blob_keys
from xinlian.store.blobs import CHUNK_BYTES, BlobStore
from xinlian.store.opening import open_store
from xinlian.store.record_keys import Vault
from xinlian.store.sealing import Sealer

SECRETS = Vault({1: os.urandom(32)}, os.urandom), Sealer(os.urandom(32), os.urandom), os.urandom(32)


class Dead(BaseException):
    """The process died here."""


class Node:
    """As much of a node as attachments need, to be opened again and again."""

    def __init__(self, folder: Path) -> None:
        vault, sealer, tag_key = SECRETS
        self.store = open_store(folder)
        blobs = BlobStore.at(folder / "blobs", os.urandom)
        self.keeping = Keeping(self.store, blobs, vault, sealer, tag_key, lambda: 1_000.0)
        self.uploads = Uploads(self.keeping, NoScanner(), Limits())

    def close(self) -> None:
        self.store.close()

    async def begin(self, content: bytes) -> str:
        return (await self.uploads.begin(NewUpload("x.pdf", PDF, len(content), None, 1))).id.hex()

    async def whole(self, content: bytes) -> None:
        await self.append(await self.begin(content), content, 0, last=True)

    async def append(self, name: str, content: bytes, offset: int, *, last: bool) -> table.Attachment:
        async def blocks() -> AsyncIterator[bytes]:
            for start in range(0, len(content), 300_000):
                yield content[start : start + 300_000]

        return await self.uploads.append(name, Part(offset, last), blocks(), 1)

    def everything(self) -> tuple[set[str], set[str], set[str]]:
        """Names of rows, of files, of usable keys."""
        with self.store.node.read() as reader, self.store.keys.read() as keys:
            rows = {blob.hex() for blob in table.known(reader)}
            usable = {row[0].hex() for row in keys.fetch("SELECT blob FROM blob_keys WHERE wrapped <> zeroblob(60)")}
        return rows, {blob.hex() for blob in self.keeping.blobs.present()}, usable


Patch = Callable[[pytest.MonkeyPatch], None]


def dies(target: Any, name: str, at: int = 1) -> Patch:
    """The process dies at the n-th call of a function."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        calls = 0
        real = getattr(target, name)

        def dead(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == at:
                raise Dead
            return real(*arguments, **named)

        monkeypatch.setattr(target, name, dead)

    return patch


@pytest.mark.parametrize(
    "patch",
    [dies(table, "insert"), dies(table, "progress"), dies(table, "progress", 2), dies(table, "complete")],
    ids=["key stored, row not", "first part written, not noted", "last part written, not noted", "finished, not noted"],
)
async def test_a_death_while_uploading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patch: Patch) -> None:
    content = pdf(20 * CHUNK_BYTES + 5)
    node = Node(tmp_path / "data")
    with monkeypatch.context() as patched:
        patch(patched)
        with pytest.raises(Dead):
            await node.whole(content)
    node.close()
    node = Node(tmp_path / "data")
    await node.keeping.recover()
    rows, files, keys = node.everything()
    assert rows == keys
    assert files <= rows
    for name in rows:
        row = node.uploads.own(name, 1)
        assert row.state == table.UPLOADING
        done = await node.append(name, content[row.taken :], row.taken, last=True)
        assert b"".join(node.keeping.parts(done)) == content
    node.close()


@pytest.mark.parametrize(
    "patch",
    [dies(blob_keys, "destroy"), dies(BlobStore, "delete"), dies(table, "forget")],
    ids=["key not destroyed", "file not removed", "row not removed"],
)
async def test_a_death_while_destroying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patch: Patch) -> None:
    node = Node(tmp_path / "data")
    content = pdf(3000)
    name = await node.begin(content)
    await node.append(name, content, 0, last=True)
    with monkeypatch.context() as patched:
        patch(patched)
        with pytest.raises(Dead):
            await node.uploads.cancel(bytes.fromhex(name))
    with pytest.raises(NotFoundError) as gone:
        node.keeping.get(name)
    assert gone.value.code == "attachment-unknown"
    node.close()
    node = Node(tmp_path / "data")
    await node.keeping.recover()
    assert node.everything() == (set(), set(), set())
    node.close()


async def test_a_refusal_that_was_cut_off_is_finished_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node(tmp_path / "data")
    name = await node.begin(b"x" * 100)
    with monkeypatch.context() as patched:
        dies(blob_keys, "destroy")(patched)
        with pytest.raises(Dead):
            await node.append(name, b"x" * 100, 0, last=True)  # no PDF: refused
    node.close()
    node = Node(tmp_path / "data")
    await node.keeping.recover()
    assert node.everything() == ({name}, set(), set())
    assert node.keeping.get(name).reason == "attachment-type"
    node.close()


async def test_files_that_nobody_knows_go_and_others_stay(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    name = await node.begin(pdf(100))
    await node.append(name, pdf(100), 0, last=True)
    stray = tmp_path / "data" / "blobs" / ("ab" * 16)
    stray.write_bytes(b"left behind")
    readme = tmp_path / "data" / "blobs" / "lost+found"
    readme.write_text("not ours")
    await node.keeping.recover()
    assert node.everything()[1] == {name}
    assert readme.exists()
    node.close()


async def test_a_lost_file_is_told_and_an_upload_whose_file_was_cut_cannot_go_on(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    content = pdf(3 * CHUNK_BYTES)
    name = await node.begin(content)
    half = await node.append(name, content[: 2 * CHUNK_BYTES + 9], 0, last=False)
    assert half.taken == 2 * CHUNK_BYTES + 9
    os.truncate(tmp_path / "data" / "blobs" / name, 100)
    with pytest.raises(StoreError) as broken:
        await node.append(name, content[half.taken :], half.taken, last=True)
    assert broken.value.code == "sealed-broken"
    await node.uploads.cancel(bytes.fromhex(name))
    assert node.everything() == (set(), set(), set())
    node.close()


async def append(client: Client, path: str, content: bytes, offset: int) -> Any:
    fields = {"Content-Type": "application/partial-upload", "Upload-Offset": str(offset), "Upload-Complete": "?1"}
    return await client.call("PATCH", path, data=content, headers=fields)


async def test_a_disk_that_is_full_while_a_file_comes_in(tmp_path: Path) -> None:
    async with running_network(tmp_path, []) as network, small_disk(tmp_path / D02, 24_000):
        settings = settings_of(tmp_path, D02, network.anvil.url, free_port())
        async with joined(network, settings) as running, client_of(running) as client:
            free = shutil.disk_usage(tmp_path / D02).free
            reply = await client.send(
                "/api/v1/attachments",
                b"",
                PDF,
                **upload_fields(None, **{"Upload-Complete": "?0", "Upload-Length": str(free + 1)}),
            )
            assert (reply.status, reply.code) == (507, "disk-full")  # said before a byte is sent
            content = pdf(free - 6 * CHUNK_BYTES)
            fields = upload_fields(content, **{"Upload-Complete": "?0"})
            path = (await client.send("/api/v1/attachments", b"", PDF, **fields)).headers["Location"]
            ballast = tmp_path / D02 / "ballast"
            await asyncio.to_thread(fill, ballast, 4 * CHUNK_BYTES)
            reply = await append(client, path, content, 0)
            assert (reply.status, reply.code) in {(507, "disk-full"), (503, "store-io")}, reply.body
            assert reply.json["retryable"] is True
            ballast.unlink()
            await goes_on(client, path, content)
        async with serving(settings) as again:
            row = again.node.library.keeping.get(path.rpartition("/")[2])
            assert b"".join(again.node.library.keeping.parts(row)) == content


async def goes_on(client: Client, path: str, content: bytes) -> None:
    """Once there is room, the upload goes on from where it got to."""
    offset = int((await client.call("HEAD", path)).headers["Upload-Offset"])
    assert (await append(client, path, content[offset:], offset)).ok()["state"] == "complete"


def fill(path: Path, left: int) -> None:
    """Take all the room but for so many bytes."""
    path.write_bytes(bytes(max(0, shutil.disk_usage(path.parent).free - left)))
