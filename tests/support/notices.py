"""Notices in tests: data that another department received, waiting for an acknowledgement, and notices that no honest node sends.

Example::

    given = await give_away(stage, 500)
    await erase(stage[D03], given.record_id)
    (row,) = await settled(stage[D03], given.record_id)
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientSession

from tests.support.exchange import Stage, contract_row, person
from tests.support.network import D02, D03, Running
from xinlian.node.asking import Asked, AskItem
from xinlian.node.identity import SigningKey
from xinlian.node.notices.taking import PATH
from xinlian.node.peer_client import Reply
from xinlian.protocol import httpsig, notices
from xinlian.protocol.envelope import EnvelopeHeader, dumps_header, open_answer, parse_header, seal_request
from xinlian.protocol.notices import Acknowledgement, Concerned, Erased, Facts, Notice, NoticeId, NoticeMessage
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, RecordId, Uscc
from xinlian.store import notices as table


@dataclass(frozen=True, slots=True)
class Given:
    """A contract of D03 and one person, what D02 got of it, and under which case."""

    record_id: str
    subject: Subject
    contract_no: str
    case: str
    query: Asked
    verify: Asked
    answer: Asked

    @property
    def rids(self) -> tuple[str, str, str]:
        """The requests, in the order query, verify, answer."""
        return self.query.rid, self.verify.rid, self.answer.rid


async def give_away(stage: Stage, number: int, *others: str) -> Given:
    """Publish a contract of a person nobody else uses, and let D02 read it in every mode within a case of its own.

    Args:
        stage: the network.
        number: of the person and the contract.
        others: numbers of further contracts of the same person.
    """
    subject, contract_no = person(number), f"HT-{number}"
    rows = [contract_row(no, subject) for no in (contract_no, *others)]
    record_id, *_ = await stage.network.publish(D03, "ZJ-02", rows)
    await stage.network.in_step()
    case = await stage.case(subject)
    item = AskItem((subject,), {})
    asked = [
        await stage.ask(stage.question(case, "query", item)),
        await stage.ask(stage.question(case, "verify", AskItem((subject,), {"contract_no": contract_no}))),
        await stage.ask(stage.question(case, "answer", item)),
    ]
    assert [one.items[0].outcome for one in asked] == ["records", "match", "answer"]
    return Given(record_id, subject, contract_no, case, *asked)


async def erase(running: Running, record_id: str) -> dict[str, Any]:
    """Erase a record, as its publisher does."""
    return await running.node.ending.erase(record_id, 3, running.person)


async def settled(running: Running, record_id: str, *states: str, seconds: float = 15) -> list[dict[str, Any]]:
    """Wait until every notice of a record's erasure has one of some states (``acknowledged`` unless said otherwise)."""
    wanted, told = states or (table.ACKNOWLEDGED,), list[dict[str, Any]]()
    for _ in range(int(seconds * 20)):
        told = list(running.node.notices.showing.erasure(record_id)["recipients"])
        if told and all(one["state"] in wanted for one in told):
            return told
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {told}")


def shown(running: Running, rid: str) -> dict[str, Any]:
    """A query as a caseworker sees it."""
    return running.node.asking.history.show(rid, with_values=True)


def all_bytes(directory: Path) -> bytes:
    """Everything that stands in the database files of a node, logs included."""
    return b"".join(path.read_bytes() for path in directory.glob("*.db*"))


def sealed_of(running: Running, sql: str, *values: object) -> list[bytes]:
    """Sealed bytes that a query names, to look for them in the files later."""
    with running.node.store.node.read() as reader:
        return [row[0] for row in reader.fetch(sql, values) if row[0] is not None]


@dataclass(frozen=True, slots=True)
class CraftedNotice:
    """A notice message with real keys and signatures, to be altered; only what a test names is wrong."""

    notice: Notice
    message: NoticeMessage
    header: EnvelopeHeader
    reply_key: Any
    signing: SigningKey
    sealing: Any
    headers: Mapping[str, str]
    body: bytes

    def resealed(
        self,
        *,
        notice: Notice | None = None,
        raw: bytes | None = None,
        message: Mapping[str, Any] | None = None,
        signing: SigningKey | None = None,
        tag: str = httpsig.NOTICE_TAG,
        age_s: int = 0,
        **header: Any,
    ) -> CraftedNotice:
        """Seal and sign again with something changed."""
        key, told = signing or self.signing, notice or self.notice
        outer = replace(self.header, **{"from_kid": key.kid, **header})
        carried = raw if raw is not None else notices.dumps_notice(told)
        inner = replace(self.message, notice=carried, signing_kid=key.kid, **(message or {}))
        body = seal_request(outer, notices.dumps_message(inner), self.sealing)
        fields = {
            "content-type": "application/octet-stream",
            "xinlian-to": outer.to_uscc,
            "xinlian-envelope": dumps_header(outer),
        }
        created, expires = EpochS(self.message.created - age_s), EpochS(self.message.expires - age_s)
        params = httpsig.SignatureParams(created, expires, outer.rid, key.kid, tag)
        signed = httpsig.sign_request(httpsig.Request("POST", PATH, None, fields, body), params, key.private)
        return replace(self, notice=told, message=inner, header=outer, signing=key, headers=signed, body=body)

    def opened(self, reply: Reply) -> Acknowledgement:
        """The acknowledgement of it."""
        header = parse_header(reply.headers["xinlian-envelope"])
        return notices.parse_acknowledgement(open_answer(header, reply.body, self.reply_key, self.body))

    def facts(self, reply: Reply) -> Facts:
        """What the acknowledgement says, proven to be of this message."""
        assert reply.status == 200, reply.body
        acknowledgement = self.opened(reply)
        notices.check_acknowledges(acknowledgement, self.notice, self.header.rid, self.body)
        assert acknowledgement.notice_digest == hashlib.sha256(self.body).digest()
        return acknowledgement.facts


def craft(
    stage: Stage, record_id: str, *rids: str, sender: str = D03, to: str = D02, change: Callable[[Notice], Notice] = lambda n: n
) -> CraftedNotice:
    """What an honest sender's node would send about a record now, but for what ``change`` does."""
    node = stage[sender].node
    rows = stage[D03].node.records.revisions(record_id)
    revisions = tuple((row.rev, row.leaf) for row in rows) or ((1, b"\x11" * 32),)
    now = int(node.clock.wall_s())
    concerned = Concerned(RecordId(record_id), revisions, tuple(rids))  # type: ignore[arg-type]
    body = Erased(concerned, 3, EpochS(now))
    honest = Notice(
        NoticeId(hashlib.sha256(f"{record_id}{rids}{now}".encode()).hexdigest()[:32]),
        Uscc(sender),
        Uscc(to),
        EpochS(now),
        EpochS(now + 1_000),
        body,
    )
    told = change(honest)
    raw = notices.dumps_notice(told)
    sent = node.notices.telling._seal(told, raw)
    _, sealing = node.identity._peers.hpke_key_now(to)
    signing = node.identity.current_signing()
    plain = sent.reply_key.public_key().public_bytes_raw()
    message = NoticeMessage(
        sent.header.rid, Uscc(sender), Uscc(to), signing.kid, sent.header.to_kid, plain, EpochS(now), EpochS(now + 60), raw
    )
    return CraftedNotice(told, message, sent.header, sent.reply_key, signing, sealing, sent.headers, sent.body)


async def send(stage: Stage, crafted: CraftedNotice, to: str | None = None, path: str = PATH) -> Reply:
    """Post it to a node over HTTP, once."""
    url = stage[to or crafted.notice.to_uscc].url + path
    async with ClientSession() as session, session.post(url, data=crafted.body, headers=crafted.headers) as response:
        fields = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status, fields, await response.read())


def code_of(reply: Reply) -> tuple[int, str]:
    """Status and code of a refusal in the clear."""
    return reply.status, orjson.loads(reply.body)["code"]


def everything_is_there(stage: Stage, given: Given) -> bool:
    """Whether every copy is still shown, and nothing was written down about a notice of the record."""
    seen = [shown(stage[D02], rid) for rid in given.rids]
    return all(one["items"] and not one["ended"] for one in seen)
