"""Runs a case: the next state from a state and one event.

Rules
1. The first event is ``started``; times never go back; nothing happens after the case ended or was withdrawn.
2. A task is completed only while it waits and is not paused, with exactly its outcome variables and allowed values.
3. A timer fires only from its due time on, and neither while its task is paused. Interrupting, it ends its task; otherwise the
   task goes on and a second path begins.
4. A pause needs a kind that the step table names; when it ends, the timers of its task wait for a new due time.
5. The case ends when no token is left. It is withdrawn at any time before one of the tasks named in ``last`` was completed.
6. An event that does not fit is refused with a code that says why; the state stays as it was.

Example: ``replay(process, rules, events).status``

Source: BPMN 2.0.2 §13; design 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from xinlian.engine.events import Event, EventKind
from xinlian.engine.moving import Moves, arrive, by_conditions
from xinlian.engine.process import Process
from xinlian.engine.state import CaseState, Status
from xinlian.engine.values import Value, checked
from xinlian.protocol.errors import ConflictError, InputError


@dataclass(frozen=True, slots=True)
class RunRules:
    """What the step table adds to the process.

    Args:
        outcomes: task → the variables that completing it sets; a task without entry sets none.
        pauses: task → kinds of special procedure allowed.
        last: tasks after which the application cannot be withdrawn.
    """

    outcomes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pauses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    last: frozenset[str] = frozenset()


def replay(process: Process, rules: RunRules, events: Iterable[Event]) -> CaseState:
    """The state after all events.

    Raises:
        ConflictError, InputError: see ``step``.
    """
    state = CaseState()
    for event in events:
        state = step(process, rules, state, event)
    return state


def step(process: Process, rules: RunRules, state: CaseState, event: Event) -> CaseState:
    """The state after one more event.

    Raises:
        ConflictError: the event does not fit the state; the code says why.
        InputError: ``field-missing``, ``field-unknown``, ``field-type`` (outcome), ``number-range`` (a condition).
    """
    _check_place(state, event)
    draft = _draft(state)
    _HANDLERS[event.kind](process, rules, draft, event)
    ended = draft.status is Status.RUNNING and not draft.waiting and not draft.pending
    return CaseState(
        status=Status.ENDED if ended else draft.status,
        events=state.events + 1,
        time_s=event.time_s,
        variables=draft.variables,
        waiting=frozenset(draft.waiting),
        pending=frozenset(draft.pending),
        timers=MappingProxyType(draft.timers),
        paused=MappingProxyType(draft.paused),
        done=draft.done,
        ends=tuple(draft.ends),
    )


@dataclass(slots=True)
class _Draft(Moves):
    """A state while one event changes it; nobody else ever sees it, so a refused event changes nothing."""

    status: Status
    variables: Mapping[str, Value]
    paused: dict[str, str]
    done: tuple[str, ...]


def _draft(state: CaseState) -> _Draft:
    return _Draft(
        waiting=set(state.waiting),
        pending=set(state.pending),
        timers=dict(state.timers),
        ends=list(state.ends),
        status=state.status,
        variables=state.variables,
        paused=dict(state.paused),
        done=state.done,
    )


def _check_place(state: CaseState, event: Event) -> None:
    if event.time_s < state.time_s:
        raise ConflictError("events-out-of-order", f"event {event.kind} at {event.time_s}: the last one was at {state.time_s}")
    if state.status is Status.NEW and event.kind is not EventKind.STARTED:
        raise ConflictError("case-not-started", f"event {event.kind}: the case has not started", event=event.kind.value)
    if state.status in (Status.ENDED, Status.WITHDRAWN):
        raise ConflictError("case-over", f"event {event.kind}: the case is {state.status}", event=event.kind.value)
    if state.status is Status.RUNNING and event.kind is EventKind.STARTED:
        raise ConflictError("case-started-already", "event started: the case runs already", event=event.kind.value)


def _started(process: Process, _rules: RunRules, draft: _Draft, _event: Event) -> None:
    draft.status = Status.RUNNING
    draft.variables = MappingProxyType({name: variable.first for name, variable in process.variables.items()})
    _move(process, draft, process.start.outgoing)


def _completed(process: Process, rules: RunRules, draft: _Draft, event: Event) -> None:
    _check_waits(draft, event)
    if event.task in draft.paused:
        raise ConflictError("task-paused", f"event completed: {event.task!r} is in a special procedure", task=event.task)
    outcome = _outcome(process, rules, event)
    if outcome:
        draft.variables = MappingProxyType({**draft.variables, **outcome})
    if event.task not in draft.done:
        draft.done = (*draft.done, event.task)
    _end_task(process, draft, event.task)
    _move(process, draft, process.nodes[event.task].outgoing)


def _outcome(process: Process, rules: RunRules, event: Event) -> dict[str, Value]:
    names = rules.outcomes.get(event.task, ())
    if not names and not event.outcome:
        return {}
    variables = {name: process.variables[name] for name in names}
    outcome = checked(event.outcome, {name: variable.kind for name, variable in variables.items()}, event.task)
    for name, value in outcome.items():
        allowed = variables[name].values
        if allowed and value not in allowed:
            expected = ", ".join(map(str, allowed))
            raise InputError("field-type", f"{event.task}: {name}: expected one of {expected}", field=name)
    return outcome


def _timer_due(_process: Process, _rules: RunRules, draft: _Draft, event: Event) -> None:
    _check_armed(draft, event)
    draft.timers[event.timer] = event.due_s


def _timer_fired(process: Process, _rules: RunRules, draft: _Draft, event: Event) -> None:
    _check_armed(draft, event)
    timer = process.nodes[event.timer]
    host = str(timer.host)
    if host in draft.paused:
        raise ConflictError("task-paused", f"event timer-fired: {host!r} is in a special procedure", task=host)
    due_s = draft.timers[event.timer]
    if due_s is None or event.time_s < due_s:
        raise ConflictError("timer-not-due", f"event timer-fired: {event.timer!r} is due at {due_s}", timer=event.timer)
    if timer.interrupting:
        _end_task(process, draft, host)
    else:
        del draft.timers[event.timer]
    _move(process, draft, timer.outgoing)


def _paused(_process: Process, rules: RunRules, draft: _Draft, event: Event) -> None:
    _check_waits(draft, event)
    if event.task in draft.paused:
        raise ConflictError("task-paused", f"event paused: {event.task!r} is in a special procedure already", task=event.task)
    if event.pause not in rules.pauses.get(event.task, frozenset()):
        raise ConflictError("pause-not-allowed", f"event paused: {event.task!r} allows no {event.pause!r}", task=event.task)
    draft.paused[event.task] = event.pause


def _resumed(process: Process, _rules: RunRules, draft: _Draft, event: Event) -> None:
    _check_waits(draft, event)
    if event.task not in draft.paused:
        raise ConflictError("task-not-paused", f"event resumed: {event.task!r} is in no special procedure", task=event.task)
    del draft.paused[event.task]
    for timer in process.timers.get(event.task, ()):
        if timer in draft.timers:
            draft.timers[timer] = None


def _withdrawn(_process: Process, rules: RunRules, draft: _Draft, _event: Event) -> None:
    too_late = [task for task in draft.done if task in rules.last]
    if too_late:
        raise ConflictError("withdrawal-too-late", f"event withdrawn: {too_late[0]!r} is done", task=too_late[0])
    draft.status = Status.WITHDRAWN
    for part in (draft.waiting, draft.pending, draft.timers, draft.paused):
        part.clear()


def _check_waits(draft: _Draft, event: Event) -> None:
    if event.task not in draft.waiting:
        waiting = ", ".join(sorted(draft.waiting)) or "none"
        message = f"event {event.kind}: {event.task[:64]!r} does not wait; waiting: {waiting}"
        raise ConflictError("task-not-waiting", message, event=event.kind.value, task=event.task[:64])


def _check_armed(draft: _Draft, event: Event) -> None:
    if event.timer not in draft.timers:
        message = f"event {event.kind}: the timer {event.timer[:64]!r} does not run"
        raise ConflictError("timer-not-armed", message, event=event.kind.value, timer=event.timer[:64])


def _end_task(process: Process, draft: _Draft, task: str) -> None:
    """Take away the task that waited and its timers."""
    draft.waiting.remove(task)
    for timer in process.timers.get(task, ()):
        draft.timers.pop(timer, None)


def _move(process: Process, draft: _Draft, flows: tuple[str, ...]) -> None:
    """Let tokens go along the flows until all of them rest."""
    arrive(process, by_conditions(process, draft.variables), draft, flows)


_Handler = Callable[[Process, RunRules, _Draft, Event], None]
_HANDLERS: Final[Mapping[EventKind, _Handler]] = {
    EventKind.STARTED: _started,
    EventKind.COMPLETED: _completed,
    EventKind.TIMER_DUE: _timer_due,
    EventKind.TIMER_FIRED: _timer_fired,
    EventKind.PAUSED: _paused,
    EventKind.RESUMED: _resumed,
    EventKind.WITHDRAWN: _withdrawn,
}
