"""Receipts, evidence bundles and verification on this node.

Rules
1. A receipt exists for final batches only; it is computed from the leaves on demand, the tree of a batch is kept a while.
2. Without a receipt a bundle carries the signed form, as the format demands.
3. A bundle of a superseded record carries its successor.
4. Verification here asks this node's own view; it is the same code as ``xinlian verify``.

Source: design 4.2, 4.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from xinlian.node.identity import Identity
from xinlian.node.local_view import LocalView
from xinlian.node.records import OpenRecord, Records
from xinlian.protocol.bundle import Bundle, Successor
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError
from xinlian.protocol.manifest import Deployment
from xinlian.protocol.merkle import Tree
from xinlian.protocol.messages import Evidence
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.record import parse_statement
from xinlian.protocol.report import Report
from xinlian.protocol.types import EpochS, Status, Stream, Uscc
from xinlian.protocol.verification import Verifier, parse_as_of, verify_bundle, verify_bytes
from xinlian.store import records as record_table
from xinlian.store import streams
from xinlian.store.anchoring import Batch
from xinlian.store.sealing import Sealer
from xinlian.store.statuses import Standings, standing
from xinlian.store.writer import Writer

SUITE = 1
_TREES = 16  # a tree of 65,536 leaves takes about 10 MB


class Bundles:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        sealer: opens answers and read entries.
        deployment: the trust anchor.
        view: this node's own view.
        records: opens records.
        identity: signs statements.
        law_s: law time, epoch seconds.
    """

    def __init__(
        self,
        department: Uscc,
        writer: Writer,
        sealer: Sealer,
        deployment: Deployment,
        view: LocalView,
        records: Records,
        identity: Identity,
        law_s: Callable[[], int],
    ) -> None:
        self._department = department
        self._writer = writer
        self._sealer = sealer
        self._deployment = deployment
        self._view = view
        self._records = records
        self._identity = identity
        self._law_s = law_s
        self._tree = lru_cache(_TREES)(self._load_tree)

    # -- receipts ----------------------------------------------------------------------------------

    def receipt(self, stream: Stream, position: int) -> Receipt | None:
        """The receipt of an entry, None while its batch is not final."""
        return self.receipts(stream, [position])[position]

    def receipts(self, stream: Stream, positions: Iterable[int]) -> dict[int, Receipt | None]:
        """``receipt`` of many entries of one stream, by position."""
        with self._writer.read() as reader:
            return self.receipts_of(Standings(reader, self._department, stream), positions)

    def receipts_of(self, standings: Standings, positions: Iterable[int]) -> dict[int, Receipt | None]:
        """``receipts`` from the snapshot of ``standings``, which are of the entries' stream."""
        view = self._view.on(standings.reader)
        return {position: self._receipt(standings.batch_of(position), position, view) for position in positions}

    def _receipt(self, batch: Batch | None, position: int, view: LocalView) -> Receipt | None:
        if batch is None or batch.state != "final":
            return None
        index = position - batch.first_position
        tree = self._tree(batch.stream, batch.sequence, batch.first_position, batch.size)
        anchored = view.anchoring(self._department, batch.stream, batch.sequence)
        if anchored is None or tree.root != batch.root:
            where = "the batch is no longer on this node's view of the chain"
            raise ConflictError("batch-not-on-chain", where, sequence=batch.sequence)
        return Receipt(
            chain_id=self._deployment.chain_id,
            genesis_hash=self._deployment.genesis_hash,
            ledger=self._deployment.contracts["RecordLedger"].address,
            department=self._department,
            stream=Stream(batch.stream),
            sequence=batch.sequence,
            index=index,
            size=batch.size,
            root=batch.root,
            suite=SUITE,
            path=tuple(tree.path(index)),
            block_number=anchored.block_number,
            block_time=anchored.block_time,
            tx_hash=anchored.tx_hash,
        )

    def _load_tree(self, stream: int, _sequence: int, first_position: int, size: int) -> Tree:
        with self._writer.read() as reader:
            return Tree(split_leaves(streams.leaves(reader, stream, first_position, first_position + size - 1)))

    def receipt_state(self, record_id: str, rev: int | None) -> dict[str, Any]:
        """The receipt of a record as the API shows it; null with the reason while it is pending."""
        row = self._records.get(record_id, rev)
        receipt = self.receipt(Stream.RECORDS, row.position)
        with self._writer.read() as reader:
            status = standing(reader, self._department, Stream.RECORDS, row.position).status
        return {
            "record_id": record_id,
            "rev": row.rev,
            "leaf": row.leaf.hex(),
            "state": "pending" if receipt is None else "anchored",
            "pending_since": row.iat if receipt is None else None,
            "status": Status(status).name.lower(),
            "receipt": None if receipt is None else receipt.to_json(),
        }

    # -- bundles -----------------------------------------------------------------------------------

    def record_bundle(self, record_id: str, rev: int | None, fields: Sequence[str] | None, *, signed: bool) -> Bundle:
        """The bundle of a record.

        Args:
            record_id: UUIDv7 text.
            rev: None for the latest.
            fields: fields to disclose, None for all.
            signed: add the signed form; a pending record always carries it.

        Raises:
            NotFoundError: ``record-unknown``, ``record-erased``.
            InputError: ``field-unknown``.
        """
        row = self._records.get(record_id, rev)
        opened = self._records.open(row)
        receipt = self.receipt(Stream.RECORDS, row.position)
        jws = self._identity.sign_statement(opened.statement) if signed or receipt is None else None
        return Bundle(
            statement=parse_statement(opened.statement),
            disclosures=opened.disclosures_of(fields),
            signed=jws,
            receipt=receipt,
            successor=self._successor(opened),
            issued_at=EpochS(self._law_s()),
        )

    def _successor(self, opened: OpenRecord) -> Successor | None:
        """The next revision with its receipt, once it is anchored and can still be rebuilt."""
        later = [row for row in self._records.revisions(opened.record_id) if row.rev == opened.row.rev + 1]
        if not later or later[0].state == record_table.ERASED:
            return None
        receipt = self.receipt(Stream.RECORDS, later[0].position)
        if receipt is None:
            return None
        return Successor(parse_statement(self._records.open(later[0]).statement), receipt)

    def answer_bundle(self, position: int) -> Bundle:
        """The bundle of an answer statement of this department, everything disclosed.

        Raises:
            NotFoundError: ``record-unknown``, ``answer-erased`` when a record it was made from was erased.
        """
        with self._writer.read() as reader:
            answer = streams.answer_at(reader, self._sealer, position)
        if answer.disclosures is None:
            raise NotFoundError("answer-erased", "a record that this statement was made from was erased", position=position)
        return self.statement_bundle(answer.statement, tuple(answer.disclosures.split("~")), Stream.ANSWERS, position)

    def read_bundle(self, position: int) -> Bundle:
        """The bundle of a read entry, clear parts only.

        Raises:
            NotFoundError: ``record-unknown``.
        """
        with self._writer.read() as reader:
            entry = streams.read_at(reader, self._sealer, position)
        return self.statement_bundle(entry.statement, (), Stream.READS, position)

    def statement_bundle(self, statement: bytes, disclosures: tuple[str, ...], stream: Stream, position: int) -> Bundle:
        """The bundle of a statement of the protocol's own types, signed while it has no receipt.

        Args:
            statement: exact bytes.
            disclosures: those to be handed out.
            stream: it lies in.
            position: where.
        """
        receipt = self.receipt(stream, position)
        signed = self._identity.sign_statement(statement) if receipt is None or stream is Stream.ANSWERS else None
        return Bundle(parse_statement(statement), disclosures, receipt, signed, None, EpochS(self._law_s()))

    # -- verification ------------------------------------------------------------------------------

    def verify(self, data: bytes, as_of: str | None) -> Report:
        """Verify a bundle that somebody handed in; what is no bundle fails the check ``format``.

        Raises:
            InputError: ``as-of-form``.
        """
        return verify_bytes(data, self._deployment, self._view, None if as_of is None else parse_as_of(as_of))

    def verify_parsed(self, bundle: Bundle) -> Report:
        """Verify a bundle that this node put together from an answer."""
        return verify_bundle(bundle, self._deployment, self._view, None)

    @contextmanager
    def verifying(self) -> Iterator[Callable[[Bundle], Report]]:
        """``verify_parsed`` for many bundles in a row, against one and the same view."""
        with self._view.snapshot() as view:
            yield Verifier(self._deployment, view).verify


def split_leaves(buffer: bytes) -> list[bytes]:
    """Leaf hashes of a buffer of 32 bytes each."""
    return [buffer[i : i + 32] for i in range(0, len(buffer), 32)]


def evidence_bundle(evidence: Evidence, issued_at: int) -> Bundle:
    """An answer's evidence as a bundle.

    Raises:
        InputError: ``bundle-format`` when receipt or successor are not of their form.
    """
    if evidence.successor is not None:
        raise InputError("bundle-format", "an answer gives current records only: no successor expected")
    receipt = None if evidence.receipt is None else Receipt.from_json(dict(evidence.receipt))
    statement = parse_statement(evidence.statement)
    return Bundle(statement, evidence.disclosures, receipt, evidence.signed, None, EpochS(issued_at))
