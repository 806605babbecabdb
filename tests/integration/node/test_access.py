"""Who may call what: every route has a decision, every role is held to it; people, tokens, and what OpenAPI says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from tests.integration.node.conftest import Rows
from tests.support.http import Client, client_of, token_for
from tests.support.network import D01, D02, Network
from tests.support.routes import DOCUMENTS, filled, routes
from xinlian.api import examples
from xinlian.api.access import PUBLIC, decisions
from xinlian.node.people import NewUser, Person, Role

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("POST", "/exchange/v1/requests"),
    ("POST", "/exchange/v1/notices"),
    ("POST", "/exchange/v1/files"),
    ("POST", "/exchange/v1/self-access"),
    ("GET", "/exchange/v1/schemas/{schema_hash}"),
    ("POST", "/exchange/v1/receipts"),
    ("POST", "/exchange/v1/reconciliations"),
}
"""Everything that is public, so that a further one is a decision that is seen here."""

P, A, S, C, L = Role.PUBLISHER, Role.AUDITOR, Role.SHARING, Role.CASEWORKER, Role.AUTHORITY
OP, H = Role.OPERATOR, Role.HEAD
ALL = set(Role)
DECIDED: dict[tuple[str, str], set[Role]] = {
    ("GET", "/metrics"): {OP},
    ("GET", "/api/v1/view"): ALL,
    ("GET", "/api/v1/me"): ALL,
    ("GET", "/api/v1/departments"): ALL,
    ("POST", "/api/v1/authority/departments"): {L},
    ("POST", "/api/v1/authority/departments/{uscc}/suspend"): {L},
    ("POST", "/api/v1/authority/departments/{uscc}/reinstate"): {L},
    ("POST", "/api/v1/authority/departments/{uscc}/compromised"): {L},
    ("POST", "/api/v1/authority/datasets/publish"): {L},
    ("POST", "/api/v1/authority/datasets/return"): {L},
    ("POST", "/api/v1/authority/datasets/retire"): {L},
    ("POST", "/api/v1/authority/datasets/extend-update"): {L},
    ("POST", "/api/v1/datasets/{dataset}/updates"): {S, L},
    ("POST", "/api/v1/datasets/{dataset}/marks/{mark}"): {S, L},
    ("GET", "/api/v1/acts"): {A, L, H, S},
    ("GET", "/api/v1/acts/{position}/bundle"): {A, H},
    ("GET", "/api/v1/approvals"): {S, C, P, L, H, A},
    ("POST", "/api/v1/approvals"): {S, C, P, L},
    ("GET", "/api/v1/approvals/{approval_id}"): {S, C, P, L, H, A},
    ("POST", "/api/v1/approvals/{approval_id}/consent"): {H},
    ("POST", "/api/v1/approvals/{approval_id}/send-back"): {H},
    ("POST", "/api/v1/approvals/{approval_id}/withdraw"): {S, C, P, L},
    ("GET", "/api/v1/authorisations"): {C, S, A},
    ("POST", "/api/v1/authorisations"): {C},
    ("POST", "/api/v1/authorisations/withdrawals"): ALL,
    ("GET", "/api/v1/authorisations/{recorder}/{authorisation_id}"): {C, S, A},
    ("POST", "/api/v1/authorisations/{recorder}/{authorisation_id}/withdraw"): {C},
    ("POST", "/api/v1/self-access"): {L},
    ("POST", "/api/v1/self-access/logins"): {L},
    ("GET", "/api/v1/inbox"): ALL,
    ("GET", "/api/v1/webhooks"): {OP, A},
    ("POST", "/api/v1/webhooks"): {OP},
    ("DELETE", "/api/v1/webhooks/{hook_id}"): {OP},
    ("POST", "/api/v1/webhooks/{hook_id}/secrets"): {OP},
    ("POST", "/api/v1/webhooks/{hook_id}/test"): {OP},
    ("GET", "/api/v1/webhooks/{hook_id}/deliveries"): {OP, A},
    ("POST", "/api/v1/webhooks/deliveries/{delivery_id}/replay"): {OP},
    ("GET", "/api/v1/documents"): {A, L, H, S},
    ("GET", "/api/v1/documents/missing"): {A, L, H, S},
    ("GET", "/api/v1/documents/{digest}"): {L, H, S},
    ("POST", "/api/v1/documents/{digest}/deliver"): {S, L},
    ("GET", "/api/v1/calendar/deadline"): ALL,
    ("GET", "/api/v1/calendar/{year}"): ALL,
    ("PUT", "/api/v1/authority/calendar/{year}"): {L},
    ("PUT", "/api/v1/authority/outages/{from_day}/{to_day}"): {L},
    ("DELETE", "/api/v1/authority/outages/{from_day}/{to_day}"): {L},
    ("GET", "/api/v1/departments/{uscc}/recovery"): ALL,
    ("POST", "/api/v1/authority/recoveries"): {L},
    ("POST", "/api/v1/authority/recoveries/{uscc}/carry-out"): {L},
    ("POST", "/api/v1/authority/recoveries/{uscc}/withdraw"): {L},
    ("POST", "/api/v1/recovery/object"): {OP},
    ("GET", "/api/v1/signers"): {OP, A},
    ("POST", "/api/v1/signers"): {OP},
    ("POST", "/api/v1/signers/{address}/retire"): {OP},
    ("GET", "/api/v1/datasets"): ALL,
    ("POST", "/api/v1/datasets"): {S},
    ("GET", "/api/v1/datasets/{dataset}"): ALL,
    ("GET", "/api/v1/datasets/{dataset}/schema"): ALL,
    ("GET", "/api/v1/datasets/{dataset}/template"): ALL,
    ("POST", "/api/v1/datasets/{dataset}/records"): {P},
    ("GET", "/api/v1/datasets/{dataset}/records"): {P, A},
    ("POST", "/api/v1/datasets/{dataset}/records/bulk"): {P},
    ("POST", "/api/v1/datasets/{dataset}/records/search"): {P},
    ("POST", "/api/v1/datasets/{dataset}/imports"): {P},
    ("GET", "/api/v1/records/{record_id}"): {P, A},
    ("GET", "/api/v1/records/{record_id}/receipt"): {P, A},
    ("GET", "/api/v1/records/{record_id}/bundle"): {P},
    ("POST", "/api/v1/records/{record_id}/revisions"): {P},
    ("POST", "/api/v1/records/{record_id}/revoke"): {P},
    ("POST", "/api/v1/records/{record_id}/erase"): {P},
    ("POST", "/api/v1/attachments"): {P, S, C},
    ("GET", "/api/v1/attachments"): {P, S, C, A},
    ("PATCH", "/api/v1/attachments/{attachment_id}"): {P, S, C},
    ("GET", "/api/v1/attachments/{attachment_id}"): {P, S, C},
    ("GET", "/api/v1/attachments/{attachment_id}/state"): {P, S, C, A},
    ("DELETE", "/api/v1/attachments/{attachment_id}"): {P, S, C},
    ("GET", "/api/v1/records/{record_id}/erasure"): {P, A},
    ("GET", "/api/v1/notices"): {P, A, OP},
    ("GET", "/api/v1/notices/received"): {C, A, OP},
    ("GET", "/api/v1/retention-duties"): {C, A},
    ("POST", "/api/v1/retention-duties"): {C},
    ("POST", "/api/v1/retention-duties/{duty_id}/end"): {C},
    ("GET", "/api/v1/answers/{position}/bundle"): {S, A},
    ("GET", "/api/v1/reads/{position}/bundle"): {A},
    ("POST", "/api/v1/verifications"): ALL,
    ("GET", "/api/v1/use-records"): {A, L, H, S},
    ("POST", "/api/v1/use-records"): {S},
    ("GET", "/api/v1/use-records/{record_no}"): {A, L, H, S},
    ("DELETE", "/api/v1/use-records/{record_no}"): {H},
    ("GET", "/api/v1/disposals"): {A, L, H, S},
    ("POST", "/api/v1/disposals"): {S, C},
    ("GET", "/api/v1/disposals/{disposal_no}"): {A, L, H, S},
    ("GET", "/api/v1/findings"): {A, L, H},
    ("GET", "/api/v1/findings/{finding_id}"): {A, L, H},
    ("GET", "/api/v1/grants"): ALL,
    ("GET", "/api/v1/grants/{provider}/{number}"): ALL,
    ("GET", "/api/v1/corrections"): ALL,
    ("GET", "/api/v1/corrections/told"): {S, C, A, H},
    ("POST", "/api/v1/corrections/told/{number}/see"): {S, C},
    ("GET", "/api/v1/corrections/{receiver}/{number}"): ALL,
    ("POST", "/api/v1/corrections"): {S},
    ("POST", "/api/v1/corrections/{receiver}/{number}/steps/{step}"): {S},
    ("POST", "/api/v1/corrections/{receiver}/{number}/marks/overdue"): {S, L},
    ("GET", "/api/v1/requests"): ALL,
    ("POST", "/api/v1/requests"): {S},
    ("GET", "/api/v1/requests/{requester}/{number}"): ALL,
    ("POST", "/api/v1/requests/{requester}/{number}/steps/{step}"): {S, L},
    ("POST", "/api/v1/requests/{requester}/{number}/marks/{mark}"): {S, L},
    ("GET", "/api/v1/cases"): ALL,
    ("POST", "/api/v1/cases"): {C},
    ("GET", "/api/v1/cases/{lead}/{case_no}"): ALL,
    ("POST", "/api/v1/cases/{case_no}/subjects"): {C},
    ("POST", "/api/v1/cases/{case_no}/close"): {C},
    ("POST", "/api/v1/queries"): {C},
    ("GET", "/api/v1/queries"): {C, A},
    ("GET", "/api/v1/queries/{rid}"): {C, A},
    ("GET", "/api/v1/queries/{rid}/bundles"): {C},
    ("POST", "/api/v1/queries/{rid}/attachments"): {C},
    ("GET", "/api/v1/reads"): {A, C, S},
    ("POST", "/api/v1/reads/reconcile"): {A, C, S},
    ("GET", "/api/v1/users"): {OP, A},
    ("POST", "/api/v1/users"): {OP},
    ("POST", "/api/v1/users/{user_id}/tokens"): {OP},
    ("DELETE", "/api/v1/users/{user_id}"): {OP},
    ("GET", "/api/v1/parked"): {OP, A},
    ("POST", "/api/v1/parked/{item_id}/replay"): {OP},
    ("GET", "/api/v1/batches"): {OP, A},
    ("GET", "/api/v1/transactions"): {OP, A},
    ("POST", "/api/v1/keys/rotate"): {OP},
    ("POST", "/api/v1/chain/reattach"): {OP},
}


async def test_every_route_has_exactly_one_decision_and_it_is_the_one_written_here(network: Network) -> None:
    found: dict[tuple[str, str], set[Role]] = {}
    for method, path, route in routes(network):
        if path in DOCUMENTS:
            continue
        (access,) = decisions(route)
        assert (access.roles == frozenset()) == ((method, path) in OPEN), (method, path)
        found[method, path] = set(access.roles)
    assert {place for place, roles in found.items() if not roles} == OPEN
    assert {place: roles for place, roles in found.items() if roles} == DECIDED
    assert PUBLIC.roles == frozenset()


@pytest.mark.parametrize(("method", "path"), DECIDED, ids=[f"{method} {path}" for method, path in DECIDED])
async def test_each_role_is_let_in_or_not(client: Client, tokens: dict[Role, str], method: str, path: str) -> None:
    """An empty or wrong body does: whoever is let in gets past 401 and 403, nothing is changed."""
    url = filled(path)
    nobody = await client.with_token(None).call(method, url)
    assert (nobody.status, nobody.code) == (401, "token-missing")
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    unknown = await client.with_token("xl_wrong").call(method, url)
    assert (unknown.status, unknown.code) == (401, "token-unknown")
    for role, token in tokens.items():
        reply = await client.with_token(token).call(method, url)
        if role in DECIDED[method, path]:
            let_in = reply.status not in {401, 403} or reply.code == "authority-key-missing"
            assert let_in, (role, reply.status, reply.body[:300])
            assert reply.status != 500, (role, reply.body[:300])
        else:
            assert (reply.status, reply.code) == (403, "role-missing"), (role, reply.body[:300])


@pytest.fixture(scope="module")
def token_store() -> dict[Role, str]:
    return {}


@pytest.fixture
async def tokens(network: Network, token_store: dict[Role, str]) -> dict[Role, str]:
    """One token of a user with one role each."""
    for role in Role:
        if role not in token_store:
            token_store[role] = await token_for(network[D02], role)
    return token_store


async def test_who_is_not_let_in_cannot_make_the_node_read_a_body(client: Client, tokens: dict[Role, str]) -> None:
    nobody = client.with_token(None)
    for path in ("/api/v1/users", "/api/v1/queries", "/api/v1/datasets/GJJ-01/imports", "/api/v1/datasets"):
        assert (await nobody.send(path, b"{", "application/json")).code == "token-missing"
        assert (await client.with_token(tokens[A]).send(path, b"{", "application/json")).code == "role-missing"
    reply = await client.send("/api/v1/users", b" " * 1_000_001, "application/json")
    assert (reply.status, reply.code) == (413, "too-large")


async def test_the_scheme_must_be_bearer(client: Client) -> None:
    for value in ("Basic abc", "Bearer", "Bearer ", f"Token {client.token}", client.token or ""):
        reply = await client.with_token(None).get("/api/v1/me", headers={"Authorization": value})
        assert (reply.status, reply.code) == (401, "token-missing")
    assert (await client.with_token(None).get("/api/v1/me", headers={"Authorization": f"bearer {client.token}"})).status == 200


async def test_an_auditor_sees_a_record_but_not_its_fields(client: Client, rows: Rows, tokens: dict[Role, str]) -> None:
    answer = (await client.post("/api/v1/datasets/GJJ-01/records", json=rows.one())).ok(201)
    path = f"/api/v1/records/{answer['record_id']}"
    assert "fields" in (await client.with_token(tokens[P]).get(path)).ok()
    seen = (await client.with_token(tokens[A]).get(path)).ok()
    assert seen["leaf"] == answer["leaf"]
    assert "fields" not in seen


async def test_what_only_the_authority_can_do_needs_its_node(client: Client) -> None:
    reply = await client.post(f"/api/v1/authority/departments/{D02}/suspend", json={"reason": 1})
    assert (reply.status, reply.code) == (403, "authority-key-missing")


async def test_the_authority_by_api(network: Network) -> None:
    async with client_of(network[D01]) as authority:
        listed = (await authority.get("/api/v1/departments")).ok()["items"]
        assert {one["uscc"] for one in listed} == {D01, D02}
        path = f"/api/v1/authority/departments/{D02}"
        assert (await authority.post(path + "/suspend", json={"reason": 1})).ok()["tx_hash"].startswith("0x")
        listed = (await authority.get("/api/v1/departments")).ok()["items"]
        assert [one["active"] for one in listed if one["uscc"] == D02] == [False]
        again = await authority.post(path + "/suspend", json={"reason": 1})
        assert (again.status, again.code) == (409, "tx-reverted")
        (await authority.post(path + "/reinstate")).ok()
        refused = await authority.post("/api/v1/authority/departments", data=b'{"format": "xinlian-registration/1"}')
        assert (refused.status, refused.code) == (422, "registration-form")
    await network.in_step()


# -- people --------------------------------------------------------------------------------------------


async def test_a_users_life(client: Client) -> None:
    new: dict[str, Any] = {"person_id": "P0100", "name": "测试新人", "post": "贷款受理岗", "roles": ["caseworker", "publisher"]}
    new["expires"] = 1_999_999_999
    user = (await client.post("/api/v1/users", json=new)).ok(201)
    assert {name: user[name] for name in new} == new
    assert user["disabled"] is False
    again = await client.post("/api/v1/users", json=new)
    assert (again.status, again.code) == (409, "user-exists")
    token = (await client.post(f"/api/v1/users/{user['id']}/tokens", json={"days": 1})).ok(201)["token"]
    theirs = client.with_token(token)
    assert (await theirs.get("/api/v1/me")).ok()["person_id"] == "P0100"
    assert (await theirs.get("/api/v1/users")).code == "role-missing"
    assert (await client.call("DELETE", f"/api/v1/users/{user['id']}")).status == 204
    gone = await theirs.get("/api/v1/me")
    assert (gone.status, gone.code) == (401, "token-unknown")
    listed = (await client.get("/api/v1/users")).ok()["items"]
    assert [one["disabled"] for one in listed if one["person_id"] == "P0100"] == [True]
    assert token not in str(listed)
    missing = await client.call("DELETE", "/api/v1/users/99999")
    assert (missing.status, missing.code) == (404, "user-unknown")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"roles": []}, "request-body"),
        ({"roles": ["root"]}, "request-body"),
        ({"expires": 5}, "user-form"),
        ({"name": "  "}, "user-form"),
        ({"more": 1}, "request-body"),
    ],
)
async def test_a_user_that_is_none(client: Client, change: dict[str, Any], code: str) -> None:
    new = {"person_id": "P0200", "name": "测试", "post": "测试岗", "roles": ["auditor"], "expires": 1_999_999_999}
    reply = await client.post("/api/v1/users", json={**new, **change})
    assert (reply.status, reply.code) == (422, code)


async def test_tokens_have_an_end_and_days_a_bound(client: Client, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    people = network[D02].node.people
    person: Person = await people.add(NewUser("P0300", "测试", "测试岗", frozenset({A}), 1_999_999_999))
    theirs = client.with_token(await people.issue_token(person.id, 1))
    (await theirs.get("/api/v1/me")).ok()
    now = people._now
    monkeypatch.setattr(people, "_now", lambda: now() + 86_400 + 10)
    assert (await theirs.get("/api/v1/me")).code == "token-unknown"
    monkeypatch.setattr(people, "_now", lambda: 2_000_000_001.0)  # the users themselves have expired
    assert (await client.get("/api/v1/me")).code == "token-unknown"
    monkeypatch.undo()
    people._cache.clear()
    (await theirs.get("/api/v1/me")).ok()
    refused = await client.post(f"/api/v1/users/{person.id}/tokens", json={"days": 366})
    assert (refused.status, refused.code) == (422, "user-form")
    refused = await client.post("/api/v1/users/99999/tokens", json={"days": 1})
    assert (refused.status, refused.code) == (404, "user-unknown")


async def test_tokens_are_stored_hashed(network: Network) -> None:
    token = await token_for(network[D02], A)
    with network[D02].node.store.node.read() as reader:
        rows = reader.fetch("SELECT * FROM tokens")
    assert token.encode() not in repr(rows).encode()
    assert token.removeprefix("xl_") not in repr(rows)


# -- OpenAPI -------------------------------------------------------------------------------------------


async def test_the_document_names_every_route(client: Client, network: Network) -> None:
    document = (await client.with_token(None).get("/api/v1/openapi.json")).ok()
    described = {(method.upper(), path) for path, entry in document["paths"].items() for method in entry}
    served = {(method, path) for method, path, _ in routes(network) if path not in DOCUMENTS}
    assert described == served
    plain = {(method, path) for method, path, route in routes(network) if not isinstance(route, APIRoute)}
    plain -= {("GET", path) for path in DOCUMENTS}
    assert set(examples.HOT) == plain
    assert served >= {*examples.ANSWERS, *examples.BODIES, *examples.OTHER_MEDIA}


async def test_every_operation_has_examples_problems_and_its_security(client: Client) -> None:
    document = (await client.get("/api/v1/openapi.json")).ok()
    missing: list[str] = []
    for path, entry in document["paths"].items():
        for method, operation in entry.items():
            missing += [f"{method.upper()} {path}: {what}" for what in lacking(document, operation, (method.upper(), path))]
    assert missing == []


def lacking(document: dict[str, Any], operation: dict[str, Any], place: tuple[str, str]) -> Iterator[str]:
    """What an operation of the document does not say."""
    if not operation.get("summary"):
        yield "summary"
    if not operation.get("tags"):
        yield "tag"
    if (operation.get("security") in (None, [])) != (place in OPEN):
        yield "security"
    yield from without_example("request", operation.get("requestBody", {}))
    responses = operation["responses"]
    problems = {status: answer for status, answer in responses.items() if status[0] in "45"}
    good = {status: answer for status, answer in responses.items() if status[0] == "2"}
    if not problems or len(good) != 1:
        yield "one good response, and problems"
    for status, answer in problems.items():
        content = answer["content"]["application/problem+json"]
        if content["schema"] != {"$ref": "#/components/schemas/Problem"} or "example" not in content:
            yield f"problem response {status}"
    for status, answer in good.items():
        yield from without_example(f"response {status}", answer)
        if status != "204" and not answer.get("content"):
            yield "response content"
    assert document["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}


def without_example(what: str, part: dict[str, Any]) -> Iterator[str]:
    """Media types of a body that have no example; files need none."""
    for media, content in part.get("content", {}).items():
        if media not in BINARY and "example" not in content and "examples" not in content:
            yield f"{what} example of {media}"


BINARY = {
    "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
