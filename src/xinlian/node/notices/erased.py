"""Following a notice of an erasure: every copy of the record goes, or is restricted where a law orders to keep it.

Rules
1. The sender must be who this node asked under every request named (``notice-source``), for it issued what came of them; and
   every request must have been made and not be known to have brought something else (``notice-received``).
2. A request still under way defers the whole notice (``notice-busy``): what it brings would be stored after the copies went.
3. Copies are looked for under the requests named and under those of this node's own log that name the record.
4. A running retention duty of the case keeps the copy out of everybody's reach (``store.ended_values``); all others are deleted.
5. Files fetched for the record go the way of its copy: destroyed with their keys, or restricted.

Source: PIPL art. 47; design 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from xinlian.node.ids import record_id_bytes
from xinlian.node.notices.copies import split
from xinlian.node.reads import Reads
from xinlian.protocol.errors import ConflictError
from xinlian.protocol.messages import CaseRef
from xinlian.protocol.notices import Concerned, Done, Erased, Kept, Notice, NoticeCheck, notice_refusal
from xinlian.protocol.statements import ReadOutcome
from xinlian.protocol.types import EpochS, Uscc
from xinlian.store import attachments, case_files, duties, ended_values, exchange, file_transfers, read_records
from xinlian.store.case_files import Received
from xinlian.store.duties import Duty
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

_STATED = frozenset({ReadOutcome.ANSWER.value, ReadOutcome.MISMATCH.value})


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy found: the item as kept, its content without the record (None: nothing is left), and the record's part."""

    kept: Received
    left: dict[str, Any] | None
    taken: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ErasedCopies:
    """The use case.

    Args:
        sealer: opens and seals the case file.
        reads: this node's own log.
    """

    sealer: Sealer
    reads: Reads

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
        self._check_source(tx, record, notice.from_uscc)
        copies = list(self._copies(tx, record, notice.from_uscc))
        self._check_received(tx, record, {copy.kept.rid for copy in copies})
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

    def _check_source(self, tx: Transaction, record: Concerned, sender: Uscc) -> None:
        asked = [exchange.outgoing(tx, rid) for rid in record.rids]
        if any(one is not None and one.provider != sender for one in asked):
            raise notice_refusal(NoticeCheck.SOURCE, "a request named went to another department")
        if any(one is None for one in asked):
            raise notice_refusal(NoticeCheck.RECEIVED, "this node made no such request")
        if any(one is not None and one.state == "attempted" for one in asked):
            raise ConflictError("notice-busy", "a request that the notice names is still under way; tell it again")

    def _copies(self, tx: Transaction, record: Concerned, sender: Uscc) -> Iterator[_Copy]:
        own = read_records.uses(tx, self.reads.tag_of(record.record_id), "requester")
        rids = dict.fromkeys([*record.rids, *(use.rid for use in own if use.counterparty == sender)])
        leaves = frozenset(leaf.hex() for _, leaf in record.revisions)
        for rid in rids:
            for kept in case_files.received_of_rid(tx, self.sealer, rid):
                found = split(orjson.loads(kept.content), record.record_id, leaves)
                if found.taken is not None:
                    yield _Copy(kept, found.left, found.taken)

    def _check_received(self, tx: Transaction, record: Concerned, held: set[str]) -> None:
        """Every request named brought the record, or may have: a copy is here, the log names it, or nobody can tell any more."""
        named = {use.rid for use in read_records.uses(tx, self.reads.tag_of(record.record_id), "requester")}
        for rid in record.rids:
            if rid not in held and rid not in named and not self._may_have_brought(tx, rid):
                raise notice_refusal(NoticeCheck.RECEIVED, "a request named is known not to have brought this record")

    def _may_have_brought(self, tx: Transaction, rid: str) -> bool:
        """Whether this node cannot tell what a request brought: no answer was taken, or its statement is not kept any more."""
        asked = exchange.outgoing(tx, rid)
        outcomes = read_records.requester_outcomes(tx, rid)
        if asked is None or asked.answer_digest is None or any(o == ReadOutcome.NOT_PROVEN.value for _, o in outcomes):
            return True
        kept = {one.item for one in case_files.received_of_rid(tx, self.sealer, rid)}
        return any(outcome in _STATED and item not in kept for item, outcome in outcomes)

    def _end(self, tx: Transaction, copy: _Copy, duty: Duty | None, ending: tuple[int, bytes, int]) -> None:
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
