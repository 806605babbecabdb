"""What breaks: a provider killed in the middle of its work, the chain stopped. Nothing is lost, and what is said is honest."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any, Final

from scripts.demo_app import departments
from scripts.demo_app.collecting import JIA_SUBJECT, MARRIAGE, put, save_bundle, search
from scripts.demo_app.publishing import final_records, wait_final
from scripts.demo_app.stage import NodeHandle, Stage
from scripts.demo_app.web import wait_for
from xinlian.scenarios.synthetic import JIA, make_people

NEW_ROWS: Final = 300
_GOES_ON_S: Final = 60.0
_PENDING: Final = 7


def break_things(stage: Stage) -> None:
    """A provider down, then the chain down; afterwards everything goes on."""
    expected: dict[str, Any] = {
        "accepted": NEW_ROWS,
        "killed_with": -9,
        "asked_while_down": {"state": "no-answer", "detail": "peer-down"},
        "kept_by_requester": "no-answer",
        "anchored_after_restart": NEW_ROWS,
        "asked_again": "received",
    }
    title = "provider down 提供方停机: killed (SIGKILL) right after it accepted rows; honest status, asked again, nothing lost"
    stage.summary.run("provider-down", title, expected, lambda: _provider_down(stage))
    expected = {
        "chain_check": False,
        "accepted": 201,
        "state_while_down": "pending",
        "receipt_while_down": None,
        "exchange_on_last_view": "received",
        "state_after_restart": "anchored",
        "verified_without_receipt": _PENDING,
        "verified_with_receipt": 0,
    }
    title = "chain stopped and started 链停机: publishing goes on, 待上链 pending, then anchored"
    stage.summary.run("chain-down", title, expected, lambda: _chain_down(stage))


def _provider_down(stage: Stage) -> dict[str, Any]:
    node = stage.nodes["D07"]
    before = final_records(node)
    accepted = node.person("publisher").post(
        "/api/v1/datasets/MZ-01/records/bulk", _new_marriages(), {"content-type": "application/x-ndjson"}
    )["accepted"]
    killed_with = stage.processes.kill(node.name)
    ask = replace(MARRIAGE, items=(((JIA_SUBJECT,), {}),))
    down = put(stage, ask)
    kept = stage.fund.person("caseworker").get(f"/api/v1/queries/{down['rid']}")
    departments.start_node(stage, node)
    departments.wait_ready(stage, node)
    wait_final(node, before + accepted, _GOES_ON_S)
    return {
        "accepted": accepted,
        "killed_with": killed_with,
        "asked_while_down": {"state": down["state"], "detail": down["detail"]},
        "kept_by_requester": kept["state"],
        "anchored_after_restart": final_records(node) - before,
        "asked_again": put(stage, ask)["state"],
    }


def _new_marriages() -> bytes:
    """Rows of people who are in no other file."""
    people = make_people(random.Random(7_000_001), NEW_ROWS)
    empty = {"marital_status": "10", "spouse_name": None, "spouse_id_number": None, "registered_on": None, "registrar": None}
    rows = [{"id_number": person.id_number, **empty, "as_of": "20261102T090000"} for person in people]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _chain_down(stage: Stage) -> dict[str, Any]:
    node, publisher = stage.fund, stage.fund.person("publisher")
    stage.chain.stop()
    chain_check = wait_for("the node to notice", lambda: True if not _chain_check(node) else None, 60.0, node.name)
    published = publisher.ask("POST", "/api/v1/datasets/GJJ-01/records", _new_account(node))
    record = publisher.get(f"/api/v1/records/{published.body['record_id']}")
    receipt = publisher.get(f"/api/v1/records/{record['record_id']}/receipt")["receipt"]
    pending = save_bundle(node, record["record_id"], stage.places.ended / "pending.json")
    asked = put(stage, replace(MARRIAGE, items=(((JIA_SUBJECT,), {}),)))
    stage.chain.start()
    state = wait_for("the record to be anchored", lambda: _anchored(node, record["record_id"]), _GOES_ON_S, node.name)
    file = save_bundle(node, record["record_id"], stage.places.bundles / "published-without-chain.json")
    return {
        "chain_check": not chain_check,
        "accepted": published.status,
        "state_while_down": record["state"],
        "receipt_while_down": receipt,
        "exchange_on_last_view": asked["state"],
        "state_after_restart": state,
        "verified_without_receipt": stage.verify(pending)["exit_code"],
        "verified_with_receipt": stage.verify(file)["exit_code"],
    }


def _chain_check(node: NodeHandle) -> bool:
    ready = node.anyone().ask("GET", "/readyz").body
    return bool(next(check["ok"] for check in ready["checks"] if check["name"] == "chain"))


def _new_account(node: NodeHandle) -> dict[str, Any]:
    """An account of a person who is in no other file, like 测试甲's."""
    (found,) = search(node, "GJJ-01", "id_number", JIA.id_number)
    row = node.person("publisher").get(f"/api/v1/records/{found['record_id']}")["fields"]
    (person,) = make_people(random.Random(7_000_002), 1)
    return {**row, "pf_account_no": "4115999999999999", "name": person.name, "id_number": person.id_number}


def _anchored(node: NodeHandle, record_id: str) -> str | None:
    state = str(node.person("publisher").get(f"/api/v1/records/{record_id}")["state"])
    return state if state == "anchored" else None
