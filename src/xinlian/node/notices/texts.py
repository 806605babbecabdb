"""Following a notice that brings a text behind a step of the law: it is compared with its digest and kept, unconfirmed.

Rules
1. A text counts once the chain shows its digest in an event about its object (``node.documents``), not because somebody sent it.
2. A text that is here already stays as it is, whoever sends it again.
3. When none of the last ``IN_WAITING`` texts of a sender is on chain, no further one is kept: nobody fills another's store.
4. The form of a text is not judged: what a department filed is evidence, with its faults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xinlian.node.documents import Documents
from xinlian.protocol.documents import Document, check_document, read_document
from xinlian.protocol.errors import EvidenceError, InputError
from xinlian.protocol.notices import HandedText, Notice, NoticeCheck, StoredText, notice_refusal
from xinlian.protocol.types import Uscc
from xinlian.store import documents as table
from xinlian.store.writer import Transaction

IN_WAITING: Final = 100


@dataclass(frozen=True, slots=True)
class ReceivedTexts:
    """The use case.

    Args:
        documents: keeps texts, and knows what the chain shows.
        on_received: told inside the transaction of every new text, with its sender.
    """

    documents: Documents
    on_received: Callable[[Transaction, Document, Uscc], None]

    def follow(self, tx: Transaction, notice: Notice, _row_id: int, _now_s: int) -> StoredText:
        """Keep what a notice brings.

        Args:
            tx: of node.db.
            notice: authenticated, new, of this time.

        Raises:
            RefusedError: a ``NoticeCheck`` failed.
        """
        assert isinstance(notice.body, HandedText)
        document = _checked(notice.body)
        if table.found(tx, notice.body.digest) is None:
            self._check_waiting(tx, document, notice.from_uscc)
            self.documents.keep(tx, document, notice.from_uscc)
            self.on_received(tx, document, notice.from_uscc)
        return StoredText(notice.body.digest)

    def _check_waiting(self, tx: Transaction, document: Document, sender: Uscc) -> None:
        shown = self.documents.state.documents.shown
        if shown(document.digest, document.object_ref) is not None:
            return
        last = table.newest_of(tx, sender, IN_WAITING)
        if len(last) == IN_WAITING and all(shown(one.digest, one.object_ref) is None for one in last):
            raise notice_refusal(NoticeCheck.UNSHOWN, "the chain shows none of the last texts of this sender")


def _checked(handed: HandedText) -> Document:
    try:
        document = read_document(handed.salt, handed.text)
        check_document(document, handed.digest)
    except (InputError, EvidenceError) as error:
        raise notice_refusal(NoticeCheck.TEXT, "the text is not of its digest, or no document") from error
    return document
