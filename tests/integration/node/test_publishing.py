"""Publishing over the API: every form of input, all or nothing, idempotency, revisions, revocation, evidence."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.integration.node.conftest import Rows, stored
from tests.support.http import Client
from tests.support.network import D02, Network
from xinlian.protocol import bundle as bundles
from xinlian.scenarios.catalogue import load_schemas
from xinlian.scenarios.synthetic.files import csv_bytes, ndjson_bytes, xlsx_bytes

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORDS = "/api/v1/datasets/GJJ-01/records"
IMPORTS = "/api/v1/datasets/GJJ-01/imports"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SCHEMA = load_schemas("new-home-loan")["GJJ-01"]
WAIT = {"Prefer": "wait=30"}


async def publish(client: Client, row: dict[str, Any], **headers: str) -> dict[str, Any]:
    """Publish one row and wait until it is anchored."""
    answer = (await client.post(RECORDS, json=row, headers={**WAIT, **headers})).ok(201)
    assert answer["state"] == "anchored"
    assert isinstance(answer, dict)
    return answer


async def verdict(client: Client, data: bytes) -> dict[str, Any]:
    """The node's own verification of a bundle."""
    report = (await client.send("/api/v1/verifications", data, "application/json")).ok()
    assert isinstance(report, dict)
    return report


# -- every form of input -------------------------------------------------------------------------------


async def test_one_row_is_pending_then_anchored_and_its_bundle_verifies(client: Client, rows: Rows) -> None:
    row = rows.one()
    answer = (await client.post(RECORDS, json=row)).ok(201)
    assert answer["state"] == "pending"
    assert answer["rev"] == 1
    assert answer["record_ids"] == [answer["record_id"]]
    other = await publish(client, rows.one())
    assert other["first_position"] == answer["last_position"] + 1
    shown = (await client.get(f"/api/v1/records/{answer['record_id']}")).ok()
    assert (shown["state"], shown["status"], shown["leaf"]) == ("anchored", "current", answer["leaf"])
    assert shown["fields"] == row
    bundle = (await client.get(f"/api/v1/records/{answer['record_id']}/bundle")).body
    report = await verdict(client, bundle)
    assert report["exit_code"] == 0, report


async def test_ndjson_and_json_in_bulk(client: Client, rows: Rows, network: Network) -> None:
    before, _ = stored(network)
    lines = ndjson_bytes(SCHEMA, rows.take(700))  # more than one chunk of the sealing pool
    first = (await client.send(RECORDS + "/bulk", lines, "application/x-ndjson")).ok(201)
    assert (first["accepted"], len(first["record_ids"])) == (700, 700)
    assert (first["first_position"], first["last_position"]) == (before + 1, before + 700)
    second = (await client.send(RECORDS + "/bulk", orjson.dumps(rows.take(3)), "application/json")).ok(201)
    assert second["first_position"] == before + 701
    ids = set(first["record_ids"]) | set(second["record_ids"])
    assert len(ids) == 703


async def test_more_than_a_thousand_rows_give_positions_only(client: Client, rows: Rows) -> None:
    lines = ndjson_bytes(SCHEMA, rows.take(1_001))
    answer = (await client.send(RECORDS + "/bulk", lines, "application/x-ndjson")).ok(201)
    assert answer["accepted"] == 1_001
    assert "record_ids" not in answer


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("by_title", [True, False], ids=["titles", "names"])
async def test_csv(client: Client, rows: Rows, encoding: str, by_title: bool) -> None:
    given = rows.take(4)
    data = csv_bytes(SCHEMA, given, encoding=encoding, header=lambda f: f.title if by_title else f.name)
    answer = (await client.send(IMPORTS, data, "text/csv")).ok(201)
    shown = (await client.get(f"/api/v1/records/{answer['record_ids'][3]}")).ok()
    assert shown["fields"] == given[3]


async def test_csv_with_its_encoding_named(client: Client, rows: Rows) -> None:
    given = rows.take(2)
    data = csv_bytes(SCHEMA, given, encoding="gb18030", header=lambda f: f.title)
    answer = (await client.send(IMPORTS, data, "text/csv; charset=gb18030")).ok(201)
    assert (await client.get(f"/api/v1/records/{answer['record_ids'][0]}")).ok()["fields"] == given[0]


async def test_xlsx_by_media_type_and_by_file_name(client: Client, rows: Rows) -> None:
    given = rows.take(4)
    first = (await client.send(IMPORTS, xlsx_bytes(SCHEMA, given[:2]), XLSX)).ok(201)
    headers = {"X-File-Name": "a.xlsx"}
    second = (await client.send(IMPORTS, xlsx_bytes(SCHEMA, given[2:]), "application/octet-stream", **headers)).ok(201)
    for answer, expected in ((first, given[:2]), (second, given[2:])):
        shown = [(await client.get(f"/api/v1/records/{one}")).ok()["fields"] for one in answer["record_ids"]]
        assert shown == expected


@pytest.mark.parametrize("kind", ["ndjson", "json"])
async def test_files_of_json(client: Client, rows: Rows, kind: str) -> None:
    given = rows.take(3)
    data = ndjson_bytes(SCHEMA, given) if kind == "ndjson" else orjson.dumps(given)
    media = "application/x-ndjson" if kind == "ndjson" else "application/json"
    answer = (await client.send(IMPORTS, data, media)).ok(201)
    assert answer["accepted"] == 3


# -- all or nothing ------------------------------------------------------------------------------------


async def test_one_fault_in_many_rows_publishes_nothing_and_names_row_field_and_what_was_expected(
    client: Client, rows: Rows, network: Network
) -> None:
    given = rows.take(600)
    given[41]["balance_yuan"] = "12.5"
    given[577]["id_number"] = "411599199001010015"
    before = stored(network)
    for media, data in (
        ("application/x-ndjson", ndjson_bytes(SCHEMA, given)),
        ("application/json", orjson.dumps(given)),
    ):
        refused = await client.send(RECORDS + "/bulk", data, media)
        assert (refused.status, refused.code) == (422, "rows-rejected")
        faults = refused.json["faults"]
        assert [(f["row"], f["field"], f["code"]) for f in faults] == [
            (42, "balance_yuan", "field-scale"),
            (578, "id_number", "code-check-digit"),
        ]
        assert all(f["title"] and f["what"] and f["expected"] for f in faults)
        assert refused.json["fault_count"] == 2
    assert stored(network) == before
    given[41]["balance_yuan"], given[577]["id_number"] = "12.50", "411599199001010014"
    assert (await client.send(RECORDS + "/bulk", ndjson_bytes(SCHEMA, given), "application/x-ndjson")).ok(201)


async def test_a_natural_key_twice_in_a_call_or_in_the_store_is_refused(client: Client, rows: Rows, network: Network) -> None:
    given = rows.take(3)
    given[2]["pf_account_no"] = given[0]["pf_account_no"]
    before = stored(network)
    for data, media in ((ndjson_bytes(SCHEMA, given), "application/x-ndjson"), (orjson.dumps(given), "application/json")):
        refused = await client.send(RECORDS + "/bulk", data, media)
        assert refused.code == "rows-rejected"
        assert [(f["row"], f["code"]) for f in refused.json["faults"]] == [(3, "key-duplicate")]
    assert stored(network) == before
    (await client.post(RECORDS, json=given[0])).ok(201)
    after = stored(network)
    refused = await client.post(RECORDS, json={**given[1], "pf_account_no": given[0]["pf_account_no"]})
    assert (refused.status, refused.code) == (409, "record-exists")
    refused = await client.send(RECORDS + "/bulk", ndjson_bytes(SCHEMA, given[:2]), "application/x-ndjson")
    assert (refused.status, refused.code) == (409, "record-exists")
    assert refused.json["faults"][0]["row"] == 1
    assert stored(network) == after


# -- idempotency ---------------------------------------------------------------------------------------


async def test_the_same_key_and_body_give_the_first_answer_again(client: Client, rows: Rows, network: Network) -> None:
    row = rows.one()
    key = {"Idempotency-Key": "single-1"}
    first = await client.post(RECORDS, json=row, headers=key)
    count = stored(network)
    again = await client.post(RECORDS, json=row, headers=key)
    assert first.ok(201) == again.ok(201)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert stored(network) == count
    other = await client.post(RECORDS, json=rows.one(), headers=key)
    assert (other.status, other.code) == (409, "idempotency-mismatch")
    assert stored(network) == count


@pytest.mark.parametrize("path", ["/bulk", "imports"])
async def test_bulk_and_imports_are_idempotent_too(client: Client, rows: Rows, network: Network, path: str) -> None:
    url = IMPORTS if path == "imports" else RECORDS + path
    data = ndjson_bytes(SCHEMA, rows.take(5))
    key = {"Idempotency-Key": f"many {path}"}
    first = (await client.send(url, data, "application/x-ndjson", **key)).ok(201)
    count = stored(network)
    again = await client.send(url, data, "application/x-ndjson", **key)
    assert again.ok(201) == first
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await client.send(url, ndjson_bytes(SCHEMA, rows.take(1)), "application/x-ndjson", **key)
    assert (other.status, other.code) == (409, "idempotency-mismatch")
    assert stored(network) == count


async def test_two_at_once_create_one_record(client: Client, rows: Rows, network: Network) -> None:
    row = rows.one()
    key = {"Idempotency-Key": "race"}
    before = stored(network)
    replies = await asyncio.gather(*(client.post(RECORDS, json=row, headers=key) for _ in range(8)))
    created = [reply for reply in replies if reply.status == 201]
    assert len({reply.body for reply in created}) == 1
    assert len(created) == len(replies)
    assert sum("Idempotency-Replayed" not in reply.headers for reply in replies) == 1
    assert stored(network) == (before[0] + 1, before[1] + 1)


async def test_a_refused_call_leaves_its_key_free(client: Client, rows: Rows) -> None:
    key = {"Idempotency-Key": "second-try"}
    row = rows.one()
    assert (await client.post(RECORDS, json={**row, "frozen": "maybe"}, headers=key)).code == "rows-rejected"
    (await client.post(RECORDS, json=row, headers=key)).ok(201)


async def test_an_idempotency_key_that_is_none_is_refused(client: Client, rows: Rows) -> None:
    refused = await client.post(RECORDS, json=rows.one(), headers={"Idempotency-Key": "x" * 201})
    assert (refused.status, refused.code) == (422, "idempotency-key-form")


async def test_one_users_key_is_not_another_users(client: Client, rows: Rows, network: Network) -> None:
    from_other = client.with_token(await network[D02].node.people.issue_token((await _second(network)), 1))
    key = {"Idempotency-Key": "mine"}
    (await client.post(RECORDS, json=rows.one(), headers=key)).ok(201)
    reply = await from_other.post(RECORDS, json=rows.one(), headers=key)
    assert "Idempotency-Replayed" not in reply.headers
    reply.ok(201)


async def _second(network: Network) -> int:
    from xinlian.node.people import NewUser, Role  # noqa: PLC0415

    people = network[D02].node.people
    return (await people.add(NewUser("T9999", "测试另一人", "测试岗", frozenset({Role.PUBLISHER}), 2_000_000_000))).id


# -- revisions, revocation -----------------------------------------------------------------------------


async def test_a_revision_supersedes_on_chain_and_old_evidence_says_so(client: Client, rows: Rows) -> None:
    row = rows.one()
    first = await publish(client, row)
    record = f"/api/v1/records/{first['record_id']}"
    before = (await client.get(record + "/bundle")).body
    assert (await verdict(client, before))["exit_code"] == 0
    second = (await client.post(record + "/revisions", json={**row, "balance_yuan": "1.00"}, headers=WAIT)).ok(201)
    assert (second["rev"], second["record_id"], second["state"]) == (2, first["record_id"], "anchored")
    old = (await client.get(record + "/bundle", params={"rev": 1})).body
    report = await verdict(client, old)
    assert report["exit_code"] == 4, report
    assert bundles.parse(old).successor is not None
    assert not any("successor" in str(remark) for remark in report["remarks"])
    bare = await verdict(client, before)  # handed out earlier, so without its successor
    assert bare["exit_code"] == 4
    assert any("successor" in str(remark) for remark in bare["remarks"])
    assert (await verdict(client, (await client.get(record + "/bundle")).body))["exit_code"] == 0
    shown = (await client.get(record, params={"rev": 1})).ok()
    assert (shown["rev"], shown["status"]) == (1, "superseded")
    assert (await client.get(record)).ok()["rev"] == 2


async def test_a_revision_keeps_the_natural_key_of_its_record(client: Client, rows: Rows, network: Network) -> None:
    row, other = rows.take(2)
    first = (await client.post(RECORDS, json=row)).ok(201)
    (await client.post(RECORDS, json=other)).ok(201)
    before = stored(network)
    path = f"/api/v1/records/{first['record_id']}/revisions"
    refused = await client.post(path, json={**row, "pf_account_no": other["pf_account_no"]})
    assert (refused.status, refused.code) == (409, "record-exists")
    assert stored(network) == before


async def test_a_revision_before_its_predecessor_is_anchored_waits_for_it(client: Client, rows: Rows) -> None:
    row = rows.one()
    first = (await client.post(RECORDS, json=row)).ok(201)
    path = f"/api/v1/records/{first['record_id']}"
    second = (await client.post(path + "/revisions", json={**row, "balance_yuan": "2.00"}, headers=WAIT)).ok(201)
    assert second["state"] == "anchored"
    states = [(await client.get(path + "/receipt", params={"rev": rev})).ok()["state"] for rev in (1, 2)]
    assert states == ["anchored", "anchored"]
    report = await verdict(client, (await client.get(path + "/bundle", params={"rev": 1})).body)
    assert report["exit_code"] == 4, report


async def test_revoking(client: Client, rows: Rows, network: Network) -> None:
    row = rows.one()
    first = await publish(client, row)
    record = f"/api/v1/records/{first['record_id']}"
    bundle = (await client.get(record + "/bundle")).body
    done = (await client.post(record + "/revoke", json={"reason": 2})).ok(202)
    assert (done["status"], done["rev"]) == ("revoked", 1)
    for _ in range(100):
        if (await verdict(client, bundle))["exit_code"] == 5:
            break
        await asyncio.sleep(0.1)
    report = await verdict(client, bundle)
    assert report["exit_code"] == 5, report
    assert (await client.get(record)).ok()["status"] == "revoked"
    again = await client.post(record + "/revoke", json={"reason": 2})
    assert (again.status, again.code) == (409, "record-ended")
    refused = await client.post(record + "/revisions", json=row)
    assert (refused.status, refused.code) == (409, "record-ended")
    search = {"field": "id_number", "value": row["id_number"]}
    found = (await client.post(RECORDS + "/search", json=search)).ok()["items"]
    assert first["record_id"] not in [item["record_id"] for item in found]
    (await client.post(RECORDS, json=row)).ok(201)  # the natural key is free again


# -- evidence ------------------------------------------------------------------------------------------


async def test_receipt_and_bundles_with_chosen_fields(client: Client, rows: Rows) -> None:
    row = rows.one()
    answer = await publish(client, row)
    record = f"/api/v1/records/{answer['record_id']}"
    state = (await client.get(record + "/receipt")).ok()
    assert state["state"] == "anchored"
    assert state["leaf"] == answer["leaf"]
    assert (state["receipt"]["department"], state["receipt"]["stream"]) == (D02, "records")
    for fields, names in (("name,balance_yuan", ["name", "balance_yuan"]), ("", []), (None, list(row))):
        params = {} if fields is None else {"fields": fields}
        data = (await client.get(record + "/bundle", params=params)).body
        bundle = bundles.parse(data)
        assert [bundles_name(text) for text in bundle.disclosures] == names
        assert bundle.signed is None
        assert (await verdict(client, data))["exit_code"] == 0
    refused = await client.get(record + "/bundle", params={"fields": "no_such"})
    assert (refused.status, refused.code) == (422, "field-unknown")


def bundles_name(disclosure: str) -> str:
    from xinlian.protocol.record import parse_disclosure  # noqa: PLC0415

    return parse_disclosure(disclosure).name


async def test_a_signed_bundle_names_the_signature_check(client: Client, rows: Rows) -> None:
    answer = await publish(client, rows.one())
    data = (await client.get(f"/api/v1/records/{answer['record_id']}/bundle", params={"signed": "true"})).body
    assert bundles.parse(data).signed is not None
    report = await verdict(client, data)
    assert report["exit_code"] == 0
    assert {c["name"]: c["outcome"] for c in report["checks"]}["signature"] == "passed"


async def test_a_changed_bundle_is_altered(client: Client, rows: Rows) -> None:
    answer = await publish(client, rows.one())
    value = orjson.loads((await client.get(f"/api/v1/records/{answer['record_id']}/bundle")).body)
    value["disclosures"][1] = value["disclosures"][2]
    assert (await verdict(client, orjson.dumps(value)))["exit_code"] == 1


async def test_a_pending_bundle_is_signed_and_says_pending(client: Client, rows: Rows, network: Network) -> None:
    anchoring = network[D02].node.anchoring
    anchoring.halted, kept = (lambda: True), anchoring.halted
    try:
        answer = (await client.post(RECORDS, json=rows.one(), headers={"Prefer": "wait=1"})).ok(201)
        assert answer["state"] == "pending"
        state = (await client.get(f"/api/v1/records/{answer['record_id']}/receipt")).ok()
        assert (state["state"], state["receipt"]) == ("pending", None)
        assert isinstance(state["pending_since"], int)
        data = (await client.get(f"/api/v1/records/{answer['record_id']}/bundle")).body
    finally:
        anchoring.halted = kept
    parsed = bundles.parse(data)
    assert parsed.receipt is None
    assert parsed.signed is not None
    assert (await verdict(client, data))["exit_code"] == 7


# -- looking -------------------------------------------------------------------------------------------


async def test_pages_cover_every_record_once(client: Client, network: Network) -> None:
    seen: list[int] = []
    query: dict[str, str] | None = {"limit": "200"}
    while query is not None:
        page = (await client.get(RECORDS, params=query)).ok()
        seen += [item["position"] for item in page["items"]]
        query = None if page["next"] is None else {"limit": "200", "cursor": page["next"]}
    assert seen == list(range(1, stored(network)[0] + 1))


async def test_search_finds_living_records_by_lookup(client: Client, rows: Rows) -> None:
    row = rows.one(id_number="411599199606060057", name="测试戊")
    answer = (await client.post(RECORDS, json=row)).ok(201)
    found = (await client.post(RECORDS + "/search", json={"field": "id_number", "value": row["id_number"]})).ok()
    assert answer["record_id"] in [item["record_id"] for item in found["items"]]
    assert row["id_number"].encode() not in orjson.dumps(found)
    none = (await client.post(RECORDS + "/search", json={"field": "id_number", "value": "411599199505050018"})).ok()
    assert none["items"] == []
    refused = await client.post(RECORDS + "/search", json={"field": "balance_yuan", "value": "1.00"})
    assert (refused.status, refused.code) == (422, "field-not-lookup")
