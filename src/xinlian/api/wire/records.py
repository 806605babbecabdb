"""Lookups and ends of records."""

from __future__ import annotations

from pydantic import Field

from xinlian.api.wire.base import Wire


class SearchIn(Wire):
    """A lookup by a field of the blind index; the value never stands in a URL."""

    field: str = Field(examples=["id_number"])
    value: str = Field(examples=["411599199001010014"])


class ReasonIn(Wire):
    """Why a record is revoked or erased: a registered reason code, no free text on chain."""

    reason: int = Field(ge=0, le=255, examples=[1])
