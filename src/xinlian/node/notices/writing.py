"""Writing notices: of an erasure one for every department that ever received something of the record, as the read log says."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from xinlian.node.ids import record_id_bytes, record_id_text
from xinlian.node.reads import Reads
from xinlian.protocol.envelope import Rid
from xinlian.protocol.notices import (
    MAX_REVISIONS,
    MAX_RIDS,
    Body,
    Concerned,
    Erased,
    HandedText,
    Notice,
    NoticeId,
    dumps_notice,
)
from xinlian.protocol.types import EpochS, Uscc
from xinlian.store import notices as table
from xinlian.store.records import Record
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

_T = TypeVar("_T")

LIFE_S = 90 * 86_400
"""How long a notice may be told before it is made anew."""


@dataclass(frozen=True, slots=True)
class Erasing:
    """What is being erased: every revision of one record, oldest first, why, and when (epoch seconds)."""

    rows: Sequence[Record]
    reason: int
    now_s: int


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes notices.

    Args:
        department: USCC of this node.
        reads: the read log, which names the recipients.
        sealer: encrypts the outbox.
    """

    department: Uscc
    reads: Reads
    sealer: Sealer

    def erased(self, tx: Transaction, erasing: Erasing) -> int:
        """Store the notices of an erasure, in the job of its intent; a record that was told of already is left alone.

        Returns:
            How many were stored.
        """
        jti = erasing.rows[0].jti
        if table.of_record(tx, jti):
            return 0
        deliveries = self.reads.deliveries(tx, record_id_text(jti))
        new = [one for uscc, rids in sorted(deliveries.items()) for one in self._to(uscc, rids, erasing)]
        table.put(tx, self.sealer, new, erasing.now_s)
        return len(new)

    def _to(self, recipient: str, rids: Sequence[str], erasing: Erasing) -> Iterator[table.NewNotice]:
        record_id = record_id_text(erasing.rows[0].jti)
        revisions = [(row.rev, row.leaf) for row in erasing.rows]
        for some_revisions in _parts(revisions, MAX_REVISIONS):
            for some_rids in _parts([Rid(rid) for rid in rids], MAX_RIDS):
                concerned = Concerned(record_id, tuple(some_revisions), tuple(some_rids))
                body = Erased(concerned, erasing.reason, EpochS(erasing.now_s))
                yield new_notice(self.department, Uscc(recipient), body, erasing.now_s)


def new_notice(sender: Uscc, recipient: Uscc, body: Body, now_s: int) -> table.NewNotice:
    """A notice with a fresh id, of this moment."""
    notice = Notice(NoticeId(os.urandom(16).hex()), sender, recipient, EpochS(now_s), EpochS(now_s + LIFE_S), body)
    jti = record_id_bytes(body.record.record_id) if isinstance(body, Erased) else None
    document = body.digest if isinstance(body, HandedText) else None
    return table.NewNotice(notice.id, recipient, notice.kind.value, jti, document, dumps_notice(notice))


def _parts(whole: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
