"""Reconciling this node's read log with another department's, over the exchange.

Rules
1. The asking node proves who it is by its signature; it gets only entries about itself, clear parts only.
2. Nothing personal travels: the statements are what is anchored anyway, without disclosures, so the bodies are not sealed.
3. Each of theirs comes with its receipt and is proven against this node's own view, each own one likewise; one that is not
   proven, or still pending when it was promised on chain, is a finding. Compared is by ``rid``, item and digests.
4. An answer holds at most ``PAGE`` entries; the asking node follows ``next`` until it is null, checks page by page, and gives up
   on a log that does not move on or has more than ``MAX_PAGES`` pages.
5. Items of which this node wrote an entry during the walk are left to the next reconciliation: the other side may have written
   its own after the page was given.

Source: design 4.5.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from xinlian.node.bundles import Bundles
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.following import Following
from xinlian.node.identity import Identity
from xinlian.node.paging import Window
from xinlian.node.peer_client import PeerClient
from xinlian.node.peers import Peers
from xinlian.node.providing import SKEW_S, Incoming
from xinlian.node.rate import RateLimit
from xinlian.node.reads import Reads, reconciliation_json
from xinlian.protocol import httpsig
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.bundle import Bundle
from xinlian.protocol.envelope import SUITE, Direction, EnvelopeHeader, Rid, dumps_header, parse_header
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError, PeerError
from xinlian.protocol.jsontext import loads_strict
from xinlian.protocol.members import Members, Where
from xinlian.protocol.messages import ProviderCheck, refusal
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.reconciliation import ItemKey, reconcile
from xinlian.protocol.record import parse_statement
from xinlian.protocol.statements import ReadEntry, parse_read
from xinlian.protocol.types import EpochS, KeyId, Stream, Uscc
from xinlian.store import streams

PATH = "/exchange/v1/reconciliations"
WINDOW_S = 60
CATCH_UP_S = 10.0
PAGE = 500
MAX_PAGES = 2_000
MAX_ASKED_BYTES = 1_000
_WHERE = Where("reconciliation-form", "reconciliation request")


@dataclass(frozen=True, slots=True)
class Told:
    """A read entry as it is handed over: exact statement, what it says, receipt (None while it is pending)."""

    statement: bytes
    entry: ReadEntry
    receipt: Receipt | None

    @classmethod
    def of(cls, statement: object, receipt: object) -> Told:
        """Read one.

        Raises:
            InputError: ``statement-form``, ``bundle-format``, ``b64…``.
            TypeError: when the statement is no text.
        """
        if not isinstance(statement, str):
            raise TypeError("a statement is a text")
        raw = unb64u(statement)
        return cls(raw, parse_read(raw), None if receipt is None else Receipt.from_json(receipt))

    @property
    def key(self) -> ItemKey:
        """Which item of which request it is about."""
        return ItemKey(self.entry.clear.rid, self.entry.clear.item)

    @property
    def block_number(self) -> int:
        """Where it says it was anchored, 0 while pending."""
        return 0 if self.receipt is None else self.receipt.block_number


@dataclass(slots=True)
class _Walk:
    """What was read of one side: its entries, those not proven, and (own side) the newest position of each item."""

    entries: list[ReadEntry] = field(default_factory=list)
    unproven: list[list[str | int]] = field(default_factory=list)
    positions: dict[ItemKey, int] = field(default_factory=dict)

    def without(self, late: Collection[ItemKey]) -> list[ReadEntry]:
        """The entries but those of some items."""
        return [entry for entry in self.entries if ItemKey(entry.clear.rid, entry.clear.item) not in late]


@dataclass(frozen=True, slots=True)
class Reconciling:
    """The use case."""

    department: Uscc
    state: ChainState
    clock: Clock
    identity: Identity
    peers: Peers
    reads: Reads
    client: PeerClient
    bundles: Bundles
    following: Following
    promise_s: int
    rate: RateLimit

    async def ask(self, counterparty: str) -> dict[str, Any]:
        """Compare with another department's log.

        Raises:
            NotFoundError: ``department-unknown``.
            PeerError: when the node cannot be reached, refuses, or hands out what is no read log.
        """
        other = self.state.department(counterparty)
        if other is None:
            raise NotFoundError("department-unknown", "no such department is registered", department=counterparty)
        begun = self.reads.last_position()
        theirs = _Walk()
        async for page in self._pages(Uscc(counterparty), other.endpoint):
            await self.following.reach(max((one.block_number for one in page), default=0), CATCH_UP_S)
            await asyncio.to_thread(self._take, theirs, page)
        own = await asyncio.to_thread(self._own, counterparty)
        late = {key for key, position in own.positions.items() if position > begun}
        shown = reconciliation_json(reconcile(own.without(late), theirs.without(late)))
        clean = shown["clean"] and not (theirs.unproven or own.unproven)
        unproven = {"unproven_there": theirs.unproven, "unproven_here": own.unproven}
        return {"counterparty": counterparty, **shown, **unproven, "clean": clean}

    async def _pages(self, to: Uscc, endpoint: str) -> AsyncIterator[list[Told]]:
        """Their entries about this department, page by page."""
        after = 0
        for _ in range(MAX_PAGES):
            body = orjson.dumps({"after": after, "limit": PAGE})
            reply = await self.client.post(endpoint, PATH, self._headers(to, body), body)
            if reply.status != 200:
                code = reply.problem_code()
                raise PeerError("peer-refused", f"the other node refuses: {code}", peer_code=code)
            page, following = _read_page(reply.body)
            yield page
            if following is None:
                return
            if following <= after or not page:
                raise PeerError("peer-answer", "the other node's read log does not move on")
            after = following
        raise PeerError("peer-answer", f"the other node's read log has more than {MAX_PAGES * PAGE} entries")

    def _own(self, counterparty: str) -> _Walk:
        """The own entries about a department."""
        walk, window = _Walk(), Window(PAGE)
        while True:
            page = self.reads.page(window, counterparty)
            told = self._told(page.items)
            self._take(walk, told)
            for one, entry in zip(told, page.items, strict=True):
                walk.positions[one.key] = entry.position
            if page.next is None:
                return walk
            window = Window(PAGE, page.next)

    def _take(self, walk: _Walk, page: Sequence[Told]) -> None:
        """Check a page's evidence and keep what is compared later."""
        for one in page:
            walk.entries.append(one.entry)
            if not self._is_proven(one):
                walk.unproven.append([one.entry.clear.rid, one.entry.clear.item])

    def _told(self, entries: Sequence[streams.ReadEntry]) -> list[Told]:
        try:
            receipts = self.bundles.receipts(Stream.READS, [entry.position for entry in entries])
        except ConflictError:  # one of them at least
            receipts = {entry.position: self._receipt(entry.position) for entry in entries}
        return [Told(entry.statement, parse_read(entry.statement), receipts[entry.position]) for entry in entries]

    def _receipt(self, position: int) -> Receipt | None:
        try:
            return self.bundles.receipt(Stream.READS, position)
        except ConflictError:  # the stored leaves no longer give the root: whoever checks finds it unproven
            return None

    def _is_proven(self, one: Told) -> bool:
        statement = parse_statement(one.statement)
        if one.receipt is None:
            return self.clock.law_s() - statement.iat <= self.promise_s
        bundle = Bundle(statement, (), one.receipt, None, None, EpochS(self.clock.law_s()))
        return self.bundles.verify_parsed(bundle).exit_code in (0, 3)

    def _headers(self, to: Uscc, body: bytes) -> dict[str, str]:
        signing = self.identity.current_signing()
        hpke_kid, _ = self.peers.hpke_key_now(to)
        rid, now = Rid(b64u(os.urandom(16))), int(self.clock.wall_s())
        header = EnvelopeHeader(SUITE, Direction.REQUEST, self.department, to, signing.kid, hpke_kid, rid)
        headers = {"content-type": "application/json", "xinlian-to": to, "xinlian-envelope": dumps_header(header)}
        params = httpsig.SignatureParams(EpochS(now), EpochS(now + WINDOW_S), rid, signing.kid)
        return httpsig.sign_request(httpsig.Request("POST", PATH, None, headers, body), params, signing.private)

    async def serve(self, incoming: Incoming) -> dict[str, Any]:
        """A page of own read statements about the department that asks, base64url each, and their receipts in the same order.

        Raises:
            RefusedError: ``refused-rate``, ``refused-addressee``, ``refused-key-registered``, ``signature-wrong``,
                ``signature-expired``.
            InputError: ``digest-…``, ``signature-…``, ``envelope-form``, ``reconciliation-form``.
        """
        with self.rate.guarding(incoming.remote, self.clock.wall_s()):
            asking = self._authenticate(incoming)
        window = _asked(incoming.body)
        page = await asyncio.to_thread(self.reads.page, window, asking)
        told = await asyncio.to_thread(self._told, page.items)
        return {
            "statements": [b64u(one.statement) for one in told],
            "receipts": [None if one.receipt is None else one.receipt.to_json() for one in told],
            "next": None if page.next is None else page.next[0],
        }

    def _authenticate(self, incoming: Incoming) -> Uscc:
        """The department that asks."""
        header = parse_header(incoming.headers.get("xinlian-envelope", ""))
        if header.to_uscc != self.department or incoming.headers.get("xinlian-to") != self.department:
            raise refusal(ProviderCheck.ADDRESSEE, "this request is addressed to another department")

        def find(kid: KeyId) -> Ed25519PublicKey:
            return self.peers.signing_key_now(header.from_uscc, kid)

        message = httpsig.Request("POST", incoming.path, incoming.query, incoming.headers, incoming.body)
        httpsig.verify_request(message, find, httpsig.Clock(int(self.clock.wall_s()), SKEW_S))
        return header.from_uscc


def _asked(body: bytes) -> Window:
    """Which page is asked for: entries after a position, at most so many."""
    members = Members.of(loads_strict(body, max_bytes=MAX_ASKED_BYTES), ("after", "limit"), _WHERE)
    after = members.integer("after", 0, 2**53 - 1)
    return Window(members.integer("limit", 1, PAGE), (after,))


def _read_page(body: bytes) -> tuple[list[Told], int | None]:
    """A page as the other node gave it, and where the next one begins.

    Raises:
        PeerError: ``peer-answer``.
    """
    try:
        told = orjson.loads(body)
        page = [Told.of(text, receipt) for text, receipt in zip(told["statements"], told["receipts"], strict=True)]
        following = told["next"]
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise PeerError("peer-answer", "the other node's read log is not of its form") from error
    if len(page) > PAGE or not (following is None or type(following) is int):
        raise PeerError("peer-answer", "the other node's read log is not of its form")
    return page, following
