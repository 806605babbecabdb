"""Properties of notices: what is written is read back, and no altered byte passes or crashes."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from xinlian.protocol import envelope, notices
from xinlian.protocol.b64 import b64u
from xinlian.protocol.envelope import Direction, EnvelopeHeader, Rid
from xinlian.protocol.errors import InputError, XinlianError
from xinlian.protocol.messages import CaseRef
from xinlian.protocol.notices import (
    Acknowledgement,
    Concerned,
    Done,
    Erased,
    Facts,
    HandedText,
    Kept,
    Notice,
    NoticeCheck,
    NoticeId,
    NoticeKind,
    StoredText,
)
from xinlian.protocol.types import EpochS, KeyId, Uscc, uuid7_text

RECEIVER = X25519PrivateKey.from_private_bytes(bytes(range(32)))
USCCS = [Uscc(text) for text in ("12411599MBDEM00233", "11411599MBDEM0066K", "11411599MBDEM0015B", "11411599MBDEM004XQ")]

usccs = st.sampled_from(USCCS)
kids = st.binary(min_size=32, max_size=32).map(lambda raw: KeyId(b64u(raw)))
rids = st.binary(min_size=16, max_size=16).map(lambda raw: Rid(b64u(raw)))
ids = st.binary(min_size=16, max_size=16).map(lambda raw: NoticeId(raw.hex()))
times = st.integers(0, 2**40).map(EpochS)
record_ids = st.builds(uuid7_text, st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
leaves = st.binary(min_size=32, max_size=32)
revisions = st.dictionaries(st.integers(1, 2**31), leaves, min_size=1, max_size=5).map(lambda d: tuple(sorted(d.items())))
concerned = st.builds(Concerned, record_ids, revisions, st.lists(rids, min_size=1, max_size=5, unique=True).map(tuple))
texts_of_steps = st.builds(HandedText, leaves, leaves, st.binary(min_size=2, max_size=300))
bodies = st.builds(Erased, concerned, st.integers(0, 255), times) | texts_of_steps
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200)
cases = st.builds(CaseRef, usccs, st.from_regex(r"[A-Z0-9_-]{1,32}", fullmatch=True))
results = st.builds(Done, st.integers(0, 2**31), st.lists(st.builds(Kept, cases, texts, times), max_size=3).map(tuple))
headers = st.builds(EnvelopeHeader, st.just(1), st.sampled_from(Direction), usccs, usccs, kids, kids, rids)


@st.composite
def notice(draw: st.DrawFn) -> Notice:
    created = draw(times)
    life = draw(st.integers(1, notices.MAX_LIFE_S))
    return Notice(draw(ids), draw(usccs), draw(usccs), created, EpochS(created + life), draw(bodies))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    told = draw(notice())
    if draw(st.booleans()):
        return Facts.refused(told, draw(st.sampled_from(NoticeCheck)), draw(times))
    result = draw(results) if told.kind is NoticeKind.ERASED else draw(st.builds(StoredText, leaves))
    return Facts.done(told, result, draw(times))


@given(notice(), st.data())
def test_every_notice_is_read_back_and_no_damaged_one_crashes_the_parser(told: Notice, data: st.DataObject) -> None:
    raw = notices.dumps_notice(told)
    assert notices.parse_notice(raw) == told
    damaged = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        parsed = notices.parse_notice(bytes(damaged))
    except XinlianError:
        return
    assert notices.parse_notice(notices.dumps_notice(parsed)) == parsed


@given(rids, st.binary(min_size=32, max_size=32), facts(), st.data())
def test_every_acknowledgement_is_read_back_and_no_damaged_one_crashes_the_parser(
    rid: Rid, digest: bytes, said: Facts, data: st.DataObject
) -> None:
    given_one = Acknowledgement(rid, digest, said)
    raw = notices.dumps_acknowledgement(given_one)
    assert notices.parse_acknowledgement(raw) == given_one
    damaged = bytearray(raw)
    damaged[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        parsed = notices.parse_acknowledgement(bytes(damaged))
    except XinlianError:
        return
    assert notices.parse_acknowledgement(notices.dumps_acknowledgement(parsed)) == parsed


@given(headers, headers, st.binary(max_size=60))
def test_info_is_unique_to_its_envelope_in_every_direction(first: EnvelopeHeader, second: EnvelopeHeader, text: bytes) -> None:
    def info(header: EnvelopeHeader) -> bytes:
        reply = header.direction in {Direction.ANSWER, Direction.ACKNOWLEDGEMENT}
        return envelope.info_bytes(header, text if reply else None)

    assert (info(first) == info(second)) is (first == second)
    assert envelope.parse_header(envelope.dumps_header(first)) == first


@given(headers.filter(lambda h: h.direction is Direction.NOTICE), st.binary(max_size=200), st.data())
def test_sealed_notices_open_only_unaltered(header: EnvelopeHeader, text: bytes, data: st.DataObject) -> None:
    sealed = envelope.seal_request(header, text, RECEIVER.public_key())
    assert envelope.open_request(header, sealed, RECEIVER) == text
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    altered = bytearray(sealed)
    altered[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InputError) as caught:
        envelope.open_request(header, bytes(altered), RECEIVER)
    assert caught.value.code == "envelope-not-opened"
