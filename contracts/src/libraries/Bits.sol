// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Counting bits of a word
library Bits {
    uint256 private constant M1 = 0x5555555555555555555555555555555555555555555555555555555555555555;
    uint256 private constant M2 = 0x3333333333333333333333333333333333333333333333333333333333333333;
    uint256 private constant M4 = 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
    uint256 private constant M8 = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant SUM16 = 0x0001000100010001000100010001000100010001000100010001000100010001;

    /// @return number of bits that are set, 0..256
    function count(uint256 word) internal pure returns (uint256) {
        unchecked {
            word = word - ((word >> 1) & M1); // pairs
            word = (word & M2) + ((word >> 2) & M2); // nibbles
            word = (word + (word >> 4)) & M4; // bytes, 0..8
            word = (word & M8) + ((word >> 8) & M8); // 16 bits, 0..16
            return (word * SUM16) >> 240; // the top 16 bits sum all sixteen
        }
    }

    /// @param nth from 1; at most count(word)
    /// @return found position of the nth bit that is set, from the lowest, 0..255
    function position(uint256 word, uint256 nth) internal pure returns (uint256 found) {
        for (uint256 width = 128; width != 0; width >>= 1) {
            uint256 low = count((word >> found) & ((1 << width) - 1));
            if (nth > low) {
                nth -= low;
                found += width;
            }
        }
    }
}
