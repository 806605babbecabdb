"""Idempotency-Key: every creating POST takes it, the effect comes once, the first answer again, no secret is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.node.conftest import ALIAS, Rows
from tests.support.http import Client, Reply, client_of
from tests.support.network import D01, D02, Network
from tests.support.routes import filled, routes
from xinlian.api.creating import NOT_CREATING, takes_key
from xinlian.node.sharing import TermsByName
from xinlian.node.transactions import Transactions
from xinlian.store import idempotency as table

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOOKING = {
    "/api/v1/verifications",
    "/api/v1/reads/reconcile",
    "/api/v1/datasets/{dataset}/records/search",
    "/exchange/v1/requests",
    "/exchange/v1/notices",
    "/api/v1/queries/{rid}/attachments",
    "/exchange/v1/files",
    "/exchange/v1/self-access",
    "/api/v1/self-access",
    "/api/v1/self-access/logins",
    "/exchange/v1/receipts",
    "/exchange/v1/reconciliations",
}
"""POSTs that create nothing (or carry a request id of their own), so that a further one is a decision that is seen here."""

STREAMED = {"/api/v1/attachments"}
"""Whose body may come in parts: what makes it the same call are its header fields (test_attachments.py)."""

SCENARIO = "0x" + "5c" * 32
USER = {"person_id": "I0001", "name": "测试", "post": "测试岗", "roles": ["auditor"], "expires": 1_999_999_999}


def key(text: str) -> dict[str, str]:
    return {"Idempotency-Key": text}


def is_replayed(reply: Reply) -> bool:
    return reply.headers.get("Idempotency-Replayed") == "true"


async def kept_answer(network: Network, path: str, name: str, body: bytes) -> None:
    """Keep an answer as if this call had been carried out before."""
    idempotency = network[D02].node.idempotency
    call = idempotency.call(network[D02].person.id, f"POST {path}", name)
    assert call is not None
    call.update(body)
    kept = table.Kept(202, b'{"from": "an earlier call"}', 1)
    await call.writer.write(lambda tx: table.keep(tx, call.sealer, call.slot(), kept))


async def test_every_post_takes_the_key_but_those_that_only_look(client: Client, network: Network) -> None:
    """A kept answer is given again before anything of the call is looked at; a route that ignored the key would not give it."""
    posts = {path for method, path, _ in routes(network) if method == "POST"}
    assert posts >= LOOKING
    assert LOOKING == NOT_CREATING
    body, other = b'{"nothing": "that fits"}', b'{"nothing": "else"}'
    for template in sorted(posts - LOOKING - STREAMED):
        path = filled(template)
        assert takes_key("POST", template)
        await kept_answer(network, path, "of an earlier call", body)
        again = await client.send(path, body, "application/json", **key("of an earlier call"))
        assert again.ok(202) == {"from": "an earlier call"}, template
        assert is_replayed(again), template
        mismatch = await client.send(path, other, "application/json", **key("of an earlier call"))
        assert (mismatch.status, mismatch.code) == (409, "idempotency-mismatch"), template
        malformed = await client.send(path, body, "application/json", **key("k" * 201))
        assert (malformed.status, malformed.code) == (422, "idempotency-key-form"), template


async def test_the_document_names_the_header_on_every_creating_post(client: Client, network: Network) -> None:
    document = (await client.get("/api/v1/openapi.json")).ok()
    for method, path, _ in routes(network):
        if method != "POST":
            continue
        named = [one["name"] for one in document["paths"][path]["post"].get("parameters", ()) if one["in"] == "header"]
        assert ("Idempotency-Key" in named) == (path not in LOOKING), path


async def test_a_user_is_added_once(client: Client) -> None:
    first = await client.post("/api/v1/users", json=USER, headers=key("user-1"))
    assert not is_replayed(first)
    again = await client.post("/api/v1/users", json=USER, headers=key("user-1"))
    assert again.ok(201) == first.ok(201)
    assert is_replayed(again)
    other = await client.post("/api/v1/users", json={**USER, "name": "另一人"}, headers=key("user-1"))
    assert (other.status, other.code) == (409, "idempotency-mismatch")
    fresh = await client.post("/api/v1/users", json=USER, headers=key("user-2"))
    assert (fresh.status, fresh.code) == (409, "user-exists")


async def test_a_call_that_did_nothing_leaves_its_key_free(client: Client) -> None:
    refused = await client.post("/api/v1/users", json={**USER, "person_id": "I0002", "expires": 5}, headers=key("freed"))
    assert (refused.status, refused.code) == (422, "user-form")
    assert (await client.post("/api/v1/users", json={"more": 1}, headers=key("freed"))).code == "request-body"
    added = await client.post("/api/v1/users", json={**USER, "person_id": "I0002"}, headers=key("freed"))
    assert added.ok(201)["person_id"] == "I0002"


async def test_keys_of_two_users_and_of_two_paths_have_nothing_to_do_with_each_other(client: Client, network: Network) -> None:
    other = client.with_token(await network[D02].node.people.issue_token(network[D02].person.id, 1))
    person = (await other.post("/api/v1/users", json={**USER, "person_id": "I0003", "roles": ["operator"]})).ok(201)
    theirs = client.with_token(await network[D02].node.people.issue_token(person["id"], 1))
    (await client.post("/api/v1/users", json={**USER, "person_id": "I0004"}, headers=key("shared"))).ok(201)
    again = await theirs.post("/api/v1/users", json={**USER, "person_id": "I0004"}, headers=key("shared"))
    assert again.code == "user-exists", "another user's answer is not given"
    tokens = f"/api/v1/users/{person['id']}/tokens"
    assert (await client.post(tokens, json={"days": 1}, headers=key("shared"))).ok(201)["token"]


async def test_a_token_is_shown_once_and_kept_nowhere(client: Client, network: Network) -> None:
    path = f"/api/v1/users/{network[D02].person.id}/tokens"
    token = (await client.post(path, json={"days": 1, "label": "x"}, headers=key("token"))).ok(201)["token"]
    again = await client.post(path, json={"days": 1, "label": "x"}, headers=key("token"))
    assert (again.status, again.code) == (409, "token-already-issued")
    assert token not in again.body.decode()
    other = await client.post(path, json={"days": 2, "label": "x"}, headers=key("token"))
    assert (other.status, other.code) == (409, "idempotency-mismatch")
    node = network[D02].node
    with node.store.node.read() as reader:
        rows = reader.fetch("SELECT user_id, route, key, response_sealed FROM idempotency WHERE key = 'token'")
    sealer = node.asking._p.sealer
    opened = [sealer.open(f"idempotency {user} {route} {name}", sealed) for user, route, name, sealed in rows]
    assert len(opened) == 1
    assert token.removeprefix("xl_").encode() not in opened[0]
    assert b'"issued"' in opened[0], "these are the notes of the call"
    (await client.with_token(token).get("/api/v1/me")).ok()


async def test_a_step_of_a_request_is_proposed_once_and_sent_once(client: Client, network: Network) -> None:
    """The proposal and the head's consent, each repeated under its key; one transaction comes of it."""
    now = network[D02].node.clock.law_s()
    terms = TermsByName((), ("balance_yuan",), (), (), ("HPF_LOAN_REVIEW",), (SCENARIO,), now, now + 9_000_000, 3)
    grant = await network.share(D02, D01, ALIAS, terms)
    request = network[D02].node.state.grants[D02, grant].request
    path = f"/api/v1/requests/{request.requester}/{request.number}/steps/suspend"
    body = {"form": {"facts": "测试", "rectify_within": 5, "remedy": "向主管部门申请协调"}}
    proposed = [await client.post(path, json=body, headers=key("suspend")) for _ in range(2)]
    assert proposed[0].ok(202) == proposed[1].ok(202)
    other = await client.post(path, json={"form": {**body["form"], "rectify_within": 6}}, headers=key("suspend"))
    assert other.code == "idempotency-mismatch"
    head = client.with_token(network[D02].head_token)
    consent = f"/api/v1/approvals/{proposed[0].json['id']}/consent"
    done = [await head.post(consent, json={}, headers=key("consent")) for _ in range(2)]
    assert done[0].ok() == done[1].ok()
    assert done[0].json["result"]["state"] == "suspended"
    once_more = await client.post(path, json=body, headers=key("suspend-2"))
    assert (once_more.status, once_more.code) == (409, "request-state")


async def test_cases_are_opened_extended_and_closed_once(client: Client) -> None:
    body = {"case_no": "ONCE-1", "scenario": SCENARIO, "subjects": [{"kind": "person", "value": "411599199001010014"}]}
    opened = [await client.post("/api/v1/cases", json=body, headers=key("open")) for _ in range(2)]
    assert opened[0].ok(201) == opened[1].ok(201)
    assert (await client.post("/api/v1/cases", json=body, headers=key("open-2"))).code == "case-exists"
    subject = {"kind": "contract", "value": "HT-1"}
    added = [await client.post("/api/v1/cases/ONCE-1/subjects", json=subject, headers=key("add")) for _ in range(2)]
    assert added[0].ok(201) == added[1].ok(201)
    assert added[1].json["subject_count"] == 2
    assert (await client.post("/api/v1/cases/ONCE-1/subjects", json=subject, headers=key("add-2"))).code == "case-subjects"
    closed = [await client.post("/api/v1/cases/ONCE-1/close", json={"outcome": 11}, headers=key("close")) for _ in range(2)]
    assert closed[0].ok() == closed[1].ok()


async def test_records_are_revoked_and_erased_once_and_can_wait_for_the_chain(client: Client, rows: Rows) -> None:
    published = (await client.post(f"/api/v1/datasets/{ALIAS}/records", json=rows.one())).ok(201)
    path = f"/api/v1/records/{published['record_id']}"
    headers = {**key("revoke-record"), "Prefer": "wait=30"}
    revoked = [await client.post(path + "/revoke", json={"reason": 2}, headers=headers) for _ in range(2)]
    assert revoked[0].ok(202) == revoked[1].ok(202)
    assert revoked[0].json["state"] == "anchored"
    assert (await client.post(path + "/revoke", json={"reason": 2}, headers=key("revoke-record-2"))).code == "record-ended"
    headers = {**key("erase-record"), "Prefer": "wait=30"}
    erased = [await client.post(path + "/erase", json={"reason": 3}, headers=headers) for _ in range(2)]
    assert erased[0].ok(202) == erased[1].ok(202)
    assert erased[0].json["state"] == "anchored"
    assert (await client.get(path + "/receipt")).ok()["status"] == "erased"


async def test_the_authority_and_key_rotation_act_once(network: Network) -> None:
    async with client_of(network[D01]) as authority:
        path = f"/api/v1/authority/departments/{D02}"
        for what, body in (("suspend", {"reason": 1}), ("reinstate", None)):
            done = [await authority.post(f"{path}/{what}", json=body, headers=key(what)) for _ in range(2)]
            assert done[0].ok() == done[1].ok()
        before = network[D01].node.identity.current_signing().kid
        turned = [await authority.post("/api/v1/keys/rotate", json={"kind": "signing"}, headers=key("turn")) for _ in range(2)]
        assert turned[0].ok() == turned[1].ok()
        assert network[D01].node.identity.current_signing().kid not in (before, None)
        assert len(network[D01].node.identity._keys.signing.keys) == 2
    await network.in_step()


async def test_the_same_call_twice_at_once_acts_once(client: Client, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is told to come back; it does, and gets the first one's answer."""
    body = {"case_no": "TWICE-1", "scenario": SCENARIO, "subjects": [{"kind": "contract", "value": "HT-1"}]}
    entered, goes_on = asyncio.Event(), asyncio.Event()
    honest = Transactions._send

    async def slow(self: Transactions, *args: Any) -> Any:
        entered.set()
        await goes_on.wait()
        return await honest(self, *args)

    monkeypatch.setattr(Transactions, "_send", slow)
    first = asyncio.create_task(client.post("/api/v1/cases", json=body, headers=key("twice")))
    await entered.wait()
    second = await client.post("/api/v1/cases", json=body, headers=key("twice"))
    assert (second.status, second.code, second.json["retryable"]) == (409, "idempotency-race", True)
    goes_on.set()
    given = (await first).ok(201)
    again = await client.post("/api/v1/cases", json=body, headers=key("twice"))
    assert again.ok(201) == given
    assert (await client.post("/api/v1/cases", json=body, headers=key("twice-2"))).code == "case-exists"
