"""Departments, other receivers, their keys and signers, as the events of DepartmentRegistry tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xinlian.node.chain_state.facts import ChainFact, Handlers, Known, readable
from xinlian.protocol.types import Uscc


@dataclass(frozen=True, slots=True)
class KeySetVersion:
    """A key set as published: from which block, the JWKS text, its hash (0x hex)."""

    block_number: int
    version: int
    jwks: str
    key_set_hash: str


@dataclass(frozen=True, slots=True)
class RecoveryState:
    """An announced recovery: when (epoch seconds), and who would be the signers, as (address, roles)."""

    announced_at: int
    candidates: tuple[tuple[str, int], ...]


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
    generation: int = 0
    recovery: RecoveryState | None = None

    def to_json(self) -> dict[str, Any]:
        """As the API lists it."""
        return {
            "uscc": self.uscc,
            "name": self.name,
            "kind": "department" if self.is_department else "other-receiver",
            "active": self.active,
            "endpoint": self.endpoint,
            "compromised_since": self.compromised_since,
            "key_set_version": self.key_sets[-1].version if self.key_sets else None,
            "recovery_announced_at": None if self.recovery is None else self.recovery.announced_at,
        }

    @property
    def is_department(self) -> bool:
        """Whether it is a department; else another receiver, which owns no dataset."""
        return self.kind == 1

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


class DepartmentFacts:
    """The part of the projection."""

    def __init__(self) -> None:
        self.departments: dict[str, DepartmentState] = Known()
        self.authority: str | None = None
        self.signers: dict[str, SignerState] = Known()
        self.handlers: Handlers = {
            "AuthorityTransferred": self._on_authority,
            "DepartmentRegistered": self._on_department_registered,
            "DepartmentSuspended": lambda e: self._on_activity(e, False),
            "DepartmentReinstated": lambda e: self._on_activity(e, True),
            "DepartmentCompromised": self._on_compromised,
            "EndpointChanged": self._on_endpoint_changed,
            "SignerAdded": self._on_signer_added,
            "SignerRetired": self._on_signer_retired,
            "KeysPublished": self._on_keys_published,
            "RecoveryAnnounced": self._on_recovery_announced,
            "RecoveryCancelled": self._on_recovery_cancelled,
            "DepartmentRecovered": self._on_department_recovered,
        }

    def _on_authority(self, event: ChainFact) -> None:
        self.authority = str(event.args["to"]).lower()

    def _on_department_registered(self, event: ChainFact) -> None:
        args = event.args
        self.departments[args["department"]] = DepartmentState(
            uscc=Uscc(args["department"]),
            kind=args["kind"],
            name=readable(args["name"]),
            endpoint=readable(args["endpoint"]),
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
        self.departments[event.args["department"]].endpoint = readable(event.args["endpoint"])

    def _on_signer_added(self, event: ChainFact) -> None:
        args = event.args
        self.signers[args["signer"]] = SignerState(Uscc(args["department"]), args["roles"], event.block_number)

    def _on_signer_retired(self, event: ChainFact) -> None:
        self.signers[event.args["signer"]].to_block = event.block_number

    def _on_keys_published(self, event: ChainFact) -> None:
        args = event.args
        key_set = KeySetVersion(event.block_number, args["version"], readable(args["jwks"]), args["keySetHash"])
        self.departments[args["department"]].key_sets.append(key_set)

    def _on_recovery_announced(self, event: ChainFact) -> None:
        candidates = tuple(zip(event.args["signers"], event.args["roles"], strict=True))
        self.departments[event.args["department"]].recovery = RecoveryState(event.block_time, candidates)

    def _on_recovery_cancelled(self, event: ChainFact) -> None:
        self.departments[event.args["department"]].recovery = None

    def _on_department_recovered(self, event: ChainFact) -> None:
        """Every signer before is retired; a SignerAdded for each new one follows."""
        department = self.departments[event.args["department"]]
        department.recovery, department.generation = None, event.args["generation"]
        for signer in self.signers.values():
            if signer.department == department.uscc and signer.to_block is None:
                signer.to_block = event.block_number
