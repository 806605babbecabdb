"""What the chain says about departments, datasets, grants and cases: a projection of its events, held in memory.

Rules
1. The state is a pure function of the ordered event list; a rollback rebuilds it from the events that remain.
2. Batches and status marks are many, so they stay in the store (``chain_batches``, ``chain_marks``).
3. Nothing here decides; it answers "what was registered at block N".

Example: ``state.apply(event); state.department(uscc).is_active_at(120)``
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from xinlian.protocol.errors import InputError
from xinlian.protocol.types import Uscc

_CODE_TEXT = re.compile(r"[A-Z0-9_-]{1,32}", re.ASCII)


class ChainFact(Protocol):
    """The part of a decoded event that the projection reads."""

    @property
    def name(self) -> str:
        """Name of the event."""
        ...

    @property
    def args(self) -> Mapping[str, Any]:
        """Plain values by argument name."""
        ...

    @property
    def block_number(self) -> int:
        """Of its block."""
        ...

    @property
    def block_time(self) -> int:
        """Epoch seconds."""
        ...


@dataclass(frozen=True, slots=True)
class KeySetVersion:
    """A key set as published: from which block, the JWKS text, its hash (0x hex)."""

    block_number: int
    version: int
    jwks: str
    key_set_hash: str


@dataclass(slots=True)
class DepartmentState:
    """A registered department or other receiver (kind 1 or 2)."""

    uscc: Uscc
    kind: int
    name: str
    endpoint: str
    registered_block: int
    activity: list[tuple[int, bool]] = field(default_factory=list)
    key_sets: list[KeySetVersion] = field(default_factory=list)
    compromised_since: int | None = None
    compromised_block: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As the API lists it."""
        return {
            "uscc": self.uscc,
            "name": self.name,
            "kind": "department" if self.kind == 1 else "other-receiver",
            "active": self.active,
            "endpoint": self.endpoint,
            "compromised_since": self.compromised_since,
            "key_set_version": self.key_sets[-1].version if self.key_sets else None,
        }

    @property
    def active(self) -> bool:
        """Whether it is not suspended as of the newest event."""
        return self.activity[-1][1]

    def is_active_at(self, block_number: int) -> bool:
        """Whether it was registered and not suspended at the end of a block."""
        known = [active for block, active in self.activity if block <= block_number]
        return bool(known) and known[-1]

    def is_compromised_at(self, block_number: int) -> bool:
        """Whether a batch anchored in this block falls into a period marked as compromised."""
        return self.compromised_since is not None and block_number >= self.compromised_since


@dataclass(slots=True)
class SignerState:
    """A signer address of a department with its roles bitmask."""

    department: Uscc
    roles: int
    from_block: int
    to_block: int | None = None


@dataclass(slots=True)
class DatasetState:
    """One version of a catalogue entry."""

    owner: Uscc
    serial: int
    version: int
    schema_hash: str
    share_type: int
    field_count: int
    view_count: int
    verifiable_mask: int
    purposes: tuple[str, ...]
    published_block: int | None = None
    retired_block: int | None = None

    @property
    def code(self) -> str:
        """Catalogue code, ``<USCC>/<6 digits>``."""
        return f"{self.owner}/{self.serial:06d}"

    @property
    def vct(self) -> str:
        """Record type, ``<code>@<version>``."""
        return f"{self.code}@{self.version}"

    @property
    def state(self) -> str:
        """proposed, published or retired."""
        if self.retired_block is not None:
            return "retired"
        return "proposed" if self.published_block is None else "published"

    def is_published_at(self, block_number: int) -> bool:
        """Whether it was published and not retired at the end of a block."""
        if self.published_block is None or block_number < self.published_block:
            return False
        return self.retired_block is None or block_number < self.retired_block


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a grant: masks per mode, purposes and scenarios, ``valid_from_s <= t < valid_to_s``, uses per case."""

    verify_mask: int
    query_mask: int
    answer_mask: int
    batch_mask: int
    purposes: tuple[str, ...]
    scenarios: tuple[str, ...]
    valid_from_s: int
    valid_to_s: int
    uses_per_case: int
    standing: bool


@dataclass(slots=True)
class GrantState:
    """One grant of a provider."""

    provider: Uscc
    number: int
    receiver: Uscc
    serial: int
    version: int
    terms: Terms
    given_block: int
    revoked_block: int | None = None
    revoke_reason: int | None = None

    @property
    def ref(self) -> str:
        """``<provider USCC>/<number>``."""
        return f"{self.provider}/{self.number}"

    @property
    def vct(self) -> str:
        """The dataset version it covers."""
        return f"{self.provider}/{self.serial:06d}@{self.version}"

    def is_running_at(self, time_s: int) -> bool:
        """Whether it is not revoked and its term covers a time."""
        return self.revoked_block is None and self.terms.valid_from_s <= time_s < self.terms.valid_to_s


@dataclass(slots=True)
class CaseState:
    """One case of a lead department; ``subjects_root`` is 32 bytes."""

    lead: Uscc
    case_no: str
    scenario: str
    participants: tuple[Uscc, ...]
    subjects_root: bytes
    subject_count: int
    opened_at: int
    opened_block: int
    closed_at: int | None = None
    outcome: int | None = None

    @property
    def ref(self) -> str:
        """``<lead USCC>/<case no.>``."""
        return f"{self.lead}/{self.case_no}"

    @property
    def is_open(self) -> bool:
        """Whether no closing has been recorded."""
        return self.closed_at is None

    def takes_part(self, department: str) -> bool:
        """Whether a department is the lead or a participant."""
        return department == self.lead or department in self.participants


class ChainState:
    """The projection.

    Args:
        events: ordered events to start from.
    """

    def __init__(self, events: Iterable[ChainFact] = ()) -> None:
        self._handlers: dict[str, Callable[[ChainFact], None]] = {
            "DepartmentRegistered": self._on_department_registered,
            "DepartmentSuspended": lambda e: self._on_activity(e, False),
            "DepartmentReinstated": lambda e: self._on_activity(e, True),
            "DepartmentCompromised": self._on_compromised,
            "EndpointChanged": self._on_endpoint_changed,
            "SignerAdded": self._on_signer_added,
            "SignerRetired": self._on_signer_retired,
            "KeysPublished": self._on_keys_published,
            "DatasetProposed": self._on_dataset_proposed,
            "DatasetPublished": self._on_dataset_published,
            "DatasetRetired": self._on_dataset_retired,
            "GrantGiven": self._on_grant_given,
            "GrantNarrowed": self._on_grant_narrowed,
            "GrantRevoked": self._on_grant_revoked,
            "CaseOpened": self._on_case_opened,
            "CaseSubjectAdded": self._on_case_subject_added,
            "CaseClosed": self._on_case_closed,
        }
        self.rebuild(events)

    def rebuild(self, events: Iterable[ChainFact]) -> None:
        """Start over from an ordered event list (after a rollback)."""
        self.departments: dict[str, DepartmentState] = {}
        self.signers: dict[str, SignerState] = {}
        self.datasets: dict[tuple[str, int, int], DatasetState] = {}
        self.grants: dict[tuple[str, int], GrantState] = {}
        self.cases: dict[tuple[str, str], CaseState] = {}
        for event in events:
            self.apply(event)

    def apply(self, event: ChainFact) -> None:
        """Fold one event in; events of batches and marks are not of this projection and are passed over."""
        handler = self._handlers.get(event.name)
        if handler is not None:
            handler(event)

    # -- questions ---------------------------------------------------------------------------------

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

    def department_list(self) -> list[DepartmentState]:
        """Departments and other receivers in order of registration."""
        return list(self.departments.values())

    def newest_grant_number(self, provider: str) -> int:
        """The highest grant number a provider has used, 0 for none."""
        return max((number for owner, number in self.grants if owner == provider), default=0)

    # -- events ------------------------------------------------------------------------------------

    def _on_department_registered(self, event: ChainFact) -> None:
        args = event.args
        self.departments[args["department"]] = DepartmentState(
            uscc=Uscc(args["department"]),
            kind=args["kind"],
            name=_readable(args["name"]),
            endpoint=_readable(args["endpoint"]),
            registered_block=event.block_number,
            activity=[(event.block_number, True)],
        )

    def _on_activity(self, event: ChainFact, active: bool) -> None:
        self.departments[event.args["department"]].activity.append((event.block_number, active))

    def _on_compromised(self, event: ChainFact) -> None:
        department = self.departments[event.args["department"]]
        department.compromised_since = event.args["sinceBlock"]
        department.compromised_block = event.block_number

    def _on_endpoint_changed(self, event: ChainFact) -> None:
        self.departments[event.args["department"]].endpoint = _readable(event.args["endpoint"])

    def _on_signer_added(self, event: ChainFact) -> None:
        args = event.args
        self.signers[args["signer"]] = SignerState(Uscc(args["department"]), args["roles"], event.block_number)

    def _on_signer_retired(self, event: ChainFact) -> None:
        self.signers[event.args["signer"]].to_block = event.block_number

    def _on_keys_published(self, event: ChainFact) -> None:
        args = event.args
        key_set = KeySetVersion(event.block_number, args["version"], _readable(args["jwks"]), args["keySetHash"])
        self.departments[args["department"]].key_sets.append(key_set)

    def _on_dataset_proposed(self, event: ChainFact) -> None:
        args = event.args
        self.datasets[_dataset_key(args)] = DatasetState(
            owner=Uscc(args["owner"]),
            serial=args["serial"],
            version=args["version"],
            schema_hash=args["schemaHash"],
            share_type=args["shareType"],
            field_count=args["fieldCount"],
            view_count=args["viewCount"],
            verifiable_mask=args["verifiableMask"],
            purposes=tuple(code_text(purpose) for purpose in args["purposes"]),
        )

    def _on_dataset_published(self, event: ChainFact) -> None:
        self.datasets[_dataset_key(event.args)].published_block = event.block_number

    def _on_dataset_retired(self, event: ChainFact) -> None:
        self.datasets[_dataset_key(event.args)].retired_block = event.block_number

    def _on_grant_given(self, event: ChainFact) -> None:
        args = event.args
        self.grants[args["provider"], args["number"]] = GrantState(
            provider=Uscc(args["provider"]),
            number=args["number"],
            receiver=Uscc(args["receiver"]),
            serial=args["serial"],
            version=args["version"],
            terms=_terms(args["terms"]),
            given_block=event.block_number,
        )

    def _on_grant_narrowed(self, event: ChainFact) -> None:
        self.grants[event.args["provider"], event.args["number"]].terms = _terms(event.args["terms"])

    def _on_grant_revoked(self, event: ChainFact) -> None:
        grant = self.grants[event.args["provider"], event.args["number"]]
        grant.revoked_block = event.block_number
        grant.revoke_reason = event.args["reason"]

    def _on_case_opened(self, event: ChainFact) -> None:
        args = event.args
        self.cases[_case_key(args)] = CaseState(
            lead=Uscc(args["lead"]),
            case_no=code_text(args["caseNo"]),
            scenario=args["scenario"],
            participants=tuple(Uscc(p) for p in args["participants"]),
            subjects_root=bytes.fromhex(args["subjectsRoot"].removeprefix("0x")),
            subject_count=args["subjectCount"],
            opened_at=event.block_time,
            opened_block=event.block_number,
        )

    def _on_case_subject_added(self, event: ChainFact) -> None:
        case = self.cases[_case_key(event.args)]
        case.subjects_root = bytes.fromhex(event.args["subjectsRoot"].removeprefix("0x"))
        case.subject_count = event.args["subjectCount"]

    def _on_case_closed(self, event: ChainFact) -> None:
        case = self.cases[_case_key(event.args)]
        case.closed_at = event.block_time
        case.outcome = event.args["outcome"]


def _readable(text: str) -> str:
    """A text of the chain that can be shown and stored: what is no UTF-8 (``chain.abi`` rule 4) becomes U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _dataset_key(args: Mapping[str, Any]) -> tuple[str, int, int]:
    return args["owner"], args["serial"], args["version"]


def _case_key(args: Mapping[str, Any]) -> tuple[str, str]:
    return args["lead"], code_text(args["caseNo"])


def code_text(word: str) -> str:
    """The text of a purpose or case number that stands on chain as bytes32 (0x hex, zero padded right)."""
    return bytes.fromhex(word.removeprefix("0x")).rstrip(b"\0").decode("ascii", "replace")


def code_word(text: str) -> str:
    """A purpose or case number as bytes32 (0x hex).

    Raises:
        InputError: ``chain-code-form`` when it is not 1 to 32 characters of A–Z, 0–9, _ and -.
    """
    if not _CODE_TEXT.fullmatch(text):
        raise InputError("chain-code-form", "purposes and case numbers have 1 to 32 characters of A–Z, 0–9, _ and -")
    return "0x" + text.encode().ljust(32, b"\0").hex()


def _terms(args: Mapping[str, Any]) -> Terms:
    return Terms(
        verify_mask=args["verifyMask"],
        query_mask=args["queryMask"],
        answer_mask=args["answerMask"],
        batch_mask=args["batchMask"],
        purposes=tuple(code_text(purpose) for purpose in args["purposes"]),
        scenarios=tuple(args["scenarios"]),
        valid_from_s=args["validFrom"],
        valid_to_s=args["validTo"],
        uses_per_case=args["usesPerCase"],
        standing=args["standing"],
    )
