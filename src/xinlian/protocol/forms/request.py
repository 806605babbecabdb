"""政务数据共享申请表: what a department says when it asks for another department's data.

Rules
1. 使用依据, 使用场景, 使用范围, 共享方式, 使用时限 and a reason per field are mandatory; each has a code of its own.
2. A term runs forward and for at most a year [assumption of the dossier].
3. Data that is stored has its end and its encryption named.

Source: Decree 809 art. 20; dossier 2.3, 8.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from xinlian.protocol.dataset.model import Mode
from xinlian.protocol.forms.common import (
    MAX_ITEMS,
    ApprovedBy,
    CatalogCode,
    Date,
    FieldName,
    Hex32,
    Name,
    PurposeCode,
    RequestNo,
    Text,
    Uscc,
    Version,
)
from xinlian.protocol.forms.reading import Count, Day, Fault, Line, Missing, Prose, Whole

MAX_TERM_DAYS: Final = 366


class Method(StrEnum):
    """共享方式 (Decree 809 art. 22)."""

    SERVICE = "服务接口"
    BATCH = "批量交换"
    FILE = "文件下载"


class StorageKind(StrEnum):
    """存储要求."""

    NONE = "不落地"
    KEPT = "落地"


class PiBasisKind(StrEnum):
    """个人信息处理依据 (PIPL art. 13, 23, 29, 34)."""

    DUTY = "法定职责"
    SEPARATE_CONSENT = "单独同意"
    CONTRACT = "合同"
    EMERGENCY = "突发事件"
    OTHER_LAW = "法律、行政法规规定的其他情形"


@dataclass(frozen=True, slots=True)
class Requester:
    """需求部门, 经办人, 联系电话 of the office (not of a person)."""

    uscc: Uscc
    handler: Name
    phone: Annotated[str, Line(40)] | None = None


@dataclass(frozen=True, slots=True)
class RequestedItem:
    """One field or view, how it is used, and why that is necessary."""

    name_en: FieldName
    modes: Annotated[tuple[Mode, ...], Count(1, 4)]
    necessity_reason: Annotated[str, Prose(1_000), Missing("necessity-reason-missing")]


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """One law, regulation or duty."""

    title: Annotated[str, Line(200), Missing("legal-basis-missing")]
    article: Annotated[str, Line(80), Missing("legal-basis-missing")]
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """使用场景 and the 政务服务事项 behind it; ``id`` is the registered scenario's hash."""

    name: Annotated[str, Line(200), Missing("scenario-missing")]
    item_code: Annotated[str, Line(64), Missing("scenario-missing")]
    id: Hex32 | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """使用范围: who in the department, about whom, where."""

    users: Annotated[str, Line(500), Missing("scope-missing")]
    region: Annotated[str, Line(200), Missing("scope-missing")]
    subjects: Text | None = None


@dataclass(frozen=True, slots=True)
class Frequency:
    """调用频次."""

    per_day: Annotated[int, Whole(1, 100_000_000)]
    peak_qps: Annotated[int, Whole(1, 1_000_000)] | None = None


@dataclass(frozen=True, slots=True)
class Storage:
    """存储要求: not stored at all, or until when and how encrypted."""

    kind: StorageKind
    until: Date | None = None
    encryption: Annotated[str, Line(200)] | None = None

    def faults(self) -> Iterator[Fault]:
        """What single members cannot show."""
        if self.kind is StorageKind.KEPT and (self.until is None or self.encryption is None):
            yield Fault("storage", "storage-terms-missing", "until and encryption, because the data is stored")


@dataclass(frozen=True, slots=True)
class SecurityMeasures:
    """安全措施 and 等保级别."""

    text: Text
    level: Annotated[int, Whole(1, 4)]


@dataclass(frozen=True, slots=True)
class PiBasis:
    """个人信息处理依据."""

    kind: PiBasisKind
    plus: Annotated[str, Line(200)] | None = None


@dataclass(frozen=True, slots=True)
class SharingRequest:
    """政务数据共享申请表."""

    request_no: RequestNo
    requester: Requester
    catalog_code: CatalogCode
    catalog_version: Version
    requested_items: Annotated[tuple[RequestedItem, ...], Count(1, MAX_ITEMS), Missing("requested-items-missing")]
    legal_basis: Annotated[tuple[LegalBasis, ...], Count(1, 20), Missing("legal-basis-missing")]
    scenario: Annotated[Scenario, Missing("scenario-missing")]
    scope: Annotated[Scope, Missing("scope-missing")]
    method: Annotated[Method, Missing("method-missing")]
    frequency: Frequency
    valid_from: Annotated[str, Day(), Missing("term-missing")]
    valid_to: Annotated[str, Day(), Missing("term-missing")]
    storage: Storage
    purposes: Annotated[tuple[PurposeCode, ...], Count(1, 16)]
    uses_per_case: Annotated[int, Whole(1, 2**32 - 1)]
    standing: bool
    pi_basis: PiBasis | None = None
    security_measures: SecurityMeasures | None = None
    out_of_scope_reason: Text | None = None
    return_flow: bool | None = None
    """回流: the data was collected here and is asked back from a higher level (Decree 809 art. 24)."""
    office_head_consent: ApprovedBy | None = None

    def faults(self) -> Iterator[Fault]:
        """What single members cannot show."""
        days = (date.fromisoformat(self.valid_to) - date.fromisoformat(self.valid_from)).days
        if days < 0:
            yield Fault("valid_to", "term-reversed", "a day not before valid_from")
        elif days > MAX_TERM_DAYS:
            yield Fault("valid_to", "term-too-long", f"at most {MAX_TERM_DAYS} days after valid_from")
        names = [item.name_en for item in self.requested_items]
        if len(set(names)) != len(names):
            yield Fault("requested_items", "item-repeated", "every field once")
        yield from self.storage.faults()
