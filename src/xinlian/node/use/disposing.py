"""Disposal (处置) of what was received, when the sharing or the case has ended: the values go, and a record of it stays.

Rules
1. The values are deleted, and the deletion is noted, in one transaction under the digest of the text that the head consented to;
   then the log is wiped and the files that came with them are destroyed; then the chain is told (of a request). Stopped in
   between, it goes on.
2. What a retention duty keeps stays, and the record names it under ``kept``; a record that does not is refused.
3. A case is disposed of after it was closed.

Source: Decree 809 art. 27, 29; PIPL art. 47; dossier 2.3.1 (EXPIRED, CLOSED).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from xinlian.node.approvals import ApprovalInfo, Approvals, Consented, Kind, Proposal, Result, Signatures, Text
from xinlian.node.chain_state import ChainState, SharingRequest
from xinlian.node.paging import Page, Window, first_of
from xinlian.node.people import Person, Role
from xinlian.node.sharing.filling import NOT_YET
from xinlian.node.use.proving import Proving
from xinlian.node.wiping import wipe
from xinlian.protocol.acts import ActWord
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError
from xinlian.protocol.forms import read_form
from xinlian.protocol.objects import case_object
from xinlian.store import duties
from xinlian.store import use as table
from xinlian.store.use import DisposalRow
from xinlian.store.writer import Reader, Transaction, Writer

KIND: Final = "case-disposal"


@dataclass(frozen=True, slots=True)
class Disposing:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        state: requests and cases as followed.
        approvals: holds what is proposed.
        proving: shows text and acts.
        law_s: law time, epoch seconds.
        wall_s: wall clock, epoch seconds, by which retention duties run.
        sweep: destroys files whose values are gone.
    """

    department: str
    writer: Writer
    state: ChainState
    approvals: Approvals
    proving: Proving
    law_s: Callable[[], int]
    wall_s: Callable[[], float]
    sweep: Callable[[], Awaitable[int]]

    # -- of a request ------------------------------------------------------------------------------

    def check_request(self, request: SharingRequest, content: Mapping[str, Any]) -> None:
        """Refuse a disposal record that hides what a duty keeps.

        Raises:
            InputError: ``disposal-kept-missing``.
        """
        with self.writer.read() as reader:
            held = self._held(reader)
            kept = sum(n for case, n in table.values_of_grant(reader, _grant_ref(request)).items() if case in held)
        _require_named(kept, content)

    async def dispose_request(self, request: SharingRequest, document: bytes) -> None:
        """Delete what was received under a request's grant, before its disposal is recorded on chain."""
        grant_ref, now_s = _grant_ref(request), self.law_s()

        def job(tx: Transaction) -> None:
            held, here = self._held(tx), table.values_of_grant(tx, grant_ref)
            gone = sum(table.dispose_of_grant(tx, grant_ref, case) for case in here if case not in held)
            kept = sum(count for case, count in here.items() if case in held)
            table.put_disposal(tx, DisposalRow(f"request {request.ref}", document, gone, kept, now_s))

        await self.writer.write(job)
        await wipe(self.writer)
        await self.sweep()

    # -- of a case ---------------------------------------------------------------------------------

    async def propose(self, lead: str, case_no: str, form: Mapping[str, Any], person: Person) -> ApprovalInfo:
        """Propose the disposal of everything received for a closed case.

        Raises:
            NotFoundError: ``case-unknown``.
            ConflictError: ``case-not-closed``, ``approval-open``.
            InputError: ``disposal-kept-missing`` and what the form says.
        """
        return await self.approvals.propose(KIND, case_object(lead, case_no), {"form": dict(form)}, person)

    def kind(self) -> Kind:
        """The kind, to be registered."""
        proposers = frozenset({Role.SHARING, Role.CASEWORKER})
        steps = (self._validate, self._perform, self._find_done, self._compose)
        return Kind(KIND, *steps, act=ActWord.DISPOSED, proposers=proposers)

    async def _validate(self, proposal: Proposal) -> None:
        ref = proposal.object_ref.removeprefix("case ")
        lead, _, case_no = ref.partition("/")
        case = self.state.cases.get((lead, case_no))
        if case is None or not case.takes_part(self.department):
            raise NotFoundError("case-unknown", "this department takes part in no such case", case=ref[:60])
        if case.is_open:
            raise ConflictError("case-not-closed", f"case {case.case_no} is not closed yet", case=case.case_no)
        content = self._content(proposal, NOT_YET)
        read_form(KIND, content)
        with self.writer.read() as reader:
            _require_named(table.values_of_cases(reader).get(ref, 0) if ref in self._held(reader) else 0, content)

    async def _perform(self, consented: Consented) -> Result:
        ref, document = consented.proposal.object_ref.removeprefix("case "), bytes(consented.document.digest)
        now_s = self.law_s()

        def job(tx: Transaction) -> DisposalRow:
            is_held = ref in self._held(tx)
            kept = table.values_of_cases(tx).get(ref, 0) if is_held else 0
            gone = 0 if is_held else table.dispose_of_case(tx, ref)
            return table.put_disposal(tx, DisposalRow(f"case {ref}", document, gone, kept, now_s))

        row = await self.writer.write(job)
        await wipe(self.writer)
        await self.sweep()
        return {"disposal": row.id, "deleted": row.deleted, "kept": row.kept}

    async def _find_done(self, _consented: Consented) -> Result | None:
        return None  # a second attempt deletes what is left and notes it in the same row

    def _compose(self, proposal: Proposal, signatures: Signatures) -> Text:
        return Text(KIND, self._content(proposal, signatures.to_json()))

    @staticmethod
    def _content(proposal: Proposal, by: Mapping[str, Any]) -> dict[str, Any]:
        written = proposal.payload.get("form")
        filled = {"kept": [], **(written if isinstance(written, Mapping) else {})}
        return {**filled, "case": proposal.object_ref.removeprefix("case "), "approved_by": dict(by)}

    def _held(self, reader: Reader) -> set[str]:
        return duties.cases_held(reader, int(self.wall_s()))

    # -- showing -----------------------------------------------------------------------------------

    def page(self, window: Window) -> Page[dict[str, Any]]:
        """Disposals of this department, oldest first."""
        after = 0 if window.after is None else int(window.after[0])
        with self.writer.read() as reader:
            rows = table.disposals(reader, after, window.limit + 1)
        return first_of([_brief(row) for row in rows], window, lambda one: (one["id"],))

    def info(self, disposal_id: int) -> dict[str, Any]:
        """One disposal with its text and what proves it; of a request also the chain's event.

        Raises:
            NotFoundError: ``disposal-unknown``.
        """
        with self.writer.read() as reader:
            rows = table.disposals(reader, disposal_id - 1, 1)
        if not rows or rows[0].id != disposal_id:
            raise NotFoundError("disposal-unknown", f"there is no disposal {disposal_id}", disposal=disposal_id)
        row = rows[0]
        shown = {**_brief(row), **self.proving.proof(row.object_ref, row.document).to_json()}
        return {**shown, "recorded_on_chain": self._on_chain(row)}

    def _on_chain(self, row: DisposalRow) -> bool | None:
        """Whether the chain shows a request's disposal with this digest; None for a case, which has no such event."""
        if not row.object_ref.startswith("request "):
            return None
        requester, _, number = row.object_ref.removeprefix("request ").partition("/")
        request = self.state.requests.get((requester, int(number)))
        digest = row.document.hex()
        steps = () if request is None else request.steps
        return any(step.event == "DisposalRecorded" and step.document == digest for step in steps)


def _grant_ref(request: SharingRequest) -> str:
    return f"{request.provider}/{request.grant_number}"


def _require_named(kept: int, content: Mapping[str, Any]) -> None:
    if kept > 0 and not content.get("kept"):
        text = "a retention duty keeps some of it: name under kept what, by which law, until when"
        raise InputError("disposal-kept-missing", text, field="kept", count=kept)


def _brief(row: DisposalRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "object": row.object_ref,
        "document": row.document.hex(),
        "deleted": row.deleted,
        "kept": row.kept,
        "disposed_at": row.disposed_at,
    }
