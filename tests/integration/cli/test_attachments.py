"""``xinlian attachment`` against a real node, over a connection that breaks."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog
from typer.testing import CliRunner

from tests.support.attachments import SAMPLES, pdf
from tests.support.breaking import breaking
from tests.support.network import D01, Network, Running, running_network
from xinlian.cli import transfer
from xinlian.cli.main import app
from xinlian.protocol.attachments import PDF, PNG

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    async with running_network(tmp_path_factory.mktemp("network"), []) as made:
        yield made


@pytest.fixture
def node(network: Network) -> Running:
    return network[D01]


@pytest.fixture(autouse=True, scope="module")
def quiet_log() -> Iterator[None]:
    """The node logs in this process, where the command prints."""
    kept = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(io.StringIO()))
    yield
    structlog.configure(**kept)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAUSES_S", (0.01, 0.02, 0.05, 0.1))


@dataclass(frozen=True)
class Ran:
    code: int
    out: Any


async def run(url: str, token: str, *arguments: str | Path) -> Ran:
    environment = {"XINLIAN_URL": url, "XINLIAN_TOKEN": token, "XINLIAN_TOKEN_FILE": ""}
    done = await asyncio.to_thread(CliRunner().invoke, app, [*map(str, arguments), "--json"], env=environment)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    told = done.stdout or done.stderr[done.stderr.index("{") :]  # a problem stands on stderr
    return Ran(done.exit_code, json.loads(told))


async def test_put_show_list_get_delete(node: Running, tmp_path: Path) -> None:
    content = pdf(100_000)
    file = tmp_path / "授权书.pdf"
    file.write_bytes(content)
    put = await run(node.url, node.token, "attachment", "put", file)
    assert (put.code, put.out["state"], put.out["name"], put.out["media_type"]) == (0, "complete", "授权书.pdf", PDF)
    assert put.out["sha256"] == sha256(content).hexdigest()
    shown = await run(node.url, node.token, "attachment", "show", put.out["id"])
    assert shown.out == put.out
    listed = await run(node.url, node.token, "attachment", "list")
    assert put.out in listed.out["items"]
    target = tmp_path / "out.pdf"
    got = await run(node.url, node.token, "attachment", "get", put.out["id"], "-o", target)
    assert (got.code, target.read_bytes()) == (0, content)
    again = await run(node.url, node.token, "attachment", "get", put.out["id"], "-o", target)
    assert (again.code, again.out["code"]) == (2, "file-exists")
    assert (await run(node.url, node.token, "attachment", "delete", put.out["id"])).code == 0
    gone = await run(node.url, node.token, "attachment", "show", put.out["id"])
    assert (gone.code, gone.out["code"]) == (12, "attachment-unknown")


async def test_the_same_file_put_twice_is_one_attachment_until_it_is_deleted(node: Running, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(pdf(5_000))
    first = await run(node.url, node.token, "attachment", "put", file)
    second = await run(node.url, node.token, "attachment", "put", file)
    assert second.out["id"] == first.out["id"]
    await run(node.url, node.token, "attachment", "delete", first.out["id"])
    third = await run(node.url, node.token, "attachment", "put", file)
    assert (third.code, third.out["state"]) == (0, "complete")
    assert third.out["id"] != first.out["id"]


@pytest.fixture
def offsets(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where each attempt of an upload began."""
    seen: list[int] = []
    real = transfer.Upload._send

    def send(self: transfer.Upload, path: str, offset: int) -> Any:
        seen.append(offset)
        return real(self, path, offset)

    monkeypatch.setattr(transfer.Upload, "_send", send)
    return seen


async def test_an_upload_that_breaks_goes_on_by_itself(node: Running, tmp_path: Path, offsets: list[int]) -> None:
    content = pdf(4_000_000)
    file = tmp_path / "b.pdf"
    file.write_bytes(content)
    async with breaking(node.node.settings.listen_port, 1_500_000, 700_000, 0) as url:
        put = await run(url, node.token, "attachment", "put", file)
    assert (put.code, put.out["state"], put.out["sha256"]) == (0, "complete", sha256(content).hexdigest())
    assert len(offsets) == 4
    assert 0 == offsets[0] < 1_000_000 < offsets[1] < offsets[2] <= offsets[3] < len(content)


async def test_a_command_that_gave_up_goes_on_when_it_is_run_again(
    node: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offsets: list[int]
) -> None:
    content = pdf(3_000_000)
    file = tmp_path / "c.pdf"
    file.write_bytes(content)
    monkeypatch.setattr(transfer, "PAUSES_S", ())
    async with breaking(node.node.settings.listen_port, 2_000_000) as url:
        first = await run(url, node.token, "attachment", "put", file)
    assert (first.code, first.out["code"]) == (14, "node-unreachable")
    second = await run(node.url, node.token, "attachment", "put", file)
    assert (second.code, second.out["state"]) == (0, "complete")
    assert len(offsets) == 2
    assert 0 == offsets[0] < 1_000_000 < offsets[1]


async def test_a_download_that_breaks_goes_on(node: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = pdf(3_000_000)
    file, target = tmp_path / "d.pdf", tmp_path / "e.pdf"
    file.write_bytes(content)
    put = await run(node.url, node.token, "attachment", "put", file)
    monkeypatch.setattr(transfer, "PIECE_BYTES", 1 << 20)
    async with breaking(node.node.settings.listen_port, 10_000_000, 500_000, 500_000) as url:
        got = await run(url, node.token, "attachment", "get", put.out["id"], "-o", target)
    assert (got.code, target.read_bytes()) == (0, content)
    target.unlink()
    (tmp_path / "e.pdf.part").write_bytes(content[:-5] + b"other")
    bad = await run(node.url, node.token, "attachment", "get", put.out["id"], "-o", target)
    assert (bad.code, bad.out["code"]) == (1, "attachment-damaged")
    assert not target.exists()


async def test_what_is_refused_is_said(node: Running, tmp_path: Path) -> None:
    wrong, empty, odd = tmp_path / "x.pdf", tmp_path / "y.pdf", tmp_path / "z.bin"
    wrong.write_bytes(SAMPLES[PNG])
    empty.write_bytes(b"")
    odd.write_bytes(SAMPLES[PDF])
    for file, code in ((wrong, "attachment-type"), (empty, "attachment-empty"), (odd, "argument-missing")):
        ran = await run(node.url, node.token, "attachment", "put", file)
        assert (ran.code, ran.out["code"]) == (2, code)
    assert (await run(node.url, node.token, "attachment", "put", wrong)).out["code"] == "attachment-type"  # tried anew
    assert (await run(node.url, node.token, "attachment", "put", odd, "--media-type", PDF)).out["state"] == "complete"
    assert (await run(node.url, node.token, "attachment", "put", tmp_path / "none.pdf")).out["code"] == "file-unreadable"
