"""What waits because of approvals and of the catalogue: sources of the inbox.

A source is asked anew each time; it reads what is stored or followed and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from xinlian.node.approvals import Approvals
from xinlian.node.chain_state import ChainState
from xinlian.node.inbox import Capacity, Todo
from xinlian.node.people import Role
from xinlian.protocol.clocks import CLOCKS, ClockId, Term
from xinlian.protocol.objects import dataset_object
from xinlian.store.approvals import Approval, State

FAILURE_SHOWN_S: Final = 30 * 86_400
"""So long a failed step is pointed out to who proposed it."""


def approvals_waiting(approvals: Approvals, law_s: Callable[[], int]) -> Iterator[Todo]:
    """Proposals to decide on (heads), returned and failed ones (who proposed them)."""
    for approval, proposers in approvals.open_ones(failed_since=law_s() - FAILURE_SHOWN_S):
        kind = approvals.kind(approval.kind)
        if kind is None:
            continue
        term = None if kind.term is None else kind.term(approval.object_ref)
        if approval.state is State.PENDING:
            roles, capacity = kind.consenters, Capacity.HEAD
            yield _todo("approval-decide", approval, capacity, roles, term=term, never=proposers)
        else:
            what = "approval-returned" if approval.state is State.RETURNED else "approval-failed"
            yield _todo(what, approval, Capacity.HANDLER, kind.proposers, term=term, only=proposers)


def _todo(
    kind: str,
    approval: Approval,
    capacity: Capacity,
    roles: frozenset[Role],
    *,
    term: Term | None,
    only: frozenset[int] | None = None,
    never: frozenset[int] = frozenset(),
) -> Todo:
    return Todo(
        kind=kind,
        ref=f"approval {approval.id}",
        object_ref=approval.object_ref,
        what=approval.kind,
        capacity=capacity,
        roles=roles,
        since=approval.changed_at,
        term=term,
        only=only,
        never=never,
    )


def reviews_waiting(state: ChainState) -> Iterator[Todo]:
    """The authority's reviews of proposed catalogue entries (2 working days)."""
    length = CLOCKS[ClockId.CATALOG_REVIEW].length_wd
    for entry in state.datasets.values():
        if entry.state == "proposed":
            yield Todo(
                kind="catalogue-review",
                ref=f"dataset {entry.vct}",
                object_ref=dataset_object(entry.code, entry.version),
                what="review",
                capacity=Capacity.AUTHORITY,
                roles=frozenset({Role.AUTHORITY}),
                since=entry.proposed_at,
                term=Term(entry.proposed_at, length),
            )


def own_entries_waiting(state: ChainState, department: str) -> Iterator[Todo]:
    """What a department has to do about its own catalogue entries: returned ones, and running update clocks."""
    handlers = frozenset({Role.SHARING})
    for entry in state.datasets.values():
        newer = (department, entry.serial, entry.version + 1) in state.datasets
        if entry.owner == department and entry.state == "returned" and not newer:
            ref = dataset_object(entry.code, entry.version)
            yield Todo("catalogue-returned", ref, ref, "propose", Capacity.HANDLER, handlers, entry.proposed_at)
    for update in state.updates.values():
        if update.owner == department:
            newest = max(e.version for e in state.datasets.values() if (e.owner, e.serial) == (department, update.serial))
            ref = dataset_object(f"{department}/{update.serial:06d}", newest)
            term = Term(update.opened_at, update.length_wd)
            yield Todo("catalogue-update", ref, ref, "propose", Capacity.HANDLER, handlers, update.opened_at, term)
