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
from dataclasses import dataclass, field, replace
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
    changed = _HANDLERS[event.kind](process, rules, state, event)
    ended = changed.status is Status.RUNNING and not changed.waiting and not changed.pending
    status = Status.ENDED if ended else changed.status
    return replace(changed, status=status, events=state.events + 1, time_s=event.time_s)


def _check_place(state: CaseState, event: Event) -> None:
    if event.time_s < state.time_s:
        raise ConflictError("events-out-of-order", f"event {event.kind} at {event.time_s}: the last one was at {state.time_s}")
    if state.status is Status.NEW and event.kind is not EventKind.STARTED:
        raise ConflictError("case-not-started", f"event {event.kind}: the case has not started", event=event.kind.value)
    if state.status in (Status.ENDED, Status.WITHDRAWN):
        raise ConflictError("case-over", f"event {event.kind}: the case is {state.status}", event=event.kind.value)
    if state.status is Status.RUNNING and event.kind is EventKind.STARTED:
        raise ConflictError("case-started-already", "event started: the case runs already", event=event.kind.value)


def _started(process: Process, _rules: RunRules, state: CaseState, _event: Event) -> CaseState:
    first = {name: variable.first for name, variable in process.variables.items()}
    begun = replace(state, status=Status.RUNNING, variables=MappingProxyType(first))
    return _moved(process, begun, process.start.outgoing)


def _completed(process: Process, rules: RunRules, state: CaseState, event: Event) -> CaseState:
    _check_waits(state, event)
    if event.task in state.paused:
        raise ConflictError("task-paused", f"event completed: {event.task!r} is in a special procedure", task=event.task)
    outcome = _outcome(process, rules, event)
    without = _without_task(process, state, event.task)
    done = state.done if event.task in state.done else (*state.done, event.task)
    variables = MappingProxyType({**state.variables, **outcome}) if outcome else state.variables
    changed = replace(without, variables=variables, done=done)
    return _moved(process, changed, process.nodes[event.task].outgoing)


def _outcome(process: Process, rules: RunRules, event: Event) -> dict[str, Value]:
    names = rules.outcomes.get(event.task, ())
    variables = {name: process.variables[name] for name in names}
    outcome = checked(event.outcome, {name: variable.kind for name, variable in variables.items()}, event.task)
    for name, value in outcome.items():
        allowed = variables[name].values
        if allowed and value not in allowed:
            expected = ", ".join(map(str, allowed))
            raise InputError("field-type", f"{event.task}: {name}: expected one of {expected}", field=name)
    return outcome


def _timer_due(_process: Process, _rules: RunRules, state: CaseState, event: Event) -> CaseState:
    _check_armed(state, event)
    return replace(state, timers=MappingProxyType({**state.timers, event.timer: event.due_s}))


def _timer_fired(process: Process, _rules: RunRules, state: CaseState, event: Event) -> CaseState:
    _check_armed(state, event)
    timer = process.nodes[event.timer]
    host = str(timer.host)
    if host in state.paused:
        raise ConflictError("task-paused", f"event timer-fired: {host!r} is in a special procedure", task=host)
    due_s = state.timers[event.timer]
    if due_s is None or event.time_s < due_s:
        raise ConflictError("timer-not-due", f"event timer-fired: {event.timer!r} is due at {due_s}", timer=event.timer)
    changed = _without_task(process, state, host) if timer.interrupting else _without_timers(state, (event.timer,))
    return _moved(process, changed, timer.outgoing)


def _paused(_process: Process, rules: RunRules, state: CaseState, event: Event) -> CaseState:
    _check_waits(state, event)
    if event.task in state.paused:
        raise ConflictError("task-paused", f"event paused: {event.task!r} is in a special procedure already", task=event.task)
    if event.pause not in rules.pauses.get(event.task, frozenset()):
        raise ConflictError("pause-not-allowed", f"event paused: {event.task!r} allows no {event.pause!r}", task=event.task)
    return replace(state, paused=MappingProxyType({**state.paused, event.task: event.pause}))


def _resumed(process: Process, _rules: RunRules, state: CaseState, event: Event) -> CaseState:
    _check_waits(state, event)
    if event.task not in state.paused:
        raise ConflictError("task-not-paused", f"event resumed: {event.task!r} is in no special procedure", task=event.task)
    paused = {task: kind for task, kind in state.paused.items() if task != event.task}
    own = process.timers.get(event.task, ())
    timers = {timer: None if timer in own else due_s for timer, due_s in state.timers.items()}
    return replace(state, paused=MappingProxyType(paused), timers=MappingProxyType(timers))


def _withdrawn(_process: Process, rules: RunRules, state: CaseState, _event: Event) -> CaseState:
    too_late = [task for task in state.done if task in rules.last]
    if too_late:
        raise ConflictError("withdrawal-too-late", f"event withdrawn: {too_late[0]!r} is done", task=too_late[0])
    nothing: Mapping[str, int | None] = MappingProxyType({})
    return replace(
        state,
        status=Status.WITHDRAWN,
        waiting=frozenset(),
        pending=frozenset(),
        timers=nothing,
        paused=MappingProxyType({}),
    )


def _check_waits(state: CaseState, event: Event) -> None:
    if event.task not in state.waiting:
        waiting = ", ".join(sorted(state.waiting)) or "none"
        message = f"event {event.kind}: {event.task[:64]!r} does not wait; waiting: {waiting}"
        raise ConflictError("task-not-waiting", message, event=event.kind.value, task=event.task[:64])


def _check_armed(state: CaseState, event: Event) -> None:
    if event.timer not in state.timers:
        message = f"event {event.kind}: the timer {event.timer[:64]!r} does not run"
        raise ConflictError("timer-not-armed", message, event=event.kind.value, timer=event.timer[:64])


def _without_timers(state: CaseState, timers: tuple[str, ...]) -> CaseState:
    kept = {timer: due_s for timer, due_s in state.timers.items() if timer not in timers}
    return replace(state, timers=MappingProxyType(kept))


def _without_task(process: Process, state: CaseState, task: str) -> CaseState:
    """The state without the task that waited, its timers and its pause."""
    changed = replace(state, waiting=state.waiting - {task})
    return _without_timers(changed, process.timers[task]) if task in process.timers else changed


def _moved(process: Process, state: CaseState, flows: tuple[str, ...]) -> CaseState:
    """The state after tokens went along the flows until all of them rest."""
    moves = Moves(set(state.waiting), set(state.pending), dict(state.timers), list(state.ends))
    arrive(process, by_conditions(process, state.variables), moves, flows)
    return replace(
        state,
        waiting=frozenset(moves.waiting),
        pending=frozenset(moves.pending),
        timers=MappingProxyType(moves.timers),
        ends=tuple(moves.ends),
    )


_Handler = Callable[[Process, RunRules, CaseState, Event], CaseState]
_HANDLERS: Final[Mapping[EventKind, _Handler]] = {
    EventKind.STARTED: _started,
    EventKind.COMPLETED: _completed,
    EventKind.TIMER_DUE: _timer_due,
    EventKind.TIMER_FIRED: _timer_fired,
    EventKind.PAUSED: _paused,
    EventKind.RESUMED: _resumed,
    EventKind.WITHDRAWN: _withdrawn,
}
