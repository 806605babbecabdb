"""Lists of events that are proven complete, in order and unaltered, times included: for the verifier, over RPC.

Rules
1. A list is used only when it folds into the accumulator that its contract holds at the view's head; else ``events-differ``,
   naming the accumulator. Which event is missing or altered cannot be told from that.
2. A block's time is what the node says with the log, else what it says of the block: the accumulator covers it either way.
3. Hashes of blocks and transactions are not in the accumulator; who tells them to people checks them.
4. Every list is read and folded once. A stream of a hundred thousand batches costs seconds, so nothing is asked twice.

What this does not prove: that the accumulator itself is the chain's. Against an RPC node that lies about storage as well, name
several nodes, or take the accumulator from a storage proof at a trusted block (docs/protocol.md).

Example: ``history.of_stream("1241…", 1)`` holds every ``BatchAnchored`` and ``StatusSet`` of that stream.

Source: design 4.2 (event accumulators).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from xinlian.chain import abi, bindings, questions
from xinlian.chain.events import AccumulatorId, Event, body_of_log, decode_log
from xinlian.chain.questions import Question
from xinlian.chain.wire import Log
from xinlian.protocol.accumulator import EMPTY, FoldedEvent, fold_all
from xinlian.protocol.errors import ChainError
from xinlian.protocol.manifest import Deployment

T = TypeVar("T")
_RECORDS = 1
_TOO_MUCH = frozenset({"rpc-refused", "rpc-timeout"})


class Asks(Protocol):
    """How a view asks: of all its nodes, which must agree."""

    def ask(self, question: Question[T]) -> T:
        """The answer to one question."""
        ...

    def ask_all(self, asked: Sequence[Question[T]]) -> list[T]:
        """The answers to several questions, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a proven list: the log as delivered and its block's time, epoch seconds."""

    log: Log
    time: int


class History:
    """The proven lists of one deployment as of one block.

    Args:
        chain: asks the nodes.
        deployment: trust anchor.
        head: number of the block as of which everything is asked.
    """

    def __init__(self, chain: Asks, deployment: Deployment, head: int) -> None:
        self._chain = chain
        self._deployment = deployment
        self._head = head
        self._names = {one.address.lower(): name for name, one in deployment.contracts.items()}
        self._known: dict[AccumulatorId, list[Entry]] = {}

    def of_stream(self, department: str, stream: int) -> list[Entry]:
        """Every batch of a stream, and in stream records every status mark, in the chain's order.

        Raises:
            ChainError: events-differ.
        """
        filters = [topics("RecordLedger", "BatchAnchored", department, stream)]
        if stream == _RECORDS:
            filters.append(topics("RecordLedger", "StatusSet", department))
        return self._list(AccumulatorId("RecordLedger", "accumulatorOf", (department, stream)), filters)

    def of_department(self, department: str) -> list[Entry]:
        """Everything the registry says about a department, in the chain's order.

        Raises:
            ChainError: events-differ.
        """
        any_event: list[bytes | None] = [None, *topics("DepartmentRegistry", "KeysPublished", department)[1:]]
        return self._list(AccumulatorId("DepartmentRegistry", "accumulatorOf", (department,)), [any_event])

    def pick(self, entries: Sequence[Entry], asked: Sequence[bytes | None]) -> list[tuple[Event, Log]]:
        """The entries with these topics, decoded; the others are not, for they may be many."""
        return [(decode_log(one.log, one.time, self._names), one.log) for one in entries if _has(one.log, asked)]

    def _list(self, one: AccumulatorId, filters: Sequence[Sequence[bytes | None]]) -> list[Entry]:
        if one not in self._known:
            entries = self._entries(one.contract, filters)
            if self._folded(one.contract, entries) != self._chain.ask(bindings.accumulator(self._deployment, one, self._head)):
                text = f"the events that the RPC node shows do not fold into {one}: one is hidden, altered or at another time"
                raise ChainError("events-differ", text, accumulator=str(one))
            self._known[one] = entries
        return self._known[one]

    def _folded(self, contract: str, entries: Sequence[Entry]) -> bytes:
        events = (
            FoldedEvent(one.log.topics[0], body_of_log(one.log, contract), one.time, one.log.block_number) for one in entries
        )
        return fold_all(EMPTY, events)

    def _entries(self, contract: str, filters: Sequence[Sequence[bytes | None]]) -> list[Entry]:
        place = self._deployment.contracts[contract]
        found = [log for asked in filters for log in self._logs(place.address, (place.block_number, self._head), asked)]
        found.sort(key=lambda log: (log.block_number, log.log_index))
        silent = sorted({log.block_number for log in found if log.block_time is None})
        headers = self._chain.ask_all([questions.block(number) for number in silent])
        times = {number: header.time for number, header in zip(silent, headers, strict=True)}
        return [Entry(log, times[log.block_number] if log.block_time is None else log.block_time) for log in found]

    def _logs(self, address: str, blocks: tuple[int, int], asked: Sequence[bytes | None]) -> list[Log]:
        first, last = blocks
        if first > last:
            return []
        try:
            found = self._chain.ask(questions.logs([address], first, last, asked))
        except ChainError as error:
            if error.code not in _TOO_MUCH or first == last:
                raise
            middle = (first + last) // 2
            return self._logs(address, (first, middle), asked) + self._logs(address, (middle + 1, last), asked)
        if not all(log.address == address.lower() and _has(log, asked) for log in found):
            raise ChainError("rpc-answer", "the RPC node shows a log that was not asked for")
        return found


def topics(contract: str, event: str, *keys: object) -> list[bytes | None]:
    """The topics of an event with these values of its first indexed arguments."""
    member = abi.event_members()[contract, event]
    return [member.digest, *(abi.encode([one], [key]) for one, key in zip(member.inputs, keys, strict=False))]


def _has(log: Log, asked: Sequence[bytes | None]) -> bool:
    return len(log.topics) >= len(asked) and all(one in {None, told} for one, told in zip(asked, log.topics, strict=False))
