"""The person's ledger: the authority's node verifies a borrower and asks every department what its log says about that person."""

from __future__ import annotations

from typing import Any

from scripts.demo_app.collecting import JIA_SUBJECT
from scripts.demo_app.stage import BY_USCC, Stage


def read(stage: Stage) -> None:
    """本人查询: the first borrower asks, at the authority's counter, who used which items; every department answers."""
    title = "the person's ledger 本人查询: who used which items of 测试甲, for which case; asked of every department"
    expected: dict[str, Any] = {
        "complete": True,
        "login": "demo",
        "not_proven": 0,
        "seen_by": {"D03": False, "D05": True, "D06": True, "D07": True},
        "for": [stage.fund.department.uscc],
    }
    stage.summary.run("ledger", title, expected, lambda: _ledger(stage))


def _ledger(stage: Stage) -> dict[str, Any]:
    counter = stage.nodes["D01"].person("authority")
    begun = counter.post("/api/v1/self-access/logins", {})
    found = counter.post("/api/v1/self-access", {"login": begun["login"], "code": JIA_SUBJECT["value"]})
    parts = {BY_USCC[part["department"]].id: part for part in found["departments"]}
    uses = {number: [e for e in part["entries"] if e["kind"] == "use"] for number, part in parts.items()}
    given = {number: [e for e in of_one if e["role"] == "provider"] for number, of_one in uses.items()}
    return {
        "complete": found["complete"],
        "login": found["login"]["method"],
        "not_proven": sum(e["verdict"] == "not-proven" for part in parts.values() for e in part["entries"]),
        "seen_by": {number: bool(given[number]) for number in ("D03", "D05", "D06", "D07")},
        "for": sorted({e["counterparty"] for of_one in given.values() for e in of_one}),
    }
