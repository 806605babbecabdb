"""What scripts/test-compose proves once everything is up: one record through node B's API, verified against the chain alone.

Rules
1. The first operator's token is taken out of each node's volume once; every other person is added with it, one role each.
2. The dataset is proposed by its owner (node B), consented to by its head, published by the authority (node A), as everywhere.
3. ``xinlian verify`` runs on this machine with the manifest copied out of the volume; it asks no node. An altered copy of the
   same bundle must fail, so a pass means something.

Usage: compose_check.py FOLDER PROJECT CHAIN_URL NODE_A_URL NODE_B_URL
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.demo_app.approving import approved  # noqa: E402 - the path is set above
from scripts.demo_app.problems import DemoError  # noqa: E402
from scripts.demo_app.web import Api, wait_for  # noqa: E402
from xinlian.scenarios.catalogue import dataset_files  # noqa: E402
from xinlian.scenarios.synthetic import SCENARIO  # noqa: E402
from xinlian.scenarios.synthetic.rows import make_rows  # noqa: E402

ALIAS = "GJJ-02"
_WAIT_S = 90.0
_FIRST_OPERATOR = "/var/lib/xinlian/operator.token"
_MANIFEST = "/var/lib/deployment/deployment.json"


@dataclass(frozen=True, slots=True)
class Stack:
    """The running compose project: where files go, its name, the chain's address."""

    folder: Path
    project: str
    chain: str

    def run_in(self, service: str, *command: str) -> str:
        """Run a command in a service's container; returns its standard output."""
        return _output(["docker", "exec", self._container(service), *command])

    def node(self, service: str, url: str) -> Node:
        """A node with its first operator, whose token leaves the volume for good."""
        token = self.run_in(service, "cat", _FIRST_OPERATOR).strip()
        self.run_in(service, "rm", _FIRST_OPERATOR)
        return Node(service, url, token)

    def _container(self, service: str) -> str:
        """Id of a service's container, by the labels that every Compose sets."""
        labels = (f"project={self.project}", f"service={service}")
        filters = (f"--filter=label=com.docker.compose.{label}" for label in labels)
        return _output(["docker", "ps", "--quiet", *filters]).split()[0]


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its service, its address from this machine, its first operator's token."""

    service: str
    url: str
    token: str

    @property
    def operator(self) -> Api:
        """Its first operator."""
        return Api(self.service, self.url, self.token)

    def person(self, number: int, role: str) -> Api:
        """A new person with one role, added by the operator with the command line."""
        person = (f"P{number:04d}", "--name", "测试员", "--post", "测试岗", "--role", role)
        user = self._cli("user", "add", *person)
        made = self._cli("user", "token", str(user["id"]), "--days", "1")
        return Api(self.service, self.url, str(made["token"]))

    def _cli(self, *arguments: str) -> Any:
        """An online command at this node; returns its JSON."""
        said = {"XINLIAN_URL": self.url, "XINLIAN_TOKEN": self.token}
        return json.loads(_output([_program(), *arguments, "--json"], said))


def main(folder: str, project: str, chain: str, node_a: str, node_b: str) -> int:
    """Publish, fetch, verify. Returns 0, or 1 with the reason printed."""
    stack = Stack(Path(folder), project, chain)
    try:
        return _check(stack, stack.node("node-a", node_a), stack.node("node-b", node_b))
    except (DemoError, subprocess.CalledProcessError) as error:
        print(f"compose: {error} {getattr(error, 'stderr', '') or ''}".rstrip())
        return 1


def _check(stack: Stack, authority: Node, owner: Node) -> int:
    for node in (authority, owner):
        _wait_ready(node)
    registered = sorted(item["uscc"] for item in owner.operator.get("/api/v1/departments")["items"] if item["active"])
    print(f"compose: registered {', '.join(registered)}")
    deciding = Office(authority.person(2, "authority"), authority.person(3, "head"))
    offering = Office(owner.person(2, "sharing"), owner.person(4, "head"))
    published = _offer_dataset(deciding, offering)
    print(f"compose: dataset {published} is published")
    publisher = owner.person(3, "publisher")
    record = _publish(publisher)
    bundle = stack.folder / "bundle.json"
    bundle.write_bytes(_anchored_bundle(publisher, record))
    manifest = stack.folder / "deployment.json"
    manifest.write_text(stack.run_in("node-a", "cat", _MANIFEST), "utf-8")
    good, altered = _verify(bundle, manifest, stack.chain), _verify(_altered(bundle), manifest, stack.chain)
    print(f"compose: record {record}: verify ended with {good} (expected 0), its altered copy with {altered} (expected 1)")
    return 0 if (len(registered), good, altered) == (2, 0, 1) else 1


def _wait_ready(node: Node) -> None:
    wait_for(f"{node.service} to be ready", lambda: node.operator.ask("GET", "/readyz").status == 200 or None, _WAIT_S)


@dataclass(frozen=True, slots=True)
class Office:
    """The two persons who act for a department."""

    handler: Api
    head: Api


def _offer_dataset(authority: Office, owner: Office) -> str:
    """Proposed by its owner, published by the authority, each by two persons; returns code and version once the owner knows."""
    schema = dataset_files(SCENARIO)[ALIAS]
    proposed = approved(owner.handler, owner.head, "/api/v1/datasets", schema, {"content-type": "application/schema+json"})
    body, path = {"code": proposed["code"], "version": proposed["version"]}, "/api/v1/authority/datasets/publish"
    entry = f"/api/v1/datasets/{body['code'].replace('/', '.')}"
    wait_for("the proposal at the authority", lambda: authority.handler.ask("GET", entry).status == 200 or None, _WAIT_S)
    approved(authority.handler, authority.head, path, body)
    wait_for("the dataset to be published", lambda: _is_published(owner.handler) or None, _WAIT_S)
    return f"{proposed['code']}@{proposed['version']}"


def _is_published(owner: Api) -> bool:
    return bool(owner.get(f"/api/v1/datasets/{ALIAS}")["state"] == "published")


def _publish(publisher: Api) -> str:
    row = make_rows(random.Random(1), 1)[ALIAS][0]
    headers = {"idempotency-key": "compose-1", "prefer": "wait=30"}
    return str(publisher.post(f"/api/v1/datasets/{ALIAS}/records", row, headers)["record_id"])


def _anchored_bundle(publisher: Api, record: str) -> bytes:
    def look() -> bytes | None:
        data = publisher.get_bytes(f"/api/v1/records/{record}/bundle")
        return data if json.loads(data)["receipt"] is not None else None

    return wait_for("the record to be anchored", look, _WAIT_S)


def _altered(bundle: Path) -> Path:
    """The same bundle with one character of its first disclosure's salt exchanged."""
    document = json.loads(bundle.read_bytes())
    first = document["disclosures"][0]
    document["disclosures"][0] = first[:5] + ("A" if first[5] != "A" else "B") + first[6:]
    path = bundle.with_name("altered.json")
    path.write_text(json.dumps(document), "utf-8")
    return path


def _verify(bundle: Path, manifest: Path, chain: str) -> int:
    argv = [_program(), "verify", str(bundle), "--deployment", str(manifest), "--rpc", chain, "--json"]
    done = subprocess.run(argv, check=False, capture_output=True, encoding="utf-8", env=_environment())
    if done.returncode not in (0, 1):
        print(done.stderr.strip())
    return done.returncode


def _program() -> str:
    return str(Path(sys.executable).with_name("xinlian"))


def _environment() -> dict[str, str]:
    """This machine's environment without settings of some other node."""
    return {name: value for name, value in os.environ.items() if not name.startswith("XINLIAN_")}


def _output(argv: list[str], extra: dict[str, str] | None = None) -> str:
    environment = _environment() | (extra or {})
    return subprocess.run(argv, check=True, capture_output=True, encoding="utf-8", env=environment).stdout


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:6]))
