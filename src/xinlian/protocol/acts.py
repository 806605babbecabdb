"""Act statements: who did which step of the law to what, and when; a fixed type of the stream ``reads``.

Rules
1. One statement per step of a person: a proposal, a consent, a sending back, a withdrawal, and the transition that a consent
   gave effect to.
2. Clear: the act (a closed list), the object (``objects``), law time, and the digest of the step's text (``documents``).
3. Disclosed on purpose only, each with its salt: person id, post, in which role they acted, the approval's number.
4. Written by the record encoder like every statement; keys, ids and times come from the caller.

Codes: ``statement-form``, ``statement-foreign-disclosure`` and those of ``record``.

Example: ``seal_act(StatementIds(issuer, jti, iat), clear, disclosed, record_key)``

Source: dossier 2.1 (two persons), 2.6; design 4.2; docs/protocol.md, Act statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xinlian.protocol.members import MAX_INTEGER, Members, Where
from xinlian.protocol.objects import OBJECT_REF
from xinlian.protocol.record import SealedRecord
from xinlian.protocol.statements.form import Parsed, StatementForm, StatementIds, texts_of
from xinlian.protocol.types import VCT_ACT, EpochS

FORM: Final = StatementForm(
    VCT_ACT,
    Where("statement-form", "act statement"),
    ("act", "object", "time", "document"),
    ("person_id", "post", "role", "approval"),
)
_HEX32: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,120}")


class ActWord(StrEnum):
    """What was done. The first four are steps inside a department, the others transitions between departments."""

    PROPOSED = "proposed"
    CONSENTED = "consented"
    SENT_BACK = "sent-back"
    WITHDRAWN = "withdrawn"
    # the catalogue
    SUBMITTED = "submitted"
    PUBLISHED = "published"
    RETURNED = "returned"
    RETIRED = "retired"
    UPDATE_OPENED = "update-opened"
    UPDATE_EXTENDED = "update-extended"
    # sharing requests and grants
    RESUBMITTED = "resubmitted"
    SUPPLEMENT_ASKED = "supplement-asked"
    SCOPE_FLAGGED = "scope-flagged"
    SCOPE_REVIEWED = "scope-reviewed"
    EXTENSION_ASKED = "extension-asked"
    EXTENSION_CONSENTED = "extension-consented"
    EXTENDED = "extended"
    ANSWERED = "answered"
    DELIVERED = "delivered"
    DISPUTED = "disputed"
    DECIDED = "decided"
    SUSPENDED = "suspended"
    RECTIFIED = "rectified"
    RESUMED = "resumed"
    TERMINATED = "terminated"
    CHANGE_PROPOSED = "change-proposed"
    CHANGE_ACCEPTED = "change-accepted"
    STOP_PROPOSED = "stop-proposed"
    TERMS_KEPT = "terms-kept"
    CLOSED = "closed"
    DISPOSED = "disposed"
    USE_RECORDED = "use-recorded"
    OVERDUE_MARKED = "overdue-marked"
    # 校核, corrections
    CORRECTION_OPENED = "correction-opened"
    CORRECTED = "corrected"
    MAINTAINED = "maintained"
    FORWARDED = "forwarded"
    ACKNOWLEDGED = "acknowledged"
    # authorisations of data subjects
    AUTHORISED = "authorised"
    AUTHORISATION_WITHDRAWN = "authorisation-withdrawn"


class ActorRole(StrEnum):
    """In which role a person acted."""

    HANDLER = "handler"
    """经办人"""
    HEAD = "head"
    """共享工作机构负责人"""


@dataclass(frozen=True, slots=True)
class ActClear:
    """The clear part.

    Args:
        act: what was done.
        object_ref: to what.
        time: law time, epoch seconds.
        document: salted digest of the step's text, 32 bytes; None for a step without a text.
    """

    act: ActWord
    object_ref: str
    time: EpochS
    document: bytes | None


@dataclass(frozen=True, slots=True)
class ActDisclosed:
    """The part that is disclosed on purpose only.

    Args:
        person_id: staff number, never an ID number.
        post: of the person when they acted.
        role: in which they acted.
        approval: number of the approval on the writer's node; None outside of one.
    """

    person_id: str
    post: str
    role: ActorRole
    approval: int | None


ActStatement = Parsed[ActClear, ActDisclosed]
"""A parsed act statement; its leaf is in stream ``reads``."""


def seal_act(ids: StatementIds, clear: ActClear, disclosed: ActDisclosed, record_key: bytes) -> SealedRecord:
    """Make an act statement.

    Args:
        ids: issuer, record id, time.
        clear: the clear part.
        disclosed: what becomes disclosures, in a fixed order.
        record_key: 32 fresh random bytes for the salts.

    Raises:
        InputError: ``statement-form`` when a member is not of its form.
    """
    document = None if clear.document is None else clear.document.hex()
    extra = FORM.clear_members((clear.act.value, clear.object_ref, clear.time, document))
    fields = FORM.disclosed_members((disclosed.person_id, disclosed.post, disclosed.role.value, disclosed.approval))
    _clear(extra)
    _disclosed(fields)
    return FORM.seal(ids, texts_of(extra), texts_of(fields), record_key)


def parse_act(statement: bytes, disclosures: Sequence[str] = ()) -> ActStatement:
    """Read an act statement; the disclosed part only when all its disclosures are given.

    Raises:
        InputError: ``statement-form`` and the codes of ``record``.
        EvidenceError: ``statement-foreign-disclosure``.
    """
    return FORM.parse(statement, disclosures, _clear, _disclosed)


def _clear(values: Mapping[str, object]) -> ActClear:
    members = Members.of(values, FORM.clear, FORM.where)
    document = members.optional_text("document", _HEX32)
    return ActClear(
        members.choice("act", ActWord),
        members.text("object", OBJECT_REF),
        EpochS(members.integer("time", 0)),
        None if document is None else bytes.fromhex(document),
    )


def _disclosed(values: Mapping[str, object]) -> ActDisclosed:
    members = Members.of(values, FORM.disclosed, FORM.where)
    return ActDisclosed(
        members.text("person_id", _LINE),
        members.text("post", _LINE),
        members.choice("role", ActorRole),
        members.optional_integer("approval", 1, MAX_INTEGER),
    )
