// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Days of UTC+8 and the years 2000 to 2100 they belong to
/// @notice Day 0 = 1970-01-01. Every fourth year from 2000 is a leap year up to 2096; 2100 is none.
library Days {
    uint16 internal constant FIRST_YEAR = 2000;
    uint16 internal constant LAST_YEAR = 2100;
    /// @dev 2000-01-01
    uint32 internal constant FIRST_DAY = 10_957;
    /// @dev 2100-12-31
    uint32 internal constant LAST_DAY = 47_846;

    uint256 private constant OFFSET = 8 hours;
    /// @dev days of four years, the first of which is a leap year
    uint256 private constant CYCLE = 1461;

    /// @return day in which `time` (epoch seconds) lies
    function ofTime(uint40 time) internal pure returns (uint32) {
        return uint32((uint256(time) + OFFSET) / 1 days);
    }

    /// @param day 0 to LAST_DAY
    /// @return first second after the day, epoch seconds
    function endOf(uint32 day) internal pure returns (uint40) {
        return uint40((uint256(day) + 1) * 1 days - OFFSET);
    }

    /// @param year FIRST_YEAR to LAST_YEAR
    /// @return its January 1st
    function startOf(uint16 year) internal pure returns (uint32) {
        uint256 index = year - FIRST_YEAR;
        return uint32(FIRST_DAY + 365 * index + (index + 3) / 4);
    }

    /// @param year FIRST_YEAR to LAST_YEAR
    function lengthOf(uint16 year) internal pure returns (uint16) {
        return year % 4 == 0 && year != LAST_YEAR ? 366 : 365;
    }

    /// @param day FIRST_DAY to LAST_DAY
    function yearOf(uint32 day) internal pure returns (uint16) {
        uint256 index = day - FIRST_DAY;
        uint256 rest = index % CYCLE;
        uint256 inCycle = rest < 366 ? 0 : (rest - 1) / 365;
        return uint16(FIRST_YEAR + 4 * (index / CYCLE) + inCycle);
    }
}
