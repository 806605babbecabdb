"""Steps of the case engine through scenario A, against a bare Python loop that makes the same transitions from a table.

In processor time: it is one thread of pure computing, and other work on the machine then changes little.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from scripts.bench_app.report import Figure, Report
from xinlian.engine.events import Event, EventKind
from xinlian.engine.running import replay
from xinlian.engine.scenario import Scenario, load_scenario
from xinlian.engine.state import CaseState, Status, state_digest
from xinlian.engine.values import Value
from xinlian.scenarios.folder import read_folder

WAY: tuple[tuple[str, dict[str, Value]], ...] = (
    ("A0", {}),
    ("A1", {}),
    ("A2", {"acceptance": "accepted"}),
    ("A3a", {}),
    ("A3b", {}),
    ("A3c", {}),
    ("A3d", {"off_plan": True}),
    ("A3e", {}),
    ("A3f", {}),
    ("A4c", {"loan_class": "first"}),
    ("A4", {"eligibility": "eligible"}),
    ("A5", {"approved_less": False}),
    ("A6a", {}),
    ("A6b", {}),
    ("A6c", {"approval": "approve"}),
    ("A7", {}),
    ("A8", {}),
    ("A9c", {"filing_in_force": True}),
    ("A9", {}),
    ("A10", {}),
    ("A11", {}),
)
"""A case from authorisation to release: task and outcome."""


def measure(report: Report, *, quick: bool) -> None:
    """Measure ``engine_steps`` and the replay of 1,000 cases."""
    scenario = load_scenario(read_folder("new-home-loan"))
    events = [Event(EventKind.STARTED, 0), *(Event(EventKind.COMPLETED, 0, task=task, outcome=out) for task, out in WAY)]
    assert replay(scenario.process, scenario.rules, events).status is Status.ENDED
    cases = 100 if quick else 1000
    table = _transitions(scenario, events)
    took_s = _quickest(lambda: _replay(scenario, events, cases))
    bare_s = _quickest(lambda: _bare(table, cases))
    steps = cases * len(events)
    report.add(
        Figure("engine_steps", steps / took_s, "steps/s", steps / bare_s, "reported"),
        Figure("replay_1000_cases", took_s * 1000 / cases, "s", bare_s * 1000 / cases, "reported", is_more_better=False),
    )


def _quickest(work: Callable[[], None]) -> float:
    times = []
    for _ in range(3):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def _replay(scenario: Scenario, events: list[Event], cases: int) -> None:
    for _ in range(cases):
        state_digest(replay(scenario.process, scenario.rules, events), "")


def _transitions(scenario: Scenario, events: list[Event]) -> list[tuple[frozenset[str], frozenset[str]]]:
    """For every event: the tasks that no longer wait after it, and those that newly do."""
    table, before = [], CaseState()
    for count in range(1, len(events) + 1):
        after = replay(scenario.process, scenario.rules, events[:count])
        table.append((before.waiting - after.waiting, after.waiting - before.waiting))
        before = after
    return table


def _bare(table: list[tuple[frozenset[str], frozenset[str]]], cases: int) -> None:
    for _ in range(cases):
        waiting: set[str] = set()
        for gone, come in table:
            if not waiting.issuperset(gone):
                raise AssertionError
            waiting -= gone
            waiting |= come
