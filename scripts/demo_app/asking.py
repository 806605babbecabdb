"""Storyline steps 1, 2 and 6: requests under the law's clocks, in date order, each with what is refused.

2026-09-24  D02 asks D05 for 住房套数: without 使用依据 it cannot be filed; filed, its clock of ten working days begins.
            D02 asks D07 for more of the marriage register than the need-to-know matrix names: 超范围.
            The bank E07 asks D02 for balances: a receiver that is no department is refused without a cover (art. 25).
2026-09-28  The authority reviews what is 超范围.
2026-09-30  D05 answers on working day 3 of 10 and delivers; D07 agrees to the matrix's fields only (部分同意).

Source: dossier part 9 (steps 1, 2, 6), 2.3.1, 8.2.
"""

from __future__ import annotations

from typing import Any, Final

from scripts.demo_app.collecting import MARRIAGE
from scripts.demo_app.days import move_to
from scripts.demo_app.publishing import owner_of
from scripts.demo_app.sharing import ask, request_path, step, terms
from scripts.demo_app.stage import PURPOSE, NodeHandle, Stage
from scripts.demo_app.web import wait_for

_BEYOND: Final = ("registered_on", "registrar")
_VIEWS: Final = ("home_count", "no_home")


def ask_under_the_law(stage: Stage) -> None:
    """The three requests, from filing to answer."""
    run = stage.summary.run
    move_to(stage, "2026-09-24 09:00")
    title = "1 · a request without 使用依据 cannot be filed (D02 → D05, 住房套数)"
    run("request-without-basis", title, "legal-basis-missing", lambda: _without_basis(stage))
    title = "1 · filed; the answer's clock 答复时限 begins on the next working day"
    run("request-filed", title, _clock("submitted", 0, "2026-10-15"), lambda: _filed(stage), needed=True)
    title = "2 · 房屋坐落 is no item of the entry; more than the matrix names is 超范围 and needs a reason in writing"
    expected: dict[str, Any] = {"房屋坐落": "item-unknown", "without_reason": "scope-reason-missing", "out_of_scope": True}
    run("request-out-of-scope", title, expected, lambda: _out_of_scope(stage), needed=True)
    title = "2 · it cannot be agreed to before the authority's review"
    run("scope-not-reviewed", title, "scope-not-reviewed", lambda: _agree_too_early(stage))
    title = "6 · bank E07 asks D02 for account balances: no department, no cover, no consent (art. 25); refused on 使用条件"
    expected = {"agree": "third-party-cover", "state": "refused", "grounds": ["conditions"], "grants": 0}
    run("third-party", title, expected, lambda: _third_party(stage))
    move_to(stage, "2026-09-28 10:00")
    title = "2 · the authority reviews the request 超范围审核"
    run("scope-reviewed", title, {"out_of_scope": False}, lambda: _reviewed(stage), needed=True)
    move_to(stage, "2026-09-30 16:00")
    title = "1 · D05 answers in time and delivers: the grant 授权 for 住房套数"
    expected = {"clock": "3 of 10 working days used", "light": "green", "state": "active", "delivery_due": "2026-11-03"}
    run("request-answered", title, expected, lambda: _answered(stage), needed=True)
    title = "2 · D07 agrees to what the matrix names and gives a reason for each field it refuses (部分同意)"
    expected = {"partial": True, "granted": sorted(MARRIAGE.fields), "clock": "3 of 10 working days used"}
    run("partly-agreed", title, expected, lambda: _partly(stage))


def _clock(state: str, used: int, last_day: str) -> dict[str, Any]:
    return {"state": state, "clock": f"{used} of 10 working days used", "last_day": last_day, "light": "green"}


def shown(node: NodeHandle, receiver: str, number: int) -> dict[str, Any]:
    """A request as a node shows it."""
    found: dict[str, Any] = node.person("auditor").get(request_path(receiver, number))
    return found


def _proposal(stage: Stage, alias: str, form: dict[str, Any], receiver: str = "D02") -> str:
    """The code with which a node refuses to take up a request; nothing is filed."""
    body = {"provider": owner_of(stage, alias).department.uscc, "dataset": alias, "form": form}
    return stage.nodes[receiver].person("sharing").ask("POST", "/api/v1/requests", body).code


def _without_basis(stage: Stage) -> str:
    return _proposal(stage, "BDC-01", {**terms(stage, answer=_VIEWS), "legal_basis": []})


def _filed(stage: Stage) -> dict[str, Any]:
    lead = stage.fund.department.uscc
    number = stage.notes["home_count_request"] = ask(stage, "BDC-01", lead, terms(stage, answer=_VIEWS))
    found = shown(owner_of(stage, "BDC-01"), lead, number)
    clock = found["clock"]
    return {"state": found["state"], "clock": clock["text"], "last_day": clock["last_day"], "light": clock["light"]}


def _out_of_scope(stage: Stage) -> dict[str, Any]:
    lead, wide = stage.fund.department.uscc, terms(stage, query=(*MARRIAGE.fields, *_BEYOND))
    found: dict[str, Any] = {
        "房屋坐落": _proposal(stage, "BDC-01", terms(stage, answer=(*_VIEWS, "house_address"))),
        "without_reason": _proposal(stage, "MZ-01", wide),
    }
    reason = {"out_of_scope_reason": "测试：拟核对登记机关和登记日期"}
    number = stage.notes["wide_request"] = ask(stage, "MZ-01", lead, {**wide, **reason})
    return {**found, "out_of_scope": shown(owner_of(stage, "MZ-01"), lead, number)["out_of_scope"]}


def _wide(stage: Stage) -> str:
    return request_path(stage.fund.department.uscc, stage.notes["wide_request"])


def _agree_too_early(stage: Stage) -> str:
    return owner_of(stage, "MZ-01").person("sharing").ask("POST", f"{_wide(stage)}/steps/agree", {"form": {}}).code


def _third_party(stage: Stage) -> dict[str, Any]:
    bank, owner = stage.nodes["E07"].department.uscc, owner_of(stage, "GJJ-01")
    form = {**terms(stage, query=("balance_yuan",)), "out_of_scope_reason": "测试：受托支付前核对余额"}
    number = ask(stage, "GJJ-01", bank, form)
    path = request_path(bank, number)
    authority = stage.nodes["D01"]
    _wait_request(authority, path)
    step(authority, path, "review-scope", {"agreed_items": ["balance_yuan"], "reason": "测试：仅就必要性审核"}, by="authority")
    _wait_shown(owner, path, "out_of_scope", value=False)
    code = owner.person("sharing").ask("POST", f"{path}/steps/agree", {"form": {}}).code
    refused = {"name_en": "balance_yuan", "reason": "第三方使用，未经提供方同意，无本人授权", "grounds": ["使用条件"]}
    step(owner, path, "refuse", {"refused_items": [refused], "remedy": "可向政务数据共享主管部门申请协调"})
    found = shown(owner, bank, number)
    grants = [grant for grant in owner.person("auditor").get("/api/v1/grants?limit=200")["items"] if grant["receiver"] == bank]
    return {"agree": code, "state": found["state"], "grounds": found["grounds"], "grants": len(grants)}


def _wait_request(node: NodeHandle, path: str) -> None:
    api = node.person("auditor")
    wait_for("the request at the authority", lambda: True if api.ask("GET", path).status == 200 else None, 60.0, node.name)


def _wait_shown(node: NodeHandle, path: str, name: str, *, value: object) -> None:
    api = node.person("auditor")
    wait_for(f"{name} of a request", lambda: True if api.get(path)[name] == value else None, 60.0, node.name)


def _reviewed(stage: Stage) -> dict[str, Any]:
    review = {"reason": "测试：登记机关、登记日期与贷款额度认定无关，由提供方决定"}
    step(stage.nodes["D01"], _wide(stage), "review-scope", review, by="authority")
    owner = owner_of(stage, "MZ-01")
    _wait_shown(owner, _wide(stage), "out_of_scope", value=False)
    return {"out_of_scope": shown(owner, stage.fund.department.uscc, stage.notes["wide_request"])["out_of_scope"]}


def _answered(stage: Stage) -> dict[str, Any]:
    lead, number, owner = stage.fund.department.uscc, stage.notes["home_count_request"], owner_of(stage, "BDC-01")
    path, before = request_path(lead, number), shown(owner, lead, number)["clock"]
    step(owner, path, "agree", {"conditions": ["仅返回套数", "逐笔办件编号校验"]})
    due = shown(owner, lead, number)["clock"]["last_day"]
    stage.grants["BDC-01", lead, PURPOSE] = int(step(owner, path, "deliver")["grant"])
    _wait_shown(stage.fund, path, "state", value="active")
    return {
        "clock": before["text"],
        "light": before["light"],
        "state": shown(stage.fund, lead, number)["state"],
        "delivery_due": due,
    }


def _partly(stage: Stage) -> dict[str, Any]:
    lead, owner, path = stage.fund.department.uscc, owner_of(stage, "MZ-01"), _wide(stage)
    clock = shown(owner, lead, stage.notes["wide_request"])["clock"]["text"]
    reason = "超出办理住房公积金贷款所必需的范围"
    refused = [{"name_en": name, "reason": reason, "grounds": ["使用用途"]} for name in _BEYOND]
    step(owner, path, "agree", {"refused_items": refused})
    granted = step(owner, path, "deliver")["grant"]
    stage.grants["MZ-01", lead, PURPOSE] = int(granted)
    _wait_shown(stage.fund, path, "state", value="active")
    grant = stage.fund.person("auditor").get(f"/api/v1/grants/{owner.department.uscc}/{granted}")
    return {
        "partial": shown(owner, lead, stage.notes["wide_request"])["partial"],
        "granted": sorted(grant["terms"]["query"]),
        "clock": clock,
    }
