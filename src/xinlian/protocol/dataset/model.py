"""What a dataset is, once its schema file has been read: fields in their frozen order, lookups, views, masks.

Rules
1. The order of ``fields`` is the order of the disclosures and of the mask bits: bit ``i`` of a field mask is ``fields[i]``.
2. An array of objects (the buyers of a contract) is flattened: item ``n`` of array ``a`` gives the fields ``a.n.x``, ``n`` from 1
   to its maximum, so that one person's part can be disclosed without another's (design 4.1). An empty place is null.
3. A lookup finds records by a subject. Over an array it spans all places and is named ``a.x``.
4. Bit ``i`` of a view mask is ``views[i]``.

Everything here is a frozen value; ``dataset_form`` builds it, ``dataset_rows`` and ``dataset_views`` use it.

Source: Decree 809 (政务数据共享条例) art. 13-15; Solidity interface IDatasetCatalog (256-bit masks).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum
from typing import Final

from xinlian.protocol.errors import InputError

MAX_FIELDS: Final = 256
"""Fields of one dataset, arrays flattened: the width of a mask on chain."""


class Kind(StrEnum):
    """The type letter of a field, as the dossier and the catalogue guide write it."""

    TEXT = "C"
    DECIMAL = "N"
    INTEGER = "I"
    DATE = "D"
    DATETIME = "T"
    ENUM = "E"
    LOGICAL = "L"
    FILE = "FILE"


class Sensitivity(StrEnum):
    """公开 public, 内部 internal, PI personal, SPI sensitive personal (PIPL art. 28)."""

    PUBLIC = "公开"
    INTERNAL = "内部"
    PERSONAL = "PI"
    SENSITIVE = "SPI"

    @property
    def is_personal(self) -> bool:
        """True when a value must never appear in an error, a log or a report."""
        return self in (Sensitivity.PERSONAL, Sensitivity.SENSITIVE)


class SubjectKind(StrEnum):
    """What a lookup finds records by."""

    PERSON = "person"
    ORGANISATION = "organisation"
    UNIT = "unit"
    CONTRACT = "contract"
    PERMIT = "permit"
    PROJECT = "project"


class CodeCheck(StrEnum):
    """Which code of the national standards a text field holds; checked by ``protocol.codes``."""

    USCC = "uscc"
    ID = "id"
    UNIT = "unit"
    PROJECT = "project"
    CERTIFICATE = "certificate"


class Mode(StrEnum):
    """How a field may leave its department (design 4.5)."""

    VERIFY = "verify"
    QUERY = "query"
    ANSWER = "answer"
    BATCH = "batch"


class ViewKind(StrEnum):
    """What a derived view tells about the records it selects."""

    EXISTS = "exists"
    NONE = "none"
    COUNT = "count"
    THRESHOLD = "threshold"
    EQUALS = "equals"


class Aggregate(StrEnum):
    """How a threshold view brings several records to one number."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class FieldType:
    """The type of a field.

    Args:
        kind: the letter.
        length: C characters, N total digits, I digits; 0 for the others.
        scale: N digits behind the point; 0 for the others.
        is_signed: N and I only: negative values are allowed.
    """

    kind: Kind
    length: int = 0
    scale: int = 0
    is_signed: bool = False

    def __str__(self) -> str:
        if self.kind is Kind.DECIMAL:
            return f"N({self.length},{self.scale})"
        return f"{self.kind.value}({self.length})" if self.length > 0 else self.kind.value


@dataclass(frozen=True, slots=True)
class EnumValue:
    """One permitted value: ``code`` is what a record holds, ``label`` what a clerk reads."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a flattened field comes from: item ``number`` (from 1) of array ``array``, property ``item``."""

    array: str
    number: int
    item: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a dataset, after flattening.

    Args:
        name: unique in the dataset; ``buyers.1.name`` for a flattened one.
        title: 中文 name, unique in the dataset.
        index: position and mask bit, from 0.
        type: the type.
        unit: 元, 月, ㎡ …; empty when it has none.
        sensitivity: who may see a value in an error text.
        is_nullable: the record may hold null here; always true in a place of an array that may stay empty.
        accepts_null: a row may hold null here; inside an array: an item that is there may.
        minimum, maximum: bounds, kind I only.
        min_length: fewest characters, kind C only.
        enum: permitted values, kind E only.
        media_types: permitted media types, kind FILE only.
        check: the code standard of the value.
        lookup: the kind of subject that records are found by through this field, or None.
        is_verifiable: mode ``verify`` may compare it.
        is_grantable: False for fields that only serve the lookup; no mode discloses them.
        std: the field's name in the national standard, empty when none is known.
        place: set for a flattened field.
    """

    name: str
    title: str
    index: int
    type: FieldType
    unit: str
    sensitivity: Sensitivity
    is_nullable: bool
    accepts_null: bool
    minimum: int
    maximum: int
    min_length: int
    enum: tuple[EnumValue, ...]
    media_types: tuple[str, ...]
    check: CodeCheck | None
    lookup: SubjectKind | None
    is_verifiable: bool
    is_grantable: bool
    std: str
    place: Place | None

    @property
    def logical_name(self) -> str:
        """The name without the place number: ``buyers.id_number`` for ``buyers.2.id_number``."""
        return self.name if self.place is None else f"{self.place.array}.{self.place.item}"


@dataclass(frozen=True, slots=True)
class Lookup:
    """Finds records by a subject: blind-index name, kind of subject, and the indices of the fields that hold it."""

    name: str
    kind: SubjectKind
    fields: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChildArray:
    """An array of objects. ``first`` is the field index of item 1, property 1; items follow each other without a gap."""

    name: str
    title: str
    min_items: int
    max_items: int
    items: tuple[str, ...]
    item_titles: tuple[str, ...]
    first: int

    def field_index(self, number: int, item: int) -> int:
        """The field index of item ``number`` (from 1), property ``item`` (from 0)."""
        return self.first + (number - 1) * len(self.items) + item


@dataclass(frozen=True, slots=True)
class View:
    """A derived view: what mode ``answer`` may tell about a subject's records without giving them.

    Args:
        name: unique among the views.
        title: 中文 name.
        index: position and view-mask bit.
        kind: what is told.
        lookup: name of the lookup that selects the records.
        where: (field, value) pairs that a record must equal to count.
        distinct: kind count: count the different values of this field instead of the records.
        field: kinds threshold and equals: the field that is compared.
        aggregate: kind threshold: how several records come to one number.
        parameter: kinds threshold and equals: the name under which the requester sends the value to compare with.
    """

    name: str
    title: str
    index: int
    kind: ViewKind
    lookup: str
    where: tuple[tuple[str, str | int | bool], ...]
    distinct: str | None
    field: str | None
    aggregate: Aggregate | None
    parameter: str | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """A risk or impact assessment made before listing: date, by whom, result, SHA-256 of the document (64 hex)."""

    date: str
    by: str
    result: str
    digest: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The catalogue entry of the dataset. Source: Decree 809 art. 13-15; dossier 2.2.

    The nine items of art. 13 are catalog_name, the fields themselves, provider, format, update_cycle, share_type,
    share_methods, use_conditions, and data_class with data_grade. The state and the day of publication stand on the chain.
    """

    catalog_name: str
    category: str
    provider_name: str
    provider_uscc: str
    source_dept_uscc: str
    abstract: str
    format: str
    update_cycle: str
    share_type: int
    share_scope: tuple[str, ...]
    allowed_purposes: tuple[str, ...]
    no_share_reason: str
    no_share_basis: str
    share_methods: tuple[str, ...]
    modes: tuple[Mode, ...]
    use_conditions: str
    requires_authorisation: bool
    data_class: str
    data_grade: str
    secrecy: str
    secrecy_assessment: Assessment
    pia: Assessment | None
    head_consent_name: str
    head_consent_time: str


@dataclass(frozen=True, slots=True)
class DatasetSchema:
    """A dataset, read from its schema file.

    Args:
        code: catalogue code ``<USCC>/<6 digits>``.
        version: from 1.
        alias: short code, such as GJJ-01.
        catalogue: the catalogue entry.
        fields: in record order, arrays flattened.
        arrays: the arrays that were flattened.
        key: names of the fields that together identify a row (natural key).
        lookups: ways to find records, in field order.
        views: derived views.
        source: RFC 8785 bytes of the whole schema file.
        schema_hash: SHA-256 of ``source``, 32 bytes; this is what the catalogue on chain holds.
        row_schema: JSON Schema 2020-12 of one row, RFC 8785 bytes, without the x- keywords.
    """

    code: str
    version: int
    alias: str
    catalogue: Catalogue
    fields: tuple[Field, ...]
    arrays: tuple[ChildArray, ...]
    key: tuple[str, ...]
    lookups: tuple[Lookup, ...]
    views: tuple[View, ...]
    source: bytes
    schema_hash: bytes
    row_schema: bytes
    _index: dict[str, int] = dataclass_field(repr=False, compare=False)
    _groups: dict[str, int] = dataclass_field(repr=False, compare=False)

    @property
    def vct(self) -> str:
        """Type of the statements: ``<catalogue code>@<version>``."""
        return f"{self.code}@{self.version}"

    @property
    def owner(self) -> str:
        """USCC of the department that owns the dataset (18 characters)."""
        return self.code[:18]

    @property
    def serial(self) -> int:
        """Serial number inside the owner's catalogue, 1 to 999999."""
        return int(self.code[19:])

    @property
    def title(self) -> str:
        """数据目录名称."""
        return self.catalogue.catalog_name

    @property
    def files(self) -> tuple[Field, ...]:
        """The file fields, in record order."""
        return tuple(f for f in self.fields if f.type.kind is Kind.FILE)

    @property
    def field_count(self) -> int:
        """Number of fields, arrays flattened."""
        return len(self.fields)

    @property
    def verifiable_mask(self) -> int:
        """Mask of the fields that mode ``verify`` may compare."""
        return _mask(f.index for f in self.fields if f.is_verifiable)

    @property
    def sensitive_mask(self) -> int:
        """Mask of the fields that hold sensitive personal information."""
        return _mask(f.index for f in self.fields if f.sensitivity is Sensitivity.SENSITIVE)

    @property
    def is_personal(self) -> bool:
        """Whether any field holds personal information."""
        return any(f.sensitivity.is_personal for f in self.fields)

    @property
    def grantable_mask(self) -> int:
        """Mask of the fields that a grant may name."""
        return _mask(f.index for f in self.fields if f.is_grantable)

    @property
    def view_mask(self) -> int:
        """Mask of all views."""
        return (1 << len(self.views)) - 1

    def field_index(self, name: str) -> int:
        """Position of a field.

        Raises:
            InputError: ``field-unknown``.
        """
        index = self._index.get(name)
        if index is None:
            raise InputError(
                "field-unknown", f"{self.alias}: there is no field of that name", dataset=self.code, field=safe_name(name)
            )
        return index

    def field(self, name: str) -> Field:
        """The field called ``name``.

        Raises:
            InputError: ``field-unknown``.
        """
        return self.fields[self.field_index(name)]

    def mask_of(self, names: Iterable[str]) -> int:
        """Mask of the named fields; ``buyers`` and ``buyers.name`` stand for all places of the array.

        Raises:
            InputError: ``field-unknown``.
        """
        mask = 0
        for name in names:
            group = self._groups.get(name)
            mask |= 1 << self.field_index(name) if group is None else group
        return mask

    def names_of(self, mask: int) -> tuple[str, ...]:
        """Names of the fields in ``mask``, in record order.

        Raises:
            InputError: ``field-unknown`` when the mask has a bit beyond the last field.
        """
        _refuse_beyond(mask, len(self.fields), self.alias, "field")
        return tuple(f.name for f in self.fields if mask >> f.index & 1)

    def lookup(self, kind: str) -> Lookup | None:
        """The first lookup for subjects of ``kind``, or None."""
        return next((entry for entry in self.lookups if entry.kind == kind), None)

    def view(self, name: str) -> View:
        """The view called ``name``.

        Raises:
            InputError: ``view-unknown``.
        """
        for entry in self.views:
            if entry.name == name:
                return entry
        raise InputError("view-unknown", f"{self.alias}: there is no view of that name", dataset=self.code, view=safe_name(name))

    def view_mask_of(self, names: Iterable[str]) -> int:
        """Mask of the named views.

        Raises:
            InputError: ``view-unknown``.
        """
        return _mask(self.view(name).index for name in names)

    def view_names_of(self, mask: int) -> tuple[str, ...]:
        """Names of the views in ``mask``.

        Raises:
            InputError: ``view-unknown`` when the mask has a bit beyond the last view.
        """
        _refuse_beyond(mask, len(self.views), self.alias, "view")
        return tuple(v.name for v in self.views if mask >> v.index & 1)


def _mask(indices: Iterable[int]) -> int:
    mask = 0
    for index in indices:
        mask |= 1 << index
    return mask


def _refuse_beyond(mask: int, count: int, alias: str, what: str) -> None:
    if mask < 0 or mask >> count:
        raise InputError(f"{what}-unknown", f"{alias}: the mask names a {what} beyond the last one ({count})", count=count)


def safe_name(name: str) -> str:
    """A handed-in name as it may appear in an error: what does not look like a field name may be personal data.

    Args:
        name: a JSON key, a header, an argument.

    Returns:
        the name itself when it is short, of the letters a field name has, and with few digits; else ``(unreadable)``.
    """
    plain = len(name) <= 64 and name.isascii() and name.replace("_", "a").replace(".", "a").replace("-", "a").isalnum()
    digits = sum(character.isdigit() for character in name)
    return name if plain and digits < 6 else "(unreadable)"
