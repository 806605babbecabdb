"""What waits because of use and disposal: sources of the inbox.

The terms are parameters of the department [assumption]; the law names none.

Source: Decree 809 art. 27, 29.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from xinlian.node.chain_state import ChainState
from xinlian.node.inbox import Capacity, Todo
from xinlian.node.people import Role
from xinlian.protocol.clocks import Term
from xinlian.store import duties
from xinlian.store import use as table
from xinlian.store.writer import Writer

_HANDLERS: Final = frozenset({Role.SHARING})
_CASEWORKERS: Final = frozenset({Role.SHARING, Role.CASEWORKER})


def records_waiting(writer: Writer, limit_wd: int) -> Iterator[Todo]:
    """Grants with reads that no use record covers; since and term are those of the oldest."""
    with writer.read() as reader:
        records, days = table.every_record(reader), table.read_days(reader)
    oldest: dict[str, int] = {}
    for day in days:
        if not any(record.covers(day.grant_ref, day.case_ref, day.day_s) for record in records):
            oldest[day.grant_ref] = min(day.day_s, oldest.get(day.grant_ref, day.day_s))
    for grant_ref, since in oldest.items():
        ref, term = f"grant {grant_ref}", Term(since, limit_wd)
        yield Todo("use-record", ref, ref, "use-record", Capacity.HANDLER, _HANDLERS, since, term)


def disposals_waiting(writer: Writer, state: ChainState, wall_s: Callable[[], float], limit_wd: int) -> Iterator[Todo]:
    """Closed cases of which something is still here that no retention duty keeps."""
    with writer.read() as reader:
        here, held = table.values_of_cases(reader), duties.cases_held(reader, int(wall_s()))
    for case in state.cases.values():
        if case.closed_at is not None and here.get(case.ref) and case.ref not in held:
            ref, term = f"case {case.ref}", Term(case.closed_at, limit_wd)
            yield Todo("case-disposal", ref, ref, "case-disposal", Capacity.HANDLER, _CASEWORKERS, case.closed_at, term)
