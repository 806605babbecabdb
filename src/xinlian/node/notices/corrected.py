"""Following a notice of a correction: every copy of the record stays where it is and is marked as replaced by a later revision.

Rules
1. The chain must show the correction as corrected, with the sender as its provider or its source; one that the chain does not
   show so yet is told again (``notice-busy``). Then ``holding`` says whether the copies are the sender's, and finds them.
2. Nothing is deleted: a decision that rested on the old value must stay explainable. What the case needs is asked for again.
3. Somebody of this department takes note of it (inbox); the acknowledgement says only that the node holds the notice.

Source: Decree 809 art. 26; dossier 2.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xinlian.node.chain_state import ChainState, CorrectionStep
from xinlian.node.ids import record_id_bytes
from xinlian.node.notices.holding import Holding
from xinlian.protocol.errors import ConflictError
from xinlian.protocol.notices import Corrected, Noted, Notice, NoticeCheck, notice_refusal
from xinlian.protocol.objects import correction_object
from xinlian.protocol.types import Uscc
from xinlian.store import corrected as table
from xinlian.store.writer import Transaction

OnTold = Callable[[Transaction, str, str, Uscc], None]
"""Told of every notice of a correction: its object, the record id, the sender."""


@dataclass(frozen=True, slots=True)
class CorrectedCopies:
    """The use case.

    Args:
        holding: finds the copies.
        state: corrections as followed.
        on_told: told inside the transaction: of which correction, of which record, by whom.
    """

    holding: Holding
    state: ChainState
    on_told: OnTold

    def follow(self, tx: Transaction, notice: Notice, row_id: int, _now_s: int) -> Noted:
        """Mark the copies.

        Args:
            tx: of node.db.
            notice: authenticated, new, of this time.
            row_id: its row of the inbox.

        Raises:
            RefusedError: a ``NoticeCheck`` failed.
            ConflictError: ``notice-busy``.
        """
        body = notice.body
        assert isinstance(body, Corrected)
        self._check_correction(body, notice.from_uscc)
        copies = [(copy.kept.rid, copy.kept.item) for copy in self.holding.copies(tx, body.record, notice.from_uscc)]
        ref = correction_object(body.receiver, body.number)
        told = table.NewTold(
            row_id,
            ref,
            record_id_bytes(body.record.record_id),
            body.fields,
            body.rev,
            body.leaf,
            int(body.corrected_at),
            copies,
        )
        table.put_told(tx, told)
        self.on_told(tx, ref, body.record.record_id, notice.from_uscc)
        return Noted(len(copies))

    def _check_correction(self, body: Corrected, sender: Uscc) -> None:
        found = self.state.correction(body.receiver, body.number)
        if found is None or found.is_open:
            raise ConflictError("notice-busy", "the chain does not show this correction as answered (yet); tell it again")
        if found.step is not CorrectionStep.CORRECTED or sender not in (found.provider, found.source):
            raise notice_refusal(NoticeCheck.SOURCE, "the chain shows no correction that the sender made")
