"""Act statements: the bytes of the vectors, nothing of a person in clear, a closed list of acts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support import naive
from xinlian.protocol.acts import ActClear, ActDisclosed, ActorRole, ActWord, parse_act, seal_act
from xinlian.protocol.b64 import unb64u
from xinlian.protocol.documents import read_document
from xinlian.protocol.errors import EvidenceError, InputError, XinlianError
from xinlian.protocol.statements.form import StatementIds
from xinlian.protocol.types import EpochS, RecordId, Uscc

VECTORS: list[dict[str, Any]] = json.loads((naive.VECTORS / "acts.json").read_text())["vectors"]
DOCUMENTS: list[dict[str, Any]] = json.loads((naive.VECTORS / "documents.json").read_text())["vectors"]
IDS = StatementIds(Uscc(naive.USCC), RecordId(naive.JTI), EpochS(1_772_000_000))
CLEAR = ActClear(ActWord.CONSENTED, f"dataset {naive.VCT}", EpochS(1_772_000_000), bytes(32))
DISCLOSED = ActDisclosed("P0002", "共享工作机构负责人", ActorRole.HEAD, 7)
KEY = bytes(range(32))


def code_of(call: Callable[[], object], kind: type[XinlianError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert "P0002" not in caught.value.message + repr(caught.value.fields)
    return caught.value.code


def test_the_second_implementation_still_writes_the_vectors() -> None:
    assert naive.act_vectors() == VECTORS
    assert naive.document_vectors() == DOCUMENTS


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["title"])
def test_the_bytes_of_the_vectors(vector: dict[str, Any]) -> None:
    act = parse_act(unb64u(vector["statement"]), vector["disclosures"])
    assert act.disclosed is not None
    clear, disclosed = vector["clear"], vector["disclosed"]
    document = None if act.clear.document is None else act.clear.document.hex()
    assert (act.clear.act, act.clear.object_ref, act.clear.time, document) == tuple(clear.values())
    assert (act.disclosed.person_id, act.disclosed.post, act.disclosed.role, act.disclosed.approval) == tuple(disclosed.values())
    sealed = seal_act(act.ids, act.clear, act.disclosed, bytes.fromhex(vector["record_key"]))
    assert (sealed.statement, list(sealed.disclosures)) == (unb64u(vector["statement"]), vector["disclosures"])
    assert sealed.leaf.hex() == vector["leaf"] == act.leaf.hex()


@pytest.mark.parametrize("vector", DOCUMENTS, ids=lambda vector: vector["digest"][:8])
def test_the_digests_of_the_vectors(vector: dict[str, Any]) -> None:
    document = read_document(bytes.fromhex(vector["salt"]), vector["text"].encode())
    assert document.digest.hex() == vector["digest"]


def test_nothing_of_the_person_stands_in_clear() -> None:
    sealed = seal_act(IDS, CLEAR, DISCLOSED, KEY)
    claims = json.loads(sealed.statement)
    assert set(claims) == {"iss", "vct", "jti", "iat", "rev", "act", "object", "time", "document", "_sd", "_sd_alg"}
    assert claims["vct"] == "xinlian/act@1"
    for secret in ("P0002", "负责人", "head", "approval"):
        assert secret.encode() not in sealed.statement
    other = seal_act(IDS, CLEAR, DISCLOSED, bytes(32))
    assert set(json.loads(other.statement)["_sd"]).isdisjoint(claims["_sd"])


def test_without_all_disclosures_the_person_stays_unknown() -> None:
    sealed = seal_act(IDS, CLEAR, DISCLOSED, KEY)
    assert parse_act(sealed.statement).disclosed is None
    assert parse_act(sealed.statement, sealed.disclosures[:3]).disclosed is None
    assert parse_act(sealed.statement, sealed.disclosures).disclosed == DISCLOSED
    foreign = seal_act(IDS, CLEAR, replace(DISCLOSED, person_id="P0003"), bytes(32)).disclosures[0]
    assert code_of(lambda: parse_act(sealed.statement, [foreign]), EvidenceError) == "statement-foreign-disclosure"


@pytest.mark.parametrize(
    ("clear", "disclosed"),
    [
        (replace(CLEAR, object_ref="dataset x"), DISCLOSED),
        (replace(CLEAR, time=EpochS(-1)), DISCLOSED),
        (replace(CLEAR, document=bytes(31)), DISCLOSED),
        (CLEAR, replace(DISCLOSED, person_id="")),
        (CLEAR, replace(DISCLOSED, person_id="P\n0002")),
        (CLEAR, replace(DISCLOSED, post="x" * 121)),
        (CLEAR, replace(DISCLOSED, approval=0)),
    ],
)
def test_what_is_not_of_its_form_is_not_sealed(clear: ActClear, disclosed: ActDisclosed) -> None:
    assert code_of(lambda: seal_act(IDS, clear, disclosed, KEY)) == "statement-form"


def test_acts_and_roles_are_closed_lists() -> None:
    sealed = seal_act(IDS, CLEAR, DISCLOSED, KEY)
    other = sealed.statement.replace(b'"consented"', b'"approved"')
    assert code_of(lambda: parse_act(other)) == "statement-form"
    read = sealed.statement.replace(b"xinlian/act@1", b"xinlian/read@1")
    assert code_of(lambda: parse_act(read)) == "statement-form"
