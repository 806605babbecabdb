"""Moves tokens along the flows of a process until every one of them rests at a task, a join or an end.

Rules
1. Tokens move in the order in which they came; of several, in document order.
2. A splitting exclusive gateway takes the first flow whose condition holds, an inclusive one all of them, each else its default.
3. A joining parallel gateway waits for every way in. A joining inclusive gateway waits as long as a token elsewhere can still
   come by a way in that has none, unless it can also come by one that has; it is asked when nothing else moves any more.
4. A second token on a task that waits, or on a way into a join that holds one, is refused: the process would count it or lose it.

Example: ``arrive(process, by_conditions(process, variables), moves, process.start.outgoing)``

Source: BPMN 2.0.2 §13.4.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from xinlian.engine.process import TASKS, Node, NodeKind, Process
from xinlian.engine.values import Value
from xinlian.protocol.errors import ConflictError

Chooser = Callable[[Node], tuple[str, ...]]
"""Which flows a token takes out of a splitting exclusive or inclusive gateway."""


@dataclass(slots=True)
class Moves:
    """The tokens at rest while others move; changed in place within one step.

    Args:
        waiting: tasks that wait.
        pending: flows whose token waits at a join.
        timers: running timers and their due times.
        ends: ends reached.
    """

    waiting: set[str]
    pending: set[str]
    timers: dict[str, int | None]
    ends: list[str]


def by_conditions(process: Process, variables: Mapping[str, Value]) -> Chooser:
    """The choice that a case makes: flows whose conditions hold, else the default; of an exclusive gateway the first."""

    def choose(node: Node) -> tuple[str, ...]:
        holding = []
        for flow_id in node.outgoing:
            condition = process.flows[flow_id].condition
            if condition is not None and condition.holds(variables):
                holding.append(flow_id)
                if node.kind is NodeKind.EXCLUSIVE:
                    break
        return tuple(holding) or (str(node.default),)

    return choose


def arrive(process: Process, choose: Chooser, moves: Moves, flows: Iterable[str]) -> None:
    """Let tokens come along the flows and go on until all rest.

    Args:
        process: the process.
        choose: which flows a token takes out of a splitting exclusive or inclusive gateway.
        moves: changed in place.
        flows: ids.

    Raises:
        ConflictError: ``token-doubled``.
        InputError: ``number-range``.
    """
    todo = deque(flows)
    while todo:
        while todo:
            todo.extend(_enter(process, choose, moves, todo.popleft()))
        todo.extend(_open_join(process, moves))


def _enter(process: Process, choose: Chooser, moves: Moves, flow_id: str) -> tuple[str, ...]:
    """One token comes along a flow: the flows by which it goes on at once."""
    node = process.nodes[process.flows[flow_id].target]
    if node.kind in TASKS:
        return _wait(process, moves, node)
    if node.kind is NodeKind.END:
        moves.ends.append(node.id)
        return ()
    if node.kind is not NodeKind.EXCLUSIVE and len(node.incoming) > 1:
        return _join(moves, node, flow_id)
    chooses = node.kind is not NodeKind.PARALLEL and len(node.outgoing) > 1
    return choose(node) if chooses else node.outgoing


def _wait(process: Process, moves: Moves, node: Node) -> tuple[str, ...]:
    if node.id in moves.waiting:
        raise _doubled(node)
    moves.waiting.add(node.id)
    for timer in process.timers.get(node.id, ()):
        moves.timers[timer] = None
    return ()


def _join(moves: Moves, node: Node, flow_id: str) -> tuple[str, ...]:
    if flow_id in moves.pending:
        raise _doubled(node)
    moves.pending.add(flow_id)
    if node.kind is NodeKind.PARALLEL and moves.pending.issuperset(node.incoming):
        moves.pending.difference_update(node.incoming)
        return node.outgoing
    return ()


def _open_join(process: Process, moves: Moves) -> tuple[str, ...]:
    """The way out of the first inclusive join that need not wait any longer; its tokens are taken away."""
    for join_id in process.reach:
        join = process.nodes[join_id]
        held = moves.pending.intersection(join.incoming)
        if held and not _may_come(process, moves, join, held):
            moves.pending.difference_update(held)
            return join.outgoing
    return ()


def _may_come(process: Process, moves: Moves, join: Node, held: set[str]) -> bool:
    """Whether a token elsewhere is worth waiting for (rule 3)."""
    reach = process.reach[join.id]
    elsewhere = [process.flows[flow_id].target for flow_id in moves.pending if flow_id not in held]
    ways = (reach[node_id] for node_id in (*moves.waiting, *elsewhere))
    return any(way - held and not way & held for way in ways)


def _doubled(node: Node) -> ConflictError:
    return ConflictError("token-doubled", f"{node.label} is reached again while it still holds a token", element=node.id)
