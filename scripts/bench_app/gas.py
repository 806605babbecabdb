"""Gas of anchoring per record, from receipts of a real anvil."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from scripts.bench_app import network
from scripts.bench_app.report import Figure, Report, progress
from xinlian.chain import questions
from xinlian.chain.bindings import DepartmentRegistry, RecordLedger
from xinlian.chain.calls import Batch, Registration
from xinlian.chain.deploy import ProgressFile
from xinlian.chain.keys import LocalKey, Registry, prove_possession
from xinlian.chain.rpc import Rpc
from xinlian.chain.sender import Sender, SenderOptions
from xinlian.protocol.jwks import build_key_set

PER_BATCH_LIMIT = 70_000
LIMITS = {1: 70_000.0, 100: 700.0, 1_024: 70.0, 65_536: 1.1}


async def measure(report: Report, *, quick: bool) -> None:
    """Anchor batches of every size, from the stream's second one on."""
    del quick
    progress("gas: anchoring on anvil")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        authority = LocalKey.from_secret(secrets.token_bytes(32))
        async with network.chain(directory, authority.address) as (anvil, deployment), Rpc(anvil.url) as rpc:
            addresses = {contract: one.address for contract, one in deployment.contracts.items()}
            anchor = LocalKey.from_secret(secrets.token_bytes(32))
            registry = Registry(deployment.chain_id, addresses["DepartmentRegistry"])
            keys = build_key_set(network.D05, [Ed25519PrivateKey.generate()], [X25519PrivateKey.generate().public_key()])
            new = Registration(
                network.D05,
                1,
                "测试市不动产登记中心",
                "http://127.0.0.1:1",
                keys.serialise().decode(),
                (await prove_possession(anchor, registry, network.D05, 1 | 4),),
            )
            await _send(
                rpc, authority, directory, deployment.chain_id, DepartmentRegistry(addresses["DepartmentRegistry"]).register(new)
            )
            ledger = RecordLedger(addresses["RecordLedger"])
            used = []
            for sequence, size in enumerate((7, *LIMITS), start=1):
                call = ledger.anchor([Batch(1, sequence, os.urandom(32), size)], [])
                used.append(await _send(rpc, anchor, directory, deployment.chain_id, call))
    report.note(
        f"first batch of a stream: {used[0]:,} gas (limit 105,000); later ones: {max(used[1:]):,} (limit {PER_BATCH_LIMIT:,})"
    )
    for (size, limit), gas in zip(LIMITS.items(), used[1:], strict=True):
        report.add(Figure(f"gas_per_record_{size}", gas / size, "gas/record", limit, f"≤ {limit:g}", is_more_better=False))


async def _send(rpc: Rpc, key: LocalKey, directory: Path, chain_id: int, call: object) -> int:
    log = ProgressFile.opened(directory / f"{key.address}.progress", {"chain_id": chain_id})
    sender = Sender(rpc, key, log, SenderOptions(chain_id=chain_id))
    await sender.resync()
    ticket = await sender.send(call, secrets.token_hex(4))  # type: ignore[arg-type]  # every binding gives a Call
    mined = await sender.wait(ticket, 30)
    receipt = await rpc.ask(questions.tx_receipt(mined.hash))
    assert receipt is not None
    return receipt.gas_used
