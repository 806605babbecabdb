"""Everything about corrections of one node, put together; its kinds of approval and its part of the inbox are registered."""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.node.attachments import Keeping
from xinlian.node.calendar import WorkingDays
from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.corrections.approving import CorrectionApprovals
from xinlian.node.corrections.received import Received
from xinlian.node.corrections.registry import Corrections
from xinlian.node.corrections.showing import CorrectionViews
from xinlian.node.corrections.telling import CorrectionTelling
from xinlian.node.corrections.texts import Applications
from xinlian.node.corrections.waiting import corrections_waiting
from xinlian.node.notices.desk import Desk
from xinlian.node.office import Office
from xinlian.node.reads import Reads
from xinlian.node.records import Records
from xinlian.node.transactions import Transactions
from xinlian.store.opening import Store


@dataclass(frozen=True, slots=True)
class CorrectionParts:
    """What the use cases are built from."""

    department: str
    store: Store
    state: ChainState
    clock: Clock
    transactions: Transactions
    catalogue: Catalogue
    working_days: WorkingDays
    records: Records
    reads: Reads
    keeping: Keeping
    office: Office
    notices: Desk


@dataclass(frozen=True, slots=True)
class CorrectionDesk:
    """The use cases: steps by two persons, what stands on chain, what is shown."""

    approvals: CorrectionApprovals
    registry: Corrections
    views: CorrectionViews


def corrections_of(parts: CorrectionParts) -> CorrectionDesk:
    """Build them; before the node runs."""
    p, node, law_s = parts, parts.store.node, parts.clock.law_s
    registry = Corrections(p.department, p.state, p.transactions, law_s)
    applications = Applications(p.office.documents)
    telling = CorrectionTelling(node, p.records, p.notices.writing, law_s, p.clock.wall_s, p.notices.telling.woken)
    received = Received(node, p.keeping.sealer, p.reads, p.keeping)
    approvals = CorrectionApprovals(registry, applications, received, telling, p.catalogue, p.office.approvals)
    p.office.approvals.register(*approvals.kinds())
    p.office.inbox.register(lambda: corrections_waiting(p.state, p.department, node))
    views = CorrectionViews(registry, applications, node, p.office.acts, p.working_days.read)
    return CorrectionDesk(approvals, registry, views)
