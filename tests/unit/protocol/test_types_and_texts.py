"""Ids, streams, base64url and hexadecimal texts: one text per value."""

from __future__ import annotations

from uuid import UUID

import pytest

from xinlian.protocol import hextext, keccak
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.errors import InputError
from xinlian.protocol.types import (
    Status,
    Stream,
    is_uuid7_text,
    issuer_of,
    split_dataset_vct,
    uscc_of_issuer,
    uuid7_text,
    uuid7_time_ms,
)

USCC = "12411599MBDEM00233"


@pytest.mark.parametrize("time_ms", [0, 1_800_000_000_000, 2**48 - 1])
@pytest.mark.parametrize("random", [bytes(10), bytes([255]) * 10, bytes(range(10))])
def test_uuid7_keeps_time_version_and_variant(time_ms: int, random: bytes) -> None:
    text = uuid7_text(time_ms, random)
    parsed = UUID(text)
    assert (parsed.version, parsed.variant, str(parsed)) == (7, "specified in RFC 4122", text)
    assert uuid7_time_ms(text) == time_ms
    assert is_uuid7_text(text)


def test_uuid7_uses_74_random_bits() -> None:
    bits = {uuid7_text(0, (1 << bit).to_bytes(10)) for bit in range(74)}
    assert len(bits) == 74
    assert uuid7_text(0, bytes(10)) not in bits


def test_uuid7_example_of_rfc_9562() -> None:
    """RFC 9562 A.6: 2022-02-22T19:22:22Z, rand_a CC3, rand_b 18C4DC0C0C07398F."""
    random = (0xCC3 << 62 | 0x18C4DC0C0C07398F).to_bytes(10)
    assert uuid7_text(0x017F22E279B0, random) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@pytest.mark.parametrize(("time_ms", "random"), [(-1, bytes(10)), (2**48, bytes(10)), (0, bytes(9)), (0, bytes(11))])
def test_uuid7_bounds(time_ms: int, random: bytes) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        uuid7_text(time_ms, random)


@pytest.mark.parametrize(
    "text",
    ["", "01a3185c-5000-7000-8000-00000000000", "01A3185C-5000-7000-8000-000000000000", "01a3185c-5000-4000-8000-000000000000",
     "01a3185c-5000-7000-c000-000000000000", "01a3185c500070008000000000000000"],
)  # fmt: skip
def test_what_is_no_uuid7(text: str) -> None:
    assert not is_uuid7_text(text)


def test_streams_have_names_and_frozen_numbers() -> None:
    assert [(stream.label, int(stream)) for stream in Stream] == [("records", 1), ("reads", 2), ("answers", 3)]
    assert [Stream.from_label(stream.label) for stream in Stream] == list(Stream)
    assert [int(status) for status in Status] == [0, 1, 2, 3]


def test_an_unknown_stream() -> None:
    with pytest.raises(InputError) as caught:
        Stream.from_label("Records")
    assert caught.value.code == "receipt-form"


def test_issuer_names() -> None:
    assert uscc_of_issuer(issuer_of(USCC)) == USCC


@pytest.mark.parametrize(
    "issuer", [USCC, f"urn:uscc:{USCC}0", f"URN:USCC:{USCC}", "urn:uscc:12411599MBDEM0023I", f"urn:uscc:{USCC}\n"]
)
def test_what_is_no_issuer(issuer: str) -> None:
    with pytest.raises(InputError) as caught:
        uscc_of_issuer(issuer)
    assert caught.value.code == "statement-form"


@pytest.mark.parametrize(
    ("vct", "expected"),
    [
        (f"{USCC}/000001@1", (USCC, 1, 1)),
        (f"{USCC}/999999@65535", (USCC, 999999, 65535)),
        (f"{USCC}/000001@65536", None),
        (f"{USCC}/000001@0", None),
        (f"{USCC}/000001@01", None),
        (f"{USCC}/1@1", None),
        (f"{USCC}/000001@1\n", None),
        ("xinlian/read@1", None),
    ],
)
def test_dataset_types(vct: str, expected: object) -> None:
    assert split_dataset_vct(vct) == expected


@pytest.mark.parametrize(("data", "text"), [(b"", ""), (b"\x00", "AA"), (b"\x00\xff", "AP8"), (b"\xfb\xff\xbf", "-_-_")])
def test_base64url(data: bytes, text: str) -> None:
    assert (b64u(data), unb64u(text)) == (text, data)


@pytest.mark.parametrize("text", ["A", "AA==", "AB", "AP9", "A+", "A/", "A A", "AA\n", "ＡＡ", "AAAAA"])
def test_a_second_text_for_the_same_bytes_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        unb64u(text)
    assert caught.value.code == "base64-form"


@pytest.mark.parametrize(
    "address",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_checksums_of_eip_55(address: str) -> None:
    assert hextext.checksum_address(address.lower()) == address
    assert hextext.is_address(address)
    assert hextext.is_address(address.lower())
    place = next(place for place, char in enumerate(address) if place > 1 and char.isalpha())
    assert not hextext.is_address(address[:place] + address[place].swapcase() + address[place + 1 :])


def test_hash_texts() -> None:
    text = "ab" * 32
    assert hextext.is_hash(text)
    assert hextext.is_chain_hash("0x" + text)
    assert not any(hextext.is_hash(bad) for bad in (None, "0x" + text, text.upper(), text[:-1], text + "a", text[:-1] + "\n"))
    assert not any(hextext.is_chain_hash(bad) for bad in (None, text, "0X" + text, "0x" + text.upper()))


def test_keccak_is_not_sha3() -> None:
    assert keccak.keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
