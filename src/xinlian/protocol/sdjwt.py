"""The signed form of a statement: an SD-JWT (RFC 9901) whose payload is the statement's exact bytes.

Rules
1. The header is exactly ``{"alg":"EdDSA","kid":"<thumbprint>","typ":"dc+sd-jwt"}``; nothing is negotiated.
2. The payload is the statement byte for byte, so signature, leaf and digests speak of the same bytes.
3. A presentation is ``<JWS>~<disclosure>~…~`` without key binding: evidence is shown by whoever holds it.

Example: ``presentation(sign(statement, key), disclosures)``.

Source: RFC 9901 §4, RFC 7515, RFC 8037.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from xinlian.protocol.errors import InputError
from xinlian.protocol.jwks import KeySet, compact_jws, jws_kid, open_jws, signing_jwk
from xinlian.protocol.types import KeyId

TYP: Final = "dc+sd-jwt"


def sign(statement: bytes, key: Ed25519PrivateKey, kid: str | None = None) -> str:
    """Sign a statement.

    Args:
        statement: exact bytes.
        key: a signing key of the department.
        kid: the name the caller expects the key to have; checked when given.

    Returns:
        A compact JWS.

    Raises:
        InputError: ``key-set-form`` when ``kid`` is not the key's thumbprint.
    """
    if kid is not None and kid != signing_jwk(key.public_key()).kid:
        raise InputError("key-set-form", "kid is not the key's RFC 7638 thumbprint", kid=kid[:64])
    return compact_jws(statement, key, TYP)


def verify(jws: str, key_set: KeySet) -> bytes:
    """Verify a signed statement against a key set and return the statement's bytes.

    Raises:
        InputError: ``jws-form`` when the JWS has not the exact form of ``sign``.
        EvidenceError: ``jws-key-unknown`` or ``jws-wrong``.
    """
    return open_jws(jws, key_set, TYP)


def kid_of(jws: str) -> KeyId:
    """Return the key name in a signed statement's header; nothing is verified.

    Raises:
        InputError: ``jws-form`` when the JWS has not the exact form of ``sign``.
    """
    return jws_kid(jws, TYP)


def presentation(jws: str, disclosures: Sequence[str]) -> str:
    """Return the RFC 9901 presentation ``<JWS>~d1~d2~`` (without disclosures ``<JWS>~``)."""
    return "~".join((jws, *disclosures, ""))


def split_presentation(text: str) -> tuple[str, tuple[str, ...]]:
    """Return (JWS, disclosures) of a presentation without key binding.

    Raises:
        InputError: ``jws-form`` when the text does not end in ``~`` or a part is empty.
    """
    jws, *rest = text.split("~")
    if not rest or rest[-1] != "" or jws == "" or "" in rest[:-1]:
        raise InputError("jws-form", "expected <JWS>~<disclosure>~…~ without key binding")
    return jws, tuple(rest[:-1])
