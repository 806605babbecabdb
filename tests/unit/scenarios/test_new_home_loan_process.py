"""Process A of scenario A: every way through it, by events (dossier 3.1.6)."""

from __future__ import annotations

import pytest

from tests.support.scenario_a import START_S, Run, approved, scenario_a, verified
from xinlian.engine.events import Event, EventKind, read_event, write_event
from xinlian.engine.running import replay
from xinlian.engine.state import Status, state_bytes
from xinlian.protocol.errors import ConflictError


def end(run: Run) -> int:
    """National status code of the case's end."""
    ends = [scenario_a().definition.ends[name].status for name in run.state.ends]
    return max(ends)


def fire(run: Run, timer: str) -> None:
    run.add(Event(EventKind.TIMER_DUE, START_S, timer=timer, due_s=START_S))
    run.add(Event(EventKind.TIMER_FIRED, START_S, timer=timer))


def test_the_whole_way_to_the_release() -> None:
    run = approved()
    run.all_done("A7 A8")
    run.done("A9c", filing_in_force=True)
    run.done("A9")
    assert run.waits() == {"A10", "A11"}
    run.all_done("A11 A10")
    assert (run.state.status, end(run)) == (Status.ENDED, 11)
    assert {name for name, step in scenario_a().definition.steps.items() if step.mandatory} <= set(run.state.done)


def test_verification_runs_in_parallel_and_homes_wait_for_the_spouse() -> None:
    run = Run().start()
    run.all_done("A0 A1")
    run.done("A2", acceptance="accepted")
    assert run.waits() == {"A3a", "A3b", "A3c", "A3d", "A3f"}
    run.done("A3b")
    assert "A3e" in run.waits()


def test_a_late_credit_answer_is_reminded_of_and_still_counts() -> None:
    run = Run().start()
    run.all_done("A0 A1")
    run.done("A2", acceptance="accepted")
    fire(run, "T_A3f")
    assert {"A3f", "A3g"} <= run.waits()
    run.all_done("A3g A3a A3b A3c A3e")
    run.done("A3d", off_plan=False)
    run.done("A3f")
    assert run.waits() == {"A4c"}


def test_not_accepted() -> None:
    run = Run().start()
    run.all_done("A0 A1")
    run.done("A2", acceptance="not-accepted")
    assert (run.state.status, end(run)) == (Status.ENDED, 5)


@pytest.mark.parametrize(("again", "status"), [("accepted", Status.RUNNING), ("not-accepted", Status.ENDED)])
def test_a_supplement_is_asked_for_once(again: str, status: Status) -> None:
    run = Run().start()
    run.all_done("A0 A1")
    run.done("A2", acceptance="supplement")
    run.done("A2s")
    run.done("A2b", acceptance_after_supplement=again)
    assert run.state.status is status


def test_a_supplement_that_does_not_come_counts_as_withdrawn() -> None:
    run = Run().start()
    run.all_done("A0 A1")
    run.done("A2", acceptance="supplement")
    fire(run, "T_A2s")
    assert (run.state.status, end(run)) == (Status.ENDED, 2)


@pytest.mark.parametrize(("loan_class", "eligibility"), [("first", "reject"), ("refuse", "eligible"), ("refuse", "hold")])
def test_who_is_not_eligible_is_refused_by_a_person_with_reasons(loan_class: str, eligibility: str) -> None:
    run = verified()
    run.done("A4c", loan_class=loan_class)
    run.done("A4", eligibility=eligibility)
    run.done("A6r")
    assert (run.state.status, end(run)) == (Status.ENDED, 13)


@pytest.mark.parametrize("eligibility", ["hold", "supplement"])
def test_what_can_be_mended_is_checked_again(eligibility: str) -> None:
    run = verified()
    run.done("A4c", loan_class="first")
    run.done("A4", eligibility=eligibility)
    run.done("A4h")
    assert run.waits() == {"A4c"}


@pytest.mark.parametrize(("confirmation", "waits", "status"), [("accept", {"A7"}, 0), ("give-up", set(), 2)])
def test_who_gets_less_than_applied_for_is_asked(confirmation: str, waits: set[str], status: int) -> None:
    run = approved(less=True)
    run.done("A6d", confirmation=confirmation)
    assert run.waits() == waits
    assert not status or end(run) == status


def test_a_contract_cancelled_before_the_release_stops_it() -> None:
    run = approved()
    run.all_done("A7 A8")
    run.done("A9c", filing_in_force=False)
    assert (run.state.status, end(run), "A9" in run.state.done) == (Status.ENDED, 15, False)


def test_an_applicant_may_withdraw_until_the_contract_is_signed() -> None:
    run = approved()
    early = Run(state=run.state)
    early.add(Event(EventKind.WITHDRAWN, START_S))
    assert (early.state.status, early.waits()) == (Status.WITHDRAWN, set())
    run.done("A7")
    with pytest.raises(ConflictError) as caught:
        run.add(Event(EventKind.WITHDRAWN, START_S))
    assert caught.value.code == "withdrawal-too-late"


def test_a_decision_refused_at_the_signing_ends_in_a_refusal() -> None:
    run = verified()
    run.done("A4c", loan_class="first")
    run.done("A4", eligibility="eligible")
    run.done("A5", approved_less=False)
    run.all_done("A6a A6b")
    run.done("A6c", approval="reject")
    assert run.waits() == {"A6r"}


def test_everyone_who_replays_gets_the_same_bytes() -> None:
    run = approved()
    scenario = scenario_a()
    told = [read_event(write_event(event)) for event in run.events]
    again = replay(scenario.process, scenario.rules, told)
    assert state_bytes(again, scenario.hash.hex()) == state_bytes(run.state, scenario.hash.hex())
