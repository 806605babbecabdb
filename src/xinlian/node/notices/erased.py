"""Following a notice of an erasure: every copy of the record goes, or is restricted where a law orders to keep it.

Rules
1. ``holding`` says whether the notice may be believed, and finds the copies.
2. A running retention duty of the case keeps the copy out of everybody's reach (``store.ended_values``); all others are deleted.
3. Files fetched for the record go the way of its copy: destroyed with their keys, or restricted.

Source: PIPL art. 47; design 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from xinlian.node.ids import record_id_bytes
from xinlian.node.notices.holding import Copy, Holding
from xinlian.protocol.messages import CaseRef
from xinlian.protocol.notices import Done, Erased, Kept, Notice
from xinlian.protocol.types import EpochS, Uscc
from xinlian.store import attachments, case_files, duties, ended_values, file_transfers
from xinlian.store.case_files import Received
from xinlian.store.duties import Duty
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class ErasedCopies:
    """The use case.

    Args:
        sealer: opens and seals the case file.
        holding: finds the copies.
    """

    sealer: Sealer
    holding: Holding

    def follow(self, tx: Transaction, notice: Notice, row_id: int, now_s: int) -> Done:
        """Do what a notice asks for.

        Args:
            tx: of node.db; whoever commits it wipes the log afterwards.
            notice: authenticated, new, of this time.
            row_id: its row of the inbox.
            now_s: wall clock, epoch seconds.

        Raises:
            RefusedError: a ``NoticeCheck`` failed.
            ConflictError: ``notice-busy``.
        """
        assert isinstance(notice.body, Erased)
        record = notice.body.record
        copies = self.holding.copies(tx, record, notice.from_uscc)
        deleted, held = 0, dict[str, Duty]()
        for copy in copies:
            duty = None if copy.kept.case_ref is None else duties.running(tx, copy.kept.case_ref, now_s)
            _end_files(tx, copy.kept, record.record_id, duty)
            self._end(tx, copy, duty, (row_id, record_id_bytes(record.record_id), now_s))
            if duty is None:
                deleted += 1
            else:
                held[duty.case_ref] = duty
        return Done(deleted, tuple(_kept(duty) for _, duty in sorted(held.items())))

    def _end(self, tx: Transaction, copy: Copy, duty: Duty | None, ending: tuple[int, bytes, int]) -> None:
        row_id, jti, now_s = ending
        kept = copy.kept
        content = None if duty is None else orjson.dumps(copy.taken)
        ended = ended_values.Ended(row_id, kept.rid, kept.item, jti, kept.case_ref, None if duty is None else duty.id, content)
        ended_values.put(tx, self.sealer, ended, now_s)
        if copy.left is None:
            case_files.remove(tx, kept.rid, kept.item)
        else:
            case_files.replace_content(tx, self.sealer, replace(kept, content=orjson.dumps(copy.left)), kept.content)


def _end_files(tx: Transaction, kept: Received, record_id: str, duty: Duty | None) -> None:
    """Whoever commits this destroys keys and files of what is ``destroying`` then."""
    files = file_transfers.fetched_of(tx, kept.rid, kept.item, record_id)
    doomed = files if duty is None else attachments.restrict(tx, files)
    attachments.begin_destroying(tx, doomed)
    file_transfers.forget_fetches(tx, doomed)


def _kept(duty: Duty) -> Kept:
    lead, _, case_no = duty.case_ref.partition("/")
    return Kept(CaseRef(Uscc(lead), case_no), duty.basis, EpochS(duty.until))
