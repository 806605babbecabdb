"""What happens as events: observers for those who know of it (approvals, the follower)."""

from __future__ import annotations

from collections.abc import Callable

from xinlian.node.approvals import Change
from xinlian.node.webhooks.events import Event, Events
from xinlian.protocol.types import Stream
from xinlian.store.anchoring import Batch
from xinlian.store.approvals import State
from xinlian.store.writer import Transaction


def approval_events(events: Events) -> Callable[[Transaction, Change], None]:
    """Tell of every move of an approval."""

    def seen(tx: Transaction, change: Change) -> None:
        approval = change.approval
        if change.step is not None:
            name = change.step.act.value.replace("-", "_")
        elif approval.state in (State.DONE, State.FAILED):
            name = approval.state.value
        else:
            return
        data = {
            "approval": approval.id,
            "kind": approval.kind,
            "object": approval.object_ref,
            "round": approval.round,
            "state": approval.state.value,
            "code": approval.code,
        }
        events.emit(tx, Event(f"approval.{name}", data))

    return seen


def batch_events(events: Events) -> Callable[[Transaction, Batch], None]:
    """Tell of every own batch that becomes final."""

    def final(tx: Transaction, batch: Batch) -> None:
        data = {
            "stream": Stream(batch.stream).label,
            "sequence": batch.sequence,
            "size": batch.size,
            "root": batch.root.hex(),
            "block_number": batch.block_number,
            "block_time": batch.block_time,
        }
        events.emit(tx, Event("batch.final", data))

    return final
