"""Cases, their subjects, and duties to keep their files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from xinlian.api.wire.base import CaseNo, Hash0x, UsccText, Wire
from xinlian.protocol.dataset import SubjectKind


class SubjectIn(Wire):
    """A subject of a case: person, organisation, unit, contract, permit or project, and its code."""

    kind: SubjectKind = Field(examples=["person"])
    value: str = Field(examples=["411599199001010014"])


class CaseIn(Wire):
    """A case to be opened by this department as lead."""

    case_no: CaseNo
    scenario: Hash0x
    participants: list[UsccText] = Field(default=[], max_length=32)
    subjects: list[SubjectIn] = Field(min_length=1, max_length=1000)


class CaseOut(Wire):
    """A case as on chain."""

    lead: str
    case_no: str
    scenario: str
    participants: list[str]
    subjects_root: str
    subject_count: int
    opened_at: int
    closed_at: int | None
    outcome: int | None
    tx_hash: str | None = None


class CloseIn(Wire):
    """Outcome of a case: 11 办结(通过), 12 办结(容缺通过), 13 办结(不通过), 14 撤回, 15 撤销."""

    outcome: int = Field(ge=1, le=255, examples=[11])


class CaseRef(Wire):
    """A case."""

    lead: UsccText
    case_no: CaseNo


class DutyIn(Wire):
    """That a law orders to keep a case's file: the law in one line, and until when (epoch seconds)."""

    lead: UsccText
    case_no: CaseNo
    basis: str = Field(min_length=1, max_length=200, examples=["某法第十条: 档案保存三十年 (合成示例)"])
    until: int = Field(ge=0, le=9_007_199_254_740_991, examples=[1893456000])


class DutyOut(Wire):
    """A retention duty; ``released``: copies that went when it was ended."""

    id: int
    lead: str
    case_no: str
    basis: str
    until: int
    state: Literal["running", "ended"]
    recorded_at: int
    ended_at: int | None
    released: int | None = None
