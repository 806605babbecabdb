"""Reading this department's own records: decrypt, rebuild, check against the leaf, find by lookup.

Rules
1. Every rebuild is checked against the stored leaf before anything is used (``record-rebuild`` otherwise).
2. What was erased cannot be read; what has begun to be erased neither, nor what the chain says was erased although it is here.
   Nothing at all is read before the node knows, after its start, what was erased meanwhile (``node.restoring``).
3. Values leave here only as exact JSON texts or disclosures; nothing is logged.

Example: ``opened = records.open(record); opened.disclosure_of("balance_yuan")``
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from xinlian.node.catalogue import Catalogue
from xinlian.node.ids import record_id_bytes, record_id_text
from xinlian.node.paging import Page, Window, first_of, page_of
from xinlian.node.sealing import StorageKeys, lookup_token, payload_texts
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import InputError, NotFoundError, StoreError
from xinlian.protocol.record import StatementHead, seal
from xinlian.protocol.types import RecordId, Status, Stream, Uscc, issuer_of
from xinlian.store import erasures, record_keys
from xinlian.store import records as table
from xinlian.store.opening import Store
from xinlian.store.sealing import decrypt_payload
from xinlian.store.statuses import Standing, Standings, standing
from xinlian.store.writer import Reader

_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """A record of this node, opened.

    Args:
        row: as stored.
        schema: the dataset version it was published under.
        statement: exact bytes.
        disclosures: one per field, in field order.
        texts: exact JSON text of each field.
    """

    row: table.Record
    schema: DatasetSchema
    statement: bytes = field(repr=False)
    disclosures: tuple[str, ...] = field(repr=False)
    texts: tuple[str, ...] = field(repr=False)

    @property
    def record_id(self) -> RecordId:
        """UUIDv7 text."""
        return record_id_text(self.row.jti)

    def disclosures_of(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """Disclosures of the named fields (None = all), in the order of the names.

        Raises:
            InputError: ``field-unknown``.
        """
        if names is None:
            return self.disclosures
        return tuple(self.disclosures[self.schema.field_index(name)] for name in names)

    def values(self) -> dict[str, object]:
        """Field values as JSON types."""
        return {entry.name: orjson.loads(text) for entry, text in zip(self.schema.fields, self.texts, strict=True)}


class Records:
    """Reads records.

    Args:
        department: USCC of this node.
        store: the databases.
        keys: storage keys.
        catalogue: own datasets.
    """

    def __init__(self, department: Uscc, store: Store, keys: StorageKeys, catalogue: Catalogue) -> None:
        self._department = department
        self._store = store
        self._keys = keys
        self._catalogue = catalogue
        self.require_readable: Callable[[], None] = lambda: None
        """Refuses while the node does not know yet what was erased (``records-behind``)."""

    def get(self, record_id: str, rev: int | None = None) -> table.Record:
        """One revision of a record, the latest by default.

        Raises:
            InputError: ``record-id-form``.
            NotFoundError: ``record-unknown``.
        """
        jti = record_id_bytes(record_id)
        with self._store.node.read() as reader:
            return table.by_jti(reader, jti, rev)

    def revisions(self, record_id: str) -> list[table.Record]:
        """All revisions, oldest first."""
        with self._store.node.read() as reader:
            return table.revisions(reader, record_id_bytes(record_id))

    def page(self, dataset: str, window: Window) -> Page[table.Record]:
        """Records of an own dataset in publication order."""
        ids = self._catalogue.ids_of(self._catalogue.own(dataset).schema.code)
        after = 0 if window.after is None else int(window.after[0])
        with self._store.node.read() as reader:
            found = table.page(reader, ids, after, window.limit + 1)
        return first_of(found, window, lambda row: (row.position,))

    def standing(self, row: table.Record) -> Standing:
        """Batch and on-chain status of a record."""
        with self._store.node.read() as reader:
            return standing(reader, self._department, Stream.RECORDS, row.position)

    async def wait_ended(self, record_id: str, status: Status, timeout_s: float) -> bool:
        """Wait until the chain shows a status on every revision of a record that was to get it.

        Args:
            record_id: UUIDv7 text.
            status: revoked (the latest revision) or erased (every revision).
            timeout_s: seconds.

        Returns:
            False when it is not in time.
        """
        rows = self.revisions(record_id) if status is Status.ERASED else [self.get(record_id)]
        end = time.monotonic() + timeout_s
        while not all(self.standing(row).status >= status for row in rows):
            if time.monotonic() >= end:
                return False
            await asyncio.sleep(_LOOK_S)
        return True

    def search(self, dataset: str, name: str, value: str, window: Window) -> Page[table.Record]:
        """Living latest revisions whose lookup field has a value, in publication order.

        Raises:
            InputError: ``field-not-lookup``.
        """
        schema = self._catalogue.own(dataset).schema
        if name not in {lookup.name for lookup in schema.lookups}:
            raise InputError("field-not-lookup", f"{schema.alias}: this field is not a lookup field", dataset=schema.code)
        with self._store.node.read() as reader:
            found = self.find(self.standings(reader), schema, name, value)
        return page_of(found, window, lambda row: (row.position,))

    def standings(self, reader: Reader) -> Standings:
        """Batches and on-chain statuses of this node's records, on an open reader."""
        return Standings(reader, self._department, Stream.RECORDS)

    def find(self, standings: Standings, schema: DatasetSchema, lookup: str, value: str) -> list[table.Record]:
        """``search`` on the reader of ``standings``, without what was revoked or has begun to be erased.

        That holds also while the mark still waits for the chain: what the department withdrew is not given out any more.

        Args:
            standings: of an open reader; keep it while more is to be found.
            schema: of an own dataset.
            lookup: name of a lookup field.
            value: to look for.

        Raises:
            ChainError: ``records-behind``.
        """
        return self.find_many(standings, schema, lookup, [value])[value]

    def find_many(
        self, standings: Standings, schema: DatasetSchema, lookup: str, values: Iterable[str]
    ) -> dict[str, list[table.Record]]:
        """``find`` for many values of one lookup field."""
        self.require_readable()
        tokens = {value: lookup_token(self._keys, schema.code, lookup, value) for value in values}
        ids = self._catalogue.ids_of(schema.code)
        found = table.by_tokens(standings.reader, ids, lookup, self._keys.index_version, list(tokens.values()))
        return {
            value: [row for row in found[token] if standings.of(row.position).status < Status.REVOKED]
            for value, token in tokens.items()
        }

    def open(self, row: table.Record) -> OpenRecord:
        """Decrypt and rebuild a record.

        Raises:
            NotFoundError: ``record-erased``.
            ChainError: ``records-behind``.
            StoreError: ``record-rebuild`` when what is stored does not give the leaf, ``sealed-broken``.
        """
        return self.open_many([row])[0]

    def open_many(self, rows: Sequence[table.Record], standings: Standings | None = None) -> list[OpenRecord]:
        """``open`` for several records with one look into the key store.

        Args:
            rows: of this node.
            standings: of the snapshot the rows were read from just now, to save another one.
        """
        self.require_readable()
        if standings is not None:
            self._refuse_erased(rows, standings)
        else:
            with self._store.node.read() as reader:
                self._refuse_erased(rows, self.standings(reader))
        with self._store.keys.read() as reader:
            wrapped = record_keys.get_many(reader, [(row.jti, row.rev) for row in rows])
        keys = [self._keys.vault.unwrap(wrapped[row.jti, row.rev]) for row in rows]
        schemas = [self._catalogue.by_id(row.dataset_id).schema for row in rows]
        return [rebuild(self._department, *found) for found in zip(schemas, rows, keys, strict=True)]

    def is_erased(self, row: table.Record) -> bool:
        """True from the moment an erasure has begun."""
        with self._store.node.read() as reader:
            begun = row.is_erased or erasures.is_begun(reader, row.position)
            return begun or self.standings(reader).of(row.position).status == Status.ERASED

    @staticmethod
    def _refuse_erased(rows: Sequence[table.Record], standings: Standings) -> None:
        begun = erasures.begun_of(standings.reader, [row.position for row in rows])
        begun |= {row.position for row in rows if standings.of(row.position).status == Status.ERASED}
        for row in rows:
            if row.ciphertext is None or row.position in begun:
                raise NotFoundError(
                    "record-erased", "this record was erased: its data no longer exists", record=record_id_text(row.jti)
                )


def rebuild(department: Uscc, schema: DatasetSchema, row: table.Record, record_key: bytes) -> OpenRecord:
    """Decrypt a record's payload and rebuild its statement and disclosures.

    Args:
        department: its owner.
        schema: of its dataset version.
        row: as stored, not erased.
        record_key: unwrapped, 32 bytes.

    Raises:
        StoreError: ``record-rebuild`` when what is stored does not give the leaf, ``sealed-broken``.
    """
    assert row.ciphertext is not None
    texts = payload_texts(decrypt_payload(record_key, schema.vct, row.jti, row.rev, row.ciphertext))
    head = StatementHead(issuer_of(department), schema.vct, record_id_text(row.jti), row.iat, row.rev, row.prev)
    names = [entry.name for entry in schema.fields]
    if len(names) != len(texts):
        raise StoreError("record-rebuild", f"record {head.jti}: the stored payload does not fit its schema", record=head.jti)
    sealed = seal(head, list(zip(names, texts, strict=True)), record_key)
    if sealed.leaf != row.leaf:
        raise StoreError("record-rebuild", f"record {head.jti}: the stored data does not give its leaf", record=head.jti)
    return OpenRecord(row, schema, sealed.statement, sealed.disclosures, tuple(texts))
