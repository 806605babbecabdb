"""What scripts/test-compose proves once everything is up: one record through node B's API, verified against the chain alone.

Rules
1. The dataset is proposed by its owner (node B) and published by the authority (node A), as everywhere.
2. ``xinlian verify`` runs on this machine with the manifest copied out of the volume; it asks no node. An altered copy of the
   same bundle must fail, so a pass means something.

Usage: compose_check.py FOLDER PROJECT CHAIN_URL NODE_A_URL NODE_B_URL
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.demo_app.web import Api, wait_for  # noqa: E402 - the path is set above
from xinlian.scenarios.catalogue import dataset_files  # noqa: E402
from xinlian.scenarios.synthetic import SCENARIO  # noqa: E402
from xinlian.scenarios.synthetic.rows import make_rows  # noqa: E402

ALIAS = "GJJ-02"
_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Stack:
    """The running compose project: where files go, its name, the chain's and the nodes' addresses."""

    folder: Path
    project: str
    chain: str
    urls: dict[str, str]

    def run_in(self, service: str, *command: str) -> str:
        """Run a command in a service's container; returns its standard output."""
        argv = ["docker", "exec", self.container(service), *command]
        return subprocess.run(argv, check=True, capture_output=True, encoding="utf-8").stdout

    def container(self, service: str) -> str:
        """Id of a service's container, by the labels that every Compose sets."""
        labels = (f"com.docker.compose.project={self.project}", f"com.docker.compose.service={service}")
        argv = ["docker", "ps", "--quiet", *(part for label in labels for part in ("--filter", f"label={label}"))]
        return subprocess.run(argv, check=True, capture_output=True, encoding="utf-8").stdout.split()[0]

    def person(self, service: str, *roles: str) -> Api:
        """A new person with these roles at a node, made on the node's own machine."""
        options = [option for role in roles for option in ("--role", role)]
        made = self.run_in(
            service, "xinlian", "user", "first", "P0001", "--name", "测试运维", "--post", "运维岗", *options, "--json"
        )
        return Api(service, self.urls[service], str(json.loads(made)["token"]))


def main(folder: str, project: str, chain: str, node_a: str, node_b: str) -> int:
    """Publish, fetch, verify. Returns 0, or 1 with the reason printed."""
    stack = Stack(Path(folder), project, chain, {"node-a": node_a, "node-b": node_b})
    authority = stack.person("node-a", "operator", "authority", "auditor")
    owner = stack.person("node-b", "operator", "publisher", "sharing", "auditor")
    _offer_dataset(authority, owner)
    record = _publish(owner)
    bundle = stack.folder / "bundle.json"
    bundle.write_bytes(_anchored_bundle(owner, record))
    manifest = stack.folder / "deployment.json"
    manifest.write_text(stack.run_in("node-a", "cat", "/var/lib/deployment/deployment.json"), "utf-8")
    good, altered = _verify(bundle, manifest, chain), _verify(_altered(bundle), manifest, chain)
    print(f"compose: record {record}: verify ended with {good} (expected 0), its altered copy with {altered} (expected 1)")
    return 0 if (good, altered) == (0, 1) else 1


def _offer_dataset(authority: Api, owner: Api) -> None:
    schema = dataset_files(SCENARIO)[ALIAS]
    proposed = owner.post("/api/v1/datasets", schema, {"content-type": "application/schema+json"})
    authority.post("/api/v1/authority/datasets/publish", {"code": proposed["code"], "version": proposed["version"]})
    wait_for("the dataset to be published", lambda: _is_published(owner) or None, _WAIT_S)


def _is_published(owner: Api) -> bool:
    return bool(owner.get(f"/api/v1/datasets/{ALIAS}")["state"] == "published")


def _publish(owner: Api) -> str:
    row = make_rows(random.Random(1), 1)[ALIAS][0]
    accepted = owner.post(f"/api/v1/datasets/{ALIAS}/records", row, {"idempotency-key": "compose-1", "prefer": "wait=30"})
    return str(accepted["record_ids"][0] if "record_ids" in accepted else accepted["id"])


def _anchored_bundle(owner: Api, record: str) -> bytes:
    def look() -> bytes | None:
        data = owner.get_bytes(f"/api/v1/records/{record}/bundle")
        return data if json.loads(data)["receipt"] is not None else None

    return wait_for("the record to be anchored", look, _WAIT_S)


def _altered(bundle: Path) -> Path:
    """The same bundle with the last character of its first disclosure exchanged."""
    document = json.loads(bundle.read_bytes())
    first = document["disclosures"][0]
    document["disclosures"][0] = first[:-1] + ("A" if first[-1] != "A" else "B")
    path = bundle.with_name("altered.json")
    path.write_text(json.dumps(document), "utf-8")
    return path


def _verify(bundle: Path, manifest: Path, chain: str) -> int:
    program = Path(sys.executable).with_name("xinlian")
    argv = [str(program), "verify", str(bundle), "--deployment", str(manifest), "--rpc", chain, "--json"]
    return subprocess.run(argv, check=False, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:6]))
