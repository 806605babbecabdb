"""What is refused, and by which check: each refusal is a real answer of a node, with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from scripts.demo_app import authorising, collecting, outsider, sharing
from scripts.demo_app.collecting import IDENTITY, JIA_SUBJECT, MARRIAGE, Ask, identity_of, put, question
from scripts.demo_app.publishing import owner_of
from scripts.demo_app.stage import SUBJECTS, Stage
from scripts.demo_app.web import wait_for
from xinlian.scenarios.synthetic import BING, JIA, YI

CLOSED_CASE_NO: Final = "GJJDK1-20261102-000002"
_WITHDRAWN: Final = 14  # 撤回


def refuse(stage: Stage) -> None:
    """Every refusal of the issue, and two that go with them."""
    run = stage.summary.run
    refused = {"state": "refused", "check": "fields"}
    run("field-outside", "a field outside the grant (登记日期) is refused by D07", refused, lambda: _field_outside(stage))
    title = "a view no rule grants (BDC-01 houses themselves) is refused by D05"
    run("view-outside", title, {"state": "refused", "check": "mode"}, lambda: _mode_outside(stage))
    title = "a person outside the case (测试丙): the fund centre's own node sends nothing"
    run("person-outside", title, "refused-subject-in-case", lambda: _person_outside(stage))
    title = "a person outside the case, asked past the own node with a made-up opening: D06 refuses"
    run(
        "person-outside-forged",
        title,
        {"status": 200, "outcomes": ["refused"], "checks": ["subject-in-case"]},
        lambda: outsider.ask_for(stage, BING),
    )
    title = "a wrong name is a mismatch 不一致, stated by D06, nothing handed out"
    run("mismatch", title, {"outcome": "mismatch", "id_number": True, "name": False, "records": 0}, lambda: _mismatch(stage))
    refused = {"before": "received", "state": "refused", "check": "case-open"}
    run("closed-case", "a closed case gives nothing any more", refused, lambda: _closed_case(stage))
    refused = {"before": "received", "state": "refused", "check": "grant-running"}
    title = "a grant taken back (suspended 暂停共享 for misuse) gives nothing any more"
    run("revoked-grant", title, refused, lambda: _suspended_grant(stage))


def _refusal(asked: dict[str, Any]) -> dict[str, Any]:
    """State and check of an answer; values would show."""
    values = [record["values"] for item in asked["items"] for record in item["records"] if record["values"]]
    shown: dict[str, Any] = {"state": asked["state"], "check": asked["detail"]}
    return {**shown, "values": values} if values else shown


def _field_outside(stage: Stage) -> dict[str, Any]:
    return _refusal(put(stage, replace(MARRIAGE, fields=(*MARRIAGE.fields, "registered_on"))))


def _mode_outside(stage: Stage) -> dict[str, Any]:
    houses = Ask("houses", "", "D05", "BDC-01", "query", (((JIA_SUBJECT,), {}),), ("unit_code",))
    return _refusal(put(stage, houses))


def _person_outside(stage: Stage) -> str:
    other = {"kind": "person", "value": BING.id_number}
    body = question(stage, replace(IDENTITY, items=(((other,), identity_of(BING)),)))
    return stage.fund.person("caseworker").ask("POST", "/api/v1/queries", body).code


def _mismatch(stage: Stage) -> dict[str, Any]:
    values = {**identity_of(JIA), "name": YI.name}
    asked = put(stage, replace(IDENTITY, items=(((JIA_SUBJECT,), values),)))
    (item,) = asked["items"]
    result = item["answer"]["result"]
    return {"outcome": item["outcome"], "id_number": result["id_number"], "name": result["name"], "records": len(item["records"])}


def _one_marriage() -> Ask:
    return replace(MARRIAGE, items=(((JIA_SUBJECT,), {}),))


def _closed_case(stage: Stage) -> dict[str, Any]:
    collecting.open_case(stage, CLOSED_CASE_NO, SUBJECTS[:1])
    authorising.sign(stage, "MZ-01", JIA_SUBJECT, CLOSED_CASE_NO)
    before = put(stage, _one_marriage(), CLOSED_CASE_NO)["state"]
    stage.fund.person("caseworker").post(f"/api/v1/cases/{CLOSED_CASE_NO}/close", {"outcome": _WITHDRAWN})
    api, lead = stage.nodes["D07"].person("auditor"), stage.fund.department.uscc

    def closed() -> bool | None:
        return True if api.get(f"/api/v1/cases/{lead}/{CLOSED_CASE_NO}")["closed_at"] is not None else None

    wait_for("the closing to reach D07", closed, 60.0, api.node)
    return {"before": before, **_refusal(put(stage, _one_marriage(), CLOSED_CASE_NO))}


def _suspended_grant(stage: Stage) -> dict[str, Any]:
    """A second grant beside that of the matrix, so that the demo can go on with the first."""
    lead, owner = stage.fund.department.uscc, owner_of(stage, "MZ-01")
    filed = sharing.ask(stage, "MZ-01", lead, sharing.terms(stage, query=MARRIAGE.fields))
    number = sharing.deliver(stage, "MZ-01", lead, filed)
    before = put(stage, _one_marriage(), grant=number)["state"]
    misuse = {"facts": "测试：超出办件范围使用", "rectify_within": 5, "remedy": "可向政务数据共享主管部门申请协调"}
    sharing.step(owner, sharing.request_path(lead, filed), "suspend", misuse)
    return {"before": before, **_refusal(put(stage, _one_marriage(), grant=number))}
