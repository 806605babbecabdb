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

CONTRACTS: Final = (
    "AuthorisationRegistry",
    "CaseLedger",
    "CorrectionRegistry",
    "DatasetCatalog",
    "DepartmentRegistry",
    "RecordLedger",
    "SharingRegistry",
    "WorkCalendar",
)
_POSTS: Final = {
    "operator": "运维岗",
    "publisher": "数据发布岗",
    "sharing": "数据共享岗",
    "head": "共享工作机构负责人",
    "caseworker": "业务经办岗",
    "auditor": "审计岗",
    "authority": "共享主管岗",
}
_READY_S: Final = 180.0
AUTHORITY: Final = "D01"
_SETTINGS: Final[dict[str, Any]] = {
    "demo": True,
    "batch_max_age_s": 1.0,
    "reads_max_age_s": 5.0,
    "poll_interval_s": 0.25,
    "sealing_processes": 1,
}
"""What differs from production beside plain HTTP: batches close early, so that nobody waits; one sealing process a node."""


def prepare(stage: Stage) -> None:
    """Chain, contracts, departments, nodes, people."""
    run = stage.summary.run
    started = {"chain_id": CHAIN_ID, "started": local_time(START)}
    run("chain", "chain 链 started at a fixed time inside the calendar", started, lambda: _start_chain(stage), needed=True)
    keys = {department.id: "0600" for department in DEPARTMENTS}
    run("keys", "each department makes its own keys, encrypted", keys, lambda: _make_keys(stage), needed=True)
    run("deployed", "contracts deployed, manifest 部署清单 written", list(CONTRACTS), lambda: _deploy(stage), needed=True)
    years = {"2025": "loaded", "2026": "loaded"}
    run("calendar", "working-day calendar 工作日历 loaded by the authority", years, lambda: _load_calendar(stage), needed=True)
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
    roles = ("operator", "publisher", "sharing", "head", "caseworker", "auditor")
    return (*roles, "authority") if department.id == AUTHORITY else roles


# -- keys and contracts --------------------------------------------------------------------------------


def _make_keys(stage: Stage) -> dict[str, str]:
    for department in DEPARTMENTS:
        folder = stage.places.work / "nodes" / department.uscc
        stage.nodes[department.id] = NodeHandle(department, folder, stage.processes.free_port())
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda node: _init(stage, node), stage.nodes.values()))
    for node in stage.nodes.values():
        node.tokens["operator"] = node.operator_token.read_text("utf-8").strip()
    return {number: _widest_mode(node.keys) for number, node in stage.nodes.items()}


def _widest_mode(folder: Path) -> str:
    """Who may read the key files: the union of all their permissions."""
    mode = 0
    for path in folder.iterdir():
        mode |= path.stat().st_mode & 0o777
    return f"{mode:04o}"


def _init(stage: Stage, node: NodeHandle) -> None:
    """Keys, databases, first operator and settings, by the department itself."""
    secret_file(node.passphrase)
    department = node.department
    identity = ("--department", department.uscc, "--name", department.name, "--endpoint", node.url, "--kind", department.kind)
    place = ("--data-dir", node.data, "--passphrase-file", node.passphrase, "--token-out", node.operator_token, "--light-kdf")
    chain = ("--deployment", stage.places.deployment, "--rpc", stage.chain.url)
    serving = ("--listen-port", str(node.port), "--development")
    authority = ("--authority",) if department.id == AUTHORITY else ()
    stage.commands.need("department", "init", *identity, *place, *chain, *serving, *authority)
    with node.settings.open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = {json.dumps(value)}\n" for name, value in _settings_of(department).items())


def _settings_of(department: Department) -> dict[str, Any]:
    """Where texts of the law's steps go, too; the authority's own node was told by --authority."""
    if department.id == AUTHORITY:
        return {**_SETTINGS, "demo_login": True}
    return {**_SETTINGS, "authority_department": next(one.uscc for one in DEPARTMENTS if one.id == AUTHORITY)}


def _deploy(stage: Stage) -> list[str]:
    deploy(stage, stage.nodes[AUTHORITY].keys, stage.nodes[AUTHORITY].passphrase, stage.places.deployment)
    contracts = json.loads(stage.places.deployment.read_bytes())["contracts"]
    for name, contract in contracts.items():
        if stage.chain.call("eth_getCode", contract["address"], "latest") == "0x":
            raise DemoError(f"there is no code at the address of {name}")
    return sorted(contracts)


def deploy(stage: Stage, keys: Path, passphrase: Path, manifest: Path) -> None:
    """Deploy the contracts with an authority's key and write the manifest."""
    options = ("--output", manifest, "--rpc", stage.chain.url, "--keys", keys, "--passphrase-file", passphrase)
    stage.commands.need("deploy", *options)


def _load_calendar(stage: Stage) -> dict[str, str]:
    """The shipped years, so that deadlines can be computed from the first day on."""
    authority = stage.nodes[AUTHORITY]
    trusted = ("--deployment", stage.places.deployment, "--rpc", stage.chain.url)
    keys = ("--keys", authority.keys, "--passphrase-file", authority.passphrase)
    done = stage.commands.need("calendar", "load", *trusted, *keys, "--json").document()
    return {str(year["year"]): str(year["change"]) for year in done["years"]}


# -- nodes ---------------------------------------------------------------------------------------------


def _register_and_start(stage: Stage) -> list[str]:
    """Requests by the departments, registration by the authority; nodes start meanwhile and become ready with it."""
    for node in stage.nodes.values():
        start_node(stage, node)
    with ThreadPoolExecutor(2) as pool:
        requests = list(pool.map(lambda node: _request(stage, node), stage.nodes.values()))
    for request in requests:
        _register(stage, request)
    for node in stage.nodes.values():
        wait_ready(stage, node)
    listed = stage.nodes[AUTHORITY].person("operator").get("/api/v1/departments")["items"]
    return sorted(str(department["uscc"]) for department in listed if department["active"])


def _request(stage: Stage, node: NodeHandle) -> Path:
    file = node.folder / "registration.json"
    place = ("--data-dir", node.data, "--passphrase-file", node.passphrase, "--deployment", stage.places.deployment)
    stage.commands.need("department", "request", *place, "--output", file)
    return file


def _register(stage: Stage, request: Path) -> None:
    authority = stage.nodes[AUTHORITY]
    trusted = ("--deployment", stage.places.deployment, "--rpc", stage.chain.url)
    stage.commands.need(
        "authority", "register", request, *trusted, "--keys", authority.keys, "--passphrase-file", authority.passphrase
    )


def start_node(stage: Stage, node: NodeHandle) -> None:
    """Start a node's process."""
    stage.processes.start(node.name, [stage.commands.program, "node", "serve", "--config", str(node.settings)])


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
