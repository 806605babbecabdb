"""Reads rows from an XLSX workbook.

Rules
1. The workbook goes through ``xlsxguard`` first; only its clean copy is read for values.
2. The data sheet is the one called 数据, else the first visible one. A sheet named like an array's title or name (买受人, buyers)
   holds the array's items, each with the row number (行号) it belongs to. 说明 and hidden sheets are not read. Any other sheet
   with content is refused, so that nothing a clerk filled in is silently left out.
3. 行号 in an array's sheet means the number in the data sheet's own 行号 column, or, when the data sheet has no such column, the
   spreadsheet's row number (the first data row is 2). Items keep the order of the sheet.
4. The first data row is skipped when its 行号 is 示例 and its values are those of the template's example; so are the example
   items of an array's sheet. 示例 anywhere else is a fault.

Source: ECMA-376; contract of issue "1 of 5" (template).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Final, TypeAlias

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from xinlian.node.files.cells import Cell, CellError, coerce, is_empty
from xinlian.node.files.examples import example_items, example_value
from xinlian.node.files.rows import (
    EXAMPLE_MARK,
    ROW_NUMBER_TITLE,
    Header,
    Limits,
    ParsedRow,
    RowBuilder,
    RowFault,
    cell_value,
    map_child_header,
    map_header,
    stray_faults,
)
from xinlian.node.files.xlsxguard import guarded_copy
from xinlian.protocol.dataset import ChildArray, DatasetSchema, Field
from xinlian.protocol.errors import InputError

DATA_SHEET: Final = "数据"
NOTES_SHEET: Final = "说明"
_EXPECTED_NUMBER: Final = "a whole number that no other row has"

_Line: TypeAlias = tuple[int, Sequence[Cell]]
"""Spreadsheet row number (from 1) and cells."""


def read_xlsx(stream: BinaryIO, schema: DatasetSchema, limits: Limits) -> Iterator[ParsedRow]:
    """Rows of a workbook.

    Args:
        stream: seekable XLSX file.
        schema: the dataset.
        limits: see ``Limits``.

    Raises:
        InputError: what ``guarded_copy`` raises; ``file-header``, ``file-empty``, ``file-sheet``, ``file-children``.
    """
    clean = guarded_copy(stream, limits)
    try:
        with CalamineWorkbook.from_filelike(clean) as book:
            data, children = _choose_sheets(book, schema)
            yield from _rows(schema, book.get_sheet_by_name(data), _read_children(book, schema, children))
    except CalamineError as error:
        raise InputError("file-format", "the workbook cannot be read; save it again as XLSX") from error


def _choose_sheets(book: CalamineWorkbook, schema: DatasetSchema) -> tuple[str, dict[str, str]]:
    """Rule 2: the data sheet, and by array name the sheet of each array that has one."""
    shown = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible is SheetVisibleEnum.Visible and sheet.typ is SheetTypeEnum.WorkSheet and sheet.name != NOTES_SHEET
    ]
    arrays = {word: array.name for array in schema.arrays for word in (array.name, array.title)}
    data = DATA_SHEET if DATA_SHEET in shown else next((name for name in shown if name not in arrays), None)
    if data is None:
        raise InputError("file-empty", "the workbook has no sheet with data")
    children = {arrays[name]: name for name in shown if name in arrays}
    for name in shown:
        if name != data and name not in children.values() and not _is_blank(book.get_sheet_by_name(name)):
            raise InputError("file-sheet", "the workbook has a further sheet with content")
    return data, children


def _is_blank(sheet: CalamineSheet) -> bool:
    return next(_lines(sheet), None) is None


def _lines(sheet: CalamineSheet) -> Iterator[_Line]:
    """The rows that have content, with the spreadsheet's numbers; cells begin with column A."""
    if sheet.start is None:
        return
    padding: list[Cell] = [None] * sheet.start[1]
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if not all(is_empty(cell) for cell in cells):
            yield number, [*padding, *cells]


class _Children:
    """The items of one array's sheet, by the row number they refer to."""

    def __init__(self, schema: DatasetSchema, array: ChildArray, sheet: CalamineSheet) -> None:
        self.array = array
        self._schema = schema
        self._lines: dict[int, list[_Line]] = {}
        lines = _lines(sheet)
        first = next(lines, None)
        self._header = map_child_header([] if first is None else first[1], schema, array)
        for position, line in enumerate(lines):
            if position >= example_items(array) or not _is_example(self._header, line[1]):
                self._lines.setdefault(self._reference(line), []).append(line)

    def _reference(self, line: _Line) -> int:
        number, cells = line
        reference = _whole_number(_number_cell(self._header, cells))
        if reference is None:
            what = f"sheet {self.array.title}, row {number}: {ROW_NUMBER_TITLE} is no whole number"
            raise InputError("file-children", what, sheet=self.array.title, row=number)
        return reference

    def take(self, reference: int, faults: list[RowFault], row: int) -> list[dict[str, object]]:
        """The items of a row, in sheet order; each can be taken once."""
        items = []
        for number, (sheet_row, cells) in enumerate(self._lines.pop(reference, []), start=1):
            items.append(self._item(min(number, self.array.max_items), cells, faults, row))
            faults.extend(stray_faults(self._header, row, cells, f" (sheet {self.array.title}, row {sheet_row})"))
        return items

    def _item(self, number: int, cells: Sequence[Cell], faults: list[RowFault], row: int) -> dict[str, object]:
        item: dict[str, object] = {}
        for column in self._header.columns:
            if column.entry is not None and column.entry.place is not None:
                index = self.array.field_index(number, self.array.items.index(column.entry.place.item))
                item[column.entry.place.item] = cell_value(row, self._schema.fields[index], cells, column.index, faults)
        return item

    def refuse_left_over(self) -> None:
        """Refuse items whose row does not exist."""
        for reference, lines in self._lines.items():
            what = f"sheet {self.array.title}, row {lines[0][0]}: there is no data row with {ROW_NUMBER_TITLE} {reference}"
            raise InputError("file-children", what, sheet=self.array.title, row=lines[0][0])


def _read_children(book: CalamineWorkbook, schema: DatasetSchema, names: Mapping[str, str]) -> list[_Children]:
    return [_Children(schema, array, book.get_sheet_by_name(names[array.name])) for array in schema.arrays if array.name in names]


def _rows(schema: DatasetSchema, sheet: CalamineSheet, children: list[_Children]) -> Iterator[ParsedRow]:
    lines = _lines(sheet)
    first = next(lines, None)
    if first is None:
        raise InputError("file-empty", "the sheet with the data is empty")
    header = map_header(first[1], schema, has_child_sheets=frozenset(entry.array.name for entry in children))
    builder = RowBuilder(schema, header)
    numbers: set[int] = set()
    for position, (number, cells) in enumerate(lines):
        if position > 0 or not _is_example(header, cells):
            parsed = builder.build(number, cells)
            yield _with_items(parsed, children, _row_number(header, (number, cells), numbers))
    for entry in children:
        entry.refuse_left_over()


def _with_items(parsed: ParsedRow, children: list[_Children], reference: int | RowFault | None) -> ParsedRow:
    faults = list(parsed.faults)
    if isinstance(reference, RowFault):
        faults.append(reference)
    row = dict(parsed.row or {})
    for entry in children:
        row[entry.array.name] = entry.take(reference, faults, parsed.number) if isinstance(reference, int) else []
    return ParsedRow(parsed.number, row, tuple(faults))


def _row_number(header: Header, line: _Line, seen: set[int]) -> int | RowFault | None:
    """The number by which items refer to a data row (rule 3), a fault, or None when its cell is empty."""
    number, cells = line
    if header.number_column is None:
        return number
    cell = _number_cell(header, cells)
    if is_empty(cell):
        return None
    given = _whole_number(cell)
    if given is not None and given not in seen:
        seen.add(given)
        return given
    is_mark = isinstance(cell, str) and cell.strip() == EXAMPLE_MARK
    what = f"the row is marked {EXAMPLE_MARK}" if is_mark else "the number is none, or another row has it"
    return RowFault(number, "", ROW_NUMBER_TITLE, what, _EXPECTED_NUMBER, "row-number")


def _number_cell(header: Header, cells: Sequence[Cell]) -> Cell:
    index = header.number_column
    return cells[index] if index is not None and index < len(cells) else None


def _whole_number(cell: Cell) -> int | None:
    if isinstance(cell, str) and cell.strip().isascii() and cell.strip().isdecimal() and len(cell.strip()) <= 9:
        return int(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool) and 0 <= cell < 10**9 and int(cell) == cell:
        return int(cell)
    return None


def _is_example(header: Header, cells: Sequence[Cell]) -> bool:
    """Rule 4: marked 示例, and every cell still holds the example."""
    mark = _number_cell(header, cells)
    if not isinstance(mark, str) or mark.strip() != EXAMPLE_MARK:
        return False
    return all(
        _holds_example(cells[column.index] if column.index < len(cells) else None, column.entry)
        for column in header.columns
        if column.entry is not None
    )


def _holds_example(cell: Cell, entry: Field) -> bool:
    try:
        return coerce(entry, cell) == example_value(entry)
    except CellError:
        return False
