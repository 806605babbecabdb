"""No personal value in a log line, an error body or a URL, whatever happens; evidence of answers and reads verifies."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from tests.integration.node.conftest import Rows
from tests.support.authorisations import authorise
from tests.support.http import Client, Reply, client_of
from tests.support.network import D02, D05, Network, running_network
from xinlian.api.logs import configure_logging
from xinlian.node.sharing import TermsByName
from xinlian.protocol.dataset import SubjectKind
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import Stream
from xinlian.scenarios.synthetic.people import BING, JIA, YI
from xinlian.store import records as table

SCENARIO = "0x" + hashlib.sha256(b"xinlian/scenario/new-home-loan").hexdigest()
UNIT = "411599001001GB00001F00010001"
PERSONAL = [JIA.name, JIA.id_number, YI.name, YI.id_number, BING.name, BING.id_number, UNIT, "32109.87", "4115000000099001"]


@pytest.fixture
def log() -> Any:
    """The node's own log of this test, from INFO on, libraries' too."""
    stream = io.StringIO()
    root = logging.getLogger()
    kept, level, config = root.handlers[:], root.level, structlog.get_config()
    configure_logging(stream)
    root.setLevel(logging.INFO)
    yield stream
    root.handlers[:], root.level = kept, level
    structlog.configure(**config)


@pytest.fixture
async def network(log: io.StringIO, tmp_path: Path) -> AsyncIterator[Network]:
    async with running_network(tmp_path, [D02, D05]) as made:
        await made.offer(D02, "GJJ-01")
        await made.offer(D05, "BDC-01")
        yield made


def hidden(*replies: Reply) -> None:
    """Problems that name nothing personal."""
    for reply in replies:
        assert reply.code
        for value in PERSONAL:
            assert value.encode() not in reply.body, (value, reply.body[:400])
            assert json.dumps(value).strip('"').encode() not in reply.body


def no_log_line_holds(log: io.StringIO, *values: str) -> None:
    lines = log.getvalue().splitlines()
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict)
        for value in values:
            assert value not in line, line
            assert json.dumps(value).strip('"') not in line, line


async def test_neither_errors_nor_logs_hold_personal_values_and_evidence_of_use_verifies(
    network: Network, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Rows()
    async with client_of(network[D02]) as fund, client_of(network[D05]) as registry:
        row = rows.one(name=JIA.name, id_number=JIA.id_number, balance_yuan="32109.87", pf_account_no="4115000000099001")
        await _faults(fund, row, network, monkeypatch)
        await _use(fund, registry, network)
        tokens = [fund.token or "", registry.token or ""]
    no_log_line_holds(log, *PERSONAL, *tokens)
    assert '"unexpected"' in log.getvalue()  # the defect that was provoked is there, by type and place
    assert "KeyError" in log.getvalue()


async def _faults(client: Client, row: dict[str, Any], network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    records = "/api/v1/datasets/GJJ-01/records"
    answer = (await client.post(records, json=row)).ok(201)
    broken = [{**row, name: JIA.id_number} for name in row if name not in {"id_number", "name", "pf_account_no", "employer_name"}]
    hidden(
        await client.post(records, json=row),
        *[await client.post(records, json=one) for one in broken],
        await client.send(records + "/bulk", b"\n".join(map(orjson.dumps, broken)), "application/x-ndjson"),
        await client.send(records + "/bulk", orjson.dumps(broken), "application/json"),
        await client.send(records + "/imports", JIA.id_number.encode(), "text/csv"),
        await client.send("/api/v1/datasets/GJJ-01/imports", f"{JIA.name},{JIA.id_number}\n1,2".encode(), "text/csv"),
        await client.send(records, f'{{"name": "{JIA.name}", {JIA.id_number}'.encode(), "application/json"),
        await client.post(records + "/search", json={"field": JIA.id_number, "value": JIA.id_number}),
        await client.post(records + "/search", json={"field": "id_number", "value": {"name": JIA.name}}),
        await client.post(records + "/search", json={"field": "id_number", "value": "x", JIA.id_number: JIA.name}),
        await client.post("/api/v1/cases", json={"case_no": JIA.id_number + " x", "scenario": SCENARIO, "subjects": [JIA.name]}),
        await client.post(
            "/api/v1/cases",
            json={"case_no": JIA.id_number, "scenario": SCENARIO, "subjects": [{"kind": "person", "value": YI.id_number}]},
        ),
        await client.post(
            "/api/v1/cases",
            json={"case_no": "C-1", "scenario": SCENARIO, "subjects": [{"kind": "person", "value": YI.id_number[:17] + "1"}]},
        ),
        await client.post("/api/v1/users", json={"person_id": "P1", "name": JIA.name, "roles": [JIA.id_number]}),
    )

    def defect(*_: object, **__: object) -> None:
        secret = JIA.id_number  # a variable of the frame, and the text of the exception
        raise KeyError(secret, row)

    with monkeypatch.context() as patch:
        patch.setattr(table, "insert_many", defect)
        hidden(await client.post(records, json={**row, "pf_account_no": "4115000000099002"}))
    with monkeypatch.context() as patch:
        patch.setattr(network[D02].node.records, "open", defect)
        hidden(await client.get(f"/api/v1/records/{answer['record_id']}"))


async def _use(fund: Client, registry: Client, network: Network) -> None:
    """A cross-department use with every outcome; then the evidence of both sides."""
    owned = {"owner_id_number": BING.id_number, "unit_code": UNIT, "scope_region": "411599 测试区", "as_of": "20261102T080000"}
    published = await registry.post("/api/v1/datasets/BDC-01/records", json=owned, headers={"Prefer": "wait=30"})
    assert published.ok(201)["state"] == "anchored"
    law = network[D05].node.clock.law_s()
    names = ((), (), ("home_count",), ())
    terms = TermsByName(*names, ("HPF_LOAN_REVIEW",), (SCENARIO,), law - 10, law + 1_000_000, 20)
    grant = await network.share(D05, D02, "BDC-01", terms)
    subjects = [{"kind": "person", "value": BING.id_number}, {"kind": "person", "value": JIA.id_number}]
    case = {"case_no": "CASE-1", "scenario": SCENARIO, "subjects": subjects}
    opened = (await fund.post("/api/v1/cases", json=case)).ok(201)
    await network.in_step()
    code = network[D02].node.catalogue.info("BDC-01", None).code
    for who in (BING, JIA, YI):
        await authorise(network[D02], Subject(SubjectKind.PERSON, who.id_number), code, ("home_count",), (D02, "CASE-1"))
    await network.in_step()
    question = {
        "provider": D05,
        "grant": grant,
        "case": {"lead": D02, "case_no": "CASE-1"},
        "purpose": "HPF_LOAN_REVIEW",
    }
    answered = await fund.post(
        "/api/v1/queries", json={**question, "mode": "answer", "view": "home_count", "items": [{"subjects": subjects[:1]}]}
    )
    assert answered.ok()["items"][0]["answer"]["result"] == 1, answered.body
    none = await fund.post(
        "/api/v1/queries", json={**question, "mode": "answer", "view": "home_count", "items": [{"subjects": subjects[1:]}]}
    )
    assert none.ok()["items"][0]["answer"]["result"] == 0, none.body
    outside = {"kind": "person", "value": YI.id_number}
    refused = await fund.post(
        "/api/v1/queries", json={**question, "mode": "answer", "view": "home_count", "items": [{"subjects": [outside]}]}
    )
    assert (refused.status, refused.code) == (403, "refused-subject-in-case")
    hidden(refused)
    assert opened["subject_count"] == 2
    await _evidence(fund, registry, network)


async def _evidence(fund: Client, registry: Client, network: Network) -> None:
    for uscc in (D02, D05):
        network[uscc].node.anchoring.flush()
    bundles = []
    for client, uscc in ((fund, D02), (registry, D05)):
        reads = (await client.get("/api/v1/reads")).ok()["items"]
        assert len(reads) >= 2
        for value in PERSONAL:
            assert value not in json.dumps(reads, ensure_ascii=False)
        for entry in reads:
            assert await network[uscc].node.anchoring.wait_anchored(entry["position"], 20, Stream.READS)
            bundles.append((await client.get(f"/api/v1/reads/{entry['position']}/bundle")).body)
    assert await network[D05].node.anchoring.wait_anchored(1, 20, Stream.ANSWERS)
    bundles.append((await registry.get("/api/v1/answers/1/bundle")).body)
    await network.in_step()
    for bundle in bundles:
        for client in (fund, registry):
            report = (await client.send("/api/v1/verifications", bundle, "application/json")).ok()
            assert report["exit_code"] == 0, report
    missing = await registry.get("/api/v1/answers/99/bundle")
    assert (missing.status, missing.code) == (404, "record-unknown")
    compared = (await fund.post("/api/v1/reads/reconcile", json={"counterparty": D05})).ok()
    assert (compared["missing_here"], compared["missing_there"], compared["differing"]) == ([], [], [])
    first = (await fund.get("/api/v1/reads", params={"limit": "1"})).ok()
    rest = (await fund.get("/api/v1/reads", params={"cursor": first["next"]})).ok()
    assert first["items"][0]["position"] < rest["items"][0]["position"]
