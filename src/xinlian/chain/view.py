"""The chain as the verifier asks it, over one or several RPC nodes (``protocol.chainview.ChainView``).

Rules
1. Several nodes must give the same answer to every question, else ``rpc-disagree``. They may be at different heights: everything
   is asked as of the highest block that all of them have. One that is far behind the others disagrees with them, else it could
   hide a revocation by standing still.
2. Nothing depends on an archive node: what was true *then* comes from the contracts' own ``…At`` views and from logs.
3. Logs are not believed alone: a batch's log must stand in its transaction's receipt and name its block's hash, status marks
   must add up to what the ledger says now, key sets must have the hash and the number that the registry holds.
4. Blocking on purpose: the verifier is a pure function that asks one question after another; a node that verifies in
   its event loop uses its own tables instead.

Example: ``verify_bundle(data, deployment, RpcView.over(["http://127.0.0.1:8545"], deployment))``
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeVar

from xinlian.chain import abi, questions
from xinlian.chain.bindings import DatasetCatalog, DepartmentRegistry, RecordLedger
from xinlian.chain.calls import Batch
from xinlian.chain.events import Event, decode_log
from xinlian.chain.questions import Question
from xinlian.chain.rpc import BlockingAsksChain, BlockingRpc
from xinlian.chain.wire import Header, Log
from xinlian.protocol.chainview import Anchoring, BlockRef, KeySetFrom
from xinlian.protocol.errors import ChainError
from xinlian.protocol.keccak import keccak256
from xinlian.protocol.manifest import Deployment

T = TypeVar("T")
LEAVES_PER_WORD = 128
MAX_BEHIND_S = 900
"""By how much the time of a node's newest block may lie behind that of another's."""
_TOO_MUCH = frozenset({"rpc-refused", "rpc-timeout"})


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
        self._names = {one.address.lower(): name for name, one in deployment.contracts.items()}

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
            self._head = _ref(self._ask(questions.block(min(head.number for head in heads))))
        return self._head

    def block_at(self, time: int) -> BlockRef:
        """The last block whose time is not later than ``time`` (epoch seconds), by bisection.

        Raises:
            ChainError: chain-not-reached when ``time`` is before the first block.
        """
        head = self.head()
        if head.time <= time:
            return head
        low, high = self._ask(questions.block(0)), head.number  # low.time <= time < time of block high
        if low.time > time:
            raise ChainError("chain-not-reached", f"the chain begins after {time}", time=time)
        while low.number + 1 < high:
            middle = self._ask(questions.block((low.number + high) // 2))
            if middle.time <= time:
                low = middle
            else:
                high = middle.number
        return _ref(low)

    def chain_id(self) -> int:
        """EIP-155 chain id."""
        return self._ask(questions.chain_id())

    def genesis_hash(self) -> str:
        """Hash of block 0."""
        return self._ask(questions.block(0)).hash

    def code_hash(self, address: str) -> str:
        """Keccak-256 of the code at an address now."""
        return "0x" + keccak256(self._ask(questions.code(address, self._tag))).hex()

    def anchoring(self, department: str, stream: int, sequence: int) -> Anchoring | None:
        """Where a batch was anchored, from the ledger's event, checked against its block and its receipt."""
        found = self._events("RecordLedger", "BatchAnchored", (department, stream, sequence))
        if not found:
            return None
        if len(found) > 1:
            raise ChainError("rpc-answer", "the RPC node shows a batch anchored twice, which the ledger does not allow")
        event, log = found[0]
        receipt = self._ask(questions.tx_receipt(event.tx_hash))
        if receipt is None or not receipt.succeeded or log not in receipt.logs:
            raise ChainError(
                "rpc-answer", "the anchoring's log does not stand in its transaction's receipt", tx_hash=event.tx_hash
            )
        return Anchoring(event.block_number, event.block_time, event.tx_hash)

    def is_anchored(  # noqa: PLR0913, PLR0917 - the contract's own question (protocol.chainview)
        self, department: str, stream: int, sequence: int, root: bytes, size: int, suite: int
    ) -> bool:
        """Whether the slot holds exactly this batch."""
        return self._ask(self._ledger.is_anchored(department, Batch(stream, sequence, root, size, suite), self._tag))

    def is_active_at(self, department: str, block: int) -> bool:
        """Whether a department was registered and not suspended at the end of a block."""
        return self._ask(self._registry.is_active_at(department, self._reached(block), self._tag))

    def is_compromised_at(self, department: str, block: int) -> bool:
        """Whether the authority marks what this department anchored in this block as suspect."""
        since = self._ask(self._registry.department_of(department, self._tag)).compromised_since
        return since != 0 and block >= since

    def is_published_at(self, owner: str, serial: int, version: int, block: int) -> bool:
        """Whether a catalogue entry version was published and not retired at the end of a block."""
        catalog = DatasetCatalog(self._address("DatasetCatalog"))
        return self._ask(catalog.is_published_at((owner, serial, version), self._reached(block), self._tag))

    def status_at(self, department: str, sequence: int, index: int, block: int) -> int:
        """Status of a leaf of stream records at the end of a block; 0 while the batch is not anchored.

        Raises:
            ChainError: rpc-answer when the marks do not add up to the ledger's present status; tx-reverted when the index is
                outside the batch.
        """
        self._reached(block)
        anchored, now = self._ask(self._ledger.status_of(department, sequence, index, self._tag))
        if not anchored:
            return 0
        word, place = divmod(index, LEAVES_PER_WORD)
        marks = [event for event, _ in self._events("RecordLedger", "StatusSet", (department, sequence, word))]
        covering = [one for one in marks if one.args["mask"] >> (2 * place) & 1]
        if max((one.args["status"] for one in covering), default=0) != now:
            raise ChainError("rpc-answer", "the status marks shown do not add up to the status the ledger holds")
        return max((one.args["status"] for one in covering if one.block_number <= block), default=0)

    def key_sets(self, department: str) -> Sequence[KeySetFrom]:
        """Every key set the department registered, oldest first, checked against the registry's number and hash.

        Raises:
            ChainError: rpc-answer when one is missing or altered.
        """
        events = [event for event, _ in self._events("DepartmentRegistry", "KeysPublished", (department,))]
        held = self._ask(self._registry.department_of(department, self._tag))
        texts = [abi.text_bytes(one.args["jwks"]) for one in events]
        hashes = ["0x" + hashlib.sha256(text).hexdigest() for text in texts]
        complete = [one.args["version"] for one in events] == list(range(1, held.key_set_version + 1))
        unaltered = all(one.args["keySetHash"] == digest for one, digest in zip(events, hashes, strict=True))
        newest = not hashes or hashes[-1] == "0x" + held.key_set_hash.hex()
        if not (complete and unaltered and newest):
            raise ChainError("rpc-answer", "the key sets shown are not those the registry holds", department=department)
        return [KeySetFrom(one.block_number, text) for one, text in zip(events, texts, strict=True)]

    # -- asking --------------------------------------------------------------------------------------

    def _ask(self, question: Question[T]) -> T:
        first, *others = [node.ask(question) for node in self._nodes]
        for number, other in enumerate(others, start=2):
            if other != first:
                text = f"RPC nodes 1 and {number} answer {question.method} differently"
                raise ChainError("rpc-disagree", text, method=question.method, node=number)
        return first

    def _events(self, contract: str, name: str, keys: Sequence[object]) -> list[tuple[Event, Log]]:
        member = abi.event_members()[contract, name]
        topics = [member.digest, *(abi.encode([one], [key]) for one, key in zip(member.inputs, keys, strict=False))]
        start = self._deployment.contracts[contract].block_number
        found = self._logs(self._address(contract), (start, self.head().number), topics)
        headers: dict[int, Header] = {}
        for log in found:
            if log.block_number not in headers:
                headers[log.block_number] = self._ask(questions.block(log.block_number))
            if headers[log.block_number].hash != log.block_hash or not _matches(log, topics):
                raise ChainError("rpc-answer", "a log names a block that is not so, or was not asked for", tx_hash=log.tx_hash)
        return [(decode_log(log, headers[log.block_number].time, self._names), log) for log in found]

    def _logs(self, address: str, blocks: tuple[int, int], topics: Sequence[bytes]) -> list[Log]:
        first, last = blocks
        if first > last:
            return []
        try:
            return self._ask(questions.logs([address], first, last, topics))
        except ChainError as error:
            if error.code not in _TOO_MUCH or first == last:
                raise
        middle = (first + last) // 2
        return self._logs(address, (first, middle), topics) + self._logs(address, (middle + 1, last), topics)

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


def _matches(log: Log, topics: Sequence[bytes]) -> bool:
    return log.topics[: len(topics)] == tuple(topics)


def _ref(header: Header) -> BlockRef:
    return BlockRef(header.number, header.hash, header.time)
