"""An authorisation as a request shows it: which one on chain, and the form with its salt, so that the provider can check it.

The form (``forms.authorisation``) is about the provider's own entry alone; salt and text give the digest that stands on chain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.documents import SALT_BYTES
from xinlian.protocol.envelope import USCC_FORM
from xinlian.protocol.members import Members
from xinlian.protocol.messages.words import HEX32
from xinlian.protocol.types import Uscc

MAX_AUTHORISATIONS: Final = 100
MAX_FORM_CHARS: Final = 32_768
_SALT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TEXT: Final = re.compile(r"\{[^\x00-\x1f\x7f]{1,32767}")


@dataclass(frozen=True, slots=True)
class ShownAuthorisation:
    """One authorisation.

    Args:
        recorder: the department that recorded it.
        id: its random id on chain, 32 bytes.
        salt: of the form, 32 bytes.
        text: exact bytes of the form, UTF-8.
    """

    recorder: Uscc
    id: bytes
    salt: bytes = field(repr=False)
    text: bytes = field(repr=False)

    def to_json(self) -> dict[str, object]:
        """As a request holds it."""
        return {"recorder": self.recorder, "id": self.id.hex(), "salt": b64u(self.salt), "text": self.text.decode()}


def shown_from_json(members: Members) -> tuple[ShownAuthorisation, ...]:
    """Read the member ``authorisations``: 0 to 100, none twice.

    Raises:
        InputError: the code of ``members``.
    """
    found = []
    for place, value in members.list("authorisations", MAX_AUTHORISATIONS):
        one = Members.of(value, ("recorder", "id", "salt", "text"), place)
        salt = unb64u(one.text("salt", _SALT))
        if len(salt) != SALT_BYTES:
            raise place.at("salt").error(f"{SALT_BYTES} bytes")
        found.append(
            ShownAuthorisation(
                Uscc(one.text("recorder", USCC_FORM)),
                bytes.fromhex(one.text("id", HEX32)),
                salt,
                one.text("text", _TEXT).encode(),
            )
        )
    if len({(one.recorder, one.id) for one in found}) != len(found):
        raise members.where.at("authorisations").error("every authorisation once")
    return tuple(found)
