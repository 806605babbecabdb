"""Reads rows from CSV: UTF-8 with or without BOM, or GB18030 (which covers GBK and GB 2312).

Rules
1. The encoding is the one named, else UTF-8 if the whole file is UTF-8, else GB18030 if the whole file is that, else an
   error. The file is decoded once for this before any row is read; a text that is neither is never guessed at.
2. Comma or tab separate, by what the header row holds; quotes as in RFC 4180. A quote that is not closed is an error.
3. Row numbers count records with the header as row 1, as a spreadsheet shows them; empty rows are skipped but counted.
4. One line at a time is held, none longer than ``Limits.max_line_bytes`` characters.

Source: RFC 4180; GB 18030-2022.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from typing import BinaryIO, Final

from xinlian.node.files.cells import is_empty
from xinlian.node.files.rows import Limits, ParsedRow, RowBuilder, map_header
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import InputError

ENCODINGS: Final = ("utf-8", "gb18030")
_CHUNK_BYTES: Final = 1 << 18
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_csv(stream: BinaryIO, schema: DatasetSchema, limits: Limits, encoding: str | None = None) -> Iterator[ParsedRow]:
    """Rows of a CSV file.

    Args:
        stream: seekable, at its start.
        schema: the dataset.
        limits: see ``Limits``.
        encoding: ``utf-8`` or ``gb18030``; None decides by rule 1.

    Raises:
        InputError: ``file-encoding``, ``file-header``, ``file-format``, ``file-empty``, ``too-large``.
    """
    chosen = detect_encoding(stream, encoding)
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig" if chosen == "utf-8" else chosen, newline="")
    try:
        yield from _rows(text, schema, limits)
    finally:
        if not stream.closed:  # an abandoned reader may outlive its file
            text.detach()


def _rows(text: io.TextIOWrapper, schema: DatasetSchema, limits: Limits) -> Iterator[ParsedRow]:
    lines = _lines(text, limits.max_line_bytes)
    first = next(lines, "")
    if not first.strip():
        raise InputError("file-empty", "the file is empty or its first row is")
    delimiter = "\t" if "\t" in first and "," not in first else ","
    records = _records(first, lines, delimiter)
    builder = RowBuilder(schema, map_header(next(records), schema))
    for number, cells in enumerate(records, start=2):
        if not all(is_empty(cell) for cell in cells):
            yield builder.build(number, cells)


def _records(first: str, lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(_chain(first, lines), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise InputError(
            "file-format", f"line {reader.line_num}: the quotes are not as in CSV (RFC 4180)", line=reader.line_num
        ) from error


def _chain(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _lines(text: io.TextIOWrapper, max_characters: int) -> Iterator[str]:
    number = 0
    while line := text.readline(max_characters + 1):
        number += 1
        if len(line) > max_characters:
            raise InputError("too-large", f"line {number} is longer than {max_characters} characters", limit=max_characters)
        if "\0" in line:
            raise InputError("file-format", f"line {number} holds a zero byte; this is no text file", line=number)
        yield line


def detect_encoding(stream: BinaryIO, named: str | None = None) -> str:
    """The encoding of a text file, by rule 1.

    Args:
        stream: seekable; read from its start.
        named: the encoding the caller names, or None.

    Returns:
        ``utf-8`` or ``gb18030``.

    Raises:
        InputError: ``file-encoding``.
    """
    if named is not None and named.lower().replace("_", "-") not in (*ENCODINGS, "utf-8-sig", "utf8", "gbk", "gb2312"):
        raise InputError("file-encoding", f"the encoding is none of {', '.join(ENCODINGS)}")
    stream.seek(0)
    if stream.read(2) in _UTF16:
        raise InputError("file-encoding", "the file is UTF-16; save it as UTF-8")
    wanted = ENCODINGS if named is None else ("utf-8",) if named.lower().startswith("utf") else ("gb18030",)
    for encoding in wanted:
        if _decodes(stream, encoding):
            return encoding
    raise InputError("file-encoding", f"the file is not {' or '.join(wanted)} from beginning to end", encodings=list(wanted))


def _decodes(stream: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    stream.seek(0)
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
