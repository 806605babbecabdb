"""Scenario A for tests: loaded once, a case driven by task ids, and inputs of its decisions that every rule lets pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from xinlian.engine.events import Event, EventKind
from xinlian.engine.running import step
from xinlian.engine.scenario import Scenario, load_scenario
from xinlian.engine.state import CaseState
from xinlian.engine.values import Value
from xinlian.scenarios.folder import read_folder

START_S = 1_790_000_000


@cache
def scenario_a() -> Scenario:
    """The shipped scenario."""
    return load_scenario(read_folder("new-home-loan"))


@dataclass(slots=True)
class Run:
    """A case of a scenario, driven event by event; every event is kept."""

    scenario: Scenario = field(default_factory=scenario_a)
    state: CaseState = field(default_factory=CaseState)
    events: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """One event."""
        self.state = step(self.scenario.process, self.scenario.rules, self.state, event)
        self.events.append(event)

    def start(self) -> Run:
        """Begin the case."""
        self.add(Event(EventKind.STARTED, START_S))
        return self

    def done(self, task: str, **outcome: Value) -> None:
        """Complete a task."""
        self.add(Event(EventKind.COMPLETED, START_S, task=task, outcome=outcome))

    def all_done(self, tasks: str) -> None:
        """Complete tasks without outcome, in this order."""
        for task in tasks.split():
            self.done(task)

    def waits(self) -> set[str]:
        """The tasks that wait."""
        return set(self.state.waiting)


def verified() -> Run:
    """A case whose parallel verification is complete."""
    run = Run().start()
    run.all_done("A0 A1")
    run.done("A2", acceptance="accepted")
    run.all_done("A3b A3a A3c A3f A3e")
    run.done("A3d", off_plan=True)
    return run


def approved(**confirmed: bool) -> Run:
    """A case that is approved as applied for and waits for the contract."""
    run = verified()
    run.done("A4c", loan_class="first")
    run.done("A4", eligibility="eligible")
    run.done("A5", approved_less=confirmed.get("less", False))
    run.all_done("A6a A6b")
    run.done("A6c", approval="approve")
    return run


def eligible_inputs(**changed: object) -> dict[str, object]:
    """Inputs of DT-A1 that no rule objects to, changed as named."""
    passing: dict[str, object] = {
        "continuous_months": 48,
        "account_status": "01",
        "withdrawal_in_process": False,
        "outstanding": False,
        "loan_count_used": 0,
        "home_count": 0,
        "contract_filed": True,
        "filing_status": "有效",
        "buyers_match": True,
        "house_form": "0",
        "presale_valid": True,
        "down_confirmed": True,
        "price_fen": 72_000_000,
        "down_payment_fen": 22_000_000,
        "applied_fen": 50_000_000,
        "loan_class": "first",
        "age_months": 30 * 12,
        "credit_conclusion": "通过",
        "identity_match": True,
        "marriage_match": True,
    }
    return {**passing, **changed}


def amount_inputs(**changed: object) -> dict[str, object]:
    """Inputs of DT-A3: case A of the dossier, changed as named."""
    case_a: dict[str, object] = {
        "base_sum_fen": 1_100_000,
        "monthly_debt_fen": 0,
        "balance_sum_fen": 5_000_000,
        "continuous_months": 48,
        "price_fen": 72_000_000,
        "applied_fen": 50_000_000,
        "applied_term_months": 360,
        "age_months": 30 * 12,
        "couple": True,
        "loan_class": "first",
        "repay_mode": "01",
    }
    return {**case_a, **changed}
