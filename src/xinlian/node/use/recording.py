"""Use records (使用情况记录): what a department used data for under a grant, for a period, in one case or in all.

Rules
1. 经办 writes the five parts (scene, process, effect, storage, disposal), 负责人 consents; the node counts the uses by its own
   read log. Text and salt are kept, the digest stands in the act of the anchored log: it cannot be back-dated.
2. A period begins with the grant and ends at the latest today.
3. The text is kept at least three years after it was recorded; deleting it earlier is refused. The row stays.

Example: ``await records.propose(PROVIDER, 3, None, {"period_from": "2026-10-01", …}, person)``

Source: Decree 809 art. 29; dossier 2.6, 4.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from xinlian.node.approvals import ApprovalInfo, Approvals, Consented, Kind, Proposal, Result, Signatures, Text
from xinlian.node.chain_state import ChainState, GrantState
from xinlian.node.paging import Page, Window, first_of
from xinlian.node.people import Person
from xinlian.node.sharing.filling import NOT_YET
from xinlian.node.use.proving import Proving
from xinlian.node.wiping import wipe
from xinlian.protocol.acts import ActWord
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError
from xinlian.protocol.forms import read_form
from xinlian.protocol.forms.grant import UseRecord
from xinlian.protocol.objects import grant_object
from xinlian.protocol.working_days import date_of, day_number, day_of, end_of, start_of
from xinlian.store import documents as texts
from xinlian.store import use as table
from xinlian.store.use import UseRow
from xinlian.store.writer import Transaction, Writer

KIND: Final = "use-record"
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class UseRecords:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        state: grants and cases as followed.
        approvals: holds what is proposed.
        proving: shows text and acts.
        law_s: law time, epoch seconds.
        retention_days: how long a text is kept at least.
    """

    department: str
    writer: Writer
    state: ChainState
    approvals: Approvals
    proving: Proving
    law_s: Callable[[], int]
    retention_days: int

    # -- recording ---------------------------------------------------------------------------------

    async def propose(self, provider: str, number: int, form: Mapping[str, Any], person: Person) -> ApprovalInfo:
        """Propose a use record of a grant to the department's head.

        Raises:
            NotFoundError: ``grant-unknown``, ``case-unknown``.
            ConflictError: ``approval-open``.
            InputError: ``use-record-period``, ``use-record-missing`` and what the form says.
        """
        return await self.approvals.propose(KIND, grant_object(provider, number), {"form": dict(form)}, person)

    def kind(self) -> Kind:
        """The kind, to be registered."""
        return Kind(KIND, self._validate, self._perform, self._find_done, self._compose, act=ActWord.USE_RECORDED)

    async def _validate(self, proposal: Proposal) -> None:
        grant = self._grant(proposal.object_ref)
        form = self._form(proposal)
        first, after = _period(form)
        if first < start_of(day_of(_given_s(grant))):
            given = date_of(day_of(_given_s(grant)))
            raise InputError("use-record-period", f"the grant was given on {given}: no use before", field="period_from")
        if after > end_of(day_of(self.law_s())):
            raise InputError("use-record-period", "a use record is about past days and today", field="period_to")
        if form.case is not None:
            lead, _, case_no = form.case.partition("/")
            case = self.state.cases.get((lead, case_no))
            if case is None or not case.takes_part(self.department):
                raise NotFoundError("case-unknown", "this department takes part in no such case", case=form.case)

    async def _perform(self, consented: Consented) -> Result:
        form: UseRecord = read_form(KIND, consented.document.content())
        first, after = _period(form)
        ref = self._grant(consented.proposal.object_ref).ref
        row = UseRow(ref, form.case, first, after, bytes(consented.document.digest), self.law_s())
        return {"use_record": await self.writer.write(lambda tx: table.put_record(tx, row))}

    async def _find_done(self, consented: Consented) -> Result | None:
        with self.writer.read() as reader:
            row = table.record_of(reader, bytes(consented.document.digest))
        return None if row is None else {"use_record": row.id}

    def _compose(self, proposal: Proposal, signatures: Signatures) -> Text:
        return Text(KIND, self._content(proposal, signatures.to_json()))

    def _form(self, proposal: Proposal) -> UseRecord:
        form: UseRecord = read_form(KIND, self._content(proposal, NOT_YET))
        return form

    def _content(self, proposal: Proposal, by: Mapping[str, Any]) -> dict[str, Any]:
        """The completed form: number and count are the node's."""
        grant = self._grant(proposal.object_ref)
        written = proposal.payload.get("form")
        filled = {**(written if isinstance(written, Mapping) else {}), "request_no": grant.request.request_no, "uses": 0}
        form: UseRecord = read_form(KIND, {**filled, "approved_by": dict(NOT_YET)})
        first, after = _period(form)
        with self.writer.read() as reader:
            filled["uses"] = table.uses(reader, grant.ref, form.case, first, after)
        return {**filled, "approved_by": dict(by)}

    def _grant(self, object_ref: str) -> GrantState:
        provider, _, number = object_ref.removeprefix("grant ").partition("/")
        grant = self.state.grants.get((provider, int(number))) if number.isdecimal() else None
        if grant is None or grant.receiver != self.department:
            raise NotFoundError("grant-unknown", "this department was given no such grant", grant=object_ref[:60])
        return grant

    # -- showing and deleting ----------------------------------------------------------------------

    def page(self, window: Window, grant_ref: str | None) -> Page[dict[str, Any]]:
        """Use records, oldest first, without their texts."""
        after = 0 if window.after is None else int(window.after[0])
        with self.writer.read() as reader:
            rows = table.records(reader, after, window.limit + 1, grant_ref)
        return first_of([self._brief(row) for row in rows], window, lambda one: (one["id"],))

    def info(self, record_id: int) -> dict[str, Any]:
        """One use record with its text and what proves it.

        Raises:
            NotFoundError: ``use-record-unknown``.
        """
        with self.writer.read() as reader:
            row = table.record(reader, record_id)
        proof = self.proving.proof(f"grant {row.grant_ref}", row.document)
        return {**self._brief(row), **proof.to_json()}

    async def delete(self, record_id: int) -> dict[str, Any]:
        """Delete a use record's text after its retention; proposal and consent go with it.

        Raises:
            NotFoundError: ``use-record-unknown``.
            ConflictError: ``use-record-retained``.
        """
        now_s = self.law_s()

        def job(tx: Transaction) -> UseRow:
            row = table.record(tx, record_id)
            until = self._retained_until(row)
            if now_s < until:
                raise ConflictError("use-record-retained", "a use record is kept at least three years", until=until)
            texts.remove_with_proposal(tx, row.document)
            return table.mark_deleted(tx, record_id, now_s)

        row = await self.writer.write(job)
        await wipe(self.writer)
        return self._brief(row)

    def _retained_until(self, row: UseRow) -> int:
        return row.recorded_at + self.retention_days * DAY_S

    def _brief(self, row: UseRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "grant": row.grant_ref,
            "case": row.case_ref,
            "period_from": row.period_from,
            "period_to": row.period_to,
            "document": row.document.hex(),
            "recorded_at": row.recorded_at,
            "retained_until": self._retained_until(row),
            "deleted_at": row.deleted_at,
        }


def _period(form: UseRecord) -> tuple[int, int]:
    """First second of the period, and the first one after it."""
    first, last = (day_number(date.fromisoformat(text)) for text in (form.period_from, form.period_to))
    return start_of(first), end_of(last)


def _given_s(grant: GrantState) -> int:
    return next(step.at_s for step in grant.request.steps if step.event == "GrantGiven")
