// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev One anchored batch in one storage slot; zero means "nothing anchored here".
///
///      bit 255                                   32 31             0
///      | top 224 bits of keccak256(root, suite)    | size (uint32)  |
type BatchSlot is bytes32;

using BatchSlotLib for BatchSlot global;

/// @title Packing of a batch slot
library BatchSlotLib {
    uint256 private constant SIZE_MASK = type(uint32).max;

    /// @param root RFC 9162 tree head of the batch
    /// @param leaves number of leaves, at least 1
    /// @param suite cryptographic suite of the tree (1 = SHA-256)
    function pack(bytes32 root, uint32 leaves, uint8 suite) internal pure returns (BatchSlot) {
        uint256 digest = uint256(keccak256(abi.encode(root, suite)));
        return BatchSlot.wrap(bytes32((digest & ~SIZE_MASK) | leaves));
    }

    /// @return number of leaves; 0 only for an empty slot
    function size(BatchSlot slot) internal pure returns (uint32) {
        return uint32(uint256(BatchSlot.unwrap(slot)));
    }

    function isEmpty(BatchSlot slot) internal pure returns (bool) {
        return BatchSlot.unwrap(slot) == bytes32(0);
    }

    function equals(BatchSlot slot, BatchSlot other) internal pure returns (bool) {
        return BatchSlot.unwrap(slot) == BatchSlot.unwrap(other);
    }
}
