"""The kind ``corrected``: which values of a record were wrong, by which revision they are replaced; how many copies there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from xinlian.protocol.envelope import USCC_FORM
from xinlian.protocol.members import Members, Where
from xinlian.protocol.messages import FIELD_NAME
from xinlian.protocol.notices.erased import Concerned
from xinlian.protocol.notices.words import LEAF_FORM, MAX_FIELDS, NoticeKind, NoticeOutcome
from xinlian.protocol.types import EpochS, Uscc

_MEMBERS: Final = ("record", "correction", "fields", "rev", "leaf", "corrected_at")


@dataclass(frozen=True, slots=True)
class Corrected:
    """The body of a notice that a value was wrong.

    Args:
        record: which record, its revisions before the correction, the requests under which this receiver got something of it.
        receiver: who opened the correction.
        number: of the correction, the receiver's.
        fields: names of what was disputed, each once.
        rev: of the revision that is right.
        leaf: its leaf, 32 bytes.
        corrected_at: epoch seconds, law time.
    """

    record: Concerned
    receiver: Uscc
    number: int
    fields: tuple[str, ...]
    rev: int
    leaf: bytes
    corrected_at: EpochS

    kind: ClassVar[NoticeKind] = NoticeKind.CORRECTED

    def to_json(self) -> dict[str, object]:
        """The member ``body``."""
        return {
            "record": self.record.to_json(),
            "correction": {"receiver": self.receiver, "number": self.number},
            "fields": list(self.fields),
            "rev": self.rev,
            "leaf": self.leaf.hex(),
            "corrected_at": self.corrected_at,
        }

    @classmethod
    def of(cls, value: object, where: Where) -> Corrected:
        """Read the member ``body``.

        Raises:
            InputError: the code of ``where``.
        """
        members = Members.of(value, _MEMBERS, where)
        record = Concerned.of(members.values["record"], where.at("record"))
        correction = Members.of(members.values["correction"], ("receiver", "number"), where.at("correction"))
        fields = members.texts("fields", FIELD_NAME, MAX_FIELDS, 1)
        if len(set(fields)) != len(fields):
            raise where.at("fields").error("every field once")
        rev = members.integer("rev", 2)
        if record.revisions[-1][0] >= rev:
            raise where.at("rev").error("later than the revisions it replaces")
        return cls(
            record,
            Uscc(correction.text("receiver", USCC_FORM)),
            correction.integer("number", 1),
            fields,
            rev,
            bytes.fromhex(members.text("leaf", LEAF_FORM)),
            EpochS(members.integer("corrected_at", 0)),
        )


@dataclass(frozen=True, slots=True)
class Noted:
    """What became of the copies: they stay, marked as replaced.

    Args:
        copies: how many there were.
    """

    copies: int

    kind: ClassVar[NoticeKind] = NoticeKind.CORRECTED
    outcome: ClassVar[NoticeOutcome] = NoticeOutcome.NOTED

    def to_json(self) -> dict[str, object]:
        """The member ``body`` of the acknowledgement."""
        return {"copies": self.copies}

    @classmethod
    def of(cls, value: object, where: Where) -> Noted:
        """Read the member ``body`` of the acknowledgement.

        Raises:
            InputError: the code of ``where``.
        """
        return cls(Members.of(value, ("copies",), where).integer("copies", 0))
