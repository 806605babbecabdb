"""Bad input over HTTP: a clear error with a stable code, and nothing half-written."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from tests.integration.node.conftest import Rows, stored
from tests.support.files import workbook
from tests.support.http import Client, Reply
from tests.support.network import D02, Network
from xinlian.scenarios.catalogue import load_schemas
from xinlian.scenarios.synthetic.files import csv_bytes, shown, xlsx_bytes

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORDS = "/api/v1/datasets/GJJ-01/records"
BULK = RECORDS + "/bulk"
IMPORTS = "/api/v1/datasets/GJJ-01/imports"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JSON = "application/json"
NDJSON = "application/x-ndjson"
SCHEMA = load_schemas("new-home-loan")["GJJ-01"]
NAMES = [entry.name for entry in SCHEMA.fields]


@pytest.fixture(autouse=True)
async def _nothing_half_written(network: Network) -> AsyncIterator[None]:
    """Every test of this module is about refused input: afterwards as many records and usable keys as before."""
    before = stored(network)
    yield
    assert stored(network) == before


def refused(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.code) == (status, code), reply.body[:500]
    assert reply.json["detail"]
    assert b"Traceback" not in reply.body
    assert isinstance(reply.json["retryable"], bool)


def the_fault(reply: Reply) -> tuple[str, str]:
    refused(reply, 422, "rows-rejected")
    assert reply.json["fault_count"] == 1, reply.json
    fault = reply.json["faults"][0]
    assert fault["what"]
    assert fault["expected"]
    return fault["field"], fault["code"]


# -- values --------------------------------------------------------------------------------------------

VALUES = [
    ("balance_yuan", "12.5", "field-scale"),
    ("balance_yuan", 12.5, "field-type"),
    ("balance_yuan", "1234.50元", "field-scale"),
    ("balance_yuan", "0.123450", "field-scale"),
    ("continuous_months", "48", "field-type"),
    ("continuous_months", 48.5, "field-type"),
    ("continuous_months", -1, "field-range"),
    ("id_number", "411599199001010015", "code-check-digit"),
    ("id_number", "41159919900101001", "field-length"),
    ("id_number", "4115991990010100A4", "code-form"),
    ("id_type", "09", "field-enum"),
    ("opened_on", "2026-02-30", "field-date"),
    ("frozen", "true", "field-type"),
    ("name", "", "field-length"),
    ("name", "测" * 121, "field-length"),
    ("name", "a\nb", "field-text"),
    ("name", None, "field-missing"),
    ("name", {"a": 1}, "field-type"),
    ("pf_account_no", 4115990000000001, "field-type"),
]


@pytest.mark.parametrize(("name", "value", "code"), VALUES)
async def test_a_wrong_value_is_named(client: Client, rows: Rows, name: str, value: object, code: str) -> None:
    row = rows.one(**{name: value})
    assert the_fault(await client.post(RECORDS, json=row)) == (name, code)
    line = orjson.dumps(row)
    assert the_fault(await client.send(BULK, line, NDJSON)) == (name, code)
    assert the_fault(await client.send(BULK, b"[" + line + b"]", JSON)) == (name, code)


async def test_a_field_too_many_or_missing(client: Client, rows: Rows) -> None:
    assert the_fault(await client.post(RECORDS, json=rows.one(no_such=1))) == ("no_such", "field-unknown")
    row = rows.one()
    del row["name"]
    assert the_fault(await client.post(RECORDS, json=row)) == ("name", "field-missing")


async def test_a_field_name_that_may_be_personal_is_not_repeated(client: Client, rows: Rows) -> None:
    reply = await client.post(RECORDS, json={**rows.one(), "411599199001010014": 1, "测试甲": 2})
    refused(reply, 422, "rows-rejected")
    assert b"411599199001010014" not in reply.body
    assert "测试甲".encode() not in reply.body


async def test_ten_thousand_and_one_fields(client: Client, rows: Rows) -> None:
    row = rows.one() | {f"f{number}": 1 for number in range(10_001)}
    for reply in (
        await client.post(RECORDS, json=row),
        await client.send(BULK, orjson.dumps(row), NDJSON),
        await client.send(BULK, orjson.dumps([row]), JSON),
    ):
        assert the_fault(reply)[1] == "row-too-many-fields"


# -- JSON ----------------------------------------------------------------------------------------------

BROKEN = [
    (b"", "json-broken"),
    (b"{", "json-broken"),
    (b'{"a": 1,}', "json-broken"),
    (b"\xff\xfe{", "json-broken"),
    (b'{"a": NaN}', "json-not-exact"),
    (b'{"a": 1, "a": 2}', "json-duplicate-key"),
    (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "json-too-deep"),
]


@pytest.mark.parametrize(("body", "code"), BROKEN, ids=[str(number) for number in range(len(BROKEN))])
async def test_broken_json(client: Client, body: bytes, code: str) -> None:
    status = 422 if code == "json-not-exact" else 400
    refused(await client.send(RECORDS, body, JSON), status, code)
    if body:
        refused(await client.send(BULK, body, JSON), status, code)
        assert the_fault(await client.send(BULK, body, NDJSON))[1] == code
        assert the_fault(await client.send(IMPORTS, body, NDJSON))[1] == code


async def test_a_row_that_is_no_object(client: Client) -> None:
    refused(await client.send(RECORDS, b"[]", JSON), 422, "field-type")
    assert the_fault(await client.send(BULK, b"[1]", NDJSON))[1] == "row-shape"
    assert the_fault(await client.send(BULK, b'["a"]', JSON))[1] == "row-shape"
    refused(await client.send(BULK, b'"a"', JSON), 422, "row-shape")


@pytest.mark.parametrize("hidden", [b'"name": "x"', b'"name" :"x"', rb'"nam\u0065":"x"'])
async def test_a_json_key_twice_is_refused_however_it_is_written(client: Client, rows: Rows, hidden: bytes) -> None:
    line = orjson.dumps(rows.one())[:-1] + b"," + hidden + b"}"
    refused(await client.send(RECORDS, line, JSON), 400, "json-duplicate-key")
    sound = orjson.dumps(rows.one())
    reply = await client.send(BULK, sound + b"\n" + line + b"\n", NDJSON)
    assert the_fault(reply)[1] == "json-duplicate-key"
    assert reply.json["faults"][0]["row"] == 2
    refused(await client.send(BULK, b"[" + line + b"]", JSON), 400, "json-duplicate-key")
    assert the_fault(await client.send(IMPORTS, line, NDJSON))[1] == "json-duplicate-key"


async def test_the_cheap_look_for_equal_keys_does_not_refuse_colons_in_texts(
    client: Client, rows: Rows, network: Network
) -> None:
    from xinlian.node.sealing import parse_row  # noqa: PLC0415

    row = rows.one(employer_name='测试":单位":')
    assert parse_row(orjson.dumps(row), 2) == row


# -- files ---------------------------------------------------------------------------------------------


def table(given: dict[str, Any], **changes: str) -> list[str]:
    """The cells of a row as a clerk types them."""
    return [changes.get(entry.name, shown(entry, given[entry.name])) for entry in SCHEMA.fields]


def csv_of(*lines: list[str]) -> bytes:
    return "\r\n".join(",".join(line) for line in lines).encode()


TITLES = [entry.title for entry in SCHEMA.fields]


async def test_headers(client: Client, rows: Rows) -> None:
    cells = table(rows.one())
    for header in (TITLES[:-1], [*TITLES[:-1], "没有"], [*TITLES, TITLES[0]]):
        reply = await client.send(IMPORTS, csv_of(header, cells), "text/csv")
        refused(reply, 422, "file-header")


async def test_encodings(client: Client, rows: Rows) -> None:
    data = csv_bytes(SCHEMA, rows.take(2), encoding="utf-8", header=lambda f: f.title)
    for wrong, media in (
        (data.decode().encode("utf-16"), "text/csv"),
        (data.decode().encode("gb18030"), "text/csv; charset=utf-8"),
        (data, "text/csv; charset=utf-7"),
        (data + b"\xff\xff\x80", "text/csv"),
    ):
        refused(await client.send(IMPORTS, wrong, media), 422, "file-encoding")


async def test_empty_files(client: Client) -> None:
    for data, media in ((b"", "text/csv"), (b"", NDJSON), (b"\n\n", NDJSON), (b"[]", JSON), (csv_of(TITLES), "text/csv")):
        refused(await client.send(IMPORTS, data, media), 422, "file-empty")
    for data, media in ((b"", NDJSON), (b" \n\n", NDJSON), (b"[]", JSON), (b"", JSON)):
        refused(await client.send(BULK, data, media), 422, "file-empty")
    refused(await client.send(IMPORTS, xlsx_bytes(SCHEMA, []), XLSX), 422, "file-empty")
    refused(await client.send(IMPORTS, b"", XLSX), 422, "file-empty")


async def test_workbooks(client: Client, rows: Rows) -> None:
    cells: list[object] = list(table(rows.one()))
    account = TITLES.index("个人账号")
    numeric = [*cells]
    numeric[account] = 4115990000000001
    assert the_fault(await client.send(IMPORTS, workbook({"数据": [TITLES, numeric]}), XLSX)) == ("pf_account_no", "cell-number")

    place = next(i for i, entry in enumerate(SCHEMA.fields) if entry.name == "balance_yuan")

    def add_formula(book: Any) -> None:
        book.get_worksheet_by_name("数据").write_formula(1, place, "=1+1", None, 2)

    refused(await client.send(IMPORTS, workbook({"数据": [TITLES, cells]}, add_formula), XLSX), 422, "file-formula")
    refused(await client.send(IMPORTS, b"PK\x03\x04 no zip", XLSX), 422, "file-format")
    refused(await client.send(IMPORTS, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), XLSX), 422, "file-password")


async def test_media_types_and_file_names(client: Client, rows: Rows) -> None:
    line = orjson.dumps(rows.one())
    refused(await client.send(BULK, line, "text/plain"), 415, "media-type")
    refused(await client.send(BULK, line, "text/plain", **{"Idempotency-Key": "a"}), 415, "media-type")
    refused(await client.send(IMPORTS, line, "application/pdf"), 415, "media-type")
    for name, code in (("a.xlsm", "file-macro"), ("a.pdf", "file-format"), ("a.xls", "file-format")):
        refused(await client.send(IMPORTS, line, "application/octet-stream", **{"X-File-Name": name}), 422, code)


# -- sizes ---------------------------------------------------------------------------------------------


async def test_a_body_larger_than_the_limit_is_refused_by_its_length_unread(client: Client, network: Network) -> None:
    limit = network[D02].node.settings.upload_max_bytes
    for path, media in ((IMPORTS, "text/csv"), (BULK, NDJSON), (BULK, JSON)):
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.token}\r\nContent-Type: {media}\r\n"
        answer = await raw(client, f"{head}Content-Length: {limit + 1}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 413 "), answer[:200]
        assert b'"too-large"' in answer
    head = f"POST {RECORDS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.token}\r\n"
    assert b'"too-large"' in await raw(client, f"{head}Content-Length: 1000001\r\n\r\n".encode())


async def raw(client: Client, data: bytes) -> bytes:
    """Send bytes as they are and read what comes until the node closes or has answered."""
    host, _, port = client.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        await writer.drain()
        return await asyncio.wait_for(reader.read(4_000), 10)
    finally:
        writer.close()


@pytest.mark.parametrize(("path", "media"), [(IMPORTS, "text/csv"), (BULK, NDJSON)])
async def test_a_hundred_megabytes_without_a_length_stop_at_the_limit_in_bounded_memory(
    client: Client, path: str, media: str
) -> None:
    sent = 0

    async def blocks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_650):
            sent += 1 << 16
            yield b"x" * (1 << 16)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reply = await client.call("POST", path, data=blocks(), headers={"Content-Type": media})
    refused(reply, 413, "too-large")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000  # KiB: three times the file, not ten
    if media == NDJSON:
        assert sent < 40_000_000  # one line without an end is given up long before, but for what the network had buffered


async def test_more_rows_than_allowed(client: Client, network: Network, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace  # noqa: PLC0415

    publishing = network[D02].node.publishing
    monkeypatch.setattr(publishing, "_limits", replace(publishing._limits, max_rows=3))
    given = rows.take(4)
    refused(await client.send(BULK, b"\n".join(map(orjson.dumps, given)), NDJSON), 413, "too-large")
    refused(await client.send(BULK, orjson.dumps(given), JSON), 422, "file-too-many-rows")


# -- addresses and parameters --------------------------------------------------------------------------


async def test_unknown_places(client: Client, rows: Rows) -> None:
    refused(await client.post("/api/v1/datasets/XX-99/records", json=rows.one()), 404, "dataset-unknown")
    refused(await client.send("/api/v1/datasets/XX-99/imports", b"a", "text/csv"), 404, "dataset-unknown")
    refused(await client.get("/api/v1/records/01a208dd-04fb-7410-b86b-913eca60739a"), 404, "record-unknown")
    refused(await client.get("/api/v1/nothing"), 404, "route-unknown")
    refused(await client.get("/"), 404, "route-unknown")
    for method, path in (("PUT", RECORDS), ("DELETE", "/api/v1/me"), ("PATCH", "/api/v1/users")):
        reply = await client.call(method, path)
        refused(reply, 405, "method-not-allowed")


NO_IDS = ["1", "x" * 36, "01A208DD-04FB-7410-B86B-913ECA60739A", "%00", "01a208dd-04fb-4410-b86b-913eca60739a"]
NO_PAGES = ["cursor=x", "cursor=-1", "limit=0", "limit=201", "cursor=" + "9" * 40, "cursor=1.5", "limit=", "cursor=٣"]


@pytest.mark.parametrize("record", NO_IDS)
async def test_a_record_id_that_is_none(client: Client, rows: Rows, record: str) -> None:
    for reply in (
        await client.get(f"/api/v1/records/{record}"),
        await client.get(f"/api/v1/records/{record}/receipt"),
        await client.get(f"/api/v1/records/{record}/bundle"),
        await client.post(f"/api/v1/records/{record}/revisions", json=rows.one()),
        await client.post(f"/api/v1/records/{record}/revoke", json={"reason": 1}),
        await client.post(f"/api/v1/records/{record}/erase", json={"reason": 1}),
    ):
        refused(reply, 422, "record-id-form")


@pytest.mark.parametrize("query", NO_PAGES)
async def test_a_bad_page(client: Client, query: str) -> None:
    refused(await client.get(f"{RECORDS}?{query}"), 422, "page-form")


HUGE = "9" * 30
NUMBERS = [
    f"/api/v1/answers/{HUGE}/bundle",
    f"/api/v1/reads/{HUGE}/bundle",
    f"/api/v1/records/01a208dd-04fb-7410-b86b-913eca60739a?rev={HUGE}",
    "/api/v1/records/01a208dd-04fb-7410-b86b-913eca60739a?rev=x",
    f"/api/v1/records/01a208dd-04fb-7410-b86b-913eca60739a/receipt?rev={HUGE}",
    f"/api/v1/records/01a208dd-04fb-7410-b86b-913eca60739a/bundle?rev={HUGE}",
    f"/api/v1/datasets/GJJ-01?version={HUGE}",
    f"/api/v1/datasets/GJJ-01/schema?version={HUGE}",
    f"/api/v1/grants/{D02}/{HUGE}",
]


PAGES = [
    f"/api/v1/reads?cursor={HUGE}",
    f"/api/v1/batches?limit={HUGE}",
    f"/api/v1/transactions?limit={HUGE}",
    "/api/v1/queries?limit=0",
]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_outside_its_bounds(client: Client, path: str) -> None:
    refused(await client.get(path), 422, "page-form")


@pytest.mark.parametrize("path", NUMBERS)
async def test_a_number_outside_its_bounds(client: Client, path: str) -> None:
    refused(await client.get(path), 422, "request-body")


POSTS: list[tuple[str, Any]] = [
    (RECORDS + "/search", {"field": "id_number"}),
    (RECORDS + "/search", {"field": "id_number", "value": 1}),
    (RECORDS + "/search", []),
    ("/api/v1/records/01a208dd-04fb-7410-b86b-913eca60739a/revoke", {"reason": "because"}),
    ("/api/v1/records/01a208dd-04fb-7410-b86b-913eca60739a/revoke", {"reason": 256}),
    ("/api/v1/records/01a208dd-04fb-7410-b86b-913eca60739a/erase", {}),
    ("/api/v1/users", {"person_id": "P1"}),
    (f"/api/v1/users/{HUGE}/tokens", {"days": 1}),
    ("/api/v1/users/1/tokens", {"days": 0}),
    (f"/api/v1/parked/{HUGE}/replay", None),
    (f"/api/v1/requests/{D02}/{HUGE}/steps/agree", {}),
    (f"/api/v1/requests/{D02}/1/steps/agree", {"form": 1}),
    (f"/api/v1/requests/{D02}/1/marks/early", None),
    ("/api/v1/requests", {"provider": D02, "dataset": "GJJ-01"}),
    ("/api/v1/cases", {"case_no": "a b", "scenario": "0x", "subjects": []}),
    ("/api/v1/queries", {"provider": "x"}),
    ("/api/v1/reads/reconcile", {"counterparty": "411599199001010014X"}),
    ("/api/v1/keys/rotate", {"kind": "all"}),
]


@pytest.mark.parametrize(("path", "body"), POSTS)
async def test_a_body_that_does_not_fit_its_model(client: Client, path: str, body: Any) -> None:
    reply = await client.post(path, json=body)
    refused(reply, 422, "request-body")
    assert reply.json["faults"]
    assert b"411599199001010014" not in reply.body


async def test_bodies_that_are_not_json(client: Client) -> None:
    for path in ("/api/v1/users", RECORDS + "/search", "/api/v1/cases"):
        refused(await client.send(path, b"{", JSON), 400, "json-broken")
    refused(await client.send("/api/v1/datasets", b"{", JSON), 400, "json-broken")
    refused(await client.send("/api/v1/datasets", b"{}", JSON), 422, "schema-form")
    refused(await client.send("/api/v1/authority/departments", b"{", JSON), 400, "json-broken")


async def test_what_is_no_bundle_fails_the_format_check(client: Client) -> None:
    report = (await client.send("/api/v1/verifications", b"{}", JSON)).ok()
    assert report["exit_code"] == 1
    assert report["checks"][0] | {"detail": ""} == {"name": "format", "outcome": "failed", "detail": ""}
    refused(await client.send("/api/v1/verifications?as_of=yesterday", b"{}", JSON), 422, "as-of-form")
    refused(await client.send("/api/v1/verifications", bytes(8_000_001), JSON), 413, "too-large")


async def test_another_departments_dataset_cannot_be_proposed_nor_an_unpublished_one_filled(
    client: Client, network: Network
) -> None:
    from xinlian.scenarios.catalogue import dataset_files  # noqa: PLC0415

    files = dataset_files("new-home-loan")
    refused(await client.send("/api/v1/datasets", files["BDC-01"], JSON), 422, "schema-owner")
    proposed = (await client.send("/api/v1/datasets", files["GJJ-02"], JSON)).ok(202)
    refused(await client.post("/api/v1/datasets/GJJ-02/records", json={}), 404, "dataset-unknown")
    head = client.with_token(network[D02].head_token)
    assert (await head.post(f"/api/v1/approvals/{proposed['id']}/consent", json={})).ok()["state"] == "done"
    refused(await client.post("/api/v1/datasets/GJJ-02/records", json={}), 409, "dataset-not-published")
