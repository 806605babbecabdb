"""Keccak-256 as Ethereum uses it (not SHA3-256: the padding differs).

Example: ``keccak256(b"").hex()`` starts with ``c5d24601``.
"""

from __future__ import annotations

from sha3 import keccak_256

from xinlian.protocol.types import Hash32


def keccak256(data: bytes) -> Hash32:
    """Return the Keccak-256 hash of ``data``, 32 bytes."""
    return Hash32(keccak_256(data).digest())
