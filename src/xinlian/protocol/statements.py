"""Read entries and answer statements: SD-JWT statements of two fixed types, for streams ``reads`` and ``answers``.

Rules
1. Both are made by the record encoder (``record``): a clear head, everything that tells about a person as salted disclosures.
2. A read entry is written by each side, one per item of a request. Clear: rid, item, role, counterparty, grant, case, time,
   outcome, keyed record tag, digests of the two ciphertexts. Disclosed on purpose only: mode, dataset, purpose, fields or
   view, pseudonyms of the subjects, record ids, person who asked.
3. An answer statement is signed by the provider and proves *what it stated*, not that it is true. Clear: request digest, item,
   view, as-of sequence, dataset, mode, derived view. Disclosed: subjects, question, outcome, value, source leaves.
4. No clear member can be found by guessing: digests cover ciphertext, tags and pseudonyms are keyed (HMAC-SHA256, 256 bit).
5. Pseudonyms and tags are made with a key of one department and never cross to another; the two sides meet by rid and digests.
6. Keys, record ids and times come from the caller.

Codes: ``statement-form``, ``statement-foreign-disclosure`` and those of ``record``.

Example::

    sealed = seal_read(StatementIds(issuer, jti, iat), clear, disclosed, record_key)
    clear = parse_read(sealed.statement).clear

Source: design 4.5; RFC 9901; docs/protocol-exchange.md.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, cast

from xinlian.protocol.b64 import b64u
from xinlian.protocol.dataset.model import Mode
from xinlian.protocol.envelope import RID_FORM, USCC_FORM, Rid
from xinlian.protocol.errors import EvidenceError
from xinlian.protocol.jsontext import loads_strict, value_text
from xinlian.protocol.members import Members, Scalar, Where
from xinlian.protocol.messages import (
    CODE_TEXT,
    FIELD_NAME,
    HEX32,
    MAX_FIELDS,
    MAX_ITEMS,
    MAX_SUBJECTS_PER_ITEM,
    MAX_VALUE_CHARS,
    NAME,
    VCT,
    CaseRef,
    GrantRef,
    Outcome,
    View,
    case_from_json,
    grant_from_json,
)
from xinlian.protocol.record import (
    SealedRecord,
    Statement,
    StatementHead,
    disclosure_digest,
    leaf_of,
    parse_disclosure,
    parse_statement,
    seal,
)
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import VCT_ANSWER, VCT_READ, EpochS, Hash32, RecordId, Uscc, issuer_of, uscc_of_issuer

MAX_SOURCES: Final = 65536

_KEYED: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_ID_TEXT: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,64}", re.ASCII)
_SUBJECT_DISCLOSURE: Final = re.compile(r"[A-Za-z0-9_-]{1,512}", re.ASCII)
_READ_CLEAR: Final = (
    "rid", "item", "role", "counterparty", "grant", "case", "time", "outcome", "record_tag", "request_digest", "answer_digest",
)  # fmt: skip
_READ_DISCLOSED: Final = ("mode", "dataset", "purpose", "fields", "derived_view", "subjects", "record_ids", "operator")
_ANSWER_CLEAR: Final = ("request_digest", "item", "view", "as_of_sequence", "dataset", "mode", "derived_view")
_ANSWER_DISCLOSED: Final = ("subjects", "fields", "values", "outcome", "value", "sources")
_Texts = tuple[tuple[str, str], ...]
_READ_WHERE: Final = Where("statement-form", "read entry")
_ANSWER_WHERE: Final = Where("statement-form", "answer statement")


@dataclass(frozen=True, slots=True)
class StatementIds:
    """What every statement says about itself.

    Args:
        issuer: the department that writes it.
        jti: a fresh record id.
        iat: law time, epoch seconds.
    """

    issuer: Uscc
    jti: RecordId
    iat: EpochS


# -- keyed names ----------------------------------------------------------------------------------------


def subject_pseudonym(key: bytes, subject: Subject) -> str:
    """Return a department's name for a subject, 43 characters base64url; never sent to another department.

    Args:
        key: the department's pseudonym key, at least 32 bytes.
        subject: the person or thing.
    """
    return _keyed(key, b"xinlian subject/1", (subject.kind.value, subject.value))


def record_tag(key: bytes, record_ids: Iterable[RecordId]) -> str | None:
    """Return a department's tag of the records that served one item, 43 characters base64url; ``None`` for no record.

    One record always has the same tag, so its owner can find every read of it; others learn nothing from it.

    Args:
        key: the department's pseudonym key, at least 32 bytes.
        record_ids: in any order; each counts once.
    """
    ids = sorted(set(record_ids))
    return _keyed(key, b"xinlian records/1", ids) if ids else None


def _keyed(key: bytes, label: bytes, parts: Sequence[str]) -> str:
    if len(key) < 32:
        raise ValueError("a pseudonym key has at least 32 bytes")
    encoded = [part.encode("utf-8") for part in parts]
    message = b"".join([label, *(len(part).to_bytes(4, "big") + part for part in encoded)])
    return b64u(hmac.digest(key, message, hashlib.sha256))


# -- read entries ---------------------------------------------------------------------------------------


class ReadRole(StrEnum):
    """Which side of an exchange wrote the entry."""

    PROVIDER = "provider"
    REQUESTER = "requester"


class ReadOutcome(StrEnum):
    """How one item came out, as the writer saw it; the first six are those of an answer."""

    RECORDS = "records"
    MATCH = "match"
    MISMATCH = "mismatch"
    NONE = "none"
    ANSWER = "answer"
    REFUSED = "refused"
    ATTEMPTED = "attempted"
    """Requester: committed before sending."""
    NO_ANSWER = "no-answer"
    """Requester: gave up waiting."""
    NOT_PROVEN = "not-proven"
    """Requester: an answer came, but its evidence did not hold; its values were not shown."""


_REQUESTER_ONLY: Final = frozenset({ReadOutcome.ATTEMPTED, ReadOutcome.NO_ANSWER, ReadOutcome.NOT_PROVEN})
_WITHOUT_ANSWER: Final = frozenset({ReadOutcome.ATTEMPTED, ReadOutcome.NO_ANSWER})


@dataclass(frozen=True, slots=True)
class ReadClear:
    """The clear part of a read entry.

    Args:
        rid: the request's id.
        item: which item of the request, from 0.
        role: which side writes.
        counterparty: the other department.
        grant: under which grant.
        case: within which case; ``None`` for standing use.
        time: epoch seconds, law time of the event.
        outcome: how it came out; provider entries know the six of an answer only.
        record_tag: ``record_tag`` of the writer; ``None`` without record.
        request_digest: SHA-256 of the request's ciphertext, 32 bytes.
        answer_digest: SHA-256 of the answer's ciphertext, 32 bytes. ``None`` for ``attempted`` and ``no-answer``, and for a
            refusal sent in the clear.
    """

    rid: Rid
    item: int
    role: ReadRole
    counterparty: Uscc
    grant: GrantRef
    case: CaseRef | None
    time: EpochS
    outcome: ReadOutcome
    record_tag: str | None
    request_digest: bytes
    answer_digest: bytes | None


@dataclass(frozen=True, slots=True)
class ReadDisclosed:
    """The part of a read entry that is disclosed on purpose only.

    Args:
        mode: verify, query or answer.
        dataset: ``<catalogue code>@<version>``.
        purpose: purpose code.
        fields: names asked for; empty for mode answer.
        derived_view: the view asked for; ``None`` but for mode answer.
        subjects: pseudonyms of the writer (``subject_pseudonym``).
        record_ids: records that served it; the requester fills in those it got.
        operator: person id of the writer's own official; ``None`` on the provider's side, where a program answers.
    """

    mode: Mode
    dataset: str
    purpose: str
    fields: tuple[str, ...]
    derived_view: str | None
    subjects: tuple[str, ...]
    record_ids: tuple[RecordId, ...]
    operator: str | None


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """A parsed read entry.

    Args:
        ids: issuer, record id, time of writing.
        clear: the clear part.
        disclosed: ``None`` unless every disclosure was at hand.
        leaf: its leaf in stream ``reads``.
    """

    ids: StatementIds
    clear: ReadClear
    disclosed: ReadDisclosed | None
    leaf: Hash32


def seal_read(ids: StatementIds, clear: ReadClear, disclosed: ReadDisclosed, record_key: bytes) -> SealedRecord:
    """Make a read entry.

    Args:
        ids: issuer, record id, time.
        clear: the clear part.
        disclosed: what becomes disclosures, in a fixed order.
        record_key: 32 fresh random bytes for the salts.

    Raises:
        InputError: ``statement-form`` when a member is not of its form.
    """
    return _seal(ids, VCT_READ, _read_clear_texts(clear), _read_disclosed_texts(disclosed), record_key)


def _read_clear_texts(clear: ReadClear) -> _Texts:
    """The checked clear part; what the items of one request share is checked and written once."""
    shared = (clear.rid, clear.role, clear.counterparty, clear.grant, clear.case, clear.time, clear.outcome)
    texts = dict(_shared_clear_texts(*shared, clear.request_digest, clear.answer_digest))
    own = Members(_READ_WHERE, {"item": clear.item, "record_tag": clear.record_tag})
    texts["item"] = value_text(own.integer("item", 0, MAX_ITEMS - 1))
    texts["record_tag"] = value_text(own.optional_text("record_tag", _KEYED))
    return tuple(texts.items())


@lru_cache(maxsize=64)
def _shared_clear_texts(  # noqa: PLR0913, PLR0917 - the members themselves are the cache's key
    rid: Rid,
    role: ReadRole,
    counterparty: Uscc,
    grant: GrantRef,
    case: CaseRef | None,
    time: EpochS,
    outcome: ReadOutcome,
    request_digest: bytes,
    answer_digest: bytes | None,
) -> _Texts:
    clear = ReadClear(rid, 0, role, counterparty, grant, case, time, outcome, None, request_digest, answer_digest)
    extra = dict(zip(_READ_CLEAR, _read_clear_values(clear), strict=True))
    _read_clear(extra)
    return _texts_of(extra)


def _read_disclosed_texts(disclosed: ReadDisclosed) -> _Texts:
    """The checked disclosed part; as with the clear one, only subjects and records differ between the items of a request."""
    d = disclosed
    texts = dict(_shared_disclosed_texts(d.mode, d.dataset, d.purpose, d.fields, d.derived_view, d.operator))
    own = Members(_READ_WHERE, {"subjects": list(disclosed.subjects), "record_ids": list(disclosed.record_ids)})
    texts["subjects"] = value_text(list(own.texts("subjects", _KEYED, MAX_SUBJECTS_PER_ITEM)))
    texts["record_ids"] = value_text(list(own.texts("record_ids", _ID_TEXT, MAX_SOURCES)))
    return tuple(texts.items())


@lru_cache(maxsize=64)
def _shared_disclosed_texts(  # noqa: PLR0913, PLR0917 - the members themselves are the cache's key
    mode: Mode, dataset: str, purpose: str, names: tuple[str, ...], derived_view: str | None, operator: str | None
) -> _Texts:
    disclosed = ReadDisclosed(mode, dataset, purpose, names, derived_view, (), (), operator)
    fields = dict(zip(_READ_DISCLOSED, _read_disclosed_values(disclosed), strict=True))
    _read_disclosed(fields)
    return _texts_of(fields)


def parse_read(statement: bytes, disclosures: Sequence[str] = ()) -> ReadEntry:
    """Read a read entry; the disclosed part only when all its disclosures are given.

    Raises:
        InputError: ``statement-form`` and the codes of ``record``.
        EvidenceError: ``statement-foreign-disclosure``.
    """
    parsed, values = _parse(statement, disclosures, VCT_READ, _READ_WHERE)
    complete = values.keys() >= set(_READ_DISCLOSED)
    return ReadEntry(
        _ids(parsed), _read_clear(_extra(parsed)), _read_disclosed(values) if complete else None, leaf_of(parsed.raw)
    )


def _read_clear_values(clear: ReadClear) -> tuple[object, ...]:
    return (
        clear.rid,
        clear.item,
        clear.role.value,
        clear.counterparty,
        {"provider": clear.grant.provider, "number": clear.grant.number},
        None if clear.case is None else {"lead": clear.case.lead, "no": clear.case.case_no},
        clear.time,
        clear.outcome.value,
        clear.record_tag,
        clear.request_digest.hex(),
        None if clear.answer_digest is None else clear.answer_digest.hex(),
    )


def _read_clear(values: Mapping[str, object]) -> ReadClear:
    members = Members.of(values, _READ_CLEAR, _READ_WHERE)
    answer_digest = members.optional_text("answer_digest", HEX32)
    clear = ReadClear(
        rid=Rid(members.text("rid", RID_FORM)),
        item=members.integer("item", 0, MAX_ITEMS - 1),
        role=members.choice("role", ReadRole),
        counterparty=Uscc(members.text("counterparty", USCC_FORM)),
        grant=grant_from_json(members),
        case=case_from_json(members),
        time=EpochS(members.integer("time", 0)),
        outcome=members.choice("outcome", ReadOutcome),
        record_tag=members.optional_text("record_tag", _KEYED),
        request_digest=bytes.fromhex(members.text("request_digest", HEX32)),
        answer_digest=None if answer_digest is None else bytes.fromhex(answer_digest),
    )
    _check_read(clear)
    return clear


def _check_read(clear: ReadClear) -> None:
    if clear.role is ReadRole.PROVIDER and clear.outcome in _REQUESTER_ONLY:
        raise _READ_WHERE.at("outcome").error("an outcome that a provider can see")
    if clear.outcome is not ReadOutcome.REFUSED and (clear.answer_digest is None) != (clear.outcome in _WITHOUT_ANSWER):
        raise _READ_WHERE.at("answer_digest").error("a digest exactly when there was an answer")


def _read_disclosed_values(disclosed: ReadDisclosed) -> tuple[object, ...]:
    return (
        disclosed.mode.value,
        disclosed.dataset,
        disclosed.purpose,
        list(disclosed.fields),
        disclosed.derived_view,
        list(disclosed.subjects),
        list(disclosed.record_ids),
        disclosed.operator,
    )


def _read_disclosed(values: Mapping[str, object]) -> ReadDisclosed:
    members = Members.of(values, _READ_DISCLOSED, _READ_WHERE)
    return ReadDisclosed(
        members.choice("mode", Mode),
        members.text("dataset", VCT),
        members.text("purpose", CODE_TEXT),
        members.texts("fields", FIELD_NAME, MAX_FIELDS),
        members.optional_text("derived_view", NAME),
        members.texts("subjects", _KEYED, MAX_SUBJECTS_PER_ITEM),
        tuple(RecordId(text) for text in members.texts("record_ids", _ID_TEXT, MAX_SOURCES)),
        members.optional_text("operator", _ID_TEXT),
    )


# -- answer statements ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AnswerClear:
    """The clear part of an answer statement.

    Args:
        request_digest: SHA-256 of the request's ciphertext, 32 bytes.
        item: which item of the request, from 0.
        view: the provider's last block.
        as_of_sequence: last batch of stream records that the answer takes in; 0 for none.
        dataset: ``<catalogue code>@<version>``.
        mode: verify, query or answer.
        derived_view: the view's name; ``None`` but for mode answer.
    """

    request_digest: bytes
    item: int
    view: View
    as_of_sequence: int
    dataset: str
    mode: Mode
    derived_view: str | None


@dataclass(frozen=True, slots=True)
class AnswerDisclosed:
    """The personal part of an answer statement; every member is a disclosure.

    Args:
        subjects: the case's salted subject disclosures as received, so that the reader can lead them to the case's root.
        fields: names asked for; empty for mode answer.
        values: what was compared, or the view's parameters.
        outcome: mismatch, none or answer.
        value: answer: the view's result; mismatch: by field, whether it matched; none: ``None``.
        sources: leaves of the records it was made from, 32 bytes each.
    """

    subjects: tuple[str, ...]
    fields: tuple[str, ...]
    values: Mapping[str, Scalar]
    outcome: Outcome
    value: Scalar | Mapping[str, bool]
    sources: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AnswerStatement:
    """A parsed answer statement.

    Args:
        ids: issuer, record id, time of writing.
        clear: the clear part.
        disclosed: ``None`` unless every disclosure was at hand.
        leaf: its leaf in stream ``answers``.
    """

    ids: StatementIds
    clear: AnswerClear
    disclosed: AnswerDisclosed | None
    leaf: Hash32


def seal_answer(ids: StatementIds, clear: AnswerClear, disclosed: AnswerDisclosed, record_key: bytes) -> SealedRecord:
    """Make an answer statement; the caller signs it (``sdjwt``).

    Args:
        ids: issuer, record id, time.
        clear: the clear part.
        disclosed: what becomes disclosures, in a fixed order.
        record_key: 32 fresh random bytes for the salts.

    Raises:
        InputError: ``statement-form`` when a member is not of its form.
    """
    extra = dict(zip(_ANSWER_CLEAR, _answer_clear_values(clear), strict=True))
    fields = dict(zip(_ANSWER_DISCLOSED, _answer_disclosed_values(disclosed), strict=True))
    _answer_clear(extra)
    _answer_disclosed(fields)
    return _seal(ids, VCT_ANSWER, _texts_of(extra), _texts_of(fields), record_key)


def parse_answer_statement(statement: bytes, disclosures: Sequence[str] = ()) -> AnswerStatement:
    """Read an answer statement; the disclosed part only when all its disclosures are given.

    Raises:
        InputError: ``statement-form`` and the codes of ``record``.
        EvidenceError: ``statement-foreign-disclosure``.
    """
    parsed, values = _parse(statement, disclosures, VCT_ANSWER, _ANSWER_WHERE)
    complete = values.keys() >= set(_ANSWER_DISCLOSED)
    return AnswerStatement(
        _ids(parsed), _answer_clear(_extra(parsed)), _answer_disclosed(values) if complete else None, leaf_of(parsed.raw)
    )


def _answer_clear_values(clear: AnswerClear) -> tuple[object, ...]:
    return (
        clear.request_digest.hex(),
        clear.item,
        {"block_number": clear.view.block_number, "block_time": clear.view.block_time},
        clear.as_of_sequence,
        clear.dataset,
        clear.mode.value,
        clear.derived_view,
    )


def _answer_clear(values: Mapping[str, object]) -> AnswerClear:
    members = Members.of(values, _ANSWER_CLEAR, _ANSWER_WHERE)
    view = Members.of(members.values["view"], ("block_number", "block_time"), _ANSWER_WHERE.at("view"))
    return AnswerClear(
        bytes.fromhex(members.text("request_digest", HEX32)),
        members.integer("item", 0, MAX_ITEMS - 1),
        View(view.integer("block_number", 0), EpochS(view.integer("block_time", 0))),
        members.integer("as_of_sequence", 0),
        members.text("dataset", VCT),
        members.choice("mode", Mode),
        members.optional_text("derived_view", NAME),
    )


def _answer_disclosed_values(disclosed: AnswerDisclosed) -> tuple[object, ...]:
    value = disclosed.value
    return (
        list(disclosed.subjects),
        list(disclosed.fields),
        dict(disclosed.values),
        disclosed.outcome.value,
        dict(value) if isinstance(value, Mapping) else value,
        [leaf.hex() for leaf in disclosed.sources],
    )


def _answer_disclosed(values: Mapping[str, object]) -> AnswerDisclosed:
    members = Members.of(values, _ANSWER_DISCLOSED, _ANSWER_WHERE)
    outcome = members.choice("outcome", Outcome)
    return AnswerDisclosed(
        members.texts("subjects", _SUBJECT_DISCLOSURE, MAX_SUBJECTS_PER_ITEM),
        members.texts("fields", FIELD_NAME, MAX_FIELDS),
        members.scalars("values", FIELD_NAME, MAX_FIELDS, MAX_VALUE_CHARS),
        outcome,
        _value(members, outcome),
        tuple(bytes.fromhex(text) for text in members.texts("sources", HEX32, MAX_SOURCES)),
    )


def _value(members: Members, outcome: Outcome) -> Scalar | Mapping[str, bool]:
    """The result: a scalar (answer), matches by field with at least one False (mismatch), or null (none)."""
    value, where = members.values["value"], _ANSWER_WHERE.at("value")
    if outcome is Outcome.MISMATCH:
        matches = members.scalars("value", FIELD_NAME, MAX_FIELDS, 0)
        if all(matches.values()) or not all(isinstance(match, bool) for match in matches.values()):
            raise where.error("true or false by field, at least one false")
        return cast("dict[str, bool]", matches)
    if (
        outcome is Outcome.ANSWER
        and isinstance(value, str | int)
        and not (isinstance(value, str) and len(value) > MAX_VALUE_CHARS)
    ):
        return value
    if outcome is Outcome.NONE and value is None:
        return None
    raise where.error("what belongs to outcome mismatch, none or answer")


# -- shared ---------------------------------------------------------------------------------------------


def _seal(ids: StatementIds, vct: str, extra: _Texts, fields: _Texts, record_key: bytes) -> SealedRecord:
    return seal(StatementHead(issuer_of(ids.issuer), vct, ids.jti, ids.iat, 1, None, extra), fields, record_key)


def _texts_of(values: Mapping[str, object]) -> _Texts:
    """Return every member with its exact JSON text."""
    return tuple((name, value_text(value)) for name, value in values.items())


def _parse(statement: bytes, disclosures: Sequence[str], vct: str, where: Where) -> tuple[Statement, dict[str, object]]:
    """Return the statement and the values of the disclosures that belong to it."""
    parsed = parse_statement(statement)
    if parsed.vct != vct or parsed.rev != 1:
        raise where.error(f"vct {vct}, revision 1")
    values: dict[str, object] = {}
    for text in disclosures:
        if disclosure_digest(text) not in parsed.sd:
            raise EvidenceError("statement-foreign-disclosure", "a disclosure does not belong to this statement")
        found = parse_disclosure(text)
        if found.name in values:
            raise where.error("every member disclosed once")
        values[found.name] = found.value
    return parsed, values


def _extra(parsed: Statement) -> dict[str, object]:
    return {name: loads_strict(text.encode("utf-8")) for name, text in parsed.extra}


def _ids(parsed: Statement) -> StatementIds:
    return StatementIds(uscc_of_issuer(parsed.iss), RecordId(parsed.jti), EpochS(parsed.iat))
