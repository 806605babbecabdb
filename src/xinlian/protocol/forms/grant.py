"""The life of a grant after delivery: delivery note, suspension, change, closing, disposal, use records.

Source: Decree 809 art. 22, 25, 27, 29; dossier 2.3.1, 2.6, 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from xinlian.protocol.forms.common import ApprovedBy, CaseNo, Date, Name, Reason, RequestNo, Text, WorkingDays
from xinlian.protocol.forms.reading import Count, Fault, Missing, Prose, Whole

LAW = "政务数据共享条例第二十七条"


@dataclass(frozen=True, slots=True)
class DeliveryNote:
    """交付说明: what was delivered, how it is reached, on which conditions."""

    request_no: RequestNo
    grant_number: Annotated[int, Whole(1, 2**53 - 1)]
    method: Name
    conditions: Annotated[tuple[Name, ...], Count(0, 20)]
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class SuspensionNotice:
    """暂停共享通知书: facts, basis, until when to be rectified, remedy."""

    request_no: RequestNo
    facts: Annotated[str, Prose(4_000), Missing("facts-missing")]
    basis: Annotated[str, Prose(500), Missing("basis-missing")]
    rectify_within: Annotated[WorkingDays, Missing("rectification-missing")]
    remedy: Annotated[str, Prose(1_000), Missing("remedy-missing")]
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class RectificationReport:
    """整改报告."""

    request_no: RequestNo
    measures: Annotated[str, Prose(4_000), Missing("reason-missing")]
    done_on: Date
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class ResumptionNotice:
    """恢复共享通知书."""

    request_no: RequestNo
    reason: Reason
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class TerminationNotice:
    """终止共享通知书."""

    request_no: RequestNo
    facts: Annotated[str, Prose(4_000), Missing("facts-missing")]
    basis: Annotated[str, Prose(500), Missing("basis-missing")]
    remedy: Annotated[str, Prose(1_000), Missing("remedy-missing")]
    approved_by: ApprovedBy | None = None


class ChangeKind(StrEnum):
    """What the provider wants."""

    CHANGE = "变更"
    STOP = "停止"


@dataclass(frozen=True, slots=True)
class ChangeNegotiation:
    """变更协商: nothing is changed or stopped without consulting the requester and filing it (备案)."""

    request_no: RequestNo
    kind: ChangeKind
    reason: Reason
    planned_on: Date
    terms: Text | None = None
    approved_by: ApprovedBy | None = None

    def faults(self) -> Iterator[Fault]:
        """What single members cannot show."""
        if self.kind is ChangeKind.CHANGE and self.terms is None:
            yield Fault("terms", "change-terms-missing", "the terms as they should be")


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """协商结果: accepted, or the terms stay."""

    request_no: RequestNo
    accepted: bool
    reason: Reason
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """The purpose is met (or the negotiation ended the sharing); what happens to the data."""

    request_no: RequestNo
    reason: Reason
    disposal_due: Date
    approved_by: ApprovedBy | None = None


class DisposalMethod(StrEnum):
    """处置方式."""

    DELETED = "删除"
    RETURNED = "退回"
    ARCHIVED = "归档"
    NEVER_STORED = "未存储"


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """A copy that a legal duty keeps."""

    what: Name
    legal_basis: Annotated[str, Prose(500), Missing("basis-missing")]
    until: Date


@dataclass(frozen=True, slots=True)
class DisposalRecord:
    """处置记录: what was done with the data, by whom, what a legal duty keeps."""

    request_no: RequestNo
    method: Annotated[DisposalMethod, Missing("disposal-method-missing")]
    scope: Text
    done_on: Date
    done_by: Name
    witnessed_by: Name
    kept: Annotated[tuple[KeptCopy, ...], Count(0, 50)]
    approved_by: ApprovedBy | None = None

    def faults(self) -> Iterator[Fault]:
        """What single members cannot show."""
        if self.done_by == self.witnessed_by:
            yield Fault("witnessed_by", "disposal-witness", "another person than who did it")


@dataclass(frozen=True, slots=True)
class CaseDisposal:
    """办件数据处置记录: what was done with everything that a department received for a case, after the case was closed."""

    case: CaseNo
    method: Annotated[DisposalMethod, Missing("disposal-method-missing")]
    scope: Text
    done_on: Date
    done_by: Name
    witnessed_by: Name
    kept: Annotated[tuple[KeptCopy, ...], Count(0, 50)]
    approved_by: ApprovedBy | None = None

    def faults(self) -> Iterator[Fault]:
        """What single members cannot show."""
        if self.done_by == self.witnessed_by:
            yield Fault("witnessed_by", "disposal-witness", "another person than who did it")


@dataclass(frozen=True, slots=True)
class UseRecord:
    """使用情况记录表 (Decree 809 art. 29): kept at least three years; without a case it covers every case of the period."""

    request_no: RequestNo
    period_from: Date
    period_to: Date
    scene: Annotated[str, Prose(2_000), Missing("use-record-missing")]
    process: Annotated[str, Prose(4_000), Missing("use-record-missing")]
    effect: Annotated[str, Prose(2_000), Missing("use-record-missing")]
    storage: Annotated[str, Prose(2_000), Missing("use-record-missing")]
    disposal: Annotated[str, Prose(2_000), Missing("use-record-missing")]
    uses: Annotated[int, Whole(0, 2**53 - 1)]
    case: CaseNo | None = None
    approved_by: ApprovedBy | None = None

    def faults(self) -> Iterator[Fault]:
        """What single members cannot show."""
        if date.fromisoformat(self.period_to) < date.fromisoformat(self.period_from):
            yield Fault("period_to", "term-reversed", "a day not before period_from")
