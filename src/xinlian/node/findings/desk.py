"""Findings: the rules look, what they find is kept with the time it was first noticed, lists and the inbox show it.

Rules
1. ``look`` runs in the background and before every list. The rules read everything again only when an event, an entry of the own
   log, a text or a told finding is new, or another hour of law time has begun; so no list is older than that.
2. What the chain proves is found anew each time from the followed events; a finding whose events are gone (a reorganisation) goes
   too, once the chain's head is held. What only this node sees is kept.
3. A suspension for misuse is lawful, so that rule runs last and is told which breaches are on record.
4. What only this node sees is told to the authority's node when it is noticed, and again when it is over.
5. A finding is a lead for the authority (督办), never a decision.

Example: ``await node.findings.look(); node.findings.page(window, "39(4)", None)``

Source: Decree 809 art. 39-41; dossier 2.7.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from xinlian.node.chain_state import ChainState
from xinlian.node.findings import catalogue_rules, sharing_rules
from xinlian.node.findings.histories import CONTRACTS, Entry, Histories, Moment, RequestHistory, entry_of
from xinlian.node.inbox import Capacity, Todo
from xinlian.node.paging import Page, Window, first_of
from xinlian.node.people import Role
from xinlian.protocol.clocks import Term
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import ConflictError
from xinlian.protocol.findings import Finding
from xinlian.protocol.types import Stream
from xinlian.store import chain_cache, documents, streams
from xinlian.store import findings as table
from xinlian.store.writer import Reader, Transaction, Writer

_REQUEST_RULES: Final = (
    sharing_rules.answer_late,
    sharing_rules.delivery_late,
    sharing_rules.return_flow_open,
    sharing_rules.foreign_condition,
    sharing_rules.disposal_missing,
    sharing_rules.dispute_open,
)
_CORRECTION_RULES: Final = (catalogue_rules.correction_late, catalogue_rules.forwarded_without_reaction)
NEW_S: Final = 30 * 86_400
"""So long a breach that is over is still pointed out."""
_AUTHORITY: Final = frozenset({Role.AUTHORITY})

Tell = Callable[[Transaction, Sequence[table.StoredFinding]], None]
"""Tells the authority's node findings that only this node sees, inside the transaction that keeps them."""
Local = Callable[[Reader, Moment], Iterable[Finding]]
"""A source of what only this node sees, from its node.db."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Parameters of the rules that no law fixes [assumption].

    Args:
        disposal_wd: working days for the disposal.
        dispute_wd: working days for a dispute.
        period_s: how often the rules look.
    """

    disposal_wd: int
    dispute_wd: int
    period_s: float


@dataclass(frozen=True, slots=True)
class FindingInfo:
    """A finding as shown; ``content`` as in ``Finding.content``."""

    id: str
    origin: str
    article: str
    department: str
    object: str
    noticed_at: int
    content: dict[str, Any]

    @classmethod
    def of(cls, stored: table.StoredFinding) -> FindingInfo:
        """What is kept of it."""
        about = (stored.id, stored.origin, stored.article, stored.department, stored.object_ref, stored.noticed_at)
        return cls(*about, json.loads(stored.content))


class Findings:
    """The use case.

    Args:
        writer: node.db.
        state: the calendar as followed.
        schema: of (owner, serial, version) when it is known here.
        law_s: law time, epoch seconds.
        is_held: whether everything that the chain holds is followed.
        limits: parameters of the rules.
    """

    def __init__(
        self,
        writer: Writer,
        state: ChainState,
        schema: Callable[[str, int, int], DatasetSchema | None],
        law_s: Callable[[], int],
        is_held: Callable[[], bool],
        limits: Limits,
    ) -> None:
        self._writer = writer
        self._state = state
        self._schema = schema
        self._law_s = law_s
        self._is_held = is_held
        self._limits = limits
        self._local: list[Local] = []
        self.tell: Tell = lambda _tx, _found: None
        self.text: Callable[[str], Mapping[str, Any] | None] = lambda _digest: None
        """Content of a text by its digest (64 hex), where it is at hand."""
        self._turn = asyncio.Lock()
        self._seen: tuple[object, ...] = ()

    def register(self, *sources: Local) -> None:
        """Add what only this node sees; before the node runs."""
        self._local.extend(sources)

    # -- looking -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._limits.period_s)

    async def look(self) -> int:
        """Let every rule look once.

        Returns:
            How many findings are new or have grown.
        """
        async with self._turn:
            is_held, moment = self._is_held(), self._moment()
            with self._writer.read() as reader:
                mark = (is_held, moment.now_s // 3_600, *_mark(reader))
                if mark == self._seen:
                    return 0
                histories = Histories.of(_entries(reader))
                local = [one for source in self._local for one in source(reader, moment)]
                known = table.every(reader)
            proven = list(self._proven(histories, moment))
            misuse = _misuse((*proven, *local), known)
            proven += [one for h in histories.requests.values() for one in sharing_rules.stopped_alone(h, misuse)]
            own = [*_rows(local, table.LOCAL, moment.now_s), *_over(known, {one.id for one in local})]
            rows, news = [*_rows(proven, table.CHAIN, moment.now_s), *own], _news(own, known)
            kept = {(one.id, one.content) for one in known}
            if {(one.id, one.content) for one in rows} <= kept and _chain_ids(known) == {one.id for one in proven}:
                self._seen = mark
                return 0

            def job(tx: Transaction) -> int:
                if is_held:
                    table.keep_only(tx, table.CHAIN, [one.id for one in proven])
                self.tell(tx, news)
                return table.put(tx, rows)

            done = await self._writer.write(job)
            self._seen = mark
            return done

    def _moment(self) -> Moment:
        limits = self._limits
        return Moment(self._law_s(), self._deadline, self._schema, limits.disposal_wd, limits.dispute_wd, self.text)

    @staticmethod
    def _proven(histories: Histories, moment: Moment) -> Iterator[Finding]:
        """What the chain's events show."""
        for request in histories.requests.values():
            for rule in _REQUEST_RULES:
                yield from rule(request, moment)
            serial = histories.serials.get((request.provider, request.serial))
            if serial is not None:
                yield from catalogue_rules.not_in_catalogue(request, serial, moment)
        for entry in histories.serials.values():
            yield from catalogue_rules.update_late(entry, moment)
        for correction in histories.corrections.values():
            for check in _CORRECTION_RULES:
                yield from check(correction, moment)

    def _deadline(self, term: Term) -> int | None:
        try:
            return self._state.calendar.deadline_after(term.start_s, term.length_wd, term.pauses)
        except ConflictError:  # a year that is not loaded: nothing is judged by it
            return None

    # -- showing -----------------------------------------------------------------------------------

    def page(self, window: Window, article: str | None, department: str | None) -> Page[FindingInfo]:
        """Findings in the order in which they were noticed."""
        after = None if window.after is None else (int(window.after[0]), str(window.after[1]))
        with self._writer.read() as reader:
            found = table.page(reader, after, window.limit + 1, article, department)
        return first_of([FindingInfo.of(one) for one in found], window, lambda one: (one.noticed_at, one.id))

    def info(self, finding_id: str) -> FindingInfo:
        """One finding.

        Raises:
            NotFoundError: ``finding-unknown``.
        """
        with self._writer.read() as reader:
            return FindingInfo.of(table.by_id(reader, finding_id))

    def waiting(self) -> Iterator[Todo]:
        """Breaches that last or are new, for the authority (督办); a source of the inbox."""
        with self._writer.read() as reader:
            known = [FindingInfo.of(one) for one in table.every(reader)]
        for one in known:
            if one.content["standing"] or self._law_s() - one.noticed_at < NEW_S:
                ref, since = f"finding {one.id}", one.noticed_at
                yield Todo("finding", ref, one.object, one.content["breach"], Capacity.AUTHORITY, _AUTHORITY, since)


def _mark(reader: Reader) -> tuple[object, ...]:
    """What everything that the rules read depends on, beside the time."""
    newest = chain_cache.newest(reader, (*CONTRACTS, "CaseLedger"))
    return newest, streams.last_position(reader, Stream.READS), documents.count(reader), table.total(reader)


def _entries(reader: Reader) -> Iterator[Entry]:
    return (entry_of(row) for row in chain_cache.of_contracts(reader, CONTRACTS))


def _misuse(found: Iterable[Finding], known: Sequence[table.StoredFinding]) -> sharing_rules.Misuse:
    """Which breaches of a receiver are on record, found now or told by another node."""
    recorded = [(one.article.value, one.department, one.object_ref, one.since_s) for one in found]
    kept = [one for one in known if one.origin != table.CHAIN]
    recorded += [(one.article, one.department, one.object_ref, _on_record_s(one)) for one in kept]

    def is_on_record(history: RequestHistory, before_s: int) -> bool:
        objects = {history.object_ref, history.grant_ref}
        return any(
            article.startswith("40(") and who == history.requester and about in objects and since_s <= before_s
            for article, who, about, since_s in recorded
        )

    return is_on_record


def _on_record_s(stored: table.StoredFinding) -> int:
    """From when on a kept breach is on record; what another node told not before it came, so that none is told afterwards."""
    since_s: int = json.loads(stored.content)["since"]
    return since_s if stored.origin == table.LOCAL else max(since_s, stored.noticed_at)


def _chain_ids(known: Sequence[table.StoredFinding]) -> set[str]:
    return {one.id for one in known if one.origin == table.CHAIN}


def _news(own: Iterable[table.StoredFinding], known: Sequence[table.StoredFinding]) -> list[table.StoredFinding]:
    """Findings of this node's logs that are new, or over since they were last seen, with the time they were first noticed."""
    before = {one.id: one for one in known}
    return [
        replace(one, noticed_at=before.get(one.id, one).noticed_at)
        for one in own
        if one.id not in before or _is_standing(one) != _is_standing(before[one.id])
    ]


def _is_standing(stored: table.StoredFinding) -> bool:
    return bool(json.loads(stored.content)["standing"])


def _over(known: Sequence[table.StoredFinding], found: set[str]) -> list[table.StoredFinding]:
    """Findings of this node's logs that are found no more: the breach is over, the finding stays."""
    return [
        replace(one, content=one.content.replace('"standing":true', '"standing":false'))
        for one in known
        if one.origin == table.LOCAL and one.id not in found
    ]


def _rows(found: Iterable[Finding], origin: str, now_s: int) -> list[table.StoredFinding]:
    return [row_of(one, origin, now_s) for one in {one.id: one for one in found}.values()]


def row_of(finding: Finding, origin: str, noticed_at: int) -> table.StoredFinding:
    """A finding as it is kept.

    Args:
        finding: what was found.
        origin: ``chain``, ``local`` or the USCC that told it.
        noticed_at: law time, epoch seconds.
    """
    content = orjson.dumps(finding.content(), option=orjson.OPT_SORT_KEYS).decode()
    about = (finding.article.value, finding.department, finding.object_ref)
    return table.StoredFinding(finding.id, origin, *about, content, noticed_at)
