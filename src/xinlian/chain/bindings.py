"""Typed calls and views of our contracts: pure values, coded by the compiled ABI.

A state-changing function gives a ``Call`` for the ``Sender``; a view gives a ``Question`` for either transport.

Example::

    ledger = RecordLedger(address)
    await sender.send("anchor:1:7", ledger.anchor([batch], [], bytes(32)))
    await rpc.ask(ledger.is_anchored("1241…", batch))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xinlian.chain.authorisations import AuthorisationRegistry
from xinlian.chain.bound import BoundContract, address_view, create, encode_call
from xinlian.chain.calendar import WorkCalendar
from xinlian.chain.calls import (
    Application,
    Batch,
    Call,
    CaseState,
    Department,
    Grant,
    Mark,
    NewCase,
    NewSigner,
    Recovery,
    Registration,
    Signer,
    Terms,
    unhex,
)
from xinlian.chain.catalogue import DatasetCatalog
from xinlian.chain.corrections import CorrectionRegistry
from xinlian.chain.events import AccumulatorId
from xinlian.chain.questions import Question
from xinlian.chain.wire import BlockTag
from xinlian.protocol.manifest import Deployment

__all__ = [
    "AuthorisationRegistry",
    "CaseLedger",
    "CorrectionRegistry",
    "DatasetCatalog",
    "DepartmentRegistry",
    "RecordLedger",
    "SharingRegistry",
    "WorkCalendar",
    "accumulator",
    "address_view",
    "create",
    "encode_call",
]
_NOBODY = "0x" + "00" * 18


def _first(values: list[Any]) -> Any:
    return values[0]


def _signer_plain(one: NewSigner) -> dict[str, object]:
    return {"signer": one.signer, "roles": one.roles, "possession": one.possession}


class DepartmentRegistry(BoundContract):
    """Departments, other receivers, their key sets and their signers."""

    __slots__ = ()

    def register(self, new: Registration) -> Call:
        """Authority: register a department with its first keys and signers."""
        signers = [_signer_plain(one) for one in new.signers]
        return self._call("register", new.department, new.kind, new.name, new.endpoint, new.jwks, signers)

    def suspend(self, department: str, reason: int) -> Call:
        """Authority: suspend a department."""
        return self._call("suspend", department, reason)

    def reinstate(self, department: str) -> Call:
        """Authority: end a suspension."""
        return self._call("reinstate", department)

    def mark_compromised(self, department: str, since_block: int) -> Call:
        """Authority: batches from this block on are suspect."""
        return self._call("markCompromised", department, since_block)

    def announce_recovery(self, department: str, signers: Sequence[NewSigner]) -> Call:
        """Authority: announce that all signers of a department will be replaced."""
        return self._call("announceRecovery", department, [_signer_plain(one) for one in signers])

    def cancel_recovery(self, department: str) -> Call:
        """ADMIN of the department or authority: object to an announced recovery, or withdraw it."""
        return self._call("cancelRecovery", department)

    def recover(self, department: str) -> Call:
        """Authority: carry out an announced recovery, two working days later."""
        return self._call("recover", department)

    def recovery_of(self, department: str, tag: BlockTag = "latest") -> Question[Recovery | None]:
        """The announced recovery of a department, None when there is none."""

        def read(values: list[Any]) -> Recovery | None:
            one = values[0]
            found = Recovery(one["announcedAt"], tuple((each["signer"], each["roles"]) for each in one["candidates"]))
            return found if found.candidates else None

        return self._view("recoveryOf", (department,), read, tag)

    def recovery_deadline_of(self, department: str, tag: BlockTag = "latest") -> Question[int]:
        """Epoch seconds from which the announced recovery may be carried out."""
        return self._view("recoveryDeadlineOf", (department,), _first, tag)

    def transfer_authority(self, to: str) -> Call:
        """Authority: begin the handover to another address."""
        return self._call("transferAuthority", to)

    def accept_authority(self) -> Call:
        """Pending authority: take over."""
        return self._call("acceptAuthority")

    def add_signer(self, new: NewSigner) -> Call:
        """ADMIN: add a signer to the own department."""
        return self._call("addSigner", _signer_plain(new))

    def retire_signer(self, signer: str) -> Call:
        """ADMIN: retire a signer of the own department."""
        return self._call("retireSigner", signer)

    def publish_keys(self, jwks: str) -> Call:
        """ADMIN: publish the own department's next key set."""
        return self._call("publishKeys", jwks)

    def change_endpoint(self, endpoint: str) -> Call:
        """ADMIN: publish the own node's new URL."""
        return self._call("changeEndpoint", endpoint)

    def authority(self, tag: BlockTag = "latest") -> Question[str]:
        """The authority's address."""
        return self._view("authority", (), _first, tag)

    def department_of(self, department: str, tag: BlockTag = "latest") -> Question[Department]:
        """What the registry holds of a department."""

        def read(values: list[Any]) -> Department:
            one = values[0]
            return Department(
                one["kind"],
                one["active"],
                one["registeredBlock"],
                one["compromisedSince"],
                one["keySetVersion"],
                unhex(one["keySetHash"]),
                one["generation"],
            )

        return self._view("departmentOf", (department,), read, tag)

    def signer_of(self, signer: str, tag: BlockTag = "latest") -> Question[Signer]:
        """What the registry holds of a signer."""

        def read(values: list[Any]) -> Signer:
            one = values[0]
            known = None if one["department"] == _NOBODY else one["department"]
            return Signer(known, one["roles"], one["fromBlock"], one["toBlock"])

        return self._view("signerOf", (signer,), read, tag)

    def is_active(self, department: str, tag: BlockTag = "latest") -> Question[bool]:
        """Registered and not suspended."""
        return self._view("isActive", (department,), _first, tag)

    def is_active_at(self, department: str, block_number: int, tag: BlockTag = "latest") -> Question[bool]:
        """Registered and not suspended at the end of that block."""
        return self._view("isActiveAt", (department, block_number), _first, tag)


class RecordLedger(BoundContract):
    """Batch slots and status words."""

    __slots__ = ()

    def anchor(self, batches: Sequence[Batch], marks: Sequence[Mark], state_root: bytes = bytes(32)) -> Call:
        """ANCHOR: anchor batches; then set status superseded for the marks."""
        plain_batches = [
            {"stream": one.stream, "sequence": one.sequence, "root": one.root, "size": one.size, "suite": one.suite}
            for one in batches
        ]
        plain_marks = [{"sequence": one.sequence, "word": one.word, "mask": one.mask} for one in marks]
        return self._call("anchor", plain_batches, plain_marks, state_root)

    def set_status(self, sequence: int, words: Sequence[tuple[int, int]], status: int, reason: int) -> Call:
        """ANCHOR: raise the status of leaves of one batch of stream records; ``words`` are (word, mask)."""
        numbers = [word for word, _ in words]
        masks = [mask for _, mask in words]
        return self._call("setStatus", sequence, numbers, masks, status, reason)

    def is_anchored(self, department: str, batch: Batch, tag: BlockTag = "latest") -> Question[bool]:
        """Whether exactly this batch stands in its slot."""
        args = (department, batch.stream, batch.sequence, batch.root, batch.size, batch.suite)
        return self._view("isAnchored", args, _first, tag)

    def status_of(self, department: str, sequence: int, index: int, tag: BlockTag = "latest") -> Question[tuple[bool, int]]:
        """(anchored, status) of a leaf of stream records."""
        return self._view("statusOf", (department, sequence, index), lambda values: (values[0], values[1]), tag)

    def slot_of(self, department: str, stream: int, sequence: int, tag: BlockTag = "latest") -> Question[bytes]:
        """The slot's 32 bytes, zero when empty."""
        return self._view("slotOf", (department, stream, sequence), lambda values: unhex(values[0]), tag)


class SharingRegistry(BoundContract):
    """Sharing requests by requester and number, grants by provider and number."""

    __slots__ = ()

    def submit(self, new: Application) -> Call:
        """LAW of the requester: file a request."""
        return self._call("submit", new.plain())

    def agree(self, requester: str, number: int, asked: Terms, document: bytes, cover: int = 0) -> Call:
        """LAW of the provider: agree to everything that was asked."""
        return self._call("agree", requester, number, asked.plain(), asked.scope(), 0, cover, document)

    def deliver(self, requester: str, number: int, grant_number: int, terms: Terms, document: bytes) -> Call:
        """LAW of the provider: deliver what was agreed to."""
        return self._call("deliver", requester, number, grant_number, terms.plain(), document)

    def close(self, number: int, document: bytes) -> Call:
        """LAW of the requester: the purpose is met."""
        return self._call("close", number, document)

    def record_overdue(self, requester: str, number: int) -> Call:
        """Any signer: the answer or the delivery is late."""
        return self._call("recordOverdue", requester, number)

    def state_of(self, requester: str, number: int, tag: BlockTag = "latest") -> Question[int]:
        """State of a request, by ISharingRegistry.State; 0 = nobody filed it."""
        return self._view("requestOf", (requester, number), lambda values: int(values[0]["state"]), tag)

    def deadline_of(self, requester: str, number: int, tag: BlockTag = "latest") -> Question[tuple[int, int]]:
        """(clock by ISharingRegistry.Clock, first second that is late in epoch seconds); (0, 0) when none runs."""
        return self._view("deadlineOf", (requester, number), lambda values: (values[0], values[1]), tag)

    def grant_of(self, provider: str, number: int, tag: BlockTag = "latest") -> Question[Grant]:
        """What the registry holds of a grant."""

        def read(values: list[Any]) -> Grant:
            one = values[0]
            receiver = None if one["receiver"] == _NOBODY else one["receiver"]
            terms = Terms.from_plain(one["terms"])
            return Grant(receiver, one["request"], one["serial"], one["version"], one["cover"], terms)

        return self._view("grantOf", (provider, number), read, tag)

    def is_running_at(self, provider: str, number: int, time: int, tag: BlockTag = "latest") -> Question[bool]:
        """Its request is ACTIVE or under negotiation, and ``time`` (epoch seconds) lies in its term."""
        return self._view("isRunningAt", (provider, number, time), _first, tag)


class CaseLedger(BoundContract):
    """Cases by lead and number."""

    __slots__ = ()

    def open(self, new: NewCase) -> Call:
        """LAW of the lead: open a case."""
        participants = list(new.participants)
        return self._call("open", new.case_no, new.scenario, participants, new.subjects_root, new.subject_count)

    def add_subject(self, case_no: bytes, subjects_root: bytes) -> Call:
        """LAW of the lead: add one subject; the root covers them all."""
        return self._call("addSubject", case_no, subjects_root)

    def close(self, case_no: bytes, outcome: int) -> Call:
        """LAW of the lead: close a case."""
        return self._call("close", case_no, outcome)

    def case_of(self, lead: str, case_no: bytes, tag: BlockTag = "latest") -> Question[CaseState]:
        """What the ledger holds of a case."""

        def read(values: list[Any]) -> CaseState:
            one = values[0]
            return CaseState(
                unhex(one["scenario"]),
                unhex(one["subjectsRoot"]),
                one["subjectCount"],
                one["openedAt"],
                one["closedAt"],
                one["outcome"],
                tuple(one["participants"]),
            )

        return self._view("caseOf", (lead, case_no), read, tag)

    def is_open_for(self, lead: str, case_no: bytes, department: str, tag: BlockTag = "latest") -> Question[bool]:
        """Open, and ``department`` is its lead or a participant."""
        return self._view("isOpenFor", (lead, case_no, department), _first, tag)


_BINDINGS: dict[str, type[BoundContract]] = {
    kind.__name__: kind
    for kind in (
        DepartmentRegistry,
        WorkCalendar,
        DatasetCatalog,
        RecordLedger,
        SharingRegistry,
        CaseLedger,
        CorrectionRegistry,
        AuthorisationRegistry,
    )
}


def accumulator(deployment: Deployment, one: AccumulatorId, tag: BlockTag = "latest") -> Question[bytes]:
    """What a contract of the deployment holds as this accumulator, 32 bytes; zero before its first event."""
    return _BINDINGS[one.contract](deployment.contracts[one.contract].address).accumulator(one.view, one.key, tag)
