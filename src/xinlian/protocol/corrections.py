"""What CorrectionRegistry holds of a disputed value: two digests, salted by the application's own salt.

Rules
1. ``target = SHA-256(0x04 || salt || JSON)`` of record, revision and items, ``evidence = SHA-256(0x05 || salt || JSON)`` of the
   list, the exact JSON texts of ``jsontext``. Whoever has the application (its text and its salt) can make both; whoever has
   the chain alone guesses nothing.
2. An application whose text does not give what stands on chain is believed in nothing.

Example: ``target_digest(document.salt, form)``

Source: ICorrectionRegistry.Opening; docs/protocol.md, Digests in the catalogue, in corrections and in authorisations.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from xinlian.protocol.forms import to_json
from xinlian.protocol.forms.correction import CorrectionApplication
from xinlian.protocol.jsontext import dumps_canonical

_TARGET: Final = b"\x04"
_EVIDENCE: Final = b"\x05"


def target_digest(salt: bytes, form: CorrectionApplication) -> bytes:
    """Which values of which record are disputed.

    Args:
        salt: of the application's document, 32 bytes.
        form: the application.

    Returns:
        32 bytes.
    """
    target = {"record_id": form.record_id, "revision": form.revision, "items": list(form.items)}
    return sha256(_TARGET + salt + dumps_canonical(target)).digest()


def evidence_digest(salt: bytes, form: CorrectionApplication) -> bytes:
    """What the doubt rests on; as ``target_digest``."""
    evidence = [to_json(one) for one in form.evidence]
    return sha256(_EVIDENCE + salt + dumps_canonical({"evidence": evidence})).digest()
