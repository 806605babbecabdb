"""Sealed calls between nodes: HPKE in one suite, every word of the envelope bound through ``info``.

Rules
1. Suite 1 = HPKE base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Another suite is refused; nothing is
   negotiated, so there is no downgrade.
2. The envelope travels in the clear in the signed field ``Xinlian-Envelope``. It has exactly one spelling.
3. ``info`` holds a label, suite, direction, both departments, both key ids and the request id; for a reply (answer,
   acknowledgement) also the SHA-256 of the ciphertext it replies to. All parts have fixed lengths for a label, and no label
   begins like another, so no two envelopes share an ``info``. Notices have a label of their own: none opens as a request.
4. HPKE base mode proves nothing about the sender: the signature over envelope and body does (``httpsig``).
5. A reply is sealed to the reply key inside what it replies to, made for this one message.
6. The only randomness is HPKE's own ephemeral key, drawn inside the library.

Codes: ``envelope-form``, ``envelope-suite``, ``envelope-mismatch``, ``envelope-not-opened``.

Example::

    header = EnvelopeHeader(SUITE, Direction.REQUEST, me, you, my_signing_kid, your_sealing_kid, rid)
    sealed = seal_request(header, messages.dumps_request(request), your_sealing_key)

Source: RFC 9180 (5.1.1, 6.1), RFC 8941 (dictionary), design 4.5.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from xinlian.protocol.b64 import unb64u
from xinlian.protocol.errors import InputError
from xinlian.protocol.httpsig import SignatureParams
from xinlian.protocol.types import KeyId, Uscc

Rid = NewType("Rid", str)
"""A request id: 128 random bits as 22 characters base64url."""

SUITE: Final = 1
LABEL: Final = b"xinlian exchange/1\x00"
NOTICE_LABEL: Final = b"xinlian notice/1\x00"
OVERHEAD_BYTES: Final = 48
"""A sealed body is this much longer than its text: 32 bytes encapsulated key, 16 bytes tag."""

# A base64url text of 16 (32) bytes ends in a character whose spare 4 (2) bits are zero.
RID_FORM: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)
KID_FORM: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
USCC_FORM: Final = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}", re.ASCII)

_HPKE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_TEXT: Final = re.compile(
    r"suite=(0|[1-9][0-9]{0,2}), direction=(request|answer|notice|acknowledgement), "
    r'from="([^"]*)", to="([^"]*)", signing-key="([^"]*)", sealing-key="([^"]*)", rid="([^"]*)"',
    re.ASCII,
)


class Direction(StrEnum):
    """Which way a sealed body travels."""

    REQUEST = "request"
    ANSWER = "answer"
    NOTICE = "notice"
    ACKNOWLEDGEMENT = "acknowledgement"


_OPENING: Final = {
    Direction.REQUEST: LABEL + b"\x01\x01",
    Direction.ANSWER: LABEL + b"\x01\x02",
    Direction.NOTICE: NOTICE_LABEL + b"\x01\x03",
    Direction.ACKNOWLEDGEMENT: NOTICE_LABEL + b"\x01\x04",
}
"""How ``info`` begins: label, suite, direction."""
_REPLY: Final = {Direction.REQUEST: Direction.ANSWER, Direction.NOTICE: Direction.ACKNOWLEDGEMENT}


@dataclass(frozen=True, slots=True)
class EnvelopeHeader:
    """What a sealed body says on its outside.

    Args:
        suite: 1.
        direction: request or notice, answer or acknowledgement.
        from_uscc: the sending department.
        to_uscc: the receiving department.
        from_kid: the sender's signing key, RFC 7638 thumbprint.
        to_kid: the key it is sealed to: the receiver's registered sealing key, or the request's reply key.
        rid: the request id, the same in both directions.
    """

    suite: int
    direction: Direction
    from_uscc: Uscc
    to_uscc: Uscc
    from_kid: KeyId
    to_kid: KeyId
    rid: Rid

    def __post_init__(self) -> None:
        if self.suite != SUITE:
            raise InputError("envelope-suite", f"expected suite {SUITE}, got {self.suite}", suite=self.suite)
        for name, form, value in (
            ("from", USCC_FORM, self.from_uscc),
            ("to", USCC_FORM, self.to_uscc),
            ("signing-key", KID_FORM, self.from_kid),
            ("sealing-key", KID_FORM, self.to_kid),
            ("rid", RID_FORM, self.rid),
        ):
            if form.fullmatch(value) is None:
                raise InputError("envelope-form", f"Xinlian-Envelope: {name} does not have its form", member=name)


def dumps_header(header: EnvelopeHeader) -> str:
    """Return the ``Xinlian-Envelope`` field, its one spelling."""
    return (
        f"suite={header.suite}, direction={header.direction.value}, "
        f'from="{header.from_uscc}", to="{header.to_uscc}", '
        f'signing-key="{header.from_kid}", sealing-key="{header.to_kid}", rid="{header.rid}"'
    )


def parse_header(text: str) -> EnvelopeHeader:
    """Read an ``Xinlian-Envelope`` field; only what ``dumps_header`` writes passes.

    Raises:
        InputError: ``envelope-form``, or ``envelope-suite`` for another suite.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise InputError("envelope-form", "Xinlian-Envelope: expected suite, direction, from, to, signing-key, sealing-key, rid")
    suite, direction, from_uscc, to_uscc, from_kid, to_kid, rid = match.groups()
    return EnvelopeHeader(
        int(suite), Direction(direction), Uscc(from_uscc), Uscc(to_uscc), KeyId(from_kid), KeyId(to_kid), Rid(rid)
    )


def check_bound(header: EnvelopeHeader, direction: Direction, to_field: str | None, params: SignatureParams) -> None:
    """Check that envelope, addressee field and signature parameters speak of the same call.

    Args:
        header: the envelope as received.
        direction: what this end expects.
        to_field: the signed ``xinlian-to`` field; ``None`` for an answer, which has none.
        params: the verified signature's parameters.

    Raises:
        InputError: ``envelope-mismatch`` naming the member.
    """
    for member, agrees in (
        ("direction", header.direction is direction),
        ("to", to_field is None or to_field == header.to_uscc),
        ("signing-key", params.keyid == header.from_kid),
        ("rid", params.nonce == header.rid),
    ):
        if not agrees:
            raise InputError("envelope-mismatch", f"{member}: envelope and signature disagree", member=member)


def answer_header(request: EnvelopeHeader, signing_kid: KeyId, reply_kid: KeyId) -> EnvelopeHeader:
    """Return the envelope of the reply to a request or notice.

    Args:
        request: the envelope it replies to.
        signing_kid: the replying department's signing key.
        reply_kid: thumbprint of the reply key inside the request or notice.
    """
    direction = _REPLY[request.direction]
    return EnvelopeHeader(SUITE, direction, request.to_uscc, request.from_uscc, signing_kid, reply_kid, request.rid)


def info_bytes(header: EnvelopeHeader, request_ciphertext: bytes | None = None) -> bytes:
    """Return HPKE's ``info``: 137 bytes for a request, 169 for an answer, 135 for a notice, 167 for its acknowledgement.

    Layout: label 19 (notices: 17; with its zero byte) || suite 1 || direction 1 || from 18 || to 18 || signing key id 32 ||
    sealing key id 32 || rid 16 [|| SHA-256 of the ciphertext it replies to 32].

    Raises:
        InputError: ``envelope-mismatch`` when a request comes with a ciphertext to bind, or a reply without.
    """
    if (header.direction in _REPLY.values()) != (request_ciphertext is not None):
        raise InputError("envelope-mismatch", "a reply, and only a reply, is bound to the ciphertext it replies to")
    info = b"".join(
        (
            _OPENING[header.direction],
            header.from_uscc.encode("ascii"),
            header.to_uscc.encode("ascii"),
            unb64u(header.from_kid),
            unb64u(header.to_kid),
            unb64u(header.rid),
        )
    )
    return info if request_ciphertext is None else info + hashlib.sha256(request_ciphertext).digest()


def seal_request(header: EnvelopeHeader, plaintext: bytes, key: X25519PublicKey) -> bytes:
    """Seal a request or a notice to the receiver's registered key.

    Returns:
        Encapsulated key (32 bytes) || ciphertext || tag (16 bytes).
    """
    return _HPKE.encrypt(plaintext, key, info_bytes(header))


def open_request(header: EnvelopeHeader, ciphertext: bytes, key: X25519PrivateKey) -> bytes:
    """Open a sealed request or notice.

    Raises:
        InputError: ``envelope-not-opened`` when key, envelope or ciphertext is not the one it was sealed with.
    """
    return _open(ciphertext, key, info_bytes(header))


def seal_answer(header: EnvelopeHeader, plaintext: bytes, reply_key: X25519PublicKey, request_ciphertext: bytes) -> bytes:
    """Seal a reply to the reply key of its request or notice, bound to that message's ciphertext."""
    return _HPKE.encrypt(plaintext, reply_key, info_bytes(header, request_ciphertext))


def open_answer(header: EnvelopeHeader, ciphertext: bytes, key: X25519PrivateKey, request_ciphertext: bytes) -> bytes:
    """Open a sealed reply.

    Raises:
        InputError: ``envelope-not-opened`` when key, envelope, request or ciphertext is not the one it was sealed with.
    """
    return _open(ciphertext, key, info_bytes(header, request_ciphertext))


def _open(ciphertext: bytes, key: X25519PrivateKey, info: bytes) -> bytes:
    if len(ciphertext) >= OVERHEAD_BYTES:
        try:
            return _HPKE.decrypt(ciphertext, key, info)
        except InvalidTag:  # also for an encapsulated key of low order
            pass
    raise InputError("envelope-not-opened", "the sealed body does not open with this key and envelope")
