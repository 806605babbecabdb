"""Documents: the texts behind the law's steps (forms, reasons, decisions), of which the chain holds a salted digest only.

Rules
1. ``document = SHA-256(0x02 || salt || text)``: salt 32 fresh random bytes, text the exact JSON bytes of one object. 0x02 keeps
   it apart from leaves (0x00) and inner nodes (0x01) of the trees.
2. The object's first members are ``document`` (which form it is) and ``object`` (what it is about), so that the digest covers
   both: no text can be passed off as another.
3. The bytes are what was signed and agreed to; they are kept and sent as they are, never written again.
4. Whoever holds salt and text can check the digest; whoever holds the digest alone can guess nothing.

Example: ``make_document("consent", "dataset 12411599MBDEM00233/000001@1", {"reason": "同意"}, os.urandom(32)).digest``

Source: Decree 809 art. 20-22, 26-27 (what each text holds); design.md 2.2; docs/protocol.md, Documents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, cast

from xinlian.protocol.errors import EvidenceError, InputError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.objects import check_object
from xinlian.protocol.types import Hash32

SALT_BYTES: Final = 32
MAX_TEXT_BYTES: Final = 256 * 1024
KIND, OBJECT = "document", "object"
_KIND_FORM: Final = re.compile(r"(?=.{1,40}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_LABEL: Final = b"\x02"


@dataclass(frozen=True, slots=True)
class Document:
    """One text with its salt.

    Args:
        kind: which form it is, kebab-case.
        object_ref: what it is about (``objects``).
        salt: 32 bytes.
        text: exact bytes of one JSON object, UTF-8.
    """

    kind: str
    object_ref: str
    salt: bytes = field(repr=False)
    text: bytes = field(repr=False)

    @property
    def digest(self) -> Hash32:
        """What stands on the chain, 32 bytes."""
        return document_digest(self.salt, self.text)

    def content(self) -> dict[str, object]:
        """The members but ``document`` and ``object``."""
        found = _object(self.text)
        return {name: value for name, value in found.items() if name not in (KIND, OBJECT)}


def document_digest(salt: bytes, text: bytes) -> Hash32:
    """Return the salted digest of a text, 32 bytes."""
    return Hash32(sha256(_LABEL + salt + text).digest())


def make_document(kind: str, object_ref: str, content: Mapping[str, object], salt: bytes) -> Document:
    """Write a new document.

    Args:
        kind: which form it is.
        object_ref: what it is about.
        content: its further members, in the order they are written.
        salt: 32 fresh random bytes.

    Raises:
        InputError: ``document-form``, ``object-form``, ``json-not-exact``, ``too-large``.
    """
    if KIND in content or OBJECT in content:
        raise InputError("document-form", f"the members {KIND} and {OBJECT} are the document's own", field=KIND)
    return read_document(salt, dumps_canonical({KIND: kind, OBJECT: object_ref, **content}))


def read_document(salt: bytes, text: bytes) -> Document:
    """Take a document as somebody wrote it; its bytes stay as they are.

    Raises:
        InputError: ``document-form``, ``object-form``, ``too-large`` and the codes of JSON.
    """
    if len(salt) != SALT_BYTES:
        raise InputError("document-form", f"salt: expected {SALT_BYTES} bytes", field="salt")
    found = _object(text)
    kind, object_ref = found.get(KIND), found.get(OBJECT)
    if list(found)[:2] != [KIND, OBJECT] or not isinstance(kind, str) or not isinstance(object_ref, str):
        raise InputError("document-form", f"a document begins with the members {KIND} and {OBJECT}", field=KIND)
    if _KIND_FORM.fullmatch(kind) is None:
        raise InputError("document-form", f"{KIND}: expected a kebab-case word", field=KIND)
    return Document(kind, check_object(object_ref), salt, text)


def check_document(document: Document, digest: bytes) -> None:
    """Compare a document with the digest that the chain or its sender names.

    Raises:
        EvidenceError: ``document-mismatch``.
    """
    if document.digest != digest:
        raise EvidenceError("document-mismatch", f"the {document.kind} is not the text of this digest", digest=digest.hex())


def _object(text: bytes) -> dict[str, object]:
    found = loads_strict(text, max_bytes=MAX_TEXT_BYTES)
    if not isinstance(found, dict):
        raise InputError("document-form", "text: expected a JSON object", field="text")
    return cast("dict[str, object]", found)
