"""Every list of the API has pages: limit, an opaque cursor, next; found by asking every route, not by a list kept here."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import pytest_asyncio

from tests.integration.node.conftest import ALIAS, Rows
from tests.support.attachments import SAMPLES, upload_fields
from tests.support.authorisations import form
from tests.support.http import Client, client_of
from tests.support.network import D01, D02, Network
from tests.support.routes import DOCUMENTS, filled, routes
from xinlian.api import openapi
from xinlian.node.sharing import TermsByName
from xinlian.protocol.attachments import PDF
from xinlian.protocol.b64 import b64u
from xinlian.protocol.dataset import SubjectKind
from xinlian.protocol.subjects import Subject
from xinlian.scenarios.catalogue import dataset_files

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCENARIO = "0x" + "5c" * 32
SEARCH = ("POST", "/api/v1/datasets/{dataset}/records/search")
EXPECTED = {
    ("GET", "/api/v1/acts"),
    ("GET", "/api/v1/approvals"),
    ("GET", "/api/v1/authorisations"),
    ("GET", "/api/v1/batches"),
    ("GET", "/api/v1/cases"),
    ("GET", "/api/v1/attachments"),
    ("GET", "/api/v1/datasets"),
    ("GET", "/api/v1/datasets/{dataset}/records"),
    ("GET", "/api/v1/departments"),
    ("GET", "/api/v1/documents"),
    ("GET", "/api/v1/documents/missing"),
    ("GET", "/api/v1/disposals"),
    ("GET", "/api/v1/findings"),
    ("GET", "/api/v1/use-records"),
    ("GET", "/api/v1/grants"),
    ("GET", "/api/v1/inbox"),
    ("GET", "/api/v1/notices"),
    ("GET", "/api/v1/notices/received"),
    ("GET", "/api/v1/parked"),
    ("GET", "/api/v1/queries"),
    ("GET", "/api/v1/queries/{rid}/bundles"),
    ("GET", "/api/v1/reads"),
    ("GET", "/api/v1/corrections"),
    ("GET", "/api/v1/corrections/told"),
    ("GET", "/api/v1/requests"),
    ("GET", "/api/v1/retention-duties"),
    ("GET", "/api/v1/signers"),
    ("GET", "/api/v1/transactions"),
    ("GET", "/api/v1/users"),
    ("GET", "/api/v1/webhooks"),
    ("GET", "/api/v1/webhooks/{hook_id}/deliveries"),
    SEARCH,
}
"""What is a list today: the test below finds them by their answers, so a further one shows up here."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def content(client: Client, network: Network, rows: Rows) -> None:
    """Three of most things."""
    shared = rows.one()["id_number"]
    (await client.send("/api/v1/datasets", dataset_files("new-home-loan")["GJJ-02"], "application/json")).ok(202)
    for number in range(3):
        (await client.send("/api/v1/attachments", SAMPLES[PDF], PDF, **upload_fields(None))).ok(201)
        row = {**rows.one(), "id_number": shared}
        (await client.post(f"/api/v1/datasets/{ALIAS}/records", json=row, headers={"Prefer": "wait=30"})).ok(201)
        case = {"case_no": f"LIST-{number}", "scenario": SCENARIO, "subjects": [{"kind": "contract", "value": "HT-1"}]}
        (await client.post("/api/v1/cases", json=case)).ok(201)
        now = network[D02].node.clock.law_s()
        names = ((), ("balance_yuan",), (), ())
        terms = TermsByName(*names, ("HPF_LOAN_REVIEW",), (SCENARIO,), now, now + 9_000, 1 + number)
        await network.share(D02, D01, ALIAS, terms)
        code = network[D02].node.catalogue.own(ALIAS).schema.code
        signed = form(Subject(SubjectKind.PERSON, shared), code, ("balance_yuan",), None)
        (await client.post("/api/v1/authorisations", json={"form": signed})).ok(201)
        user = {"person_id": f"L{number}", "name": "测试", "post": "测试岗", "roles": ["auditor"], "expires": 1_999_999_999}
        (await client.post("/api/v1/users", json=user)).ok(201)


async def answers(client: Client, method: str, path: str, query: dict[str, Any], rows: Rows) -> Any:
    if (method, path) != SEARCH:
        return await client.call(method, filled(path), params=query)
    wanted = {"field": "id_number", "value": rows._made[0]["id_number"]}
    return await client.call(method, filled(path), params=query, json=wanted)


async def test_whatever_answers_items_is_a_list_with_pages(client: Client, network: Network, rows: Rows, content: None) -> None:
    lists = set[tuple[str, str]]()
    for method, path, route in routes(network):
        if path in DOCUMENTS or (method != "GET" and (method, path) != SEARCH):
            continue
        reply = await answers(client, method, path, {}, rows)
        told = orjson.loads(reply.body) if reply.headers["Content-Type"] == "application/json" else None
        assert not isinstance(told, list), f"{path}: a bare list has no room for next"
        has_items = isinstance(told, dict) and "items" in told
        assert has_items == openapi.is_list(route), path
        if isinstance(told, dict) and has_items:
            lists.add((method, path))
            assert set(told) == {"items", "next"}, path
    assert lists == EXPECTED


@pytest.mark.parametrize(("method", "path"), sorted(EXPECTED), ids=[path for _, path in sorted(EXPECTED)])
async def test_a_list_gives_every_item_once_page_by_page(
    client: Client, rows: Rows, content: None, method: str, path: str
) -> None:
    whole = (await answers(client, method, path, {"limit": 200}, rows)).ok()
    assert whole["next"] is None
    walked, cursor = list[Any](), None
    while True:
        page = (await answers(client, method, path, {"limit": 1} | ({"cursor": cursor} if cursor else {}), rows)).ok()
        assert len(page["items"]) <= 1
        walked += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert strip(walked) == strip(whole["items"])
    if path not in (
        "/api/v1/documents/missing",
        "/api/v1/disposals",
        "/api/v1/findings",
        "/api/v1/use-records",
        "/api/v1/inbox",
        "/api/v1/notices",
        "/api/v1/corrections",
        "/api/v1/corrections/told",
        "/api/v1/notices/received",
        "/api/v1/retention-duties",
        "/api/v1/parked",
        "/api/v1/queries",
        "/api/v1/queries/{rid}/bundles",
        "/api/v1/webhooks",
        "/api/v1/webhooks/{hook_id}/deliveries",
        "/api/v1/reads",
        "/api/v1/datasets",
    ):
        assert len(walked) >= 2, "there is something to walk over"


def strip(items: list[Any]) -> list[Any]:
    """Items without what may change while they are walked over (a batch becomes final)."""
    return [{name: value for name, value in item.items() if name not in ("state", "block_number")} for item in items]


@pytest.mark.parametrize(("method", "path"), sorted(EXPECTED), ids=[path for _, path in sorted(EXPECTED)])
async def test_a_list_refuses_what_is_no_page(client: Client, rows: Rows, method: str, path: str) -> None:
    foreign, shapes = b64u(orjson.dumps(["another list", 1])), [[], ["users"], ["users", "1"], ["users", -1], {"users": 1}, 5]
    cursors = ["x" * 401, "§", "AA", foreign, *(b64u(orjson.dumps(shape)) for shape in shapes)]
    wrong: list[dict[str, Any]] = [{"limit": limit} for limit in ("0", "201", "-1", "1.5", "", "x", "٣")]
    for query in [*wrong, *({"cursor": cursor} for cursor in cursors)]:
        reply = await answers(client, method, path, query, rows)
        assert (reply.status, reply.code) == (422, "page-form"), query


async def test_the_default_is_fifty(client: Client) -> None:
    for number in range(52):
        user = {"person_id": f"M{number}", "name": "测试", "post": "测试岗", "roles": ["auditor"], "expires": 1_999_999_999}
        (await client.post("/api/v1/users", json=user)).ok(201)
    page = (await client.get("/api/v1/users")).ok()
    assert len(page["items"]) == 50
    rest = (await client.get("/api/v1/users", params={"cursor": page["next"], "limit": 200})).ok()
    assert rest["next"] is None
    assert {one["id"] for one in page["items"]}.isdisjoint(one["id"] for one in rest["items"])


async def test_a_list_of_the_document_says_how_it_is_paged(client: Client, network: Network) -> None:
    document = (await client.get("/api/v1/openapi.json")).ok()
    for method, path, route in routes(network):
        if path in DOCUMENTS:
            continue
        operation = document["paths"][path][method.lower()]
        named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        assert ({"limit", "cursor"} <= named) == openapi.is_list(route), path
        if openapi.is_list(route):
            (content,) = operation["responses"]["200"]["content"].values()
            assert set(content["example"]) == {"items", "next"}, path


async def test_what_is_added_during_a_walk_disturbs_nobody(network: Network) -> None:
    """Through the API, with the list that grows at its front: the newest transactions."""
    async with client_of(network[D02]) as client:
        before = [one["id"] for one in (await client.get("/api/v1/transactions", params={"limit": 200})).ok()["items"]]
        walked, cursor, number = list[int](), None, 0
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/api/v1/transactions", params=query)).ok()
            walked += [one["id"] for one in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
            case = {"case_no": f"WALK-{number}", "scenario": SCENARIO, "subjects": [{"kind": "contract", "value": "HT-1"}]}
            number += 1
            if number <= 3:
                (await client.post("/api/v1/cases", json=case)).ok(201)
    assert walked == before
