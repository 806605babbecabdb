"""The inbox: only what the very person can act on, by deadline, with the light of the calendar on chain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from xinlian.node.inbox import Capacity, Inbox, Todo, Urging
from xinlian.node.paging import Window
from xinlian.node.people import Person, Role
from xinlian.protocol.calendar_file import calendar_of
from xinlian.protocol.clocks import ClockReading, Light, Term, read_clock
from xinlian.scenarios.calendar import shipped_calendar

START = 1_790_211_600  # 2026-09-24 09:00 in UTC+8
DAY_S = 86_400


def person(number: int, *roles: Role) -> Person:
    return Person(number, f"P{number:04d}", "测试", "测试岗", frozenset(roles), 2_000_000_000)


def todo(ref: str, since: int = START, term: Term | None = None, **changes: object) -> Todo:
    made = Todo("answer", ref, "object", "answer", Capacity.HEAD, frozenset({Role.HEAD}), since, term)
    return replace(made, **changes)  # type: ignore[arg-type]


def reading(light: Light | None, deadline: int | None = START + 5 * DAY_S) -> ClockReading:
    return ClockReading(10, 3, deadline, light, False)


def test_a_person_sees_only_what_they_can_act_on() -> None:
    inbox = Inbox(lambda term: reading(Light.GREEN))
    inbox.register(
        lambda: [
            todo("for heads"),
            todo("not for the first", never=frozenset({1})),
            todo("for the second alone", only=frozenset({2})),
            todo("for handlers", roles=frozenset({Role.SHARING})),
        ]
    )

    def refs(one: Person) -> list[str]:
        return sorted(waiting.todo.ref for waiting in inbox.of(one))

    assert refs(person(1, Role.HEAD)) == ["for heads"]
    assert refs(person(2, Role.HEAD)) == ["for heads", "for the second alone", "not for the first"]
    assert refs(person(1, Role.SHARING)) == ["for handlers"]
    assert refs(person(1, Role.SHARING, Role.HEAD)) == ["for handlers", "for heads"]
    assert refs(person(1, Role.OPERATOR)) == []


@pytest.mark.parametrize(
    ("light", "urging"), [(None, None), (Light.GREEN, None), (Light.YELLOW, Urging.REMINDED), (Light.RED, Urging.SUPERVISED)]
)
def test_a_light_presses_for_its_step(light: Light | None, urging: Urging | None) -> None:
    inbox = Inbox(lambda term: reading(light))
    inbox.register(lambda: [todo("x", term=Term(START, 10))])
    (waiting,) = inbox.of(person(1, Role.HEAD))
    assert waiting.urging is urging


def test_the_order_is_by_deadline_what_has_none_last_and_pages_follow_it() -> None:
    ends = {1: START + 9, 2: START + 3, 3: None}
    inbox = Inbox(lambda term: reading(Light.GREEN, ends[term.length_wd]))
    inbox.register(
        lambda: [todo("no term, newer", START + 1), todo("no term"), todo("missing year", term=Term(START, 3))],
        lambda: [todo("later", term=Term(START, 1)), todo("sooner", term=Term(START, 2))],
    )
    seen, window = list[str](), Window(2)
    while True:
        page = inbox.page(person(1, Role.HEAD), window)
        seen += [waiting.todo.ref for waiting in page.items]
        if page.next is None:
            break
        window = Window(2, page.next)
    assert seen == ["sooner", "later", "missing year", "no term", "no term, newer"]


def test_the_clock_of_the_dossier() -> None:
    """2026-09-24 and 10 working days: in time up to 2026-10-15, 3 used on 2026-09-30 (dossier 8.2)."""
    calendar = calendar_of(shipped_calendar())
    now = START
    inbox = Inbox(lambda term: read_clock(calendar, term, now))
    inbox.register(lambda: [todo("request", term=Term(START, 10))])

    def clock() -> ClockReading:
        (waiting,) = inbox.of(person(1, Role.HEAD))
        assert waiting.clock is not None
        return waiting.clock

    now = START + 6 * DAY_S
    assert (clock().text, clock().last_day, clock().light) == ("3 of 10 working days used", "2026-10-15", Light.GREEN)
    now = START + 21 * DAY_S
    assert (clock().used_wd, clock().light) == (10, Light.YELLOW)
    now = START + 22 * DAY_S
    assert clock().light is Light.RED
