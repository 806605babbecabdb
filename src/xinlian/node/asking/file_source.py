"""Where a file that a received record names comes from, and what it must be: read from this node's own case file and read log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from xinlian.protocol.attachments import FileValue, file_value
from xinlian.protocol.b64 import unb64u
from xinlian.protocol.errors import NotFoundError
from xinlian.protocol.messages import CaseRef, GrantRef, ProviderCheck, refusal
from xinlian.protocol.statements import ReadDisclosed, ReadOutcome, ReadRole, parse_read
from xinlian.protocol.subjects import Opening
from xinlian.protocol.types import Uscc
from xinlian.store import case_files, streams
from xinlian.store import exchange as table

if TYPE_CHECKING:
    from xinlian.node.asking.asker import AskingParts


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file as the caseworker names it: the query, the subject's place in it, the record and the field."""

    rid: str
    item: int
    record_id: str
    field: str


@dataclass(frozen=True, slots=True)
class Source:
    """Everything about the file that is known here: where it comes from and what it must be."""

    wanted: Wanted
    provider: Uscc
    grant: GrantRef
    case: CaseRef
    disclosed: ReadDisclosed
    opening: Opening
    rev: int
    value: FileValue

    @property
    def case_ref(self) -> str:
        """The case as references write it: lead authority, stroke, number."""
        return f"{self.case.lead}/{self.case.case_no}"


def source_of(parts: AskingParts, wanted: Wanted) -> Source:
    """What this node knows of a file.

    Raises:
        NotFoundError: ``query-unknown``, ``attachment-unknown``.
        RefusedError: ``refused-subject-in-case``.
    """
    with parts.store.node.read() as reader:
        query = table.outgoing(reader, wanted.rid)
        if query is None:
            raise NotFoundError("query-unknown", "there is no such query on this node", rid=wanted.rid[:40])
        received = case_files.received_of_rid(reader, parts.sealer, wanted.rid)
        entries = streams.reads_of_rid(reader, parts.sealer, wanted.rid)
    record = _record(received, wanted)
    value = file_value(record["values"].get(wanted.field)) if record is not None else None
    disclosed = _disclosed(entries, wanted.item)
    if record is None or value is None or disclosed is None or query.case_ref is None:
        raise NotFoundError("attachment-unknown", "this query brought no proven file of that name", field=wanted.field[:64])
    provider, _, number = query.grant_ref.rpartition("/")
    lead, _, case_no = query.case_ref.partition("/")
    case = CaseRef(Uscc(lead), case_no)
    opening = _opening(parts, case, disclosed.subjects[0])
    grant = GrantRef(Uscc(provider), int(number))
    return Source(wanted, Uscc(query.provider), grant, case, disclosed, opening, record["rev"], value)


def _opening(parts: AskingParts, case: CaseRef, pseudonym: str) -> Opening:
    """The opening of the subject that the query was about."""
    state = parts.cases.get(case.lead, case.case_no)
    opening = parts.cases.opening_with(state, unb64u(pseudonym))
    if opening is None:
        raise refusal(ProviderCheck.SUBJECT_IN_CASE, "the query's subject is not in the case; nothing was sent")
    return opening


def _record(received: list[case_files.Received], wanted: Wanted) -> dict[str, Any] | None:
    for one in received:
        if one.item == wanted.item:
            records: list[dict[str, Any]] = orjson.loads(one.content)["records"]
            return next((record for record in records if record["record_id"] == wanted.record_id), None)
    return None


def _disclosed(entries: list[streams.ReadEntry], item: int) -> ReadDisclosed | None:
    """What this node's own entry says of the item that brought records."""
    for entry in entries:
        if (entry.role, entry.item, entry.outcome) == (ReadRole.REQUESTER.value, item, ReadOutcome.RECORDS.value):
            return parse_read(entry.statement, entry.disclosures.split("~")).disclosed
    return None
