from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest

from tests.support.jobs import job
from xinlian.protocol.errors import ConflictError, NotFoundError, StoreError
from xinlian.store import anchoring, chain_cache, read_records, records, statuses, streams
from xinlian.store.chain_cache import Block, ChainMark, Progress, Step
from xinlian.store.opening import Store
from xinlian.store.sealing import Sealer

DEPARTMENT = "12411599MBDEM00233"


def _row(dataset_id: int, i: int, rev: int = 1, prev: bytes | None = None) -> records.NewRow:
    jti = sha256(b"%d" % i).digest()[:16]
    return (jti, rev, dataset_id, 1_700_000_000, prev, sha256(b"leaf %d %d" % (i, rev)).digest(), b"ct", "rec/1", 1)


def _insert(store: Store, rows: list[records.NewRow], tokens: list[list[records.Token]] | None = None) -> int:
    return store.node.submit(lambda tx: records.insert_many(tx, rows, tokens or ())).result(5)


def _token(text: str) -> bytes:
    return sha256(text.encode()).digest()[:16]


def test_single_and_many_take_the_next_positions(store: Store, dataset_id: int) -> None:
    assert _insert(store, [_row(dataset_id, 1)]) == 1
    assert _insert(store, [_row(dataset_id, i) for i in (2, 3, 4)]) == 2
    assert _insert(store, [_row(dataset_id, 5)]) == 5
    with store.node.read() as reader:
        assert records.last_position(reader) == 5
        assert [record.position for record in records.page(reader, [dataset_id], 0, 10)] == [1, 2, 3, 4, 5]
        assert records.by_position(reader, 5).jti == _row(dataset_id, 5)[0]
        assert [r.position for r in records.page(reader, [dataset_id], 2, 2)] == [3, 4]


@pytest.mark.parametrize("size", [1, 3])
def test_a_revision_twice_is_refused_without_a_gap(store: Store, dataset_id: int, size: int) -> None:
    _insert(store, [_row(dataset_id, 1)])
    with pytest.raises(ConflictError) as caught:
        _insert(store, [_row(dataset_id, 10 + i) for i in range(size - 1)] + [_row(dataset_id, 1)])
    assert caught.value.code == "record-exists"
    assert _insert(store, [_row(dataset_id, 2)]) == 2


def test_a_record_of_no_dataset_is_refused(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        _insert(store, [_row(99, 1)])
    assert caught.value.code == "store-constraint"


def test_concurrent_publishers_fill_the_stream_without_gaps(store: Store, dataset_id: int) -> None:
    async def main() -> list[int]:
        return await asyncio.gather(*(store.node.write(job(records.insert_many, [_row(dataset_id, i)])) for i in range(300)))

    assert sorted(asyncio.run(main())) == list(range(1, 301))


def test_lookup_finds_the_latest_live_revision_only(store: Store, dataset_id: int) -> None:
    old, new = [("id_number", 1, _token("old"))], [("id_number", 1, _token("new"))]
    first = _row(dataset_id, 1)
    _insert(store, [first, _row(dataset_id, 2)], [old, []])
    with store.node.read() as reader:
        assert [r.position for r in records.by_token(reader, [dataset_id], "id_number", 1, _token("old"))] == [1]
    _insert(store, [_row(dataset_id, 1, 2, first[5])], [new])
    with store.node.read() as reader:
        assert records.by_token(reader, [dataset_id], "id_number", 1, _token("old")) == []
        assert [r.rev for r in records.by_token(reader, [dataset_id], "id_number", 1, _token("new"))] == [2]
        assert records.by_token(reader, [dataset_id], "unit_code", 1, _token("new")) == []
        assert records.by_token(reader, [dataset_id], "id_number", 2, _token("new")) == []
        assert records.by_token(reader, [dataset_id + 1], "id_number", 1, _token("new")) == []
        assert (records.by_jti(reader, first[0]).rev, records.by_jti(reader, first[0], 1).rev) == (2, 1)
        assert [r.prev for r in records.revisions(reader, first[0])] == [None, first[5]]
        with pytest.raises(NotFoundError) as caught:
            records.by_jti(reader, first[0], 3)
        assert caught.value.code == "record-unknown"


def test_reindexing_moves_to_a_new_version(store: Store, dataset_id: int) -> None:
    _insert(store, [_row(dataset_id, 1), _row(dataset_id, 2)], [[("id_number", 1, _token("a"))], [("id_number", 1, _token("b"))]])
    again = [(1, dataset_id, "id_number", 2, _token("a2")), (2, dataset_id, "id_number", 2, _token("b2"))]
    for _ in range(2):
        store.node.submit(lambda tx: records.reindex(tx, again)).result(5)
    with store.node.read() as reader:
        assert records.index_parts(reader) == [(dataset_id, "id_number", version) for version in (1, 2)]
        assert [records.unindexed(reader, "id_number", version) for version in (1, 2, 3)] == [0, 0, 2]
        assert [r.position for r in records.by_token(reader, [dataset_id], "id_number", 2, _token("b2"))] == [2]
    assert store.node.submit(lambda tx: records.drop_index(tx, dataset_id, "id_number", 1)).result(5) == 2
    with store.node.read() as reader:
        assert records.index_parts(reader) == [(dataset_id, "id_number", 2)]


def test_leaves_come_in_order_and_whole_ranges_only(store: Store, dataset_id: int) -> None:
    rows = [_row(dataset_id, i) for i in range(5)]
    _insert(store, rows)
    with store.node.read() as reader:
        assert streams.leaves(reader, streams.RECORDS, 2, 4) == b"".join(row[5] for row in rows[1:4])
        with pytest.raises(StoreError) as caught:
            streams.leaves(reader, streams.RECORDS, 2, 6)
    assert caught.value.code == "batch-gap"


def _batch(sequence: int, first: int, size: int) -> anchoring.Batch:
    return anchoring.Batch(streams.RECORDS, sequence, first, size, bytes(32), "sealed", None, None, None, 5)


def _seal(store: Store, batch: anchoring.Batch) -> anchoring.Batch:
    return store.node.submit(lambda tx: anchoring.seal(tx, batch)).result(5)


def test_batches_follow_each_other_exactly(store: Store, dataset_id: int) -> None:
    _insert(store, [_row(dataset_id, i) for i in range(10)])
    with store.node.read() as reader:
        assert anchoring.next_range(reader, streams.RECORDS, 4) == (1, 1, 4)
        assert anchoring.next_range(reader, streams.READS, 4) is None
    _seal(store, _batch(1, 1, 4))
    for wrong in (_batch(1, 1, 4), _batch(2, 4, 2), _batch(2, 6, 2), _batch(3, 5, 2), _batch(2, 5, 7), _batch(2, 5, 0)):
        with pytest.raises(StoreError) as caught:
            _seal(store, wrong)
        assert caught.value.code == "batch-gap"
    _seal(store, _batch(2, 5, 6))
    with store.node.read() as reader:
        assert anchoring.next_range(reader, streams.RECORDS, 4) is None
        found = [anchoring.batch_of(reader, streams.RECORDS, position) for position in (1, 4, 5, 10)]
        assert [b.sequence for b in found if b is not None] == [1, 1, 2, 2]
        assert anchoring.batch_of(reader, streams.RECORDS, 11) is None
        assert statuses.standing(reader, DEPARTMENT, streams.RECORDS, 6).index == 1


def test_status_is_the_highest_mark_of_exactly_that_leaf(store: Store, dataset_id: int) -> None:
    _insert(store, [_row(dataset_id, i) for i in range(300)])
    _seal(store, _batch(1, 1, 300))
    marks = [
        ChainMark(DEPARTMENT, 1, 1, 1 << 2 * 2 | 1 << 2 * 127, 1, 0, 10, 0),  # leaves 130 and 255
        ChainMark(DEPARTMENT, 1, 1, 1 << 2 * 2, 3, 0, 12, 0),  # leaf 130 again
        ChainMark(DEPARTMENT, 2, 0, 1, 2, 0, 12, 1),  # another batch
        ChainMark("another department", 1, 0, 1, 2, 0, 12, 2),
    ]
    step = Step((), (), (), marks, Progress(Block(12, "0x12", 0), 0))
    store.node.submit(lambda tx: chain_cache.apply(tx, step)).result(5)
    with store.node.read() as reader:
        standing = {p: statuses.standing(reader, DEPARTMENT, streams.RECORDS, p).status for p in range(1, 301)}
        assert {p: status for p, status in standing.items() if status} == {131: 3, 256: 1}
        assert chain_cache.status(reader, DEPARTMENT, 1, 130, up_to_block=11) == 1
        assert chain_cache.status(reader, DEPARTMENT, 1, 130, up_to_block=9) == 0


# -- streams 2 and 3 ---------------------------------------------------------------------------------
def _entry(i: int, role: str = "provider") -> streams.ReadEntry:
    leaf = sha256(b"read %d" % i).digest()
    return streams.ReadEntry(leaf, b"st", f"秘密 {i}", f"rid-{i}", role, "USCC", "P/1", "L/1", 5, "records", b"t" * 32, b"p" * 32)


def test_read_entries_and_answers_keep_their_disclosures_sealed(store: Store, sealer: Sealer) -> None:
    entries = [_entry(i) for i in range(3)]
    answer = streams.Answer(sha256(b"a").digest(), b"st", "秘密 a", "rid-1", 0, 5)
    assert store.node.submit(lambda tx: streams.insert_reads(tx, sealer, entries)).result(5) == 1
    assert store.node.submit(lambda tx: streams.insert_reads(tx, sealer, [_entry(1, "requester")])).result(5) == 4
    assert store.node.submit(lambda tx: streams.insert_answers(tx, sealer, [answer])).result(5) == 1
    with store.node.read() as reader:
        both = streams.reads_of_rid(reader, sealer, "rid-1")
        assert [(e.role, e.position, e.disclosures) for e in both] == [("provider", 2, "秘密 1"), ("requester", 4, "秘密 1")]
        assert [e.position for e in streams.reads_page(reader, sealer, 1, 2)] == [2, 3]
        assert streams.reads_page(reader, sealer, 0, 9, "someone else") == []
        assert len(streams.reads_by_pseudonym(reader, sealer, b"p" * 32)) == 4
        assert read_records.uses(reader, b"t" * 32, "provider") == [read_records.Use("USCC", f"rid-{i}", 0) for i in range(3)]
        assert [a.disclosures for a in streams.answers_of_rid(reader, sealer, "rid-1")] == ["秘密 a"]
        assert streams.answer_at(reader, sealer, 1).leaf == answer.leaf
        assert streams.leaves(reader, streams.READS, 1, 2) == entries[0].leaf + entries[1].leaf
        raw = [row[0] for row in reader.fetch("SELECT disclosures_sealed FROM read_entries")]
        assert all("秘密".encode() not in blob for blob in raw)
    for again in (
        lambda tx: streams.insert_reads(tx, sealer, [_entry(1)]),
        lambda tx: streams.insert_answers(tx, sealer, [answer]),
    ):
        with pytest.raises(ConflictError) as caught:
            store.node.submit(again).result(5)
        assert caught.value.code == "rid-exists"


def test_a_sealed_value_moved_to_another_row_does_not_open(store: Store, sealer: Sealer) -> None:
    store.node.submit(lambda tx: streams.insert_reads(tx, sealer, [_entry(1), _entry(2)])).result(5)
    swap = "UPDATE read_entries SET disclosures_sealed = (SELECT disclosures_sealed FROM read_entries WHERE position = 2)"
    store.node.submit(lambda tx: tx.run(swap)).result(5)
    with store.node.read() as reader, pytest.raises(StoreError) as caught:
        streams.read_at(reader, sealer, 1)
    assert caught.value.code == "sealed-broken"
