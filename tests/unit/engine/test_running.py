"""Running a case: joins, choices, timers, pauses, withdrawal, and every event that does not fit."""

from __future__ import annotations

import pytest

from tests.support.bpmn import bpmn
from xinlian.engine.bpmn import read_process
from xinlian.engine.events import Event, EventKind, read_event
from xinlian.engine.process import Process, Variable
from xinlian.engine.running import RunRules, replay, step
from xinlian.engine.state import CaseState, Status, state_bytes, state_digest
from xinlian.engine.values import BOOLEAN, NUMBER, STRING, Value
from xinlian.protocol.errors import ConflictError, InputError

VARIABLES = {"n": Variable(NUMBER, 0), "p": Variable(BOOLEAN, False), "s": Variable(STRING, "no", ("yes", "no"))}
RULES = RunRules(
    outcomes={"N": ("n",), "Y": ("s", "p")}, pauses={"T": frozenset({"hearing"}), "U": frozenset()}, last=frozenset({"L"})
)


class Case:
    """A case of a small process."""

    def __init__(self, *lines: str) -> None:
        self.process: Process = read_process(bpmn(*lines), VARIABLES)
        self.state = CaseState()
        self.now_s = 100
        self.add(EventKind.STARTED)

    def add(self, kind: EventKind, **members: object) -> None:
        event = Event(kind, self.now_s, **members)  # type: ignore[arg-type]
        self.state = step(self.process, RULES, self.state, event)

    def done(self, task: str, **outcome: Value) -> None:
        self.add(EventKind.COMPLETED, task=task, outcome=outcome)

    def waits(self) -> str:
        return " ".join(sorted(self.state.waiting))

    def refusal(self, kind: EventKind, **members: object) -> str:
        before = self.state
        with pytest.raises((ConflictError, InputError)) as caught:
            self.add(kind, **members)
        assert self.state is before
        return caught.value.code


SIMPLE = ("start S > T", "user T > U", "user U > L", "user L > E", "end E")
TIMED = ("start S > T", "user T > E", "timer X on T > L", "reminder R on T > U", "user U > F", "user L > F", "end E", "end F")


def test_tasks_come_one_after_the_other() -> None:
    case = Case(*SIMPLE)
    for task in "TUL":
        assert case.waits() == task
        case.done(task)
    assert (case.state.status, case.state.done, case.state.ends) == (Status.ENDED, ("T", "U", "L"), ("E",))


@pytest.mark.parametrize(("n", "task"), [(0, "C"), (1, "A"), (2, "B"), (3, "A")])
def test_an_exclusive_choice_takes_the_first_that_holds(n: int, task: str) -> None:
    case = Case("start S > N", "user N > G", "xor G > A if n == 1 or n == 3 | B if n > 1 | C!",
                "user A > E", "user B > E", "user C > E", "end E")  # fmt: skip
    case.done("N", n=n)
    assert case.waits() == task


@pytest.mark.parametrize(("n", "tasks"), [(0, "C"), (1, "A"), (2, "A B"), (9, "A B")])
def test_an_inclusive_choice_takes_all_that_hold_and_its_join_waits_for_these(n: int, tasks: str) -> None:
    case = Case("start S > N", "user N > G", "or G > A if n >= 1 | B if n >= 2 | C!", "user A > J", "user B > J",
                "user C > J", "or J > L", "user L > E", "end E")  # fmt: skip
    case.done("N", n=n)
    assert case.waits() == tasks
    for task in tasks.split():
        assert "L" not in case.waits()
        case.done(task)
    assert case.waits() == "L"


def test_an_inclusive_join_does_not_wait_for_a_path_that_left() -> None:
    case = Case("start S > N", "user N > G", "or G > A if n >= 1 | B!", "user A > X", "xor X > J if n == 5 | F!",
                "user B > J", "or J > L", "user L > E", "end E", "end F")  # fmt: skip
    case.done("N", n=1)
    case.done("A")
    assert (case.state.status, case.state.ends) == (Status.ENDED, ("F",))


def test_an_inclusive_join_waits_while_a_token_may_still_come_by_another_way() -> None:
    case = Case("start S > G", "and G > A | N", "user A > J", "user N > X", "xor X > B if n == 1 | F!", "user B > J",
                "or J > L", "user L > E", "end E", "end F")  # fmt: skip
    case.done("A")
    assert case.waits() == "N"
    case.done("N", n=0)
    assert case.waits() == "L"


def test_a_parallel_join_waits_for_all() -> None:
    case = Case("start S > G", "and G > A | B | C", "user A > J", "user B > J", "user C > J", "and J > L", "user L > E", "end E")
    for task in "CAB":
        assert "L" not in case.waits()
        case.done(task)
    assert case.waits() == "L"


def test_an_interrupting_timer_ends_its_task_and_other_timers_on_it() -> None:
    case = Case(*TIMED)
    assert case.state.timers == {"X": None, "R": None}
    case.add(EventKind.TIMER_DUE, timer="X", due_s=150)
    assert case.refusal(EventKind.TIMER_FIRED, timer="X") == "timer-not-due"
    case.now_s = 150
    case.add(EventKind.TIMER_FIRED, timer="X")
    assert (case.waits(), case.state.timers) == ("L", {})


def test_another_timer_leaves_its_task_and_fires_once() -> None:
    case = Case(*TIMED)
    assert case.refusal(EventKind.TIMER_FIRED, timer="R") == "timer-not-due"
    case.add(EventKind.TIMER_DUE, timer="R", due_s=100)
    case.add(EventKind.TIMER_FIRED, timer="R")
    assert case.waits() == "T U"
    assert case.refusal(EventKind.TIMER_FIRED, timer="R") == "timer-not-armed"
    case.done("T")
    assert (case.state.status, case.waits(), case.state.timers) == (Status.RUNNING, "U", {})


def test_a_pause_stops_task_and_timers_and_asks_for_a_new_due_time() -> None:
    case = Case(*TIMED)
    case.add(EventKind.TIMER_DUE, timer="X", due_s=100)
    case.add(EventKind.PAUSED, task="T", pause="hearing")
    assert case.refusal(EventKind.COMPLETED, task="T") == "task-paused"
    assert case.refusal(EventKind.TIMER_FIRED, timer="X") == "task-paused"
    assert case.refusal(EventKind.PAUSED, task="T", pause="hearing") == "task-paused"
    case.add(EventKind.RESUMED, task="T")
    assert case.refusal(EventKind.RESUMED, task="T") == "task-not-paused"
    assert case.refusal(EventKind.TIMER_FIRED, timer="X") == "timer-not-due"
    case.done("T")


def test_a_pause_that_the_table_does_not_know_is_refused() -> None:
    case = Case(*SIMPLE)
    assert case.refusal(EventKind.PAUSED, task="T", pause="holiday") == "pause-not-allowed"
    assert case.refusal(EventKind.PAUSED, task="L", pause="hearing") == "task-not-waiting"


@pytest.mark.parametrize("ends", ["withdrawn", "ended"])
def test_nothing_happens_after_the_end(ends: str) -> None:
    case = Case(*SIMPLE)
    if ends == "withdrawn":
        case.add(EventKind.WITHDRAWN)
    else:
        for task in "TUL":
            case.done(task)
    for kind in EventKind:
        assert case.refusal(kind, task="T", timer="X") == "case-over"


def test_a_withdrawal_after_the_last_step_is_too_late() -> None:
    case = Case("start S > L", "user L > T", "user T > E", "end E")
    case.done("L")
    assert case.refusal(EventKind.WITHDRAWN) == "withdrawal-too-late"


def test_events_that_do_not_fit_are_named() -> None:
    case = Case(*SIMPLE)
    assert case.refusal(EventKind.COMPLETED, task="U") == "task-not-waiting"
    assert case.refusal(EventKind.COMPLETED, task="nowhere") == "task-not-waiting"
    assert case.refusal(EventKind.TIMER_DUE, timer="X", due_s=1) == "timer-not-armed"
    assert case.refusal(EventKind.STARTED) == "case-started-already"
    case.now_s = 99
    assert case.refusal(EventKind.COMPLETED, task="T") == "events-out-of-order"


def test_a_case_begins_with_its_start() -> None:
    with pytest.raises(ConflictError) as caught:
        replay(read_process(bpmn(*SIMPLE), VARIABLES), RULES, [Event(EventKind.WITHDRAWN, 1)])
    assert caught.value.code == "case-not-started"


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ({}, "field-missing"),
        ({"s": "yes"}, "field-missing"),
        ({"s": "yes", "p": True, "n": 1}, "field-unknown"),
        ({"s": "maybe", "p": True}, "field-type"),
        ({"s": "yes", "p": 1}, "field-type"),
        ({"s": None, "p": True}, "field-type"),
    ],
)
def test_an_outcome_is_exactly_what_the_step_says(outcome: dict[str, object], code: str) -> None:
    case = Case("start S > Y", "user Y > E", "end E")
    assert case.refusal(EventKind.COMPLETED, task="Y", outcome=outcome) == code


def test_a_step_without_outcome_takes_none() -> None:
    assert Case(*SIMPLE).refusal(EventKind.COMPLETED, task="T", outcome={"n": 1}) == "field-unknown"


def test_the_bytes_of_a_state_are_frozen() -> None:
    case = Case(*TIMED)
    case.add(EventKind.TIMER_DUE, timer="X", due_s=150)
    assert state_bytes(case.state, "ab") == (
        b'{"format":"xinlian-case-state/1","status":"running","events":2,"time_s":100,"variables":{"n":0,"p":false,"s":"no"},'
        b'"waiting":["T"],"pending":[],"timers":{"R":null,"X":150},"paused":{},"done":[],"ends":[],"scenario":"ab"}'
    )
    assert len(state_digest(case.state, "ab")) == 32
    assert state_digest(case.state, "ab") != state_digest(case.state, "ac")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"kind": "exploded", "time_s": 1},
        {"kind": "started"},
        {"kind": "started", "time_s": 1, "task": "T"},
        {"kind": "started", "time_s": True},
        {"kind": "started", "time_s": -1},
        {"kind": "started", "time_s": 1.5},
        {"kind": "started", "time_s": 2**53},
        {"kind": "completed", "time_s": 1, "task": "T"},
        {"kind": "completed", "time_s": 1, "task": "", "outcome": {}},
        {"kind": "completed", "time_s": 1, "task": "T" * 65, "outcome": {}},
        {"kind": "completed", "time_s": 1, "task": "T", "outcome": {"n": None}},
        {"kind": "completed", "time_s": 1, "task": "T", "outcome": {"n": 0.5}},
        {"kind": "timer-due", "time_s": 1, "timer": "X", "due_s": None},
        {"kind": ["started"], "time_s": 1},
    ],
)
def test_an_event_of_another_form_is_refused(document: object) -> None:
    with pytest.raises(InputError) as caught:
        read_event(document)
    assert caught.value.code == "event-form"
