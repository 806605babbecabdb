"""The chain as the verifier asks it, over one or several RPC nodes (``protocol.chainview.ChainView``).

Rules
1. Several nodes must give the same answer to every question, else ``rpc-disagree``. They may be at different heights: everything
   is asked as of the highest block that all of them have. One that is far behind the others disagrees with them, else it could
   hide a revocation by standing still.
2. Nothing depends on an archive node: what was true *then* comes from the contracts' own ``…At`` views and from logs.
3. Logs are not believed alone: where a batch was anchored, status marks and key sets come from lists that fold into the
   contract's accumulator (``chain.history``), so that one node cannot hide, alter or re-time an event without lying about
   storage, too. A batch's log must also stand in its transaction's receipt and name its block's hash. A moment given as a time
   is compared with the proven times, too: no block's time may be told so that an event falls on its other side.
4. Blocking on purpose: the verifier is a pure function that asks one question after another; a node that verifies in
   its event loop uses its own tables instead.

Example: ``verify_bundle(data, deployment, RpcView.over(["http://127.0.0.1:8545"], deployment))``
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeVar

from xinlian.chain import abi, questions
from xinlian.chain.bindings import DatasetCatalog, DepartmentRegistry, RecordLedger
from xinlian.chain.calls import Batch
from xinlian.chain.history import Entry, History, topics
from xinlian.chain.questions import Question
from xinlian.chain.rpc import BlockingAsksChain, BlockingRpc
from xinlian.chain.wire import Header, Log
from xinlian.protocol.chainview import Anchoring, BlockRef, KeySetFrom
from xinlian.protocol.errors import ChainError
from xinlian.protocol.keccak import keccak256
from xinlian.protocol.manifest import Deployment
from xinlian.protocol.types import Stream

T = TypeVar("T")
LEAVES_PER_WORD = 128
MAX_BEHIND_S = 900
"""By how much the time of a node's newest block may lie behind that of another's."""


class RpcView:
    """A verifier's view; pinned to the head of its first question.

    Args:
        nodes: transports, at least one; all must agree.
        deployment: trust anchor.
    """

    def __init__(self, nodes: Sequence[BlockingAsksChain], deployment: Deployment) -> None:
        if not nodes:
            raise ValueError("a view needs at least one RPC node")
        self._nodes = nodes
        self._deployment = deployment
        self._owned: list[BlockingRpc] = []
        self._head: BlockRef | None = None
        self._history: History | None = None
        self._moments: list[tuple[int, int]] = []

    @classmethod
    def over(cls, urls: Sequence[str], deployment: Deployment, timeout_s: float = 10.0) -> Self:
        """A view over these RPC URLs; ``close`` it, or use it in a ``with``.

        Raises:
            ConfigError: rpc-url.
        """
        nodes = [BlockingRpc(url, timeout_s=timeout_s) for url in urls]
        view = cls(nodes, deployment)
        view._owned = nodes
        return view

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections this view opened."""
        for node in self._owned:
            node.close()

    # -- ChainView -----------------------------------------------------------------------------------

    def head(self) -> BlockRef:
        """The newest block that all nodes have."""
        if self._head is None:
            heads = [node.ask(questions.head()) for node in self._nodes]
            check_not_behind(heads)
            self._head = _ref(self.ask(questions.block(min(head.number for head in heads))))
        return self._head

    def block_at(self, time: int) -> BlockRef:
        """The last block whose time is not later than ``time`` (epoch seconds), by bisection.

        Raises:
            ChainError: chain-not-reached when ``time`` is before the first block.
        """
        found = self._bisect(time)
        self._moments.append((time, found.number))
        return found

    def _bisect(self, time: int) -> BlockRef:
        head = self.head()
        if head.time <= time:
            return head
        low, high = self.ask(questions.block(0)), head.number  # low.time <= time < time of block high
        if low.time > time:
            raise ChainError("chain-not-reached", f"the chain begins after {time}", time=time)
        while low.number + 1 < high:
            middle = self.ask(questions.block((low.number + high) // 2))
            if middle.time <= time:
                low = middle
            else:
                high = middle.number
        return _ref(low)

    def chain_id(self) -> int:
        """EIP-155 chain id."""
        return self.ask(questions.chain_id())

    def genesis_hash(self) -> str:
        """Hash of block 0."""
        return self.ask(questions.block(0)).hash

    def code_hash(self, address: str) -> str:
        """Keccak-256 of the code at an address now."""
        return "0x" + keccak256(self.ask(questions.code(address, self._tag))).hex()

    def anchoring(self, department: str, stream: int, sequence: int) -> Anchoring | None:
        """Where a batch was anchored, from the ledger's proven events, checked against its block and its receipt.

        Raises:
            ChainError: events-differ; rpc-answer when block or receipt do not fit.
        """
        batches = self._stream(department, stream)
        found = self._proven.pick(batches, topics("RecordLedger", "BatchAnchored", department, stream, sequence))
        if not found:
            return None
        [(event, log)] = found  # the ledger fills a slot once
        self._check_place(log)
        return Anchoring(event.block_number, event.block_time, event.tx_hash)

    def is_anchored(  # noqa: PLR0913, PLR0917 - the contract's own question (protocol.chainview)
        self, department: str, stream: int, sequence: int, root: bytes, size: int, suite: int
    ) -> bool:
        """Whether the slot holds exactly this batch."""
        return self.ask(self._ledger.is_anchored(department, Batch(stream, sequence, root, size, suite), self._tag))

    def is_active_at(self, department: str, block: int) -> bool:
        """Whether a department was registered and not suspended at the end of a block."""
        return self.ask(self._registry.is_active_at(department, self._reached(block), self._tag))

    def is_compromised_at(self, department: str, block: int) -> bool:
        """Whether the authority marks what this department anchored in this block as suspect."""
        since = self.ask(self._registry.department_of(department, self._tag)).compromised_since
        return since != 0 and block >= since

    def is_published_at(self, owner: str, serial: int, version: int, block: int) -> bool:
        """Whether a catalogue entry version was published and not retired at the end of a block."""
        catalog = DatasetCatalog(self._address("DatasetCatalog"))
        return self.ask(catalog.is_published_at((owner, serial, version), self._reached(block), self._tag))

    def status_at(self, department: str, sequence: int, index: int, block: int) -> int:
        """Status of a leaf of stream records at the end of a block; 0 while the batch is not anchored.

        Raises:
            ChainError: events-differ; rpc-answer when the marks do not add up to the ledger's present status; tx-reverted when
                the index is outside the batch.
        """
        self._reached(block)
        anchored, now = self.ask(self._ledger.status_of(department, sequence, index, self._tag))
        if not anchored:
            return 0
        word, place = divmod(index, LEAVES_PER_WORD)
        stream = self._stream(department, Stream.RECORDS)
        found = self._proven.pick(stream, topics("RecordLedger", "StatusSet", department, sequence, word))
        marks = [event for event, _ in found]
        covering = [one for one in marks if one.args["mask"] >> (2 * place) & 1]
        if max((one.args["status"] for one in covering), default=0) != now:
            raise ChainError("rpc-answer", "the status marks shown do not add up to the status the ledger holds")
        return max((one.args["status"] for one in covering if one.block_number <= block), default=0)

    def key_sets(self, department: str) -> Sequence[KeySetFrom]:
        """Every key set the department registered, oldest first, out of the registry's proven events.

        Raises:
            ChainError: events-differ.
        """
        entries = self._proven.of_department(department)
        found = self._proven.pick(entries, topics("DepartmentRegistry", "KeysPublished", department))
        return [KeySetFrom(event.block_number, abi.text_bytes(event.args["jwks"])) for event, _ in found]

    # -- asking --------------------------------------------------------------------------------------

    def ask(self, question: Question[T]) -> T:
        """The answer to one question, on which all nodes agree.

        Raises:
            ChainError: rpc-disagree, or what the transport raises.
        """
        return self.ask_all([question])[0]

    def ask_all(self, asked: Sequence[Question[T]]) -> list[T]:
        """The answers to several questions, in their order.

        Raises:
            ChainError: as for ``ask``.
        """
        first, *others = [node.ask_all(asked) for node in self._nodes]
        for number, other in enumerate(others, start=2):
            differing = [one.method for one, mine, theirs in zip(asked, first, other, strict=True) if mine != theirs]
            if differing:
                text = f"RPC nodes 1 and {number} answer {differing[0]} differently"
                raise ChainError("rpc-disagree", text, method=differing[0], node=number)
        return first

    def _stream(self, department: str, stream: int) -> Sequence[Entry]:
        """The proven events of a stream, which no moment may contradict that was found by the times of blocks."""
        entries = self._proven.of_stream(department, stream)
        for time, number in self._moments:
            if any((one.time <= time) != (one.log.block_number <= number) for one in entries):
                raise ChainError("events-differ", f"block {number} is not the last one up to {time}: an event's time says so")
        return entries

    def _check_place(self, log: Log) -> None:
        """Block hash and transaction of a log, which its accumulator does not cover."""
        block, receipt = self.ask(questions.block(log.block_number)), self.ask(questions.tx_receipt(log.tx_hash))
        if block.hash != log.block_hash:
            raise ChainError("rpc-answer", "a log names a block that is not so", tx_hash=log.tx_hash)
        if receipt is None or not receipt.succeeded or log not in receipt.logs:
            raise ChainError("rpc-answer", "the anchoring's log does not stand in its transaction's receipt", tx_hash=log.tx_hash)

    @property
    def _proven(self) -> History:
        if self._history is None:
            self._history = History(self, self._deployment, self._tag)
        return self._history

    @property
    def _tag(self) -> int:
        return self.head().number

    @property
    def _ledger(self) -> RecordLedger:
        return RecordLedger(self._address("RecordLedger"))

    @property
    def _registry(self) -> DepartmentRegistry:
        return DepartmentRegistry(self._address("DepartmentRegistry"))

    def _address(self, contract: str) -> str:
        return self._deployment.contracts[contract].address

    def _reached(self, block: int) -> int:
        if block > self.head().number:
            raise ChainError("chain-not-reached", f"block {block} is not on the chain yet", block=block)
        return block


def check_not_behind(heads: Sequence[Header]) -> None:
    """Refuse newest blocks of several nodes of which one is far behind another.

    Raises:
        ChainError: rpc-disagree.
    """
    newest = max(head.time for head in heads)
    for number, head in enumerate(heads, start=1):
        if newest - head.time > MAX_BEHIND_S:
            text = f"RPC node {number} is {newest - head.time} s behind another one"
            raise ChainError("rpc-disagree", text, method="eth_getBlockByNumber", node=number)


def _ref(header: Header) -> BlockRef:
    return BlockRef(header.number, header.hash, header.time)
