"""The receipt of a use record or a disposal: its text with salt, and the acts in the anchored log that name its digest.

Whoever holds both checks three things without this node: the text has the digest (``xinlian document verify``), the act statement
names the digest, and the act is anchored (``xinlian verify`` on its bundle), so it cannot be back-dated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xinlian.node.acts import Acts
from xinlian.node.documents import Documents
from xinlian.node.paging import Window
from xinlian.protocol.documents import Document
from xinlian.protocol.errors import NotFoundError

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Proof:
    """A text, None when it was deleted at the end of its retention, and the acts that name it."""

    document: Document | None
    acts: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        document = self.document
        return {
            "salt": None if document is None else document.salt.hex(),
            "text": None if document is None else document.text.decode(),
            "content": None if document is None else document.content(),
            "acts": list(self.acts),
        }


@dataclass(frozen=True, slots=True)
class Proving:
    """The use case.

    Args:
        documents: texts.
        acts: the anchored log.
    """

    documents: Documents
    acts: Acts

    def proof(self, object_ref: str, digest: bytes) -> Proof:
        """What proves a text of an object."""
        found: list[dict[str, Any]] = []
        window: Window | None = Window(_PAGE)
        while window is not None:
            page = self.acts.page(window, object_ref)
            for info in page.items:
                clear = info.statement.clear
                if clear.document == digest:
                    state = "anchored" if info.is_anchored else "pending"
                    found.append({"position": info.position, "act": clear.act.value, "time": clear.time, "state": state})
            window = None if page.next is None else Window(_PAGE, page.next)
        return Proof(self._text(digest), tuple(found))

    def _text(self, digest: bytes) -> Document | None:
        try:
            return self.documents.opened(digest)
        except NotFoundError:
            return None
