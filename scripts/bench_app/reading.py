"""Reading across departments: one and twenty subjects a request, verified by the reader; against a direct SQL read."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from scripts.bench_app import data
from scripts.bench_app.limits import direct_server
from scripts.bench_app.network import D02, D05, GENESIS_TIME_S, Network, Process
from scripts.bench_app.report import Figure, Report, progress
from xinlian.node.sharing import StepDetails

FIELDS = ["text_00", "text_01", "amount_0_yuan", "day_0", "flag"]
SCENARIO = "0x" + "5c" * 32
CASE = "BENCH-1"
SUBJECTS = 20
CALLERS = 8


async def measure(report: Report, net: Network, *, quick: bool) -> None:
    """Set up a grant and a case, then ask."""
    progress("read_1 and read_20: grant, case, anchored rows")
    persons = [data.person(number) for number in range(SUBJECTS)]
    requester = net.nodes[D02]
    async with aiohttp.ClientSession(headers=requester.headers) as session:
        await _prepare(net, session, persons)
        for size, rounds in ((1, 150 if quick else 600), (SUBJECTS, 30 if quick else 120)):
            ours = await _ask(net, session, persons[:size], rounds, report)
            with tempfile.TemporaryDirectory() as name, direct_server(Path(name)) as url:
                limit = await _direct(url, persons[:size], rounds)
            aim = "≥ 0.15" if size == 1 else "≥ 0.3 per subject"
            report.add(Figure(f"read_{size}", ours, "subjects/s", limit, aim))


async def _prepare(net: Network, session: aiohttp.ClientSession, persons: list[str]) -> None:
    provider, requester = net.nodes[D05], net.nodes[D02]
    async with aiohttp.ClientSession(headers=provider.headers) as giving:
        await _anchored(giving, provider.url)
    await _granted(net)
    subjects = [{"kind": "person", "value": person} for person in persons]
    case = {"case_no": CASE, "scenario": SCENARIO, "participants": [], "subjects": subjects}
    await _call(session, "POST", f"{requester.url}/api/v1/cases", case)
    await asyncio.sleep(1.5)  # both nodes see the case


async def _granted(net: Network) -> None:
    """A request for the fields, filed, reviewed (no matrix names the bench's dataset), agreed to and delivered."""
    provider, requester = net.nodes[D05], net.nodes[D02]
    today = datetime.fromtimestamp(GENESIS_TIME_S, UTC).date()
    form = {
        "requested_items": [{"name_en": name, "modes": ["query"], "necessity_reason": "测试"} for name in FIELDS],
        "legal_basis": [{"title": "测试条例", "article": "第一条"}],
        "scenario": {"name": "测试场景", "item_code": "411599TEST", "id": SCENARIO.removeprefix("0x")},
        "purposes": [data.PURPOSE],
        "scope": {"users": "测试岗", "region": "411599"},
        "method": "服务接口",
        "frequency": {"per_day": 1_000_000},
        "valid_from": (today - timedelta(days=2)).isoformat(),
        "valid_to": (today + timedelta(days=300)).isoformat(),
        "uses_per_case": 4_000_000_000,
        "storage": {"kind": "不落地"},
        "security_measures": {"text": "测试", "level": 3},
        "pi_basis": {"kind": "法定职责"},
        "out_of_scope_reason": "测试",
    }
    body = {"provider": D05, "dataset": data.ALIAS, "form": form}
    filed = await _approved(requester, "/api/v1/requests", body)
    path = f"/api/v1/requests/{D02}/{filed['number']}"
    await asyncio.sleep(1.5)  # the others see the request
    await net.authority.requests.take("review-scope", D02, filed["number"], StepDetails(os.urandom(32)))
    await asyncio.sleep(1.5)  # the provider sees the review
    for step in ("agree", "deliver"):
        await _approved(provider, f"{path}/steps/{step}", {"form": {}})
    await asyncio.sleep(1.5)  # the requester sees the grant


async def _approved(node: Process, path: str, body: Any) -> Any:
    """Propose as the person with every role, consent as the head."""
    async with aiohttp.ClientSession(headers=node.headers) as session:
        proposed = await _call(session, "POST", node.url + path, body)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {node.head_token}"}) as session:
        done = await _call(session, "POST", f"{node.url}/api/v1/approvals/{proposed['id']}/consent", {})
    assert done["state"] == "done", done
    return done["result"]


async def _anchored(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until nothing of the provider's records is pending."""
    for _ in range(300):
        batches = await _call(session, "GET", f"{url}/api/v1/batches?limit=50")
        records = [one for one in batches["items"] if one["stream"] == "records"]
        if records and all(one["state"] == "final" for one in records):
            return
        await asyncio.sleep(0.2)


async def _call(session: aiohttp.ClientSession, method: str, url: str, body: Any = None) -> Any:
    async with session.request(method, url, json=body) as response:
        answer = await response.json()
        assert response.status < 300, answer
        return answer


async def _ask(net: Network, session: aiohttp.ClientSession, persons: list[str], rounds: int, report: Report) -> float:
    nodes = (net.nodes[D02], net.nodes[D05])
    question = {
        "provider": D05,
        "grant": 1,
        "case": {"lead": D02, "case_no": CASE},
        "purpose": data.PURPOSE,
        "mode": "query",
        "fields": FIELDS,
        "items": [{"subjects": [{"kind": "person", "value": person}]} for person in persons],
    }
    url = f"{nodes[0].url}/api/v1/queries"
    answer = await _call(session, "POST", url, question)
    assert answer["state"] == "received", answer
    assert all(item["outcome"] == "records" for item in answer["items"]), answer
    before = [node.cpu_s() for node in nodes]

    async def caller() -> None:
        for _ in range(rounds // CALLERS):
            await _call(session, "POST", url, question)

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    took = time.perf_counter() - started
    asked = rounds // CALLERS * CALLERS * len(persons)
    cpu = [(node.cpu_s() - start) / asked * 1e3 for node, start in zip(nodes, before, strict=True)]
    report.note(f"read_{len(persons)}: CPU per subject {cpu[0]:.2f} ms at the requester, {cpu[1]:.2f} ms at the provider")
    return asked / took


async def _direct(url: str, persons: list[str], rounds: int) -> float:
    body = {"persons": persons, "fields": FIELDS}
    async with aiohttp.ClientSession() as session:
        await _call(session, "POST", url, body)

        async def caller() -> None:
            for _ in range(rounds // CALLERS):
                await _call(session, "POST", url, body)

        started = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        return rounds // CALLERS * CALLERS * len(persons) / (time.perf_counter() - started)
