"""NDJSON and JSON: line by line, one broken line does not hide the others, limits hold."""

from __future__ import annotations

import io
import json

import pytest

from tests.support.datasets import small_row
from tests.support.files import NESTED, check, read
from xinlian.node.files import FileForm, FileKind, Limits, kind_of_name, read_rows
from xinlian.node.files.ndjson import read_ndjson
from xinlian.protocol.errors import InputError

ONE = json.dumps(small_row(1), ensure_ascii=False).encode()
TWO = json.dumps(small_row(2)).encode()


def test_lines_are_rows() -> None:
    result = check(b"\xef\xbb\xbf" + ONE + b"\r\n\n  \n" + TWO + b"\n", FileKind.NDJSON, NESTED)
    assert result.rows == (small_row(1), small_row(2))
    assert result.numbers == (1, 4)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "json-broken"),
        (b'{"no": "a", "no": "b"}', "json-duplicate-key"),
        (b'{"no": [[[[1]]]]}', "json-too-deep"),
        (b'{"amount": 1.10}', "json-not-exact"),
        (b'"x"', "row-shape"),
        (b"[]", "row-shape"),
        (b"\xff", "json-broken"),
    ],
)
def test_a_broken_line_is_a_fault_of_its_row(line: bytes, code: str) -> None:
    result = check(b"\n".join([ONE, line, TWO]), FileKind.NDJSON, NESTED)
    assert [(fault.row, fault.code) for fault in result.faults] == [(2, code)]
    assert (result.row_count, result.rows) == (3, ())


def test_a_stream_need_not_be_seekable() -> None:
    class Pipe(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            raise io.UnsupportedOperation("seek")

    from_pipe = [parsed.row for parsed in read_ndjson(Pipe(ONE), Limits())]
    assert from_pipe == [small_row(1)]


@pytest.mark.parametrize(("limits", "code"), [({"max_line_bytes": 100}, "too-large"), ({"max_rows": 1}, "file-too-many-rows")])
def test_limits_of_lines(limits: dict[str, int], code: str) -> None:
    with pytest.raises(InputError) as caught:
        check(ONE + b"\n" + TWO, FileKind.NDJSON, NESTED, **limits)
    assert caught.value.code == code


@pytest.mark.parametrize("data", [b"[" + ONE + b"," + TWO + b"]", b"\xef\xbb\xbf[" + ONE + b",\n" + TWO + b"]"])
def test_a_list_of_objects(data: bytes) -> None:
    assert check(data, FileKind.JSON, NESTED).rows == (small_row(1), small_row(2))


def test_one_object_is_one_row() -> None:
    assert check(ONE, FileKind.JSON, NESTED).rows == (small_row(1),)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[", "json-broken"),
        (b'"x"', "row-shape"),
        (b"[]", "file-empty"),
        (b"  ", "file-empty"),
        (b"", "file-empty"),
        (b"[" * 9 + b"]" * 9, "json-too-deep"),
        (b"[" * 1_000, "json-too-deep"),
        (b"[" + ONE + b" " * 2000 + b"]", "too-large"),
    ],
)
def test_documents_that_cannot_be_taken(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        check(data, FileKind.JSON, NESTED, max_json_bytes=1500)
    assert caught.value.code == code


def test_an_entry_that_is_no_object_is_a_fault() -> None:
    (fault,) = check(b"[" + ONE + b", 5]", FileKind.JSON, NESTED).faults
    assert (fault.row, fault.code) == (2, "row-shape")


def test_a_row_with_10001_fields_is_one_fault() -> None:
    wide = json.dumps({f"f{number}": 1 for number in range(10_001)}).encode()
    (fault,) = check(wide, FileKind.NDJSON, NESTED).faults
    assert fault.code == "row-too-many-fields"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.CSV", FileKind.CSV),
        ("甲.xlsx", FileKind.XLSX),
        ("a.ndjson", FileKind.NDJSON),
        ("a.jsonl", FileKind.NDJSON),
        ("a.json", FileKind.JSON),
    ],
)
def test_the_name_says_the_kind(name: str, kind: FileKind) -> None:
    assert kind_of_name(name) is kind


@pytest.mark.parametrize(
    ("name", "code"), [("a.xlsm", "file-macro"), ("a.xls", "file-format"), ("a", "file-format"), ("a.pdf", "file-format")]
)
def test_other_names_are_refused(name: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        kind_of_name(name)
    assert caught.value.code == code


def test_reading_twice_gives_the_same() -> None:
    stream = io.BytesIO(ONE)
    form = FileForm(FileKind.NDJSON)
    first = list(read_rows(stream, form, NESTED, Limits()))
    assert first == list(read_rows(stream, form, NESTED, Limits())) == read(ONE, FileKind.NDJSON, NESTED)
