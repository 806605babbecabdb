"""A node whose chain keys are at a remote signer: registered, anchoring, and honest while the signer is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner

from tests.support.faults import until
from tests.support.network import D01, D02, PASSPHRASE, Network, Running, running_network, serving, settings_of
from tests.support.web3signer import SigningServer, signing_server
from xinlian.chain.anvil import free_port
from xinlian.chain.keys import LocalKey
from xinlian.chain.remote_key import RemoteKey
from xinlian.cli.main import app
from xinlian.node.chain_keys import chain_keys
from xinlian.node.graph import KEYS_DIR, build
from xinlian.node.registration import KINDS, Applicant, request_for
from xinlian.node.settings import Settings
from xinlian.protocol.errors import ChainError, ConfigError
from xinlian.protocol.keccak import keccak256
from xinlian.store.secrets import SCRYPT_N_TEST, Creation, NodeKeys

ROLES = ("anchor", "law", "admin")
SECRETS = {role: keccak256(f"remote {role}".encode()) for role in ROLES}
pytestmark = pytest.mark.timeout(120)


@dataclass
class Remote:
    """A network of the authority and one department without a chain key of its own; its signer."""

    network: Network
    signer: SigningServer
    settings: Settings
    keys: NodeKeys

    async def register(self, endpoint: str) -> None:
        signing = chain_keys(self.settings, self.keys)
        applicant = Applicant(D02, KINDS["department"], "测试市住房公积金管理中心", endpoint)
        request = await request_for(applicant, self.keys, signing, self.network.deployment)
        for key in signing.values():
            assert isinstance(key, RemoteKey)
            await key.close()
        await self.network[D01].node.authority.register(request.dumps())


def signers_at(signer: SigningServer) -> dict[str, Any]:
    return {
        role: {"url": signer.url, "identifier": identifier} for role, identifier in zip(ROLES, signer.identifiers, strict=True)
    }


@pytest.fixture
async def remote(tmp_path: Path) -> AsyncIterator[Remote]:
    async with signing_server(SECRETS.values()) as signer, running_network(tmp_path, []) as network:
        keys = NodeKeys.create(tmp_path / D02 / KEYS_DIR, PASSPHRASE, Creation(1, roles=(), scrypt_n=SCRYPT_N_TEST))
        settings = settings_of(tmp_path, D02, network.anvil.url, free_port(), signers=signers_at(signer))
        yield Remote(network, signer, settings, keys)


async def publish(one: Running, network: Network, rows: list[dict[str, Any]]) -> int:
    network.nodes[D02] = one
    dataset = one.node.catalogue.own("GJJ-01")
    accepted = await one.node.publishing.publish_rows(dataset, list(enumerate(rows, start=1)), one.person)
    return accepted.last_position


async def test_a_node_without_a_chain_key_of_its_own(remote: Remote, rows: Any, tmp_path: Path) -> None:
    network = remote.network
    async with serving(remote.settings) as one:
        network.nodes[D02] = one
        await remote.register(one.url)
        await network.in_step()
        for role in ROLES:
            registered = network[D01].node.state.signers[one.node.transactions.address_of(role)]
            assert (registered.department, registered.to_block) == (D02, None)
        await network.offer(D02, "GJJ-01")  # proposed with the LAW key
        position = await publish(one, network, rows.take(2))
        assert await one.node.anchoring.wait_anchored(position, 20)  # anchored with the ANCHOR key
        await one.node.identity.rotate("signing")  # published with the ADMIN key
        assert await asyncio.to_thread(signers_by_doctor, remote, tmp_path) == "ok"
    remote.signer.keys.clear()
    assert await asyncio.to_thread(signers_by_doctor, remote, tmp_path) == "FAILED"


def signers_by_doctor(remote: Remote, folder: Path) -> str:
    """What ``xinlian doctor`` says of the node's signers."""
    flat = {
        name: value for name, value in remote.settings.model_dump(mode="json", exclude_none=True).items() if name != "signers"
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in {**flat, "passphrase": PASSPHRASE}.items()]
    for role, one in remote.settings.model_dump(mode="json", exclude_none=True)["signers"].items():
        lines += [f"[signers.{role}]", *(f"{name} = {json.dumps(value)}" for name, value in one.items())]
    (folder / "node.toml").write_text("\n".join(lines) + "\n")
    ran = CliRunner().invoke(app, ["doctor", "--config", str(folder / "node.toml"), "--json"])
    return next(str(check["outcome"]) for check in json.loads(ran.stdout)["checks"] if check["name"] == "signers")


async def test_while_the_signer_is_away_publishing_goes_on_and_anchoring_waits(remote: Remote, rows: Any) -> None:
    network, signer = remote.network, remote.signer
    async with serving(remote.settings) as one:
        network.nodes[D02] = one
        await remote.register(one.url)
        await network.in_step()
        await network.offer(D02, "GJJ-01")
        signer.answer = web.Response(status=503)
        position = await publish(one, network, rows.take(1))
        assert not await one.node.anchoring.wait_anchored(position, 1.0)
        with pytest.raises(ChainError) as caught:
            await one.node.identity.rotate("hpke")
        assert (caught.value.code, caught.value.retryable) == ("signer-down", True)
        signer.answer = None
        assert await one.node.anchoring.wait_anchored(position, 20)
        assert one.node.parking.count() == 0


async def test_a_signer_with_another_key_stops_the_start(remote: Remote) -> None:
    law, admin = remote.signer.identifiers[1:]
    keys = remote.signer.keys
    keys[law.removeprefix("0x")], keys[admin.removeprefix("0x")] = keys[admin.removeprefix("0x")], keys[law.removeprefix("0x")]
    node = await build(remote.settings)
    with pytest.raises(ChainError) as caught:
        async with node.running():
            pass
    assert caught.value.code == "signer-answer"


async def test_a_signer_that_is_down_stops_no_start(remote: Remote) -> None:
    away = {role: {**one, "url": f"http://127.0.0.1:{free_port()}"} for role, one in signers_at(remote.signer).items()}
    settings = remote.settings.model_copy(update={"signers": Settings.model_validate({**_dump(remote), "signers": away}).signers})
    async with serving(settings) as one:
        assert await until(lambda: one.node.following.is_held)


def _dump(remote: Remote) -> dict[str, Any]:
    return remote.settings.model_dump(exclude_none=True)


def test_a_role_with_neither_file_nor_signer_is_named(remote: Remote) -> None:
    only = {"law": signers_at(remote.signer)["law"]}
    settings = Settings.model_validate({**_dump(remote), "signers": only})
    with pytest.raises(ConfigError) as caught:
        chain_keys(settings, remote.keys)
    assert (caught.value.code, caught.value.fields["role"]) == ("chain-key-missing", "anchor")


def test_a_signer_takes_the_place_of_the_key_file(remote: Remote, tmp_path: Path) -> None:
    keys = NodeKeys.create(tmp_path / "files", PASSPHRASE, Creation(1, scrypt_n=SCRYPT_N_TEST))
    settings = Settings.model_validate({**_dump(remote), "signers": {"law": signers_at(remote.signer)["law"]}})
    found = chain_keys(settings, keys)
    assert found["law"].address == LocalKey.from_secret(SECRETS["law"]).address
    assert found["anchor"].address == keys.chain["anchor"].address
