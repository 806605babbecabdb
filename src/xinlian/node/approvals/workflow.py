"""Two persons for every step that binds the department: one proposes, another consents, then the node carries it out.

Rules
1. Who proposed, in whatever round, never consents to it nor sends it back, whatever roles they hold (``self-approval``).
2. A proposal is checked when it is made, so that bad input fails at once with its own code and nothing is half-written; it is
   checked again before the consent.
3. Proposal and consent are texts with salted digests (``protocol.documents``), kept sealed in the transaction of their step. The
   consent's digest is what goes on chain.
4. A returned one is proposed anew under the same number; a failed or withdrawn one is over.

Source: Decree 809 art. 13, 20 (consent of the head of the sharing office); dossier 2.1 (nobody approves what they submitted).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xinlian.node.approvals.execution import Execution, ExecutionParts, result_of
from xinlian.node.approvals.kinds import Consented, Kind, Proposal, Signatures
from xinlian.node.approvals.views import ApprovalInfo, StepInfo
from xinlian.node.documents import PROPOSAL, SENT_BACK, Documents
from xinlian.node.idempotency import current_journal
from xinlian.node.paging import Page, Window, first_of
from xinlian.node.people import Person, person_at
from xinlian.protocol.acts import ActWord
from xinlian.protocol.documents import Document
from xinlian.protocol.errors import AuthError, ConflictError, InputError, NotFoundError
from xinlian.protocol.objects import check_object
from xinlian.store import approvals as table
from xinlian.store.approvals import Act, Approval, Filter, State, Step
from xinlian.store.writer import Reader, Transaction, Writer

WAIT_S = 60.0
"""How long a consent waits for the action; then the action goes on in the background."""
MAX_REASON = 2_000
_NOTE = "approval"  # in the journal of an idempotent call


@dataclass(frozen=True, slots=True)
class Change:
    """A move of an approval, told inside its transaction.

    Args:
        approval: after the move.
        step: what a person did; None when the node finished by itself.
        person: who did it; None as ``step``.
    """

    approval: Approval
    step: Step | None = None
    person: Person | None = None


Observer = Callable[[Transaction, Change], None]


class Approvals:
    """The use case.

    Args:
        writer: node.db.
        documents: writes and keeps the texts.
        execution: what carrying out needs.
    """

    def __init__(self, writer: Writer, documents: Documents, execution: ExecutionParts) -> None:
        self._writer = writer
        self._documents = documents
        self._law_s = execution.law_s
        self._kinds: dict[str, Kind] = {}
        self._observers: list[Observer] = []
        self.execution = Execution(execution, self._load, lambda tx, approval: self._tell(tx, Change(approval)))

    # -- building ----------------------------------------------------------------------------------

    def register(self, *kinds: Kind) -> None:
        """Add kinds; before the node runs."""
        self._kinds.update({kind.name: kind for kind in kinds})

    def observe(self, observer: Observer) -> None:
        """Have every move told, inside its transaction; before the node runs."""
        self._observers.append(observer)

    def kinds(self) -> list[Kind]:
        """Every registered kind, by name."""
        return sorted(self._kinds.values(), key=lambda kind: kind.name)

    def kind(self, name: str) -> Kind | None:
        """A registered kind."""
        return self._kinds.get(name)

    def transition_of(self, name: str) -> ActWord | None:
        """The transition that a kind brings about, None for none."""
        return self._kind(name).act

    def _kind(self, name: str) -> Kind:
        kind = self._kinds.get(name)
        if kind is None:
            raise InputError("approval-kind", "there is no such kind of approval", expected=sorted(self._kinds))
        return kind

    def _tell(self, tx: Transaction, change: Change) -> None:
        for observer in self._observers:
            observer(tx, change)

    # -- steps -------------------------------------------------------------------------------------

    async def propose(self, kind: str, object_ref: str, payload: Mapping[str, Any], person: Person) -> ApprovalInfo:
        """Propose a step; a returned proposal for the same object is replaced by this one.

        Args:
            kind: a registered kind.
            object_ref: what it is about.
            payload: members of the kind's own, JSON types.
            person: who proposes.

        Raises:
            InputError: ``approval-kind``, ``object-form``, and whatever the kind's validator finds.
            AuthError: ``role-missing``.
            ConflictError: ``approval-open``.
        """
        journal = current_journal()
        if journal.noted(_NOTE) is not None:
            return self.get(journal.noted(_NOTE))
        known = self._kind(kind)
        _require_role(person, known, known.proposers)
        await known.validate(Proposal(kind, check_object(object_ref), payload))
        document = self._documents.write(PROPOSAL, object_ref, {"kind": kind, "payload": dict(payload)})
        now = self._law_s()

        def job(tx: Transaction) -> ApprovalInfo:
            before = table.open_one(tx, kind, object_ref)
            if before is not None and before.state is State.RETURNED:
                approval = table.propose_again(tx, before.id, document.digest, now)
            else:
                approval = table.insert(tx, kind, object_ref, document.digest, now)
            self._step(tx, approval, Act.PROPOSED, person, document)
            journal.note(tx, _NOTE, approval.id)
            return _info(tx, approval)

        return await self._writer.write(job)

    async def consent(self, approval_id: int, person: Person, proposal: str | None = None) -> ApprovalInfo:
        """Consent, and carry it out.

        Args:
            approval_id: of a pending approval.
            person: who consents.
            proposal: digest (hex) of the proposal the person has read; None does not compare.

        Returns:
            How it ended: done, failed, or still executing.

        Raises:
            NotFoundError: ``approval-unknown``.
            AuthError: ``self-approval``, ``role-missing``.
            ConflictError: ``approval-state``, ``approval-changed``.
            InputError: what the kind's validator finds now; the approval stays pending.
        """
        journal = current_journal()
        if journal.noted(_NOTE) is not None:
            return await self._carried_out(approval_id)
        approval, kind = self._decidable(approval_id, person)
        if proposal is not None and proposal != approval.proposal.hex():
            raise ConflictError("approval-changed", "the proposal was replaced since it was read", approval=approval_id)
        found = self._proposal(approval)
        await kind.validate(found)
        document = self._consent_document(kind, found, approval_id, person)
        now = self._law_s()

        def job(tx: Transaction) -> None:
            before = table.move(tx, approval_id, State.CONSENTED, now)
            if before.proposal != approval.proposal:
                raise ConflictError("approval-changed", "the proposal was replaced meanwhile", approval=approval_id)
            _refuse_own(table.proposers(tx, approval_id), person, approval_id)
            table.set_document(tx, approval_id, document.digest)
            self._step(tx, table.by_id(tx, approval_id), Act.CONSENTED, person, document)
            journal.note(tx, _NOTE, approval_id)

        await self._writer.write(job)
        return await self._carried_out(approval_id)

    async def send_back(self, approval_id: int, person: Person, reason: str) -> ApprovalInfo:
        """Send a pending proposal back with a reason; it may be proposed again.

        Raises:
            NotFoundError: ``approval-unknown``.
            AuthError: ``self-approval``, ``role-missing``.
            ConflictError: ``approval-state``.
            InputError: ``approval-reason``.
        """
        journal = current_journal()
        if journal.noted(_NOTE) is not None:
            return self.get(approval_id)
        approval, _ = self._decidable(approval_id, person)
        if not (reason.strip() and len(reason) <= MAX_REASON):
            raise InputError("approval-reason", f"sending back needs a reason of 1 to {MAX_REASON} characters", field="reason")
        content = {"proposal": approval.proposal.hex(), "reason": reason}
        document = self._documents.write(SENT_BACK, approval.object_ref, content)
        now = self._law_s()

        def job(tx: Transaction) -> None:
            table.move(tx, approval_id, State.RETURNED, now)
            _refuse_own(table.proposers(tx, approval_id), person, approval_id)
            self._step(tx, table.by_id(tx, approval_id), Act.SENT_BACK, person, document)
            journal.note(tx, _NOTE, approval_id)

        await self._writer.write(job)
        return self.get(approval_id)

    async def withdraw(self, approval_id: int, person: Person) -> ApprovalInfo:
        """Take back what one proposed oneself and nobody has consented to.

        Raises:
            NotFoundError: ``approval-unknown``.
            AuthError: ``approval-foreign`` when somebody else proposed it.
            ConflictError: ``approval-state``.
        """
        journal, now = current_journal(), self._law_s()
        if journal.noted(_NOTE) is not None:
            return self.get(approval_id)

        def job(tx: Transaction) -> None:
            approval = table.by_id(tx, approval_id)
            if person.id not in table.proposers(tx, approval_id):
                raise AuthError("approval-foreign", "only who proposed it may withdraw it", approval=approval.id)
            table.move(tx, approval_id, State.WITHDRAWN, now)
            self._step(tx, table.by_id(tx, approval_id), Act.WITHDRAWN, person, None)
            journal.note(tx, _NOTE, approval_id)

        await self._writer.write(job)
        return self.get(approval_id)

    def _step(self, tx: Transaction, approval: Approval, act: Act, person: Person, document: Document | None) -> None:
        if document is not None:
            self._documents.keep(tx, document)
        digest = None if document is None else bytes(document.digest)
        step = table.add_step(tx, approval.id, Step(0, act, person.id, approval.changed_at, digest))
        self._tell(tx, Change(approval, step, person))

    def _decidable(self, approval_id: int, person: Person) -> tuple[Approval, Kind]:
        """A pending approval on which this person may decide."""
        with self._writer.read() as reader:
            approval = table.by_id(reader, approval_id)
            proposers = table.proposers(reader, approval_id)
        kind = self._kind(approval.kind)
        _refuse_own(proposers, person, approval_id)
        _require_role(person, kind, kind.consenters)
        if approval.state is not State.PENDING:
            text = f"approval {approval_id} is {approval.state}, not pending"
            raise ConflictError("approval-state", text, approval=approval_id, state=approval.state.value)
        return approval, kind

    async def _carried_out(self, approval_id: int) -> ApprovalInfo:
        await self.execution.attempt(approval_id, WAIT_S)
        return self.get(approval_id)

    def _consent_document(self, kind: Kind, proposal: Proposal, approval_id: int, person: Person) -> Document:
        with self._writer.read() as reader:
            steps = table.steps_of(reader, [approval_id])[approval_id]
            handler = person_at(reader, next(step.user_id for step in reversed(steps) if step.act is Act.PROPOSED))
        text = kind.compose(proposal, Signatures(handler, person, self._law_s()))
        return self._documents.write(text.form, proposal.object_ref, text.content)

    # -- looking -----------------------------------------------------------------------------------

    def get(self, approval_id: int) -> ApprovalInfo:
        """One approval with its steps.

        Raises:
            NotFoundError: ``approval-unknown``.
        """
        with self._writer.read() as reader:
            return _info(reader, table.by_id(reader, approval_id))

    def page(self, window: Window, only: Filter) -> Page[ApprovalInfo]:
        """Approvals by rising number."""
        after = 0 if window.after is None else int(window.after[0])
        with self._writer.read() as reader:
            found = table.page(reader, after, window.limit + 1, only)
            steps = table.steps_of(reader, [approval.id for approval in found])
            shown = [_with_steps(reader, approval, steps[approval.id]) for approval in found]
        return first_of(shown, window, lambda info: (info.id,))

    def open_ones(self, failed_since: int) -> list[tuple[Approval, frozenset[int]]]:
        """What waits for a person, with who proposed it: pending and returned ones, and the newest failures of an object.

        Args:
            failed_since: law time; earlier failures are history.
        """
        with self._writer.read() as reader:
            found = table.in_states(reader, State.PENDING, State.RETURNED)
            found += table.unanswered_failures(reader, failed_since)
            return [(approval, table.proposers(reader, approval.id)) for approval in found]

    def newest_object(self, kind: str) -> str | None:
        """The greatest object reference that an approval of a kind was ever made for, None when there is none."""
        with self._writer.read() as reader:
            return table.newest_object(reader, kind)

    def may_read(self, info: ApprovalInfo, person: Person) -> bool:
        """Whether a person may read what was proposed: who may propose or consent to this kind."""
        kind = self.kind(info.kind)
        return kind is not None and bool(person.roles & (kind.proposers | kind.consenters))

    def payload(self, info: ApprovalInfo) -> Mapping[str, Any]:
        """What was proposed last; nothing when its text was deleted at the end of its retention."""
        with self._writer.read() as reader:
            approval = table.by_id(reader, info.id)
        try:
            return self._proposal(approval).payload
        except NotFoundError:
            return {}

    def reasons(self, info: ApprovalInfo) -> dict[int, str]:
        """Reasons given for sending back, by number of the step."""
        sent_back = [step for step in info.steps if step.act is Act.SENT_BACK and step.document is not None]
        return {
            step.seq: str(self._documents.opened(bytes.fromhex(step.document or "")).content()["reason"]) for step in sent_back
        }

    # -- carrying out ------------------------------------------------------------------------------

    def _proposal(self, approval: Approval) -> Proposal:
        content = self._documents.opened(approval.proposal).content()
        payload = content["payload"]
        assert isinstance(payload, dict)
        return Proposal(approval.kind, approval.object_ref, payload, approval.proposal)

    def _load(self, approval: Approval) -> tuple[Kind, Consented]:
        assert approval.document is not None
        document = self._documents.opened(approval.document)
        return self._kind(approval.kind), Consented(approval.id, self._proposal(approval), document)


def _info(reader: Reader, approval: Approval) -> ApprovalInfo:
    return _with_steps(reader, approval, table.steps_of(reader, [approval.id])[approval.id])


def _with_steps(reader: Reader, approval: Approval, steps: list[Step]) -> ApprovalInfo:
    shown = tuple(StepInfo.of(step, person_at(reader, step.user_id)) for step in steps)
    return ApprovalInfo.of(approval, shown, result_of(approval))


def _require_role(person: Person, kind: Kind, roles: frozenset[Any]) -> None:
    if not person.roles & roles:
        wanted = sorted(str(role) for role in roles)
        raise AuthError("role-missing", f"{kind.name} needs one of the roles {', '.join(wanted)}", roles=wanted)


def _refuse_own(proposers: frozenset[int], person: Person, approval_id: int) -> None:
    if person.id in proposers:
        raise AuthError("self-approval", "who proposed it may not decide on it; another person does", approval=approval_id)
