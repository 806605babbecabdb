"""校核: a receiver doubts a value, the provider answers within ten working days.

Source: Decree 809 art. 26; dossier 2.5, 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from xinlian.protocol.forms.common import ApprovedBy, CatalogCode, FieldName, Hex32, Name, Reason, RecordNo, Text, Uscc, Version
from xinlian.protocol.forms.reading import Count, Fault, Line, Missing, Prose, Whole

MAX_ATTACHMENT_BYTES = 2**31


@dataclass(frozen=True, slots=True)
class Evidence:
    """An attachment by its digest."""

    sha256: Hex32
    bytes: Annotated[int, Whole(1, MAX_ATTACHMENT_BYTES)]
    media_type: Annotated[str, Line(120)]
    name: Annotated[str, Line(200)]


@dataclass(frozen=True, slots=True)
class CorrectionApplication:
    """校核申请单: which values of which revision of a record, why they are doubted, with evidence, and which cases it touches."""

    number: Annotated[int, Whole(1, 2**53 - 1)]
    catalog_code: CatalogCode
    catalog_version: Version
    record_id: RecordNo
    revision: Annotated[int, Whole(1, 2**31 - 1)]
    items: Annotated[tuple[FieldName, ...], Count(1, 64)]
    doubt: Annotated[str, Prose(2_000), Missing("reason-missing")]
    evidence: Annotated[tuple[Evidence, ...], Count(1, 20), Missing("evidence-missing")]
    affected_cases: Annotated[tuple[Name, ...], Count(0, 100)]
    proposed_value: Annotated[str, Line(500)] | None = None
    approved_by: ApprovedBy | None = None


class CorrectionResult(StrEnum):
    """校核结果."""

    CORRECTED = "更正"
    MAINTAINED = "维持"
    FORWARDED = "转数源部门"


@dataclass(frozen=True, slots=True)
class CorrectionFeedback:
    """校核反馈单: the result with its reason; a correction names the new revision's leaf, a forwarding the source department."""

    number: Annotated[int, Whole(1, 2**53 - 1)]
    result: CorrectionResult
    reason: Reason
    corrected_leaf: Hex32 | None = None
    source_department: Uscc | None = None
    note: Text | None = None
    approved_by: ApprovedBy | None = None

    def faults(self) -> Iterator[Fault]:
        """What single members cannot show."""
        if (self.result is CorrectionResult.CORRECTED) != (self.corrected_leaf is not None):
            yield Fault("corrected_leaf", "correction-result", "the leaf of the new revision, exactly for 更正")
        if (self.result is CorrectionResult.FORWARDED) != (self.source_department is not None):
            yield Fault("source_department", "correction-result", "the source department, exactly for 转数源部门")
