// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchSlot} from "../libraries/BatchSlot.sol";

/// @title Batch slots and status words
/// @notice A department anchors its leaves in batches, three streams of them: 1 records, 2 reads, 3 answers. In each
///         stream the sequences run from 1 without a gap, and a slot is written once: nothing is lost, doubled or
///         replaced. Leaves of stream records carry a status that only rises: 0 current, 1 superseded, 2 revoked,
///         3 erased. The contract does not see the leaves, only the tree's root and size.
interface IRecordLedger {
    /// @param stream 1..3
    /// @param sequence the stream's next one
    /// @param root RFC 9162 tree head (SHA-256 for suite 1), not zero
    /// @param size number of leaves, at least 1
    /// @param suite cryptographic suite of the tree, not 0
    struct Batch {
        uint8 stream;
        uint64 sequence;
        bytes32 root;
        uint32 size;
        uint8 suite;
    }

    /// @param sequence batch of stream records
    /// @param word 128 leaves a word; leaf index = 128 * word + i
    /// @param mask bit 2*i set for leaf 128*word + i (only even bits may be set)
    struct Mark {
        uint64 sequence;
        uint32 word;
        uint256 mask;
    }

    /// @param stateRoot root of the department's state map, 0 until that exists; not stored
    event BatchAnchored(
        bytes18 indexed department,
        uint8 indexed stream,
        uint64 indexed sequence,
        bytes32 root,
        uint32 size,
        uint8 suite,
        bytes32 stateRoot
    );
    /// @param mask the leaves whose status rose to `status` by this call, a subset of the mask that was asked for
    /// @param reason code given by the department; 0 for marks that travel with `anchor`
    event StatusSet(
        bytes18 indexed department,
        uint64 indexed sequence,
        uint32 indexed word,
        uint256 mask,
        uint8 status,
        uint8 reason
    );

    /// @notice A suspended department anchors only reads.
    error RecordLedgerDepartmentSuspended(bytes18 department, uint8 stream);
    /// @notice Neither a batch nor a mark was given.
    error RecordLedgerNothingToDo();
    /// @notice At most `limit` batches a call.
    error RecordLedgerTooManyBatches(uint256 count, uint256 limit);
    /// @notice At most `limit` words a call.
    error RecordLedgerTooManyWords(uint256 count, uint256 limit);
    /// @notice There must be as many masks as words.
    error RecordLedgerWordsAndMasksDiffer(uint256 words, uint256 masks);
    /// @notice Streams run from 1 to `limit`.
    error RecordLedgerStreamOutOfRange(uint8 stream, uint8 limit);
    /// @notice A root is not zero.
    error RecordLedgerRootZero(uint8 stream, uint64 sequence);
    /// @notice A batch has at least one leaf.
    error RecordLedgerSizeZero(uint8 stream, uint64 sequence);
    /// @notice A suite is not zero.
    error RecordLedgerSuiteZero(uint8 stream, uint64 sequence);
    /// @notice Sequences run from 1.
    error RecordLedgerSequenceZero(uint8 stream);
    /// @notice The batch before, `missing`, is not anchored.
    error RecordLedgerSequenceGap(uint8 stream, uint64 sequence, uint64 missing);
    /// @notice Exactly this batch is anchored already.
    error RecordLedgerAlreadyAnchored(uint8 stream, uint64 sequence);
    /// @notice Another batch is anchored there.
    error RecordLedgerSlotTaken(uint8 stream, uint64 sequence, BatchSlot offered, BatchSlot stored);
    /// @notice No such batch of stream records.
    error RecordLedgerNotAnchored(bytes18 department, uint64 sequence);
    /// @notice The batch has only `size` leaves.
    error RecordLedgerIndexOutOfRange(uint64 sequence, uint256 index, uint32 size);
    /// @notice A mask selects at least one leaf, by even bits, all of them inside the batch of `size` leaves.
    error RecordLedgerMaskOutOfRange(uint64 sequence, uint32 word, uint256 mask, uint32 size);
    /// @notice Status to set runs from 1 to `limit`.
    error RecordLedgerStatusOutOfRange(uint8 status, uint8 limit);
    /// @notice Status never falls; the leaves `lowered` of this word have a greater one than `status`.
    error RecordLedgerStatusLowered(uint64 sequence, uint32 word, uint256 lowered, uint8 status);

    /// @notice Anchor batches of the caller's department; then set status 1 (superseded) for `marks`.
    ///         Caller: ANCHOR; while suspended only batches of stream reads.
    /// @param batches 0..16, any streams, in order
    /// @param marks 0..256 words of stream records, batches of this same call included; at least one batch or mark
    /// @param stateRoot passed on to the events
    function anchor(Batch[] calldata batches, Mark[] calldata marks, bytes32 stateRoot) external;

    /// @notice Raise the status of leaves of one batch of stream records. Leaves that have it already stay as they are
    ///         and do not appear in the event; a word without a change has no event. Caller: ANCHOR, also while
    ///         suspended.
    /// @param words 1..512
    /// @param masks one a word
    /// @param status 1 superseded, 2 revoked, 3 erased
    /// @param reason code kept in the event
    function setStatus(uint64 sequence, uint32[] calldata words, uint256[] calldata masks, uint8 status, uint8 reason)
        external;

    /// @notice True when exactly this batch is anchored.
    function isAnchored(bytes18 department, uint8 stream, uint64 sequence, bytes32 root, uint32 size, uint8 suite)
        external
        view
        returns (bool);
    /// @notice Status of a leaf of stream records.
    /// @return anchored false when there is no such batch, then status is 0
    /// @return status 0..3; reverts with RecordLedgerIndexOutOfRange when index >= size
    function statusOf(bytes18 department, uint64 sequence, uint32 index)
        external
        view
        returns (bool anchored, uint8 status);
    /// @notice The batch slot as stored: top 224 bits of keccak256(abi.encode(root, suite)), then the size; 0 = empty.
    function slotOf(bytes18 department, uint8 stream, uint64 sequence) external view returns (bytes32);
    /// @notice Accumulator over all events of one stream; StatusSet belongs to stream records.
    function accumulatorOf(bytes18 department, uint8 stream) external view returns (bytes32);
}
