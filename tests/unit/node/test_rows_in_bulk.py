"""Cutting a stream into lines, reading a row, sealing in a pool process; registration requests."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.datasets import load, small_document, small_row
from xinlian.node import sealing
from xinlian.node.lines import line_chunks
from xinlian.node.registration import RegistrationRequest, RequestedSigner, parse_registration
from xinlian.node.sealing import LinesJob, StorageKeys, parse_row
from xinlian.protocol.errors import InputError
from xinlian.store.record_keys import Vault

SCHEMA = load(small_document())


async def blocks_of(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def cut(parts: Iterable[bytes], size: int, limit: int = 1_000) -> list[tuple[int, bytes]]:
    return [chunk async for chunk in line_chunks(blocks_of(parts), size, limit)]


@given(
    lines=st.lists(st.binary(max_size=6).map(lambda b: b.replace(b"\n", b"x")), max_size=30),
    cuts=st.lists(st.integers(0, 200), max_size=8),
    size=st.integers(1, 9),
    ends=st.booleans(),
)
async def test_every_line_comes_once_with_its_number(lines: list[bytes], cuts: list[int], size: int, ends: bool) -> None:
    data = b"\n".join(lines) + (b"\n" if ends else b"")
    places = sorted({0, len(data), *(place for place in cuts if place < len(data))})
    parts = [data[a:b] for a, b in pairwise(places)]
    found = {}
    for first, chunk in await cut(parts, size):
        for offset, line in enumerate(chunk.split(b"\n")):
            assert first + offset not in found
            found[first + offset] = line
    wanted = {number: line for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()}
    assert {number: line for number, line in found.items() if line.strip()} == wanted


async def test_a_line_without_an_end_is_given_up_at_its_limit() -> None:
    taken = 0

    def endless() -> Iterable[bytes]:
        nonlocal taken
        yield b'{"a": 1}\n'
        while True:
            taken += 1
            yield b"x" * 100

    with pytest.raises(InputError) as caught:
        await cut(endless(), 500)
    assert caught.value.code == "too-large"
    assert "line 2" in caught.value.message
    assert taken == 11


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "json-broken"),
        (b"\xff", "json-broken"),
        (b"[]", "row-shape"),
        (b'"x"', "row-shape"),
        (b'{"a":1,"a":1}', "json-duplicate-key"),
        (b'{"a" :1,"a":1}', "json-duplicate-key"),
        (b'{"a":[{"b":1,"b":2}]}', "json-duplicate-key"),
        (rb'{"a":1,"\u0061":1}', "json-duplicate-key"),
        (b'{"a":{"b":{"c":{"d":{"e":1}}}}}', "json-too-deep"),
        (b'{"a":' + b"[" * 2_000 + b"]" * 2_000 + b"}", "json-too-deep"),
    ],
)
def test_lines_that_are_no_row(line: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_row(line, 2)
    assert caught.value.code == code


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=12))
        | st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3), max_size=3),
        max_size=8,
    )
)
def test_a_row_is_read_as_it_was_written(row: dict[str, object]) -> None:
    assert parse_row(orjson.dumps(row), 2) == row
    assert parse_row(b"\xef\xbb\xbf" + orjson.dumps(row) + b"\r", 1) == row


@pytest.fixture
def _worker() -> None:
    sealing._start_worker(StorageKeys(Vault({1: os.urandom(32)}, os.urandom), os.urandom(32)))


def job(*lines: bytes) -> LinesJob:
    return LinesJob(SCHEMA.source, b"\n".join(lines), range(10, 10 + len(lines)), 1, 1, 1_800_000_000)


@pytest.mark.usefixtures("_worker")
def test_a_pool_process_seals_rows_with_their_numbers() -> None:
    chunk = sealing._seal_lines(job(orjson.dumps(small_row(1)), b"  ", orjson.dumps(small_row(2))))
    assert chunk.faults == []
    assert chunk.rows == [10, 12]
    assert len({row[0] for row in chunk.records}) == len(chunk.keys) == len(chunk.tokens) == 2
    again = sealing._seal_lines(job(orjson.dumps(small_row(1))))
    assert again.records[0][5] != chunk.records[0][5]  # fresh keys, so other salts and another leaf
    assert again.tokens[0] == chunk.tokens[0]


@pytest.mark.usefixtures("_worker")
def test_faults_come_in_row_order_and_nothing_is_sealed_beside_them() -> None:
    wrong = {**small_row(3), "amount": "1.5"}
    chunk = sealing._seal_lines(job(orjson.dumps(small_row(1)), orjson.dumps(wrong), b"{", b"[]"))
    assert [(fault.row, fault.code) for fault in chunk.faults] == [
        (11, "field-scale"),
        (12, "json-broken"),
        (13, "row-shape"),
    ]
    assert (chunk.records, chunk.keys, chunk.tokens, chunk.rows) == ([], [], [], [])


REQUEST = RegistrationRequest(
    "12411599MBDEM00233", 1, "测试", "https://x", "{}", (RequestedSigner("0x" + "ab" * 20, 1, "0x" + "cd" * 65),)
)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": "other"}, "registration-form"),
        ({"uscc": "12411599MBDEM00234"}, "code-check-digit"),
        ({"more": 1}, "registration-form"),
        ({"jwks": "{}"}, "key-set-form"),
        ({"jwks": 1}, "registration-form"),
    ],
)
def test_what_is_no_registration_request(change: dict[str, object], code: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_registration(orjson.dumps(orjson.loads(REQUEST.dumps()) | change))
    assert caught.value.code == code
