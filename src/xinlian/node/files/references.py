"""References to attachments: what a clerk writes into a file field instead of its four members.

Rules
1. A reference is ``sha256:`` and 64 hex digits, the 64 hex digits alone, or the attachment's id (32 hex digits).
2. A reference that names an attachment is replaced by its value; any other text stays, and the schema's check names it.

Example: ``resolved = resolve_row(schema, row, find)``
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from xinlian.node.files.rows import Resolve
from xinlian.protocol.attachments import FileValue
from xinlian.protocol.dataset import DatasetSchema, Field

REFERENCE: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})|([0-9a-f]{32})", re.ASCII)
Find = Callable[[Field, str], FileValue | None]
"""(field, reference of the form) → the value, or None."""


def resolve_row(schema: DatasetSchema, row: Mapping[str, object], find: Find) -> Mapping[str, object]:
    """A row with the references of its file fields replaced by the values they stand for.

    Args:
        schema: the dataset.
        row: as read; not changed.
        find: looks an attachment up.

    Returns:
        The row itself when there is nothing to replace.
    """
    changed = dict(row)
    for entry in schema.files:
        if entry.place is None:
            _replace(changed, entry.name, entry, find)
            continue
        items = changed.get(entry.place.array)
        if isinstance(items, list) and entry.place.number <= len(items):
            item = items[entry.place.number - 1]
            if isinstance(item, Mapping):
                copied = dict(item)
                _replace(copied, entry.place.item, entry, find)
                changed[entry.place.array] = [*items[: entry.place.number - 1], copied, *items[entry.place.number :]]
    return changed if schema.files else row


def _replace(holder: dict[str, object], key: str, entry: Field, find: Find) -> None:
    value = holder.get(key)
    if isinstance(value, str) and REFERENCE.fullmatch(value) is not None:
        found = find(entry, value)
        if found is not None:
            holder[key] = found.to_json()


def without_store(schema: DatasetSchema) -> Resolve:
    """A resolver for checks away from any node: every reference of the form counts as an attachment of a permitted type."""

    def find(entry: Field, _reference: str) -> FileValue:
        return FileValue("0" * 64, 1, entry.media_types[0], "-")

    return lambda row: resolve_row(schema, row, find)
