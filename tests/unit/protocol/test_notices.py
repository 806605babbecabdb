"""Notices and acknowledgements: read back as written, refused with any wrong member, and never taken for a request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from xinlian.protocol import envelope, httpsig, notices
from xinlian.protocol.b64 import b64u
from xinlian.protocol.documents import MAX_TEXT_BYTES
from xinlian.protocol.envelope import Direction, EnvelopeHeader, Rid
from xinlian.protocol.errors import CATALOGUE, InputError, PeerError, RefusedError, XinlianError
from xinlian.protocol.findings import Article, EventRef, Finding, ReadRef
from xinlian.protocol.httpsig import Clock, SignatureParams
from xinlian.protocol.messages import CaseRef
from xinlian.protocol.notices import (
    Acknowledgement,
    Concerned,
    Corrected,
    Done,
    Erased,
    Facts,
    HandedText,
    Kept,
    KnownFinding,
    Noted,
    Notice,
    NoticeCheck,
    NoticeId,
    NoticeKind,
    NoticeMessage,
    NoticeOutcome,
    StoredText,
    ToldFinding,
)
from xinlian.protocol.types import EpochS, KeyId, RecordId, Uscc

POLICE, FUND = Uscc("11411599MBDEM0066K"), Uscc("12411599MBDEM00233")
SIGNING, SEALING, REPLY = (KeyId(b64u(bytes([n]) * 32)) for n in (1, 2, 3))
RID, OTHER_RID = Rid(b64u(bytes(range(16)))), Rid(b64u(bytes(16)))
NOW = 1_793_500_000
KEY = X25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

RECORD = Concerned(RecordId("01a208dd-04fb-7410-b86b-913eca60739a"), ((1, b"\x11" * 32), (3, b"\x22" * 32)), (RID, OTHER_RID))
ERASED = Erased(RECORD, 3, EpochS(NOW - 5))
NOTICE = Notice(NoticeId("00" * 15 + "ff"), POLICE, FUND, EpochS(NOW), EpochS(NOW + 90 * 86_400), ERASED)
TEXT = HandedText(b"\x33" * 32, b"\x44" * 32, '{"document":"answer","note":"同意"}'.encode())
WITH_TEXT = replace(NOTICE, body=TEXT)
CORRECTED = Corrected(RECORD, FUND, 20_261_102_000_001, ("price", "buyers.1.name"), 4, b"\x55" * 32, EpochS(NOW - 9))
OF_CORRECTION = replace(NOTICE, body=CORRECTED)
MESSAGE = NoticeMessage(
    RID, POLICE, FUND, SIGNING, SEALING, bytes(range(32)), EpochS(NOW), EpochS(NOW + 60), notices.dumps_notice(NOTICE)
)
HEADER = EnvelopeHeader(1, Direction.NOTICE, POLICE, FUND, SIGNING, SEALING, RID)
KEPT = Kept(CaseRef(FUND, "CASE-1"), "某法第十条 (合成示例)", EpochS(NOW + 1))
RESULTS = [Done(0), Done(3), Done(0, (KEPT,)), Done(2, (KEPT, replace(KEPT, case=CaseRef(FUND, "CASE-2"))))]
OUTCOMES = [NoticeOutcome.NOTHING_HELD, NoticeOutcome.DELETED, NoticeOutcome.KEPT_BY_DUTY, NoticeOutcome.KEPT_BY_DUTY]


def code_of(call: Callable[[], object], kind: type[XinlianError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        call()
    return caught.value.code


# -- notice -----------------------------------------------------------------------------------------------


def test_notice_and_message_are_read_back() -> None:
    assert notices.parse_notice(notices.dumps_notice(NOTICE)) == NOTICE
    assert notices.parse_message(notices.dumps_message(MESSAGE)) == MESSAGE
    notices.check_carried(MESSAGE, HEADER, NOTICE)


def test_a_text_is_read_back_and_stands_in_no_representation() -> None:
    assert notices.parse_notice(notices.dumps_notice(WITH_TEXT)) == WITH_TEXT
    assert WITH_TEXT.kind is NoticeKind.DOCUMENT
    assert "同意" not in repr(WITH_TEXT)
    facts = Facts.done(WITH_TEXT, StoredText(TEXT.digest), EpochS(NOW))
    assert facts.outcome is NoticeOutcome.STORED
    assert notices.parse_facts(notices.dumps_facts(facts)) == facts


def test_a_correction_is_read_back() -> None:
    assert notices.parse_notice(notices.dumps_notice(OF_CORRECTION)) == OF_CORRECTION
    facts = Facts.done(OF_CORRECTION, Noted(2), EpochS(NOW))
    assert (facts.kind, facts.outcome) == (NoticeKind.CORRECTED, NoticeOutcome.NOTED)
    assert notices.parse_facts(notices.dumps_facts(facts)) == facts
    for body in ({}, {"copies": -1}, {"copies": "1"}, {"copies": 1, "more": 1}, {"deleted": 0, "kept": []}):
        assert code_of(partial(notices.parse_facts, altered(notices.dumps_facts(facts), "body", body))) == "acknowledgement-form"


FOUND = Finding(
    Article.SCOPE,
    "call-outside-grant",
    FUND,
    f"grant {POLICE}/3",
    NOW - 9,
    False,
    (ReadRef(POLICE, 12, "ab" * 32, NOW - 9), EventRef("CaseLedger", "CaseClosed", 7, "0x" + "cd" * 32, 0, NOW - 99)),
    {"check": "purpose", "calls": 1, "last_at": NOW - 9},
)
OF_FINDING = replace(NOTICE, body=ToldFinding(FOUND, EpochS(NOW - 5)))


def test_a_finding_is_read_back_with_its_id() -> None:
    parsed = notices.parse_notice(notices.dumps_notice(OF_FINDING))
    assert parsed == OF_FINDING
    assert isinstance(parsed.body, ToldFinding)
    assert parsed.body.finding.id == FOUND.id
    facts = Facts.done(OF_FINDING, KnownFinding(FOUND.id), EpochS(NOW))
    assert (facts.kind, facts.outcome) == (NoticeKind.FINDING, NoticeOutcome.LISTED)
    assert notices.parse_facts(notices.dumps_facts(facts)) == facts


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("article", "40(9)"),
        ("breach", "A breach"),
        ("department", "authority"),
        ("object", "person 1"),
        ("standing", 1),
        ("evidence", []),
        ("evidence", [{"kind": "text"}]),
        ("evidence", [{"kind": "read", "department": FUND, "position": 0, "leaf": "ab" * 32, "at": 1}]),
        ("evidence", [{"kind": "read", "department": FUND, "position": 1, "leaf": "ab" * 32, "at": 1}] * 51),
        ("facts", {"a": [1]}),
        ("facts", {"a": "x" * 121}),
        ("facts", {f"a{n}": n for n in range(21)}),
        ("more", 1),
    ],
)
def test_a_finding_that_is_none(member: str, value: object) -> None:
    raw = json.loads(notices.dumps_notice(OF_FINDING))
    raw["body"][member] = value
    assert code_of(partial(notices.parse_notice, json.dumps(raw, separators=(",", ":")).encode())) == "notice-form"


WRONG_CORRECTION: dict[str, list[object]] = {
    "kind": ["erased", "document"],
    "body.record": [None, {}, []],
    "body.correction": [None, {}, {"receiver": FUND}, {"receiver": FUND, "number": 0}, {"receiver": "X", "number": 1}],
    "body.fields": [None, [], [""], ["Price"], ["price", "price"], "price", ["x"] * 257],
    "body.rev": [0, 1, 3, "4", None],
    "body.leaf": ["", "55" * 31, None],
    "body.corrected_at": [-1, "1", None],
    "body.more": [1],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, some in WRONG_CORRECTION.items() for value in some])
def test_a_notice_of_a_correction_with_one_wrong_member_is_refused(path: str, value: object) -> None:
    assert code_of(partial(notices.parse_notice, altered(notices.dumps_notice(OF_CORRECTION), path, value))) == "notice-form"


def test_the_largest_text_fits_into_its_message_and_no_larger_one_is_taken() -> None:
    largest = replace(TEXT, text=b"x" * MAX_TEXT_BYTES)
    raw = notices.dumps_notice(replace(NOTICE, body=largest))
    assert notices.parse_notice(raw).body == largest
    notices.dumps_message(replace(MESSAGE, notice=raw))
    for text in (b"x" * (MAX_TEXT_BYTES + 1), b""):
        assert code_of(partial(notices.dumps_notice, replace(NOTICE, body=replace(TEXT, text=text)))) == "notice-form"


WRONG_TEXT: dict[str, list[object]] = {
    "kind": ["erased"],
    "body.digest": ["", "33" * 31, "ZZ" * 32, 1, None],
    "body.salt": ["", b64u(b"s" * 31), b64u(b"s" * 33), "=" * 43, 1, None],
    "body.text": ["", "é", "a", "ab=", 1, [], None],
    "body.more": [1],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, some in WRONG_TEXT.items() for value in some])
def test_a_notice_of_a_text_with_one_wrong_member_is_refused(path: str, value: object) -> None:
    assert code_of(partial(notices.parse_notice, altered(notices.dumps_notice(WITH_TEXT), path, value))) == "notice-form"


@pytest.mark.parametrize("body", [{}, {"digest": "33"}, {"digest": "33" * 32, "more": 1}, {"deleted": 0, "kept": []}])
def test_an_acknowledgement_of_a_text_with_a_wrong_body_is_refused(body: dict[str, object]) -> None:
    good = notices.dumps_acknowledgement(
        Acknowledgement(RID, bytes(32), Facts.done(WITH_TEXT, StoredText(TEXT.digest), EpochS(NOW)))
    )
    assert code_of(partial(notices.parse_acknowledgement, altered(good, "body", body))) == "acknowledgement-form"


def altered(raw: bytes, path: str, value: object) -> bytes:
    """The JSON with one member set (None takes it out); ``path`` has dots."""
    whole: dict[str, Any] = json.loads(raw)
    place: Any = whole
    *parents, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    for step in parents:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return json.dumps(whole).encode()


WRONG: dict[str, list[object]] = {
    "v": [2, "1", True, None],
    "notice": ["00", "zz" * 16, "00" * 17, "FF" * 16, 1, None],
    "from": ["", "11411599MBDEM0066", 7, None],
    "to": ["O" * 18, None],
    "kind": ["", "corrected", "Erased", 1, None],
    "created": [-1, "1", 1.0, NOW + 90 * 86_400, None],
    "expires": [NOW, NOW + 366 * 86_400 + 1, None],
    "body": [[], {}, None],
    "more": ["x"],
    "body.reason": [-1, 256, "3", True, None],
    "body.erased_at": [-1, "x", None],
    "body.more": [1],
    "body.record.id": ["01a208dd-04fb-4410-b86b-913eca60739a", "x", None],
    "body.record.rids": [[], ["x"], [RID, RID], [RID] * 2001, None],
    "body.record.revisions": [
        [],
        [{"rev": 0, "leaf": "11" * 32}],
        [{"rev": 1, "leaf": "11"}],
        [{"rev": 1}],
        [{"rev": 2, "leaf": "11" * 32}, {"rev": 1, "leaf": "11" * 32}],
        [{"rev": 1, "leaf": "11" * 32}, {"rev": 1, "leaf": "22" * 32}],
        None,
    ],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, some in WRONG.items() for value in some])
def test_a_notice_with_one_wrong_member_is_refused(path: str, value: object) -> None:
    raw = altered(notices.dumps_notice(NOTICE), path, value)
    assert code_of(partial(notices.parse_notice, raw)) in {"notice-form", "json-not-exact"}


def test_what_cannot_be_read_is_not_written() -> None:
    for body in (replace(ERASED, reason=300), replace(ERASED, record=replace(RECORD, rids=()))):
        assert code_of(partial(notices.dumps_notice, replace(NOTICE, body=body))) == "notice-form"
    assert code_of(partial(notices.dumps_message, replace(MESSAGE, expires=EpochS(NOW + 61)))) == "notice-form"


def test_sizes_are_bounded_and_the_largest_notice_fits_into_its_message() -> None:
    revisions = tuple((rev, bytes([rev % 256]) * 32) for rev in range(1, 2001))
    rids = tuple(Rid(b64u(number.to_bytes(16, "big"))) for number in range(2000))
    raw = notices.dumps_notice(replace(NOTICE, body=replace(ERASED, record=replace(RECORD, revisions=revisions, rids=rids))))
    notices.dumps_message(replace(MESSAGE, notice=raw))
    assert code_of(lambda: notices.parse_notice(b" " * (640 * 1024 + 1))) == "notice-too-large"
    assert code_of(lambda: notices.parse_message(b" " * (1024 * 1024 + 1))) == "notice-too-large"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("v", 2), ("rid", "x"), ("from", "x"), ("to", "x"), ("signing_key", "x"), ("sealing_key", "x"), ("reply_key", "x"),
        ("created", NOW + 60), ("expires", NOW + 61), ("notice", 1), ("notice", "é"), ("more", 1), ("notice", None),
    ],
)  # fmt: skip
def test_a_message_with_one_wrong_member_is_refused(path: str, value: object) -> None:
    raw = altered(notices.dumps_message(MESSAGE), path, value)
    assert code_of(partial(notices.parse_message, raw)) in {"notice-form", "base64-form"}


@pytest.mark.parametrize(
    ("message", "header", "notice"),
    [
        (MESSAGE, replace(HEADER, direction=Direction.REQUEST), NOTICE),
        (MESSAGE, replace(HEADER, rid=OTHER_RID), NOTICE),
        (MESSAGE, replace(HEADER, from_kid=REPLY), NOTICE),
        (MESSAGE, replace(HEADER, to_kid=REPLY), NOTICE),
        (replace(MESSAGE, from_uscc=FUND), HEADER, NOTICE),
        (replace(MESSAGE, to_uscc=POLICE), HEADER, NOTICE),
        (MESSAGE, HEADER, replace(NOTICE, from_uscc=FUND)),
        (MESSAGE, HEADER, replace(NOTICE, to_uscc=POLICE)),
    ],
)
def test_envelope_message_and_notice_must_agree(message: NoticeMessage, header: EnvelopeHeader, notice: Notice) -> None:
    assert code_of(partial(notices.check_carried, message, header, notice)) == "envelope-mismatch"


def test_a_messages_time_has_sharp_edges() -> None:
    for now_s in (NOW - 5, NOW + 64):
        notices.check_message_time(MESSAGE, now_s, 5)
    for now_s in (NOW - 6, NOW + 65):
        assert code_of(partial(notices.check_message_time, MESSAGE, now_s, 5), RefusedError) == "request-expired"


# -- acknowledgement --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("result", "outcome"), list(zip(RESULTS, OUTCOMES, strict=True)))
def test_what_was_done_is_read_back(result: Done, outcome: NoticeOutcome) -> None:
    facts = Facts.done(NOTICE, result, EpochS(NOW))
    assert facts.outcome is outcome
    given = Acknowledgement(RID, bytes(32), facts)
    assert notices.parse_acknowledgement(notices.dumps_acknowledgement(given)) == given
    assert notices.parse_facts(notices.dumps_facts(facts)) == facts


@pytest.mark.parametrize("check", NoticeCheck)
def test_every_refusal_is_read_back_and_has_its_code(check: NoticeCheck) -> None:
    facts = Facts.refused(NOTICE, check, EpochS(NOW))
    assert notices.parse_facts(notices.dumps_facts(facts)) == facts
    error = notices.notice_refusal(check, "why")
    assert type(error) is RefusedError
    assert (error.code, error.fields) == (f"refused-{check.value}", {"check": check.value})
    assert CATALOGUE[error.code].remedy


ACKNOWLEDGED = notices.dumps_acknowledgement(Acknowledgement(RID, bytes(32), Facts.done(NOTICE, RESULTS[-1], EpochS(NOW))))
WRONG_ACKNOWLEDGEMENT: dict[str, list[object]] = {
    "v": [2],
    "rid": ["x"],
    "notice_digest": ["00"],
    "notice": ["x"],
    "kind": ["corrected"],
    "outcome": ["deleted", "nothing-held", "refused", "done"],
    "check": ["notice-source", "grant-exists"],
    "time": [-1],
    "body": [{}, {"deleted": 1, "kept": [], "more": 1}, {"deleted": -1, "kept": []}, {"deleted": 1, "kept": []}],
    "body.kept.0.basis": ["", "x" * 201, "two\nlines", "\u0085", 1],
    "body.kept.0.until": [-1, None],
    "body.kept.0.case.no": ["a b"],
    "more": [1],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, some in WRONG_ACKNOWLEDGEMENT.items() for value in some])
def test_an_acknowledgement_with_one_wrong_member_is_refused(path: str, value: object) -> None:
    assert code_of(partial(notices.parse_acknowledgement, altered(ACKNOWLEDGED, path, value))) == "acknowledgement-form"


def test_a_refusal_with_a_body_and_a_success_without_are_none() -> None:
    refused = notices.dumps_acknowledgement(Acknowledgement(RID, bytes(32), Facts.refused(NOTICE, NoticeCheck.SOURCE, EpochS(1))))
    with_body = altered(refused, "body", {"deleted": 0, "kept": []})
    assert code_of(partial(notices.parse_acknowledgement, with_body)) == "acknowledgement-form"
    without = json.dumps({**json.loads(ACKNOWLEDGED), "body": None}).encode()
    assert code_of(partial(notices.parse_acknowledgement, without)) == "acknowledgement-form"


def test_an_acknowledgement_belongs_to_its_notice_and_its_message() -> None:
    ciphertext = b"sealed"
    good = Acknowledgement(RID, hashlib.sha256(ciphertext).digest(), Facts.done(NOTICE, Done(1), EpochS(NOW)))
    notices.check_acknowledges(good, NOTICE, RID, ciphertext)
    other = replace(NOTICE, id=NoticeId("11" * 16))
    for call in (
        partial(notices.check_acknowledges, good, NOTICE, OTHER_RID, ciphertext),
        partial(notices.check_acknowledges, good, NOTICE, RID, b"other"),
        partial(notices.check_acknowledges, good, other, RID, ciphertext),
    ):
        assert code_of(call, PeerError) == "acknowledgement-mismatch"


# -- never the one for the other ------------------------------------------------------------------------------


def test_a_notice_does_not_open_as_a_request_nor_the_other_way_round() -> None:
    as_request = replace(HEADER, direction=Direction.REQUEST)
    for made, taken in ((HEADER, as_request), (as_request, HEADER)):
        sealed = envelope.seal_request(made, b"text", KEY.public_key())
        assert code_of(partial(envelope.open_request, taken, sealed, KEY)) == "envelope-not-opened"
    answer, acknowledgement = (envelope.answer_header(one, SIGNING, REPLY) for one in (as_request, HEADER))
    assert (answer.direction, acknowledgement.direction) == (Direction.ANSWER, Direction.ACKNOWLEDGEMENT)
    sealed = envelope.seal_answer(acknowledgement, b"text", KEY.public_key(), b"c")
    assert code_of(partial(envelope.open_answer, answer, sealed, KEY, b"c")) == "envelope-not-opened"
    assert envelope.open_answer(acknowledgement, sealed, KEY, b"c") == b"text"


def test_info_of_notices_has_fixed_lengths_and_a_label_of_its_own() -> None:
    acknowledgement = envelope.answer_header(HEADER, SIGNING, REPLY)
    assert (len(envelope.info_bytes(HEADER)), len(envelope.info_bytes(acknowledgement, b""))) == (135, 167)
    assert envelope.info_bytes(HEADER).startswith(b"xinlian notice/1\x00\x01\x03")
    assert envelope.info_bytes(acknowledgement, b"").startswith(b"xinlian notice/1\x00\x01\x04")
    assert code_of(partial(envelope.info_bytes, HEADER, b"c")) == "envelope-mismatch"
    assert code_of(partial(envelope.info_bytes, acknowledgement)) == "envelope-mismatch"


@pytest.mark.parametrize(("made", "taken"), [(httpsig.TAG, httpsig.NOTICE_TAG), (httpsig.NOTICE_TAG, httpsig.TAG)])
def test_a_signature_for_the_one_is_none_for_the_other(made: str, taken: str) -> None:
    params = SignatureParams(EpochS(NOW), EpochS(NOW + 60), RID, SIGNING, made)
    fields = {"xinlian-to": FUND, "xinlian-envelope": envelope.dumps_header(HEADER)}
    plain = httpsig.Request("POST", "/exchange/v1/notices", None, fields, b"body")
    request = replace(plain, headers=httpsig.sign_request(plain, params, SIGNER))

    def find(_: KeyId) -> Any:
        return SIGNER.public_key()

    proof = httpsig.verify_request(request, find, Clock(NOW), made)
    assert proof.params == params
    assert code_of(partial(httpsig.verify_request, request, find, Clock(NOW), taken)) == "signature-form"
    plain_reply = httpsig.Response(200, {}, b"reply")
    reply = replace(plain_reply, headers=httpsig.sign_response(plain_reply, proof.signature, params, SIGNER))
    httpsig.verify_response(reply, proof.signature, find, Clock(NOW), made)
    assert code_of(partial(httpsig.verify_response, reply, proof.signature, find, Clock(NOW), taken)) == "signature-form"
