"""The outbox: batches, status marks and the transactions that carry them to the chain.

Rules
1. A batch begins where the one before ended; leaf index = position - first_position.
2. States only go forward (sealed → sent → mined → final; marks: queued → sent → mined → final), except that a reorganisation of
   the chain takes ``mined`` back to ``sent``, and a failed transaction takes its load back to the start.
3. A transaction is stored, with nonce, hash and raw bytes, before it is sent.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xinlian.protocol.errors import NotFoundError, StoreError
from xinlian.store import streams
from xinlian.store.writer import Reader, Row, Transaction

_BATCH = "stream, sequence, first_position, size, root, state, tx_id, block_number, block_time, sealed_at"
_TX = "id, signer, nonce, hash, raw, purpose, state, sent_at, block_number, replaced_by"
_MARK = "id, position, status, reason, state, tx_id"


@dataclass(frozen=True, slots=True)
class Batch:
    """A sealed range of one stream.

    Args:
        stream: 1 records, 2 reads, 3 answers.
        sequence: from 1.
        first_position: of its leaf 0.
        size: leaves, at least 1.
        root: 32 bytes.
        state: ``sealed``, ``sent``, ``mined`` or ``final``.
        tx_id: of the transaction that carries it.
        block_number: once mined.
        block_time: once mined, epoch seconds.
        sealed_at: law time, epoch seconds.
    """

    stream: int
    sequence: int
    first_position: int
    size: int
    root: bytes
    state: str
    tx_id: int | None
    block_number: int | None
    block_time: int | None
    sealed_at: int

    @property
    def last_position(self) -> int:
        """Position of its last leaf."""
        return self.first_position + self.size - 1


@dataclass(frozen=True, slots=True)
class StoredTransaction:
    """A signed transaction.

    Args:
        id: row id.
        signer: checksummed address.
        nonce: from 0.
        hash: 0x and 64 hex digits.
        raw: signed bytes.
        purpose: what it does, in one word.
        state: ``prepared``, ``sent``, ``mined``, ``final``, ``failed`` or ``replaced``.
        sent_at: wall clock, epoch seconds, None before.
        block_number: once mined.
        replaced_by: id of the transaction with the same nonce that took its place.
    """

    id: int
    signer: str
    nonce: int
    hash: str
    raw: bytes = field(repr=False)
    purpose: str
    state: str
    sent_at: int | None
    block_number: int | None
    replaced_by: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A status that a record is to get on the chain.

    Args:
        id: row id.
        position: of the record.
        status: 1 superseded, 2 revoked, 3 erased.
        reason: code of the contract.
        state: ``queued``, ``sent``, ``mined`` or ``final``.
        tx_id: of the transaction that carries it.
    """

    id: int
    position: int
    status: int
    reason: int
    state: str
    tx_id: int | None


# -- batches -----------------------------------------------------------------------------------------
def next_range(reader: Reader, stream: int, max_size: int) -> tuple[int, int, int] | None:
    """What the next batch of a stream would hold.

    Returns:
        (sequence, first position, size ≤ ``max_size``), None when nothing waits.
    """
    sequence, first = _next_start(reader, stream)
    size = min(streams.last_position(reader, stream) - first + 1, max_size)
    return (sequence, first, size) if size > 0 else None


def _next_start(reader: Reader, stream: int) -> tuple[int, int]:
    sql = "SELECT sequence, first_position + size FROM batches WHERE stream = ? ORDER BY sequence DESC LIMIT 1"
    rows = reader.fetch(sql, (stream,))
    return (rows[0][0] + 1, rows[0][1]) if rows else (1, 1)


def seal(tx: Transaction, batch: Batch) -> Batch:
    """Store a sealed batch.

    Raises:
        StoreError: ``batch-gap`` when it does not begin where the last one ended or ends after the stream (someone else sealed).
    """
    expected = _next_start(tx, batch.stream)
    if (batch.sequence, batch.first_position) != expected or batch.size < 1:
        raise StoreError("batch-gap", f"the next batch of stream {batch.stream} is {expected[0]} from position {expected[1]}")
    if batch.last_position > streams.last_position(tx, batch.stream):
        raise StoreError("batch-gap", f"stream {batch.stream} has no position {batch.last_position} yet")
    b = batch
    tx.run(
        f"INSERT INTO batches ({_BATCH}) VALUES (?, ?, ?, ?, ?, 'sealed', NULL, NULL, NULL, ?)",
        (b.stream, b.sequence, b.first_position, b.size, b.root, b.sealed_at),
    )
    return batch_at(tx, b.stream, b.sequence)


def batch_at(reader: Reader, stream: int, sequence: int) -> Batch:
    """One batch.

    Raises:
        NotFoundError: ``record-unknown``.
    """
    rows = reader.fetch(f"SELECT {_BATCH} FROM batches WHERE stream = ? AND sequence = ?", (stream, sequence))
    if not rows:
        raise NotFoundError("record-unknown", f"no batch {sequence} in stream {stream}")
    return _batch(rows[0])


def batch_of(reader: Reader, stream: int, position: int) -> Batch | None:
    """The batch that holds a position, None while it is not sealed."""
    rows = reader.fetch(
        f"SELECT {_BATCH} FROM batches WHERE stream = ? AND first_position <= ? ORDER BY first_position DESC LIMIT 1",
        (stream, position),
    )
    found = _batch(rows[0]) if rows else None
    return found if found is not None and position <= found.last_position else None


def batches_in(reader: Reader, state: str, stream: int | None = None) -> list[Batch]:
    """Batches in a state, by stream and sequence."""
    rows = reader.fetch(
        f"SELECT {_BATCH} FROM batches WHERE state = ? AND (? IS NULL OR stream = ?) ORDER BY stream, sequence",
        (state, stream, stream),
    )
    return [_batch(row) for row in rows]


def batches_of_tx(reader: Reader, tx_id: int) -> list[Batch]:
    """Batches that a transaction carries, by stream and sequence."""
    rows = reader.fetch(f"SELECT {_BATCH} FROM batches WHERE tx_id = ? ORDER BY stream, sequence", (tx_id,))
    return [_batch(row) for row in rows]


def all_batches(reader: Reader) -> list[Batch]:
    """Every batch, by stream and sequence."""
    return [_batch(row) for row in reader.fetch(f"SELECT {_BATCH} FROM batches ORDER BY stream, sequence")]


def batches_before(reader: Reader, before: Sequence[int | str] | None, limit: int) -> list[Batch]:
    """Batches by the time they were sealed, newest first.

    Args:
        reader: of node.db.
        before: (sealed_at, stream, sequence) of the last one already seen, None to begin.
        limit: at most so many.
    """
    bound, values = ("", ()) if before is None else ("WHERE (sealed_at, stream, sequence) < (?, ?, ?) ", tuple(before))
    order = "ORDER BY sealed_at DESC, stream DESC, sequence DESC LIMIT ?"
    return [_batch(row) for row in reader.fetch(f"SELECT {_BATCH} FROM batches {bound}{order}", (*values, limit))]


def batch_mined(tx: Transaction, stream: int, sequence: int, block_number: int, block_time: int) -> None:
    """Note that the chain holds a batch (seen in an event; repeating it does no harm)."""
    tx.run(
        "UPDATE batches SET state = 'mined', block_number = ?, block_time = ? "
        "WHERE stream = ? AND sequence = ? AND state <> 'final'",
        (block_number, block_time, stream, sequence),
    )


# -- marks -------------------------------------------------------------------------------------------
def queue_mark(tx: Transaction, position: int, status: int, reason: int) -> None:
    """Queue a status for a record; the same status twice is one mark."""
    tx.run(
        "INSERT INTO marks (position, status, reason, state) VALUES (?, ?, ?, 'queued') "
        "ON CONFLICT (position, status) DO NOTHING",
        (position, status, reason),
    )


def marks_in(reader: Reader, state: str, limit: int = 10_000) -> list[Mark]:
    """Marks in a state, oldest first."""
    return [Mark(*row) for row in reader.fetch(f"SELECT {_MARK} FROM marks WHERE state = ? ORDER BY id LIMIT ?", (state, limit))]


def marks_of(reader: Reader, position: int) -> list[Mark]:
    """Marks of one record, lowest status first."""
    return [Mark(*row) for row in reader.fetch(f"SELECT {_MARK} FROM marks WHERE position = ? ORDER BY status", (position,))]


def overtaken_marks(reader: Reader) -> list[int]:
    """Ids of queued marks whose record has a higher mark on the chain already: the contract would refuse the lower one."""
    rows = reader.fetch(
        "SELECT m.id FROM marks m JOIN marks h ON h.position = m.position AND h.status > m.status "
        "WHERE m.state = 'queued' AND h.state IN ('mined', 'final')"
    )
    return [row[0] for row in rows]


def settle_marks(tx: Transaction, mark_ids: Sequence[int]) -> None:
    """Note that marks need not be sent any more."""
    tx.executemany("UPDATE marks SET state = 'final' WHERE id = ? AND state = 'queued'", [(i,) for i in mark_ids])


def marks_of_tx(reader: Reader, tx_id: int) -> list[Mark]:
    """Marks that a transaction carries."""
    return [Mark(*row) for row in reader.fetch(f"SELECT {_MARK} FROM marks WHERE tx_id = ? ORDER BY id", (tx_id,))]


# -- transactions ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class SignedTx:
    """A signed transaction that is to be stored.

    Args:
        signer: checksummed address.
        nonce: from 0.
        hash: 0x and 64 hex digits.
        raw: signed bytes.
        purpose: what it does, in one word.
    """

    signer: str
    nonce: int
    hash: str
    raw: bytes = field(repr=False)
    purpose: str


def insert_tx(tx: Transaction, signed: SignedTx) -> int:
    """Store a signed transaction before it is sent; the same one twice is one (signing is deterministic: a failed one may be
    signed again to the same bytes, and then counts again).

    Returns:
        Its id.
    """
    tx.run(
        "INSERT INTO transactions (signer, nonce, hash, raw, purpose, state) VALUES (?, ?, ?, ?, ?, 'prepared') "
        "ON CONFLICT (hash) DO UPDATE SET state = 'prepared', replaced_by = NULL WHERE state = 'failed'",
        (signed.signer, signed.nonce, signed.hash, signed.raw, signed.purpose),
    )
    return int(tx.fetch("SELECT id FROM transactions WHERE hash = ?", (signed.hash,))[0][0])


def load_tx(tx: Transaction, tx_id: int, batches: Sequence[tuple[int, int]], mark_ids: Sequence[int]) -> None:
    """Note what a transaction carries; batches and marks become ``sent``.

    Args:
        tx: of node.db; the same job as ``insert_tx``.
        tx_id: of the transaction.
        batches: (stream, sequence).
        mark_ids: of ``marks``.
    """
    tx.executemany(
        "UPDATE batches SET state = 'sent', tx_id = ? WHERE stream = ? AND sequence = ? AND state IN ('sealed', 'sent')",
        [(tx_id, stream, sequence) for stream, sequence in batches],
    )
    tx.executemany(
        "UPDATE marks SET state = 'sent', tx_id = ? WHERE id = ? AND state IN ('queued', 'sent')", [(tx_id, i) for i in mark_ids]
    )


def tx_sent(tx: Transaction, tx_id: int, sent_at: int) -> None:
    """Note that a transaction was handed to the chain."""
    tx.run("UPDATE transactions SET state = 'sent', sent_at = ? WHERE id = ? AND state IN ('prepared', 'sent')", (sent_at, tx_id))


def tx_mined(tx: Transaction, tx_id: int, block_number: int, block_time: int) -> None:
    """Note that a transaction succeeded in a block; its batches and marks are mined with it.

    Whatever else was signed with the same nonce is replaced by it, its load included (the one meant to be replaced may win).
    """
    rivals = tx.fetch(
        "SELECT o.id FROM transactions t JOIN transactions o ON o.signer = t.signer AND o.nonce = t.nonce AND o.id <> t.id "
        "WHERE t.id = ? AND o.state <> 'failed'",
        (tx_id,),
    )
    for (rival,) in rivals:
        tx_replaced(tx, rival, tx_id)
    tx.run(
        "UPDATE transactions SET state = 'mined', block_number = ?, replaced_by = NULL WHERE id = ? AND state <> 'final'",
        (block_number, tx_id),
    )
    tx.run(
        "UPDATE batches SET state = 'mined', block_number = ?, block_time = ? WHERE tx_id = ? AND state <> 'final'",
        (block_number, block_time, tx_id),
    )
    tx.run("UPDATE marks SET state = 'mined' WHERE tx_id = ? AND state IN ('queued', 'sent')", (tx_id,))


def tx_failed(tx: Transaction, tx_id: int) -> None:
    """Note that a transaction was rejected or reverted; what it carried waits again."""
    tx.run("UPDATE transactions SET state = 'failed' WHERE id = ?", (tx_id,))
    tx.run("UPDATE batches SET state = 'sealed', tx_id = NULL WHERE tx_id = ? AND state = 'sent'", (tx_id,))
    tx.run("UPDATE marks SET state = 'queued', tx_id = NULL WHERE tx_id = ? AND state = 'sent'", (tx_id,))


def tx_replaced(tx: Transaction, tx_id: int, by: int) -> None:
    """Note that another transaction with the same nonce takes over, with the whole load."""
    tx.run("UPDATE transactions SET state = 'replaced', replaced_by = ? WHERE id = ?", (by, tx_id))
    tx.run("UPDATE batches SET tx_id = ? WHERE tx_id = ?", (by, tx_id))
    tx.run("UPDATE marks SET tx_id = ? WHERE tx_id = ?", (by, tx_id))


def becoming_final(reader: Reader, up_to_block: int) -> list[Batch]:
    """Batches that ``finalise`` makes final."""
    sql = f"SELECT {_BATCH} FROM batches WHERE state = 'mined' AND block_number <= ? ORDER BY stream, sequence"
    return [_batch(row) for row in reader.fetch(sql, (up_to_block,))]


def finalise(tx: Transaction, up_to_block: int) -> None:
    """Everything mined up to a final block is final."""
    tx.run(
        "UPDATE marks SET state = 'final' WHERE state = 'mined' "
        "AND tx_id IN (SELECT id FROM transactions WHERE block_number <= ?)",
        (up_to_block,),
    )
    tx.run("UPDATE batches SET state = 'final' WHERE state = 'mined' AND block_number <= ?", (up_to_block,))
    tx.run("UPDATE transactions SET state = 'final' WHERE state = 'mined' AND block_number <= ?", (up_to_block,))


def unmine_after(tx: Transaction, block_number: int) -> None:
    """A reorganisation removed the blocks after ``block_number``: what was mined there is only sent again."""
    tx.run(
        "UPDATE marks SET state = 'sent' WHERE state IN ('mined', 'final') "
        "AND tx_id IN (SELECT id FROM transactions WHERE block_number > ?)",
        (block_number,),
    )
    tx.run("UPDATE batches SET state = 'sent', block_number = NULL, block_time = NULL WHERE block_number > ?", (block_number,))
    tx.run("UPDATE transactions SET state = 'sent', block_number = NULL WHERE block_number > ?", (block_number,))


def is_own(reader: Reader, stream: int, sequence: int, root: bytes, size: int) -> bool:
    """Whether a batch on chain is the one that was sealed here."""
    sql = "SELECT 1 FROM batches WHERE stream = ? AND sequence = ? AND root = ? AND size = ?"
    return bool(reader.fetch(sql, (stream, sequence, root, size)))


def unmine_unseen(tx: Transaction, up_to_block: int) -> bool:
    """Take mined batches back to ``sent``, with their transactions, when the chain's events up to that block do not show them.

    Returns:
        Whether there were any: an RPC node told a receipt that is not so.
    """
    rows = tx.fetch(
        "SELECT DISTINCT tx_id FROM batches b WHERE state = 'mined' AND block_number <= ? AND tx_id IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM chain_batches c WHERE c.stream = b.stream AND c.sequence = b.sequence AND c.root = b.root)",
        (up_to_block,),
    )
    tx.executemany("UPDATE batches SET state = 'sent', block_number = NULL, block_time = NULL WHERE tx_id = ?", rows)
    tx.executemany("UPDATE marks SET state = 'sent' WHERE tx_id = ? AND state IN ('mined', 'final')", rows)
    tx.executemany("UPDATE transactions SET state = 'sent', block_number = NULL WHERE id = ?", rows)
    return bool(rows)


def reset_for_reattach(tx: Transaction) -> None:
    """Another chain: every batch and mark waits again, old transactions are failed (``xinlian chain reattach`` only)."""
    tx.run("UPDATE batches SET state = 'sealed', tx_id = NULL, block_number = NULL, block_time = NULL")
    tx.run("UPDATE marks SET state = 'queued', tx_id = NULL")
    tx.run("UPDATE transactions SET state = 'failed'")


def txs_in(reader: Reader, states: Sequence[str], signer: str | None = None) -> list[StoredTransaction]:
    """Transactions in some states, by signer and nonce, oldest first within a nonce."""
    marks = ", ".join("?" * len(states))
    rows = reader.fetch(
        f"SELECT {_TX} FROM transactions WHERE state IN ({marks}) AND (? IS NULL OR signer = ?) ORDER BY signer, nonce, id",
        (*states, signer, signer),
    )
    return [_tx(row) for row in rows]


def txs_before(reader: Reader, before: int | None, limit: int) -> list[StoredTransaction]:
    """Transactions, newest first.

    Args:
        reader: of node.db.
        before: id of the last one already seen, None to begin.
        limit: at most so many.
    """
    sql = f"SELECT {_TX} FROM transactions WHERE (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?"
    return [_tx(row) for row in reader.fetch(sql, (before, before, limit))]


def tx_by_hash(reader: Reader, tx_hash: str) -> StoredTransaction | None:
    """One transaction, None when this node did not send it."""
    rows = reader.fetch(f"SELECT {_TX} FROM transactions WHERE hash = ?", (tx_hash,))
    return _tx(rows[0]) if rows else None


def tx_by_id(reader: Reader, tx_id: int) -> StoredTransaction | None:
    """One transaction by row id, None when there is none."""
    rows = reader.fetch(f"SELECT {_TX} FROM transactions WHERE id = ?", (tx_id,))
    return _tx(rows[0]) if rows else None


def highest_block(reader: Reader, signer: str) -> int:
    """The highest block in which a transaction of a signer was mined, 0 for none."""
    (found,) = reader.fetch("SELECT coalesce(max(block_number), 0) FROM transactions WHERE signer = ?", (signer,))[0]
    return int(found)


def highest_nonce(reader: Reader, signer: str) -> int | None:
    """The highest nonce in use by this node, None when it sent nothing that may still count."""
    sql = "SELECT max(nonce) FROM transactions WHERE signer = ? AND state NOT IN ('failed', 'replaced')"
    value = reader.fetch(sql, (signer,))[0][0]
    return None if value is None else int(value)


def _batch(row: Row) -> Batch:
    return Batch(*row)


def _tx(row: Row) -> StoredTransaction:
    return StoredTransaction(*row)
