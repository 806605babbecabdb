// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWorkCalendar} from "../src/interfaces/IWorkCalendar.sol";

/// @title The calendar's rules day by day, with a date that is counted up from 2000-01-01: nothing of src/ takes part
/// @dev Every function gives (found, missing year); missing year 0 = none.
contract NaiveCalendar {
    uint256 public constant FIRST_DAY = 10_957;

    mapping(uint256 day => bool) public isWorkday;
    mapping(uint256 day => bool) public isOutage;
    mapping(uint256 year => bool) public isLoaded;

    // ---- dates -----------------------------------------------------------------------------------------------------

    function lengthOf(uint256 year) public pure returns (uint256) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        return leap ? 366 : 365;
    }

    function startOf(uint256 year) public pure returns (uint256 day) {
        day = FIRST_DAY;
        for (uint256 y = 2000; y < year; ++y) {
            day += lengthOf(y);
        }
    }

    function yearOf(uint256 day) public pure returns (uint256 year) {
        year = 2000;
        for (uint256 end = FIRST_DAY + 366; end <= day; end += lengthOf(year)) {
            ++year;
        }
    }

    // ---- state -----------------------------------------------------------------------------------------------------

    function load(uint256 year, uint256[2] calldata workdays) external {
        isLoaded[year] = true;
        uint256 start = startOf(year);
        for (uint256 i = 0; i < lengthOf(year); ++i) {
            isWorkday[start + i] = i < 256 ? (workdays[0] >> i) % 2 == 1 : (workdays[1] >> (i - 256)) % 2 == 1;
        }
    }

    function setOutage(uint256 from, uint256 to, bool declared) external {
        for (uint256 day = from; day <= to; ++day) {
            isOutage[day] = declared;
        }
    }

    // ---- terms -----------------------------------------------------------------------------------------------------

    function addWorkingDays(uint256 start, uint256 count, IWorkCalendar.Interval[] memory pauses)
        public
        view
        returns (uint256 day, uint256 missing)
    {
        day = start;
        while (count != 0) {
            ++day;
            missing = missingAt(day);
            if (missing != 0) return (0, missing);
            if (isWorkday[day] && counts(day, pauses)) --count;
        }
    }

    function addCalendarDays(uint256 start, uint256 count, IWorkCalendar.Interval[] memory pauses)
        external
        view
        returns (uint256 day, uint256 missing)
    {
        day = start;
        while (count != 0 || !isWorkday[day] || !counts(day, pauses)) {
            ++day;
            missing = missingAt(day);
            if (missing != 0) return (0, missing);
            if (count != 0 && counts(day, pauses)) --count;
        }
    }

    function workingDaysBetween(uint256 start, uint256 last, IWorkCalendar.Interval[] memory pauses)
        external
        view
        returns (uint256 used, uint256 missing)
    {
        for (uint256 day = start + 1; day <= last; ++day) {
            missing = missingAt(day);
            if (missing != 0) return (0, missing);
            if (isWorkday[day] && counts(day, pauses)) ++used;
        }
    }

    function counts(uint256 day, IWorkCalendar.Interval[] memory pauses) private view returns (bool) {
        if (isOutage[day]) return false;
        for (uint256 i = 0; i < pauses.length; ++i) {
            if (day >= pauses[i].fromDay && day <= pauses[i].toDay) return false;
        }
        return true;
    }

    function missingAt(uint256 day) private view returns (uint256) {
        uint256 year = yearOf(day);
        return isLoaded[year] ? 0 : year;
    }
}
