"""Standard Webhooks: how a delivery is signed, so that any receiver's ordinary library can check it.

Rules
1. Signed is ``<webhook-id>.<webhook-timestamp>.<body>``, the body byte for byte as it is sent.
2. A secret is 24 to 64 random bytes, written ``whsec_`` and base64; a hook may have two while one replaces the other, then both
   sign and the receiver takes whichever it knows.
3. Neither id nor timestamp holds a full stop.

Example: ``signed_headers("msg_01", 1_790_000_000, b"{}", [key])["webhook-signature"]`` begins with ``v1,``.

Source: Standard Webhooks 1.0.0 (standardwebhooks.com).
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Sequence
from typing import Final

from xinlian.protocol.errors import InputError

PREFIX: Final = "whsec_"
MIN_SECRET_BYTES: Final = 24
MAX_SECRET_BYTES: Final = 64


def parse_secret(text: str) -> bytes:
    """Return the key inside a secret's text.

    Raises:
        InputError: ``webhook-secret`` when it is not ``whsec_`` and base64 of 24 to 64 bytes; never repeats it.
    """
    try:
        key = b64decode(text.removeprefix(PREFIX).encode("ascii"), validate=True)
    except (Error, ValueError) as error:
        raise _wrong() from error
    if not text.startswith(PREFIX) or not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise _wrong()
    return key


def secret_text(key: bytes) -> str:
    """Return a key as its secret's text."""
    return PREFIX + b64encode(key).decode()


def signed_headers(message_id: str, timestamp_s: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Return the three headers of one attempt.

    Args:
        message_id: the same for every attempt.
        timestamp_s: of this attempt, epoch seconds, wall clock.
        body: exact bytes.
        keys: of the hook; every one signs.
    """
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    signatures = ["v1," + b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }


def _wrong() -> InputError:
    expected = f"{PREFIX} and base64 of {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} random bytes"
    return InputError("webhook-secret", f"secret: expected {expected}", field="secret", expected=expected)
