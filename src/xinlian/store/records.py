"""Records (stream 1): rows, blind index, lookups.

Rules
1. Positions are contiguous from 1 and assigned inside the write transaction: a job that fails leaves no gap.
2. (jti, rev) is unique; the latest revision is the one with the highest ``rev``.
3. Erasing keeps the row with its leaf (the tree needs it) and removes ciphertext and index tokens.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count

from xinlian.protocol.errors import ConflictError, NotFoundError, StoreError
from xinlian.store.writer import Reader, Row, Transaction

LIVE, ERASED = 0, 1
_COLUMNS = "position, jti, rev, dataset_id, iat, prev, leaf, ciphertext, encoder, state, published_by"
_ASKED_AT_ONCE = 500
_INTO = f"records ({_COLUMNS})"
_INSERT_ONE = (
    f"INSERT INTO records ({_COLUMNS}) SELECT coalesce(max(position), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, {LIVE}, ? FROM records "
    "RETURNING position"
)

NewRow = tuple[bytes, int, int, int, bytes | None, bytes, bytes, str, int]
"""(jti, rev, dataset_id, iat, prev, leaf, ciphertext, encoder, published_by)"""
Token = tuple[str, int, bytes]
"""(field, index version, token)"""


@dataclass(frozen=True, slots=True)
class Record:
    """One stored revision of a record.

    Args:
        position: place in the stream, from 1.
        jti: record id, 16 bytes.
        rev: revision, from 1.
        dataset_id: of ``datasets``.
        iat: law time, epoch seconds.
        prev: leaf of the revision it replaces, 32 bytes, None for the first.
        leaf: 32 bytes.
        ciphertext: None when erased.
        encoder: name of the encoder that rebuilds the statement.
        state: ``LIVE`` or ``ERASED``.
        published_by: user id.
    """

    position: int
    jti: bytes
    rev: int
    dataset_id: int
    iat: int
    prev: bytes | None
    leaf: bytes
    ciphertext: bytes | None = field(repr=False)
    encoder: str
    state: int
    published_by: int

    @property
    def is_erased(self) -> bool:
        """True when its key and ciphertext are gone."""
        return self.state == ERASED


def insert_many(tx: Transaction, rows: Sequence[NewRow], tokens: Sequence[Sequence[Token]] = ()) -> int:
    """Append records; all of them or, when this raises, none.

    Args:
        tx: of node.db.
        rows: in publication order.
        tokens: the blind-index tokens of each row, same order and length; empty for none at all.

    Returns:
        The position of the first; the others follow without a gap.

    Raises:
        ConflictError: ``record-exists`` when a (jti, rev) is stored already.
    """
    try:
        first = _append_one(tx, rows[0]) if len(rows) == 1 else _append_many(tx, rows)
    except StoreError as error:
        if error.code == "store-constraint" and "jti" in error.message:
            raise ConflictError("record-exists", "a revision with this id and number is stored already") from error
        raise
    if tokens:
        _insert_tokens(tx, first, rows, tokens)
    return first


def _append_one(tx: Transaction, row: NewRow) -> int:
    return int(tx.fetch(_INSERT_ONE, row)[0][0])


def _append_many(tx: Transaction, rows: Sequence[NewRow]) -> int:
    first = last_position(tx) + 1
    tx.insert(_INTO, [(position, *row[:-1], LIVE, row[-1]) for position, row in zip(count(first), rows, strict=False)])
    return first


def _insert_tokens(tx: Transaction, first: int, rows: Sequence[NewRow], tokens: Sequence[Sequence[Token]]) -> None:
    tx.insert(
        "record_index (dataset_id, field, version, token, position)",
        [
            (row[2], name, version, token, position)
            for position, row, own in zip(count(first), rows, tokens, strict=False)
            for name, version, token in own
        ],
    )


def last_position(reader: Reader) -> int:
    """The newest position, 0 while there is none."""
    return int(reader.fetch("SELECT coalesce(max(position), 0) FROM records")[0][0])


def by_position(reader: Reader, position: int) -> Record:
    """The record at a position.

    Raises:
        NotFoundError: ``record-unknown``.
    """
    return _one(reader.fetch(f"SELECT {_COLUMNS} FROM records WHERE position = ?", (position,)), f"position {position}")


def by_jti(reader: Reader, jti: bytes, rev: int | None = None) -> Record:
    """One revision of a record.

    Args:
        reader: of node.db.
        jti: record id, 16 bytes.
        rev: the revision, None for the latest.

    Raises:
        NotFoundError: ``record-unknown``.
    """
    if rev is None:
        sql = f"SELECT {_COLUMNS} FROM records WHERE jti = ? ORDER BY rev DESC LIMIT 1"
        return _one(reader.fetch(sql, (jti,)), jti.hex())
    return _one(reader.fetch(f"SELECT {_COLUMNS} FROM records WHERE jti = ? AND rev = ?", (jti, rev)), jti.hex())


def revisions(reader: Reader, jti: bytes) -> list[Record]:
    """All revisions of a record, oldest first; empty when it is not known."""
    return [_record(row) for row in reader.fetch(f"SELECT {_COLUMNS} FROM records WHERE jti = ? ORDER BY rev", (jti,))]


def by_token(reader: Reader, dataset_ids: Sequence[int], field_name: str, version: int, token: bytes) -> list[Record]:
    """The live latest revisions whose field has the value behind a token.

    Args:
        reader: of node.db.
        dataset_ids: the versions of the dataset to look in, at least one.
        field_name: the lookup field.
        version: of the index.
        token: 16 bytes.

    Returns:
        Records in publication order. Neither superseded revisions, nor records whose erasure has begun or that are marked
        as ended here are among them; what the chain says of them is told by ``statuses.Standings``.
    """
    return by_tokens(reader, dataset_ids, field_name, version, [token])[token]


def by_tokens(
    reader: Reader, dataset_ids: Sequence[int], field_name: str, version: int, tokens: Sequence[bytes]
) -> dict[bytes, list[Record]]:
    """``by_token`` for many values of one field with few queries; an empty list for a token that nothing is found by."""
    found: dict[bytes, list[Record]] = {token: [] for token in tokens}
    asked = list(found)
    for start in range(0, len(asked), _ASKED_AT_ONCE):
        part = asked[start : start + _ASKED_AT_ONCE]
        for row in reader.fetch(_by_tokens_text(len(part), len(dataset_ids)), (*part, field_name, version, *dataset_ids)):
            found[row[0]].append(_record(row[1:]))
    return found


@lru_cache(maxsize=256)
def _by_tokens_text(tokens: int, datasets: int) -> str:
    columns = ", ".join(f"r.{name}" for name in _COLUMNS.split(", "))
    return (
        f"SELECT i.token, {columns} FROM record_index i JOIN records r ON r.position = i.position "
        f"WHERE i.token IN ({', '.join('?' * tokens)}) AND i.field = ? AND i.version = ? "
        f"AND i.dataset_id IN ({', '.join('?' * datasets)}) AND r.state = {LIVE} "
        "AND NOT EXISTS (SELECT 1 FROM records n WHERE n.jti = r.jti AND n.rev > r.rev) "
        "AND NOT EXISTS (SELECT 1 FROM erasures e WHERE e.position = r.position) "
        "AND NOT EXISTS (SELECT 1 FROM marks m WHERE m.position = r.position AND m.status >= 2) ORDER BY r.position"
    )


def existing_keys(reader: Reader, field_name: str, tokens: Sequence[Token], besides: bytes = b"") -> list[int]:
    """Which natural keys a living record has already (not revoked, not erased, latest revision).

    Args:
        reader: of node.db.
        field_name: name of the natural key in the index.
        tokens: one a row.
        besides: a record (jti, 16 bytes) whose own key does not count: the one being revised.

    Returns:
        Indices into ``tokens``, ascending.
    """
    sql = (
        "SELECT 1 FROM record_index i JOIN records r ON r.position = i.position "
        f"WHERE i.token = ? AND i.field = ? AND i.version = ? AND r.jti <> ? AND r.state = {LIVE} "
        "AND NOT EXISTS (SELECT 1 FROM records n WHERE n.jti = r.jti AND n.rev > r.rev) "
        "AND NOT EXISTS (SELECT 1 FROM marks m WHERE m.position = r.position AND m.status >= 2) LIMIT 1"
    )
    known = _known_tokens(reader, field_name, [token for _, _, token in tokens])
    return [
        i
        for i, (_, version, token) in enumerate(tokens)
        if token in known and reader.fetch(sql, (token, field_name, version, besides))
    ]


def _known_tokens(reader: Reader, field_name: str, tokens: Sequence[bytes]) -> set[bytes]:
    """Which tokens stand in the index at all, whatever became of their records."""
    known: set[bytes] = set()
    for start in range(0, len(tokens), _ASKED_AT_ONCE):
        part = tokens[start : start + _ASKED_AT_ONCE]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT token FROM record_index WHERE token IN ({marks}) AND field = ?"
        known.update(row[0] for row in reader.fetch(sql, (*part, field_name)))
    return known


def live_of(reader: Reader, positions: Sequence[int]) -> list[int]:
    """Which of some positions hold a record that is not erased."""
    live: list[int] = []
    for start in range(0, len(positions), _ASKED_AT_ONCE):
        part = positions[start : start + _ASKED_AT_ONCE]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT position FROM records WHERE position IN ({marks}) AND state = {LIVE} ORDER BY position"
        live += [row[0] for row in reader.fetch(sql, part)]
    return live


def page(reader: Reader, dataset_ids: Sequence[int], after: int, limit: int) -> list[Record]:
    """Records of some datasets in publication order, for cursor pagination.

    Args:
        reader: of node.db.
        dataset_ids: at least one.
        after: the last position already seen, 0 to begin.
        limit: at most so many.
    """
    marks = ", ".join("?" * len(dataset_ids))
    sql = f"SELECT {_COLUMNS} FROM records WHERE position > ? AND dataset_id IN ({marks}) ORDER BY position LIMIT ?"
    return [_record(row) for row in reader.fetch(sql, (after, *dataset_ids, limit))]


def index_parts(reader: Reader) -> list[tuple[int, str, int]]:
    """What the blind index consists of: (dataset_id, field, version), in this order."""
    sql = "SELECT DISTINCT dataset_id, field, version FROM record_index ORDER BY dataset_id, field, version"
    return [(int(dataset_id), str(name), int(version)) for dataset_id, name, version in reader.fetch(sql)]


def unindexed(reader: Reader, field_name: str, version: int) -> int:
    """How many live records, but those whose erasure has begun, have no token of a field in a version of the index."""
    sql = (
        f"SELECT count(*) FROM records r WHERE r.state = {LIVE} "
        "AND NOT EXISTS (SELECT 1 FROM erasures e WHERE e.position = r.position) "
        "AND NOT EXISTS (SELECT 1 FROM record_index i WHERE i.position = r.position AND i.field = ? AND i.version = ?)"
    )
    return int(reader.fetch(sql, (field_name, version))[0][0])


def reindex(tx: Transaction, tokens: Sequence[tuple[int, int, str, int, bytes]]) -> None:
    """Add tokens to stored records; repeating it does no harm, erased records are skipped.

    Args:
        tx: of node.db.
        tokens: (position, dataset_id, field, version, token).
    """
    tx.executemany(
        "INSERT INTO record_index (dataset_id, field, version, token, position) "
        f"SELECT ?, ?, ?, ?, position FROM records WHERE position = ? AND state = {LIVE} "
        "ON CONFLICT DO NOTHING",
        [(dataset_id, name, version, token, position) for position, dataset_id, name, version, token in tokens],
    )


def drop_index(tx: Transaction, dataset_id: int, field_name: str, version: int) -> int:
    """Remove one version of a field's index.

    Returns:
        How many tokens went.
    """
    return tx.run(
        "DELETE FROM record_index WHERE dataset_id = ? AND field = ? AND version = ?", (dataset_id, field_name, version)
    )


def _one(rows: list[Row], what: str) -> Record:
    if not rows:
        raise NotFoundError("record-unknown", f"no such record: {what}")
    return _record(rows[0])


def _record(row: Row) -> Record:
    return Record(*row)
