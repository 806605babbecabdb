"""Which read entries speak of a record: an index from its keyed tag to what was given of it, and what its erasure takes along.

Rules
1. An entry of one record is found by its ``record_tag``, which is that record's tag; entries of several records have one row a
   record in ``read_records``. Both are keyed: whoever has the file alone learns nothing.
2. Answer statements and kept answers are found through the entry of the same request and item: they were committed with it.
3. Shredding empties disclosures and sealed bytes; statements, leaves and entries stay, so batches and logs still verify.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xinlian.store.writer import Reader, Transaction

_ENTRIES = (
    "SELECT position FROM read_entries WHERE record_tag = ? AND role = ? "
    "UNION SELECT r.position FROM read_records r JOIN read_entries e ON e.position = r.position WHERE r.tag = ? AND e.role = ?"
)


@dataclass(frozen=True, slots=True)
class Use:
    """One item of a request that a record served.

    Args:
        counterparty: USCC of the other side.
        rid: request id.
        item: place in the request, from 0.
    """

    counterparty: str
    rid: str
    item: int


def index(tx: Transaction, rows: Sequence[tuple[bytes, int]]) -> None:
    """Note the records of entries of several records; repeating it does no harm.

    Args:
        tx: of node.db.
        rows: (tag of one record, position of the entry).
    """
    tx.executemany("INSERT INTO read_records (tag, position) VALUES (?, ?) ON CONFLICT DO NOTHING", rows)


def uses(reader: Reader, tag: bytes, role: str) -> list[Use]:
    """Items that a record served, in the order of the log.

    Args:
        reader: of node.db.
        tag: of the record, 32 bytes.
        role: ``provider``: what was given of an own record; ``requester``: what came of another department's.
    """
    found = reader.fetch(
        f"SELECT counterparty, rid, item FROM read_entries WHERE position IN ({_ENTRIES}) ORDER BY position",  # noqa: S608 - a constant
        (tag, role, tag, role),
    )
    return [Use(*row) for row in found]


def shred(tx: Transaction, tag: bytes) -> int:
    """Empty the answer statements that an own record served, and the sealed answers that carried it.

    Returns:
        How many rows were emptied.
    """
    given = {(use.rid, use.item) for use in uses(tx, tag, "provider")}
    emptied = 0
    for rid, item in sorted(given):
        sql = "UPDATE answers SET disclosures_sealed = NULL WHERE rid = ? AND item = ? AND disclosures_sealed IS NOT NULL"
        emptied += tx.run(sql, (rid, item))
    for rid in sorted({rid for rid, _ in given}):
        emptied += tx.run("UPDATE exchange_in SET answer = NULL WHERE rid = ? AND answer IS NOT NULL", (rid,))
    return emptied


def requester_outcomes(reader: Reader, rid: str) -> list[tuple[int, str]]:
    """How the items of an own request came out, as (item, outcome); ``attempted`` among them."""
    rows = reader.fetch("SELECT item, outcome FROM read_entries WHERE rid = ? AND role = 'requester' ORDER BY position", (rid,))
    return [(row[0], row[1]) for row in rows]
