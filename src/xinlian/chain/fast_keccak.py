"""Make the Ethereum libraries hash with safe-pysha3.

``eth_hash`` chooses pycryptodome first even when the five times faster safe-pysha3 is installed, and its switch is an
environment variable that must be set before the first import anywhere. ``use_fast_keccak`` exchanges the two functions of its
shared object instead: no environment, no import order, the same results. Whoever creates a signing key calls it (``keys``).
Our own hashing goes through ``protocol.keccak``.

Example: after ``use_fast_keccak()``, ``eth_utils.keccak(b"")`` runs in C.
"""

from __future__ import annotations

from eth_hash import auto
from eth_hash.backends import pysha3


def use_fast_keccak() -> None:
    """Make eth_utils, eth_keys and eth_account hash with safe-pysha3; harmless when repeated."""
    setattr(auto.keccak, "hasher", pysha3.keccak256)  # noqa: B010 (a method is replaced, which mypy rightly refuses)
    setattr(auto.keccak, "preimage", pysha3.preimage)  # noqa: B010
