"""Reconciling this node's read log with another department's, over the exchange.

Rules
1. The asking node proves who it is by its signature; it gets only entries about itself, clear parts only.
2. Nothing personal travels: the statements are what is anchored anyway, without disclosures, so the bodies are not sealed.
3. Each of theirs is a statement they anchored or will anchor; what is compared is compared by ``rid``, item and digests.

Source: design 4.5.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.identity import Identity
from xinlian.node.peer_client import PeerClient
from xinlian.node.peers import Peers
from xinlian.node.providing import SKEW_S, Incoming
from xinlian.node.reads import Reads, reconciliation_json
from xinlian.protocol import httpsig
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.envelope import SUITE, Direction, EnvelopeHeader, Rid, dumps_header, parse_header
from xinlian.protocol.errors import InputError, NotFoundError, PeerError
from xinlian.protocol.messages import ProviderCheck, refusal
from xinlian.protocol.types import EpochS, KeyId, Uscc

PATH = "/exchange/v1/reconciliations"
WINDOW_S = 60


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
            statements = [unb64u(text) for text in orjson.loads(reply.body)["statements"]]
            found = self.reads.reconcile(counterparty, statements)
        except (ValueError, KeyError, TypeError, InputError) as error:
            raise PeerError("peer-answer", "the other node's read log is not of its form") from error
        return {"counterparty": counterparty, **reconciliation_json(found)}

    def _headers(self, to: Uscc, body: bytes) -> dict[str, str]:
        signing = self.identity.current_signing()
        hpke_kid, _ = self.peers.hpke_key_now(to)
        rid, now = Rid(b64u(os.urandom(16))), int(self.clock.wall_s())
        header = EnvelopeHeader(SUITE, Direction.REQUEST, self.department, to, signing.kid, hpke_kid, rid)
        headers = {"content-type": "application/json", "xinlian-to": to, "xinlian-envelope": dumps_header(header)}
        params = httpsig.SignatureParams(EpochS(now), EpochS(now + WINDOW_S), rid, signing.kid)
        return httpsig.sign_request(httpsig.Request("POST", PATH, None, headers, body), params, signing.private)

    async def serve(self, incoming: Incoming) -> list[str]:
        """Own read statements about the department that asks, base64url each.

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
        return [b64u(entry.statement) for entry in self.reads.entries_with(header.from_uscc)]
