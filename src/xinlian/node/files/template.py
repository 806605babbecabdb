"""Makes the XLSX template of a dataset: what a clerk fills in and ``xlsxfile`` reads back.

Sheets: 数据 (one row per record; 行号, then the fields by 中文 title), one sheet per array (行号 and the array's properties),
说明 (every field with type, unit, rule), 选项 (hidden; long drop-down lists). All columns have text format, so nothing is turned
into a number; enums and logical fields have drop-downs. The first data row is the example, marked 示例; the reader leaves out
exactly that row as long as nobody changed it.

The bytes depend on the schema only.

Source: contract of issue "1 of 5" (``xinlian dataset template``); ECMA-376.
"""

from __future__ import annotations

import datetime as dt
import io
from typing import Any, Final

import xlsxwriter

from xinlian.node.files.examples import example_items, example_value
from xinlian.node.files.rows import EXAMPLE_MARK, ROW_NUMBER_TITLE
from xinlian.node.files.xlsxfile import DATA_SHEET, NOTES_SHEET
from xinlian.protocol.dataset import DatasetSchema, Field, Kind, expected_of

CHOICES_SHEET: Final = "选项"
PREPARED_ROWS: Final = 10_000
"""Rows for which drop-downs are prepared."""
_MADE_AT: Final = dt.datetime(2026, 1, 1)  # noqa: DTZ001  # a fixed property of the file, not a time
_TEXT_FORMAT: Final = 49
"""Built-in number format of text cells (ECMA-376 part 1, 18.8.30)."""
_MAX_INLINE: Final = 255
"""Characters a drop-down list may have inside its own rule (a spreadsheet's limit)."""
_NOTE_TITLES: Final = ("字段", "名称", "类型", "单位", "敏感级别", "必填", "填写要求")


def template(schema: DatasetSchema) -> bytes:
    """The template of a dataset.

    Args:
        schema: the dataset.

    Returns:
        an XLSX file.
    """
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": schema.title, "created": _MADE_AT})
        _Writer(book, schema).write()
    return buffer.getvalue()


class _Writer:
    def __init__(self, book: Any, schema: DatasetSchema) -> None:  # xlsxwriter has no types
        self._book = book
        self._schema = schema
        self._formats = {
            "head": book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "num_format": _TEXT_FORMAT}),
            "text": book.add_format({"num_format": _TEXT_FORMAT}),
            "example": book.add_format({"num_format": _TEXT_FORMAT, "font_color": "#808080", "italic": True}),
            "wrap": book.add_format({"text_wrap": True, "valign": "top", "num_format": _TEXT_FORMAT}),
        }
        self._choices: list[list[str]] = []

    def write(self) -> None:
        """All sheets."""
        plain = [entry for entry in self._schema.fields if entry.place is None]
        self._table(DATA_SHEET, [(entry.title, entry) for entry in plain], examples=1)
        for array in self._schema.arrays:
            entries = [self._schema.fields[array.field_index(1, item)] for item in range(len(array.items))]
            self._table(array.title, list(zip(array.item_titles, entries, strict=True)), examples=example_items(array))
        self._notes()
        self._write_choices()

    def _table(self, name: str, columns: list[tuple[str, Field]], *, examples: int) -> None:
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, 0, 8, self._formats["text"])
        sheet.write_string(0, 0, ROW_NUMBER_TITLE, self._formats["head"])
        for row in range(1, examples + 1):
            sheet.write_string(row, 0, EXAMPLE_MARK, self._formats["example"])
        for column, (title, entry) in enumerate(columns, start=1):
            sheet.set_column(column, column, max(12, 2 * len(title) + 4), self._formats["text"])
            sheet.write_string(0, column, title, self._formats["head"])
            for row in range(1, examples + 1):
                sheet.write_string(row, column, _shown(entry), self._formats["example"])
            self._drop_down(sheet, column, entry)

    def _drop_down(self, sheet: Any, column: int, entry: Field) -> None:
        words = _words(entry)
        if not words:
            return
        source: list[str] | str = words
        if len(",".join(words)) > _MAX_INLINE:
            self._choices.append(words)
            letter = chr(ord("A") + len(self._choices) - 1) if len(self._choices) <= 26 else ""
            source = f"={CHOICES_SHEET}!${letter}$1:${letter}${len(words)}"
        rule = {"validate": "list", "source": source, "error_title": entry.title[:32], "error_message": "请从列表中选择"}
        sheet.data_validation(1, column, PREPARED_ROWS, column, rule)

    def _notes(self) -> None:
        sheet = self._book.add_worksheet(NOTES_SHEET)
        for column, width in enumerate((24, 24, 12, 10, 10, 8, 80)):
            sheet.set_column(column, column, width, self._formats["wrap"])
        sheet.write_string(0, 0, f"{self._schema.title} ({self._schema.vct})", self._formats["head"])
        for row, line in enumerate(_HOW_TO, start=1):
            sheet.write_string(row, 0, line, self._formats["text"])
        top = len(_HOW_TO) + 2
        for column, title in enumerate(_NOTE_TITLES):
            sheet.write_string(top, column, title, self._formats["head"])
        for row, entry in enumerate(self._schema.fields, start=top + 1):
            for column, text in enumerate(_note(entry)):
                sheet.write_string(row, column, text, self._formats["wrap"])

    def _write_choices(self) -> None:
        if not self._choices:
            return
        sheet = self._book.add_worksheet(CHOICES_SHEET)
        sheet.hide()
        for column, words in enumerate(self._choices):
            sheet.write_column(0, column, words, self._formats["text"])


_HOW_TO: Final = (
    f"1. 在“{DATA_SHEET}”表中从示例行的下一行开始填写; 示例行不会导入, 不必删除, 也不要修改。",
    f"2. “{ROW_NUMBER_TITLE}”由填写人编号, 不得重复; 子表中的“{ROW_NUMBER_TITLE}”指明该行属于哪一条数据。",
    "3. 所有单元格均为文本格式; 证件号码、代码不得以数值形式保存。金额按规定的小数位数填写, 例如 720000.00。",
    "4. 不得使用公式、宏和外部链接。日期格式 2026-01-02, 时间格式 20260102T030405。没有的值留空。",
)


def _shown(entry: Field) -> str:
    """The example as a clerk would write it."""
    value = example_value(entry)
    if isinstance(value, bool):
        return "是" if value else "否"
    return next((allowed.label for allowed in entry.enum if allowed.code == value), str(value))


def _words(entry: Field) -> list[str]:
    """The entries of the drop-down."""
    if entry.type.kind is Kind.LOGICAL:
        return ["是", "否"]
    return [value.label for value in entry.enum]


def _note(entry: Field) -> tuple[str, ...]:
    is_needed = "否" if entry.is_nullable else "是"
    return (entry.title, entry.name, str(entry.type), entry.unit, entry.sensitivity.value, is_needed, expected_of(entry))
