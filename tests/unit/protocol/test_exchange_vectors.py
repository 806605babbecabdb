"""The byte vectors that docs/protocol-exchange.md names: a second implementation must reach the same bytes."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from xinlian.protocol import codes, documents, envelope, httpsig, messages, notices, statements, subjects
from xinlian.protocol.dataset.model import SubjectKind
from xinlian.protocol.errors import CATALOGUE
from xinlian.protocol.httpsig import Request, Response, SignatureParams
from xinlian.protocol.messages import ProviderCheck
from xinlian.protocol.statements import reads
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, KeyId, RecordId

FOLDER = Path(__file__).parents[2] / "vectors" / "exchange"
SIGNED = ("content-digest", "signature-input", "signature")


def vector(name: str) -> dict[str, Any]:
    value = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value


def params(value: dict[str, Any]) -> SignatureParams:
    return SignatureParams(EpochS(value["created"]), EpochS(value["expires"]), value["nonce"], KeyId(value["keyid"]))


def private_key(value: dict[str, Any]) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(value["private_key"]))


def unsigned(value: dict[str, Any]) -> dict[str, str]:
    return {name: text for name, text in value["headers"].items() if name not in SIGNED}


def test_request_signature() -> None:
    given = vector("signature")["request"]
    request = Request(given["method"], given["path"], given["query"], unsigned(given), bytes.fromhex(given["body"]))
    assert httpsig.sign_request(request, params(given["params"]), private_key(given)) == given["headers"]
    signature = given["headers"]["signature"].removeprefix("xinlian=:").removesuffix(":")
    key, base = private_key(given).public_key(), given["signature_base"].encode("ascii")
    key.verify(base64.b64decode(signature), base)


def test_response_signature_covers_the_requests() -> None:
    given = vector("signature")["response"]
    response = Response(given["status"], unsigned(given), bytes.fromhex(given["body"]))
    made = httpsig.sign_response(response, given["request_signature"], params(given["params"]), private_key(given))
    assert made == given["headers"]
    assert f'"signature";req: {given["request_signature"]}\n' in given["signature_base"]


def test_subjects_tree() -> None:
    given = vector("subjects")
    chosen = [Subject(SubjectKind(entry["kind"]), entry["value"]) for entry in given["subjects"]]
    tree = subjects.build(chosen, [bytes.fromhex(entry["salt"]) for entry in given["subjects"]])
    assert tree.root.hex() == given["root"]
    assert [subjects.opening_to_json(opening) for opening in tree.openings] == given["openings"]
    leaves = [hashlib.sha256(b"\x00" + opening["disclosure"].encode()).digest() for opening in given["openings"]]
    assert [leaf.hex() for leaf in leaves] == given["leaves"]
    inner = hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    assert hashlib.sha256(b"\x01" + inner + leaves[2]).hexdigest() == given["root"]


def test_read_entry_and_answer_statement() -> None:
    given = vector("statements")
    key = bytes.fromhex(given["record_key"])
    read = statements.parse_read(given["read"]["statement"].encode(), given["read"]["disclosures"])
    assert read.disclosed is not None
    sealed = statements.seal_read(read.ids, read.clear, read.disclosed, key)
    assert sealed.statement.decode() == given["read"]["statement"]
    assert (list(sealed.disclosures), sealed.leaf.hex()) == (given["read"]["disclosures"], given["read"]["leaf"])
    answer = statements.parse_answer_statement(given["answer"]["statement"].encode(), given["answer"]["disclosures"])
    assert answer.disclosed is not None
    sealed = statements.seal_answer(answer.ids, answer.clear, answer.disclosed, key)
    assert sealed.statement.decode() == given["answer"]["statement"]
    assert sealed.leaf == hashlib.sha256(b"\x00" + given["answer"]["statement"].encode()).digest()


def test_keyed_names() -> None:
    given = vector("statements")
    name, tag = given["pseudonym"], given["record_tag"]
    subject = Subject(SubjectKind(name["kind"]), name["value"])
    assert statements.subject_pseudonym(bytes.fromhex(name["key"]), subject) == name["pseudonym"]
    assert statements.record_tag(bytes.fromhex(tag["key"]), [RecordId(text) for text in tag["record_ids"]]) == tag["tag"]


def test_notice_and_acknowledgement() -> None:
    given = vector("notices")
    message = notices.parse_message(given["message"].encode())
    notice = notices.parse_notice(message.notice)
    assert message.notice.decode() == given["notice"]
    assert notices.dumps_notice(notice).decode() == given["notice"]
    assert notices.dumps_message(message).decode() == given["message"]
    header = envelope.parse_header(given["request"]["headers"]["xinlian-envelope"])
    notices.check_carried(message, header, notice)
    acknowledgement = notices.parse_acknowledgement(given["acknowledgement"].encode())
    assert notices.dumps_acknowledgement(acknowledgement).decode() == given["acknowledgement"]
    notices.check_acknowledges(acknowledgement, notice, message.rid, bytes.fromhex(given["request"]["body"]))


def test_a_notice_that_brings_a_text() -> None:
    given = vector("notices")["document"]
    notice = notices.parse_notice(given["notice"].encode())
    assert notices.dumps_notice(notice).decode() == given["notice"]
    assert isinstance(notice.body, notices.HandedText)
    documents.check_document(documents.read_document(notice.body.salt, notice.body.text), notice.body.digest)
    assert notices.StoredText(notice.body.digest).to_json() == json.loads(given["acknowledged_body"])


def test_notice_signatures_are_made_and_verify() -> None:
    given = vector("notices")
    asked, told = given["request"], given["response"]
    keys = {side: private_key(given[side]).public_key() for side in ("request", "response")}
    body = bytes.fromhex(asked["body"])
    request = httpsig.Request(asked["method"], asked["path"], None, asked["headers"], body)
    proof = httpsig.verify_request(request, lambda _: keys["request"], httpsig.Clock(1793500100), httpsig.NOTICE_TAG)
    plain = httpsig.Request(asked["method"], asked["path"], None, unsigned(asked), body)
    assert httpsig.sign_request(plain, proof.params, private_key(asked)) == asked["headers"]
    response = httpsig.Response(told["status"], told["headers"], bytes.fromhex(told["body"]))
    clock = httpsig.Clock(1793500101)
    httpsig.verify_response(response, asked["headers"]["signature"], lambda _: keys["response"], clock, httpsig.NOTICE_TAG)


# -- the document ---------------------------------------------------------------------------------------

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol-exchange.md").read_text(encoding="utf-8")
MODULES = (codes, envelope, httpsig, messages, notices, statements, subjects)


def source_of(module: ModuleType) -> str:
    """The text of a module, or of every module of a package."""
    path = Path(inspect.getfile(module))
    files = sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]
    return "".join(file.read_text(encoding="utf-8") for file in files)


def test_document_names_every_check_in_order_and_every_code() -> None:
    section = DOCUMENT.split("## Exchange: provider's checks")[1].split("## ")[0]
    order = ", ".join(f"`{check.value}`" for check in ProviderCheck)
    assert order in " ".join(section.split())
    source = "".join(source_of(module) for module in MODULES)
    raised = {code for code in CATALOGUE if f'"{code}"' in source}
    assert len(raised) >= 30
    assert {code for code in raised if f"`{code}`" not in DOCUMENT} == set()


def test_document_names_every_notice_kind_outcome_and_check_in_order() -> None:
    section = DOCUMENT.split("## Exchange: notices")[1].split("## ")[0]
    order = ", ".join(f"`{check.value}`" for check in notices.NoticeCheck)
    assert order in " ".join(section.split())
    for word in (*notices.NoticeKind, *notices.NoticeOutcome, "xinlian notice/1", httpsig.NOTICE_TAG):
        assert f"`{word}`" in section


def test_document_has_the_info_label_and_the_clear_claims_in_order() -> None:
    assert "`xinlian exchange/1`" in DOCUMENT
    read = DOCUMENT.split("## Exchange: read entries")[1].split("## ")[0]
    claims = [name for name in json.loads(vector("statements")["read"]["statement"]) if name in reads.FORM.clear]
    positions = [read.index(f"`{name}`") for name in claims]
    assert positions == sorted(positions)
    assert len(claims) == len(reads.FORM.clear)
