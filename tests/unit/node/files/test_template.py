"""The template: what it holds, that its example is left out, and that a filled-in one comes back."""

from __future__ import annotations

import io
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tests.support.datasets import load, small_document, small_row
from tests.support.files import CELLS, FLAT, NESTED, NESTED_COMPILED, TITLES, check, rezip, workbook
from xinlian.node.files import FileKind, template
from xinlian.node.files.examples import example_row
from xinlian.protocol.dataset import DatasetSchema, compile_validator
from xinlian.protocol.errors import InputError
from xinlian.scenarios.catalogue import load_schemas

SHIPPED = load_schemas("new-home-loan")


def _sheets(data: bytes) -> dict[str, list[list[Any]]]:
    with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
        return {name: [list(row) for row in book.get_sheet_by_name(name).to_python()] for name in book.sheet_names}


@pytest.mark.parametrize("schema", [*SHIPPED.values(), NESTED, FLAT], ids=lambda schema: schema.alias)
def test_every_template_has_titles_and_an_example_that_is_sound_and_left_out(schema: DatasetSchema) -> None:
    sheets = _sheets(template(schema))
    plain = [entry.title for entry in schema.fields if entry.place is None]
    assert sheets["数据"][0] == ["行号", *plain]
    assert sheets["数据"][1][0] == "示例"
    assert [name for name in sheets if name not in ("数据", "说明", "选项")] == [array.title for array in schema.arrays]
    assert compile_validator(schema).validate(example_row(schema)) == []
    with pytest.raises(InputError) as caught:
        check(template(schema), FileKind.XLSX, schema)
    assert caught.value.code == "file-empty"


def test_the_bytes_depend_on_the_schema_only() -> None:
    assert template(NESTED) == template(NESTED)
    assert template(NESTED) != template(FLAT)


def _filled(sheets: dict[str, list[list[Any]]]) -> dict[str, list[list[Any]]]:
    filled = {name: [*lines] for name, lines in sheets.items() if name in ("数据", "权利人")}
    filled["数据"].append(["1", *CELLS])
    filled["权利人"] += [["1", "测试甲", "411599199001010014"], ["1", "测试乙", ""]]
    return filled


def test_a_filled_in_template_comes_back() -> None:
    filled = _filled(_sheets(template(NESTED)))
    result = check(workbook(filled), FileKind.XLSX, NESTED)
    assert result.faults == ()
    assert result.rows == (small_row(),)
    assert result.numbers == (3,)
    assert NESTED_COMPILED.validate(result.rows[0]) == []


def test_a_changed_example_is_not_left_out_silently() -> None:
    filled = _filled(_sheets(template(NESTED)))
    filled["数据"][1][1] = "WQ777777"
    result = check(workbook(filled), FileKind.XLSX, NESTED)
    assert (2, "row-number") in [(fault.row, fault.code) for fault in result.faults]


def test_the_mark_on_a_later_row_is_a_fault() -> None:
    data = workbook({"数据": [["行号", *TITLES], ["1", *CELLS], ["示例", "WQ000002", *CELLS[1:]]]})
    (fault,) = check(data, FileKind.XLSX, FLAT).faults
    assert (fault.row, fault.title, fault.code) == (3, "行号", "row-number")


def test_drop_downs_and_text_format() -> None:
    part = _part(template(NESTED), "xl/worksheets/sheet1.xml")
    assert '"正常,封存"' in part
    assert '"是,否"' in part
    assert 'numFmtId="49"' in _part(template(NESTED), "xl/styles.xml")


def _part(data: bytes, name: str) -> str:
    import zipfile  # noqa: PLC0415

    return zipfile.ZipFile(io.BytesIO(data)).read(name).decode()


def test_long_lists_go_to_a_hidden_sheet() -> None:
    document = small_document()
    codes = {f"{number:03d}": f"测试类别之第{number:03d}号" for number in range(60)}
    document["properties"]["state"]["enum"] = list(codes)
    document["properties"]["state"]["x-labels"] = codes
    document["x-views"] = []
    schema = load(document)
    data = template(schema)
    assert "选项!$A$1:$A$60" in _part(data, "xl/worksheets/sheet1.xml")
    assert 'state="hidden"' in _part(data, "xl/workbook.xml")
    assert len(_sheets(data)["选项"]) == 60


def test_the_template_survives_a_foreign_zip_tool() -> None:
    with pytest.raises(InputError) as caught:
        check(rezip(template(FLAT), {"docProps/app.xml": None}), FileKind.XLSX, FLAT)
    assert caught.value.code == "file-empty"
