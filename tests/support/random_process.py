"""Random processes of the engine's subset, as BPMN files, for property tests.

Rules
1. A process is a block between start and end: a task, blocks in a row, a choice, a parallel split, an inclusive split, or a
   repetition. Whoever chooses reads the variable that the task right before it set, so no two paths write one variable.
2. A branch of an inclusive split may end early: the join must not wait for it.
3. Conditions are ``vN == K`` with the default for everything else, so Python, zen and FEEL-like engines read them alike.

Example: ``build(draw_block(draw, 3)).xml``
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from xinlian.engine.process import Variable
from xinlian.engine.values import NUMBER

HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'targetNamespace="urn:x"><process id="P" isExecutable="true">'
)
Block = tuple[object, ...]


def blocks(depth: int = 3, *, joins: bool = True, joins_in_loops: bool = True) -> st.SearchStrategy[Block]:
    """A strategy of blocks: ``("task",)``, ``("row", …)``, ``("xor"|"and"|"or", …)``, ``("loop", block)``, ``("stop",)``.

    Args:
        depth: of nesting.
        joins: whether paths may run in parallel.
        joins_in_loops: whether they may do so inside a loop.
    """
    leaf: st.SearchStrategy[Block] = st.just(("task",))
    if depth == 0:
        return leaf
    inner = blocks(depth - 1, joins=joins, joins_in_loops=joins_in_loops)
    repeated = blocks(depth - 1, joins=joins and joins_in_loops, joins_in_loops=joins_in_loops)
    branches = st.lists(inner, min_size=2, max_size=3).map(tuple)
    stopping = st.lists(st.one_of(inner, st.just(("stop",))), min_size=2, max_size=3).map(tuple)
    shapes = [
        leaf,
        st.lists(inner, min_size=2, max_size=3).map(lambda row: ("row", *row)),
        branches.map(lambda parts: ("xor", *parts)),
        repeated.map(lambda part: ("loop", part)),
    ]
    if joins:
        shapes.append(branches.map(lambda parts: ("and", *parts)))
        shapes.append(stopping.filter(lambda parts: parts[0] != ("stop",)).map(lambda parts: ("or", *parts)))
    return st.one_of(shapes)


@dataclass(slots=True)
class Built:
    """A process under construction.

    Args:
        nodes: XML of the nodes, flows left open.
        flows: source, target, condition.
        variables: declared.
        sets: task → the variable that it sets.
        defaults: gateway → target of its default flow.
    """

    nodes: list[tuple[str, str]] = field(default_factory=list)
    flows: list[tuple[str, str, str]] = field(default_factory=list)
    variables: dict[str, Variable] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, int] = field(default_factory=dict)

    def node(self, kind: str) -> str:
        """A new node."""
        name = f"n{len(self.nodes)}"
        self.nodes.append((name, kind))
        return name

    def flow(self, source: str, target: str, condition: str = "") -> int:
        """A new flow; returns its number."""
        self.flows.append((source, target, condition))
        return len(self.flows) - 1

    @property
    def xml(self) -> bytes:
        """The file."""
        parts = [HEAD]
        for name, kind in self.nodes:
            default = f' default="f{self.defaults[name]}"' if name in self.defaults else ""
            incoming = "".join(f"<incoming>f{at}</incoming>" for at, flow in enumerate(self.flows) if flow[1] == name)
            outgoing = "".join(f"<outgoing>f{at}</outgoing>" for at, flow in enumerate(self.flows) if flow[0] == name)
            parts.append(f'<{kind} id="{name}" name="{name}"{default}>{incoming}{outgoing}</{kind}>')
        for at, (source, target, condition) in enumerate(self.flows):
            inner = f'<conditionExpression xsi:type="tFormalExpression">{condition}</conditionExpression>' if condition else ""
            parts.append(f'<sequenceFlow id="f{at}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>')
        return ("".join(parts) + "</process></definitions>").encode()

    @property
    def outcomes(self) -> dict[str, tuple[str, ...]]:
        """Task → variables, as the engine's run rules want them."""
        return {task: (variable,) for task, variable in self.sets.items()}


def build(block: Block) -> Built:
    """The process of a block."""
    built = Built()
    start = built.node("startEvent")
    first, last = _place(built, block)
    built.flow(start, first)
    if last is not None:
        built.flow(last, built.node("endEvent"))
    return built


def _place(built: Built, block: Block) -> tuple[str, str | None]:
    """Put a block; returns its first node and its last one (None when it ends the path)."""
    kind, parts = block[0], block[1:]
    if kind == "task":
        task = built.node("userTask")
        return task, task
    if kind == "stop":
        task = built.node("userTask")
        built.flow(task, built.node("endEvent"))
        return task, None
    if kind == "row":
        return _row(built, parts)
    if kind == "loop":
        return _loop(built, parts[0])
    return _split(built, str(kind), parts)


def _row(built: Built, parts: tuple[object, ...]) -> tuple[str, str | None]:
    first, last = _place(built, parts[0])  # type: ignore[arg-type]
    for part in parts[1:]:
        begin, end = _place(built, part)  # type: ignore[arg-type]
        built.flow(str(last), begin)
        last = end
    return first, last


def _chooser(built: Built) -> tuple[str, str]:
    """A task that sets a variable of its own."""
    task = built.node("userTask")
    variable = f"v{len(built.variables)}"
    built.variables[variable] = Variable(NUMBER, 0)
    built.sets[task] = variable
    return task, variable


def _loop(built: Built, part: object) -> tuple[str, str | None]:
    """Again and again while the variable is 1."""
    again = built.node("exclusiveGateway")
    begin, end = _place(built, part)  # type: ignore[arg-type]
    built.flow(again, begin)
    task, variable = _chooser(built)
    built.flow(str(end), task)
    gateway = built.node("exclusiveGateway")
    built.flow(task, gateway)
    built.flow(gateway, again, f"{variable} == 1")
    leave = built.node("userTask")
    built.defaults[gateway] = built.flow(gateway, leave)
    return again, leave


def _split(built: Built, kind: str, parts: tuple[object, ...]) -> tuple[str, str | None]:
    name = {"xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway"}[kind]
    task, variable = ("", "") if kind == "and" else _chooser(built)
    split, join = built.node(name), built.node(name)
    if task:
        built.flow(task, split)
    for place, part in enumerate(parts):
        begin, end = _place(built, part)  # type: ignore[arg-type]
        if kind == "and":
            built.flow(split, begin)
        elif place == 0:
            built.defaults[split] = built.flow(split, begin)
        else:
            built.flow(split, begin, f"{variable} == {place}" if kind == "xor" else f"{variable} &gt;= {place}")
        if end is not None:
            built.flow(end, join)
    return task or split, join
