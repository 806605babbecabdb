"""What belongs to use, disposal and liability, put together: a part of the object graph (``graph``) of its own.

Source: Decree 809 art. 27, 29, 39-41.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState, code_text
from xinlian.node.clock import Clock
from xinlian.node.documents import Documents
from xinlian.node.findings import Findings, Limits, Tell, collected, local_rules
from xinlian.node.findings.histories import CONTRACTS, Histories, Moment, entry_of
from xinlian.node.following import Following
from xinlian.node.notices.findings import ReceivedFindings
from xinlian.node.notices.writing import new_notice
from xinlian.node.office import Office
from xinlian.node.settings import Settings
from xinlian.node.sharing import Before
from xinlian.node.use import Disposing, Proving, UseRecords, disposals_waiting, records_waiting
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import EvidenceError, NotFoundError, StoreError
from xinlian.protocol.findings import Finding
from xinlian.protocol.members import Where
from xinlian.protocol.notices import ToldFinding
from xinlian.protocol.types import Uscc
from xinlian.store import chain_cache, duties, notices
from xinlian.store import use as table
from xinlian.store.findings import StoredFinding
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Reader, Transaction, Writer


@dataclass(frozen=True, slots=True)
class LiabilityParts:
    """What it needs of the node."""

    department: Uscc
    writer: Writer
    sealer: Sealer
    state: ChainState
    clock: Clock
    following: Following
    catalogue: Catalogue
    office: Office
    settings: Settings
    sweep: Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Liability:
    """The use cases."""

    findings: Findings
    use_records: UseRecords
    disposing: Disposing
    received_findings: ReceivedFindings


def liability_of(parts: LiabilityParts) -> Liability:
    """Build them; kinds of approvals and what waits because of them are registered."""
    office, state, settings, clock = parts.office, parts.state, parts.settings, parts.clock
    proving = Proving(office.documents, office.acts)
    common = (parts.department, parts.writer, state, office.approvals, proving, clock.law_s)
    use_records = UseRecords(*common, settings.retention_days)
    disposing = Disposing(*common, clock.wall_s, parts.sweep)
    office.approvals.register(use_records.kind(), disposing.kind())
    office.request_approvals.before["dispose"] = Before(disposing.check_request, disposing.dispose_request)
    findings = _findings(parts)
    office.inbox.register(
        findings.waiting,
        lambda: records_waiting(parts.writer, settings.use_record_wd),
        lambda: disposals_waiting(parts.writer, state, clock.wall_s, settings.disposal_wd),
    )
    received = ReceivedFindings(parts.department, _authority(settings), clock.law_s)
    return Liability(findings, use_records, disposing, received)


def _authority(settings: Settings) -> Uscc | None:
    return None if settings.authority_department is None else Uscc(settings.authority_department)


def _told(stored: StoredFinding) -> ToldFinding:
    """A kept finding as it is told."""
    about = {"article": stored.article, "department": stored.department, "object": stored.object_ref}
    body = {**about, "noticed_at": stored.noticed_at, **json.loads(stored.content)}
    return ToldFinding.of(body, Where("notice-form", "finding"))


def _tell(parts: LiabilityParts, authority: Uscc) -> Tell:
    """Tells the authority's node, through the outbox of notices."""

    def tell(tx: Transaction, found: Sequence[StoredFinding]) -> None:
        now_s = int(parts.clock.wall_s())
        new = [new_notice(parts.department, authority, _told(one), now_s) for one in found]
        if new:
            notices.put(tx, parts.sealer, new, now_s)

    return tell


def _findings(parts: LiabilityParts) -> Findings:
    settings, state, catalogue = parts.settings, parts.state, parts.catalogue

    def schema(owner: str, serial: int, version: int) -> DatasetSchema | None:
        entry = state.dataset(owner, serial, version)
        return None if entry is None else catalogue.known_schema(entry)

    limits = Limits(settings.disposal_wd, settings.dispute_wd, settings.findings_s)
    findings = Findings(parts.writer, state, schema, parts.clock.law_s, lambda: parts.following.is_held, limits)
    findings.text = partial(_text, parts.office.documents)
    authority = _authority(settings)
    if authority not in (None, parts.department):
        findings.tell = _tell(parts, authority)
    findings.register(lambda reader, moment: _local(parts, reader, moment))
    if settings.collected is not None:
        forms = collected.load(settings.collected)
        findings.register(lambda reader, moment: collected.collected_again(parts.department, forms, _histories(reader), moment))
    return findings


def _text(documents: Documents, digest: str) -> Mapping[str, Any] | None:
    """Content of a text that is here and gives its digest."""
    try:
        return documents.opened(bytes.fromhex(digest)).content()
    except (NotFoundError, StoreError, EvidenceError):
        return None


def _histories(reader: Reader) -> Histories:
    return Histories.of(map(entry_of, chain_cache.of_contracts(reader, CONTRACTS)))


def _local(parts: LiabilityParts, reader: Reader, moment: Moment) -> Iterator[Finding]:
    """What this node's own logs show."""
    department = parts.department
    yield from local_rules.calls_outside(department, table.refused_calls(reader))
    yield from local_rules.answers_not_proven(department, table.not_proven(reader))
    records, limit_wd = table.every_record(reader), parts.settings.use_record_wd
    yield from local_rules.use_gaps(department, table.read_days(reader), records, limit_wd, moment)
    events = map(entry_of, chain_cache.events(reader, "CaseLedger", ["CaseClosed"]))
    closed = {f"{one.args['lead']}/{code_text(one.args['caseNo'])}": one for one in events}
    held, here = duties.cases_held(reader, int(parts.clock.wall_s())), table.values_of_cases(reader)
    yield from local_rules.cases_not_disposed(department, closed, here, held, moment)
