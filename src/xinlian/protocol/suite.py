"""Suite 1 of hashes: SHA-256, and the two prefixes of RFC 9162 trees.

The suite id stands in every receipt, envelope and batch slot. Suite 2 (SM3 / SM4-GCM / SM2) comes with its own
module; a suite is only ever added.

Example: ``empty_root()`` is SHA-256 of nothing.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from xinlian.protocol.types import Hash32

SUITE_1: Final = 1
SUITES: Final = frozenset({SUITE_1})
LEAF_PREFIX: Final = b"\x00"
NODE_PREFIX: Final = b"\x01"


def digest(data: bytes) -> Hash32:
    """Return SHA-256 of ``data``, 32 bytes."""
    return Hash32(sha256(data).digest())


def leaf_hash(data: bytes) -> Hash32:
    """Return SHA-256(0x00 || data): the leaf of ``data``. Source: RFC 9162 §2.1.1."""
    return Hash32(sha256(LEAF_PREFIX + data).digest())


def node_hash(left: bytes, right: bytes) -> Hash32:
    """Return SHA-256(0x01 || left || right) of two hashes of 32 bytes. Source: RFC 9162 §2.1.1."""
    return Hash32(sha256(NODE_PREFIX + left + right).digest())


def empty_root() -> Hash32:
    """Return the root of a tree without leaves. Source: RFC 9162 §2.1.1."""
    return digest(b"")
