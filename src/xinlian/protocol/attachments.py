"""The value of a file field: what a record says about an attachment, which itself stays outside the record.

Rules
1. A value is one object with exactly the members ``sha256, bytes, media_type, name``, in this order in its exact JSON text.
2. The media types are a closed list; a schema may narrow it. Archives that hide what they hold are not in it.
3. A name is what a person reads, never a path: no separators, no control characters (those that turn the direction of writing
   around among them, which make ``exe.pdf`` look like ``fdp.exe``), not dots alone.

Example::

    value = FileValue("ab" * 32, 48_211, "application/pdf", "授权书.pdf")
    text = value.text()    # '{"sha256":"abab…","bytes":48211,"media_type":"application/pdf","name":"授权书.pdf"}'

Source: issue "2 of 5", Attachments; GB/T 33190 (OFD); IANA media types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from xinlian.protocol.jsontext import value_text

MAX_BYTES: Final = 2_147_483_648
"""2 GiB, the largest file whatever the settings say."""
MAX_NAME: Final = 255
MEMBERS: Final = ("sha256", "bytes", "media_type", "name")

PDF: Final = "application/pdf"
OFD: Final = "application/ofd"
PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
TIFF: Final = "image/tiff"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
DWG: Final = "image/vnd.dwg"
DXF: Final = "image/vnd.dxf"
MEDIA_TYPES: Final = (PDF, OFD, PNG, JPEG, TIFF, XLSX, DOCX, DWG, DXF)
"""Every media type that an attachment may have."""

SHA256_PATTERN: Final = "^[0-9a-f]{64}$"
_BARRED: Final = r"/\\\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069"
NAME_PATTERN: Final = rf"^[^{_BARRED}]*[^{_BARRED}.][^{_BARRED}]*$"
_SHA256: Final = re.compile(SHA256_PATTERN[1:-1])
_NAME: Final = re.compile(NAME_PATTERN[1:-1])


@dataclass(frozen=True, slots=True)
class FileValue:
    """What a record says about a file.

    Args:
        sha256: of the content, 64 lower-case hex digits.
        bytes: length of the content, 1 to ``MAX_BYTES``.
        media_type: one of ``MEDIA_TYPES``.
        name: file name, 1 to 255 characters.
    """

    sha256: str
    bytes: int
    media_type: str
    name: str

    def to_json(self) -> dict[str, str | int]:
        """The four members in their order."""
        return {"sha256": self.sha256, "bytes": self.bytes, "media_type": self.media_type, "name": self.name}

    def text(self) -> str:
        """The exact JSON text, as it stands in a disclosure."""
        return value_text(self.to_json())


def file_value(value: object) -> FileValue | None:
    """Read the value of a file field.

    Args:
        value: as parsed from JSON, members in any order.

    Returns:
        The value, or None when it is not of the form (rules 1 to 3).
    """
    return None if file_fault(value) else FileValue(*(value[name] for name in MEMBERS))  # type: ignore[index]  # it is a mapping


def file_fault(value: object, media_types: tuple[str, ...] = MEDIA_TYPES) -> str:
    """The first member of a file field's value that is not of its form.

    Args:
        value: as parsed from JSON.
        media_types: those that the schema allows.

    Returns:
        The member's name, ``value`` when it is no such object at all, empty when everything is right.
    """
    if not isinstance(value, Mapping) or set(value) != set(MEMBERS):
        return "value"
    digest, size, media_type, name = (value[member] for member in MEMBERS)
    sound = (
        ("sha256", isinstance(digest, str) and _SHA256.fullmatch(digest) is not None),
        ("bytes", type(size) is int and 1 <= size <= MAX_BYTES),
        ("media_type", media_type in media_types),
        ("name", is_file_name(name)),
    )
    return next((member for member, holds in sound if not holds), "")


def is_file_name(name: object) -> bool:
    """Whether a text may be the name of an attachment (rule 3)."""
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME or _NAME.fullmatch(name) is None:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in name)
