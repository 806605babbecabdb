"""What waits because of corrections: a source of the inbox.

Source: Decree 809 art. 26; dossier 2.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from xinlian.node.chain_state import ChainState, CorrectionState, CorrectionStep
from xinlian.node.corrections.approving import ANSWER_WD
from xinlian.node.inbox import Capacity, Todo
from xinlian.node.people import Role
from xinlian.protocol.clocks import Term
from xinlian.protocol.objects import correction_object
from xinlian.store import corrected
from xinlian.store.writer import Writer

_HANDLERS: Final = frozenset({Role.SHARING})
_USERS: Final = frozenset({Role.SHARING, Role.CASEWORKER})


def corrections_waiting(state: ChainState, department: str, writer: Writer) -> Iterator[Todo]:
    """What is to be answered, published after the source corrected it, and taken note of; for the authority, what is late."""
    with writer.read() as reader:
        told = corrected.unseen(reader)
        for one in state.unsettled_corrections():
            if one.is_open and one.addressee == department:
                yield _todo(one, "correction-answer", Capacity.HANDLER, _HANDLERS)
            if one.is_open and (one.source_overdue if one.source is not None else one.provider_overdue):
                yield _todo(one, "correction-overdue", Capacity.AUTHORITY, frozenset({Role.AUTHORITY}))
        for one in state.corrections.values():
            ref = correction_object(one.receiver, one.number)
            is_own = one.step is CorrectionStep.CORRECTED and one.provider == department
            if is_own and corrected.record_of(reader, ref) is None:
                yield Todo("correction-adopt", ref, ref, "adopt", Capacity.HANDLER, _HANDLERS, one.ended_at or one.opened_at)
    for notice in told:
        ref = f"notice {notice.notice}"
        yield Todo("correction-told", ref, notice.object_ref, "see", Capacity.HANDLER, _USERS, notice.corrected_at)


def _todo(one: CorrectionState, kind: str, capacity: Capacity, roles: frozenset[Role]) -> Todo:
    ref, term = correction_object(one.receiver, one.number), Term(one.clock_start, ANSWER_WD)
    return Todo(kind, ref, ref, kind.removeprefix("correction-"), capacity, roles, one.clock_start, term)
