"""Storyline step 10: a provider stops a service on its own; the authority's node finds it, with the evidence, and it is undone.

2026-11-09  D03 suspends ZJ-01's grant although no breach of the fund centre is on record: art. 39(7), 督办 in the authority's
            inbox; on the authority's word D03 resumes. A stop that was negotiated and filed (备案) raises no finding.

Source: dossier part 9 (step 10), 2.7; Decree 809 art. 27, 39(7).
"""

from __future__ import annotations

from typing import Any, Final

from scripts.demo_app import sharing
from scripts.demo_app.collecting import PERMIT_ASK, put
from scripts.demo_app.days import move_to
from scripts.demo_app.sharing import request_path, step
from scripts.demo_app.stage import PURPOSE, Stage
from scripts.demo_app.web import wait_for

_NOTICED_S: Final = 60.0
_STOPPED: Final = "39(7)"


def stop(stage: Stage) -> None:
    """Stop alone, be found, resume; then the lawful way."""
    run = stage.summary.run
    move_to(stage, "2026-11-09 09:00")
    title = "10 · D03 stops a service alone: found by the authority's node (art. 39(7)), evidence on chain, 督办 in its inbox"
    expected: dict[str, Any] = {
        "asked": "refused",
        "breach": "stopped-alone",
        "department": "D03",
        "evidence": ["GrantSuspended"],
        "inbox": True,
    }
    run("stopped-alone", title, expected, lambda: _stopped(stage), needed=True)
    title = "10 · D03 resumes; the finding stays on record, but lasts no longer"
    run("resumed", title, {"asked": "received", "standing": False}, lambda: _resumed(stage))
    title = "10 · the lawful way: proposed, negotiated, filed with the authority (备案): no finding"
    run("stopped-lawfully", title, {"state": "closed", "findings": 0}, lambda: _lawful(stage))


def _request_of(stage: Stage, alias: str) -> tuple[int, str]:
    """Number and path of the request behind the fund centre's grant for a dataset."""
    lead, owner = stage.fund.department.uscc, stage.nodes["D03"]
    grant = stage.grants[alias, lead, PURPOSE]
    number = int(owner.person("auditor").get(f"/api/v1/grants/{owner.department.uscc}/{grant}")["request"])
    return number, request_path(lead, number)


def _stopped(stage: Stage) -> dict[str, Any]:
    owner, authority = stage.nodes["D03"], stage.nodes["D01"]
    number, path = _request_of(stage, "ZJ-01")
    notice = {"facts": "测试：系统升级，暂停服务", "rectify_within": 5, "remedy": "可向政务数据共享主管部门申请协调"}
    step(owner, path, "suspend", notice)
    asked = put(stage, PERMIT_ASK)["state"]
    found = wait_for("the finding at the authority", lambda: _finding(stage, number), _NOTICED_S, authority.name)
    waiting = authority.person("authority").get("/api/v1/inbox?limit=200")["items"]
    return {
        "asked": asked,
        "breach": found["breach"],
        "department": "D03" if found["department"] == owner.department.uscc else found["department"],
        "evidence": [one["event"] for one in found["evidence"]],
        "inbox": any(one["ref"] == f"finding {found['id']}" for one in waiting),
    }


def _finding(stage: Stage, number: int) -> dict[str, Any] | None:
    """What the authority's node found of art. 39(7) about a request of the fund centre."""
    ref = f"request {stage.fund.department.uscc}/{number:014d}"
    items = stage.nodes["D01"].person("auditor").get(f"/api/v1/findings?article={_STOPPED}&limit=200")["items"]
    return next((one for one in items if one["object"] == ref), None)


def _resumed(stage: Stage) -> dict[str, Any]:
    number, path = _request_of(stage, "ZJ-01")
    step(stage.nodes["D03"], path, "resume", {"reason": "测试：按主管部门督办要求恢复"})

    def over() -> dict[str, Any] | None:
        found = _finding(stage, number)
        return found if found is not None and not found["standing"] else None

    found = wait_for("the end of the breach", over, _NOTICED_S, "D01")
    return {"asked": put(stage, PERMIT_ASK)["state"], "standing": found["standing"]}


def _lawful(stage: Stage) -> dict[str, Any]:
    """A grant beside that of the matrix is ended by negotiation and filing."""
    owner, authority, lead = stage.nodes["D03"], stage.nodes["D01"], stage.fund.department.uscc
    number = sharing.ask(stage, "ZJ-01", lead, sharing.terms(stage, query=PERMIT_ASK.fields))
    sharing.deliver(stage, "ZJ-01", lead, number)
    path = request_path(lead, number)
    step(owner, path, "propose-stop", {"reason": "测试：目录合并，改由新目录提供", "planned_on": "2026-12-01"})
    _wait_state(stage, path, "change_negotiation")
    step(authority, path, "file-closing", {"reason": "测试：同意备案"}, by="authority")
    return {"state": _wait_state(stage, path, "closed"), "findings": 0 if _finding(stage, number) is None else 1}


def _wait_state(stage: Stage, path: str, state: str) -> str:
    """Wait until the authority's node shows a request in a state."""
    api = stage.nodes["D01"].person("auditor")

    def look() -> str | None:
        found = str(api.get(path)["state"])
        return found if found == state else None

    return wait_for(f"a request to be {state}", look, _NOTICED_S, api.node)
