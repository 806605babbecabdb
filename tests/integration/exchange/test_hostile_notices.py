"""Notices that are hostile, altered or repeated: refused by name, followed once, nothing touched otherwise."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.support.exchange import Stage, person
from tests.support.network import D02, D03, D06, Running
from tests.support.notices import Given, code_of, craft, everything_is_there, give_away, send
from xinlian.node.asking import AskItem
from xinlian.node.peer_client import Reply
from xinlian.node.providing import PATH as REQUESTS
from xinlian.node.rate import RateLimit
from xinlian.protocol import httpsig
from xinlian.protocol.envelope import Direction, Rid
from xinlian.protocol.notices import Done, Notice, NoticeCheck, NoticeId, dumps_notice
from xinlian.protocol.types import EpochS, Uscc
from xinlian.store import exchange as exchange_table

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNKNOWN = Rid("AAAAAAAAAAAAAAAAAAAAAA")


def taken(running: Running) -> int:
    """How many notices a node has followed."""
    with running.node.store.node.read() as reader:
        return int(reader.fetch("SELECT count(*) FROM notices_in")[0][0])


@pytest.fixture(scope="module")
def kept() -> dict[str, Given]:
    return {}


async def one(stage: Stage, kept: dict[str, Given]) -> Given:
    """One contract for all hostile notices: none of them may touch its copies."""
    if "one" not in kept:
        kept["one"] = await give_away(stage, 600)
    return kept["one"]


# -- before the sender is proven: in the clear, counted, nothing done ------------------------------------------


async def test_what_is_altered_or_signed_by_somebody_else_is_refused(stage: Stage, kept: dict[str, Given]) -> None:
    given, before = await one(stage, kept), taken(stage[D02])
    crafted = craft(stage, given.record_id, *given.rids)
    flipped = replace(crafted, body=crafted.body[:-1] + bytes([crafted.body[-1] ^ 1]))
    assert code_of(await send(stage, flipped))[1] == "digest-wrong"
    other = stage[D06].node.identity.current_signing()
    assert code_of(await send(stage, crafted.resealed(signing=other))) == (403, "refused-key-registered")
    assert code_of(await send(stage, crafted, to=D06)) == (403, "refused-addressee")
    relabelled = replace(crafted, headers={**crafted.headers, "xinlian-to": D06})
    assert code_of(await send(stage, relabelled))[1] in {"signature-wrong", "envelope-mismatch"}
    assert code_of(await send(stage, crafted.resealed(age_s=120)))[1] == "signature-expired"
    stale = {"created": EpochS(crafted.message.created - 120), "expires": EpochS(crafted.message.expires - 120)}
    assert code_of(await send(stage, crafted.resealed(message=stale))) == (403, "request-expired")
    assert taken(stage[D02]) == before
    assert everything_is_there(stage, given)


async def test_a_notice_is_no_request_and_a_request_no_notice(stage: Stage, kept: dict[str, Given]) -> None:
    given = await one(stage, kept)
    crafted = craft(stage, given.record_id, *given.rids)
    assert code_of(await send(stage, crafted, path=REQUESTS)) == (403, "refused-addressee")
    as_request = crafted.resealed(direction=Direction.REQUEST)
    assert code_of(await send(stage, as_request, path=REQUESTS))[1] == "signature-form"  # the tag is a notice's
    both = crafted.resealed(direction=Direction.REQUEST, tag=httpsig.TAG)  # signed over the notices' path all the same
    assert code_of(await send(stage, both, path=REQUESTS)) == (403, "signature-wrong")
    assert code_of(await send(stage, both)) == (403, "refused-addressee")
    assert code_of(await send(stage, crafted.resealed(tag=httpsig.TAG)))[1] == "signature-form"
    asked = await stage.craft(stage.question(given.case, "query", AskItem((given.subject,), {})), asker=D02)
    moved = replace(crafted, headers=asked.headers, body=asked.body)
    assert code_of(await send(stage, moved, to=D03)) == (403, "refused-addressee")
    assert everything_is_there(stage, given)


async def test_failed_authentication_is_counted_and_limited(stage: Stage, kept: dict[str, Given]) -> None:
    given = await one(stage, kept)
    desk: Any = stage[D02].node.notices.taking
    honest, desk._p = desk._p, replace(desk._p, rate=RateLimit(3))
    try:
        forged = craft(stage, given.record_id, *given.rids).resealed(signing=stage[D06].node.identity.current_signing())
        codes = [code_of(await send(stage, forged)) for _ in range(4)]
        assert codes == [(403, "refused-key-registered")] * 3 + [(429, "refused-rate")]
        assert desk._p.rate.total == 3
    finally:
        desk._p = honest


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"message": {"from_uscc": Uscc(D06)}}, "envelope-mismatch"),
        ({"message": {"rid": UNKNOWN}}, "envelope-mismatch"),
        ({"raw": b"{}"}, "notice-form"),
        ({"raw": b"\xff"}, "json-broken"),
        ({"from_uscc": Uscc(D06)}, "refused-key-registered"),
    ],
)
async def test_what_does_not_agree_with_itself_is_refused(
    stage: Stage, kept: dict[str, Given], change: dict[str, Any], code: str
) -> None:
    given = await one(stage, kept)
    crafted = craft(stage, given.record_id, *given.rids)
    assert code_of(await send(stage, crafted.resealed(**change)))[1] == code
    for member in ("from_uscc", "to_uscc"):
        other = craft(stage, given.record_id, *given.rids, change=lambda n, m=member: replace(n, **{m: Uscc(D06)}))  # type: ignore[misc]
        sent = craft(stage, given.record_id, *given.rids).resealed(raw=dumps_notice(other.notice))
        assert code_of(await send(stage, sent, to=D02)) == (422, "envelope-mismatch")
    assert everything_is_there(stage, given)


async def test_a_stale_view_follows_no_notice(stage: Stage, kept: dict[str, Given]) -> None:
    """The sender's key may have been retired meanwhile; the sender tries again."""
    given, clock = await one(stage, kept), stage[D02].node.clock
    clock.is_distrusted = True
    try:
        reply = await send(stage, craft(stage, given.record_id, *given.rids))
    finally:
        clock.is_distrusted = False
    assert code_of(reply) == (403, "refused-view-fresh")
    assert everything_is_there(stage, given)


# -- by the checks: signed and sealed, named, nothing done ----------------------------------------------------------


def older(notice: Notice) -> Notice:
    return replace(notice, created=EpochS(notice.created - 2_000), expires=EpochS(notice.created - 1))


async def test_only_who_gave_a_record_may_speak_of_it(stage: Stage, kept: dict[str, Given]) -> None:
    """The police say that a contract of the housing bureau was erased."""
    given, before = await one(stage, kept), taken(stage[D02])
    crafted = craft(stage, given.record_id, *given.rids, sender=D06)
    facts = crafted.facts(await send(stage, crafted))
    assert (facts.outcome.value, facts.check) == ("refused", NoticeCheck.SOURCE)
    assert (taken(stage[D02]), everything_is_there(stage, given)) == (before, True)


async def test_every_wrong_notice_is_refused_by_name_and_does_nothing(stage: Stage, kept: dict[str, Given]) -> None:
    given, before = await one(stage, kept), taken(stage[D02])
    elsewhere = await stage.ask(
        stage.question(given.case, "query", AskItem((given.subject,), {}), fields=("contract_no",)), asker=D02
    )
    unrelated = "01a208dd-04fb-7410-b86b-913eca60739a"
    item = AskItem((person(1),), {"name": "测试甲"})
    case = await stage.case(person(1))
    police = await stage.ask(stage.question(case, "verify", item, provider=D06, fields=("name",)))
    wrong: dict[NoticeCheck, list[Any]] = {
        NoticeCheck.EXPIRED: [craft(stage, given.record_id, *given.rids, change=older)],
        NoticeCheck.SOURCE: [craft(stage, given.record_id, *given.rids, police.rid)],
        NoticeCheck.RECEIVED: [
            craft(stage, given.record_id, UNKNOWN),  # never asked
            craft(stage, given.record_id, *given.rids, UNKNOWN),
            craft(stage, unrelated, *given.rids),  # asked, but it brought another record
            craft(stage, unrelated, elsewhere.rid),
        ],
    }
    for check, some in wrong.items():
        for crafted in some:
            facts = crafted.facts(await send(stage, crafted))
            assert (facts.outcome.value, facts.check) == ("refused", check)
            assert facts.result is None
    assert (taken(stage[D02]), everything_is_there(stage, given)) == (before, True)


async def test_a_refused_request_brought_nothing(stage: Stage, kept: dict[str, Given]) -> None:
    given = await one(stage, kept)
    refused = await stage.ask(stage.question(given.case, "query", AskItem((given.subject,), {}), purpose="OTHER"))
    assert refused.state == "refused"
    crafted = craft(stage, given.record_id, refused.rid)
    assert crafted.facts(await send(stage, crafted)).check is NoticeCheck.RECEIVED


async def test_a_request_under_way_defers_the_notice(stage: Stage, kept: dict[str, Given]) -> None:
    """What it brings would be stored after the copies went."""
    given, fund = await one(stage, kept), stage[D02]
    client: Any = fund.node.client
    honest, caught, rid = client.post, list[Reply](), list[str]()

    async def post(*args: Any) -> Reply:
        reply: Reply = await honest(*args)
        if args[1] == REQUESTS and not caught:
            with fund.node.store.node.read() as reader:
                rid.extend(row.rid for row in exchange_table.outgoing_in(reader, "attempted"))
            caught.append(await send(stage, craft(stage, given.record_id, *rid)))
        return reply

    client.post = post
    try:
        asked = await stage.ask(stage.question(given.case, "query", AskItem((given.subject,), {})))
    finally:
        del client.post
    assert (asked.state, rid) == ("received", [asked.rid])
    assert code_of(caught[0]) == (503, "notice-busy")
    assert everything_is_there(stage, given)


# -- once ------------------------------------------------------------------------------------------------------


async def test_the_same_notice_is_followed_once_and_answered_alike(stage: Stage) -> None:
    given = await give_away(stage, 610)
    first = craft(stage, given.record_id, *given.rids)
    replies = [await send(stage, first), await send(stage, first)]  # the same bytes, as a network might repeat them
    again = first.resealed()  # and as the sender tells it again
    facts = [first.facts(reply) for reply in replies] + [again.facts(await send(stage, again))]
    assert facts[0] == facts[1] == facts[2]
    assert isinstance(facts[0].result, Done)
    assert facts[0].result.deleted == 3
    same_id = craft(stage, given.record_id, given.rids[0], change=lambda n: replace(n, id=first.notice.id))
    assert same_id.facts(await send(stage, same_id)).check is NoticeCheck.REUSED
    many = [first.resealed() for _ in range(6)]
    told = await asyncio.gather(*(send(stage, crafted) for crafted in many))
    assert [crafted.facts(reply) for crafted, reply in zip(many, told, strict=True)] == [facts[0]] * 6
    fresh = craft(stage, given.record_id, *given.rids, change=lambda n: replace(n, id=NoticeId("ab" * 16)))
    result = fresh.facts(await send(stage, fresh)).result
    assert isinstance(result, Done)
    assert (result.deleted, result.kept) == (0, ())
    with stage[D02].node.store.node.read() as reader:
        sql = "SELECT count(*) FROM ended_values WHERE rid IN (?, ?, ?)"
        assert reader.fetch(sql, given.rids)[0][0] == 3
