"""A catalogue entry's way through review: proposed, sent back, proposed again with another file, published, retired."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import orjson
import pytest

from tests.integration.node.conftest import ALIAS
from tests.support.http import Client, Reply, client_of
from tests.support.network import D01, D02, GENESIS_TIME, Network
from xinlian.chain.catalogue import DatasetCatalog
from xinlian.node.chain_state import DatasetState
from xinlian.node.files.examples import example_row
from xinlian.node.paging import Window
from xinlian.protocol.dataset import load_schema
from xinlian.protocol.errors import ConflictError
from xinlian.scenarios.calendar import shipped_calendar
from xinlian.scenarios.catalogue import load_schemas

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMA = load_schemas("new-home-loan")["GJJ-02"]
CODE = SCHEMA.code
SHOWN = "/api/v1/datasets/GJJ-02"
DATASETS = "/api/v1/datasets"
TYPE = "application/schema+json"


def changed(version: int = 1, **catalogue: Any) -> bytes:
    """The shipped schema with other catalogue items."""
    document = orjson.loads(SCHEMA.source)
    document["x-catalogue"] |= {"version": version, **catalogue}
    return orjson.dumps(document)


def entry_of(network: Network, version: int = 1) -> DatasetState:
    found = network[D02].node.state.dataset(D02, SCHEMA.serial, version)
    assert found is not None
    return found


async def propose(network: Network, client: Client, source: bytes) -> dict[str, Any]:
    """By two persons; gives what is shown of the version afterwards."""
    proposed = (await client.send(DATASETS, source, TYPE)).ok(202)
    head = client.with_token(network[D02].head_token)
    done = (await head.post(f"/api/v1/approvals/{proposed['id']}/consent", json={})).ok()
    assert done["state"] == "done", done
    await network.in_step()
    version = done["result"]["version"]
    assert entry_of(network, version).head_consent == f"0x{done['document']}", "the consent of this very round"
    shown: dict[str, Any] = (await client.get(SHOWN, params={"version": version})).ok()
    return shown


async def decide(network: Network, decision: str, **more: object) -> None:
    async with client_of(network[D01]) as authority:
        body = {"code": CODE, "version": 1, **more}
        proposed = (await authority.post(f"/api/v1/authority/datasets/{decision}", json=body)).ok(202)
        head = authority.with_token(network[D01].head_token)
        done = (await head.post(f"/api/v1/approvals/{proposed['id']}/consent", json={})).ok()
        assert done["state"] == "done", done
    await network.in_step()


async def test_an_entry_is_sent_back_changed_and_published(network: Network, client: Client) -> None:
    proposed = await propose(network, client, changed())
    assert (proposed["state"], proposed["round"], proposed["changing"]) == ("proposed", 1, False)
    assert (proposed["personal"], proposed["requires_authorisation"]) == (True, True)
    other = await client.send(DATASETS, changed(abstract="另一个摘要"), TYPE)
    assert (other.status, other.code) == (409, "dataset-exists"), "a version under review is not replaced"

    await decide(network, "return", reason="摘要须写明统计口径")
    assert (await client.get(SHOWN)).ok()["state"] == "returned"
    refused = await client.post(f"{SHOWN}/records", json=example_row(SCHEMA))
    assert (refused.status, refused.code) == (409, "dataset-not-published")

    second = changed(abstract="按自然月统计的贷款记录")
    again = await propose(network, client, second)
    assert (again["state"], again["round"]) == ("proposed", 2)
    assert again["schema_hash"] == "0x" + load_schema(second).schema_hash.hex()
    await decide(network, "publish")
    shown = (await client.get(SHOWN)).ok()
    assert (shown["state"], shown["round"], shown["review_overdue"]) == ("published", 2, False)
    assert (await client.get(f"{SHOWN}/schema")).body == load_schema(second).source, "the file of the first round is gone"
    (await client.post(f"{SHOWN}/records", json=example_row(SCHEMA))).ok(201)


async def test_what_the_entry_says_on_chain_comes_from_the_file(network: Network) -> None:
    entry, catalogue = entry_of(network), SCHEMA.catalogue
    assert entry.secrecy_assessment == "0x" + catalogue.secrecy_assessment.digest
    assert catalogue.pia is not None
    assert entry.impact_assessment == "0x" + catalogue.pia.digest
    assert (entry.personal, entry.authorisation_required, entry.no_share_basis) == (True, True, None)
    sensitive = [field.name for field in SCHEMA.fields if entry.sensitive_mask >> field.index & 1]
    assert sensitive == ["loan_balance_yuan", "overdue_times_24m"]
    assert SCHEMA.sensitive_mask == entry.sensitive_mask


async def test_texts_are_kept_and_give_the_digests_on_chain(network: Network) -> None:
    """The consent of the head and the authority's decision, each on the node that wrote it."""
    consent = network[D02].node.documents.opened(bytes.fromhex(entry_of(network).head_consent[2:]))
    assert (consent.kind, consent.object_ref) == ("consent", f"dataset {CODE}@1")
    kept = network[D02].node.documents.page(Window(100), f"dataset {CODE}@1").items
    assert len([one for one in kept if one.kind == "consent"]) == 2, "one a round"

    document = entry_of(network).document
    assert document is not None
    decision = network[D01].node.documents.opened(bytes.fromhex(document[2:]))
    assert (decision.kind, decision.object_ref) == ("catalogue-decision", f"dataset {CODE}@1")
    content = decision.content()
    assert (content["decision"], content["reason"]) == ("publish", "同意发布")
    approved_by = content["approved_by"]
    assert isinstance(approved_by, dict)
    assert set(approved_by) == {"handler", "office_head", "at"}


async def test_the_same_file_may_be_proposed_again_but_not_while_it_is_under_review(network: Network, client: Client) -> None:
    """Nothing of the first round passes for the second: the consent on chain tells them apart."""
    schema = load_schema(changed(version=5))
    for number in (2, 3, 4, 5):
        await propose(network, client, changed(version=number))
    first = entry_of(network, 5).head_consent
    await decide(network, "return", version=5, reason="请重新签署负责人意见")
    catalogue = network[D02].node.catalogue
    assert catalogue.is_proposed(schema, bytes.fromhex(first[2:]))
    again = await propose(network, client, schema.source)
    assert (again["state"], again["round"]) == ("proposed", 2)
    assert entry_of(network, 5).head_consent != first
    assert not catalogue.is_proposed(schema, bytes.fromhex(first[2:]))
    refused = await client.send(DATASETS, schema.source, TYPE)
    assert (refused.status, refused.code) == (409, "dataset-exists")


async def test_the_deadline_of_a_review_follows_the_calendar(network: Network, client: Client) -> None:
    shown = (await client.get(SHOWN, params={"version": 2})).ok()
    assert shown["review_deadline"] is None, "no year is loaded"
    year = shipped_calendar()[2026].days.workday_words
    await network[D01].node.transactions.authority("WorkCalendar", "loadYear", 2026, list(year))
    await network.in_step()
    shown = (await client.get(SHOWN, params={"version": 2})).ok()
    catalog = DatasetCatalog(network.deployment.contracts["DatasetCatalog"].address)
    asked = catalog.review_deadline_of(D02, SCHEMA.serial, 2)
    assert shown["review_deadline"] == await network[D02].node.rpcs[0].ask(asked) > GENESIS_TIME
    assert (await client.get(SHOWN, params={"version": 1})).ok()["review_deadline"] is None, "published"


async def consented(network: Network, at: str, path: str, body: dict[str, Any]) -> Reply:
    """A step proposed at a node's API and, when it was taken up, consented to; gives the last answer."""
    async with client_of(network[at]) as handler:
        proposed = await handler.post(path, json=body)
        if proposed.status != 202:
            return proposed
        head = handler.with_token(network[at].head_token)
        answer = await head.post(f"/api/v1/approvals/{proposed.json['id']}/consent", json={})
    await network.in_step()
    return answer


async def test_an_update_clock_runs_ten_working_days_and_once_five_more(network: Network, client: Client) -> None:
    """Law or duty changed: who may open it, extend it, and mark it late; each refusal has its code on node and contract alike."""
    path, body = f"{DATASETS}/{CODE.replace('/', '.')}/updates", {"reason": "住房公积金管理条例修订"}
    late = f"{DATASETS}/{CODE.replace('/', '.')}/marks/update-overdue?version=1"
    extend = {"code": CODE, "version": 1, "reason": "涉及系统改造"}
    steps = network[D01].node.catalogue_steps
    assert (await client.post(late)).code == "update-none"
    refused = await consented(network, D01, "/api/v1/authority/datasets/extend-update", extend)
    assert (refused.status, refused.code) == (409, "update-none")
    assert (await client.post(path, json={})).code == "reason-missing"

    assert (await consented(network, D02, path, body)).ok()["state"] == "done"
    shown = (await client.get(SHOWN, params={"version": 1})).ok()["update"]
    assert {name: shown[name] for name in ("by_authority", "extended", "overdue")} == dict.fromkeys(
        ("by_authority", "extended", "overdue"), False
    )
    again = await consented(network, D01, path, body)
    assert (again.status, again.code) == (409, "update-open")
    early = await client.post(late)
    assert (early.status, early.code) == (409, "not-overdue")

    assert (await consented(network, D01, "/api/v1/authority/datasets/extend-update", extend)).ok()["state"] == "done"
    longer = (await client.get(SHOWN, params={"version": 1})).ok()["update"]
    assert longer["extended"] is True
    assert longer["deadline"] > shown["deadline"]
    twice = await consented(network, D01, "/api/v1/authority/datasets/extend-update", extend)
    assert (twice.status, twice.code) == (409, "extension-repeated")
    for name, code in (("open-update", "update-open"), ("extend-update", "extension-repeated")):
        with pytest.raises(ConflictError) as of_contract:
            await steps.send(name, CODE, 1, b"\x01" * 32)
        assert of_contract.value.code == code
    acts = {act["act"] for act in (await client.get("/api/v1/acts", params={"limit": 200})).ok()["items"]}
    assert "update-opened" in acts


async def test_a_next_version_under_review_makes_the_published_one_changing(network: Network, client: Client) -> None:
    assert (await client.get(SHOWN, params={"version": 1})).ok()["changing"] is True
    second = (await client.get(SHOWN, params={"version": 2})).ok()
    assert (second["state"], second["changing"]) == ("proposed", False)


@pytest.mark.parametrize("decision", ["publish", "return"])
async def test_a_decision_that_does_not_fit_the_state_changes_nothing(network: Network, decision: str) -> None:
    async with client_of(network[D01]) as authority:
        body = {"code": CODE, "version": 1, **({"reason": "理由"} if decision == "return" else {})}
        reply = await authority.post(f"/api/v1/authority/datasets/{decision}", json=body)
    assert (reply.status, reply.code) == (409, "dataset-state")
    with pytest.raises(ConflictError) as of_contract:
        await network[D01].node.catalogue_steps.send(decision, CODE, 1, b"\x01" * 32)
    assert of_contract.value.code == "dataset-state"
    assert entry_of(network).state == "published"


@pytest.mark.parametrize("reason", [None, "", "长" * 501, "  "])
@pytest.mark.parametrize("decision", ["return", "retire"])
async def test_sending_back_and_retiring_name_a_reason(network: Network, decision: str, reason: str | None) -> None:
    async with client_of(network[D01]) as authority:
        body = {"code": CODE, "version": 1, **({} if reason is None else {"reason": reason})}
        reply = await authority.post(f"/api/v1/authority/datasets/{decision}", json=body)
    assert (reply.status, reply.code) == (422, "reason-missing")
    assert entry_of(network).state == "published"


async def test_a_retired_entry_is_shown_as_such(network: Network, client: Client) -> None:
    await decide(network, "retire", reason="目录合并, 改由新目录提供")
    assert (await client.get(SHOWN, params={"version": 1})).ok()["state"] == "retired"
    assert (await client.get(f"{DATASETS}/{ALIAS}")).ok()["state"] == "published", "another dataset stays"


REASON, BASIS = "涉及未公开的执法信息", "治安管理处罚法第八十条"


def basis(document: dict[str, Any]) -> None:
    document["x-catalogue"] |= {"share_type": 3, "no_share_reason": REASON, "no_share_basis": BASIS}
    for name in ("share_scope", "allowed_purposes"):
        document["x-catalogue"].pop(name)


def public(document: dict[str, Any]) -> None:
    for field in document["properties"].values():
        field["x-sensitivity"] = "内部"


@pytest.mark.parametrize(("version", "change"), [(6, basis), (7, public)])
async def test_the_contract_takes_every_kind_of_entry(
    network: Network, client: Client, version: int, change: Callable[[dict[str, Any]], None]
) -> None:
    document = orjson.loads(changed(version=version))
    change(document)
    await propose(network, client, orjson.dumps(document))
    entry = entry_of(network, version)
    text = f'{{"no_share_reason":"{REASON}","no_share_basis":"{BASIS}"}}'.encode()
    if change is basis:
        assert (entry.share_type, entry.no_share_basis) == (3, "0x" + sha256(text).hexdigest())
    else:
        assert (entry.personal, entry.impact_assessment, entry.sensitive_mask) == (False, None, 0)
