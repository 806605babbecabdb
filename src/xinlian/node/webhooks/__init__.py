"""Webhooks: a department's own systems are told what happens, signed, retried, parked when it is in vain.

``sources`` and ``steps`` are told what happens; ``events`` puts it into the outbox within the transaction of what happened;
``registering`` is the operator's part; ``delivering`` sends; ``addresses`` decides where to.

Source: Standard Webhooks 1.0.0; docs/webhooks.md.
"""

from xinlian.node.webhooks.addresses import Addresses
from xinlian.node.webhooks.delivering import Delivering
from xinlian.node.webhooks.events import EVENT_TYPES, Event, Events
from xinlian.node.webhooks.registering import NewHook, Webhooks, shown
from xinlian.node.webhooks.sources import approval_events, batch_events, correction_events, notice_events, text_events
from xinlian.node.webhooks.steps import step_events

__all__ = [
    "EVENT_TYPES",
    "Addresses",
    "Delivering",
    "Event",
    "Events",
    "NewHook",
    "Webhooks",
    "approval_events",
    "batch_events",
    "correction_events",
    "notice_events",
    "shown",
    "step_events",
    "text_events",
]
