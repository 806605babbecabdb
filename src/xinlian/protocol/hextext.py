"""Hexadecimal texts of evidence files: one text per value.

Roots, leaves and paths are bare lower-case hex; chain hashes carry ``0x``; addresses carry ``0x`` and are either all
lower case or checksummed (EIP-55). A mixed case with a wrong checksum is a typing error and is refused.

Example: ``checksum_address("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")`` is ``0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from xinlian.protocol.keccak import keccak256

_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


def is_hash(text: object) -> bool:
    """Tell whether ``text`` is 64 lower-case hex characters without ``0x``."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def is_chain_hash(text: object) -> bool:
    """Tell whether ``text`` is ``0x`` and 64 lower-case hex characters."""
    return isinstance(text, str) and text.startswith("0x") and is_hash(text[2:])


def is_address(text: object) -> bool:
    """Tell whether ``text`` is an address in lower case or with its EIP-55 checksum."""
    if not isinstance(text, str) or _ADDRESS.fullmatch(text) is None:
        return False
    return text == text.lower() or text == checksum_address(text)


@lru_cache(maxsize=256)
def checksum_address(text: str) -> str:
    """Return the address with its EIP-55 checksum; ``text`` is ``0x`` and 40 hex characters of any case."""
    digits = text[2:].lower()
    marks = keccak256(digits.encode("ascii")).hex()
    return "0x" + "".join(char.upper() if int(mark, 16) >= 8 else char for char, mark in zip(digits, marks, strict=False))
