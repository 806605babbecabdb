"""Pages of lists: a stable order and the key of the last item seen, never an offset.

Rules
1. A list has one order, by a key that is unique and never changes. A page holds the items after a key, so an item that is there
   from the first page to the last is given exactly once, whatever comes in or goes meanwhile.
2. One item more than asked for is looked at: ``Page.next`` is None exactly at the end.

Example: ``page_of(state.grants.values(), window, key=lambda grant: (grant.provider, grant.number))``
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

Key = tuple[int | str, ...]
"""Where an item stands in its list; all keys of a list have the same form."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is wanted: at most ``limit`` items (1 or more), those after a key; None for the beginning."""

    limit: int
    after: Key | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, and the key of the last one when more follow."""

    items: list[T]
    next: Key | None


def first_of(found: Sequence[T], window: Window, key: Callable[[T], Key]) -> Page[T]:
    """The page of a query that was told to give one item more than the limit.

    Args:
        found: in the list's order, at most ``window.limit + 1``.
        window: what was asked for.
        key: of an item.
    """
    items = list(found[: window.limit])
    return Page(items, key(items[-1]) if len(found) > window.limit else None)


def page_of(items: Iterable[T], window: Window, key: Callable[[T], Key]) -> Page[T]:
    """The page of a list that is held in memory, by rising key.

    Args:
        items: all of them, in any order.
        window: what is asked for.
        key: of an item.
    """
    after = window.after
    wanted = items if after is None else (item for item in items if key(item) > after)
    return first_of(heapq.nsmallest(window.limit + 1, wanted, key=key), window, key)
