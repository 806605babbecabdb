"""The kind ``finding``: a breach that only the sender's node sees (refused calls, gaps), told to the authority's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from xinlian.protocol.envelope import USCC_FORM
from xinlian.protocol.findings import Article, EventRef, Evidence, Finding, ReadRef
from xinlian.protocol.members import Members, Where
from xinlian.protocol.notices.words import LEAF_FORM, NoticeKind, NoticeOutcome
from xinlian.protocol.objects import OBJECT_REF
from xinlian.protocol.types import EpochS

MAX_EVIDENCE: Final = 50
MAX_FACTS: Final = 20
MAX_FACT_CHARS: Final = 120
_MEMBERS: Final = ("article", "breach", "department", "object", "since", "standing", "noticed_at", "evidence", "facts")
_EVENT: Final = ("kind", "contract", "event", "block", "tx_hash", "log_index", "at", "document")
_READ: Final = ("kind", "department", "position", "leaf", "at")
_BREACH: Final = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z]{1,40}", re.ASCII)
_TX: Final = re.compile(r"0x[0-9a-f]{64}", re.ASCII)
_FACT: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ToldFinding:
    """The body of a notice of a finding; its id is not sent, it follows from what is (``Finding.id``).

    Args:
        finding: with 1 to 50 pieces of evidence, and facts that are single numbers and codes.
        noticed_at: epoch seconds, law time of the sender.
    """

    finding: Finding
    noticed_at: EpochS

    kind: ClassVar[NoticeKind] = NoticeKind.FINDING

    def to_json(self) -> dict[str, object]:
        """The member ``body``."""
        one = self.finding
        return {
            "article": one.article.value,
            "breach": one.breach,
            "department": one.department,
            "object": one.object_ref,
            "since": one.since_s,
            "standing": one.is_standing,
            "noticed_at": self.noticed_at,
            "evidence": [piece.to_json() for piece in one.evidence],
            "facts": dict(one.facts),
        }

    @classmethod
    def of(cls, value: object, where: Where) -> ToldFinding:
        """Read the member ``body``.

        Raises:
            InputError: the code of ``where``.
        """
        members = Members.of(value, _MEMBERS, where)
        standing = members.values["standing"]
        if not isinstance(standing, bool):
            raise where.at("standing").error("true or false")
        finding = Finding(
            members.choice("article", Article),
            members.text("breach", _BREACH),
            members.text("department", USCC_FORM),
            members.text("object", OBJECT_REF),
            members.integer("since", 0),
            standing,
            tuple(_evidence(one, place) for place, one in members.list("evidence", MAX_EVIDENCE, 1)),
            members.scalars("facts", _FACT, MAX_FACTS, MAX_FACT_CHARS),
        )
        return cls(finding, EpochS(members.integer("noticed_at", 0)))


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """What became of a finding: the authority's node lists it.

    Args:
        finding: its id, 64 hex.
    """

    finding: str

    kind: ClassVar[NoticeKind] = NoticeKind.FINDING
    outcome: ClassVar[NoticeOutcome] = NoticeOutcome.LISTED

    def to_json(self) -> dict[str, object]:
        """The member ``body`` of the acknowledgement."""
        return {"finding": self.finding}

    @classmethod
    def of(cls, value: object, where: Where) -> KnownFinding:
        """Read the member ``body`` of the acknowledgement.

        Raises:
            InputError: the code of ``where``.
        """
        return cls(Members.of(value, ("finding",), where).text("finding", LEAF_FORM))


def _evidence(value: object, where: Where) -> Evidence:
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "event":
        members = Members.of(value, _EVENT, where)
        return EventRef(
            members.text("contract", _NAME),
            members.text("event", _NAME),
            members.integer("block", 0),
            members.text("tx_hash", _TX),
            members.integer("log_index", 0),
            members.integer("at", 0),
            members.optional_text("document", LEAF_FORM),
        )
    if kind == "read":
        members = Members.of(value, _READ, where)
        department, position = members.text("department", USCC_FORM), members.integer("position", 1)
        return ReadRef(department, position, members.text("leaf", LEAF_FORM), members.integer("at", 0))
    raise where.at("kind").error("event or read")
