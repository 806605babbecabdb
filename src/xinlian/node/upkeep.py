"""Regular upkeep: what has reached its disposal date goes, and sealed answers that nobody can ask for again.

Rules
1. Values received for a case and the openings of its subjects are deleted at their disposal date, but never while the case is
   open; openings get their date when this node first sees the case closed.
2. A sealed answer is kept for as long as the same request may come again; its ``rid`` and digests stay.
3. What was deleted leaves the write-ahead log as well; when that is busy, the next round does it.

Source: design 4.5 ("the same rid and bytes"), 9 (disposal date); PIPL art. 19, 47.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from xinlian.node.asking import DISPOSE_AFTER_S
from xinlian.node.chain_state import ChainState
from xinlian.protocol.errors import StoreError
from xinlian.store import case_files, exchange
from xinlian.store.writer import Transaction, Writer

_log = structlog.get_logger(__name__)

PERIOD_S = 600.0
ANSWER_KEPT_S = 3_600
"""Many times the longest window of a request."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """The use case.

    Args:
        writer: node.db.
        state: which cases are open.
        wall_s: wall clock, epoch seconds.
    """

    writer: Writer
    state: ChainState
    wall_s: Callable[[], float]

    async def run(self) -> None:
        """Keep the store tidy until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(PERIOD_S)

    async def once(self) -> int:
        """One round.

        Returns:
            How many values, openings and answers went.

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
            due = [case_ref for case_ref in case_files.cases_due(tx, now) if case_ref not in is_open]
            gone = sum(case_files.dispose_case(tx, case_ref, now) for case_ref in due)
            return gone + exchange.forget_answers_before(tx, now - ANSWER_KEPT_S)

        gone = await self.writer.write(job)
        if gone > 0:
            _log.info("disposed", count=gone)
            await self._checkpoint()
        return gone

    async def _checkpoint(self) -> None:
        try:
            await asyncio.wrap_future(self.writer.checkpoint())
        except StoreError as error:
            if error.code != "store-checkpoint-busy":
                raise
