"""The read log: entries of both roles, and their reconciliation with another department.

Rules
1. One entry per item of a request and role; the requester's is written once the outcome is known (what was ``attempted`` and
   never finished is written at the next start).
2. Subjects stand as this department's pseudonyms; the two sides meet by ``rid`` and ciphertext digests.
3. Reconciling asks the other node for the clear parts of its entries about this department; each is checked to be anchored by it.

Source: design 4.5; Decree 809 art. 29.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xinlian.node.sealing import new_record_id
from xinlian.protocol.b64 import unb64u
from xinlian.protocol.messages import Request
from xinlian.protocol.reconciliation import Reconciliation, reconcile
from xinlian.protocol.statements import (
    ReadClear,
    ReadDisclosed,
    ReadEntry,
    ReadOutcome,
    ReadRole,
    StatementIds,
    parse_read,
    record_tag,
    seal_read,
    subject_pseudonym,
)
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, RecordId, Uscc
from xinlian.store import streams
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Writer

PAGE = 500


@dataclass(frozen=True, slots=True)
class WrittenRead:
    """What an entry says beyond its request.

    Args:
        item: place in the request, from 0.
        outcome: how it came out.
        subjects: of the item; empty when they were not proven.
        record_ids: records that served it.
        request_digest: SHA-256 of the request's ciphertext.
        answer_digest: SHA-256 of the answer's ciphertext, None when there was none.
        operator: person id of this department's official; None where a program acts.
    """

    item: int
    outcome: ReadOutcome
    subjects: tuple[Subject, ...]
    record_ids: tuple[RecordId, ...]
    request_digest: bytes
    answer_digest: bytes | None
    operator: str | None


class Reads:
    """Makes, lists and reconciles read entries.

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

    def provider_entry(self, request: Request, read: WrittenRead) -> streams.ReadEntry:
        """The provider's entry of one item."""
        return self._entry(request, read, ReadRole.PROVIDER, request.from_uscc)

    def requester_entry(self, request: Request, read: WrittenRead) -> streams.ReadEntry:
        """The requester's entry of one item."""
        return self._entry(request, read, ReadRole.REQUESTER, request.to_uscc)

    def _entry(self, request: Request, read: WrittenRead, role: ReadRole, counterparty: Uscc) -> streams.ReadEntry:
        now = EpochS(self._law_s())
        tag = record_tag(self._key, read.record_ids)
        pseudonyms = tuple(subject_pseudonym(self._key, subject) for subject in read.subjects)
        clear = ReadClear(
            request.rid,
            read.item,
            role,
            counterparty,
            request.grant,
            request.case,
            now,
            read.outcome,
            tag,
            read.request_digest,
            read.answer_digest,
        )
        disclosed = ReadDisclosed(
            request.mode,
            request.dataset,
            request.purpose,
            request.fields,
            request.view,
            pseudonyms,
            read.record_ids,
            read.operator,
        )
        ids = StatementIds(self._department, new_record_id(), now)
        sealed = seal_read(ids, clear, disclosed, os.urandom(32))
        return streams.ReadEntry(
            leaf=sealed.leaf,
            statement=sealed.statement,
            disclosures="~".join(sealed.disclosures),
            rid=request.rid,
            role=role.value,
            counterparty=counterparty,
            grant_ref=f"{request.grant.provider}/{request.grant.number}",
            case_ref=None if request.case is None else f"{request.case.lead}/{request.case.case_no}",
            time=now,
            outcome=read.outcome.value,
            record_tag=None if tag is None else unb64u(tag),
            subject_pseudonym=unb64u(pseudonyms[0]) if pseudonyms else None,
            item=read.item,
        )

    # -- listing -----------------------------------------------------------------------------------

    def page(self, after: int, limit: int, counterparty: str | None) -> list[dict[str, Any]]:
        """Clear parts, oldest first.

        Args:
            after: last position seen, 0 to begin.
            limit: at most so many.
            counterparty: only entries with this department.
        """
        with self._writer.read() as reader:
            entries = streams.reads_page(reader, self._sealer, after, limit, counterparty)
        return [
            {
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
            for entry in entries
        ]

    # -- reconciliation ----------------------------------------------------------------------------

    def entries_with(self, counterparty: str) -> list[streams.ReadEntry]:
        """Every own entry about a department, oldest first."""
        found: list[streams.ReadEntry] = []
        while True:
            with self._writer.read() as reader:
                after = found[-1].position if found else 0
                page = streams.reads_page(reader, self._sealer, after, PAGE, counterparty)
            found.extend(page)
            if len(page) < PAGE:
                return found

    def recipients_of(self, record_id: str) -> list[str]:
        """Departments that ever received a record, from the provider's entries; reads the whole log."""
        found, after = set[str](), 0
        while True:
            with self._writer.read() as reader:
                page = streams.reads_page(reader, self._sealer, after, PAGE)
            for entry in page:
                if entry.role == ReadRole.PROVIDER.value and entry.record_tag is not None:
                    disclosed = parse_read(entry.statement, entry.disclosures.split("~")).disclosed
                    if disclosed is not None and record_id in disclosed.record_ids:
                        found.add(entry.counterparty)
            if len(page) < PAGE:
                return sorted(found)
            after = page[-1].position

    def reconcile(self, counterparty: str, theirs: Sequence[bytes]) -> Reconciliation:
        """Compare the own log with another department's statements.

        Args:
            counterparty: USCC.
            theirs: exact bytes of that department's read statements about this one.

        Raises:
            InputError: ``statement-form`` when one of theirs is not a read entry.
        """
        own = [parse_read(entry.statement) for entry in self.entries_with(counterparty)]
        other: list[ReadEntry] = [parse_read(statement) for statement in theirs]
        return reconcile(own, other)


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
