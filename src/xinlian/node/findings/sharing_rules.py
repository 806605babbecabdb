"""Rules about sharing requests and grants, each a row of dossier 2.7 that the chain proves.

Rules
1. A rule reads one history and yields a finding per breach; the same history gives the same findings on every node.
2. Days of another's turn are not the late one's: those in which a request waits for the authority's review (超范围) do not
   count; those after it do, so nobody gets rid of a clock by flagging.
3. A deadline whose calendar year is not loaded is not judged.

Source: Decree 809 art. 14, 15, 21, 22, 27, 28, 39-41; dossier 2.3.1, 2.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from xinlian.node.findings.histories import Entry, Moment, RequestHistory
from xinlian.protocol.clocks import CLOCKS, ClockId, Term
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.findings import AUTHORITY, Article, EventRef, Finding
from xinlian.protocol.forms import Ground
from xinlian.protocol.working_days import MAX_PAUSES, Interval, day_of

_ANSWERS: Final = ("RequestAgreed", "RequestRefused", "SupplementAsked", "RequestWithdrawn")
_ENDS: Final = ("GrantExpired", "GrantClosed", "GrantTerminated")

Misuse = Callable[[RequestHistory, int], bool]
"""Whether a breach of the requester under this grant is on record from before a time (epoch seconds)."""


def answer_late(history: RequestHistory, moment: Moment) -> Iterator[Finding]:
    """39(4): answered after the deadline, or not yet, and no extension that the authority consented to covers it."""
    for start in history.named("RequestSubmitted", "RequestResubmitted"):
        done = history.after(start, *_ANSWERS)
        extension = _extension(history, done)
        clock = ClockId.ANSWER_UNCONDITIONAL if history.unconditional else ClockId.ANSWER_CONDITIONAL
        length_wd = CLOCKS[clock].length_wd + (0 if extension is None else extension.args["workingDays"])
        term = Term(start.at_s, length_wd, _reviews(history, start, moment))
        deadline_s = moment.is_late(term, None if done is None else done.at_s)
        if deadline_s is None:
            continue
        found = [start, extension, history.after(start, "RequestOverdue"), done]
        yield _late(history, "answer-late", found, deadline_s, length_wd)


def delivery_late(history: RequestHistory, moment: Moment) -> Iterator[Finding]:
    """39(4): delivered after the deadline, or not yet."""
    length_wd = CLOCKS[ClockId.DELIVER].length_wd
    for start in history.named("RequestAgreed", "DisputeSettled"):
        if not start.args.get("agreed", True):
            continue
        done = history.after(start, "GrantGiven")
        deadline_s = moment.is_late(Term(start.at_s, length_wd), None if done is None else done.at_s)
        if deadline_s is not None:
            yield _late(history, "delivery-late", [start, history.after(start, "RequestOverdue"), done], deadline_s, length_wd)


def return_flow_open(history: RequestHistory, moment: Moment) -> Iterator[Finding]:
    """39(5): data is asked back from the level that collected it (回流), as the request's form says, and is late."""
    asked = history.entries[0]
    late = next(chain(answer_late(history, moment), delivery_late(history, moment)), None)
    form = None if late is None or asked.ref.document is None else moment.text(asked.ref.document)
    if late is not None and form is not None and form.get("return_flow") is True:
        about = (history.provider, history.object_ref, late.since_s)
        yield Finding(Article.RETURN_FLOW, "return-flow-open", *about, late.is_standing, late.evidence, late.facts)


def foreign_condition(history: RequestHistory, moment: Moment) -> Iterator[Finding]:
    """39(2): a refusal, whole or in part, cites a condition that the catalogue version does not name."""
    schema = moment.schema(history.provider, history.serial, history.version)
    if schema is None:
        return
    for answer in history.named("RequestRefused", "RequestAgreed"):
        cited = [ground for ground in Ground if answer.args["grounds"] & ground.bit]
        foreign = [ground.name.lower() for ground in cited if not _names(schema, ground)]
        if foreign:
            facts = {"cited": [ground.name.lower() for ground in cited], "not_in_catalogue": foreign}
            evidence = (answer.ref, history.entries[0].ref)
            about = (history.provider, history.object_ref, answer.at_s)
            is_standing = history.after(answer, "DisputeSettled", "GrantGiven") is None
            yield Finding(Article.CONDITION, "condition-not-in-catalogue", *about, is_standing, evidence, facts)


def stopped_alone(history: RequestHistory, misuse: Misuse) -> Iterator[Finding]:
    """39(7): the provider suspends or ends the service by itself: no breach of the receiver is on record and nothing was filed.

    The lawful ways are the negotiated and filed stop (备案), the authority's own suspension, and the suspension for misuse.
    """
    for suspended in history.named("GrantSuspended"):
        if suspended.args["byAuthority"] or misuse(history, suspended.at_s):
            continue
        over = history.after(suspended, "GrantResumed", *_ENDS)
        found = [suspended, history.after(suspended, "RectificationReported"), over]
        is_resumed = over is not None and over.name == "GrantResumed"
        facts = {"rectify_within_wd": suspended.args["rectifyWithin"], "ended": over is not None and not is_resumed}
        about = (history.provider, history.object_ref, suspended.at_s)
        yield Finding(Article.STOPPED, "stopped-alone", *about, not is_resumed, _refs(found), facts)


def disposal_missing(history: RequestHistory, moment: Moment) -> Iterator[Finding]:
    """40(4): the sharing ended, and the disposal is not recorded in time."""
    given = history.grant
    if given is None:
        return
    ended = history.last(*_ENDS)
    end_s = min(_term_end(history, given), moment.now_s if ended is None else ended.at_s)
    if ended is None and end_s >= moment.now_s:
        return
    done = history.last("DisposalRecorded")
    deadline_s = moment.is_late(Term(end_s, moment.disposal_wd), None if done is None else done.at_s)
    if deadline_s is None:
        return
    facts = {"ended_at": end_s, "deadline": deadline_s, "length_wd": moment.disposal_wd}
    about = (history.requester, history.object_ref, deadline_s)
    yield Finding(Article.DISPOSAL, "disposal-missing", *about, done is None, _refs([given, ended, done]), facts)


def dispute_open(history: RequestHistory, moment: Moment) -> Iterator[Finding]:
    """41: a dispute that the authority has not settled in time."""
    for start in history.named("RequestDisputed"):
        done = history.after(start, "DisputeSettled")
        deadline_s = moment.is_late(Term(start.at_s, moment.dispute_wd), None if done is None else done.at_s)
        if deadline_s is not None:
            facts = {"deadline": deadline_s, "length_wd": moment.dispute_wd}
            about = (AUTHORITY, history.object_ref, deadline_s)
            yield Finding(Article.MEDIATION, "dispute-open", *about, done is None, _refs([start, done]), facts)


def _late(history: RequestHistory, breach: str, found: list[Entry | None], deadline_s: int, length_wd: int) -> Finding:
    done = found[-1]
    facts = {"deadline": deadline_s, "length_wd": length_wd, "done_at": None if done is None else done.at_s}
    about = (history.provider, history.object_ref, deadline_s)
    return Finding(Article.LATE, breach, *about, done is None, _refs(found), facts)


def _extension(history: RequestHistory, before: Entry | None) -> Entry | None:
    """The extension that was given before a step; the contract admits one, and only with the authority's consent."""
    place = len(history.entries) if before is None else history.entries.index(before)
    return next((entry for entry in history.entries[:place] if entry.name == "RequestExtended"), None)


def _reviews(history: RequestHistory, start: Entry, moment: Moment) -> tuple[Interval, ...]:
    """The days from the one on which the request was flagged 超范围 to that of the authority's review, today while it is open."""
    flagged = start if start.args.get("outOfScope") else None
    found: list[Interval] = []
    for entry in history.entries[history.entries.index(start) + 1 :]:
        if entry.name == "ScopeFlagged":
            flagged = entry
        elif entry.name == "ScopeReviewed" and flagged is not None:
            found.append(Interval(day_of(flagged.at_s), day_of(entry.at_s)))
            flagged = None
    if flagged is not None:
        found.append(Interval(day_of(flagged.at_s), day_of(max(flagged.at_s, moment.now_s))))
    return tuple(found[:MAX_PAUSES])


def _term_end(history: RequestHistory, given: Entry) -> int:
    changed = history.last("TermsChanged")
    end_s: int = (given if changed is None else changed).args["terms"]["validTo"]
    return end_s


def _names(schema: DatasetSchema, ground: Ground) -> bool:
    """Whether a catalogue entry names a condition of this kind."""
    entry = schema.catalogue
    return bool({Ground.SCOPE: entry.share_scope, Ground.PURPOSE: entry.allowed_purposes}.get(ground, entry.use_conditions))


def _refs(found: list[Entry | None]) -> tuple[EventRef, ...]:
    return tuple(entry.ref for entry in found if entry is not None)
