"""Key sets, possession, and the signed form, which an independent SD-JWT library accepts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from openvc.proof.errors import ProofError
from openvc.proof.sd_jwt import SdJwtVcProofSuite

from tests.support.evidence import FUND, POLICE, VCT, key_set_bytes, sealed, sealing_key, signing_key
from tests.support.naive import b64, compact, jws
from xinlian.protocol import jwks, sdjwt
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.errors import EvidenceError, InputError
from xinlian.protocol.jwks import KeySet, PublicJwk, build_key_set, check_possession, parse_key_set
from xinlian.protocol.record import StatementHead
from xinlian.protocol.types import issuer_of, uuid7_text

KEYS = build_key_set(FUND, [signing_key(1), signing_key(2)], [sealing_key(3).public_key()])
HEAD = StatementHead(issuer_of(FUND), VCT, uuid7_text(1_600_000_000_000, bytes(10)), 1_600_000_000, 1)
RECORD = sealed(HEAD, name="测试甲", balance_yuan="120000.00", months=36, spouse=None)


def test_thumbprint_of_rfc_8037() -> None:
    """RFC 8037 A.3."""
    x = unb64u("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert jwks.thumbprint("Ed25519", x) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_key_set_has_one_text() -> None:
    data = KEYS.serialise()
    assert parse_key_set(data) == KEYS
    members = json.loads(data)
    assert [key["crv"] for key in members["keys"]] == ["Ed25519", "Ed25519", "X25519"]
    assert list(members["keys"][0]) == ["kty", "crv", "kid", "use", "x"]
    assert len(KEYS.hash()) == 32


def test_keys_are_found_by_name_and_use() -> None:
    newest = KEYS.keys[0]
    assert KEYS.current(jwks.USE_SIGN) == newest
    assert KEYS.find(newest.kid, jwks.USE_SIGN) == newest
    assert KEYS.find(newest.kid, jwks.USE_SEAL) is None
    assert KEYS.current(jwks.USE_SEAL).x == sealing_key(3).public_key().public_bytes_raw()
    with pytest.raises(EvidenceError) as caught:
        KeySet(KEYS.keys[:2]).current(jwks.USE_SEAL)
    assert caught.value.code == "jws-key-unknown"


def test_possession_is_proven_by_every_signing_key() -> None:
    check_possession(KEYS, FUND)
    claim = compact({"department": FUND, "kids": [key.kid for key in KEYS.keys]}).encode()
    assert KEYS.possession == tuple(jws(claim, bytes([seed]) * 32, "xinlian-keys+jwt") for seed in (1, 2))


def bent_sets() -> dict[str, tuple[KeySet, str]]:
    others = build_key_set(POLICE, [signing_key(1), signing_key(2)], [sealing_key(3).public_key()])
    return {
        "another department": (others, "jws-wrong"),
        "one proof missing": (replace(KEYS, possession=KEYS.possession[:1]), "jws-wrong"),
        "proofs swapped": (replace(KEYS, possession=KEYS.possession[::-1]), "jws-key-unknown"),
        "a key added": (replace(KEYS, keys=(*KEYS.keys, PublicJwk("enc", bytes(32)))), "jws-wrong"),
        "a key exchanged": (replace(KEYS, keys=(*KEYS.keys[:2], PublicJwk("enc", bytes(32)))), "jws-wrong"),
        "order changed": (replace(KEYS, keys=KEYS.keys[::-1], possession=KEYS.possession[::-1]), "jws-wrong"),
    }


@pytest.mark.parametrize("title", bent_sets())
def test_possession_covers_department_and_all_keys(title: str) -> None:
    key_set, code = bent_sets()[title]
    with pytest.raises(EvidenceError) as caught:
        check_possession(key_set, FUND)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.pop("possession"),
        lambda members: members.update(more=1),
        lambda members: members.update(keys=[]),
        lambda members: members.update(keys=members["keys"] * 6),
        lambda members: members.update(keys=[*members["keys"], members["keys"][0]]),
        lambda members: members.update(keys=["a"]),
        lambda members: members.update(possession=[1]),
        lambda members: members["keys"][0].update(use="enc"),
        lambda members: members["keys"][0].update(use="other"),
        lambda members: members["keys"][0].update(use=["sig"]),
        lambda members: members["keys"][0].update(kid="A" * 43),
        lambda members: members["keys"][0].update(x="AA"),
        lambda members: members["keys"][0].update(x=1),
        lambda members: members["keys"][0].update(d="secret"),
        lambda members: members["keys"][0].pop("crv"),
    ],
)
def test_another_form_of_key_set_is_refused(change: object) -> None:
    members = json.loads(KEYS.serialise())
    assert callable(change)
    change(members)
    with pytest.raises(InputError) as caught:
        parse_key_set(compact(members).encode())
    assert caught.value.code == "key-set-form"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", KEYS.serialise() + b"\n", b" " * 20_000])
def test_other_bytes_are_no_key_set(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        parse_key_set(data)
    assert caught.value.code == "key-set-form"


def test_sixteen_keys_fit() -> None:
    key_set = build_key_set(FUND, [signing_key(n) for n in range(8)], [sealing_key(n).public_key() for n in range(8)])
    assert parse_key_set(key_set.serialise()) == key_set
    check_possession(key_set, FUND)


# -- signed form ----------------------------------------------------------------------------------------


def test_signed_form_is_byte_exact() -> None:
    signed = sdjwt.sign(RECORD.statement, signing_key(1))
    assert signed == jws(RECORD.statement, bytes([1]) * 32, "dc+sd-jwt")
    assert sdjwt.verify(signed, KEYS) == RECORD.statement
    assert sdjwt.kid_of(signed) == KEYS.keys[0].kid
    assert sdjwt.sign(RECORD.statement, signing_key(1), KEYS.keys[0].kid) == signed


def test_an_independent_library_accepts_it() -> None:
    text = sdjwt.presentation(sdjwt.sign(RECORD.statement, signing_key(1)), RECORD.disclosures[:2])
    verified = SdJwtVcProofSuite().verify(text, public_key_jwk=KEYS.keys[0].to_json(), expected_vct=VCT)
    claims = verified.claims
    assert (claims["name"], claims["balance_yuan"], "months" in claims) == ("测试甲", "120000.00", False)
    assert (claims["iss"], claims["jti"], claims["rev"]) == (issuer_of(FUND), HEAD.jti, 1)


def test_an_independent_library_refuses_what_we_refuse() -> None:
    suite, key = SdJwtVcProofSuite(), KEYS.keys[0].to_json()
    signed = sdjwt.sign(RECORD.statement, signing_key(1))
    foreign = sealed(HEAD, name="测试乙").disclosures
    with pytest.raises(ProofError):
        suite.verify(sdjwt.presentation(signed, foreign), public_key_jwk=key)
    with pytest.raises(ProofError):
        suite.verify(sdjwt.presentation(signed, ()), public_key_jwk=KEYS.keys[1].to_json())


def test_presentations_are_taken_apart() -> None:
    assert sdjwt.split_presentation("a.b.c~d~e~") == ("a.b.c", ("d", "e"))
    assert sdjwt.split_presentation(sdjwt.presentation("a.b.c", ())) == ("a.b.c", ())


@pytest.mark.parametrize("text", ["", "a.b.c", "a.b.c~d", "~", "~d~", "a.b.c~~", "a.b.c~d~kb.kb.kb"])
def test_a_presentation_has_no_key_binding_and_no_gap(text: str) -> None:
    with pytest.raises(InputError) as caught:
        sdjwt.split_presentation(text)
    assert caught.value.code == "jws-form"


def test_the_name_must_be_the_keys() -> None:
    with pytest.raises(InputError) as caught:
        sdjwt.sign(RECORD.statement, signing_key(1), KEYS.keys[1].kid)
    assert caught.value.code == "key-set-form"


def bent_jws() -> dict[str, tuple[str, str]]:
    signed = sdjwt.sign(RECORD.statement, signing_key(1))
    header, payload, signature = signed.split(".")
    other = sealed(HEAD, name="测试乙").statement
    raw = bytearray(unb64u(signature))
    raw[5] ^= 1

    def with_header(members: dict[str, object]) -> str:
        return f"{b64(compact(members).encode())}.{payload}.{signature}"

    kid = KEYS.keys[0].kid
    return {
        "two parts": (f"{header}.{payload}", "jws-form"),
        "four parts": (f"{signed}.", "jws-form"),
        "no base64": (f"{header}.{payload}.*", "jws-form"),
        "padded": (signed + "=", "jws-form"),
        "alg none": (with_header({"alg": "none", "kid": kid, "typ": "dc+sd-jwt"}), "jws-form"),
        "another typ": (with_header({"alg": "EdDSA", "kid": kid, "typ": "JWT"}), "jws-form"),
        "a member more": (with_header({"alg": "EdDSA", "kid": kid, "typ": "dc+sd-jwt", "crit": ["a"]}), "jws-form"),
        "embedded key": (with_header({"alg": "EdDSA", "kid": kid, "typ": "dc+sd-jwt", "jwk": {}}), "jws-form"),
        "no kid": (with_header({"alg": "EdDSA", "typ": "dc+sd-jwt"}), "jws-form"),
        "header is a list": (f"{b64(b'[]')}.{payload}.{signature}", "jws-form"),
        "another key's name": (with_header({"alg": "EdDSA", "kid": KEYS.keys[1].kid, "typ": "dc+sd-jwt"}), "jws-wrong"),
        "a sealing key's name": (with_header({"alg": "EdDSA", "kid": KEYS.keys[2].kid, "typ": "dc+sd-jwt"}), "jws-key-unknown"),
        "nobody's name": (with_header({"alg": "EdDSA", "kid": "A" * 43, "typ": "dc+sd-jwt"}), "jws-key-unknown"),
        "another payload": (f"{header}.{b64u(other)}.{signature}", "jws-wrong"),
        "a bit of the signature": (f"{header}.{payload}.{b64u(bytes(raw))}", "jws-wrong"),
        "no signature": (f"{header}.{payload}.", "jws-wrong"),
        "a proof of possession": (KEYS.possession[0], "jws-form"),
    }


@pytest.mark.parametrize("title", bent_jws())
def test_a_bent_signed_form(title: str) -> None:
    text, code = bent_jws()[title]
    with pytest.raises((InputError, EvidenceError)) as caught:
        sdjwt.verify(text, KEYS)
    assert caught.value.code == code


def test_key_sets_of_the_test_world() -> None:
    assert parse_key_set(key_set_bytes(FUND, 1)).keys[0] == KEYS.keys[0]
