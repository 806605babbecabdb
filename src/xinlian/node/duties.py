"""Retention duties: a person records that a law orders to keep a case's file until a day, and ends it when it does so no more.

Rules
1. A duty names its legal basis in one line of at most 200 characters that holds no personal data; other departments are told it.
2. While one runs, the case's file is not disposed of, and copies of records that are erased where they came from are kept,
   restricted (``store.ended_values``). When the last one of a case ends, these copies go at once.

Source: PIPL art. 47 (a retention period that has not expired: storage and protection only).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xinlian.node.cases import Cases
from xinlian.node.idempotency import current_journal
from xinlian.node.paging import Page, Window, first_of
from xinlian.node.payload_guard import check_payload
from xinlian.node.people import Person
from xinlian.node.wiping import wipe
from xinlian.protocol.errors import InputError
from xinlian.protocol.notices import BASIS_FORM
from xinlian.store import duties as table
from xinlian.store import ended_values
from xinlian.store.duties import Duty
from xinlian.store.writer import Transaction, Writer

LONGEST_S = 100 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class NewDuty:
    """A duty as a person records it: lead and number of the case, the law, its end (epoch seconds, wall clock)."""

    lead: str
    case_no: str
    basis: str
    until: int


class Duties:
    """The use case.

    Args:
        writer: node.db.
        cases: which cases this node knows.
        wall_s: wall clock, epoch seconds.
    """

    def __init__(self, writer: Writer, cases: Cases, wall_s: Callable[[], float]) -> None:
        self._writer = writer
        self._cases = cases
        self._wall_s = wall_s

    async def record(self, new: NewDuty, person: Person) -> dict[str, Any]:
        """Record a duty.

        Raises:
            NotFoundError: ``case-unknown``.
            InputError: ``duty-form``, ``payload-refused`` when the basis holds a personal number or encoded data.
        """
        case = self._cases.get(new.lead, new.case_no)
        now = int(self._wall_s())
        if BASIS_FORM.fullmatch(new.basis) is None or not new.basis.strip():
            raise InputError("duty-form", "the legal basis is one line of 1 to 200 characters", field="basis")
        if not now < new.until <= now + LONGEST_S:
            raise InputError("duty-form", "until lies in the future, at most 100 years ahead", field="until")
        check_payload([new.basis])
        duty, journal = Duty(0, case.ref, new.basis, new.until, person.id, now), current_journal()
        earlier = journal.noted("duty")

        def job(tx: Transaction) -> Duty:
            if earlier is not None:
                return table.by_id(tx, earlier)
            stored = table.record(tx, duty)
            journal.note(tx, "duty", stored.id)
            return stored

        return _json(await self._writer.write(job), now)

    async def end(self, duty_id: int, person: Person) -> dict[str, Any]:
        """End a duty before its day; what it alone kept of erased records goes.

        Raises:
            NotFoundError: ``duty-unknown``.
            ConflictError: ``duty-ended``.
            StoreError: ``store-checkpoint-busy``: what went may still stand in the log; regular upkeep wipes it.
        """
        now, journal = int(self._wall_s()), current_journal()
        earlier = journal.noted("released")

        def job(tx: Transaction) -> tuple[Duty, int]:
            if earlier is not None:
                return table.by_id(tx, duty_id), int(earlier)
            ended, gone = table.end(tx, duty_id, person.id, now), ended_values.release(tx, now)
            journal.note(tx, "released", gone)
            return ended, gone

        duty, gone = await self._writer.write(job)
        if gone > 0:
            await wipe(self._writer)
        return {**_json(duty, now), "released": gone}

    def page(self, window: Window) -> Page[dict[str, Any]]:
        """Duties, ended ones included, oldest first."""
        now, after = int(self._wall_s()), 0 if window.after is None else int(window.after[0])
        with self._writer.read() as reader:
            found = table.page(reader, after, window.limit + 1)
        return first_of([_json(duty, now) for duty in found], window, lambda duty: (duty["id"],))


def _json(duty: Duty, now_s: int) -> dict[str, Any]:
    lead, _, case_no = duty.case_ref.partition("/")
    return {
        "id": duty.id,
        "lead": lead,
        "case_no": case_no,
        "basis": duty.basis,
        "until": duty.until,
        "state": "running" if duty.ended_at is None and duty.until > now_s else "ended",
        "recorded_at": duty.recorded_at,
        "ended_at": duty.ended_at,
    }
