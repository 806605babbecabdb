"""Verifying one bundle, against its bare hashing."""

from __future__ import annotations

import hashlib
import time

import aiohttp
import orjson

from scripts.bench_app import data
from scripts.bench_app.network import D05, Network
from scripts.bench_app.report import Figure, Report, progress
from xinlian.protocol import bundle as bundles
from xinlian.protocol.chainview import Anchoring, BlockRef, KeySetFrom
from xinlian.protocol.manifest import Deployment
from xinlian.protocol.verification import verify_bytes


class KnownView:
    """A chain view that knows all answers already, so that only the verifier's own work is measured."""

    def __init__(self, deployment: Deployment, anchored: Anchoring) -> None:
        self._deployment = deployment
        self._anchored = anchored
        self._codes = {one.address.lower(): one.code_hash for one in deployment.contracts.values()}

    def head(self) -> BlockRef:
        """A block after everything."""
        return BlockRef(self._anchored.block_number + 1, "0x" + "00" * 32, self._anchored.block_time + 1)

    def block_at(self, time: int) -> BlockRef:
        """The same block."""
        return self.head()

    def chain_id(self) -> int:
        """The manifest's."""
        return self._deployment.chain_id

    def genesis_hash(self) -> str:
        """The manifest's."""
        return self._deployment.genesis_hash

    def code_hash(self, address: str) -> str:
        """The manifest's."""
        return self._codes[address.lower()]

    def anchoring(self, department: str, stream: int, sequence: int) -> Anchoring:
        """The one anchoring."""
        return self._anchored

    def is_anchored(self, *_slot: object) -> bool:
        """Yes."""
        return True

    def is_active_at(self, department: str, block: int) -> bool:
        """Yes."""
        return True

    def is_compromised_at(self, department: str, block: int) -> bool:
        """No."""
        return False

    def is_published_at(self, *_entry: object) -> bool:
        """Yes."""
        return True

    def status_at(self, *_leaf: object) -> int:
        """Current."""
        return 0

    def key_sets(self, department: str) -> list[KeySetFrom]:
        """None: the bundle is not signed."""
        return []


async def measure(report: Report, net: Network, *, quick: bool) -> None:
    """Verify the bundle of one record with all its fields again and again."""
    progress("verify_bundle")
    node = net.nodes[D05]
    async with aiohttp.ClientSession(headers=node.headers) as session:
        async with session.get(f"{node.url}/api/v1/datasets/{data.ALIAS}/records?limit=1") as response:
            record_id = (await response.json())["items"][0]["record_id"]
        async with session.get(f"{node.url}/api/v1/records/{record_id}/bundle") as response:
            raw = await response.read()
    bundle = bundles.parse(raw)
    receipt = bundle.receipt
    assert receipt is not None
    view = KnownView(net.deployment, Anchoring(receipt.block_number, receipt.block_time, receipt.tx_hash))
    rounds = 500 if quick else 3_000
    assert verify_bytes(raw, net.deployment, view).exit_code == 0
    started = time.perf_counter()
    for _ in range(rounds):
        verify_bytes(raw, net.deployment, view)
    ours = rounds / (time.perf_counter() - started)
    started = time.perf_counter()
    for _ in range(rounds):
        _hash_only(bundle)
    limit = rounds / (time.perf_counter() - started)
    report.add(
        Figure("verify_bundle", ours, "bundles/s", limit, f"bundle of {len(orjson.loads(raw)['disclosures'])} fields, reported")
    )


def _hash_only(bundle: bundles.Bundle) -> None:
    for disclosure in bundle.disclosures:
        hashlib.sha256(disclosure.encode()).digest()
    node = hashlib.sha256(b"\x00" + bundle.statement.raw).digest()
    assert bundle.receipt is not None
    for sibling in bundle.receipt.path:
        node = hashlib.sha256(b"\x01" + node + sibling).digest()
