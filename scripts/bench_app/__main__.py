"""``scripts/bench``: measure, print, write JSON."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import aiohttp

from scripts.bench_app import cases, data, gas, network, publishing, reading, verifying
from scripts.bench_app.report import Report


def main() -> None:
    """Parse the options and measure."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures Xinlian against limits of the same run.")
    parser.add_argument("--quick", action="store_true", help="smaller numbers, under a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args()
    report = Report()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    asyncio.run(_measure(report, quick=options.quick))
    if options.json is not None:
        report.write(options.json)


async def _measure(report: Report, *, quick: bool) -> None:
    cases.measure(report, quick=quick)
    await gas.measure(report, quick=quick)
    with tempfile.TemporaryDirectory() as name:
        async with network.running(Path(name), (network.D05, network.D02)) as net:
            await _offer(net)
            await publishing.measure(report, net, quick=quick)
            await reading.measure(report, net, quick=quick)
            await verifying.measure(report, net, quick=quick)


async def _offer(net: network.Network) -> None:
    """Propose the bench's dataset at its owner, consent as its head, and let the authority publish it."""
    node = net.nodes[network.D05]
    proposed = await _post(node.url + "/api/v1/datasets", node.token, data.schema_file())
    done = await _post(f"{node.url}/api/v1/approvals/{proposed['id']}/consent", node.head_token, b"{}")
    assert done["state"] == "done", done
    await net.authority.following.reach(net.authority.clock.head().number + 1, 3)
    opinion = hashlib.sha256(b"an opinion of the bench").digest()
    await net.authority.catalogue_steps.send("publish", done["result"]["code"], done["result"]["version"], opinion)
    await asyncio.sleep(1.0)


async def _post(url: str, token: str, body: bytes) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session, session.post(url, data=body) as response:
        answer = await response.json()
        assert response.status < 300, answer
        return answer


if __name__ == "__main__":
    main()
