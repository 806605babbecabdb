// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDepartmentRegistry} from "./IDepartmentRegistry.sol";

/// @title Working-day calendar: which days count for the law's clocks
/// @notice Other contracts store when a clock starts and ask here when it ends, so a change of future days moves every
///         open clock. A term's start day is not counted (民法典 §201). What a term of working days counts is every
///         workday outside declared outages and outside the clock's own pauses (特别程序, 行政许可法 §45). A term of
///         calendar days counts every day outside outages and pauses, and when its last day is no workday it runs to
///         the next day that counts (民法典 §203).
///
///         Days are days of UTC+8, numbered from 1970-01-01 = 0: day = (time + 8 h) / 86,400. Years run from 2000 to
///         2100. Bit i of a year's set = its day i (0 = January 1st), word i / 256, bit i % 256.
///
///         A year that is not loaded stops only calls whose answer depends on one of its days; the revert names it.
///         All state can be rebuilt from the events, which are folded into one accumulator
///         (libraries/Accumulator.sol).
interface IWorkCalendar {
    /// @param workdays days on which authorities work; all zero while the year is not loaded
    /// @param outages days on which the system was declared out of service
    struct Year {
        uint256[2] workdays;
        uint256[2] outages;
    }

    /// @notice Days that one clock does not count, both ends included.
    /// @param toDay not before `fromDay`; may lie beyond the calendar
    struct Interval {
        uint32 fromDay;
        uint32 toDay;
    }

    event YearLoaded(uint16 indexed year, uint256[2] workdays);
    event DaysChanged(uint16 indexed year, uint256[2] workdays);
    /// @notice No clock counts the days `fromDay`..`toDay`.
    event OutageDeclared(uint32 fromDay, uint32 toDay);
    /// @notice The days `fromDay`..`toDay`, none of which had begun, are no outage any more.
    event OutageWithdrawn(uint32 fromDay, uint32 toDay);

    /// @notice Only the authority of the registry may call this.
    error WorkCalendarNotAuthority(address caller, address authority);
    /// @notice The answer depends on a day of `year`, which is not loaded.
    error WorkCalendarYearNotLoaded(uint16 year);
    /// @notice The year was loaded before; its future days can be changed.
    error WorkCalendarYearLoaded(uint16 year);
    /// @notice Years run from `first` to `last`.
    error WorkCalendarYearOutOfRange(uint16 year, uint16 first, uint16 last);
    /// @notice Days run from `first` to `last`.
    error WorkCalendarDayOutOfRange(uint256 day, uint32 first, uint32 last);
    /// @notice The year has no day `position` (from 0); it has `length` days.
    error WorkCalendarNoSuchDay(uint16 year, uint256 position, uint16 length);
    /// @notice No year has that few or that many workdays; a frozen day could never be corrected.
    error WorkCalendarWorkdaysImplausible(uint16 year, uint256 count, uint256 minimum, uint256 maximum);
    /// @notice Days up to `lastFrozen` cannot be changed any more.
    error WorkCalendarDayFrozen(uint32 day, uint32 lastFrozen);
    /// @notice The interval ends before it begins.
    error WorkCalendarIntervalReversed(uint32 fromDay, uint32 toDay);
    /// @notice One call covers at most `limit` days of outage.
    error WorkCalendarOutageTooLong(uint256 count, uint256 limit);
    /// @notice Terms have 1 to `limit` days.
    error WorkCalendarTermOutOfRange(uint16 count, uint16 limit);
    /// @notice A clock has at most `limit` pauses.
    error WorkCalendarTooManyPauses(uint256 count, uint256 limit);
    /// @notice `time` is before `start`.
    error WorkCalendarTimesReversed(uint40 start, uint40 time);

    /// @notice Load a year. Caller: authority. From now on its days up to today are frozen.
    /// @param workdays 200 to 300 of the year's days
    function loadYear(uint16 year, uint256[2] calldata workdays) external;
    /// @notice Replace the workdays of a loaded year. Caller: authority. Days up to today must stay as they are.
    function changeDays(uint16 year, uint256[2] calldata workdays) external;
    /// @notice Declare that the system is out of service, at most 31 days a call. Caller: authority. The earliest day is
    ///         ten days before today, because an outage may be one of the chain itself; years must be loaded. Clocks only
    ///         become longer by it; marks that were set before stay.
    function declareOutage(uint32 fromDay, uint32 toDay) external;
    /// @notice Take back what was declared for days after today, at most 31 days a call, in loaded years. Caller:
    ///         authority.
    function withdrawOutage(uint32 fromDay, uint32 toDay) external;

    /// @notice The registry whose authority keeps the calendar.
    function registry() external view returns (IDepartmentRegistry);
    /// @notice What is known about a year; all zero while it is not loaded.
    function calendarOf(uint16 year) external view returns (Year memory);
    /// @notice True when `day` is a workday, whether or not an outage was declared for it.
    function isWorkday(uint32 day) external view returns (bool);
    /// @notice True when terms of working days count `day`: a workday without an outage.
    function isCounted(uint32 day) external view returns (bool);
    /// @notice Day of UTC+8 in which `time` lies.
    function dayOf(uint40 time) external pure returns (uint32);
    /// @notice First second after `day`, UTC+8.
    function endOf(uint32 day) external pure returns (uint40);

    /// @notice Last day that is still in time.
    /// @param start time in the day before the first one that can count
    /// @param count 1..250 working days
    function addWorkingDays(uint40 start, uint16 count) external view returns (uint32 lastDay);
    /// @param pauses at most 16, in any order, overlapping or not
    function addWorkingDaysWithPauses(uint40 start, uint16 count, Interval[] calldata pauses)
        external
        view
        returns (uint32 lastDay);
    /// @notice Last day that is still in time of a term of calendar days.
    /// @param count 1..366 calendar days
    function addCalendarDays(uint40 start, uint16 count) external view returns (uint32 lastDay);
    function addCalendarDaysWithPauses(uint40 start, uint16 count, Interval[] calldata pauses)
        external
        view
        returns (uint32 lastDay);

    /// @notice Deadline of a term of working days: the first second after its last day. A call is in time if and only if
    ///         block.timestamp is smaller.
    function deadlineAfter(uint40 start, uint16 count) external view returns (uint40 deadline);
    function deadlineAfterWithPauses(uint40 start, uint16 count, Interval[] calldata pauses)
        external
        view
        returns (uint40 deadline);

    /// @notice Working days used: the days that count after the day of `start`, up to and with the day of `time`.
    function workingDaysBetween(uint40 start, uint40 time) external view returns (uint256);
    function workingDaysBetweenWithPauses(uint40 start, uint40 time, Interval[] calldata pauses)
        external
        view
        returns (uint256);

    /// @notice Accumulator over all events of the calendar.
    function accumulator() external view returns (bytes32);
}
