"""Use of another department's data, and the comparison of both read logs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from xinlian.api.wire.authorisations import Hex32
from xinlian.api.wire.base import PurposeCode, UsccText, Wire
from xinlian.api.wire.cases import CaseRef, SubjectIn


class QueryItemIn(Wire):
    """One item: its subject (a family for answers), and for ``verify`` the values to compare."""

    subjects: list[SubjectIn] = Field(min_length=1, max_length=8)
    values: dict[str, str | int | bool | None] = Field(default={})


class QueryIn(Wire):
    """A use of another department's data."""

    provider: UsccText
    grant: int = Field(ge=1, le=4_294_967_295, examples=[1])
    case: CaseRef | None = None
    purpose: PurposeCode
    mode: Literal["verify", "query", "answer"]
    fields: list[str] = Field(default=[], max_length=256)
    view: str | None = None
    parameters: dict[str, str | int | bool] = Field(default={})
    items: list[QueryItemIn] = Field(min_length=1, max_length=100)
    authorisations: list[Hex32] = Field(
        default=[], max_length=100, description="Own ones to be shown; without them the node chooses where the use needs them."
    )


class FileWantedIn(Wire):
    """A file that a query's record names."""

    item: int = Field(0, ge=0, le=99, description="Place of the subject in the query.", examples=[0])
    record_id: str = Field(min_length=36, max_length=36, examples=["019a0b1c-2d3e-7f00-8000-000000000001"])
    field: str = Field(max_length=140, examples=["scan"])


class ReconcileIn(Wire):
    """With which department the read logs are compared."""

    counterparty: UsccText
