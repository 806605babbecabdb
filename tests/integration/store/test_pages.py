"""Pages of the database's lists: rows that are added between two pages neither lose nor double any."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.profile import scaled
from xinlian.node.asking.history import History
from xinlian.node.clock import Clock
from xinlian.node.outbox import Outbox
from xinlian.node.paging import Page, Window
from xinlian.node.people import People
from xinlian.node.reads import Reads
from xinlian.protocol.types import Uscc
from xinlian.store import anchoring, exchange, parked, people, streams
from xinlian.store.opening import Store, open_store
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

SEALER = Sealer(bytes(32), os.urandom)
OWN = Uscc("12411599MBDEM00233")


Add = Callable[[Transaction, int, int], Any]
"""Adds one row made from a number (unique) and a time (not unique); gives what its page shows of it."""


@dataclass(frozen=True)
class Listed:
    """A list: how a row is added, how a page is read, what names a row, and in which direction it goes."""

    add: Add
    page: Callable[[Store, Window], Page[Any]]
    name: Callable[[Any], Any]


def add_user(tx: Transaction, number: int, time: int) -> str:
    people.insert(tx, people.User(0, f"P{number}", "测试", "岗", ("auditor",), 9, time, None))
    return f"P{number}"


def add_parked(tx: Transaction, number: int, time: int) -> str:
    parked.park(tx, "anchoring", str(number), "reason", time)
    return str(number)


def add_query(tx: Transaction, number: int, time: int) -> str:
    rid = os.urandom(6).hex()  # in no order of arrival
    exchange.attempt(tx, exchange.Outgoing(rid, "P", "query", "P/1", None, "", b"q" * 32, None, None, time, None, 1))
    return rid


def add_transaction(tx: Transaction, number: int, _time: int) -> str:
    anchoring.insert_tx(tx, anchoring.SignedTx("0xA", number, f"0x{number}", b"raw", "anchor"))
    return f"0x{number}"


def add_read(tx: Transaction, number: int, time: int) -> bytes:
    leaf = number.to_bytes(32, "big")
    entry = streams.ReadEntry(leaf, b"s", "d", f"rid-{number}", "provider", "C", None, None, time, "records", None, None)
    streams.insert_reads(tx, SEALER, [entry])
    return leaf


def add_batch(tx: Transaction, number: int, time: int) -> bytes:
    add_read(tx, number, time)
    found = anchoring.next_range(tx, streams.READS, 1)
    assert found is not None
    sequence, first, size = found
    root = number.to_bytes(32, "big")
    anchoring.seal(tx, anchoring.Batch(streams.READS, sequence, first, size, root, "sealed", None, None, None, time))
    return root


def reads(store: Store, window: Window) -> Page[streams.ReadEntry]:
    return Reads(OWN, store.node, SEALER, bytes(32), lambda: 0).page(window, "C")


LISTS = {
    "users": Listed(add_user, lambda s, w: People(s.node, lambda: 0, 1).page(w), lambda p: p.person_id),
    "parked": Listed(add_parked, lambda s, w: Outbox(s.node).parked(w), lambda p: p.ref),
    "queries": Listed(add_query, lambda s, w: History(s.node, SEALER, Clock()).page(w), lambda q: q.rid),
    "transactions": Listed(add_transaction, lambda s, w: Outbox(s.node).transactions(w), lambda t: t.hash),
    "reads": Listed(add_read, reads, lambda r: r.leaf),
    "batches": Listed(add_batch, lambda s, w: Outbox(s.node).batches(w), lambda b: b.root),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("pages") / "data")
    yield opened
    opened.close()


def empty(tx: Transaction) -> None:
    for table in ("users", "parked", "exchange_out", "transactions", "batches", "read_entries"):
        tx.run(f"DELETE FROM {table}")


Times = st.lists(st.integers(1, 4), max_size=12)


@pytest.mark.parametrize("name", LISTS)
@given(before=Times, meanwhile=st.lists(st.lists(st.integers(1, 4), max_size=2), max_size=12), limit=st.integers(1, 5))
@settings(max_examples=scaled(ci=30, deep=1_000), deadline=None)
def test_rows_added_between_pages_lose_and_double_none(
    store: Store, name: str, before: list[int], meanwhile: list[list[int]], limit: int
) -> None:
    listed, numbers = LISTS[name], count(1)
    store.node.submit(empty).result(10)

    def add(times: Sequence[int]) -> list[Any]:
        return store.node.submit(lambda tx: [listed.add(tx, next(numbers), time) for time in times]).result(10)

    there, seen, window = add(before), list[Any](), Window(limit)
    for added in [*meanwhile, *([[]] * 40)]:
        page = listed.page(store, window)
        assert len(page.items) <= limit
        seen += [listed.name(item) for item in page.items]
        if page.next is None:
            break
        window = Window(limit, page.next)
        add(added)
    assert len(set(seen)) == len(seen), "none twice"
    assert set(there) <= set(seen), "none lost"
