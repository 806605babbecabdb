"""The kind ``erased``: which record, which revisions, under which requests it was received; what became of the copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from xinlian.protocol.envelope import RID_FORM, USCC_FORM, Rid
from xinlian.protocol.members import Members, Where
from xinlian.protocol.messages import CODE_TEXT, CaseRef
from xinlian.protocol.notices.words import (
    BASIS_FORM,
    LEAF_FORM,
    MAX_REVISIONS,
    MAX_RIDS,
    RECORD_FORM,
    NoticeKind,
    NoticeOutcome,
)
from xinlian.protocol.types import EpochS, RecordId, Uscc

MAX_REASON: Final = 255
MAX_KEPT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Concerned:
    """A record as its receiver knows it; kinds that speak of a record have it as their member ``record``.

    Args:
        record_id: of the record.
        revisions: (revision from 1, leaf of 32 bytes), rising, at least one.
        rids: requests under which this receiver got it, each once, at least one.
    """

    record_id: RecordId
    revisions: tuple[tuple[int, bytes], ...]
    rids: tuple[Rid, ...]

    def to_json(self) -> dict[str, object]:
        """The member ``record``."""
        revisions = [{"rev": rev, "leaf": leaf.hex()} for rev, leaf in self.revisions]
        return {"id": self.record_id, "revisions": revisions, "rids": list(self.rids)}

    @classmethod
    def of(cls, value: object, where: Where) -> Concerned:
        """Read the member ``record``.

        Raises:
            InputError: the code of ``where``.
        """
        members = Members.of(value, ("id", "revisions", "rids"), where)
        revisions = tuple(_revision(one, place) for place, one in members.list("revisions", MAX_REVISIONS, 1))
        numbers = [rev for rev, _ in revisions]
        if numbers != sorted(set(numbers)):
            raise where.at("revisions").error("every revision once, rising")
        rids = members.texts("rids", RID_FORM, MAX_RIDS, 1)
        if len(set(rids)) != len(rids):
            raise where.at("rids").error("every request once")
        return cls(RecordId(members.text("id", RECORD_FORM)), revisions, tuple(Rid(rid) for rid in rids))


def _revision(value: object, where: Where) -> tuple[int, bytes]:
    members = Members.of(value, ("rev", "leaf"), where)
    return members.integer("rev", 1), bytes.fromhex(members.text("leaf", LEAF_FORM))


@dataclass(frozen=True, slots=True)
class Erased:
    """The body of a notice of an erasure.

    Args:
        record: which record.
        reason: reason code of the contract.
        erased_at: epoch seconds, when the sender decided it.
    """

    record: Concerned
    reason: int
    erased_at: EpochS

    kind: ClassVar[NoticeKind] = NoticeKind.ERASED

    def to_json(self) -> dict[str, object]:
        """The member ``body``."""
        return {"record": self.record.to_json(), "reason": self.reason, "erased_at": self.erased_at}

    @classmethod
    def of(cls, value: object, where: Where) -> Erased:
        """Read the member ``body``.

        Raises:
            InputError: the code of ``where``.
        """
        members = Members.of(value, ("record", "reason", "erased_at"), where)
        record = Concerned.of(members.values["record"], where.at("record"))
        return cls(record, members.integer("reason", 0, MAX_REASON), EpochS(members.integer("erased_at", 0)))


@dataclass(frozen=True, slots=True)
class Kept:
    """Copies that a duty keeps.

    Args:
        case: whose case file holds them.
        basis: the law that says so, one line.
        until: epoch seconds.
    """

    case: CaseRef
    basis: str
    until: EpochS


@dataclass(frozen=True, slots=True)
class Done:
    """What became of the copies.

    Args:
        deleted: how many went.
        kept: what stays, restricted; one entry a case.
    """

    deleted: int
    kept: tuple[Kept, ...] = ()

    kind: ClassVar[NoticeKind] = NoticeKind.ERASED

    @property
    def outcome(self) -> NoticeOutcome:
        """The outcome that says the same in one word."""
        if self.kept:
            return NoticeOutcome.KEPT_BY_DUTY
        return NoticeOutcome.DELETED if self.deleted > 0 else NoticeOutcome.NOTHING_HELD

    def to_json(self) -> dict[str, object]:
        """The member ``body`` of the acknowledgement."""
        return {"deleted": self.deleted, "kept": [_kept_json(one) for one in self.kept]}

    @classmethod
    def of(cls, value: object, where: Where) -> Done:
        """Read the member ``body`` of the acknowledgement.

        Raises:
            InputError: the code of ``where``.
        """
        members = Members.of(value, ("deleted", "kept"), where)
        kept = tuple(_kept(one, place) for place, one in members.list("kept", MAX_KEPT))
        return cls(members.integer("deleted", 0), kept)


def _kept_json(kept: Kept) -> dict[str, object]:
    return {"case": {"lead": kept.case.lead, "no": kept.case.case_no}, "basis": kept.basis, "until": kept.until}


def _kept(value: object, where: Where) -> Kept:
    members = Members.of(value, ("case", "basis", "until"), where)
    case = Members.of(members.values["case"], ("lead", "no"), where.at("case"))
    ref = CaseRef(Uscc(case.text("lead", USCC_FORM)), case.text("no", CODE_TEXT))
    return Kept(ref, members.text("basis", BASIS_FORM), EpochS(members.integer("until", 0)))
