"""Checks rows against a dataset's schema and turns them into the exact JSON texts of a record.

Rules
1. A row is a dict as JSON gives it: every property present, null where it has no value, arrays as lists of objects.
2. Decimals are texts with exactly their scale, integers JSON integers; a float is never accepted.
3. The fast path asks jsonschema-rs one yes/no question, then checks in Python what JSON Schema cannot say: exact integers, check
   digits, existing days. Only a refused row is looked at again, to name every fault.
4. A fault of a personal field (PI, SPI) never contains its value, and an unknown name is shown only if it looks
   like a field name.
5. Nothing is fetched (``offline``), regular expressions run in linear time (``RegexOptions``), and the library masks values.

Example::

    compiled = compile_validator(load_schema(data))
    faults = compiled.validate(row)          # [] or every fault
    fields = compiled.to_fields(row)         # [("name", '"测试甲"'), ("balance_yuan", '"32000.00"'), …]

Source: JSON Schema 2020-12; RFC 8259 §7 (string escapes); design 4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import TypeAlias

import jsonschema_rs
import orjson

from xinlian.protocol.attachments import MEMBERS, FileValue
from xinlian.protocol.dataset.faults import FieldFault, explain, is_code, is_exact_integer, is_file, is_moment
from xinlian.protocol.dataset.model import ChildArray, DatasetSchema, Field, Kind

Row: TypeAlias = Mapping[str, object]
_Test: TypeAlias = Callable[[object], bool]
_Encoder: TypeAlias = Callable[[object], str]
_MASK = "[hidden]"


class CompiledSchema:
    """A schema made ready to check many rows. Holds no row; safe to share between threads."""

    __slots__ = ("_accepts", "_array_tests", "_arrays", "_files", "_parts", "_plan", "_tests", "schema")

    def __init__(self, schema: DatasetSchema) -> None:
        self.schema = schema
        self._accepts = _accepts(schema)
        plain = [entry for entry in schema.fields if entry.place is None]
        self._plan = [(entry.name, _encoder(entry)) for entry in plain]
        self._tests = [(entry.name, test) for entry in plain if (test := _test(entry)) is not None]
        self._arrays = [(array, _item_plan(schema, array)) for array in schema.arrays]
        self._array_tests = [(array.name, _item_tests(schema, array)) for array in schema.arrays]
        self._parts = _parts(schema)
        self._files = schema.files

    @property
    def has_files(self) -> bool:
        """Whether rows may name attachments."""
        return len(self._files) > 0

    def validate(self, row: Row) -> list[FieldFault]:
        """Every fault of a row, in field order; none means the row may be sealed.

        Args:
            row: JSON object as parsed (texts, integers, booleans, None, arrays as lists of objects).
        """
        try:
            if self._accepts(row) and self._holds(row):
                return []
        except (ValueError, TypeError):  # what JSON cannot express: other key types, lone surrogates
            pass
        return explain(self.schema, row)

    def _holds(self, row: Row) -> bool:
        for name, test in self._tests:
            value = row[name]
            if value is not None and not test(value):
                return False
        return not self._array_tests or self._array_holds(row)

    def _array_holds(self, row: Row) -> bool:
        for name, tests in self._array_tests:
            for item in row[name]:  # type: ignore[attr-defined]  # the JSON Schema said it is a list of objects
                for child, test in tests:
                    if item[child] is not None and not test(item[child]):
                        return False
        return True

    def to_fields(self, row: Row) -> list[tuple[str, str]]:
        """The (name, exact JSON text) pairs of a row that ``validate`` found without fault, in field order, null included."""
        if not self._arrays:
            return [(name, encode(row[name])) for name, encode in self._plan]
        texts: list[tuple[str, str]] = []
        for part in self._parts:
            if isinstance(part, int):
                name, encode = self._plan[part]
                texts.append((name, encode(row[name])))
            else:
                self._add_items(texts, part, row)
        return texts

    def to_row(self, texts: Sequence[str]) -> dict[str, object]:
        """A row that gives these texts: what ``to_fields`` made of a row, taken back.

        Args:
            texts: exact JSON text of every field, in field order.

        Returns:
            The row; array items of nulls only, at an array's end, are not there.
        """
        row: dict[str, object] = {array.name: [] for array in self.schema.arrays}
        items: dict[tuple[str, int], dict[str, object]] = {}
        for entry, text in zip(self.schema.fields, texts, strict=True):
            value = orjson.loads(text)
            if entry.place is None:
                row[entry.name] = value
            else:
                items.setdefault((entry.place.array, entry.place.number), {})[entry.place.item] = value
        for array in self.schema.arrays:
            numbered = [items[array.name, number] for number in range(1, array.max_items + 1)]
            filled = [number for number, item in enumerate(numbered, 1) if any(value is not None for value in item.values())]
            row[array.name] = numbered[: max([array.min_items, *filled])]
        return row

    def _add_items(self, texts: list[tuple[str, str]], array: ChildArray, row: Row) -> None:
        items: list[Row] = row[array.name]  # type: ignore[assignment]  # validate() said it is a list of objects
        plans = next(plan for known, plan in self._arrays if known is array)
        for number, plan in enumerate(plans):
            if number < len(items):
                texts.extend((name, encode(items[number][child])) for name, child, encode in plan)
            else:
                texts.extend((name, "null") for name, _, _ in plan)

    def lookups(self, row: Row) -> list[tuple[str, str]]:
        """(lookup name, value) of every filled lookup field of a sound row; what the blind index covers."""
        found: dict[tuple[str, str], None] = {}
        for lookup in self.schema.lookups:
            for index in lookup.fields:
                value = _value(row, self.schema.fields[index])
                if isinstance(value, str):
                    found[lookup.name, value] = None
        return list(found)

    def files(self, row: Row) -> list[tuple[Field, FileValue]]:
        """(field, value) of every filled file field of a sound row."""
        if not self._files:
            return []
        found = [(entry, _value(row, entry)) for entry in self._files]
        return [(entry, FileValue(*(value[m] for m in MEMBERS))) for entry, value in found if isinstance(value, Mapping)]

    def key(self, row: Row) -> tuple[str, ...]:
        """The natural key of a sound row, as exact JSON texts."""
        return tuple(orjson.dumps(row[name]).decode() for name in self.schema.key)


def compile_validator(schema: DatasetSchema) -> CompiledSchema:
    """Make ``schema`` ready to check rows; about a millisecond, so keep the result per schema version."""
    return CompiledSchema(schema)


def _accepts(schema: DatasetSchema) -> Callable[[object], bool]:
    validator = jsonschema_rs.Draft202012Validator(
        schema.row_schema.decode(),
        validate_formats=True,
        offline=True,
        mask=_MASK,
        pattern_options=jsonschema_rs.RegexOptions(),
    )
    return validator.is_valid


def _test(entry: Field) -> _Test | None:
    """What JSON Schema cannot say about a value that it has accepted."""
    if entry.check is not None:
        return is_code(entry.check)
    if entry.type.kind is Kind.FILE:
        return is_file(entry)
    return {Kind.INTEGER: is_exact_integer, Kind.DATETIME: is_moment}.get(entry.type.kind)


def _encoder(entry: Field) -> _Encoder:
    match entry.type.kind:
        case Kind.INTEGER:
            return _nullable_integer if entry.is_nullable else str
        case Kind.LOGICAL:
            return _logical
        case Kind.FILE:
            return _file
        case _:
            return _nullable_text if entry.is_nullable else encode_basestring  # type: ignore[return-value]


def _nullable_text(value: object) -> str:
    return "null" if value is None else encode_basestring(value)  # type: ignore[arg-type]


def _nullable_integer(value: object) -> str:
    return "null" if value is None else str(value)


def _logical(value: object) -> str:
    return "null" if value is None else "true" if value else "false"


def _file(value: object) -> str:
    return "null" if value is None else FileValue(*(value[member] for member in MEMBERS)).text()  # type: ignore[index]


def _item_plan(schema: DatasetSchema, array: ChildArray) -> list[list[tuple[str, str, _Encoder]]]:
    plans = []
    for number in range(1, array.max_items + 1):
        entries = [schema.fields[array.field_index(number, item)] for item in range(len(array.items))]
        plans.append([(entry.name, child, _encoder(entry)) for entry, child in zip(entries, array.items, strict=True)])
    return plans


def _item_tests(schema: DatasetSchema, array: ChildArray) -> list[tuple[str, _Test]]:
    entries = [schema.fields[array.field_index(1, item)] for item in range(len(array.items))]
    return [(child, test) for entry, child in zip(entries, array.items, strict=True) if (test := _test(entry)) is not None]


def _parts(schema: DatasetSchema) -> list[int | ChildArray]:
    """The row in field order: numbers of plain fields, and whole arrays."""
    arrays = {array.name: array for array in schema.arrays}
    parts: list[int | ChildArray] = []
    plain = 0
    for entry in schema.fields:
        if entry.place is None:
            parts.append(plain)
            plain += 1
        elif entry.index == arrays[entry.place.array].first:
            parts.append(arrays[entry.place.array])
    return parts


def _value(row: Row, entry: Field) -> object:
    if entry.place is None:
        return row[entry.name]
    items: list[Row] = row[entry.place.array]  # type: ignore[assignment]  # validate() said it is a list of objects
    return items[entry.place.number - 1][entry.place.item] if entry.place.number <= len(items) else None
