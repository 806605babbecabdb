"""What stands on chain of a disputed value: made from the application's own salt, different for every change of it."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from xinlian.protocol.corrections import evidence_digest, target_digest
from xinlian.protocol.forms import read_form
from xinlian.protocol.forms.correction import CorrectionApplication

SALT = bytes(range(32))
CONTENT = {
    "number": 20_261_102_000_001,
    "catalog_code": "11411599MBDEM00311/000001",
    "catalog_version": 1,
    "record_id": "01a3185c-5000-7000-8000-000000000000",
    "revision": 2,
    "items": ["unit_code", "buyers"],
    "doubt": "与不动产权证不一致",
    "evidence": [{"sha256": "cd" * 32, "bytes": 1024, "media_type": "application/pdf", "name": "权证.pdf"}],
    "affected_cases": [],
}
FORM: CorrectionApplication = read_form("correction-application", CONTENT)


def text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def test_the_digests_are_those_of_the_document() -> None:
    target = {name: CONTENT[name] for name in ("record_id", "revision", "items")}
    assert target_digest(SALT, FORM) == sha256(b"\x04" + SALT + text(target)).digest()
    assert evidence_digest(SALT, FORM) == sha256(b"\x05" + SALT + text({"evidence": CONTENT["evidence"]})).digest()


@pytest.mark.parametrize(
    "change", [{"record_id": "01a3185c-5000-7000-8000-000000000001"}, {"revision": 3}, {"items": ("buyers",)}]
)
def test_another_value_has_another_target(change: dict[str, Any]) -> None:
    assert target_digest(SALT, replace(FORM, **change)) != target_digest(SALT, FORM)
    assert evidence_digest(SALT, replace(FORM, **change)) == evidence_digest(SALT, FORM)


def test_another_salt_hides_the_same_value() -> None:
    other = bytes(32)
    assert target_digest(other, FORM) != target_digest(SALT, FORM)
    assert evidence_digest(other, FORM) != evidence_digest(SALT, FORM)
