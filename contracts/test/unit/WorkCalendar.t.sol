// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {NaiveCalendar} from "../NaiveCalendar.sol";
import {IWorkCalendar as I} from "../../src/interfaces/IWorkCalendar.sol";
import {Accumulator} from "../../src/libraries/Accumulator.sol";

/// @title WorkCalendar: every condition with its exact error, the shared vectors, and a naive reference day by day
contract WorkCalendarTest is Fixture {
    uint256 private constant UTC8 = 8 hours;
    /// @dev 2026-05-29, the day of the fixture's clock
    uint32 private constant TODAY = 20_602;
    uint32 private constant FIRST_DAY = 10_957;
    uint32 private constant LAST_DAY = 47_846;

    NaiveCalendar private naive = new NaiveCalendar();

    // ---- years -----------------------------------------------------------------------------------------------------

    function test_loadedYearIsReadable() public {
        uint256[2] memory set = everyWeekday(2026);
        bytes memory body = abi.encode(uint16(2026), set);
        vm.expectEmit(true, false, false, true, address(calendar));
        emit I.YearLoaded(2026, set);
        load(2026, set);
        vm.assertEq(abi.encode(calendar.calendarOf(2026)), abi.encode(I.Year(set, [uint256(0), 0])), "year");
        vm.assertEq(calendar.accumulator(), Accumulator.fold(0, I.YearLoaded.selector, body), "folded");
        vm.assertTrue(calendar.isWorkday(TODAY), "a Friday");
        vm.assertFalse(calendar.isWorkday(TODAY + 1), "a Saturday");
        vm.assertEq(address(calendar.registry()), address(registry), "registry");
    }

    function test_yearsAreLoadedOnce() public {
        load(2026, everyWeekday(2026));
        refuseLoad(2026, everyWeekday(2026), abi.encodeWithSelector(I.WorkCalendarYearLoaded.selector, 2026));
        uint16[3] memory outside = [uint16(0), 1999, 2101];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory reason =
                abi.encodeWithSelector(I.WorkCalendarYearOutOfRange.selector, outside[i], uint16(2000), uint16(2100));
            refuseLoad(outside[i], everyWeekday(2026), reason);
        }
        load(2000, everyWeekday(2000));
        load(2100, everyWeekday(2100));
    }

    function test_leapDayIsPartOfLeapYearsOnly() public {
        uint256[2] memory set = everyWeekday(2028);
        set[1] |= 1 << 109;
        load(2028, set);
        set = everyWeekday(2026);
        set[1] |= 1 << 109;
        refuseLoad(2026, set, abi.encodeWithSelector(I.WorkCalendarNoSuchDay.selector, 2026, 365, 365));
        set = everyWeekday(2024);
        set[1] |= 3 << 254;
        refuseLoad(2024, set, abi.encodeWithSelector(I.WorkCalendarNoSuchDay.selector, 2024, 510, 366));
    }

    function test_implausibleYearsAreRefused() public {
        uint256[5] memory counts = [uint256(0), 199, 200, 300, 301];
        for (uint16 i = 0; i < counts.length; ++i) {
            uint256[2] memory set = [counts[i] < 256 ? (1 << counts[i]) - 1 : type(uint256).max, 0];
            if (counts[i] > 256) set[1] = (1 << (counts[i] - 256)) - 1;
            if (counts[i] >= 200 && counts[i] <= 300) {
                load(2026 + i, set);
                continue;
            }
            bytes memory reason =
                abi.encodeWithSelector(I.WorkCalendarWorkdaysImplausible.selector, 2026 + i, counts[i], 200, 300);
            refuseLoad(2026 + i, set, reason);
        }
        load(2031, everyWeekday(2031));
        bytes memory none = abi.encodeWithSelector(I.WorkCalendarWorkdaysImplausible.selector, 2031, 0, 200, 300);
        refuseChange(2031, [uint256(0), 0], none);
    }

    // ---- changes ---------------------------------------------------------------------------------------------------

    function test_futureDaysChangeAndMoveOpenClocks() public {
        load(2026, everyWeekday(2026));
        uint40 start = uint40(block.timestamp);
        vm.assertEq(calendar.addWorkingDays(start, 1), TODAY + 3, "Monday");
        uint256[2] memory set = everyWeekday(2026);
        uint256 monday = TODAY + 3 - 20_454;
        set[monday / 256] ^= 1 << (monday % 256);
        vm.expectEmit(true, false, false, true, address(calendar));
        emit I.DaysChanged(2026, set);
        change(2026, set);
        vm.assertEq(calendar.addWorkingDays(start, 1), TODAY + 4, "the same clock, Tuesday now");
    }

    function test_todayAndEveryDayBeforeAreFrozen() public {
        load(2025, everyWeekday(2025));
        load(2026, everyWeekday(2026));
        load(2027, everyWeekday(2027));
        uint256 today = TODAY - 20_454;
        uint256[5] memory positions = [uint256(0), today - 1, today, 255, 364];
        for (uint256 i = 0; i < positions.length; ++i) {
            uint256[2] memory set = flipped(2026, positions[i]);
            if (positions[i] > today) {
                change(2026, set);
                change(2026, everyWeekday(2026));
                continue;
            }
            refuseChange(2026, set, frozen(uint32(20_454 + positions[i]), TODAY));
        }
        refuseChange(2025, flipped(2025, 364), frozen(20_453, TODAY));
        change(2027, flipped(2027, 0));
    }

    function test_dayIsFrozenFromItsFirstSecondInUtc8() public {
        load(2026, everyWeekday(2026));
        uint256[2] memory set = flipped(2026, TODAY + 1 - 20_454);
        uint256 midnight = (uint256(TODAY) + 1) * 1 days - UTC8;
        vm.warp(midnight);
        refuseChange(2026, set, frozen(TODAY + 1, TODAY + 1));
        vm.warp(midnight - 1);
        change(2026, set);
    }

    function test_yearThatIsNotLoadedCannotBeChanged() public {
        refuseChange(2026, everyWeekday(2026), missing(2026));
    }

    // ---- outages ---------------------------------------------------------------------------------------------------

    function test_outageIsExcludedFromEveryClock() public {
        load(2026, everyWeekday(2026));
        uint40 start = uint40(block.timestamp);
        vm.expectEmit(true, false, false, true, address(calendar));
        emit I.OutageDeclared(TODAY + 3, TODAY + 5);
        outage(TODAY + 3, TODAY + 5);
        vm.assertEq(calendar.addWorkingDays(start, 1), TODAY + 6, "Thursday");
        vm.assertTrue(calendar.isWorkday(TODAY + 3) && !calendar.isCounted(TODAY + 3), "a workday that does not count");
        vm.assertTrue(calendar.isCounted(TODAY + 6) && !calendar.isCounted(TODAY + 1), "by both");
        vm.expectEmit(true, false, false, true, address(calendar));
        emit I.OutageWithdrawn(TODAY + 4, TODAY + 5);
        vm.prank(authority);
        calendar.withdrawOutage(TODAY + 4, TODAY + 5);
        vm.assertEq(calendar.addWorkingDays(start, 1), TODAY + 4, "Tuesday");
        vm.assertEq(calendar.addCalendarDays(start, 3), TODAY + 4, "the calendar term has lost its Monday, too");
    }

    function test_outagesOfTheLastTenDaysOnly() public {
        load(2026, everyWeekday(2026));
        outage(TODAY - 10, TODAY);
        refuseOutage(TODAY - 11, TODAY, frozen(TODAY - 11, TODAY - 11));
        bytes memory call = abi.encodeCall(I.withdrawOutage, (TODAY, TODAY + 1));
        refuse(call, frozen(TODAY, TODAY));
    }

    function test_outagesAreBoundedAndInLoadedYears() public {
        load(2026, everyWeekday(2026));
        outage(TODAY + 1, TODAY + 31);
        bytes memory tooLong = abi.encodeWithSelector(I.WorkCalendarOutageTooLong.selector, 32, 31);
        refuseOutage(TODAY + 1, TODAY + 32, tooLong);
        refuse(abi.encodeCall(I.withdrawOutage, (TODAY + 1, TODAY + 32)), tooLong);
        bytes memory reversed = abi.encodeWithSelector(I.WorkCalendarIntervalReversed.selector, TODAY + 2, TODAY + 1);
        refuseOutage(TODAY + 2, TODAY + 1, reversed);
        refuse(abi.encodeCall(I.withdrawOutage, (TODAY + 2, TODAY + 1)), reversed);
        refuseOutage(20_818, 20_819, missing(2027));
        refuse(abi.encodeCall(I.withdrawOutage, (20_818, 20_819)), missing(2027));
        refuseOutage(LAST_DAY + 1, LAST_DAY + 1, outOfRange(LAST_DAY + 1));
    }

    // ---- terms -----------------------------------------------------------------------------------------------------

    function test_termsHaveLimits() public {
        load(2026, everyWeekday(2026));
        uint40 start = uint40(block.timestamp);
        I.Interval[] memory many = new I.Interval[](17);
        bytes memory tooMany = abi.encodeWithSelector(I.WorkCalendarTooManyPauses.selector, 17, 16);
        uint16[2] memory counts = [uint16(0), 251];
        for (uint256 i = 0; i < 2; ++i) {
            refuse(abi.encodeCall(I.addWorkingDays, (start, counts[i])), outOfTerm(counts[i], 250));
            refuse(abi.encodeCall(I.deadlineAfter, (start, counts[i])), outOfTerm(counts[i], 250));
        }
        refuse(abi.encodeCall(I.addCalendarDays, (start, 0)), outOfTerm(0, 366));
        refuse(abi.encodeCall(I.addCalendarDays, (start, 367)), outOfTerm(367, 366));
        refuse(abi.encodeCall(I.addWorkingDaysWithPauses, (start, 1, many)), tooMany);
        refuse(abi.encodeCall(I.addCalendarDaysWithPauses, (start, 1, many)), tooMany);
        refuse(abi.encodeCall(I.workingDaysBetweenWithPauses, (start, start, many)), tooMany);
        I.Interval[] memory reversed = new I.Interval[](1);
        reversed[0] = I.Interval(TODAY + 1, TODAY);
        bytes memory reason = abi.encodeWithSelector(I.WorkCalendarIntervalReversed.selector, TODAY + 1, TODAY);
        refuse(abi.encodeCall(I.deadlineAfterWithPauses, (start, 1, reversed)), reason);
        reason = abi.encodeWithSelector(I.WorkCalendarTimesReversed.selector, start, start - 1);
        refuse(abi.encodeCall(I.workingDaysBetween, (start, start - 1)), reason);
    }

    function test_daysOutsideTheCalendarAreRefused() public {
        refuse(abi.encodeCall(I.isWorkday, (FIRST_DAY - 1)), outOfRange(FIRST_DAY - 1));
        refuse(abi.encodeCall(I.isCounted, (LAST_DAY + 1)), outOfRange(LAST_DAY + 1));
        refuse(abi.encodeCall(I.isWorkday, (FIRST_DAY)), missing(2000));
        refuse(abi.encodeCall(I.isWorkday, (LAST_DAY)), missing(2100));
        refuse(abi.encodeCall(I.addWorkingDays, (0, 1)), outOfRange(1));
        refuse(abi.encodeCall(I.addWorkingDays, (type(uint40).max, 1)), outOfRange(12_725_830));
        bytes memory reason = abi.encodeWithSelector(I.WorkCalendarDayOutOfRange.selector, LAST_DAY + 1, 0, LAST_DAY);
        refuse(abi.encodeCall(I.endOf, (LAST_DAY + 1)), reason);
        vm.assertEq(calendar.endOf(0), 1 days - UTC8, "the first day's end");
        vm.assertEq(calendar.dayOf(uint40(1 days - UTC8)), 1, "is the second day's start");
    }

    /// @dev A term may run to the last day there is, and past it names the year that can never be loaded.
    function test_endOfTheCalendar() public {
        load(2100, everyWeekday(2100));
        uint40 start = uint40((uint256(LAST_DAY) - 2) * 1 days);
        vm.assertEq(calendar.addWorkingDays(start, 2), LAST_DAY, "a Friday");
        refuse(abi.encodeCall(I.addWorkingDays, (start, 3)), missing(2101));
        start = uint40(uint256(LAST_DAY) * 1 days);
        refuse(abi.encodeCall(I.addWorkingDays, (start, 1)), outOfRange(LAST_DAY + 1));
    }

    function test_yearThatIsMissingStopsOnlyWhatNeedsIt() public {
        load(2026, everyWeekday(2026));
        uint40 lastOf2025 = uint40(uint256(20_453) * 1 days);
        vm.assertEq(calendar.addWorkingDays(lastOf2025, 1), 20_454, "2025 is not asked for");
        vm.assertEq(calendar.workingDaysBetween(lastOf2025, uint40(uint256(20_454) * 1 days)), 1, "nor here");
        refuse(abi.encodeCall(I.addWorkingDays, (lastOf2025 - 1 days, 1)), missing(2025));
        uint40 lastOf2026 = uint40(uint256(20_818) * 1 days);
        vm.assertEq(calendar.workingDaysBetween(lastOf2026, lastOf2026), 0, "the day itself needs no calendar");
        refuse(abi.encodeCall(I.addWorkingDays, (lastOf2026, 1)), missing(2027));
    }

    // ---- vectors shared with pytest --------------------------------------------------------------------------------

    function test_vectors() public {
        string memory json = vm.readFile("../tests/vectors/calendar.json");
        for (uint256 i = 0; i < 2; ++i) {
            string memory path = row(".years", i);
            uint256[2] memory set = [
                uint256(vm.parseJsonBytes32(json, string.concat(path, ".workdays[0]"))),
                uint256(vm.parseJsonBytes32(json, string.concat(path, ".workdays[1]")))
            ];
            load(uint16(vm.parseJsonUint(json, string.concat(path, ".year"))), set);
        }
        vm.assertEq(checkTerms(json, ".working_days", "working"), 29, "rows of working days");
        vm.assertEq(checkTerms(json, ".calendar_days", "calendar"), 10, "rows of calendar days");
        vm.assertEq(checkBetween(json), 9, "rows of days used");
        vm.assertEq(checkDeadlines(json), 5, "rows of deadlines");
        vm.warp(vm.parseJsonUint(json, ".outage.from_day") * 1 days);
        outage(uint32(vm.parseJsonUint(json, ".outage.from_day")), uint32(vm.parseJsonUint(json, ".outage.to_day")));
        vm.assertEq(checkTerms(json, ".outage.rows", ""), 4, "rows of outages");
    }

    function checkTerms(string memory json, string memory list, string memory kind) private returns (uint256 i) {
        for (; vm.keyExistsJson(json, row(list, i)); ++i) {
            string memory path = row(list, i);
            uint40 start = uint40(vm.parseJsonUint(json, string.concat(path, ".start_day")) * 1 days);
            uint16 count = uint16(vm.parseJsonUint(json, string.concat(path, ".count")));
            I.Interval[] memory pauses = pausesOf(json, path);
            bool isCalendar = isCalendarTerm(json, path, kind);
            bytes memory call = isCalendar
                ? abi.encodeCall(I.addCalendarDaysWithPauses, (start, count, pauses))
                : abi.encodeCall(I.addWorkingDaysWithPauses, (start, count, pauses));
            if (vm.keyExistsJson(json, string.concat(path, ".missing_year"))) {
                refuse(call, missing(vm.parseJsonUint(json, string.concat(path, ".missing_year"))));
                continue;
            }
            uint256 last = vm.parseJsonUint(json, string.concat(path, ".last_day"));
            (bool ok, bytes memory answer) = address(calendar).call(call);
            string memory name = vm.parseJsonString(json, string.concat(path, ".name"));
            vm.assertTrue(ok, name);
            vm.assertEq(abi.decode(answer, (uint256)), last, name);
            if (pauses.length == 0) {
                uint256 plain =
                    isCalendar ? calendar.addCalendarDays(start, count) : calendar.addWorkingDays(start, count);
                vm.assertEq(plain, last, name);
            }
        }
    }

    /// @param kind "working", "calendar", or empty when each row names its own
    function isCalendarTerm(string memory json, string memory path, string memory kind) private pure returns (bool) {
        if (bytes(kind).length == 0) kind = vm.parseJsonString(json, string.concat(path, ".kind"));
        return keccak256(bytes(kind)) == keccak256("calendar");
    }

    function checkBetween(string memory json) private view returns (uint256 i) {
        for (; vm.keyExistsJson(json, row(".between", i)); ++i) {
            string memory path = row(".between", i);
            uint40 start = uint40(vm.parseJsonUint(json, string.concat(path, ".start_s")));
            uint40 time = uint40(vm.parseJsonUint(json, string.concat(path, ".time_s")));
            uint256 used = calendar.workingDaysBetweenWithPauses(start, time, pausesOf(json, path));
            vm.assertEq(used, vm.parseJsonUint(json, string.concat(path, ".used")), path);
        }
    }

    function checkDeadlines(string memory json) private view returns (uint256 i) {
        for (; vm.keyExistsJson(json, row(".deadlines", i)); ++i) {
            string memory path = row(".deadlines", i);
            uint40 start = uint40(vm.parseJsonUint(json, string.concat(path, ".start_s")));
            uint16 count = uint16(vm.parseJsonUint(json, string.concat(path, ".count")));
            uint256 deadline = vm.parseJsonUint(json, string.concat(path, ".deadline_s"));
            vm.assertEq(calendar.deadlineAfter(start, count), deadline, path);
            vm.assertEq(calendar.deadlineAfterWithPauses(start, count, new I.Interval[](0)), deadline, path);
        }
    }

    function pausesOf(string memory json, string memory path) private view returns (I.Interval[] memory pauses) {
        uint256 count = 0;
        string memory list = string.concat(path, ".pauses");
        while (vm.keyExistsJson(json, row(list, count))) {
            ++count;
        }
        pauses = new I.Interval[](count);
        for (uint256 i = 0; i < count; ++i) {
            pauses[i].fromDay = uint32(vm.parseJsonUint(json, string.concat(row(list, i), ".from_day")));
            pauses[i].toDay = uint32(vm.parseJsonUint(json, string.concat(row(list, i), ".to_day")));
        }
    }

    function row(string memory list, uint256 i) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(i), "]");
    }

    // ---- the naive reference ---------------------------------------------------------------------------------------

    /// @dev Any workdays, outages and pauses over three years, the middle one of which is a leap year.
    function testFuzz_countsLikeDayByDay(uint256 seed, uint16 count, uint40 start, uint40 span) public {
        for (uint16 year = 2027; year <= 2029; ++year) {
            uint256[2] memory set = scattered(year, seed);
            load(year, set);
            naive.load(year, set);
        }
        uint32 first = calendar.dayOf(uint40(1_798_732_800)); // 2027-01-01
        vm.warp(uint256(first) * 1 days);
        for (uint256 i = 0; i < seed % 5; ++i) {
            uint32 from = first + uint32(uint256(keccak256(abi.encode(seed, "outage", i))) % 1000);
            outage(from, from + uint32(i * 7));
            naive.setOutage(from, from + i * 7, true);
        }
        I.Interval[] memory pauses = scatteredPauses(seed, first);
        start = uint40(clamp(start, uint256(first) * 1 days, uint256(first) * 1 days + 950 days));
        compareTerms(start, uint16(clamp(count, 1, 366)), pauses);
        compareUsed(start, start + uint40(clamp(span, 0, 1200 days)), pauses);
    }

    function compareTerms(uint40 start, uint16 count, I.Interval[] memory pauses) private {
        uint32 day = calendar.dayOf(start);
        (uint256 last, uint256 year) = naive.addCalendarDays(day, count, pauses);
        compare(abi.encodeCall(I.addCalendarDaysWithPauses, (start, count, pauses)), last, year);
        if (count > 250) return;
        (last, year) = naive.addWorkingDays(day, count, pauses);
        compare(abi.encodeCall(I.addWorkingDaysWithPauses, (start, count, pauses)), last, year);
        compare(abi.encodeCall(I.deadlineAfterWithPauses, (start, count, pauses)), (last + 1) * 1 days - UTC8, year);
    }

    function compareUsed(uint40 start, uint40 time, I.Interval[] memory pauses) private {
        (uint256 used, uint256 year) = naive.workingDaysBetween(calendar.dayOf(start), calendar.dayOf(time), pauses);
        compare(abi.encodeCall(I.workingDaysBetweenWithPauses, (start, time, pauses)), used, year);
    }

    function compare(bytes memory call, uint256 expected, uint256 missingYear) private {
        (bool ok, bytes memory answer) = address(calendar).call(call);
        vm.assertEq(ok, missingYear == 0, "answered");
        vm.assertEq(answer, ok ? abi.encode(expected) : missing(missingYear), "answer");
    }

    /// @dev 200 to 300 workdays in no order
    function scattered(uint16 year, uint256 seed) private view returns (uint256[2] memory set) {
        uint256 length = naive.lengthOf(year);
        set[0] = uint256(keccak256(abi.encode(seed, year)));
        set[1] = uint256(keccak256(abi.encode(seed, year, "high"))) & ((1 << (length - 256)) - 1);
        uint256 count = 0;
        for (uint256 i = 0; i < length; ++i) {
            count += (set[i / 256] >> (i % 256)) & 1;
        }
        for (uint256 i = seed % length; count < 200 + seed % 100; i = (i + 1) % length) {
            if ((set[i / 256] >> (i % 256)) & 1 == 1) continue;
            set[i / 256] |= 1 << (i % 256);
            ++count;
        }
    }

    function scatteredPauses(uint256 seed, uint32 first) private pure returns (I.Interval[] memory pauses) {
        pauses = new I.Interval[]((seed >> 8) % 17);
        for (uint256 i = 0; i < pauses.length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, "pause", i)));
            pauses[i].fromDay = first - 30 + uint32(random % 1150);
            pauses[i].toDay =
                (random >> 32) % 40 == 0 ? type(uint32).max : pauses[i].fromDay + uint32((random >> 64) % 50);
        }
    }

    // ---- inside ----------------------------------------------------------------------------------------------------

    function load(uint16 year, uint256[2] memory set) private {
        vm.prank(authority);
        calendar.loadYear(year, set);
    }

    function change(uint16 year, uint256[2] memory set) private {
        vm.prank(authority);
        calendar.changeDays(year, set);
    }

    function outage(uint32 from, uint32 to) private {
        vm.prank(authority);
        calendar.declareOutage(from, to);
    }

    function refuseLoad(uint16 year, uint256[2] memory set, bytes memory reason) private {
        refuse(abi.encodeCall(I.loadYear, (year, set)), reason);
    }

    function refuseChange(uint16 year, uint256[2] memory set, bytes memory reason) private {
        refuse(abi.encodeCall(I.changeDays, (year, set)), reason);
    }

    function refuseOutage(uint32 from, uint32 to, bytes memory reason) private {
        refuse(abi.encodeCall(I.declareOutage, (from, to)), reason);
    }

    function refuse(bytes memory call, bytes memory reason) private {
        vm.prank(authority);
        (bool ok, bytes memory answer) = address(calendar).call(call);
        vm.assertFalse(ok, "refused");
        vm.assertEq(answer, reason, "reason");
    }

    function flipped(uint16 year, uint256 position) private pure returns (uint256[2] memory set) {
        set = everyWeekday(year);
        set[position / 256] ^= 1 << (position % 256);
    }

    function missing(uint256 year) private pure returns (bytes memory) {
        return abi.encodeWithSelector(I.WorkCalendarYearNotLoaded.selector, year);
    }

    function frozen(uint32 day, uint32 lastFrozen) private pure returns (bytes memory) {
        return abi.encodeWithSelector(I.WorkCalendarDayFrozen.selector, day, lastFrozen);
    }

    function outOfRange(uint256 day) private pure returns (bytes memory) {
        return abi.encodeWithSelector(I.WorkCalendarDayOutOfRange.selector, day, FIRST_DAY, LAST_DAY);
    }

    function outOfTerm(uint16 count, uint16 limit) private pure returns (bytes memory) {
        return abi.encodeWithSelector(I.WorkCalendarTermOutOfRange.selector, count, limit);
    }
}
