"""Read entries: what each side of an exchange notes of every item, for stream ``reads``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from xinlian.protocol.dataset.model import Mode
from xinlian.protocol.envelope import RID_FORM, USCC_FORM, Rid
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
from xinlian.protocol.statements.form import Parsed, StatementForm, StatementIds, texts_of
from xinlian.protocol.statements.keyed import KEYED_FORM
from xinlian.protocol.types import VCT_READ, EpochS, RecordId, Uscc

MAX_RECORDS: Final = 65536
"""Records that one entry may name."""

FORM: Final = StatementForm(
    VCT_READ,
    Where("statement-form", "read entry"),
    ("rid", "item", "role", "counterparty", "grant", "case", "time", "outcome", "record_tag", "request_digest", "answer_digest"),
    ("mode", "dataset", "purpose", "fields", "derived_view", "subjects", "record_ids", "operator"),
)
_OWN: Final = frozenset({"item", "record_tag", "subjects", "record_ids"})
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
    FILE = "file"
    """Bytes of a file of one record, by a transfer that the request opened; later pieces have no entries of their own."""
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


ReadEntry = Parsed[ReadClear, ReadDisclosed]
"""A parsed read entry; its leaf is in stream ``reads``."""


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
    sheet = ReadSheet(ids, clear, disclosed)
    return sheet.seal(ReadItem(ids.jti, clear.item, clear.record_tag, disclosed.subjects, disclosed.record_ids), record_key)


@dataclass(frozen=True, slots=True)
class ReadItem:
    """What the entries of one request differ in.

    Args:
        jti: a fresh record id.
        item: which item of the request, from 0.
        record_tag: ``record_tag`` of the writer; ``None`` without record.
        subjects: pseudonyms of the writer.
        record_ids: records that served it.
    """

    jti: RecordId
    item: int
    record_tag: str | None
    subjects: tuple[str, ...]
    record_ids: tuple[RecordId, ...]


class ReadSheet:
    """Makes the entries of one request that came out alike; what they share is checked and written once.

    Args:
        ids: issuer and time; the record id is not looked at.
        clear: the clear part; item and record tag are not looked at.
        disclosed: the disclosed part; subjects and record ids are not looked at.

    Raises:
        InputError: ``statement-form`` when a member is not of its form.
    """

    def __init__(self, ids: StatementIds, clear: ReadClear, disclosed: ReadDisclosed) -> None:
        shown = FORM.clear_members(_read_clear_values(replace(clear, item=0, record_tag=None)))
        hidden = FORM.disclosed_members(_read_disclosed_values(replace(disclosed, subjects=(), record_ids=())))
        _read_clear(shown)
        _read_disclosed(hidden)
        self._sheet = FORM.sheet(ids, texts_of(shown), texts_of(hidden), _OWN)

    def seal(self, item: ReadItem, record_key: bytes) -> SealedRecord:
        """Make one entry.

        Args:
            item: what is its own.
            record_key: 32 fresh random bytes for the salts.

        Raises:
            InputError: ``statement-form`` when a member is not of its form.
        """
        own = Members(FORM.where, {"item": item.item, "record_tag": item.record_tag})
        lists = Members(FORM.where, {"subjects": list(item.subjects), "record_ids": list(item.record_ids)})
        tag = own.optional_text("record_tag", KEYED_FORM)
        clear = (str(own.integer("item", 0, MAX_ITEMS - 1)), "null" if tag is None else f'"{tag}"')
        subjects = _plain_list(lists.texts("subjects", KEYED_FORM, MAX_SUBJECTS_PER_ITEM))
        records = _plain_list(lists.texts("record_ids", _ID_TEXT, MAX_RECORDS))
        return self._sheet.seal(item.jti, clear, (subjects, records), record_key)


def _plain_list(texts: tuple[str, ...]) -> str:
    """The JSON text of a list of texts whose forms hold no character that JSON escapes."""
    return "[" + ",".join([f'"{text}"' for text in texts]) + "]"


def parse_read(statement: bytes, disclosures: Sequence[str] = ()) -> ReadEntry:
    """Read a read entry; the disclosed part only when all its disclosures are given.

    Raises:
        InputError: ``statement-form`` and the codes of ``record``.
        EvidenceError: ``statement-foreign-disclosure``.
    """
    return FORM.parse(statement, disclosures, _read_clear, _read_disclosed)


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
