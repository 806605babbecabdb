"""The state of a case, its bytes and its digest.

Rules
1. The bytes are canonical JSON (``protocol.jsontext``) with sorted names, lists sorted or in the order of events: equal states
   have equal bytes, and everyone who replays the same events gets them.
2. The state holds outcome variables only, never the inputs of a decision, so every participant can replay it.

Example: ``state_digest(state).hex()``

Source: design 9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from xinlian.engine.values import Value
from xinlian.protocol.jsontext import dumps_canonical

FORMAT: Final = "xinlian-case-state/1"


class Status(StrEnum):
    """Where a case stands."""

    NEW = "new"
    RUNNING = "running"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class CaseState:
    """The state of a case after some events.

    Args:
        status: where it stands.
        events: how many there were.
        time_s: of the last one, epoch seconds.
        variables: all declared variables.
        waiting: ids of the tasks that wait.
        pending: ids of the flows whose token waits at a joining gateway.
        timers: running timers → due time in epoch seconds, None until the chain says it.
        paused: task → kind of its special procedure.
        done: ids of the tasks completed, in the order of their first completion.
        ends: ids of the end events reached, in order.
    """

    status: Status = Status.NEW
    events: int = 0
    time_s: int = 0
    variables: Mapping[str, Value] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()
    timers: Mapping[str, int | None] = field(default_factory=dict)
    paused: Mapping[str, str] = field(default_factory=dict)
    done: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


def state_document(state: CaseState) -> dict[str, object]:
    """The state as JSON types."""
    return {
        "format": FORMAT,
        "status": state.status.value,
        "events": state.events,
        "time_s": state.time_s,
        "variables": dict(sorted(state.variables.items())),
        "waiting": sorted(state.waiting),
        "pending": sorted(state.pending),
        "timers": dict(sorted(state.timers.items())),
        "paused": dict(sorted(state.paused.items())),
        "done": list(state.done),
        "ends": list(state.ends),
    }


def state_bytes(state: CaseState, scenario_hash: str) -> bytes:
    """The state as bytes, with the scenario it belongs to.

    Args:
        state: the state.
        scenario_hash: SHA-256 of the scenario, hex.
    """
    return dumps_canonical({**state_document(state), "scenario": scenario_hash})


def state_digest(state: CaseState, scenario_hash: str) -> bytes:
    """SHA-256 of ``state_bytes``, 32 bytes."""
    return hashlib.sha256(state_bytes(state, scenario_hash)).digest()
