"""Everything about notices of one node, put together."""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.node.attachments import Keeping
from xinlian.node.notices.corrected import CorrectedCopies, OnTold
from xinlian.node.notices.erased import ErasedCopies
from xinlian.node.notices.holding import Holding
from xinlian.node.notices.showing import Showing
from xinlian.node.notices.taking import Follow, Taking, TakingParts
from xinlian.node.notices.telling import Telling, TellingLimits, TellingParts
from xinlian.node.notices.writing import Writing
from xinlian.node.rate import RateLimit
from xinlian.node.reads import Reads
from xinlian.protocol.notices import NoticeKind


@dataclass(frozen=True, slots=True)
class Desk:
    """The four sides of the use case: writing, telling, taking, showing."""

    writing: Writing
    telling: Telling
    taking: Taking
    showing: Showing


@dataclass(frozen=True, slots=True)
class Holdings:
    """What notices are about: the files of received records and what opens the case file, the read log, what follows texts and
    findings, who is told of corrections.
    """

    keeping: Keeping
    reads: Reads
    texts: Follow
    findings: Follow
    on_corrected: OnTold


@dataclass(frozen=True, slots=True)
class DeskLimits:
    """Telling's limits; the oldest view (s) on which a notice is followed."""

    telling: TellingLimits
    max_view_age_s: float


def open_desk(parts: TellingParts, holdings: Holdings, limits: DeskLimits, rate: RateLimit) -> Desk:
    """Put the use cases together.

    Args:
        parts: what telling is built from; taking shares it.
        holdings: what notices are about.
        limits: of telling and taking.
        rate: of the whole exchange.
    """
    p, keeping, reads = parts, holdings.keeping, holdings.reads
    holding = Holding(keeping.sealer, reads)
    taking = TakingParts(
        p.department,
        p.writer,
        p.clock,
        p.identity,
        p.peers,
        {
            NoticeKind.ERASED: ErasedCopies(keeping.sealer, holding),
            NoticeKind.DOCUMENT: holdings.texts,
            NoticeKind.CORRECTED: CorrectedCopies(holding, p.state, holdings.on_corrected),
            NoticeKind.FINDING: holdings.findings,
        },
        keeping.finish,
        limits.max_view_age_s,
        rate,
    )
    writing = Writing(p.department, reads, p.sealer)
    return Desk(writing, Telling(p, limits.telling), Taking(taking), Showing(p.department, p.writer))
