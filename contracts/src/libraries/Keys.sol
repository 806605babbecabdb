// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Mapping keys: every entity's key begins with the 18 bytes of its owner, so nobody squats a number
/// @notice Packed big-endian from the left, zeros at the right; two keys of one kind are equal only if all parts are.
///
///         bytes  0                18     19         27
///         batch  | department     |stream| sequence  | zeros (5)   |
///         stream | department     |stream| zeros (13)              |
///
///         bytes  0                18          26      30
///         word   | department     | sequence  | word  | zeros (2)  |
///
///         bytes  0                18      22        24
///         entry  | owner          | serial | version | zeros (8)   |
///
///         bytes  0                18          26
///         grant  | provider       | number    | zeros (6)          |
///         correction | receiver   | number    | zeros (6)          |
///         request    | requester  | number    | zeros (6)          |
library Keys {
    /// @return key of a batch slot of RecordLedger
    function batch(bytes18 department, uint8 stream_, uint64 sequence) internal pure returns (bytes32) {
        return bytes32(department) | bytes32(uint256(stream_) << 104) | bytes32(uint256(sequence) << 40);
    }

    /// @return key of a stream's accumulator of RecordLedger
    function stream(bytes18 department, uint8 stream_) internal pure returns (bytes32) {
        return bytes32(department) | bytes32(uint256(stream_) << 104);
    }

    /// @return key of a status word of RecordLedger (stream records only)
    function word(bytes18 department, uint64 sequence, uint32 word_) internal pure returns (bytes32) {
        return bytes32(department) | bytes32(uint256(sequence) << 48) | bytes32(uint256(word_) << 16);
    }

    /// @return key of a catalogue entry; version 0 is the key of the serial itself (its accumulator)
    function entry(bytes18 owner, uint32 serial, uint16 version) internal pure returns (bytes32) {
        return bytes32(owner) | bytes32(uint256(serial) << 80) | bytes32(uint256(version) << 64);
    }

    /// @return key of a grant of SharingRegistry
    function grant(bytes18 provider, uint64 number) internal pure returns (bytes32) {
        return bytes32(provider) | bytes32(uint256(number) << 48);
    }

    /// @return key of a correction of CorrectionRegistry
    function correction(bytes18 receiver, uint64 number) internal pure returns (bytes32) {
        return grant(receiver, number);
    }

    /// @return key of a sharing request of SharingRegistry
    function request(bytes18 requester, uint64 number) internal pure returns (bytes32) {
        return grant(requester, number);
    }
}
