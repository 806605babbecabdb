"""Tries every way through a process before it runs: none may hang at a join or enter an element twice at once.

Rules
1. Every outcome of every gateway, every order of tasks and every firing of a timer is tried, whatever the conditions say: a
   process that is sound only because two conditions agree is refused; draw it so that it need not rely on that.
2. A marking is: which tasks wait, which tokens wait at joins, which timers run. Every marking is looked at once.
3. With many tasks at once there are too many markings (``MAX_WORK``: moves times elements; about 11 tasks at once are within it).
   Then one task after the other is followed instead of every order: that finds every marking in which a case hangs, for paths at
   once do not disturb each other before they join; what enters an element twice is refused at run time (``token-doubled``) and
   can be done a moment later. An inclusive join looks at other paths: with one, such a process is refused.

Example: ``check_sound(process)``

Source: soundness of workflow nets, W. van der Aalst (1997); issue 3 of 5 (hostile files).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final

from xinlian.engine.moving import Moves, arrive
from xinlian.engine.process import Node, NodeKind, Process
from xinlian.engine.structure import wrong_structure
from xinlian.protocol.errors import ConflictError

MAX_WORK: Final = 1_200_000
MAX_INCLUSIVE: Final = 8
Marking = tuple[frozenset[str], frozenset[str], frozenset[str]]
"""Waiting tasks, pending flows, running timers."""


def check_sound(process: Process) -> None:
    """Refuse a process that can hang or enter an element twice at once.

    Raises:
        InputError: ``bpmn-structure``.
    """
    if not _explored(process, every_order=True) and (process.reach or not _explored(process, every_order=False)):
        raise wrong_structure(process.id, "has too many paths at once to be checked")


def _explored(process: Process, *, every_order: bool) -> bool:
    """Look at every marking; False when there are too many."""
    nothing: Marking = (frozenset(), frozenset(), frozenset())
    todo = list(_after(process, nothing, process.start.outgoing))
    seen, moves, limit = set(todo), 0, MAX_WORK // max(40, len(process.nodes))
    while todo:
        marking = todo.pop()
        _check_rest(process, marking)
        tasks = marking[0] if every_order else sorted(marking[0], key=process.order.__getitem__)[:1]
        for changed, flows in _events(process, marking, tasks):
            for following in _after(process, changed, flows):
                moves += 1
                if following not in seen:
                    seen.add(following)
                    todo.append(following)
        if moves > limit:
            return False
    return True


def _check_rest(process: Process, marking: Marking) -> None:
    waiting, pending, _ = marking
    if pending and not waiting:
        join = process.nodes[process.flows[min(pending)].target]
        raise wrong_structure(join.label, "can wait for ever: not every path that it waits for comes")


def _events(process: Process, marking: Marking, tasks: Iterable[str]) -> Iterator[tuple[Marking, tuple[str, ...]]]:
    """What may happen to these tasks in a marking: the marking without the tokens taken, and the flows by which new ones come."""
    waiting, pending, timers = marking
    for task in tasks:
        own = frozenset(process.timers.get(task, ()))
        yield (waiting - {task}, pending, timers - own), process.nodes[task].outgoing
        for timer in (process.nodes[timer_id] for timer_id in own & timers):
            if timer.interrupting:
                yield (waiting - {task}, pending, timers - own), timer.outgoing
            else:
                yield (waiting, pending, timers - {timer.id}), timer.outgoing


def _after(process: Process, marking: Marking, flows: tuple[str, ...]) -> Iterator[Marking]:
    """Every marking in which tokens that come along the flows may rest."""
    scripts: list[list[tuple[str, ...]]] = [[]]
    while scripts:
        script = scripts.pop()
        choices = _Choices(script)
        moves = Moves(set(marking[0]), set(marking[1]), dict.fromkeys(marking[2]), [])
        try:
            arrive(process, choices.choose, moves, flows)
        except ConflictError as error:
            raise wrong_structure(
                process.nodes[str(error.fields["element"])].label, "can be reached again while it waits"
            ) from error
        scripts.extend(choices.others)
        yield frozenset(moves.waiting), frozenset(moves.pending), frozenset(moves.timers)


class _Choices:
    """Follows a script of choices, then takes the first option everywhere and notes the other ones as further scripts."""

    def __init__(self, script: list[tuple[str, ...]]) -> None:
        self.script = script
        self.taken: list[tuple[str, ...]] = []
        self.others: list[list[tuple[str, ...]]] = []

    def choose(self, node: Node) -> tuple[str, ...]:
        place = len(self.taken)
        if place < len(self.script):
            choice = self.script[place]
        else:
            choice, *rest = _options(node)
            self.others += [[*self.taken, other] for other in rest]
        self.taken.append(choice)
        return choice


def _options(node: Node) -> list[tuple[str, ...]]:
    """The sets of flows that a gateway may choose."""
    if node.kind is NodeKind.EXCLUSIVE:
        return [(flow_id,) for flow_id in node.outgoing]
    others = [flow_id for flow_id in node.outgoing if flow_id != node.default]
    if len(others) > MAX_INCLUSIVE:
        raise wrong_structure(node.label, f"splits into more than {MAX_INCLUSIVE} conditional paths")
    some = [subset for size in range(1, len(others) + 1) for subset in combinations(others, size)]
    return [(str(node.default),), *some]
