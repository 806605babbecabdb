"""Every rule: its breach is found, the lawful twin is not; the same breach keeps its id while evidence is added."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tests.support.findings import AUTHORITY, DIGEST, NUMBER, PROVIDER, REQUESTER, Chain, at, moment
from xinlian.node.findings import sharing_rules as rules
from xinlian.node.findings.catalogue_rules import (
    correction_late,
    forwarded_without_reaction,
    not_in_catalogue,
    update_late,
)
from xinlian.node.findings.histories import CATALOGUE, CORRECTIONS
from xinlian.protocol.clocks import Term
from xinlian.protocol.findings import AUTHORITY as COMPETENT
from xinlian.protocol.findings import EventRef, Finding

NOW = "2026-12-25"


def only(found: list[Finding]) -> Finding:
    (one,) = found
    return one


# -- 39(4) ---------------------------------------------------------------------------------------------


def answers(chain: Chain, day: str = NOW) -> list[Finding]:
    return list(rules.answer_late(chain.request, moment(day)))


def test_an_answer_is_late_from_the_day_after_the_tenth_working_day() -> None:
    """Filed on 21 September 2026; 25 September to 7 October hold the two holidays: the tenth working day is 13 October."""
    chain = Chain().submitted("2026-09-21")
    deadline_s = moment(NOW).deadline(Term(chain.entries[0].at_s, 10))
    late = only(answers(chain))
    assert (late.article, late.breach, late.department) == ("39(4)", "answer-late", PROVIDER)
    assert (late.since_s, late.is_standing) == (deadline_s, True)
    assert late.evidence == (chain.entries[0].ref,)
    assert late.facts == {"deadline": deadline_s, "length_wd": 10, "done_at": None}
    answered = only(answers(chain.step(NOW, "RequestAgreed", grounds=0)))
    assert answered.id == late.id, "the same breach, with the answer as further evidence"
    assert not answered.is_standing
    assert [one.event for one in answered.evidence if isinstance(one, EventRef)] == ["RequestSubmitted", "RequestAgreed"]


@pytest.mark.parametrize("step", ["RequestAgreed", "RequestRefused", "SupplementAsked", "RequestWithdrawn"])
def test_what_ends_the_clock_in_time_is_no_breach(step: str) -> None:
    assert answers(Chain().submitted("2026-09-21").step("2026-09-28", step, grounds=1)) == []


@pytest.mark.parametrize(("form", "count"), [({"return_flow": True}, 1), ({"return_flow": None}, 0), ({}, 0), (None, 0)])
def test_data_asked_back_and_not_returned_in_time(form: dict[str, object] | None, count: int) -> None:
    """39(5): the request's form says 回流; without the text, or in time, nothing is found."""
    late = replace(moment(NOW), text=lambda digest: form if digest == DIGEST.removeprefix("0x") else None)
    found = list(rules.return_flow_open(Chain().submitted("2026-09-21").request, late))
    assert [(one.article, one.breach, one.department) for one in found] == [("39(5)", "return-flow-open", PROVIDER)] * count
    early = replace(moment("2026-09-28"), text=late.text)
    assert list(rules.return_flow_open(Chain().submitted("2026-09-21").request, early)) == []


def test_an_extension_that_was_consented_to_covers_the_answer() -> None:
    chain = Chain().submitted("2026-09-21").step("2026-09-24", "RequestExtended", workingDays=10)
    chain.step("2026-10-20", "RequestAgreed", grounds=0)
    assert answers(chain) == []
    without = Chain().submitted("2026-09-21").step("2026-10-20", "RequestAgreed", grounds=0)
    assert only(answers(without)).facts["length_wd"] == 10
    late = Chain().submitted("2026-09-21").step("2026-09-24", "RequestExtended", workingDays=5)
    found = only(answers(late))
    assert found.facts["length_wd"] == 15
    assert len(found.evidence) == 2, "the extension is part of the evidence"


def test_an_unconditional_answer_has_one_working_day() -> None:
    assert answers(Chain().submitted("2026-09-21", unconditional=True), "2026-09-22") == []
    assert only(answers(Chain().submitted("2026-09-21", unconditional=True), "2026-09-23")).facts["length_wd"] == 1


def test_a_resubmitted_request_is_another_term() -> None:
    chain = Chain().submitted("2026-09-21").step("2026-09-22", "SupplementAsked").step("2026-11-02", "RequestResubmitted")
    assert answers(chain, "2026-11-05") == []
    late = only(answers(chain))
    assert late.evidence == (chain.entries[2].ref,)


def test_days_of_the_authoritys_review_are_not_the_providers() -> None:
    assert answers(Chain().submitted("2026-09-21", out_of_scope=True)) == []
    reviewed = Chain().submitted("2026-09-21", out_of_scope=True).step("2026-09-23", "ScopeReviewed")
    assert len(answers(reviewed)) == 1


def test_a_flag_on_the_last_day_gains_the_days_of_the_review_and_no_more() -> None:
    """The tenth working day is 2026-10-12 (holidays 1 to 7 October); it is flagged then, so it is the day after the review."""
    chain = Chain().submitted("2026-09-21").step("2026-10-12", "ScopeFlagged").step("2026-10-14", "ScopeReviewed")
    assert only(answers(chain)).facts["deadline"] == at("2026-10-15") + 14 * 3_600
    assert answers(chain, "2026-10-15") == []
    assert answers(Chain().submitted("2026-09-21").step("2026-10-12", "ScopeFlagged"), "2026-11-05") == []
    answered = chain.step("2026-10-28", "RequestAgreed", grounds=0)
    assert not only(answers(answered)).is_standing, "late, though it was flagged when the plain term ended"


def test_a_delivery_is_late_after_twenty_working_days() -> None:
    chain = Chain().submitted("2026-09-21").step("2026-09-22", "RequestAgreed", grounds=0)
    late = only(list(rules.delivery_late(chain.request, moment(NOW))))
    assert (late.article, late.breach, late.department, late.is_standing) == ("39(4)", "delivery-late", PROVIDER, True)
    chain.delivered("2026-09-30")
    assert list(rules.delivery_late(chain.request, moment(NOW))) == []


def test_a_settled_dispute_starts_the_delivery_only_when_it_agrees() -> None:
    for agreed, count in ((True, 1), (False, 0)):
        chain = Chain().submitted("2026-09-21").step("2026-09-22", "RequestRefused", grounds=1)
        chain.step("2026-09-23", "RequestDisputed").step("2026-09-24", "DisputeSettled", agreed=agreed)
        assert len(list(rules.delivery_late(chain.request, moment(NOW)))) == count


def test_a_missing_year_is_not_judged() -> None:
    unknown = moment(NOW)
    blind = type(unknown)(unknown.now_s, lambda _: None, unknown.schema, 10, 30)
    chain = Chain().submitted("2026-09-21").step("2026-09-22", "RequestAgreed", grounds=0)
    assert list(rules.answer_late(Chain().submitted("2026-09-21").request, blind)) == []
    assert list(rules.delivery_late(chain.request, blind)) == []


# -- 39(2) ---------------------------------------------------------------------------------------------


@dataclass
class Entry:
    share_scope: tuple[str, ...] = ("不动产登记机构",)
    allowed_purposes: tuple[str, ...] = ("HPF_LOAN_REVIEW",)
    use_conditions: str | None = None


@dataclass
class Schema:
    catalogue: Entry


def test_a_refusal_may_cite_only_what_the_catalogue_names() -> None:
    chain = Chain().submitted("2026-09-21").step("2026-09-22", "RequestRefused", grounds=4)
    found = only(list(rules.foreign_condition(chain.request, moment(NOW, Schema(Entry())))))
    assert (found.article, found.breach, found.department) == ("39(2)", "condition-not-in-catalogue", PROVIDER)
    assert found.facts == {"cited": ["conditions"], "not_in_catalogue": ["conditions"]}
    assert found.evidence[0] == chain.entries[1].ref
    named = Schema(Entry(use_conditions="仅限办件过程实时核验"))
    assert list(rules.foreign_condition(chain.request, moment(NOW, named))) == []
    scope = Chain().submitted("2026-09-21").step("2026-09-22", "RequestRefused", grounds=1)
    assert list(rules.foreign_condition(scope.request, moment(NOW, Schema(Entry())))) == []
    assert list(rules.foreign_condition(chain.request, moment(NOW))) == [], "without the schema nothing is said"


# -- 39(7) ---------------------------------------------------------------------------------------------


def active() -> Chain:
    return Chain().submitted("2026-09-21").step("2026-09-22", "RequestAgreed", grounds=0).delivered("2026-09-23")


def stopped(chain: Chain, *, misuse: bool = False) -> list[Finding]:
    return list(rules.stopped_alone(chain.request, lambda *_: misuse))


def test_a_provider_that_suspends_and_ends_on_its_own() -> None:
    chain = active().step("2026-10-12", "GrantSuspended", rectifyWithin=5, byAuthority=False)
    found = only(stopped(chain))
    assert (found.article, found.breach, found.department) == ("39(7)", "stopped-alone", PROVIDER)
    ended = only(stopped(chain.step("2026-10-30", "GrantTerminated")))
    assert (ended.id, ended.facts["ended"], ended.is_standing) == (found.id, True, True)


def test_the_lawful_ways_to_stop() -> None:
    misused = active().step("2026-10-12", "GrantSuspended", rectifyWithin=5, byAuthority=False)
    assert stopped(misused, misuse=True) == []
    assert stopped(active().step("2026-10-12", "GrantSuspended", rectifyWithin=5, byAuthority=True)) == []
    filed = active().step("2026-10-12", "ChangeProposed", isStop=True).step("2026-10-20", "GrantClosed", filed=True)
    assert stopped(filed) == []
    resumed = misused.step("2026-10-13", "GrantResumed")
    assert not only(stopped(resumed)).is_standing


# -- 40(4), 41 -----------------------------------------------------------------------------------------


def test_a_disposal_is_missing_after_its_term() -> None:
    chain = active().step("2026-10-12", "GrantClosed", filed=False)
    assert list(rules.disposal_missing(chain.request, moment("2026-10-20"))) == []
    found = only(list(rules.disposal_missing(chain.request, moment(NOW))))
    assert (found.article, found.breach, found.department) == ("40(4)", "disposal-missing", REQUESTER)
    late = only(list(rules.disposal_missing(chain.step("2026-12-01", "DisposalRecorded").request, moment(NOW))))
    assert (late.id, late.is_standing) == (found.id, False)
    in_time = active().step("2026-10-12", "GrantClosed", filed=False).step("2026-10-13", "DisposalRecorded")
    assert list(rules.disposal_missing(in_time.request, moment(NOW))) == []


def test_a_term_that_is_over_asks_for_the_disposal_without_a_mark() -> None:
    chain = Chain().submitted("2026-09-21").step("2026-09-22", "RequestAgreed", grounds=0).delivered("2026-09-23", "2026-10-20")
    assert list(rules.disposal_missing(chain.request, moment("2026-10-15"))) == []
    assert len(list(rules.disposal_missing(chain.request, moment(NOW)))) == 1


def test_a_dispute_that_stays_open_is_the_authoritys() -> None:
    chain = Chain().submitted("2026-09-21").step("2026-09-22", "RequestRefused", grounds=1).step("2026-09-23", "RequestDisputed")
    found = only(list(rules.dispute_open(chain.request, moment(NOW))))
    assert (found.article, found.department) == ("41", COMPETENT)
    chain.step("2026-09-24", "DisputeSettled", agreed=False)
    assert list(rules.dispute_open(chain.request, moment(NOW))) == []


# -- 39(1), (3), (6) -----------------------------------------------------------------------------------


def catalogue(chain: Chain, day: str, name: str, **args: object) -> Chain:
    return chain.event(day, name, CATALOGUE, owner=PROVIDER, serial=1, document="0x" + "dd" * 32, **args)


def test_an_update_that_is_not_made_in_time() -> None:
    chain = catalogue(Chain(), "2026-09-01", "DatasetProposed", version=1)
    catalogue(chain, "2026-09-21", "DatasetUpdateOpened", byAuthority=True)
    history = chain.histories.serials[PROVIDER, 1]
    found = only(list(update_late(history, moment(NOW))))
    assert (found.article, found.breach, found.department) == ("39(1)", "catalogue-update-late", PROVIDER)
    assert found.object_ref == f"dataset {PROVIDER}/000001@1"
    catalogue(chain, "2026-09-28", "DatasetProposed", version=2)
    assert list(update_late(chain.histories.serials[PROVIDER, 1], moment(NOW))) == []


def test_an_extended_update_has_five_days_more() -> None:
    chain = catalogue(Chain(), "2026-09-01", "DatasetProposed", version=1)
    catalogue(chain, "2026-09-21", "DatasetUpdateOpened", byAuthority=True)
    catalogue(chain, "2026-09-22", "DatasetUpdateExtended")
    catalogue(chain, "2026-10-16", "DatasetProposed", version=2)
    assert list(update_late(chain.histories.serials[PROVIDER, 1], moment(NOW))) == []


def test_a_grant_outlives_its_catalogue_entry() -> None:
    chain = active()
    catalogue(chain, "2026-10-12", "DatasetRetired", version=1)
    found = only(list(not_in_catalogue(chain.request, chain.histories.serials[PROVIDER, 1], moment("2026-10-20"))))
    assert (found.article, found.breach) == ("39(1)", "shared-but-not-in-catalogue")
    ended = active().step("2026-10-09", "GrantClosed", filed=True)
    catalogue(ended, "2026-10-12", "DatasetRetired", version=1)
    assert list(not_in_catalogue(ended.request, ended.histories.serials[PROVIDER, 1], moment("2026-10-20"))) == []
    other = active()
    catalogue(other, "2026-10-12", "DatasetRetired", version=2)
    assert list(not_in_catalogue(other.request, other.histories.serials[PROVIDER, 1], moment("2026-10-20"))) == []


def correction(chain: Chain, day: str, name: str, **args: object) -> Chain:
    about = {"receiver": REQUESTER, "number": 1, "document": "0x" + "dd" * 32}
    return chain.event(day, name, CORRECTIONS, **about, **args)


def test_corrections_have_ten_working_days_each() -> None:
    chain = correction(Chain(), "2026-09-21", "CorrectionOpened", provider=PROVIDER)
    history = chain.histories.corrections[REQUESTER, 1]
    found = only(list(correction_late(history, moment(NOW))))
    assert (found.article, found.department, found.object_ref) == ("39(6)", PROVIDER, f"correction {REQUESTER}/1")
    assert list(forwarded_without_reaction(history, moment(NOW))) == []
    correction(chain, "2026-09-22", "CorrectionForwarded", source=AUTHORITY)
    history = chain.histories.corrections[REQUESTER, 1]
    assert list(correction_late(history, moment(NOW))) == []
    found = only(list(forwarded_without_reaction(history, moment(NOW))))
    assert (found.article, found.department) == ("39(3)", AUTHORITY)
    correction(chain, "2026-09-28", "CorrectionAnswered", outcome=3)
    assert list(forwarded_without_reaction(chain.histories.corrections[REQUESTER, 1], moment(NOW))) == []


def test_ids_differ_by_breach_and_object() -> None:
    first = only(answers(Chain().submitted("2026-09-21")))
    assert len(first.id) == 64
    assert only(answers(Chain().submitted("2026-09-22"))).id != first.id, "another event"
    assert int(first.object_ref.rpartition("/")[2]) == NUMBER
