"""What waits for a person: as 经办 (handler), 负责人 (head) or for the authority, with deadline, working days used, and light.

Rules
1. A source names what waits for anybody; who may act on it is told by the roles it names and by whom it leaves out (nobody
   decides on what they proposed). The inbox of a person holds only what that very person can act on.
2. Deadlines are not stored: a source gives the term, the calendar on chain says when it ends.
3. 催办 from a yellow light on, 督办 from a red one: the first reminds, the second is also the authority's business.
4. The order is by deadline, what has none last.

Example: ``inbox.register(lambda: requests_to_answer(state))``

Source: dossier 2.3.1 (催办 → 督办), 4.1 no. 7 (lights); design 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from xinlian.node.paging import Key, Page, Window, page_of
from xinlian.node.people import Person, Role
from xinlian.protocol.clocks import ClockReading, Light, Term

_NO_DEADLINE = 2**40


class Capacity(StrEnum):
    """In which capacity somebody is to act."""

    HANDLER = "handler"
    HEAD = "head"
    AUTHORITY = "authority"


class Urging(StrEnum):
    """How a late step is pressed for."""

    REMINDED = "催办"
    SUPERVISED = "督办"


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing that waits.

    Args:
        kind: what is to be done, kebab-case.
        ref: which one, unique within its kind; where to go on (``approval 7``).
        object_ref: what it is about.
        what: the step it belongs to, kebab-case.
        capacity: in which it is done.
        roles: any one of them suffices.
        since: law time it began to wait, epoch seconds.
        term: the statutory term that runs meanwhile, None for none.
        only: ``users.id`` of those it waits for; None for everybody with a role.
        never: ``users.id`` of those who may not act on it.
    """

    kind: str
    ref: str
    object_ref: str
    what: str
    capacity: Capacity
    roles: frozenset[Role]
    since: int
    term: Term | None = None
    only: frozenset[int] | None = None
    never: frozenset[int] = frozenset()

    def is_for(self, person: Person) -> bool:
        """Whether this person can act on it."""
        if person.id in self.never or not person.roles & self.roles:
            return False
        return self.only is None or person.id in self.only


@dataclass(frozen=True, slots=True)
class Waiting:
    """A thing that waits, with its clock as it stands now."""

    todo: Todo
    clock: ClockReading | None

    @property
    def urging(self) -> Urging | None:
        """How it is pressed for, None while there is time."""
        light = None if self.clock is None else self.clock.light
        return {Light.YELLOW: Urging.REMINDED, Light.RED: Urging.SUPERVISED}.get(light) if light is not None else None

    @property
    def key(self) -> Key:
        """Its place in the list."""
        deadline = None if self.clock is None else self.clock.deadline_s
        return (_NO_DEADLINE if deadline is None else deadline, self.todo.since, self.todo.kind, self.todo.ref)


Source = Callable[[], Iterable[Todo]]


class Inbox:
    """The use case.

    Args:
        read: how a term stands now, by the calendar on chain.
    """

    def __init__(self, read: Callable[[Term], ClockReading]) -> None:
        self._read = read
        self._sources: list[Source] = []

    def register(self, *sources: Source) -> None:
        """Add what may wait; before the node runs."""
        self._sources.extend(sources)

    def page(self, person: Person, window: Window) -> Page[Waiting]:
        """What waits for a person, the most urgent first."""
        return page_of(self.of(person), window, lambda waiting: waiting.key)

    def of(self, person: Person) -> list[Waiting]:
        """Everything that waits for a person, in no order."""
        return [self._waiting(todo) for source in self._sources for todo in source() if todo.is_for(person)]

    def _waiting(self, todo: Todo) -> Waiting:
        return Waiting(todo, None if todo.term is None else self._read(todo.term))
