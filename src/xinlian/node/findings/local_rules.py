"""Rules about what only one department's node sees: refused calls, its own gaps, answers that proved nothing, values still kept.

Rules
1. A rule is a function of rows of this node's logs; its evidence are read entries, which the anchored log proves.
2. Of many entries the first ``SHOWN`` are named, the facts say how many there are.

Source: Decree 809 art. 25, 27, 29, 40; dossier 2.7.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from xinlian.node.findings.histories import Entry, Moment
from xinlian.protocol.clocks import Term
from xinlian.protocol.findings import Article, Finding, ReadRef
from xinlian.protocol.messages import ProviderCheck
from xinlian.protocol.working_days import date_of, day_of
from xinlian.store.use import ReadDay, RefusedCall, UseRow

SHOWN: Final = 20
OUTSIDE: Final = frozenset(
    check.value
    for check in (
        ProviderCheck.DATASET,
        ProviderCheck.MODE,
        ProviderCheck.FIELDS,
        ProviderCheck.PURPOSE,
        ProviderCheck.SCENARIO,
        ProviderCheck.CASE_PARTICIPANT,
        ProviderCheck.SUBJECT_IN_CASE,
    )
)
"""Checks whose refusal means that more was asked than the grant gives; a closed case or a used-up count may be mere delay."""


def calls_outside(department: str, calls: Iterable[RefusedCall]) -> Iterator[Finding]:
    """40(2): calls with a purpose, field, mode, dataset, scenario or subject outside the grant; refused, and logged."""
    wanted = (call for call in calls if call.check in OUTSIDE)
    for (requester, grant_ref, check), some in _grouped(wanted).items():
        facts = {"check": check, "calls": len(some), "last_at": some[-1].refused_at}
        about = (requester, f"grant {grant_ref}", some[0].refused_at)
        yield Finding(Article.SCOPE, "call-outside-grant", *about, False, _refs(department, some), facts)


def answers_not_proven(department: str, answers: Iterable[RefusedCall]) -> Iterator[Finding]:
    """40(6): a provider's answers whose evidence failed the integrity check; their values were not shown."""
    for (provider, grant_ref, _), some in _grouped(answers).items():
        facts = {"answers": len(some), "last_at": some[-1].refused_at}
        about = (provider, f"grant {grant_ref}", some[0].refused_at)
        yield Finding(Article.SECURITY, "answer-not-proven", *about, False, _refs(department, some), facts)


def use_gaps(
    department: str, days: Iterable[ReadDay], records: Collection[UseRow], limit_wd: int, moment: Moment
) -> Iterator[Finding]:
    """40(5): reads that no use record covered in time; one finding per grant and month."""
    late: dict[tuple[str, str], list[tuple[ReadDay, int, bool]]] = {}
    for day in days:
        about = (day.grant_ref, day.case_ref, day.day_s)
        recorded_s = min((record.recorded_at for record in records if record.covers(*about)), default=None)
        deadline_s = moment.is_late(Term(day.day_s, limit_wd), recorded_s)
        if deadline_s is not None:
            month = date_of(day_of(day.day_s)).isoformat()[:7]
            late.setdefault((day.grant_ref, month), []).append((day, deadline_s, recorded_s is None))
    for (grant_ref, month), some in late.items():
        evidence = tuple(ReadRef(department, day.position, day.leaf.hex(), day.day_s) for day, _, _ in some[:SHOWN])
        facts = {"month": month, "reads": sum(day.count for day, _, _ in some), "days": len(some), "length_wd": limit_wd}
        is_standing = any(is_open for _, _, is_open in some)
        yield Finding(
            Article.RECORDS, "use-record-missing", department, f"grant {grant_ref}", some[0][1], is_standing, evidence, facts
        )


def cases_not_disposed(
    department: str,
    closed: Mapping[str, Entry],
    here: Mapping[str, int],
    held: Collection[str],
    moment: Moment,
) -> Iterator[Finding]:
    """40(4): a case was closed, and what was received for it is still kept after the term without a retention duty."""
    for ref, entry in closed.items():
        count = 0 if ref in held else here.get(ref, 0)
        deadline_s = moment.is_late(Term(entry.at_s, moment.disposal_wd), None)
        if count > 0 and deadline_s is not None:
            facts = {"values": count, "deadline": deadline_s, "length_wd": moment.disposal_wd}
            about = (department, f"case {ref}", deadline_s)
            yield Finding(Article.DISPOSAL, "case-not-disposed", *about, True, (entry.ref,), facts)


def _grouped(calls: Iterable[RefusedCall]) -> dict[tuple[str, str, str], list[RefusedCall]]:
    found: dict[tuple[str, str, str], list[RefusedCall]] = {}
    for call in calls:
        found.setdefault((call.requester, call.grant_ref, call.check), []).append(call)
    return found


def _refs(department: str, calls: list[RefusedCall]) -> tuple[ReadRef, ...]:
    return tuple(ReadRef(department, call.position, call.leaf.hex(), call.refused_at) for call in calls[:SHOWN])
