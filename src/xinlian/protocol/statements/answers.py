"""Answer statements: what a provider states of its records without showing one, for stream ``answers``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from xinlian.protocol.dataset.model import Mode
from xinlian.protocol.members import Members, Scalar, Where
from xinlian.protocol.messages import (
    FIELD_NAME,
    HEX32,
    MAX_FIELDS,
    MAX_ITEMS,
    MAX_SUBJECTS_PER_ITEM,
    MAX_VALUE_CHARS,
    NAME,
    VCT,
    Outcome,
    View,
)
from xinlian.protocol.record import SealedRecord
from xinlian.protocol.statements.form import Parsed, StatementForm, StatementIds, texts_of
from xinlian.protocol.types import VCT_ANSWER, EpochS

MAX_SOURCES: Final = 65536

FORM: Final = StatementForm(
    VCT_ANSWER,
    Where("statement-form", "answer statement"),
    ("request_digest", "item", "view", "as_of_sequence", "dataset", "mode", "derived_view"),
    ("subjects", "fields", "values", "outcome", "value", "sources"),
)
_SUBJECT_DISCLOSURE: Final = re.compile(r"[A-Za-z0-9_-]{1,512}", re.ASCII)


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


AnswerStatement = Parsed[AnswerClear, AnswerDisclosed]
"""A parsed answer statement; its leaf is in stream ``answers``."""


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
    extra = FORM.clear_members(_answer_clear_values(clear))
    fields = FORM.disclosed_members(_answer_disclosed_values(disclosed))
    _answer_clear(extra)
    _answer_disclosed(fields)
    return FORM.seal(ids, texts_of(extra), texts_of(fields), record_key)


def parse_answer_statement(statement: bytes, disclosures: Sequence[str] = ()) -> AnswerStatement:
    """Read an answer statement; the disclosed part only when all its disclosures are given.

    Raises:
        InputError: ``statement-form`` and the codes of ``record``.
        EvidenceError: ``statement-foreign-disclosure``.
    """
    return FORM.parse(statement, disclosures, _answer_clear, _answer_disclosed)


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
    members = Members.of(values, FORM.clear, FORM.where)
    view = Members.of(members.values["view"], ("block_number", "block_time"), FORM.where.at("view"))
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
    members = Members.of(values, FORM.disclosed, FORM.where)
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
    value, where = members.values["value"], FORM.where.at("value")
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
