"""Read entries and answer statements: sealed by the record encoder, clear parts that nobody can guess."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from xinlian.protocol import record, statements
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.dataset.model import Mode, SubjectKind
from xinlian.protocol.envelope import Rid
from xinlian.protocol.errors import EvidenceError, InputError, XinlianError
from xinlian.protocol.messages import CaseRef, GrantRef, Outcome, View
from xinlian.protocol.record import StatementHead
from xinlian.protocol.statements import (
    AnswerClear,
    AnswerDisclosed,
    ReadClear,
    ReadDisclosed,
    ReadOutcome,
    ReadRole,
    StatementIds,
)
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, RecordId, Uscc

FUND, POLICE = Uscc("12411599MBDEM00233"), Uscc("11411599MBDEM0066K")
NOW = EpochS(1_793_500_000)
RID = Rid(b64u(bytes(range(16))))
JTI, OTHER_JTI = RecordId("01a3185c-5000-7000-8000-000000000000"), RecordId("01a3185c-5000-7000-8000-000000000001")
IDS = StatementIds(POLICE, JTI, NOW)
RECORD_KEY, NAME_KEY = bytes(range(32)), bytes(range(1, 33))
JIA = Subject(SubjectKind.PERSON, "411599199001010014")
DIGEST, ANSWER_DIGEST = hashlib.sha256(b"request").digest(), hashlib.sha256(b"answer").digest()

CLEAR = ReadClear(
    rid=RID,
    item=0,
    role=ReadRole.PROVIDER,
    counterparty=FUND,
    grant=GrantRef(POLICE, 7),
    case=CaseRef(FUND, "GJJDK1-20261102-000001"),
    time=NOW,
    outcome=ReadOutcome.RECORDS,
    record_tag=statements.record_tag(NAME_KEY, [JTI]),
    request_digest=DIGEST,
    answer_digest=ANSWER_DIGEST,
)
DISCLOSED = ReadDisclosed(
    mode=Mode.QUERY,
    dataset=f"{POLICE}/000001@1",
    purpose="HOME-LOAN",
    fields=("name", "buyers.1.name"),
    derived_view=None,
    subjects=(statements.subject_pseudonym(NAME_KEY, JIA),),
    record_ids=(JTI,),
    operator=None,
)
A_CLEAR = AnswerClear(DIGEST, 3, View(12, EpochS(NOW - 3)), 5, f"{POLICE}/000001@1", Mode.ANSWER, "home_count")
A_DISCLOSED = AnswerDisclosed(("WyJh",), (), {"floor": 3}, Outcome.ANSWER, 0, (DIGEST, ANSWER_DIGEST))


def code_of(call: Callable[[], object], kind: type[XinlianError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert JIA.value not in caught.value.message + repr(caught.value.fields)
    return caught.value.code


# -- keyed names ----------------------------------------------------------------------------------------


def test_pseudonyms_differ_by_key_kind_and_value() -> None:
    names = [
        statements.subject_pseudonym(NAME_KEY, JIA),
        statements.subject_pseudonym(RECORD_KEY, JIA),
        statements.subject_pseudonym(NAME_KEY, Subject(SubjectKind.PERSON, "411599199102020027")),
        statements.subject_pseudonym(NAME_KEY, Subject(SubjectKind.CONTRACT, JIA.value)),
        statements.subject_pseudonym(NAME_KEY, Subject(SubjectKind.PERMIT, JIA.value)),
    ]
    assert len(set(names)) == len(names)
    assert all(len(unb64u(name)) == 32 for name in names)
    assert names[0] == statements.subject_pseudonym(NAME_KEY, JIA)


def test_pseudonym_vector() -> None:
    parts = [b"person", JIA.value.encode()]
    message = b"xinlian subject/1" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)

    assert statements.subject_pseudonym(NAME_KEY, JIA) == b64u(hmac.new(NAME_KEY, message, "sha256").digest())


def test_record_tag_is_of_the_set() -> None:
    tag = statements.record_tag(NAME_KEY, [JTI])
    assert tag == statements.record_tag(NAME_KEY, [JTI, JTI])
    assert statements.record_tag(NAME_KEY, [JTI, OTHER_JTI]) == statements.record_tag(NAME_KEY, [OTHER_JTI, JTI]) != tag
    assert statements.record_tag(RECORD_KEY, [JTI]) != tag
    assert statements.record_tag(NAME_KEY, []) is None


def test_short_keys_are_a_defect_of_the_caller() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        statements.subject_pseudonym(bytes(31), JIA)


# -- read entries ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clear", "disclosed"),
    [
        (CLEAR, DISCLOSED),
        (replace(CLEAR, case=None, outcome=ReadOutcome.NONE, record_tag=None), replace(DISCLOSED, record_ids=())),
        (replace(CLEAR, outcome=ReadOutcome.REFUSED, answer_digest=None), DISCLOSED),
        (replace(CLEAR, outcome=ReadOutcome.REFUSED), DISCLOSED),
        (
            replace(CLEAR, role=ReadRole.REQUESTER, outcome=ReadOutcome.ATTEMPTED, answer_digest=None),
            replace(DISCLOSED, operator="P-0001", mode=Mode.ANSWER, fields=(), derived_view="home_count"),
        ),
        (replace(CLEAR, role=ReadRole.REQUESTER, outcome=ReadOutcome.NOT_PROVEN), DISCLOSED),
    ],
)
def test_read_entry_round_trip(clear: ReadClear, disclosed: ReadDisclosed) -> None:
    sealed = statements.seal_read(IDS, clear, disclosed, RECORD_KEY)
    entry = statements.parse_read(sealed.statement, sealed.disclosures)
    assert (entry.ids, entry.clear, entry.disclosed, entry.leaf) == (IDS, clear, disclosed, sealed.leaf)
    assert statements.parse_read(sealed.statement).disclosed is None
    assert statements.parse_read(sealed.statement, sealed.disclosures[:-1]).disclosed is None
    assert statements.seal_read(IDS, clear, disclosed, RECORD_KEY) == sealed


def test_clear_part_is_exactly_the_documented_one() -> None:
    sealed = statements.seal_read(IDS, CLEAR, DISCLOSED, RECORD_KEY)
    claims = json.loads(sealed.statement)
    assert list(claims) == [
        *("iss", "vct", "jti", "iat", "rev", "rid", "item", "role", "counterparty", "grant", "case", "time", "outcome"),
        *("record_tag", "request_digest", "answer_digest", "_sd", "_sd_alg"),
    ]
    assert (claims["iss"], claims["vct"], claims["rev"]) == (f"urn:uscc:{POLICE}", "xinlian/read@1", 1)
    assert len(claims["_sd"]) == len(sealed.disclosures) == 8
    for secret in (JIA.value, "HOME-LOAN", "query", "name", DISCLOSED.subjects[0], f"{POLICE}/000001"):
        assert secret not in sealed.statement.decode().replace(f'"iss":"urn:uscc:{POLICE}"', "")


@pytest.mark.parametrize(
    "clear",
    [
        replace(CLEAR, rid=Rid("x")),
        replace(CLEAR, item=100),
        replace(CLEAR, item=-1),
        replace(CLEAR, counterparty=Uscc("x")),
        replace(CLEAR, grant=GrantRef(POLICE, 0)),
        replace(CLEAR, case=CaseRef(FUND, "")),
        replace(CLEAR, time=EpochS(-1)),
        replace(CLEAR, record_tag="x"),
        replace(CLEAR, request_digest=b"x"),
        replace(CLEAR, answer_digest=None),
        replace(CLEAR, outcome=ReadOutcome.ATTEMPTED),
        replace(CLEAR, outcome=ReadOutcome.NO_ANSWER, answer_digest=None),
        replace(CLEAR, outcome=ReadOutcome.NOT_PROVEN),
        replace(CLEAR, role=ReadRole.REQUESTER, outcome=ReadOutcome.NO_ANSWER),
    ],
)
def test_read_entries_out_of_form_are_not_sealed(clear: ReadClear) -> None:
    assert code_of(lambda: statements.seal_read(IDS, clear, DISCLOSED, RECORD_KEY)) == "statement-form"


@pytest.mark.parametrize(
    "disclosed",
    [
        replace(DISCLOSED, dataset="x"),
        replace(DISCLOSED, purpose=""),
        replace(DISCLOSED, fields=("Name",)),
        replace(DISCLOSED, derived_view=""),
        replace(DISCLOSED, subjects=(JIA.value,)),
        replace(DISCLOSED, subjects=DISCLOSED.subjects * 9),
        replace(DISCLOSED, record_ids=(RecordId(""),)),
        replace(DISCLOSED, operator="a b"),
    ],
)
def test_read_disclosures_out_of_form_are_not_sealed(disclosed: ReadDisclosed) -> None:
    assert code_of(lambda: statements.seal_read(IDS, CLEAR, disclosed, RECORD_KEY)) == "statement-form"


def rewritten(change: dict[str, Any]) -> bytes:
    """A read entry whose extra claims are changed but whose bytes are the encoder's."""
    parsed = record.parse_statement(statements.seal_read(IDS, CLEAR, DISCLOSED, RECORD_KEY).statement)
    claims = {name: json.loads(text) for name, text in parsed.extra} | change
    extra = tuple((name, json.dumps(value, separators=(",", ":"))) for name, value in claims.items() if value is not ...)
    return record.encode_statement(replace(parsed.head, extra=extra), parsed.sd)


@pytest.mark.parametrize(
    "change", [{"rid": ...}, {"x": 1}, {"role": "auditor"}, {"outcome": "maybe"}, {"grant": None}, {"item": "0"}], ids=str
)
def test_other_read_entries_are_not_parsed(change: dict[str, Any]) -> None:
    assert code_of(lambda: statements.parse_read(rewritten(change))) == "statement-form"
    assert statements.parse_read(rewritten({})).clear == CLEAR


def test_types_are_not_mixed_up() -> None:
    read = statements.seal_read(IDS, CLEAR, DISCLOSED, RECORD_KEY).statement
    answer = statements.seal_answer(IDS, A_CLEAR, A_DISCLOSED, RECORD_KEY).statement
    assert code_of(lambda: statements.parse_answer_statement(read)) == "statement-form"
    assert code_of(lambda: statements.parse_read(answer)) == "statement-form"
    plain = record.seal(StatementHead(f"urn:uscc:{POLICE}", f"{POLICE}/000001@1", JTI, NOW, 1), [("a", "1")], RECORD_KEY)
    assert code_of(lambda: statements.parse_read(plain.statement)) == "statement-form"
    second = record.parse_statement(read)
    revised = record.encode_statement(replace(second.head, rev=2, prev=bytes(32)), second.sd)
    assert code_of(lambda: statements.parse_read(revised)) == "statement-form"


def test_foreign_and_repeated_disclosures_are_refused() -> None:
    sealed = statements.seal_read(IDS, CLEAR, DISCLOSED, RECORD_KEY)
    foreign = statements.seal_read(IDS, CLEAR, DISCLOSED, NAME_KEY).disclosures[0]
    assert code_of(lambda: statements.parse_read(sealed.statement, [foreign]), EvidenceError) == "statement-foreign-disclosure"
    assert code_of(lambda: statements.parse_read(sealed.statement, [sealed.disclosures[0]] * 2)) == "statement-form"


# -- answer statements ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "disclosed",
    [
        A_DISCLOSED,
        replace(A_DISCLOSED, value=True),
        replace(A_DISCLOSED, value="120000.00"),
        replace(A_DISCLOSED, fields=("name",), outcome=Outcome.NONE, value=None, sources=()),
        replace(A_DISCLOSED, fields=("name", "sex"), outcome=Outcome.MISMATCH, value={"name": False, "sex": True}),
    ],
)
def test_answer_statement_round_trip(disclosed: AnswerDisclosed) -> None:
    sealed = statements.seal_answer(IDS, A_CLEAR, disclosed, RECORD_KEY)
    parsed = statements.parse_answer_statement(sealed.statement, sealed.disclosures)
    assert (parsed.ids, parsed.clear, parsed.disclosed, parsed.leaf) == (IDS, A_CLEAR, disclosed, sealed.leaf)
    assert statements.parse_answer_statement(sealed.statement).disclosed is None


def test_answer_keeps_every_personal_part_out_of_the_clear() -> None:
    sealed = statements.seal_answer(IDS, A_CLEAR, A_DISCLOSED, RECORD_KEY)
    claims = json.loads(sealed.statement)
    assert list(claims) == [
        *("iss", "vct", "jti", "iat", "rev", "request_digest", "item", "view", "as_of_sequence", "dataset", "mode"),
        *("derived_view", "_sd", "_sd_alg"),
    ]
    other = statements.seal_answer(IDS, A_CLEAR, replace(A_DISCLOSED, value=1), NAME_KEY)
    without_digests = [{k: v for k, v in json.loads(s).items() if k != "_sd"} for s in (sealed.statement, other.statement)]
    assert without_digests[0] == without_digests[1]


@pytest.mark.parametrize(
    "disclosed",
    [
        replace(A_DISCLOSED, outcome=Outcome.RECORDS),
        replace(A_DISCLOSED, outcome=Outcome.NONE),
        replace(A_DISCLOSED, outcome=Outcome.MISMATCH),
        replace(A_DISCLOSED, value=None),
        replace(A_DISCLOSED, value={"name": False}),
        replace(A_DISCLOSED, value="x" * 4097),
        replace(A_DISCLOSED, outcome=Outcome.MISMATCH, value={"name": True}),
        replace(A_DISCLOSED, outcome=Outcome.MISMATCH, value={}),
        replace(A_DISCLOSED, subjects=("a b",)),
        replace(A_DISCLOSED, sources=(b"x",)),
        replace(A_DISCLOSED, values={"Floor": 1}),
    ],
)
def test_answers_out_of_form_are_not_sealed(disclosed: AnswerDisclosed) -> None:
    assert code_of(lambda: statements.seal_answer(IDS, A_CLEAR, disclosed, RECORD_KEY)) == "statement-form"


@pytest.mark.parametrize(
    "clear",
    [
        replace(A_CLEAR, request_digest=b""),
        replace(A_CLEAR, item=100),
        replace(A_CLEAR, view=View(-1, NOW)),
        replace(A_CLEAR, as_of_sequence=-1),
        replace(A_CLEAR, dataset="x"),
        replace(A_CLEAR, derived_view="X"),
    ],
)
def test_answer_heads_out_of_form_are_not_sealed(clear: AnswerClear) -> None:
    assert code_of(lambda: statements.seal_answer(IDS, clear, A_DISCLOSED, RECORD_KEY)) == "statement-form"
