"""Cases by lead and number, as the events of CaseLedger tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xinlian.node.chain_state.facts import ChainFact, Handlers, Known, code_text
from xinlian.protocol.types import Uscc


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


class CaseFacts:
    """The part of the projection."""

    def __init__(self) -> None:
        self.cases: dict[tuple[str, str], CaseState] = Known()
        self.handlers: Handlers = {
            "CaseOpened": self._on_case_opened,
            "CaseSubjectAdded": self._on_case_subject_added,
            "CaseClosed": self._on_case_closed,
        }

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


def _case_key(args: Mapping[str, Any]) -> tuple[str, str]:
    return args["lead"], code_text(args["caseNo"])
