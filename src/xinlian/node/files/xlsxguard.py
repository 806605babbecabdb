"""Looks through a workbook's XML before anything reads it, and hands on a copy that holds only what was looked through.

Why: a value reader shows the last cached value of a formula, and a ZIP may hold macros, links to other files, or unpack to a
thousand times its size.

Rules
1. Every XML part that is handed on is first parsed here (defusedxml: no DTD, no entities), within ``Limits.max_unpacked_bytes``
   for all parts together; the bytes counted are the unpacked ones, not what the ZIP's directory claims.
2. Formula cells, error cells, macros, embedded objects, external links and queries are refused; a cell is named: ``数据!B7``.
3. The copy is a fresh, uncompressed ZIP of workbook, sheets, shared strings, styles and theme: two parts of one name, prefixed
   archives and other tricks between two ZIP readers end here.
4. The used rectangle of a sheet is bounded (``Limits.max_cells``), since the value reader keeps it as a dense table.

Source: ECMA-376 parts 1 and 2 (OPC); CVE class "zip bomb", "XML entity expansion".
"""

from __future__ import annotations

import functools
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from xinlian.node.files.rows import Limits, column_letter, too_many_rows
from xinlian.protocol.errors import InputError

MAX_PARTS: Final = 2_000
MAX_COLUMNS: Final = 1_024
_CHUNK_BYTES: Final = 1 << 16
_OLE: Final = b"\xd0\xcf\x11\xe0"
_ZIP: Final = b"PK\x03\x04"
_MACRO: Final = re.compile(r"vbaproject|xl/(macrosheets|activex|embeddings|ctrlprops|dialogsheets)/|\.vba$", re.IGNORECASE)
_LINK: Final = re.compile(r"xl/(externallinks|querytables)/|xl/connections\.xml|xl/datamodel|xl/model/", re.IGNORECASE)
_SHEET: Final = re.compile(r"xl/worksheets/[^/]+\.xml")
_KEPT: Final = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|xl/workbook\.xml|xl/_rels/workbook\.xml\.rels|xl/sharedStrings\.xml|xl/styles\.xml"
    r"|xl/theme/[^/]+\.xml|xl/worksheets/[^/]+\.xml"
)
_CELL: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_FORMULA_TAGS: Final = frozenset(("f", "ddeLink", "oleLink", "oleObject"))


@dataclass
class _Budget:
    """Bytes that may still be unpacked."""

    left_bytes: int
    limit_bytes: int

    def spend(self, count: int) -> None:
        self.left_bytes -= count
        if self.left_bytes < 0:
            raise InputError("file-bomb", f"the workbook unpacks to more than {self.limit_bytes} bytes", limit=self.limit_bytes)


def guarded_copy(stream: BinaryIO, limits: Limits) -> io.BytesIO:
    """A clean copy of a workbook that may be read for its values.

    Args:
        stream: seekable XLSX file.
        limits: see ``Limits``.

    Returns:
        an uncompressed XLSX with the parts of rule 3.

    Raises:
        InputError: ``file-format``, ``file-password``, ``file-macro``, ``file-external-link``, ``file-formula``, ``cell-error``,
            ``file-bomb``, ``file-too-many-rows``.
    """
    _check_magic(stream)
    budget = _Budget(limits.max_unpacked_bytes, limits.max_unpacked_bytes)
    try:
        with zipfile.ZipFile(stream) as archive:
            return _copy(archive, budget, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError, OSError, RuntimeError) as error:
        raise InputError("file-format", "the workbook is damaged: its ZIP parts cannot be unpacked") from error


def _check_magic(stream: BinaryIO) -> None:
    stream.seek(0)
    magic = stream.read(4)
    stream.seek(0)
    if magic == _OLE:
        raise InputError(
            "file-password", "the workbook is protected with a password, or of the old XLS kind; save it as plain XLSX"
        )
    if magic != _ZIP:
        raise InputError("file-format", "the file is no XLSX workbook")


def _copy(archive: zipfile.ZipFile, budget: _Budget, limits: Limits) -> io.BytesIO:
    parts = archive.infolist()
    _check_names(parts)
    kept = {info.filename: info for info in parts if _KEPT.fullmatch(info.filename)}
    if "xl/workbook.xml" not in kept or "xl/_rels/workbook.xml.rels" not in kept:
        raise InputError("file-format", "the file is a ZIP archive but no XLSX workbook")
    sheet_names = _sheet_names(archive, kept, budget)
    clean = io.BytesIO()
    with zipfile.ZipFile(clean, "w", zipfile.ZIP_STORED) as target:
        for name, info in kept.items():
            target.writestr(name, _scanned(archive, info, budget, _scanner(name, sheet_names, limits)))
    clean.seek(0)
    return clean


def _check_names(parts: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in parts]
    if len(names) > MAX_PARTS or len({name.lower() for name in names}) != len(names):
        raise InputError("file-format", "the workbook has too many parts, or two of one name")
    for info in parts:
        if info.flag_bits & 0x1:
            raise InputError("file-password", "the workbook's parts are encrypted")
        if _MACRO.search(info.filename):
            raise InputError("file-macro", "the workbook holds macros, controls or embedded objects")
        if _LINK.search(info.filename):
            raise InputError("file-external-link", "the workbook refers to other files, queries or data connections")


class _Scanner:
    """Parses a part without building a tree; the base only insists that it is XML without DTD."""

    def begin(self, tag: str, attributes: list[str]) -> None:
        """An element begins; ``attributes`` are names and values in turn."""

    def close(self) -> None:
        """The part ends."""


def _pairs(attributes: list[str]) -> dict[str, str]:
    return dict(zip(attributes[::2], attributes[1::2], strict=True))


class _Relations(_Scanner):
    """The workbook's relations: nothing external; remembers which part is which sheet."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}

    def begin(self, tag: str, attributes: list[str]) -> None:
        if local(tag) == "Relationship":
            self._relation(_pairs(attributes))

    def _relation(self, attributes: dict[str, str]) -> None:
        if attributes.get("TargetMode", "").lower() == "external":
            raise InputError("file-external-link", "the workbook refers to another file")
        if "vba" in attributes.get("Type", "").lower() or "macro" in attributes.get("Type", "").lower():
            raise InputError("file-macro", "the workbook holds macros")
        target = attributes.get("Target", "")
        self.targets[attributes.get("Id", "")] = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


class _Workbook(_Scanner):
    """The list of sheets."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str]] = []

    def begin(self, tag: str, attributes: list[str]) -> None:
        if local(tag) == "sheet":
            pairs = _pairs(attributes)
            relation = next((value for key, value in pairs.items() if local(key) == "id" and key != "id"), "")
            self.sheets.append((pairs.get("name", ""), relation))


class _Sheet(_Scanner):
    """A sheet: no formulas, no errors, a bounded rectangle."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._name = name
        self._limits = limits
        self._row = self._column = self._rows = 0
        self._last_row = self._last_column = 0

    def begin(self, tag: str, attributes: list[str]) -> None:
        name = local(tag)
        if name == "c":
            self._cell(attributes)
        elif name == "row":
            self._begin_row(_pairs(attributes))
        elif name in _FORMULA_TAGS:
            self._refuse("file-formula", "holds a formula or link")

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self._rows += 1
        self._row = int(attributes["r"]) if attributes.get("r", "").isdecimal() else self._row + 1
        self._column = 0
        if self._rows > 2 * self._limits.max_rows + 2:
            raise too_many_rows(self._limits)

    def _cell(self, attributes: list[str]) -> None:
        pairs = _pairs(attributes)
        match = _CELL.fullmatch(pairs.get("r", ""))
        self._column = column_number(match[1]) if match else self._column + 1
        self._row = int(match[2]) if match else self._row
        if self._column > self._last_column or self._row > self._last_row:
            self._widen()
        if pairs.get("t") == "e":
            self._refuse("cell-error", "holds a spreadsheet error")

    def _widen(self) -> None:
        self._last_row = max(self._last_row, self._row)
        self._last_column = max(self._last_column, self._column)
        if self._last_column > MAX_COLUMNS or self._last_row * self._last_column > self._limits.max_cells:
            raise InputError("too-large", f"{self._place()}: the sheet is larger than allowed", limit=self._limits.max_cells)

    def _refuse(self, code: str, what: str) -> None:
        raise InputError(code, f"cell {self._place()} {what}", cell=self._place())

    def _place(self) -> str:
        return f"{self._name}!{column_letter(max(self._column, 1) - 1)}{self._row}"


@functools.lru_cache(maxsize=256)
def local(tag: str) -> str:
    """An XML name without its namespace."""
    return tag.rpartition("}")[2]


@functools.cache
def column_number(letters: str) -> int:
    """Number of a column (from 1) from its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _sheet_names(archive: zipfile.ZipFile, kept: dict[str, zipfile.ZipInfo], budget: _Budget) -> dict[str, str]:
    relations, workbook = _Relations(), _Workbook()
    _scanned(archive, kept["xl/_rels/workbook.xml.rels"], budget, relations)
    _scanned(archive, kept["xl/workbook.xml"], budget, workbook)
    return {relations.targets.get(relation, ""): name for name, relation in workbook.sheets}


def _scanner(part: str, sheet_names: dict[str, str], limits: Limits) -> _Scanner:
    if _SHEET.fullmatch(part):
        return _Sheet(sheet_names.get(part, part.rpartition("/")[2]), limits)
    return _Scanner()


def _scanned(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget, scanner: _Scanner) -> bytes:
    """The bytes of a part, after they went through its scanner."""
    parser = DefusedXMLParser(target=scanner, forbid_dtd=True)
    # defusedxml keeps its refusals of DTD and entities; elements go straight to the scanner, which is three times as fast
    parser.parser.StartElementHandler = scanner.begin
    parser.parser.EndElementHandler = parser.parser.CharacterDataHandler = parser.parser.DefaultHandlerExpand = None
    data = bytearray()
    try:
        with archive.open(info) as part:
            while chunk := part.read(_CHUNK_BYTES):
                budget.spend(len(chunk))
                data += chunk
                parser.feed(chunk)
        parser.close()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise InputError("file-format", f"the workbook's part {info.filename[:60]} is no plain XML") from error
    return bytes(data)
