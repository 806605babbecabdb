"""Telling what the outbox holds: in the background, every recipient on its own, until it is acknowledged, refused or parked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from xinlian.node.authentic import SKEW_S
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.identity import Identity
from xinlian.node.notices.taking import PATH
from xinlian.node.notices.writing import new_notice
from xinlian.node.payload_guard import check_payload
from xinlian.node.peer_client import PeerClient, Reply
from xinlian.node.peers import Peers, sealing_kid
from xinlian.protocol import httpsig
from xinlian.protocol.b64 import b64u
from xinlian.protocol.envelope import (
    SUITE,
    Direction,
    EnvelopeHeader,
    Rid,
    answer_header,
    dumps_header,
    open_answer,
    parse_header,
    seal_request,
)
from xinlian.protocol.errors import CATALOGUE, NotFoundError, PeerError, StoreError, XinlianError
from xinlian.protocol.notices import (
    Done,
    Facts,
    Notice,
    NoticeCheck,
    NoticeMessage,
    check_acknowledges,
    dumps_facts,
    dumps_message,
    parse_acknowledgement,
    parse_notice,
)
from xinlian.protocol.types import EpochS, KeyId, Uscc
from xinlian.store import notices as table
from xinlian.store import parked
from xinlian.store.notices import Outgoing as Row
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction, Writer

_log = structlog.get_logger(__name__)

TICK_S = 1.0
AT_ONCE = 8
DUE = 200
WINDOW_S = 60
LONGEST_PAUSE_S = 3_600
MARGIN_S = 60
ASKED_AGAIN_AFTER_S = 86_400
"""What a duty keeps is not asked about more often, whatever end the recipient names."""
_MADE_ANEW = frozenset({NoticeCheck.REUSED.code, NoticeCheck.EXPIRED.code})
"""Refusals after which a replay needs a fresh id and fresh times."""


Answered = Callable[[Transaction, Row, Facts], None]
"""Told inside the transaction in which a recipient's signed word is stored."""


@dataclass(frozen=True, slots=True)
class TellingLimits:
    """Pause after the first failed attempt (s, doubled each time up to an hour), and attempts before a notice is parked."""

    first_pause_s: float
    tries: int

    def pause_s(self, attempts: int) -> int:
        """The pause after so many attempts, at least a second."""
        return max(1, int(min(self.first_pause_s * 2 ** min(attempts, 30), LONGEST_PAUSE_S)))


@dataclass(frozen=True, slots=True)
class TellingParts:
    """What the use case is built from."""

    department: Uscc
    writer: Writer
    sealer: Sealer
    state: ChainState
    clock: Clock
    identity: Identity
    peers: Peers
    client: PeerClient


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message on its way."""

    notice: Notice
    header: EnvelopeHeader
    reply_key: X25519PrivateKey
    body: bytes
    headers: dict[str, str]


class Telling:
    """The use case.

    Args:
        parts: its collaborators.
        limits: pauses and attempts.
    """

    def __init__(self, parts: TellingParts, limits: TellingLimits) -> None:
        self._p = parts
        self._limits = limits
        self._wake = asyncio.Event()
        self.on_answered: Answered = lambda _tx, _row, _facts: None

    def woken(self) -> None:
        """Something was committed that is to be told."""
        self._wake.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await self.once()
            try:
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()

    async def once(self) -> int:
        """Tell everything that is due, several recipients at a time, each one's notices in order.

        Returns:
            How many attempts were made. None while what the chain says is in doubt: keys and addresses come from it.

        Raises:
            StoreError: when the database fails; the next round goes on.
        """
        if self._p.clock.is_distrusted:
            return 0
        await self._ask_again()
        with self._p.writer.read() as reader:
            due = table.due(reader, self._now_s(), DUE)
        by_recipient: dict[str, list[Row]] = {}
        for row in due:
            by_recipient.setdefault(row.recipient, []).append(row)
        some = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._tell_all(rows, some) for rows in by_recipient.values()))
        return len(due)

    def _now_s(self) -> int:
        return int(self._p.clock.wall_s())

    async def _tell_all(self, rows: Sequence[Row], some: asyncio.Semaphore) -> None:
        async with some:
            for row in rows:
                try:
                    await self._tell(row)
                except StoreError as error:
                    if error.code != "sealed-broken":
                        raise
                    await self._missed(replace(row, attempts=self._limits.tries), error.code, None)

    async def _ask_again(self) -> None:
        """Where a duty kept copies until now, a fresh notice asks whether they are gone."""
        with self._p.writer.read() as reader:
            over = table.to_ask_again(reader, self._now_s())
        for row in over:
            body = parse_notice(table.raw_of(self._p.sealer, row)).body
            fresh = new_notice(self._p.department, Uscc(row.recipient), body, self._now_s())

            def job(tx: Transaction, row: Row = row, fresh: table.NewNotice = fresh) -> None:
                table.asked_again(tx, row.id)
                table.put(tx, self._p.sealer, [fresh], self._now_s())

            await self._p.writer.write(job)

    # -- one attempt -------------------------------------------------------------------------------

    async def _tell(self, row: Row) -> None:
        row, raw = await self._committed(row)
        try:
            sent = self._seal(parse_notice(raw), raw)
            reply = await self._p.client.post(self._endpoint(row.recipient), PATH, sent.headers, sent.body)
        except XinlianError as error:
            reached = self._now_s() if error.code in ("peer-timeout", "peer-busy", "peer-answer") else None
            await self._missed(row, error.code, reached)
            return
        try:
            facts = self._facts(sent, reply)
        except XinlianError as error:
            await self._missed(row, str(error.fields.get("peer_code", error.code)), self._now_s())
            return
        await self._answered(row, facts)

    async def _committed(self, row: Row) -> tuple[Row, bytes]:
        """Count the attempt before it is made; a notice past its end, or whose id was refused, is made anew first."""
        now_s = self._now_s()
        raw, fresh = table.raw_of(self._p.sealer, row), None
        notice = parse_notice(raw)
        if notice.expires <= now_s + MARGIN_S or row.last_code in _MADE_ANEW:
            fresh = new_notice(self._p.department, notice.to_uscc, notice.body, now_s)

        def job(tx: Transaction) -> None:
            if fresh is not None:
                table.renew(tx, self._p.sealer, row.id, fresh)
            table.attempt(tx, row.id, now_s + self._limits.pause_s(row.attempts))

        await self._p.writer.write(job)
        told = replace(row, attempts=row.attempts + 1)
        return (told, raw) if fresh is None else (replace(told, notice_id=fresh.notice_id), fresh.body)

    def _endpoint(self, uscc: str) -> str:
        department = self._p.state.department(uscc)
        if department is None:
            raise NotFoundError("department-unknown", "the recipient is not registered", department=uscc)
        return department.endpoint

    def _seal(self, notice: Notice, raw: bytes) -> _Sent:
        hpke_kid, hpke_key = self._p.peers.hpke_key_now(notice.to_uscc)
        signing = self._p.identity.current_signing()
        reply_key = X25519PrivateKey.generate()
        rid, created = Rid(b64u(os.urandom(16))), EpochS(self._now_s())
        expires = EpochS(created + WINDOW_S)
        public = reply_key.public_key().public_bytes_raw()
        parties = notice.from_uscc, notice.to_uscc, signing.kid, hpke_kid
        header = EnvelopeHeader(SUITE, Direction.NOTICE, *parties, rid)
        body = seal_request(header, dumps_message(NoticeMessage(rid, *parties, public, created, expires, raw)), hpke_key)
        fields = {
            "content-type": "application/octet-stream",
            "xinlian-to": notice.to_uscc,
            "xinlian-envelope": dumps_header(header),
        }
        params = httpsig.SignatureParams(created, expires, rid, signing.kid, httpsig.NOTICE_TAG)
        signed = httpsig.sign_request(httpsig.Request("POST", PATH, None, fields, body), params, signing.private)
        return _Sent(notice, header, reply_key, body, signed)

    def _facts(self, sent: _Sent, reply: Reply) -> Facts:
        """What the recipient's signed and sealed acknowledgement says; whatever else came back settles nothing.

        Raises:
            PeerError: with the problem's own code, ``signature-*``, ``answer-mismatch``, ``acknowledgement-mismatch``.
            InputError, RefusedError: what is not of the form, or signed by a key that is not registered.
        """
        if reply.status != 200 or "xinlian-envelope" not in reply.headers:
            code = reply.problem_code() if reply.problem_code() in CATALOGUE else "peer-answer"
            raise PeerError("peer-refused", "the recipient's node did not take the notice", peer_code=code)

        def find(kid: KeyId) -> Ed25519PublicKey:
            return self._p.peers.signing_key_now(sent.notice.to_uscc, kid)

        response = httpsig.Response(reply.status, reply.headers, reply.body)
        clock = httpsig.Clock(self._now_s(), SKEW_S)
        verified = httpsig.verify_response(response, sent.headers["signature"], find, clock, httpsig.NOTICE_TAG)
        header = parse_header(reply.headers["xinlian-envelope"])
        public = sent.reply_key.public_key().public_bytes_raw()
        if header != answer_header(sent.header, verified.params.keyid, sealing_kid(public)):
            raise PeerError("acknowledgement-mismatch", "the envelope does not belong to this notice", member="envelope")
        acknowledgement = parse_acknowledgement(open_answer(header, reply.body, sent.reply_key, sent.body))
        check_acknowledges(acknowledgement, sent.notice, sent.header.rid, sent.body)
        if isinstance(acknowledgement.facts.result, Done):
            check_payload(kept.basis for kept in acknowledgement.facts.result.kept)
        return acknowledgement.facts

    # -- what came of it ---------------------------------------------------------------------------

    async def _missed(self, row: Row, code: str, reached_at: int | None) -> None:
        is_last = row.attempts >= self._limits.tries

        def job(tx: Transaction) -> None:
            table.missed(tx, row.id, code, reached_at)
            if is_last:
                parked.park(tx, table.PARKED_KIND, row.notice_id, f"{code}: {row.recipient} was not told", self._now_s())

        await self._p.writer.write(job)
        if is_last or row.attempts == 1:
            _log.warning("notice not told", notice=row.notice_id, recipient=row.recipient, code=code, attempts=row.attempts)

    async def _answered(self, row: Row, facts: Facts) -> None:
        answer = _answer_of(facts, self._now_s())

        def job(tx: Transaction) -> None:
            table.answered(tx, row.id, answer)
            self.on_answered(tx, row, facts)
            if answer.code is not None:
                parked.park(tx, table.PARKED_KIND, row.notice_id, f"{answer.code}: refused by {row.recipient}", answer.at)

        await self._p.writer.write(job)
        _log.info("notice answered", notice=row.notice_id, recipient=row.recipient, outcome=facts.outcome.value, code=answer.code)

    def replayed(self, tx: Transaction, notice_id: str) -> Callable[[], None]:
        """Take a parked notice back into work (``node.parking``); what is returned is called once that is committed."""
        table.reopen(tx, notice_id, self._now_s())
        return self.woken


def _answer_of(facts: Facts, now_s: int) -> table.Answered:
    said = dumps_facts(facts).decode()
    if facts.check is not None:
        return table.Answered(table.REFUSED, facts.outcome.value, said, facts.check.code, now_s)
    kept = facts.result.kept if isinstance(facts.result, Done) else ()
    again = max([now_s + ASKED_AGAIN_AFTER_S, *(int(one.until) for one in kept)]) if kept else None
    return table.Answered(table.ACKNOWLEDGED, facts.outcome.value, said, None, now_s, again)
