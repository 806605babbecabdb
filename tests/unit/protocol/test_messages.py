"""Requests and answers: what is written is read back, and every mistake has its own code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from xinlian.protocol import messages, subjects
from xinlian.protocol.b64 import b64u
from xinlian.protocol.dataset.model import Mode, SubjectKind
from xinlian.protocol.envelope import Direction, EnvelopeHeader, Rid
from xinlian.protocol.errors import CATALOGUE, InputError, PeerError, RefusedError, XinlianError
from xinlian.protocol.messages import (
    Answer,
    AnswerItem,
    CaseRef,
    Evidence,
    GrantRef,
    InCorrection,
    Outcome,
    ProviderCheck,
    Request,
    RequestItem,
    ShownAuthorisation,
    View,
)
from xinlian.protocol.notices import NoticeCheck
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, KeyId, Uscc

FUND, POLICE = Uscc("12411599MBDEM00233"), Uscc("11411599MBDEM0066K")
SIGNING, SEALING = (KeyId(b64u(bytes([n]) * 32)) for n in (1, 2))
RID = Rid(b64u(bytes(range(16))))
NOW = 1_793_500_000
TREE = subjects.build(
    [Subject(SubjectKind.PERSON, "411599199001010014"), Subject(SubjectKind.PERSON, "411599199102020027")], [b"a" * 16, b"b" * 16]
)
QUERY = Request(
    rid=RID,
    from_uscc=FUND,
    to_uscc=POLICE,
    signing_kid=SIGNING,
    sealing_kid=SEALING,
    reply_key=bytes(range(32)),
    grant=GrantRef(POLICE, 7),
    dataset=f"{POLICE}/000001@1",
    case=CaseRef(FUND, "GJJDK1-20261102-000001"),
    purpose="HOME-LOAN",
    mode=Mode.QUERY,
    fields=("name", "buyers.1.name"),
    view=None,
    items=(RequestItem((TREE.openings[0],), {}),),
    created=EpochS(NOW),
    expires=EpochS(NOW + 60),
)
VERIFY = replace(QUERY, mode=Mode.VERIFY, fields=("name",), items=(RequestItem((TREE.openings[0],), {"name": "测试甲"}),))
ANSWER = replace(QUERY, mode=Mode.ANSWER, fields=(), view="home_count", items=(RequestItem(TREE.openings, {"floor": 3}),))
STANDING = replace(QUERY, case=None)
SHOWN = ShownAuthorisation(FUND, bytes(range(32)), bytes(32), '{"document":"authorisation","signed_by":"手写签名"}'.encode())
AUTHORISED = replace(QUERY, authorisations=(SHOWN, replace(SHOWN, id=bytes(32))))


def code_of(call: Callable[[], object], kind: type[XinlianError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert "4115991990" not in caught.value.message + repr(caught.value.fields)
    return caught.value.code


def as_json(request: Request = QUERY) -> dict[str, Any]:
    value = json.loads(messages.dumps_request(request))
    assert isinstance(value, dict)
    return value


def raw(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# -- requests -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_", [QUERY, VERIFY, ANSWER, STANDING, AUTHORISED], ids=["query", "verify", "answer", "standing", "authorised"]
)
def test_request_round_trip(request_: Request) -> None:
    text = messages.dumps_request(request_)
    assert messages.parse_request(text) == request_
    assert messages.dumps_request(messages.parse_request(text)) == text


@pytest.mark.parametrize("name", sorted(as_json()))
def test_every_member_is_required_and_no_other_is_taken(name: str) -> None:
    value = as_json()
    del value[name]
    assert code_of(lambda: messages.parse_request(raw(value))) == "request-form"
    assert code_of(lambda: messages.parse_request(raw({**as_json(), name + "x": 1}))) == "request-form"


ITEM = as_json()["items"][0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"v": 2}, "request-form"),
        ({"v": True}, "request-form"),
        ({"rid": RID[:-1] + "x"}, "request-form"),
        ({"rid": None}, "request-form"),
        ({"from": FUND[:-1]}, "request-form"),
        ({"to": POLICE.lower()}, "request-form"),
        ({"signing_key": "x"}, "request-form"),
        ({"sealing_key": SEALING + "A"}, "request-form"),
        ({"reply_key": b64u(bytes(31))}, "request-form"),
        ({"grant": None}, "request-form"),
        ({"grant": {"provider": POLICE, "number": 0}}, "request-form"),
        ({"grant": {"provider": POLICE, "number": "1"}}, "request-form"),
        ({"grant": {"provider": POLICE, "number": 1, "x": 1}}, "request-form"),
        ({"dataset": f"{POLICE}/1@1"}, "request-form"),
        ({"dataset": f"{POLICE}/000001@0"}, "request-form"),
        ({"case": {"lead": FUND}}, "request-form"),
        ({"case": {"lead": FUND, "no": "a b"}}, "request-form"),
        ({"case": {"lead": FUND, "no": "A" * 33}}, "request-form"),
        ({"purpose": "home loan"}, "request-form"),
        ({"mode": "batch"}, "request-mode"),
        ({"mode": None}, "request-mode"),
        ({"mode": ["query"]}, "request-mode"),
        ({"fields": []}, "request-form"),
        ({"fields": "name"}, "request-form"),
        ({"fields": ["name", "name"]}, "request-form"),
        ({"fields": ["Name"]}, "request-form"),
        ({"fields": [f"f{n}" for n in range(257)]}, "request-too-many-fields"),
        ({"view": "home_count"}, "request-form"),
        ({"items": []}, "request-form"),
        ({"items": [ITEM] * 101}, "request-too-many-items"),
        ({"items": [{"subjects": ITEM["subjects"] * 2, "values": {}}]}, "request-too-many-subjects"),
        ({"items": [{"subjects": [], "values": {}}]}, "request-form"),
        ({"items": [{"subjects": ITEM["subjects"], "values": {"name": "x"}}]}, "request-form"),
        ({"items": [{"subjects": ITEM["subjects"], "values": None}]}, "request-form"),
        ({"items": [{"subjects": [{}], "values": {}}]}, "subject-opening-form"),
        ({"items": [[]]}, "request-form"),
        ({"created": -1}, "request-form"),
        ({"created": 1.5}, "request-form"),
        ({"expires": NOW}, "request-window"),
        ({"expires": NOW + 61}, "request-window"),
        ({"expires": NOW - 1}, "request-window"),
    ],
)
def test_mistakes_in_a_query_have_codes(change: dict[str, Any], code: str) -> None:
    assert code_of(lambda: messages.parse_request(raw(as_json() | change))) == code


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"name": "x", "other": "y"},
        {"other": "y"},
        {"name": ["x"]},
        {"name": {"x": 1}},
        {"name": "x" * 4097},
        {"name": 1.5},
    ],
    ids=str,
)
def test_verify_has_a_scalar_for_every_field(values: dict[str, Any]) -> None:
    changed = as_json(VERIFY) | {"items": [{"subjects": ITEM["subjects"], "values": values}]}
    assert code_of(lambda: messages.parse_request(raw(changed))) == "request-form"


@pytest.mark.parametrize("value", ["x", 1, -1, True, None, "120000.00"])
def test_verify_takes_every_scalar(value: str | int | None) -> None:
    request = replace(VERIFY, items=(RequestItem((TREE.openings[0],), {"name": value}),))
    assert messages.parse_request(messages.dumps_request(request)).items[0].values == {"name": value}


def test_answer_names_a_view_and_a_family_of_up_to_eight() -> None:
    family = replace(ANSWER, items=(RequestItem(TREE.openings[:1] * 8, {}),))
    assert messages.parse_request(messages.dumps_request(family)) == family
    nine = replace(ANSWER, items=(RequestItem(TREE.openings[:1] * 9, {}),))
    assert code_of(lambda: messages.dumps_request(nine)) == "request-too-many-subjects"
    assert code_of(lambda: messages.dumps_request(replace(ANSWER, view=None))) == "request-form"
    assert code_of(lambda: messages.dumps_request(replace(ANSWER, fields=("name",)))) == "request-form"
    assert code_of(lambda: messages.dumps_request(replace(ANSWER, mode=Mode.BATCH))) == "request-mode"


def test_hundred_items_and_256_fields_fit() -> None:
    full = replace(QUERY, fields=tuple(f"f{n}" for n in range(256)), items=QUERY.items * 100)
    assert messages.parse_request(messages.dumps_request(full)) == full


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "json-broken"),
        (b"[]", "request-form"),
        (b"\xff", "json-broken"),
        (b'{"v":1,"v":1}', "json-duplicate-key"),
        (b"[" * 20 + b"]" * 20, "json-too-deep"),
        (b'{"v":NaN}', "json-not-exact"),
        (b" " * (messages.MAX_REQUEST_BYTES + 1), "request-too-large"),
    ],
)
def test_broken_bodies_have_codes(text: bytes, code: str) -> None:
    assert code_of(lambda: messages.parse_request(text)) == code


HEADER = EnvelopeHeader(1, Direction.REQUEST, FUND, POLICE, SIGNING, SEALING, RID)


@pytest.mark.parametrize(
    ("header", "member"),
    [
        (replace(HEADER, direction=Direction.ANSWER), "direction"),
        (replace(HEADER, rid=Rid(b64u(bytes(16)))), "rid"),
        (replace(HEADER, from_uscc=Uscc("11411599MBDEM0015B")), "from"),
        (replace(HEADER, to_uscc=Uscc("11411599MBDEM0015B")), "to"),
        (replace(HEADER, from_kid=SEALING), "signing_key"),
        (replace(HEADER, to_kid=SIGNING), "sealing_key"),
    ],
)
def test_inside_and_outside_must_agree(header: EnvelopeHeader, member: str) -> None:
    messages.check_outside(QUERY, HEADER)
    with pytest.raises(InputError) as caught:
        messages.check_outside(QUERY, header)
    assert (caught.value.code, caught.value.fields["member"]) == ("envelope-mismatch", member)


def test_grant_is_the_addressees() -> None:
    other = replace(QUERY, grant=GrantRef(FUND, 1))
    assert code_of(lambda: messages.check_outside(other, HEADER)) == "envelope-mismatch"


def test_time_has_sharp_edges() -> None:
    for now_s in (NOW - 5, NOW + 64):
        messages.check_time(QUERY, now_s, 5)
    for now_s in (NOW - 6, NOW + 65):
        assert code_of(partial(messages.check_time, QUERY, now_s, 5), RefusedError) == "request-expired"


# -- the provider's checks ------------------------------------------------------------------------------


def test_every_check_has_its_code_with_cause_and_remedy() -> None:
    codes = {check.code for check in ProviderCheck}
    others = {check.code for check in NoticeCheck}
    plain = {check.value for check in ProviderCheck if check.value.startswith("authorisation-")}
    assert codes - plain == {code for code in CATALOGUE if code.startswith("refused-")} - others
    assert plain <= codes
    assert not codes & others
    for code in codes:
        assert CATALOGUE[code].cause
        assert CATALOGUE[code].remedy
    error = messages.refusal(ProviderCheck.CASE_OPEN, "the case is closed", case_no="A-1")
    assert type(error) is RefusedError
    assert (error.code, error.fields) == ("refused-case-open", {"check": "case-open", "case_no": "A-1"})


# -- answers --------------------------------------------------------------------------------------------

RECEIPT = {"chain_id": 31337, "index": 0}
ANCHORED = Evidence(b'{"a":1}', ("WyJh",), RECEIPT)
PENDING = Evidence(b'{"a":1}', (), None, "aa.bb.cc", EpochS(NOW + 600))
REPLACED = replace(ANCHORED, successor={"statement": "AAAA", "receipt": RECEIPT})
REPLY = Answer(
    RID,
    hashlib.sha256(b"sealed").digest(),
    View(12, EpochS(NOW - 3)),
    (
        AnswerItem(Outcome.RECORDS, (ANCHORED, PENDING, REPLACED)),
        AnswerItem(Outcome.MATCH, (ANCHORED,)),
        AnswerItem(Outcome.MISMATCH, answer=replace(PENDING, in_correction=(InCorrection("buyers.1.name", EpochS(NOW)),))),
        AnswerItem(Outcome.NONE, answer=ANCHORED),
        AnswerItem(Outcome.ANSWER, answer=PENDING),
        AnswerItem(Outcome.REFUSED, check=ProviderCheck.FIELDS),
    ),
)


def reply_json() -> dict[str, Any]:
    value = json.loads(messages.dumps_answer(REPLY))
    assert isinstance(value, dict)
    return value


def test_answer_round_trip() -> None:
    text = messages.dumps_answer(REPLY)
    assert messages.parse_answer(text) == REPLY
    assert messages.dumps_answer(messages.parse_answer(text)) == text


E_JSON = reply_json()["items"][1]["records"][0]
P_JSON = reply_json()["items"][2]["answer"]


def item_json(**changes: object) -> dict[str, Any]:
    return {"items": [{"outcome": "records", "records": [E_JSON], "answer": None, "check": None} | changes]}


@pytest.mark.parametrize(
    "change",
    [
        {"v": 0},
        {"rid": "x"},
        {"request_digest": "00"},
        {"request_digest": "AA" * 32},
        {"view": {"block_number": 1}},
        {"view": {"block_number": -1, "block_time": 1}},
        {"items": []},
        {"items": [1]},
        {"extra": 1},
        item_json(outcome="maybe"),
        item_json(outcome=None),
        item_json(outcome="refused"),
        item_json(outcome="refused", records=[], check="because"),
        item_json(outcome="refused", records=[]),
        item_json(outcome="refused", check="fields"),
        item_json(outcome="none"),
        item_json(outcome="none", records=[], answer=None),
        item_json(records=[]),
        item_json(check="fields"),
        item_json(answer=P_JSON),
        item_json(records=[E_JSON] * 257),
        item_json(records=[E_JSON | {"receipt": None}]),
        item_json(records=[E_JSON | {"anchor_by": 1}]),
        item_json(records=[P_JSON | {"signed": None}]),
        item_json(records=[P_JSON | {"anchor_by": None}]),
        item_json(records=[P_JSON | {"signed": "a.b"}]),
        item_json(records=[E_JSON | {"receipt": "x"}]),
        item_json(records=[E_JSON | {"successor": []}]),
        item_json(records=[E_JSON | {"statement": ""}]),
        item_json(records=[E_JSON | {"disclosures": ["a b"]}]),
        item_json(records=[E_JSON | {"disclosures": None}]),
        item_json(records=[E_JSON | {"x": 1}]),
        item_json(records=[E_JSON | {"in_correction": None}]),
        item_json(records=[E_JSON | {"in_correction": [{"field": "a"}]}]),
        item_json(records=[E_JSON | {"in_correction": [{"field": "A b", "since": 1}]}]),
        item_json(records=[E_JSON | {"in_correction": [{"field": "a", "since": -1}]}]),
        item_json(records=[E_JSON | {"in_correction": [{"field": "a", "since": 1}] * 2}]),
    ],
    ids=lambda c: raw(c).decode()[:60],
)
def test_mistakes_in_an_answer_have_one_code(change: dict[str, Any]) -> None:
    assert code_of(lambda: messages.parse_answer(raw(reply_json() | change))) == "answer-form"


def test_statement_is_canonical_base64url() -> None:
    changed = item_json(records=[E_JSON | {"statement": "AB"}])
    assert code_of(lambda: messages.parse_answer(raw(reply_json() | changed))) == "base64-form"


def test_answer_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    text = messages.dumps_answer(REPLY)
    monkeypatch.setattr("xinlian.protocol.messages.answer.MAX_ANSWER_BYTES", len(text))
    assert messages.parse_answer(text) == REPLY
    monkeypatch.setattr("xinlian.protocol.messages.answer.MAX_ANSWER_BYTES", len(text) - 1)
    assert code_of(lambda: messages.parse_answer(text)) == "answer-too-large"
    assert code_of(lambda: messages.dumps_answer(REPLY)) == "answer-too-large"


def test_answer_must_belong_to_its_request() -> None:
    reply = replace(REPLY, items=REPLY.items[:1])
    messages.check_answer(reply, QUERY, b"sealed")
    for wrong, request, ciphertext, member in (
        (replace(reply, rid=Rid(b64u(bytes(16)))), QUERY, b"sealed", "rid"),
        (reply, QUERY, b"sealed2", "request_digest"),
        (replace(reply, items=reply.items * 2), QUERY, b"sealed", "items"),
        (reply, VERIFY, b"sealed", "outcome"),
        (replace(reply, items=(REPLY.items[4],)), QUERY, b"sealed", "outcome"),
    ):
        with pytest.raises(PeerError) as caught:
            messages.check_answer(wrong, request, ciphertext)
        assert (caught.value.code, caught.value.fields["member"]) == ("answer-mismatch", member)


def test_every_outcome_belongs_to_some_mode_and_refused_to_all() -> None:
    assert set().union(*messages.OUTCOMES.values()) == set(Outcome)
    assert set(messages.OUTCOMES) == messages.OFFERED_MODES
    assert all(Outcome.REFUSED in outcomes for outcomes in messages.OUTCOMES.values())
