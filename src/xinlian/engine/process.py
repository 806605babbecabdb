"""A process as the engine runs it: nodes, flows, lanes, timers. Read from BPMN by ``bpmn``, checked by ``structure``.

Rules
1. Document order decides wherever order matters: of flows out of a gateway, and of tasks that begin together.
2. A condition reads declared variables only; every variable has a first value, so none is ever unset.

Example: ``process.nodes["A2"].lane == "D02"``
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from xinlian.engine.expressions import Expression
from xinlian.engine.values import Kind, Value


class NodeKind(StrEnum):
    """What a node is, by its BPMN name."""

    START = "startEvent"
    END = "endEvent"
    USER_TASK = "userTask"
    SERVICE_TASK = "serviceTask"
    RULE_TASK = "businessRuleTask"
    EXCLUSIVE = "exclusiveGateway"
    PARALLEL = "parallelGateway"
    INCLUSIVE = "inclusiveGateway"
    TIMER = "boundaryEvent"


TASKS = frozenset({NodeKind.USER_TASK, NodeKind.SERVICE_TASK, NodeKind.RULE_TASK})
GATEWAYS = frozenset({NodeKind.EXCLUSIVE, NodeKind.PARALLEL, NodeKind.INCLUSIVE})


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the process.

    Args:
        kind: of its values.
        first: value before any task sets it.
        values: those allowed; empty: any of the kind.
        label: for people.
    """

    kind: Kind
    first: Value
    values: tuple[Value, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow.

    Args:
        id: its id.
        source: id of the node it leaves.
        target: id of the node it enters.
        condition: None when it has none.
    """

    id: str
    source: str
    target: str
    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """An event, task or gateway.

    Args:
        id: its id.
        name: for people.
        kind: what it is.
        lane: name of its lane (the department role), empty without lanes.
        incoming: ids of flows in document order.
        outgoing: likewise.
        default: id of the default flow; None without.
        host: timers only: id of the task it stands on.
        interrupting: timers only: whether it ends the task.
        duration: timers only: the text of its timeDuration, such as P3D; shown, never computed with.
    """

    id: str
    name: str
    kind: NodeKind
    lane: str = ""
    incoming: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()
    default: str | None = None
    host: str | None = None
    interrupting: bool = True
    duration: str = ""

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"{self.kind} {self.id!r}" + (f" ({self.name})" if self.name else "")


@dataclass(frozen=True, slots=True)
class Process:
    """A process.

    Args:
        id: its id.
        name: for people.
        nodes: by id, in document order.
        flows: by id, in document order.
        variables: declared.
        timers: task id → ids of the timers on it, in document order.
        order: node id → its place in document order.
        reach: inclusive gateway with several ways in → node id → which of these a token at the node can still come by.
    """

    id: str
    name: str
    nodes: Mapping[str, Node]
    flows: Mapping[str, Flow]
    variables: Mapping[str, Variable]
    timers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: Mapping[str, int] = field(default_factory=dict)
    reach: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)

    @property
    def start(self) -> Node:
        """The start event."""
        return next(node for node in self.nodes.values() if node.kind is NodeKind.START)

    @property
    def tasks(self) -> tuple[Node, ...]:
        """The tasks in document order."""
        return tuple(node for node in self.nodes.values() if node.kind in TASKS)

    def targets(self, node_id: str) -> tuple[str, ...]:
        """The nodes that a token at the node can go to next, by its flows and the timers on it."""
        own = tuple(self.flows[flow].target for flow in self.nodes[node_id].outgoing)
        return own + self.timers.get(node_id, ())
