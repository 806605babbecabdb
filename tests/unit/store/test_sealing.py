from __future__ import annotations

import hmac
import os
from hashlib import shake_256

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from xinlian.protocol.errors import StoreError
from xinlian.store import sealing

KEY, JTI, VCT = bytes(range(32)), bytes(range(16)), "12411599MBDEM00233/000001@1"


def test_the_payload_form_is_frozen() -> None:
    """What is on a department's disk must open in every later version: the form, written out a second time."""
    stream = shake_256(b"xinlian store/1 payload" + KEY).digest(44)
    expected = AESGCM(stream[:32]).encrypt(stream[32:], b"payload", JTI + b"\0\0\0\1" + VCT.encode())
    assert sealing.encrypt_payload(KEY, VCT, JTI, 1, b"payload") == expected
    assert len(expected) == len(b"payload") + sealing.RECORD_OVERHEAD_BYTES


def test_the_token_form_is_frozen() -> None:
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in (b"field", b"code", b"id_number", b"2"))
    key = hmac.digest(KEY, framed, "sha256")
    assert sealing.blind_index_token(KEY, "code", "id_number", 2, "值") == hmac.digest(key, "值".encode(), "sha256")[:16]


@given(payload=st.binary(max_size=2_000), rev=st.integers(min_value=1, max_value=2**31))
def test_a_payload_comes_back(payload: bytes, rev: int) -> None:
    assert sealing.decrypt_payload(KEY, VCT, JTI, rev, sealing.encrypt_payload(KEY, VCT, JTI, rev, payload)) == payload


@given(bit=st.integers(min_value=0, max_value=8 * (7 + 16) - 1))
def test_a_flipped_bit_does_not_open(bit: int) -> None:
    ciphertext = bytearray(sealing.encrypt_payload(KEY, VCT, JTI, 1, b"payload"))
    ciphertext[bit // 8] ^= 1 << bit % 8
    with pytest.raises(StoreError) as caught:
        sealing.decrypt_payload(KEY, VCT, JTI, 1, bytes(ciphertext))
    assert caught.value.code == "sealed-broken"


@pytest.mark.parametrize(
    ("key", "vct", "jti", "rev"),
    [(bytes(32), VCT, JTI, 1), (KEY, VCT[:-1] + "2", JTI, 1), (KEY, VCT, JTI[::-1], 1), (KEY, VCT, JTI, 2)],
)
def test_a_payload_opens_only_as_its_own_record(key: bytes, vct: str, jti: bytes, rev: int) -> None:
    ciphertext = sealing.encrypt_payload(KEY, VCT, JTI, 1, b"payload")
    with pytest.raises(StoreError) as caught:
        sealing.decrypt_payload(key, vct, jti, rev, ciphertext)
    assert caught.value.code == "sealed-broken"


@given(
    first=st.tuples(st.text(max_size=5), st.text(max_size=5), st.integers(1, 3), st.text(max_size=5)),
    second=st.tuples(st.text(max_size=5), st.text(max_size=5), st.integers(1, 3), st.text(max_size=5)),
)
def test_tokens_are_equal_exactly_for_the_same_place_and_value(
    first: tuple[str, str, int, str], second: tuple[str, str, int, str]
) -> None:
    tokens = [sealing.blind_index_token(KEY, *args) for args in (first, second)]
    assert (tokens[0] == tokens[1]) == (first == second)
    assert tokens[0] != sealing.blind_index_token(bytes(32), *first)


def test_parts_that_run_together_differ() -> None:
    assert sealing.blind_index_token(KEY, "ab", "c", 1, "x") != sealing.blind_index_token(KEY, "a", "bc", 1, "x")
    assert sealing.keyed_tag(KEY, "body", b"x") != sealing.keyed_tag(KEY, "file", b"x")


def test_a_sealed_value_opens_in_its_place_only() -> None:
    sealer = sealing.Sealer(KEY, os.urandom)
    sealed = sealer.seal("answers 1", b"value")
    assert sealer.open("answers 1", sealed) == b"value"
    assert sealer.seal("answers 1", b"value") != sealed  # fresh nonce
    for place, blob, key in (
        ("answers 2", sealed, KEY),
        ("answers 1", sealed[:-1], KEY),
        ("answers 1", b"", KEY),
        ("answers 1", sealed, bytes(32)),
    ):
        with pytest.raises(StoreError) as caught:
            sealing.Sealer(key, os.urandom).open(place, blob)
        assert caught.value.code == "sealed-broken"


def test_keys_do_not_show_when_printed() -> None:
    assert KEY.hex() not in repr(sealing.Sealer(KEY, os.urandom))
    assert "\\x01\\x02" not in repr(sealing.Sealer(KEY, os.urandom))
