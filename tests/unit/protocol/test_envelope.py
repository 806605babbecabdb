"""Envelopes: an independent HPKE's vectors open, and nothing altered does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from xinlian.protocol import envelope
from xinlian.protocol.b64 import b64u
from xinlian.protocol.envelope import Direction, EnvelopeHeader, Rid
from xinlian.protocol.errors import InputError
from xinlian.protocol.httpsig import SignatureParams
from xinlian.protocol.types import EpochS, KeyId, Uscc

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "exchange" / "hpke.json").read_text(encoding="utf-8")
)["vectors"]
FUND, POLICE = Uscc("12411599MBDEM00233"), Uscc("11411599MBDEM0066K")
SIGNING, SEALING, REPLY = (KeyId(b64u(bytes([n]) * 32)) for n in (1, 2, 3))
RID = Rid(b64u(bytes(range(16))))
HEADER = EnvelopeHeader(1, Direction.REQUEST, FUND, POLICE, SIGNING, SEALING, RID)
KEY = X25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = X25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return caught.value.code


def header_of(vector: dict[str, Any]) -> EnvelopeHeader:
    values = vector["header"]
    return EnvelopeHeader(**{**values, "direction": Direction(values["direction"])})


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_vectors_of_an_independent_hpke_open(vector: dict[str, Any]) -> None:
    header, key = header_of(vector), X25519PrivateKey.from_private_bytes(bytes.fromhex(vector["private_key"]))
    sealed = bytes.fromhex(vector["ciphertext"])
    request = None if vector["request_ciphertext"] is None else bytes.fromhex(vector["request_ciphertext"])
    assert envelope.dumps_header(header) == vector["header_text"]
    assert envelope.parse_header(vector["header_text"]) == header
    assert envelope.info_bytes(header, request).hex() == vector["info"]
    opened = envelope.open_request(header, sealed, key) if request is None else envelope.open_answer(header, sealed, key, request)
    assert opened.hex() == vector["plaintext"]


def test_info_has_fixed_lengths() -> None:
    answer = envelope.answer_header(HEADER, SIGNING, REPLY)
    assert len(envelope.info_bytes(HEADER)) == 137  # the label has 18 characters and a zero byte
    assert len(envelope.info_bytes(answer, b"")) == 137 + 32


def test_sealed_request_is_48_bytes_longer_and_never_the_same() -> None:
    first, second = (envelope.seal_request(HEADER, b"text", KEY.public_key()) for _ in range(2))
    assert len(first) == len(second) == 4 + envelope.OVERHEAD_BYTES
    assert first != second
    assert envelope.open_request(HEADER, first, KEY) == envelope.open_request(HEADER, second, KEY) == b"text"


def test_every_flipped_bit_of_the_ciphertext_fails() -> None:
    sealed = envelope.seal_request(HEADER, b"x", KEY.public_key())
    unused = 31 * 8 + 7  # RFC 7748: the top bit of an X25519 key is masked, but HPKE hashes the bytes as sent
    for bit in sorted({*range(0, len(sealed) * 8, 5), unused}):
        altered = bytearray(sealed)
        altered[bit // 8] ^= 1 << bit % 8
        assert code_of(partial(envelope.open_request, HEADER, bytes(altered), KEY)) == "envelope-not-opened"


@pytest.mark.parametrize("size", [0, 1, 31, 32, 47])
def test_short_or_zero_bodies_fail(size: int) -> None:
    assert code_of(lambda: envelope.open_request(HEADER, bytes(size), KEY)) == "envelope-not-opened"


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_low_order_encapsulated_key_fails(point: bytes) -> None:
    assert code_of(lambda: envelope.open_request(HEADER, point + bytes(40), KEY)) == "envelope-not-opened"


@pytest.mark.parametrize(
    "change",
    [
        {"from_uscc": Uscc("11411599MBDEM0015B")},
        {"to_uscc": Uscc("11411599MBDEM0015B")},
        {"from_uscc": POLICE, "to_uscc": FUND},
        {"from_kid": SEALING},
        {"to_kid": SIGNING},
        {"rid": Rid(b64u(bytes(16)))},
    ],
    ids=str,
)
def test_every_word_of_the_envelope_is_bound(change: dict[str, Any]) -> None:
    sealed = envelope.seal_request(HEADER, b"text", KEY.public_key())
    assert code_of(lambda: envelope.open_request(replace(HEADER, **change), sealed, KEY)) == "envelope-not-opened"


def test_request_never_opens_as_an_answer_and_answers_are_bound_to_their_request() -> None:
    sealed = envelope.seal_request(HEADER, b"text", KEY.public_key())
    answer = envelope.answer_header(HEADER, SIGNING, REPLY)
    assert (answer.from_uscc, answer.to_uscc, answer.rid) == (POLICE, FUND, RID)
    reply = envelope.seal_answer(answer, b"answer", KEY.public_key(), sealed)
    assert envelope.open_answer(answer, reply, KEY, sealed) == b"answer"
    assert code_of(lambda: envelope.open_answer(answer, reply, KEY, sealed + b"x")) == "envelope-not-opened"
    assert code_of(lambda: envelope.open_answer(answer, reply, OTHER, sealed)) == "envelope-not-opened"
    mirrored = replace(HEADER, direction=Direction.ANSWER)
    assert code_of(lambda: envelope.open_answer(mirrored, sealed, KEY, sealed)) == "envelope-not-opened"
    assert code_of(lambda: envelope.info_bytes(answer)) == "envelope-mismatch"
    assert code_of(lambda: envelope.info_bytes(HEADER, b"")) == "envelope-mismatch"


TEXT = envelope.dumps_header(HEADER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT + " ",
        " " + TEXT,
        TEXT + ", extra=1",
        TEXT + "\n",
        TEXT.replace(", ", ","),
        TEXT.replace("suite=1, direction=request", "direction=request, suite=1"),
        TEXT.replace("direction=request", "direction=both"),
        TEXT.replace("suite=1", "suite=01"),
        TEXT.replace("suite=1", "suite=-1"),
        TEXT.replace(FUND, FUND.lower()),
        TEXT.replace(FUND, FUND[:-1]),
        TEXT.replace(RID, RID[:-1] + "x"),  # spare bits not zero
        TEXT.replace(SIGNING, SIGNING[:-1] + "B"),
        TEXT.replace(SEALING, SEALING + "A"),
        TEXT.replace("suite=1", "suite=１"),
    ],
)
def test_other_spellings_of_the_envelope_are_refused(text: str) -> None:
    assert text != TEXT
    assert code_of(lambda: envelope.parse_header(text)) == "envelope-form"


@pytest.mark.parametrize("suite", [0, 2, 999])
def test_other_suites_are_refused_not_negotiated(suite: int) -> None:
    assert code_of(lambda: envelope.parse_header(TEXT.replace("suite=1", f"suite={suite}"))) == "envelope-suite"
    assert code_of(lambda: replace(HEADER, suite=suite)) == "envelope-suite"


def test_envelope_must_agree_with_the_signature() -> None:
    params = SignatureParams(EpochS(1), EpochS(2), RID, SIGNING)
    envelope.check_bound(HEADER, Direction.REQUEST, POLICE, params)
    envelope.check_bound(envelope.answer_header(HEADER, SIGNING, REPLY), Direction.ANSWER, None, params)
    for direction, to_field, changed, member in (
        (Direction.ANSWER, POLICE, params, "direction"),
        (Direction.REQUEST, FUND, params, "to"),
        (Direction.REQUEST, POLICE, replace(params, keyid=SEALING), "signing-key"),
        (Direction.REQUEST, POLICE, replace(params, nonce="x"), "rid"),
    ):
        with pytest.raises(InputError) as caught:
            envelope.check_bound(HEADER, direction, to_field, changed)
        assert (caught.value.code, caught.value.fields["member"]) == ("envelope-mismatch", member)
