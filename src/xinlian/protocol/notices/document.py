"""The kind ``document``: a text behind a step of the law, with its salt; whoever has both can check the digest on chain."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar, Final

from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.documents import MAX_TEXT_BYTES, SALT_BYTES
from xinlian.protocol.errors import InputError
from xinlian.protocol.members import Members, Where
from xinlian.protocol.notices.words import LEAF_FORM, NoticeKind, NoticeOutcome

_SALT_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TEXT_FORM: Final = re.compile(rf"[A-Za-z0-9_-]{{2,{-(-MAX_TEXT_BYTES * 4 // 3)}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HandedText:
    """The body of a notice that brings a text.

    Args:
        digest: as on chain, 32 bytes.
        salt: 32 bytes.
        text: exact bytes, 1 to 256 KiB; whether they are of the digest is for the receiver to check.
    """

    digest: bytes
    salt: bytes = field(repr=False)
    text: bytes = field(repr=False)

    kind: ClassVar[NoticeKind] = NoticeKind.DOCUMENT

    def to_json(self) -> dict[str, object]:
        """The member ``body``."""
        return {"digest": self.digest.hex(), "salt": b64u(self.salt), "text": b64u(self.text)}

    @classmethod
    def of(cls, value: object, where: Where) -> HandedText:
        """Read the member ``body``.

        Raises:
            InputError: the code of ``where``.
        """
        members = Members.of(value, ("digest", "salt", "text"), where)
        salt, text = _bytes(members, "salt", _SALT_FORM), _bytes(members, "text", _TEXT_FORM)
        if len(salt) != SALT_BYTES or len(text) > MAX_TEXT_BYTES:
            raise where.error(f"a salt of {SALT_BYTES} bytes and a text of at most {MAX_TEXT_BYTES}")
        return cls(bytes.fromhex(members.text("digest", LEAF_FORM)), salt, text)


def _bytes(members: Members, name: str, form: re.Pattern[str]) -> bytes:
    try:
        return unb64u(members.text(name, form))
    except InputError as error:
        raise members.where.at(name).error("base64url") from error


@dataclass(frozen=True, slots=True)
class StoredText:
    """What became of a text: it is kept, unconfirmed until the receiver's own view of the chain shows its digest.

    Args:
        digest: 32 bytes.
    """

    digest: bytes

    kind: ClassVar[NoticeKind] = NoticeKind.DOCUMENT
    outcome: ClassVar[NoticeOutcome] = NoticeOutcome.STORED

    def to_json(self) -> dict[str, object]:
        """The member ``body`` of the acknowledgement."""
        return {"digest": self.digest.hex()}

    @classmethod
    def of(cls, value: object, where: Where) -> StoredText:
        """Read the member ``body`` of the acknowledgement.

        Raises:
            InputError: the code of ``where``.
        """
        return cls(bytes.fromhex(Members.of(value, ("digest",), where).text("digest", LEAF_FORM)))
