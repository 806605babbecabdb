// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.sol";
import {RightsHandler} from "./RightsHandler.sol";
import {IAuthorisationRegistry} from "../../src/interfaces/IAuthorisationRegistry.sol";
import {ICorrectionRegistry} from "../../src/interfaces/ICorrectionRegistry.sol";

/// @title Replaying the events of corrections and authorisations rebuilds their state and every accumulator
contract RightsInvariantTest is Base {
    RightsHandler private handler;

    function setUp() public {
        handler = new RightsHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = RightsHandler.suspendOrReinstate.selector;
        selectors[1] = RightsHandler.open.selector;
        selectors[2] = RightsHandler.answer.selector;
        selectors[3] = RightsHandler.forward.selector;
        selectors[4] = RightsHandler.withdrawCorrection.selector;
        selectors[5] = RightsHandler.recordOverdue.selector;
        selectors[6] = RightsHandler.record.selector;
        selectors[7] = RightsHandler.withdrawAuthorisation.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_eventsRebuildEverything() public view {
        handler.checkAll();
    }

    /// @dev One scripted run that emits every event there is, so that no action above is idle without notice.
    function test_everyEventIsReplayed() public {
        handler.open(0, 1); // the bank's first
        handler.open(0, 2);
        handler.open(1, 3); // FUND's
        handler.recordOverdue(0, 1, 21 days);
        handler.forward(0, 1, 4);
        handler.recordOverdue(0, 1, 20 days);
        handler.answer(0, 1, 5);
        handler.withdrawCorrection(0, 2, 3);
        handler.answer(1, 1, 6);
        handler.record(0, 7);
        handler.record(2, 8);
        handler.suspendOrReinstate(1, 1);
        handler.withdrawAuthorisation(0, 1, 1); // relayed by the suspended one
        bytes32[7] memory topics = [
            ICorrectionRegistry.CorrectionOpened.selector,
            ICorrectionRegistry.CorrectionForwarded.selector,
            ICorrectionRegistry.CorrectionAnswered.selector,
            ICorrectionRegistry.CorrectionWithdrawn.selector,
            ICorrectionRegistry.CorrectionOverdue.selector,
            IAuthorisationRegistry.AuthorisationRecorded.selector,
            IAuthorisationRegistry.AuthorisationWithdrawn.selector
        ];
        for (uint256 i = 0; i < topics.length; ++i) {
            vm.assertGt(handler.replica().seen(topics[i]), 0, "emitted");
        }
        vm.assertEq(handler.replica().seen(ICorrectionRegistry.CorrectionOverdue.selector), 2, "provider and source");
        handler.checkAll();
    }
}
