"""Checks the form of a process before it runs, and prepares what running needs; ``soundness`` then tries every way through it.

Rules
1. One start with one way out; at least one end; tasks and starts have exactly one way out; gateways split or join, not both.
2. Every element is reached from the start, and reaches an end.
3. No cycle without a task, so that every event comes to rest.
4. A splitting exclusive or inclusive gateway has a default flow, and every other flow out of it a condition; no other flow has
   one.
5. Timers stand on tasks; timers and ends fit in their flows.

Example: ``with_structure(process).timers["A3f"] == ("T_A3f",)``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from xinlian.engine.process import GATEWAYS, TASKS, Node, NodeKind, Process
from xinlian.protocol.errors import InputError


def with_structure(process: Process) -> Process:
    """The process with its derived tables.

    Raises:
        InputError: ``bpmn-structure``, naming the element.
    """
    starts = [node for node in process.nodes.values() if node.kind is NodeKind.START]
    if len(starts) != 1:
        raise wrong_structure(process.id, f"has {len(starts)} start events, expected one")
    timers: dict[str, tuple[str, ...]] = {}
    for node in process.nodes.values():
        _check_node(process, node)
        if node.host is not None:
            timers[node.host] = (*timers.get(node.host, ()), node.id)
    order = {node_id: place for place, node_id in enumerate(process.nodes)}
    process = replace(process, timers=timers, order=order)
    _check_reached(process)
    _check_cycles(process)
    return replace(process, reach=_reach(process))


def wrong_structure(element: str, what: str) -> InputError:
    """The error for a process that must not run; ``element`` is a node's label or id."""
    return InputError("bpmn-structure", f"{element}: {what}", element=element.split("'")[1] if "'" in element else element)


def _check_node(process: Process, node: Node) -> None:
    ways_in, ways_out = len(node.incoming), len(node.outgoing)
    if node.kind is NodeKind.TIMER:
        host = process.nodes.get(node.host or "")
        if host is None or host.kind not in TASKS:
            raise wrong_structure(node.label, "stands on no task")
    if node.kind in (NodeKind.START, NodeKind.TIMER) and ways_in:
        raise wrong_structure(node.label, "is entered by a flow")
    if node.kind is NodeKind.END and ways_out:
        raise wrong_structure(node.label, "is left by a flow")
    if node.kind not in GATEWAYS and node.kind is not NodeKind.END and ways_out != 1:
        raise wrong_structure(node.label, f"is left by {ways_out} flows, expected one: split with a gateway")
    if node.kind in GATEWAYS and (ways_out == 0 or (ways_in > 1 and ways_out > 1)):
        raise wrong_structure(node.label, "must either split or join: one way in or one way out")
    _check_conditions(process, node)


def _check_conditions(process: Process, node: Node) -> None:
    chooses = node.kind in (NodeKind.EXCLUSIVE, NodeKind.INCLUSIVE) and len(node.outgoing) > 1
    if chooses and node.default is None:
        raise wrong_structure(node.label, "has no default flow: all its conditions may fail")
    for flow in (process.flows[flow_id] for flow_id in node.outgoing):
        needs = chooses and flow.id != node.default
        if needs and flow.condition is None:
            raise wrong_structure(node.label, f"has the flow {flow.id!r} without a condition")
        if not needs and flow.condition is not None:
            raise wrong_structure(node.label, f"has a condition on the flow {flow.id!r}, where none is asked")


def _check_reached(process: Process) -> None:
    forward = {node_id: process.targets(node_id) for node_id in process.nodes}
    reached = _closure([process.start.id], forward)
    backward: dict[str, list[str]] = {node_id: [] for node_id in process.nodes}
    for source, targets in forward.items():
        for target in targets:
            backward[target].append(source)
    ends = [node.id for node in process.nodes.values() if node.kind is NodeKind.END]
    ending = _closure(ends, backward)
    for node in process.nodes.values():
        if node.id not in reached:
            raise wrong_structure(node.label, "is never reached")
        if node.id not in ending:
            raise wrong_structure(node.label, "leads to no end")


def _closure(begin: Iterable[str], ways: Mapping[str, Iterable[str]]) -> set[str]:
    seen, todo = set(begin), list(begin)
    while todo:
        for target in ways[todo.pop()]:
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def _check_cycles(process: Process) -> None:
    """Take away nodes that nothing enters without a task; what is left over is a cycle."""
    pass_through = {node.id for node in process.nodes.values() if node.kind in GATEWAYS}
    left = set(pass_through)
    while left:
        free = [
            node_id for node_id in left if not any(process.flows[flow].source in left for flow in process.nodes[node_id].incoming)
        ]
        if not free:
            first = min(left, key=process.order.__getitem__)
            raise wrong_structure(process.nodes[first].label, "lies on or behind a cycle without a task")
        left.difference_update(free)


def _reach(process: Process) -> dict[str, dict[str, frozenset[str]]]:
    """For every joining inclusive gateway and every node: by which ways in a token at the node can still reach the gateway.

    Source: BPMN 2.0.2 §13.4.3 (paths that do not visit the gateway).
    """
    joins = [node for node in process.nodes.values() if node.kind is NodeKind.INCLUSIVE and len(node.incoming) > 1]
    return {join.id: _reach_of(process, join) for join in joins}


def _reach_of(process: Process, join: Node) -> dict[str, frozenset[str]]:
    forward = {node_id: () if node_id == join.id else process.targets(node_id) for node_id in process.nodes}
    entries = {flow_id: process.flows[flow_id].source for flow_id in join.incoming}
    found: dict[str, frozenset[str]] = {}
    for node_id in process.nodes:
        seen = _closure([node_id], forward) if node_id != join.id else set()
        found[node_id] = frozenset(flow_id for flow_id, source in entries.items() if source in seen)
    return found
