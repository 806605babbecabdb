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

    /// @dev One batch of stream records and the status its leaves shall rise to.
    struct Target {
        uint64 sequence;
        uint32 size;
        uint8 status;
        uint8 reason;
    }

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
    function setStatus(uint64 sequence, uint32[] calldata words, uint256[] calldata masks, uint8 status, uint8 reason)
        external
    {
        if (status == 0 || status > ERASED) revert RecordLedgerStatusOutOfRange(status, ERASED);
        if (words.length == 0) revert RecordLedgerNothingToDo();
        if (words.length > MAX_WORDS) revert RecordLedgerTooManyWords(words.length, MAX_WORDS);
        if (words.length != masks.length) revert RecordLedgerWordsAndMasksDiffer(words.length, masks.length);
        (bytes18 department,) = registry.requireRole(msg.sender, Roles.ANCHOR);
        _setStatus(department, Target(sequence, _recordsSize(department, sequence), status, reason), words, masks);
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
            uint64 sequence = marks[i].sequence;
            Target memory target = Target(sequence, _recordsSize(department, sequence), SUPERSEDED, 0);
            acc = _raise(acc, department, target, marks[i].word, marks[i].mask);
        }
        _accumulators[key] = acc;
    }

    function _setStatus(bytes18 department, Target memory target, uint32[] calldata words, uint256[] calldata masks)
        private
    {
        bytes32 key = Keys.stream(department, RECORDS);
        bytes32 acc = _accumulators[key];
        for (uint256 i = 0; i < words.length; ++i) {
            acc = _raise(acc, department, target, words[i], masks[i]);
        }
        _accumulators[key] = acc;
    }

    /// @param acc accumulator of the department's stream records; written back by the caller, once a call
    /// @return accumulator after the word's event, unchanged if nothing rose
    function _raise(bytes32 acc, bytes18 department, Target memory target, uint32 word, uint256 mask)
        private
        returns (bytes32)
    {
        _requireSelection(target, word, mask);
        bytes32 key = Keys.word(department, target.sequence, word);
        (uint256 next, uint256 changed, uint256 lowered) = StatusWords.raise(_statusWords[key], mask, target.status);
        if (lowered != 0) revert RecordLedgerStatusLowered(target.sequence, word, lowered, target.status);
        if (changed == 0) return acc;
        _statusWords[key] = next;
        emit StatusSet(department, target.sequence, word, changed, target.status, target.reason);
        bytes memory body = abi.encode(department, target.sequence, word, changed, target.status, target.reason);
        return Accumulator.fold(acc, StatusSet.selector, body);
    }

    function _recordsSize(bytes18 department, uint64 sequence) private view returns (uint32) {
        BatchSlot stored = _slots[Keys.batch(department, RECORDS, sequence)];
        if (stored.isEmpty()) revert RecordLedgerNotAnchored(department, sequence);
        return stored.size();
    }

    function _requireSelection(Target memory target, uint32 word, uint256 mask) private pure {
        uint256 first = uint256(word) * StatusWords.LEAVES;
        if (first >= target.size) revert RecordLedgerIndexOutOfRange(target.sequence, first, target.size);
        if (!StatusWords.isSelection(mask, target.size - first)) {
            revert RecordLedgerMaskOutOfRange(target.sequence, word, mask, target.size);
        }
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
