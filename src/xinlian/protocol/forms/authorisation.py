"""个人信息查询授权书: what a person authorises one department or other receiver to read, until when, for which case.

Rules
1. One form is about one catalogue entry, so that its provider sees what concerns it and nothing else; a person who signs for
   several entries signs several forms, and withdraws each of them alone.
2. Every item that is sensitive personal information has a box of its own (单独同意); an item without it is not consented to.
3. The form is valid for its case alone; without a case only for standing use.
4. What the person was told (告知) is part of the form: who, why, how, how long, which rights, and where to withdraw.

Source: PIPL art. 14, 17, 23, 28-30; Decree 809 art. 25; dossier 4.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from xinlian.protocol.dataset.model import SubjectKind
from xinlian.protocol.forms.common import MAX_ITEMS, CatalogCode, Date, FieldName, PurposeCode, Text, Uscc
from xinlian.protocol.forms.correction import Evidence
from xinlian.protocol.forms.reading import Code, Count, Day, Fault, Line, Missing

MAX_OBJECTS = 16
CaseNo = Annotated[str, Code(re.compile(r"[A-Z0-9_-]{1,32}", re.ASCII), "a case number of A-Z, 0-9, _ and -")]


class SignedBy(StrEnum):
    """How the person signed."""

    HAND = "手写签名"
    ELECTRONIC = "电子签名"


@dataclass(frozen=True, slots=True)
class AuthorisedSubject:
    """A person or thing by its code; a code of its kind is checked where the form is used."""

    kind: SubjectKind
    value: Annotated[str, Line(64)]


@dataclass(frozen=True, slots=True)
class AuthorisedItem:
    """One field or view, and whether its own box was signed (单独同意)."""

    name_en: FieldName
    separate_consent: bool


@dataclass(frozen=True, slots=True)
class AuthorisedCase:
    """The case that the authorisation is for."""

    lead: Uscc
    case_no: CaseNo


@dataclass(frozen=True, slots=True)
class Informed:
    """告知: the processor's name and contact, purpose, method, retention, the person's rights, and where to withdraw."""

    processor: Annotated[str, Line(200)]
    contact: Annotated[str, Line(200)]
    purpose: Text
    method: Text
    retention: Text
    rights: Text
    withdrawal: Text


@dataclass(frozen=True, slots=True)
class Authorisation:
    """个人信息查询授权书; ``valid_to`` is the last day of its term, UTC+8."""

    subject: AuthorisedSubject
    objects: Annotated[tuple[AuthorisedSubject, ...], Count(0, MAX_OBJECTS)]
    receiver: Uscc
    catalog_code: CatalogCode
    items: Annotated[tuple[AuthorisedItem, ...], Count(1, MAX_ITEMS), Missing("requested-items-missing")]
    purposes: Annotated[tuple[PurposeCode, ...], Count(1, 16)]
    valid_from: Annotated[str, Day(), Missing("term-missing")]
    valid_to: Annotated[str, Day(), Missing("term-missing")]
    informed: Annotated[Informed, Missing("informed-missing")]
    signed_by: SignedBy
    signed_on: Date
    case: AuthorisedCase | None = None
    scan: Evidence | None = None

    def faults(self) -> Iterator[Fault]:
        """What single members cannot show."""
        if date.fromisoformat(self.valid_to) < date.fromisoformat(self.valid_from):
            yield Fault("valid_to", "term-reversed", "a day not before valid_from")
        names = [item.name_en for item in self.items]
        if len(set(names)) != len(names):
            yield Fault("items", "item-repeated", "every field once")
