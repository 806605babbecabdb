"""The order of the demo: from an empty folder to a chain with evidence, what is refused, what ends, what breaks.

It plays in date order, from 2026-09-21 on; between the days the chain's time is moved (``days``). Numbers before a title are the
steps of the dossier's storyline (part 9).
"""

from __future__ import annotations

import json
from typing import Any

from scripts.demo_app import (
    asking,
    authorising,
    collecting,
    correcting,
    departments,
    ending,
    faults,
    hygiene,
    ledger,
    publishing,
    refusals,
    sharing,
    stopping,
    tampering,
)
from scripts.demo_app.days import move_to
from scripts.demo_app.stage import CASE_NO, DEPARTMENTS, SUBJECTS, Stage, local_time
from scripts.demo_app.summary import say


def tell(stage: Stage) -> None:
    """Run every step.

    Raises:
        DemoError: when a step that all others need did not come out as expected.
    """
    departments.prepare(stage)
    publishing.catalogue(stage)
    asking.ask_under_the_law(stage)
    sharing.grant_all(stage)
    move_to(stage, "2026-11-02 08:30")
    publishing.publish(stage)
    move_to(stage, "2026-11-02 09:00")
    title = "case 办件 opened for 测试甲 and 测试乙; only a salted root of its subjects stands on chain"
    expected = {"subjects": len(SUBJECTS), "participants": 4, "open": True}
    stage.summary.run("case", title, expected, lambda: collecting.open_case(stage), needed=True)
    authorising.authorise(stage)
    collecting.collect(stage)
    refusals.refuse(stage)
    tampering.tamper(stage)
    correcting.correct(stage)
    ending.end(stage)
    stopping.stop(stage)
    faults.break_things(stage)
    ledger.read(stage)
    authorising.withdraw(stage)
    _close(stage)


def _close(stage: Stage) -> None:
    """What must hold at the end: the logs of both sides agree, all good evidence still holds, nothing personal leaked."""
    run = stage.summary.run
    agreed: dict[str, Any] = {number: {"clean": True, "missing_here": []} for number in ("D03", "D05", "D07")}
    agreed["D06"] = {"clean": False, "missing_here": [stage.notes.get("bypass_rid")]}
    title = "read logs 使用记录 of both sides agree; what was asked past the own node stands out as missing"
    run("reads-reconciled", title, agreed, lambda: _reconciled(stage))
    bundles = sorted(stage.places.bundles.glob("*.json"))
    expected = {path.name: 0 for path in bundles}
    title = f"all {len(bundles)} good bundles verified once more, after everything"
    run("verified-again", title, expected, lambda: {n: r["exit_code"] for n, r in stage.verify_all(bundles).items()})
    title = "no ID number, borrower's name or contract number in any log, database, key file or chain state"
    run("nothing-in-clear", title, [], lambda: hygiene.clean(stage))


def _reconciled(stage: Stage) -> dict[str, Any]:
    """The fund centre compares its log with each provider's."""
    api = stage.fund.person("auditor")
    found = {}
    for number in ("D03", "D05", "D06", "D07"):
        report: dict[str, Any] = api.post("/api/v1/reads/reconcile", {"counterparty": stage.nodes[number].department.uscc})
        found[number] = {"clean": report["clean"], "missing_here": [rid for rid, _ in report["missing_here"]]}
    return found


def hand_over(stage: Stage) -> None:
    """Write endpoints.json and say how to go on by hand."""
    nodes = {
        node.department.uscc: {"name": node.department.name, "url": node.url, "tokens": node.tokens}
        for node in stage.nodes.values()
    }
    document = {"rpc_url": stage.chain.url, "deployment": str(stage.places.deployment), "nodes": nodes}
    stage.places.endpoints.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
    stage.places.endpoints.chmod(0o600)
    fund, out = stage.fund, stage.places.root
    say("")
    say(f"serving; the chain's time is {local_time(stage.law_time())}")
    say(f"  chain  {stage.chain.url}")
    for department in DEPARTMENTS:
        say(f"  {department.id}    {stage.nodes[department.id].url}  {department.name}")
    say(f"URLs and tokens: {stage.places.endpoints}; for example")
    say(f"  E={stage.places.endpoints}")
    say(f"  TOKEN=$(jq -r '.nodes[\"{fund.department.uscc}\"].tokens.caseworker' $E)")
    say(f'  curl -H "Authorization: Bearer $TOKEN" {fund.url}/api/v1/cases/{fund.department.uscc}/{CASE_NO}')
    say(f'  curl -H "Authorization: Bearer $TOKEN" {fund.url}/api/v1/queries')
    say(f"  D={stage.places.deployment}")
    say(f"  .venv/bin/xinlian verify {out}/bundles/home-count-1.json --deployment $D --rpc {stage.chain.url}")
    say("Ctrl-C ends everything.")
