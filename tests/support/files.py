"""Files for tests: a workbook written cell by cell, parts added to or changed in a ZIP, and reading with the small dataset."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xlsxwriter

from tests.support.datasets import load, small_document
from xinlian.node.files import CheckedFile, FileForm, FileKind, Limits, ParsedRow, check_rows, read_rows
from xinlian.protocol.dataset import DatasetSchema, compile_validator


def flat_schema() -> DatasetSchema:
    """The small dataset without its array and the views."""
    document = small_document()
    del document["properties"]["owners"], document["x-views"]
    document["x-order"].remove("owners")
    document["required"].remove("owners")
    return load(document)


FLAT = flat_schema()
FLAT_COMPILED = compile_validator(FLAT)
NESTED = load(small_document())
NESTED_COMPILED = compile_validator(NESTED)
TITLES = ["编号", "证件号", "金额", "差额", "月数", "日期", "时间", "状态", "有效"]
CELLS = ["WQ000001", "411599199001010014", "1234.50", "", "48", "2026-02-28", "20261102T080000", "正常", "是"]

Sheets = Mapping[str, Sequence[Sequence[object]]]


def workbook(sheets: Sheets, extra: Callable[[Any], None] | None = None) -> bytes:
    """An XLSX with texts as texts, numbers as numbers, dates as dates; ``extra`` may add more."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        for name, lines in sheets.items():
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(lines):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str):
                        sheet.write_string(row, column, cell)
                    elif cell is not None:
                        sheet.write(row, column, cell)
        if extra is not None:
            extra(book)
    return buffer.getvalue()


def rezip(data: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """The same ZIP with parts replaced, added, or (None) left out."""
    source = zipfile.ZipFile(io.BytesIO(data))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            if name not in changes:
                target.writestr(name, source.read(name))
        for name, content in changes.items():
            if content is not None:
                target.writestr(name, content)
    return buffer.getvalue()


def read(data: bytes, kind: FileKind, schema: DatasetSchema = FLAT, **options: Any) -> list[ParsedRow]:
    """All rows of a file; ``encoding`` and limits as options."""
    form = FileForm(kind, options.pop("encoding", None))
    return list(read_rows(io.BytesIO(data), form, schema, Limits(**options)))


def check(data: bytes, kind: FileKind, schema: DatasetSchema = FLAT, **options: Any) -> CheckedFile:
    """A file, read and checked."""
    form = FileForm(kind, options.pop("encoding", None))
    limits = Limits(**options)
    return check_rows(read_rows(io.BytesIO(data), form, schema, limits), compile_validator(schema), limits)


def csv_text(*lines: Sequence[str], header: Sequence[str] = tuple(TITLES)) -> bytes:
    """A CSV of simple cells."""
    return "\r\n".join(",".join(line) for line in (header, *lines)).encode()
