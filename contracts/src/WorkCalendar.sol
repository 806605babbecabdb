// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDepartmentRegistry} from "./interfaces/IDepartmentRegistry.sol";
import {IWorkCalendar} from "./interfaces/IWorkCalendar.sol";
import {Accumulator} from "./libraries/Accumulator.sol";
import {DaySet} from "./libraries/DaySet.sol";
import {Days} from "./libraries/Days.sol";

/// @title Working-day calendar
/// @dev A question walks from year to year, never from day to day; within a year bits are counted by word.
contract WorkCalendar is IWorkCalendar {
    uint16 private constant MAX_WORKING_DAYS = 250;
    uint16 private constant MAX_CALENDAR_DAYS = 366;
    uint256 private constant MAX_PAUSES = 16;
    uint256 private constant MIN_WORKDAYS = 200;
    uint256 private constant MAX_WORKDAYS = 300;
    uint256 private constant MAX_OUTAGE_DAYS = 31;
    uint32 private constant OUTAGE_LOOKBACK_DAYS = 10;

    IDepartmentRegistry public immutable registry;

    /// @dev slot 0: year -> its sets of days, four slots:
    ///      | workdays of days 0..255    |
    ///      | workdays of days 256..365  |
    ///      | outages of days 0..255     |
    ///      | outages of days 256..365   |
    mapping(uint16 year => Year) private _years;
    /// @inheritdoc IWorkCalendar
    bytes32 public accumulator;

    modifier onlyAuthority() {
        address authority = registry.authority();
        if (msg.sender != authority) revert WorkCalendarNotAuthority(msg.sender, authority);
        _;
    }

    /// @dev Called by the registry's own constructor, so it asks the registry nothing yet.
    constructor(IDepartmentRegistry registry_) {
        registry = registry_;
    }

    // ---- authority -------------------------------------------------------------------------------------------------

    /// @inheritdoc IWorkCalendar
    function loadYear(uint16 year, uint256[2] calldata workdays) external onlyAuthority {
        if (year < Days.FIRST_YEAR || year > Days.LAST_YEAR) {
            revert WorkCalendarYearOutOfRange(year, Days.FIRST_YEAR, Days.LAST_YEAR);
        }
        if (_isLoaded(year)) revert WorkCalendarYearLoaded(year);
        _requirePlausible(year, workdays);
        _years[year].workdays = workdays;
        _fold(YearLoaded.selector, abi.encode(year, workdays));
        emit YearLoaded(year, workdays);
    }

    /// @inheritdoc IWorkCalendar
    function changeDays(uint16 year, uint256[2] calldata workdays) external onlyAuthority {
        if (!_isLoaded(year)) revert WorkCalendarYearNotLoaded(year);
        _requirePlausible(year, workdays);
        _requireFrozenUnchanged(year, workdays);
        _years[year].workdays = workdays;
        _fold(DaysChanged.selector, abi.encode(year, workdays));
        emit DaysChanged(year, workdays);
    }

    /// @inheritdoc IWorkCalendar
    function declareOutage(uint32 fromDay, uint32 toDay) external onlyAuthority {
        _requireChangeable(fromDay, toDay, _today() - OUTAGE_LOOKBACK_DAYS - 1);
        _setOutage(fromDay, toDay, true);
        _fold(OutageDeclared.selector, abi.encode(fromDay, toDay));
        emit OutageDeclared(fromDay, toDay);
    }

    /// @inheritdoc IWorkCalendar
    function withdrawOutage(uint32 fromDay, uint32 toDay) external onlyAuthority {
        _requireChangeable(fromDay, toDay, _today());
        _setOutage(fromDay, toDay, false);
        _fold(OutageWithdrawn.selector, abi.encode(fromDay, toDay));
        emit OutageWithdrawn(fromDay, toDay);
    }

    // ---- days ------------------------------------------------------------------------------------------------------

    /// @inheritdoc IWorkCalendar
    function calendarOf(uint16 year) external view returns (Year memory) {
        return _years[year];
    }

    /// @inheritdoc IWorkCalendar
    function isWorkday(uint32 day) public view returns (bool) {
        (uint16 year, uint256 index) = _place(day);
        if (!_isLoaded(year)) revert WorkCalendarYearNotLoaded(year);
        return DaySet.has(_years[year].workdays, index);
    }

    /// @inheritdoc IWorkCalendar
    function isCounted(uint32 day) external view returns (bool) {
        (uint16 year, uint256 index) = _place(day);
        return isWorkday(day) && !DaySet.has(_years[year].outages, index);
    }

    /// @inheritdoc IWorkCalendar
    function dayOf(uint40 time) external pure returns (uint32) {
        return Days.ofTime(time);
    }

    /// @inheritdoc IWorkCalendar
    function endOf(uint32 day) external pure returns (uint40) {
        if (day > Days.LAST_DAY) revert WorkCalendarDayOutOfRange(day, 0, Days.LAST_DAY);
        return Days.endOf(day);
    }

    // ---- terms -----------------------------------------------------------------------------------------------------

    /// @inheritdoc IWorkCalendar
    function addWorkingDays(uint40 start, uint16 count) external view returns (uint32) {
        return _addWorkingDays(start, count, new Interval[](0));
    }

    /// @inheritdoc IWorkCalendar
    function addWorkingDaysWithPauses(uint40 start, uint16 count, Interval[] calldata pauses)
        external
        view
        returns (uint32)
    {
        return _addWorkingDays(start, count, pauses);
    }

    /// @inheritdoc IWorkCalendar
    function addCalendarDays(uint40 start, uint16 count) external view returns (uint32) {
        return _addCalendarDays(start, count, new Interval[](0));
    }

    /// @inheritdoc IWorkCalendar
    function addCalendarDaysWithPauses(uint40 start, uint16 count, Interval[] calldata pauses)
        external
        view
        returns (uint32)
    {
        return _addCalendarDays(start, count, pauses);
    }

    /// @inheritdoc IWorkCalendar
    function deadlineAfter(uint40 start, uint16 count) external view returns (uint40) {
        return Days.endOf(_addWorkingDays(start, count, new Interval[](0)));
    }

    /// @inheritdoc IWorkCalendar
    function deadlineAfterWithPauses(uint40 start, uint16 count, Interval[] calldata pauses)
        external
        view
        returns (uint40)
    {
        return Days.endOf(_addWorkingDays(start, count, pauses));
    }

    /// @inheritdoc IWorkCalendar
    function workingDaysBetween(uint40 start, uint40 time) external view returns (uint256) {
        return _workingDaysBetween(start, time, new Interval[](0));
    }

    /// @inheritdoc IWorkCalendar
    function workingDaysBetweenWithPauses(uint40 start, uint40 time, Interval[] calldata pauses)
        external
        view
        returns (uint256)
    {
        return _workingDaysBetween(start, time, pauses);
    }

    // ---- inside: counting ------------------------------------------------------------------------------------------

    function _addWorkingDays(uint40 start, uint16 count, Interval[] memory pauses) private view returns (uint32) {
        if (count == 0 || count > MAX_WORKING_DAYS) revert WorkCalendarTermOutOfRange(count, MAX_WORKING_DAYS);
        _requirePauses(pauses);
        return _nth(uint256(Days.ofTime(start)) + 1, count, false, pauses);
    }

    function _addCalendarDays(uint40 start, uint16 count, Interval[] memory pauses) private view returns (uint32) {
        if (count == 0 || count > MAX_CALENDAR_DAYS) revert WorkCalendarTermOutOfRange(count, MAX_CALENDAR_DAYS);
        _requirePauses(pauses);
        uint32 lastDay = _nth(uint256(Days.ofTime(start)) + 1, count, true, pauses);
        return _nth(lastDay, 1, false, pauses);
    }

    function _workingDaysBetween(uint40 start, uint40 time, Interval[] memory pauses)
        private
        view
        returns (uint256 used)
    {
        if (time < start) revert WorkCalendarTimesReversed(start, time);
        _requirePauses(pauses);
        (uint256 first, uint256 last) = (uint256(Days.ofTime(start)) + 1, Days.ofTime(time));
        if (first > last) return 0;
        (uint16 year, uint256 index) = _place(first);
        (uint16 lastYear, uint256 lastIndex) = _place(last);
        for (; year <= lastYear; ++year) {
            uint256[2] memory set = _counted(year, false, pauses);
            DaySet.remove(set, 0, index);
            if (year == lastYear) DaySet.remove(set, lastIndex + 1, 512);
            used += DaySet.count(set);
            index = 0;
        }
    }

    /// @return the nth day that counts, of `first` and the days after it
    function _nth(uint256 first, uint256 nth, bool anyDay, Interval[] memory pauses) private view returns (uint32) {
        (uint16 year, uint256 index) = _place(first);
        uint256[2] memory set = _counted(year, anyDay, pauses);
        DaySet.remove(set, 0, index);
        uint256 found = DaySet.count(set);
        while (nth > found) {
            nth -= found;
            set = _counted(++year, anyDay, pauses);
            found = DaySet.count(set);
        }
        return Days.startOf(year) + uint32(DaySet.position(set, nth));
    }

    /// @notice The days of a year that count. Reverts unless it is loaded, and so for 2101.
    /// @param anyDay true for terms of calendar days
    function _counted(uint16 year, bool anyDay, Interval[] memory pauses) private view returns (uint256[2] memory set) {
        if (!_isLoaded(year)) revert WorkCalendarYearNotLoaded(year);
        uint256 length = Days.lengthOf(year);
        set = anyDay ? DaySet.below(length) : _years[year].workdays;
        for (uint256 i = 0; i < 2; ++i) {
            set[i] &= ~_years[year].outages[i];
        }
        uint256 start = Days.startOf(year);
        for (uint256 i = 0; i < pauses.length; ++i) {
            (uint256 from, uint256 end) = (pauses[i].fromDay, uint256(pauses[i].toDay) + 1);
            if (end <= start || from >= start + length) continue;
            DaySet.remove(set, from > start ? from - start : 0, end < start + length ? end - start : length);
        }
    }

    /// @return year of a day, and the day's index in it
    function _place(uint256 day) private pure returns (uint16 year, uint256 index) {
        if (day < Days.FIRST_DAY || day > Days.LAST_DAY) {
            revert WorkCalendarDayOutOfRange(day, Days.FIRST_DAY, Days.LAST_DAY);
        }
        year = Days.yearOf(uint32(day));
        index = day - Days.startOf(year);
    }

    // ---- inside: state ---------------------------------------------------------------------------------------------

    function _setOutage(uint32 fromDay, uint32 toDay, bool declared) private {
        for (uint256 day = fromDay; day <= toDay; ++day) {
            (uint16 year, uint256 index) = _place(day);
            if (!_isLoaded(year)) revert WorkCalendarYearNotLoaded(year);
            (uint256 word, uint256 bit) = (index / 256, 1 << (index % 256));
            if (declared) _years[year].outages[word] |= bit;
            else _years[year].outages[word] &= ~bit;
        }
    }

    function _fold(bytes32 topic, bytes memory body) private {
        accumulator = Accumulator.fold(accumulator, topic, body);
    }

    function _today() private view returns (uint32) {
        return Days.ofTime(uint40(block.timestamp));
    }

    /// @dev A loaded year has at least 200 workdays, so its first 256 days hold some.
    function _isLoaded(uint16 year) private view returns (bool) {
        return _years[year].workdays[0] != 0;
    }

    // ---- inside: checks --------------------------------------------------------------------------------------------

    function _requirePlausible(uint16 year, uint256[2] calldata workdays) private pure {
        uint16 length = Days.lengthOf(year);
        uint256[2] memory beyond = workdays;
        DaySet.remove(beyond, 0, length);
        if (DaySet.count(beyond) != 0) revert WorkCalendarNoSuchDay(year, DaySet.position(beyond, 1), length);
        uint256 count = DaySet.count(workdays);
        if (count < MIN_WORKDAYS || count > MAX_WORKDAYS) {
            revert WorkCalendarWorkdaysImplausible(year, count, MIN_WORKDAYS, MAX_WORKDAYS);
        }
    }

    function _requireFrozenUnchanged(uint16 year, uint256[2] calldata workdays) private view {
        (uint32 today, uint32 start) = (_today(), Days.startOf(year));
        if (today < start) return;
        uint256[2] memory changed = _years[year].workdays;
        uint256[2] memory frozen = DaySet.below(today - start < 512 ? today - start + 1 : 512);
        for (uint256 i = 0; i < 2; ++i) {
            changed[i] = (changed[i] ^ workdays[i]) & frozen[i];
        }
        if (DaySet.count(changed) != 0) {
            revert WorkCalendarDayFrozen(start + uint32(DaySet.position(changed, 1)), today);
        }
    }

    function _requireChangeable(uint32 fromDay, uint32 toDay, uint32 lastFrozen) private pure {
        if (toDay < fromDay) revert WorkCalendarIntervalReversed(fromDay, toDay);
        if (fromDay <= lastFrozen) revert WorkCalendarDayFrozen(fromDay, lastFrozen);
        uint256 count = uint256(toDay) - fromDay + 1;
        if (count > MAX_OUTAGE_DAYS) revert WorkCalendarOutageTooLong(count, MAX_OUTAGE_DAYS);
    }

    function _requirePauses(Interval[] memory pauses) private pure {
        if (pauses.length > MAX_PAUSES) revert WorkCalendarTooManyPauses(pauses.length, MAX_PAUSES);
        for (uint256 i = 0; i < pauses.length; ++i) {
            if (pauses[i].toDay < pauses[i].fromDay) {
                revert WorkCalendarIntervalReversed(pauses[i].fromDay, pauses[i].toDay);
            }
        }
    }
}
