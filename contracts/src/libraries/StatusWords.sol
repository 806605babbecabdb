// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Status words: 128 leaves a word, two bits a leaf, monotone
/// @notice Leaf i of a word has bits 2i..2i+1: 0 current, 1 superseded, 2 revoked, 3 erased.
///         A mask selects leaves by their even bits (bit 2i = leaf i); odd bits are never set.
library StatusWords {
    uint256 internal constant EVEN = 0x5555555555555555555555555555555555555555555555555555555555555555;
    uint256 internal constant LEAVES = 128;

    /// @notice Raise the selected leaves to `status`.
    /// @param current the word as stored
    /// @param mask selected leaves, even bits only
    /// @param status 1..3
    /// @return next the word afterwards; meaningful only when `lowered` is 0
    /// @return changed leaves of `mask` that had a smaller status
    /// @return lowered leaves of `mask` that already have a greater status
    function raise(uint256 current, uint256 mask, uint8 status)
        internal
        pure
        returns (uint256 next, uint256 changed, uint256 lowered)
    {
        uint256 low = current & EVEN;
        uint256 high = (current >> 1) & EVEN;
        // status 1 is below {2, 3} = high bit set; 2 is below 3 = both set; nothing is above 3
        lowered = status == 1 ? mask & high : status == 2 ? mask & high & low : 0;
        uint256 equal = status == 1 ? low & ~high : status == 2 ? high & ~low : high & low;
        changed = mask & ~equal;
        next = (current & ~(mask * 3)) | (mask * status);
    }

    /// @param leaf position inside the word, 0..127
    function get(uint256 word, uint256 leaf) internal pure returns (uint8) {
        return uint8((word >> (2 * leaf)) & 3);
    }

    /// @notice True when `mask` selects at least one leaf, by even bits only, all of them below `leaves`.
    /// @param leaves how many leaves of the word exist (more than 128 = all)
    function isSelection(uint256 mask, uint256 leaves) internal pure returns (bool) {
        return mask != 0 && mask & ~EVEN == 0 && (leaves >= LEAVES || mask >> (2 * leaves) == 0);
    }
}
