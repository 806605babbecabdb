"""On which basis a grant's receiver processes personal information, as the form of its request says once it is here."""

from __future__ import annotations

from typing import Final

from xinlian.node.chain_state import GrantState
from xinlian.node.documents import Documents
from xinlian.protocol.errors import EvidenceError, InputError, NotFoundError, StoreError
from xinlian.protocol.forms import read_form
from xinlian.protocol.forms.request import PiBasisKind
from xinlian.protocol.forms.request import SharingRequest as Form

_KIND: Final = "sharing-request"


class Bases:
    """The use case; a form never changes, so what was read once is kept.

    Args:
        documents: texts of this node, own and received.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._known: dict[str, bool] = {}

    def is_consent(self, grant: GrantState) -> bool:
        """Whether the receiver named the person's separate consent (单独同意); False while its form is not here."""
        digest = grant.request.form
        if digest is None:
            return False
        if digest not in self._known:
            found = self._read(digest)
            if found is None:
                return False
            self._known[digest] = found.pi_basis is not None and found.pi_basis.kind is PiBasisKind.SEPARATE_CONSENT
        return self._known[digest]

    def _read(self, digest: str) -> Form | None:
        try:
            document = self._documents.opened(bytes.fromhex(digest))
            form = read_form(_KIND, document.content()) if document.kind == _KIND else None
        except (NotFoundError, InputError, EvidenceError, StoreError):
            return None
        return form if isinstance(form, Form) else None
