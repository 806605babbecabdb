"""Sharing requests and grants."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from xinlian.api.wire.base import UsccText, Wire


class RequestIn(Wire):
    """A sharing request to be proposed: whose dataset, and the filled-in form (政务数据共享申请表; docs/protocol.md)."""

    provider: UsccText
    dataset: str = Field(max_length=40, examples=["BDC-01"])
    version: int | None = Field(default=None, ge=1, le=65535)
    form: dict[str, Any] = Field(examples=[{"legal_basis": [{"title": "住房公积金管理条例", "article": "第二十六条"}]}])


class StepIn(Wire):
    """The filled-in form of a step; its kind is that of the step (docs/protocol.md)."""

    form: dict[str, Any] = Field(default={}, examples=[{"conditions": ["仅限办件过程核验"]}])
    cover: Literal["none", "consent", "authorisation"] = "none"
    change: dict[str, Any] | None = Field(default=None, examples=[{"query": ["marital_status"]}])


class RequestOut(Wire):
    """A sharing request as on chain; forms and reasons are documents of the parties."""

    request_no: str = Field(examples=["GX20260924000001"])
    requester: str
    number: int = Field(examples=[20260924000001])
    provider: str
    dataset: str
    alias: str | None = None
    version: int
    unconditional: bool
    state: str = Field(examples=["submitted"])
    terms: dict[str, Any]
    out_of_scope: bool
    partial: bool
    cover: Literal["none", "consent", "authorisation"]
    grounds: list[str]
    supplemented: bool
    extension: dict[str, int]
    overdue: dict[str, bool]
    clock: dict[str, Any] | None = Field(examples=[{"name": "answer", "text": "3 of 10 working days used"}])
    by_authority: bool
    stop_proposed: bool
    proposed_terms: dict[str, Any] | None
    settled: bool
    submitted_at: int
    state_at: int
    ended_at: int | None
    disposed_at: int | None
    grant: int | None
    steps: list[dict[str, Any]]


class GrantOut(Wire):
    """A grant as on chain."""

    provider: str
    number: int
    receiver: str
    request: int = Field(examples=[20260924000001])
    code: str
    version: int
    state: str = Field(examples=["active"])
    cover: Literal["none", "consent", "authorisation"]
    running: bool
    terms: dict[str, Any]
