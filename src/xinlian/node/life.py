"""A running node: its parts, and its life: finish what a stop interrupted, background work, stop.

Rules
1. Background work begins with ``running`` and never dies silently.
2. Order at start: sweep orphan keys, resume erasures, then follow and anchor; own records are read once the chain's head is
   held and what it calls erased is gone (``restoring``).

Example::

    node = await build(load_settings(Path("node.toml")))
    async with node.running():
        …
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from xinlian.chain.follower import Follower
from xinlian.chain.keys import ChainKey
from xinlian.chain.rpc import Rpc
from xinlian.node.acts import Acts
from xinlian.node.agreeing import Agreeing
from xinlian.node.anchoring import Anchoring
from xinlian.node.approvals import Approvals
from xinlian.node.asking import Asking, Fetching
from xinlian.node.attachments import Library
from xinlian.node.authorisations import Authorisations
from xinlian.node.authority import Authority
from xinlian.node.bundles import Bundles
from xinlian.node.calendar import WorkingDays
from xinlian.node.cases import Cases
from xinlian.node.catalogue import Catalogue
from xinlian.node.catalogue_steps import CatalogueSteps
from xinlian.node.chain_keys import check_remote, close_remote
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.completeness import Completeness
from xinlian.node.corrections import CorrectionDesk
from xinlian.node.documents import Documents
from xinlian.node.duties import Duties
from xinlian.node.ending import Ending
from xinlian.node.findings import Findings
from xinlian.node.following import Following
from xinlian.node.handing import Handing
from xinlian.node.health import Health
from xinlian.node.idempotency import Idempotency
from xinlian.node.identity import Identity
from xinlian.node.inbox import Inbox
from xinlian.node.late_receipts import LateReceipts
from xinlian.node.notices.desk import Desk
from xinlian.node.outbox import Outbox
from xinlian.node.parking import Parking
from xinlian.node.peer_client import PeerClient
from xinlian.node.people import People
from xinlian.node.proposing import Proposing
from xinlian.node.providing import Providing
from xinlian.node.publishing import Publishing
from xinlian.node.rate import RateLimit
from xinlian.node.reads import Reads
from xinlian.node.reattach import Reattaching
from xinlian.node.reconciling import Reconciling
from xinlian.node.records import Records
from xinlian.node.recovery import Recovery
from xinlian.node.restoring import Restoring
from xinlian.node.sealing import SealingPool
from xinlian.node.self_access import SelfAccess
from xinlian.node.settings import Settings
from xinlian.node.sharing import Grants, RequestApprovals, SharingRequests
from xinlian.node.signers import Signers
from xinlian.node.transactions import Transactions
from xinlian.node.upkeep import Upkeep
from xinlian.node.use import Disposing, UseRecords
from xinlian.node.webhooks import Delivering, Events, Webhooks
from xinlian.protocol.errors import XinlianError
from xinlian.protocol.manifest import Deployment
from xinlian.store.opening import Store
from xinlian.store.record_keys import sweep_orphans

_log = structlog.get_logger(__name__)

Work = Callable[[], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class Node:
    """A node with all its use cases."""

    settings: Settings
    deployment: Deployment
    store: Store
    rpcs: tuple[Rpc, ...]
    state: ChainState
    clock: Clock
    following: Following
    follower: Follower
    transactions: Transactions
    working_days: WorkingDays
    recovery: Recovery
    signers: Signers
    people: People
    idempotency: Idempotency
    documents: Documents
    handing: Handing
    acts: Acts
    approvals: Approvals
    catalogue: Catalogue
    proposing: Proposing
    catalogue_steps: CatalogueSteps
    inbox: Inbox
    findings: Findings
    use_records: UseRecords
    disposing: Disposing
    events: Events
    webhooks: Webhooks
    delivering: Delivering
    publishing: Publishing
    library: Library
    records: Records
    ending: Ending
    anchoring: Anchoring
    outbox: Outbox
    bundles: Bundles
    identity: Identity
    requests: SharingRequests
    request_approvals: RequestApprovals
    grants: Grants
    corrections: CorrectionDesk
    cases: Cases
    providing: Providing
    rate: RateLimit
    asking: Asking
    fetching: Fetching
    reads: Reads
    reconciling: Reconciling
    late_receipts: LateReceipts
    authorisations: Authorisations
    self_access: SelfAccess
    authority: Authority
    health: Health
    agreeing: Agreeing
    completeness: Completeness
    reattaching: Reattaching
    upkeep: Upkeep
    restoring: Restoring
    notices: Desk
    duties: Duties
    parking: Parking
    pool: SealingPool
    client: PeerClient
    chain_keys: Mapping[str, ChainKey]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the background work for as long as the context lasts, then close everything."""
        try:
            await check_remote(self.chain_keys)
            await self._recover()
        except BaseException:
            await self.close()
            raise
        self.pool.warm()
        tasks = [
            asyncio.create_task(_kept_alive(work, name), name=name)
            for name, work in (
                ("follow", lambda: self.following.run(self.follower)),
                ("anchor", self.anchoring.run),
                ("send", self.transactions.run),
                ("agree", self.agreeing.run),
                ("complete", self.completeness.run),
                ("approve", self.approvals.execution.run),
                ("webhooks", self.delivering.run),
                ("upkeep", self.upkeep.run),
                ("findings", self.findings.run),
                ("restore", self.restoring.run),
                ("tell", self.notices.telling.run),
                ("withdraw", self.authorisations.withdrawing.run),
            )
        ]
        try:
            await self.restoring.settled()
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.close()

    async def _recover(self) -> None:
        """Finish what a stop interrupted."""
        if sweep_orphans(self.store.keys, self.store.node) > 0:
            await asyncio.wrap_future(self.store.keys.checkpoint())
        await self.library.keeping.recover()
        await self.reads.index_older()
        await self.ending.resume()
        await self.notices.taking.wipe()
        await self.asking.history.close_interrupted()

    async def close(self) -> None:
        """Close connections, processes and databases."""
        await self.client.close()
        await close_remote(self.chain_keys.values())
        for rpc in self.rpcs:
            await rpc.close()
        self.pool.close()
        self.store.close()


async def _kept_alive(work: Work, name: str) -> None:
    """Background work never dies silently: an unexpected error is logged and the work begins again."""
    while True:
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except XinlianError as error:
            _log.error("background work failed", work=name, code=error.code, detail=error.message)
        except Exception as error:  # noqa: BLE001 (the last net under background work; it is logged)
            _log.error("background work failed", work=name, kind=type(error).__name__, exc_info=error)
        await asyncio.sleep(1.0)
