"""Reads rows from JSON: one object per line (NDJSON), a list of objects, or one object.

NDJSON is read line by line and one broken line does not hide the others; a JSON document is read as a whole, within its limit.

Source: RFC 8259; NDJSON 1.0 (lines end in LF, CR before it is taken as white space, empty lines are skipped).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from xinlian.node.files.rows import Limits, ParsedRow, RowFault
from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import loads_strict

MAX_DEPTH: Final = 5
"""A row is an object; its arrays hold objects, flat but for file fields. One level is left for the list around all rows."""
_BOM: Final = b"\xef\xbb\xbf"


def read_ndjson(stream: BinaryIO, limits: Limits) -> Iterator[ParsedRow]:
    """Rows of an NDJSON stream; row numbers are line numbers from 1.

    Args:
        stream: UTF-8; need not be seekable.
        limits: see ``Limits``.

    Raises:
        InputError: ``too-large`` when a line or the stream is longer than its limit.
    """
    total = number = 0
    while line := stream.readline(limits.max_line_bytes + 1):
        number += 1
        total += len(line)
        if len(line) > limits.max_line_bytes:
            raise InputError(
                "too-large", f"line {number} is longer than {limits.max_line_bytes} bytes", limit=limits.max_line_bytes
            )
        if total > limits.max_file_bytes:
            raise InputError("too-large", f"the file is larger than {limits.max_file_bytes} bytes", limit=limits.max_file_bytes)
        text = (line.removeprefix(_BOM) if number == 1 else line).strip()
        if text:
            yield _line(number, text, limits)


def _line(number: int, text: bytes, limits: Limits) -> ParsedRow:
    try:
        return _row(number, loads_strict(text, max_bytes=limits.max_line_bytes, max_depth=MAX_DEPTH - 1))
    except InputError as error:
        return ParsedRow(number, None, (RowFault(number, "", "", error.message, "one JSON object", error.code),))


def _row(number: int, value: object) -> ParsedRow:
    if isinstance(value, dict):
        return ParsedRow(number, value)
    return ParsedRow(number, None, (RowFault(number, "", "", "the entry is no object", "one JSON object", "row-shape"),))


def read_json(stream: BinaryIO, limits: Limits) -> Iterator[ParsedRow]:
    """Rows of a JSON list of objects, or of one object; row numbers are positions from 1.

    Args:
        stream: UTF-8.
        limits: see ``Limits``.

    Raises:
        InputError: ``json-*``, ``too-large``, ``file-too-many-rows``, ``row-shape`` when it is neither.
    """
    data = stream.read(limits.max_json_bytes + 1)
    if len(data) > limits.max_json_bytes:
        raise InputError(
            "too-large", f"the JSON document is larger than {limits.max_json_bytes} bytes", limit=limits.max_json_bytes
        )
    if not data.strip():
        return
    document = loads_strict(data.removeprefix(_BOM), max_bytes=limits.max_json_bytes, max_depth=MAX_DEPTH)
    if not isinstance(document, list | dict):
        raise InputError("row-shape", "the document is neither an object nor a list of objects")
    for number, value in enumerate(document if isinstance(document, list) else [document], start=1):
        yield _row(number, value)
