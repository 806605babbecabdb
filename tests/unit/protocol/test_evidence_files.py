"""Receipts, bundles and manifests as files: one strict form, every deviation named, vectors of a second implementation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support import naive
from tests.support.evidence import World, deployment
from xinlian.protocol import bundle as bundles
from xinlian.protocol import manifest
from xinlian.protocol.errors import InputError
from xinlian.protocol.receipt import FIELDS, Receipt

Members = dict[str, Any]
Change = Callable[[Members], Any]
VECTORS: list[Members] = json.loads((naive.VECTORS / "bundles.json").read_text())["vectors"]


def receipt_members() -> Members:
    receipt = World().bundle().receipt
    assert receipt is not None
    return receipt.to_json()


def full_members() -> Members:
    world = World()
    return json.loads(bundles.dumps(replace(world.bundle(signed_by=1), successor=world.successor())))  # type: ignore[no-any-return]


# -- receipt --------------------------------------------------------------------------------------------


def test_a_receipt_keeps_its_members_in_order() -> None:
    members = receipt_members()
    assert tuple(members) == FIELDS
    assert Receipt.from_json(members).to_json() == members


BAD_RECEIPT_VALUES: list[tuple[str, Any]] = [
    *[(name, bad) for name in ("chain_id", "sequence", "size") for bad in (0, -1, 1.0, True, "1", None, 2**53)],
    *[(name, bad) for name in ("index", "block_number", "block_time") for bad in (-1, 1.0, False, "1", None)],
    *[(name, bad) for name in ("index", "size") for bad in (2**32,)],
    *[(name, bad) for name in ("genesis_hash", "tx_hash") for bad in ("", "11" * 32, "0x" + "AB" * 32, "0x" + "11" * 31, 1)],
    *[("ledger", bad) for bad in ("", "0x12", "12" * 20, "0x" + "aB" * 20, None)],
    *[("department", bad) for bad in ("", "12411599MBDEM0023I", "12411599mbdem00233", None)],
    *[("stream", bad) for bad in ("Records", "", 1, None)],
    *[("root", bad) for bad in ("0x" + "11" * 32, "AB" * 32, "11" * 31, None)],
    *[("suite", bad) for bad in (0, 2, 256, "1", None)],
    *[("path", bad) for bad in (None, "11" * 32, ["0x" + "11" * 32], [1], ["AB" * 32], ["11" * 32] * 65)],
]


@pytest.mark.parametrize(("name", "bad"), BAD_RECEIPT_VALUES)
def test_a_wrong_value_in_a_receipt_is_named(name: str, bad: Any) -> None:
    with pytest.raises(InputError) as caught:
        Receipt.from_json({**receipt_members(), name: bad})
    assert (caught.value.code, caught.value.fields["field"]) == ("receipt-form", name)


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_of_a_receipt_is_named(name: str) -> None:
    members = receipt_members()
    del members[name]
    with pytest.raises(InputError) as caught:
        Receipt.from_json(members)
    assert (caught.value.code, caught.value.fields["field"]) == ("receipt-form", name)


@pytest.mark.parametrize("members", [None, [], "a", {**receipt_members(), "more": 1}])
def test_what_is_no_receipt(members: object) -> None:
    with pytest.raises(InputError) as caught:
        Receipt.from_json(members)
    assert caught.value.code == "receipt-form"


# -- bundle ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["title"])
def test_bundle_vectors(vector: Members) -> None:
    text = naive.compact(vector["bundle"]).encode()
    assert bundles.dumps(bundles.parse(text)) == text
    assert bundles.parse(json.dumps(vector["bundle"], indent=2, sort_keys=True).encode()) == bundles.parse(text)


def test_the_vectors_are_those_of_the_naive_implementation() -> None:
    assert naive.bundle_vectors() == VECTORS


def test_a_bundle_opens_its_disclosures() -> None:
    bundle = bundles.parse(naive.compact(full_members()).encode())
    assert [(item.name, item.value) for item in bundle.opened()] == [("name", "测试甲"), ("balance_yuan", "120000.00")]


BENT: dict[str, Change] = {
    "format missing": lambda m: m.pop("format"),
    "another format": lambda m: m.update(format="xinlian-evidence/2"),
    "format no text": lambda m: m.update(format=1),
    "statement missing": lambda m: m.pop("statement"),
    "statement no text": lambda m: m.update(statement=None),
    "statement padded": lambda m: m.update(statement=m["statement"] + "="),
    "statement no JSON": lambda m: m.update(statement="AAAA"),
    "statement re-spaced": lambda m: m.update(statement=naive.b64(b'{"iss": 1}')),
    "disclosures missing": lambda m: m.pop("disclosures"),
    "disclosures no list": lambda m: m.update(disclosures="a"),
    "a disclosure no text": lambda m: m["disclosures"].append(1),
    "a broken disclosure": lambda m: m["disclosures"].append("AAAA"),
    "too many disclosures": lambda m: m.update(disclosures=["A"] * 10_001),
    "signed null": lambda m: m.update(signed=None),
    "signed no JWS": lambda m: m.update(signed="a.b"),
    "receipt missing": lambda m: m.pop("receipt"),
    "receipt broken": lambda m: m["receipt"].pop("root"),
    "receipt no object": lambda m: m.update(receipt=[]),
    "successor missing": lambda m: m.pop("successor"),
    "successor without receipt": lambda m: m["successor"].pop("receipt"),
    "successor's receipt null": lambda m: m["successor"].update(receipt=None),
    "successor with more": lambda m: m["successor"].update(disclosures=[]),
    "successor no object": lambda m: m.update(successor=1),
    "issued_at missing": lambda m: m.pop("issued_at"),
    "issued_at no number": lambda m: m.update(issued_at="1"),
    "issued_at negative": lambda m: m.update(issued_at=-1),
    "issued_at true": lambda m: m.update(issued_at=True),
    "a member more": lambda m: m.update(note="x"),
}


@pytest.mark.parametrize("title", BENT)
def test_a_bent_bundle_is_refused(title: str) -> None:
    members = full_members()
    BENT[title](members)
    with pytest.raises(InputError) as caught:
        bundles.parse(naive.compact(members).encode())
    assert caught.value.code == "bundle-format"


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"{", b'{"format":1,"format":1}', b"[" * 50, b"\xff", b" " * (4 * 1024 * 1024 + 1)]
)
def test_what_is_no_bundle(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        bundles.parse(data)
    assert caught.value.code == "bundle-format"


def test_a_refusal_holds_no_value_of_the_record() -> None:
    members = full_members()
    members["disclosures"].append(naive.b64(b'["AAAA","id_number","411599199001010014"]'))
    with pytest.raises(InputError) as caught:
        bundles.parse(naive.compact(members).encode())
    assert "411599" not in caught.value.message + repr(caught.value.fields)


# -- manifest -------------------------------------------------------------------------------------------


def test_a_manifest_comes_back() -> None:
    text = manifest.dumps(deployment())
    assert manifest.parse(text) == deployment()
    assert list(json.loads(text)["contracts"]) == list(manifest.CONTRACTS)


BENT_MANIFESTS: dict[str, Change] = {
    "another format": lambda m: m.update(format="xinlian-deployment/2"),
    "a member more": lambda m: m.update(note="x"),
    "no confirmations": lambda m: m.pop("confirmations"),
    "negative confirmations": lambda m: m.update(confirmations=-1),
    "chain id 0": lambda m: m.update(chain_id=0),
    "chain id true": lambda m: m.update(chain_id=True),
    "genesis without 0x": lambda m: m.update(genesis_hash="11" * 32),
    "genesis no text": lambda m: m.update(genesis_hash=None),
    "contracts no object": lambda m: m.update(contracts=[]),
    "a contract missing": lambda m: m["contracts"].pop("CaseLedger"),
    "a contract more": lambda m: m["contracts"].update(Other=m["contracts"]["CaseLedger"]),
    "a contract without code": lambda m: m["contracts"]["CaseLedger"].pop("code_hash"),
    "a contract no object": lambda m: m["contracts"].update(CaseLedger=None),
    "a wrong checksum": lambda m: m["contracts"]["CaseLedger"].update(address="0x" + "aB" * 20),
    "an address no text": lambda m: m["contracts"]["CaseLedger"].update(address=1),
    "an upper-case hash": lambda m: m["contracts"]["CaseLedger"].update(code_hash="0x" + "AB" * 32),
    "a negative block": lambda m: m["contracts"]["CaseLedger"].update(block_number=-1),
}


@pytest.mark.parametrize("title", BENT_MANIFESTS)
def test_a_bent_manifest_is_refused(title: str) -> None:
    members = json.loads(manifest.dumps(deployment()))
    BENT_MANIFESTS[title](members)
    with pytest.raises(InputError) as caught:
        manifest.parse(naive.compact(members).encode())
    assert caught.value.code == "manifest-format"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b" " * 70_000])
def test_what_is_no_manifest(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        manifest.parse(data)
    assert caught.value.code == "manifest-format"
