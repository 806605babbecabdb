"""Reads the BPMN 2.0 subset into a ``Process``; whatever is not listed here is refused with the element's id and name.

Rules
1. One process; at most one collaboration that names one pool. Diagrams (BPMNDI), documentation, text annotations and their
   associations are for people and have no effect. Nothing else may stand in the file, extension elements included.
2. Start, end (plain); user, service and business-rule task; exclusive, parallel and inclusive gateway; boundary timer with a
   ``timeDuration`` of the form ``P3D``; sequence flows; one lane set whose lanes name departments.
3. Attributes are listed as well: an unknown one could mean something to another engine.

Example: ``read_process(data, {"accepted": Variable(BOOLEAN, False)})``

Source: BPMN 2.0.2 (ISO/IEC 19510); design 9.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from xinlian.engine.expressions import compile_condition
from xinlian.engine.process import Flow, Node, NodeKind, Process, Variable
from xinlian.engine.soundness import check_sound
from xinlian.engine.structure import with_structure
from xinlian.engine.xml import Element, children, local, name_of, namespace, parse_xml, text_of
from xinlian.protocol.errors import InputError

FILE: Final = "process.bpmn"
MODEL: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_DIAGRAM: Final = "http://www.omg.org/spec/BPMN/20100524/DI"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
MAX_NODES: Final = 400
_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_DURATION: Final = re.compile(r"P[1-9]\d{0,2}D")
_KINDS: Final = {kind.value: kind for kind in NodeKind}
_SILENT: Final = frozenset({"documentation", "textAnnotation", "association"})
_COMMON: Final = frozenset({"id", "name"})
_ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "definitions": frozenset({"targetNamespace", "exporter", "exporterVersion", "expressionLanguage", "typeLanguage"}),
    "process": frozenset({"isExecutable", "processType", "isClosed"}),
    "participant": frozenset({"processRef"}),
    "boundaryEvent": frozenset({"attachedToRef", "cancelActivity"}),
    "sequenceFlow": frozenset({"sourceRef", "targetRef"}),
    "exclusiveGateway": frozenset({"default", "gatewayDirection"}),
    "inclusiveGateway": frozenset({"default", "gatewayDirection"}),
    "parallelGateway": frozenset({"gatewayDirection"}),
    "conditionExpression": frozenset({_XSI + "type"}),
    "timeDuration": frozenset({_XSI + "type"}),
    "collaboration": frozenset({"isClosed"}),
}
_INNER: Final[Mapping[str, frozenset[str]]] = {
    "definitions": frozenset({"process", "collaboration"}),
    "collaboration": frozenset({"participant"}),
    "process": frozenset({*_KINDS, "sequenceFlow", "laneSet"}),
    "laneSet": frozenset({"lane"}),
    "lane": frozenset({"flowNodeRef"}),
    "boundaryEvent": frozenset({"incoming", "outgoing", "timerEventDefinition"}),
    "timerEventDefinition": frozenset({"timeDuration"}),
    "sequenceFlow": frozenset({"conditionExpression"}),
    **{name: frozenset({"incoming", "outgoing"}) for name in _KINDS if name != "boundaryEvent"},
}


def read_process(data: bytes, variables: Mapping[str, Variable], file: str = FILE) -> Process:
    """A process that is known to run.

    Args:
        data: BPMN 2.0 XML.
        variables: that its conditions may read.
        file: name, for messages.

    Raises:
        InputError: ``too-large``, ``xml-refused``, ``bpmn-element``, ``bpmn-structure`` or ``expression-form``.
    """
    root = parse_xml(data, file)
    if local(root) != "definitions":
        raise refused(root, "the file is no BPMN definitions")
    _check(root)
    process = _only(root, "process")
    for pool in children(root, "collaboration"):
        _only(pool, "participant")
    flows = _flows(process, variables)
    nodes = _nodes(process, flows)
    found = Process(_id(process), str(process.get("name", "")), nodes, flows, variables)
    prepared = with_structure(found)
    check_sound(prepared)
    return prepared


def refused(element: Element, what: str) -> InputError:
    """The error for an element outside the subset."""
    fields = {"element": str(element.get("id", ""))[:64], "name": str(element.get("name", ""))[:64], "kind": local(element)[:64]}
    return InputError("bpmn-element", f"{name_of(element)}: {what}", **fields)


def _check(element: Element) -> None:
    """Hold an element and all below it to the lists above."""
    name = local(element)
    if namespace(element) != MODEL:
        raise refused(element, f"belongs to {namespace(element)[:80]!r}, which this engine does not run")
    for attribute in element.attrib:
        if attribute not in _COMMON and attribute not in _ATTRIBUTES.get(name, frozenset()):
            raise refused(element, f"has the attribute {str(attribute)[:80]!r}, which this engine does not run")
    for child in element:
        if (namespace(child) == _DIAGRAM and name == "definitions") or (local(child) in _SILENT and namespace(child) == MODEL):
            continue
        if local(child) not in _INNER.get(name, frozenset()):
            raise refused(child, f"may not stand in {name_of(element)}: it is outside the subset that runs")
        _check(child)


def _only(parent: Element, name: str) -> Element:
    found = children(parent, name)
    if len(found) != 1:
        raise refused(parent, f"holds {len(found)} of {name}, expected one")
    return found[0]


def _id(element: Element) -> str:
    value = str(element.get("id", ""))
    if not _ID.fullmatch(value):
        raise refused(element, "has no id of letters, digits, _ . - (at most 64)")
    return value


def _flows(process: Element, variables: Mapping[str, Variable]) -> dict[str, Flow]:
    kinds = {name: variable.kind for name, variable in variables.items()}
    flows: dict[str, Flow] = {}
    for element in children(process, "sequenceFlow"):
        flow_id = _id(element)
        if flow_id in flows:
            raise refused(element, "has an id that stands twice")
        conditions = children(element, "conditionExpression")
        if len(conditions) > 1:
            raise refused(element, "has several conditions")
        condition = compile_condition(text_of(conditions[0]), kinds, name_of(element)) if conditions else None
        flows[flow_id] = Flow(flow_id, str(element.get("sourceRef", "")), str(element.get("targetRef", "")), condition)
    return flows


def _nodes(process: Element, flows: Mapping[str, Flow]) -> dict[str, Node]:
    lanes = dict(_lanes(process))
    nodes: dict[str, Node] = {}
    for element in children(process, *_KINDS):
        node = _node(element, flows, lanes)
        if node.id in nodes or node.id in flows:
            raise refused(element, "has an id that stands twice")
        nodes[node.id] = node
    if len(nodes) > MAX_NODES:
        raise refused(process, f"has {len(nodes)} elements; at most {MAX_NODES}")
    for flow in flows.values():
        for end in (flow.source, flow.target):
            if end not in nodes:
                raise InputError("bpmn-element", f"sequenceFlow {flow.id!r}: no element {end[:64]!r}", element=flow.id)
    for ref, lane in lanes.items():
        if ref not in nodes:
            raise InputError("bpmn-element", f"lane {lane!r}: no element {ref[:64]!r}", element=ref[:64])
    return nodes


def _lanes(process: Element) -> Iterator[tuple[str, str]]:
    sets = children(process, "laneSet")
    if len(sets) > 1:
        raise refused(process, "has several lane sets")
    seen: set[str] = set()
    for lane in (lane for one in sets for lane in children(one, "lane")):
        for ref in map(text_of, children(lane, "flowNodeRef")):
            if ref in seen:
                raise refused(lane, f"holds {ref[:64]!r}, which stands in a lane already")
            seen.add(ref)
            yield ref, str(lane.get("name", "")).strip()


def _node(element: Element, flows: Mapping[str, Flow], lanes: Mapping[str, str]) -> Node:
    node_id, kind = _id(element), _KINDS[local(element)]
    incoming = tuple(flow.id for flow in flows.values() if flow.target == node_id)
    outgoing = tuple(flow.id for flow in flows.values() if flow.source == node_id)
    default = element.get("default")
    if default is not None and default not in outgoing:
        raise refused(element, f"names the default flow {str(default)[:64]!r}, which does not leave it")
    lane, name = lanes.get(node_id, ""), str(element.get("name", ""))
    node = Node(node_id, name, kind, lane, incoming, outgoing, None if default is None else str(default))
    return node if kind is not NodeKind.TIMER else _timer(element, node)


def _timer(element: Element, node: Node) -> Node:
    definition = _only(element, "timerEventDefinition")
    duration = text_of(_only(definition, "timeDuration"))
    if not _DURATION.fullmatch(duration):
        raise refused(element, f"lasts {duration[:40]!r}, expected whole days such as P3D")
    cancels = element.get("cancelActivity", "true")
    if cancels not in ("true", "false"):
        raise refused(element, "has a cancelActivity that is neither true nor false")
    host = str(element.get("attachedToRef", ""))
    return Node(node.id, node.name, node.kind, node.lane, node.incoming, node.outgoing, None, host, cancels == "true", duration)
