"""Receipts: where in which anchored batch a leaf stands, and the path to prove it.

Rules
1. A receipt has exactly the fields of ``FIELDS``; every one is a claim to be checked against the chain.
2. ``block_number``, ``block_time`` and ``tx_hash`` are hints only: the verifier finds the block itself. A wrong hint
   beside a right slot is a remark, not a failure.
3. Chain hashes carry ``0x``, root and path are bare hex, all lower case; the ledger address is checksummed.

Example: ``Receipt.from_json(receipt.to_json()) == receipt``.

Source: design.md 4.2; RFC 9162 §2.1.3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from xinlian.protocol import hextext
from xinlian.protocol.errors import InputError
from xinlian.protocol.suite import SUITES
from xinlian.protocol.types import MAX_EXACT_INT, Stream, Uscc, is_uscc_form

FIELDS: Final = (
    "chain_id",
    "genesis_hash",
    "ledger",
    "department",
    "stream",
    "sequence",
    "index",
    "size",
    "root",
    "suite",
    "path",
    "block_number",
    "block_time",
    "tx_hash",
)
_OF_BATCH: Final = tuple(name for name in FIELDS if name not in {"index", "path"})
MAX_PATH: Final = 64
_UINT32: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt.

    Args:
        chain_id: EIP-155 chain id.
        genesis_hash: hash of block 0, ``0x`` and 64 hex characters.
        ledger: address of RecordLedger, ``0x`` and 40 hex characters.
        department: USCC of the department that anchored.
        stream: records, reads or answers.
        sequence: batch number in the stream, from 1.
        index: leaf index in the batch, from 0.
        size: number of leaves of the batch, from 1.
        root: RFC 9162 root, 32 bytes.
        suite: cryptographic suite, 1.
        path: inclusion path, leaf upwards, 32 bytes each.
        block_number: hint, the anchoring block.
        block_time: hint, its time, epoch seconds.
        tx_hash: hint, the anchoring transaction.
    """

    chain_id: int
    genesis_hash: str
    ledger: str
    department: Uscc
    stream: Stream
    sequence: int
    index: int
    size: int
    root: bytes
    suite: int
    path: tuple[bytes, ...]
    block_number: int
    block_time: int
    tx_hash: str

    def batch(self) -> tuple[object, ...]:
        """Everything but the leaf's own index and path: equal for the receipts of one batch."""
        return (
            self.chain_id,
            self.genesis_hash,
            self.ledger,
            self.department,
            self.stream,
            self.sequence,
            self.size,
            self.root,
            self.suite,
            self.block_number,
            self.block_time,
            self.tx_hash,
        )

    def to_json(self) -> dict[str, object]:
        """Return the receipt's JSON members, in the order of ``FIELDS``."""
        members: dict[str, object] = {name: getattr(self, name) for name in FIELDS}
        members.update(stream=self.stream.label, root=self.root.hex(), path=[step.hex() for step in self.path])
        return members

    @classmethod
    def from_json(cls, members: object) -> Receipt:
        """Read a receipt from parsed JSON.

        Raises:
            InputError: ``receipt-form`` when a field is missing, unknown or of another form.
        """
        if not isinstance(members, dict):
            raise InputError("receipt-form", "expected a JSON object")
        reader = _Reader(members)
        reader.check_names()
        values = [members[name] for name in _OF_BATCH]
        try:
            batch = _batch_part(tuple(values), tuple(map(type, values)))
        except TypeError:  # a list or an object, where none belongs
            batch = _read_batch_part(reader)
        return replace(batch, index=reader.number("index", 0, _UINT32), path=reader.path("path"))


@dataclass(frozen=True, slots=True)
class _Reader:
    members: dict[str, object]

    def check_names(self) -> None:
        if set(self.members) != set(FIELDS):
            odd = sorted(set(self.members) ^ set(FIELDS))
            raise InputError("receipt-form", f"missing or unknown: {odd[0][:64]}", field=odd[0][:64])

    def number(self, name: str, low: int, high: int = MAX_EXACT_INT) -> int:
        value = self.members[name]
        if type(value) is not int or not low <= value <= high:
            raise _wrong(name, f"a whole number from {low} to {high}")
        return value

    def text(self, name: str) -> str:
        value = self.members[name]
        if not isinstance(value, str):
            raise _wrong(name, "a text")
        return value

    def chain_hash(self, name: str) -> str:
        if not hextext.is_chain_hash(self.members[name]):
            raise _wrong(name, "0x and 64 lower-case hex characters")
        return self.text(name)

    def address(self, name: str) -> str:
        if not hextext.is_address(self.members[name]):
            raise _wrong(name, "0x and 40 hex characters, checksummed")
        return self.text(name)

    def department(self, name: str) -> Uscc:
        if not is_uscc_form(self.text(name)):
            raise _wrong(name, "a USCC of 18 characters")
        return Uscc(self.text(name))

    def root(self, name: str) -> bytes:
        if not hextext.is_hash(self.members[name]):
            raise _wrong(name, "64 lower-case hex characters")
        return bytes.fromhex(self.text(name))

    def suite(self, name: str) -> int:
        value = self.number(name, 0, 255)
        if value not in SUITES:
            raise _wrong(name, "suite 1")
        return value

    def path(self, name: str) -> tuple[bytes, ...]:
        value = self.members[name]
        if not isinstance(value, list) or len(value) > MAX_PATH or not all(hextext.is_hash(step) for step in value):
            raise _wrong(name, "a list of 64 lower-case hex characters each")
        return tuple([bytes.fromhex(step) for step in value])


@lru_cache(maxsize=256)
def _batch_part(values: tuple[object, ...], _types: tuple[type, ...]) -> Receipt:
    """What the receipts of one batch share, read once; the types are part of the key because True equals 1."""
    return _read_batch_part(_Reader(dict(zip(_OF_BATCH, values, strict=True))))


def _read_batch_part(reader: _Reader) -> Receipt:
    return Receipt(
        chain_id=reader.number("chain_id", 1),
        genesis_hash=reader.chain_hash("genesis_hash"),
        ledger=reader.address("ledger"),
        department=reader.department("department"),
        stream=Stream.from_label(reader.text("stream")),
        sequence=reader.number("sequence", 1),
        index=0,
        size=reader.number("size", 1, _UINT32),
        root=reader.root("root"),
        suite=reader.suite("suite"),
        path=(),
        block_number=reader.number("block_number", 0),
        block_time=reader.number("block_time", 0),
        tx_hash=reader.chain_hash("tx_hash"),
    )


def _wrong(name: str, expected: str) -> InputError:
    return InputError("receipt-form", f"{name}: expected {expected}", field=name)
