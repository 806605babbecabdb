"""Datasets and the authority's decisions on them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from xinlian.api.wire.base import Wire


class DatasetOut(Wire):
    """A catalogue entry as this node knows it."""

    alias: str | None = Field(examples=["GJJ-01"])
    code: str = Field(examples=["12411599MBDEM00233/000001"])
    version: int
    title: str | None
    owner: str
    owner_name: str | None
    share_type: int
    state: Literal["local", "proposed", "returned", "published", "retired"]
    schema_hash: str
    field_count: int
    own: bool
    personal: bool
    requires_authorisation: bool
    round: int = Field(description="How often the version was proposed; more than 1 when it was sent back before.")
    changing: bool = Field(description="变更中: a published version whose next one is under review.")
    review_deadline: int | None = Field(description="First second (epoch) at which the authority's review is late.")
    review_overdue: bool
    update: dict[str, Any] | None = Field(
        examples=[{"opened_at": 1789952400, "by_authority": False, "extended": False, "overdue": False, "deadline": 1791216000}],
        description="A running update clock of the dataset (10 working days, once 5 more); None when none runs.",
    )


class UpdateIn(Wire):
    """Why a catalogue entry has to be brought up to date: the law or duty that changed."""

    reason: str = Field(default="", description="Required, 1 to 500 characters.", examples=["住房公积金管理条例修订"])


class DatasetRef(Wire):
    """One version of a catalogue entry."""

    code: str = Field(pattern=r"^[0-9A-Z]{18}/\d{6}$", examples=["12411599MBDEM00233/000001"])
    version: int = Field(ge=1, le=65535)


class DatasetApproval(DatasetRef):
    """A catalogue entry version to publish, with the authority's opinion."""

    opinion: str = Field(default="同意发布", description="1 to 500 characters.")


class DatasetDecision(DatasetRef):
    """A catalogue entry version to send back or to retire, with the reason."""

    reason: str = Field(
        default="", description="Required, 1 to 500 characters.", examples=["使用条件与共享范围不一致, 请补充使用依据"]
    )
