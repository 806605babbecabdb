"""Disposal: what has reached its date goes, but nothing of an open case."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from xinlian.node.asking import DISPOSE_AFTER_S
from xinlian.node.chain_state import ChainState
from xinlian.node.upkeep import ANSWER_KEPT_S, BACKUP_EVERY_S, BACKUP_KEPT_S, Upkeep
from xinlian.store import case_files, exchange, idempotency
from xinlian.store.opening import Store, open_store
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

NOW = 1_800_000_000
OPEN, CLOSED = "12411599MBDEM00233/C-1", "12411599MBDEM00233/C-2"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "data")
    yield opened
    opened.close()


async def nothing_swept() -> int:
    return 0


def upkeep(store: Store, at: int) -> Upkeep:
    cases = {ref: SimpleNamespace(ref=ref, is_open=ref == OPEN) for ref in (OPEN, CLOSED)}
    state = cast("ChainState", SimpleNamespace(cases=cases))
    return Upkeep(store.node, state, lambda: at, store.keys, Path("unused"), 7, nothing_swept)


def left(store: Store) -> list[tuple[str | None, str]]:
    sql = "SELECT case_ref, 'value' FROM received_values UNION ALL SELECT case_ref, 'opening' FROM case_subjects"
    with store.node.read() as reader:
        return sorted((str(row[0]), str(row[1])) for row in reader.fetch(sql))


async def test_values_and_openings_go_at_their_date_once_the_case_is_closed(store: Store) -> None:
    sealer = Sealer(os.urandom(32), os.urandom)

    def received(case_ref: str | None, rid: str, dispose_at: int) -> case_files.Received:
        return case_files.Received(case_ref, rid, 0, "P", "vct", b"{}", "proven", NOW, dispose_at)

    def fill(tx: Transaction) -> None:
        case_files.put_received(
            tx,
            sealer,
            [received(OPEN, "r1", NOW), received(CLOSED, "r2", NOW), received(None, "r3", NOW), received(None, "r4", NOW + 9)],
        )
        for ref in (OPEN, CLOSED):
            case_files.put_subjects(tx, sealer, ref, [case_files.CaseSubject(0, "d", b"p" * 32)])

    await store.node.write(fill)
    assert await upkeep(store, NOW).once() == 1  # r3; the closed case has its date only now
    assert left(store) == [(OPEN, "opening"), (OPEN, "value"), (CLOSED, "opening"), (CLOSED, "value"), ("None", "value")]
    assert await upkeep(store, NOW + DISPOSE_AFTER_S - 1).once() == 1  # r4
    assert await upkeep(store, NOW + DISPOSE_AFTER_S).once() == 2
    assert left(store) == [(OPEN, "opening"), (OPEN, "value")]


async def test_sealed_answers_are_forgotten_when_nobody_can_ask_for_them_again(store: Store) -> None:
    rid: Any = "AAAAAAAAAAAAAAAAAAAAAA"
    kept = exchange.Incoming(rid, "D02", b"d" * 32, 200, b"sealed", "{}", b"a" * 32, NOW)
    await store.node.write(lambda tx: exchange.keep_answer(tx, kept))
    assert await upkeep(store, NOW + ANSWER_KEPT_S).once() == 0
    assert await upkeep(store, NOW + ANSWER_KEPT_S + 1).once() == 1
    with store.node.read() as reader:
        found = exchange.answered(reader, rid, "D02", b"d" * 32)
    assert found is not None
    assert found.answer is None


async def test_answers_to_idempotent_calls_live_seven_days_and_their_keys_are_free_then(store: Store) -> None:
    sealer = Sealer(os.urandom(32), os.urandom)
    done, broken_off = (idempotency.Slot(1, "POST /grants", key, b"t" * 32) for key in ("done", "broken off"))

    def fill(tx: Transaction) -> None:
        idempotency.keep(tx, sealer, done, idempotency.Kept(201, b"{}", NOW))
        idempotency.begin(tx, broken_off, NOW)
        idempotency.note(tx, sealer, broken_off, b"{}")

    await store.node.write(fill)
    assert await upkeep(store, NOW + 7 * 86_400).once() == 0
    assert await upkeep(store, NOW + 7 * 86_400 + 1).once() == 2
    with store.node.read() as reader:
        assert idempotency.find(reader, sealer, done) is None
        assert reader.fetch("SELECT count(*) FROM idempotency") == [(0,)]


def test_the_key_store_is_backed_up_daily_and_a_backup_lives_a_week(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "key-backups"
    state = cast("ChainState", SimpleNamespace(cases={}))

    def at(moment: int) -> list[str]:
        Upkeep(store.node, state, lambda: moment, store.keys, folder, 7, nothing_swept).back_up_keys()
        return sorted(path.name for path in folder.iterdir())

    assert len(at(NOW)) == 1
    assert len(at(NOW + BACKUP_EVERY_S - 1)) == 1
    assert len(at(NOW + BACKUP_EVERY_S)) == 2
    assert len(at(NOW + BACKUP_KEPT_S)) == 2, "the first one is a week old and gone, a new one is there"
