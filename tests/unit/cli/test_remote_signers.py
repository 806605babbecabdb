"""A department whose chain keys are at a remote signer: set up and asked for registration by commands alone."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.support.evidence import World
from tests.support.web3signer import signing_server
from xinlian.chain.keys import LocalKey, Registry, possession_bytes, signed_by
from xinlian.cli.main import app
from xinlian.node.registration import SIGNER_ROLES, parse_registration
from xinlian.node.settings import load_settings
from xinlian.protocol import manifest
from xinlian.protocol.keccak import keccak256

FUND = "12411599MBDEM00233"
SECRETS = {role: keccak256(f"remote {role}".encode()) for role in SIGNER_ROLES}
KEY = (
    "0x0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)
"""The curve's generator: a public key that everybody knows."""


def run(folder: Path, *arguments: str) -> Result:
    blank: dict[str, str | None] = {name: None for name in os.environ if name.startswith("XINLIAN_")}
    environment = {**blank, "XINLIAN_PASSPHRASE": "a passphrase of the tests", "XINLIAN_DATA_DIR": str(folder / "node")}
    return CliRunner().invoke(app, [*arguments, "--json"], env=environment)


def init(folder: Path, *signers: str) -> Result:
    identity = ("--department", FUND, "--name", "测试市住房公积金管理中心", "--endpoint", "http://127.0.0.1:8700")
    options = [part for signer in signers for part in ("--signer", signer)]
    return run(folder, "department", "init", *identity, "--light-kdf", "--development", *options)


def request(folder: Path) -> Result:
    files = ("--deployment", str(folder / "deployment.json"), "-o", str(folder / "request.json"))
    return run(folder, "department", "request", *files)


async def test_from_setting_up_to_the_request(tmp_path: Path) -> None:
    trusted = World().deployment
    (tmp_path / "deployment.json").write_bytes(manifest.dumps(trusted))
    async with signing_server(SECRETS.values()) as signer:
        places = [f"{role}={signer.url}#{one}" for role, one in zip(SECRETS, signer.identifiers, strict=True)]
        made = await asyncio.to_thread(init, tmp_path, *places)
        assert made.exit_code == 0, made
        addresses = {role: LocalKey.from_secret(secret).address for role, secret in SECRETS.items()}
        assert json.loads(made.stdout)["addresses"] == addresses
        assert sorted(path.stem for path in (tmp_path / "node" / "keys").glob("*.json")) == ["storage"]
        assert set(load_settings(tmp_path / "node" / "node.toml", passphrase=None).signers) == set(SECRETS)
        wanted = (
            "department",
            "request",
            "--deployment",
            str(tmp_path / "deployment.json"),
            "-o",
            str(tmp_path / "request.json"),
        )
        asked = await asyncio.to_thread(run, tmp_path, *wanted)
        assert asked.exit_code == 0, asked
    made_request = parse_registration((tmp_path / "request.json").read_bytes())
    registry = Registry(trusted.chain_id, trusted.contracts["DepartmentRegistry"].address)
    for one, role in zip(made_request.signers, SIGNER_ROLES.values(), strict=True):
        proof = bytes.fromhex(one.possession.removeprefix("0x"))
        assert signed_by(possession_bytes(registry, FUND, one.address, role), proof) == one.address
    assert [one.address for one in made_request.signers] == list(addresses.values())


def test_some_keys_here_and_some_there(tmp_path: Path) -> None:
    made = init(tmp_path, f"law=http://127.0.0.1:9000#{KEY}")
    assert made.exit_code == 0, made
    assert sorted(path.stem for path in (tmp_path / "node" / "keys").glob("*.json")) == ["admin", "anchor", "storage"]


def test_a_signer_that_is_away_makes_no_request(tmp_path: Path) -> None:
    (tmp_path / "deployment.json").write_bytes(manifest.dumps(World().deployment))
    assert init(tmp_path, f"law=http://127.0.0.1:9#{KEY}").exit_code == 0
    asked = request(tmp_path)
    assert (asked.exit_code, json.loads(asked.stderr)["code"]) == (14, "signer-down")
    assert not (tmp_path / "request.json").exists()


@pytest.mark.parametrize(
    ("signers", "code"),
    [
        (["law"], "argument-form"),
        (["law=http://127.0.0.1:9000"], "argument-form"),
        (["teller=http://127.0.0.1:9000#" + KEY], "argument-form"),
        (["law=http://127.0.0.1:9000#" + KEY, "law=http://127.0.0.1:9001#" + KEY], "argument-form"),
        (["law=http://127.0.0.1:9000#0x12"], "signer-place"),
        (["law=ftp://127.0.0.1#" + KEY], "signer-place"),
    ],
)
def test_a_signer_that_is_named_wrongly_makes_nothing(tmp_path: Path, signers: list[str], code: str) -> None:
    made: Any = init(tmp_path, *signers)
    assert (made.exit_code, json.loads(made.stderr)["code"]) == (2, code)
    assert not (tmp_path / "node").exists()
