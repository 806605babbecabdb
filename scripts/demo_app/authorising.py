"""What the borrowers sign: some entries are not used without the data subject's authorisation, nor after its withdrawal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from scripts.demo_app.collecting import JIA_SUBJECT, MARRIAGE, YI_SUBJECT, Subject, put, question, search
from scripts.demo_app.days import move_to
from scripts.demo_app.ending import acknowledged, wait_status
from scripts.demo_app.problems import DemoError
from scripts.demo_app.publishing import owner_of
from scripts.demo_app.stage import CASE_NO, PURPOSE, NodeHandle, Stage, local_day
from scripts.demo_app.web import wait_for

_SIGNED: Final = {
    "MZ-01": (*MARRIAGE.fields, "registered_on"),
    "BDC-01": ("home_count", "no_home", "unit_code"),
}
"""Dataset and the items whose boxes are signed."""
_PASSED: Final = 11  # 办结(通过)
_INFORMED: Final = {
    "processor": "测试市住房公积金管理中心",
    "contact": "0376-0000000",
    "purpose": "公积金贷款审核",
    "method": "经节点查询、核验",
    "retention": "办结后三十日",
    "rights": "查阅、复制、更正、删除、撤回同意",
    "withdrawal": "任一参与单位窗口，凭撤回凭证",
}


def authorise(stage: Stage) -> None:
    """Without an authorisation nothing is asked; then both borrowers sign for both datasets, for this case."""
    run = stage.summary.run
    title = "marriage 婚姻登记信息 without 个人授权: the fund centre's own node sends nothing"
    run("not-authorised", title, "authorisation-missing", lambda: _code(stage))
    title = "authorisation 个人信息查询授权书 of both borrowers, recorded: on chain a random id and a salted digest"
    run("authorised", title, {"in-force": 2 * len(_SIGNED)}, lambda: _sign_all(stage), needed=True)


def withdraw(stage: Stage) -> None:
    """Storyline step 7: after the case is closed the first borrower withdraws at the police's counter, with the slip alone; what
    was received is told apart from what is used, and the record is erased.
    """
    run = stage.summary.run
    move_to(stage, "2026-11-12 09:00")
    title = "7 · 撤回授权 after closing 办结, at another department's counter (D06), with the slip alone: refused from then on"
    expected: dict[str, Any] = {"closed": True, "relayed_by": "D06", "state": "withdrawn", "asked": "authorisation-withdrawn"}
    run("withdrawn", title, expected, lambda: _withdraw(stage))
    title = "7 · D07 erases the record: its salt is destroyed, the evidence is 已脱离关联 (xinlian verify, exit 6)"
    run("disassociated", title, {"before": 0, "after": 6, "outstanding": []}, lambda: _erase(stage))


def sign(stage: Stage, alias: str, subject: Subject, case_no: str = CASE_NO) -> dict[str, Any]:
    """Record what a borrower signed, and wait until the provider knows it; gives the slip."""
    provider, fund = owner_of(stage, alias), stage.fund
    made: dict[str, Any] = fund.person("caseworker").post(
        "/api/v1/authorisations", {"form": _form(stage, alias, subject, case_no)}
    )
    _wait_state(provider, made, "in-force")
    return {name: made[name] for name in ("recorder", "id", "secret")}


def _form(stage: Stage, alias: str, subject: Subject, case_no: str) -> dict[str, Any]:
    today, code = local_day(stage.law_time()), _code_of(stage, alias)
    return {
        "subject": dict(subject),
        "catalog_code": code,
        "items": [{"name_en": name, "separate_consent": True} for name in _SIGNED[alias]],
        "purposes": [PURPOSE],
        "case": {"lead": stage.fund.department.uscc, "case_no": case_no},
        "valid_from": today.isoformat(),
        "valid_to": (today + timedelta(days=90)).isoformat(),
        "informed": _INFORMED,
        "signed_by": "手写签名",
        "signed_on": today.isoformat(),
    }


def _code_of(stage: Stage, alias: str) -> str:
    return str(owner_of(stage, alias).person("auditor").get(f"/api/v1/datasets/{alias}")["code"])


def _sign_all(stage: Stage) -> dict[str, int]:
    slips = {(alias, s["value"]): sign(stage, alias, s) for alias in _SIGNED for s in (JIA_SUBJECT, YI_SUBJECT)}
    stage.notes["slip"] = slips["MZ-01", JIA_SUBJECT["value"]]
    listed: Sequence[Any] = stage.fund.person("auditor").get("/api/v1/authorisations")["items"]
    states = [one["state"] for one in listed]
    return {state: states.count(state) for state in sorted(set(states))}


def _code(stage: Stage) -> str:
    return stage.fund.person("caseworker").ask("POST", "/api/v1/queries", question(stage, MARRIAGE)).code


def _withdraw(stage: Stage) -> dict[str, Any]:
    slip, fund = stage.notes["slip"], stage.fund
    before = put(stage, MARRIAGE)["state"]
    if before != "received":
        raise DemoError(f"before the withdrawal the marriage register answered {before}")
    fund.person("caseworker").post(f"/api/v1/cases/{CASE_NO}/close", {"outcome": _PASSED})
    handed_in = stage.nodes["D06"].person("sharing").post("/api/v1/authorisations/withdrawals", slip)
    _wait_state(stage.fund, slip, "withdrawn")
    seen = stage.fund.person("auditor").get(_path(slip))
    by = next(node.department.id for node in stage.nodes.values() if node.department.uscc == seen["relayed_by"])
    case = fund.person("auditor").get(f"/api/v1/cases/{fund.department.uscc}/{CASE_NO}")
    is_closed = case["closed_at"] is not None
    return {"closed": is_closed, "relayed_by": by, "state": handed_in["state"], "asked": _code(stage)}


def _erase(stage: Stage) -> dict[str, Any]:
    """The first borrower's marriage record, whose evidence was good until now."""
    node, kept = stage.nodes["D07"], stage.places.bundles / "marriage-1.json"
    evidence = kept.rename(stage.places.ended / "disassociated.json")
    before = stage.verify(evidence)["exit_code"]
    (found,) = search(node, "MZ-01", "id_number", JIA_SUBJECT["value"])
    node.person("publisher").post(f"/api/v1/records/{found['record_id']}/erase", {"reason": 1})
    wait_status(node, found["record_id"], "erased")
    told = acknowledged(node, found["record_id"])
    return {"before": before, "after": stage.verify(evidence)["exit_code"], "outstanding": told["outstanding"]}


def _path(slip: dict[str, Any]) -> str:
    return f"/api/v1/authorisations/{slip['recorder']}/{slip['id']}"


def _wait_state(node: NodeHandle, slip: dict[str, Any], state: str) -> None:
    api = node.person("auditor")

    def look() -> bool | None:
        answer = api.ask("GET", _path(slip))
        return True if answer.status == 200 and answer.body["state"] == state else None

    wait_for(f"authorisation {state} at {node.department.id}", look, 60.0, node.name)
