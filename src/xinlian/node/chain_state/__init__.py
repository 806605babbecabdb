"""What the chain says about departments, working days, datasets, grants, cases, corrections, authorisations and the texts behind
them: a projection of its events, held in memory.

Rules
1. The state is a pure function of the ordered event list; a rollback rebuilds it from the events that remain.
2. Batches and status marks are many, so they stay in the store (``chain_batches``, ``chain_marks``).
3. Nothing here decides; it answers "what was registered at block N".
4. An event about something unknown never stops the node (``apply``).
5. One module a contract; each folds its own events into its own tables. Texts (``documents``) are gathered from all of them.

Example: ``state.apply(event); state.department(uscc).is_active_at(120)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from xinlian.node.chain_state.authorisations import AuthorisationFacts, AuthorisationState
from xinlian.node.chain_state.calendar import CalendarFacts
from xinlian.node.chain_state.cases import CaseFacts, CaseState
from xinlian.node.chain_state.corrections import CorrectionFacts, CorrectionState, CorrectionStep
from xinlian.node.chain_state.datasets import DatasetFacts, DatasetState, UpdateState
from xinlian.node.chain_state.departments import DepartmentFacts, DepartmentState, KeySetVersion, RecoveryState, SignerState
from xinlian.node.chain_state.documents import DocumentFacts, ShownDocument, Told, is_about, told_by
from xinlian.node.chain_state.facts import ChainFact, OrphanError, code_text, code_word
from xinlian.node.chain_state.sharing import (
    ENDED,
    RUNNING,
    Cover,
    GrantState,
    RequestClock,
    RequestState,
    RequestStep,
    SharingFacts,
    SharingRequest,
    Terms,
)

__all__ = [
    "ENDED",
    "RUNNING",
    "AuthorisationState",
    "CaseState",
    "ChainFact",
    "ChainState",
    "CorrectionState",
    "CorrectionStep",
    "Cover",
    "DatasetState",
    "DepartmentState",
    "GrantState",
    "KeySetVersion",
    "RecoveryState",
    "RequestClock",
    "RequestState",
    "RequestStep",
    "SharingRequest",
    "ShownDocument",
    "SignerState",
    "Terms",
    "Told",
    "UpdateState",
    "code_text",
    "code_word",
    "is_about",
    "told_by",
]


class ChainState:
    """The projection.

    Args:
        events: ordered events to start from.
    """

    def __init__(self, events: Iterable[ChainFact] = ()) -> None:
        self._handlers: dict[str, Callable[[ChainFact], None]] = {}
        self.rebuild(events)

    def rebuild(self, events: Iterable[ChainFact]) -> None:
        """Start over from an ordered event list (after a rollback)."""
        departments, datasets, sharing, cases = DepartmentFacts(), DatasetFacts(), SharingFacts(), CaseFacts()
        calendar = CalendarFacts()
        self.calendar = calendar.calendar
        corrections, authorisations = CorrectionFacts(), AuthorisationFacts()
        self.departments, self.signers = departments.departments, departments.signers
        self._departments = departments
        self.datasets, self.updates = datasets.datasets, datasets.updates
        self.requests, self.grants = sharing.requests, sharing.grants
        self.cases = cases.cases
        self.corrections, self._unsettled = corrections.corrections, corrections.unsettled
        self.authorisations = authorisations.authorisations
        self.documents = DocumentFacts()
        self.orphans = 0
        self._handlers = {}
        for part in (departments, calendar, datasets, sharing, cases, corrections, authorisations):
            self._handlers.update(part.handlers)
        for event in events:
            self.apply(event)

    def apply(self, event: ChainFact) -> None:
        """Fold one event in; events of batches and marks are not of this projection and are passed over.

        An event about something that no event created is counted in ``orphans`` and passed over, too: the one before it is
        hidden, which ``node.completeness`` finds out; it must not keep the node from following or starting.
        """
        handler = self._handlers.get(event.name)
        if handler is not None:
            try:
                handler(event)
            except OrphanError:
                self.orphans += 1
            else:
                self.documents.apply(event)

    # -- questions ---------------------------------------------------------------------------------

    @property
    def authority(self) -> str | None:
        """Address (lower-case 0x hex) that holds the authority's office, None before the first event."""
        return self._departments.authority

    def department(self, uscc: str) -> DepartmentState | None:
        """The department, or None when it is not registered."""
        return self.departments.get(uscc)

    def dataset(self, owner: str, serial: int, version: int) -> DatasetState | None:
        """One version of a catalogue entry, or None."""
        return self.datasets.get((owner, serial, version))

    def dataset_by_vct(self, vct: str) -> DatasetState | None:
        """The catalogue entry version that a record type names, or None."""
        code, _, version = vct.partition("@")
        owner, _, serial = code.partition("/")
        if not (version.isdecimal() and serial.isdecimal()):
            return None
        return self.datasets.get((owner, int(serial), int(version)))

    def update_of(self, owner: str, serial: int) -> UpdateState | None:
        """The running update clock of a dataset, or None."""
        return self.updates.get((owner, serial))

    def is_changing(self, entry: DatasetState) -> bool:
        """变更中: a published version whose next one is proposed or sent back."""
        after = self.dataset(entry.owner, entry.serial, entry.version + 1)
        return entry.state == "published" and after is not None and after.state in ("proposed", "returned")

    def correction(self, receiver: str, number: int) -> CorrectionState | None:
        """The correction, or None."""
        return self.corrections.get((receiver, number))

    def unsettled_corrections(self) -> list[CorrectionState]:
        """Corrections that somebody has to answer, and those that a source corrected, in the order they were opened."""
        return list(self._unsettled.values())

    def newest_correction_number(self, receiver: str, at_least: int) -> int:
        """The highest correction number of a receiver from ``at_least`` on; one less than it when there is none."""
        return max((n for owner, n in self.corrections if owner == receiver and n >= at_least), default=at_least - 1)

    def authorisation(self, recorder: str, authorisation_id: str) -> AuthorisationState | None:
        """The authorisation with an id (0x hex), or None."""
        return self.authorisations.get((recorder, authorisation_id))

    def department_list(self) -> list[DepartmentState]:
        """Departments and other receivers in order of registration."""
        return list(self.departments.values())

    def newest_request_number(self, requester: str, at_least: int) -> int:
        """The highest request number of a requester from ``at_least`` on; one less than it when there is none."""
        return max((n for owner, n in self.requests if owner == requester and n >= at_least), default=at_least - 1)

    def newest_grant_number(self, provider: str) -> int:
        """The highest grant number a provider has used, 0 for none."""
        return max((number for owner, number in self.grants if owner == provider), default=0)
