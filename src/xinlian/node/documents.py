"""The texts behind the law's steps: written, kept, opened, compared with their digests.

Rules
1. A text is kept in the same transaction as the step it belongs to, before its digest leaves this node.
2. Own texts count at once; a received one counts only when the chain shows its digest.

Example: ``document = documents.write("consent", ref, {"reason": "同意"}); documents.keep(tx, document)``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xinlian.protocol.documents import SALT_BYTES, Document, check_document, make_document
from xinlian.store import documents as table
from xinlian.store.sealing import Random, Sealer
from xinlian.store.writer import Reader, Transaction, Writer


@dataclass(frozen=True, slots=True)
class Documents:
    """The use case.

    Args:
        writer: node.db.
        sealer: encrypts salts and texts.
        random: source of salts.
        law_s: law time, epoch seconds.
    """

    writer: Writer
    sealer: Sealer
    random: Random
    law_s: Callable[[], int]

    def write(self, kind: str, object_ref: str, content: Mapping[str, object]) -> Document:
        """A new text with a fresh salt; nothing is stored yet.

        Raises:
            InputError: ``document-form``, ``object-form``, ``json-not-exact``, ``too-large``.
        """
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

    def of_object(self, object_ref: str) -> list[dict[str, Any]]:
        """What is kept about an object, oldest first, without the texts."""
        with self.writer.read() as reader:
            return [_brief(stored) for stored in table.of_object(reader, object_ref)]


def _brief(stored: table.StoredDocument) -> dict[str, Any]:
    is_confirmed = stored.sender is None or stored.confirmed_at is not None
    return {
        "digest": stored.digest.hex(),
        "kind": stored.kind,
        "object": stored.object_ref,
        "sender": stored.sender,
        "created_at": stored.created_at,
        "state": "own" if stored.sender is None else "confirmed" if is_confirmed else "unconfirmed",
    }
