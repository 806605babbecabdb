"""Object references: the one way to name what an act, a document, an approval or a notice is about.

Rules
1. A reference is a word of the closed list and the object's own key as officials write it, one blank between them.
2. It holds codes only: no name, no ID number, no free text; it stands in clear in statements, tables and logs.

Example: ``dataset_object("12411599MBDEM00233/000001", 2)`` is ``dataset 12411599MBDEM00233/000001@2``.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from xinlian.protocol.errors import InputError

MAX_NUMBER: Final = 2**64 - 1
_USCC: Final = r"[0-9A-HJ-NPQRTUWXY]{18}"
_NUMBER: Final = r"(0|[1-9][0-9]{0,19})"


class ObjectKind(StrEnum):
    """What an object is."""

    DATASET = "dataset"
    """``<catalogue code>@<version>``"""
    REQUEST = "request"
    """``<requester>/<14 digits of 申请编号>``"""
    GRANT = "grant"
    """``<provider>/<number>``"""
    CORRECTION = "correction"
    """``<receiver>/<number>``"""
    AUTHORISATION = "authorisation"
    """``<recorder>/<64 hex of its random id>``"""
    CASE = "case"
    """``<lead>/<case number>``"""
    DEPARTMENT = "department"
    """``<USCC>``"""
    RECORD = "record"
    """``<owner>/<record id>``"""


_KEY: Final[dict[ObjectKind, str]] = {
    ObjectKind.DATASET: _USCC + r"/[0-9]{6}@[1-9][0-9]{0,4}",
    ObjectKind.REQUEST: _USCC + r"/[0-9]{14}",
    ObjectKind.GRANT: f"{_USCC}/{_NUMBER}",
    ObjectKind.CORRECTION: f"{_USCC}/{_NUMBER}",
    ObjectKind.AUTHORISATION: _USCC + r"/[0-9a-f]{64}",
    ObjectKind.CASE: _USCC + r"/[A-Z0-9_-]{1,32}",
    ObjectKind.DEPARTMENT: _USCC,
    ObjectKind.RECORD: _USCC + r"/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
OBJECT_REF: Final = re.compile("|".join(f"{kind.value} {form}" for kind, form in _KEY.items()), re.ASCII)
"""The form of every reference."""


def check_object(text: str) -> str:
    """Return ``text`` when it is a reference.

    Raises:
        InputError: ``object-form``.
    """
    if OBJECT_REF.fullmatch(text) is None:
        raise InputError("object-form", "expected a reference such as dataset 12411599MBDEM00233/000001@1", field="object")
    return text


def object_kind(ref: str) -> ObjectKind:
    """Return the kind of a checked reference."""
    return ObjectKind(ref.partition(" ")[0])


def dataset_object(code: str, version: int) -> str:
    """Name a version of a catalogue entry."""
    return check_object(f"{ObjectKind.DATASET} {code}@{version}")


def request_object(requester: str, number: int) -> str:
    """Name a sharing request; its number is the 14 digits of the 申请编号 (date and serial)."""
    return check_object(f"{ObjectKind.REQUEST} {requester}/{number:014d}")


def grant_object(provider: str, number: int) -> str:
    """Name a grant."""
    return check_object(f"{ObjectKind.GRANT} {provider}/{number}")


def correction_object(receiver: str, number: int) -> str:
    """Name a correction (校核)."""
    return check_object(f"{ObjectKind.CORRECTION} {receiver}/{number}")


def case_object(lead: str, case_no: str) -> str:
    """Name a case."""
    return check_object(f"{ObjectKind.CASE} {lead}/{case_no}")


def authorisation_object(recorder: str, authorisation_id: bytes) -> str:
    """Name an authorisation of a data subject by its random 32-byte id."""
    return check_object(f"{ObjectKind.AUTHORISATION} {recorder}/{authorisation_id.hex()}")
