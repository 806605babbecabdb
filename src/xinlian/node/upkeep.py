"""Regular upkeep: what has reached its disposal date goes, and answers that nobody can ask for again.

Rules
1. Values received for a case and the openings of its subjects are deleted at their disposal date, but never while the case is
   open or a retention duty keeps its file; openings get their date when this node first sees the case closed. What only a duty
   kept of an erased record goes when none runs any more.
2. A sealed answer is kept for as long as the same request may come again; its ``rid`` and digests stay.
3. The key store is backed up once a day into ``key-backups`` of the data folder, and a backup lives seven days: an erasure is
   beyond recovery when the last backup from before it is gone.
4. Answers to idempotent calls, and the notes of calls that never got one, are kept for ``idempotency_days``; then their keys are
   free again.
5. Uploads that nobody went on with, and attachments that nothing came to use, are destroyed at their time.
6. What was deleted leaves the write-ahead log as well; when that is busy, the next round does it.

Source: design 4.4 (short-lived key backups), 4.5 ("the same rid and bytes"), 9 (disposal date); PIPL art. 19, 47.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from xinlian.node.asking import DISPOSE_AFTER_S
from xinlian.node.chain_state import ChainState
from xinlian.protocol.errors import StoreError
from xinlian.store import case_files, duties, ended_values, exchange, idempotency, record_keys
from xinlian.store.writer import Transaction, Writer

_log = structlog.get_logger(__name__)

PERIOD_S = 600.0
ANSWER_KEPT_S = 3_600
"""Many times the longest window of a request."""
DAY_S = 86_400
BACKUP_EVERY_S = DAY_S
BACKUP_KEPT_S = 7 * DAY_S


@dataclass(frozen=True, slots=True)
class Upkeep:
    """The use case.

    Args:
        writer: node.db.
        state: which cases are open.
        wall_s: wall clock, epoch seconds.
        keys: keys.db.
        backups_dir: where its backups go.
        idempotency_days: how long answers to idempotent calls are kept.
        sweep_attachments: destroys attachments past their time.
    """

    writer: Writer
    state: ChainState
    wall_s: Callable[[], float]
    keys: Writer
    backups_dir: Path
    idempotency_days: int
    sweep_attachments: Callable[[], Awaitable[int]]

    async def run(self) -> None:
        """Keep the store tidy until cancelled."""
        while True:
            await self.once()
            await self.sweep_attachments()
            await asyncio.to_thread(self.back_up_keys)
            await asyncio.sleep(PERIOD_S)

    async def once(self) -> int:
        """One round.

        Returns:
            How many values, openings and answers (of both kinds) went.

        Raises:
            StoreError: when the database fails; the next round does it.
        """
        now = int(self.wall_s())
        is_open = {case.ref for case in self.state.cases.values() if case.is_open}
        is_closed = {case.ref for case in self.state.cases.values() if not case.is_open}

        def job(tx: Transaction) -> int:
            for case_ref in case_files.cases_without_disposal(tx):
                if case_ref in is_closed:
                    case_files.set_disposal(tx, case_ref, now + DISPOSE_AFTER_S)
            kept = is_open | duties.cases_held(tx, now)
            due = [case_ref for case_ref in case_files.cases_due(tx, now) if case_ref not in kept]
            gone = sum(case_files.dispose_case(tx, case_ref, now) for case_ref in due)
            gone += ended_values.release(tx, now)
            gone += exchange.forget_answers_before(tx, now - ANSWER_KEPT_S)
            return gone + idempotency.forget_before(tx, now - self.idempotency_days * DAY_S)

        gone = await self.writer.write(job)
        if gone > 0:
            _log.info("disposed", count=gone)
            await self._checkpoint()
        return gone

    def back_up_keys(self) -> None:
        """Back the key store up when the newest backup is a day old, and purge those that are older than a week.

        Raises:
            StoreError: when the disk fails; the next round does it.
        """
        now = int(self.wall_s())
        made = record_keys.backups(self.backups_dir)
        if not made or now - made[-1][0] >= BACKUP_EVERY_S:
            record_keys.backup(self.keys, self.backups_dir, now)
        record_keys.purge_backups(self.backups_dir, now, BACKUP_KEPT_S)

    async def _checkpoint(self) -> None:
        try:
            await asyncio.wrap_future(self.writer.checkpoint())
        except StoreError as error:
            if error.code != "store-checkpoint-busy":
                raise
