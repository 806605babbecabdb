"""What the provider and the authority write back: completion, extension, answer, and what follows a refusal.

Rules
1. 补正告知书 names all gaps at once, each with how to supply it.
2. 答复书: 同意 refuses nothing, 部分同意 agrees to some and refuses some, 不同意 agrees to nothing. Every refused field has its
   reason and the catalogue's condition that it rests on; a refusal names the remedy (救济途径).

Source: Decree 809 art. 21, 28; dossier 2.3, 4.4, 8.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from xinlian.protocol.clocks import CLOCKS, ClockId
from xinlian.protocol.forms.common import (
    MAX_ITEMS,
    ApprovedBy,
    Date,
    FieldName,
    Hex32,
    Name,
    Reason,
    RefusedItem,
    RequestNo,
    Text,
)
from xinlian.protocol.forms.reading import Count, Fault, Missing, Prose, Whole

MAX_EXTENSION_WD: Final = CLOCKS[ClockId.ANSWER_CONDITIONAL].extension_wd


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is missing or unclear, and how to supply it."""

    member: Name
    problem: Annotated[str, Prose(1_000), Missing("gap-missing")]
    how_to_supply: Annotated[str, Prose(1_000), Missing("gap-missing")]


@dataclass(frozen=True, slots=True)
class SupplementNotice:
    """补正告知书(共享): once, and everything at once."""

    request_no: RequestNo
    gaps: Annotated[tuple[Gap, ...], Count(1, MAX_ITEMS), Missing("gap-missing")]
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class ExtensionApplication:
    """延期申请 to the authority: how many working days more, and why."""

    request_no: RequestNo
    working_days: Annotated[int, Whole(1, MAX_EXTENSION_WD)]
    reason: Reason
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class ExtensionConsent:
    """The authority's consent to an extension; it may be shorter than what was asked for."""

    request_no: RequestNo
    working_days: Annotated[int, Whole(1, MAX_EXTENSION_WD)]
    reason: Reason
    application: Hex32
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class ExtensionNotice:
    """延期答复通知 to the requester: reason, new date, the authority's consent by its digest."""

    request_no: RequestNo
    working_days: Annotated[int, Whole(1, MAX_EXTENSION_WD)]
    reason: Reason
    due: Date
    consent: Hex32
    approved_by: ApprovedBy | None = None


class AnswerKind(StrEnum):
    """答复结论."""

    AGREED = "同意"
    PARTLY = "部分同意"
    REFUSED = "不同意"


@dataclass(frozen=True, slots=True)
class Answer:
    """政务数据共享答复书."""

    request_no: RequestNo
    answer: AnswerKind
    agreed_items: Annotated[tuple[FieldName, ...], Count(0, MAX_ITEMS)]
    refused_items: Annotated[tuple[RefusedItem, ...], Count(0, MAX_ITEMS)]
    conditions: Annotated[tuple[Name, ...], Count(0, 20)]
    delivery_due: Date | None = None
    working_days_used: Annotated[int, Whole(0, 1_000)] | None = None
    remedy: Text | None = None
    third_party_basis: Text | None = None
    approved_by: ApprovedBy | None = None

    def faults(self) -> Iterator[Fault]:
        """What single members cannot show."""
        yield from _items(self.answer, self.agreed_items, self.refused_items)
        if self.answer is AnswerKind.REFUSED and self.remedy is None:
            yield Fault("remedy", "remedy-missing", "what the requester can do against the refusal")


@dataclass(frozen=True, slots=True)
class Dispute:
    """争议申请 to the authority (Decree 809 art. 28)."""

    request_no: RequestNo
    claim: Annotated[str, Prose(2_000), Missing("reason-missing")]
    facts: Annotated[str, Prose(4_000), Missing("facts-missing")]
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class DisputeDecision:
    """The authority's recorded decision."""

    request_no: RequestNo
    decision: AnswerKind
    agreed_items: Annotated[tuple[FieldName, ...], Count(0, MAX_ITEMS)]
    refused_items: Annotated[tuple[RefusedItem, ...], Count(0, MAX_ITEMS)]
    reason: Reason
    approved_by: ApprovedBy | None = None

    def faults(self) -> Iterator[Fault]:
        """What single members cannot show."""
        yield from _items(self.decision, self.agreed_items, self.refused_items)


@dataclass(frozen=True, slots=True)
class ScopeReview:
    """The authority's review of a request outside the need-to-know matrix (超范围)."""

    request_no: RequestNo
    agreed_items: Annotated[tuple[FieldName, ...], Count(0, MAX_ITEMS)]
    reason: Reason
    approved_by: ApprovedBy | None = None


def _items(kind: AnswerKind, agreed: tuple[str, ...], refused: tuple[RefusedItem, ...]) -> Iterator[Fault]:
    """Which lists belong to which conclusion."""
    names = [*agreed, *(item.name_en for item in refused)]
    if len(set(names)) != len(names):
        yield Fault("agreed_items", "item-repeated", "every field once, agreed or refused")
    if (kind is AnswerKind.REFUSED) == bool(agreed):
        yield Fault("agreed_items", "answer-items", f"{'no field' if agreed else 'at least one field'}: the conclusion is {kind}")
    if (kind is AnswerKind.AGREED) == bool(refused):
        yield Fault(
            "refused_items", "answer-items", f"{'no field' if refused else 'at least one field'}: the conclusion is {kind}"
        )
