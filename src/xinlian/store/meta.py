"""Small named values of the node (which chain it is attached to, when something last ran)."""

from __future__ import annotations

from xinlian.store.writer import Reader, Transaction


def get(reader: Reader, key: str) -> str | None:
    """The value, None when it was never set."""
    rows = reader.fetch("SELECT value FROM meta WHERE key = ?", (key,))
    return str(rows[0][0]) if rows else None


def put(tx: Transaction, key: str, value: str) -> None:
    """Set or replace a value."""
    tx.run("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))


def remove(tx: Transaction, key: str) -> None:
    """Forget a value; no error when it was never set."""
    tx.run("DELETE FROM meta WHERE key = ?", (key,))
