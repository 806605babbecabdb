"""What every contract binding is made of: calldata and views coded by the compiled ABI, bound to an address.

Example: ``class RecordLedger(BoundContract): ...`` (``bindings``)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from xinlian.chain import abi, questions, wire
from xinlian.chain.calls import Call, unhex
from xinlian.chain.questions import Question
from xinlian.chain.wire import BlockTag
from xinlian.protocol.errors import ChainError

T = TypeVar("T")
Read = Callable[[list[Any]], T]


def encode_call(contract: str, function: str, args: Sequence[object]) -> bytes:
    """Calldata of a function.

    Raises:
        ChainError: chain-abi.
    """
    member = abi.contract(contract).functions.get(function)
    if member is None:
        raise ChainError("chain-abi", f"contract {contract} has no function {function}", contract=contract, function=function)
    return member.selector + abi.encode(member.inputs, args)


def create(contract: str, args: Sequence[object]) -> Call:
    """A transaction that creates a contract."""
    found = abi.contract(contract)
    return Call(None, found.bytecode + abi.encode(found.constructor, args), f"create {contract}")


def address_view(contract: str, address: str, view: str) -> Question[str]:
    """The address that a view without arguments of a contract answers."""
    member = abi.contract(contract).functions[view]
    asked = questions.call(address, member.selector)
    return Question(asked.method, asked.params, lambda value: str(abi.decode(member.outputs, wire.data(value, "an address"))[0]))


@dataclass(frozen=True, slots=True)
class BoundContract:
    """A contract at an address; the class of a contract is named like it.

    Args:
        address: checksummed.
    """

    address: str

    def _call(self, function: str, *args: object) -> Call:
        contract = type(self).__name__
        return Call(self.address, encode_call(contract, function, args), f"{contract}.{function}")

    def _view(self, function: str, args: Sequence[object], read: Read[T], tag: BlockTag) -> Question[T]:
        contract = type(self).__name__
        outputs = abi.contract(contract).functions[function].outputs
        asked = questions.call(self.address, encode_call(contract, function, args), tag)

        def decoded(value: object) -> T:
            data = wire.data(value, "return data")
            if not data:
                raise ChainError("code-missing", f"there is no {contract} at {self.address}", address=self.address)
            return read(abi.decode(outputs, data))

        return Question(asked.method, asked.params, decoded)

    def accumulator(self, view: str, key: Sequence[str | int], tag: BlockTag = "latest") -> Question[bytes]:
        """The accumulator that ``view`` shows for ``key`` (see ``events.AccumulatorId``), 32 bytes."""
        return self._view(view, key, lambda values: unhex(values[0]), tag)
