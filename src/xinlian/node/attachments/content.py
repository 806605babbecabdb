"""Whether a file's content is of the media type that was announced, and free of what runs by itself.

Rules
1. The content decides, never the name. What begins like another kind of file is refused (``attachment-type``), and the message
   says what it looks like.
2. OFD, XLSX and DOCX are ZIP archives: their directory must hold what the type needs, once, in clear, and unpack to a sensible
   size.
3. Refused as ``attachment-active``: encrypted content (no scanner can look into it), macros, embedded programs, scripts and
   launch actions. In a PDF these are found where they stand uncompressed; what hides deeper is the malware scanner's part.
4. Constant memory: the content passes by once in parts; of an archive only the directory is read.

Example::

    check = ContentCheck("application/pdf")
    for part in parts:
        check.update(part)
    check.finish(stream, size)

Source: ISO 32000-1 (PDF); GB/T 33190 (OFD); ECMA-376 part 2 (OPC); DXF reference (group codes); puremagic for naming what was
found.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Final

import puremagic

from xinlian.protocol.attachments import DOCX, DWG, DXF, JPEG, OFD, PDF, PNG, TIFF, XLSX
from xinlian.protocol.errors import InputError

HEAD_BYTES: Final = 4_096
MAX_PARTS: Final = 20_000
MAX_UNPACKED_RATIO: Final = 200
MIN_UNPACKED_BYTES: Final = 100 << 20
MAX_CONTENT_TYPES_BYTES: Final = 1 << 20

_MAGIC: Final[dict[str, tuple[bytes, ...]]] = {
    PDF: (b"%PDF-",),
    PNG: (b"\x89PNG\r\n\x1a\n",),
    JPEG: (b"\xff\xd8\xff",),
    TIFF: (b"II*\0", b"MM\0*"),
    DWG: (b"AC10",),
}
_SUFFIX: Final = {PDF: ".pdf", PNG: ".png", JPEG: ".jpg", TIFF: ".tiff", DWG: ".dwg"}
_ZIP: Final = b"PK\x03\x04"
_NEEDED: Final = {
    OFD: ("OFD.xml",),
    XLSX: ("[Content_Types].xml", "xl/workbook.xml"),
    DOCX: ("[Content_Types].xml", "word/document.xml"),
}
_BINARY_DXF: Final = b"AutoCAD Binary DXF\r\n\x1a\x00"
_ASCII_DXF: Final = re.compile(rb"\s*(?:999\r?\n[^\r\n]*\r?\n\s*)*0\r?\n\s*SECTION\r?\n", re.ASCII)
_PROGRAMS: Final = re.compile(
    r"vbaproject|(^|/)(activex|embeddings|macrosheets|ctrlprops|dialogsheets)/|oleobject"
    r"|\.(exe|dll|scr|com|msi|bat|cmd|ps1|vbs|js|jse|wsf|hta|jar|lnk|chm)$",
    re.IGNORECASE,
)
_PDF_TOKENS: Final = {
    b"/Encrypt": "protected with a password",
    b"/JavaScript": "with a script inside",
    b"/Launch": "that starts a program",
}
_OVERLAP: Final = max(map(len, _PDF_TOKENS))


class ContentCheck:
    """Looks at one file; hand in every part in order, then ``finish``.

    Args:
        media_type: as announced, one of the closed list.
    """

    def __init__(self, media_type: str) -> None:
        self._media_type = media_type
        self._head = b""
        self._end = b""

    def update(self, part: bytes) -> None:
        """Take in a part of the content.

        Raises:
            InputError: ``attachment-active`` for a PDF that is encrypted or runs something.
        """
        if len(self._head) < HEAD_BYTES:
            self._head = (self._head + part)[:HEAD_BYTES]
        if self._media_type == PDF:
            self._look_for_tokens(self._end + part)
            self._end = (self._end + part)[-_OVERLAP:]

    def _look_for_tokens(self, window: bytes) -> None:
        for token, what in _PDF_TOKENS.items():
            at = window.find(token)
            while at >= 0:
                following = window[at + len(token) : at + len(token) + 1]
                if not following.isalnum():
                    raise _active(self._media_type, what)
                at = window.find(token, at + 1)

    def finish(self, stream: io.RawIOBase, size: int) -> None:
        """Judge the file.

        Args:
            stream: the whole content, seekable.
            size: its bytes.

        Raises:
            InputError: ``attachment-type``, ``attachment-active``.
        """
        if self._media_type in _NEEDED:
            self._check_archive(stream, size)
        elif self._media_type == DXF:
            if not self._head.startswith(_BINARY_DXF) and _ASCII_DXF.match(self._head) is None:
                raise self._other()
        elif not self._head.startswith(_MAGIC[self._media_type]) or _SUFFIX[self._media_type] not in _suffixes(self._head):
            raise self._other()

    def _other(self) -> InputError:
        found = looks_like(self._head)
        return InputError(
            "attachment-type",
            f"the content is not {self._media_type}; it looks like {found}",
            declared=self._media_type,
            found=found,
        )

    def _check_archive(self, stream: io.RawIOBase, size: int) -> None:
        if not self._head.startswith(_ZIP):
            raise self._other()
        try:
            with zipfile.ZipFile(io.BufferedReader(stream)) as archive:
                self._check_parts(archive, size)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError, RuntimeError) as error:
            raise InputError(
                "attachment-type",
                "the archive inside the file is damaged",
                declared=self._media_type,
                found="a damaged ZIP archive",
            ) from error

    def _check_parts(self, archive: zipfile.ZipFile, size: int) -> None:
        parts = archive.infolist()
        names = [part.filename for part in parts]
        if len(names) > MAX_PARTS or len({name.lower() for name in names}) != len(names):
            raise _active(self._media_type, "with too many parts, or two of one name")
        if not set(_NEEDED[self._media_type]) <= set(names):
            raise self._other()
        if any(part.flag_bits & 0x1 for part in parts):
            raise _active(self._media_type, "protected with a password")
        if any(_PROGRAMS.search(name) for name in names):
            raise _active(self._media_type, "with macros, scripts or embedded programs")
        if sum(part.file_size for part in parts) > max(MIN_UNPACKED_BYTES, MAX_UNPACKED_RATIO * size):
            raise _active(self._media_type, "that unpacks to far more than its size allows")
        if "[Content_Types].xml" in names and b"macroEnabled" in _first_bytes(archive, "[Content_Types].xml"):
            raise _active(self._media_type, "with macros")


def _first_bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        return part.read(MAX_CONTENT_TYPES_BYTES)


def _active(media_type: str, what: str) -> InputError:
    return InputError("attachment-active", f"the file is one {what}", declared=media_type)


def _suffixes(head: bytes) -> set[str]:
    try:
        return {match.extension for match in puremagic.magic_string(head)}
    except (puremagic.PureError, ValueError):
        return set()


def looks_like(head: bytes) -> str:
    """A media type, or a few words, for what content beginning like this may be.

    Args:
        head: the first bytes.
    """
    if head.startswith(_ZIP):
        return "a ZIP archive"
    try:
        return next((match.mime_type for match in puremagic.magic_string(head) if match.mime_type), "an unknown kind of file")
    except (puremagic.PureError, ValueError):
        return "an unknown kind of file"
