"""Why a contract rejected a call, in its own words.

Example: ``explain(data).text == "RecordLedgerSequenceGap(stream=1, sequence=3, missing=2)"``

Source: Solidity documentation, "Errors and the Revert Statement", "Panic via assert and Error via require".
"""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.chain.abi import Parameter, decode, error_members
from xinlian.protocol.errors import ChainError

_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Reason:
    """A decoded revert.

    Args:
        name: the custom error's name, ``Error``, ``Panic`` or ``Unknown``.
        args: plain values by name.
    """

    name: str
    args: dict[str, object]

    @property
    def text(self) -> str:
        """The error as Solidity would write it, with named arguments."""
        return f"{self.name}({', '.join(f'{name}={str(value)[:_MAX_TEXT]}' for name, value in self.args.items())})"


def explain(data: bytes) -> Reason:
    """The reason inside revert data; never raises, data that cannot be read is ``Unknown``."""
    try:
        return _known(data)
    except ChainError:
        return Reason("Unknown", {"data": "0x" + data.hex()[:_MAX_TEXT]})


def _known(data: bytes) -> Reason:
    if data[:4] == _ERROR:
        return Reason("Error", {"text": decode([Parameter("text", "string")], data[4:])[0]})
    if data[:4] == _PANIC:
        return Reason("Panic", {"code": decode([Parameter("code", "uint256")], data[4:])[0]})
    member = error_members().get(data[:4])
    if member is None:
        return Reason("Unknown", {"data": "0x" + data.hex()[:_MAX_TEXT]} if data else {})
    values = decode(member.inputs, data[4:])
    return Reason(member.name, {one.name: value for one, value in zip(member.inputs, values, strict=True)})
