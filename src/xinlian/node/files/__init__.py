"""Files a department hands in: CSV, XLSX, NDJSON and JSON into rows, per-row reports, and the XLSX template of a dataset."""

from xinlian.node.files.reader import FileForm, FileKind, kind_of_name, read_rows
from xinlian.node.files.references import REFERENCE, Find, resolve_row, without_store
from xinlian.node.files.rows import CheckedFile, Limits, ParsedRow, Resolve, RowChecker, RowFault, check_rows
from xinlian.node.files.template import template

__all__ = [
    "REFERENCE",
    "CheckedFile",
    "FileForm",
    "FileKind",
    "Find",
    "Limits",
    "ParsedRow",
    "Resolve",
    "RowChecker",
    "RowFault",
    "check_rows",
    "kind_of_name",
    "read_rows",
    "resolve_row",
    "template",
    "without_store",
]
