"""XLSX: values, sheets, the example row, and everything a workbook may hide."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.datasets import small_row
from tests.support.files import CELLS, FLAT, NESTED, TITLES, Sheets, check, read, rezip, workbook
from xinlian.node.files import FileKind, Limits
from xinlian.node.files.rows import column_letter
from xinlian.node.files.xlsxguard import column_number, guarded_copy
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import InputError

ROW = {key: value for key, value in small_row().items() if key != "owners"}
PLAIN = workbook({"数据": [TITLES, CELLS]})


def _refused(data: bytes, schema: DatasetSchema = FLAT, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        check(data, FileKind.XLSX, schema, **options)
    return caught.value


def test_text_cells() -> None:
    assert check(PLAIN, FileKind.XLSX).rows == (ROW,)


def test_native_cells() -> None:
    native = [
        "WQ000001",
        "411599199001010014",
        1234.5,
        None,
        48,
        dt.datetime.fromisoformat("2026-02-28"),
        dt.datetime.fromisoformat("2026-11-02T08:00:00"),
        "01",
        True,
    ]
    assert check(workbook({"任意": [TITLES, native]}), FileKind.XLSX).rows == (ROW,)


def test_a_number_in_a_code_column_is_refused_with_the_reason() -> None:
    result = check(workbook({"数据": [TITLES, CELLS, ["WQ000002", 411599199001010014, *CELLS[2:]]]}), FileKind.XLSX)
    (fault,) = result.faults
    assert (fault.row, fault.field, fault.title, fault.code) == (3, "person", "证件号", "cell-number")
    assert "digits beyond the 15th" in fault.what
    assert "411599" not in fault.what


def test_row_numbers_are_the_spreadsheets() -> None:
    data = workbook({"数据": [[], [None, *TITLES], [], [None, *CELLS], [], [None, "", *CELLS[1:]]]})
    result = check(data, FileKind.XLSX)
    assert [(fault.row, fault.field) for fault in result.faults] == [(6, "no")]


def test_items_from_a_second_sheet_by_row_number() -> None:
    sheets: Sheets = {
        "数据": [["行号", *TITLES], ["7", *CELLS], [3, "WQ000002", *CELLS[1:]]],
        "权利人": [
            ["行号", "姓名", "id_number"],
            ["3", "测试丙", ""],
            ["7", "测试甲", "411599199001010014"],
            [7.0, "测试乙", None],
        ],
    }
    rows = check(workbook(sheets), FileKind.XLSX, NESTED).rows
    assert rows == (small_row(), small_row(2) | {"owners": [{"name": "测试丙", "id_number": None}]})


def test_items_by_the_spreadsheets_row_number_when_there_is_no_own() -> None:
    sheets: Sheets = {"数据": [TITLES, CELLS], "owners": [["行号", "姓名", "证件"], [2, "测试甲", ""]]}
    (row,) = check(workbook(sheets), FileKind.XLSX, NESTED).rows
    assert row["owners"] == [{"name": "测试甲", "id_number": None}]


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([["行号", "姓名"], [2, "x"]], "file-header"),
        ([["姓名", "证件"], ["x", ""]], "file-header"),
        ([["行号", "姓名", "证件"], [9, "x", ""], [2, "y", ""]], "file-children"),
        ([["行号", "姓名", "证件"], ["二", "x", ""]], "file-children"),
        ([["行号", "姓名", "证件"], [None, "x", ""]], "file-children"),
        ([["行号", "姓名", "证件"], [2.5, "x", ""]], "file-children"),
    ],
    ids=["column missing", "no row number column", "no such row", "number in words", "no number", "half a row"],
)
def test_wrong_item_sheets(items: list[list[object]], code: str) -> None:
    assert _refused(workbook({"数据": [TITLES, CELLS], "权利人": items}), NESTED).code == code


def test_faults_of_items_are_named_with_their_place() -> None:
    items: list[list[object]] = [
        ["行号", "姓名", "证件"],
        [2, "测试甲", ""],
        [2, 5, 411599199001010014],
        [2, "x", ""],
        [2, "y", ""],
    ]
    result = check(workbook({"数据": [TITLES, CELLS], "权利人": items}), FileKind.XLSX, NESTED)
    assert [(fault.row, fault.field, fault.code) for fault in result.faults] == [
        (2, "owners.2.name", "cell-number"),
        (2, "owners.2.id_number", "cell-number"),
        (2, "owners", "array-length"),
    ]


def test_row_numbers_are_unique() -> None:
    sheets: Sheets = {
        "数据": [["行号", *TITLES], [1, *CELLS], [1, "WQ000002", *CELLS[1:]]],
        "权利人": [["行号", "姓名", "证件"], [1, "测试甲", ""]],
    }
    result = check(workbook(sheets), FileKind.XLSX, NESTED)
    assert (3, "row-number") in [(fault.row, fault.code) for fault in result.faults]


def test_columns_and_sheet_for_one_array_contradict() -> None:
    header = [*TITLES, "权利人1姓名", "权利人1证件"]
    sheets: Sheets = {"数据": [header, [*CELLS, "测试甲", ""]], "权利人": [["行号", "姓名", "证件"], [2, "x", ""]]}
    assert _refused(workbook(sheets), NESTED).code == "file-header"


def test_other_sheets_with_content_are_refused_empty_and_hidden_ones_not() -> None:
    assert _refused(workbook({"数据": [TITLES, CELLS], "备注": [["x"]]})).code == "file-sheet"

    def hide(book: Any) -> None:
        book.add_worksheet("Sheet2")
        sheet = book.add_worksheet("旧")
        sheet.write_string(0, 0, "x")
        sheet.hide()

    assert check(workbook({"数据": [TITLES, CELLS], "说明": [["x"]]}, hide), FileKind.XLSX).rows == (ROW,)


@pytest.mark.parametrize("sheets", [{"数据": []}, {"数据": [TITLES]}, {"数据": [TITLES, ["", " "]]}, {"说明": [["x"]]}])
def test_empty_workbooks(sheets: Sheets) -> None:
    assert _refused(workbook(sheets)).code == "file-empty"


def test_a_wrong_header() -> None:
    assert _refused(workbook({"数据": [[*TITLES[:-1], "x"], CELLS]})).code == "file-header"


def _with_formula(book: Any) -> None:
    book.worksheets()[0].write_formula(1, 2, "=1234+0.5", None, 1234.5)


def _with_error(book: Any) -> None:
    book.worksheets()[0].write_formula(4, 3, "=1/0", None, "#DIV/0!")


def test_formula_and_error_cells_are_named() -> None:
    error = _refused(workbook({"数据": [TITLES, CELLS]}, _with_formula))
    assert (error.code, error.fields["cell"]) == ("file-formula", "数据!C2")
    error = _refused(workbook({"数据": [TITLES, CELLS]}, _with_error))
    assert (error.code, error.fields["cell"]) == ("cell-error", "数据!D5")


def test_a_formula_on_any_sheet_is_found() -> None:
    def on_notes(book: Any) -> None:
        sheet = book.add_worksheet("说明")
        sheet.write_formula(9, 27, "=数据!A1")
        sheet.hide()

    assert _refused(workbook({"数据": [TITLES, CELLS]}, on_notes)).fields["cell"] == "说明!AB10"


RELATIONS = "xl/_rels/workbook.xml.rels"


def _external_relation(data: bytes) -> bytes:
    part = zipfile.ZipFile(io.BytesIO(data)).read(RELATIONS).decode()
    link = (
        '<Relationship Id="rId99" Type="http://x/externalLink" Target="file:///c/a.xlsx" TargetMode="External"/></Relationships>'
    )
    return rezip(data, {RELATIONS: part.replace("</Relationships>", link).encode()})


DTD = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
SHEET = "xl/worksheets/sheet1.xml"

HIDDEN: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("macro", lambda data: rezip(data, {"xl/vbaProject.bin": b"x"}), "file-macro"),
    ("macro sheet", lambda data: rezip(data, {"xl/macrosheets/sheet1.xml": b"<x/>"}), "file-macro"),
    ("embedded object", lambda data: rezip(data, {"xl/embeddings/oleObject1.bin": b"x"}), "file-macro"),
    ("external link part", lambda data: rezip(data, {"xl/externalLinks/externalLink1.xml": b"<x/>"}), "file-external-link"),
    ("connection", lambda data: rezip(data, {"xl/connections.xml": b"<x/>"}), "file-external-link"),
    ("external relation", _external_relation, "file-external-link"),
    ("dtd", lambda data: rezip(data, {"xl/sharedStrings.xml": DTD + b"<x>&b;</x>"}), "file-format"),
    (
        "external dtd",
        lambda data: rezip(data, {"xl/styles.xml": b'<!DOCTYPE x SYSTEM "file:///etc/hostname"><x/>'}),
        "file-format",
    ),
    ("undefined entity", lambda data: rezip(data, {"xl/styles.xml": b"<x>&a;</x>"}), "file-format"),
    ("broken xml", lambda data: rezip(data, {SHEET: b"<worksheet><sheetData>"}), "file-format"),
    ("no workbook", lambda data: rezip(data, {"xl/workbook.xml": None}), "file-format"),
    ("sheet part missing", lambda data: rezip(data, {SHEET: None}), "file-format"),
    ("part in two cases", lambda data: rezip(data, {"XL/workbook.xml": b"<x/>"}), "file-format"),
    ("no zip", lambda _: b"hello, world", "file-format"),
    ("cut", lambda data: data[: len(data) // 2], "file-format"),
    ("old xls or password", lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "file-password"),
    ("flipped byte", lambda data: data[:60] + bytes([data[60] ^ 0xFF]) + data[61:], "file-format"),
]


@pytest.mark.parametrize(("bend", "code"), [case[1:] for case in HIDDEN], ids=[case[0] for case in HIDDEN])
def test_what_a_workbook_may_hide(bend: Callable[[bytes], bytes], code: str) -> None:
    assert _refused(bend(PLAIN)).code == code


def test_harmless_parts_are_left_out_of_the_copy() -> None:
    more = rezip(PLAIN, {"xl/printerSettings/printerSettings1.bin": b"x", "customXml/item1.xml": b"<x/>"})
    names = zipfile.ZipFile(guarded_copy(io.BytesIO(more), Limits())).namelist()
    assert "xl/printerSettings/printerSettings1.bin" not in names
    assert check(more, FileKind.XLSX).rows == (ROW,)


def test_a_zip_bomb_is_stopped_by_what_it_unpacks_to() -> None:
    bomb = rezip(PLAIN, {"xl/sharedStrings.xml": b"<sst>" + b" " * 5_000_000 + b"</sst>"})
    assert len(bomb) < 20_000
    assert _refused(bomb, max_unpacked_bytes=1_000_000).code == "file-bomb"


def test_a_zip_that_lies_about_a_size_is_refused() -> None:
    bomb = bytearray(rezip(PLAIN, {"xl/theme/theme1.xml": b"<x>" + b" " * 100_000 + b"</x>"}))
    at = bomb.rindex(b"xl/theme/theme1.xml") - 46
    assert bomb[at : at + 4] == b"PK\x01\x02"
    bomb[at + 24 : at + 28] = (10).to_bytes(4, "little")
    assert _refused(bytes(bomb)).code == "file-format"


def test_a_lonely_far_cell_does_not_fill_the_memory() -> None:
    def far(book: Any) -> None:
        book.worksheets()[0].write_string(1_048_575, 8, "x")

    assert _refused(workbook({"数据": [TITLES, CELLS]}, far)).code == "too-large"


def test_limits_of_rows_and_columns() -> None:
    assert _refused(workbook({"数据": [TITLES, *[CELLS] * 9]}), max_rows=3).code == "file-too-many-rows"
    assert _refused(workbook({"数据": [[*TITLES, *[""] * 1100, "x"], CELLS]})).code == "too-large"


@given(st.integers(0, 16_383))
def test_column_letters(index: int) -> None:
    assert column_number(column_letter(index)) == index + 1


texts = st.text(st.characters(min_codepoint=33, exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cn")), min_size=1, max_size=20)


@given(
    st.lists(texts.filter(lambda t: t.strip() == t and t[0] != "=" and "e" not in t.lower()), min_size=1, max_size=6, unique=True)
)
def test_round_trip(numbers: list[str]) -> None:
    lines = [TITLES, *([number, *CELLS[1:]] for number in numbers)]
    rows = [parsed.row for parsed in read(workbook({"数据": lines}), FileKind.XLSX)]
    assert rows == [{**ROW, "no": number} for number in numbers]
