"""Small BPMN files for tests, from a few words a line.

Example: ``bpmn("start S > T", "user T > E", "end E")``
"""

from __future__ import annotations

from xml.sax.saxutils import escape

_KINDS = {
    "start": "startEvent", "end": "endEvent", "user": "userTask", "service": "serviceTask", "rule": "businessRuleTask",
    "xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway",
}  # fmt: skip
HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'targetNamespace="urn:x">'
)


def bpmn(*lines: str, extra: str = "", process: str = 'id="P"') -> bytes:
    """A file.

    Args:
        lines: ``kind ID > TARGET [if CONDITION] | TARGET …``; a target with ``!`` is the default; ``timer ID on TASK > TARGET``
            interrupts, ``reminder`` does not.
        extra: XML put into the process as it is.
        process: attributes of the process.
    """
    nodes, flows = [], []
    for line in lines:
        head, _, targets = line.partition(" > ")
        kind, name, *rest = head.split()
        default = ""
        for target in filter(None, targets.split(" | ")):
            to, _, condition = target.partition(" if ")
            flow = f"{name}_{to.rstrip('!')}"
            default = f' default="{flow}"' if to.endswith("!") else default
            flows.append(_flow(flow, name, to.rstrip("!"), condition))
        nodes.append(_node(kind, name, rest, default))
    return f"{HEAD}<process {process}>{''.join(nodes)}{''.join(flows)}{extra}</process></definitions>".encode()


def _node(kind: str, name: str, rest: list[str], default: str) -> str:
    if kind in ("timer", "reminder"):
        cancels = "" if kind == "timer" else ' cancelActivity="false"'
        return (
            f'<boundaryEvent id="{name}" name="{name} 名" attachedToRef="{rest[1]}"{cancels}>'
            "<timerEventDefinition><timeDuration>P3D</timeDuration></timerEventDefinition></boundaryEvent>"
        )
    return f'<{_KINDS[kind]} id="{name}" name="{name} 名"{default}/>'


def _flow(flow: str, source: str, target: str, condition: str) -> str:
    inner = f"<conditionExpression>{escape(condition)}</conditionExpression>" if condition else ""
    return f'<sequenceFlow id="{flow}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'
