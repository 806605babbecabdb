"""Following a notice of a finding: the authority's node lists what only the sender's node sees.

Rules
1. Only the authority's node takes findings, and only the breaches that no chain event proves (art. 40); so none can take the
   place of one that a chain event does prove.
2. A department tells what its own logs show: of itself, of who called it under its own grant, of who answered it. Read entries
   named as evidence are its own: it can prove them, with bundles from its anchored log.
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
OF_OTHERS: Final = frozenset({(Article.SCOPE, "call-outside-grant"), (Article.SECURITY, "answer-not-proven")})
OF_ITSELF: Final = frozenset(
    {
        (Article.COLLECTION, "collected-again"),
        (Article.DISPOSAL, "case-not-disposed"),
        (Article.RECORDS, "use-record-missing"),
    }
)
"""What only one node finds: about another department, and about the one whose logs and lists it reads."""


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
    kind = finding.article, finding.breach
    if kind in OF_ITSELF:
        return finding.department == sender and _is_proven_by(sender, finding)
    provider = sender if finding.article is Article.SCOPE else finding.department
    about_grant = finding.object_ref.startswith(f"grant {provider}/")
    reads = all(isinstance(one, ReadRef) for one in finding.evidence)
    return kind in OF_OTHERS and about_grant and reads and _is_proven_by(sender, finding)


def _is_proven_by(sender: Uscc, finding: Finding) -> bool:
    return all(one.department == sender for one in finding.evidence if isinstance(one, ReadRef))
