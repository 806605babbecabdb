"""A small network for integration tests: real anvil, deployed contracts, department nodes served over real HTTP.

The nodes share the test's event loop but nothing else: own keys, own database, own port. ``scripts/demo`` and the e2e tests run
them as separate processes.

Example::

    async with running_network(tmp_path, [D02, D05]) as network:
        await network.publish(D05, "BDC-01", rows)
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from xinlian.api.server import server_config
from xinlian.chain.anvil import ZERO_FEES, Anvil, AnvilOptions, free_port
from xinlian.chain.development import deployed_chain
from xinlian.chain.keys import LocalKey
from xinlian.node.approvals import ApprovalInfo
from xinlian.node.graph import KEYS_DIR, build
from xinlian.node.life import Node
from xinlian.node.people import NewUser, Person, Role
from xinlian.node.registration import KINDS, Applicant, RegistrationRequest, request_for
from xinlian.node.settings import Settings
from xinlian.node.sharing import NewRequest, StepDetails, TermsByName
from xinlian.protocol import manifest
from xinlian.protocol.manifest import Deployment
from xinlian.scenarios.catalogue import load_schemas
from xinlian.store.approvals import State
from xinlian.store.secrets import AUTHORITY_ROLE, NODE_ROLES, SCRYPT_N_TEST, Creation, NodeKeys

CONTRACTS_DIR = Path(__file__).parents[2] / "contracts"
MNEMONIC = "test test test test test test test test test test test junk"
GENESIS_TIME = 1_789_952_400  # 2026-09-21 09:00 in UTC+8, inside the loaded calendar
PASSPHRASE = "passphrase of the tests"
D01 = "11411599MBDEM0015B"
D02 = "12411599MBDEM00233"
D03 = "11411599MBDEM00311"
D05 = "12411599MBDEM0058M"
D06 = "11411599MBDEM0066K"
D07 = "11411599MBDEM0074E"
E07 = "91411599MADEM0070P"
NAMES = {
    D01: "测试市政务服务和大数据管理局",
    D02: "测试市住房公积金管理中心",
    D03: "测试市住房和城乡建设局",
    D05: "测试市不动产登记中心",
    D06: "测试市公安局",
    D07: "测试市民政局",
    E07: "测试银行股份有限公司测试支行",
}
OTHER_RECEIVERS = {E07}


@dataclass(slots=True)
class Running:
    """A node that serves, its address, a person with every role and that person's token, and the 负责人 who consents."""

    node: Node
    url: str
    person: Person
    token: str
    head: Person
    head_token: str

    @property
    def headers(self) -> dict[str, str]:
        """Authorization of the person with every role."""
        return {"Authorization": f"Bearer {self.token}"}

    async def approved(self, proposed: ApprovalInfo) -> ApprovalInfo:
        """What the person with every role proposed, consented to by the head and carried out."""
        done = await self.node.approvals.consent(proposed.id, self.head, proposed.proposal)
        assert done.state is State.DONE, done
        return done


@dataclass(slots=True)
class Network:
    """The running network."""

    directory: Path
    anvil: Anvil
    deployment: Deployment
    nodes: dict[str, Running] = field(default_factory=dict)

    def __getitem__(self, uscc: str) -> Running:
        return self.nodes[uscc]

    async def offer(self, uscc: str, alias: str) -> None:
        """Propose a dataset of the scenario and let the authority publish it."""
        schema = load_schemas("new-home-loan")[alias]
        await self.propose(uscc, schema.source)
        await self.decide("publish", schema.code, schema.version)
        await self[uscc].node.following.reach(self[D01].node.clock.head().number, 10)

    async def propose(self, uscc: str, source: bytes) -> None:
        """Propose a dataset by two persons."""
        one = self[uscc]
        await one.approved(await one.node.proposing.propose(source, one.person))

    async def decide(self, name: str, code: str, version: int, reason: str = "同意") -> None:
        """A decision of the authority on a dataset, by two persons."""
        one = self[D01]
        owner = code.partition("/")[0]
        await one.node.following.reach(self[owner].node.clock.head().number, 10)
        await one.approved(await one.node.catalogue_steps.propose(name, code, version, reason, one.person))

    async def publish(self, uscc: str, alias: str, rows: Sequence[dict[str, Any]]) -> list[str]:
        """Publish rows and wait until they are final; gives their record ids."""
        running = self[uscc]
        dataset = running.node.catalogue.own(alias)
        accepted = await running.node.publishing.publish_rows(dataset, list(enumerate(rows, start=1)), running.person)
        assert await running.node.anchoring.wait_anchored(accepted.last_position, 20)
        return list(accepted.record_ids)

    async def share(self, provider: str, receiver: str, dataset: str, terms: TermsByName) -> int:
        """Ask for a dataset, agree to everything and deliver it; gives the grant's number."""
        asking, giving = self[receiver].node, self[provider].node
        document = hashlib.sha256(b"a text of the tests").digest()
        await self.in_step()
        filed, _ = await asking.requests.submit(NewRequest(provider, dataset, None, terms, False, document, document))
        await self.in_step()
        await giving.requests.take("agree", receiver, filed["number"], StepDetails(document))
        delivered, _ = await giving.requests.take("deliver", receiver, filed["number"], StepDetails(document))
        await self.in_step()
        return int(delivered["grant"])

    async def suspend(self, provider: str, grant: int) -> None:
        """Suspend the use of a grant for misuse."""
        node = self[provider].node
        request = node.state.grants[provider, grant].request
        details = StepDetails(hashlib.sha256(b"a notice of the tests").digest(), working_days=5)
        await node.requests.take("suspend", request.requester, request.number, details)

    async def in_step(self) -> None:
        """Wait until every node has seen the newest block any of them has."""
        newest = max(one.node.clock.head().number for one in self.nodes.values())
        for one in self.nodes.values():
            assert await one.node.following.reach(newest, 10)


def make_keys(directory: Path, *, authority: bool) -> NodeKeys:
    """Make a node's key files with a cheap work factor."""
    roles = (*NODE_ROLES, AUTHORITY_ROLE) if authority else NODE_ROLES
    return NodeKeys.create(directory, PASSPHRASE, Creation(1_789_952_400, os.urandom, roles, SCRYPT_N_TEST))


async def registration(uscc: str, keys: NodeKeys, endpoint: str, deployment: Deployment) -> RegistrationRequest:
    """The registration request of a department."""
    chain_keys = {role: LocalKey.from_secret(key.private) for role, key in keys.chain.items()}
    kind = KINDS["other-receiver" if uscc in OTHER_RECEIVERS else "department"]
    return await request_for(Applicant(uscc, kind, NAMES[uscc], endpoint), keys, chain_keys, deployment)


def settings_of(directory: Path, uscc: str, rpc_url: str, port: int, **changes: Any) -> Settings:
    """Settings of a node of the tests: quick polling, plain HTTP."""
    values: dict[str, Any] = {
        "department": uscc,
        "data_dir": directory / uscc,
        "deployment": directory / "deployment.json",
        "rpc_urls": (rpc_url,),
        "passphrase": PASSPHRASE,
        "listen_port": port,
        "development": True,
        "batch_max_age_s": 0.2,
        "reads_max_age_s": 1.0,
        "poll_interval_s": 0.1,
        "sealing_processes": 1,
        "notice_pause_s": 0.5,
        "authority_department": D01,
        **changes,
    }
    return Settings(**values)


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Running]:
    """Build a node, serve it, and give a person every role on it."""
    node = await build(settings)
    async with node.running():
        server = uvicorn.Server(server_config(node))
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server._serve())  # serve() would take over the process's signals
        while not server.started:  # noqa: ASYNC110 (uvicorn tells no event)
            await asyncio.sleep(0.01)
        try:
            person = await _person(node, NewUser("T0001", "测试人员", "测试岗", frozenset(Role), 2_000_000_000))
            head = await _person(node, NewUser("T0002", "测试负责人", "负责人", frozenset({Role.HEAD}), 2_000_000_000))
            tokens = [await node.people.issue_token(one.id, 1) for one in (person, head)]
            yield Running(node, f"http://127.0.0.1:{settings.listen_port}", person, tokens[0], head, tokens[1])
        finally:
            server.should_exit = True
            await task


async def _person(node: Node, new: NewUser) -> Person:
    """The person with a staff number, added when the node does not know them yet."""
    known = [person for person in node.people.all() if person.person_id == new.person_id]
    return known[0] if known else await node.people.add(new)


@asynccontextmanager
async def running_chain(directory: Path, authority: str, **options: Any) -> AsyncIterator[tuple[Anvil, Deployment]]:
    """anvil with the contracts deployed; zero fees, so no account needs funds."""
    given = AnvilOptions(contracts_dir=CONTRACTS_DIR, mnemonic=MNEMONIC, genesis_time=GENESIS_TIME, extra=ZERO_FEES, **options)
    async with deployed_chain(given, directory / "deployment.json", authority) as found:
        yield found


@asynccontextmanager
async def running_network(
    directory: Path, departments: Sequence[str], *, chain: Mapping[str, Any] | None = None, **changes: Any
) -> AsyncIterator[Network]:
    """The authority and some departments, registered and serving; ``chain`` are further ``AnvilOptions``."""
    wanted = [D01, *(uscc for uscc in departments if uscc != D01)]
    keys = {uscc: make_keys(directory / uscc / KEYS_DIR, authority=uscc == D01) for uscc in wanted}
    async with AsyncExitStack() as stack:
        authority = keys[D01].chain[AUTHORITY_ROLE].address
        anvil, deployment = await stack.enter_async_context(running_chain(directory, authority, **(chain or {})))
        assert manifest.parse((directory / "deployment.json").read_bytes()) == deployment
        network = Network(directory, anvil, deployment)
        for uscc in wanted:
            settings = settings_of(directory, uscc, anvil.url, free_port(), **changes)
            network.nodes[uscc] = await stack.enter_async_context(serving(settings))
        for uscc in wanted:
            request = await registration(uscc, keys[uscc], network[uscc].url, deployment)
            await network[D01].node.authority.register(request.dumps())
        await network.in_step()
        yield network
