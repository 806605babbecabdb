"""Events that a department's own systems can be told of, and their outbox.

Rules
1. The list is closed; each type has one form of data.
2. Data holds ids, codes and numbers only. What is no ASCII code, or could be an ID number or a file (``payload_guard``), is left
   out and named in ``withheld``; whoever needs it asks the API, which knows who asks.
3. An event is put into the outbox in the transaction of what happened: neither is there without the other.

Example: ``events.emit(tx, Event("batch.final", {"stream": "records", "sequence": 7, "size": 12}))``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson

from xinlian.node.payload_guard import check_payload
from xinlian.node.sealing import new_record_id
from xinlian.protocol.errors import InputError
from xinlian.protocol.types import Uscc
from xinlian.store import webhooks as table
from xinlian.store.writer import Transaction

EVENT_TYPES: Final[dict[str, str]] = {
    "approval.proposed": "A step was proposed and waits for the head.",
    "approval.consented": "The head consented; the node carries it out.",
    "approval.sent_back": "The head sent a proposal back.",
    "approval.withdrawn": "A proposal was withdrawn.",
    "approval.done": "What was consented to is carried out.",
    "approval.failed": "What was consented to could not be carried out; code says why.",
    "document.received": "The text behind a step came from another department.",
    "erasure.acknowledged": "A department acknowledged, or refused, the notice of an erasure.",
    "request.step": "A step of a sharing request is final on chain.",
    "correction.step": "A step of a correction is final on chain.",
    "catalogue.step": "A step of a catalogue entry is final on chain.",
    "correction.told": "A department told that a value received from it was wrong.",
    "correction.acknowledged": "A department acknowledged, or refused, the notice of a correction.",
    "authorisation.step": "An authorisation was recorded or withdrawn, final on chain.",
    "batch.final": "A batch of this department is final on chain.",
    "webhook.test": "Somebody tries out the webhook.",
}
"""Every event type with what it means (docs/webhooks.md lists them)."""

_DATA: Final = (str, int, bool, type(None))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Args:
        type: of the closed list.
        data: ids, codes and numbers by name.
    """

    type: str
    data: Mapping[str, object]


class Events:
    """Puts events into the outbox.

    Args:
        department: USCC of this node.
        law_s: law time, epoch seconds: when it happened.
        wall_s: wall clock, epoch seconds: when it is to be sent.
    """

    def __init__(self, department: Uscc, law_s: Callable[[], int], wall_s: Callable[[], float]) -> None:
        self._department = department
        self._law_s = law_s
        self._wall_s = wall_s

    def emit(self, tx: Transaction, event: Event) -> None:
        """Tell every hook that gets this type, inside the transaction of what happened.

        Raises:
            LookupError: the type is not on the list (a defect of the caller).
        """
        if event.type not in EVENT_TYPES:
            raise LookupError(f"event type {event.type!r} is not in EVENT_TYPES")
        hooks = table.subscribed(tx, event.type)
        if hooks:
            self.tell(tx, hooks, event)

    def tell(self, tx: Transaction, hooks: list[int], event: Event) -> None:
        """Tell some hooks, whatever they asked for (a trial)."""
        message_id = "msg_" + new_record_id().replace("-", "")
        table.queue(tx, hooks, message_id, event.type, self._body(event), int(self._wall_s()))

    def _body(self, event: Event) -> bytes:
        shown = {name: value for name, value in event.data.items() if _is_harmless(value)}
        body: dict[str, object] = {
            "type": event.type,
            "timestamp": datetime.fromtimestamp(self._law_s(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "department": self._department,
            "data": shown,
        }
        if len(shown) < len(event.data):
            body["withheld"] = sorted(set(event.data) - set(shown))
        return orjson.dumps(body)


def _is_harmless(value: object) -> bool:
    if not isinstance(value, _DATA) or (isinstance(value, str) and not (value.isascii() and value.isprintable())):
        return False
    try:
        check_payload([value])
    except InputError:
        return False
    return True
