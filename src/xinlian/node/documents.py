"""The texts behind the law's steps: written, kept, opened, compared with their digests.

Rules
1. A text is kept in the same transaction as the step it belongs to, before its digest leaves this node.
2. Own texts count at once; a received one counts only while the chain shows its digest in an event about its object.
3. What the chain shows about an object this department takes part in, and is not here, is missing.

Example: ``document = documents.write("consent", ref, {"reason": "同意"}); documents.keep(tx, document)``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from xinlian.node.chain_state import ChainState, ShownDocument
from xinlian.node.paging import Page, Window, first_of, page_of
from xinlian.protocol.documents import SALT_BYTES, Document, check_document, make_document
from xinlian.protocol.forms import FORMS, read_form
from xinlian.protocol.types import Uscc
from xinlian.store import documents as table
from xinlian.store.sealing import Random, Sealer
from xinlian.store.writer import Reader, Transaction, Writer

PROPOSAL: Final = "proposal"
SENT_BACK: Final = "sent-back"
INTERNAL: Final = frozenset({PROPOSAL, SENT_BACK})
"""Kinds of texts that never leave the department."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Who is who.

    Args:
        department: USCC of this node.
        authority: USCC of the department whose node holds the authority's key, None when it is not known.
    """

    department: Uscc
    authority: Uscc | None

    def concerns(self, parties: frozenset[str]) -> bool:
        """Whether texts about an object with these parties are this department's business."""
        return self.department in parties or self.department == self.authority

    def others(self, parties: frozenset[str]) -> list[Uscc]:
        """Whom this department's texts about an object go to: every other party, and the authority's department."""
        every = parties if self.authority is None else parties | {self.authority}
        return [Uscc(uscc) for uscc in sorted(every) if uscc != self.department]


@dataclass(frozen=True, slots=True)
class Documents:
    """The use case.

    Args:
        sides: who is who.
        writer: node.db.
        sealer: encrypts salts and texts.
        random: source of salts.
        law_s: law time, epoch seconds.
        state: what the chain shows.
    """

    sides: Sides
    writer: Writer
    sealer: Sealer
    random: Random
    law_s: Callable[[], int]
    state: ChainState

    def write(self, kind: str, object_ref: str, content: Mapping[str, object]) -> Document:
        """A new text with a fresh salt; nothing is stored yet.

        Raises:
            InputError: ``document-form``, ``object-form``, ``json-not-exact``, ``too-large``; of one of the law's forms also what
                ``read_form`` finds.
        """
        if kind in FORMS:
            read_form(kind, content)
        return make_document(kind, object_ref, content, self.random(SALT_BYTES))

    def keep(self, tx: Transaction, document: Document, sender: str | None = None) -> bool:
        """Store a text inside the transaction of its step.

        Returns:
            False when it is there already.
        """
        return table.put(tx, self.sealer, document, sender, self.law_s())

    async def put(self, kind: str, object_ref: str, content: Mapping[str, object]) -> Document:
        """Write and store a text on its own.

        Raises:
            InputError: as ``write``.
        """
        document = self.write(kind, object_ref, content)
        await self.writer.write(lambda tx: self.keep(tx, document))
        return document

    def opened(self, digest: bytes, reader: Reader | None = None) -> Document:
        """A text by its digest, proven to be the one.

        Raises:
            NotFoundError: ``document-unknown``.
            StoreError: ``sealed-broken``.
            EvidenceError: ``document-mismatch``.
        """
        if reader is None:
            with self.writer.read() as fresh:
                return self.opened(digest, fresh)
        document = table.open_document(reader, self.sealer, digest)
        check_document(document, digest)
        return document

    def info(self, digest: bytes) -> dict[str, Any]:
        """What is known of a document without its text.

        Raises:
            NotFoundError: ``document-unknown``.
        """
        with self.writer.read() as reader:
            return self.brief(table.by_digest(reader, digest))

    def page(self, window: Window, object_ref: str | None) -> Page[table.StoredDocument]:
        """What is kept, all or about one object, oldest first, without the texts."""
        after = None if window.after is None else (int(window.after[0]), bytes.fromhex(str(window.after[1])))
        with self.writer.read() as reader:
            found = table.page(reader, after, window.limit + 1, object_ref)
        return first_of(found, window, lambda stored: (stored.created_at, stored.digest.hex()))

    def missing(self, window: Window) -> Page[ShownDocument]:
        """What the chain shows about objects that this department takes part in, and is not here, in the chain's order."""
        facts = self.state.documents
        mine = [one for one in facts.everything() if self.sides.concerns(facts.parties(one.object_ref))]
        first = {(one.digest, one.object_ref): one for one in reversed(mine)}
        with self.writer.read() as reader:
            gone = [one for one in first.values() if table.found(reader, one.digest) is None]
        return page_of(gone, window, lambda one: (one.at_s, one.digest.hex(), one.object_ref))

    def brief(self, stored: table.StoredDocument) -> dict[str, Any]:
        """A document as it is listed; ``state``: own, unconfirmed (the chain does not show its digest) or confirmed."""
        shown = self.state.documents.shown(stored.digest, stored.object_ref)
        received = "unconfirmed" if shown is None else "confirmed"
        return {
            "digest": stored.digest.hex(),
            "kind": stored.kind,
            "object": stored.object_ref,
            "sender": stored.sender,
            "created_at": stored.created_at,
            "state": "own" if stored.sender is None else received,
            "on_chain_at": None if shown is None else shown.at_s,
        }
