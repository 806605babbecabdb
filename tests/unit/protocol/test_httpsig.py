"""The RFC 9421 profile: the library as oracle both ways, and every altered part refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, InvalidSignature
from http_message_signatures.algorithms import ED25519
from http_message_signatures.resolvers import MappingKeyResolver

from xinlian.protocol import httpsig
from xinlian.protocol.errors import InputError, PeerError, RefusedError, XinlianError
from xinlian.protocol.httpsig import Clock, Request, Response, SignatureParams
from xinlian.protocol.types import EpochS, KeyId

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEYS = {"requester-key": KEY.public_key(), "provider-key": OTHER.public_key()}
NOW = 1_793_500_000
CLOCK = Clock(NOW, skew_s=5)
BODY = b"\x00sealed bytes\xff"
PARAMS = SignatureParams(EpochS(NOW - 1), EpochS(NOW + 30), "AAECAwQFBgcICQoLDA0ODw", KeyId("requester-key"))
ANSWER_PARAMS = replace(PARAMS, keyid=KeyId("provider-key"))
HEADERS = {"xinlian-to": "11411599MBDEM0066K", "xinlian-envelope": 'suite=1, direction=request, rid="AAEC"'}
SENT = Request("POST", "/exchange/v1/requests", None, HEADERS, BODY)


def find(key_id: KeyId) -> Ed25519PublicKey:
    if key_id not in KEYS:
        raise RefusedError("refused-key-registered", "the key is not registered", check="key-registered")
    return KEYS[key_id]


def signed(request: Request = SENT, params: SignatureParams = PARAMS) -> Request:
    return replace(request, headers=httpsig.sign_request(request, params, KEY))


def answered(headers: dict[str, str] | None = None, status: int = 200) -> tuple[Response, str]:
    proof = httpsig.verify_request(signed(), find, CLOCK)
    response = Response(status, {"xinlian-envelope": "x"} if headers is None else headers, b"answer")
    return replace(response, headers=httpsig.sign_response(response, proof.signature, ANSWER_PARAMS, OTHER)), proof.signature


def with_header(message: Any, name: str, change: Callable[[str], str]) -> Any:
    return replace(message, headers={**message.headers, name: change(message.headers[name])})


def without(message: Any, name: str) -> Any:
    return replace(message, headers={key: value for key, value in message.headers.items() if key != name})


def code_of(call: Callable[[], object], kind: type[XinlianError]) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value.code


# -- the profile's bytes --------------------------------------------------------------------------------


def test_signature_input_is_exactly_the_profile() -> None:
    assert signed().headers["signature-input"] == (
        'xinlian=("@method" "@path" "content-digest" "xinlian-to" "xinlian-envelope")'
        f';created={NOW - 1};expires={NOW + 30};nonce="AAECAwQFBgcICQoLDA0ODw";keyid="requester-key"'
        ';alg="ed25519";tag="xinlian-exchange/1"'
    )


def test_query_is_covered_exactly_when_there_is_one() -> None:
    for query in ("", "a=1&b=%20"):
        request = signed(replace(SENT, query=query))
        assert '"@path" "@query" "content-digest"' in request.headers["signature-input"]
        httpsig.verify_request(request, find, CLOCK)
        assert code_of(partial(httpsig.verify_request, replace(request, query=None), find, CLOCK), InputError) == "signature-form"


def test_round_trip_gives_params_and_signature() -> None:
    proof = httpsig.verify_request(signed(), find, CLOCK)
    assert proof.params == PARAMS == httpsig.signature_params(signed().headers)
    response, signature = answered()
    assert httpsig.verify_response(response, signature, find, CLOCK).params == ANSWER_PARAMS


def test_content_digest_is_rfc_9530() -> None:
    body = b'{"hello": "world"}\n'
    assert httpsig.content_digest(body) == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


# -- an independent library as oracle -------------------------------------------------------------------


@dataclass
class WireRequest:
    """The message interface of http-message-signatures."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = BODY


@dataclass
class WireResponse:
    status_code: int
    headers: dict[str, str]
    url: str
    request: WireRequest
    body: bytes = b"answer"


def resolver() -> MappingKeyResolver:
    return MappingKeyResolver(public_keys=dict(KEYS), private_keys={"requester-key": KEY, "provider-key": OTHER})


def wire(request: Request) -> WireRequest:
    query = "" if request.query is None else "?" + request.query
    return WireRequest(request.method, f"https://node.example{request.path}{query}", dict(request.headers))


REQUEST_COMPONENTS = ("@method", "@path", "content-digest", "xinlian-to", "xinlian-envelope")
RESPONSE_COMPONENTS = ("@status", "content-digest", "xinlian-envelope", '"signature";req')


def params_now(key_id: str) -> tuple[SignatureParams, Clock]:
    now_s = int(dt.datetime.now(tz=dt.UTC).timestamp())
    return SignatureParams(EpochS(now_s), EpochS(now_s + 50), "AAECAwQFBgcICQoLDA0ODw", KeyId(key_id)), Clock(now_s, 5)


@pytest.mark.parametrize("query", [None, "a=1&b=%E6%B5%8B"])
def test_library_verifies_what_we_sign(query: str | None) -> None:
    params, _ = params_now("requester-key")
    request = signed(replace(SENT, query=query), params)
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=resolver())
    covered = REQUEST_COMPONENTS if query is None else (*REQUEST_COMPONENTS[:2], "@query", *REQUEST_COMPONENTS[2:])
    results = verifier.verify(wire(request), expect_tag=httpsig.TAG, require_components=covered, body=request.body)
    assert [result.nonce for result in results] == [params.nonce]
    changed = wire(replace(request, path="/exchange/v1/other"))
    with pytest.raises(InvalidSignature):
        verifier.verify(changed, expect_tag=httpsig.TAG)


@pytest.mark.parametrize("query", [None, "a=1&b=%E6%B5%8B"])
def test_we_verify_what_the_library_signs(query: str | None) -> None:
    params, clock = params_now("requester-key")
    message = wire(replace(SENT, query=query, headers={**HEADERS, "content-digest": httpsig.content_digest(BODY)}))
    covered = REQUEST_COMPONENTS if query is None else (*REQUEST_COMPONENTS[:2], "@query", *REQUEST_COMPONENTS[2:])
    library_sign(message, "requester-key", params, covered)
    request = replace(SENT, query=query, headers={name.lower(): value for name, value in message.headers.items()})
    assert httpsig.verify_request(request, find, clock).params == params
    broken = replace(request, headers={**request.headers, "xinlian-to": "11411599MBDEM0015B"})
    assert code_of(lambda: httpsig.verify_request(broken, find, clock), RefusedError) == "signature-wrong"


def library_sign(message: WireRequest | WireResponse, key_id: str, params: SignatureParams, covered: tuple[str, ...]) -> None:
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=resolver()).sign(
        message,
        key_id=key_id,
        created=dt.datetime.fromtimestamp(params.created, tz=dt.UTC),
        expires=dt.datetime.fromtimestamp(params.expires, tz=dt.UTC),
        nonce=params.nonce,
        label=httpsig.LABEL,
        tag=httpsig.TAG,
        covered_component_ids=covered,
        body=message.body,
        use_existing_digest=True,
    )


def test_responses_agree_with_the_library_both_ways() -> None:
    params, clock = params_now("provider-key")
    request = signed(SENT, replace(params, keyid=KeyId("requester-key")))
    ours = Response(200, {"xinlian-envelope": "suite=1"}, b"answer")
    ours = replace(ours, headers=httpsig.sign_response(ours, request.headers["signature"], params, OTHER))
    message = WireResponse(200, dict(ours.headers), "https://node.example/exchange/v1/requests", wire(request))
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=resolver())
    verifier.verify(message, expect_tag=httpsig.TAG, require_components=RESPONSE_COMPONENTS, body=b"answer")

    theirs = WireResponse(
        200,
        {"xinlian-envelope": "suite=1", "content-digest": httpsig.content_digest(b"answer")},
        "https://node.example/exchange/v1/requests",
        wire(request),
    )
    library_sign(theirs, "provider-key", params, RESPONSE_COMPONENTS)
    received = Response(200, {name.lower(): value for name, value in theirs.headers.items()}, b"answer")
    assert httpsig.verify_response(received, request.headers["signature"], find, clock).params == params


# -- altered requests -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda r: replace(r, method="PUT"), "signature-wrong"),
        (lambda r: replace(r, path="/exchange/v1/requestz"), "signature-wrong"),
        (lambda r: with_header(r, "xinlian-to", lambda v: v[:-1] + "L"), "signature-wrong"),
        (lambda r: with_header(r, "xinlian-envelope", lambda v: v.replace("AAEC", "AAED")), "signature-wrong"),
        (
            lambda r: with_header(r, "signature-input", lambda v: v.replace(f"expires={NOW + 30}", f"expires={NOW + 31}")),
            "signature-wrong",
        ),
        (
            lambda r: with_header(r, "signature-input", lambda v: v.replace(f"created={NOW - 1}", f"created={NOW}")),
            "signature-wrong",
        ),
        (lambda r: with_header(r, "signature-input", lambda v: v.replace("ODw", "ODg")), "signature-wrong"),
        (lambda r: with_header(r, "signature-input", lambda v: v.replace("requester-key", "provider-key")), "signature-wrong"),
        (
            lambda r: replace(r, body=b"x", headers={**r.headers, "content-digest": httpsig.content_digest(b"x")}),
            "signature-wrong",
        ),
    ],
)
def test_altered_covered_part_is_refused(change: Callable[[Request], Request], code: str) -> None:
    altered = change(signed())
    assert altered != signed()
    assert code_of(lambda: httpsig.verify_request(altered, find, CLOCK), RefusedError) == code


def test_every_flipped_bit_of_the_signature_is_refused() -> None:
    request = signed()
    signature = httpsig._unwrap_bytes(request.headers["signature"], "xinlian", 64, "signature-form")
    for bit in range(0, 512, 7):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        altered = replace(request, headers={**request.headers, "signature": httpsig._wrap_bytes("xinlian", bytes(flipped))})
        assert code_of(partial(httpsig.verify_request, altered, find, CLOCK), RefusedError) == "signature-wrong"


INPUT = signed().headers["signature-input"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("signature-input", INPUT.replace("xinlian=", "sig1=")),
        ("signature-input", INPUT + ", other=()"),
        ("signature-input", INPUT + ";created=1"),
        ("signature-input", INPUT + ';extra="1"'),
        ("signature-input", INPUT + " "),
        ("signature-input", INPUT.replace('"@path" ', "")),
        ("signature-input", INPUT.replace('"@method" "@path"', '"@path" "@method"')),
        ("signature-input", INPUT.replace('"@method" "@path"', '"@method"  "@path"')),
        ("signature-input", INPUT.replace('"xinlian-to"', '"xinlian-to";sf')),
        ("signature-input", INPUT.replace("ed25519", "rsa-pss-sha512")),
        ("signature-input", INPUT.replace("exchange/1", "exchange/2")),
        ("signature-input", INPUT.replace(f"created={NOW - 1}", f"created=0{NOW - 1}")),
        ("signature-input", INPUT.replace(f"created={NOW - 1}", f'created="{NOW - 1}"')),
        ("signature-input", INPUT.replace('nonce="AAECAwQFBgcICQoLDA0ODw"', "nonce=1")),
        ("signature-input", INPUT.replace(";alg=", "; alg=")),
        ("signature-input", INPUT.replace(';tag="xinlian-exchange/1"', "")),
        ("signature-input", INPUT.replace('nonce="', 'nonce="测')),
        ("signature-input", INPUT + "x" * 3000),
        ("signature-input", ""),
        ("signature", ""),
        ("signature", "xinlian=:AAAA:"),
        ("signature", "xinlian=:" + "A" * 86 + "==:, b=:AA==:"),
        ("signature", "xinlian=:" + "A" * 85 + "B==:"),
        ("signature", "sig1=:" + "A" * 86 + "==:"),
        ("xinlian-to", "a\nb"),
        ("xinlian-to", " a"),
        ("xinlian-envelope", "信"),
        ("xinlian-envelope", "x" * 2049),
    ],
)
def test_other_shapes_are_not_parsed(name: str, value: str) -> None:
    request = signed()
    assert value != request.headers[name]
    altered = replace(request, headers={**request.headers, name: value})
    assert code_of(lambda: httpsig.verify_request(altered, find, CLOCK), InputError) == "signature-form"


@pytest.mark.parametrize("name", ["signature", "signature-input"])
def test_missing_signature_has_its_own_code(name: str) -> None:
    assert code_of(lambda: httpsig.verify_request(without(signed(), name), find, CLOCK), InputError) == "signature-missing"


@pytest.mark.parametrize("name", ["xinlian-to", "xinlian-envelope"])
def test_required_fields_must_be_there(name: str) -> None:
    assert code_of(lambda: httpsig.verify_request(without(signed(), name), find, CLOCK), InputError) == "signature-form"
    assert code_of(lambda: httpsig.sign_request(without(SENT, name), PARAMS, KEY), InputError) == "signature-form"


def test_digest_errors_have_their_own_codes() -> None:
    request = signed()
    assert code_of(lambda: httpsig.verify_request(replace(request, body=b"x"), find, CLOCK), InputError) == "digest-wrong"
    assert (
        code_of(lambda: httpsig.verify_request(without(request, "content-digest"), find, CLOCK), InputError) == "digest-missing"
    )
    digest = request.headers["content-digest"]
    for wrong in (
        digest.replace("sha-256", "sha-512"),
        digest + ", " + digest,
        "sha-256=:AA==:",
        digest[:-1],
        digest.replace("=:", ":", 1),
    ):
        altered = replace(request, headers={**request.headers, "content-digest": wrong})
        assert code_of(partial(httpsig.verify_request, altered, find, CLOCK), InputError) == "digest-form"


def test_unknown_key_is_the_callers_error() -> None:
    request = signed(SENT, replace(PARAMS, keyid=KeyId("nobody")))
    assert code_of(lambda: httpsig.verify_request(request, find, CLOCK), RefusedError) == "refused-key-registered"


def test_time_window_has_sharp_edges() -> None:
    request = signed()  # created NOW - 1, expires NOW + 30
    for now_s in (NOW - 1 - 5, NOW + 30 + 4):
        httpsig.verify_request(request, find, Clock(now_s, 5))
    for now_s in (NOW - 1 - 6, NOW + 30 + 5):
        assert code_of(partial(httpsig.verify_request, request, find, Clock(now_s, 5)), RefusedError) == "signature-expired"


@pytest.mark.parametrize("expires", [NOW - 1, NOW - 2, NOW - 1 + 61])
def test_window_is_one_to_sixty_seconds(expires: int) -> None:
    params = replace(PARAMS, expires=EpochS(expires))
    assert code_of(lambda: httpsig.sign_request(SENT, params, KEY), InputError) == "signature-window"
    altered = with_header(signed(), "signature-input", lambda v: v.replace(f"expires={NOW + 30}", f"expires={expires}"))
    assert code_of(lambda: httpsig.verify_request(altered, find, CLOCK), InputError) == "signature-window"


@pytest.mark.parametrize(
    "request_",
    [
        replace(SENT, method="post"),
        replace(SENT, path="exchange"),
        replace(SENT, path="/a?b"),
        replace(SENT, path="/a b"),
        replace(SENT, query="a b"),
        replace(SENT, query="a#b"),
    ],
)
def test_signer_refuses_what_the_profile_cannot_carry(request_: Request) -> None:
    assert code_of(lambda: httpsig.sign_request(request_, PARAMS, KEY), InputError) == "signature-form"


@pytest.mark.parametrize("nonce", ["", 'a"b', "a\\b", "a\nb", "测", "a" * 129])
def test_signer_refuses_unquotable_parameters(nonce: str) -> None:
    assert code_of(lambda: httpsig.sign_request(SENT, replace(PARAMS, nonce=nonce), KEY), InputError) == "signature-form"


# -- altered responses ----------------------------------------------------------------------------------


def test_response_of_another_request_is_refused() -> None:
    response, _ = answered()
    other = signed(SENT, replace(PARAMS, nonce="another")).headers["signature"]
    assert code_of(lambda: httpsig.verify_response(response, other, find, CLOCK), PeerError) == "signature-wrong"


def test_altered_response_is_refused() -> None:
    response, signature = answered()
    assert (
        code_of(lambda: httpsig.verify_response(replace(response, status=201), signature, find, CLOCK), PeerError)
        == "signature-wrong"
    )
    envelope = replace(response, headers={**response.headers, "xinlian-envelope": "y"})
    assert code_of(lambda: httpsig.verify_response(envelope, signature, find, CLOCK), PeerError) == "signature-wrong"
    stripped = without(response, "xinlian-envelope")
    assert code_of(lambda: httpsig.verify_response(stripped, signature, find, CLOCK), InputError) == "signature-form"
    assert code_of(lambda: httpsig.verify_response(response, signature, find, Clock(NOW + 99)), PeerError) == "signature-expired"
    assert (
        code_of(lambda: httpsig.verify_response(replace(response, body=b""), signature, find, CLOCK), InputError)
        == "digest-wrong"
    )
    assert code_of(lambda: httpsig.verify_response(response, "xinlian=:AA==:", find, CLOCK), InputError) == "signature-form"


def test_refusal_in_the_clear_has_no_envelope_but_is_bound_to_the_request() -> None:
    response, signature = answered(headers={}, status=403)
    assert "xinlian-envelope" not in response.headers["signature-input"]
    httpsig.verify_response(response, signature, find, CLOCK)
    added = replace(response, headers={**response.headers, "xinlian-envelope": "x"})
    assert code_of(lambda: httpsig.verify_response(added, signature, find, CLOCK), InputError) == "signature-form"


def test_status_is_three_digits() -> None:
    with pytest.raises(InputError) as caught:
        httpsig.sign_response(Response(99, {}, b""), signed().headers["signature"], ANSWER_PARAMS, OTHER)
    assert caught.value.code == "signature-form"
