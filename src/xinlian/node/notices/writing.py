"""Writing notices: of an erasure or a correction one for every department that ever received something of the record, as the read
log says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from xinlian.node.ids import record_id_bytes, record_id_text
from xinlian.node.reads import Concerns, Reads
from xinlian.protocol.envelope import Rid
from xinlian.protocol.notices import (
    MAX_REVISIONS,
    MAX_RIDS,
    Body,
    Concerned,
    Corrected,
    Erased,
    HandedText,
    Notice,
    NoticeId,
    dumps_notice,
)
from xinlian.protocol.objects import correction_object
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
class Correcting:
    """What was corrected: the revisions before, oldest first, the one that is right, whose correction it was, what it disputed.

    ``concerns`` says which read entries brought a disputed value; ``law_s`` and ``now_s`` are law time and wall clock in epoch
    seconds.
    """

    old: Sequence[Record]
    new: Record
    correction: tuple[Uscc, int]
    fields: tuple[str, ...]
    concerns: Concerns
    law_s: int
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

    def corrected(self, tx: Transaction, correcting: Correcting) -> int:
        """Store the notices of a correction; one that was told of already is left alone.

        Returns:
            How many were stored.
        """
        c, (receiver, number) = correcting, correcting.correction
        if table.of_object(tx, correction_object(receiver, number)):
            return 0
        at, new = EpochS(c.law_s), list[table.NewNotice]()
        for uscc, rids in sorted(self.reads.deliveries(tx, record_id_text(c.new.jti), c.concerns).items()):
            for concerned in _concerned(c.old, rids):
                body = Corrected(concerned, receiver, number, c.fields, c.new.rev, c.new.leaf, at)
                new.append(new_notice(self.department, Uscc(uscc), body, c.now_s))
        table.put(tx, self.sealer, new, c.now_s)
        return len(new)

    def _to(self, recipient: str, rids: Sequence[str], erasing: Erasing) -> Iterator[table.NewNotice]:
        for concerned in _concerned(erasing.rows, rids):
            body = Erased(concerned, erasing.reason, EpochS(erasing.now_s))
            yield new_notice(self.department, Uscc(recipient), body, erasing.now_s)


def new_notice(sender: Uscc, recipient: Uscc, body: Body, now_s: int) -> table.NewNotice:
    """A notice with a fresh id, of this moment."""
    notice = Notice(NoticeId(os.urandom(16).hex()), sender, recipient, EpochS(now_s), EpochS(now_s + LIFE_S), body)
    jti = record_id_bytes(body.record.record_id) if isinstance(body, Erased) else None
    document = body.digest if isinstance(body, HandedText) else None
    about = correction_object(body.receiver, body.number) if isinstance(body, Corrected) else None
    return table.NewNotice(notice.id, recipient, notice.kind.value, jti, document, dumps_notice(notice), about)


def _concerned(rows: Sequence[Record], rids: Sequence[str]) -> Iterator[Concerned]:
    """Revisions of one record and the requests under which a department got it, in as many parts as notices need."""
    record_id, revisions = record_id_text(rows[0].jti), [(row.rev, row.leaf) for row in rows]
    for some_revisions in _parts(revisions, MAX_REVISIONS):
        for some_rids in _parts([Rid(rid) for rid in rids], MAX_RIDS):
            yield Concerned(record_id, tuple(some_revisions), tuple(some_rids))


def _parts(whole: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
