"""Exact JSON: what is written has one form, what is read has no second meaning."""

from __future__ import annotations

import json

import pytest

from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict, value_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":[1,"b",null,true,false,{}]}', {"a": [1, "b", None, True, False, {}]}),
        (' {"a" : 1 }\n', {"a": 1}),
        ("9007199254740991", 2**53 - 1),
        ("-9007199254740991", 1 - 2**53),
        ("0.01", 0.01),
        ('"\\u6d4b\\ud842\\udfb7"', "测𠮷"),
        ('"[[[["', "[[[["),
    ],
)
def test_read(text: str, value: object) -> None:
    assert loads_strict(text.encode(), max_depth=3) == value


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "json-broken"),
        (b"{", "json-broken"),
        (b"{'a':1}", "json-broken"),
        (b"\xef\xbb\xbf{}", "json-broken"),
        (b'"\xff"', "json-broken"),
        (b'"\\ud800"', "json-broken"),
        (b'{"\\udc00":1}', "json-broken"),
        (b'["a\nb"]', "json-broken"),
        (b"[1,]", "json-broken"),
        (b"1 2", "json-broken"),
        (b"01", "json-broken"),
        (b'{"a":1,"a":1}', "json-duplicate-key"),
        (b'{"a":1,"\\u0061":2}', "json-duplicate-key"),
        (b'[{"b":{"a":1,"a":1}}]', "json-duplicate-key"),
        (b"NaN", "json-not-exact"),
        (b"[Infinity]", "json-not-exact"),
        (b"-Infinity", "json-not-exact"),
        (b"9007199254740992", "json-not-exact"),
        (b"-9007199254740992", "json-not-exact"),
        (b"1" * 5000, "json-not-exact"),
        (b"-0", "json-not-exact"),
        (b"0.10", "json-not-exact"),
        (b"1e400", "json-not-exact"),
        (b"0.1000000000000000055511151231257827", "json-not-exact"),
        (b"[[[[]]]]", "json-too-deep"),
        (b"[" * 200_000, "json-too-deep"),
        (b'{"a":' * 100_000, "json-too-deep"),
        (b" " * 300_000, "too-large"),
    ],
)
def test_refused(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        loads_strict(data, max_bytes=2_000_000 if code == "json-too-deep" else 250_000, max_depth=3)
    assert caught.value.code == code


def test_depth_counts_brackets_outside_of_strings_only() -> None:
    assert loads_strict(b'[["\\"[[[[\\\\"]]', max_depth=2) == [['"[[[[\\']]


def test_errors_hold_no_value() -> None:
    with pytest.raises(InputError) as caught:
        loads_strict(b'{"id":"411599199001010014"')
    assert "411599" not in caught.value.message + repr(caught.value.fields)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "测试",
        "𠮷",
        'a"b\\/',
        "\x00\x08\x09\x0a\x0c\x0d\x1f\x7f\u2028",
        0,
        -1,
        2**53 - 1,
        True,
        False,
        None,
        [],
        {},
        {"b": [1], "a": {}},
    ],
)
def test_written_as_the_standard_library_does(value: object) -> None:
    expected = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert dumps_canonical(value) == expected.encode()
    assert value_text(value) == expected


@pytest.mark.parametrize(
    "value", [1.0, float("nan"), 2**53, -(2**53), b"a", (1,), {1: 2}, {"a": 0.5}, [[1.5]], "\ud800", {"\udc00": 1}, {"a": {1}}]
)
def test_what_cannot_be_written_exactly(value: object) -> None:
    with pytest.raises(InputError) as caught:
        dumps_canonical(value)
    assert caught.value.code == "json-not-exact"
    with pytest.raises(InputError) as caught:
        value_text(value)
    assert caught.value.code == "json-not-exact"


def test_nesting_without_end_is_an_error_of_ours() -> None:
    value: list[object] = []
    for _ in range(400):
        value = [value]
    with pytest.raises(InputError) as caught:
        dumps_canonical(value)
    assert caught.value.code == "json-not-exact"


def test_a_repeated_name_among_very_many_is_found_at_once() -> None:
    names = ",".join(f'"k{number}":0' for number in range(100_000))
    with pytest.raises(InputError) as caught:
        loads_strict(f'{{{names},"k99999":0}}'.encode())  # comparing each name with each would take minutes
    assert (caught.value.code, caught.value.fields["key"]) == ("json-duplicate-key", "k99999")
