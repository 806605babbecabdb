"""Use records and disposals."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from xinlian.api.wire.base import UsccText, Wire

_ACT = {"position": 12, "act": "use-recorded", "time": 1790000000, "state": "anchored"}
_FORM = {
    "period_from": "2026-10-01",
    "period_to": "2026-10-31",
    "scene": "公积金贷款受理",
    "process": "窗口逐笔核验, 结果随办件归档",
    "effect": "减少申请材料三份",
    "storage": "不落地",
    "disposal": "办结后删除",
}
_DISPOSAL = {"method": "删除", "scope": "全部返回值", "done_on": "2026-11-02", "done_by": "测试甲", "witnessed_by": "测试乙"}


class UseRecordIn(Wire):
    """A use record (使用情况记录) to be proposed: of which grant, and its form."""

    provider: UsccText
    number: int = Field(ge=1, le=2**53 - 1, examples=[3])
    form: dict[str, Any] = Field(examples=[_FORM])


class UseRecordOut(Wire):
    """A use record without its text; times are law time."""

    id: int = Field(examples=[1])
    grant: str = Field(examples=["12411599MBDEM0058M/3"])
    case: str | None = Field(examples=["12411599MBDEM00233/CASE-1"], description="null: every case of the period.")
    period_from: int = Field(examples=[1790000000], description="First second of the period.")
    period_to: int = Field(examples=[1790086400], description="First second after it.")
    document: str = Field(examples=["cd" * 32], description="Salted digest of the text; it stands in the act.")
    recorded_at: int = Field(examples=[1790000000])
    retained_until: int = Field(examples=[1884694400], description="Before this it is not deleted.")
    deleted_at: int | None = Field(examples=[None])


class _Proven(Wire):
    salt: str | None = Field(examples=["00" * 32])
    text: str | None = Field(examples=['{"document":"use-record","object":"grant 12411599MBDEM0058M/3"}'])
    content: dict[str, Any] | None = Field(examples=[_FORM])
    acts: list[dict[str, Any]] = Field(examples=[[_ACT]], description="Acts that name the digest; each has a bundle.")


class UseRecordFullOut(UseRecordOut, _Proven):
    """A use record with what proves it: text, salt, and the acts of the anchored log that name its digest."""


class CaseDisposalIn(Wire):
    """The disposal of everything received for a closed case, to be proposed."""

    lead: UsccText
    case_no: str = Field(max_length=32, examples=["CASE-1"])
    form: dict[str, Any] = Field(examples=[_DISPOSAL])


class DisposalOut(Wire):
    """A disposal (处置) of a request's or a case's values."""

    id: int = Field(examples=[1])
    object: str = Field(examples=["request 12411599MBDEM00233/20260924000001"])
    document: str = Field(examples=["cd" * 32], description="Salted digest of the record; of a request it stands on chain.")
    deleted: int = Field(examples=[3], description="Values that were deleted.")
    kept: int = Field(examples=[0], description="Values that a retention duty keeps.")
    disposed_at: int = Field(examples=[1790000000])


class DisposalFullOut(DisposalOut, _Proven):
    """A disposal with its receipt: text, salt, acts, and whether the chain shows the digest (null for a case)."""

    recorded_on_chain: bool | None = Field(examples=[True])
