"""The followed events of one contract, sorted by what they are about: what the rules read.

A history is as long as the object's life; deadlines that were missed and met again are in it, which the projection
(``chain_state``) no longer shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from xinlian.protocol.clocks import Term
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.findings import EventRef
from xinlian.protocol.objects import correction_object, grant_object, request_object
from xinlian.store.chain_cache import ChainEvent

SHARING, CATALOGUE, CORRECTIONS = "SharingRegistry", "DatasetCatalog", "CorrectionRegistry"
CONTRACTS: Final = (SHARING, CATALOGUE, CORRECTIONS)
"""Whose events the rules read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event."""

    contract: str
    name: str
    args: Mapping[str, Any]
    block: int
    tx_hash: str
    log_index: int
    at_s: int

    @property
    def ref(self) -> EventRef:
        """It as evidence."""
        document = self.args.get("document")
        digest = None if document is None else str(document).removeprefix("0x")
        return EventRef(self.contract, self.name, self.block, self.tx_hash, self.log_index, self.at_s, digest)


@dataclass(frozen=True, slots=True)
class Moment:
    """When, and by which calendar and limits, the rules look.

    Args:
        now_s: law time, epoch seconds.
        deadline: first second that is too late, None while a year of the calendar is missing.
        schema: of (owner, serial, version) when it is known here.
        disposal_wd: working days for the disposal [assumption].
        dispute_wd: working days for a dispute [assumption].
        text: content of the text with a digest (64 hex), None where it is not at hand.
    """

    now_s: int
    deadline: Callable[[Term], int | None]
    schema: Callable[[str, int, int], DatasetSchema | None]
    disposal_wd: int
    dispute_wd: int
    text: Callable[[str], Mapping[str, Any] | None] = lambda _digest: None

    def is_late(self, term: Term, done_s: int | None) -> int | None:
        """The deadline, when what was done at a time (None: not yet) is after it."""
        deadline_s = self.deadline(term)
        reached = self.now_s if done_s is None else done_s
        return deadline_s if deadline_s is not None and reached >= deadline_s else None


@dataclass(slots=True)
class RequestHistory:
    """One sharing request."""

    requester: str
    number: int
    provider: str
    serial: int
    version: int
    unconditional: bool
    entries: list[Entry] = field(default_factory=list)

    @property
    def object_ref(self) -> str:
        """The request."""
        return request_object(self.requester, self.number)

    @property
    def grant(self) -> Entry | None:
        """The event that gave its grant."""
        return self.last("GrantGiven")

    @property
    def grant_ref(self) -> str | None:
        """The grant, None before delivery."""
        given = self.grant
        return None if given is None else grant_object(self.provider, given.args["number"])

    def named(self, *names: str) -> Iterator[Entry]:
        """Events of these names, in order."""
        return (entry for entry in self.entries if entry.name in names)

    def last(self, *names: str) -> Entry | None:
        """The newest event of these names."""
        return next((entry for entry in reversed(self.entries) if entry.name in names), None)

    def after(self, start: Entry, *names: str) -> Entry | None:
        """The first event of these names after another one."""
        place = self.entries.index(start)
        return next((entry for entry in self.entries[place + 1 :] if entry.name in names), None)


@dataclass(slots=True)
class CorrectionHistory:
    """One correction (校核)."""

    receiver: str
    number: int
    provider: str
    entries: list[Entry] = field(default_factory=list)

    @property
    def object_ref(self) -> str:
        """The correction."""
        return correction_object(self.receiver, self.number)

    def first(self, *names: str) -> Entry | None:
        """The first event of these names."""
        return next((entry for entry in self.entries if entry.name in names), None)


@dataclass(slots=True)
class SerialHistory:
    """All versions of one catalogue entry."""

    owner: str
    serial: int
    entries: list[Entry] = field(default_factory=list)

    @property
    def code(self) -> str:
        """Catalogue code."""
        return f"{self.owner}/{self.serial:06d}"


@dataclass(slots=True)
class Histories:
    """Everything that the rules read of the chain."""

    requests: dict[tuple[str, int], RequestHistory] = field(default_factory=dict)
    corrections: dict[tuple[str, int], CorrectionHistory] = field(default_factory=dict)
    serials: dict[tuple[str, int], SerialHistory] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Histories:
        """Sort events, given in the chain's order; what is about nothing known is left out."""
        found = cls()
        for entry in entries:
            _TAKE[entry.contract](found, entry)
        return found

    def _sharing(self, entry: Entry) -> None:
        args = entry.args
        if entry.name == "RequestSubmitted":
            key = (args["requester"], args["number"])
            about = (args["provider"], args["serial"], args["version"], args["unconditional"])
            self.requests[key] = RequestHistory(*key, *about)
        elif entry.name == "GrantGiven":
            key = (args["receiver"], args["request"])
        else:
            key = (args.get("requester"), args.get("number"))
        if key in self.requests:
            self.requests[key].entries.append(entry)

    def _correction(self, entry: Entry) -> None:
        key = (str(entry.args.get("receiver")), int(entry.args.get("number", 0)))
        if entry.name == "CorrectionOpened":
            self.corrections[key] = CorrectionHistory(*key, entry.args["provider"])
        if key in self.corrections:
            self.corrections[key].entries.append(entry)

    def _catalogue(self, entry: Entry) -> None:
        if "serial" in entry.args:
            key = (str(entry.args["owner"]), int(entry.args["serial"]))
            self.serials.setdefault(key, SerialHistory(*key)).entries.append(entry)


_TAKE: Final[dict[str, Callable[[Histories, Entry], None]]] = {
    SHARING: Histories._sharing,  # noqa: SLF001 - of this module
    CATALOGUE: Histories._catalogue,  # noqa: SLF001 - of this module
    CORRECTIONS: Histories._correction,  # noqa: SLF001 - of this module
}


def entry_of(row: ChainEvent) -> Entry:
    """A followed event."""
    args = json.loads(row.args)
    return Entry(row.contract, row.name, args, row.block_number, row.tx_hash, row.log_index, row.block_time)
