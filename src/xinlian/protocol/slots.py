"""Where the contracts keep what evidence needs: storage slots for ``eth_getProof``, and what stands in them.

Rules
1. Positions are those of contracts/snapshots/storage-layout (a test compares); they never change within a release.
2. Keys begin with the 18 bytes of their owner and are padded with zeros at the right to 32 bytes::

       batch   department(18) ‖ stream(1)   ‖ sequence(8) ‖ zeros(5)
       stream  department(18) ‖ stream(1)   ‖ zeros(13)
       word    department(18) ‖ sequence(8) ‖ word(4)     ‖ zeros(2)
       entry   owner(18)      ‖ serial(4)   ‖ version(2)  ‖ zeros(8)     version 0 = the serial itself
       grant   provider(18)   ‖ number(8)   ‖ zeros(6)
       correction receiver(18) ‖ number(8)  ‖ zeros(6)
       request requester(18)  ‖ number(8)   ‖ zeros(6)

3. The storage slot of key k in the mapping at position p is ``keccak256(k ‖ uint256(p))``.
4. A batch slot holds the top 224 bits of ``keccak256(abi.encode(root, suite))``, then the size in 32 bits; zero = empty.
   A status word holds 128 leaves, two bits each: leaf 128·word + i at bits 2i and 2i + 1.

Example: ``batch_slot(department, Stream.RECORDS, 1)`` is the slot to ask ``eth_getProof`` for at the ledger's address.

Source: Solidity documentation, "Layout of State Variables in Storage"; contracts/src/libraries/{Keys,BatchSlot,StatusWords}.sol.
"""

from __future__ import annotations

from typing import Final

from xinlian.protocol.keccak import keccak256
from xinlian.protocol.types import Hash32, Status, Stream, Uscc

RECORD_LEDGER_SLOTS: Final = 0
"""RecordLedger: batch key -> batch slot."""
RECORD_LEDGER_STATUS_WORDS: Final = 1
"""RecordLedger: word key -> status word."""
RECORD_LEDGER_ACCUMULATORS: Final = 2
"""RecordLedger: stream key -> accumulator."""
DEPARTMENT_REGISTRY_AUTHORITY_ACCUMULATOR: Final = 2
"""DepartmentRegistry: the accumulator itself, no mapping."""
DEPARTMENT_REGISTRY_ACCUMULATORS: Final = 6
"""DepartmentRegistry: department -> accumulator."""
WORK_CALENDAR_YEARS: Final = 0
"""WorkCalendar: year -> four words: workdays of days 0..255 and 256..365, outages likewise."""
WORK_CALENDAR_ACCUMULATOR: Final = 1
"""WorkCalendar: the accumulator itself, no mapping."""
DATASET_CATALOG_ACCUMULATORS: Final = 2
"""DatasetCatalog: entry key with version 0 -> accumulator."""
DATASET_CATALOG_OWNER_ACCUMULATORS: Final = 3
"""DatasetCatalog: owner -> accumulator."""
SHARING_REGISTRY_ACCUMULATORS: Final = 2
"""SharingRegistry: request key -> accumulator."""
SHARING_REGISTRY_REQUESTER_ACCUMULATORS: Final = 3
"""SharingRegistry: requester -> accumulator."""
SHARING_REGISTRY_PROVIDER_ACCUMULATORS: Final = 4
"""SharingRegistry: provider -> accumulator."""
CORRECTION_REGISTRY_ACCUMULATORS: Final = 1
"""CorrectionRegistry: correction key -> accumulator."""
CORRECTION_REGISTRY_RECEIVER_ACCUMULATORS: Final = 2
"""CorrectionRegistry: receiver -> accumulator."""
CORRECTION_REGISTRY_ADDRESSEE_ACCUMULATORS: Final = 3
"""CorrectionRegistry: addressee -> accumulator."""
AUTHORISATION_REGISTRY_ACCUMULATORS: Final = 1
"""AuthorisationRegistry: recorder -> id -> accumulator."""
AUTHORISATION_REGISTRY_RECORDER_ACCUMULATORS: Final = 2
"""AuthorisationRegistry: recorder -> accumulator."""
CASE_LEDGER_ACCUMULATORS: Final = 1
"""CaseLedger: lead -> case no. -> accumulator."""
CASE_LEDGER_LEAD_ACCUMULATORS: Final = 2
"""CaseLedger: lead -> accumulator."""

LEAVES_PER_WORD: Final = 128

_SIZE_MASK: Final = 0xFFFFFFFF


def department_key(department: Uscc) -> bytes:
    """Return the 32-byte mapping key of a department: 18 ASCII bytes, zeros at the right."""
    return _padded(_department(department))


def batch_key(department: Uscc, stream: Stream, sequence: int) -> bytes:
    """Return the mapping key of a batch slot, 32 bytes; ``sequence`` counts from 1."""
    return _padded(_department(department) + _uint(stream, 1) + _uint(sequence, 8))


def stream_key(department: Uscc, stream: Stream) -> bytes:
    """Return the mapping key of a stream's accumulator, 32 bytes."""
    return _padded(_department(department) + _uint(stream, 1))


def word_key(department: Uscc, sequence: int, word: int) -> bytes:
    """Return the mapping key of a status word, 32 bytes; ``word`` is the leaf index divided by 128."""
    return _padded(_department(department) + _uint(sequence, 8) + _uint(word, 4))


def entry_key(owner: Uscc, serial: int, version: int) -> bytes:
    """Return the mapping key of a catalogue entry, 32 bytes; version 0 is the serial itself."""
    return _padded(_department(owner) + _uint(serial, 4) + _uint(version, 2))


def grant_key(provider: Uscc, number: int) -> bytes:
    """Return the mapping key of a grant, 32 bytes."""
    return _padded(_department(provider) + _uint(number, 8))


def correction_key(receiver: Uscc, number: int) -> bytes:
    """Return the mapping key of a correction, 32 bytes."""
    return _padded(_department(receiver) + _uint(number, 8))


def request_key(requester: Uscc, number: int) -> bytes:
    """Return the mapping key of a sharing request, 32 bytes."""
    return _padded(_department(requester) + _uint(number, 8))


def mapping_slot(key: bytes, position: int | bytes) -> Hash32:
    """Return the storage slot of ``key`` in a mapping.

    Args:
        key: 32 bytes.
        position: the mapping's own slot; 32 bytes when it is a mapping inside a mapping.
    """
    base = _uint(position, 32) if isinstance(position, int) else position
    if len(key) != 32 or len(base) != 32:
        raise ValueError(f"mapping_slot: expected a key and a position of 32 bytes, got {len(key)} and {len(base)}")
    return keccak256(key + base)


def batch_slot(department: Uscc, stream: Stream, sequence: int) -> Hash32:
    """Return the storage slot of a batch at RecordLedger."""
    return mapping_slot(batch_key(department, stream, sequence), RECORD_LEDGER_SLOTS)


def status_word_slot(department: Uscc, sequence: int, index: int) -> Hash32:
    """Return the storage slot at RecordLedger of the word that holds leaf ``index`` (from 0) of a batch of records."""
    return mapping_slot(word_key(department, sequence, index // LEAVES_PER_WORD), RECORD_LEDGER_STATUS_WORDS)


def stream_accumulator_slot(department: Uscc, stream: Stream) -> Hash32:
    """Return the storage slot of a stream's accumulator at RecordLedger."""
    return mapping_slot(stream_key(department, stream), RECORD_LEDGER_ACCUMULATORS)


def department_accumulator_slot(department: Uscc) -> Hash32:
    """Return the storage slot of a department's accumulator at DepartmentRegistry."""
    return mapping_slot(department_key(department), DEPARTMENT_REGISTRY_ACCUMULATORS)


def dataset_accumulator_slot(owner: Uscc, serial: int) -> Hash32:
    """Return the storage slot of a dataset's accumulator (all versions) at DatasetCatalog."""
    return mapping_slot(entry_key(owner, serial, 0), DATASET_CATALOG_ACCUMULATORS)


def owner_accumulator_slot(owner: Uscc) -> Hash32:
    """Return the storage slot at DatasetCatalog of the accumulator over the owner's datasets."""
    return mapping_slot(department_key(owner), DATASET_CATALOG_OWNER_ACCUMULATORS)


def request_accumulator_slot(requester: Uscc, number: int) -> Hash32:
    """Return the storage slot at SharingRegistry of a request's accumulator, which takes in its grant's events."""
    return mapping_slot(request_key(requester, number), SHARING_REGISTRY_ACCUMULATORS)


def requester_accumulator_slot(requester: Uscc) -> Hash32:
    """Return the storage slot at SharingRegistry of the accumulator over the requester's requests."""
    return mapping_slot(department_key(requester), SHARING_REGISTRY_REQUESTER_ACCUMULATORS)


def provider_accumulator_slot(provider: Uscc) -> Hash32:
    """Return the storage slot at SharingRegistry of the accumulator over the requests to a provider and its grants."""
    return mapping_slot(department_key(provider), SHARING_REGISTRY_PROVIDER_ACCUMULATORS)


def case_accumulator_slot(lead: Uscc, case_no: bytes) -> Hash32:
    """Return the storage slot of a case's accumulator at CaseLedger; ``case_no`` is the bytes32 of the chain."""
    return mapping_slot(case_no, mapping_slot(department_key(lead), CASE_LEDGER_ACCUMULATORS))


def lead_accumulator_slot(lead: Uscc) -> Hash32:
    """Return the storage slot at CaseLedger of the accumulator over the lead's cases."""
    return mapping_slot(department_key(lead), CASE_LEDGER_LEAD_ACCUMULATORS)


def correction_accumulator_slot(receiver: Uscc, number: int) -> Hash32:
    """Return the storage slot of a correction's accumulator at CorrectionRegistry."""
    return mapping_slot(correction_key(receiver, number), CORRECTION_REGISTRY_ACCUMULATORS)


def receiver_accumulator_slot(receiver: Uscc) -> Hash32:
    """Return the storage slot at CorrectionRegistry of the accumulator over the receiver's corrections."""
    return mapping_slot(department_key(receiver), CORRECTION_REGISTRY_RECEIVER_ACCUMULATORS)


def addressee_accumulator_slot(addressee: Uscc) -> Hash32:
    """Return the storage slot at CorrectionRegistry of the accumulator over the corrections addressed to a department."""
    return mapping_slot(department_key(addressee), CORRECTION_REGISTRY_ADDRESSEE_ACCUMULATORS)


def authorisation_accumulator_slot(recorder: Uscc, authorisation_id: bytes) -> Hash32:
    """Return the storage slot of an authorisation's accumulator at AuthorisationRegistry; the id is the bytes32 of the chain."""
    return mapping_slot(authorisation_id, mapping_slot(department_key(recorder), AUTHORISATION_REGISTRY_ACCUMULATORS))


def recorder_accumulator_slot(recorder: Uscc) -> Hash32:
    """Return the storage slot at AuthorisationRegistry of the accumulator over the recorder's authorisations."""
    return mapping_slot(department_key(recorder), AUTHORISATION_REGISTRY_RECORDER_ACCUMULATORS)


def slot_value(root: bytes, size: int, suite: int) -> Hash32:
    """Return what a batch slot holds.

    Args:
        root: RFC 9162 tree head, 32 bytes.
        size: number of leaves, 1..2^32-1.
        suite: cryptographic suite, 1..255.
    """
    if len(root) != 32:
        raise ValueError(f"slot_value: expected a root of 32 bytes, got {len(root)}")
    return Hash32(keccak256(root + _uint(suite, 32))[:28] + _uint(size, 4))


def slot_size(value: bytes) -> int:
    """Return the number of leaves that a batch slot's 32 bytes tell; 0 for an empty slot."""
    return int.from_bytes(value, "big") & _SIZE_MASK


def status_in_word(word: int, index: int) -> Status:
    """Return the status of leaf ``index`` (of the batch, from 0) in its status word."""
    return Status((word >> 2 * (index % LEAVES_PER_WORD)) & 3)


def _department(department: Uscc) -> bytes:
    name = department.encode("ascii")
    if len(name) != 18:
        raise ValueError(f"a department has 18 bytes on the chain, got {len(name)}")
    return name


def _uint(value: int, length_bytes: int) -> bytes:
    """Big-endian; a value that does not fit raises OverflowError."""
    return int(value).to_bytes(length_bytes, "big")


def _padded(key: bytes) -> bytes:
    return key.ljust(32, b"\x00")
