"""Keccak-256 from safe-pysha3, for us and for the Ethereum libraries.

``eth_hash`` chooses pycryptodome first even when the faster safe-pysha3 is installed, and its switch is an environment
variable that has to be set before the first import anywhere. ``use_fast_keccak`` exchanges the two functions of its shared
object instead: no environment, no import order, same results (it is called by whoever creates a signing key).

Example: ``keccak(b"") .hex()[:8] == "c5d24601"``
"""

from __future__ import annotations

from eth_hash import auto
from eth_hash.backends import pysha3
from sha3 import keccak_256


def keccak(data: bytes) -> bytes:
    """The Keccak-256 digest (32 bytes) of ``data``; not NIST SHA3-256, whose padding differs."""
    digest: bytes = keccak_256(data).digest()
    return digest


def use_fast_keccak() -> None:
    """Make eth_utils, eth_keys and eth_account hash with safe-pysha3; harmless when repeated."""
    setattr(auto.keccak, "hasher", pysha3.keccak256)  # noqa: B010 (a method is replaced, which mypy rightly refuses)
    setattr(auto.keccak, "preimage", pysha3.preimage)  # noqa: B010
