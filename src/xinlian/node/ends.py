"""Everything about the end of records, put together: erasing, telling recipients, replaying the chain's erasures, parked work."""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.node.anchoring import PARKED_KIND, Anchoring
from xinlian.node.attachments.keeping import Keeping
from xinlian.node.ending import Ending, Woken
from xinlian.node.following import Following
from xinlian.node.notices.corrected import OnTold
from xinlian.node.notices.desk import Desk, DeskLimits, Holdings, open_desk
from xinlian.node.notices.taking import Follow
from xinlian.node.notices.telling import Answered, TellingLimits, TellingParts
from xinlian.node.parking import Parking
from xinlian.node.rate import RateLimit
from xinlian.node.reads import Reads
from xinlian.node.records import Records
from xinlian.node.restoring import Restoring, RestoringParts
from xinlian.node.settings import Settings
from xinlian.store.notices import PARKED_KIND as NOTICE_KIND
from xinlian.store.opening import Store


@dataclass(frozen=True, slots=True)
class EndsParts:
    """What the use cases are built from; ``texts`` and ``findings`` follow notices that bring one, ``answered`` is told
    of every recipient's word, ``corrected`` of every value received that was wrong; ``confirmations`` of the manifest.
    """

    telling: TellingParts
    store: Store
    reads: Reads
    texts: Follow
    findings: Follow
    answered: Answered
    corrected: OnTold
    records: Records
    keeping: Keeping
    anchoring: Anchoring
    following: Following
    rate: RateLimit
    confirmations: int


@dataclass(frozen=True, slots=True)
class Ends:
    """The use cases."""

    notices: Desk
    ending: Ending
    restoring: Restoring
    parking: Parking


def ends_of(settings: Settings, parts: EndsParts) -> Ends:
    """Build the use cases.

    Args:
        settings: pauses and attempts of notices, the oldest view on which one is followed.
        parts: their collaborators.
    """
    p, t = parts, parts.telling
    telling = TellingLimits(settings.notice_pause_s, settings.notice_tries)
    holdings = Holdings(p.keeping, p.reads, p.texts, p.findings, p.corrected)
    desk = open_desk(t, holdings, DeskLimits(telling, settings.max_view_age_s), p.rate)
    desk.telling.on_answered = p.answered
    woken = Woken(p.anchoring.woken, desk.telling.woken)
    ending = Ending(p.store, desk.writing, t.clock.wall_s, woken, p.keeping)
    restoring = RestoringParts(t.department, p.store, t.state, t.clock, p.following, ending, p.confirmations)
    parking = Parking(p.store.node, {PARKED_KIND: p.anchoring.replayed, NOTICE_KIND: desk.telling.replayed})
    return Ends(desk, ending, Restoring(restoring, p.records), parking)
