"""Every step of a correction as a kind of approval: 经办 writes, 负责人 consents, the node sends it.

Rules
1. The payload is what the handler wrote; the node fills in numbers, codes, digests and the two persons. It is checked as a
   whole when it is proposed and again before the consent.
2. The text that the consent signs is the completed form; its salted digest is the step's ``document`` on chain, and its salt
   makes ``target`` and ``evidence``.
3. 更正 is answered on chain first, then everybody who ever received the old value is told; a stop in between is taken up again
   (``find_done``), and nothing is told twice.

Source: Decree 809 art. 26; dossier 2.1 (经办 + 负责人), 2.5, 4.4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from xinlian.node.approvals import (
    ApprovalInfo,
    Approvals,
    Consented,
    Kind,
    Proposal,
    Result,
    Signatures,
    Text,
    consent_text,
)
from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import CorrectionState, CorrectionStep
from xinlian.node.corrections.received import EVIDENCE, Received, addressed
from xinlian.node.corrections.registry import Corrections, Opened
from xinlian.node.corrections.steps import STEPS, Party, Step
from xinlian.node.corrections.telling import CorrectionTelling, Right
from xinlian.node.corrections.texts import Applications
from xinlian.node.people import Person
from xinlian.node.sharing.filling import NOT_YET
from xinlian.protocol.clocks import CLOCKS, ClockId, Term
from xinlian.protocol.corrections import evidence_digest, target_digest
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError
from xinlian.protocol.forms import read_form
from xinlian.protocol.forms.correction import CorrectionApplication, CorrectionFeedback
from xinlian.protocol.objects import correction_object
from xinlian.store import corrected

PREFIX: Final = "correction-"
ANSWER_WD: Final = CLOCKS[ClockId.CORRECTION_ANSWER].length_wd
_DEPARTMENT: Final = 1


@dataclass(frozen=True, slots=True)
class CorrectionApprovals:
    """The kinds.

    Args:
        corrections: takes the steps.
        applications: what is disputed.
        received: what this department received.
        telling: finds the revision that is right, tells everybody.
        catalogue: schemas.
        approvals: holds what is proposed.
    """

    corrections: Corrections
    applications: Applications
    received: Received
    telling: CorrectionTelling
    catalogue: Catalogue
    approvals: Approvals
    _numbering: asyncio.Lock = field(init=False, repr=False, default_factory=asyncio.Lock)

    # -- proposing ---------------------------------------------------------------------------------

    async def propose(self, name: str, receiver: str, number: int, payload: Mapping[str, Any], person: Person) -> ApprovalInfo:
        """Propose a step of a correction to the department's head.

        Raises:
            NotFoundError: ``step-unknown``, ``correction-unknown``.
            XinlianError: what the step's validation says.
        """
        step = STEPS.get(name)
        if step is None or step.party is Party.ANYONE or name == "open":
            names = sorted(step.name for step in STEPS.values() if step.party is not Party.ANYONE and step.name != "open")
            raise NotFoundError("step-unknown", f"a correction has no such step; there are {', '.join(names)}", expected=names)
        self.corrections.known(receiver, number)
        return await self.approvals.propose(PREFIX + name, correction_object(receiver, number), payload, person)

    async def propose_new(self, payload: Mapping[str, Any], person: Person) -> ApprovalInfo:
        """Propose a correction, under the next number of the day.

        Raises:
            XinlianError: what the form, the read log and the grant say.
        """
        async with self._numbering:
            newest = self.approvals.newest_object(PREFIX + "open")
            number = self.corrections.next_number(0 if newest is None else _parse(newest)[1])
            ref = correction_object(self.corrections.department, number)
            return await self.approvals.propose(PREFIX + "open", ref, payload, person)

    # -- the kinds and their functions -------------------------------------------------------------

    def kinds(self) -> tuple[Kind, ...]:
        """One kind for every step that a person takes in the department's name."""
        return tuple(self._kind(step) for step in STEPS.values() if step.party is not Party.ANYONE)

    def _kind(self, step: Step) -> Kind:
        doing = partial(self._validate, step), partial(self._perform, step), partial(self._find_done, step)
        return Kind(PREFIX + step.name, *doing, partial(self._compose, step), act=step.act, term=self.term)

    def _compose(self, step: Step, proposal: Proposal, signatures: Signatures) -> Text:
        if step.form is None:
            return consent_text(proposal, signatures)
        return Text(step.form, self._content(step, proposal, signatures.to_json()))

    def term(self, object_ref: str) -> Term | None:
        """The ten working days of who has to answer."""
        found = self.corrections.state.correction(*_parse(object_ref))
        return Term(found.clock_start, ANSWER_WD) if found is not None and found.is_open else None

    async def _validate(self, step: Step, proposal: Proposal) -> None:
        if step.name == "open":
            await self._validate_open(proposal)
            return
        correction = self.corrections.check(step, *_parse(proposal.object_ref))
        if step.name in ("correct", "adopt"):
            self._check_corrected(step, correction, proposal.payload)
        if step.form is not None:
            form = read_form(step.form, self._content(step, proposal, NOT_YET))
            if step.name == "forward":
                self._check_source(correction, form)

    async def _validate_open(self, proposal: Proposal) -> None:
        provider, number = addressed(proposal.payload)
        grant = self.corrections.grant(provider, number)
        form = read_form("correction-application", self._content(STEPS["open"], proposal, NOT_YET))
        entry = self.corrections.state.dataset(grant.provider, grant.serial, grant.version)
        if entry is None:
            raise NotFoundError("dataset-unknown", "the grant's dataset is not in the catalogue", dataset=grant.vct)
        (await self.catalogue.schema_at(entry)).mask_of(form.items)
        self.received.check(provider, form.record_id)

    def _check_source(self, correction: CorrectionState, form: CorrectionFeedback) -> None:
        source = self.corrections.state.department(form.source_department or "")
        if source is None or source.kind != _DEPARTMENT or not source.active or source.uscc == correction.provider:
            text = "the source (数源部门) is another department that is registered and active"
            raise InputError("correction-source", text, field="source_department")

    def _check_corrected(self, step: Step, correction: CorrectionState, payload: Mapping[str, Any]) -> None:
        application = self.applications.require(correction)
        if step.name == "adopt" and self._told(correction):
            raise ConflictError("correction-state", "this department has published and told the correction already")
        right = self._right(correction, application, payload)
        if self.corrections.department == correction.provider:
            self.telling.check_changed(right, application.revision, application.items)

    def _right(self, correction: CorrectionState, application: CorrectionApplication, payload: Mapping[str, Any]) -> Right:
        """The record that was corrected: the disputed one; on the source's node the one it names as the value's origin."""
        if self.corrections.department == correction.provider:
            return self.telling.right(application.record_id, application.catalog_code)
        record_id = payload.get("record_id")
        if not isinstance(record_id, str):
            raise InputError("correction-record", "the source names its own record that it corrected", field="record_id")
        return self.telling.right(record_id, None)

    def _told(self, correction: CorrectionState) -> bool:
        with self.telling.writer.read() as reader:
            return corrected.record_of(reader, correction_object(correction.receiver, correction.number)) is not None

    # -- forms -------------------------------------------------------------------------------------

    def _content(self, step: Step, proposal: Proposal, by: Mapping[str, Any]) -> dict[str, Any]:
        """The completed form."""
        form = proposal.payload.get("form")
        written: dict[str, Any] = dict(form) if isinstance(form, Mapping) else {}
        receiver, number = _parse(proposal.object_ref)
        head = {"number": number, "approved_by": dict(by)}
        if step.name == "open":
            return {**self._application(proposal.payload, written), **head}
        filled = {**written, **head, "result": None if step.result is None else step.result.value}
        if step.name == "correct":
            correction = self.corrections.known(receiver, number)
            right = self._right(correction, self.applications.require(correction), proposal.payload)
            filled["corrected_leaf"] = right.new.leaf.hex()
        return filled

    def _application(self, payload: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
        provider, number = addressed(payload)
        grant = self.corrections.grant(provider, number)
        code, _, version = grant.vct.partition("@")
        filled = {"affected_cases": [], **written, "catalog_code": code, "catalog_version": int(version)}
        if EVIDENCE in filled:
            filled[EVIDENCE] = self.received.evidence(filled[EVIDENCE])
        record_id = filled.get("record_id")
        if "revision" not in filled and isinstance(record_id, str):
            newest = self.received.newest_revision(provider, record_id)
            if newest is not None:
                filled["revision"] = newest
        return filled

    # -- carrying out ------------------------------------------------------------------------------

    async def _perform(self, step: Step, consented: Consented) -> Result:
        receiver, number = _parse(consented.proposal.object_ref)
        if step.name == "open":
            tx_hash: str | None = await self._open(number, consented)
        else:
            tx_hash = await self._send(step, self.corrections.check(step, receiver, number), consented)
        correction = self.corrections.known(receiver, number)
        await self._tell(step, correction, consented)
        return {**_brief(correction), "tx_hash": tx_hash}

    async def _open(self, number: int, consented: Consented) -> str:
        document, payload = consented.document, consented.proposal.payload
        form = read_form(document.kind, document.content())
        await self.received.keep(payload, consented.proposal.object_ref)
        target, evidence = target_digest(document.salt, form), evidence_digest(document.salt, form)
        new = Opened(self.corrections.grant(*addressed(payload)), target, evidence, bytes(document.digest))
        return await self.corrections.open(new, number)

    async def _send(self, step: Step, correction: CorrectionState, consented: Consented) -> str | None:
        digest = bytes(consented.document.digest)
        if step.name == "withdraw":
            return await self.corrections.withdraw(correction, digest)
        if step.name == "forward":
            form = read_form(consented.document.kind, consented.document.content())
            return await self.corrections.forward(correction, form.source_department, digest)
        if step.name == "adopt":
            return None
        outcome = CorrectionStep.CORRECTED if step.name == "correct" else CorrectionStep.MAINTAINED
        return await self.corrections.answer(correction, outcome, digest)

    async def _tell(self, step: Step, correction: CorrectionState, consented: Consented) -> None:
        if step.name not in ("correct", "adopt"):
            return
        application = self.applications.require(correction)
        right = self._right(correction, application, consented.proposal.payload)
        if step.name == "correct":
            named = read_form(consented.document.kind, consented.document.content()).corrected_leaf
            right = self.telling.by_leaf(right.new.jti, bytes.fromhex(named))
        await self.telling.tell(correction, right, application.items)

    async def _find_done(self, step: Step, consented: Consented) -> Result | None:
        correction = self.corrections.state.correction(*_parse(consented.proposal.object_ref))
        if correction is None:
            return None
        if step.name == "adopt":
            return _brief(correction) if self._told(correction) else None
        digest = "0x" + consented.document.digest.hex()
        if digest not in (correction.document, correction.forward_document, correction.end_document):
            return None
        await self._tell(step, correction, consented)
        return _brief(correction)


def _parse(object_ref: str) -> tuple[str, int]:
    receiver, _, number = object_ref.removeprefix("correction ").partition("/")
    return receiver, int(number)


def _brief(correction: CorrectionState) -> dict[str, object]:
    return {"receiver": correction.receiver, "number": correction.number, "state": correction.step.name.lower()}
