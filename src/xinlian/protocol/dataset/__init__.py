"""Datasets: schema files, rows, masks and derived views.

The package reads a schema file (``load_schema``), checks rows and turns them into the exact JSON texts of a record
(``compile_validator``), and evaluates derived views (``evaluate_view``). Pure: no I/O, no clock.
"""

from xinlian.protocol.dataset.faults import FieldFault, describe, expected_of, value_fault
from xinlian.protocol.dataset.form import FORMAT, load_schema
from xinlian.protocol.dataset.model import (
    MAX_FIELDS,
    Aggregate,
    Assessment,
    Catalogue,
    ChildArray,
    CodeCheck,
    DatasetSchema,
    EnumValue,
    Field,
    FieldType,
    Kind,
    Lookup,
    Mode,
    Place,
    Sensitivity,
    SubjectKind,
    View,
    ViewKind,
    safe_name,
)
from xinlian.protocol.dataset.rows import CompiledSchema, compile_validator
from xinlian.protocol.dataset.types import field_schema
from xinlian.protocol.dataset.views import check_parameters, evaluate_view, used_by, view_fields

__all__ = [
    "FORMAT",
    "MAX_FIELDS",
    "Aggregate",
    "Assessment",
    "Catalogue",
    "ChildArray",
    "CodeCheck",
    "CompiledSchema",
    "DatasetSchema",
    "EnumValue",
    "Field",
    "FieldFault",
    "FieldType",
    "Kind",
    "Lookup",
    "Mode",
    "Place",
    "Sensitivity",
    "SubjectKind",
    "View",
    "ViewKind",
    "check_parameters",
    "compile_validator",
    "describe",
    "evaluate_view",
    "expected_of",
    "field_schema",
    "load_schema",
    "safe_name",
    "used_by",
    "value_fault",
    "view_fields",
]
