"""A call of another department's node as it came in, and what goes back, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came in: raw path, header fields by lower-case name, body, the caller's address."""

    path: str
    query: str | None
    headers: Mapping[str, str]
    body: bytes
    remote: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The answer as it goes out."""

    status: int
    headers: dict[str, str]
    body: bytes
