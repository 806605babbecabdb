"""Signed authorisations of the tests: 个人信息查询授权书 with everything filled in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.support.network import Running
from xinlian.node.authorisations import NewAuthorisation
from xinlian.protocol.subjects import Subject
from xinlian.protocol.working_days import date_of, day_of
from xinlian.store.authorisations import Recorded

INFORMED = {
    "processor": "测试市住房公积金管理中心",
    "contact": "0376-0000000",
    "purpose": "公积金贷款审核",
    "method": "经节点查询",
    "retention": "办结后三十日",
    "rights": "查阅、复制、更正、删除、撤回同意",
    "withdrawal": "任一参与单位窗口, 凭撤回凭证",
}


def form(who: Subject, code: str, names: Sequence[str], case: tuple[str, str] | None, **changes: Any) -> dict[str, Any]:
    """A filled-in form; every item has its own box signed."""
    return {
        "subject": {"kind": who.kind.value, "value": who.value},
        "objects": [],
        "catalog_code": code,
        "items": [{"name_en": name, "separate_consent": True} for name in names],
        "purposes": ["HPF_LOAN_REVIEW"],
        "valid_from": "2026-09-01",
        "valid_to": "2027-08-31",
        "informed": INFORMED,
        "signed_by": "手写签名",
        "signed_on": "2026-09-21",
        "case": None if case is None else {"lead": case[0], "case_no": case[1]},
        **changes,
    }


async def authorise(
    running: Running, who: Subject, code: str, names: Sequence[str], case: tuple[str, str] | None, **changes: Any
) -> Recorded:
    """Have a person sign and the department record it."""
    new = NewAuthorisation(form(who, code, names, case, **changes))
    row, _ = await running.node.authorisations.recording.record(new, running.person)
    return row


def day_after(running: Running, days: int) -> str:
    """A day so many days after the node's law time, YYYY-MM-DD."""
    return date_of(day_of(running.node.clock.law_s()) + days).isoformat()
