"""The applications behind corrections: opened by their digest, read as the form, compared with what stands on chain.

A text that is not here, is no application, or does not give the chain's ``target`` and ``evidence`` is as good as none: nothing
is flagged, answered or told because of it. Texts never change, so one that was read is kept in memory.
"""

from __future__ import annotations

from xinlian.node.chain_state import CorrectionState
from xinlian.node.documents import Documents
from xinlian.protocol.corrections import evidence_digest, target_digest
from xinlian.protocol.errors import ConflictError, EvidenceError, InputError, NotFoundError, StoreError
from xinlian.protocol.forms import read_form
from xinlian.protocol.forms.correction import CorrectionApplication
from xinlian.store.writer import Reader

APPLICATION = "correction-application"
FEEDBACK = "correction-feedback"


class Applications:
    """The use case.

    Args:
        documents: the texts.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._read: dict[str, CorrectionApplication] = {}

    def find(self, correction: CorrectionState, reader: Reader | None = None) -> CorrectionApplication | None:
        """What a correction disputes, None while its text is not here or is not the one of the chain's digests."""
        known = self._read.get(correction.document)
        if known is not None:
            return known
        try:
            document = self._documents.opened(_bytes(correction.document), reader)
            form = read_form(document.kind, document.content()) if document.kind == APPLICATION else None
        except (NotFoundError, InputError, EvidenceError):
            return None
        except StoreError as error:
            if error.code != "sealed-broken":
                raise
            return None
        if not isinstance(form, CorrectionApplication) or not _is_of(correction, form, document.salt):
            return None
        self._read[correction.document] = form
        return form

    def require(self, correction: CorrectionState) -> CorrectionApplication:
        """``find``, for who has to act on it.

        Raises:
            ConflictError: ``correction-text-missing``.
        """
        form = self.find(correction)
        if form is None:
            text = "the application is not here (yet), or is not the text of what stands on chain"
            raise ConflictError("correction-text-missing", text, correction=correction.ref)
        return form


def _is_of(correction: CorrectionState, form: CorrectionApplication, salt: bytes) -> bool:
    is_named = (form.number, form.catalog_code, form.catalog_version) == (
        correction.number,
        *_split(correction.vct),
    )
    on_chain = _bytes(correction.target), _bytes(correction.evidence)
    return is_named and (target_digest(salt, form), evidence_digest(salt, form)) == on_chain


def _split(vct: str) -> tuple[str, int]:
    code, _, version = vct.partition("@")
    return code, int(version)


def _bytes(word: str) -> bytes:
    return bytes.fromhex(word.removeprefix("0x"))
