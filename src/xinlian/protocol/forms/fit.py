"""A sharing request against the catalogue entry it is about: whatever does not fit is found before it is filed.

Source: Decree 809 art. 13-15, 20; dossier 2.3 ("must be offered by the entry").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.dataset.model import Mode
from xinlian.protocol.errors import InputError
from xinlian.protocol.forms.reading import Fault
from xinlian.protocol.forms.request import RequestedItem, SharingRequest

NOT_SHARED: Final = 3


def faults_against(request: SharingRequest, schema: DatasetSchema) -> Iterator[Fault]:
    """What of a request does not fit the entry, as far as the entry itself says."""
    entry = schema.catalogue
    if (request.catalog_code, request.catalog_version) != (schema.code, schema.version):
        yield Fault("catalog_version", "catalog-version-wrong", f"{schema.code} version {schema.version}")
    if entry.share_type == NOT_SHARED:
        yield Fault("catalog_code", "dataset-not-shared", "a dataset that is shared")
        return
    if request.method.value not in entry.share_methods:
        yield Fault("method", "method-not-shared", "one of " + ", ".join(entry.share_methods))
    if entry.allowed_purposes and not set(request.purposes) <= set(entry.allowed_purposes):
        yield Fault("purposes", "purpose-not-catalogued", "among " + ", ".join(entry.allowed_purposes))
    if is_personal(schema) and request.pi_basis is None:
        yield Fault("pi_basis", "pi-basis-missing", "a basis for processing personal information")
    for position, item in enumerate(request.requested_items):
        yield from _item_faults(item, schema, f"requested_items[{position}]")


def is_personal(schema: DatasetSchema) -> bool:
    """Whether a dataset holds personal information."""
    return any(field.sensitivity.is_personal for field in schema.fields)


def _item_faults(item: RequestedItem, schema: DatasetSchema, place: str) -> Iterator[Fault]:
    offered = {mode.value for mode in schema.catalogue.modes}
    if not {mode.value for mode in item.modes} <= offered:
        yield Fault(f"{place}.modes", "mode-not-offered", "among " + ", ".join(sorted(offered)))
    if any(view.name == item.name_en for view in schema.views):
        if set(item.modes) != {Mode.ANSWER}:
            yield Fault(f"{place}.modes", "item-mode", "answer, because it is a derived view")
        return
    try:
        mask = schema.mask_of([item.name_en])
    except InputError:
        yield Fault(f"{place}.name_en", "item-unknown", "a field or view of the entry")
        return
    if mask & ~schema.grantable_mask:
        yield Fault(f"{place}.name_en", "field-not-grantable", "a field that is not for lookups only")
    if Mode.ANSWER in item.modes or (Mode.VERIFY in item.modes and mask & ~schema.verifiable_mask):
        yield Fault(f"{place}.modes", "item-mode", f"{Mode.QUERY} (or {Mode.VERIFY} where the entry says so)")
