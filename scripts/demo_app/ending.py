"""Records that end: a revision supersedes, a revocation, an erasure; old evidence says so, on chain's word."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

from scripts.demo_app.collecting import IDENTITY, open_case, put, save_bundle, search
from scripts.demo_app.stage import BY_USCC, NodeHandle, Stage
from scripts.demo_app.web import wait_for
from xinlian.scenarios.synthetic import DING, WU

_PERMIT: Final = "(测)房预售证第2026005号"
_ENDED_S: Final = 60.0
_ENDING_CASE_NO: Final = "GJJDK1-20261102-000003"


def end(stage: Stage) -> None:
    """Supersede, revoke, erase."""
    run = stage.summary.run
    title = "superseded 已更正: the old evidence without, then with its successor, and the new one (测试戊, GJJ-01)"
    expected: dict[str, Any] = {"before": 0, "without_successor": 4, "remark": True, "with_successor": 4, "new": 0}
    run("superseded", title, expected, lambda: _superseded(stage))
    run("revoked", "revoked 已撤销: a presale permit (ZJ-01)", {"before": 0, "after": 5}, lambda: _revoked(stage))
    expected = {
        "received": "match",
        "before": 0,
        "after": 6,
        "record": "no fields",
        "bundle": "record-erased",
        "found": 0,
        "ciphertext": 0,
        "key": 0,
        "told": {"D02": "deleted"},
        "outstanding": [],
        "recipient": {"items": 0, "code": "value-erased"},
    }
    title = "erased 已删除: nothing left to read (测试丁, GA-01), and the fund centre, which had used it, acknowledges (确认回执)"
    run("erased", title, expected, lambda: _erased(stage))


def wait_status(node: NodeHandle, record_id: str, status: str, rev: int = 1) -> None:
    """Wait until a node sees a status of one of its records on chain.

    Raises:
        DemoError: when it does not come.
    """
    api = node.person("publisher")

    def look() -> bool | None:
        found = api.get(f"/api/v1/records/{record_id}/receipt?rev={rev}")
        return True if found["receipt"] is not None and found["status"] == status else None

    wait_for(f"status {status} of a record of {node.department.id}", look, _ENDED_S, node.name)


def _superseded(stage: Stage) -> dict[str, Any]:
    node = stage.fund
    (found,) = search(node, "GJJ-01", "id_number", WU.id_number)
    record_id = found["record_id"]
    old = save_bundle(node, record_id, stage.places.ended / "superseded-without-successor.json")
    before = stage.verify(old)["exit_code"]
    row = node.person("publisher").get(f"/api/v1/records/{record_id}")["fields"]
    revised = {**row, "continuous_months": 6, "paid_to": "202611"}
    node.person("publisher").post(f"/api/v1/records/{record_id}/revisions", revised, {"prefer": "wait=30"})
    wait_status(node, record_id, "superseded")
    without = stage.verify(old)
    full = save_bundle(node, record_id, stage.places.ended / "superseded-with-successor.json", rev=1)
    new = save_bundle(node, record_id, stage.places.bundles / "revision-2.json")
    return {
        "before": before,
        "without_successor": without["exit_code"],
        "remark": "successor-not-supplied" in [remark["code"] for remark in without["report"]["remarks"]],
        "with_successor": stage.verify(full)["exit_code"] if json.loads(full.read_bytes())["successor"] else "no successor",
        "new": stage.verify(new)["exit_code"],
    }


def _revoked(stage: Stage) -> dict[str, int]:
    node = stage.nodes["D03"]
    (found,) = search(node, "ZJ-01", "presale_permit_no", _PERMIT)
    bundle = save_bundle(node, found["record_id"], stage.places.ended / "revoked.json")
    before = stage.verify(bundle)["exit_code"]
    node.person("publisher").post(f"/api/v1/records/{found['record_id']}/revoke", {"reason": 1})
    wait_status(node, found["record_id"], "revoked")
    return {"before": before, "after": stage.verify(bundle)["exit_code"]}


def _erased(stage: Stage) -> dict[str, Any]:
    node = stage.nodes["D06"]
    received = _received(stage)
    (found,) = search(node, "GA-01", "id_number", DING.id_number)
    record_id = found["record_id"]
    bundle = save_bundle(node, record_id, stage.places.ended / "erased.json")
    before = stage.verify(bundle)["exit_code"]
    publisher = node.person("publisher")
    publisher.post(f"/api/v1/records/{record_id}/erase", {"reason": 1})
    wait_status(node, record_id, "erased")
    after = stage.verify(bundle)["exit_code"]
    shown = publisher.ask("GET", f"/api/v1/records/{record_id}")
    has_fields = isinstance(shown.body, dict) and "fields" in shown.body
    told = acknowledged(node, record_id)
    kept = stage.fund.person("caseworker").get(f"/api/v1/queries/{received['rid']}")
    return {
        "received": received["items"][0]["outcome"],
        "before": before,
        "after": after,
        "record": "fields" if has_fields else "no fields",
        "bundle": publisher.ask("GET", f"/api/v1/records/{record_id}/bundle").code,
        "found": len(search(node, "GA-01", "id_number", DING.id_number)),
        **_left(node, record_id),
        "told": {BY_USCC[one["recipient"]].id: one["outcome"] for one in told["recipients"]},
        "outstanding": told["outstanding"],
        "recipient": {"items": len(kept["items"]), "code": kept["ended"][0]["code"]},
    }


def _received(stage: Stage) -> dict[str, Any]:
    """The fund centre compares 测试丁 with the police's record, in a case of its own: so it is a recipient."""
    subject = {"kind": "person", "value": DING.id_number}
    open_case(stage, _ENDING_CASE_NO, [subject])
    values = {"name": DING.name, "id_number": DING.id_number}
    ask = replace(IDENTITY, items=(((subject,), values),), fields=tuple(values))
    return put(stage, ask, _ENDING_CASE_NO)


def acknowledged(node: NodeHandle, record_id: str) -> dict[str, Any]:
    """Wait until everybody who had received a record has said what became of it.

    Raises:
        DemoError: when somebody does not.
    """
    api = node.person("publisher")

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = api.get(f"/api/v1/records/{record_id}/erasure")
        return found if found["recipients"] and not found["outstanding"] else None

    return wait_for("acknowledgements of the erasure", look, _ENDED_S, node.name)


def _left(node: NodeHandle, record_id: str) -> dict[str, int]:
    """What the databases themselves still hold of a record: ciphertexts and record keys."""
    jti = uuid.UUID(record_id).bytes
    queries = {
        "ciphertext": ("node.db", "select count(*) from records where jti = ? and ciphertext is not null"),
        "key": ("keys.db", "select count(*) from record_keys where jti = ? and wrapped != zeroblob(60)"),
    }
    left = {}
    for name, (file, query) in queries.items():
        with closing(sqlite3.connect(f"file:{node.data / file}?mode=ro", uri=True)) as database:
            left[name] = int(database.execute(query, (jti,)).fetchone()[0])
    return left
