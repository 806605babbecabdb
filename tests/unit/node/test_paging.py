"""Pages in memory: whatever comes and goes during a walk, what stays is given exactly once, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xinlian.node.paging import Page, Window, first_of, page_of

KEYS = st.tuples(st.integers(0, 30), st.sampled_from("abc"))


def key(item: tuple[int, str]) -> tuple[int, str]:
    return item


@given(st.sets(KEYS), st.integers(1, 8), st.lists(st.tuples(st.sets(KEYS, max_size=4), st.sets(KEYS, max_size=4)), max_size=40))
def test_what_stays_is_given_once_and_in_order(
    present: set[tuple[int, str]], limit: int, changes: list[tuple[set[tuple[int, str]], set[tuple[int, str]]]]
) -> None:
    stayed, seen = set(present), list[tuple[int, str]]()
    window, ahead = Window(limit), list(changes)
    while True:
        page = page_of(present, window, key)
        assert len(page.items) <= limit
        seen += page.items
        if page.next is None:
            break
        assert page.next == page.items[-1]
        if ahead:
            added, gone = ahead.pop()
            present = (present | added) - gone
            stayed -= gone
        window = Window(limit, page.next)
    assert seen == sorted(set(seen)), "in order, none twice"
    assert stayed <= set(seen), "none lost"


@given(st.sets(KEYS, min_size=1), st.integers(1, 8))
def test_the_last_page_says_so_itself(present: set[tuple[int, str]], limit: int) -> None:
    """No empty page follows: ``next`` is None exactly when nothing is left."""
    pages, window = 0, Window(limit)
    while True:
        page = page_of(present, window, key)
        pages += 1
        assert page.items
        if page.next is None:
            break
        window = Window(limit, page.next)
    assert pages == -(-len(present) // limit)


def test_a_list_without_items_is_one_empty_page() -> None:
    assert page_of([], Window(5), key) == first_of([], Window(5), key) == Page([], None)
