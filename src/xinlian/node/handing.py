"""Handing over texts: what stands on chain as a digest goes, as a text, to everybody who takes part.

Rules
1. As soon as the chain shows the digest of an own text in an event about its object, the text goes to every other department that
   takes part in the object, and to the authority's. That is stored in the transaction of the event: no stop loses or doubles it.
2. Who joins later (a source department that a correction is forwarded to) gets what was shown before.
3. What never leaves the department (``INTERNAL``) does not, even if somebody puts its digest on chain.
4. A text that cannot be opened (its row was altered) is not handed over and stops nothing else.
5. By hand a text is handed over again (the recipient lost it), to nobody else.

Source: issue 2 (free text stays off chain and travels between the nodes concerned); ``notices.texts`` is the other side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from xinlian.node.chain_state import ChainFact, ShownDocument, is_about, told_by
from xinlian.node.documents import INTERNAL, Documents
from xinlian.node.notices.writing import new_notice
from xinlian.protocol.errors import ConflictError, EvidenceError, InputError, StoreError
from xinlian.protocol.notices import HandedText
from xinlian.protocol.types import Uscc
from xinlian.store import documents as table
from xinlian.store import notices, parked
from xinlian.store.notices import Outgoing
from xinlian.store.writer import Reader, Transaction

_log = structlog.get_logger(__name__)

_BROKEN: Final = frozenset({"sealed-broken", "document-mismatch"})


@dataclass(frozen=True, slots=True)
class Handing:
    """The use case.

    Args:
        documents: the texts, and what the chain shows.
        wall_s: wall clock, epoch seconds.
    """

    documents: Documents
    wall_s: Callable[[], float]

    def followed(self, tx: Transaction, events: Sequence[ChainFact]) -> None:
        """Hand over what new events make due, in the transaction that stores them (``Following.on_events``).

        Args:
            tx: of node.db.
            events: of one step, in order; the projection does not know them yet.
        """
        facts, sides = self.documents.state.documents, self.documents.sides
        parties = dict[str, frozenset[str]]()
        fresh = dict[str, list[ShownDocument]]()
        for told in (told for told in map(told_by, events) if told is not None):
            known = parties.get(told.object_ref, facts.parties(told.object_ref))
            parties[told.object_ref] = known | told.parties
            fresh.setdefault(told.object_ref, []).extend(told.shown)
        for ref, everybody in parties.items():
            has_joined = everybody != facts.parties(ref)
            due = [*(facts.of_object(ref) if has_joined else ()), *fresh[ref]]
            self._hand(tx, due, sides.others(everybody))

    def _hand(self, tx: Transaction, due: Iterable[ShownDocument], recipients: Sequence[Uscc]) -> None:
        for digest in self._own(tx, due):
            new = [uscc for uscc in recipients if not notices.has_document(tx, digest, uscc)]
            try:
                self.deliver_to(tx, digest, new)
            except (StoreError, EvidenceError) as error:
                if error.code not in _BROKEN:
                    raise
                _log.error("text not handed over", digest=digest.hex(), code=error.code)

    def _own(self, tx: Transaction, due: Iterable[ShownDocument]) -> Iterator[bytes]:
        seen = set[bytes]()
        for one in due:
            stored = None if one.digest in seen else table.found(tx, one.digest)
            seen.add(one.digest)
            if stored is not None and _may_leave(stored) and is_about(stored.object_ref, one.object_ref):
                yield one.digest

    def deliver_to(self, tx: Transaction, digest: bytes, recipients: Sequence[Uscc]) -> None:
        """Store the notices that bring a text, one a recipient that never got it.

        Raises:
            NotFoundError: ``document-unknown``.
            StoreError: ``sealed-broken``.
            EvidenceError: ``document-mismatch``.
        """
        if recipients:
            sender, body, now_s = self.documents.sides.department, self._body(tx, digest), self._now_s()
            new = [new_notice(sender, uscc, body, now_s) for uscc in recipients]
            notices.put(tx, self.documents.sealer, new, now_s)

    def _body(self, reader: Reader, digest: bytes) -> HandedText:
        document = self.documents.opened(digest, reader)
        return HandedText(bytes(digest), document.salt, document.text)

    def _now_s(self) -> int:
        return int(self.wall_s())

    # -- by hand -----------------------------------------------------------------------------------

    async def again(self, digest: bytes, recipient: str) -> dict[str, Any]:
        """Hand a text over again.

        Args:
            digest: 32 bytes.
            recipient: USCC of who takes part.

        Returns:
            The delivery as shown.

        Raises:
            NotFoundError: ``document-unknown``.
            ConflictError: ``document-not-own``, ``document-not-shown``.
            InputError: ``document-recipient``.
        """

        def job(tx: Transaction) -> dict[str, Any]:
            uscc = self._recipient(tx, digest, recipient)
            rows = {row.recipient: row for row in notices.of_document(tx, digest)}
            if uscc not in rows:
                self.deliver_to(tx, digest, [uscc])
            else:
                self._tell_again(tx, rows[uscc], digest)
            return next(one for one in self._deliveries(tx, digest) if one["recipient"] == uscc)

        return await self.documents.writer.write(job)

    def _recipient(self, tx: Transaction, digest: bytes, recipient: str) -> Uscc:
        stored = table.by_digest(tx, digest)
        if not _may_leave(stored):
            raise ConflictError("document-not-own", "a text of another department, or an internal one, is not handed over")
        shown = self.documents.state.documents.shown(stored.digest, stored.object_ref)
        if shown is None:
            raise ConflictError("document-not-shown", "the chain does not show this text's digest (yet)")
        others = self.documents.sides.others(self.documents.state.documents.parties(shown.object_ref))
        if recipient not in others:
            raise InputError("document-recipient", "the recipient takes no part in this text's object", expected=others)
        return Uscc(recipient)

    def _tell_again(self, tx: Transaction, row: Outgoing, digest: bytes) -> None:
        fresh = new_notice(self.documents.sides.department, Uscc(row.recipient), self._body(tx, digest), self._now_s())
        parked.forget(tx, notices.PARKED_KIND, row.notice_id)
        notices.tell_again(tx, self.documents.sealer, row.id, fresh, self._now_s())

    def deliveries(self, digest: bytes) -> list[dict[str, Any]]:
        """Whom a text was handed to, and what became of it.

        Raises:
            NotFoundError: ``document-unknown``.
        """
        with self.documents.writer.read() as reader:
            table.by_digest(reader, digest)
            return self._deliveries(reader, digest)

    def _deliveries(self, reader: Reader, digest: bytes) -> list[dict[str, Any]]:
        return [
            {
                "recipient": row.recipient,
                "notice": row.notice_id,
                "state": row.state,
                "attempts": row.attempts,
                "last_code": row.last_code,
                "parked": parked.is_parked(reader, notices.PARKED_KIND, row.notice_id),
                "created_at": row.created_at,
                "acknowledged_at": row.acknowledged_at,
            }
            for row in notices.of_document(reader, digest)
        ]


def _may_leave(stored: table.StoredDocument) -> bool:
    return stored.sender is None and stored.kind not in INTERNAL
