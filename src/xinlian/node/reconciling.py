"""Reconciling this node's read log with another department's, over the exchange.

Rules
1. The asking node proves who it is by its signature; it gets only entries about itself, clear parts only.
2. Nothing personal travels: the statements are what is anchored anyway, without disclosures, so the bodies are not sealed.
3. Each of theirs comes with its receipt and is proven against this node's own view, each own one likewise; one that is not
   proven, or still pending when it was promised on chain, is a finding. Compared is by ``rid``, item and digests.

Source: design 4.5.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from xinlian.node.bundles import Bundles
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.following import Following
from xinlian.node.identity import Identity
from xinlian.node.peer_client import PeerClient
from xinlian.node.peers import Peers
from xinlian.node.providing import SKEW_S, Incoming
from xinlian.node.reads import Reads, reconciliation_json
from xinlian.protocol import httpsig
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.bundle import Bundle
from xinlian.protocol.envelope import SUITE, Direction, EnvelopeHeader, Rid, dumps_header, parse_header
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError, PeerError
from xinlian.protocol.messages import ProviderCheck, refusal
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.record import parse_statement
from xinlian.protocol.statements import parse_read
from xinlian.protocol.types import EpochS, KeyId, Stream, Uscc

PATH = "/exchange/v1/reconciliations"
WINDOW_S = 60
CATCH_UP_S = 10.0


@dataclass(frozen=True, slots=True)
class Told:
    """A read entry as it is handed over: exact statement, receipt (None while it is pending)."""

    statement: bytes
    receipt: Receipt | None

    @classmethod
    def of(cls, statement: object, receipt: object) -> Told:
        """Read one.

        Raises:
            InputError: ``bundle-format``, ``b64…``.
            TypeError: when the statement is no text.
        """
        if not isinstance(statement, str):
            raise TypeError("a statement is a text")
        return cls(unb64u(statement), None if receipt is None else Receipt.from_json(receipt))

    @property
    def rid(self) -> str:
        """The request it is about."""
        return parse_read(self.statement).clear.rid

    @property
    def item(self) -> int:
        """Which item of the request."""
        return parse_read(self.statement).clear.item

    @property
    def block_number(self) -> int:
        """Where it says it was anchored, 0 while pending."""
        return 0 if self.receipt is None else self.receipt.block_number


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

    async def ask(self, counterparty: str) -> dict[str, Any]:
        """Compare with another department's log.

        Raises:
            NotFoundError: ``department-unknown``.
            PeerError: when the node cannot be reached or refuses.
        """
        other = self.state.department(counterparty)
        if other is None:
            raise NotFoundError("department-unknown", "no such department is registered", department=counterparty)
        reply = await self.client.post(other.endpoint, PATH, self._headers(Uscc(counterparty), b"{}"), b"{}")
        if reply.status != 200:
            raise PeerError("peer-refused", f"the other node refuses: {reply.problem_code()}", peer_code=reply.problem_code())
        try:
            told = orjson.loads(reply.body)
            theirs = [Told.of(text, receipt) for text, receipt in zip(told["statements"], told["receipts"], strict=True)]
            found = self.reads.reconcile(counterparty, [one.statement for one in theirs])
        except (ValueError, KeyError, TypeError, InputError) as error:
            raise PeerError("peer-answer", "the other node's read log is not of its form") from error
        await self.following.reach(max((one.block_number for one in theirs), default=0), CATCH_UP_S)
        there = await asyncio.to_thread(self._unproven, theirs)
        here = await asyncio.to_thread(lambda: self._unproven(self._told(counterparty)))
        shown = reconciliation_json(found)
        clean = shown["clean"] and not (there or here)
        return {"counterparty": counterparty, **shown, "unproven_there": there, "unproven_here": here, "clean": clean}

    def _told(self, counterparty: str) -> list[Told]:
        return [Told(entry.statement, self._receipt(entry.position)) for entry in self.reads.entries_with(counterparty)]

    def _receipt(self, position: int) -> Receipt | None:
        try:
            return self.bundles.receipt(Stream.READS, position)
        except ConflictError:  # the stored leaves no longer give the root: whoever checks finds it unproven
            return None

    def _unproven(self, told: Sequence[Told]) -> list[list[str | int]]:
        """(rid, item) of entries that their receipt does not prove, or that are pending for too long."""
        return [[one.rid, one.item] for one in told if not self._is_proven(one)]

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
        """Own read statements about the department that asks, base64url each, and their receipts in the same order.

        Raises:
            RefusedError: ``refused-addressee``, ``refused-key-registered``, ``signature-wrong``, ``signature-expired``.
            InputError: ``digest-…``, ``signature-…``, ``envelope-form``.
        """
        header = parse_header(incoming.headers.get("xinlian-envelope", ""))
        if header.to_uscc != self.department or incoming.headers.get("xinlian-to") != self.department:
            raise refusal(ProviderCheck.ADDRESSEE, "this request is addressed to another department")

        def find(kid: KeyId) -> Ed25519PublicKey:
            return self.peers.signing_key_now(header.from_uscc, kid)

        message = httpsig.Request("POST", incoming.path, incoming.query, incoming.headers, incoming.body)
        httpsig.verify_request(message, find, httpsig.Clock(int(self.clock.wall_s()), SKEW_S))
        told = await asyncio.to_thread(self._told, header.from_uscc)
        return {
            "statements": [b64u(one.statement) for one in told],
            "receipts": [None if one.receipt is None else one.receipt.to_json() for one in told],
        }
