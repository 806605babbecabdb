"""Re-indexing: the blind index made anew, under keys of its own, from the records themselves. The node is stopped meanwhile.

When: tokens of the index may be in wrong hands (a stolen file of the database), or the index is damaged. The keys of a version
are derived from the node's index key and the version's number, so that tokens of two versions cannot be told to belong together
without it.

Rules
1. Resumable: how far it is stands in the database, written with the tokens. Between two runs the node may serve: it works with
   the old version until the new one is complete, and what it publishes meanwhile is taken in by the next run.
2. The new version counts only after every live record has its natural key in it (``index-incomplete`` otherwise); one
   transaction switches. Then the old tokens go, and the slack of the file with them.
3. Each record is decrypted and compared with its leaf on the way; one that does not rebuild stops the run.
4. Records whose erasure has begun are left out.

Example: ``xinlian node reindex --config node.toml``

Source: design 4.4.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from xinlian.node.records import rebuild
from xinlian.node.sealing import FIRST_INDEX_VERSION, KEY_FIELD, StorageKeys, row_tokens
from xinlian.node.settings import Settings
from xinlian.protocol.dataset import CompiledSchema, compile_validator, load_schema
from xinlian.protocol.errors import StoreError
from xinlian.protocol.types import Uscc
from xinlian.store import datasets, erasures, meta, record_keys
from xinlian.store import records as table
from xinlian.store.opening import Store, open_store
from xinlian.store.secrets import NodeKeys
from xinlian.store.writer import Reader, Transaction

PAGE = 500
_VERSION = "index-version"
_STATE = "index-rebuild"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What a run did: the version that counts now, records taken in by this run, old tokens removed."""

    version: int
    records: int
    removed: int

    def to_json(self) -> dict[str, Any]:
        """As the command line shows it."""
        return {"version": self.version, "records": self.records, "removed": self.removed}


def index_version(reader: Reader) -> int:
    """The version of the blind index that counts."""
    text = meta.get(reader, _VERSION)
    return FIRST_INDEX_VERSION if text is None else int(text)


def storage_keys(keys: NodeKeys, store: Store) -> StorageKeys:
    """What sealing and looking up need of the key store, with the version of the index that counts."""
    with store.node.read() as reader:
        return StorageKeys(keys.vault(os.urandom), keys.storage.index, index_version(reader))


def reindex_offline(settings: Settings, keys: NodeKeys, progress: Progress) -> Reindexed:
    """Make the blind index of a stopped node anew, or go on where a run was stopped.

    Args:
        settings: of the node.
        keys: its key files.
        progress: told how far it is.

    Raises:
        StoreError: ``store-locked`` while the node runs; ``record-rebuild``, ``sealed-broken``, ``index-incomplete``,
            ``disk-full``.
    """
    store = open_store(settings.data_dir)
    try:
        return Reindexing(Uscc(settings.department), store, storage_keys(keys, store), progress).run()
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class _State:
    """How far a run is: the version being made, the last position taken in, whether it counts already."""

    version: int
    position: int
    counts: bool

    def dumps(self) -> str:
        return orjson.dumps({"version": self.version, "position": self.position, "counts": self.counts}).decode()


class Reindexing:
    """The use case.

    Args:
        department: USCC of this node.
        store: the databases, owned by this process.
        keys: of the version that counts.
        progress: told how far it is.
    """

    def __init__(self, department: Uscc, store: Store, keys: StorageKeys, progress: Progress) -> None:
        self._department = department
        self._store = store
        self._keys = keys
        self._progress = progress
        self._compiled: dict[int, CompiledSchema] = {}

    def run(self) -> Reindexed:
        """Make the next version, or finish the one that was begun."""
        state = self._state()
        taken = 0
        if not state.counts:
            state, taken = self._walk(state)
            self._switch(state)
        removed = self._drop_before(state.version)
        self._store.node.compact().result()
        self._write(lambda tx: meta.remove(tx, _STATE))
        return Reindexed(state.version, taken, removed)

    def _state(self) -> _State:
        with self._store.node.read() as reader:
            text = meta.get(reader, _STATE)
        if text is None:
            return _State(self._keys.index_version + 1, 0, counts=False)
        self._progress("going on where the last run was stopped")
        return _State(**orjson.loads(text))

    def _walk(self, state: _State) -> tuple[_State, int]:
        """Take in every live record after the position reached."""
        keys = StorageKeys(self._keys.vault, self._keys.index_key, state.version)
        taken = 0
        with self._store.node.read() as reader:
            ids = [row.id for row in datasets.listing(reader)]
        while ids:
            with self._store.node.read() as reader:
                rows = table.page(reader, ids, state.position, PAGE)
                begun = erasures.begun_of(reader, [row.position for row in rows])
            if not rows:
                break
            live = [row for row in rows if not row.is_erased and row.position not in begun]
            tokens = self._tokens(keys, live)
            state = _State(state.version, rows[-1].position, counts=False)
            self._keep(tokens, state)
            taken += len(live)
            self._progress(f"{taken} records, up to position {state.position}")
        return state, taken

    def _tokens(self, keys: StorageKeys, rows: list[table.Record]) -> list[tuple[int, int, str, int, bytes]]:
        with self._store.keys.read() as reader:
            wrapped = record_keys.get_many(reader, [(row.jti, row.rev) for row in rows])
        found = []
        for row in rows:
            compiled = self._schema(row.dataset_id)
            opened = rebuild(self._department, compiled.schema, row, keys.vault.unwrap(wrapped[row.jti, row.rev]))
            for name, version, token in row_tokens(keys, compiled, compiled.to_row(opened.texts)):
                found.append((row.position, row.dataset_id, name, version, token))
        return found

    def _schema(self, dataset_id: int) -> CompiledSchema:
        if dataset_id not in self._compiled:
            with self._store.node.read() as reader:
                source = datasets.by_id(reader, dataset_id).schema
            self._compiled[dataset_id] = compile_validator(load_schema(source))
        return self._compiled[dataset_id]

    def _keep(self, tokens: list[tuple[int, int, str, int, bytes]], state: _State) -> None:
        def job(tx: Transaction) -> None:
            table.reindex(tx, tokens)
            meta.put(tx, _STATE, state.dumps())

        self._write(job)

    def _switch(self, state: _State) -> None:
        """From this transaction on the new version counts."""

        def job(tx: Transaction) -> None:
            missing = table.unindexed(tx, KEY_FIELD, state.version)
            if missing > 0:
                raise StoreError("index-incomplete", f"{missing} records are not in the new index; the old one goes on counting")
            meta.put(tx, _VERSION, str(state.version))
            meta.put(tx, _STATE, _State(state.version, state.position, counts=True).dumps())

        self._write(job)
        self._progress(f"version {state.version} of the index counts now")

    def _drop_before(self, version: int) -> int:
        with self._store.node.read() as reader:
            old = [part for part in table.index_parts(reader) if part[2] < version]
        removed = 0
        for dataset_id, name, of_version in old:
            removed += self._store.node.submit(
                lambda tx, part=(dataset_id, name, of_version): table.drop_index(tx, *part)  # type: ignore[misc]
            ).result()
        return removed

    def _write(self, job: Callable[[Transaction], None]) -> None:
        self._store.node.submit(job).result()
