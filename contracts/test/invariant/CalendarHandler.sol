// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "../Base.sol";
import {Fixture} from "../Fixture.sol";
import {CalendarReplica} from "./CalendarReplica.sol";
import {RegistriesReplica} from "./RegistriesReplica.sol";
import {IDepartmentRegistry} from "../../src/interfaces/IDepartmentRegistry.sol";
import {IWorkCalendar} from "../../src/interfaces/IWorkCalendar.sol";
import {DaySet} from "../../src/libraries/DaySet.sol";
import {Days} from "../../src/libraries/Days.sol";

/// @title Everything that can happen to the calendar and to one department's signers by recovery
/// @notice Every action picks inputs that are allowed now, so none may revert; what was past before an action must be
///         the same after it.
contract CalendarHandler is Fixture {
    uint16 private constant FIRST = 2025;
    uint16 private constant LAST = 2029;

    CalendarReplica public immutable replica = new CalendarReplica();
    RegistriesReplica public immutable registries = new RegistriesReplica();

    address[] private signers;
    address private admin = signerOf(FUND, ADMIN);
    uint256 private fresh;
    uint256 private number = 100;
    uint256 private time = 1_780_000_000;

    constructor() {
        vm.recordLogs();
        setUp();
        signers = [signerOf(FUND, ANCHOR), signerOf(FUND, LAW), admin];
        loadYears();
        ingest();
    }

    /// @dev moves the chain's clock, acts, compares what was past, rebuilds the replicas
    modifier action(uint256 seed) {
        number += seed % 3;
        time += seed % 5 days;
        vm.roll(number);
        vm.warp(time);
        IWorkCalendar.Year[] memory before = loadedYears();
        _;
        checkPast(before);
        ingest();
    }

    // ---- calendar --------------------------------------------------------------------------------------------------

    function loadYear(uint256 which, uint256 seed) external action(seed) {
        uint16 year = uint16(clamp(which, FIRST, LAST));
        if (isLoaded(year)) return;
        vm.prank(authority);
        calendar.loadYear(year, everyWeekday(year));
    }

    function changeDays(uint256 which, uint256 seed) external action(seed) {
        uint16 year = uint16(clamp(which, FIRST, LAST));
        if (!isLoaded(year)) return;
        uint256[2] memory set = calendar.calendarOf(year).workdays;
        for (uint256 i = 0; i < 7; ++i) {
            uint256 index = uint256(keccak256(abi.encode(seed, i))) % Days.lengthOf(year);
            if (Days.startOf(year) + index > today()) set[index / 256] ^= 1 << (index % 256);
        }
        uint256 count = DaySet.count(set);
        if (count < 200 || count > 300) return;
        vm.prank(authority);
        calendar.changeDays(year, set);
    }

    function declareOutage(uint256 which, uint256 length, uint256 seed) external action(seed) {
        uint32 from = uint32(clamp(which, today() - 10, today() + 90));
        uint32 to = from + uint32(clamp(length, 0, 30));
        if (!isLoaded(Days.yearOf(from)) || !isLoaded(Days.yearOf(to))) return;
        vm.prank(authority);
        calendar.declareOutage(from, to);
    }

    function withdrawOutage(uint256 which, uint256 length, uint256 seed) external action(seed) {
        uint32 from = uint32(clamp(which, today() + 1, today() + 90));
        uint32 to = from + uint32(clamp(length, 0, 30));
        if (!isLoaded(Days.yearOf(from)) || !isLoaded(Days.yearOf(to))) return;
        vm.prank(authority);
        calendar.withdrawOutage(from, to);
    }

    // ---- recovery --------------------------------------------------------------------------------------------------

    function announceRecovery(uint256 count, uint256 seed) external action(seed) {
        IDepartmentRegistry.NewSigner[] memory next = new IDepartmentRegistry.NewSigner[](clamp(count, 1, 4));
        for (uint256 i = 0; i < next.length; ++i) {
            next[i] = newSigner(FUND, freshKey(), i == 0 ? ADMIN : uint8(1 + (seed >> (8 * i)) % 7));
        }
        vm.prank(authority);
        registry.announceRecovery(FUND, next);
    }

    function cancelRecovery(uint256 seed) external action(seed) {
        if (registry.recoveryOf(FUND).announcedAt == 0) return;
        vm.prank(seed % 2 == 0 ? authority : admin);
        registry.cancelRecovery(FUND);
    }

    /// @dev at once when it is allowed, else at the first second at which it is
    function recover(uint256 seed) external action(seed) {
        IDepartmentRegistry.Recovery memory recovery = registry.recoveryOf(FUND);
        (bool ok, bytes memory answer) =
            address(registry).call(abi.encodeCall(IDepartmentRegistry.recoveryDeadlineOf, (FUND)));
        if (!ok) return; // none is announced, or a year is not loaded
        uint256 earliest = abi.decode(answer, (uint40));
        if (time < earliest) time = earliest;
        vm.warp(time);
        vm.prank(authority);
        registry.recover(FUND);
        admin = recovery.candidates[0].signer;
        for (uint256 i = 0; i < recovery.candidates.length; ++i) {
            signers.push(recovery.candidates[i].signer);
        }
    }

    function addSigner(uint256 seed) external action(seed) {
        IDepartmentRegistry.NewSigner memory signer = newSigner(FUND, freshKey(), uint8(clamp(seed, 1, 7)));
        vm.prank(admin);
        registry.addSigner(signer);
        signers.push(signer.signer);
    }

    function retireSigner(uint256 which, uint256 seed) external action(seed) {
        address signer = signers[which % signers.length];
        if (signer == admin || registry.signerOf(signer).toBlock != 0) return;
        vm.prank(admin);
        registry.retireSigner(signer);
    }

    // ---- what must hold --------------------------------------------------------------------------------------------

    function checkAll() external view {
        vm.assertEq(calendar.accumulator(), replica.accumulator(), "calendar's events");
        for (uint16 year = FIRST; year <= LAST; ++year) {
            bytes memory stored = abi.encode(calendar.calendarOf(year));
            vm.assertEq(stored, abi.encode(replica.calendarOf(year)), "year");
        }
        checkSigners();
    }

    function checkSigners() private view {
        bytes memory stored = abi.encode(registry.departmentOf(FUND));
        vm.assertEq(stored, abi.encode(registries.departmentOf(FUND)), "department");
        vm.assertEq(
            registry.accumulatorOf(FUND),
            registries.accumulator(address(registry), abi.encode(FUND)),
            "department's events"
        );
        vm.assertEq(
            abi.encode(registry.recoveryOf(FUND)), abi.encode(registries.recoveryOf(FUND)), "announced recovery"
        );
        for (uint256 i = 0; i < signers.length; ++i) {
            stored = abi.encode(registry.signerOf(signers[i]));
            vm.assertEq(stored, abi.encode(registries.signerOf(signers[i])), "signer");
        }
    }

    /// @dev Workdays up to today never change; outages up to today are never taken back, and only the last ten days get one.
    function checkPast(IWorkCalendar.Year[] memory before) private view {
        for (uint16 year = FIRST; year <= LAST; ++year) {
            IWorkCalendar.Year memory was = before[year - FIRST];
            if (was.workdays[0] == 0) continue;
            IWorkCalendar.Year memory now_ = calendar.calendarOf(year);
            uint256[2] memory past = DaySet.below(daysUntil(year, today() + 1));
            uint256[2] memory older = DaySet.below(daysUntil(year, today() - 10));
            for (uint256 i = 0; i < 2; ++i) {
                vm.assertEq(now_.workdays[i] & past[i], was.workdays[i] & past[i], "past days stay");
                vm.assertEq(was.outages[i] & ~now_.outages[i] & past[i], 0, "past outages stay");
                vm.assertEq(now_.outages[i] & older[i], was.outages[i] & older[i], "none is added before ten days ago");
            }
        }
    }

    /// @return number of days of `year` before `day`, at most 512
    function daysUntil(uint16 year, uint256 day) private pure returns (uint256) {
        uint256 start = Days.startOf(year);
        if (day <= start) return 0;
        return day < start + 512 ? day - start : 512;
    }

    // ---- inside ----------------------------------------------------------------------------------------------------

    function ingest() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == address(calendar)) {
                replica.ingest(logs[i], number, time);
                continue;
            }
            Vm.Log[] memory one = new Vm.Log[](1);
            one[0] = logs[i];
            registries.ingest(one, number, time);
        }
    }

    function loadedYears() private view returns (IWorkCalendar.Year[] memory found) {
        found = new IWorkCalendar.Year[](LAST - FIRST + 1);
        for (uint16 year = FIRST; year <= LAST; ++year) {
            found[year - FIRST] = calendar.calendarOf(year);
        }
    }

    function today() private view returns (uint256) {
        return (time + 8 hours) / 1 days;
    }

    function isLoaded(uint16 year) private view returns (bool) {
        return calendar.calendarOf(year).workdays[0] != 0;
    }

    function freshKey() private returns (uint256) {
        return uint256(keccak256(abi.encode("fresh", ++fresh))) >> 8;
    }
}
