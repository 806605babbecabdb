"""The projection of the chain's events: every event, and that order and rebuilding make no difference."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from xinlian.node.chain_state import (
    ChainState,
    CorrectionStep,
    RecoveryState,
    RequestClock,
    RequestState,
    code_text,
    code_word,
)
from xinlian.protocol.errors import InputError
from xinlian.protocol.working_days import Year, day_number
from xinlian.scenarios.calendar import shipped_calendar

A, B = "11411599MBDEM0015B", "12411599MBDEM00233"
PURPOSE = code_word("HPF_LOAN_REVIEW")
SCENARIO = "0x" + "ab" * 32
TERMS = {
    "verifyMask": 1,
    "queryMask": 6,
    "answerMask": 1,
    "batchMask": 0,
    "purposes": [PURPOSE],
    "scenarios": [SCENARIO],
    "validFrom": 100,
    "validTo": 200,
    "usesPerCase": 3,
    "standing": False,
}
NONE, DOCUMENT = "0x" + "00" * 32, "0x" + "dd" * 32
DATASET = {"owner": A, "serial": 7, "version": 2}
PROPOSAL = {
    "serial": 7,
    "version": 2,
    "schemaHash": "0x02",
    "shareType": 2,
    "fieldCount": 3,
    "viewCount": 1,
    "personal": True,
    "authorisationRequired": True,
    "verifiableMask": 1,
    "sensitiveMask": 4,
    "secrecyAssessment": "0x03",
    "impactAssessment": "0x04",
    "headConsent": "0x05",
    "noShareBasis": NONE,
    "purposes": [PURPOSE],
}


WORD = "0x" + "0d" * 32
REQUEST = {"requester": B, "number": 20260924000001}
SCOPE = {name: TERMS[name] for name in ("verifyMask", "queryMask", "answerMask", "batchMask")}


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    args: dict[str, Any] = field(default_factory=dict)
    block_number: int = 1
    block_time: int = 10


HISTORY = [
    Fact("DepartmentRegistered", {"department": A, "kind": 1, "name": "甲", "endpoint": "http://a"}, 1),
    Fact("DepartmentRegistered", {"department": B, "kind": 2, "name": "乙", "endpoint": "http://b"}, 2),
    Fact("KeysPublished", {"department": A, "version": 1, "jwks": "{}", "keySetHash": "0x01"}, 2),
    Fact("SignerAdded", {"department": A, "signer": "0xA1", "roles": 3}, 2),
    Fact("DatasetProposed", {"owner": A, "serial": 7, "version": 2, "round": 1, "proposal": PROPOSAL}, 3),
    Fact("DatasetPublished", {**DATASET, "document": DOCUMENT}, 4),
    Fact("RequestSubmitted", {
        "requester": B, "number": 20260924000001, "provider": A, "serial": 7, "version": 2, "unconditional": False,
        "terms": TERMS, "outOfScope": False, "legalBasis": WORD, "document": WORD,
    }, 5),
    Fact("RequestAgreed", {**REQUEST, "scope": SCOPE, "grounds": 0, "cover": 1, "document": WORD}, 5, 20),
    Fact("GrantGiven", {
        "provider": A, "number": 5, "receiver": B, "request": 20260924000001, "serial": 7, "version": 2, "cover": 1,
        "terms": TERMS, "document": WORD,
    }, 5, 30),
    Fact("CaseOpened", {
        "lead": B, "caseNo": code_word("CASE-1"), "scenario": SCENARIO, "participants": [A], "subjectsRoot": "0x" + "01" * 32,
        "subjectCount": 2,
    }, 6, 60),
]  # fmt: skip


def test_registration_suspension_and_compromise() -> None:
    state = ChainState(HISTORY)
    assert [one.uscc for one in state.department_list()] == [A, B]
    assert state.department("11411599MBDEM00311") is None
    department = state.departments[A]
    assert department.to_json() == {
        "uscc": A, "name": "甲", "kind": "department", "active": True, "endpoint": "http://a", "compromised_since": None,
        "key_set_version": 1, "recovery_announced_at": None,
    }  # fmt: skip
    assert state.departments[B].to_json()["kind"] == "other-receiver"
    assert state.departments[B].to_json()["key_set_version"] is None
    state.apply(Fact("DepartmentSuspended", {"department": A}, 8))
    state.apply(Fact("DepartmentReinstated", {"department": A}, 11))
    assert [department.is_active_at(block) for block in (0, 1, 7, 8, 10, 11)] == [False, True, True, False, False, True]
    state.apply(Fact("EndpointChanged", {"department": A, "endpoint": "http://c"}, 12))
    assert department.endpoint == "http://c"
    state.apply(Fact("DepartmentCompromised", {"department": A, "sinceBlock": 9}, 12))
    assert [department.is_compromised_at(block) for block in (8, 9, 10)] == [False, True, True]


def test_signers_have_an_end() -> None:
    state = ChainState(HISTORY)
    assert (state.signers["0xA1"].roles, state.signers["0xA1"].to_block) == (3, None)
    state.apply(Fact("SignerRetired", {"signer": "0xA1"}, 9))
    assert state.signers["0xA1"].to_block == 9


def test_a_recovery_retires_every_signer_before_it() -> None:
    state = ChainState([*HISTORY, Fact("SignerAdded", {"department": B, "signer": "0xB1", "roles": 7}, 3)])
    state.apply(Fact("SignerAdded", {"department": A, "signer": "0xA2", "roles": 4}, 7))
    state.apply(Fact("SignerRetired", {"department": A, "signer": "0xA2"}, 8))
    announced = {"department": A, "signers": ["0xA3", "0xA4"], "roles": [4, 3]}
    state.apply(Fact("RecoveryAnnounced", announced, 9, 90))
    department = state.departments[A]
    assert department.recovery == RecoveryState(90, (("0xA3", 4), ("0xA4", 3)))
    assert department.to_json()["recovery_announced_at"] == 90
    state.apply(Fact("RecoveryCancelled", {"department": A, "by": "0xA1"}, 10))
    assert department.recovery is None
    state.apply(Fact("RecoveryAnnounced", announced, 11, 110))
    state.apply(Fact("DepartmentRecovered", {"department": A, "generation": 1}, 12))
    state.apply(Fact("SignerAdded", {"department": A, "signer": "0xA3", "roles": 4}, 12))
    assert (department.recovery, department.generation) == (None, 1)
    assert {name: signer.to_block for name, signer in state.signers.items()} == {
        "0xA1": 12, "0xA2": 8, "0xA3": None, "0xB1": None,
    }  # fmt: skip


def test_the_calendar_follows_its_events() -> None:
    year = shipped_calendar()[2026].days
    state = ChainState([Fact("YearLoaded", {"year": 2026, "workdays": list(year.workday_words)})])
    assert state.calendar.years == {2026: year}
    day = day_number(date(2026, 9, 28))
    state.apply(Fact("OutageDeclared", {"fromDay": day, "toDay": day + 2}))
    changed = Year(year.workdays ^ 1 << 300)
    state.apply(Fact("DaysChanged", {"year": 2026, "workdays": list(changed.workday_words)}))
    state.apply(Fact("OutageWithdrawn", {"fromDay": day + 1, "toDay": day + 1}))
    assert [state.calendar.is_outage(day + n) for n in range(-1, 4)] == [False, True, False, True, False]
    assert state.calendar.years[2026].workdays == changed.workdays
    state.apply(Fact("DaysChanged", {"year": 2027, "workdays": list(changed.workday_words)}))
    state.apply(Fact("OutageDeclared", {"fromDay": day + 365, "toDay": day + 365}))
    assert state.orphans == 2
    state.rebuild([])
    assert state.calendar.years == {}


def test_a_datasets_life() -> None:
    state = ChainState(HISTORY[:5])
    entry = state.dataset(A, 7, 2)
    assert entry is not None
    assert (entry.state, entry.code, entry.vct) == ("proposed", f"{A}/000007", f"{A}/000007@2")
    assert entry.purposes == ("HPF_LOAN_REVIEW",)
    assert not entry.is_published_at(100)
    state.apply(HISTORY[5])
    assert state.dataset_by_vct(f"{A}/000007@2") is entry
    assert entry.state == "published"
    state.apply(Fact("DatasetRetired", {**DATASET, "document": DOCUMENT}, 9))
    assert entry.state == "retired"
    assert [entry.is_published_at(block) for block in (3, 4, 8, 9)] == [False, True, True, False]


def test_what_an_entry_says_about_personal_data_and_law() -> None:
    entry = ChainState(HISTORY).dataset(A, 7, 2)
    assert entry is not None
    assert (entry.personal, entry.authorisation_required, entry.sensitive_mask) == (True, True, 4)
    assert (entry.secrecy_assessment, entry.impact_assessment, entry.head_consent) == ("0x03", "0x04", "0x05")
    assert entry.no_share_basis is None, "zero on chain: none"
    assert (entry.round, entry.proposed_at, entry.document) == (1, 10, DOCUMENT)
    unshared = {**PROPOSAL, "shareType": 3, "noShareBasis": "0x06", "impactAssessment": NONE, "personal": False}
    state = ChainState([Fact("DatasetProposed", {**DATASET, "round": 1, "proposal": unshared})])
    found = state.datasets[A, 7, 2]
    assert (found.no_share_basis, found.impact_assessment) == ("0x06", None)


def test_an_entry_is_sent_back_and_proposed_again() -> None:
    state = ChainState(HISTORY[:5])
    state.apply(Fact("DatasetReviewOverdue", {**DATASET, "deadline": 9, "recordedBy": B}))
    assert state.datasets[A, 7, 2].review_overdue
    state.apply(Fact("DatasetReturned", {**DATASET, "document": DOCUMENT}, 4))
    assert (state.datasets[A, 7, 2].state, state.datasets[A, 7, 2].document) == ("returned", DOCUMENT)
    again = {**PROPOSAL, "schemaHash": "0x22", "purposes": []}
    state.apply(Fact("DatasetProposed", {**DATASET, "round": 2, "proposal": again}, 5, 50))
    entry = state.datasets[A, 7, 2]
    assert (entry.state, entry.round, entry.proposed_at, entry.schema_hash) == ("proposed", 2, 50, "0x22")
    assert (entry.purposes, entry.review_overdue, entry.document) == ((), False, None), "nothing of the first round is left"


def test_a_published_version_with_a_next_one_under_review_is_changing() -> None:
    state = ChainState(HISTORY)
    entry = state.datasets[A, 7, 2]
    assert not state.is_changing(entry)
    third = {**DATASET, "version": 3}
    state.apply(Fact("DatasetProposed", {**third, "round": 1, "proposal": {**PROPOSAL, "version": 3}}))
    assert state.is_changing(entry)
    assert not state.is_changing(state.datasets[A, 7, 3]), "not published itself"
    state.apply(Fact("DatasetReturned", {**third, "document": DOCUMENT}))
    assert state.is_changing(entry)
    state.apply(Fact("DatasetPublished", {**third, "document": DOCUMENT}))
    assert not state.is_changing(entry)


def test_an_update_clock_runs_until_a_new_version_or_the_last_retirement() -> None:
    serial = {"owner": A, "serial": 7}
    opened = Fact("DatasetUpdateOpened", {**serial, "byAuthority": True, "document": DOCUMENT}, 5, 50)
    state = ChainState([*HISTORY, opened])
    update = state.update_of(A, 7)
    assert update is not None
    assert (update.opened_at, update.by_authority, update.document, update.length_wd) == (50, True, DOCUMENT, 10)
    state.apply(Fact("DatasetUpdateExtended", {**serial, "document": DOCUMENT}))
    state.apply(Fact("DatasetUpdateOverdue", {**serial, "deadline": 9, "recordedBy": B}))
    assert (update.extended, update.length_wd, update.overdue) == (True, 15, True)
    third = {**DATASET, "version": 3}
    state.apply(Fact("DatasetProposed", {**third, "round": 1, "proposal": {**PROPOSAL, "version": 3}}))
    assert state.update_of(A, 7) is None
    state.apply(Fact("DatasetPublished", {**third, "document": DOCUMENT}))
    state.apply(opened)
    state.apply(Fact("DatasetRetired", {**DATASET, "document": DOCUMENT}, 9))
    assert state.update_of(A, 7) is not None, "version 3 is still published"
    state.apply(Fact("DatasetRetired", {**third, "document": DOCUMENT}, 9))
    assert state.update_of(A, 7) is None


CORRECTION = {"receiver": B, "number": 20260921000001}
OPENED = Fact("CorrectionOpened", {
    **CORRECTION, "provider": A, "grantNumber": 5, "serial": 7, "version": 2, "target": "0x07", "evidence": "0x08",
    "document": DOCUMENT,
}, 6, 60)  # fmt: skip


def test_a_corrections_life_with_its_provider() -> None:
    state = ChainState([*HISTORY, OPENED])
    found = state.correction(B, 20260921000001)
    assert found is not None
    assert (found.ref, found.vct, found.step) == (f"{B}/20260921000001", f"{A}/000007@2", CorrectionStep.OPEN)
    assert (found.target, found.evidence, found.document, found.grant_number) == ("0x07", "0x08", DOCUMENT, 5)
    assert (found.is_open, found.addressee, found.clock_start) == (True, A, 60)
    state.apply(Fact("CorrectionOverdue", {**CORRECTION, "addressee": A, "deadline": 9, "recordedBy": B}))
    assert (found.provider_overdue, found.source_overdue) == (True, False)
    state.apply(Fact("CorrectionAnswered", {**CORRECTION, "outcome": 3, "answeredBy": A, "document": "0x09"}, 7, 70))
    assert (found.step, found.is_open, found.ended_at, found.end_document) == (CorrectionStep.CORRECTED, False, 70, "0x09")
    assert state.correction(A, 20260921000001) is None


def test_a_correction_goes_to_the_source_or_is_withdrawn() -> None:
    state = ChainState([*HISTORY, OPENED])
    found = state.corrections[B, 20260921000001]
    state.apply(Fact("CorrectionForwarded", {**CORRECTION, "source": B, "document": "0x0a"}, 7, 70))
    assert (found.step, found.is_open, found.addressee, found.clock_start) == (CorrectionStep.FORWARDED, True, B, 70)
    assert found.forward_document == "0x0a"
    state.apply(Fact("CorrectionOverdue", {**CORRECTION, "addressee": B, "deadline": 9, "recordedBy": B}))
    assert (found.provider_overdue, found.source_overdue) == (False, True)
    state.apply(Fact("CorrectionWithdrawn", {**CORRECTION, "document": "0x0b"}, 8, 80))
    assert (found.step, found.is_open, found.ended_at, found.end_document) == (CorrectionStep.WITHDRAWN, False, 80, "0x0b")


def test_an_authorisation_is_in_force_inside_its_term_until_withdrawn() -> None:
    one = {"recorder": A, "id": "0x0c"}
    recorded = {**one, "digest": "0x0d", "commitment": "0x0e", "expiresAt": 100}
    state = ChainState([Fact("AuthorisationRecorded", recorded, 6, 60)])
    found = state.authorisation(A, "0x0c")
    assert found is not None
    assert (found.digest, found.commitment, found.withdrawn_at) == ("0x0d", "0x0e", None)
    assert [found.is_in_force_at(time) for time in (59, 60, 99, 100)] == [False, True, True, False]
    state.apply(Fact("AuthorisationWithdrawn", {**one, "secret": "0x0f", "relayedBy": B}, 7, 80))
    assert (found.withdrawn_at, found.relayed_by) == (80, B)
    assert [found.is_in_force_at(time) for time in (79, 80)] == [True, False]
    assert state.authorisation(B, "0x0c") is None


@pytest.mark.parametrize("vct", ["", "x", f"{A}/000007", f"{A}/abc@2", f"{A}/000007@x", f"{A}/000007@9"])
def test_what_names_no_dataset(vct: str) -> None:
    assert ChainState(HISTORY).dataset_by_vct(vct) is None


def test_a_grants_life() -> None:
    state = ChainState(HISTORY)
    grant = state.grants[A, 5]
    assert (grant.ref, grant.vct) == (f"{A}/5", f"{A}/000007@2")
    assert [grant.is_running_at(time) for time in (99, 100, 199, 200)] == [False, True, True, False]
    assert (state.newest_grant_number(A), state.newest_grant_number(B)) == (5, 0)
    narrower = {**TERMS, "validTo": 150, "queryMask": 2}
    state.apply(Fact("ChangeProposed", {**REQUEST, "isStop": False, "terms": narrower, "document": WORD}, 9))
    assert grant.is_running_at(180), "goes on while it is negotiated"
    state.apply(Fact("TermsChanged", {**REQUEST, "terms": narrower, "document": WORD}, 9))
    assert (grant.terms.query_mask, grant.is_running_at(150), grant.is_running_at(149)) == (2, False, True)
    suspended = {**REQUEST, "rectifyWithin": 5, "byAuthority": True, "document": WORD}
    state.apply(Fact("GrantSuspended", suspended, 9, 40))
    assert not grant.is_running_at(120)
    assert grant.request.clock() == (RequestClock.RECTIFICATION, 40, 5)
    state.apply(Fact("GrantResumed", {**REQUEST, "document": WORD}, 9, 50))
    assert grant.is_running_at(120)
    state.apply(Fact("GrantClosed", {**REQUEST, "filed": False, "document": WORD}, 9, 60))
    assert not grant.is_running_at(120)
    assert (grant.request.state, grant.request.ended_at_s) == (RequestState.CLOSED, 60)
    assert [step.event for step in grant.request.steps][:3] == ["RequestSubmitted", "RequestAgreed", "GrantGiven"]


def test_a_requests_numbers_and_clock() -> None:
    state = ChainState(HISTORY[:7])
    request = state.requests[B, 20260924000001]
    assert (request.request_no, request.ref, request.code) == ("GX20260924000001", f"{B}/20260924000001", f"{A}/000007")
    assert request.clock() == (RequestClock.ANSWER, 10, 10)
    state.apply(Fact("RequestExtended", {**REQUEST, "workingDays": 4, "document": WORD}, 6))
    assert request.clock() == (RequestClock.ANSWER, 10, 14)
    assert state.newest_request_number(B, 20260924000001) == 20260924000001
    assert state.newest_request_number(A, 20260924000001) == 20260924000000
    state.apply(HISTORY[7])
    assert request.clock() == (RequestClock.DELIVERY, 20, 20)


def test_a_cases_life() -> None:
    state = ChainState(HISTORY)
    case = state.cases[B, "CASE-1"]
    assert (case.ref, case.opened_at, case.is_open) == (f"{B}/CASE-1", 60, True)
    assert [case.takes_part(one) for one in (A, B, "11411599MBDEM00311")] == [True, True, False]
    added = {"lead": B, "caseNo": code_word("CASE-1"), "subjectsRoot": "0x" + "02" * 32, "subjectCount": 3}
    state.apply(Fact("CaseSubjectAdded", added, 7))
    assert (case.subjects_root, case.subject_count) == (bytes([2]) * 32, 3)
    state.apply(Fact("CaseClosed", {"lead": B, "caseNo": code_word("CASE-1"), "outcome": 11}, 8, 80))
    assert (case.closed_at, case.outcome, case.is_open) == (80, 11, False)


def test_any_event_may_be_hidden_without_stopping_the_node() -> None:
    """Somebody hides it; who compares accumulators says so. The node must go on following, and start again."""
    orphans = []
    for hidden in range(len(HISTORY)):
        state = ChainState([*HISTORY[:hidden], *HISTORY[hidden + 1 :]])
        orphans.append(state.orphans)
    assert orphans[0] > 0, "the registration of the first department is missed by what follows"
    assert orphans[-1] == 0
    assert ChainState(HISTORY).orphans == 0


def test_rebuilding_gives_the_same_state_and_unknown_events_are_passed_over() -> None:
    state = ChainState()
    for fact in HISTORY:
        state.apply(fact)
    state.apply(Fact("BatchAnchored"))
    again = ChainState(HISTORY)
    for name in ("departments", "signers", "datasets", "requests", "grants", "cases"):
        assert getattr(state, name) == getattr(again, name)
    state.rebuild([])
    assert (state.departments, state.cases) == ({}, {})


@pytest.mark.parametrize("text", ["A", "HPF_LOAN_REVIEW", "GJJDK1-20261102-000001", "Z" * 32])
def test_codes_as_words(text: str) -> None:
    word = code_word(text)
    assert len(word) == 66
    assert code_text(word) == text


@pytest.mark.parametrize("text", ["", "a", "A B", "Z" * 33, "测试", "A\n"])
def test_what_is_no_code(text: str) -> None:
    with pytest.raises(InputError) as caught:
        code_word(text)
    assert caught.value.code == "chain-code-form"
