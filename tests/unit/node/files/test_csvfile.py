"""CSV: encodings, headers, broken files, and the round trip."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.datasets import small_row
from tests.support.files import CELLS, FLAT, NESTED, TITLES, check, csv_text, read
from xinlian.node.files import FileForm, FileKind, Limits, read_rows
from xinlian.node.files.csvfile import detect_encoding
from xinlian.protocol.errors import InputError

ROW = {key: value for key, value in small_row().items() if key != "owners"}


def _refused(data: bytes, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        check(data, FileKind.CSV, **options)
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_are_found_out(encoding: str) -> None:
    data = csv_text(CELLS).decode().encode(encoding)
    assert check(data, FileKind.CSV).rows == (ROW,)


@pytest.mark.parametrize(("named", "found"), [("UTF-8", "utf-8"), ("utf_8", "utf-8"), ("GBK", "gb18030"), ("gb2312", "gb18030")])
def test_a_named_encoding_is_taken(named: str, found: str) -> None:
    data = csv_text(CELLS).decode().encode(found)
    assert detect_encoding(io.BytesIO(data), named) == found


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (csv_text(CELLS) + b"\r\n\xff\xff", None),
        (csv_text(CELLS).decode().encode("utf-16"), None),
        (csv_text(CELLS).decode().encode("gb18030"), "utf-8"),
        (csv_text(CELLS), "latin-1"),
        (csv_text(CELLS)[:-1] + "是".encode()[:2], "utf-8"),
    ],
    ids=["neither", "utf-16", "named wrongly", "unknown name", "cut inside a character"],
)
def test_wrong_encodings(data: bytes, named: str | None) -> None:
    assert _refused(data, encoding=named).code == "file-encoding"


def test_names_and_titles_may_be_mixed_and_in_any_order() -> None:
    names = [entry.name for entry in FLAT.fields]
    header = [title if index % 2 else name for index, (title, name) in enumerate(zip(TITLES, names, strict=True))]
    assert check(csv_text(CELLS[::-1], header=header[::-1]), FileKind.CSV).rows == (ROW,)


def test_tabs_separate_when_the_header_has_them() -> None:
    assert check(csv_text(CELLS).replace(b",", b"\t"), FileKind.CSV).rows == (ROW,)


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ([*TITLES[:-1], "其他"], "column"),
        (TITLES[:-1], "有效"),
        ([*TITLES[:-1], "编号"], "A and I"),
        ([*TITLES[:-1], "no"], "A and I"),
        (CELLS, "column"),
    ],
    ids=["unknown", "missing", "repeated title", "title and name of one field", "no header"],
)
def test_wrong_headers(header: list[str], named: str) -> None:
    error = _refused(csv_text(CELLS, header=header))
    assert error.code == "file-header"
    assert named in error.message
    assert "411599199001010014" not in f"{error.message} {error.fields}"


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", csv_text(), csv_text() + b"\r\n,,,,,,,,\r\n\r\n"])
def test_empty_files(data: bytes) -> None:
    assert _refused(data).code == "file-empty"


@pytest.mark.parametrize(
    "data",
    [
        csv_text(CELLS) + b'\r\n"open',
        csv_text(CELLS) + b'\r\n"a"b,c',
        csv_text(CELLS) + b"\r\na\0b",
        b"PK\x03\x04\0\0" + csv_text(CELLS),
    ],
    ids=["open quote", "text after quote", "zero byte", "a workbook"],
)
def test_what_is_no_csv(data: bytes) -> None:
    assert _refused(data).code in ("file-format", "file-header")


def test_faults_name_row_field_title_and_expectation() -> None:
    bad = ["WQ000002", "411599199001010015", "1234.5", "", "4.5", "2026-02-30", "x", "错", "Y"]
    result = check(csv_text(CELLS, [], bad), FileKind.CSV)
    assert result.rows == ()
    assert [(fault.row, fault.field, fault.code) for fault in result.faults] == [
        (4, "months", "field-type"),
        (4, "is_open", "field-type"),
        (4, "person", "code-check-digit"),
        (4, "amount", "field-scale"),
        (4, "day", "field-date"),
        (4, "moment", "field-date"),
        (4, "state", "field-enum"),
    ]
    assert {fault.title for fault in result.faults} <= set(TITLES)
    assert all(fault.expected for fault in result.faults)


def test_a_formula_text_is_refused() -> None:
    (fault,) = check(csv_text(["=1+1", *CELLS[1:]]), FileKind.CSV).faults
    assert (fault.row, fault.field, fault.code) == (2, "no", "file-formula")


def test_an_id_in_scientific_notation_is_refused_with_the_reason() -> None:
    (fault,) = check(csv_text([CELLS[0], "4.11599E+17", *CELLS[2:]]), FileKind.CSV).faults
    assert fault.code == "cell-number"
    assert "scientific" in fault.what


def test_cells_beyond_the_header_are_a_fault() -> None:
    (fault,) = check(csv_text([*CELLS, "", "x"]), FileKind.CSV).faults
    assert fault.code == "file-header"
    assert "K" in fault.what


def test_short_lines_are_null_where_allowed() -> None:
    (fault,) = check(csv_text(CELLS[:-1]), FileKind.CSV).faults
    assert (fault.field, fault.code) == ("is_open", "field-missing")


def test_the_natural_key_is_unique_in_the_file() -> None:
    result = check(csv_text(CELLS, ["WQ000002", *CELLS[1:]], CELLS), FileKind.CSV)
    (fault,) = result.faults
    assert (fault.row, fault.code) == (4, "key-duplicate")
    assert "row 2" in fault.what
    assert (result.rows, result.row_count) == ((), 3)


def test_the_report_is_capped_but_counted() -> None:
    result = check(csv_text(*[["", *CELLS[1:]]] * 50), FileKind.CSV, max_faults=7)
    assert (len(result.faults), result.fault_count, result.row_count) == (7, 50, 50)


def test_limits() -> None:
    assert _refused(csv_text(*[CELLS] * 3), max_rows=2).code == "file-too-many-rows"
    assert _refused(csv_text(CELLS), max_file_bytes=50).code == "too-large"
    assert _refused(csv_text(["x" * 2000, *CELLS[1:]]), max_line_bytes=1000).code == "too-large"


def test_a_large_file_is_refused_before_it_is_read() -> None:
    class Huge(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            return 100_000_001 if whence == io.SEEK_END else super().seek(offset, whence)

        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("was read")

        readline = read

    with pytest.raises(InputError) as caught:
        next(read_rows(Huge(), FileForm(FileKind.CSV), FLAT, Limits()))
    assert caught.value.code == "too-large"


def test_array_columns_are_numbered() -> None:
    header = [*TITLES, "权利人1姓名", "owners.1.id_number", "权利人2姓名", "权利人2证件"]
    one = [*CELLS, "测试甲", "411599199001010014", "测试乙", ""]
    rows = check(csv_text(one, header=header), FileKind.CSV, NESTED).rows
    assert rows == (small_row(),)
    first_only = check(csv_text([*CELLS, "测试甲", "", "", ""], header=header), FileKind.CSV, NESTED).rows
    assert first_only[0]["owners"] == [{"name": "测试甲", "id_number": None}]


@pytest.mark.parametrize("header", [TITLES, [*TITLES, "权利人1姓名"], [*TITLES, "权利人1姓名", "权利人1证件", "权利人2姓名"]])
def test_array_columns_are_complete(header: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read(csv_text(CELLS, header=header), FileKind.CSV, NESTED)
    assert caught.value.code == "file-header"


def test_a_gap_between_items_is_a_fault() -> None:
    header = [*TITLES, "权利人1姓名", "权利人1证件", "权利人2姓名", "权利人2证件"]
    (fault,) = check(csv_text([*CELLS, "", "", "测试乙", ""], header=header), FileKind.CSV, NESTED).faults
    assert (fault.field, fault.code) == ("owners.1.name", "field-missing")


texts = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=20).filter(
    lambda text: not text.startswith("=") and text == text.strip() and not re.fullmatch(r"[+-]?\d+(\.\d+)?[eE]\+?\d+", text)
)


@given(st.lists(texts, min_size=1, max_size=5, unique=True), st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]))
def test_round_trip(numbers: list[str], encoding: str) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(TITLES)
    writer.writerows([number, *CELLS[1:]] for number in numbers)
    data = buffer.getvalue().encode(encoding)
    named = "gb18030" if encoding == "gb18030" else "utf-8"
    rows = [parsed.row for parsed in read(data, FileKind.CSV, encoding=named)]
    assert rows == [{**ROW, "no": number} for number in numbers]
