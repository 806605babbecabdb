"""Texts behind the law's steps: salted digests, exact bytes, no text that passes for another; references to objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinlian.protocol import objects
from xinlian.protocol.documents import Document, check_document, document_digest, make_document, read_document
from xinlian.protocol.errors import EvidenceError, InputError, XinlianError

REF = "dataset 12411599MBDEM00233/000001@1"
SALT = bytes(range(32))


def code_of(call: Callable[[], object], kind: type[XinlianError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value.code


def test_the_digest_is_sha256_of_label_salt_and_text() -> None:
    document = make_document("consent", REF, {"reason": "同意"}, SALT)
    text = f'{{"document":"consent","object":"{REF}","reason":"同意"}}'.encode()
    assert document.text == text
    assert document.digest == sha256(b"\x02" + SALT + text).digest()
    assert document.digest.hex() == "e57534b663c71474c1e1c9fd61b84c12699941c568a8082d8b340ec8ae431e9c"
    assert document.content() == {"reason": "同意"}
    assert read_document(SALT, text) == document


def test_salt_kind_object_and_every_byte_count() -> None:
    document = make_document("consent", REF, {"reason": "同意"}, SALT)
    others = [
        make_document("consent", REF, {"reason": "同意"}, bytes(32)),
        make_document("refusal", REF, {"reason": "同意"}, SALT),
        make_document("consent", REF[:-1] + "2", {"reason": "同意"}, SALT),
        make_document("consent", REF, {"reason": "同意。"}, SALT),
    ]
    assert len({one.digest for one in (document, *others)}) == 5
    for one in others:
        assert code_of(lambda one=one: check_document(one, document.digest), EvidenceError) == "document-mismatch"  # type: ignore[misc]
    check_document(document, document.digest)


@given(st.integers(0, 2**13 - 1))
def test_one_flipped_bit_of_salt_or_text_is_another_digest(position: int) -> None:
    document = make_document("consent", REF, {"reason": "同意"}, SALT)
    whole = bytearray(document.salt + document.text)
    position %= len(whole) * 8
    whole[position // 8] ^= 1 << position % 8
    assert document_digest(bytes(whole[:32]), bytes(whole[32:])) != document.digest


def test_bytes_of_others_stay_as_they_are() -> None:
    text = json.dumps({"document": "answer", "object": REF, "text": "é"}, indent=1).encode()
    assert read_document(SALT, text).text == text


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b'"x"',
        b"{}",
        f'{{"object":"{REF}","document":"consent"}}'.encode(),
        f'{{"document":"Consent","object":"{REF}"}}'.encode(),
        f'{{"document":1,"object":"{REF}"}}'.encode(),
        f'{{"document":"{"a" * 41}","object":"{REF}"}}'.encode(),
        f'{{"document":"a\\nb","object":"{REF}"}}'.encode(),
        f'{{"document":"consent\\n","object":"{REF}"}}'.encode(),
    ],
)
def test_what_is_no_document(text: bytes) -> None:
    assert code_of(lambda: read_document(SALT, text)) == "document-form"


def test_other_faults_have_their_own_codes() -> None:
    text = b'{"document":"consent","object":"dataset x"}'
    assert code_of(lambda: read_document(SALT, text)) == "object-form"
    assert code_of(lambda: read_document(SALT[:31], text)) == "document-form"
    assert code_of(lambda: read_document(SALT, b"{")) == "json-broken"
    assert code_of(lambda: read_document(SALT, b" " * 300_000)) == "too-large"
    assert code_of(lambda: make_document("consent", REF, {"document": "x"}, SALT)) == "document-form"
    assert code_of(lambda: make_document("consent", REF, {"x": 0.5}, SALT)) == "json-not-exact"


def test_a_document_hides_salt_and_text_in_its_repr() -> None:
    shown = repr(Document("consent", REF, SALT, b"{}"))
    assert "salt" not in shown
    assert "text" not in shown


USCC = "12411599MBDEM00233"


@pytest.mark.parametrize(
    ("ref", "kind"),
    [
        (objects.dataset_object(f"{USCC}/000001", 2), "dataset"),
        (objects.request_object(USCC, 20260924000001), "request"),
        (objects.grant_object(USCC, 7), "grant"),
        (objects.correction_object(USCC, 2**64 - 1), "correction"),
        (objects.authorisation_object(USCC, bytes(32)), "authorisation"),
        (f"case {USCC}/GJJDK1-20261102-000001", "case"),
        (f"department {USCC}", "department"),
        (f"record {USCC}/01a3185c-5000-7000-8000-000000000000", "record"),
    ],
)
def test_references_say_what_they_are(ref: str, kind: str) -> None:
    assert objects.check_object(ref) == ref
    assert objects.object_kind(ref) == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dataset",
        f"Dataset {USCC}/000001@1",
        f"dataset {USCC}/000001",
        f"dataset {USCC}/000001@0",
        f"dataset {USCC}/000001@1 ",
        f"dataset  {USCC}/000001@1",
        f"dataset {USCC}/000001@1\n",
        f"request {USCC}/2026092400001",
        f"grant {USCC}/07",
        f"grant {USCC}/٧",
        f"case {USCC}/测试",
        "person 411599199001010014",
    ],
)
def test_what_is_no_reference(text: str) -> None:
    assert code_of(lambda: objects.check_object(text)) == "object-form"
