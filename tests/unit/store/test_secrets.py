from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import shake_256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from eth_account import Account

from xinlian.protocol.errors import ConfigError
from xinlian.store import secrets
from xinlian.store.secrets import SCRYPT_N, SCRYPT_N_TEST, Creation, NodeKeys

PASSPHRASE = "测试 passphrase"


def _random(seed: bytes) -> Callable[[int], bytes]:
    state = [seed]

    def random(size: int) -> bytes:
        state[0] = shake_256(state[0]).digest(32)
        return shake_256(b"out" + state[0]).digest(size)

    return random


def _creation(seed: bytes = b"seed", **changes: object) -> Creation:
    return Creation(1_000, _random(seed), scrypt_n=SCRYPT_N_TEST, **changes)  # type: ignore[arg-type]


@pytest.fixture
def keys(tmp_path: Path) -> NodeKeys:
    return NodeKeys.create(tmp_path / "keys", PASSPHRASE, _creation())


def _same(one: NodeKeys, two: NodeKeys) -> bool:
    rings = [[(k.public, k.created_at) for k in ring.keys] for keys in (one, two) for ring in (keys.signing, keys.hpke)]
    return rings[:2] == rings[2:] and one.chain == two.chain and one.storage == two.storage


def test_keys_come_from_the_random_source_and_load_again(keys: NodeKeys, tmp_path: Path) -> None:
    assert set(keys.chain) == {"anchor", "law", "admin"}
    assert _same(keys, NodeKeys.load(tmp_path / "keys", PASSPHRASE))
    assert _same(keys, NodeKeys.create(tmp_path / "again", PASSPHRASE, _creation()))
    assert not _same(keys, NodeKeys.create(tmp_path / "other", PASSPHRASE, _creation(b"other")))
    everything = [*(k.private for k in keys.chain.values()), keys.storage.index, keys.storage.pseudonym, keys.storage.column]
    assert len({*everything, keys.storage.file, *keys.storage.keks.values()}) == 8


def test_files_are_for_the_owner_and_hold_no_key_in_clear(keys: NodeKeys, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert folder.stat().st_mode & 0o777 == 0o700
    names = {path.name for path in folder.iterdir()}
    assert names == {"storage.json", "anchor.json", "law.json", "admin.json", "signing-1000-1.pem", "hpke-1000-1.pem"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    assert keys.chain["law"].private.hex().encode() not in content
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in content
    assert b"BEGIN PRIVATE KEY" not in content


def test_chain_keys_are_standard_keystores(keys: NodeKeys, tmp_path: Path) -> None:
    keystore = json.loads((tmp_path / "keys" / "anchor.json").read_text())
    assert keystore["version"] == 3
    assert Account.from_key(Account.decrypt(keystore, PASSPHRASE)).address == keys.chain["anchor"].address


def test_the_authority_has_one_key_more(tmp_path: Path) -> None:
    roles = (*secrets.NODE_ROLES, secrets.AUTHORITY_ROLE)
    keys = NodeKeys.create(tmp_path / "keys", PASSPHRASE, _creation(roles=roles))
    assert set(keys.chain) == {"anchor", "law", "admin", "authority"}


def test_a_wrong_or_empty_passphrase_is_said_so(keys: NodeKeys, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        NodeKeys.load(tmp_path / "keys", PASSPHRASE + "x")
    with pytest.raises(ConfigError) as empty:
        NodeKeys.create(tmp_path / "more", "", _creation())
    assert (wrong.value.code, empty.value.code) == ("passphrase-wrong", "passphrase-wrong")
    foreign = NodeKeys.create(tmp_path / "foreign", "another", _creation(b"2"))
    (tmp_path / "keys" / "law.json").write_bytes((foreign.directory / "law.json").read_bytes())
    with pytest.raises(ConfigError) as mixed:
        NodeKeys.load(tmp_path / "keys", PASSPHRASE)
    assert mixed.value.code == "passphrase-wrong"


def test_keys_are_never_overwritten(keys: NodeKeys, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        NodeKeys.create(tmp_path / "keys", PASSPHRASE, _creation(b"other"))
    assert caught.value.code == "keys-exist"
    assert _same(keys, NodeKeys.load(tmp_path / "keys", PASSPHRASE))


def test_what_a_crash_left_is_not_a_set_of_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_args: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(secrets, "_seal_storage", crash)
        with pytest.raises(KeyboardInterrupt):
            NodeKeys.create(tmp_path / "keys", PASSPHRASE, _creation())
    with pytest.raises(ConfigError) as caught:
        NodeKeys.load(tmp_path / "keys", PASSPHRASE)
    assert caught.value.code == "keys-missing"
    NodeKeys.create(tmp_path / "keys", PASSPHRASE, _creation())
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_files_that_others_can_read_are_refused(keys: NodeKeys, tmp_path: Path, mode: int) -> None:
    (tmp_path / "keys" / "law.json").chmod(mode)
    with pytest.raises(ConfigError) as caught:
        NodeKeys.load(tmp_path / "keys", PASSPHRASE)
    assert caught.value.code == "keys-mode"


@pytest.mark.parametrize("name", ["storage.json", "signing-1000-1.pem", "hpke-1000-1.pem", "law.json"])
def test_damaged_files_are_named(keys: NodeKeys, tmp_path: Path, name: str) -> None:
    path = tmp_path / "keys" / name
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ConfigError) as caught:
        NodeKeys.load(tmp_path / "keys", PASSPHRASE)
    assert (caught.value.code, caught.value.fields.get("file")) == ("keys-missing", name)


@pytest.mark.parametrize("name", ["storage.json", "signing-1000-1.pem", "hpke-1000-1.pem"])
def test_missing_files_are_noticed(keys: NodeKeys, tmp_path: Path, name: str) -> None:
    (tmp_path / "keys" / name).unlink()
    with pytest.raises(ConfigError) as caught:
        NodeKeys.load(tmp_path / "keys", PASSPHRASE)
    assert caught.value.code == "keys-missing"


@pytest.mark.parametrize("now_s", [2_000, 1_000, 500])  # also in the same second, also with a clock set back
def test_rotation_adds_a_current_key_and_keeps_the_old(keys: NodeKeys, tmp_path: Path, now_s: int) -> None:
    old_signing, old_hpke = keys.signing.current.public, keys.hpke.current.public
    rotated = keys.rotate_signing(now_s, os.urandom).rotate_hpke(now_s, os.urandom)
    for state in (rotated, NodeKeys.load(tmp_path / "keys", PASSPHRASE)):
        assert [k.public for k in state.signing.retired] == [old_signing]
        assert [k.public for k in state.hpke.retired] == [old_hpke]
        assert state.signing.current.public != old_signing
        assert state.hpke.current.public != old_hpke
        assert state.storage == keys.storage
    signature = rotated.signing.retired[0].private.sign(b"x")
    keys.signing.current.private.public_key().verify(signature, b"x")


def test_the_passphrase_alone_does_not_open_the_pem_files(keys: NodeKeys, tmp_path: Path) -> None:
    """Their own key derivation is weak; they are under a random key that only storage.json holds."""
    with pytest.raises(ValueError, match="password"):
        load_pem_private_key((tmp_path / "keys" / "signing-1000-1.pem").read_bytes(), PASSPHRASE.encode())


def test_production_work_factor_and_nothing_secret_when_printed(keys: NodeKeys) -> None:
    assert Creation(0).scrypt_n == SCRYPT_N >= 2**17
    text = repr(keys)
    assert str(keys.chain["law"].private) not in text
    assert str(keys.storage.index) not in text
