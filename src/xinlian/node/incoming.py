"""A call of another department's node as it came in, and what goes back, as plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came in: raw path, header fields by lower-case name, body, the caller's address."""

    path: str
    query: str | None
    headers: Mapping[str, str]
    body: bytes
    remote: str


@dataclass(frozen=True)
class Outgoing:
    """The answer as it goes out."""

    status: int
    headers: dict[str, str]
    body: bytes

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the body."""
        return hashlib.sha256(self.body).digest()
