"""Following a notice of a finding: the authority's node lists what only the sender's node sees.

Rules
1. Only the authority's node takes findings, and only of the articles that no chain event proves (art. 40).
   What application forms ask for (40(1)) only their department tells, of itself.
2. A read entry named as evidence is the sender's own: it can prove it, with a bundle from its anchored log.
3. A finding is listed as told by its sender; what this node has found itself stays as it is.
4. One sender's findings are bounded, so nobody fills another's store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xinlian.node.findings.desk import row_of
from xinlian.protocol.findings import Article, Finding, ReadRef
from xinlian.protocol.notices import KnownFinding, Notice, NoticeCheck, ToldFinding, notice_refusal
from xinlian.protocol.types import Uscc
from xinlian.store import findings as table
from xinlian.store.writer import Transaction

MOST: Final = 10_000
"""Findings of one sender."""
TOLD: Final = frozenset({Article.COLLECTION, Article.SCOPE, Article.DISPOSAL, Article.RECORDS, Article.SECURITY})


@dataclass(frozen=True, slots=True)
class ReceivedFindings:
    """The use case.

    Args:
        department: USCC of this node.
        authority: USCC of the authority's department, None when it is not known.
        law_s: law time, epoch seconds.
    """

    department: Uscc
    authority: Uscc | None
    law_s: Callable[[], int]

    def follow(self, tx: Transaction, notice: Notice, _row_id: int, _now_s: int) -> KnownFinding:
        """List what a notice tells.

        Args:
            tx: of node.db.
            notice: authenticated, new, of this time.

        Raises:
            RefusedError: a ``NoticeCheck`` failed.
        """
        assert isinstance(notice.body, ToldFinding)
        finding, sender = notice.body.finding, notice.from_uscc
        if self.department != self.authority or not _may_tell(finding, sender):
            raise notice_refusal(NoticeCheck.FINDING, "this finding is not for this node, or not for its sender to tell")
        if table.count(tx, sender) >= MOST:
            raise notice_refusal(NoticeCheck.FINDING, "this sender has told too many findings")
        table.put(tx, [row_of(finding, sender, self.law_s())])
        return KnownFinding(finding.id)


def _may_tell(finding: Finding, sender: Uscc) -> bool:
    own = all(one.department == sender for one in finding.evidence if isinstance(one, ReadRef))
    about_itself = finding.article is not Article.COLLECTION or finding.department == sender
    return finding.article in TOLD and own and about_itself
