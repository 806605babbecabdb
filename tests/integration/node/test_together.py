"""Single rows committed together: each judged by itself, keys before records."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from xinlian.node.accepted import Accepted
from xinlian.node.idempotency import Call
from xinlian.node.sealing import FIRST_INDEX_VERSION, KEY_FIELD
from xinlian.node.together import Rows, SealedRow
from xinlian.protocol.errors import ConflictError, StoreError
from xinlian.store import datasets, records
from xinlian.store.opening import Store, open_store
from xinlian.store.record_keys import is_destroyed
from xinlian.store.sealing import Sealer

CODE = "12411599MBDEM00233/000001"


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(tmp_path / "data")
    stored = datasets.StoredDataset(0, CODE, 1, "T-01", b"{}", bytes(32), "published", 0)
    await opened.node.write(lambda tx: datasets.insert(tx, stored))
    yield opened
    opened.close()


def row(key: str, call: Call | None = None) -> SealedRow:
    """A sealed row with this natural key."""
    jti = os.urandom(16)
    record = (jti, 1, 1, 1_790_000_000, None, os.urandom(32), b"ciphertext", "rec/1", 1)
    return SealedRow(record, (jti, 1, 1, os.urandom(60)), [(KEY_FIELD, FIRST_INDEX_VERSION, key.encode().ljust(16))], 1, call)


def call(store: Store, key: str, body: bytes) -> Call:
    """An idempotent call."""
    made = Call(1, "POST /rows", key, 0, bytes(32), Sealer(bytes(32), os.urandom), store.node)
    made.update(body)
    return made


async def add_all(store: Store, *rows: SealedRow) -> list[Accepted | BaseException]:
    """Add rows at the same time."""
    together = Rows(store)
    return await asyncio.gather(*(together.add(one) for one in rows), return_exceptions=True)


def has_key(store: Store, one: SealedRow) -> bool:
    with store.keys.read() as reader:
        return not is_destroyed(reader, one.key[0], 1)


def codes(outcomes: list[Accepted | BaseException]) -> list[str]:
    return [outcome.code if isinstance(outcome, ConflictError | StoreError) else "accepted" for outcome in outcomes]


async def test_rows_of_many_callers_are_one_contiguous_run_with_their_keys(store: Store) -> None:
    rows = [row(f"k{i}") for i in range(700)]  # more than one group
    outcomes = await add_all(store, *rows)
    positions = [outcome.first_position for outcome in outcomes if isinstance(outcome, Accepted)]
    assert positions == list(range(1, 701))
    with store.node.read() as reader:
        for position, one in zip(positions, rows, strict=True):
            assert records.by_position(reader, position).jti == one.key[0]
    assert all(has_key(store, one) for one in rows)


async def test_a_key_that_stands_twice_is_refused_alone_and_its_record_key_destroyed(store: Store) -> None:
    rows = [row("a"), row("b"), row("a"), row("c")]
    outcomes = await add_all(store, *rows)
    assert codes(outcomes) == ["accepted", "accepted", "record-exists", "accepted"]
    assert [has_key(store, one) for one in rows] == [True, True, False, True]
    later = [row("c"), row("d")]
    assert codes(await add_all(store, *later)) == ["record-exists", "accepted"]
    assert [has_key(store, one) for one in later] == [False, True]
    with store.node.read() as reader:
        assert records.last_position(reader) == 4


async def test_of_two_equal_calls_in_one_group_one_is_carried_out(store: Store) -> None:
    first, twin = call(store, "K", b"row"), call(store, "K", b"row")
    rows = [row("a", first), row("a", twin), row("b")]
    assert codes(await add_all(store, *rows)) == ["accepted", "idempotency-race", "accepted"]
    assert [has_key(store, one) for one in rows] == [True, False, True]
    kept = twin.find()
    assert kept is not None
    assert kept[1]["first_position"] == 1
    assert codes(await add_all(store, row("x", call(store, "K", b"row")))) == ["idempotency-race"]
    assert codes(await add_all(store, row("y", call(store, "K", b"other")))) == ["idempotency-mismatch"]


async def test_the_key_is_durable_before_its_record_is_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    rows = [row("a"), row("b")]
    insert = records.insert_many

    def watched(*given: object) -> int:
        seen.extend(has_key(store, one) for one in rows)
        return insert(*given)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(records, "insert_many", watched)
    assert codes(await add_all(store, *rows)) == ["accepted"] * 2
    assert seen == [True, True]


async def test_a_failing_key_store_stores_no_record(store: Store) -> None:
    store.keys.close()
    assert codes(await add_all(store, row("a"), row("b"))) == ["store-closed"] * 2
    with store.node.read() as reader:
        assert records.last_position(reader) == 0


async def test_a_failing_record_store_fails_every_caller_of_the_group_and_the_next_group_goes_on(store: Store) -> None:
    twin = row("a")
    clash = SealedRow(twin.record, (os.urandom(16), 1, 1, os.urandom(60)), row("b").tokens, 1, None)
    outcomes = await add_all(store, twin, clash)
    assert codes(outcomes) == ["record-exists"] * 2
    assert codes(await add_all(store, row("c"))) == ["accepted"]


async def test_a_caller_that_gives_up_takes_nothing_back(store: Store) -> None:
    together = Rows(store)
    leaving = asyncio.ensure_future(together.add(row("a")))
    staying = asyncio.ensure_future(together.add(row("b")))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).first_position == 2
