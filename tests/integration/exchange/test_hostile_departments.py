"""What one department does, on its own node or straight on the chain, neither harms the others nor widens a grant."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from aiohttp import ClientSession

from tests.support.authorisations import authorise
from tests.support.exchange import P1, Stage, person, tampering
from tests.support.network import D01, D02, D03, D06
from xinlian.node.asking import AskItem
from xinlian.node.files.examples import example_row
from xinlian.node.transactions import Load
from xinlian.protocol.errors import NotFoundError
from xinlian.protocol.messages import Answer
from xinlian.protocol.types import EpochS, Stream
from xinlian.scenarios.catalogue import load_schemas

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_texts_that_are_no_utf8_stop_nobodys_follower(stage: Stage) -> None:
    """A registered address or key set may hold any bytes: the contract does not look at them, and all nodes follow them."""
    node = stage[D06].node
    honest = node.state.departments[D06].endpoint
    keys = node.state.departments[D06].key_sets[-1].jwks
    done = await node.transactions.admin("DepartmentRegistry", "changeEndpoint", "http://\udcff\udcfe")
    await node.transactions.admin("DepartmentRegistry", "publishKeys", "\udcff")
    await node.transactions.admin("DepartmentRegistry", "publishKeys", keys)
    for uscc in (D01, D02, D03, D06):
        assert await stage[uscc].node.following.reach(done.block_number + 2, 10)
        assert stage[uscc].node.following.trouble is None
    url = stage[D02].url + "/api/v1/departments"
    async with ClientSession() as session, session.get(url, headers=stage[D02].headers) as response:
        assert response.status == 200
        shown = {one["uscc"]: one["endpoint"] for one in (await response.json())["items"]}
    assert shown[D06] == "http://\ufffd\ufffd"
    asked = await stage.ask(stage.question(await stage.case(P1)))
    assert asked.state == "received"
    await node.transactions.admin("DepartmentRegistry", "changeEndpoint", honest)
    await stage.network.in_step()


async def test_a_key_set_with_a_borrowed_key_registers_none(stage: Stage) -> None:
    """The contract stores any text; without possession of every signing key a set counts for nobody, verifier or node."""
    node, asker = stage[D06].node, stage[D02].node
    keys = node.state.departments[D06].key_sets[-1].jwks
    borrowed = asker.identity._peers.key_set_now(D02)
    assert borrowed is not None
    await node.transactions.admin("DepartmentRegistry", "publishKeys", borrowed.serialise().decode())
    await stage.network.in_step()
    assert asker.identity._peers.key_set_now(D06) is None
    await node.transactions.admin("DepartmentRegistry", "publishKeys", keys)
    await stage.network.in_step()
    assert asker.identity._peers.key_set_now(D06) is not None


async def test_a_grant_gives_records_of_its_own_version_only(stage: Stage) -> None:
    """Another version is another grant: its fields, its sharing property and its purposes were decided anew."""
    network = stage.network
    schema = load_schemas("new-home-loan")["GJJ-02"]
    await network.offer(D02, "GJJ-02")
    terms = {"query": ("outstanding",), "verify": ("outstanding",)}
    grants = {1: await stage.give(D02, D03, "GJJ-02", **terms)}
    newer = orjson.loads(schema.source)
    newer["x-catalogue"]["version"] = 2
    await network.propose(D02, orjson.dumps(newer))
    await stage.network.decide("publish", schema.code, 2)
    await network.in_step()
    grants[2] = await stage.give(D02, D03, "GJJ-02", **terms)
    published = await network.publish(D02, "GJJ-02", [{**example_row(schema), "id_number": P1.value}])
    case = await stage.case(P1, lead=D03)
    await authorise(stage[D03], P1, schema.code, ("outstanding",), (D03, case))
    await network.in_step()
    for mode, found in (("query", "records"), ("verify", "match")):
        items = (AskItem((P1,), {"outstanding": True} if mode == "verify" else {}),)
        asked = {
            version: await stage.ask(
                stage.question(case, mode, *items, provider=D02, lead=D03, grant_number=grant, fields=("outstanding",)), asker=D03
            )
            for version, grant in grants.items()
        }
        assert {version: one.items[0].outcome for version, one in asked.items()} == {1: "none", 2: found}
        assert [record["record_id"] for record in asked[2].items[0].records] == published


async def test_a_promise_without_end_proves_nothing(stage: Stage) -> None:
    """A provider that signs a value, never anchors it and promises it for some far day would never be found out."""

    def far(answer: Answer) -> Answer:
        items = []
        for item in answer.items:
            records = tuple(
                replace(one, receipt=None, signed=stage[D03].node.identity.sign_statement(one.statement), anchor_by=EpochS(2**52))
                for one in item.records
            )
            items.append(replace(item, records=records))
        return replace(answer, items=tuple(items))

    with tampering(stage[D03], far):
        asked = await stage.ask(stage.question(await stage.case(P1)))
    assert asked.state == "not-proven"
    assert all(record["values"] == {} for record in asked.items[0].records)


async def test_what_the_chain_calls_erased_is_not_read_although_it_is_here(stage: Stage) -> None:
    """As after restoring a backup from before an erasure; the data stays, for whoever stole a key could mark as well."""
    node = stage[D02].node
    row = example_row(load_schemas("new-home-loan")["GJJ-01"])
    some = [{**row, "pf_account_no": "A-77", "id_number": person(77).value}]
    record_id = (await stage.network.publish(D02, "GJJ-01", some))[0]
    stored = node.records.get(record_id)
    receipt = node.bundles.receipt(Stream.RECORDS, stored.position)
    assert receipt is not None
    word, place = divmod(receipt.index, 128)
    mask = 1 << 2 * place
    await node.transactions.anchor("RecordLedger", "setStatus", receipt.sequence, [word], [mask], 3, 1, load=Load((), ()))
    with pytest.raises(NotFoundError) as caught:
        node.records.open(stored)
    assert caught.value.code == "record-erased"
    assert node.records.is_erased(stored)
    assert stored.ciphertext is not None
