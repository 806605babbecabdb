"""Read entries: what each side of an exchange notes of every item, for stream ``reads``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from xinlian.protocol.dataset.model import Mode
from xinlian.protocol.envelope import RID_FORM, USCC_FORM, Rid
from xinlian.protocol.jsontext import value_text
from xinlian.protocol.members import Members, Where
from xinlian.protocol.messages import (
    CODE_TEXT,
    FIELD_NAME,
    HEX32,
    MAX_FIELDS,
    MAX_ITEMS,
    MAX_SUBJECTS_PER_ITEM,
    NAME,
    VCT,
    CaseRef,
    GrantRef,
    case_from_json,
    grant_from_json,
)
from xinlian.protocol.record import SealedRecord
from xinlian.protocol.statements.form import StatementForm, StatementIds, Texts, texts_of
from xinlian.protocol.statements.keyed import KEYED_FORM
from xinlian.protocol.types import VCT_READ, EpochS, Hash32, RecordId, Uscc

MAX_RECORDS: Final = 65536
"""Records that one entry may name."""

FORM: Final = StatementForm(
    VCT_READ,
    Where("statement-form", "read entry"),
    ("rid", "item", "role", "counterparty", "grant", "case", "time", "outcome", "record_tag", "request_digest", "answer_digest"),
    ("mode", "dataset", "purpose", "fields", "derived_view", "subjects", "record_ids", "operator"),
)
_ID_TEXT: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,64}", re.ASCII)


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
    return FORM.seal(ids, _read_clear_texts(clear), _read_disclosed_texts(disclosed), record_key)


def _read_clear_texts(clear: ReadClear) -> Texts:
    """The checked clear part; what the items of one request share is checked and written once."""
    shared = (clear.rid, clear.role, clear.counterparty, clear.grant, clear.case, clear.time, clear.outcome)
    texts = dict(_shared_clear_texts(*shared, clear.request_digest, clear.answer_digest))
    own = Members(FORM.where, {"item": clear.item, "record_tag": clear.record_tag})
    texts["item"] = value_text(own.integer("item", 0, MAX_ITEMS - 1))
    texts["record_tag"] = value_text(own.optional_text("record_tag", KEYED_FORM))
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
) -> Texts:
    clear = ReadClear(rid, 0, role, counterparty, grant, case, time, outcome, None, request_digest, answer_digest)
    extra = FORM.clear_members(_read_clear_values(clear))
    _read_clear(extra)
    return texts_of(extra)


def _read_disclosed_texts(disclosed: ReadDisclosed) -> Texts:
    """The checked disclosed part; as with the clear one, only subjects and records differ between the items of a request."""
    d = disclosed
    texts = dict(_shared_disclosed_texts(d.mode, d.dataset, d.purpose, d.fields, d.derived_view, d.operator))
    own = Members(FORM.where, {"subjects": list(disclosed.subjects), "record_ids": list(disclosed.record_ids)})
    texts["subjects"] = value_text(list(own.texts("subjects", KEYED_FORM, MAX_SUBJECTS_PER_ITEM)))
    texts["record_ids"] = value_text(list(own.texts("record_ids", _ID_TEXT, MAX_RECORDS)))
    return tuple(texts.items())


@lru_cache(maxsize=64)
def _shared_disclosed_texts(  # noqa: PLR0913, PLR0917 - the members themselves are the cache's key
    mode: Mode, dataset: str, purpose: str, names: tuple[str, ...], derived_view: str | None, operator: str | None
) -> Texts:
    disclosed = ReadDisclosed(mode, dataset, purpose, names, derived_view, (), (), operator)
    fields = FORM.disclosed_members(_read_disclosed_values(disclosed))
    _read_disclosed(fields)
    return texts_of(fields)


def parse_read(statement: bytes, disclosures: Sequence[str] = ()) -> ReadEntry:
    """Read a read entry; the disclosed part only when all its disclosures are given.

    Raises:
        InputError: ``statement-form`` and the codes of ``record``.
        EvidenceError: ``statement-foreign-disclosure``.
    """
    parts = FORM.parse(statement, disclosures)
    disclosed = None if parts.disclosed is None else _read_disclosed(parts.disclosed)
    return ReadEntry(parts.ids, _read_clear(parts.clear), disclosed, parts.leaf)


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
    members = Members.of(values, FORM.clear, FORM.where)
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
        record_tag=members.optional_text("record_tag", KEYED_FORM),
        request_digest=bytes.fromhex(members.text("request_digest", HEX32)),
        answer_digest=None if answer_digest is None else bytes.fromhex(answer_digest),
    )
    _check_read(clear)
    return clear


def _check_read(clear: ReadClear) -> None:
    if clear.role is ReadRole.PROVIDER and clear.outcome in _REQUESTER_ONLY:
        raise FORM.where.at("outcome").error("an outcome that a provider can see")
    if clear.outcome is not ReadOutcome.REFUSED and (clear.answer_digest is None) != (clear.outcome in _WITHOUT_ANSWER):
        raise FORM.where.at("answer_digest").error("a digest exactly when there was an answer")


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
    members = Members.of(values, FORM.disclosed, FORM.where)
    return ReadDisclosed(
        members.choice("mode", Mode),
        members.text("dataset", VCT),
        members.text("purpose", CODE_TEXT),
        members.texts("fields", FIELD_NAME, MAX_FIELDS),
        members.optional_text("derived_view", NAME),
        members.texts("subjects", KEYED_FORM, MAX_SUBJECTS_PER_ITEM),
        tuple(RecordId(text) for text in members.texts("record_ids", _ID_TEXT, MAX_RECORDS)),
        members.optional_text("operator", _ID_TEXT),
    )
