"""The outbox's states, and the cache of the chain against a model under any sequence of steps and rollbacks."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.jobs import job
from xinlian.store import anchoring, chain_cache, records
from xinlian.store.anchoring import Batch, SignedTx
from xinlian.store.chain_cache import Block, ChainBatch, ChainEvent, ChainMark, Progress, Step
from xinlian.store.opening import Store, open_store
from xinlian.store.writer import Transaction


def _publish(tx: Transaction, dataset_id: int) -> None:
    rows = [
        (sha256(b"%d" % i).digest()[:16], 1, dataset_id, 5, None, sha256(b"leaf %d" % i).digest(), b"ct", "rec/1", 1)
        for i in range(4)
    ]
    records.insert_many(tx, rows)
    anchoring.seal(tx, Batch(1, 1, 1, 2, bytes(32), "sealed", None, None, None, 5))
    anchoring.seal(tx, Batch(1, 2, 3, 2, bytes(32), "sealed", None, None, None, 5))
    anchoring.queue_mark(tx, 1, 2, 9)
    anchoring.queue_mark(tx, 1, 2, 9)


def _send(tx: Transaction, name: str = "0xaa", nonce: int = 0) -> int:
    tx_id = anchoring.insert_tx(tx, SignedTx("0xS", nonce, name, b"raw", "anchor"))
    anchoring.load_tx(tx, tx_id, [(1, 1), (1, 2)], [m.id for m in anchoring.marks_in(tx, "queued")])
    anchoring.tx_sent(tx, tx_id, 50)
    return tx_id


def _states(store: Store) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    with store.node.read() as reader:
        batches = anchoring.all_batches(reader)
        marks = anchoring.marks_of(reader, 1)
        txs = reader.fetch("SELECT hash, state FROM transactions ORDER BY id")
    return [b.state for b in batches], [m.state for m in marks], [(t[0], t[1]) for t in txs]


def test_a_load_travels_from_sealed_to_final(store: Store, dataset_id: int) -> None:
    store.node.submit(lambda tx: _publish(tx, dataset_id)).result(5)
    assert _states(store) == (["sealed"] * 2, ["queued"], [])
    tx_id = store.node.submit(_send).result(5)
    assert _states(store) == (["sent"] * 2, ["sent"], [("0xaa", "sent")])
    store.node.submit(lambda tx: anchoring.tx_mined(tx, tx_id, 7, 70)).result(5)
    assert _states(store) == (["mined"] * 2, ["mined"], [("0xaa", "mined")])
    store.node.submit(lambda tx: anchoring.finalise(tx, 6)).result(5)
    assert _states(store)[0] == ["mined"] * 2
    store.node.submit(lambda tx: anchoring.finalise(tx, 7)).result(5)
    assert _states(store) == (["final"] * 2, ["final"], [("0xaa", "final")])
    with store.node.read() as reader:
        assert {(b.tx_id, b.block_number, b.block_time) for b in anchoring.batches_of_tx(reader, tx_id)} == {(tx_id, 7, 70)}
        assert anchoring.highest_nonce(reader, "0xS") == 0
        assert anchoring.highest_nonce(reader, "0xT") is None


def test_a_reorganisation_takes_mined_back_to_sent(store: Store, dataset_id: int) -> None:
    store.node.submit(lambda tx: _publish(tx, dataset_id)).result(5)
    tx_id = store.node.submit(_send).result(5)
    store.node.submit(lambda tx: anchoring.tx_mined(tx, tx_id, 7, 70)).result(5)
    store.node.submit(lambda tx: anchoring.unmine_after(tx, 7)).result(5)
    assert _states(store)[0] == ["mined"] * 2
    store.node.submit(lambda tx: anchoring.unmine_after(tx, 6)).result(5)
    assert _states(store) == (["sent"] * 2, ["sent"], [("0xaa", "sent")])
    with store.node.read() as reader:
        assert {b.block_number for b in anchoring.all_batches(reader)} == {None}


def test_a_failed_transaction_gives_its_load_back(store: Store, dataset_id: int) -> None:
    store.node.submit(lambda tx: _publish(tx, dataset_id)).result(5)
    tx_id = store.node.submit(_send).result(5)
    store.node.submit(lambda tx: anchoring.tx_failed(tx, tx_id)).result(5)
    assert _states(store) == (["sealed"] * 2, ["queued"], [("0xaa", "failed")])
    with store.node.read() as reader:
        assert anchoring.highest_nonce(reader, "0xS") is None


@pytest.mark.parametrize("winner", ["0xaa", "0xbb"])
def test_whichever_of_two_rivals_is_mined_has_the_load(store: Store, dataset_id: int, winner: str) -> None:
    store.node.submit(lambda tx: _publish(tx, dataset_id)).result(5)
    first = store.node.submit(_send).result(5)

    def replace(tx: Transaction) -> int:
        second = anchoring.insert_tx(tx, SignedTx("0xS", 0, "0xbb", b"raw2", "anchor"))
        anchoring.tx_replaced(tx, first, second)
        anchoring.tx_sent(tx, second, 60)
        return second

    second = store.node.submit(replace).result(5)
    mined, lost = (first, second) if winner == "0xaa" else (second, first)
    store.node.submit(lambda tx: anchoring.tx_mined(tx, mined, 7, 70)).result(5)
    with store.node.read() as reader:
        assert [b.state for b in anchoring.batches_of_tx(reader, mined)] == ["mined"] * 2
        assert [m.state for m in anchoring.marks_of_tx(reader, mined)] == ["mined"]
        loser = anchoring.tx_by_id(reader, lost)
        assert loser is not None
        assert (loser.state, loser.replaced_by) == ("replaced", mined)
        assert [t.id for t in anchoring.txs_in(reader, ["sent", "mined"])] == [mined]


def test_reattaching_makes_everything_wait_again(store: Store, dataset_id: int) -> None:
    store.node.submit(lambda tx: _publish(tx, dataset_id)).result(5)
    tx_id = store.node.submit(_send).result(5)
    store.node.submit(lambda tx: anchoring.tx_mined(tx, tx_id, 7, 70)).result(5)
    store.node.submit(lambda tx: anchoring.finalise(tx, 7)).result(5)
    store.node.submit(anchoring.reset_for_reattach).result(5)
    assert _states(store) == (["sealed"] * 2, ["queued"], [("0xaa", "failed")])


# -- the cache ---------------------------------------------------------------------------------------
def _hash(number: int, fork: int) -> str:
    return "0x" + sha256(f"{number}/{fork}".encode()).hexdigest()


def _step(number: int, fork: int) -> Step:
    block = Block(number, _hash(number, fork), 1_000 + number)
    args = f'{{"fork":{fork}}}'
    event = ChainEvent(number, 0, "0xt", block.hash, block.time, "RecordLedger", "BatchAnchored", args, "D", "1", str(number))
    batch = ChainBatch("D", 1, number, sha256(b"%d" % fork).digest(), 1, 1, number, block.time, "0xt")
    mark = ChainMark("D", number, 0, 1 << (2 * (fork % 128)), 1, 0, number, 1)
    return Step((block,), (event,), (batch,), (mark,), Progress(block, 5_000 + number))


@given(moves=st.lists(st.one_of(st.integers(min_value=1, max_value=3), st.integers(min_value=-4, max_value=-1)), max_size=12))
def test_the_cache_is_what_following_the_final_chain_alone_would_give(
    tmp_path_factory: pytest.TempPathFactory, moves: list[int]
) -> None:
    """Positive moves add blocks, negative ones roll back that many and go on another fork."""
    store, fork = open_store(tmp_path_factory.mktemp("cache")), 0
    chain: list[Step] = [_step(0, 0)]
    store.node.submit(lambda tx: chain_cache.apply(tx, chain[0])).result(5)
    for move in moves:
        if move < 0:
            fork += 1
            del chain[max(1, len(chain) + move) :]
            top = chain[-1].progress.block
            store.node.submit(job(chain_cache.rollback_to, top, 9)).result(5)
        for _ in range(max(move, 0)):
            chain.append(_step(len(chain), fork))
            for _again in range(2):  # the same step twice is one step
                store.node.submit(job(chain_cache.apply, chain[-1])).result(5)

    def dump() -> list[list[tuple[object, ...]]]:
        with store.node.read() as reader:
            return [list(chain_cache.rows(reader, table)) for table in chain_cache.TABLES]

    followed = dump()
    with store.node.read() as reader:
        progress = chain_cache.progress(reader)
        assert progress is not None
        assert progress.block == chain[-1].progress.block
        assert chain_cache.last_sequence(reader, "D", 1) == len(chain) - 1
        assert [e.block_hash for e in chain_cache.all_events(reader)] == [s.progress.block.hash for s in chain]
    store.node.submit(chain_cache.drop).result(5)
    with store.node.read() as reader:
        assert chain_cache.progress(reader) is None
    for step in chain:
        store.node.submit(job(chain_cache.apply, step)).result(5)
    assert dump() == followed
    assert len(followed[0]) == len(chain)
    store.close()


def test_events_by_keys_blocks_by_time_and_pages(store: Store) -> None:
    for number in range(5):
        store.node.submit(job(chain_cache.apply, _step(number, number))).result(5)
    with store.node.read() as reader:
        assert len(chain_cache.events(reader, "RecordLedger", ["BatchAnchored", "StatusSet"], ["D", "1"])) == 5
        assert [e.k3 for e in chain_cache.events(reader, "RecordLedger", ["BatchAnchored"], ["D", "1", "3"])] == ["3"]
        assert len(chain_cache.events(reader, "RecordLedger", ["BatchAnchored"], ["D"], up_to_block=2)) == 3
        assert chain_cache.events(reader, "RecordLedger", ["StatusSet"]) == []
        assert [e.block_number for e in chain_cache.all_events(reader, (1, 0), 2)] == [2, 3]
        assert chain_cache.block_at_or_before(reader, 1_003) == Block(3, _hash(3, 3), 1_003)
        assert chain_cache.block_at_or_before(reader, 999) is None
        assert [b.number for b in chain_cache.newest_blocks(reader, 2)] == [4, 3]
        assert chain_cache.block(reader, 9) is None
        found = chain_cache.batch(reader, "D", 1, 2)
        assert found is not None
        assert found.root == sha256(b"2").digest()
        assert chain_cache.batch(reader, "D", 2, 2) is None
        with pytest.raises(KeyError):
            list(chain_cache.rows(reader, "users"))
