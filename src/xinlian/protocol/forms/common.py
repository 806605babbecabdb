"""What several forms share: numbers and codes as officials write them, persons, and the two who stand behind a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from xinlian.protocol.forms.reading import Code, Count, Day, Line, Missing, Prose, Whole

MAX_ITEMS: Final = 256
MAX_EPOCH_S: Final = 2**32 - 1
_USCC: Final = r"[0-9A-HJ-NPQRTUWXY]{18}"

Uscc = Annotated[str, Code(re.compile(_USCC, re.ASCII), "a 统一社会信用代码 of 18 characters")]
RequestNo = Annotated[str, Code(re.compile(r"GX[0-9]{14}", re.ASCII), "a 申请编号: GX, date and serial, 14 digits")]
CatalogCode = Annotated[str, Code(re.compile(_USCC + r"/[0-9]{6}", re.ASCII), "a catalogue code <USCC>/<6 digits>")]
Version = Annotated[int, Whole(1, 65_535)]
FieldName = Annotated[
    str, Code(re.compile(r"[a-z][a-z0-9_]{0,63}(\.[a-z0-9_]{1,63}){0,2}", re.ASCII), "the name of a field or view")
]
CaseNo = Annotated[str, Code(re.compile(_USCC + r"/[A-Z0-9_-]{1,32}", re.ASCII), "a case: <lead USCC>/<case number>")]
Hex32 = Annotated[str, Code(re.compile(r"[0-9a-f]{64}", re.ASCII), "64 hex digits")]
PurposeCode = Annotated[str, Code(re.compile(r"[A-Z0-9_-]{1,32}", re.ASCII), "a purpose code of A-Z, 0-9, _ and -")]
RecordNo = Annotated[str, Code(re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII), "a record id")]
Reason = Annotated[str, Prose(2_000), Missing("reason-missing")]
Text = Annotated[str, Prose(2_000)]
Name = Annotated[str, Line(120)]
WorkingDays = Annotated[int, Whole(1, 250)]
Moment = Annotated[int, Whole(0, MAX_EPOCH_S)]
Date = Annotated[str, Day()]


class Ground(StrEnum):
    """The three conditions of a catalogue entry; nothing else can ground a refusal (Decree 809 art. 15)."""

    SCOPE = "共享范围"
    PURPOSE = "使用用途"
    CONDITIONS = "使用条件"

    @property
    def bit(self) -> int:
        """Its bit in the contract's ``grounds``."""
        return 1 << list(Ground).index(self)


@dataclass(frozen=True, slots=True)
class PersonNamed:
    """A person as a text names them: staff number (never an ID number), name, post."""

    person_id: Name
    name: Name
    post: Name


@dataclass(frozen=True, slots=True)
class ApprovedBy:
    """The two persons behind a text: 经办人 and 共享工作机构负责人; ``at`` is law time in epoch seconds."""

    handler: PersonNamed
    office_head: PersonNamed
    at: Moment


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """A field that is not given: why, and on which of the catalogue's conditions."""

    name_en: FieldName
    reason: Annotated[str, Prose(2_000), Missing("refusal-reason-missing")]
    grounds: Annotated[tuple[Ground, ...], Count(1, 3), Missing("refusal-grounds-missing")]
