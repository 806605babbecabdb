"""Encryption at rest and the keyed digests of the store.

Rules
1. A record's payload is encrypted under a key derived from its own record key, so destroying that key destroys it.
2. Other personal data (``*_sealed`` columns) is encrypted under the node's column key, bound to the row it stands in.
3. Values are found by keyed tokens only: per dataset, field and key version; 128 bits each.
4. No randomness of its own: the caller hands the source in.

Example::

    ciphertext = encrypt_payload(record_key, vct, jti, rev, payload)
    token = blind_index_token(index_key, "12411599MBDEM00233/000001", "id_number", 1, "411599…")
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import shake_256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from xinlian.protocol.errors import StoreError

Random = Callable[[int], bytes]
"""Returns that many random bytes (``os.urandom`` outside tests)."""

KEY_BYTES = 32
NONCE_BYTES = 12
TOKEN_BYTES = 16
RECORD_OVERHEAD_BYTES = 16
_PAYLOAD_LABEL = b"xinlian store/1 payload"


def _payload_cipher(record_key: bytes) -> tuple[AESGCM, bytes]:
    """Key and nonce of a record's payload: both derived, because a record key encrypts exactly one payload."""
    stream = shake_256(_PAYLOAD_LABEL + record_key).digest(KEY_BYTES + NONCE_BYTES)
    return AESGCM(stream[:KEY_BYTES]), stream[KEY_BYTES:]


def _payload_aad(vct: str, jti: bytes, rev: int) -> bytes:
    return jti + rev.to_bytes(4, "big") + vct.encode()


def encrypt_payload(record_key: bytes, vct: str, jti: bytes, rev: int, payload: bytes) -> bytes:
    """Encrypt the payload of one revision of a record.

    Args:
        record_key: 32 bytes, fresh for this revision and never used for another payload.
        vct: catalogue code and version.
        jti: record id, 16 bytes.
        rev: revision, from 1.
        payload: the exact JSON texts of the values.

    Returns:
        Ciphertext, 16 bytes longer than the payload.

    Source: AES-256-GCM, NIST SP 800-38D.
    """
    cipher, nonce = _payload_cipher(record_key)
    return cipher.encrypt(nonce, payload, _payload_aad(vct, jti, rev))


def decrypt_payload(record_key: bytes, vct: str, jti: bytes, rev: int, ciphertext: bytes) -> bytes:
    """Undo ``encrypt_payload``.

    Returns:
        The payload.

    Raises:
        StoreError: ``sealed-broken`` when key, ciphertext or the record they belong to do not fit together.
    """
    cipher, nonce = _payload_cipher(record_key)
    try:
        return cipher.decrypt(nonce, ciphertext, _payload_aad(vct, jti, rev))
    except InvalidTag as error:
        raise StoreError("sealed-broken", "the stored payload of a record does not open", rev=rev) from error


def _framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def field_index_key(index_key: bytes, dataset_code: str, field_name: str, version: int) -> bytes:
    """The key of one field's blind index; keep it when many values of the field are looked up.

    Args:
        index_key: the node's index key, 32 bytes.
        dataset_code: catalogue code without version, so that a lookup finds every version's records.
        field_name: the schema's field name.
        version: of the index, raised at each re-indexing.

    Returns:
        32 bytes.
    """
    return hmac.digest(index_key, _framed(b"field", dataset_code.encode(), field_name.encode(), str(version).encode()), "sha256")


def value_token(field_key: bytes, value: str) -> bytes:
    """The token of one value under ``field_index_key``.

    Returns:
        16 bytes.
    """
    return hmac.digest(field_key, value.encode(), "sha256")[:TOKEN_BYTES]


def blind_index_token(index_key: bytes, dataset_code: str, field_name: str, version: int, value: str) -> bytes:
    """``value_token`` under ``field_index_key``.

    Returns:
        16 bytes; equal for equal values of the same dataset, field and version, unrelated otherwise.
    """
    return value_token(field_index_key(index_key, dataset_code, field_name, version), value)


def keyed_tag(key: bytes, label: str, data: bytes) -> bytes:
    """A digest that nobody without the key can guess or check (request bodies, files).

    Args:
        key: 32 bytes.
        label: what it is a tag of; tags with different labels never meet.
        data: any bytes.

    Returns:
        32 bytes.
    """
    return hmac.digest(key, _framed(label.encode(), data), "sha256")


@dataclass(frozen=True, slots=True)
class Sealer:
    """Encrypts single column values under the node's column key.

    Args:
        key: 32 bytes.
        random: source of nonces.
    """

    key: bytes = field(repr=False)
    random: Random = field(repr=False)
    _cipher: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cipher", AESGCM(self.key))

    def seal(self, place: str, data: bytes) -> bytes:
        """Encrypt a value for one place.

        Args:
            place: table, column and key of the row, so that values cannot be swapped between rows.
            data: any bytes.

        Returns:
            Nonce (12 bytes), ciphertext, tag (16 bytes).
        """
        nonce = self.random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, place.encode())

    def open(self, place: str, sealed: bytes) -> bytes:
        """Undo ``seal``.

        Raises:
            StoreError: ``sealed-broken`` when the value was changed, moved, or belongs to another key.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreError("sealed-broken", f"an encrypted value does not open: {place.partition(' ')[0]}") from error
