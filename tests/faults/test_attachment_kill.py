"""kill -9 at any point of an upload: what was acknowledged is there, the upload goes on, and no file or key is left over.

A real node process takes in a file in parts while it is killed again and again. Afterwards
1. no acknowledged offset was ever taken back, and the file that came out is the file that went in;
2. every file in ``blobs/`` has its row and its key, and every key its row;
3. no run of the content stands on disk in clear.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.support.attachments import pdf, upload_fields
from tests.support.faults import trial
from tests.support.network import D05
from tests.support.process import Process, settings_file
from tests.support.profile import scaled
from xinlian.store import attachments as table
from xinlian.store.blobs import CHUNK_BYTES

KILLS = scaled(ci=4, deep=60)
SEED = 20261125
SIZE = 40 * CHUNK_BYTES + 77
ALL = "/api/v1/attachments"

pytestmark = pytest.mark.timeout(120 + 20 * KILLS)


@dataclass(slots=True)
class Uploader:
    """Uploads one file over a connection that dies again and again."""

    url: str
    token: str
    content: bytes
    dice: random.Random
    path: str | None = None
    acknowledged: int = 0
    is_complete: bool = False
    resumed: list[int] = field(default_factory=list)

    async def work(self, stop: asyncio.Event) -> None:
        """Go on until told to stop or done."""
        timeout = ClientTimeout(total=30)
        async with ClientSession(timeout=timeout, headers={"Authorization": f"Bearer {self.token}"}) as session:
            while not stop.is_set() and not self.is_complete:
                try:
                    await self._once(session)
                except (ClientError, TimeoutError, OSError):
                    await asyncio.sleep(0.05)

    async def _once(self, session: ClientSession) -> None:
        if self.path is None:
            fields = upload_fields(self.content, **{"Upload-Complete": "?0", "Idempotency-Key": "the upload"})
            async with session.post(self.url + ALL, data=b"", headers=fields) as reply:
                assert reply.status == 201, await reply.text()
                self.path = reply.headers["Location"]
        async with session.head(self.url + self.path) as reply:
            assert reply.status == 204
            offset = int(reply.headers["Upload-Offset"])
            self.is_complete = reply.headers["Upload-Complete"] == "?1"
        assert offset >= self.acknowledged, "an acknowledged offset was taken back"
        self.resumed.append(offset)
        if not self.is_complete:
            await self._append(session, offset)

    async def _append(self, session: ClientSession, offset: int) -> None:
        stop = min(len(self.content), offset + self.dice.choice((100, CHUNK_BYTES, 5 * CHUNK_BYTES, len(self.content))))
        fields = {
            "Content-Type": "application/partial-upload",
            "Upload-Offset": str(offset),
            "Upload-Complete": "?1" if stop == len(self.content) else "?0",
        }
        assert self.path is not None
        async with session.patch(self.url + self.path, data=self._slowly(offset, stop), headers=fields) as reply:
            if reply.status == 200:
                self.acknowledged = stop
                self.is_complete = stop == len(self.content)
            else:
                assert reply.status in (400, 409, 503), await reply.text()

    async def _slowly(self, start: int, stop: int):  # type: ignore[no-untyped-def]  # an async generator of bytes
        for position in range(start, stop, 200_000):
            yield self.content[position : min(position + 200_000, stop)]
            await asyncio.sleep(0.002)


async def test_an_upload_survives_kills(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    async with trial(tmp_path, D05) as one:
        uploader = Uploader(one.node.url, one.node.token, pdf(SIZE), dice)
        folder = one.lives[D05].settings.data_dir
        await one.lives[D05].stop()
        process = Process(settings_file(one), tmp_path / "node.log")
        for _ in range(KILLS):
            await _one_life(process, uploader, dice)
        one.network.nodes[D05] = await one.lives[D05].start()
        uploader.token = one.node.token
        await asyncio.wait_for(uploader.work(asyncio.Event()), 60)
        print(f"seed {SEED}: {KILLS} kills, offsets {uploader.resumed[:20]}")
        assert uploader.path is not None
        library = one.node.node.library
        row = library.keeping.get(uploader.path.rpartition("/")[2])
        assert b"".join(library.keeping.parts(row)) == uploader.content
        with one.node.node.store.node.read() as reader:
            known = table.known(reader)
        assert set(known.values()) == {table.COMPLETE}
        assert {path.name for path in (folder / "blobs").iterdir()} == {blob.hex() for blob in known}
        with one.node.node.store.keys.read() as keys:
            usable = {row[0] for row in keys.fetch("SELECT blob FROM blob_keys WHERE wrapped <> zeroblob(60)")}
        assert usable == set(known)
        run = uploader.content[SIZE // 2 : SIZE // 2 + 16]
        for path in folder.rglob("*"):
            if path.is_file():
                assert run not in path.read_bytes(), path.name


async def _one_life(process: Process, uploader: Uploader, dice: random.Random) -> None:
    process.start()
    stop = asyncio.Event()
    try:
        await process.answers(uploader.url)
        task = asyncio.create_task(uploader.work(stop))
        await asyncio.sleep(dice.uniform(0.02, 0.9))
    finally:
        process.kill()
    stop.set()
    await task
