"""Two habits of the Ethereum libraries that we undo, without touching the environment or the order of imports.

Rules
1. ``eth_hash`` chooses pycryptodome first even when the five times faster safe-pysha3 is installed, and its switch is an
   environment variable that must be set before the first import anywhere. We exchange the two functions of its shared object.
2. ``py_ecc``, which eth_keyfile imports, raises Python's recursion limit to 100,000. A few hundred kilobytes of ``[`` then end
   the whole process with a segmentation fault in ``json`` instead of a RecursionError. We set Python's own limit again.

Whoever makes a signing key calls ``tame`` (``keys.LocalKey``), so it has run before a node listens to anybody.

Example: after ``tame()``, ``eth_utils.keccak(b"")`` runs in C and ``json.loads("[" * 100_000)`` raises RecursionError.
"""

from __future__ import annotations

import sys

from eth_hash import auto
from eth_hash.backends import pysha3

_PY_ECC_LIMIT = 100_000
_PYTHONS_LIMIT = 1_000


def tame() -> None:
    """Undo both habits; harmless when repeated. A recursion limit that is not py_ecc's is somebody's wish and stays."""
    setattr(auto.keccak, "hasher", pysha3.keccak256)  # noqa: B010 (a method is replaced, which mypy rightly refuses)
    setattr(auto.keccak, "preimage", pysha3.preimage)  # noqa: B010
    if sys.getrecursionlimit() == _PY_ECC_LIMIT:
        sys.setrecursionlimit(_PYTHONS_LIMIT)
