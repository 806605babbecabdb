"""Corrections (校核)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from xinlian.api.wire.base import UsccText, Wire

_FORM = {
    "record_id": "01a3185c-5000-7000-8000-000000000000",
    "items": ["total_price_yuan"],
    "doubt": "与合同原件不一致",
    "evidence": [{"sha256": "cd" * 32, "bytes": 1024, "media_type": "application/pdf", "name": "合同.pdf"}],
}


class CorrectionIn(Wire):
    """A correction to be proposed: the grant under which the value came, and the form (校核申请单; docs/corrections.md).

    An entry of ``evidence`` is a file by its digest, or ``{"attachment": "<id>"}`` of an own file.
    """

    provider: UsccText
    grant: int = Field(ge=1, examples=[1])
    form: dict[str, Any] = Field(examples=[_FORM])


class CorrectionStepIn(Wire):
    """The filled-in form of a step (校核反馈单); the source that corrected names its own record."""

    form: dict[str, Any] = Field(default={}, examples=[{"reason": "录入错误"}])
    record_id: str | None = Field(default=None, pattern=r"^[0-9a-f-]{36}$", examples=[None])


class CorrectionOut(Wire):
    """A correction as on chain; ``record_id`` and ``fields`` only where its application is."""

    receiver: str
    number: int = Field(examples=[20260924000001])
    provider: str
    source: str | None
    addressee: str | None = Field(description="Who has to answer.")
    grant: int
    dataset: str
    version: int
    state: Literal["open", "forwarded", "corrected", "maintained", "withdrawn"]
    record_id: str | None
    revision: int | None
    fields: list[str]
    overdue: dict[str, bool]
    clock: dict[str, Any] | None = Field(examples=[{"text": "3 of 10 working days used"}])
    opened_at: int
    forwarded_at: int | None
    ended_at: int | None
    documents: dict[str, str | None]
    corrected: dict[str, Any] | None = Field(
        default=None, description="The revision that is right, on the node that published it."
    )
    recipients: list[dict[str, Any]] = Field(default=[], description="Every department that ever received the old value.")
    outstanding: list[str] = Field(default=[], description="Those that have not acknowledged.")


class CorrectionToldOut(Wire):
    """What another department told: a value that this one received was wrong."""

    id: int = Field(examples=[1])
    sender: str
    correction: str = Field(examples=["11411599MBDEM0015B/20260924000001"])
    record_id: str
    fields: list[str]
    rev: int = Field(examples=[2])
    leaf: str = Field(examples=["cd" * 32])
    corrected_at: int = Field(examples=[1790000000])
    seen_at: int | None
