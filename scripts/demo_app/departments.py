"""Deployment, departments, their nodes and people: everything before the first dataset.

Each department has its own folder, keys, passphrase, database, port and process; people are added by its operator.
"""

from __future__ import annotations

import json
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from scripts.demo_app.chain import CHAIN_ID, START
from scripts.demo_app.problems import DemoError
from scripts.demo_app.stage import DEPARTMENTS, Department, NodeHandle, Stage, local_time, wall_in_days
from scripts.demo_app.web import wait_for

CONTRACTS: Final = ("CaseLedger", "DatasetCatalog", "DepartmentRegistry", "RecordLedger", "SharingRegistry")
_POSTS: Final = {
    "operator": "运维岗",
    "publisher": "数据发布岗",
    "sharing": "数据共享岗",
    "caseworker": "业务经办岗",
    "auditor": "审计岗",
    "authority": "共享主管岗",
}
_READY_S: Final = 60.0


def prepare(stage: Stage) -> None:
    """Chain, contracts, departments, nodes, people."""
    run = stage.summary.run
    started = {"chain_id": CHAIN_ID, "started": local_time(START)}
    run("chain", "chain 链 started at a fixed time inside the calendar", started, lambda: _start_chain(stage), needed=True)
    keys = {department.id: "0600" for department in DEPARTMENTS}
    run("keys", "each department makes its own keys, encrypted", keys, lambda: _make_keys(stage), needed=True)
    run("deployed", "contracts deployed, manifest 部署清单 written", list(CONTRACTS), lambda: _deploy(stage), needed=True)
    uscc = sorted(department.uscc for department in DEPARTMENTS)
    title = "departments registered by the authority, every key proven; one node process each, ready"
    run("registered", title, uscc, lambda: _register_and_start(stage), needed=True)
    people = {department.id: sorted(roles_of(department)) for department in DEPARTMENTS}
    run("people", "a person for each role at each node", people, lambda: _add_people(stage), needed=True)


def _start_chain(stage: Stage) -> dict[str, Any]:
    stage.chain.start()
    return {"chain_id": int(stage.chain.call("eth_chainId"), 16), "started": local_time(stage.chain.block_time("0x0"))}


def secret_file(path: Path) -> Path:
    """A new file with a fresh random passphrase that only its owner may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    return path


def roles_of(department: Department) -> tuple[str, ...]:
    """Roles at a department's node; only the authority's has that of the authority."""
    roles = ("operator", "publisher", "sharing", "caseworker", "auditor")
    return (*roles, "authority") if department.id == "D01" else roles


# -- keys and contracts --------------------------------------------------------------------------------


def _make_keys(stage: Stage) -> dict[str, str]:
    for department in DEPARTMENTS:
        folder = stage.places.work / "nodes" / department.uscc
        stage.nodes[department.id] = NodeHandle(department, folder, stage.processes.free_port())
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda node: _init(stage, node), stage.nodes.values()))
    return {number: _widest_mode(node.keys) for number, node in stage.nodes.items()}


def _widest_mode(folder: Path) -> str:
    """Who may read the key files: the union of all their permissions."""
    mode = 0
    for path in folder.iterdir():
        mode |= path.stat().st_mode & 0o777
    return f"{mode:04o}"


def _init(stage: Stage, node: NodeHandle) -> None:
    secret_file(node.passphrase)
    node.settings.write_text(_settings(stage, node), "utf-8")
    init_department(stage, node)


def _settings(stage: Stage, node: NodeHandle) -> str:
    """A node's settings: production's, but plain HTTP on this machine, and batches that close early."""
    values: dict[str, Any] = {
        "department": node.department.uscc,
        "data_dir": str(node.data),
        "deployment": str(stage.places.deployment),
        "rpc_urls": [stage.chain.url],
        "passphrase_file": str(node.passphrase),
        "listen_port": node.port,
        "development": True,
        "demo": True,
        "batch_max_age_s": 1.0,
        "reads_max_age_s": 5.0,
        "poll_interval_s": 0.25,
        "sealing_processes": 1,
    }
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


def _deploy(stage: Stage) -> list[str]:
    deploy_contracts(stage)
    contracts = json.loads(stage.places.deployment.read_bytes())["contracts"]
    for name, contract in contracts.items():
        if stage.chain.call("eth_getCode", contract["address"], "latest") == "0x":
            raise DemoError(f"there is no code at the address of {name}")
    return sorted(contracts)


# -- nodes ---------------------------------------------------------------------------------------------


def _register_and_start(stage: Stage) -> list[str]:
    register_all(stage)
    for node in stage.nodes.values():
        start_node(stage, node)
    for node in stage.nodes.values():
        wait_ready(stage, node)
    return sorted(node.department.uscc for node in stage.nodes.values())


def start_node(stage: Stage, node: NodeHandle) -> None:
    """Start a node's process."""
    stage.processes.start(node.name, node_command(stage, node))


def wait_ready(stage: Stage, node: NodeHandle) -> None:
    """Wait until a node says that it can do its work.

    Raises:
        DemoError: when it ended or is not ready in time, with what it says itself.
    """
    last = ""

    def look() -> bool | None:
        nonlocal last
        stage.processes.require_running(node.name)
        answer = node.anyone().ask("GET", "/readyz")
        last = "; ".join(f"{c['name']}: {c['detail']}" for c in answer.body["checks"] if not c["ok"])
        return True if answer.status == 200 else None

    try:
        wait_for(f"{node.name} to be ready", look, _READY_S, node.name)
    except DemoError as error:
        raise DemoError(f"{error} {last}", process=node.name) from error


# -- people --------------------------------------------------------------------------------------------


def _add_people(stage: Stage) -> dict[str, list[str]]:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda node: _staff(stage, node), stage.nodes.values()))
    return {number: sorted(_named(node, role) for role in node.tokens) for number, node in stage.nodes.items()}


def _staff(stage: Stage, node: NodeHandle) -> None:
    node.tokens["operator"] = first_operator(stage, node)
    operator = node.person("operator")
    for number, role in enumerate(roles_of(node.department)[1:], start=2):
        person = {"person_id": f"P{number:04d}", "name": f"测试{_POSTS[role][:2]}员", "post": _POSTS[role], "roles": [role]}
        user = operator.post("/api/v1/users", {**person, "expires": wall_in_days(30)})
        token = operator.post(f"/api/v1/users/{user['id']}/tokens", {"days": 30, "label": "demo"})["token"]
        node.tokens[role] = token


def _named(node: NodeHandle, role: str) -> str:
    """The role of the person that a token names, as the node says."""
    (found,) = node.person(role).get("/api/v1/me")["roles"]
    return str(found)
