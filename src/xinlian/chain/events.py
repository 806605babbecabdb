"""Events of our contracts: decoding, their bodies for the accumulators, and which accumulators they fold into.

Rules
1. An ``Event``'s ``args`` are plain JSON values by name (see ``abi``), so they survive a database unchanged.
2. ``body(event)`` = abi.encode of all arguments in the order of declaration, indexed ones included (design 4.2).
3. ``folds(event)`` lists the accumulators an event goes into; that of its owner only for the event that creates the entity.
   A dataset's first proposal is the first round of version 1: the contract lets no version be skipped.

Example: ``decode_log(log, block_time, {"0xabc…": "RecordLedger"}).args["sequence"]``
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from xinlian.chain import abi
from xinlian.chain.wire import Log
from xinlian.protocol.accumulator import fold
from xinlian.protocol.errors import ChainError

_RECORDS = 1
_STREAMS = (1, 2, 3)
_WORD = re.compile(r"(u?int|bytes)[0-9]+|address|bool")
"""Types that fill one word wherever they stand."""
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded event.

    Args:
        contract: name as in the manifest.
        name: of the event.
        args: plain values by argument name.
        block_number: height of its block.
        block_hash: ``0x`` + 64 hex.
        block_time: epoch seconds.
        tx_hash: ``0x`` + 64 hex.
        log_index: place within the block.
    """

    contract: str
    name: str
    args: Mapping[str, Any]
    block_number: int
    block_hash: str
    block_time: int
    tx_hash: str
    log_index: int

    @property
    def args_json(self) -> str:
        """The arguments as compact JSON, in the order of declaration; ASCII only when a text is no UTF-8 (``abi`` rule 4)."""
        text = json.dumps(self.args, ensure_ascii=False, separators=(",", ":"))
        is_unicode = text.isascii() or _SURROGATE.search(text) is None
        return text if is_unicode else json.dumps(self.args, separators=(",", ":"))

    @property
    def keys(self) -> tuple[str, ...]:
        """The indexed arguments as text, in the order of declaration (at most three; for key columns)."""
        return tuple(str(self.args[one.name]) for one in member_of(self).inputs if one.indexed)


@dataclass(frozen=True, slots=True)
class AccumulatorId:
    """One accumulator on the chain: the view that shows it and the view's arguments.

    Example: ``AccumulatorId("RecordLedger", "accumulatorOf", ("1241…", 1))``
    """

    contract: str
    view: str
    key: tuple[str | int, ...]

    def __str__(self) -> str:
        return f"{self.contract}.{self.view}({', '.join(map(str, self.key))})"


AUTHORITY: Final = AccumulatorId("DepartmentRegistry", "authorityAccumulator", ())
"""Its events: departments registered, the authority's handovers."""
CALENDAR: Final = AccumulatorId("WorkCalendar", "accumulator", ())
"""Its events: years loaded and changed, outages."""


def member_of(event: Event) -> abi.Member:
    """The ABI entry of an event.

    Raises:
        ChainError: chain-abi when the contracts have no such event.
    """
    found = abi.event_members().get((event.contract, event.name))
    if found is None:
        raise ChainError("chain-abi", f"contract {event.contract} has no event {event.name}")
    return found


def decode_log(log: Log, block_time: int, contracts: Mapping[str, str]) -> Event:
    """Decode a log of one of our contracts.

    Args:
        log: as delivered.
        block_time: of its block, epoch seconds.
        contracts: contract name by lower-case address.

    Raises:
        ChainError: chain-abi for a foreign address, an unknown event or data that does not fit.
    """
    name = contracts.get(log.address)
    member = abi.contract(name).events.get(log.topics[0]) if name is not None and log.topics else None
    if name is None or member is None:
        raise ChainError("chain-abi", f"a log of {log.address} is none of our contracts' events", address=log.address)
    indexed = [one for one in member.inputs if one.indexed]
    values = dict(zip((one.name for one in indexed), abi.decode(indexed, b"".join(log.topics[1:])), strict=True))
    rest = [one for one in member.inputs if not one.indexed]
    values |= zip((one.name for one in rest), abi.decode(rest, log.data), strict=True)
    args = {one.name: values[one.name] for one in member.inputs}
    return Event(name, member.name, args, log.block_number, log.block_hash, block_time, log.tx_hash, log.log_index)


def topic0(event: Event) -> bytes:
    """Topic 0 of the event (32 bytes)."""
    return member_of(event).digest


def body(event: Event) -> bytes:
    """abi.encode of all arguments in the order of declaration."""
    inputs = member_of(event).inputs
    return abi.encode(inputs, [event.args[one.name] for one in inputs])


def body_of_log(log: Log, contract: str) -> bytes:
    """The same for a log that is not decoded; by far the quicker when every argument is one word, indexed ones first.

    Raises:
        ChainError: chain-abi when the contract has no such event or the data does not fit.
    """
    if log.topics and log.topics[0] in _plain_events(contract):
        return b"".join(log.topics[1:]) + log.data
    return body(decode_log(log, 0, {log.address: contract}))


@cache
def _plain_events(contract: str) -> frozenset[bytes]:
    """Topic 0 of the events whose topics and data, one after the other, are the abi.encode of all arguments."""
    return frozenset(digest for digest, member in abi.contract(contract).events.items() if _is_plain(member.inputs))


def _is_plain(inputs: Sequence[abi.Parameter]) -> bool:
    order = [one.indexed for one in inputs]
    return order == sorted(order, reverse=True) and all(_WORD.fullmatch(one.type) for one in inputs)


# -- accumulators ------------------------------------------------------------------------------------

_OWN: dict[str, tuple[str, ...]] = {
    "DepartmentRegistry": ("department",),
    "DatasetCatalog": ("owner", "serial"),
    "SharingRegistry": ("requester", "number"),
    "CaseLedger": ("lead", "caseNo"),
    "CorrectionRegistry": ("receiver", "number"),
    "AuthorisationRegistry": ("recorder", "id"),
}
_OWNER_VIEWS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "DepartmentRegistered": (("authorityAccumulator", ()),),
    "DatasetProposed": (("ownerAccumulatorOf", ("owner",)),),
    "RequestSubmitted": (("requesterAccumulatorOf", ("requester",)), ("providerAccumulatorOf", ("provider",))),
    "GrantGiven": (("providerAccumulatorOf", ("provider",)),),
    "CaseOpened": (("leadAccumulatorOf", ("lead",)),),
    "CorrectionOpened": (("receiverAccumulatorOf", ("receiver",)), ("addresseeAccumulatorOf", ("provider",))),
    "CorrectionForwarded": (("addresseeAccumulatorOf", ("source",)),),
    "AuthorisationRecorded": (("recorderAccumulatorOf", ("recorder",)),),
}
_OF_AUTHORITY = frozenset({"AuthorityTransferStarted", "AuthorityTransferred"})


def folds(event: Event) -> tuple[AccumulatorId, ...]:
    """The accumulators that this event folds into, the entity's own first."""
    if event.contract == "WorkCalendar":
        return (CALENDAR,)
    if event.name in _OF_AUTHORITY:
        return (AUTHORITY,)
    own = AccumulatorId(event.contract, "accumulatorOf", _own_key(event))
    if event.name == "DatasetProposed" and (event.args["version"], event.args["round"]) != (1, 1):
        return (own,)
    owners = _OWNER_VIEWS.get(event.name, ())
    return (own, *(AccumulatorId(event.contract, view, tuple(event.args[n] for n in names)) for view, names in owners))


def of_department(department: str) -> tuple[AccumulatorId, ...]:
    """The accumulators that every registered department has, zero ones included: what none of its events touched shows there."""
    streams = [AccumulatorId("RecordLedger", "accumulatorOf", (department, stream)) for stream in _STREAMS]
    views = [
        (contract, view)
        for contract, name in sorted(abi.event_members())
        for view, names in _OWNER_VIEWS.get(name, ())
        if len(names) == 1
    ]
    owned = [AccumulatorId(contract, view, (department,)) for contract, view in dict.fromkeys(views)]
    return (AccumulatorId("DepartmentRegistry", "accumulatorOf", (department,)), *streams, *owned)


def _own_key(event: Event) -> tuple[str | int, ...]:
    if event.contract == "RecordLedger":  # StatusSet folds into the stream of the records it marks
        return (event.args["department"], event.args.get("stream", _RECORDS))
    if event.name == "GrantGiven":  # a grant lives with the request that it came from
        return (event.args["receiver"], event.args["request"])
    return tuple(event.args[name] for name in _OWN[event.contract])


def replay(events: Iterable[Event], start: Mapping[AccumulatorId, bytes] | None = None) -> dict[AccumulatorId, bytes]:
    """Fold events, in the chain's order, into every accumulator they touch.

    Args:
        events: in the chain's order.
        start: values to go on from; zero for those not named.

    Returns:
        The accumulators, 32 bytes each; equal to the chain's views if and only if the list is complete and unaltered.
    """
    found = dict(start or {})
    for event in events:
        topic, content = topic0(event), body(event)
        for one in folds(event):
            found[one] = fold(found.get(one, bytes(32)), topic, content, event.block_time, event.block_number)
    return found
