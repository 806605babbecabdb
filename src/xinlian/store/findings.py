"""Findings as they were noticed: what lists are filtered by in columns, the rest as JSON without personal data.

Rules
1. A finding is kept once; ``noticed_at`` never changes, its content may grow (evidence that came later).
2. ``origin`` says who noticed it: ``chain`` (proven by events), ``local`` (only this node sees it), or the USCC that told it.
"""

# ruff: noqa: S608 - SQL is put together from column lists of this package; values always go through "?"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xinlian.protocol.errors import NotFoundError
from xinlian.store.writer import Reader, Transaction

CHAIN, LOCAL = "chain", "local"
_COLUMNS = "id, origin, article, department, object_ref, content, noticed_at"


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """One finding.

    Args:
        id: 64 hex.
        origin: ``chain``, ``local`` or a USCC.
        article: of Decree 809.
        department: whose breach it is.
        object_ref: what it is about.
        content: JSON text.
        noticed_at: law time, epoch seconds.
    """

    id: str
    origin: str
    article: str
    department: str
    object_ref: str
    content: str
    noticed_at: int


def put(tx: Transaction, found: Sequence[StoredFinding]) -> int:
    """Keep findings; one that is there keeps its time and takes the newer content.

    Returns:
        How many were new or have new content.
    """
    sql = (
        f"INSERT INTO findings ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET content = excluded.content "
        "WHERE findings.content <> excluded.content AND findings.origin = excluded.origin"
    )
    return sum(
        tx.run(sql, (one.id, one.origin, one.article, one.department, one.object_ref, one.content, one.noticed_at))
        for one in found
    )


def keep_only(tx: Transaction, origin: str, ids: Sequence[str]) -> None:
    """Forget the findings of an origin that are not among these: their evidence is gone (a reorganisation)."""
    known = {row[0] for row in tx.fetch("SELECT id FROM findings WHERE origin = ?", (origin,))}
    tx.executemany("DELETE FROM findings WHERE id = ?", [(one,) for one in sorted(known.difference(ids))])


def count(reader: Reader, origin: str) -> int:
    """How many findings of an origin there are."""
    return int(reader.fetch("SELECT count(*) FROM findings WHERE origin = ?", (origin,))[0][0])


def page(
    reader: Reader, after: tuple[int, str] | None, limit: int, article: str | None, department: str | None
) -> list[StoredFinding]:
    """Findings in the order in which they were noticed.

    Args:
        reader: of node.db.
        after: time and id of the last one already seen, None to begin.
        limit: at most so many.
        article: only those of this article.
        department: only those of this department.
    """
    time, last = after if after is not None else (-1, "")
    sql = (
        f"SELECT {_COLUMNS} FROM findings WHERE (? IS NULL OR article = ?) AND (? IS NULL OR department = ?) "
        "AND (noticed_at > ? OR (noticed_at = ? AND id > ?)) ORDER BY noticed_at, id LIMIT ?"
    )
    values = (article, article, department, department, time, time, last, limit)
    return [StoredFinding(*row) for row in reader.fetch(sql, values)]


def total(reader: Reader) -> int:
    """How many findings are kept."""
    return int(reader.fetch("SELECT count(*) FROM findings", ())[0][0])


def every(reader: Reader) -> list[StoredFinding]:
    """All of them, in no order."""
    return [StoredFinding(*row) for row in reader.fetch(f"SELECT {_COLUMNS} FROM findings")]


def by_id(reader: Reader, finding_id: str) -> StoredFinding:
    """One finding.

    Raises:
        NotFoundError: ``finding-unknown``.
    """
    rows = reader.fetch(f"SELECT {_COLUMNS} FROM findings WHERE id = ?", (finding_id,))
    if not rows:
        raise NotFoundError("finding-unknown", "this node knows no finding of this id", finding=finding_id[:64])
    return StoredFinding(*rows[0])
