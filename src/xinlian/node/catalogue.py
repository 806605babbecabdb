"""The catalogue: datasets of all departments as on chain, and this department's own schema files.

Rules
1. A dataset is named by alias (GJJ-01), ``<USCC>.<serial>`` or catalogue code; without a version the newest published counts.
2. Proposing stores the schema file first and then sends the transaction; repeating it does no harm. A version that the authority
   sent back is proposed again, with the same file or another one.
3. A schema of another department is fetched from that department's node by hash and kept; the hash on chain decides.

Example: ``dataset = catalogue.own("GJJ-01")``
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from xinlian.node.catalogue_entry import proposal_args
from xinlian.node.chain_state import ChainState, DatasetState
from xinlian.node.dataset_info import DatasetInfo, entry_info, local_info
from xinlian.node.paging import Page, Window, page_of
from xinlian.node.transactions import Done, Transactions
from xinlian.protocol.dataset import CompiledSchema, DatasetSchema, compile_validator, load_schema
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError, PeerError
from xinlian.store import datasets as table
from xinlian.store import meta
from xinlian.store.writer import Reader, Transaction, Writer

_FOREIGN = "schema "

SchemaFetcher = Callable[[str, str], Awaitable[bytes]]
"""Fetches a schema file from a department's node: (USCC, schema hash as 64 hex) → bytes."""


@dataclass(frozen=True, slots=True)
class LocalDataset:
    """One version of an own dataset, ready to check rows."""

    id: int
    schema: DatasetSchema
    compiled: CompiledSchema


class Catalogue:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        state: the chain's datasets.
        transactions: sends the proposal.
        fetch: fetches other departments' schema files.
        now: wall clock, epoch seconds.
    """

    def __init__(
        self,
        department: str,
        writer: Writer,
        state: ChainState,
        transactions: Transactions,
        fetch: SchemaFetcher,
        now: Callable[[], float],
    ) -> None:
        self._department = department
        self._writer = writer
        self._state = state
        self._transactions = transactions
        self._fetch = fetch
        self._now = now
        self._local: dict[int, LocalDataset] = {}
        self._foreign: dict[str, DatasetSchema] = {}
        self._rows: list[table.StoredDataset] | None = None

    # -- own datasets ------------------------------------------------------------------------------

    def own(self, name: str, version: int | None = None) -> LocalDataset:
        """An own dataset; without a version the newest one that is published, else the newest.

        Raises:
            NotFoundError: ``dataset-unknown``.
        """
        code = name.replace(".", "/")
        rows = self._named(code)
        if version is not None:
            rows = [row for row in rows if row.version == version]
        if not rows:
            with self._writer.read() as reader:  # says what is missing
                return self._compiled(table.by_code(reader, code, version))
        newest = rows[-1]
        if version is not None:
            return self._compiled(newest)
        known = [row for row in self._listed() if row.code == newest.code]
        published = [row for row in known if self._on_chain(row) == "published"]
        return self._compiled(published[-1] if published else newest)

    def by_id(self, dataset_id: int) -> LocalDataset:
        """An own dataset by its row id."""
        found = self._local.get(dataset_id)
        if found is None:
            with self._writer.read() as reader:
                found = self._compiled(table.by_id(reader, dataset_id))
        return found

    def ids_of(self, code: str) -> list[int]:
        """Row ids of all versions of an own dataset."""
        return [row.id for row in self._listed() if row.code == code]

    def _listed(self) -> list[table.StoredDataset]:
        """Every stored version, by code and version; read again after each change."""
        if self._rows is None:
            with self._writer.read() as reader:
                self._rows = table.listing(reader)
        return self._rows

    def _named(self, name: str) -> list[table.StoredDataset]:
        """What a catalogue code or an alias names, by rising version."""
        return sorted([row for row in self._listed() if name in (row.code, row.alias)], key=lambda row: row.version)

    def require_published(self, dataset: LocalDataset) -> None:
        """Publishing records needs a published catalogue entry.

        Raises:
            ConflictError: ``dataset-not-published``.
        """
        schema = dataset.schema
        entry = self._state.dataset(schema.owner, schema.serial, schema.version)
        if entry is None or entry.state != "published":
            state = "not proposed" if entry is None else entry.state
            raise ConflictError(
                "dataset-not-published",
                f"{schema.alias} version {schema.version} is {state}; the authority publishes it first",
                dataset=schema.code,
                version=schema.version,
            )

    def _on_chain(self, row: table.StoredDataset) -> str:
        owner, _, serial = row.code.partition("/")
        entry = self._state.dataset(owner, int(serial), row.version)
        return "local" if entry is None else entry.state

    def _compiled(self, row: table.StoredDataset) -> LocalDataset:
        found = self._local.get(row.id)
        if found is None:
            schema = load_schema(row.schema)
            found = self._local[row.id] = LocalDataset(row.id, schema, compile_validator(schema))
        return found

    def check_proposal(self, source: bytes) -> DatasetSchema:
        """Whether a schema file can be proposed; nothing is stored.

        Raises:
            InputError: ``schema-form``, ``schema-owner`` when it belongs to another department.
            ConflictError: ``dataset-exists`` when this version is proposed already or another file has it, ``alias-taken``.
        """
        schema = load_schema(source)
        if schema.owner != self._department:
            raise InputError(
                "schema-owner", f"{schema.code} belongs to another department", expected=self._department, dataset=schema.code
            )
        is_returned = self._is_returned(schema)
        if not is_returned and self._state.dataset(schema.owner, schema.serial, schema.version) is not None:
            text = f"{schema.code}@{schema.version} is in the catalogue already; a change is a new version"
            raise ConflictError("dataset-exists", text, dataset=schema.code, version=schema.version)
        with self._writer.read() as reader:
            if not _is_stored(reader, schema):
                table.check_free(reader, _stored(schema, int(self._now())), replacing=is_returned)
        return schema

    async def propose(self, source: bytes, head_consent: bytes) -> Done:
        """Store a checked schema file and propose it on chain.

        Args:
            source: the schema file.
            head_consent: digest of the text in which the department's head consents, 32 bytes.

        Raises:
            InputError, ConflictError: as ``check_proposal``.
            ChainError: when the chain cannot be reached or rejects it.
        """
        schema = self.check_proposal(source)
        try:
            await self._writer.write(lambda tx: self._store(tx, schema))
        finally:
            self._rows = None
            self._local.clear()
        return await self._transactions.law("DatasetCatalog", "propose", proposal_args(schema, head_consent))

    def is_proposed(self, schema: DatasetSchema, head_consent: bytes) -> bool:
        """Whether the chain shows exactly this schema, with exactly this consent, as proposed (or further on)."""
        entry = self._state.dataset(schema.owner, schema.serial, schema.version)
        shown = None if entry is None else (entry.schema_hash, entry.head_consent)
        return shown == ("0x" + schema.schema_hash.hex(), "0x" + head_consent.hex())

    def _is_returned(self, schema: DatasetSchema) -> bool:
        entry = self._state.dataset(schema.owner, schema.serial, schema.version)
        return entry is not None and entry.state == "returned"

    def _store(self, tx: Transaction, schema: DatasetSchema) -> None:
        if _is_stored(tx, schema):
            return
        stored = _stored(schema, int(self._now()))
        before = [row.id for row in table.versions(tx, schema.code) if row.version == schema.version]
        if before and self._is_returned(schema):
            table.replace(tx, before[0], stored)
        else:
            table.insert(tx, stored)

    # -- all datasets ------------------------------------------------------------------------------

    def page(self, window: Window) -> Page[DatasetInfo]:
        """Some of ``list``: entries by code and version."""
        on_chain = {(entry.code, entry.version): entry for entry in self._state.datasets.values()}
        local = {(row.code, row.version): row for row in self._listed()}
        page = page_of({*on_chain, *local}, window, lambda key: key)
        infos = [
            self._info_of(on_chain[key]) if key in on_chain else local_info(self._compiled(local[key]).schema)
            for key in page.items
        ]
        return Page(infos, page.next)

    def list(self) -> list[DatasetInfo]:
        """Every entry on chain, then local ones that are not there."""
        entries = [self._info_of(entry) for entry in self._state.datasets.values()]
        with self._writer.read() as reader:
            local = [self._compiled(row).schema for row in table.listing(reader)]
        entries += [
            local_info(schema) for schema in local if self._state.dataset(schema.owner, schema.serial, schema.version) is None
        ]
        return sorted(entries, key=lambda info: (info.code, info.version))

    def info(self, name: str, version: int | None = None) -> DatasetInfo:
        """One entry; without a version the newest published.

        Raises:
            NotFoundError: ``dataset-unknown``.
        """
        every, code = self.list(), name.replace(".", "/")
        codes = {info.code for info in every if name == info.alias or code == info.code}
        wanted = [info for info in every if info.code in codes and version in (None, info.version)]
        if not wanted:
            raise NotFoundError("dataset-unknown", "there is no such dataset", dataset=name[:40], version=version)
        published = [info for info in wanted if info.state == "published"]
        return (published or wanted)[-1]

    def _info_of(self, entry: DatasetState) -> DatasetInfo:
        return entry_info(self._state, entry, self.known_schema(entry), own=entry.owner == self._department)

    def known_schema(self, entry: DatasetState) -> DatasetSchema | None:
        """The schema of an entry when it is known here, else None."""
        digest = entry.schema_hash.removeprefix("0x")
        found = self._foreign.get(digest)
        if found is not None:
            return found
        with self._writer.read() as reader:
            kept = meta.get(reader, _FOREIGN + digest)
            rows = [row for row in table.versions(reader, entry.code) if row.schema_hash.hex() == digest]
        if kept is None and not rows:
            return None
        found = self._foreign[digest] = load_schema(rows[0].schema if rows else str(kept).encode())
        return found

    async def schema_of(self, name: str, version: int | None = None) -> DatasetSchema:
        """The schema of any department's dataset, fetched from its owner's node when it is not known here.

        Raises:
            NotFoundError: ``dataset-unknown``.
            PeerError: when the owner's node cannot be reached or hands out another file.
        """
        info = self.info(name, version)
        owner, _, serial = info.code.partition("/")
        entry = self._state.dataset(owner, int(serial), info.version)
        return self.own(info.code, info.version).schema if entry is None else await self.schema_at(entry)

    async def schema_at(self, entry: DatasetState) -> DatasetSchema:
        """The schema of one catalogue entry version, fetched when it is not known here."""
        known = self.known_schema(entry)
        if known is not None:
            return known
        digest = entry.schema_hash.removeprefix("0x")
        schema = load_schema(await self._fetch(entry.owner, digest))
        if schema.schema_hash.hex() != digest or schema.vct != entry.vct:
            raise NotFoundError("dataset-unknown", "the owner's node handed out another schema file", dataset=entry.code)
        await self._writer.write(lambda tx: meta.put(tx, _FOREIGN + digest, schema.source.decode()))
        self._foreign[digest] = schema
        return schema

    async def learn(self, owner: str) -> None:
        """Fetch the schemas of a department's published datasets that are not known here, so that aliases name them.

        What its node does not hand out now stays unknown.
        """
        for entry in [one for one in self._state.datasets.values() if one.owner == owner and one.state == "published"]:
            with contextlib.suppress(PeerError):
                await self.schema_at(entry)

    def source_by_hash(self, digest: str) -> bytes:
        """The schema file with a hash (64 hex), for other nodes; own datasets only.

        Raises:
            NotFoundError: ``dataset-unknown``.
        """
        with self._writer.read() as reader:
            for row in table.listing(reader):
                if row.schema_hash.hex() == digest:
                    return row.schema
        raise NotFoundError("dataset-unknown", "no schema file of this department has this hash")


def _is_stored(reader: Reader, schema: DatasetSchema) -> bool:
    rows = table.versions(reader, schema.code)
    return any(row.version == schema.version and row.schema_hash == schema.schema_hash for row in rows)


def _stored(schema: DatasetSchema, now: int) -> table.StoredDataset:
    return table.StoredDataset(0, schema.code, schema.version, schema.alias, schema.source, schema.schema_hash, "proposed", now)
