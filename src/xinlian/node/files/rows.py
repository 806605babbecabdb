"""Rows of a file on their way into a dataset: limits, faults with row numbers, headers, and the check of a whole file.

Rules
1. A fault names row, field, title, what is there and what was expected, never the value of a personal field. Row numbers
   are those a clerk sees: the header of a table is row 1; in NDJSON it is the line, in a JSON list the position from 1.
2. A mistake of the file as a whole (header, encoding, size, formula, nothing in it) is an ``InputError`` with its own code.
3. A file is taken as a whole or not at all: ``check_rows`` reads all rows and gives either all of them or the report.
4. Reports are capped (``Limits.max_faults``); the count goes on.
5. In a file field a row may name an attachment by reference; ``resolve`` puts the value in its place before the row is judged.
6. Readers hold one row at a time, except XLSX, whose unpacked size and number of cells are limited before it is opened.

Example::

    with path.open("rb") as stream:
        checked = check_rows(read_rows(stream, FileForm(kind_of_name(path.name)), schema, limits), compiled, limits)
    if checked.faults: …

Source: contract of issue "1 of 5" (Publishing, Bad input).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from xinlian.node.files.cells import Cell, CellError, Value, coerce, is_empty
from xinlian.protocol.dataset import ChildArray, CompiledSchema, DatasetSchema, Field, FieldFault, expected_of
from xinlian.protocol.errors import InputError

Resolve = Callable[[Mapping[str, object]], Mapping[str, object]]
ROW_NUMBER_TITLE: Final = "行号"
EXAMPLE_MARK: Final = "示例"
_HEADER_SCAN: Final = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may hold.

    Args:
        max_file_bytes: the file as handed in.
        max_rows: data rows.
        max_unpacked_bytes: all XML of a workbook together.
        max_cells: cells of a workbook's used rectangle, empty ones included.
        max_line_bytes: one line of NDJSON or CSV.
        max_json_bytes: a JSON document that is read as a whole.
        max_faults: entries of the report.
    """

    max_file_bytes: int = 100_000_000
    max_rows: int = 200_000
    max_unpacked_bytes: int = 256_000_000
    max_cells: int = 8_000_000
    max_line_bytes: int = 1_000_000
    max_json_bytes: int = 16_000_000
    max_faults: int = 1_000


@dataclass(frozen=True, slots=True)
class RowFault:
    """One line of the report; see ``FieldFault``. ``row`` as the clerk counts, ``title`` the field's 中文 name or empty."""

    row: int
    field: str
    title: str
    what: str
    expected: str
    code: str


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row as read.

    Args:
        number: row number as the clerk counts.
        row: JSON-like row, or None when the line was not even an object.
        faults: what reading already found.
    """

    number: int
    row: Mapping[str, object] | None
    faults: tuple[RowFault, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """The outcome for a file.

    Args:
        rows: all rows when there is no fault, else none (a file is taken as a whole).
        numbers: the row number of each of ``rows``.
        row_count: rows read.
        faults: the report, capped.
        fault_count: all faults, also those beyond the cap.
    """

    rows: tuple[Mapping[str, object], ...]
    numbers: tuple[int, ...]
    row_count: int
    faults: tuple[RowFault, ...]
    fault_count: int


def title_of(schema: DatasetSchema, name: str) -> str:
    """The 中文 title of a field or array, empty when the name is neither."""
    for array in schema.arrays:
        if array.name == name:
            return array.title
    return next((entry.title for entry in schema.fields if entry.name == name), "")


def row_fault(schema: DatasetSchema, number: int, fault: FieldFault) -> RowFault:
    """A field fault with its row number and title."""
    return RowFault(number, fault.field, title_of(schema, fault.field), fault.what, fault.expected, fault.code)


class RowChecker:
    """Checks rows one after the other: the schema, the natural key inside the file, and how many there are."""

    def __init__(self, compiled: CompiledSchema, limits: Limits, resolve: Resolve | None = None) -> None:
        self._compiled = compiled
        self._limits = limits
        self._resolve = resolve
        self._keys: dict[bytes, int] = {}
        self._faults: list[RowFault] = []
        self.fault_count = 0
        self.row_count = 0

    @property
    def faults(self) -> tuple[RowFault, ...]:
        """The report so far, capped."""
        return tuple(self._faults)

    def check(self, parsed: ParsedRow) -> Mapping[str, object] | None:
        """The row when it is sound, else None; its faults go into the report.

        Raises:
            InputError: ``file-too-many-rows``.
        """
        self.row_count += 1
        if self.row_count > self._limits.max_rows:
            raise too_many_rows(self._limits)
        faults, row = list(parsed.faults), parsed.row
        if row is not None and self._resolve is not None:
            row = self._resolve(row)
        if row is not None:
            faults += self._row_faults(parsed.number, row, {fault.field for fault in faults})
        if row is not None and not faults:
            faults += self._key_faults(parsed.number, row)
        self.fault_count += len(faults)
        self._faults += faults[: max(0, self._limits.max_faults - len(self._faults))]
        return None if faults else row

    def _row_faults(self, number: int, row: Mapping[str, object], known: set[str]) -> list[RowFault]:
        schema = self._compiled.schema
        return [row_fault(schema, number, fault) for fault in self._compiled.validate(row) if fault.field not in known]

    def _key_faults(self, number: int, row: Mapping[str, object]) -> list[RowFault]:
        text = "\n".join(self._compiled.key(row))
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        first = self._keys.setdefault(digest, number)
        if first == number:
            return []
        names = ", ".join(self._compiled.schema.key)
        what = f"the natural key ({names}) is the same as in row {first}"
        return [row_fault(self._compiled.schema, number, FieldFault(names, what, "one row per key", "key-duplicate"))]

    def finish(self) -> None:
        """Refuse a file without rows.

        Raises:
            InputError: ``file-empty``.
        """
        if self.row_count == 0:
            raise InputError("file-empty", "the file has no data rows")


def check_rows(
    parsed: Iterable[ParsedRow], compiled: CompiledSchema, limits: Limits, resolve: Resolve | None = None
) -> CheckedFile:
    """Read and check all rows of a file.

    Args:
        parsed: rows from a reader of this package.
        compiled: the dataset.
        limits: see ``Limits``.
        resolve: gives a row with the references of its file fields replaced.

    Returns:
        all rows, or the report.

    Raises:
        InputError: ``file-*``, ``too-large``, ``json-*`` when the file as a whole cannot be taken.
    """
    checker = RowChecker(compiled, limits, resolve)
    rows: list[Mapping[str, object]] = []
    numbers: list[int] = []
    for entry in parsed:
        row = checker.check(entry)
        if row is not None and checker.fault_count == 0:
            rows.append(row)
            numbers.append(entry.number)
    checker.finish()
    if checker.fault_count > 0:
        return CheckedFile((), (), checker.row_count, checker.faults, checker.fault_count)
    return CheckedFile(tuple(rows), tuple(numbers), checker.row_count, (), 0)


def too_many_rows(limits: Limits) -> InputError:
    """The error for a file with too many rows."""
    return InputError("file-too-many-rows", f"the file has more than {limits.max_rows} rows", limit=limits.max_rows)


def column_letter(index: int) -> str:
    """The spreadsheet's name of column ``index`` (from 0): A, B, … Z, AA."""
    letters = ""
    index += 1
    while index > 0:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its field, or None for the row-number column. ``index`` from 0."""

    index: int
    entry: Field | None


@dataclass(frozen=True, slots=True)
class Header:
    """The mapped header row of a table: columns with a meaning, and how many cells the header has."""

    columns: tuple[Column, ...]
    width: int
    number_column: int | None


def map_header(cells: Sequence[Cell], schema: DatasetSchema, *, has_child_sheets: frozenset[str] = frozenset()) -> Header:
    """Match a header row with the dataset's fields, by title or by name, mixed as one likes.

    Args:
        cells: the header row.
        schema: the dataset.
        has_child_sheets: names of the arrays that have a sheet of their own, so need no columns here.

    Raises:
        InputError: ``file-header``; unknown headers are named by column letter only, they may be data.
    """
    known = {name: entry for entry in schema.fields for name in (entry.name, entry.title)}
    header = _match(cells, known)
    present = {column.entry.index for column in header.columns if column.entry is not None}
    missing = [entry.title for entry in schema.fields if entry.place is None and entry.index not in present]
    for array in schema.arrays:
        missing += _missing_places(schema, array, present, is_on_sheet=array.name in has_child_sheets)
    if missing:
        raise InputError("file-header", f"columns are missing: {', '.join(missing[:_HEADER_SCAN])}", missing=missing)
    return header


def map_child_header(cells: Sequence[Cell], schema: DatasetSchema, array: ChildArray) -> Header:
    """Match the header row of an array's own sheet: row number, then the array's properties by title or name.

    Raises:
        InputError: ``file-header``.
    """
    entries = [schema.fields[array.field_index(1, item)] for item in range(len(array.items))]
    known = {name: entry for entry, *names in zip(entries, array.items, array.item_titles, strict=True) for name in names}
    header = _match(cells, known)
    present = {column.entry.index for column in header.columns if column.entry is not None}
    missing = [title for entry, title in zip(entries, array.item_titles, strict=True) if entry.index not in present]
    if header.number_column is None:
        missing.insert(0, ROW_NUMBER_TITLE)
    if missing:
        raise InputError("file-header", f"sheet {array.title}: columns are missing: {', '.join(missing)}", missing=missing)
    return header


def _match(cells: Sequence[Cell], known: Mapping[str, Field]) -> Header:
    columns: list[Column] = []
    seen: dict[str, int] = {}
    unknown: list[str] = []
    for index, cell in enumerate(cells):
        if is_empty(cell):
            continue
        text = str(cell).strip()
        entry = known.get(text)
        if entry is None and text != ROW_NUMBER_TITLE:
            unknown.append(column_letter(index))
            continue
        name = ROW_NUMBER_TITLE if entry is None else entry.name
        if name in seen:
            columns_named = f"{column_letter(seen[name])} and {column_letter(index)}"
            raise InputError("file-header", f"columns {columns_named} are the same field ({name})", repeated=name)
        seen[name] = index
        columns.append(Column(index, entry))
    if unknown:
        what = f"columns {', '.join(unknown[:_HEADER_SCAN])}: the header is no title or field name of the dataset"
        raise InputError("file-header", what, unknown=unknown)
    return Header(tuple(columns), len(cells), seen.get(ROW_NUMBER_TITLE))


def _missing_places(schema: DatasetSchema, array: ChildArray, present: set[int], *, is_on_sheet: bool) -> list[str]:
    missing: list[str] = []
    has_any = False
    for number in range(1, array.max_items + 1):
        indices = [array.field_index(number, item) for item in range(len(array.items))]
        here = [index for index in indices if index in present]
        has_any = has_any or bool(here)
        if here or (number == 1 and not is_on_sheet):
            missing += [schema.fields[index].title for index in indices if index not in present]
    if is_on_sheet and has_any:
        raise InputError("file-header", f"{array.title}: either columns or a sheet of its own, not both", array=array.name)
    return missing


class RowBuilder:
    """Builds rows of a table from its cells."""

    def __init__(self, schema: DatasetSchema, header: Header) -> None:
        self._header = header
        self._fields = [(c.index, c.entry) for c in header.columns if c.entry is not None and c.entry.place is None]
        self._places = [(c.index, c.entry) for c in header.columns if c.entry is not None and c.entry.place is not None]
        self._flat_arrays = [a for a in schema.arrays if any(e.place and e.place.array == a.name for _, e in self._places)]

    def build(self, number: int, cells: Sequence[Cell]) -> ParsedRow:
        """The row of a line of cells; arrays on sheets of their own are not in it yet."""
        faults: list[RowFault] = []
        row: dict[str, object] = {}
        for index, entry in self._fields:
            row[entry.name] = cell_value(number, entry, cells, index, faults)
        if self._places:
            self._add_arrays(number, cells, row, faults)
        faults += stray_faults(self._header, number, cells)
        return ParsedRow(number, row, tuple(faults))

    def _add_arrays(self, number: int, cells: Sequence[Cell], row: dict[str, object], faults: list[RowFault]) -> None:
        items: dict[str, dict[int, dict[str, Value]]] = {array.name: {} for array in self._flat_arrays}
        for index, entry in self._places:
            if entry.place is not None:
                value = cell_value(number, entry, cells, index, faults)
                items[entry.place.array].setdefault(entry.place.number, {})[entry.place.item] = value
        for name, places in items.items():
            last = max((n for n, item in places.items() if any(value is not None for value in item.values())), default=0)
            row[name] = [places.get(n, {}) for n in range(1, last + 1)]


def cell_value(number: int, entry: Field, cells: Sequence[Cell], index: int, faults: list[RowFault]) -> Value:
    """The value of cell ``index`` for a field; None, and a fault more, when it cannot be taken."""
    try:
        return coerce(entry, cells[index] if index < len(cells) else None)
    except CellError as problem:
        faults.append(RowFault(number, entry.name, entry.title, problem.what, expected_of(entry), problem.code))
        return None


def stray_faults(header: Header, number: int, cells: Sequence[Cell], where: str = "") -> list[RowFault]:
    """A fault when a row has content in columns without a header."""
    used = {column.index for column in header.columns}
    if len(cells) <= len(used):
        return []
    stray = [column_letter(index) for index, cell in enumerate(cells) if index not in used and not is_empty(cell)]
    what = f"there are cells without a column header: {', '.join(stray[:_HEADER_SCAN])}{where}"
    return [RowFault(number, "", "", what, "cells below a header only", "file-header")] if stray else []
