"""A reconciliation comes in pages: every entry of both sides is compared once; a log that is none is given up."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.support.exchange import P1, P2, P3, Stage
from tests.support.network import D02, D03
from xinlian.node import reconciling
from xinlian.node.asking import AskItem
from xinlian.node.peer_client import PeerClient, Reply
from xinlian.protocol.errors import PeerError
from xinlian.protocol.types import Stream
from xinlian.store import streams

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Pages of one entry, and every answer that was given."""
    given: list[dict[str, Any]] = []
    honest = PeerClient.post

    async def post(self: PeerClient, endpoint: str, path: str, headers: Any, body: bytes) -> Reply:
        reply = await honest(self, endpoint, path, headers, body)
        if path == reconciling.PATH:
            given.append(orjson.loads(reply.body))
        return reply

    monkeypatch.setattr(reconciling, "PAGE", 1)
    monkeypatch.setattr(PeerClient, "post", post)
    return given


async def some_uses(stage: Stage) -> list[str]:
    """One request with three items, one with one: four entries of the provider, eight of the requester; their ids."""
    case = await stage.case(P1, P2, P3)
    first = await stage.ask(stage.question(case, "query", *(AskItem((one,), {}) for one in (P1, P2, P3))))
    second = await stage.ask(stage.question(case, "query"))
    for uscc in (D02, D03):
        node = stage[uscc].node
        with node.store.node.read() as reader:
            last = streams.last_position(reader, Stream.READS)
        node.anchoring.flush()
        assert await node.anchoring.wait_anchored(last, 20, Stream.READS)
    await stage.network.in_step()
    return [first.rid, second.rid]


def findings(found: dict[str, Any]) -> str:
    """Everything but what agrees (other tests of this stage leave findings of their own)."""
    return str({name: value for name, value in found.items() if name != "agreed"})


async def test_every_page_is_bounded_and_every_entry_compared_once(stage: Stage, told: list[dict[str, Any]]) -> None:
    rids = await some_uses(stage)
    whole = await _with_page(stage, 500)
    told.clear()
    found = await stage[D02].node.reconciling.ask(D03)
    assert found == whole
    assert not any(rid in findings(found) for rid in rids), found
    assert found["agreed"] >= 4
    assert len(told) >= 4
    assert all(len(page["statements"]) == len(page["receipts"]) <= 1 for page in told)
    assert [page["next"] is None for page in told] == [False] * (len(told) - 1) + [True]
    statements = [text for page in told for text in page["statements"]]
    assert len(set(statements)) == len(statements)


async def _with_page(stage: Stage, size: int) -> dict[str, Any]:
    small, reconciling.PAGE = reconciling.PAGE, size
    try:
        return await stage[D02].node.reconciling.ask(D03)
    finally:
        reconciling.PAGE = small


async def test_a_use_during_the_walk_is_left_to_the_next_one(
    stage: Stage, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider's entry lies behind the page that was given last; ours is written. That is no finding."""
    await some_uses(stage)
    case = await stage.case(P1)
    honest, asked = reconciling.Reconciling._own, []

    def late(self: reconciling.Reconciling, counterparty: str) -> Any:
        walk = honest(self, counterparty)
        newest = max(walk.positions.values())
        with stage[D02].node.store.node.read() as reader:
            assert streams.last_position(reader, Stream.READS) == newest
        return walk

    pages = reconciling.Reconciling._pages

    async def walked(self: reconciling.Reconciling, *args: Any) -> Any:
        async for page in pages(self, *args):
            yield page
        asked.append(await stage.ask(stage.question(case, "query")))  # after their last page, before our own entries

    monkeypatch.setattr(reconciling.Reconciling, "_own", late)
    monkeypatch.setattr(reconciling.Reconciling, "_pages", walked)
    found = await stage[D02].node.reconciling.ask(D03)
    (one,) = asked
    assert one.rid not in findings(found), found
    monkeypatch.undo()
    again = await stage[D02].node.reconciling.ask(D03)
    assert again["agreed"] == found["agreed"] + 1
    assert one.rid not in findings(again)


def answering(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    """The other node answers with something changed in every page."""
    honest = PeerClient.post

    async def post(self: PeerClient, endpoint: str, path: str, headers: Any, body: bytes) -> Reply:
        reply = await honest(self, endpoint, path, headers, body)
        return Reply(reply.status, reply.headers, orjson.dumps({**orjson.loads(reply.body), **changed}))

    monkeypatch.setattr(PeerClient, "post", post)


WRONG: list[dict[str, Any]] = [
    {"next": 1},
    {"next": 0},
    {"next": -5},
    {"next": "1"},
    {"next": True},
    {"receipts": []},
    {"statements": ["§"]},
    {"statements": 5},
]


@pytest.mark.parametrize("changed", WRONG, ids=str)
async def test_a_log_that_does_not_move_on_or_has_no_form_is_given_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    await some_uses(stage)
    answering(monkeypatch, **changed)
    with pytest.raises(PeerError) as caught:
        await stage[D02].node.reconciling.ask(D03)
    assert caught.value.code == "peer-answer"


async def test_a_log_without_end_is_given_up(stage: Stage, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    await some_uses(stage)
    monkeypatch.setattr(reconciling, "MAX_PAGES", 2)
    with pytest.raises(PeerError) as caught:
        await stage[D02].node.reconciling.ask(D03)
    assert caught.value.code == "peer-answer"
    assert len(told) == 2
