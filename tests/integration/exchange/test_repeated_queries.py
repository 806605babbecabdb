"""A query under an Idempotency-Key is asked once: its repeat costs no use of the grant and gives the first answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from httpx import ASGITransport, AsyncClient

from tests.support.exchange import P1, P3, PURPOSE, Stage
from tests.support.http import Reply, client_of
from tests.support.network import D02, D03
from xinlian.api.app import create_app
from xinlian.node.peer_client import PeerClient
from xinlian.protocol.errors import PeerError
from xinlian.protocol.subjects import Subject
from xinlian.store import exchange as table

pytestmark = pytest.mark.asyncio(loop_scope="session")


def body_of(stage: Stage, case: str, *subjects: Subject) -> dict[str, Any]:
    return {
        "provider": D03,
        "grant": stage.grants[D03],
        "case": {"lead": D02, "case_no": case},
        "purpose": PURPOSE,
        "mode": "query",
        "fields": ["contract_no", "filing_status"],
        "items": [{"subjects": [{"kind": s.kind, "value": s.value}]} for s in subjects],
    }


async def ask(stage: Stage, body: dict[str, Any], key: str) -> Reply:
    async with client_of(stage[D02]) as client:
        return await client.send("/api/v1/queries", orjson.dumps(body), "application/json", **{"Idempotency-Key": key})


def traces(stage: Stage, case: str) -> tuple[int, int, int]:
    """Uses counted by the provider for a case, and read entries of both sides: what asking again would change."""
    with stage[D03].node.store.node.read() as reader:
        uses = table.uses_of(reader, f"{D03}/{stage.grants[D03]}", f"{D02}/{case}")
    return uses, stage.read_count(D02), stage.read_count(D03)


async def test_the_repeat_gives_the_first_answer_values_included(stage: Stage) -> None:
    case = await stage.case(P1, P3)
    body = body_of(stage, case, P1, P3)
    first = (await ask(stage, body, "values")).ok()
    assert [item["outcome"] for item in first["items"]] == ["records", "none"]
    before = traces(stage, case)
    assert before[0] == 2
    again = await ask(stage, body, "values")
    assert again.ok() == first
    assert again.headers["Idempotency-Replayed"] == "true"
    assert traces(stage, case) == before
    other = await ask(stage, {**body, "fields": ["contract_no"]}, "values")
    assert (other.status, other.code) == (409, "idempotency-mismatch")
    fresh = (await ask(stage, body, "values-2")).ok()
    assert fresh["rid"] != first["rid"]
    assert traces(stage, case)[0] == 4


async def test_values_that_were_disposed_of_are_not_kept_for_the_repeat(stage: Stage) -> None:
    case = await stage.case(P1)
    body = body_of(stage, case, P1)
    first = (await ask(stage, body, "disposed")).ok()
    contract = first["items"][0]["records"][0]["values"]["contract_no"]
    node = stage[D02].node
    await node.store.node.write(lambda tx: tx.run("DELETE FROM received_values WHERE rid = ?", (first["rid"],)))
    again = await ask(stage, body, "disposed")
    assert (again.status, again.code, again.json["rid"]) == (409, "query-disposed", first["rid"])
    assert contract.encode() not in again.body
    with node.store.node.read() as reader:
        rows = reader.fetch("SELECT user_id, route, key, response_sealed FROM idempotency WHERE key = 'disposed'")
    ((user, route, key, sealed),) = rows
    notes = node.asking._p.sealer.open(f"idempotency {user} {route} {key}", sealed)
    assert first["rid"].encode() in notes
    assert contract.encode() not in notes
    assert P1.value.encode() not in notes


async def test_refusals_and_silence_are_first_answers_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    case = await stage.case(P1)
    body = {**body_of(stage, case, P1), "purpose": "OTHER"}
    refused = (await ask(stage, body, "refused")).ok()
    assert (refused["state"], refused["detail"]) == ("refused", "purpose")
    before = traces(stage, case)
    assert (await ask(stage, body, "refused")).ok() == refused
    assert traces(stage, case) == before

    async def down(*_: object) -> None:
        raise PeerError("peer-down", "the other department's node cannot be reached")

    monkeypatch.setattr(PeerClient, "post", down)
    body = body_of(stage, case, P1)
    silent = (await ask(stage, body, "silent")).ok()
    assert (silent["state"], silent["detail"]) == ("no-answer", "peer-down")
    monkeypatch.undo()
    before = traces(stage, case)
    assert (await ask(stage, body, "silent")).ok() == silent
    assert traces(stage, case) == before


async def test_nothing_was_sent_leaves_the_key_free(stage: Stage) -> None:
    case = await stage.case(P1)
    refused = await ask(stage, body_of(stage, case, P3), "free")
    assert (refused.status, refused.code) == (403, "refused-subject-in-case")
    assert (await ask(stage, body_of(stage, case, P1), "free")).ok()["state"] == "received"


class KilledError(BaseException):
    """Nothing in a node catches it."""


@pytest.mark.parametrize("is_served", [False, True], ids=["before it arrived", "after it was served"])
async def test_a_query_that_was_broken_off_is_not_asked_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, is_served: bool
) -> None:
    case = await stage.case(P1)
    body = body_of(stage, case, P1)
    honest, key = PeerClient.post, f"broken off {is_served}"

    async def killed(*args: Any) -> None:
        if is_served:
            await honest(*args)
        raise KilledError

    monkeypatch.setattr(PeerClient, "post", killed)
    app, headers = create_app(stage[D02].node), {**stage[D02].headers, "Idempotency-Key": key, "Content-Type": "application/json"}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://node") as client:
        with pytest.raises(KilledError):
            await client.post("/api/v1/queries", content=orjson.dumps(body), headers=headers)
    monkeypatch.undo()
    before = traces(stage, case)
    assert before[0] == int(is_served)
    answer = (await ask(stage, body, key)).ok()
    assert (answer["state"], answer["detail"]) == ("no-answer", "interrupted")
    assert [item["outcome"] for item in answer["items"]] == ["no-answer"]
    assert traces(stage, case) == before
