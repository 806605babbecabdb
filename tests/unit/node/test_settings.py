"""Settings: file and environment, every wrong one named, no value of a secret shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from xinlian.node.settings import load_settings
from xinlian.protocol.errors import ConfigError

GOOD = 'department = "12411599MBDEM00233"\ndata_dir = "d"\ndeployment = "deployment.json"\nrpc_urls = ["http://127.0.0.1:8545"]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(GOOD)
    return path


def test_file_environment_and_arguments_win_in_this_order(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(GOOD + "listen_port = 1001\nbatch_max_leaves = 7\npoll_interval_s = 3.0\n")
    monkeypatch.setenv("XINLIAN_LISTEN_PORT", "1002")
    monkeypatch.setenv("XINLIAN_BATCH_MAX_LEAVES", "8")
    settings = load_settings(file, listen_port=1003)
    assert (settings.listen_port, settings.batch_max_leaves, settings.poll_interval_s) == (1003, 8, 3.0)


def test_no_proxy_is_trusted_until_its_network_is_named(file: Path) -> None:
    assert load_settings(file).trusted_proxies == ()
    file.write_text(GOOD + 'trusted_proxies = ["10.0.0.0/8", "fd00::1"]\n')
    assert [str(one) for one in load_settings(file).trusted_proxies] == ["10.0.0.0/8", "fd00::1/128"]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("listen_port = 0", "listen_port"),
        ("listen_port = 'x'", "listen_port"),
        ("batch_max_leaves = 65537", "batch_max_leaves"),
        ("verify_attempts = 6", "verify_attempts"),
        ("retention_days = 100", "retention_days"),
        ('trusted_proxies = ["10.0.0.1/8"]', "trusted_proxies"),
        ('trusted_proxies = ["proxy"]', "trusted_proxies"),
        ('trusted_proxies = ["10.0.0.0/8", "0.0.0.0/0"]', "trusted_proxies"),
        ('trusted_proxies = ["::/0"]', "trusted_proxies"),
        ("idempotency_days = 0", "idempotency_days"),
        ("no_such_setting = 1", "no_such_setting"),
        ('passphrase = "secret-1"\npassphrase_file = "x"', "passphrase"),
    ],
)
def test_every_wrong_setting_is_named_without_secrets(file: Path, line: str, named: str) -> None:
    file.write_text(GOOD + line + "\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert caught.value.code == "setting-wrong"
    assert named in caught.value.message
    assert "secret-1" not in caught.value.message + repr(caught.value.fields)


def test_two_wrong_ones_are_both_named(file: Path) -> None:
    file.write_text(GOOD.replace("12411599MBDEM00233", "12411599MBDEM00234") + "token_days = 0\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    wrong = caught.value.fields["settings"]
    assert isinstance(wrong, list)
    assert [text.split(":")[0] for text in wrong] == ["department", "token_days"]


def test_missing_and_broken_files(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("a = = 1")
    for path in (tmp_path / "none.toml", broken):
        with pytest.raises(ConfigError) as caught:
            load_settings(path)
        assert caught.value.code == "setting-wrong"
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "department" in caught.value.message


def test_the_passphrase(file: Path, tmp_path: Path) -> None:
    assert load_settings(file, passphrase="first word").passphrase_bytes() == b"first word"
    secret = tmp_path / "secret"
    secret.write_text("two\nthree\n")
    assert load_settings(file, passphrase_file=secret).passphrase_bytes() == b"two"
    secret.write_text("")
    for settings in (
        load_settings(file),
        load_settings(file, passphrase_file=secret),
        load_settings(file, passphrase_file=tmp_path / "none"),
    ):
        with pytest.raises(ConfigError) as caught:
            settings.passphrase_bytes()
        assert caught.value.code == "passphrase-missing"
    assert "first word" not in repr(load_settings(file, passphrase="first word"))
