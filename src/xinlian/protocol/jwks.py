"""Key sets of departments: public keys as JWK (RFC 7517, RFC 8037), their names, and proof that they are held.

Rules
1. A key is Ed25519 with ``use`` ``sig`` or X25519 with ``use`` ``enc``; its ``kid`` is its RFC 7638 thumbprint (SHA-256).
2. A key set is one exact JSON text: ``{"keys":[…],"possession":["<JWS>",…]}``. Its SHA-256 stands on the chain, the
   text in the event ``KeysPublished``. The newest key of each use comes first.
3. Every signing key signs (department, all kids): one compact JWS each, in the order of the signing keys. X25519 keys
   cannot sign; they are covered by those signatures.
4. Rotation publishes a new set. A key is registered from the block of the first set that holds it until the block of
   the next set that does not.

Example: ``build_key_set(uscc, [signing_key], [hpke_public_key]).serialise()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from xinlian.protocol import suite
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.errors import EvidenceError, InputError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.types import Hash32, KeyId

USE_SIGN: Final = "sig"
USE_SEAL: Final = "enc"
MAX_KEYS: Final = 16
MAX_KEY_SET_BYTES: Final = 16 * 1024
POSSESSION_TYP: Final = "xinlian-keys+jwt"

_CURVES: Final = {USE_SIGN: "Ed25519", USE_SEAL: "X25519"}


@dataclass(frozen=True, slots=True)
class PublicJwk:
    """One public key.

    Args:
        use: ``sig`` (Ed25519) or ``enc`` (X25519).
        x: the public key, 32 bytes.
    """

    use: str
    x: bytes

    @property
    def kid(self) -> KeyId:
        """RFC 7638 thumbprint, base64url, 43 characters."""
        return thumbprint(_CURVES[self.use], self.x)

    def to_json(self) -> dict[str, object]:
        """Return the JWK's members in the order in which they are written."""
        return {"kty": "OKP", "crv": _CURVES[self.use], "kid": self.kid, "use": self.use, "x": b64u(self.x)}


@dataclass(frozen=True, slots=True)
class KeySet:
    """A department's key set.

    Args:
        keys: at most 16, newest first within each use, no key twice.
        possession: one compact JWS per signing key, in their order.
    """

    keys: tuple[PublicJwk, ...]
    possession: tuple[str, ...] = ()

    def serialise(self) -> bytes:
        """Return the exact bytes that are published on the chain."""
        return dumps_canonical({"keys": [key.to_json() for key in self.keys], "possession": list(self.possession)})

    def hash(self) -> Hash32:
        """Return SHA-256 of the exact bytes, as it stands on the chain."""
        return suite.digest(self.serialise())

    def find(self, kid: str, use: str) -> PublicJwk | None:
        """Return the key named ``kid`` when it is for ``use``, else None."""
        return next((key for key in self.keys if key.use == use and key.kid == kid), None)

    def current(self, use: str) -> PublicJwk:
        """Return the newest key for ``use``.

        Raises:
            EvidenceError: ``jws-key-unknown`` when the set has none.
        """
        for key in self.keys:
            if key.use == use:
                return key
        raise EvidenceError("jws-key-unknown", f"the key set holds no key for {use}", use=use)

    def signing_key(self, kid: str) -> Ed25519PublicKey:
        """Return the Ed25519 key named ``kid``.

        Raises:
            EvidenceError: ``jws-key-unknown`` when the set has none.
        """
        key = self.find(kid, USE_SIGN)
        if key is None:
            raise EvidenceError("jws-key-unknown", "the key that signed is not in the key set", kid=kid[:64])
        return Ed25519PublicKey.from_public_bytes(key.x)


@lru_cache(maxsize=1024)
def thumbprint(curve: str, x: bytes) -> KeyId:
    """Return the RFC 7638 thumbprint of an OKP key. Source: RFC 7638 §3, RFC 8037 §2."""
    return KeyId(b64u(suite.digest(dumps_canonical({"crv": curve, "kty": "OKP", "x": b64u(x)}))))


def signing_jwk(key: Ed25519PublicKey) -> PublicJwk:
    """Return the JWK of an Ed25519 public key."""
    return PublicJwk(USE_SIGN, key.public_bytes_raw())


def sealing_jwk(key: X25519PublicKey) -> PublicJwk:
    """Return the JWK of an X25519 public key."""
    return PublicJwk(USE_SEAL, key.public_bytes_raw())


def build_key_set(uscc: str, signing: Sequence[Ed25519PrivateKey], sealing: Sequence[X25519PublicKey]) -> KeySet:
    """Make a key set with proof of possession of every signing key.

    Args:
        uscc: the department.
        signing: signing keys, newest first, at least one.
        sealing: public X25519 keys, newest first.
    """
    keys = (*(signing_jwk(key.public_key()) for key in signing), *(sealing_jwk(key) for key in sealing))
    claim = possession_claim(uscc, keys)
    return KeySet(keys, tuple(compact_jws(claim, key, POSSESSION_TYP) for key in signing))


def possession_claim(uscc: str, keys: Sequence[PublicJwk]) -> bytes:
    """Return the bytes that every signing key of a set signs: the department and all key names in order."""
    return dumps_canonical({"department": uscc, "kids": [key.kid for key in keys]})


def check_possession(key_set: KeySet, uscc: str) -> None:
    """Check that every signing key signed this department's set.

    Raises:
        EvidenceError: ``jws-wrong`` when a proof is missing, of another key, or over other bytes.
    """
    signing = [key for key in key_set.keys if key.use == USE_SIGN]
    if len(signing) != len(key_set.possession):
        raise EvidenceError("jws-wrong", "expected one proof of possession per signing key", expected=len(signing))
    claim = possession_claim(uscc, key_set.keys)
    for key, jws in zip(signing, key_set.possession, strict=True):
        if open_jws(jws, KeySet((key,)), POSSESSION_TYP) != claim:
            raise EvidenceError("jws-wrong", "a proof of possession covers another key set", kid=key.kid)


def parse_key_set(data: bytes) -> KeySet:
    """Read a key set; only the exact bytes that ``serialise`` writes are accepted. Possession is a separate check.

    Raises:
        InputError: ``key-set-form`` otherwise.
    """
    try:
        members = loads_strict(data, max_bytes=MAX_KEY_SET_BYTES, max_depth=4)
        key_set = _parse_members(members)
        if key_set.serialise() == data:
            return key_set
    except InputError as error:
        raise InputError("key-set-form", f"not a key set: {error.message}") from error
    raise InputError("key-set-form", "the bytes are not those that a key set is written in")


def compact_jws(payload: bytes, key: Ed25519PrivateKey, typ: str) -> str:
    """Sign ``payload`` as a compact JWS with the header ``{"alg":"EdDSA","kid":…,"typ":…}``.

    Source: RFC 7515 §3.1, RFC 8037 §3.1.
    """
    signed = f"{_jws_header(signing_jwk(key.public_key()).kid, typ)}.{b64u(payload)}"
    return f"{signed}.{b64u(key.sign(signed.encode('ascii')))}"


def jws_kid(jws: str, typ: str) -> KeyId:
    """Return the name of the key that a compact JWS says it is signed by; nothing is verified.

    Raises:
        InputError: ``jws-form`` unless it has three parts and the exact header of ``compact_jws``.
    """
    parts = jws.split(".")
    if len(parts) != 3:
        raise InputError("jws-form", "expected a compact JWS of three parts")
    try:
        header = loads_strict(unb64u(parts[0]), max_bytes=512, max_depth=1)
        unb64u(parts[1])
        unb64u(parts[2])
    except InputError as error:
        raise InputError("jws-form", f"not a compact JWS: {error.message}") from error
    kid = header.get("kid") if isinstance(header, dict) else None
    if not isinstance(kid, str) or _jws_header(kid, typ) != parts[0]:
        raise InputError("jws-form", "expected the header alg EdDSA, kid and typ " + typ)
    return KeyId(kid)


def open_jws(jws: str, key_set: KeySet, typ: str) -> bytes:
    """Verify a compact JWS and return its payload.

    Raises:
        InputError: ``jws-form`` when it has not the exact form of ``compact_jws``.
        EvidenceError: ``jws-key-unknown`` or ``jws-wrong``.
    """
    key = key_set.signing_key(jws_kid(jws, typ))
    signed, _, signature = jws.rpartition(".")
    try:
        key.verify(unb64u(signature), signed.encode("ascii"))
    except InvalidSignature as error:
        raise EvidenceError("jws-wrong", "the signature does not fit the bytes and the key") from error
    return unb64u(signed.partition(".")[2])


def _jws_header(kid: str, typ: str) -> str:
    return b64u(dumps_canonical({"alg": "EdDSA", "kid": kid, "typ": typ}))


def _parse_members(members: object) -> KeySet:
    if not isinstance(members, dict) or list(members) != ["keys", "possession"]:
        raise InputError("key-set-form", "expected the members keys and possession")
    keys, possession = members["keys"], members["possession"]
    if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_KEYS:
        raise InputError("key-set-form", f"expected 1 to {MAX_KEYS} keys")
    if not isinstance(possession, list) or not all(isinstance(item, str) for item in possession):
        raise InputError("key-set-form", "possession: expected a list of texts")
    parsed = tuple(_parse_jwk(key) for key in keys)
    if len({key.kid for key in parsed}) != len(parsed):
        raise InputError("key-set-form", "a key stands twice")
    return KeySet(parsed, tuple(possession))


def _parse_jwk(jwk: object) -> PublicJwk:
    use = jwk.get("use") if isinstance(jwk, dict) else None
    x = jwk.get("x") if isinstance(jwk, dict) else None
    if not isinstance(use, str) or use not in _CURVES or not isinstance(x, str) or len(unb64u(x)) != 32:
        raise InputError("key-set-form", "expected keys with use sig or enc and x of 32 bytes")
    return PublicJwk(use, unb64u(x))
