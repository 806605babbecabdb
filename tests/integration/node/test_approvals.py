"""Two persons on a real node: proposing, consenting, sending back, over HTTP and down to the chain."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.support.http import Client, Reply, token_for
from tests.support.network import D02, Network
from xinlian.node.approvals import Consented, Kind, Proposal
from xinlian.node.idempotency import Journal
from xinlian.node.paging import Window
from xinlian.node.people import Role
from xinlian.protocol.clocks import Term
from xinlian.protocol.documents import check_document
from xinlian.protocol.errors import ConflictError, StoreError
from xinlian.protocol.types import Stream
from xinlian.scenarios.catalogue import dataset_files
from xinlian.store import acts
from xinlian.store import approvals as table
from xinlian.store.approvals import State

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = "application/json"
APPROVALS = "/api/v1/approvals"


def schema_file(serial: int) -> bytes:
    """A schema file of D02 under a catalogue code of its own."""
    document = orjson.loads(dataset_files("new-home-loan")["GJJ-02"])
    document["x-catalogue"]["catalog_code"] = f"{D02}/{serial:06d}"
    document["x-catalogue"]["alias"] = f"T-{serial}"
    return orjson.dumps(document)


async def propose(client: Client, serial: int) -> Any:
    return (await propose_raw(client, serial)).ok(202)


async def propose_raw(client: Client, serial: int) -> Reply:
    return await client.send("/api/v1/datasets", schema_file(serial), JSON)


@pytest.fixture
def head(client: Client, network: Network) -> Client:
    return client.with_token(network[D02].head_token)


@pytest.fixture
async def handler(client: Client, network: Network) -> Client:
    """A person who may propose and nothing else."""
    return client.with_token(await token_for(network[D02], Role.SHARING))


async def test_a_proposal_reaches_the_chain_only_with_the_heads_consent(
    network: Network, handler: Client, head: Client, client: Client
) -> None:
    node = network[D02].node
    proposed = await propose(handler, 11)
    assert (proposed["state"], proposed["round"], proposed["document"]) == ("pending", 1, None)
    assert proposed["object"] == "dataset 12411599MBDEM00233/000011@1"
    assert orjson.loads(proposed["payload"]["schema"])["x-catalogue"]["catalog_code"] == f"{D02}/000011"
    assert node.state.dataset(D02, 11, 1) is None
    assert (await client.get("/api/v1/datasets/T-11")).code == "dataset-unknown"
    done = (await head.post(f"{APPROVALS}/{proposed['id']}/consent", json={"proposal": proposed["proposal"]})).ok()
    assert done["state"] == "done"
    assert done["result"] == {"code": f"{D02}/000011", "version": 1, "tx_hash": done["result"]["tx_hash"]}
    entry = node.state.dataset(D02, 11, 1)
    assert entry is not None
    assert entry.state == "proposed"
    assert [(step["act"], step["post"]) for step in done["steps"]] == [("proposed", "测试岗"), ("consented", "负责人")]


async def test_the_texts_of_all_steps_are_kept_and_prove_their_digests(network: Network, handler: Client, head: Client) -> None:
    documents = network[D02].node.documents
    number = (await propose(handler, 12))["id"]
    (await head.post(f"{APPROVALS}/{number}/send-back", json={"reason": "请删去批量方式"})).ok()
    again = await propose(handler, 12)
    done = (await head.post(f"{APPROVALS}/{number}/consent", json={})).ok()
    texts = [documents.opened(bytes.fromhex(step["document"])) for step in done["steps"]]
    assert [text.kind for text in texts] == ["proposal", "sent-back", "proposal", "consent"]
    assert {text.object_ref for text in texts} == {done["object"]}
    assert texts[1].content() == {"proposal": done["steps"][0]["document"], "reason": "请删去批量方式"}
    consent = texts[3].content()
    assert consent["proposal"] == again["proposal"] == done["proposal"]
    signatures: Any = consent["approved_by"]
    assert signatures["handler"]["person_id"] == done["steps"][2]["person_id"]
    assert signatures["office_head"]["name"] == "测试负责人"
    assert done["document"] == done["steps"][3]["document"]
    for text, step in zip(texts, done["steps"], strict=True):
        check_document(text, bytes.fromhex(step["document"]))
    assert len({text.salt for text in texts}) == 4
    listed = (await head.get("/api/v1/documents", params={"object": done["object"]})).ok()["items"]
    assert {one["digest"] for one in listed} == {step["document"] for step in done["steps"]}
    assert {(one["state"], one["sender"]) for one in listed} == {("own", None)}
    shown = (await head.get(f"/api/v1/documents/{done['document']}")).ok()
    assert (shown["kind"], shown["content"]) == ("consent", consent)
    whole = bytes.fromhex(shown["salt"]) + shown["text"].encode()
    assert hashlib.sha256(b"\x02" + whole).hexdigest() == done["document"]
    missing = await head.get(f"/api/v1/documents/{'00' * 32}")
    assert (missing.status, missing.code) == (404, "document-unknown")


async def test_texts_are_sealed_at_rest_and_bound_to_their_digest(network: Network, handler: Client) -> None:
    store = network[D02].node.store.node
    proposed = await propose(handler, 13)
    digest = bytes.fromhex(proposed["proposal"])
    with store.read() as reader:
        rows = reader.fetch("SELECT content_sealed FROM documents")
    assert all(b"x-catalogue" not in row[0] for row in rows)
    other = bytes.fromhex((await propose(handler, 14))["proposal"])

    def swap(tx: Any) -> None:
        (sealed,) = tx.fetch("SELECT content_sealed FROM documents WHERE digest = ?", (other,))[0]
        tx.run("UPDATE documents SET content_sealed = ? WHERE digest = ?", (sealed, digest))

    await store.write(swap)
    with pytest.raises(StoreError) as caught:
        network[D02].node.documents.opened(digest)
    assert caught.value.code == "sealed-broken"
    await store.write(lambda tx: tx.run("UPDATE approvals SET state = 'withdrawn' WHERE proposal = ?", (digest,)))


async def test_nobody_decides_on_their_own_proposal_whatever_roles_they_hold(client: Client, head: Client) -> None:
    number = (await propose(client, 15))["id"]  # the person with every role
    for path, body in ((f"{APPROVALS}/{number}/consent", {}), (f"{APPROVALS}/{number}/send-back", {"reason": "x"})):
        refused = await client.post(path, json=body)
        assert (refused.status, refused.code) == (403, "self-approval")
    foreign = await head.post(f"{APPROVALS}/{number}/withdraw")
    assert (foreign.status, foreign.code) == (403, "role-missing")
    assert (await client.post(f"{APPROVALS}/{number}/withdraw")).ok()["state"] == "withdrawn"
    gone = await head.post(f"{APPROVALS}/{number}/consent", json={})
    assert (gone.status, gone.code, gone.json["state"]) == (409, "approval-state", "withdrawn")


async def test_who_proposed_in_an_earlier_round_does_not_decide_either(
    network: Network, client: Client, handler: Client, head: Client
) -> None:
    other = client.with_token(await token_for(network[D02], Role.SHARING, Role.HEAD))
    number = (await propose(other, 16))["id"]
    (await head.post(f"{APPROVALS}/{number}/send-back", json={"reason": "x"})).ok()
    again = await propose(handler, 16)
    assert (again["id"], again["round"]) == (number, 2)
    refused = await other.post(f"{APPROVALS}/{number}/consent", json={})
    assert (refused.status, refused.code) == (403, "self-approval")
    assert (await head.post(f"{APPROVALS}/{number}/consent", json={})).ok()["state"] == "done"


async def test_the_head_consents_to_what_was_read_and_to_nothing_else(handler: Client, head: Client) -> None:
    first = await propose(handler, 17)
    path = f"{APPROVALS}/{first['id']}"
    (await head.post(path + "/send-back", json={"reason": "x"})).ok()
    second = await propose(handler, 17)
    assert second["proposal"] != first["proposal"]
    stale = await head.post(path + "/consent", json={"proposal": first["proposal"]})
    assert (stale.status, stale.code) == (409, "approval-changed")
    assert (await head.post(path + "/consent", json={"proposal": second["proposal"]})).ok()["state"] == "done"


async def test_bad_proposals_have_their_own_codes_and_leave_nothing(network: Network, handler: Client, client: Client) -> None:
    before = _rows(network)
    schema = schema_file(20).decode()
    good = {"kind": "dataset-propose", "object": "dataset 12411599MBDEM00233/000020@1", "payload": {"schema": schema}}
    for change, status, code in (
        ({"kind": "none-such"}, 422, "approval-kind"),
        ({"kind": "Dataset"}, 422, "request-body"),
        ({"object": "dataset 12411599MBDEM00233/000021@1"}, 422, "approval-object"),
        ({"object": "dataset x"}, 422, "object-form"),
        ({"payload": {}}, 422, "approval-payload"),
        ({"payload": {"schema": schema, "more": 1}}, 422, "approval-payload"),
        ({"payload": {"schema": "{"}}, 400, "json-broken"),
        ({"payload": {"schema": "{}"}}, 422, "schema-form"),
        ({"more": 1}, 422, "request-body"),
    ):
        refused = await handler.post(APPROVALS, json={**good, **change})
        assert (refused.status, refused.code) == (status, code), change
    caseworker = client.with_token(await token_for(network[D02], Role.CASEWORKER))
    assert (await caseworker.post(APPROVALS, json=good)).code == "role-missing"
    assert _rows(network) == before
    made = (await handler.post(APPROVALS, json=good)).ok(202)
    again = await handler.post(APPROVALS, json=good)
    assert (again.status, again.code) == (409, "approval-open")
    assert (await handler.post(f"{APPROVALS}/{made['id']}/withdraw")).ok()["state"] == "withdrawn"


def _rows(network: Network) -> list[int]:
    with network[D02].node.store.node.read() as reader:
        return [
            reader.fetch(f"SELECT count(*) FROM {name}")[0][0]
            for name in ("approvals", "approval_steps", "documents", "datasets", "read_entries", "transactions")
        ]


async def test_what_became_wrong_since_it_was_proposed_is_not_consented_to(
    network: Network, handler: Client, head: Client
) -> None:
    proposed = await propose(handler, 22)
    await network[D02].node.catalogue.propose(
        schema_file(22), bytes(31) + b"1"
    )  # as if another node of the department had done it
    refused = await head.post(f"{APPROVALS}/{proposed['id']}/consent", json={})
    assert (refused.status, refused.code) == (409, "dataset-exists")
    shown = (await head.get(f"{APPROVALS}/{proposed['id']}")).ok()
    assert (shown["state"], shown["document"]) == ("pending", None)
    (await head.post(f"{APPROVALS}/{proposed['id']}/send-back", json={"reason": "已在目录中"})).ok()


async def test_what_the_chain_rejects_is_a_failure_with_its_code(network: Network, handler: Client, head: Client) -> None:
    node = network[D02].node

    async def nothing(_proposal: Proposal) -> None:
        return None

    async def reject(_consented: Consented) -> Mapping[str, object]:
        done = await node.transactions.law("DatasetCatalog", "retire", D02, 1, 1, "0x" + "11" * 32)  # the authority's alone
        return {"tx_hash": done.tx_hash}

    async def never(_consented: Consented) -> Mapping[str, object] | None:
        return None

    node.approvals.register(Kind("test-rejected", nothing, reject, never))
    body = {"kind": "test-rejected", "object": f"department {D02}", "payload": {"n": 1}}
    number = (await handler.post(APPROVALS, json=body)).ok(202)["id"]
    done = (await head.post(f"{APPROVALS}/{number}/consent", json={})).ok()
    assert (done["state"], done["code"], done["result"]) == ("failed", "tx-reverted", None)
    anew = (await handler.post(APPROVALS, json=body)).ok(202)
    assert anew["id"] != number


async def test_who_sees_what(network: Network, handler: Client, head: Client, client: Client) -> None:
    proposed = await propose(handler, 24)
    path = f"{APPROVALS}/{proposed['id']}"
    auditor = client.with_token(await token_for(network[D02], Role.AUDITOR))
    seen = (await auditor.get(path)).ok()
    assert seen["payload"] is None
    assert seen["proposal"] == proposed["proposal"]
    assert (await head.get(path)).ok()["payload"] == proposed["payload"]
    missing = await head.get(f"{APPROVALS}/99999")
    assert (missing.status, missing.code) == (404, "approval-unknown")
    pending = (await head.get(APPROVALS, params={"state": "pending", "object": proposed["object"]})).ok()
    assert [one["id"] for one in pending["items"]] == [proposed["id"]]
    assert pending["items"][0]["payload"] is None
    first = (await head.get(APPROVALS, params={"limit": "2"})).ok()
    rest = (await head.get(APPROVALS, params={"limit": "2", "cursor": first["next"]})).ok()
    assert [one["id"] for one in first["items"]] < [one["id"] for one in rest["items"]]
    assert (await head.get(APPROVALS, params={"state": "open"})).code == "request-body"


async def test_whoever_left_can_still_be_named(network: Network, client: Client, head: Client) -> None:
    node = network[D02].node
    leaving = client.with_token(await token_for(network[D02], Role.SHARING))
    number = (await propose(leaving, 25))["id"]
    me = (await leaving.get("/api/v1/me")).ok()
    await node.people.disable(me["id"])
    done = (await head.post(f"{APPROVALS}/{number}/consent", json={})).ok()
    assert done["state"] == "done"
    assert done["steps"][0]["person_id"] == me["person_id"]
    with node.store.node.read() as reader:
        assert table.by_id(reader, number).state is State.DONE


async def test_a_call_whose_answer_was_lost_is_not_carried_out_again(
    network: Network, handler: Client, head: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step is committed, the answer never is (the node stops in between); the same call again finds the step."""

    async def lost(*_: object) -> None:
        raise RuntimeError("the node stops here")

    async def twice(caller: Client, path: str, body: bytes) -> Any:
        key = {"Idempotency-Key": f"lost answer of {path}"}
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "finish", lost)
            assert (await caller.call("POST", path, data=body, headers={**key, "Content-Type": JSON})).status == 500
        again = await caller.call("POST", path, data=body, headers={**key, "Content-Type": JSON})
        assert again.headers["Idempotency-Replayed"] == "true"
        return again.json

    proposed = await twice(handler, "/api/v1/datasets", schema_file(26))
    assert (proposed["state"], len(proposed["steps"])) == ("pending", 1)
    returned = await twice(head, f"{APPROVALS}/{proposed['id']}/send-back", b'{"reason": "x"}')
    assert (returned["state"], len(returned["steps"])) == ("returned", 2)
    again = (await handler.send("/api/v1/datasets", schema_file(26), JSON)).ok(202)
    assert (again["id"], again["round"]) == (proposed["id"], 2)
    done = await twice(head, f"{APPROVALS}/{proposed['id']}/consent", b"{}")
    assert (done["state"], len(done["steps"])) == ("done", 4)
    other = await propose(handler, 27)
    gone = await twice(handler, f"{APPROVALS}/{other['id']}/withdraw", b"")
    assert (gone["state"], len(gone["steps"])) == ("withdrawn", 2)


async def test_every_step_of_a_person_and_its_outcome_is_in_the_log(
    network: Network, handler: Client, head: Client, client: Client
) -> None:
    node = network[D02].node
    reads = (await client.get("/api/v1/reads")).ok()["items"]
    first = await propose(handler, 30)
    (await handler.post(f"{APPROVALS}/{first['id']}/withdraw")).ok()
    proposed = await propose(handler, 30)
    done = (await head.post(f"{APPROVALS}/{proposed['id']}/consent", json={})).ok()
    auditor = client.with_token(await token_for(network[D02], Role.AUDITOR))
    found = (await auditor.get("/api/v1/acts", params={"object": proposed["object"]})).ok()["items"]
    assert [(act["act"], act["role"], act["approval"]) for act in found] == [
        ("proposed", "handler", first["id"]),
        ("withdrawn", "handler", first["id"]),
        ("proposed", "handler", proposed["id"]),
        ("consented", "head", proposed["id"]),
        ("submitted", "head", proposed["id"]),
    ]
    assert [act["document"] for act in found] == [first["proposal"], None, done["proposal"], done["document"], done["document"]]
    assert {act["person_id"] for act in found if act["role"] == "head"} == {"T0002"}
    positions = [act["position"] for act in found]
    node.anchoring.flush()
    assert await node.anchoring.wait_anchored(positions[-1], 20, Stream.READS)
    shown = (await auditor.get("/api/v1/acts", params={"object": proposed["object"]})).ok()["items"]
    assert {act["state"] for act in shown} == {"anchored"}
    for position in positions:
        bundle = (await auditor.get(f"/api/v1/acts/{position}/bundle")).body
        report = (await client.send("/api/v1/verifications", bundle, JSON)).ok()
        assert report["exit_code"] == 0, report
        assert set(report["values"]) == {"person_id", "post", "role", "approval"}
    assert (await client.get("/api/v1/reads")).ok()["items"] == reads
    assert node.reads.page(Window(200), D02).items == []
    as_read = await auditor.get(f"/api/v1/reads/{positions[0]}/bundle")
    assert (as_read.status, as_read.code) == (404, "record-unknown")


async def test_an_act_bundle_discloses_what_was_asked_for(
    network: Network, handler: Client, head: Client, client: Client
) -> None:
    proposed = await propose(handler, 31)
    (act,) = (await head.get("/api/v1/acts", params={"object": proposed["object"]})).ok()["items"]
    path = f"/api/v1/acts/{act['position']}/bundle"
    for fields, count in (({}, 4), ({"fields": ""}, 0), ({"fields": "role,post"}, 2)):
        bundle = (await head.get(path, params=fields)).ok()
        assert len(bundle["disclosures"]) == count
        assert bundle["signed"], "not anchored yet, so it is signed"
    refused = await head.get(path, params={"fields": "name"})
    assert (refused.status, refused.code) == (422, "field-unknown")
    missing = await head.get("/api/v1/acts/999999/bundle")
    assert (missing.status, missing.code) == (404, "act-unknown")
    with network[D02].node.store.node.read() as reader:
        rows = reader.fetch("SELECT * FROM read_entries WHERE role = 'actor'")
    assert rows
    assert act["person_id"].encode() not in repr(rows).encode()


async def test_a_step_without_its_statement_does_not_exist(
    network: Network, handler: Client, head: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step and statement are one transaction: when the statement cannot be written, the step did not happen."""
    proposed = await propose(handler, 32)
    before = _rows(network)

    def broken(*_: object, **__: object) -> int:
        raise KeyError("the statement cannot be written")

    with monkeypatch.context() as patch:
        patch.setattr(acts, "insert", broken)
        assert (await propose_raw(handler, 33)).status == 500
        for path, body in (("consent", {}), ("send-back", {"reason": "x"})):
            assert (await head.post(f"{APPROVALS}/{proposed['id']}/{path}", json=body)).status == 500
        assert (await handler.post(f"{APPROVALS}/{proposed['id']}/withdraw")).status == 500
    assert _rows(network) == before
    assert (await head.get(f"{APPROVALS}/{proposed['id']}")).ok()["state"] == "pending"


async def inbox(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/api/v1/inbox", params={"limit": "200"})).ok()["items"]
    return found


async def test_the_inbox_follows_a_proposal_from_desk_to_desk(
    network: Network, handler: Client, head: Client, client: Client
) -> None:
    proposed = await propose(handler, 40)
    ref = f"approval {proposed['id']}"

    def waits(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
        return [(one["kind"], one["capacity"], one["what"]) for one in items if one["ref"] == ref]

    other = client.with_token(await token_for(network[D02], Role.SHARING))
    assert waits(await inbox(head)) == [("approval-decide", "head", "dataset-propose")]
    assert waits(await inbox(handler)) == waits(await inbox(other)) == []
    (await head.post(f"{APPROVALS}/{proposed['id']}/send-back", json={"reason": "x"})).ok()
    assert waits(await inbox(handler)) == [("approval-returned", "handler", "dataset-propose")]
    assert waits(await inbox(head)) == waits(await inbox(other)) == []
    await propose(handler, 40)
    (await head.post(f"{APPROVALS}/{proposed['id']}/consent", json={})).ok()
    assert waits(await inbox(handler)) == waits(await inbox(head)) == []
    authority = client.with_token(await token_for(network[D02], Role.AUTHORITY))
    (review,) = [one for one in await inbox(authority) if one["object"] == proposed["object"]]
    assert (review["kind"], review["capacity"]) == ("catalogue-review", "authority")
    assert review["clock"]["length_wd"] == 2
    assert review["urging"] is None or review["clock"]["light"] in ("yellow", "red")


async def test_nobody_finds_their_own_proposal_to_decide_on(network: Network, client: Client) -> None:
    own = await propose(client, 41)  # the person with every role
    assert [one for one in await inbox(client) if one["ref"] == f"approval {own['id']}"] == []
    (await client.post(f"{APPROVALS}/{own['id']}/withdraw")).ok()


async def test_a_failure_is_pointed_out_until_it_is_proposed_anew(network: Network, handler: Client, head: Client) -> None:
    async def nothing(_proposal: Proposal) -> None:
        return None

    async def refuse(_consented: Consented) -> Mapping[str, object]:
        raise ConflictError("dataset-exists", "refused for good")

    async def never(_consented: Consented) -> Mapping[str, object] | None:
        return None

    network[D02].node.approvals.register(Kind("test-failing", nothing, refuse, never, term=lambda _: Term(1_790_000_000, 10)))
    body = {"kind": "test-failing", "object": f"department {D02}", "payload": {}}
    number = (await handler.post(APPROVALS, json=body)).ok(202)["id"]
    assert (await head.post(f"{APPROVALS}/{number}/consent", json={})).ok()["state"] == "failed"

    async def failures() -> list[dict[str, Any]]:
        return [one for one in await inbox(handler) if one["what"] == "test-failing"]

    (failure,) = await failures()
    assert (failure["kind"], failure["ref"], failure["clock"]["length_wd"]) == ("approval-failed", f"approval {number}", 10)
    again = (await handler.post(APPROVALS, json=body)).ok(202)["id"]
    assert await failures() == []
    (await handler.post(f"{APPROVALS}/{again}/withdraw")).ok()
