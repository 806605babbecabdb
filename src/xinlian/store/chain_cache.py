"""What this node knows about the chain: a cache, rebuilt from events at will.

Rules
1. Events, what follows from them and the follower's progress are written in one transaction.
2. ``rollback_to`` removes everything after a block; applying the same events again gives the same rows.
3. Only ``batches`` and ``marks`` of ``RecordLedger`` have tables of their own; everything else is folded by the caller from
   ``events`` through the three key columns.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xinlian.store.writer import Reader, Row, Transaction

LEAVES_PER_WORD = 128
TABLES = ("chain_blocks", "chain_events", "chain_batches", "chain_marks")
_EVENT = "block_number, log_index, tx_hash, block_hash, block_time, contract, name, args, k1, k2, k3"
_BATCH = "department, stream, sequence, root, size, suite, block_number, block_time, tx_hash"
_MARK = "department, sequence, word, mask, status, reason, block_number, log_index"
_ORDER = {
    "chain_blocks": "number",
    "chain_events": "block_number, log_index",
    "chain_batches": "department, stream, sequence",
    "chain_marks": "department, sequence, word, block_number, log_index",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A block the follower has seen.

    Args:
        number: from 0.
        hash: 0x and 64 hex digits.
        time: epoch seconds.
    """

    number: int
    hash: str
    time: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the follower is.

    Args:
        block: the newest block whose events are stored.
        reached_at: wall clock when the follower last held the chain's head, epoch seconds.
    """

    block: Block
    reached_at: int


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """One event of our contracts.

    Args:
        block_number: of its block.
        log_index: within the block.
        tx_hash: 0x and 64 hex digits.
        block_hash: 0x and 64 hex digits.
        block_time: epoch seconds.
        contract: name in the manifest.
        name: of the event.
        args: canonical JSON text.
        k1: first key column (by convention the owning entity), or None.
        k2: second key column or None.
        k3: third key column or None.
    """

    block_number: int
    log_index: int
    tx_hash: str
    block_hash: str
    block_time: int
    contract: str
    name: str
    args: str
    k1: str | None = None
    k2: str | None = None
    k3: str | None = None


@dataclass(frozen=True, slots=True)
class ChainBatch:
    """A batch that the ledger holds.

    Args:
        department: USCC.
        stream: 1, 2 or 3.
        sequence: from 1.
        root: 32 bytes.
        size: leaves.
        suite: of the protocol.
        block_number: of the anchoring.
        block_time: epoch seconds.
        tx_hash: 0x and 64 hex digits.
    """

    department: str
    stream: int
    sequence: int
    root: bytes
    size: int
    suite: int
    block_number: int
    block_time: int
    tx_hash: str


@dataclass(frozen=True, slots=True)
class ChainMark:
    """A status that the ledger set on leaves of one word.

    Args:
        department: USCC.
        sequence: batch of stream records.
        word: leaves 128 * word … 128 * word + 127.
        mask: bit 2 * i set for leaf 128 * word + i.
        status: 1 superseded, 2 revoked, 3 erased.
        reason: code.
        block_number: of the event.
        log_index: of the event.
    """

    department: str
    sequence: int
    word: int
    mask: int
    status: int
    reason: int
    block_number: int
    log_index: int

    def covers(self, index: int) -> bool:
        """True when the mark holds for the leaf at ``index`` of the batch."""
        return index // LEAVES_PER_WORD == self.word and bool(self.mask >> (2 * (index % LEAVES_PER_WORD)) & 1)

    def indices(self) -> list[int]:
        """The leaves it holds for, ascending, as indices in the batch."""
        return [LEAVES_PER_WORD * self.word + i for i in range(LEAVES_PER_WORD) if self.mask >> 2 * i & 1]


@dataclass(frozen=True, slots=True)
class Step:
    """What the follower hands over at once.

    Args:
        blocks: blocks worth remembering (those with events and the last one), ascending.
        events: in chain order.
        batches: from ``BatchAnchored``.
        marks: from ``StatusSet``.
        progress: where the follower stands after this step.
    """

    blocks: Sequence[Block]
    events: Sequence[ChainEvent]
    batches: Sequence[ChainBatch]
    marks: Sequence[ChainMark]
    progress: Progress


def apply(tx: Transaction, step: Step) -> None:
    """Store one step of the follower, all of it or nothing; the same step twice is one step."""
    tx.executemany(
        "INSERT INTO chain_blocks (number, hash, time) VALUES (?, ?, ?) "
        "ON CONFLICT (number) DO UPDATE SET hash = excluded.hash, time = excluded.time",
        [(b.number, b.hash, b.time) for b in (*step.blocks, step.progress.block)],
    )
    tx.executemany(
        f"INSERT INTO chain_events ({_EVENT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (e.block_number, e.log_index, e.tx_hash, e.block_hash, e.block_time, e.contract, e.name, e.args, e.k1, e.k2, e.k3)
            for e in step.events
        ],
    )
    tx.executemany(
        f"INSERT INTO chain_batches ({_BATCH}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (b.department, b.stream, b.sequence, b.root, b.size, b.suite, b.block_number, b.block_time, b.tx_hash)
            for b in step.batches
        ],
    )
    tx.executemany(
        f"INSERT INTO chain_marks ({_MARK}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (m.department, m.sequence, m.word, f"{m.mask:064x}", m.status, m.reason, m.block_number, m.log_index)
            for m in step.marks
        ],
    )
    set_progress(tx, step.progress)


def set_progress(tx: Transaction, progress: Progress) -> None:
    """Note how far the follower is (also when a poll brought nothing new)."""
    p = progress
    tx.run("DELETE FROM chain_progress")
    tx.run(
        "INSERT INTO chain_progress (id, block_number, block_hash, block_time, reached_at) VALUES (1, ?, ?, ?, ?)",
        (p.block.number, p.block.hash, p.block.time, p.reached_at),
    )


def progress(reader: Reader) -> Progress | None:
    """How far the follower is, None before its first step."""
    rows = reader.fetch("SELECT block_number, block_hash, block_time, reached_at FROM chain_progress")
    return Progress(Block(*rows[0][:3]), rows[0][3]) if rows else None


def rollback_to(tx: Transaction, block: Block, reached_at: int) -> None:
    """Forget everything after a block; ``anchoring.unmine_after`` belongs into the same job.

    Args:
        tx: of node.db.
        block: the newest block that still stands.
        reached_at: wall clock, epoch seconds.
    """
    for table in ("chain_events", "chain_batches", "chain_marks"):
        tx.run(f"DELETE FROM {table} WHERE block_number > ?", (block.number,))
    tx.run("DELETE FROM chain_blocks WHERE number > ?", (block.number,))
    set_progress(tx, Progress(block, reached_at))


def drop(tx: Transaction) -> None:
    """Empty the whole cache; the follower then starts from the deployment's first block."""
    for table in (*TABLES, "chain_progress"):
        tx.run(f"DELETE FROM {table}")


def rows(reader: Reader, table: str) -> Iterator[Row]:
    """All rows of a cache table in a fixed order, to prove a rebuild equal row by row.

    Args:
        reader: of node.db.
        table: one of ``TABLES``. ``chain_blocks`` may differ by blocks without events.

    Raises:
        LookupError: when ``table`` is none of them.
    """
    yield from reader.fetch(f"SELECT * FROM {table} ORDER BY {_ORDER[table]}")


def block_at_or_before(reader: Reader, time: int) -> Block | None:
    """The newest remembered block whose time is not after ``time``."""
    found = reader.fetch("SELECT number, hash, time FROM chain_blocks WHERE time <= ? ORDER BY number DESC LIMIT 1", (time,))
    return Block(*found[0]) if found else None


def block(reader: Reader, number: int) -> Block | None:
    """A remembered block, None when the follower did not keep it."""
    found = reader.fetch("SELECT number, hash, time FROM chain_blocks WHERE number = ?", (number,))
    return Block(*found[0]) if found else None


def newest_blocks(reader: Reader, limit: int) -> list[Block]:
    """The newest remembered blocks, newest first (to find where a reorganisation began)."""
    return [Block(*r) for r in reader.fetch("SELECT number, hash, time FROM chain_blocks ORDER BY number DESC LIMIT ?", (limit,))]


def events(
    reader: Reader,
    contract: str,
    names: Sequence[str],
    keys: Sequence[str] = (),
    *,
    up_to_block: int | None = None,
) -> list[ChainEvent]:
    """Events of a contract in chain order.

    Args:
        reader: of node.db.
        contract: name in the manifest.
        names: of events, at least one.
        keys: values of k1, k2, k3, as many as should match from the left.
        up_to_block: the last block to look at, None for all.
    """
    where = "".join(f" AND k{i} = ?" for i in range(1, len(keys) + 1))
    found = reader.fetch(
        f"SELECT {_EVENT} FROM chain_events WHERE contract = ? AND name IN ({', '.join('?' * len(names))}){where} "
        "AND (? IS NULL OR block_number <= ?) ORDER BY block_number, log_index",
        (contract, *names, *keys, up_to_block, up_to_block),
    )
    return [ChainEvent(*row) for row in found]


def all_events(reader: Reader, after: tuple[int, int] = (-1, -1), limit: int = 1_000) -> list[ChainEvent]:
    """Events of every contract in chain order, in pages.

    Args:
        reader: of node.db.
        after: (block number, log index) of the last event already seen.
        limit: at most so many.
    """
    number, index = after
    found = reader.fetch(
        f"SELECT {_EVENT} FROM chain_events WHERE block_number > ? OR (block_number = ? AND log_index > ?) "
        "ORDER BY block_number, log_index LIMIT ?",
        (number, number, index, limit),
    )
    return [ChainEvent(*row) for row in found]


def of_contracts(reader: Reader, contracts: Sequence[str]) -> list[ChainEvent]:
    """Every event of some contracts, in chain order."""
    places = ", ".join("?" * len(contracts))
    sql = f"SELECT {_EVENT} FROM chain_events WHERE contract IN ({places}) ORDER BY block_number, log_index"
    return [ChainEvent(*row) for row in reader.fetch(sql, tuple(contracts))]


def newest(reader: Reader, contracts: Sequence[str]) -> tuple[int, int, str] | None:
    """Block number, log index and block hash of the newest event of some contracts, None when there is none."""
    places = ", ".join("?" * len(contracts))
    sql = (
        f"SELECT block_number, log_index, block_hash FROM chain_events WHERE contract IN ({places}) "
        "ORDER BY block_number DESC, log_index DESC LIMIT 1"
    )
    found = reader.fetch(sql, tuple(contracts))
    return (int(found[0][0]), int(found[0][1]), str(found[0][2])) if found else None


def between(reader: Reader, contracts: Sequence[str], after: int, up_to: int) -> list[ChainEvent]:
    """Events of some contracts in the blocks after one up to another, in chain order."""
    places = ", ".join("?" * len(contracts))
    sql = (
        f"SELECT {_EVENT} FROM chain_events WHERE block_number > ? AND block_number <= ? AND contract IN ({places}) "
        "ORDER BY block_number, log_index"
    )
    return [ChainEvent(*row) for row in reader.fetch(sql, (after, up_to, *contracts))]


def batch(reader: Reader, department: str, stream: int, sequence: int) -> ChainBatch | None:
    """The batch that the ledger holds in a slot, None while the slot is empty."""
    found = reader.fetch(
        f"SELECT {_BATCH} FROM chain_batches WHERE department = ? AND stream = ? AND sequence = ?", (department, stream, sequence)
    )
    return ChainBatch(*found[0]) if found else None


def last_sequence(reader: Reader, department: str, stream: int) -> int:
    """The highest anchored sequence, 0 while there is none."""
    sql = "SELECT coalesce(max(sequence), 0) FROM chain_batches WHERE department = ? AND stream = ?"
    return int(reader.fetch(sql, (department, stream))[0][0])


def marks(reader: Reader, department: str, sequence: int, word: int | None = None) -> list[ChainMark]:
    """Marks of one batch in chain order, or of one of its words."""
    found = reader.fetch(
        f"SELECT {_MARK} FROM chain_marks WHERE department = ? AND sequence = ? AND (? IS NULL OR word = ?) "
        "ORDER BY block_number, log_index",
        (department, sequence, word, word),
    )
    return [ChainMark(*(*row[:3], int(row[3], 16), *row[4:])) for row in found]


def marks_with_status(reader: Reader, department: str, wanted: int) -> list[ChainMark]:
    """Marks of a department that set one status, in chain order."""
    sql = f"SELECT {_MARK} FROM chain_marks WHERE department = ? AND status = ? ORDER BY block_number, log_index"
    return [ChainMark(*(*row[:3], int(row[3], 16), *row[4:])) for row in reader.fetch(sql, (department, wanted))]


def status(reader: Reader, department: str, sequence: int, index: int, up_to_block: int | None = None) -> int:
    """The status of a leaf.

    Args:
        reader: of node.db.
        department: USCC.
        sequence: batch of stream records.
        index: of the leaf.
        up_to_block: as of this block, None for now.

    Returns:
        0 current, 1 superseded, 2 revoked, 3 erased (statuses only rise, so the highest mark counts).
    """
    return status_in(marks(reader, department, sequence, index // LEAVES_PER_WORD), index, up_to_block)


def status_in(found: Sequence[ChainMark], index: int, up_to_block: int | None = None) -> int:
    """``status`` of a leaf, out of the marks of its batch or of its word."""
    return max(
        (mark.status for mark in found if mark.covers(index) and (up_to_block is None or mark.block_number <= up_to_block)),
        default=0,
    )
