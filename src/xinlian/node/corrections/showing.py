"""Corrections as shown: where each stands, its clock, what it disputes, who was told and who has not acknowledged; and what
others told this department.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xinlian.node.acts import Actor, Acts
from xinlian.node.chain_state import CorrectionState
from xinlian.node.corrections.approving import ANSWER_WD
from xinlian.node.corrections.registry import Corrections
from xinlian.node.corrections.texts import Applications
from xinlian.node.ids import record_id_text
from xinlian.node.notices.showing import sent_json, sent_of
from xinlian.node.paging import Page, Window, first_of, page_of
from xinlian.node.people import Person
from xinlian.protocol.acts import ActorRole, ActWord
from xinlian.protocol.clocks import ClockReading, Term
from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.protocol.objects import correction_object
from xinlian.store import corrected, notices
from xinlian.store.corrected import Told
from xinlian.store.writer import Reader, Transaction, Writer


@dataclass(frozen=True, slots=True)
class CorrectionViews:
    """The use case.

    Args:
        corrections: on chain.
        applications: what they dispute.
        writer: node.db.
        acts: states who took note.
        read: how a clock stands now, by the calendar on chain.
    """

    corrections: Corrections
    applications: Applications
    writer: Writer
    acts: Acts
    read: Callable[[Term], ClockReading]

    # -- corrections -------------------------------------------------------------------------------

    def page(self, direction: str, window: Window, *, open_only: bool) -> Page[dict[str, Any]]:
        """Corrections this department made or received (made, received, own), or all, by receiver and number."""
        own = self.corrections.department
        wanted = (
            one
            for one in self.corrections.state.corrections.values()
            if (one.is_open or not open_only)
            and (
                direction == "all"
                or (direction in ("made", "own") and one.receiver == own)
                or (direction in ("received", "own") and own in (one.provider, one.source))
            )
        )
        page = page_of(wanted, window, lambda one: (one.receiver, one.number))
        with self.writer.read() as reader:
            return Page([self._brief(one, reader) for one in page.items], page.next)

    def info(self, receiver: str, number: int) -> dict[str, Any]:
        """One correction, with everybody who was told of what it changed.

        Raises:
            NotFoundError: ``correction-unknown``.
        """
        correction = self.corrections.known(receiver, number)
        ref = correction_object(receiver, number)
        with self.writer.read() as reader:
            shown = self._brief(correction, reader)
            changed = corrected.record_of(reader, ref)
            told = [sent_json(sent_of(reader, row)) for row in notices.of_object(reader, ref)]
        shown["corrected"] = None if changed is None else _changed(changed)
        shown["recipients"] = told
        shown["outstanding"] = sorted({one["recipient"] for one in told if one["state"] != notices.ACKNOWLEDGED})
        return shown

    def _brief(self, one: CorrectionState, reader: Reader) -> dict[str, Any]:
        form = self.applications.find(one, reader)
        clock = self.read(Term(one.clock_start, ANSWER_WD)).to_json() if one.is_open else None
        return {
            "receiver": one.receiver,
            "number": one.number,
            "provider": one.provider,
            "source": one.source,
            "addressee": one.addressee if one.is_open else None,
            "grant": one.grant_number,
            "dataset": one.vct.partition("@")[0],
            "version": one.version,
            "state": one.step.name.lower(),
            "record_id": None if form is None else form.record_id,
            "revision": None if form is None else form.revision,
            "fields": [] if form is None else list(form.items),
            "overdue": {"provider": one.provider_overdue, "source": one.source_overdue},
            "clock": clock,
            "opened_at": one.opened_at,
            "forwarded_at": one.forwarded_at,
            "ended_at": one.ended_at,
            "documents": {
                "application": _hex(one.document),
                "forwarding": _hex(one.forward_document),
                "ending": _hex(one.end_document),
            },
        }

    # -- what others told --------------------------------------------------------------------------

    def told_page(self, window: Window) -> Page[Told]:
        """What other departments told about values that this one received, oldest first."""
        after = 0 if window.after is None else int(window.after[0])
        with self.writer.read() as reader:
            found = corrected.told_page(reader, after, window.limit + 1)
        return first_of(found, window, lambda one: (one.notice,))

    async def see(self, notice: int, person: Person) -> dict[str, Any]:
        """Take note of a correction for the department; stated in the anchored log.

        Raises:
            NotFoundError: ``notice-unknown``.
            ConflictError: ``correction-seen``.
        """
        now = self.corrections.law_s()

        def job(tx: Transaction) -> Told:
            found = corrected.told(tx, notice)
            if found is None:
                raise NotFoundError("correction-unknown", "there is no such notice of a correction", notice=notice)
            if not corrected.see(tx, notice, person.id, now):
                raise ConflictError("correction-seen", "somebody took note of it already", notice=notice)
            self.acts.write(tx, ActWord.ACKNOWLEDGED, found.object_ref, None, Actor(person, ActorRole.HANDLER))
            found = corrected.told(tx, notice)
            assert found is not None
            return found

        return told_json(await self.writer.write(job))


def told_json(told: Told) -> dict[str, Any]:
    """What was told, without who took note."""
    return {
        "id": told.notice,
        "sender": told.sender,
        "correction": told.object_ref.removeprefix("correction "),
        "record_id": record_id_text(told.jti),
        "fields": list(told.fields),
        "rev": told.rev,
        "leaf": told.leaf.hex(),
        "corrected_at": told.corrected_at,
        "seen_at": told.seen_at,
    }


def _changed(one: corrected.CorrectedRecord) -> dict[str, Any]:
    return {"record_id": record_id_text(one.jti), "rev": one.rev, "leaf": one.leaf.hex(), "told_at": one.told_at}


def _hex(word: str | None) -> str | None:
    return None if word is None else word.removeprefix("0x")
