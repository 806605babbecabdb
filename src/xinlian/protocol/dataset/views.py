"""Evaluates derived views: what mode ``answer`` tells about a subject without giving the records.

Rules
1. The records are those found by the view's lookup for all subjects of one item (a family: 1 to 8), published, current, each
   once.
2. ``where`` keeps those whose fields equal the given values.
3. exists / none: there is at least one / no record. count: how many records, or how many different values of ``distinct``
   (null is no value). threshold: the records' ``field`` brought to one number (sum, min, max) is ≥ the parameter; without a value
   it is false. equals: at least one record's ``field`` equals the parameter.
4. Decimals are compared and added exactly.

Source: design 4.5; dossier 3.1.2 (BDC-01, ZJ-03).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from xinlian.protocol.dataset.faults import value_fault
from xinlian.protocol.dataset.model import Aggregate, DatasetSchema, View, ViewKind
from xinlian.protocol.errors import InputError


def check_parameters(schema: DatasetSchema, view: View, parameters: Mapping[str, object]) -> None:
    """Refuse parameters that the view does not take or that do not have its field's type.

    Raises:
        InputError: ``view-parameter``.
    """
    wanted = set() if view.parameter is None else {view.parameter}
    if set(parameters) != wanted:
        raise InputError("view-parameter", f"view {view.name} takes {sorted(wanted) or 'no parameter'}", view=view.name)
    if view.parameter is not None and view.field is not None:
        fault = value_fault(schema.field(view.field), parameters[view.parameter])
        if fault is not None or parameters[view.parameter] is None:
            raise InputError(
                "view-parameter", f"view {view.name}: {view.parameter} does not have the field's type", view=view.name
            )


def evaluate_view(
    schema: DatasetSchema, view: View, records: Iterable[Mapping[str, object]], parameters: Mapping[str, object]
) -> bool | int:
    """The answer of a view over the records that its lookup found.

    Args:
        schema: the dataset.
        view: one of ``schema.views``.
        records: parsed values by field name, each record once; only the fields the view names are looked at.
        parameters: ``{view.parameter: value}`` for threshold and equals, else empty.

    Raises:
        InputError: ``view-parameter``.
    """
    check_parameters(schema, view, parameters)
    kept = [record for record in records if all(record[name] == value for name, value in view.where)]
    match view.kind:
        case ViewKind.EXISTS:
            return len(kept) > 0
        case ViewKind.NONE:
            return len(kept) == 0
        case ViewKind.COUNT:
            return len(kept) if view.distinct is None else len({r[view.distinct] for r in kept if r[view.distinct] is not None})
        case ViewKind.THRESHOLD:
            return _reaches(schema, view, kept, parameters)
        case _:
            return any(record[str(view.field)] == parameters[str(view.parameter)] for record in kept)


def _reaches(schema: DatasetSchema, view: View, kept: list[Mapping[str, object]], parameters: Mapping[str, object]) -> bool:
    name = str(view.field)
    values = [_number(record[name]) for record in kept if record[name] is not None]
    if not values or view.aggregate is None:
        return False
    return _reduce(view.aggregate, values) >= _number(parameters[str(view.parameter)])


def _reduce(aggregate: Aggregate, values: list[Decimal]) -> Decimal:
    match aggregate:
        case Aggregate.SUM:
            return sum(values, Decimal(0))
        case Aggregate.MIN:
            return min(values)
        case Aggregate.MAX:
            return max(values)


def _number(value: object) -> Decimal:
    return Decimal(str(value))


def used_by(view: View) -> tuple[str, ...]:
    """Names of everything a view's result rests on: the fields it looks at, and the one by which records are found."""
    return tuple(dict.fromkeys([view.lookup, *view_fields(view)]))


def view_fields(view: View) -> tuple[str, ...]:
    """Names of the fields a view looks at, in no particular order but the lookup's."""
    names = [name for name, _ in view.where]
    return tuple(dict.fromkeys([*names, *(name for name in (view.distinct, view.field) if name is not None)]))
