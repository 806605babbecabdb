"""What is handed to the contracts and what their views answer, as values.

Roles, streams and statuses are plain numbers here as on the chain; ``protocol.types`` names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction's content before fees and nonce.

    Args:
        to: contract address, None to create a contract.
        data: calldata or creation code.
        label: ``Contract.function`` for logs and messages; no arguments.
        value_wei: what the transaction pays to ``to``; 0 for all calls of our contracts.
    """

    to: str | None
    data: bytes = field(repr=False)
    label: str
    value_wei: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the ledger sees it (IRecordLedger.Batch).

    Args:
        stream: 1 records, 2 reads, 3 answers.
        sequence: from 1, without gaps.
        root: 32 bytes.
        size: number of leaves, at least 1.
        suite: cryptographic suite, 1.
    """

    stream: int
    sequence: int
    root: bytes
    size: int
    suite: int = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """Leaves of one word of one batch of stream records (IRecordLedger.Mark).

    Args:
        sequence: of the batch.
        word: leaves 128·word … 128·word + 127.
        mask: bit 2·i set for leaf 128·word + i.
    """

    sequence: int
    word: int
    mask: int


@dataclass(frozen=True, slots=True)
class NewSigner:
    """A signer to register, with its own proof of possession (IDepartmentRegistry.NewSigner).

    Args:
        signer: checksummed address.
        roles: bit mask 1 ANCHOR, 2 LAW, 4 ADMIN.
        possession: 65 bytes, see ``keys.prove_possession``.
    """

    signer: str
    roles: int
    possession: bytes


@dataclass(frozen=True, slots=True)
class Registration:
    """A department or other receiver to register.

    Args:
        department: USCC.
        kind: 1 department, 2 other receiver.
        name: official name.
        endpoint: base URL of its node.
        jwks: canonical JSON text of its first key set.
        signers: at least one with ADMIN.
    """

    department: str
    kind: int
    name: str
    endpoint: str
    jwks: str
    signers: tuple[NewSigner, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a grant (ISharingRegistry.Terms).

    Args:
        verify_mask: fields that may be verified.
        query_mask: fields that may be read.
        answer_mask: views that may be asked.
        batch_mask: fields that may be delivered in bulk.
        purposes: 32 bytes each.
        scenarios: 32 bytes each; empty only when standing.
        valid_from: epoch seconds, included.
        valid_to: epoch seconds, excluded.
        uses_per_case: how often within one case.
        standing: use without a case.
    """

    verify_mask: int
    query_mask: int
    answer_mask: int
    batch_mask: int
    purposes: tuple[bytes, ...]
    scenarios: tuple[bytes, ...]
    valid_from: int
    valid_to: int
    uses_per_case: int
    standing: bool = False

    def scope(self) -> dict[str, object]:
        """The masks by the member names of ISharingRegistry.Scope, for the encoder."""
        return {
            "verifyMask": self.verify_mask,
            "queryMask": self.query_mask,
            "answerMask": self.answer_mask,
            "batchMask": self.batch_mask,
        }

    def plain(self) -> dict[str, object]:
        """By the struct's member names, for the encoder."""
        return {
            "verifyMask": self.verify_mask,
            "queryMask": self.query_mask,
            "answerMask": self.answer_mask,
            "batchMask": self.batch_mask,
            "purposes": list(self.purposes),
            "scenarios": list(self.scenarios),
            "validFrom": self.valid_from,
            "validTo": self.valid_to,
            "usesPerCase": self.uses_per_case,
            "standing": self.standing,
        }

    @classmethod
    def from_plain(cls, value: Mapping[str, Any]) -> Terms:
        """From a decoded struct (an event's ``terms`` or ``grantOf``)."""
        return cls(
            value["verifyMask"],
            value["queryMask"],
            value["answerMask"],
            value["batchMask"],
            unhex_all(value["purposes"]),
            unhex_all(value["scenarios"]),
            value["validFrom"],
            value["validTo"],
            value["usesPerCase"],
            value["standing"],
        )


@dataclass(frozen=True, slots=True)
class Department:
    """What the registry holds of a department; ``kind`` 0 = unknown, ``generation`` counts recoveries."""

    kind: int
    active: bool
    registered_block: int
    compromised_since: int
    key_set_version: int
    key_set_hash: bytes
    generation: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """An announced recovery.

    Args:
        announced_at: epoch seconds.
        candidates: (address, roles) of the signers to come.
    """

    announced_at: int
    candidates: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Signer:
    """What the registry holds of a signer; ``department`` None = unknown, ``to_block`` 0 = not retired."""

    department: str | None
    roles: int
    from_block: int
    to_block: int


@dataclass(frozen=True, slots=True)
class Application:
    """A sharing request to submit (ISharingRegistry.Application).

    Args:
        number: the fourteen digits of the request's number.
        provider: USCC.
        serial: of the provider's dataset.
        version: of the provider's dataset.
        terms: what is asked.
        out_of_scope: flagged 超范围.
        legal_basis: 32 bytes, not zero.
        document: 32 bytes, not zero.
    """

    number: int
    provider: str
    serial: int
    version: int
    terms: Terms
    out_of_scope: bool
    legal_basis: bytes
    document: bytes

    def plain(self) -> dict[str, object]:
        """By the struct's member names, for the encoder."""
        return {
            "number": self.number,
            "provider": self.provider,
            "serial": self.serial,
            "version": self.version,
            "terms": self.terms.plain(),
            "outOfScope": self.out_of_scope,
            "legalBasis": self.legal_basis,
            "document": self.document,
        }


@dataclass(frozen=True, slots=True)
class Grant:
    """What the registry holds of a grant; ``receiver`` None = there is none; ``cover`` 0 none, 1 consent, 2 authorisation."""

    receiver: str | None
    request: int
    serial: int
    version: int
    cover: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to open.

    Args:
        case_no: 32 bytes (see ``text32``).
        scenario: 32 bytes.
        participants: USCCs besides the lead.
        subjects_root: 32 bytes.
        subject_count: at least 1.
    """

    case_no: bytes
    scenario: bytes
    participants: tuple[str, ...]
    subjects_root: bytes
    subject_count: int


@dataclass(frozen=True, slots=True)
class CaseState:
    """What the ledger holds of a case; ``opened_at`` 0 = none, ``closed_at`` 0 = open (epoch seconds)."""

    scenario: bytes
    subjects_root: bytes
    subject_count: int
    opened_at: int
    closed_at: int
    outcome: int
    participants: tuple[str, ...]


def unhex(text: str) -> bytes:
    """Bytes from plain ``0x`` text."""
    return bytes.fromhex(text.removeprefix("0x"))


def unhex_all(texts: Sequence[str]) -> tuple[bytes, ...]:
    """Several byte strings from plain ``0x`` text."""
    return tuple(unhex(text) for text in texts)


def text32(text: str) -> bytes:
    """A case number or purpose as bytes32: ASCII, zero padded on the right.

    Raises:
        ValueError: longer than 32 characters or not ASCII (checked by the caller before; a defect).
    """
    raw = text.encode("ascii")
    if not 1 <= len(raw) <= 32:
        raise ValueError("text32 takes 1 to 32 ASCII characters")
    return raw.ljust(32, b"\0")


def text_of32(value: bytes | str) -> str:
    """The text inside a bytes32 (raw or plain ``0x``); the inverse of ``text32``."""
    raw = unhex(value) if isinstance(value, str) else value
    return raw.rstrip(b"\0").decode("ascii")
