"""Evidence that somebody changed, and evidence from a forged ledger: the verifier says no, and which check says it.

Nothing here goes through a node: files are changed as anybody could, and ``xinlian verify`` judges them against the manifest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from scripts.demo_app import forgery
from scripts.demo_app.stage import Stage, write_json
from xinlian.protocol.b64 import b64u, unb64u

_ALTERED: Final = 1

Change = Callable[[dict[str, Any]], None]


def tamper(stage: Stage) -> None:
    """Every altered file must fail; so must the forged ledger."""
    changes = _changes()
    expected = {name: {"exit_code": _ALTERED, "failed": list(failed)} for name, (_, _, failed) in changes.items()}
    stage.summary.run("altered", "one changed byte anywhere → altered 核验不一致", expected, lambda: _alter_all(stage, changes))
    title = "a forged ledger with the same USCC and the same leaf, on the same chain → fails"
    expected_forged = {"forged_is_anchored": True, "exit_code": _ALTERED, "ledger-address": "failed"}
    stage.summary.run("forged-ledger", title, expected_forged, lambda: _forge(stage))


def _changes() -> dict[str, tuple[str, Change, tuple[str, ...]]]:
    """By name of the altered file: the good bundle, what is changed, the checks that must fail."""
    return {
        "price-lowered.json": (
            "contract-1.json",
            _disclosure("total_price_yuan", b'"720000.00"', b'"620000.00"'),
            ("disclosures",),
        ),
        "salt-changed.json": ("marriage-1.json", _first_salt, ("disclosures",)),
        "statement-time.json": ("permit-1.json", _statement_time, ("leaf-path",)),
        "path-hash.json": ("own-account-1.json", _path_hash, ("leaf-path",)),
        "batch-root.json": ("identity-1.json", _root, ("leaf-path", "anchored")),
        "leaf-index.json": ("own-account-2.json", _index, ("leaf-path",)),
    }


def _alter_all(stage: Stage, changes: dict[str, tuple[str, Change, tuple[str, ...]]]) -> dict[str, Any]:
    files = [_alter(stage, name, good, change) for name, (good, change, _) in changes.items()]
    found = stage.verify_all(files)
    return {name: {"exit_code": report["exit_code"], "failed": report["failed"]} for name, report in found.items()}


def _alter(stage: Stage, name: str, good: str, change: Change) -> Path:
    bundle = json.loads((stage.places.bundles / good).read_bytes())
    change(bundle)
    return write_json(stage.places.altered / name, bundle)


def _disclosure(name: str, old: bytes, new: bytes) -> Change:
    """Change the value of one disclosed field."""

    def change(bundle: dict[str, Any]) -> None:
        raw = [unb64u(text) for text in bundle["disclosures"]]
        index = next(i for i, text in enumerate(raw) if json.loads(text)[1] == name)
        assert old in raw[index], f"{name} does not hold the value that is to be changed"
        bundle["disclosures"][index] = b64u(raw[index].replace(old, new))

    return change


def _first_salt(bundle: dict[str, Any]) -> None:
    """Change one character of a salt."""
    raw = unb64u(bundle["disclosures"][0])
    bundle["disclosures"][0] = b64u(raw[:2] + (b"A" if raw[2:3] != b"A" else b"B") + raw[3:])


def _statement_time(bundle: dict[str, Any]) -> None:
    """Make the statement one second older."""
    raw = unb64u(bundle["statement"])
    issued = json.loads(raw)["iat"]
    bundle["statement"] = b64u(raw.replace(f'"iat":{issued}'.encode(), f'"iat":{issued - 1}'.encode()))


def _flipped(text: str) -> str:
    """A hex text with its last digit changed."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def _path_hash(bundle: dict[str, Any]) -> None:
    bundle["receipt"]["path"][0] = _flipped(bundle["receipt"]["path"][0])


def _root(bundle: dict[str, Any]) -> None:
    bundle["receipt"]["root"] = _flipped(bundle["receipt"]["root"])


def _index(bundle: dict[str, Any]) -> None:
    bundle["receipt"]["index"] ^= 1


def _forge(stage: Stage) -> dict[str, Any]:
    good = json.loads((stage.places.bundles / "identity-1.json").read_bytes())
    forged = forgery.forge(stage, good)
    file = write_json(stage.places.altered / "forged-ledger.json", forged.bundle)
    found = stage.verify(file)
    outcomes = {check["name"]: check["outcome"] for check in found["report"]["checks"]}
    return {
        "forged_is_anchored": forged.is_anchored,
        "exit_code": found["exit_code"],
        "ledger-address": outcomes["ledger-address"],
    }
