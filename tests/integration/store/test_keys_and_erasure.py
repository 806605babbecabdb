"""Record keys: wrapped, destroyed without a trace, swept, backed up; the erasure sequence resumes anywhere."""

from __future__ import annotations

import os
import random
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.jobs import job
from xinlian.protocol.errors import NotFoundError, StoreError
from xinlian.store import anchoring, erasures, idempotency, imports, record_keys, records
from xinlian.store.opening import Store
from xinlian.store.record_keys import Vault
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

TAG = b"t" * 32
"""Of no read entry."""


def _jti(i: int) -> bytes:
    return sha256(f"jti {i}".encode()).digest()[:16]


def _row(dataset_id: int, i: int, rev: int = 1) -> records.NewRow:
    leaf = sha256(f"leaf {i} {rev}".encode()).digest()
    return (_jti(i), rev, dataset_id, 1_700_000_000, None, leaf, b"ciphertext of %d" % i, "rec/1", 1)


def _files_hold(folder: Path, needle: bytes) -> list[str]:
    return [path.name for path in sorted(folder.rglob("*")) if path.is_file() and needle in path.read_bytes()]


def test_a_key_comes_back_only_for_its_own_record(store: Store, vault: Vault) -> None:
    keys = [(_jti(i), 1, os.urandom(32)) for i in range(50)]
    store.keys.submit(lambda tx: record_keys.put_many(tx, vault.wrap_many(keys))).result(5)
    with store.keys.read() as reader:
        assert [vault.unwrap(record_keys.get(reader, jti, rev)) for jti, rev, _ in keys] == [key for _, _, key in keys]
        one = record_keys.get(reader, _jti(1), 1)
    for other in (
        record_keys.WrappedKey(_jti(2), 1, one.kek, one.wrapped),
        record_keys.WrappedKey(one.jti, 2, one.kek, one.wrapped),
        record_keys.WrappedKey(one.jti, 1, 9, one.wrapped),
        record_keys.WrappedKey(one.jti, 1, one.kek, one.wrapped[:-1] + bytes([one.wrapped[-1] ^ 1])),
    ):
        with pytest.raises(StoreError) as caught:
            vault.unwrap(other)
        assert caught.value.code == "sealed-broken"


def test_the_newest_kek_wraps_and_old_ones_still_open(store: Store) -> None:
    old, new = os.urandom(32), os.urandom(32)
    key = os.urandom(32)
    store.keys.submit(lambda tx: record_keys.put_many(tx, Vault({1: old}, os.urandom).wrap_many([(_jti(1), 1, key)]))).result(5)
    both = Vault({1: old, 2: new}, os.urandom)
    store.keys.submit(lambda tx: record_keys.put_many(tx, both.wrap_many([(_jti(2), 1, key)]))).result(5)
    with store.keys.read() as reader:
        found = [record_keys.get(reader, _jti(i), 1) for i in (1, 2)]
    assert [item.kek for item in found] == [1, 2]
    assert [both.unwrap(item) for item in found] == [key, key]


def test_a_destroyed_key_is_in_no_file(store: Store, vault: Vault, tmp_path: Path) -> None:
    """Random ids and many pages: no copy may stay behind in a page that a b-tree split or freed."""
    folder = tmp_path / "data"
    wrapped = vault.wrap_many([(os.urandom(16), 1, os.urandom(32)) for _ in range(3_000)])
    for i in range(0, 3_000, 100):
        store.keys.submit(job(record_keys.put_many, wrapped[i : i + 100])).result(5)
    victims = random.Random(1).sample(wrapped, 200)
    assert _files_hold(folder, victims[0][3]) != []
    for jti, rev, _, _ in victims:
        assert store.keys.submit(job(record_keys.destroy, jti, rev)).result(5)
    assert any(_files_hold(folder, row[3]) for row in victims)  # the write-ahead log still has them: the checkpoint matters
    store.keys.checkpoint().result(5)
    everything = b"".join(path.read_bytes() for path in folder.iterdir())
    assert [row for row in victims if row[3] in everything or row[3][12:44] in everything] == []
    assert all(row[3] in everything for row in wrapped if row not in victims)
    with store.keys.read() as reader:
        assert record_keys.is_destroyed(reader, victims[0][0], 1)
        with pytest.raises(NotFoundError) as caught:
            record_keys.get(reader, victims[0][0], 1)
    assert caught.value.code == "record-key-missing"
    assert not store.keys.submit(lambda tx: record_keys.destroy(tx, victims[0][0], 1)).result(5)


def test_orphans_are_destroyed_once_and_records_keep_theirs(store: Store, vault: Vault, dataset_id: int) -> None:
    keys = [(_jti(i), 1, os.urandom(32)) for i in range(2_500)]
    store.keys.submit(lambda tx: record_keys.put_many(tx, vault.wrap_many(keys))).result(5)
    store.node.submit(lambda tx: records.insert_many(tx, [_row(dataset_id, i) for i in range(2_490)])).result(5)
    assert record_keys.sweep_orphans(store.keys, store.node) == 10
    with store.keys.read() as reader:
        gone = [i for i in range(2_500) if record_keys.is_destroyed(reader, _jti(i), 1)]
    assert gone == list(range(2_490, 2_500))
    assert record_keys.sweep_orphans(store.keys, store.node) == 0


def test_backups_of_keys_live_their_time_only(store: Store, vault: Vault, tmp_path: Path) -> None:
    wrapped = vault.wrap_many([(_jti(1), 1, os.urandom(32))])
    store.keys.submit(lambda tx: record_keys.put_many(tx, wrapped)).result(5)
    folder = tmp_path / "backup"
    old = record_keys.backup(store.keys, folder, 1_000)
    new = record_keys.backup(store.keys, folder, 2_000)
    assert wrapped[0][3] in old.read_bytes()
    assert record_keys.purge_backups(folder, 4_600, 3_600) == [old]
    assert [path for _, path in record_keys.backups(folder)] == [new]
    assert record_keys.purge_backups(folder, 5_599, 3_600) == []
    assert record_keys.purge_backups(folder, 5_600, 3_600) == [new]


# -- the erasure sequence ----------------------------------------------------------------------------
def _steps(store: Store, position: int, jti: bytes) -> list[object]:
    def destroy() -> None:
        store.keys.submit(lambda tx: record_keys.destroy(tx, jti, 1)).result(5)
        store.keys.checkpoint().result(5)
        store.node.submit(lambda tx: erasures.key_destroyed(tx, position)).result(5)

    def checkpoint() -> None:
        store.node.checkpoint().result(5)
        store.node.submit(lambda tx: erasures.checkpointed(tx, position)).result(5)

    return [
        lambda: store.node.submit(lambda tx: erasures.intend(tx, position, 7, 1, 100)).result(5),
        destroy,
        lambda: store.node.submit(lambda tx: erasures.purge(tx, position, TAG)).result(5),
        checkpoint,
        lambda: store.node.submit(lambda tx: erasures.mark(tx, position, 200)).result(5),
    ]


def test_an_erasure_leaves_the_leaf_and_nothing_personal(
    store: Store, vault: Vault, sealer: Sealer, dataset_id: int, tmp_path: Path
) -> None:
    wrapped = vault.wrap_many([(_jti(i), 1, os.urandom(32)) for i in range(3)])
    secret, neighbour, token = os.urandom(200), os.urandom(200), os.urandom(16)
    rows = [(*_row(dataset_id, i)[:6], text, "rec/1", 1) for i, text in enumerate((neighbour, secret, neighbour))]
    slot = idempotency.Slot(1, "POST /records", "k", os.urandom(32))
    leftover = b'{"id_number": "of position 2"}'

    def publish(tx: Transaction) -> int:
        first = records.insert_many(tx, rows, [[], [("id_number", 1, token)], []])
        idempotency.keep(tx, sealer, slot, idempotency.Kept(201, b'{"ids": []}', 5, (first, first + 2)))
        import_id = imports.begin(tx, bytes(32), dataset_id, 1, 5)
        imports.put_rows(tx, sealer, import_id, [(2, first + 1, leftover), (3, first + 2, leftover)])
        imports.finish(tx, sealer, import_id, imports.ImportEnd("done", 3, (first, first + 2), b"report"))
        return first

    store.keys.submit(lambda tx: record_keys.put_many(tx, wrapped)).result(5)
    assert store.node.submit(publish).result(5) == 1
    for step in _steps(store, 2, _jti(1)):
        step()  # type: ignore[operator]
    with store.node.read() as reader:
        erased, kept = records.by_position(reader, 2), records.by_position(reader, 3)
        assert (erased.is_erased, erased.ciphertext, erased.leaf) == (True, None, rows[1][5])
        assert (kept.is_erased, kept.ciphertext) == (False, neighbour)
        assert records.by_token(reader, [dataset_id], "id_number", 1, token) == []
        emptied = idempotency.find(reader, sealer, idempotency.Slot(1, "POST /records", "k", os.urandom(32)))
        assert emptied == idempotency.Kept(201, None, 5, (1, 3))
        assert imports.rows_of(reader, sealer, 1) == [(3, 3, leftover)]
        assert imports.by_id(reader, sealer, 1).report is None
        assert [(m.status, m.reason, m.state) for m in anchoring.marks_of(reader, 2)] == [(3, 7, "queued")]
        assert erasures.unfinished(reader) == []
    assert _files_hold(tmp_path / "data", secret) == []
    assert _files_hold(tmp_path / "data", token) == []
    assert _files_hold(tmp_path / "data", wrapped[1][3]) == []
    assert _files_hold(tmp_path / "data", neighbour) != []


@pytest.mark.parametrize("stopped_after", range(1, 5))
def test_an_erasure_resumes_from_any_point_and_repeats_harmlessly(
    store: Store, vault: Vault, dataset_id: int, stopped_after: int
) -> None:
    store.keys.submit(lambda tx: record_keys.put_many(tx, vault.wrap_many([(_jti(1), 1, os.urandom(32))]))).result(5)
    store.node.submit(lambda tx: records.insert_many(tx, [_row(dataset_id, 1)])).result(5)
    steps = _steps(store, 1, _jti(1))
    for step in steps[:stopped_after]:
        step()  # type: ignore[operator]
    with store.node.read() as reader:
        assert [e.state for e in erasures.unfinished(reader)] == [erasures.STATES[stopped_after - 1]]
        assert erasures.is_begun(reader, 1)
    for step in steps:  # after the crash everything is taken again from the beginning
        step()  # type: ignore[operator]
    with store.node.read() as reader:
        assert erasures.by_position(reader, 1) == erasures.Erasure(1, "marked", 7, 1, 100, 200)
        assert len(anchoring.marks_of(reader, 1)) == 1


def _purge(tx: Transaction, position: int) -> None:
    erasures.purge(tx, position, TAG)


def _mark_at_5(tx: Transaction, position: int) -> None:
    erasures.mark(tx, position, 5)


def test_steps_out_of_order_are_refused(store: Store, dataset_id: int) -> None:
    store.node.submit(lambda tx: records.insert_many(tx, [_row(dataset_id, 1)])).result(5)
    with pytest.raises(NotFoundError) as missing:
        store.node.submit(lambda tx: erasures.purge(tx, 1, TAG)).result(5)
    assert missing.value.code == "record-unknown"
    store.node.submit(lambda tx: erasures.intend(tx, 1, 7, 1, 100)).result(5)
    for early in (_purge, erasures.checkpointed, _mark_at_5):
        with pytest.raises(StoreError) as caught:
            store.node.submit(job(early, 1)).result(5)
        assert caught.value.code == "erasure-state"
    with store.node.read() as reader:
        assert not records.by_position(reader, 1).is_erased


def test_compacting_leaves_no_token_of_an_erased_record_in_any_slack(store: Store, dataset_id: int, tmp_path: Path) -> None:
    """Random tokens split pages and leave copies behind; found by looking, so it is looked for here."""
    source = random.Random(2)
    tokens = [source.randbytes(16) for _ in range(4_000)]
    for i in range(0, 4_000, 50):
        part = [_row(dataset_id, j) for j in range(i, i + 50)]
        own = [[("id_number", 1, tokens[j])] for j in range(i, i + 50)]
        store.node.submit(job(records.insert_many, part, own)).result(5)
    victims = source.sample(range(4_000), 400)

    def erase(tx: Transaction) -> None:
        for i in victims:
            erasures.intend(tx, i + 1, 7, 1, 100)
            erasures.key_destroyed(tx, i + 1)
            erasures.purge(tx, i + 1, TAG)

    store.node.submit(erase).result(5)
    store.node.compact().result(30)
    everything = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert [i for i in victims if tokens[i] in everything] == []
    assert all(tokens[i] in everything for i in range(4_000) if i not in victims)
    with store.node.read() as reader:
        assert [r.position for r in records.page(reader, [dataset_id], 0, 5_000)] == list(range(1, 4_001))
