"""Rules about catalogue entries and corrections (校核) that the chain proves.

Source: Decree 809 art. 17, 26, 39(1), (3), (6); dossier 2.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from xinlian.node.findings.histories import CorrectionHistory, Entry, Moment, RequestHistory, SerialHistory
from xinlian.protocol.clocks import CLOCKS, ClockId, Term
from xinlian.protocol.findings import Article, EventRef, Finding
from xinlian.protocol.objects import dataset_object

_UPDATE: Final = CLOCKS[ClockId.CATALOG_UPDATE]
_CORRECTION_WD: Final = CLOCKS[ClockId.CORRECTION_ANSWER].length_wd
_GRANT_ENDS: Final = ("GrantSuspended", "GrantExpired", "GrantClosed", "GrantTerminated")


def update_late(history: SerialHistory, moment: Moment) -> Iterator[Finding]:
    """39(1): law or duty changed, and no new version was proposed in time."""
    for place, start in enumerate(history.entries):
        if start.name != "DatasetUpdateOpened":
            continue
        rest = history.entries[place + 1 :]
        done = next((entry for entry in rest if entry.name in ("DatasetProposed", "DatasetRetired")), None)
        until = rest if done is None else rest[: rest.index(done)]
        extended = next((entry for entry in until if entry.name == "DatasetUpdateExtended"), None)
        length_wd = _UPDATE.length_wd + (0 if extended is None else _UPDATE.extension_wd)
        deadline_s = moment.is_late(Term(start.at_s, length_wd), None if done is None else done.at_s)
        if deadline_s is None:
            continue
        overdue = next((entry for entry in until if entry.name == "DatasetUpdateOverdue"), None)
        facts = {"deadline": deadline_s, "length_wd": length_wd}
        about = (history.owner, dataset_object(history.code, _newest(history.entries[:place])), deadline_s)
        evidence = _refs([start, extended, overdue, done])
        yield Finding(Article.CATALOGUE, "catalogue-update-late", *about, done is None, evidence, facts)


def not_in_catalogue(request: RequestHistory, serial: SerialHistory, moment: Moment) -> Iterator[Finding]:
    """39(1): a grant goes on although its dataset version was retired: what is called is in the catalogue no more."""
    given = request.grant
    if given is None:
        return
    for retired in serial.entries:
        if retired.name != "DatasetRetired" or retired.args["version"] != request.version:
            continue
        ended = next((entry for entry in request.named(*_GRANT_ENDS)), None)
        over_s = min(given.args["terms"]["validTo"], moment.now_s if ended is None else ended.at_s)
        since_s = max(retired.at_s, given.at_s)
        if since_s < over_s:
            about = (request.provider, dataset_object(serial.code, request.version), since_s)
            facts = {"grant": given.args["number"], "receiver": request.requester}
            is_standing = ended is None and moment.now_s <= over_s
            evidence = _refs([given, retired, ended])
            yield Finding(Article.CATALOGUE, "shared-but-not-in-catalogue", *about, is_standing, evidence, facts)


def correction_late(history: CorrectionHistory, moment: Moment) -> Iterator[Finding]:
    """39(6): the provider neither answered nor forwarded a correction in time."""
    start = history.first("CorrectionOpened")
    done = history.first("CorrectionForwarded", "CorrectionAnswered", "CorrectionWithdrawn")
    if start is not None:
        yield from _correction(history, moment, (start, done), Article.CORRECTION, "correction-late", history.provider)


def forwarded_without_reaction(history: CorrectionHistory, moment: Moment) -> Iterator[Finding]:
    """39(3): the source department did not react in time to a correction that was forwarded to it (转数源部门)."""
    start = history.first("CorrectionForwarded")
    done = history.first("CorrectionAnswered", "CorrectionWithdrawn")
    if start is not None:
        span = (start, done)
        yield from _correction(history, moment, span, Article.SOURCE, "forwarded-correction-late", start.args["source"])


def _correction(
    history: CorrectionHistory,
    moment: Moment,
    span: tuple[Entry, Entry | None],
    article: Article,
    breach: str,
    department: str,
) -> Iterator[Finding]:
    start, done = span
    deadline_s = moment.is_late(Term(start.at_s, _CORRECTION_WD), None if done is None else done.at_s)
    if deadline_s is not None:
        facts = {"deadline": deadline_s, "length_wd": _CORRECTION_WD}
        about = (department, history.object_ref, deadline_s)
        yield Finding(article, breach, *about, done is None, _refs([start, done]), facts)


def _newest(before: Sequence[Entry]) -> int:
    return max((entry.args["version"] for entry in before if entry.name == "DatasetProposed"), default=1)


def _refs(found: Sequence[Entry | None]) -> tuple[EventRef, ...]:
    return tuple(entry.ref for entry in found if entry is not None)
