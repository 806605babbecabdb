"""An attacker deploys the same contracts once more on the same chain, registers the same USCC there and anchors the same leaf.

Everything is real and holds in the attacker's own world; only the deployment manifest tells it from ours.
"""

from __future__ import annotations

import asyncio
import copy
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from scripts.demo_app import departments
from scripts.demo_app.chain import CHAIN_ID
from scripts.demo_app.problems import DemoError
from scripts.demo_app.stage import Stage
from scripts.demo_app.web import wait_for
from xinlian.chain import raw_tx
from xinlian.chain.bindings import DepartmentRegistry, RecordLedger
from xinlian.chain.calls import Batch, Call, Registration
from xinlian.chain.fees import Fees
from xinlian.chain.keys import LocalKey, Registry, prove_possession
from xinlian.chain.raw_tx import Unsigned
from xinlian.protocol.b64 import unb64u
from xinlian.protocol.jwks import build_key_set
from xinlian.protocol.record import leaf_of, parse_statement
from xinlian.protocol.types import Role, Stream
from xinlian.store.secrets import AUTHORITY_ROLE, NodeKeys

_ALL_ROLES = Role.ANCHOR | Role.LAW | Role.ADMIN
_GAS = 8_000_000


@dataclass(frozen=True, slots=True)
class Forged:
    """The forged bundle, and whether its leaf really stands in the forged ledger."""

    bundle: dict[str, Any]
    is_anchored: bool


def forge(stage: Stage, good: dict[str, Any]) -> Forged:
    """Anchor a good bundle's leaf in a ledger of one's own and write a receipt that names it."""
    deployment, authority = _deploy(stage)
    department = good["receipt"]["department"]
    registry = Registry(deployment["chain_id"], deployment["contracts"]["DepartmentRegistry"]["address"])
    ledger = deployment["contracts"]["RecordLedger"]["address"]
    signer = LocalKey.from_secret(secrets.token_bytes(32))
    _send(stage, authority, DepartmentRegistry(registry.address).register(_registration(department, registry, signer)))
    leaf = leaf_of(parse_statement(unb64u(good["statement"])).raw)
    batch = Batch(Stream.RECORDS, 1, leaf, 1)
    receipt = _send(stage, signer, RecordLedger(ledger).anchor([batch], []))
    bundle = copy.deepcopy(good)
    bundle["receipt"] |= {"ledger": ledger, "sequence": 1, "index": 0, "size": 1, "root": leaf.hex(), "path": []}
    number = int(receipt["blockNumber"], 16)
    bundle["receipt"] |= {
        "block_number": number,
        "block_time": stage.chain.block_time(hex(number)),
        "tx_hash": receipt["transactionHash"],
    }
    asked = RecordLedger(ledger).is_anchored(department, batch)
    return Forged(bundle, asked.read(stage.chain.call(asked.method, *asked.params)))


def _deploy(stage: Stage) -> tuple[dict[str, Any], LocalKey]:
    """The attacker's own authority key and deployment, with the same commands as everybody's."""
    folder = stage.places.work / "attacker"
    passphrase = departments.secret_file(folder / "passphrase")
    keys, manifest = folder / "keys", folder / "deployment.json"
    stage.commands.need("authority", "init", "--keys", keys, "--passphrase-file", passphrase, "--light-kdf")
    departments.deploy(stage, keys, passphrase, manifest)
    authority = NodeKeys.load(keys, passphrase.read_text("utf-8").strip()).chain[AUTHORITY_ROLE]
    return json.loads(manifest.read_bytes()), LocalKey.from_secret(authority.private)


def _registration(department: str, registry: Registry, signer: LocalKey) -> Registration:
    keys = build_key_set(department, [Ed25519PrivateKey.generate()], [X25519PrivateKey.generate().public_key()])
    proof = asyncio.run(prove_possession(signer, registry, department, _ALL_ROLES))
    return Registration(department, 1, "伪造机构", "http://127.0.0.1:9", keys.serialise().decode(), (proof,))


def _send(stage: Stage, key: LocalKey, call: Call) -> dict[str, Any]:
    """Sign and send a transaction, and wait for its receipt.

    Raises:
        DemoError: when the chain refuses it.
    """
    nonce = int(stage.chain.call("eth_getTransactionCount", key.address, "pending"), 16)
    signed = asyncio.run(raw_tx.sign(key, Unsigned(CHAIN_ID, nonce, _GAS, Fees(0, None), call)))
    tx_hash = stage.chain.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
    look: Callable[[], dict[str, Any] | None] = lambda: stage.chain.call("eth_getTransactionReceipt", tx_hash)  # noqa: E731
    receipt = wait_for(f"the attacker's {call.label}", look, 20.0)
    if receipt["status"] != "0x1":
        raise DemoError(f"the attacker's {call.label} was rejected by the contract")
    return receipt
