"""Sealing rows into records: validate, make the disclosures, encrypt, wrap the key, compute the blind indexes.

Rules
1. Sealing writes nothing and knows no database; it returns the rows that ``publishing`` commits.
2. Every record gets a fresh 256-bit key; salts and payload key derive from it, so destroying it destroys both.
3. Bulk work goes to a pool of processes as wide as the cores; one row is sealed in place.
4. A fault never carries a personal value, and a chunk with faults returns no sealed row.

Example: ``chunk = seal_rows(keys, Target(compiled, 1, person.id, law_time), [(1, row)])``
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from xinlian.node.files import RowFault
from xinlian.node.files.rows import row_fault
from xinlian.node.ids import record_id_bytes
from xinlian.protocol.attachments import FileValue
from xinlian.protocol.dataset import CompiledSchema, compile_validator, load_schema
from xinlian.protocol.errors import InputError, StoreError
from xinlian.protocol.jsontext import loads_strict
from xinlian.protocol.record import StatementHead, seal
from xinlian.protocol.types import RecordId, issuer_of, uuid7_text
from xinlian.store.record_keys import Vault
from xinlian.store.records import NewRow, Token
from xinlian.store.sealing import encrypt_payload, field_index_key, value_token

KEY_FIELD = "#key"
"""Name under which the natural key of a row stands in the blind index; no field can be called that."""

ENCODER = "rec/1"
FIRST_INDEX_VERSION = 1

MAX_ROW_DEPTH = 4
"""A row is an object; its arrays hold objects that are flat but for the values of file fields."""

_BOM = b"\xef\xbb\xbf"

_PAYLOAD_SEPARATOR = "\n"
"""Between the exact JSON texts of a payload: JSON escapes every control character, so none holds it."""


@dataclass(frozen=True, slots=True)
class StorageKeys:
    """What sealing needs of the key store.

    Args:
        vault: wraps record keys.
        index_key: 32 bytes, of the blind index.
        index_version: of the blind index; every re-indexing raises it.
    """

    vault: Vault = field(repr=False)
    index_key: bytes = field(repr=False)
    index_version: int = FIRST_INDEX_VERSION


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go: the dataset ready to check rows, its id in the store, who publishes, and when (law time)."""

    compiled: CompiledSchema
    dataset_id: int
    published_by: int
    iat: int


@dataclass(frozen=True, slots=True)
class Revised:
    """The record that a revision replaces: its id, its revision number, its leaf."""

    record_id: RecordId
    rev: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class SealedChunk:
    """What sealing some rows gave; either ``faults`` is empty or all others are.

    Args:
        records: rows for ``store.records.insert_many``.
        keys: wrapped record keys, rows for ``store.record_keys.put_many``.
        tokens: blind-index tokens of each record, in the order of ``records``; the first is the natural key's.
        rows: row number of each record, as the clerk counts.
        files: filled file fields of each record.
        faults: every fault, in row order.
    """

    records: list[NewRow]
    keys: list[tuple[bytes, int, int, bytes]]
    tokens: list[list[Token]]
    rows: list[int]
    files: list[list[tuple[str, FileValue]]]
    faults: list[RowFault]


def seal_rows(
    keys: StorageKeys,
    target: Target,
    rows: Sequence[tuple[int, Mapping[str, object]]],
    revised: Revised | None = None,
) -> SealedChunk:
    """Seal rows of one dataset.

    Args:
        keys: storage keys.
        target: the dataset and who publishes.
        rows: (row number as the clerk counts, row).
        revised: for a revision, the record that is replaced; then there is exactly one row.
    """
    chunk = SealedChunk([], [], [], [], [], [])
    fresh: list[tuple[bytes, int, bytes]] = []
    for number, row in rows:
        faults = target.compiled.validate(row)
        if faults:
            chunk.faults.extend([row_fault(target.compiled.schema, number, fault) for fault in faults])
        elif not chunk.faults:
            fresh.append(_seal_row(keys, target, row, revised, chunk))
            chunk.rows.append(number)
            chunk.files.append([(entry.name, value) for entry, value in target.compiled.files(row)])
    if chunk.faults:
        return SealedChunk([], [], [], [], [], chunk.faults)
    chunk.keys.extend(keys.vault.wrap_many(fresh))
    return chunk


def _seal_row(
    keys: StorageKeys, target: Target, row: Mapping[str, object], revised: Revised | None, chunk: SealedChunk
) -> tuple[bytes, int, bytes]:
    schema = target.compiled.schema
    record_key = os.urandom(32)
    record_id = revised.record_id if revised else new_record_id()
    jti = record_id_bytes(record_id)
    rev = revised.rev + 1 if revised else 1
    prev = revised.leaf if revised else None
    fields = target.compiled.to_fields(row)
    head = StatementHead(issuer_of(schema.owner), schema.vct, record_id, target.iat, rev, prev)
    sealed = seal(head, fields, record_key)
    payload = _PAYLOAD_SEPARATOR.join([text for _, text in fields]).encode()
    ciphertext = encrypt_payload(record_key, schema.vct, jti, rev, payload)
    chunk.records.append((jti, rev, target.dataset_id, target.iat, prev, sealed.leaf, ciphertext, ENCODER, target.published_by))
    chunk.tokens.append(row_tokens(keys, target.compiled, row))
    return jti, rev, record_key


def row_tokens(keys: StorageKeys, compiled: CompiledSchema, row: Mapping[str, object]) -> list[Token]:
    """The blind-index tokens of a sound row: the natural key first, then every filled lookup field."""
    named = [(KEY_FIELD, "\n".join(compiled.key(row))), *compiled.lookups(row)]
    code = compiled.schema.code
    return [(name, keys.index_version, lookup_token(keys, code, name, value)) for name, value in named]


def lookup_token(keys: StorageKeys, dataset_code: str, name: str, value: str) -> bytes:
    """The 16-byte token under which a value of a lookup (or the natural key) is found."""
    return value_token(_index_key(keys.index_key, dataset_code, name, keys.index_version), value)


@lru_cache(maxsize=1024)
def _index_key(index_key: bytes, dataset_code: str, name: str, version: int) -> bytes:
    return field_index_key(index_key, dataset_code, name, version)


def payload_texts(payload: bytes) -> list[str]:
    """The exact JSON texts of a decrypted payload, in field order."""
    return payload.decode().split(_PAYLOAD_SEPARATOR)


def new_record_id() -> RecordId:
    """A fresh UUIDv7 of this moment. Source: RFC 9562 §5.7."""
    return uuid7_text(time.time_ns() // 1_000_000, os.urandom(10))


# -- pool ------------------------------------------------------------------------------------------

_keys: StorageKeys | None = None
_compiled: dict[bytes, CompiledSchema] = {}


@dataclass(frozen=True, slots=True)
class LinesJob:
    """NDJSON lines to be sealed by a pool process.

    Args:
        schema_source: bytes of the schema file.
        lines: rows as JSON, one a line.
        numbers: row number of each line as the clerk counts.
        dataset_id, published_by, iat: as in ``Target``.
    """

    schema_source: bytes
    lines: bytes = field(repr=False)
    numbers: Sequence[int]
    dataset_id: int
    published_by: int
    iat: int


def _start_worker(keys: StorageKeys) -> None:
    global _keys  # noqa: PLW0603  # one set of keys a process, handed over once by the pool
    _keys = keys
    threading.Thread(target=_end_with_node, daemon=True).start()


def _end_with_node() -> None:
    """End this process when the node's ends, however it ends: after a kill nobody else would, and the keys are in its memory."""
    node = multiprocessing.parent_process()
    if node is not None:
        node.join()
        os._exit(1)


def _seal_lines(job: LinesJob) -> SealedChunk:
    """Seal NDJSON lines in a pool process."""
    assert _keys is not None
    compiled = _compiled.get(job.schema_source)
    if compiled is None:
        compiled = _compiled[job.schema_source] = compile_validator(load_schema(job.schema_source))
    target = Target(compiled, job.dataset_id, job.published_by, job.iat)
    rows: list[tuple[int, Mapping[str, object]]] = []
    faults: list[RowFault] = []
    for number, line in zip(job.numbers, job.lines.split(b"\n"), strict=False):
        if line.strip():
            try:
                rows.append((number, parse_row(line, number)))
            except InputError as error:
                faults.append(RowFault(number, "", "", error.message, "one JSON object", error.code))
    sealed = seal_rows(_keys, target, rows)
    if faults:
        return SealedChunk([], [], [], [], [], sorted([*faults, *sealed.faults], key=lambda fault: fault.row))
    return sealed


def parse_row(line: bytes, number: int) -> Mapping[str, object]:
    """Parse one JSON row.

    The fast parser keeps the last of two equal keys without a word. Every pair has a colon, so a line with as many colons as
    keys has no pair too many; any other line (a colon in a text, a key twice) is read again by the strict parser.

    Args:
        line: UTF-8; a byte order mark is taken off row 1.
        number: row number as the clerk counts.

    Raises:
        InputError: ``json-…``, ``row-shape``.
    """
    text = (line.removeprefix(_BOM) if number == 1 else line).strip()
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError:
        row = loads_strict(text, max_bytes=len(text), max_depth=MAX_ROW_DEPTH)
    if not isinstance(row, dict):
        raise InputError("row-shape", "the entry is no object")
    if text.count(b":") != _count_keys(row):
        loads_strict(text, max_bytes=len(text), max_depth=MAX_ROW_DEPTH)
    return row


def _count_keys(row: dict[str, object]) -> int:
    """Keys of a row and of the objects in its lists; deeper ones make the counts differ, which is the safe side."""
    count = len(row)
    for value in row.values():
        if type(value) is list:
            count += sum([len(item) for item in value if type(item) is dict])
    return count


class SealingPool:
    """The pool of sealing processes.

    Args:
        keys: storage keys, handed to every process once.
        processes: how many; 0 = as many as cores.
    """

    def __init__(self, keys: StorageKeys, processes: int) -> None:
        self.width = processes or os.cpu_count() or 1
        self._keys = keys
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.width, mp_context=context, initializer=_start_worker, initargs=(self._keys,))

    async def seal_lines(self, job: LinesJob) -> SealedChunk:
        """Seal NDJSON lines in one of the processes; lines that are no rows are among the faults.

        A process that dies takes the whole pool with it; the chunk is then sealed once more by a new one.

        Raises:
            StoreError: ``sealing-failed`` when processes die again and again (out of memory).
        """
        for _ in range(2):
            pool = self._pool
            try:
                return await asyncio.get_running_loop().run_in_executor(pool, _seal_lines, job)
            except BrokenProcessPool:
                if self._pool is pool:
                    self._pool = self._new_pool()
        raise StoreError("sealing-failed", "the processes that seal rows keep dying; is there enough memory?")

    def warm(self) -> None:
        """Start the processes now, so that the first file does not wait for them."""
        for _ in range(self.width):
            self._pool.submit(os.getpid)

    def close(self) -> None:
        """Stop the processes; running chunks finish."""
        self._pool.shutdown(wait=True, cancel_futures=True)
