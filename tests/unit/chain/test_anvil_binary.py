from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.anvil import CONTRACTS_DIR
from xinlian.chain.anvil import Anvil, AnvilOptions, find_binary, pinned_version
from xinlian.protocol.errors import ConfigError


def _anvil(folder: Path, version: str) -> Path:
    binary = folder / "anvil"
    binary.write_text(f"#!/bin/sh\necho 'anvil Version: {version}'\n")
    binary.chmod(0o755)
    return binary


def _contracts(folder: Path) -> Path:
    (folder / "package.json").write_text(json.dumps({"dependencies": {"@foundry-rs/anvil": "1.7.1"}}))
    return folder


def test_anvil_on_the_path_is_taken_if_its_version_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = _anvil(tmp_path, "1.7.1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_binary(CONTRACTS_DIR) == on_path
    _anvil(tmp_path, "1.6.0")
    assert find_binary(CONTRACTS_DIR).is_relative_to(CONTRACTS_DIR)


def test_a_missing_anvil_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError) as caught:
        find_binary(_contracts(tmp_path))
    assert caught.value.code == "anvil-missing"
    assert "scripts/setup" in caught.value.message


@pytest.mark.parametrize("text", ["", "{}", '{"dependencies": {}}'])
def test_a_package_file_that_pins_nothing_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "package.json").write_text(text)
    with pytest.raises(ConfigError) as caught:
        pinned_version(tmp_path)
    assert caught.value.code == "anvil-missing"


def test_an_anvil_that_ends_at_once_shows_its_last_words(tmp_path: Path) -> None:
    options = AnvilOptions(CONTRACTS_DIR, "not a mnemonic", state_file=tmp_path / "state.json")
    with pytest.raises(ConfigError) as caught:
        Anvil(options).start()
    assert caught.value.code == "anvil-failed"
