"""Reads a file of any of the supported kinds into rows.

Source: contract of issue "1 of 5" (Publishing).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import BinaryIO, Final

from xinlian.node.files.csvfile import read_csv
from xinlian.node.files.ndjson import read_json, read_ndjson
from xinlian.node.files.rows import Limits, ParsedRow
from xinlian.node.files.xlsxfile import read_xlsx
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import InputError


class FileKind(StrEnum):
    """The kinds of files rows are read from."""

    CSV = "csv"
    XLSX = "xlsx"
    NDJSON = "ndjson"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class FileForm:
    """What a file is: its kind, and for CSV its encoding (None: found out)."""

    kind: FileKind
    encoding: str | None = None


_SUFFIXES: Final = {
    ".csv": FileKind.CSV,
    ".txt": FileKind.CSV,
    ".xlsx": FileKind.XLSX,
    ".ndjson": FileKind.NDJSON,
    ".jsonl": FileKind.NDJSON,
    ".json": FileKind.JSON,
}
_REFUSED_SUFFIXES: Final = {".xlsm": "file-macro", ".xlsb": "file-format", ".xls": "file-format", ".ods": "file-format"}


def kind_of_name(name: str) -> FileKind:
    """The kind that a file's name says.

    Raises:
        InputError: ``file-format``; ``file-macro`` for XLSM.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    raise InputError(_REFUSED_SUFFIXES.get(suffix, "file-format"), "the file's name must end in .csv, .xlsx, .ndjson or .json")


def read_rows(stream: BinaryIO, form: FileForm, schema: DatasetSchema, limits: Limits) -> Iterator[ParsedRow]:
    """Rows of a file, one at a time; errors come while iterating.

    Args:
        stream: seekable, at its start; stays open.
        form: what it is.
        schema: the dataset.
        limits: see ``Limits``; the size is checked before anything is read.

    Raises:
        InputError: ``too-large``, ``file-*``, ``json-*``.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if size > limits.max_file_bytes:
        raise InputError("too-large", f"the file is larger than {limits.max_file_bytes} bytes", limit=limits.max_file_bytes)
    if size == 0:
        raise InputError("file-empty", "the file is empty")
    match form.kind:
        case FileKind.CSV:
            yield from read_csv(stream, schema, limits, form.encoding)
        case FileKind.XLSX:
            yield from read_xlsx(stream, schema, limits)
        case FileKind.NDJSON:
            yield from read_ndjson(stream, limits)
        case FileKind.JSON:
            yield from read_json(stream, limits)
