"""The inner object of a sealed answer: one result per item, each with its evidence."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.envelope import RID_FORM, Rid
from xinlian.protocol.errors import InputError, PeerError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.members import Members, Where
from xinlian.protocol.messages.request import Request
from xinlian.protocol.messages.words import (
    FIELD_NAME,
    HEX32,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_ITEMS,
    OUTCOMES,
    VERSION,
    Outcome,
    ProviderCheck,
)
from xinlian.protocol.types import EpochS

MAX_RECORDS_PER_ITEM: Final = 256
MAX_ANSWER_BYTES: Final = 16 << 20

_STATEMENT: Final = re.compile(r"[A-Za-z0-9_-]{1,65536}", re.ASCII)
_DISCLOSURE: Final = re.compile(r"[A-Za-z0-9_-]{1,32768}", re.ASCII)
_JWS: Final = re.compile(r"[A-Za-z0-9_-]{1,512}\.[A-Za-z0-9_-]{1,65536}\.[A-Za-z0-9_-]{1,128}", re.ASCII)

_ANSWER: Final = ("v", "rid", "request_digest", "view", "items")
_EVIDENCE: Final = ("statement", "disclosures", "receipt", "signed", "anchor_by", "successor", "in_correction")

_WITH_RECORDS: Final = frozenset({Outcome.RECORDS, Outcome.MATCH})
_WITH_ANSWER: Final = frozenset({Outcome.MISMATCH, Outcome.NONE, Outcome.ANSWER})


@dataclass(frozen=True, slots=True)
class InCorrection:
    """A value that somebody disputes (校核中); the provider has not answered yet.

    Args:
        field: its name, as in the record.
        since: epoch seconds, when the correction was opened on chain.
    """

    field: str
    since: EpochS


@dataclass(frozen=True, slots=True)
class Evidence:
    """A statement with what proves it.

    Args:
        statement: exact bytes of the SD-JWT payload.
        disclosures: those given to this reader, RFC 9901 texts.
        receipt: the receipt's JSON object (``receipt.Receipt``), ``None`` while not anchored.
        signed: the statement's compact JWS; required without receipt.
        anchor_by: epoch seconds by which a statement without receipt must be anchored; ``None`` with one.
        successor: ``{"statement", "receipt"}`` of the revision that replaced it, as in a bundle.
        in_correction: which of the values given, or of those the statement was made from, are disputed now; each field once.
    """

    statement: bytes
    disclosures: tuple[str, ...]
    receipt: Mapping[str, object] | None = None
    signed: str | None = None
    anchor_by: EpochS | None = None
    successor: Mapping[str, object] | None = None
    in_correction: tuple[InCorrection, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerItem:
    """The result of one item.

    Args:
        outcome: how it came out.
        records: found records (``records``, ``match``); empty otherwise.
        answer: the answer statement (``mismatch``, ``none``, ``answer``); ``None`` otherwise.
        check: the failed check (``refused``); ``None`` otherwise.
    """

    outcome: Outcome
    records: tuple[Evidence, ...] = ()
    answer: Evidence | None = None
    check: ProviderCheck | None = None


@dataclass(frozen=True, slots=True)
class View:
    """The provider's last block: what it knew of the chain when it answered.

    Args:
        block_number: from 0.
        block_time: epoch seconds.
    """

    block_number: int
    block_time: EpochS


@dataclass(frozen=True, slots=True)
class Answer:
    """The inner object of a sealed answer.

    Args:
        rid: the request's.
        request_digest: SHA-256 of the request's ciphertext, 32 bytes.
        view: the provider's view.
        items: one per item of the request, in its order.
    """

    rid: Rid
    request_digest: bytes
    view: View
    items: tuple[AnswerItem, ...]


def dumps_answer(answer: Answer) -> bytes:
    """Return the bytes of an answer. Its shape is not checked again here: answers are built by code, and they are large.

    Raises:
        InputError: ``answer-too-large``.
    """
    raw = dumps_canonical(
        {
            "v": VERSION,
            "rid": answer.rid,
            "request_digest": answer.request_digest.hex(),
            "view": {"block_number": answer.view.block_number, "block_time": answer.view.block_time},
            "items": [_answer_item_to_json(item) for item in answer.items],
        }
    )
    if len(raw) > MAX_ANSWER_BYTES:
        raise InputError("answer-too-large", f"expected at most {MAX_ANSWER_BYTES} bytes")
    return raw


def _answer_item_to_json(item: AnswerItem) -> dict[str, object]:
    return {
        "outcome": item.outcome.value,
        "records": [_evidence_to_json(record) for record in item.records],
        "answer": None if item.answer is None else _evidence_to_json(item.answer),
        "check": None if item.check is None else item.check.value,
    }


def _evidence_to_json(evidence: Evidence) -> dict[str, object]:
    return {
        "statement": b64u(evidence.statement),
        "disclosures": list(evidence.disclosures),
        "receipt": None if evidence.receipt is None else dict(evidence.receipt),
        "signed": evidence.signed,
        "anchor_by": evidence.anchor_by,
        "successor": None if evidence.successor is None else dict(evidence.successor),
        "in_correction": [{"field": one.field, "since": one.since} for one in evidence.in_correction],
    }


def parse_answer(raw: bytes) -> Answer:
    """Read the inner object of an answer.

    Args:
        raw: UTF-8 JSON, at most ``MAX_ANSWER_BYTES``.

    Raises:
        InputError: ``answer-form``, ``answer-too-large`` or ``json-*``.
    """
    if len(raw) > MAX_ANSWER_BYTES:
        raise InputError("answer-too-large", f"expected at most {MAX_ANSWER_BYTES} bytes")
    value = loads_strict(raw, max_bytes=MAX_ANSWER_BYTES, max_depth=MAX_DEPTH)
    members = Members.of(value, _ANSWER, Where("answer-form", "answer"))
    members.integer("v", VERSION, VERSION)
    view = Members.of(members.values["view"], ("block_number", "block_time"), members.where.at("view"))
    return Answer(
        Rid(members.text("rid", RID_FORM)),
        bytes.fromhex(members.text("request_digest", HEX32)),
        View(view.integer("block_number", 0), EpochS(view.integer("block_time", 0))),
        tuple(_answer_item(item, place) for place, item in members.list("items", MAX_ITEMS, 1)),
    )


def _answer_item(value: object, where: Where) -> AnswerItem:
    members = Members.of(value, ("outcome", "records", "answer", "check"), where)
    item = AnswerItem(
        members.choice("outcome", Outcome),
        tuple(_evidence(record, place) for place, record in members.list("records", MAX_RECORDS_PER_ITEM)),
        None if members.values["answer"] is None else _evidence(members.values["answer"], where.at("answer")),
        None if members.values["check"] is None else members.choice("check", ProviderCheck),
    )
    expected = (item.outcome in _WITH_RECORDS, item.outcome in _WITH_ANSWER, item.outcome is Outcome.REFUSED)
    if (len(item.records) > 0, item.answer is not None, item.check is not None) != expected:
        raise where.error(f"what belongs to outcome {item.outcome.value}: records, an answer, or a check")
    return item


def _evidence(value: object, where: Where) -> Evidence:
    members = Members.of(value, _EVIDENCE, where)
    receipt = _object_or_none(members, "receipt")
    signed, anchor_by = members.optional_text("signed", _JWS), members.optional_integer("anchor_by", 0)
    if (receipt is None) is (anchor_by is None) or (receipt is None and signed is None):
        raise where.error("a receipt, or a signed form with anchor_by")
    return Evidence(
        unb64u(members.text("statement", _STATEMENT)),
        members.texts("disclosures", _DISCLOSURE, MAX_FIELDS),
        receipt,
        signed,
        None if anchor_by is None else EpochS(anchor_by),
        _object_or_none(members, "successor"),
        _in_correction(members),
    )


def _in_correction(members: Members) -> tuple[InCorrection, ...]:
    found = []
    for place, value in members.list("in_correction", MAX_FIELDS):
        one = Members.of(value, ("field", "since"), place)
        found.append(InCorrection(one.text("field", FIELD_NAME), EpochS(one.integer("since", 0))))
    if len({one.field for one in found}) != len(found):
        raise members.where.at("in_correction").error("every field once")
    return tuple(found)


def _object_or_none(members: Members, name: str) -> Mapping[str, object] | None:
    value = members.values[name]
    if value is not None and not isinstance(value, dict):
        raise members.where.at(name).error("an object or null")
    return cast("dict[str, object] | None", value)


def check_answer(answer: Answer, request: Request, request_ciphertext: bytes) -> None:
    """Check that an answer belongs to a request: id, digest, one result per item, outcomes its mode can have.

    Raises:
        PeerError: ``answer-mismatch`` naming the member.
    """
    allowed = OUTCOMES[request.mode]
    for member, agrees in (
        ("rid", answer.rid == request.rid),
        ("request_digest", answer.request_digest == hashlib.sha256(request_ciphertext).digest()),
        ("items", len(answer.items) == len(request.items)),
        ("outcome", all(item.outcome in allowed for item in answer.items)),
    ):
        if not agrees:
            raise PeerError("answer-mismatch", f"{member}: the answer does not belong to this request", member=member)
