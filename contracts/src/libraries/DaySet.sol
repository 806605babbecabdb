// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bits} from "./Bits.sol";
import {Masks} from "./Masks.sol";

/// @title Sets of days of one year: 512 bits in two words, bit i % 256 of word i / 256 = day i of the year
library DaySet {
    uint256 private constant WORD = 256;

    /// @return set of the days below `end`, 0..512
    function below(uint256 end) internal pure returns (uint256[2] memory set) {
        set[0] = Masks.first(end);
        set[1] = end > WORD ? Masks.first(end - WORD) : 0;
    }

    /// @notice Remove the days from..end - 1.
    function remove(uint256[2] memory set, uint256 from, uint256 end) internal pure {
        uint256[2] memory kept = below(from);
        uint256[2] memory reached = below(end);
        for (uint256 i = 0; i < 2; ++i) {
            set[i] &= ~reached[i] | kept[i];
        }
    }

    /// @notice True when day `index` is in the set.
    function has(uint256[2] storage set, uint256 index) internal view returns (bool) {
        return (set[index / WORD] >> (index % WORD)) & 1 == 1;
    }

    /// @return number of days in the set
    function count(uint256[2] memory set) internal pure returns (uint256) {
        return Bits.count(set[0]) + Bits.count(set[1]);
    }

    /// @param nth from 1; at most count(set)
    /// @return the set's nth day, from the earliest
    function position(uint256[2] memory set, uint256 nth) internal pure returns (uint256) {
        uint256 low = Bits.count(set[0]);
        return nth <= low ? Bits.position(set[0], nth) : WORD + Bits.position(set[1], nth - low);
    }
}
