"""References to attachments in rows, and the file fields of templates and CSV files."""

from __future__ import annotations

import io

import pytest

from tests.support.datasets import file_document, file_json, file_row, load
from xinlian.node.files import FileForm, FileKind, Limits, check_rows, read_rows, resolve_row, template, without_store
from xinlian.protocol.attachments import FileValue
from xinlian.protocol.dataset import Field, compile_validator

SCHEMA = load(file_document())
COMPILED = compile_validator(SCHEMA)
VALUE = FileValue(**file_json(b"%PDF-1.7"))
ID = "0123456789abcdef" * 2


def known(entry: Field, reference: str) -> FileValue | None:
    """Knows one file by its id and its digest."""
    assert entry.type.kind == "FILE"
    return VALUE if reference in (ID, VALUE.sha256, f"sha256:{VALUE.sha256}") else None


@pytest.mark.parametrize("reference", [ID, VALUE.sha256, f"sha256:{VALUE.sha256}"])
def test_a_reference_becomes_the_value_in_fields_and_in_arrays(reference: str) -> None:
    row = file_row(1, reference, None, reference)
    resolved = resolve_row(SCHEMA, row, known)
    assert resolved == file_row(1, VALUE.to_json(), None, VALUE.to_json())
    assert row == file_row(1, reference, None, reference)  # the caller's row is not changed
    assert COMPILED.validate(resolved) == []


@pytest.mark.parametrize("text", ["ff" * 32, "sha256:" + "ff" * 32, "ff" * 16, "scan.pdf", "sha512:" + "ff" * 32, ""])
def test_what_names_nothing_stays_and_is_named_by_the_check(text: str) -> None:
    resolved = resolve_row(SCHEMA, file_row(1, text), known)
    (fault,) = COMPILED.validate(resolved)
    assert (fault.field, fault.code, fault.what) == ("scan", "field-file", f"the value is a text of {len(text)} characters")
    assert "an attachment of this department" in fault.expected


@pytest.mark.parametrize("value", [None, 5, [ID], VALUE.to_json()])
def test_other_values_are_left_alone(value: object) -> None:
    assert resolve_row(SCHEMA, file_row(1, value), known) == file_row(1, value)


@pytest.mark.parametrize("items", [None, 7, [], ["x"], [None]])
def test_broken_arrays_are_left_to_the_check(items: object) -> None:
    row = {**file_row(1), "owners": items}
    assert resolve_row(SCHEMA, row, known) == row


CSV = (
    "编号,证件号,金额,差额,月数,日期,时间,状态,有效,权利人1姓名,权利人1证件,权利人1证明,扫描件\n"
    "WQ000001,411599199001010014,1234.50,,48,2026-02-28,20261102T080000,正常,是,测试甲,411599199001010014,,{cell}\n"
)


def test_a_cell_holds_a_reference() -> None:
    def rows(cell: str) -> io.BytesIO:
        return io.BytesIO(CSV.format(cell=cell).encode())

    limits = Limits()
    form = FileForm(FileKind.CSV)
    checked = check_rows(read_rows(rows(ID), form, SCHEMA, limits), COMPILED, limits, lambda row: resolve_row(SCHEMA, row, known))
    assert checked.faults == ()
    assert checked.rows[0]["scan"] == VALUE.to_json()
    offline = check_rows(read_rows(rows(ID), form, SCHEMA, limits), COMPILED, limits, without_store(SCHEMA))
    assert offline.fault_count == 0
    unknown = check_rows(read_rows(rows("授权书.pdf"), form, SCHEMA, limits), COMPILED, limits, without_store(SCHEMA))
    assert [(fault.field, fault.code) for fault in unknown.faults] == [("scan", "field-file")]


def test_the_template_s_example_is_left_out() -> None:
    workbook = io.BytesIO(template(SCHEMA))
    form = FileForm(FileKind.XLSX)
    assert list(read_rows(workbook, form, SCHEMA, Limits())) == []
