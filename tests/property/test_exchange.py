"""Properties of the exchange: what is written is read back, and no altered byte passes or crashes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from xinlian.protocol import codes, envelope, httpsig, messages, subjects
from xinlian.protocol.b64 import b64u
from xinlian.protocol.dataset.model import Mode, SubjectKind
from xinlian.protocol.envelope import Direction, EnvelopeHeader, Rid
from xinlian.protocol.errors import InputError, RefusedError, XinlianError
from xinlian.protocol.httpsig import Clock, SignatureParams
from xinlian.protocol.messages import CaseRef, GrantRef, Request, RequestItem
from xinlian.protocol.subjects import Opening, Subject
from xinlian.protocol.types import EpochS, KeyId, Uscc

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RECEIVER = X25519PrivateKey.from_private_bytes(bytes(range(32)))
USCCS = [Uscc(text) for text in ("12411599MBDEM00233", "11411599MBDEM0066K", "11411599MBDEM0015B", "11411599MBDEM004XQ")]
NOW = 1_793_500_000

usccs = st.sampled_from(USCCS)
kids = st.binary(min_size=32, max_size=32).map(lambda raw: KeyId(b64u(raw)))
rids = st.binary(min_size=16, max_size=16).map(lambda raw: Rid(b64u(raw)))
headers = st.builds(EnvelopeHeader, st.just(1), st.just(Direction.REQUEST), usccs, usccs, kids, kids, rids)
names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
plain = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1, max_size=64)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"]))


@st.composite
def id_numbers(draw: st.DrawFn) -> str:
    day = draw(st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31)))
    first17 = f"411599{day:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return first17 + codes.id_check_digit(first17)


people = id_numbers().map(lambda text: Subject(SubjectKind.PERSON, text))
things = st.builds(Subject, st.sampled_from([SubjectKind.CONTRACT, SubjectKind.PERMIT]), plain)


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[Subject], subjects.SubjectsTree]:
    chosen = draw(st.lists(people | things, min_size=1, max_size=20))
    salts = draw(st.lists(st.binary(min_size=16, max_size=16), min_size=len(chosen), max_size=len(chosen), unique=True))
    return chosen, subjects.build(chosen, salts)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    mode = draw(st.sampled_from(sorted(messages.OFFERED_MODES)))
    fields = () if mode is Mode.ANSWER else tuple(draw(st.lists(names, min_size=1, max_size=6, unique=True)))
    _, tree = draw(trees())
    items = []
    for _ in range(draw(st.integers(1, 4))):
        most = 8 if mode is Mode.ANSWER else 1
        openings = tuple(draw(st.lists(st.sampled_from(tree.openings), min_size=1, max_size=most)))
        values = {name: draw(scalars) for name in fields} if mode is Mode.VERIFY else {}
        if mode is Mode.ANSWER:
            values = draw(st.dictionaries(names, scalars, max_size=3))
        items.append(RequestItem(openings, values))
    created = draw(st.integers(0, 2**40))
    case = draw(st.none() | st.builds(CaseRef, usccs, st.from_regex(r"[A-Z0-9_-]{1,32}", fullmatch=True)))
    return Request(
        draw(rids), draw(usccs), draw(usccs), draw(kids), draw(kids), draw(st.binary(min_size=32, max_size=32)),
        GrantRef(draw(usccs), draw(st.integers(1, 2**53 - 1))), f"{draw(usccs)}/000001@1", case, "HOME-LOAN", mode, fields,
        draw(names) if mode is Mode.ANSWER else None, tuple(items), EpochS(created), EpochS(created + draw(st.integers(1, 60))),
    )  # fmt: skip


@given(requests())
def test_every_request_is_read_back(request: Request) -> None:
    raw = messages.dumps_request(request)
    assert messages.parse_request(raw) == request


@given(requests(), st.data())
def test_no_damaged_request_crashes_the_parser(request: Request, data: st.DataObject) -> None:
    raw = bytearray(messages.dumps_request(request))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        parsed = messages.parse_request(bytes(raw))
    except XinlianError:
        return
    assert messages.parse_request(messages.dumps_request(parsed)) == parsed


@given(headers, st.binary(max_size=200), st.data())
def test_sealed_bodies_open_only_unaltered(header: EnvelopeHeader, text: bytes, data: st.DataObject) -> None:
    assert envelope.parse_header(envelope.dumps_header(header)) == header
    sealed = envelope.seal_request(header, text, RECEIVER.public_key())
    assert envelope.open_request(header, sealed, RECEIVER) == text
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    altered = bytearray(sealed)
    altered[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InputError) as caught:
        envelope.open_request(header, bytes(altered), RECEIVER)
    assert caught.value.code == "envelope-not-opened"


@given(headers, headers)
def test_info_is_unique_to_its_envelope(first: EnvelopeHeader, second: EnvelopeHeader) -> None:
    assert (envelope.info_bytes(first) == envelope.info_bytes(second)) is (first == second)


@given(headers, st.data())
def test_every_changed_character_of_the_header_is_noticed(header: EnvelopeHeader, data: st.DataObject) -> None:
    text = envelope.dumps_header(header)
    sealed = envelope.seal_request(header, b"text", RECEIVER.public_key())
    position, character = data.draw(st.integers(0, len(text) - 1)), data.draw(st.characters(codec="utf-8"))
    changed = text[:position] + character + text[position + 1 :]
    assume(changed != text)
    with pytest.raises(InputError) as caught:
        envelope.open_request(envelope.parse_header(changed), sealed, RECEIVER)
    assert caught.value.code in {"envelope-form", "envelope-suite", "envelope-not-opened", "envelope-mismatch"}


@given(headers, st.binary(max_size=100), st.none() | st.from_regex(r"[a-z0-9=&%]{0,20}", fullmatch=True), st.data())
def test_no_altered_signed_message_passes(header: EnvelopeHeader, body: bytes, query: str | None, data: st.DataObject) -> None:
    fields = {"xinlian-to": header.to_uscc, "xinlian-envelope": envelope.dumps_header(header)}
    plain_request = httpsig.Request("POST", "/exchange/v1/requests", query, fields, body)
    params = SignatureParams(EpochS(NOW), EpochS(NOW + 60), header.rid, header.from_kid)
    request = replace(plain_request, headers=httpsig.sign_request(plain_request, params, SIGNER))
    proof = httpsig.verify_request(request, lambda _: SIGNER.public_key(), Clock(NOW))
    envelope.check_bound(header, Direction.REQUEST, request.headers["xinlian-to"], proof.params)

    name = data.draw(st.sampled_from(sorted(request.headers)))
    value = request.headers[name]
    position = data.draw(st.integers(0, len(value) - 1))
    changed = value[:position] + data.draw(st.characters(codec="utf-8")) + value[position + 1 :]
    assume(changed != value)
    altered = replace(request, headers={**request.headers, name: changed})
    with pytest.raises((InputError, RefusedError)):
        httpsig.verify_request(altered, lambda _: SIGNER.public_key(), Clock(NOW))


@given(trees(), st.data())
def test_openings_prove_their_subject_and_nothing_else(
    case: tuple[list[Subject], subjects.SubjectsTree], data: st.DataObject
) -> None:
    chosen, tree = case
    assert [subjects.verify_opening(opening, tree.root, tree.size) for opening in tree.openings] == chosen
    opening = data.draw(st.sampled_from(tree.openings))
    index = data.draw(st.integers(0, tree.size))
    assume(index != opening.index)
    moved = Opening(opening.disclosure, index, opening.size, opening.path)
    with pytest.raises(RefusedError) as caught:
        subjects.verify_opening(moved, tree.root, tree.size)
    assert caught.value.code == "subject-not-proven"
