"""Open a node's two databases: locked, migrated, with their writers running."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xinlian.store.sqlite.opening import open_writer
from xinlian.store.writer import Writer

NODE_DB = "node.db"
KEYS_DB = "keys.db"


@dataclass(frozen=True, slots=True)
class Store:
    """The two databases of a node.

    Args:
        node: everything but record keys.
        keys: wrapped record keys, with a backup of its own.
    """

    node: Writer
    keys: Writer

    def close(self) -> None:
        """Finish what is queued and release both files."""
        self.node.close()
        self.keys.close()


def open_store(data_dir: Path) -> Store:
    """Open (or create) the databases in a directory.

    Args:
        data_dir: created with mode 0700 when missing.

    Returns:
        The running store; close it.

    Raises:
        StoreError: ``store-locked`` when another process runs on the directory; ``store-schema``, ``store-io``,
            ``store-corrupt``.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    node = open_writer(data_dir / NODE_DB, "node")
    try:
        return Store(node, open_writer(data_dir / KEYS_DB, "keys"))
    except BaseException:
        node.close()
        raise
