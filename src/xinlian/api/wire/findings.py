"""Findings."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from xinlian.api.wire.base import Wire

_EVENT = {
    "kind": "event",
    "contract": "SharingRegistry",
    "event": "RequestSubmitted",
    "block": 42,
    "tx_hash": "0x" + "ab" * 32,
    "log_index": 0,
    "at": 1790000000,
    "document": "cd" * 32,
}


class FindingOut(Wire):
    """A finding (问题线索): facts that a rule found, with their evidence; whether there was cause is the authority's to say."""

    id: str = Field(examples=["3f" * 32], description="From its evidence: the same on every node.")
    article: str = Field(examples=["39(4)"], description="Of Decree 809.")
    breach: str = Field(examples=["answer-late"])
    department: str = Field(examples=["12411599MBDEM00233"], description="Whose breach it is; or authority.")
    object: str = Field(examples=["request 12411599MBDEM00233/20260924000001"])
    since: int = Field(examples=[1790000000], description="Law time of the breach.")
    noticed_at: int = Field(examples=[1790000000], description="Law time at which this node first noticed it.")
    standing: bool = Field(description="Whether it lasts.")
    origin: str = Field(examples=["chain"], description="chain (events prove it), local, or who told it.")
    evidence: list[dict[str, Any]] = Field(examples=[[_EVENT]], description="Events, read entries and documents that prove it.")
    facts: dict[str, Any] = Field(examples=[{"deadline": 1790000000, "length_wd": 10, "done_at": None}])
