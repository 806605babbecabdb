"""Authenticating what another department's node sends: addressee, signature by a key registered now, envelope bound to it."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from xinlian.node.incoming import Incoming
from xinlian.node.peers import Peers
from xinlian.protocol import httpsig
from xinlian.protocol.envelope import Direction, EnvelopeHeader, check_bound, parse_header
from xinlian.protocol.messages import ProviderCheck, refusal
from xinlian.protocol.types import KeyId, Uscc

SKEW_S = 5


@dataclass(frozen=True, slots=True)
class Expected:
    """What a route takes: messages to this department, of one direction, signed for one tag."""

    department: Uscc
    direction: Direction
    tag: str


def authenticate(
    incoming: Incoming, expected: Expected, peers: Peers, now_s: int
) -> tuple[EnvelopeHeader, httpsig.VerifiedSignature]:
    """Find out who sent a message; nothing of its body is opened.

    Args:
        incoming: as it came in.
        expected: what the route takes.
        peers: keys registered now.
        now_s: wall clock, epoch seconds.

    Raises:
        RefusedError: ``refused-addressee``, ``refused-key-registered``, ``signature-wrong``, ``signature-expired``.
        InputError: ``digest-*``, ``signature-*``, ``envelope-form``, ``envelope-suite``, ``envelope-mismatch``.
    """
    header = parse_header(incoming.headers.get("xinlian-envelope", ""))
    if header.to_uscc != expected.department or header.direction is not expected.direction:
        raise refusal(ProviderCheck.ADDRESSEE, "this message is addressed to another department or another route")

    def find(kid: KeyId) -> Ed25519PublicKey:
        return peers.signing_key_now(header.from_uscc, kid)

    message = httpsig.Request("POST", incoming.path, incoming.query, incoming.headers, incoming.body)
    verified = httpsig.verify_request(message, find, httpsig.Clock(now_s, SKEW_S), expected.tag)
    check_bound(header, expected.direction, incoming.headers.get("xinlian-to"), verified.params)
    return header, verified
