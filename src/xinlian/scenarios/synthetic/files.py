"""Writes rows into files as a clerk would hand them in: XLSX, CSV in UTF-8 and GB18030, NDJSON; titles here, field names there.

The same rows give the same bytes.

Source: contract of issue "1 of 5" (Publishing; Demo on real input).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
import xlsxwriter

from xinlian.protocol.dataset import ChildArray, DatasetSchema, Field, Kind

Row = Mapping[str, object]
_MADE_AT: Final = dt.datetime(2026, 11, 2)  # noqa: DTZ001  # a fixed property of the file, not a time
_ROW_NUMBER: Final = "行号"
_DATA_SHEET: Final = "数据"


def ndjson_bytes(schema: DatasetSchema, rows: Sequence[Row]) -> bytes:
    """One JSON object per line, fields in order."""
    names = [entry.name for entry in schema.fields if entry.place is None] + [array.name for array in schema.arrays]
    return b"".join(orjson.dumps({name: row[name] for name in names}) + b"\n" for row in rows)


def csv_bytes(schema: DatasetSchema, rows: Sequence[Row], *, encoding: str, header: Callable[[Field], str]) -> bytes:
    """A CSV file; only datasets without arrays.

    Args:
        schema: the dataset.
        rows: sound rows.
        encoding: ``utf-8``, ``utf-8-sig`` or ``gb18030``.
        header: gives the header of a field.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([header(entry) for entry in schema.fields])
    writer.writerows([shown(entry, row[entry.name]) for entry in schema.fields] for row in rows)
    return text.getvalue().encode(encoding)


def xlsx_bytes(schema: DatasetSchema, rows: Sequence[Row]) -> bytes:
    """A workbook like a filled-in template: titles, text cells, one sheet per array."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": _MADE_AT})
        text = book.add_format({"num_format": "@"})
        _data_sheet(book, text, schema, rows)
        for array in schema.arrays:
            _array_sheet(book, text, schema, array, rows)
    return buffer.getvalue()


def _data_sheet(book: Any, text: Any, schema: DatasetSchema, rows: Sequence[Row]) -> None:  # no types there
    entries = [entry for entry in schema.fields if entry.place is None]
    lead = [_ROW_NUMBER] if schema.arrays else []
    sheet = book.add_worksheet(_DATA_SHEET)
    _line(sheet, text, 0, [*lead, *(entry.title for entry in entries)])
    for number, row in enumerate(rows, start=1):
        cells = [shown(entry, row[entry.name]) for entry in entries]
        _line(sheet, text, number, [str(number), *cells] if lead else cells)


def _array_sheet(book: Any, text: Any, schema: DatasetSchema, array: ChildArray, rows: Sequence[Row]) -> None:
    entries = [schema.fields[array.field_index(1, item)] for item in range(len(array.items))]
    sheet = book.add_worksheet(array.title)
    _line(sheet, text, 0, [_ROW_NUMBER, *array.item_titles])
    line = 0
    for number, row in enumerate(rows, start=1):
        items = row[array.name]
        for item in items if isinstance(items, list) else []:
            line += 1
            cells = [shown(entry, item[name]) for entry, name in zip(entries, array.items, strict=True)]
            _line(sheet, text, line, [str(number), *cells])


def _line(sheet: Any, text: Any, number: int, cells: Sequence[str]) -> None:
    for column, cell in enumerate(cells):
        if cell:
            sheet.write_string(number, column, cell, text)


def shown(entry: Field, value: object) -> str:
    """A value as a clerk writes it: labels, 是/否, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if entry.type.kind is Kind.ENUM:
        return next(allowed.label for allowed in entry.enum if allowed.code == value)
    return str(value)
