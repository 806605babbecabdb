"""The line to another department's node: seal and sign a request for it, check and open what comes back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.following import Following
from xinlian.node.identity import Identity, SigningKey
from xinlian.node.peer_client import PeerClient, Reply
from xinlian.node.peers import Peers, sealing_kid
from xinlian.node.providing import SKEW_S
from xinlian.protocol import httpsig
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
from xinlian.protocol.errors import NotFoundError, PeerError, RefusedError
from xinlian.protocol.types import EpochS, KeyId, Uscc

WINDOW_S = 60
ROTATION_SEEN_S = 2.0


class Addressed(Protocol):
    """What a request says about its way: ends, id, times."""

    @property
    def rid(self) -> Rid:
        """Request id."""
        ...

    @property
    def from_uscc(self) -> Uscc:
        """Who asks."""
        ...

    @property
    def to_uscc(self) -> Uscc:
        """Who is asked."""
        ...

    @property
    def created(self) -> EpochS:
        """Epoch seconds."""
        ...

    @property
    def expires(self) -> EpochS:
        """Epoch seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Ends:
    """The keys of one request: who signs, what it is sealed to, where the answer is sealed to."""

    signing: SigningKey
    sealing_kid: KeyId
    sealing_key: X25519PublicKey
    reply_key: X25519PrivateKey

    @property
    def reply_public(self) -> bytes:
        """The public half of the reply key, 32 bytes."""
        return self.reply_key.public_key().public_bytes_raw()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A request as it goes out: envelope, sealed body, signed header fields, digest of the body, and its reply key."""

    header: EnvelopeHeader
    body: bytes
    headers: dict[str, str]
    digest: bytes
    reply_key: X25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Line:
    """Sends and opens.

    Args:
        state: addresses of departments.
        clock: wall clock.
        identity: own keys.
        peers: others' keys.
        following: looks at the chain again when a key is not known.
        client: sends.
    """

    state: ChainState
    clock: Clock
    identity: Identity
    peers: Peers
    following: Following
    client: PeerClient

    def ends_to(self, provider: str) -> Ends:
        """Fresh ends of a request to a department.

        Raises:
            NotFoundError: ``department-keys``.
            ConfigError: ``keys-not-registered``.
        """
        kid, key = self.peers.hpke_key_now(provider)
        return Ends(self.identity.current_signing(), kid, key, X25519PrivateKey.generate())

    def seal(self, ends: Ends, request: Addressed, plaintext: bytes, path: str) -> Sealed:
        """Seal and sign what a request (or a file request around it) says.

        Args:
            ends: whose keys the request names.
            request: gives the envelope its words.
            plaintext: the inner object.
            path: where it will be posted.
        """
        header = EnvelopeHeader(
            SUITE, Direction.REQUEST, request.from_uscc, request.to_uscc, ends.signing.kid, ends.sealing_kid, request.rid
        )
        body = seal_request(header, plaintext, ends.sealing_key)
        fields = {
            "content-type": "application/octet-stream",
            "xinlian-to": request.to_uscc,
            "xinlian-envelope": dumps_header(header),
        }
        params = httpsig.SignatureParams(request.created, request.expires, request.rid, ends.signing.kid)
        signed = httpsig.sign_request(httpsig.Request("POST", path, None, fields, body), params, ends.signing.private)
        return Sealed(header, body, signed, hashlib.sha256(body).digest(), ends.reply_key)

    async def send(self, provider: Uscc, path: str, sealed: Sealed) -> Reply:
        """Post a sealed request.

        Raises:
            NotFoundError: ``department-unknown``.
            PeerError: ``peer-…``.
        """
        department = self.state.department(provider)
        if department is None:
            raise NotFoundError("department-unknown", "the provider is not registered", department=provider)
        return await self.client.post(department.endpoint, path, sealed.headers, sealed.body)

    async def opened(self, sealed: Sealed, reply: Reply) -> bytes:
        """The inner object of an answer whose signature and envelope hold.

        When its key is not known, the chain is looked at once: the provider may just have rotated.

        Raises:
            RefusedError: ``refused-key-registered``.
            PeerError: ``answer-mismatch``.
            InputError: the codes of ``httpsig`` and ``envelope``.
        """
        try:
            return self.open(sealed, reply)
        except RefusedError:
            await self.following.reach(self.clock.head().number + 1, ROTATION_SEEN_S)
            return self.open(sealed, reply)

    def open(self, sealed: Sealed, reply: Reply) -> bytes:
        """``opened`` with the keys that are known now."""

        def find(kid: KeyId) -> Ed25519PublicKey:
            return self.peers.signing_key_now(sealed.header.to_uscc, kid)

        response = httpsig.Response(reply.status, reply.headers, reply.body)
        clock = httpsig.Clock(int(self.clock.wall_s()), SKEW_S)
        verified = httpsig.verify_response(response, sealed.headers["signature"], find, clock)
        header = parse_header(reply.headers["xinlian-envelope"])
        reply_public = sealed.reply_key.public_key().public_bytes_raw()
        if header != answer_header(sealed.header, verified.params.keyid, sealing_kid(reply_public)):
            raise PeerError("answer-mismatch", "the answer's envelope does not belong to this request", member="envelope")
        return open_answer(header, reply.body, sealed.reply_key, sealed.body)
