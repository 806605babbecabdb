"""Header fields of uploads and ranges."""

from __future__ import annotations

from hashlib import sha256

import pytest

from xinlian.api import upload_headers as fields
from xinlian.protocol.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("12", 12), (" 7 ", 7), ("", None), ("-1", None), ("1.0", None), ("01", None), ("1" * 16, None)]
)
def test_whole_numbers(text: str, value: int | None) -> None:
    assert fields.whole({"upload-offset": text}, "upload-offset") == value
    assert fields.whole({}, "upload-offset") is None


@pytest.mark.parametrize(("text", "value"), [("?1", True), ("?0", False), ("1", None), ("true", None), ("", None)])
def test_flags(text: str, value: bool | None) -> None:
    assert fields.flag({"upload-complete": text}, "upload-complete") is value


def test_a_field_that_is_needed() -> None:
    assert fields.needed(5, "Upload-Offset", "a number") == 5
    with pytest.raises(InputError) as error:
        fields.needed(None, "Upload-Offset", "a number")
    assert error.value.code == "attachment-header"


def test_digests_go_round_and_others_are_passed_over() -> None:
    value = sha256(b"x").digest()
    field = fields.digest_field(value)
    assert fields.digest({"repr-digest": field}) == value
    assert fields.digest({"repr-digest": f"sha-512=:AAAA:, {field}"}) == value
    assert fields.digest({"repr-digest": "sha-512=:AAAA:"}) is None
    assert fields.digest({}) is None
    for bad in ("sha-256=AAAA", "sha-256=:AAAA:", "sha-256=:" + "A" * 42 + "==:"):
        with pytest.raises(InputError) as error:
            fields.digest({"repr-digest": bad})
        assert error.value.code == "attachment-header"


@pytest.mark.parametrize("name", ["授权书.pdf", "a b;c\"d'e.pdf", "100%.pdf", "x"])
def test_names_go_round(name: str) -> None:
    assert fields.file_name({"content-disposition": fields.disposition("inline", name)}) == name


def test_plain_names_and_which_one_wins() -> None:
    assert fields.file_name({"content-disposition": 'inline; filename="a \\"b\\".pdf"'}) == 'a "b".pdf'
    both = "inline; filename=\"x.pdf\"; filename*=UTF-8''%E6%8E%88.pdf"
    assert fields.file_name({"content-disposition": both}) == "授.pdf"
    for bad in ("", "inline", "inline; filename*=latin1''x", "inline; filename*=UTF-8''%FF%FE"):
        with pytest.raises(InputError) as error:
            fields.file_name({"content-disposition": bad})
        assert error.value.code == "attachment-name"


@pytest.mark.parametrize(
    ("text", "span"), [(None, None), ("bytes=0-9", (0, 9)), ("bytes=5-", (5, None)), ("bytes=-7", (None, 7))]
)
def test_ranges(text: str | None, span: tuple[int | None, int | None] | None) -> None:
    assert fields.span_of(text) == span


@pytest.mark.parametrize("text", ["bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes 0-1", ""])
def test_other_ranges_are_refused(text: str) -> None:
    with pytest.raises(InputError) as error:
        fields.span_of(text)
    assert error.value.code == "range-form"
