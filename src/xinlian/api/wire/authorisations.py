"""Authorisations of data subjects and their withdrawals."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from xinlian.api.wire.base import UsccText, Wire

Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", examples=["ab" * 32])]
_FORM = {
    "subject": {"kind": "person", "value": "411599199001010014"},
    "catalog_code": "12411599MBDEM0058M/000001",
    "items": [{"name_en": "home_count", "separate_consent": True}],
    "purposes": ["HPF_LOAN_REVIEW"],
    "case": {"lead": "12411599MBDEM00233", "case_no": "GJJDK1-20261102-000001"},
    "valid_from": "2026-11-01",
    "valid_to": "2027-10-31",
    "informed": {
        "processor": "测试市住房公积金管理中心",
        "contact": "0376-0000000",
        "purpose": "公积金贷款审核",
        "method": "经节点查询",
        "retention": "办结后三十日",
        "rights": "查阅、复制、更正、删除、撤回同意",
        "withdrawal": "任一参与单位窗口, 凭撤回凭证",
    },
    "signed_by": "手写签名",
    "signed_on": "2026-11-01",
}


class AuthorisationIn(Wire):
    """A signed 个人信息查询授权书 (docs/protocol.md); this department is the receiver."""

    form: dict[str, Any] = Field(examples=[_FORM])


class UseOut(Wire):
    """A request that showed an authorisation."""

    rid: str
    used_at: int


class AuthorisationOut(Wire):
    """An authorisation as on chain; dataset and case only at its recorder."""

    recorder: str
    id: Hex32
    state: Literal["not-recorded", "in-force", "expired", "withdrawn"]
    digest: str | None
    catalog_code: str | None
    case: str | None
    recorded_at: int | None
    expires_at: int | None
    withdrawn_at: int | None
    relayed_by: str | None
    handed_in_at: int | None = Field(
        description="Law time at which a withdrawal was handed in at this node; honoured from then on."
    )


class AuthorisationShownOut(AuthorisationOut):
    """One authorisation with the requests that showed it, and its form for who works with it."""

    uses: list[UseOut]
    form: dict[str, Any] | None = Field(None, examples=[_FORM])


class AuthorisationRecordedOut(AuthorisationOut):
    """A recorded authorisation with the secret for the person's slip: whoever has it can have the authorisation withdrawn."""

    secret: Hex32
    tx_hash: str


class WithdrawalIn(Wire):
    """A withdrawal as the person's slip says it."""

    recorder: UsccText
    id: Hex32
    secret: Hex32
