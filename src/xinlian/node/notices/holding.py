"""What this department holds of a record that another one gives notice of: the copies, and whether the notice may be believed.

Rules
1. The sender must be who this node asked under every request named (``notice-source``), for it issued what came of them; and
   every request must have been made and not be known to have brought something else (``notice-received``).
2. A request still under way defers the whole notice (``notice-busy``): what it brings would be stored after the notice was
   followed.
3. Copies are looked for under the requests named and under those of this node's own log that name the record.

Source: design 4.4; docs/protocol-exchange.md, notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from xinlian.node.notices.copies import split
from xinlian.node.reads import Reads
from xinlian.protocol.errors import ConflictError
from xinlian.protocol.notices import Concerned, NoticeCheck, notice_refusal
from xinlian.protocol.statements import ReadOutcome
from xinlian.protocol.types import Uscc
from xinlian.store import case_files, exchange, read_records
from xinlian.store.case_files import Received
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

_STATED = frozenset({ReadOutcome.ANSWER.value, ReadOutcome.MISMATCH.value})


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy found: the item as kept, its content without the record (None: nothing is left), and the record's part."""

    kept: Received
    left: dict[str, Any] | None
    taken: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Holding:
    """Finds copies.

    Args:
        sealer: opens the case file.
        reads: this node's own log.
    """

    sealer: Sealer
    reads: Reads

    def copies(self, tx: Transaction, record: Concerned, sender: Uscc) -> list[Copy]:
        """Every copy of the record, once the notice is known to be the sender's to give.

        Raises:
            RefusedError: a ``NoticeCheck`` failed.
            ConflictError: ``notice-busy``.
        """
        self._check_source(tx, record, sender)
        copies = list(self._copies(tx, record, sender))
        self._check_received(tx, record, {copy.kept.rid for copy in copies})
        return copies

    def _check_source(self, tx: Transaction, record: Concerned, sender: Uscc) -> None:
        asked = [exchange.outgoing(tx, rid) for rid in record.rids]
        if any(one is not None and one.provider != sender for one in asked):
            raise notice_refusal(NoticeCheck.SOURCE, "a request named went to another department")
        if any(one is None for one in asked):
            raise notice_refusal(NoticeCheck.RECEIVED, "this node made no such request")
        if any(one is not None and one.state == "attempted" for one in asked):
            raise ConflictError("notice-busy", "a request that the notice names is still under way; tell it again")

    def _copies(self, tx: Transaction, record: Concerned, sender: Uscc) -> Iterator[Copy]:
        own = read_records.uses(tx, self.reads.tag_of(record.record_id), "requester")
        rids = dict.fromkeys([*record.rids, *(use.rid for use in own if use.counterparty == sender)])
        leaves = frozenset(leaf.hex() for _, leaf in record.revisions)
        for rid in rids:
            for kept in case_files.received_of_rid(tx, self.sealer, rid):
                found = split(orjson.loads(kept.content), record.record_id, leaves)
                if found.taken is not None:
                    yield Copy(kept, found.left, found.taken)

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
