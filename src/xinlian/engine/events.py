"""The events of a case, and their exact JSON form.

Rules
1. Every event has a time (epoch seconds, decided by the chain) and members of its kind, no others.
2. ``started`` begins the case; ``completed`` carries the outcome variables of a task; ``timer-due`` says until when a timer runs,
   ``timer-fired`` that it ended; ``paused`` and ``resumed`` frame a special procedure of one task; ``withdrawn`` ends the case.

Example: ``read_event({"kind": "completed", "time_s": 1790000000, "task": "A2", "outcome": {"acceptance": "accepted"}})``

Source: design 9; dossier 2.9.8 (特别程序), 2.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from xinlian.engine.values import Value, is_value
from xinlian.protocol.errors import InputError
from xinlian.protocol.types import MAX_EXACT_INT


class EventKind(StrEnum):
    """What happened."""

    STARTED = "started"
    COMPLETED = "completed"
    TIMER_DUE = "timer-due"
    TIMER_FIRED = "timer-fired"
    PAUSED = "paused"
    RESUMED = "resumed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a case.

    Args:
        kind: what happened.
        time_s: when, epoch seconds.
        task: id of the task. Kinds completed, paused, resumed.
        timer: id of the timer. Kinds timer-due, timer-fired.
        outcome: variables by name. Kind completed.
        due_s: first second at which the timer may fire, epoch seconds. Kind timer-due.
        pause: kind of special procedure. Kind paused.
    """

    kind: EventKind
    time_s: int
    task: str = ""
    timer: str = ""
    outcome: Mapping[str, Value] = field(default_factory=dict)
    due_s: int = 0
    pause: str = ""


_MEMBERS: Final[Mapping[EventKind, tuple[str, ...]]] = {
    EventKind.STARTED: (),
    EventKind.COMPLETED: ("task", "outcome"),
    EventKind.TIMER_DUE: ("timer", "due_s"),
    EventKind.TIMER_FIRED: ("timer",),
    EventKind.PAUSED: ("task", "pause"),
    EventKind.RESUMED: ("task",),
    EventKind.WITHDRAWN: (),
}


def read_event(document: object) -> Event:
    """An event from its JSON form.

    Raises:
        InputError: ``event-form``.
    """
    if not isinstance(document, dict) or document.get("kind") not in list(EventKind):
        raise InputError("event-form", f"an event is an object with kind one of {', '.join(EventKind)}")
    kind = EventKind(document["kind"])
    expected = {"kind", "time_s", *_MEMBERS[kind]}
    if set(document) != expected:
        raise InputError("event-form", f"event {kind}: expected exactly {', '.join(sorted(expected))}", event=kind.value)
    for name in expected - {"kind"}:
        if not _fits(name, document[name]):
            raise InputError("event-form", f"event {kind}: {name} has another form", event=kind.value, field=name)
    return Event(**{**document, "kind": kind})


def write_event(event: Event) -> dict[str, object]:
    """The JSON form of an event."""
    members = {name: getattr(event, name) for name in _MEMBERS[event.kind]}
    if "outcome" in members:
        members["outcome"] = dict(sorted(event.outcome.items()))
    return {"kind": event.kind.value, "time_s": event.time_s, **members}


def _fits(name: str, value: object) -> bool:
    if name in ("time_s", "due_s"):
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_EXACT_INT
    if name == "outcome":
        return isinstance(value, dict) and all(map(is_value, value.values()))
    return isinstance(value, str) and 0 < len(value) <= 64
