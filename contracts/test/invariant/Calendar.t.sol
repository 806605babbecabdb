// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.sol";
import {CalendarHandler} from "./CalendarHandler.sol";
import {IDepartmentRegistry} from "../../src/interfaces/IDepartmentRegistry.sol";
import {IWorkCalendar} from "../../src/interfaces/IWorkCalendar.sol";

/// @title Replaying events rebuilds the calendar and a recovered department; past days never change
contract CalendarInvariantTest is Base {
    CalendarHandler private handler;

    function setUp() public {
        handler = new CalendarHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = CalendarHandler.loadYear.selector;
        selectors[1] = CalendarHandler.changeDays.selector;
        selectors[2] = CalendarHandler.declareOutage.selector;
        selectors[3] = CalendarHandler.withdrawOutage.selector;
        selectors[4] = CalendarHandler.announceRecovery.selector;
        selectors[5] = CalendarHandler.cancelRecovery.selector;
        selectors[6] = CalendarHandler.recover.selector;
        selectors[7] = CalendarHandler.addSigner.selector;
        selectors[8] = CalendarHandler.retireSigner.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_eventsRebuildEverything() public view {
        handler.checkAll();
    }

    /// @dev One scripted run that emits every event there is, so that no action above is idle without notice.
    function test_everyEventIsReplayed() public {
        handler.loadYear(2027, 1);
        handler.changeDays(2026, 2);
        handler.changeDays(2027, 3);
        handler.declareOutage(0, 30, 4);
        handler.withdrawOutage(0, 9, 5);
        handler.announceRecovery(3, 6);
        handler.cancelRecovery(7);
        handler.announceRecovery(2, 8);
        handler.announceRecovery(4, 9);
        handler.addSigner(3);
        handler.retireSigner(0, 1);
        handler.recover(10);
        handler.addSigner(5);
        handler.announceRecovery(1, 11);
        handler.cancelRecovery(12);
        bytes32[4] memory ofCalendar = [
            IWorkCalendar.YearLoaded.selector,
            IWorkCalendar.DaysChanged.selector,
            IWorkCalendar.OutageDeclared.selector,
            IWorkCalendar.OutageWithdrawn.selector
        ];
        for (uint256 i = 0; i < ofCalendar.length; ++i) {
            vm.assertGt(handler.replica().seen(ofCalendar[i]), 0, "emitted");
        }
        bytes32[3] memory ofRegistry = [
            IDepartmentRegistry.RecoveryAnnounced.selector,
            IDepartmentRegistry.RecoveryCancelled.selector,
            IDepartmentRegistry.DepartmentRecovered.selector
        ];
        for (uint256 i = 0; i < ofRegistry.length; ++i) {
            vm.assertGt(handler.registries().seen(ofRegistry[i]), 0, "emitted");
        }
        handler.checkAll();
    }
}
