"""What the projection reads of an event, and the words that stand on chain as bytes32.

Example: ``code_text(code_word("HPF_LOAN_REVIEW")) == "HPF_LOAN_REVIEW"``
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from xinlian.protocol.errors import InputError

_CODE_TEXT = re.compile(r"[A-Z0-9_-]{1,32}", re.ASCII)


_K = TypeVar("_K")
_V = TypeVar("_V")


class OrphanError(LookupError):
    """An event names something that no event created."""


class Known(dict[_K, _V]):
    """What events created; asking for anything else by ``[]`` is an orphan."""

    def __missing__(self, key: _K) -> _V:
        raise OrphanError(key)


class ChainFact(Protocol):
    """The part of a decoded event that the projection reads."""

    @property
    def name(self) -> str:
        """Name of the event."""
        ...

    @property
    def args(self) -> Mapping[str, Any]:
        """Plain values by argument name."""
        ...

    @property
    def block_number(self) -> int:
        """Of its block."""
        ...

    @property
    def block_time(self) -> int:
        """Epoch seconds."""
        ...


Handlers = Mapping[str, Callable[[ChainFact], None]]
"""By the name of the event: what folds it in."""


def readable(text: str) -> str:
    """A text of the chain that can be shown and stored: what is no UTF-8 (``chain.abi`` rule 4) becomes U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def code_text(word: str) -> str:
    """The text of a purpose or case number that stands on chain as bytes32 (0x hex, zero padded right)."""
    return bytes.fromhex(word.removeprefix("0x")).rstrip(b"\0").decode("ascii", "replace")


def code_word(text: str) -> str:
    """A purpose or case number as bytes32 (0x hex).

    Raises:
        InputError: ``chain-code-form`` when it is not 1 to 32 characters of A–Z, 0–9, _ and -.
    """
    if not _CODE_TEXT.fullmatch(text):
        raise InputError("chain-code-form", "purposes and case numbers have 1 to 32 characters of A–Z, 0–9, _ and -")
    return "0x" + text.encode().ljust(32, b"\0").hex()
