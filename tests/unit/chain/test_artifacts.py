"""What scripts/build-contracts committed equals a fresh build, and other committed files agree with it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from xinlian.protocol import manifest, slots

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = ROOT / "contracts"
MAX_DEPLOYED_BYTES = 24_576  # EIP-170
ACCUMULATORS = {
    ("RecordLedger", "_slots"): slots.RECORD_LEDGER_SLOTS,
    ("RecordLedger", "_statusWords"): slots.RECORD_LEDGER_STATUS_WORDS,
    ("RecordLedger", "_accumulators"): slots.RECORD_LEDGER_ACCUMULATORS,
    ("DepartmentRegistry", "authorityAccumulator"): slots.DEPARTMENT_REGISTRY_AUTHORITY_ACCUMULATOR,
    ("DepartmentRegistry", "_accumulators"): slots.DEPARTMENT_REGISTRY_ACCUMULATORS,
    ("DatasetCatalog", "_accumulators"): slots.DATASET_CATALOG_ACCUMULATORS,
    ("DatasetCatalog", "_ownerAccumulators"): slots.DATASET_CATALOG_OWNER_ACCUMULATORS,
    ("SharingRegistry", "_accumulators"): slots.SHARING_REGISTRY_ACCUMULATORS,
    ("SharingRegistry", "_requesterAccumulators"): slots.SHARING_REGISTRY_REQUESTER_ACCUMULATORS,
    ("SharingRegistry", "_providerAccumulators"): slots.SHARING_REGISTRY_PROVIDER_ACCUMULATORS,
    ("CorrectionRegistry", "_accumulators"): slots.CORRECTION_REGISTRY_ACCUMULATORS,
    ("CorrectionRegistry", "_receiverAccumulators"): slots.CORRECTION_REGISTRY_RECEIVER_ACCUMULATORS,
    ("CorrectionRegistry", "_addresseeAccumulators"): slots.CORRECTION_REGISTRY_ADDRESSEE_ACCUMULATORS,
    ("AuthorisationRegistry", "_accumulators"): slots.AUTHORISATION_REGISTRY_ACCUMULATORS,
    ("AuthorisationRegistry", "_recorderAccumulators"): slots.AUTHORISATION_REGISTRY_RECORDER_ACCUMULATORS,
    ("WorkCalendar", "_years"): slots.WORK_CALENDAR_YEARS,
    ("WorkCalendar", "accumulator"): slots.WORK_CALENDAR_ACCUMULATOR,
    ("CaseLedger", "_accumulators"): slots.CASE_LEDGER_ACCUMULATORS,
    ("CaseLedger", "_leadAccumulators"): slots.CASE_LEDGER_LEAD_ACCUMULATORS,
}


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    """scripts/build-contracts as a module."""
    loader = importlib.machinery.SourceFileLoader("build_contracts", str(ROOT / "scripts" / "build-contracts"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _artifact(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "src/xinlian/chain/artifacts" / f"{name}.json").read_text("utf-8"))
    return loaded


def test_committed_files_equal_a_fresh_build(
    builder: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = builder.build()
    assert len(files) == 2 * len(builder.NAMES)
    assert builder.report(builder.stale(files)) == 0, capsys.readouterr().err

    # and the comparison itself notices a changed, a missing and a left-over file, by name
    changed, missing = list(files)[:2]
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    leftover = artifacts / "Gone.json"
    leftover.write_text("{}")
    monkeypatch.setattr(builder, "ARTIFACTS", artifacts)
    altered = {**files, changed: files[changed] + b"\n", tmp_path / missing.name: files[missing]}
    assert set(builder.stale(altered)) == {changed, tmp_path / missing.name, leftover}
    monkeypatch.setattr(builder, "ROOT", Path("/"))
    assert builder.report(builder.stale(altered)) == 1
    assert changed.name in capsys.readouterr().err


@pytest.mark.parametrize("name", manifest.CONTRACTS)
def test_contract_can_be_deployed_anywhere(name: str) -> None:
    artifact = _artifact(name)
    deployed = bytes.fromhex(artifact["deployed_bytecode"][2:])
    assert 0 < len(deployed) <= MAX_DEPLOYED_BYTES
    assert artifact["compiler"]["evm_version"] == "paris", "consortium chains may lack newer instructions"
    assert artifact["bytecode"].startswith("0x60"), "no unlinked library, no missing code"
    for place in artifact["immutable_references"]:
        assert deployed[place["start"] : place["start"] + place["length"]] == bytes(place["length"])


def test_every_state_changing_function_is_in_the_roles_table() -> None:
    table = "".join((CONTRACTS / "test/unit" / f"{name}.t.sol").read_text("utf-8") for name in ("Roles", "SharingRoles"))
    table = re.sub(r"\bI\.", "ISharingRegistry.", table)
    functions = {
        f"I{name}.{entry['name']}"
        for name in manifest.CONTRACTS
        for entry in _artifact(name)["abi"]
        if entry["type"] == "function" and entry["stateMutability"] not in {"view", "pure"}
    }
    assert len(functions) == 65
    assert set(re.findall(r"abi\.encodeCall\((I\w+\.\w+),", table)) == functions


def test_every_error_has_a_test() -> None:
    tests = "".join(path.read_text("utf-8") for path in (CONTRACTS / "test").rglob("*.sol"))
    errors = {
        entry["name"]
        for name in manifest.CONTRACTS
        for entry in _artifact(name)["abi"]
        if entry["type"] == "error" and entry["name"].startswith(name)
    }
    assert len(errors) > 60
    assert {error for error in errors if f"{error}.selector" not in tests} == set()


def test_documented_positions_are_those_of_the_compiler() -> None:
    for (contract, label), position in ACCUMULATORS.items():
        layout = json.loads((CONTRACTS / "snapshots/storage-layout" / f"{contract}.json").read_text("utf-8"))
        assert {entry["label"]: entry["slot"] for entry in layout["storage"]}[label] == position, (contract, label)


def test_compiler_is_the_pinned_one() -> None:
    pinned = json.loads((CONTRACTS / "package.json").read_text("utf-8"))["dependencies"]["solc"]
    assert _artifact("RecordLedger")["compiler"]["version"].startswith(f"{pinned}+commit.")
