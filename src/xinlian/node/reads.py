"""The read log: entries of both roles, and their reconciliation with another department.

Rules
1. One entry per item of a request and role; the requester's is written once the outcome is known (what was ``attempted`` and
   never finished is written at the next start).
2. Subjects stand as this department's pseudonyms; the two sides meet by ``rid`` and ciphertext digests.
3. An entry is found by each record that served it through keyed tags (``store.read_records``), so an own record's recipients are
   found without reading the log.
4. Reconciling asks the other node for the clear parts of its entries about this department; each is checked to be anchored by it.

Source: design 4.5; Decree 809 art. 29.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from xinlian.node.paging import Page, Window, first_of
from xinlian.node.sealing import new_record_id
from xinlian.protocol.b64 import unb64u
from xinlian.protocol.messages import Request
from xinlian.protocol.reconciliation import Reconciliation
from xinlian.protocol.statements import (
    ReadClear,
    ReadDisclosed,
    ReadItem,
    ReadOutcome,
    ReadRole,
    ReadSheet,
    StatementIds,
    parse_read,
    record_tag,
    subject_pseudonym,
)
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, RecordId, Uscc
from xinlian.store import ledger, meta, read_records, streams
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Writer

PAGE = 500
Concerns = Callable[[ReadDisclosed], bool]
"""Whether what an entry discloses (mode, dataset, fields, view) is of interest."""
_INDEXED = "read-records-indexed"
_INDEX_VERSION = "2"
"""2: the further subjects of entries, too."""


@dataclass(frozen=True, slots=True)
class WrittenRead:
    """What an entry says beyond its request.

    Args:
        item: place in the request, from 0.
        outcome: how it came out.
        pseudonyms: of the item's subjects; empty when they were not proven.
        record_ids: records that served it.
        request_digest: SHA-256 of the request's ciphertext.
        answer_digest: SHA-256 of the answer's ciphertext, None when there was none.
        operator: person id of this department's official; None where a program acts.
    """

    item: int
    outcome: ReadOutcome
    pseudonyms: tuple[str, ...]
    record_ids: tuple[RecordId, ...]
    request_digest: bytes
    answer_digest: bytes | None
    operator: str | None


@dataclass(frozen=True, slots=True)
class _About:
    """What all entries of one request and side say."""

    request: Request
    role: ReadRole
    counterparty: Uscc
    time: EpochS

    @property
    def grant_ref(self) -> str:
        return f"{self.request.grant.provider}/{self.request.grant.number}"

    @property
    def case_ref(self) -> str | None:
        case = self.request.case
        return None if case is None else f"{case.lead}/{case.case_no}"


class Reads:
    """Makes and lists read entries.

    Args:
        department: USCC of this node.
        writer: node.db.
        sealer: encrypts disclosures.
        pseudonym_key: 32 bytes, of this department alone.
        law_s: law time, epoch seconds.
    """

    def __init__(self, department: Uscc, writer: Writer, sealer: Sealer, pseudonym_key: bytes, law_s: Callable[[], int]) -> None:
        self._department = department
        self._writer = writer
        self._sealer = sealer
        self._key = pseudonym_key
        self._law_s = law_s

    def pseudonym_bytes(self, subject: Subject) -> bytes:
        """This department's pseudonym of a subject, 32 bytes."""
        return unb64u(subject_pseudonym(self._key, subject))

    def pseudonyms(self, subjects: Iterable[Subject]) -> tuple[str, ...]:
        """This department's pseudonyms of an item's subjects, as entries name them."""
        return tuple([subject_pseudonym(self._key, subject) for subject in subjects])

    def provider_entries(self, request: Request, reads: Sequence[WrittenRead]) -> list[streams.ReadEntry]:
        """The provider's entries of a request's items."""
        return self._entries(request, reads, ReadRole.PROVIDER, request.from_uscc)

    def requester_entries(self, request: Request, reads: Sequence[WrittenRead]) -> list[streams.ReadEntry]:
        """The requester's entries of a request's items."""
        return self._entries(request, reads, ReadRole.REQUESTER, request.to_uscc)

    def _entries(
        self, request: Request, reads: Sequence[WrittenRead], role: ReadRole, counterparty: Uscc
    ) -> list[streams.ReadEntry]:
        """One entry per item; items that came out alike share a sheet."""
        about = _About(request, role, counterparty, EpochS(self._law_s()))
        sheets: dict[tuple[object, ...], ReadSheet] = {}
        entries = []
        for read in reads:
            alike = (read.outcome, read.request_digest, read.answer_digest, read.operator)
            sheet = sheets.get(alike)
            if sheet is None:
                sheet = sheets[alike] = self._sheet(about, read)
            entries.append(self._entry(about, read, sheet))
        return entries

    def _sheet(self, about: _About, read: WrittenRead) -> ReadSheet:
        request = about.request
        clear = ReadClear(
            request.rid,
            read.item,
            about.role,
            about.counterparty,
            request.grant,
            request.case,
            about.time,
            read.outcome,
            None,
            read.request_digest,
            read.answer_digest,
        )
        disclosed = ReadDisclosed(
            request.mode,
            request.dataset,
            request.purpose,
            request.fields,
            request.view,
            (),
            (),
            read.operator,
        )
        return ReadSheet(StatementIds(self._department, new_record_id(), about.time), clear, disclosed)

    def _entry(self, about: _About, read: WrittenRead, sheet: ReadSheet) -> streams.ReadEntry:
        request = about.request
        tag = record_tag(self._key, read.record_ids)
        item = ReadItem(new_record_id(), read.item, tag, read.pseudonyms, read.record_ids)
        sealed = sheet.seal(item, os.urandom(32))
        return streams.ReadEntry(
            leaf=sealed.leaf,
            statement=sealed.statement,
            disclosures="~".join(sealed.disclosures),
            rid=request.rid,
            role=about.role.value,
            counterparty=about.counterparty,
            grant_ref=about.grant_ref,
            case_ref=about.case_ref,
            time=about.time,
            outcome=read.outcome.value,
            record_tag=None if tag is None else unb64u(tag),
            subject_pseudonym=unb64u(read.pseudonyms[0]) if read.pseudonyms else None,
            item=read.item,
            record_tags=self._tags(read.record_ids),
            further_subjects=tuple([unb64u(pseudonym) for pseudonym in read.pseudonyms[1:]]),
        )

    # -- listing -----------------------------------------------------------------------------------

    def page(self, window: Window, counterparty: str | None) -> Page[streams.ReadEntry]:
        """Entries, oldest first; shown are their clear parts (``clear_parts``).

        Args:
            window: which part.
            counterparty: only entries with this department.
        """
        after = 0 if window.after is None else int(window.after[0])
        with self._writer.read() as reader:
            found = streams.reads_page(reader, self._sealer, after, window.limit + 1, counterparty)
        return first_of(found, window, lambda entry: (entry.position,))

    # -- reconciliation ----------------------------------------------------------------------------

    def last_position(self) -> int:
        """The newest own entry's position, 0 while there is none."""
        with self._writer.read() as reader:
            return streams.last_position(reader, streams.READS)

    def tag_of(self, record_id: str) -> bytes:
        """The keyed tag of one record, 32 bytes."""
        tag = record_tag(self._key, [RecordId(record_id)])
        assert tag is not None
        return unb64u(tag)

    def recipients_of(self, record_id: str) -> list[str]:
        """Departments that ever received something of a record, from the provider's entries."""
        with self._writer.read() as reader:
            return sorted(self.deliveries(reader, record_id))

    def deliveries(self, reader: Reader, record_id: str, concerns: Concerns | None = None) -> dict[str, list[str]]:
        """Under which requests each department received something of a record, in the order of the log.

        Args:
            reader: of node.db.
            record_id: of an own record.
            concerns: whether an entry counts, by what it discloses; None for all of them.
        """
        found: dict[str, dict[str, None]] = {}
        for use in read_records.uses(reader, self.tag_of(record_id), ReadRole.PROVIDER.value):
            if concerns is None or self._concerns(reader, use, concerns):
                found.setdefault(use.counterparty, {})[use.rid] = None
        return {uscc: list(rids) for uscc, rids in found.items()}

    def given(self, reader: Reader, record_id: str, recipient: str) -> list[ReadDisclosed | None]:
        """What a department was given of an own record, in the order of the log; None for an entry that cannot tell any more."""
        uses = read_records.uses(reader, self.tag_of(record_id), ReadRole.PROVIDER.value)
        return [self._disclosed(reader, use) for use in uses if use.counterparty == recipient]

    def _concerns(self, reader: Reader, use: read_records.Use, concerns: Concerns) -> bool:
        """Whether an entry counts; one that cannot tell any more does."""
        disclosed = self._disclosed(reader, use)
        return disclosed is None or concerns(disclosed)

    def _disclosed(self, reader: Reader, use: read_records.Use) -> ReadDisclosed | None:
        for entry in streams.reads_of_rid(reader, self._sealer, use.rid):
            if (entry.role, entry.item) == (ReadRole.PROVIDER.value, use.item):
                return parse_read(entry.statement, entry.disclosures.split("~")).disclosed
        return None

    async def index_older(self) -> int:
        """Index, once, the entries of several records or subjects that a version without these indexes wrote.

        Returns:
            How many entries were looked at.
        """
        looked, after = 0, 0
        with self._writer.read() as reader:
            if meta.get(reader, _INDEXED) == _INDEX_VERSION:
                return 0
        while True:
            with self._writer.read() as reader:
                page = streams.reads_page(reader, self._sealer, after, PAGE)
            of_records = [entry for entry in page if entry.record_tag is not None]
            rows = [(tag, entry.position) for entry in of_records for tag in self._tags(_records_of(entry))]
            others = [(pseudonym, entry.position) for entry in page for pseudonym in _further_subjects(entry)]
            await self._writer.write(lambda tx, rows=rows: read_records.index(tx, rows))  # type: ignore[misc]
            await self._writer.write(lambda tx, rows=others: ledger.index(tx, rows))  # type: ignore[misc]
            looked += len(page)
            if len(page) < PAGE:
                await self._writer.write(lambda tx: meta.put(tx, _INDEXED, _INDEX_VERSION))
                return looked
            after = page[-1].position

    def _tags(self, record_ids: Sequence[RecordId]) -> tuple[bytes, ...]:
        """A tag a record where there are several; one alone has its tag in the entry."""
        several = dict.fromkeys(record_ids)
        return tuple(self.tag_of(record_id) for record_id in several) if len(several) > 1 else ()


def clear_parts(entry: streams.ReadEntry) -> dict[str, Any]:
    """An entry as the API lists it."""
    return {
        "position": entry.position,
        "leaf": entry.leaf.hex(),
        "rid": entry.rid,
        "item": entry.item,
        "role": entry.role,
        "counterparty": entry.counterparty,
        "grant": entry.grant_ref,
        "case": entry.case_ref,
        "time": entry.time,
        "outcome": entry.outcome,
    }


def _records_of(entry: streams.ReadEntry) -> tuple[RecordId, ...]:
    disclosed = parse_read(entry.statement, entry.disclosures.split("~")).disclosed
    return () if disclosed is None else disclosed.record_ids


def _further_subjects(entry: streams.ReadEntry) -> tuple[bytes, ...]:
    disclosed = parse_read(entry.statement, entry.disclosures.split("~")).disclosed
    return () if disclosed is None else tuple(unb64u(pseudonym) for pseudonym in disclosed.subjects[1:])


def reconciliation_json(found: Reconciliation) -> dict[str, Any]:
    """A reconciliation as JSON: counts, and the request ids that need a person."""
    return {
        "agreed": len(found.agreed),
        "missing_here": [[key.rid, key.item] for key in found.missing_own],
        "missing_there": [[key.rid, key.item] for key in found.missing_other],
        "unanswered": [[key.rid, key.item] for key in found.unanswered],
        "differing": [{"rid": d.key.rid, "item": d.key.item, "members": list(d.members)} for d in found.different],
        "repeated": [[key.rid, key.item] for key in found.repeated],
        "clean": not (found.missing_own or found.missing_other or found.different or found.repeated),
    }
