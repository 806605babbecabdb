"""Steps of a catalogue entry after its proposal: the authority's decisions, update clocks, and marks of what is late.

Rules
1. A step that binds a department is proposed by one person and consented to by the head; the text with both names is what the
   digest on chain stands for. Marks of what is overdue need one person: they only record what the clock says.
2. An update clock (10 working days, once 5 more with the authority's consent) begins when law or duty changed; the owner or the
   authority opens it, the next proposed version ends it.
3. Every condition is checked here first, under the code that the contract's rejection has too.

Example: ``await node.catalogue_steps.propose("publish", code, 1, "同意发布", person)``

Source: Decree 809 art. 13, 16, 17; dossier 2.2, 2.3.1 (CATALOG_REVIEW, CATALOG_UPDATE).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from xinlian.node.approvals import Approvals, Consented, Kind, Proposal, Result, Signatures, Text
from xinlian.node.approvals.views import ApprovalInfo
from xinlian.node.catalogue_entry import DECISION, decision_content
from xinlian.node.chain_state import ChainState, DatasetState
from xinlian.node.people import Person, Role
from xinlian.node.transactions import Done, Transactions
from xinlian.protocol.acts import ActWord
from xinlian.protocol.clocks import CLOCKS, ClockId, Term
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError
from xinlian.protocol.objects import dataset_object

PREFIX: Final = "catalogue-"
_CONTRACT: Final = "DatasetCatalog"
_REVIEW_WD: Final = CLOCKS[ClockId.CATALOG_REVIEW].length_wd
_AUTHORITY: Final = frozenset({Role.AUTHORITY})


@dataclass(frozen=True, slots=True)
class _Step:
    """One step.

    Args:
        function: of DatasetCatalog.
        act: stated in the anchored log.
        by_version: the call names the version.
        proposers: roles.
        states: of the version, from which it may be taken; empty for steps of the whole dataset.
    """

    function: str
    act: ActWord
    by_version: bool
    proposers: frozenset[Role]
    states: frozenset[str] = frozenset()


STEPS: Final[dict[str, _Step]] = {
    "publish": _Step("publish", ActWord.PUBLISHED, True, _AUTHORITY, frozenset({"proposed"})),
    "return": _Step("returnForChange", ActWord.RETURNED, True, _AUTHORITY, frozenset({"proposed"})),
    "retire": _Step("retire", ActWord.RETIRED, True, _AUTHORITY, frozenset({"published"})),
    "open-update": _Step("openUpdate", ActWord.UPDATE_OPENED, False, frozenset({Role.SHARING, Role.AUTHORITY})),
    "extend-update": _Step("extendUpdate", ActWord.UPDATE_EXTENDED, False, _AUTHORITY),
}


@dataclass(frozen=True, slots=True)
class CatalogueSteps:
    """The use case.

    Args:
        department: USCC of this node.
        state: entries, update clocks and texts on chain.
        transactions: sends with the authority's key, or with this department's LAW key.
        approvals: holds what is proposed.
        law_s: law time, epoch seconds.
    """

    department: str
    state: ChainState
    transactions: Transactions
    approvals: Approvals
    law_s: Callable[[], int]

    async def propose(self, name: str, code: str, version: int, reason: str, person: Person) -> ApprovalInfo:
        """Propose a step to the department's head.

        Args:
            name: of ``STEPS``.
            code: catalogue code.
            version: of the entry; of a dataset as a whole any version.
            reason: opinion or reason, 1 to 500 characters.
            person: who proposes.

        Raises:
            NotFoundError: ``dataset-unknown``.
            ConflictError: ``dataset-state``, ``update-open``, ``update-none``, ``extension-repeated``, ``dataset-not-published``.
            InputError: ``reason-missing``, ``schema-owner`` when another department's update is opened.
        """
        return await self.approvals.propose(PREFIX + name, _object(code, version), {"reason": reason}, person)

    def kinds(self) -> tuple[Kind, ...]:
        """One kind for every step, to be registered."""
        return tuple(self._kind(name, step) for name, step in STEPS.items())

    def _kind(self, name: str, step: _Step) -> Kind:
        doing = partial(self._validate, name, step), partial(self._perform, name), self._find_done
        term = partial(self._term, step)
        return Kind(PREFIX + name, *doing, partial(_compose, name), act=step.act, term=term, proposers=step.proposers)

    async def _validate(self, name: str, step: _Step, proposal: Proposal) -> None:
        decision_content(name, _reason(proposal.payload))
        self._check(name, step, self._entry(proposal.object_ref))

    async def _perform(self, name: str, consented: Consented) -> Result:
        entry = self._entry(consented.proposal.object_ref)
        done = await self.send(name, entry.code, entry.version, bytes(consented.document.digest))
        return {"code": entry.code, "version": entry.version, "tx_hash": done.tx_hash}

    async def _find_done(self, consented: Consented) -> Result | None:
        entry = self._entry(consented.proposal.object_ref)
        shown = self.state.documents.shown(bytes(consented.document.digest), consented.proposal.object_ref)
        return None if shown is None else {"code": entry.code, "version": entry.version}

    def _term(self, step: _Step, ref: str) -> Term | None:
        entry = self._entry(ref)
        return Term(entry.proposed_at, _REVIEW_WD) if entry.state == "proposed" and step.by_version else None

    async def send(self, name: str, code: str, version: int, document: bytes) -> Done:
        """Send a step that was consented to.

        Args:
            name: of ``STEPS``.
            code: catalogue code.
            version: of the entry.
            document: digest of its text, 32 bytes.

        Raises:
            ChainError, ConflictError: the contract's rejection.
        """
        step, entry = STEPS[name], self._entry(_object(code, version))
        owned = name == "open-update" and entry.owner == self.department
        send = self.transactions.law if owned else self.transactions.authority
        numbers = (entry.serial, entry.version) if step.by_version else (entry.serial,)
        return await send(_CONTRACT, step.function, entry.owner, *numbers, "0x" + document.hex())

    async def mark_review_overdue(self, code: str, version: int) -> Done:
        """Record that the authority's review took longer than two working days.

        Raises:
            NotFoundError: ``dataset-unknown``.
            ConflictError: ``dataset-state``, ``clock-none``, ``not-overdue``, ``calendar-year-missing``.
        """
        entry = self._entry(_object(code, version))
        earlier = await self.transactions.earlier(_CONTRACT, "recordReviewOverdue")
        if earlier is not None:
            return earlier
        if entry.state != "proposed":
            raise _state(entry, "proposed")
        self._require_late(entry.code, entry.proposed_at, _REVIEW_WD, is_recorded=entry.review_overdue)
        return await self.transactions.law(_CONTRACT, "recordReviewOverdue", entry.owner, entry.serial, entry.version)

    async def mark_update_overdue(self, code: str, version: int) -> Done:
        """Record that a changed entry was not brought up to date in time.

        Raises:
            NotFoundError: ``dataset-unknown``.
            ConflictError: ``update-none``, ``clock-none``, ``not-overdue``, ``calendar-year-missing``.
        """
        entry = self._entry(_object(code, version))
        earlier = await self.transactions.earlier(_CONTRACT, "recordUpdateOverdue")
        if earlier is not None:
            return earlier
        update = self.state.updates.get((entry.owner, entry.serial))
        if update is None:
            raise ConflictError("update-none", "no update clock of this dataset runs", dataset=entry.code)
        self._require_late(entry.code, update.opened_at, update.length_wd, is_recorded=update.overdue)
        return await self.transactions.law(_CONTRACT, "recordUpdateOverdue", entry.owner, entry.serial)

    def _require_late(self, code: str, start_s: int, length_wd: int, *, is_recorded: bool) -> None:
        if is_recorded:
            raise ConflictError("clock-none", "it is recorded as overdue already", dataset=code)
        deadline_s = self.state.calendar.deadline_after(start_s, length_wd)
        if self.law_s() < deadline_s:
            raise ConflictError("not-overdue", "the time is not over yet", dataset=code, deadline=deadline_s)

    def _check(self, name: str, step: _Step, entry: DatasetState) -> None:
        if step.states and entry.state not in step.states:
            raise _state(entry, " or ".join(sorted(step.states)))
        if step.proposers == _AUTHORITY and not self.transactions.is_authority:
            raise ConflictError("request-party", "this step is the authority's", dataset=entry.code)
        if name == "open-update":
            self._check_opening(entry)
        if name == "extend-update":
            update = self.state.updates.get((entry.owner, entry.serial))
            if update is None:
                raise ConflictError("update-none", "no update clock of this dataset runs", dataset=entry.code)
            if update.extended:
                raise ConflictError("extension-repeated", "the update's time was extended before", dataset=entry.code)

    def _check_opening(self, entry: DatasetState) -> None:
        if entry.owner != self.department and not self.transactions.is_authority:
            raise InputError("schema-owner", f"{entry.code} belongs to another department", expected=self.department)
        if (entry.owner, entry.serial) in self.state.updates:
            raise ConflictError("update-open", "an update clock of this dataset runs already", dataset=entry.code)
        versions = [one for one in self.state.datasets.values() if (one.owner, one.serial) == (entry.owner, entry.serial)]
        if not any(one.state == "published" for one in versions):
            raise ConflictError("dataset-not-published", "no version of this dataset is published", dataset=entry.code)

    def _entry(self, ref: str) -> DatasetState:
        code, _, version = ref.removeprefix("dataset ").partition("@")
        owner, _, serial = code.partition("/")
        found = self.state.dataset(owner, int(serial), int(version))
        if found is None:
            raise NotFoundError("dataset-unknown", "no such entry is on chain", dataset=code, version=int(version))
        return found


def _compose(name: str, proposal: Proposal, signatures: Signatures) -> Text:
    content = decision_content(name, _reason(proposal.payload))
    return Text(DECISION, {**content, "approved_by": signatures.to_json()})


def _state(entry: DatasetState, wanted: str) -> ConflictError:
    text = f"{entry.vct} is {entry.state}; the step needs it to be {wanted}"
    return ConflictError("dataset-state", text, dataset=entry.code, version=entry.version, state=entry.state)


def _object(code: str, version: int) -> str:
    return dataset_object(code.replace(".", "/"), version)


def _reason(payload: Mapping[str, Any]) -> str:
    reason = payload.get("reason")
    if not isinstance(reason, str) or len(payload) != 1:
        raise InputError("approval-payload", "expected exactly the member reason", field="reason")
    return reason
