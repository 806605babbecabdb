// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Bit masks over the fields or views of a schema: bit i = field or view i
library Masks {
    /// @param count 0..256
    /// @return mask of the first `count` bits
    function first(uint256 count) internal pure returns (uint256) {
        return count >= 256 ? type(uint256).max : (1 << count) - 1;
    }

    /// @notice True when every bit of `mask` is in `allowed`.
    function isWithin(uint256 mask, uint256 allowed) internal pure returns (bool) {
        return mask & ~allowed == 0;
    }
}
