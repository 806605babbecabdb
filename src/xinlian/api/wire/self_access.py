"""The person's ledger."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from xinlian.api.wire.base import Wire

_ENTRY = {
    "kind": "use",
    "rid": "q3Jr0w4u2cWz1m5b8n7x9A",
    "item": 0,
    "role": "provider",
    "counterparty": "12411599MBDEM00233",
    "case": {"lead": "12411599MBDEM00233", "case_no": "GJJDK1-20261102-000001"},
    "time": 1793581200,
    "outcome": "answer",
    "dataset": "12411599MBDEM0058M/000001@1",
    "purpose": "HPF_LOAN_REVIEW",
    "mode": "answer",
    "fields": [],
    "derived_view": "home_count",
    "verdict": "proven",
}


class LoginOut(Wire):
    """A login that was begun: where the person goes to; empty for the demo login."""

    login: str
    url: str
    method: Literal["oidc", "demo"]


class SelfAccessIn(Wire):
    """What the person came back with: the authorization code; for the demo login the ID number."""

    login: str = Field(max_length=100, examples=["the login's id"])
    code: str = Field(max_length=4_096, examples=["the authorization code"])


class LoginShown(Wire):
    """How the person was verified."""

    issuer: str
    method: str
    at: int


class LedgerPart(Wire):
    """What one department's log says; ``missing`` with the reason when it could not be had: never as if it said nothing."""

    department: str
    name: str
    state: Literal["complete", "missing"]
    code: str | None = Field(examples=["peer-down"])
    entries: list[dict[str, Any]] = Field(examples=[[_ENTRY]])


class LedgerOut(Wire):
    """The person's ledger; ``complete`` only when no department is missing."""

    login: LoginShown
    departments: list[LedgerPart]
    missing: list[str]
    complete: bool
