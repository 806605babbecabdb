// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDepartmentRegistry} from "./interfaces/IDepartmentRegistry.sol";
import {IRecordLedger} from "./interfaces/IRecordLedger.sol";
import {Accumulator} from "./libraries/Accumulator.sol";
import {BatchSlot, BatchSlotLib} from "./libraries/BatchSlot.sol";
import {Keys} from "./libraries/Keys.sol";
import {Roles} from "./libraries/Roles.sol";
import {StatusWords} from "./libraries/StatusWords.sol";

/// @title Batch slots and status words
/// @dev The three mappings are part of the protocol (docs/protocol.md, src/xinlian/protocol/slots.py): storage proofs
///      address them. Their positions 0, 1, 2 never change.
contract RecordLedger is IRecordLedger {
    uint8 private constant RECORDS = 1;
    uint8 private constant READS = 2;
    uint8 private constant STREAMS = 3;
    uint8 private constant SUPERSEDED = 1;
    uint8 private constant ERASED = 3;
    uint256 private constant MAX_BATCHES = 16;
    uint256 private constant MAX_MARKS = 256;
    uint256 private constant MAX_WORDS = 512;

    IDepartmentRegistry public immutable registry;

    /// @dev slot 0: Keys.batch -> root digest and size (see BatchSlot)
    mapping(bytes32 key => BatchSlot) private _slots;
    /// @dev slot 1: Keys.word -> 128 statuses of two bits (see StatusWords)
    mapping(bytes32 key => uint256) private _statusWords;
    /// @dev slot 2: Keys.stream -> accumulator
    mapping(bytes32 key => bytes32) private _accumulators;

    constructor(IDepartmentRegistry registry_) {
        registry = registry_;
    }

    /// @inheritdoc IRecordLedger
    function anchor(Batch[] calldata batches, Mark[] calldata marks, bytes32 stateRoot) external {
        if (batches.length == 0 && marks.length == 0) revert RecordLedgerNothingToDo();
        if (batches.length > MAX_BATCHES) revert RecordLedgerTooManyBatches(batches.length, MAX_BATCHES);
        if (marks.length > MAX_MARKS) revert RecordLedgerTooManyWords(marks.length, MAX_MARKS);
        (bytes18 department, bool active) = registry.requireRole(msg.sender, Roles.ANCHOR);
        for (uint256 i = 0; i < batches.length; ++i) {
            Batch calldata batch = batches[i];
            if (!active && batch.stream != READS) {
                revert RecordLedgerDepartmentSuspended(department, batch.stream);
            }
            _anchor(department, batch, stateRoot);
        }
        if (marks.length != 0) _mark(department, marks);
    }

    /// @inheritdoc IRecordLedger
    function setStatus(
        uint64 sequence,
        uint32[] calldata words,
        uint256[] calldata masks,
        uint8 status,
        uint8 reason
    ) external {
        if (status == 0 || status > ERASED) revert RecordLedgerStatusOutOfRange(status, ERASED);
        if (words.length == 0) revert RecordLedgerNothingToDo();
        if (words.length > MAX_WORDS) revert RecordLedgerTooManyWords(words.length, MAX_WORDS);
        if (words.length != masks.length) revert RecordLedgerWordsAndMasksDiffer(words.length, masks.length);
        (bytes18 department,) = registry.requireRole(msg.sender, Roles.ANCHOR);

        uint32 size = _recordsSize(department, sequence);
        bytes32 key = Keys.stream(department, RECORDS);
        bytes32 acc = _accumulators[key];
        for (uint256 i = 0; i < words.length; ++i) {
            acc = _raise(acc, department, Mark(sequence, words[i], masks[i]), size, status, reason);
        }
        _accumulators[key] = acc;
    }

    /// @inheritdoc IRecordLedger
    function isAnchored(bytes18 department, uint8 stream, uint64 sequence, bytes32 root, uint32 size, uint8 suite)
        external
        view
        returns (bool)
    {
        BatchSlot stored = _slots[Keys.batch(department, stream, sequence)];
        return !stored.isEmpty() && stored.equals(BatchSlotLib.pack(root, size, suite));
    }

    /// @inheritdoc IRecordLedger
    function statusOf(bytes18 department, uint64 sequence, uint32 index)
        external
        view
        returns (bool anchored, uint8 status)
    {
        BatchSlot stored = _slots[Keys.batch(department, RECORDS, sequence)];
        if (stored.isEmpty()) return (false, 0);
        if (index >= stored.size()) revert RecordLedgerIndexOutOfRange(sequence, index, stored.size());
        uint32 word = index / uint32(StatusWords.LEAVES);
        uint256 bits = _statusWords[Keys.word(department, sequence, word)];
        return (true, StatusWords.get(bits, index % StatusWords.LEAVES));
    }

    /// @inheritdoc IRecordLedger
    function slotOf(bytes18 department, uint8 stream, uint64 sequence) external view returns (bytes32) {
        return BatchSlot.unwrap(_slots[Keys.batch(department, stream, sequence)]);
    }

    /// @inheritdoc IRecordLedger
    function accumulatorOf(bytes18 department, uint8 stream) external view returns (bytes32) {
        return _accumulators[Keys.stream(department, stream)];
    }

    /// @dev Exactly once and without a gap: the slot must be empty, the one before it filled.
    function _anchor(bytes18 department, Batch calldata batch, bytes32 stateRoot) private {
        _requireWellFormed(batch);
        (uint8 stream, uint64 sequence) = (batch.stream, batch.sequence);
        bytes32 key = Keys.batch(department, stream, sequence);
        BatchSlot offered = BatchSlotLib.pack(batch.root, batch.size, batch.suite);
        BatchSlot stored = _slots[key];
        if (!stored.isEmpty()) {
            if (stored.equals(offered)) revert RecordLedgerAlreadyAnchored(stream, sequence);
            revert RecordLedgerSlotTaken(stream, sequence, offered, stored);
        }
        if (sequence != 1 && _slots[Keys.batch(department, stream, sequence - 1)].isEmpty()) {
            revert RecordLedgerSequenceGap(stream, sequence, sequence - 1);
        }
        _slots[key] = offered;
        bytes32 accKey = Keys.stream(department, stream);
        _accumulators[accKey] = Accumulator.fold(
            _accumulators[accKey],
            BatchAnchored.selector,
            abi.encode(department, stream, sequence, batch.root, batch.size, batch.suite, stateRoot)
        );
        emit BatchAnchored(department, stream, sequence, batch.root, batch.size, batch.suite, stateRoot);
    }

    function _mark(bytes18 department, Mark[] calldata marks) private {
        bytes32 key = Keys.stream(department, RECORDS);
        bytes32 acc = _accumulators[key];
        for (uint256 i = 0; i < marks.length; ++i) {
            uint32 size = _recordsSize(department, marks[i].sequence);
            acc = _raise(acc, department, marks[i], size, SUPERSEDED, 0);
        }
        _accumulators[key] = acc;
    }

    /// @param acc accumulator of the department's stream records; written back by the caller, once a call
    /// @param size of the batch that `mark` names
    /// @return accumulator after the word's event, unchanged if nothing rose
    function _raise(bytes32 acc, bytes18 department, Mark memory mark, uint32 size, uint8 status, uint8 reason)
        private
        returns (bytes32)
    {
        (uint64 sequence, uint32 word) = (mark.sequence, mark.word);
        uint256 first = uint256(word) * StatusWords.LEAVES;
        if (first >= size) revert RecordLedgerIndexOutOfRange(sequence, first, size);
        if (!StatusWords.isSelection(mark.mask, size - first)) {
            revert RecordLedgerMaskOutOfRange(sequence, word, mark.mask, size);
        }
        bytes32 key = Keys.word(department, sequence, word);
        (uint256 next, uint256 changed, uint256 lowered) = StatusWords.raise(_statusWords[key], mark.mask, status);
        if (lowered != 0) revert RecordLedgerStatusLowered(sequence, word, lowered, status);
        if (changed == 0) return acc;
        _statusWords[key] = next;
        emit StatusSet(department, sequence, word, changed, status, reason);
        return Accumulator.fold(
            acc, StatusSet.selector, abi.encode(department, sequence, word, changed, status, reason)
        );
    }

    function _recordsSize(bytes18 department, uint64 sequence) private view returns (uint32) {
        BatchSlot stored = _slots[Keys.batch(department, RECORDS, sequence)];
        if (stored.isEmpty()) revert RecordLedgerNotAnchored(department, sequence);
        return stored.size();
    }

    function _requireWellFormed(Batch calldata batch) private pure {
        (uint8 stream, uint64 sequence) = (batch.stream, batch.sequence);
        if (stream == 0 || stream > STREAMS) revert RecordLedgerStreamOutOfRange(stream, STREAMS);
        if (sequence == 0) revert RecordLedgerSequenceZero(stream);
        if (batch.root == 0) revert RecordLedgerRootZero(stream, sequence);
        if (batch.size == 0) revert RecordLedgerSizeZero(stream, sequence);
        if (batch.suite == 0) revert RecordLedgerSuiteZero(stream, sequence);
    }
}
