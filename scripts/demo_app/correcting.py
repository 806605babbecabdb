"""Storyline step 5: a wrong value in the marriage register is disputed (校核) and corrected in time; the case goes on.

2026-11-02  The fund centre doubts 测试丁's marital status, with a scan as evidence; D07's ten working days begin, and the value
            is flagged 校核中 in every answer meanwhile. Nobody answers for D07, and nothing is late yet.
2026-11-06  On working day 4 of 10 D07 publishes the revision and answers 更正; who had received the old value is told and
            acknowledges; the case asks again.

Source: dossier part 9 (step 5), 2.5; Decree 809 art. 26.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from scripts.demo_app.authorising import sign
from scripts.demo_app.collecting import MARRIAGE, Ask, open_case, put, search
from scripts.demo_app.days import move_to
from scripts.demo_app.problems import DemoError
from scripts.demo_app.publishing import as_person
from scripts.demo_app.stage import BY_USCC, PURPOSE, NodeHandle, Stage
from scripts.demo_app.web import wait_for
from xinlian.scenarios.synthetic import DING

_CASE_NO: Final = "GJJDK1-20261102-000004"
_FIELD: Final = "marital_status"
_WIDOWED, _DIVORCED = "30", "40"
_SUBJECT: Final = {"kind": "person", "value": DING.id_number}
_SEEN_S: Final = 60.0
_SCAN: Final = b"\n".join(
    (
        b"%PDF-1.4",
        b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj",
        b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj",
        b"trailer<</Root 1 0 R>>",
        b"%%EOF",
    )
)


def correct(stage: Stage) -> None:
    """Dispute, flag, correct, tell."""
    run = stage.summary.run
    title = "5 · a doubtful value 婚姻状况 (测试丁, from D07) is disputed with evidence; D07's ten working days begin"
    expected: dict[str, Any] = {
        "received": _WIDOWED,
        "state": "open",
        "clock": "0 of 10 working days used",
        "last_day": "2026-11-16",
    }
    run("correction-opened", title, expected, lambda: _opened(stage), needed=True)
    title = "5 · flagged 校核中 in every answer meanwhile"
    run("correction-flagged", title, {"in_correction": [_FIELD]}, lambda: {"in_correction": _flags(_asked(stage))})
    title = "5 · the receiver cannot answer for D07; nothing is late before the deadline; no 更正 without the revision"
    expected = {"by_receiver": "correction-party", "overdue": "not-overdue", "unrevised": "correction-not-revised"}
    run("correction-refused", title, expected, lambda: _refused(stage))
    move_to(stage, "2026-11-06 10:00")
    title = "5 · D07 corrects 更正; the fund centre, which had received the old value, is told and acknowledges; the case goes on"
    expected = {
        "clock": "4 of 10 working days used",
        "state": "corrected",
        "told": {"D02": "noted"},
        "outstanding": [],
        "value": _DIVORCED,
        "in_correction": [],
    }
    run("correction-made", title, expected, lambda: _corrected(stage))


def _asked(stage: Stage) -> dict[str, Any]:
    """The record as the fund centre gets it now."""
    ask: Ask = replace(MARRIAGE, items=(((_SUBJECT,), {}),), fields=(_FIELD, "as_of"))
    asked = put(stage, ask, _CASE_NO)
    if asked["state"] != "received":
        raise DemoError(f"marriage of the case: {asked['state']} ({asked.get('detail')})")
    record: dict[str, Any] = asked["items"][0]["records"][0]
    return record


def _flags(record: dict[str, Any]) -> list[str]:
    return [one["field"] for one in record["in_correction"]]


def _opened(stage: Stage) -> dict[str, Any]:
    open_case(stage, _CASE_NO, [_SUBJECT])
    sign(stage, "MZ-01", _SUBJECT, _CASE_NO)
    record = _asked(stage)
    provider, lead = stage.nodes["D07"].department.uscc, stage.fund.department.uscc
    form = {
        "record_id": record["record_id"],
        "items": [_FIELD],
        "doubt": "测试：与当事人出示的离婚证不一致",
        "evidence": [{"attachment": _scan(stage)}],
        "affected_cases": [_CASE_NO],
    }
    body = {"provider": provider, "grant": stage.grants["MZ-01", lead, PURPOSE], "form": form}
    number = stage.notes["correction"] = int(stage.fund.approved("/api/v1/corrections", body)["number"])
    found = wait_for("the application at D07", lambda: _with_text(stage.nodes["D07"], _path(stage)), _SEEN_S, "D07")
    stage.notes["disputed_record"] = record["record_id"]
    clock = found["clock"]
    return {
        "received": record["values"][_FIELD],
        "state": found["state"] if found["number"] == number else "another",
        "clock": clock["text"],
        "last_day": clock["last_day"],
    }


def _scan(stage: Stage) -> str:
    """A scan as evidence, put into the fund centre's node by its handler; returns its id."""
    file = stage.places.work / "离婚证-合成.pdf"
    file.write_bytes(_SCAN)
    put_file = stage.commands.need("attachment", "put", file, "--json", extra=as_person(stage.fund, "caseworker"))
    return str(put_file.document()["id"])


def _path(stage: Stage) -> str:
    return f"/api/v1/corrections/{stage.fund.department.uscc}/{stage.notes['correction']}"


def _with_text(node: NodeHandle, path: str) -> dict[str, Any] | None:
    answer = node.person("auditor").ask("GET", path)
    return answer.body if answer.status == 200 and answer.body["record_id"] else None


def _refused(stage: Stage) -> dict[str, str]:
    path, reason = _path(stage), {"form": {"reason": "测试：录入错误"}}
    return {
        "by_receiver": stage.fund.person("sharing").ask("POST", f"{path}/steps/correct", reason).code,
        "overdue": stage.fund.person("sharing").ask("POST", f"{path}/marks/overdue").code,
        "unrevised": stage.nodes["D07"].person("sharing").ask("POST", f"{path}/steps/correct", reason).code,
    }


def _corrected(stage: Stage) -> dict[str, Any]:
    node, path = stage.nodes["D07"], _path(stage)
    clock = node.person("auditor").get(path)["clock"]["text"]
    (found,) = search(node, "MZ-01", "id_number", DING.id_number)
    publisher = node.person("publisher")
    row = publisher.get(f"/api/v1/records/{found['record_id']}")["fields"]
    revised = {**row, _FIELD: _DIVORCED, "as_of": "20261106T100000"}
    publisher.post(f"/api/v1/records/{found['record_id']}/revisions", revised, {"prefer": "wait=30"})
    node.approved(f"{path}/steps/correct", {"form": {"reason": "测试：登记信息录入错误，已更正"}})
    told = wait_for("acknowledgements of the correction", lambda: _settled(node, path), _SEEN_S, node.name)
    wait_for("the answer at the fund centre", lambda: _ended(stage.fund, path), _SEEN_S, stage.fund.name)
    record = _asked(stage)
    return {
        "clock": clock,
        "state": told["state"],
        "told": {BY_USCC[one["recipient"]].id: one["outcome"] for one in told["recipients"]},
        "outstanding": told["outstanding"],
        "value": record["values"][_FIELD],
        "in_correction": _flags(record),
    }


def _ended(node: NodeHandle, path: str) -> bool | None:
    return True if node.person("auditor").get(path)["state"] == "corrected" else None


def _settled(node: NodeHandle, path: str) -> dict[str, Any] | None:
    found: dict[str, Any] = node.person("auditor").get(path)
    return found if found["recipients"] and not found["outstanding"] else None
