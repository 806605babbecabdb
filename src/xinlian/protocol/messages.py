"""What is inside a sealed request and a sealed answer between two departments' nodes.

Rules
1. Both are one compact JSON object with exactly the members below; anything else is refused as a whole.
2. A request has 1 to 100 items in one mode. ``verify`` and ``query`` name one subject an item and 1 to 256 fields; ``answer``
   names a family of one to eight subjects an item and one derived view. ``batch`` is not offered here.
3. ``values`` hold what is to be compared (``verify``: a value for every field) or a view's parameters (``answer``).
4. An answer has one result per item, in order. Every result but a refusal carries evidence: records' statements with the
   disclosures of the fields granted, or a signed answer statement. Evidence without receipt is signed and has ``anchor_by``.
5. Parsing checks shape and bounds only. Whether it may be answered is the provider's ``ProviderCheck``s, in their order.

Codes: ``request-form``, ``request-too-large``, ``request-too-many-items``, ``request-too-many-subjects``,
``request-too-many-fields``, ``request-mode``, ``request-window``, ``request-expired``, ``answer-form``, ``answer-too-large``,
``answer-mismatch``, and those of ``jsontext``, ``subjects`` and ``b64``.

Example::

    request = parse_request(open_request(header, body, key))
    check_outside(request, header)

Source: design 4.5; docs/protocol-exchange.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, cast

from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.dataset.model import Mode
from xinlian.protocol.envelope import KID_FORM, RID_FORM, USCC_FORM, Direction, EnvelopeHeader, Rid
from xinlian.protocol.errors import InputError, PeerError, RefusedError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.members import Members, Scalar, Where
from xinlian.protocol.subjects import Opening, opening_from_json, opening_to_json
from xinlian.protocol.types import EpochS, KeyId, Uscc

VERSION: Final = 1
MAX_ITEMS: Final = 100
MAX_SUBJECTS_PER_ITEM: Final = 8
MAX_FIELDS: Final = 256
MAX_WINDOW_S: Final = 60
MAX_VALUE_CHARS: Final = 4096
MAX_RECORDS_PER_ITEM: Final = 256
MAX_REQUEST_BYTES: Final = 1 << 20
MAX_ANSWER_BYTES: Final = 16 << 20
MAX_DEPTH: Final = 12

OFFERED_MODES: Final = frozenset({Mode.VERIFY, Mode.QUERY, Mode.ANSWER})

FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}(?:\.[1-9][0-9]{0,2}\.[a-z][a-z0-9_]{0,63})?", re.ASCII)
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
CODE_TEXT: Final = re.compile(r"[A-Z0-9_-]{1,32}", re.ASCII)
VCT: Final = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}/[0-9]{6}@[1-9][0-9]{0,4}", re.ASCII)
HEX32: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_STATEMENT: Final = re.compile(r"[A-Za-z0-9_-]{1,65536}", re.ASCII)
_DISCLOSURE: Final = re.compile(r"[A-Za-z0-9_-]{1,32768}", re.ASCII)
_JWS: Final = re.compile(r"[A-Za-z0-9_-]{1,512}\.[A-Za-z0-9_-]{1,65536}\.[A-Za-z0-9_-]{1,128}", re.ASCII)

_REQUEST: Final = (
    "v", "rid", "from", "to", "signing_key", "sealing_key", "reply_key", "grant", "dataset", "case", "purpose",
    "mode", "fields", "view", "items", "created", "expires",
)  # fmt: skip
_ANSWER: Final = ("v", "rid", "request_digest", "view", "items")
_EVIDENCE: Final = ("statement", "disclosures", "receipt", "signed", "anchor_by", "successor")


class ProviderCheck(StrEnum):
    """What a provider checks, in this order; a refusal names the first that fails (code ``refused-<check>``)."""

    SIGNATURE = "signature"
    KEY_REGISTERED = "key-registered"
    ADDRESSEE = "addressee"
    EXPIRED = "expired"
    REPLAY = "replay"
    RATE = "rate"
    DEPARTMENT_ACTIVE = "department-active"
    VIEW_FRESH = "view-fresh"
    PAYLOAD_GUARD = "payload-guard"
    GRANT_EXISTS = "grant-exists"
    GRANT_RUNNING = "grant-running"
    DATASET = "dataset"
    MODE = "mode"
    FIELDS = "fields"
    PURPOSE = "purpose"
    SCENARIO = "scenario"
    CASE_OPEN = "case-open"
    CASE_PARTICIPANT = "case-participant"
    SUBJECT_IN_CASE = "subject-in-case"
    AUTHORISATION = "authorisation"
    USES_LEFT = "uses-left"
    VERIFY_ATTEMPTS = "verify-attempts"

    @property
    def code(self) -> str:
        """The error code of this refusal."""
        return f"refused-{self.value}"


def refusal(check: ProviderCheck, message: str, **fields: object) -> RefusedError:
    """Return the error of a failed provider check; ``fields`` hold no personal data."""
    return RefusedError(check.code, message, check=check.value, **fields)


class Outcome(StrEnum):
    """How one item of a request came out."""

    RECORDS = "records"
    MATCH = "match"
    MISMATCH = "mismatch"
    NONE = "none"
    ANSWER = "answer"
    REFUSED = "refused"


OUTCOMES: Final[Mapping[Mode, frozenset[Outcome]]] = MappingProxyType(
    {
        Mode.QUERY: frozenset({Outcome.RECORDS, Outcome.NONE, Outcome.REFUSED}),
        Mode.VERIFY: frozenset({Outcome.MATCH, Outcome.MISMATCH, Outcome.NONE, Outcome.REFUSED}),
        Mode.ANSWER: frozenset({Outcome.ANSWER, Outcome.REFUSED}),
    }
)
"""Which outcomes a mode can have."""

_WITH_RECORDS: Final = frozenset({Outcome.RECORDS, Outcome.MATCH})
_WITH_ANSWER: Final = frozenset({Outcome.MISMATCH, Outcome.NONE, Outcome.ANSWER})


# -- request --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GrantRef:
    """A grant on chain: its provider and the provider's number for it, from 1."""

    provider: Uscc
    number: int


@dataclass(frozen=True, slots=True)
class CaseRef:
    """A case on chain: its lead department and the lead's case number."""

    lead: Uscc
    case_no: str


@dataclass(frozen=True, slots=True)
class RequestItem:
    """One thing asked.

    Args:
        subjects: one opening (``verify``, ``query``) or one to eight (``answer``).
        values: by field (``verify``) or by parameter (``answer``); empty for ``query``.
    """

    subjects: tuple[Opening, ...]
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Request:
    """The inner object of a sealed request.

    Args:
        rid: request id, 128 random bits base64url.
        from_uscc: asking department.
        to_uscc: providing department.
        signing_kid: the asking department's signing key.
        sealing_kid: the provider's key the request is sealed to.
        reply_key: fresh X25519 public key, 32 bytes, for this answer only.
        grant: under which grant.
        dataset: ``<catalogue code>@<version>``.
        case: within which case; ``None`` for standing use.
        purpose: a purpose code of the grant.
        mode: verify, query or answer.
        fields: field names in the order wanted; empty for ``answer``.
        view: the derived view; ``None`` but for ``answer``.
        items: 1 to 100.
        created: epoch seconds, wall clock.
        expires: epoch seconds, at most 60 s after ``created``.
    """

    rid: Rid
    from_uscc: Uscc
    to_uscc: Uscc
    signing_kid: KeyId
    sealing_kid: KeyId
    reply_key: bytes
    grant: GrantRef
    dataset: str
    case: CaseRef | None
    purpose: str
    mode: Mode
    fields: tuple[str, ...]
    view: str | None
    items: tuple[RequestItem, ...]
    created: EpochS
    expires: EpochS


def dumps_request(request: Request) -> bytes:
    """Return the bytes of a request, after the same checks as ``parse_request``.

    Raises:
        InputError: as ``parse_request``.
    """
    case = request.case
    raw = dumps_canonical(
        {
            "v": VERSION,
            "rid": request.rid,
            "from": request.from_uscc,
            "to": request.to_uscc,
            "signing_key": request.signing_kid,
            "sealing_key": request.sealing_kid,
            "reply_key": b64u(request.reply_key),
            "grant": {"provider": request.grant.provider, "number": request.grant.number},
            "dataset": request.dataset,
            "case": None if case is None else {"lead": case.lead, "no": case.case_no},
            "purpose": request.purpose,
            "mode": request.mode.value,
            "fields": list(request.fields),
            "view": request.view,
            "items": [_item_to_json(item) for item in request.items],
            "created": request.created,
            "expires": request.expires,
        }
    )
    parse_request(raw)
    return raw


def _item_to_json(item: RequestItem) -> dict[str, object]:
    return {"subjects": [opening_to_json(opening) for opening in item.subjects], "values": dict(item.values)}


def parse_request(raw: bytes) -> Request:
    """Read the inner object of a request.

    Args:
        raw: UTF-8 JSON, at most ``MAX_REQUEST_BYTES``.

    Raises:
        InputError: ``request-*``, ``json-*`` or ``subject-opening-form``; see the module's head.
    """
    if len(raw) > MAX_REQUEST_BYTES:
        raise InputError("request-too-large", f"expected at most {MAX_REQUEST_BYTES} bytes")
    value = loads_strict(raw, max_bytes=MAX_REQUEST_BYTES, max_depth=MAX_DEPTH)
    members = Members.of(value, _REQUEST, Where("request-form", "request"))
    members.integer("v", VERSION, VERSION)
    mode = _mode(members)
    fields = _fields(members, mode)
    created, expires = members.integer("created", 0), members.integer("expires", 0)
    if not 0 < expires - created <= MAX_WINDOW_S:
        raise InputError("request-window", f"expires must be 1 to {MAX_WINDOW_S} s after created")
    return Request(
        rid=Rid(members.text("rid", RID_FORM)),
        from_uscc=Uscc(members.text("from", USCC_FORM)),
        to_uscc=Uscc(members.text("to", USCC_FORM)),
        signing_kid=KeyId(members.text("signing_key", KID_FORM)),
        sealing_kid=KeyId(members.text("sealing_key", KID_FORM)),
        reply_key=unb64u(members.text("reply_key", KID_FORM)),
        grant=grant_from_json(members),
        dataset=members.text("dataset", VCT),
        case=case_from_json(members),
        purpose=members.text("purpose", CODE_TEXT),
        mode=mode,
        fields=fields,
        view=_view(members, mode),
        items=_items(members, mode, fields),
        created=EpochS(created),
        expires=EpochS(expires),
    )


def _mode(members: Members) -> Mode:
    text = members.values["mode"]
    if not isinstance(text, str) or text not in {mode.value for mode in OFFERED_MODES}:
        raise InputError("request-mode", "mode: expected verify, query or answer")
    return Mode(text)


def _fields(members: Members, mode: Mode) -> tuple[str, ...]:
    value = members.values["fields"]
    if isinstance(value, list) and len(value) > MAX_FIELDS:
        raise InputError("request-too-many-fields", f"expected at most {MAX_FIELDS} fields, got {len(value)}")
    least, most = (0, 0) if mode is Mode.ANSWER else (1, MAX_FIELDS)
    names = members.texts("fields", FIELD_NAME, most, least)
    if len(set(names)) != len(names):
        raise members.where.at("fields").error("every field once")
    return names


def _view(members: Members, mode: Mode) -> str | None:
    if mode is Mode.ANSWER:
        return members.text("view", NAME)
    if members.values["view"] is not None:
        raise members.where.at("view").error("null but for mode answer")
    return None


def grant_from_json(members: Members) -> GrantRef:
    """Read the member ``grant``."""
    grant = Members.of(members.values["grant"], ("provider", "number"), members.where.at("grant"))
    return GrantRef(Uscc(grant.text("provider", USCC_FORM)), grant.integer("number", 1))


def case_from_json(members: Members) -> CaseRef | None:
    """Read the member ``case``, an object or ``null``."""
    if members.values["case"] is None:
        return None
    case = Members.of(members.values["case"], ("lead", "no"), members.where.at("case"))
    return CaseRef(Uscc(case.text("lead", USCC_FORM)), case.text("no", CODE_TEXT))


def _items(members: Members, mode: Mode, fields: tuple[str, ...]) -> tuple[RequestItem, ...]:
    value = members.values["items"]
    if isinstance(value, list) and len(value) > MAX_ITEMS:
        raise InputError("request-too-many-items", f"expected at most {MAX_ITEMS} items, got {len(value)}")
    items = members.list("items", MAX_ITEMS, 1)
    return tuple(_item(item, place, mode, fields) for place, item in items)


def _item(value: object, where: Where, mode: Mode, fields: tuple[str, ...]) -> RequestItem:
    members = Members.of(value, ("subjects", "values"), where)
    most = MAX_SUBJECTS_PER_ITEM if mode is Mode.ANSWER else 1
    subjects = members.values["subjects"]
    if isinstance(subjects, list) and len(subjects) > most:
        raise InputError("request-too-many-subjects", f"{where.path}: expected at most {most} subjects in mode {mode.value}")
    openings = tuple(opening_from_json(opening) for _, opening in members.list("subjects", most, 1))
    values = members.scalars("values", FIELD_NAME, MAX_FIELDS, MAX_VALUE_CHARS)
    if mode is not Mode.ANSWER and values.keys() != (frozenset(fields) if mode is Mode.VERIFY else frozenset()):
        raise where.at("values").error("a value for every field in mode verify, none in mode query")
    return RequestItem(openings, values)


def check_outside(request: Request, header: EnvelopeHeader) -> None:
    """Check that a request says inside what its (already signature-bound) envelope says outside.

    Raises:
        InputError: ``envelope-mismatch`` naming the member.
    """
    for member, agrees in (
        ("direction", header.direction is Direction.REQUEST),
        ("rid", request.rid == header.rid),
        ("from", request.from_uscc == header.from_uscc),
        ("to", request.to_uscc == header.to_uscc),
        ("signing_key", request.signing_kid == header.from_kid),
        ("sealing_key", request.sealing_kid == header.to_kid),
        ("grant", request.grant.provider == header.to_uscc),
    ):
        if not agrees:
            raise InputError("envelope-mismatch", f"{member}: request and envelope disagree", member=member)


def check_time(request: Request, now_s: int, skew_s: int) -> None:
    """Check that a request is of this time: ``created - skew <= now < expires + skew``.

    Raises:
        RefusedError: ``request-expired`` with check ``expired``.
    """
    if not request.created - skew_s <= now_s < request.expires + skew_s:
        raise RefusedError("request-expired", "the request is not of this time", check=ProviderCheck.EXPIRED.value)


# -- answer ---------------------------------------------------------------------------------------------


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
    """

    statement: bytes
    disclosures: tuple[str, ...]
    receipt: Mapping[str, object] | None = None
    signed: str | None = None
    anchor_by: EpochS | None = None
    successor: Mapping[str, object] | None = None


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
    )


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
