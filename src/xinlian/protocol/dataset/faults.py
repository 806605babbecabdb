"""Names every fault of a row, in words a clerk understands and without personal values.

The checks here say the same as the row's JSON Schema plus what JSON Schema cannot say (rule 3 of ``rows``); a property test holds
the two against each other.

Source: GB 32100, GB 11643, GB/T 37346, GB/T 36904 through ``protocol.codes``; dossier 3, conventions.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from xinlian.protocol import codes
from xinlian.protocol.attachments import MAX_BYTES, MAX_NAME, file_fault
from xinlian.protocol.dataset.model import MAX_FIELDS, ChildArray, CodeCheck, DatasetSchema, Field, Kind, safe_name
from xinlian.protocol.dataset.types import DATE_PATTERN, DATETIME_PATTERN, TEXT_PATTERN, decimal_pattern
from xinlian.protocol.errors import InputError

SHOWN_CHARACTERS: Final = 40
_TEXT: Final = re.compile(TEXT_PATTERN[1:-1])
_DATE: Final = re.compile(DATE_PATTERN[1:-1])
_DATETIME: Final = re.compile(DATETIME_PATTERN[1:-1])

_CHECKS: Final[dict[CodeCheck, Callable[[str], None]]] = {
    CodeCheck.USCC: codes.check_uscc,
    CodeCheck.ID: codes.check_id_number,
    CodeCheck.UNIT: codes.check_unit_code,
    CodeCheck.PROJECT: codes.check_project_code,
    CodeCheck.CERTIFICATE: codes.check_certificate_id,
}
_CODE_NAMES: Final = {
    CodeCheck.USCC: "统一社会信用代码, 18 characters with right check digits (GB 32100)",
    CodeCheck.ID: "公民身份号码, 18 characters with right check digit (GB 11643)",
    CodeCheck.UNIT: "不动产单元代码, 28 characters (GB/T 37346)",
    CodeCheck.PROJECT: "项目代码, 24 characters YYMM-RRRRRR-NN-NN-NNNNNN",
    CodeCheck.CERTIFICATE: "证照标识 with right check digit (GB/T 36904)",
}

_EXPECTED: Final = {
    Kind.DATE: "an existing day as YYYY-MM-DD",
    Kind.DATETIME: "an existing date-time as YYYYMMDDThhmmss",
    Kind.LOGICAL: "true or false",
}


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One fault of a row.

    Args:
        field: field name (``buyers.2.share``), array name, or empty for the row as a whole.
        what: what is there; never the value of a personal field.
        expected: what the schema asks for.
        code: stable error code.
    """

    field: str
    what: str
    expected: str
    code: str


def explain(schema: DatasetSchema, row: object) -> list[FieldFault]:
    """Every fault of a row that the fast check refused; never empty.

    Args:
        schema: the dataset.
        row: whatever was handed in as a row.
    """
    if not isinstance(row, Mapping):
        return [FieldFault("", f"the row is {describe(row)}", "a JSON object with one entry per field", "row-shape")]
    if len(row) > MAX_FIELDS:
        return [FieldFault("", f"the row has {len(row)} fields", f"at most {MAX_FIELDS} fields", "row-too-many-fields")]
    arrays = {array.name: array for array in schema.arrays}
    faults: list[FieldFault] = []
    for entry in schema.fields:
        if entry.place is None:
            faults += _plain_faults(entry, row, entry.name)
        elif entry.index == arrays[entry.place.array].first:
            faults += _array_faults(schema, arrays[entry.place.array], row)
    known = {entry.name for entry in schema.fields if entry.place is None} | set(arrays)
    faults += _unknown_faults(row, known, "")
    return faults or [FieldFault("", "the row does not fit the schema", "a row of this dataset", "row-shape")]


def _unknown_faults(row: Mapping[object, object], known: set[str], prefix: str) -> list[FieldFault]:
    names = [key for key in row if key not in known]
    return [
        FieldFault(prefix + safe_name(str(name)), "the schema has no such field", "a field of the dataset", "field-unknown")
        for name in names
    ]


def _plain_faults(entry: Field, row: Mapping[object, object], key: str) -> list[FieldFault]:
    if key not in row:
        null = " (null where it has no value)" if entry.accepts_null else ""
        return [FieldFault(entry.name, "the field is missing", expected_of(entry) + null, "field-missing")]
    fault = value_fault(entry, row[key])
    return [] if fault is None else [fault]


def _array_faults(schema: DatasetSchema, array: ChildArray, row: Mapping[object, object]) -> list[FieldFault]:
    expected = f"a list of {array.min_items} to {array.max_items} objects"
    if array.name not in row:
        return [FieldFault(array.name, "the field is missing", expected, "field-missing")]
    items = row[array.name]
    if not isinstance(items, list | tuple):
        return [FieldFault(array.name, f"the value is {describe(items)}", expected, "field-type")]
    if not array.min_items <= len(items) <= array.max_items:
        return [FieldFault(array.name, f"there are {len(items)} entries", expected, "array-length")]
    faults: list[FieldFault] = []
    for number, item in enumerate(items, start=1):
        faults += _item_faults(schema, array, number, item)
    return faults


def _item_faults(schema: DatasetSchema, array: ChildArray, number: int, item: object) -> list[FieldFault]:
    place = f"{array.name}.{number}"
    if not isinstance(item, Mapping):
        return [FieldFault(place, f"the entry is {describe(item)}", "an object", "field-type")]
    if len(item) > MAX_FIELDS:
        return [FieldFault(place, f"the entry has {len(item)} fields", f"at most {MAX_FIELDS} fields", "row-too-many-fields")]
    faults: list[FieldFault] = []
    for index, child in enumerate(array.items):
        entry = schema.fields[array.field_index(number, index)]
        faults += _plain_faults(entry, item, child)
    return faults + _unknown_faults(item, set(array.items), place + ".")


def value_fault(entry: Field, value: object) -> FieldFault | None:
    """The fault of one value of a row, or None.

    Args:
        entry: its field.
        value: as parsed from JSON.
    """
    if value is None:
        return None if entry.accepts_null else FieldFault(entry.name, "the field is empty", expected_of(entry), "field-missing")
    code = _value_code(entry, value)
    return None if code is None else FieldFault(entry.name, _what(entry, value), expected_of(entry), code)


def _value_code(entry: Field, value: object) -> str | None:
    if entry.type.kind is Kind.INTEGER:
        return _integer_code(entry, value)
    if entry.type.kind is Kind.LOGICAL:
        return None if isinstance(value, bool) else "field-type"
    if entry.type.kind is Kind.FILE:
        return None if file_fault(value, entry.media_types) == "" else "field-file"
    return _string_code(entry, value) if isinstance(value, str) else "field-type"


def _string_code(entry: Field, value: str) -> str | None:
    match entry.type.kind:
        case Kind.TEXT:
            return _text_code(entry, value)
        case Kind.DECIMAL:
            return None if re.fullmatch(decimal_pattern(entry.type)[1:-1], value) else "field-scale"
        case Kind.ENUM:
            return None if value in [allowed.code for allowed in entry.enum] else "field-enum"
        case Kind.DATE:
            return None if is_day(value) else "field-date"
        case _:
            return None if is_moment(value) else "field-date"


def _integer_code(entry: Field, value: object) -> str | None:
    if type(value) is not int:
        return "field-type"
    return None if entry.minimum <= value <= entry.maximum else "field-range"


def _text_code(entry: Field, value: str) -> str | None:
    if not entry.min_length <= len(value) <= entry.type.length:
        return "field-length"
    if not _TEXT.fullmatch(value) or any("\ud800" <= character <= "\udfff" for character in value):
        return "field-text"
    return None if entry.check is None else code_fault(entry.check, value)


def code_fault(check: CodeCheck, value: str) -> str | None:
    """``code-form`` or ``code-check-digit``, or None when the code is right."""
    try:
        _CHECKS[check](value)
    except InputError as error:
        return error.code
    return None


def is_code(check: CodeCheck) -> Callable[[object], bool]:
    """A yes/no test for the codes of one standard."""
    checker = _CHECKS[check]

    def test(value: object) -> bool:
        try:
            checker(value)  # type: ignore[arg-type]  # the JSON Schema said it is a text
        except InputError:
            return False
        return True

    return test


def is_exact_integer(value: object) -> bool:
    """JSON Schema takes 1.0 for an integer; a record does not."""
    return type(value) is int


def is_day(value: object) -> bool:
    """An existing day, ``YYYY-MM-DD``, year 1000 to 2999."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_moment(value: object) -> bool:
    """An existing date-time, ``YYYYMMDDThhmmss``, year 1000 to 2999, no leap second."""
    if not isinstance(value, str) or not _DATETIME.fullmatch(value):
        return False
    return is_day(f"{value[:4]}-{value[4:6]}-{value[6:8]}")


def is_file(entry: Field) -> Callable[[object], bool]:
    """A yes/no test for the values of a file field (JSON Schema takes 1.0 for an integer; a record does not)."""
    media_types = entry.media_types
    return lambda value: file_fault(value, media_types) == ""


def expected_of(entry: Field) -> str:
    """What a field asks for, in words."""
    match entry.type.kind:
        case Kind.TEXT:
            return _expected_text(entry)
        case Kind.DECIMAL:
            return _expected_decimal(entry)
        case Kind.INTEGER:
            return f"an integer from {entry.minimum} to {entry.maximum}"
        case Kind.FILE:
            return _expected_file(entry)
        case Kind.ENUM:
            return "one of " + ", ".join(v.code if v.code == v.label else f"{v.code} ({v.label})" for v in entry.enum)
        case _:
            return _EXPECTED[entry.type.kind]


def _expected_file(entry: Field) -> str:
    return (
        f"an attachment of this department (its id or sha256), or its sha256, bytes (1 to {MAX_BYTES}), media_type "
        f"({', '.join(entry.media_types)}) and name (1 to {MAX_NAME} characters, no path)"
    )


def _expected_decimal(entry: Field) -> str:
    whole = entry.type.length - entry.type.scale
    sign = "" if entry.type.is_signed else ", not negative"
    return f"a decimal as text with exactly {entry.type.scale} places and at most {whole} digits before the point{sign}"


def _expected_text(entry: Field) -> str:
    if entry.check is not None:
        return _CODE_NAMES[entry.check]
    if entry.min_length == entry.type.length:
        return f"a text of exactly {entry.type.length} characters"
    return f"a text of {entry.min_length} to {entry.type.length} characters"


def _what(entry: Field, value: object) -> str:
    if entry.type.kind is Kind.FILE:
        member = file_fault(value, entry.media_types)
        return f"the value is {describe(value)}" + ("" if member == "value" else f" whose {member} does not fit")
    if entry.sensitivity.is_personal or not isinstance(value, str | int):
        return f"the value is {describe(value)}"
    return f"the value is {str(value)[:SHOWN_CHARACTERS]!r}"


def describe(value: object) -> str:
    """The kind of a value without the value."""
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a number with a fraction or exponent"
    if value is None:
        return "null"
    return "a list" if isinstance(value, list | tuple) else "an object"
