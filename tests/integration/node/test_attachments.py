"""Attachments over HTTP: upload with resume, limits, types, scans, ranges, records that use them, erasure."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.attachments import SAMPLES, pdf, upload_fields
from tests.support.datasets import file_document, file_row
from tests.support.http import Client, Reply, client_of, token_for
from tests.support.network import D02, Network, Running
from xinlian.node.attachments import Limits, Verdict
from xinlian.node.people import Role
from xinlian.protocol.attachments import DOCX, PDF, PNG
from xinlian.protocol.dataset import load_schema
from xinlian.store import attachments as table
from xinlian.store import blob_keys
from xinlian.store.blobs import CHUNK_BYTES

pytestmark = pytest.mark.asyncio(loop_scope="module")
ALL = "/api/v1/attachments"
RECORDS = "/api/v1/datasets/CS-01/records"
_rows = iter(range(1, 10_000))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(network: Network) -> AsyncIterator[Running]:
    """The fund centre's node with a dataset that has file fields."""
    schema = load_schema(json.dumps(file_document()).encode())
    running = network[D02]
    await network.propose(D02, schema.source)
    await network.decide("publish", schema.code, schema.version)
    await network.in_step()
    yield running


async def put(client: Client, content: bytes, media_type: str = PDF, name: str = "授权书.pdf", **more: str) -> Reply:
    """Upload a whole file in one call."""
    return await client.send(ALL, content, media_type, **upload_fields(content, media_type, name, **more))


async def begin(client: Client, content: bytes, **more: str) -> str:
    """Begin an upload without content; its path."""
    fields = upload_fields(content, **{"Upload-Complete": "?0", "Upload-Length": str(len(content)), **more})
    reply = await client.send(ALL, b"", PDF, **fields)
    reply.ok(201)
    return reply.headers["Location"]


async def append(client: Client, path: str, content: bytes, offset: int, last: bool = False) -> Reply:
    fields = {"Upload-Offset": str(offset), "Upload-Complete": "?1" if last else "?0"}
    return await client.call("PATCH", path, data=content, headers={"Content-Type": "application/partial-upload", **fields})


async def head(client: Client, path: str) -> Reply:
    return await client.call("HEAD", path)


async def get(client: Client, path: str, **headers: str) -> Reply:
    return await client.call("GET", path, headers=headers)


def on_disk(node: Running) -> set[str]:
    return {path.name for path in (node.node.settings.data_dir / "blobs").iterdir()}


def has_key(node: Running, attachment: str) -> bool:
    with node.node.store.keys.read() as reader:
        return not blob_keys.is_destroyed(reader, bytes.fromhex(attachment))


# -- uploading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", SAMPLES)
async def test_a_file_of_every_type_goes_in_and_comes_out(node: Running, client: Client, media_type: str) -> None:
    content = SAMPLES[media_type]
    reply = await put(client, content, media_type)
    shown = reply.ok(201)
    assert (shown["state"], shown["bytes"], shown["media_type"]) == ("complete", len(content), media_type)
    assert (shown["sha256"], shown["name"], shown["scan"]) == (sha256(content).hexdigest(), "授权书.pdf", "not-scanned")
    assert reply.headers["Upload-Complete"] == "?1"
    got = await get(client, reply.headers["Location"])
    assert (got.status, got.body, got.headers["Content-Type"]) == (200, content, media_type)
    assert got.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%E6%8E%88")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["ETag"] == f'"{sha256(content).hexdigest()}"'
    raw = (node.node.settings.data_dir / "blobs" / shown["id"]).read_bytes()
    assert content[:16] not in raw


async def test_an_upload_in_parts_with_offsets(client: Client) -> None:
    content = pdf(3 * CHUNK_BYTES + 17)
    path = await begin(client, content)
    reply = await head(client, path)
    cuts = [0, 5, CHUNK_BYTES, 2 * CHUNK_BYTES + 1, len(content)]
    for start, stop in pairwise(cuts):
        state = await head(client, path)
        assert (state.status, state.headers["Upload-Offset"], state.headers["Upload-Complete"]) == (204, str(start), "?0")
        assert state.headers["Upload-Length"] == str(len(content))
        assert "max-size=2147483648" in state.headers["Upload-Limit"]
        assert state.headers["Cache-Control"] == "no-store"
        reply = await append(client, path, content[start:stop], start, stop == len(content))
        assert reply.ok()["offset"] == stop
    assert reply.headers["Upload-Complete"] == "?1"
    assert (await head(client, path)).headers["Upload-Complete"] == "?1"
    assert (await get(client, path)).body == content


async def test_the_last_call_may_be_empty(client: Client) -> None:
    content = pdf(1000)
    path = await begin(client, content)
    (await append(client, path, content, 0)).ok()
    assert (await append(client, path, b"", len(content), last=True)).ok()["state"] == "complete"


async def test_a_wrong_offset_is_a_conflict_that_tells_the_right_one(client: Client) -> None:
    content = pdf(1000)
    path = await begin(client, content)
    (await append(client, path, content[:600], 0)).ok()
    for offset in (0, 599, 601):
        reply = await append(client, path, content[600:], offset, last=True)
        assert (reply.status, reply.code, reply.headers["Upload-Offset"]) == (409, "attachment-offset", "600")
        assert reply.json["expected_offset"] == 600
    assert (await append(client, path, content[600:], 600, last=True)).ok()["state"] == "complete"
    reply = await append(client, path, b"more", 1000)
    assert (reply.status, reply.code) == (409, "attachment-state")
    assert (await get(client, path)).body == content


async def test_a_connection_that_breaks_leaves_what_came(node: Running, client: Client) -> None:
    content = pdf(2 * CHUNK_BYTES + 100)
    path = await begin(client, content)
    reader, writer = await asyncio.open_connection("127.0.0.1", node.node.settings.listen_port)
    lines = [
        f"PATCH {path} HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {node.token}",
        "Content-Type: application/partial-upload",
        "Upload-Offset: 0",
        "Upload-Complete: ?1",
        f"Content-Length: {len(content)}",
    ]
    sent = CHUNK_BYTES + (300 << 10)
    file = node.node.settings.data_dir / "blobs" / path.rpartition("/")[2]
    writer.write("\r\n".join([*lines, "", ""]).encode() + content[:sent])
    await writer.drain()
    for _ in range(200):
        if file.exists() and file.stat().st_size > 0:  # the first chunk is written
            break
        await asyncio.sleep(0.02)
    writer.transport.abort()
    del reader
    offset = int((await head(client, path)).headers["Upload-Offset"])
    assert 0 < offset <= sent
    assert (await append(client, path, content[offset:], offset, last=True)).ok()["state"] == "complete"
    assert (await get(client, path)).body == content


async def test_a_newer_call_ends_a_transfer_that_hangs(node: Running, client: Client) -> None:
    content = pdf(5000)
    path = await begin(client, content)

    async def hanging() -> AsyncIterator[bytes]:
        yield content[:2000]
        await asyncio.sleep(60)

    async def hang() -> Reply:
        fields = {"Content-Type": "application/partial-upload", "Upload-Offset": "0", "Upload-Complete": "?0"}
        return await client.call("PATCH", path, data=hanging(), headers=fields)

    hanger = asyncio.create_task(hang())
    await asyncio.sleep(0.3)
    offset = int((await asyncio.wait_for(head(client, path), 5)).headers["Upload-Offset"])
    assert offset == 2000
    reply = await asyncio.wait_for(hanger, 5)
    assert (reply.status, reply.code) == (409, "attachment-interrupted")
    assert (await append(client, path, content[offset:], offset, last=True)).ok()["state"] == "complete"


async def test_creating_with_a_key_twice_is_one_upload(client: Client) -> None:
    content = pdf(800)
    fields = upload_fields(content, **{"Upload-Complete": "?0", "Idempotency-Key": "key-of-upload"})
    first = await client.send(ALL, content[:300], PDF, **fields)
    again = await client.send(ALL, content[:300], PDF, **fields)
    assert again.ok(201)["id"] == first.ok(201)["id"]
    assert (again.headers["Idempotency-Replayed"], again.headers["Upload-Offset"]) == ("true", "300")
    assert again.headers["Location"] == first.headers["Location"]
    other = await client.send(ALL, b"", PDF, **{**fields, "Upload-Length": "801"})
    assert (other.status, other.code) == (409, "idempotency-mismatch")
    assert (await append(client, first.headers["Location"], content[300:], 300, last=True)).ok()["state"] == "complete"


# -- refusals --------------------------------------------------------------------------------------

BAD: list[tuple[str, bytes, str, dict[str, str], int, str]] = [
    ("another type", SAMPLES[PNG], PDF, {}, 422, "attachment-type"),
    ("a type not in the list", b"PK\x03\x04", "application/zip", {}, 422, "attachment-type"),
    ("no type", SAMPLES[PDF], "", {}, 422, "attachment-type"),
    ("active content", SAMPLES[PDF] + b"/JavaScript ", PDF, {}, 422, "attachment-active"),
    ("damaged archive", SAMPLES[DOCX][:-9], DOCX, {}, 422, "attachment-type"),
    ("empty", b"", PDF, {}, 422, "attachment-empty"),
    ("a path as name", SAMPLES[PDF], PDF, {"Content-Disposition": "inline; filename*=UTF-8''..%2Fx.pdf"}, 422, "attachment-name"),
    ("no name", SAMPLES[PDF], PDF, {"Content-Disposition": "inline"}, 422, "attachment-name"),
    ("damaged on the way", SAMPLES[PDF] + b"%", PDF, upload_fields(SAMPLES[PDF]), 422, "attachment-damaged"),
    ("two lengths", SAMPLES[PDF], PDF, {"Upload-Length": "7"}, 422, "attachment-length"),
    ("too large by its word", b"", PDF, {"Upload-Complete": "?0", "Upload-Length": "2147483649"}, 413, "attachment-too-large"),
    ("digest of another form", SAMPLES[PDF], PDF, {"Repr-Digest": "sha-256=x"}, 422, "attachment-header"),
]


@pytest.mark.parametrize(("content", "media_type", "more", "status", "code"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
async def test_refused_and_nothing_kept(
    node: Running, client: Client, content: bytes, media_type: str, more: dict[str, str], status: int, code: str
) -> None:
    before = on_disk(node)
    reply = await client.send(ALL, content, media_type, **{**upload_fields(None, media_type), **more})
    assert (reply.status, reply.code) == (status, code), reply.body
    assert on_disk(node) == before
    if "Location" in reply.headers:
        assert reply.headers["Upload-Complete"] == "?1"
        attachment = reply.headers["Location"].rpartition("/")[2]
        assert not has_key(node, attachment)
        shown = (await get(client, reply.headers["Location"] + "/state")).ok()
        assert (shown["state"], shown["reason"]) == ("refused", code)
        assert (await append(client, reply.headers["Location"], b"x", 0)).code == "attachment-state"


async def test_too_much_content_ends_the_upload(node: Running, client: Client) -> None:
    node.node.library.uploads.limits = Limits(max_bytes=10_000)
    try:
        path = (await client.send(ALL, b"", PDF, **upload_fields(None, **{"Upload-Complete": "?0"}))).headers["Location"]
        reply = await append(client, path, pdf(10_001), 0)
        assert (reply.status, reply.code) == (413, "attachment-too-large")
        assert reply.headers["Upload-Limit"] == "max-size=10000"
        assert (await get(client, path + "/state")).ok()["state"] == "refused"
    finally:
        node.node.library.uploads.limits = Limits()
    content = pdf(500)
    path = await begin(client, content)
    reply = await append(client, path, content + b"x", 0)
    assert (reply.status, reply.code) == (422, "attachment-length")
    assert path.rpartition("/")[2] not in on_disk(node)


async def test_too_little_content_may_be_gone_on_with(client: Client) -> None:
    content = pdf(500)
    path = await begin(client, content)
    reply = await client.call(
        "PATCH",
        path,
        data=content[:400],
        headers={
            "Content-Type": "application/partial-upload",
            "Upload-Offset": "0",
            "Upload-Complete": "?1",
            "Upload-Length": "500",
        },
    )
    assert (reply.status, reply.code) == (422, "attachment-length")
    assert (await append(client, path, content[400:], 400, last=True)).ok()["state"] == "complete"


async def test_appending_needs_its_header_fields(client: Client) -> None:
    path = await begin(client, pdf(100))
    for fields, code in (
        ({"Content-Type": "application/pdf", "Upload-Offset": "0", "Upload-Complete": "?0"}, "media-type"),
        ({"Content-Type": "application/partial-upload", "Upload-Complete": "?0"}, "attachment-header"),
        ({"Content-Type": "application/partial-upload", "Upload-Offset": "0"}, "attachment-header"),
        ({"Content-Type": "application/partial-upload", "Upload-Offset": "-1", "Upload-Complete": "?0"}, "attachment-header"),
    ):
        assert (await client.call("PATCH", path, data=b"x", headers=fields)).code == code
    assert (await head(client, path)).headers["Upload-Offset"] == "0"


@pytest.mark.parametrize("name", ["0" * 32, "0" * 31, "X" * 32, "..%2f..%2fnode.db"])
async def test_unknown_attachments(client: Client, name: str) -> None:
    for method, path in (("HEAD", ""), ("GET", ""), ("GET", "/state"), ("DELETE", "")):
        reply = await client.call(method, f"{ALL}/{name}{path}")
        assert reply.status == 404
    assert (await append(client, f"{ALL}/{name}", b"x", 0)).status == 404


async def test_unfinished_uploads_have_a_quota_and_an_end(node: Running) -> None:
    running = node.node
    token = await token_for(node, Role.CASEWORKER)
    running.library.uploads.limits = Limits(unfinished_per_user=2)
    try:
        async with client_of(node) as full:
            client = full.with_token(token)
            paths = [await begin(client, pdf(100)) for _ in range(2)]
            before = on_disk(node)
            third = await client.send(ALL, b"", PDF, **upload_fields(None, **{"Upload-Complete": "?0"}))
            assert (third.status, third.code) == (429, "attachment-quota")
            assert on_disk(node) == before
            assert (await client.call("DELETE", paths[0])).status == 204
            assert (await head(client, paths[0])).status == 404
            running.library.uploads.limits = Limits(unfinished_per_user=2, unfinished_s=-5)
            assert await running.library.sweep() >= 1
            assert (await head(client, paths[1])).status == 404
    finally:
        running.library.uploads.limits = Limits()


class FixedScanner:
    """Says always the same."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict, self.seen = verdict, b""

    async def scan(self, parts: AsyncIterator[bytes]) -> Verdict:
        async for part in parts:
            self.seen += part
        return self.verdict


async def test_what_the_scanner_says_counts(node: Running, client: Client) -> None:
    uploads: Any = node.node.library.uploads
    kept = uploads._scanner
    content = pdf(CHUNK_BYTES + 5)
    try:
        uploads._scanner = scanner = FixedScanner(Verdict.CLEAN)
        assert (await put(client, content)).ok(201)["scan"] == "clean"
        assert scanner.seen == content
        uploads._scanner = FixedScanner(Verdict.INFECTED)
        reply = await put(client, content)
        assert (reply.status, reply.code) == (422, "attachment-infected")
        assert not has_key(node, reply.headers["Location"].rpartition("/")[2])
        assert reply.headers["Location"].rpartition("/")[2] not in on_disk(node)
    finally:
        uploads._scanner = kept


# -- looking ---------------------------------------------------------------------------------------


async def test_ranges(client: Client) -> None:
    content = pdf(CHUNK_BYTES + 1000)
    path = (await put(client, content)).headers["Location"]
    size = len(content)
    for text, start, stop in (
        ("bytes=0-0", 0, 1),
        (f"bytes={CHUNK_BYTES - 3}-{CHUNK_BYTES + 2}", CHUNK_BYTES - 3, CHUNK_BYTES + 3),
        (f"bytes={size - 5}-", size - 5, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=10-{size * 2}", 10, size),
        (f"bytes=-{size * 2}", 0, size),
    ):
        reply = await get(client, path, Range=text)
        assert (reply.status, reply.body) == (206, content[start:stop])
        assert reply.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
    for text in (f"bytes={size}-", "bytes=5-4", "bytes=-0", "bytes=0-1,5-6", "pages=1-2"):
        reply = await get(client, path, Range=text)
        assert (reply.status, reply.code) == (416, "range-form"), text


async def test_who_may_see_and_touch_what(node: Running, client: Client) -> None:
    path = (await put(client, SAMPLES[PDF])).headers["Location"]
    unfinished = await begin(client, pdf(100))
    for role, content, state, begun in (
        (Role.PUBLISHER, 200, 200, 409),
        (Role.CASEWORKER, 403, 200, 403),
        (Role.SHARING, 403, 200, 403),
        (Role.AUDITOR, 403, 200, 403),
        (Role.OPERATOR, 403, 403, 403),
    ):
        async with client_of(node) as full:
            other = full.with_token(await token_for(node, role))
            assert (await get(other, path)).status == content
            shown = await get(other, path + "/state")
            assert shown.status == state
            if state == 200:
                assert ("name" in shown.json) == (role is Role.PUBLISHER)
                assert ("sha256" in shown.json) == (role is Role.PUBLISHER)
                listed = (await other.get(ALL, params={"limit": "200"})).ok()["items"]
                assert all(("name" in one) == (role is Role.PUBLISHER) for one in listed if one["origin"] == "own")
            assert (await get(other, unfinished)).status == begun
            assert (await head(other, unfinished)).status in (403, 404)
            assert (await append(other, unfinished, b"x", 0)).status in (403, 404)
            if role is not Role.PUBLISHER:
                assert (await other.call("DELETE", path)).status == 403
    async with client_of(node) as full:
        other = full.with_token(await token_for(node, Role.CASEWORKER))
        own = (await put(other, SAMPLES[PDF])).headers["Location"]
        assert (await get(other, own)).status == 200
        assert (await other.call("DELETE", own)).status == 204
    assert (await client.call("DELETE", unfinished)).status == 204


async def test_the_list_has_pages(client: Client) -> None:
    made = [(await put(client, SAMPLES[PDF])).ok(201)["id"] for _ in range(3)]
    seen: list[str] = []
    query = {"limit": "2"}
    while query.get("cursor", "") is not None:
        page = (await client.get(ALL, params=query)).ok()
        seen += [one["id"] for one in page["items"]]
        query = {"limit": "2", "cursor": page["next"]}
    assert seen[-3:] == made
    assert len(set(seen)) == len(seen)


async def test_a_damaged_file_on_disk_is_an_error_and_no_torn_answer(node: Running, client: Client) -> None:
    reply = await put(client, pdf(1000))
    file = node.node.settings.data_dir / "blobs" / reply.json["id"]
    whole = file.read_bytes()
    file.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    broken = await get(client, reply.headers["Location"])
    assert (broken.status, broken.code) == (503, "sealed-broken")
    file.write_bytes(whole)
    assert (await get(client, reply.headers["Location"])).status == 200


# -- records ---------------------------------------------------------------------------------------


async def publish(client: Client, scan: object, *proofs: object) -> Reply:
    return await client.post(RECORDS, json=file_row(next(_rows), scan, *proofs))


def value_of(content: bytes, name: str = "授权书.pdf") -> dict[str, Any]:
    return {"sha256": sha256(content).hexdigest(), "bytes": len(content), "media_type": PDF, "name": name}


async def test_a_record_names_an_attachment_by_value_or_reference(node: Running, client: Client) -> None:
    content = pdf(700)
    uploaded = (await put(client, content)).ok(201)
    digest = uploaded["sha256"]
    for scan in (value_of(content), uploaded["id"], digest, f"sha256:{digest}", value_of(content, "another name.pdf")):
        accepted = (await publish(client, scan, uploaded["id"])).ok(201)
        fields = (await client.get(f"/api/v1/records/{accepted['record_id']}")).ok()["fields"]
        name = scan["name"] if isinstance(scan, dict) else "授权书.pdf"
        assert list(fields["scan"].items()) == list(value_of(content, name).items())
        assert fields["owners.1.proof"] == value_of(content)
    assert (await get(client, f"{ALL}/{uploaded['id']}/state")).ok()["used"] is True
    reply = await client.call("DELETE", f"{ALL}/{uploaded['id']}")
    assert (reply.status, reply.code) == (409, "attachment-used")


async def test_a_record_may_name_only_what_is_here_and_of_its_type(node: Running, client: Client) -> None:
    content = pdf(701)
    unfinished = await begin(client, content)
    docx = (await put(client, SAMPLES[DOCX], DOCX, "x.docx")).ok(201)
    with node.node.store.node.read() as reader:
        before = len(table.known(reader))
    good = value_of(content)
    for scan in (
        good,  # not complete
        unfinished.rpartition("/")[2],
        {**good, "sha256": "ab" * 32},
        "sha256:" + "ab" * 32,
        docx["id"],  # the field takes pdf and png
        "授权书.pdf",
    ):
        reply = await publish(client, scan)
        assert (reply.status, reply.code) == (422, "rows-rejected"), scan
        (fault,) = reply.json["faults"]
        assert (fault["field"], fault["title"], fault["code"]) == ("scan", "扫描件", "field-file")
        assert "授权书" not in fault["what"]
    (await append(client, unfinished, content, 0, last=True)).ok()
    for wrong in ({"bytes": len(content) + 1}, {"media_type": PNG}):
        reply = await publish(client, {**good, **wrong})
        assert (reply.status, reply.json["faults"][0]["code"]) == (422, "field-file")
    (await publish(client, good)).ok(201)
    with node.node.store.node.read() as reader:
        assert len(table.known(reader)) == before


async def test_rows_in_bulk_and_revisions(client: Client) -> None:
    uploaded = (await put(client, pdf(702))).ok(201)
    rows = [file_row(next(_rows), uploaded["id"]) for _ in range(70)]
    body = b"\n".join(json.dumps(row).encode() for row in rows)
    assert (await client.send(RECORDS + "/bulk", body, "application/x-ndjson")).ok(201)["accepted"] == 70
    rows = [file_row(next(_rows), uploaded["id"]) for _ in range(3)]
    assert (await client.send(RECORDS + "/bulk", json.dumps(rows).encode(), "application/json")).ok(201)["accepted"] == 3
    broken = b"\n".join([json.dumps(file_row(next(_rows), uploaded["id"])).encode(), b"{", json.dumps(file_row(1, "?")).encode()])
    reply = await client.send(RECORDS + "/bulk", broken, "application/x-ndjson")
    assert (reply.status, [f["row"] for f in reply.json["faults"]]) == (422, [2])
    mixed = [file_row(next(_rows), uploaded["id"]), file_row(next(_rows), "sha256:" + "cd" * 32)]
    reply = await client.send(RECORDS + "/bulk", json.dumps(mixed).encode(), "application/json")
    assert (reply.status, [(f["row"], f["code"]) for f in reply.json["faults"]]) == (422, [(2, "field-file")])
    number = next(_rows)
    record = (await client.post(RECORDS, json=file_row(number, None))).ok(201)["record_id"]
    revised = await client.post(f"/api/v1/records/{record}/revisions", json=file_row(number, uploaded["id"]))
    assert revised.ok(201)["rev"] == 2


async def test_unscanned_files_are_published_only_where_the_setting_says_so(node: Running, client: Client) -> None:
    uploaded = (await put(client, pdf(703))).ok(201)
    library: Any = node.node.library
    object.__setattr__(library, "unscanned_allowed", False)
    try:
        reply = await publish(client, uploaded["id"])
        assert (reply.status, reply.json["faults"][0]["code"]) == (422, "attachment-not-scanned")
    finally:
        object.__setattr__(library, "unscanned_allowed", True)
    (await publish(client, uploaded["id"])).ok(201)


async def test_erasing_the_last_record_destroys_key_and_file(node: Running, client: Client) -> None:
    uploaded = (await put(client, pdf(CHUNK_BYTES + 9))).ok(201)
    number = next(_rows)
    one = (await client.post(RECORDS, json=file_row(number, uploaded["id"]))).ok(201)["record_id"]
    (await client.post(f"/api/v1/records/{one}/revisions", json=file_row(number, uploaded["id"]))).ok(201)
    two = (await publish(client, None, uploaded["id"])).ok(201)["record_id"]
    (await client.post(f"/api/v1/records/{one}/erase", json={"reason": 3})).ok(202)
    assert (await get(client, f"{ALL}/{uploaded['id']}")).status == 200  # the other record still needs it
    (await client.post(f"/api/v1/records/{two}/erase", json={"reason": 3})).ok(202)
    assert (await get(client, f"{ALL}/{uploaded['id']}")).status == 404
    assert uploaded["id"] not in on_disk(node)
    assert not has_key(node, uploaded["id"])
    assert (await publish(client, uploaded["id"])).json["faults"][0]["code"] == "field-file"
    with node.node.store.node.read() as reader:
        assert reader.fetch("SELECT 1 FROM attachments WHERE id = ?", (bytes.fromhex(uploaded["id"]),)) == []
        assert reader.fetch("SELECT 1 FROM attachment_uses WHERE attachment = ?", (bytes.fromhex(uploaded["id"]),)) == []


async def test_a_file_that_nothing_came_to_use_goes_at_its_time(node: Running, client: Client) -> None:
    library: Any = node.node.library
    used = (await put(client, pdf(704))).ok(201)
    unused = (await put(client, pdf(705))).ok(201)
    (await publish(client, used["id"])).ok(201)
    object.__setattr__(library, "unused_s", -5)
    try:
        await library.sweep()
    finally:
        object.__setattr__(library, "unused_s", 30 * 86_400)
    assert (await get(client, f"{ALL}/{used['id']}")).status == 200
    assert (await get(client, f"{ALL}/{unused['id']}")).status == 404
    assert unused["id"] not in on_disk(node)


async def test_memory_stays_bounded_while_a_large_file_passes(node: Running, client: Client) -> None:
    size = 300 << 20
    head_part, block = SAMPLES[PDF], os.urandom(1 << 20)

    async def blocks() -> AsyncIterator[bytes]:
        yield head_part
        for _ in range(size >> 20):
            yield block

    (await put(client, pdf(1 << 20))).ok(201)  # everything is loaded once
    peak = _resident()
    seen = [peak]

    async def watch() -> None:
        while True:
            seen.append(_resident())
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    reply = await client.call("POST", ALL, data=blocks(), headers=upload_fields(None))
    watching.cancel()
    assert reply.ok(201)["bytes"] == size + len(head_part)
    print(f"resident memory grew by {(max(seen) - peak) >> 20} MiB while {size >> 20} MiB passed")
    assert max(seen) - peak < 64 << 20
    (await client.call("DELETE", reply.headers["Location"])).ok(204)


def _resident() -> int:
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
