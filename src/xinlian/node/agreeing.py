"""Several RPC endpoints: every minute they are compared; while they disagree this node sends nothing and gives nothing.

Rules
1. Compared: chain id and genesis, then the hash of the block at the lowest head, then the logs of our contracts up to it
   since the last comparison (a hash alone does not show that somebody leaves out a log). One far behind the others disagrees:
   if it is the one that is followed, nobody would see a revocation here.
2. A difference counts when it is still there after a pause: two honest nodes may see a reorganisation a moment apart.
3. When they agree again, everything read since the last agreement is forgotten and read anew.
4. An endpoint that cannot be reached is no disagreement; the first endpoint is the one that is followed.

Source: design 4.6; issue 1, "two RPCs disagreeing".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from xinlian.chain import questions
from xinlian.chain.rpc import AsksChain
from xinlian.chain.view import check_not_behind
from xinlian.chain.wire import Log
from xinlian.node.following import Following
from xinlian.protocol.errors import ChainError
from xinlian.protocol.manifest import Deployment

_log = structlog.get_logger(__name__)
DOUBT = "endpoints"
MAX_LOG_BLOCKS = 2_000
PAUSE_S = 2.0


class Agreeing:
    """Compares endpoints.

    Args:
        rpcs: transports in the order of the settings.
        deployment: our contracts.
        following: told of doubt.
        period_s: pause between comparisons.
        pause_s: how long a difference may last.
    """

    def __init__(
        self,
        rpcs: Sequence[AsksChain],
        deployment: Deployment,
        following: Following,
        *,
        period_s: float,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._rpcs = rpcs
        self._addresses = [one.address for one in deployment.contracts.values()]
        self._following = following
        self._period_s = period_s
        self._pause_s = pause_s
        self._compared = min(one.block_number for one in deployment.contracts.values()) - 1

    async def run(self) -> None:
        """Compare until cancelled; with one endpoint there is nothing to do."""
        while len(self._rpcs) > 1:
            await self.look()
            await asyncio.sleep(self._period_s)
        await asyncio.Event().wait()

    async def look(self) -> None:
        """Compare once and tell the follower what came of it."""
        agreed = self._compared
        try:
            await self._twice()
        except ChainError as error:
            if error.code != "rpc-disagree":
                _log.info("endpoints not compared", code=error.code)
                return
            if DOUBT not in self._following.doubts:
                _log.error("endpoints disagree", detail=error.message)
            self._following.set_doubt(DOUBT, error)
        else:
            if DOUBT in self._following.doubts:
                await self._following.forget_after(agreed)
            self._following.set_doubt(DOUBT, None)

    async def _twice(self) -> None:
        try:
            await self.compare()
        except ChainError as error:
            if error.code != "rpc-disagree":
                raise
            await asyncio.sleep(self._pause_s)
            await self.compare()

    async def compare(self) -> None:
        """Compare now.

        Raises:
            ChainError: rpc-disagree naming what differs; the transport's errors when fewer than two can be reached.
        """
        ids = [await rpc.ask(questions.chain_id()) for rpc in self._rpcs]
        _agree("chain id", ids)
        _agree("genesis", [(await rpc.ask(questions.block(0))).hash for rpc in self._rpcs])
        heads = [await rpc.ask(questions.head()) for rpc in self._rpcs]
        check_not_behind(heads)
        lowest = min(head.number for head in heads)
        _agree(f"block {lowest}", [(await rpc.ask(questions.block(lowest))).hash for rpc in self._rpcs])
        first = max(self._compared + 1, lowest - MAX_LOG_BLOCKS)
        if first <= lowest:
            asked = questions.logs(self._addresses, first, lowest)
            found = [await rpc.ask(asked) for rpc in self._rpcs]
            _agree(f"the logs of blocks {first} to {lowest}", [_in_order(logs) for logs in found])
        self._compared = lowest


def _in_order(found: Sequence[Log]) -> tuple[Log, ...]:
    return tuple(sorted(found, key=lambda one: (one.block_number, one.log_index)))


def _agree(what: str, answers: Sequence[object]) -> None:
    if any(answer != answers[0] for answer in answers):
        raise ChainError("rpc-disagree", f"the RPC endpoints disagree on {what}", what=what)
