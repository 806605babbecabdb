"""A chain and two department nodes as separate processes, set up for measuring.

The authority's node runs in the bench's own process only while departments and datasets are registered.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xinlian.chain.anvil import ZERO_FEES, Anvil, AnvilOptions, free_port
from xinlian.chain.development import deployed_chain
from xinlian.chain.keys import LocalKey
from xinlian.node.graph import KEYS_DIR, build
from xinlian.node.life import Node
from xinlian.node.people import NewUser, People, Role
from xinlian.node.registration import KINDS, Applicant, request_for
from xinlian.node.settings import Settings
from xinlian.protocol.manifest import Deployment
from xinlian.store.opening import open_store
from xinlian.store.secrets import AUTHORITY_ROLE, NODE_ROLES, SCRYPT_N_TEST, Creation, NodeKeys

ROOT = Path(__file__).resolve().parents[2]
D01, D02, D05 = "11411599MBDEM0015B", "12411599MBDEM00233", "12411599MBDEM0058M"
GENESIS_TIME_S = 1_789_952_400
_SERVE = (
    "import sys; from pathlib import Path; from xinlian.api.server import serve; "
    "from xinlian.node.settings import load_settings; serve(load_settings(Path(sys.argv[1])))"
)


@dataclass(slots=True)
class Process:
    """A node process; the token of a person with every role, and that of the head who consents."""

    uscc: str
    url: str
    token: str
    head_token: str
    data_dir: Path
    popen: subprocess.Popen[bytes]

    @property
    def headers(self) -> dict[str, str]:
        """Authorization of a person with every role."""
        return {"Authorization": f"Bearer {self.token}"}

    def cpu_s(self) -> float:
        """CPU seconds of the process and its finished children, from /proc."""
        total = 0
        for pid in (self.popen.pid, *_children(self.popen.pid)):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(part) for part in text.split()]


@dataclass(slots=True)
class Network:
    """What is running."""

    directory: Path
    anvil: Anvil
    deployment: Deployment
    authority: Node
    keys: dict[str, NodeKeys]
    nodes: dict[str, Process] = field(default_factory=dict)


def own_cpu_s() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@asynccontextmanager
async def chain(directory: Path, authority: str, **options: Any) -> AsyncIterator[tuple[Anvil, Deployment]]:
    """Anvil with the contracts deployed."""
    words = " ".join(["test"] * 11 + ["junk"])
    given = AnvilOptions(ROOT / "contracts", mnemonic=words, genesis_time=GENESIS_TIME_S, extra=ZERO_FEES, **options)
    async with deployed_chain(given, directory / "deployment.json", authority) as found:
        yield found


def settings_of(directory: Path, uscc: str, rpc_url: str, **changes: Any) -> dict[str, Any]:
    """Settings as a node.toml would hold them."""
    return {
        "department": uscc,
        "data_dir": str(directory / uscc),
        "deployment": str(directory / "deployment.json"),
        "rpc_urls": [rpc_url],
        "passphrase_file": str(directory / "passphrase"),
        "listen_port": free_port(),
        "development": True,
        "poll_interval_s": 0.2,
        **changes,
    }


async def add_people(data_dir: Path) -> tuple[str, str]:
    """Give a node that does not run yet a person with every role and a head; returns their tokens."""
    store = open_store(data_dir)
    try:
        people = People(store.node, time.time, 365)
        person = await people.add(NewUser("B0001", "测试人员", "测试岗", frozenset(Role), 2_000_000_000))
        head = await people.add(NewUser("B0002", "测试负责人", "负责人", frozenset({Role.HEAD}), 2_000_000_000))
        return await people.issue_token(person.id, 1), await people.issue_token(head.id, 1)
    finally:
        store.close()


def start(directory: Path, settings: dict[str, Any], tokens: tuple[str, str]) -> Process:
    """Start a node process and wait until it answers."""
    config = directory / f"{settings['department']}.toml"
    config.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items()) + "\n", encoding="utf-8")
    log = (directory / f"{settings['department']}.log").open("ab")
    popen = subprocess.Popen([sys.executable, "-c", _SERVE, str(config)], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{settings['listen_port']}"
    _wait(url, popen, directory)
    return Process(settings["department"], url, *tokens, Path(settings["data_dir"]), popen)


def _wait(url: str, popen: subprocess.Popen[bytes], directory: Path) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url + "/healthz", timeout=1):  # noqa: S310 (our own node on loopback)
                return
        except OSError:
            if popen.poll() is not None:
                raise RuntimeError(f"a node did not start; see {directory}/*.log") from None
            time.sleep(0.05)
    raise RuntimeError("a node does not answer")


@asynccontextmanager
async def running(directory: Path, departments: Sequence[str], **changes: Any) -> AsyncIterator[Network]:
    """The authority in this process, departments as processes, everybody registered."""
    passphrase = secrets.token_urlsafe(16)
    (directory / "passphrase").write_text(passphrase)
    keys = {}
    for uscc in (D01, *departments):
        roles = (*NODE_ROLES, AUTHORITY_ROLE) if uscc == D01 else NODE_ROLES
        made = Creation(int(time.time()), os.urandom, roles, SCRYPT_N_TEST)
        keys[uscc] = NodeKeys.create(directory / uscc / KEYS_DIR, passphrase, made)
    async with AsyncExitStack() as stack:
        address = keys[D01].chain[AUTHORITY_ROLE].address
        anvil, deployment = await stack.enter_async_context(chain(directory, address))
        authority = await build(Settings(**settings_of(directory, D01, anvil.url, sealing_processes=1)))
        await stack.enter_async_context(authority.running())
        network = Network(directory, anvil, deployment, authority, keys)
        for uscc in departments:
            tokens = await add_people(directory / uscc)
            process = start(directory, settings_of(directory, uscc, anvil.url, **changes), tokens)
            stack.callback(_stop, process)
            network.nodes[uscc] = process
            applicant = Applicant(uscc, KINDS["department"], f"测试部门 {uscc}", process.url)
            chain_keys = {role: LocalKey.from_secret(key.private) for role, key in keys[uscc].chain.items()}
            request = await request_for(applicant, keys[uscc], chain_keys, deployment)
            await authority.authority.register(request.dumps())
        await asyncio.sleep(1.0)
        yield network


def _stop(process: Process) -> None:
    process.popen.terminate()
    try:
        process.popen.wait(30)
    except subprocess.TimeoutExpired:
        process.popen.kill()
