"""Signed calls between nodes: one small, closed profile of HTTP Message Signatures.

Rules
1. Ed25519 only, one signature a message, label ``xinlian``; nothing is negotiated. The tag says what the message is for
   (``xinlian-exchange/1`` requests and answers, ``xinlian-notice/1`` notices and their acknowledgements), and a verifier takes
   one tag only: a signature made for the one is none of the other.
2. A request covers ``@method @path [@query] content-digest xinlian-to xinlian-envelope``, in this order; ``@query`` stands
   there exactly when the target has one.
3. A response covers ``@status content-digest [xinlian-envelope] "signature";req``: the last one is the request's whole
   ``Signature`` field, so an answer can never be moved to another request. ``xinlian-envelope`` stands there exactly when
   the response carries one (a refusal in the clear does not).
4. ``created`` and ``expires`` are at most 60 s apart; the caller gives the clock and the skew it allows. The nonce is the
   request id of the envelope.
5. ``Content-Digest`` is one ``sha-256`` member and is compared with the body before the signature is looked at.
6. Field values are compared as received: one line, visible ASCII, no blanks around them.

Codes: ``signature-missing``, ``signature-form``, ``signature-window``, ``signature-expired``, ``signature-wrong``,
``digest-missing``, ``digest-form``, ``digest-wrong``. What is wrong in shape is an ``InputError``; a request that is well
formed but not proven is a ``RefusedError`` with its check, such a response a ``PeerError``.

Example::

    request = Request("POST", "/exchange/v1/requests", None, {"xinlian-to": uscc, "xinlian-envelope": text}, body)
    headers = sign_request(request, params, private_key)
    proof = verify_request(replace(request, headers=headers), find_key, Clock(now_s, skew_s=5))

Source: RFC 9421 (2.2, 2.3, 2.4, 2.5, 3.1, 3.2), RFC 9530, RFC 8941 (structured fields), RFC 8032.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from xinlian.protocol.errors import InputError, PeerError, RefusedError
from xinlian.protocol.types import EpochS, KeyId

LABEL: Final = "xinlian"
TAG: Final = "xinlian-exchange/1"
NOTICE_TAG: Final = "xinlian-notice/1"
ALGORITHM: Final = "ed25519"
MAX_WINDOW_S: Final = 60
MAX_FIELD_CHARS: Final = 2048

_MEMBER: Final = re.compile(rf"{LABEL}=(\(([^()]*)\)(;.*))", re.ASCII)
_PARAMETER: Final = re.compile(r';([a-z]+)=(?:(0|[1-9][0-9]{0,14})|"([\x20\x21\x23-\x5b\x5d-\x7e]*)")', re.ASCII)
_PARAMETERS: Final = frozenset({"created", "expires", "nonce", "keyid", "alg", "tag"})
_NUMBERS: Final = frozenset({"created", "expires"})
_QUOTABLE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}", re.ASCII)
_FIELD: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)
_PATH: Final = re.compile(r"/[\x21\x22\x24-\x3e\x40-\x7e]*", re.ASCII)
_QUERY: Final = re.compile(r"[\x21\x22\x24-\x7e]*", re.ASCII)
_METHOD: Final = re.compile(r"[A-Z]{1,16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request:
    """A request exactly as on the wire.

    Args:
        method: upper case.
        path: raw path, percent-encoding untouched, starts with ``/``.
        query: raw query without ``?``; ``None`` when the target has none.
        headers: field values by lower-case name, each one line; ``xinlian-to`` and ``xinlian-envelope`` are required.
        body: the sealed request.
    """

    method: str
    path: str
    query: str | None
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """A response exactly as on the wire.

    Args:
        status: HTTP status, three digits.
        headers: field values by lower-case name, each one line; ``xinlian-envelope`` when the body is sealed.
        body: the sealed answer, or a refusal in the clear.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class SignatureParams:
    """The signed parameters of a signature.

    Args:
        created: epoch seconds, wall clock of the signer.
        expires: epoch seconds, at most ``MAX_WINDOW_S`` after ``created``.
        nonce: the request id of the envelope, base64url.
        keyid: RFC 7638 thumbprint of the signing key, base64url.
        tag: what the message is for.
    """

    created: EpochS
    expires: EpochS
    nonce: str
    keyid: KeyId
    tag: str = TAG


@dataclass(frozen=True, slots=True)
class Clock:
    """The verifier's time.

    Args:
        now_s: epoch seconds, wall clock.
        skew_s: by how many seconds the signer's clock may differ.
    """

    now_s: int
    skew_s: int = 5


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """What a verification proved.

    Args:
        params: the signed parameters.
        signature: the ``Signature`` field as received; a response must cover it.
    """

    params: SignatureParams
    signature: str


FindKey = Callable[[KeyId], Ed25519PublicKey]
"""Give the public key of a key id, or raise an error of the caller's own (``refused-key-registered``)."""


@dataclass(frozen=True, slots=True)
class _Parsed:
    member: str
    components: str
    params: SignatureParams
    signature: bytes


# -- digest ---------------------------------------------------------------------------------------------


def content_digest(body: bytes) -> str:
    """Return the ``Content-Digest`` field of a body.

    Source: RFC 9530 section 2.
    """
    return _wrap_bytes("sha-256", hashlib.sha256(body).digest())


def check_digest(headers: Mapping[str, str], body: bytes) -> None:
    """Check that the ``Content-Digest`` field is the body's.

    Args:
        headers: field values by lower-case name.
        body: the bytes as received.

    Raises:
        InputError: ``digest-missing``, ``digest-form`` or ``digest-wrong``.
    """
    given = headers.get("content-digest")
    if given is None:
        raise InputError("digest-missing", "the message has no Content-Digest field")
    _unwrap_bytes(given, "sha-256", 32, "digest-form")
    if not hmac.compare_digest(given, content_digest(body)):
        raise InputError("digest-wrong", "the Content-Digest field is not the digest of the body received")


def _wrap_bytes(name: str, value: bytes) -> str:
    return f"{name}=:{base64.b64encode(value).decode('ascii')}:"


def _unwrap_bytes(text: str, name: str, size_bytes: int, code: str) -> bytes:
    """Read ``name=:base64:`` of a fixed size; only the one canonical spelling passes."""
    inner = text.removeprefix(name + "=:").removesuffix(":")
    try:
        value = base64.b64decode(inner, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != size_bytes or _wrap_bytes(name, value) != text:
        raise InputError(code, f"expected {name}=:<base64 of {size_bytes} bytes>:")
    return value


# -- signing --------------------------------------------------------------------------------------------


def sign_request(request: Request, params: SignatureParams, key: Ed25519PrivateKey) -> dict[str, str]:
    """Sign a request.

    Args:
        request: as it will be sent.
        params: signed parameters.
        key: the department's signing key.

    Returns:
        The request's headers with ``content-digest``, ``signature-input`` and ``signature`` set.

    Raises:
        InputError: ``signature-form`` or ``signature-window`` when the profile cannot carry what was given.
    """
    headers = {**request.headers, "content-digest": content_digest(request.body)}
    return _sign(headers, _request_components(request, headers), params, key)


def sign_response(response: Response, request_signature: str, params: SignatureParams, key: Ed25519PrivateKey) -> dict[str, str]:
    """Sign a response so that it belongs to one request.

    Args:
        response: as it will be sent.
        request_signature: the request's ``Signature`` field as received (``VerifiedSignature.signature``).
        params: signed parameters; the nonce is the request's.
        key: the answering department's signing key.

    Returns:
        The response's headers with ``content-digest``, ``signature-input`` and ``signature`` set.

    Raises:
        InputError: ``signature-form`` or ``signature-window`` when the profile cannot carry what was given.
    """
    headers = {**response.headers, "content-digest": content_digest(response.body)}
    return _sign(headers, _response_components(response.status, headers, request_signature), params, key)


def _sign(headers: dict[str, str], components: dict[str, str], params: SignatureParams, key: Ed25519PrivateKey) -> dict[str, str]:
    _check_window(params)
    member = f"({' '.join(components)}){_params_text(params)}"
    signature = key.sign(_base(components, member))
    headers["signature-input"] = f"{LABEL}={member}"
    headers["signature"] = _wrap_bytes(LABEL, signature)
    return headers


def _params_text(params: SignatureParams) -> str:
    for name, value in (("nonce", params.nonce), ("keyid", params.keyid), ("tag", params.tag)):
        if _QUOTABLE.fullmatch(value) is None:
            raise InputError("signature-form", f"{name}: expected 1 to 128 visible ASCII characters, no quote or backslash")
    return (
        f';created={params.created};expires={params.expires};nonce="{params.nonce}"'
        f';keyid="{params.keyid}";alg="{ALGORITHM}";tag="{params.tag}"'
    )


# -- verifying ------------------------------------------------------------------------------------------


def verify_request(request: Request, find_key: FindKey, clock: Clock, tag: str = TAG) -> VerifiedSignature:
    """Verify a request: digest, shape, time, key, signature, in this order.

    Args:
        request: as received.
        find_key: gives the key of a key id or raises.
        clock: the verifier's time.
        tag: what it must have been signed for.

    Returns:
        The proven parameters and the signature that the response must cover.

    Raises:
        InputError: ``digest-*``, ``signature-missing``, ``signature-form`` or ``signature-window``.
        RefusedError: ``signature-expired`` (check ``expired``) or ``signature-wrong`` (check ``signature``).
    """
    check_digest(request.headers, request.body)
    parsed = _parse(request.headers, tag)
    components = _request_components(request, request.headers)
    _check_components(parsed, components)
    if not _is_fresh(parsed.params, clock):
        raise RefusedError("signature-expired", "the request's signature is not of this time", check="expired")
    if not _is_signed_by(find_key(parsed.params.keyid), parsed, components):
        raise RefusedError("signature-wrong", "the signature does not fit the request", check="signature")
    return VerifiedSignature(parsed.params, request.headers["signature"])


def verify_response(
    response: Response, request_signature: str, find_key: FindKey, clock: Clock, tag: str = TAG
) -> VerifiedSignature:
    """Verify a response and that it belongs to the request with this signature.

    Args:
        response: as received.
        request_signature: the ``Signature`` field the request was sent with.
        find_key: gives the key of a key id or raises.
        clock: the verifier's time.
        tag: what it must have been signed for.

    Raises:
        InputError: ``digest-*``, ``signature-missing``, ``signature-form`` or ``signature-window``.
        PeerError: ``signature-expired`` or ``signature-wrong``.
    """
    check_digest(response.headers, response.body)
    parsed = _parse(response.headers, tag)
    components = _response_components(response.status, response.headers, request_signature)
    _check_components(parsed, components)
    if not _is_fresh(parsed.params, clock):
        raise PeerError("signature-expired", "the response's signature is not of this time")
    if not _is_signed_by(find_key(parsed.params.keyid), parsed, components):
        raise PeerError("signature-wrong", "the signature does not fit the response and its request")
    return VerifiedSignature(parsed.params, response.headers["signature"])


def signature_params(headers: Mapping[str, str], tag: str = TAG) -> SignatureParams:
    """Read the parameters of a signature that is *not verified yet*, for rate limits and logs.

    Raises:
        InputError: ``signature-missing``, ``signature-form`` or ``signature-window``.
    """
    return _parse(headers, tag).params


def _parse(headers: Mapping[str, str], tag: str) -> _Parsed:
    given, signature = headers.get("signature-input"), headers.get("signature")
    if given is None or signature is None:
        raise InputError("signature-missing", "the message has no Signature-Input and Signature fields")
    match = _MEMBER.fullmatch(given) if len(given) <= MAX_FIELD_CHARS else None
    if match is None:
        raise InputError("signature-form", f"Signature-Input: expected one member {LABEL}=(…);…")
    member, components, parameters = match.groups()
    return _Parsed(member, components, _parse_params(parameters, tag), _unwrap_bytes(signature, LABEL, 64, "signature-form"))


def _parse_params(text: str, tag: str) -> SignatureParams:
    """Read the six parameters, each once, in any order."""
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None or match[1] in values or (match[1] in _NUMBERS) != (match[2] is not None):
            raise InputError("signature-form", f"Signature-Input: unexpected parameter at character {position}")
        values[match[1]] = match[2] if match[2] is not None else match[3]
        position = match.end()
    if values.keys() != _PARAMETERS or values["alg"] != ALGORITHM or values["tag"] != tag:
        raise InputError(
            "signature-form", f'Signature-Input: expected created, expires, nonce, keyid, alg="{ALGORITHM}", tag="{tag}"'
        )
    params = SignatureParams(
        EpochS(int(values["created"])), EpochS(int(values["expires"])), values["nonce"], KeyId(values["keyid"]), tag
    )
    _check_window(params)
    return params


def _check_window(params: SignatureParams) -> None:
    if not 0 < params.expires - params.created <= MAX_WINDOW_S:
        raise InputError("signature-window", f"expires must be 1 to {MAX_WINDOW_S} s after created")


def _is_fresh(params: SignatureParams, clock: Clock) -> bool:
    """True while ``created - skew <= now < expires + skew``."""
    return params.created - clock.skew_s <= clock.now_s < params.expires + clock.skew_s


def _check_components(parsed: _Parsed, components: Mapping[str, str]) -> None:
    if parsed.components != " ".join(components):
        raise InputError("signature-form", "Signature-Input: the covered components are not those of the profile")


def _is_signed_by(key: Ed25519PublicKey, parsed: _Parsed, components: Mapping[str, str]) -> bool:
    try:
        key.verify(parsed.signature, _base(components, parsed.member))
    except InvalidSignature:
        return False
    return True


# -- signature base -------------------------------------------------------------------------------------


def _request_components(request: Request, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the covered components of a request in the profile's order: identifier as written -> value."""
    if _METHOD.fullmatch(request.method) is None or _PATH.fullmatch(request.path) is None:
        raise InputError("signature-form", "expected an upper-case method and a raw path")
    components = {'"@method"': request.method, '"@path"': request.path}
    if request.query is not None:
        if _QUERY.fullmatch(request.query) is None:
            raise InputError("signature-form", "expected a raw query of visible ASCII")
        components['"@query"'] = "?" + request.query
    for name in ("content-digest", "xinlian-to", "xinlian-envelope"):
        components[f'"{name}"'] = _field(headers, name)
    return components


def _response_components(status: int, headers: Mapping[str, str], request_signature: str) -> dict[str, str]:
    """Return the covered components of a response in the profile's order: identifier as written -> value."""
    if not 100 <= status <= 599:
        raise InputError("signature-form", "expected an HTTP status of three digits")
    components = {'"@status"': str(status), '"content-digest"': _field(headers, "content-digest")}
    if "xinlian-envelope" in headers:
        components['"xinlian-envelope"'] = _field(headers, "xinlian-envelope")
    _unwrap_bytes(request_signature, LABEL, 64, "signature-form")
    components['"signature";req'] = request_signature
    return components


def _field(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if value is None or len(value) > MAX_FIELD_CHARS or _FIELD.fullmatch(value) is None:
        raise InputError("signature-form", f"{name}: expected one line of visible ASCII, at most {MAX_FIELD_CHARS} characters")
    return value


def _base(components: Mapping[str, str], member: str) -> bytes:
    """Return the signature base.

    Source: RFC 9421 section 2.5.
    """
    lines = [f"{identifier}: {value}" for identifier, value in components.items()]
    lines.append(f'"@signature-params": {member}')
    return "\n".join(lines).encode("ascii")
