"""Approvals as they are shown: with the persons behind every step."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from xinlian.node.people import Person
from xinlian.store.approvals import Act, Approval, State, Step


@dataclass(frozen=True, slots=True)
class StepInfo:
    """One step: who did what, when (law time, epoch seconds), and the digest (hex) of its text."""

    seq: int
    act: Act
    user: int
    person_id: str
    name: str
    post: str
    at: int
    document: str | None

    @classmethod
    def of(cls, step: Step, person: Person) -> StepInfo:
        """A stored step with its person."""
        digest = None if step.document is None else step.document.hex()
        return cls(step.seq, step.act, person.id, person.person_id, person.name, person.post, step.at, digest)


@dataclass(frozen=True, slots=True)
class ApprovalInfo:
    """An approval; digests are hex, times law time in epoch seconds."""

    id: int
    kind: str
    object: str
    state: State
    round: int
    proposal: str
    document: str | None
    code: str | None
    result: dict[str, Any] | None
    created_at: int
    changed_at: int
    steps: tuple[StepInfo, ...]

    @classmethod
    def of(cls, approval: Approval, steps: tuple[StepInfo, ...], result: dict[str, Any] | None) -> ApprovalInfo:
        """A stored approval with its steps."""
        return cls(
            id=approval.id,
            kind=approval.kind,
            object=approval.object_ref,
            state=approval.state,
            round=approval.round,
            proposal=approval.proposal.hex(),
            document=None if approval.document is None else approval.document.hex(),
            code=approval.code,
            result=result,
            created_at=approval.created_at,
            changed_at=approval.changed_at,
            steps=steps,
        )

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        found = asdict(self)
        steps = [{**step, "act": str(step["act"])} for step in found["steps"]]
        return {**found, "state": str(self.state), "steps": steps}
