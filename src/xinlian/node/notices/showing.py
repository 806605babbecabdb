"""Views of notices: an erasure with all its recipients, the outbox, the inbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from xinlian.node.ids import record_id_bytes, record_id_text
from xinlian.node.paging import Page, Window, first_of
from xinlian.protocol.errors import NotFoundError
from xinlian.protocol.types import Status, Stream, Uscc
from xinlian.store import erasures, parked, statuses
from xinlian.store import notices as table
from xinlian.store.notices import Incoming, Outgoing
from xinlian.store.writer import Reader, Writer


@dataclass(frozen=True, slots=True)
class Sent:
    """A row of the outbox, and whether it waits for a person."""

    row: Outgoing
    is_parked: bool


@dataclass(frozen=True, slots=True)
class Showing:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
    """

    department: Uscc
    writer: Writer

    def erasure(self, record_id: str) -> dict[str, Any]:
        """Where the erasure of a record stands, and what every department that received something of it says.

        Raises:
            InputError: ``record-id-form``.
            NotFoundError: ``erasure-unknown``.
        """
        jti = record_id_bytes(record_id)
        with self.writer.read() as reader:
            steps = erasures.of_record(reader, jti)
            if not steps:
                raise NotFoundError("erasure-unknown", "no erasure of this record was begun on this node", record=record_id)
            told = [sent_json(sent_of(reader, row)) for row in table.of_record(reader, jti)]
            standings = statuses.Standings(reader, self.department, Stream.RECORDS)
            on_chain = min(standings.of(step.position).status for step in steps)
        finished = all(step.state == erasures.MARKED for step in steps)
        return {
            "record_id": record_id,
            "state": "erased" if finished else "erasing",
            "steps": [step.state for step in steps],
            "status": Status(on_chain).name.lower(),
            "reason": steps[0].reason,
            "requested_at": steps[0].requested_at,
            "found_on_chain": any(step.requested_by == erasures.FOUND_ON_CHAIN for step in steps),
            "recipients": told,
            "outstanding": sorted({one["recipient"] for one in told if one["state"] != table.ACKNOWLEDGED}),
        }

    def outbox(self, window: Window, *, open_only: bool) -> Page[Sent]:
        """Notices to others, oldest first.

        Args:
            window: which part.
            open_only: only those that are not acknowledged.
        """
        with self.writer.read() as reader:
            rows = table.page(reader, _after(window), window.limit + 1, open_only=open_only)
            found = [sent_of(reader, row) for row in rows]
        return first_of(found, window, lambda one: (one.row.id,))

    def inbox(self, window: Window) -> Page[Incoming]:
        """Notices of others that were followed, oldest first."""
        with self.writer.read() as reader:
            rows = table.received_page(reader, _after(window), window.limit + 1)
        return first_of(rows, window, lambda row: (row.id,))


def _after(window: Window) -> int:
    return 0 if window.after is None else int(window.after[0])


def sent_of(reader: Reader, row: Outgoing) -> Sent:
    """A row of the outbox, and whether it waits for a person."""
    return Sent(row, parked.is_parked(reader, table.PARKED_KIND, row.notice_id))


def sent_json(sent: Sent) -> dict[str, Any]:
    """A notice to another department; ``deleted`` and ``kept`` as its acknowledgement says."""
    row, said = sent.row, _said(sent.row.facts)
    return {
        "notice": row.notice_id,
        "recipient": row.recipient,
        "kind": row.kind,
        "record_id": None if row.jti is None else record_id_text(row.jti),
        "object": row.object_ref,
        "state": row.state,
        "parked": sent.is_parked,
        "attempts": row.attempts,
        "next_try": row.next_try if row.state in (table.TO_TELL, table.TOLD) else None,
        "last_code": row.last_code,
        "created_at": row.created_at,
        "told_at": row.told_at,
        "acknowledged_at": row.acknowledged_at,
        "outcome": row.outcome,
        "deleted": said.get("deleted"),
        "kept": said.get("kept", []),
        "copies": said.get("copies"),
    }


def received_json(row: Incoming) -> dict[str, Any]:
    """A notice of another department, and what was done about it."""
    facts = orjson.loads(row.facts)
    return {
        "notice": row.notice_id,
        "sender": row.sender,
        "kind": row.kind,
        "received_at": row.received_at,
        "outcome": facts["outcome"],
        "deleted": None,
        "kept": [],
        "copies": None,
        **_said(row.facts),
    }


def _said(facts: str | None) -> dict[str, Any]:
    body = None if facts is None else orjson.loads(facts)["body"]
    return {} if body is None else body
