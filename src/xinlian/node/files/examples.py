"""The example row of a template: made from the schema alone, so that the reader knows it again and leaves it out.

Source: contract of issue "1 of 5" (template with example row); synthetic values of dossier 2.9 only.
"""

from __future__ import annotations

from typing import Final

from xinlian.node.files.cells import Value
from xinlian.protocol.dataset import ChildArray, CodeCheck, DatasetSchema, Field, Kind

EXAMPLE_ITEMS: Final = 2
"""Items of an array in the example, where the array may have as many."""

_CODES: Final = {
    CodeCheck.USCC: "91411599MADEM0011L",
    CodeCheck.ID: "411599199001010014",
    CodeCheck.UNIT: "411599001001GB00001F00010001",
    CodeCheck.PROJECT: "2401-411599-04-01-000001",
    CodeCheck.CERTIFICATE: "1.2.156.3005.2.11100000MB03271699001.11411599MBDEM004XQ.20260000001.001.E",
}
_FIXED: Final[dict[Kind, Value]] = {
    Kind.LOGICAL: True,
    Kind.DATE: "2026-01-02",
    Kind.DATETIME: "20260102T030405",
    Kind.FILE: "sha256:" + "0" * 64,
}


def example_value(entry: Field) -> Value:
    """A sound value of a field.

    Args:
        entry: the field.

    Returns:
        what ``coerce`` gives for the template's example cell.
    """
    match entry.type.kind:
        case Kind.DECIMAL:
            return f"{1 if entry.type.length > entry.type.scale else 0}.{'0' * entry.type.scale}"
        case Kind.INTEGER:
            return max(entry.minimum, min(entry.maximum, 1))
        case Kind.ENUM:
            return entry.enum[0].code
        case Kind.TEXT:
            return _text(entry)
        case _:
            return _FIXED[entry.type.kind]


def _text(entry: Field) -> str:
    if entry.check is not None:
        return _CODES[entry.check]
    text = f"测试{entry.title}"[: entry.type.length]
    return text.ljust(entry.min_length, "0")


def example_row(schema: DatasetSchema) -> dict[str, object]:
    """The example as a row: sound against the schema, but for file fields, whose reference names no attachment."""
    row: dict[str, object] = {entry.name: example_value(entry) for entry in schema.fields if entry.place is None}
    for array in schema.arrays:
        entries = [(item, schema.fields[array.field_index(1, index)]) for index, item in enumerate(array.items)]
        row[array.name] = [{item: example_value(entry) for item, entry in entries} for _ in range(example_items(array))]
    return row


def example_items(array: ChildArray) -> int:
    """Number of items the example has."""
    return max(array.min_items, min(array.max_items, EXAMPLE_ITEMS))
