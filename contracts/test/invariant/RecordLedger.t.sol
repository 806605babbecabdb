// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.sol";
import {LedgerHandler} from "./LedgerHandler.sol";

/// @title Whatever happens to a RecordLedger: no gap, no double, roots fixed, status only rises, all of it replayable
contract RecordLedgerInvariantTest is Base {
    LedgerHandler private handler;

    function setUp() public {
        handler = new LedgerHandler();
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](7);
        selectors[0] = LedgerHandler.anchorNext.selector;
        selectors[1] = LedgerHandler.anchorAgain.selector;
        selectors[2] = LedgerHandler.anchorAhead.selector;
        selectors[3] = LedgerHandler.anchorByOther.selector;
        selectors[4] = LedgerHandler.setStatus.selector;
        selectors[5] = LedgerHandler.suspendOrReinstate.selector;
        selectors[6] = LedgerHandler.rotate.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_streamsAreCompleteAndReplayable() public view {
        handler.checkHeads();
    }

    function afterInvariant() public view {
        handler.checkAll();
    }
}
