"""Taking notices of other nodes: authenticate, open, check, follow once, destroy files, wipe, acknowledge."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from xinlian.node.authentic import SKEW_S, Expected, authenticate
from xinlian.node.clock import Clock
from xinlian.node.identity import Identity
from xinlian.node.incoming import Incoming, Outgoing
from xinlian.node.peers import Peers, sealing_kid
from xinlian.node.rate import RateLimit
from xinlian.node.wiping import wipe
from xinlian.protocol import httpsig
from xinlian.protocol.envelope import (
    Direction,
    EnvelopeHeader,
    answer_header,
    dumps_header,
    open_request,
    seal_answer,
)
from xinlian.protocol.errors import RefusedError
from xinlian.protocol.messages import ProviderCheck, refusal
from xinlian.protocol.notices import (
    Acknowledgement,
    Facts,
    Notice,
    NoticeCheck,
    NoticeKind,
    NoticeMessage,
    Result,
    check_carried,
    check_message_time,
    dumps_acknowledgement,
    dumps_facts,
    notice_refusal,
    parse_facts,
    parse_message,
    parse_notice,
)
from xinlian.protocol.types import EpochS, Uscc
from xinlian.store import notices as table
from xinlian.store.writer import Transaction, Writer

PATH = "/exchange/v1/notices"
ACKNOWLEDGED_WITHIN_S = 60


class Follow(Protocol):
    """What follows the notices of one kind, inside the transaction that stores them."""

    def follow(self, tx: Transaction, notice: Notice, row_id: int, now_s: int) -> Result:
        """Do what the notice asks for, or raise the refusal of a ``NoticeCheck``."""
        ...


@dataclass(frozen=True, slots=True)
class TakingParts:
    """What the use case is built from; ``kinds`` says who follows which, ``destroy_files`` ends what they began with files."""

    department: Uscc
    writer: Writer
    clock: Clock
    identity: Identity
    peers: Peers
    kinds: Mapping[NoticeKind, Follow]
    destroy_files: Callable[[], Awaitable[None]]
    max_view_age_s: float
    rate: RateLimit


@dataclass(frozen=True, slots=True)
class _Call:
    """An authenticated message with what its acknowledgement needs."""

    header: EnvelopeHeader
    message: NoticeMessage
    ciphertext: bytes
    signature: str


class Taking:
    """The use case."""

    def __init__(self, parts: TakingParts) -> None:
        self._p = parts

    async def serve(self, incoming: Incoming) -> Outgoing:
        """Follow a notice and acknowledge it.

        Raises:
            RefusedError: ``refused-rate``, ``refused-view-fresh``, ``request-expired``, every refusal of an unproven sender.
            InputError: what is not of the form.
            ConflictError: ``notice-busy``.
            StoreError: when a database fails, or ``store-checkpoint-busy``: what was deleted may still stand in the log.
        """
        now_s = int(self._p.clock.wall_s())
        expected = Expected(self._p.department, Direction.NOTICE, httpsig.NOTICE_TAG)
        with self._p.rate.guarding(incoming.remote, now_s):
            header, verified = authenticate(incoming, expected, self._p.peers, now_s)
        if self._p.clock.view_age_s() > self._p.max_view_age_s:
            raise refusal(ProviderCheck.VIEW_FRESH, "this node's view of the chain is too old to know whose key this is")
        message = parse_message(open_request(header, incoming.body, self._p.identity.hpke_key(header.to_kid)))
        notice = parse_notice(message.notice)
        check_carried(message, header, notice)
        check_message_time(message, now_s, SKEW_S)
        facts = await self._followed(notice, message.notice, now_s)
        await self.wipe()
        return self._seal(_Call(header, message, incoming.body, verified.signature), facts)

    async def _followed(self, notice: Notice, raw: bytes, now_s: int) -> Facts:
        digest = hashlib.sha256(raw).digest()

        def job(tx: Transaction) -> Facts:
            known = table.found(tx, notice.from_uscc, notice.id)
            if known is not None and known.digest == digest:
                return parse_facts(known.facts.encode())
            if known is not None:
                raise notice_refusal(NoticeCheck.REUSED, "this notice id was used with other bytes")
            if notice.expires <= now_s:
                raise notice_refusal(NoticeCheck.EXPIRED, "the notice is past its end")
            row_id = table.keep(tx, table.NewIncoming(notice.from_uscc, notice.id, digest, notice.kind.value, now_s))
            facts = Facts.done(notice, self._p.kinds[notice.kind].follow(tx, notice, row_id, now_s), EpochS(now_s))
            table.say(tx, row_id, dumps_facts(facts).decode())
            return facts

        try:
            return await self._p.writer.write(job)
        except RefusedError as error:
            return Facts.refused(notice, NoticeCheck(str(error.fields["check"])), EpochS(now_s))

    async def wipe(self) -> bool:
        """Make what notices deleted disappear from the files; at start, what a stop left.

        Returns:
            True when there was something.

        Raises:
            StoreError: ``store-checkpoint-busy``; the sender tells it again, and the next start does it.
        """
        with self._p.writer.read() as reader:
            newest = table.newest_unwiped(reader)
        if newest == 0:
            return False
        await self._p.destroy_files()
        await wipe(self._p.writer)
        await self._p.writer.write(lambda tx: table.wiped(tx, newest))
        return True

    def _seal(self, call: _Call, facts: Facts) -> Outgoing:
        now_s = int(self._p.clock.wall_s())
        signing = self._p.identity.current_signing()
        acknowledgement = Acknowledgement(call.header.rid, hashlib.sha256(call.ciphertext).digest(), facts)
        reply_key = call.message.reply_key
        header = answer_header(call.header, signing.kid, sealing_kid(reply_key))
        plain = dumps_acknowledgement(acknowledgement)
        body = seal_answer(header, plain, X25519PublicKey.from_public_bytes(reply_key), call.ciphertext)
        headers = {"content-type": "application/octet-stream", "xinlian-envelope": dumps_header(header)}
        times = EpochS(now_s), EpochS(now_s + ACKNOWLEDGED_WITHIN_S)
        params = httpsig.SignatureParams(*times, call.header.rid, signing.kid, httpsig.NOTICE_TAG)
        signed = httpsig.sign_response(httpsig.Response(200, headers, body), call.signature, params, signing.private)
        return Outgoing(200, signed, body)
