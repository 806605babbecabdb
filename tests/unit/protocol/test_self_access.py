"""Requests for the own ledger, answers, and the statements about them: what is written is read back, mistakes have codes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from xinlian.protocol.b64 import b64u
from xinlian.protocol.dataset.model import SubjectKind
from xinlian.protocol.envelope import Rid
from xinlian.protocol.errors import InputError, PeerError
from xinlian.protocol.messages import (
    Login,
    ProviderCheck,
    SelfAccessAnswer,
    SelfAccessRequest,
    View,
    dumps_self_access,
    dumps_self_access_answer,
    parse_self_access_answer,
    parse_self_access_request,
)
from xinlian.protocol.messages.self_access import MAX_PAGE, SIGNED_LABEL
from xinlian.protocol.statements import (
    ReadRole,
    SelfAccessClear,
    SelfAccessDisclosed,
    SelfAccessOutcome,
    StatementIds,
    parse_self_access,
    seal_self_access,
)
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, KeyId, RecordId, Uscc

AUTHORITY, POLICE = Uscc("11411599MBDEM0015B"), Uscc("11411599MBDEM0066K")
KEY = KeyId(b64u(bytes([1]) * 32))
RID = Rid(b64u(bytes(range(16))))
NOW = EpochS(1_793_500_000)
REQUEST = SelfAccessRequest(
    RID,
    AUTHORITY,
    POLICE,
    KEY,
    KEY,
    bytes(32),
    Subject(SubjectKind.PERSON, "411599199001010014"),
    Login("https://id.example", "oidc", NOW),
    0,
    MAX_PAGE,
    NOW,
    EpochS(NOW + 60),
    bytes(range(65)),
)
DIGEST = bytes(range(32))
ANSWER = SelfAccessAnswer(RID, DIGEST, View(7, NOW), None, ({"format": "x"}, {"format": "y"}), 12)


def test_a_request_is_read_back_and_the_signature_covers_all_of_it() -> None:
    raw = dumps_self_access(REQUEST)
    assert parse_self_access_request(raw) == REQUEST
    assert REQUEST.signed_text().startswith(SIGNED_LABEL)
    assert replace(REQUEST, signature=b"").signed_text() == REQUEST.signed_text()
    others = (
        replace(REQUEST, rid=Rid(b64u(bytes(16)))),
        replace(REQUEST, to_uscc=AUTHORITY),
        replace(REQUEST, from_uscc=POLICE),
        replace(REQUEST, subject=Subject(SubjectKind.PERSON, "411599199102020027")),
        replace(REQUEST, login=Login("https://id.example", "demo", NOW)),
        replace(REQUEST, after=1),
        replace(REQUEST, reply_key=bytes([1]) * 32),
        replace(REQUEST, expires=EpochS(NOW + 59)),
    )
    assert len({one.signed_text() for one in (REQUEST, *others)}) == len(others) + 1
    assert "4115991990" not in repr(REQUEST)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"purpose": "HPF_LOAN_REVIEW"}, "request-form"),
        ({"limit": MAX_PAGE + 1}, "request-form"),
        ({"limit": 0}, "request-form"),
        ({"after": -1}, "request-form"),
        ({"expires": NOW + 61}, "request-window"),
        ({"signature": "00"}, "request-form"),
        ({"login": {"issuer": "x", "method": "oidc"}}, "request-form"),
        ({"login": {"issuer": "", "method": "oidc", "at": 1}}, "request-form"),
        ({"subject": {"kind": "person", "value": "411599199001010015"}}, "code-check-digit"),
        ({"subject": {"kind": "ghost", "value": "1"}}, "request-form"),
        ({"more": 1}, "request-form"),
    ],
)
def test_a_request_that_is_not_of_its_form(change: dict[str, Any], code: str) -> None:
    value = {**json.loads(dumps_self_access(REQUEST)), **change}
    with pytest.raises(InputError) as caught:
        parse_self_access_request(json.dumps(value).encode())
    assert caught.value.code == code


def test_an_answer_is_read_back() -> None:
    for answer in (ANSWER, replace(ANSWER, check=ProviderCheck.AUTHORITY, entries=(), next=None)):
        assert parse_self_access_answer(dumps_self_access_answer(answer), REQUEST, DIGEST) == answer


@pytest.mark.parametrize(
    "answer",
    [
        replace(ANSWER, rid=Rid(b64u(bytes(16)))),
        replace(ANSWER, request_digest=bytes(32)),
        replace(ANSWER, entries=(), next=5),
    ],
    ids=["another rid", "another request", "a page that does not move on"],
)
def test_an_answer_to_something_else(answer: SelfAccessAnswer) -> None:
    with pytest.raises(PeerError) as caught:
        parse_self_access_answer(dumps_self_access_answer(answer), REQUEST, DIGEST)
    assert caught.value.code == "answer-mismatch"
    with pytest.raises(PeerError):
        parse_self_access_answer(dumps_self_access_answer(ANSWER), replace(REQUEST, after=12), DIGEST)
    with pytest.raises(PeerError):
        parse_self_access_answer(dumps_self_access_answer(ANSWER), replace(REQUEST, limit=1), DIGEST)


def test_a_statement_is_read_back_with_and_without_its_disclosures() -> None:
    ids = StatementIds(POLICE, RecordId("019a0b1c-2d3e-7f00-8000-000000000001"), NOW)
    clear = SelfAccessClear(RID, ReadRole.PROVIDER, AUTHORITY, NOW, SelfAccessOutcome.GIVEN, DIGEST, DIGEST)
    disclosed = SelfAccessDisclosed(b64u(bytes(32)), "https://id.example", "oidc", 3, None)
    sealed = seal_self_access(ids, clear, disclosed, bytes(32))
    whole = parse_self_access(sealed.statement, sealed.disclosures)
    assert (whole.clear, whole.disclosed, whole.leaf) == (clear, disclosed, sealed.leaf)
    assert parse_self_access(sealed.statement).disclosed is None
    for outcome in (SelfAccessOutcome.ATTEMPTED, SelfAccessOutcome.NO_ANSWER, SelfAccessOutcome.NOT_PROVEN):
        with pytest.raises(InputError) as caught:
            seal_self_access(ids, replace(clear, outcome=outcome), disclosed, bytes(32))
        assert caught.value.code == "statement-form"
