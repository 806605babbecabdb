"""What happens as events: observers for those who know of it (approvals, the follower, notices)."""

from __future__ import annotations

from collections.abc import Callable

from xinlian.node.approvals import Change
from xinlian.node.ids import record_id_text
from xinlian.node.webhooks.events import Event, Events
from xinlian.protocol.documents import Document
from xinlian.protocol.notices import Facts
from xinlian.protocol.types import Stream, Uscc
from xinlian.store.anchoring import Batch
from xinlian.store.approvals import State
from xinlian.store.notices import Outgoing
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


def text_events(events: Events) -> Callable[[Transaction, Document, Uscc], None]:
    """Tell of every text that came from another department."""

    def received(tx: Transaction, document: Document, sender: Uscc) -> None:
        data = {"digest": document.digest.hex(), "kind": document.kind, "object": document.object_ref, "sender": sender}
        events.emit(tx, Event("document.received", data))

    return received


def correction_events(events: Events) -> Callable[[Transaction, str, str, Uscc], None]:
    """Tell of every notice that a value received was wrong."""

    def told(tx: Transaction, object_ref: str, record_id: str, sender: Uscc) -> None:
        events.emit(tx, Event("correction.told", {"object": object_ref, "record": record_id, "sender": sender}))

    return told


def notice_events(events: Events) -> Callable[[Transaction, Outgoing, Facts], None]:
    """Tell of every signed word on the notice of an erasure or a correction."""

    def answered(tx: Transaction, row: Outgoing, facts: Facts) -> None:
        code = None if facts.check is None else facts.check.code
        if row.object_ref is not None:
            about = {"object": row.object_ref, "recipient": row.recipient, "outcome": facts.outcome.value, "code": code}
            events.emit(tx, Event("correction.acknowledged", about))
        if row.jti is None:
            return
        data = {"record": record_id_text(row.jti), "recipient": row.recipient, "outcome": facts.outcome.value, "code": code}
        events.emit(tx, Event("erasure.acknowledged", data))

    return answered
