"""校核中: which values of own records are disputed now, so that every answer that gives one says so.

Rules
1. A value is flagged while its correction is open on chain, with the provider or with the source it was forwarded to; and
   when the source corrected it, until this department published the revision that is right.
2. Only the application's text says which value it is: it comes by notice a moment after the chain shows its digest.
3. Only what was really given to who disputes it can be disputed: the read log names every recipient of a record, with the fields
   that it was given, had compared, or got an answer made from.

Source: Decree 809 art. 26; dossier 2.5 no. 3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from xinlian.node.chain_state import ChainState, CorrectionState
from xinlian.node.corrections.texts import Applications
from xinlian.node.reads import Reads
from xinlian.node.records import OpenRecord
from xinlian.protocol.dataset import DatasetSchema, used_by
from xinlian.protocol.errors import InputError
from xinlian.protocol.messages import InCorrection
from xinlian.protocol.objects import correction_object
from xinlian.protocol.statements import ReadDisclosed
from xinlian.protocol.types import EpochS, Uscc
from xinlian.store import corrected
from xinlian.store.writer import Reader


@dataclass(frozen=True, slots=True)
class Dispute:
    """Disputed items of a record, since when (epoch seconds), and what who disputes them was given of it."""

    items: tuple[str, ...]
    since_s: int
    given: Sequence[ReadDisclosed | None]

    def names(self, schema: DatasetSchema) -> set[str]:
        """The fields, arrays spelled out; what an entry cannot tell any more counts as given."""
        disputed = set(concrete(schema, self.items))
        return {name for entry in self.given for name in disputed.intersection(_given(schema, entry) or disputed)}


@dataclass(frozen=True, slots=True)
class Disputed:
    """What is disputed, by record id."""

    by_record: Mapping[str, Sequence[Dispute]] = field(default_factory=dict)

    def of(self, records: Iterable[OpenRecord], names: Sequence[str]) -> tuple[InCorrection, ...]:
        """Which of the named fields are disputed in any of these records, since when, by name."""
        since: dict[str, int] = {}
        for record in records:
            wanted = concrete(record.schema, names)
            for dispute in self.by_record.get(record.record_id, ()):
                for name in dispute.names(record.schema).intersection(wanted):
                    since[name] = min(dispute.since_s, since.get(name, dispute.since_s))
        return tuple(InCorrection(name, EpochS(begun)) for name, begun in sorted(since.items()))


@dataclass(frozen=True, slots=True)
class Disputes:
    """The use case.

    Args:
        department: USCC of this node.
        state: corrections as followed.
        applications: their texts.
        reads: the read log.
    """

    department: Uscc
    state: ChainState
    applications: Applications
    reads: Reads

    def now(self, reader: Reader, record_ids: Collection[str]) -> Disputed:
        """What is disputed of some own records, on the reader's snapshot."""
        found: dict[str, list[Dispute]] = {}
        for correction in self.state.unsettled_corrections():
            if correction.provider != self.department or not self._still(correction, reader):
                continue
            form = self.applications.find(correction, reader)
            if form is None or form.record_id not in record_ids:
                continue
            given = self.reads.given(reader, form.record_id, correction.receiver)
            if given:
                found.setdefault(form.record_id, []).append(Dispute(form.items, correction.opened_at, given))
        return Disputed(found)

    @staticmethod
    def _still(correction: CorrectionState, reader: Reader) -> bool:
        """Whether the value is not right yet: open, or corrected by the source and not yet here."""
        ref = correction_object(correction.receiver, correction.number)
        return correction.is_open or corrected.record_of(reader, ref) is None


@dataclass(frozen=True, slots=True)
class Doubts:
    """What this department disputes itself, so that it sees it whatever the provider's answer says.

    Args:
        department: USCC of this node.
        state: corrections as followed.
        applications: their texts.
    """

    department: Uscc
    state: ChainState
    applications: Applications

    def of(self, provider: Uscc, record_id: str, names: Iterable[str]) -> dict[str, int]:
        """Which of the named fields of a record are disputed, since when (epoch seconds)."""
        found: dict[str, int] = {}
        for correction in self.state.unsettled_corrections():
            if not correction.is_open or (correction.receiver, correction.provider) != (self.department, provider):
                continue
            form = self.applications.find(correction)
            if form is not None and form.record_id == record_id:
                disputed = [name for name in names if not _groups(name).isdisjoint(form.items)]
                found |= {name: min(correction.opened_at, found.get(name, correction.opened_at)) for name in disputed}
        return found


def _groups(name: str) -> frozenset[str]:
    """What an item may call a field: ``buyers.1.name`` is also ``buyers.name`` and ``buyers``."""
    parts = name.split(".")
    return frozenset({name, ".".join(part for part in parts if not part.isdigit()), parts[0]})


def _given(schema: DatasetSchema, entry: ReadDisclosed | None) -> tuple[str, ...]:
    """The fields of an entry; none when it, or this version of the dataset, cannot tell."""
    if entry is None:
        return ()
    try:
        return concrete(schema, entry.fields if entry.derived_view is None else used_by(schema.view(entry.derived_view)))
    except InputError:
        return ()


def concrete(schema: DatasetSchema, items: Sequence[str]) -> tuple[str, ...]:
    """The fields that items name, arrays spelled out; none when this version of the dataset does not have them all."""
    try:
        return schema.names_of(schema.mask_of(items))
    except InputError:
        return ()
