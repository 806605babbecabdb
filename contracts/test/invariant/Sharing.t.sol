// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.sol";
import {SharingHandler} from "./SharingHandler.sol";
import {ISharingRegistry as I} from "../../src/interfaces/ISharingRegistry.sol";

/// @title Replaying the events of SharingRegistry rebuilds every request, every grant and every accumulator
contract SharingInvariantTest is Base {
    SharingHandler private handler;

    function setUp() public {
        handler = new SharingHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](3);
        selectors[0] = SharingHandler.submit.selector;
        selectors[1] = SharingHandler.step.selector;
        selectors[2] = SharingHandler.step.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_eventsRebuildEverything() public view {
        handler.checkAll();
    }

    /// @dev A seeded walk that is long enough to emit every event there is, so that no action above is idle without notice.
    function test_everyEventIsReplayed() public {
        uint256 seed = 0x5869;
        for (uint256 i = 0; i < 24; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            handler.submit(minutesLater(seed));
            for (uint256 j = 0; j < 40; ++j) {
                seed = uint256(keccak256(abi.encode(seed)));
                // days pass now and then, so that clocks and terms run out for some requests only
                handler.step(1 + (seed >> 128) % (i + 1), seed % 7 == 0 ? seed >> 8 : minutesLater(seed >> 8));
            }
        }
        bytes32[25] memory topics = everyTopic();
        for (uint256 i = 0; i < topics.length; ++i) {
            vm.assertGt(handler.replica().seen(topics[i]), 0, "emitted");
        }
        handler.checkAll();
    }

    /// @return chosen the same choice of action, a few minutes later at most
    function minutesLater(uint256 seed) private pure returns (uint256 chosen) {
        return seed - seed % 3 days + seed % 900;
    }

    function everyTopic() private pure returns (bytes32[25] memory) {
        return [
            I.RequestSubmitted.selector,
            I.ScopeFlagged.selector,
            I.ScopeReviewed.selector,
            I.SupplementAsked.selector,
            I.RequestResubmitted.selector,
            I.RequestWithdrawn.selector,
            I.ExtensionAsked.selector,
            I.ExtensionConsented.selector,
            I.RequestExtended.selector,
            I.RequestAgreed.selector,
            I.RequestRefused.selector,
            I.RequestOverdue.selector,
            I.RequestDisputed.selector,
            I.DisputeSettled.selector,
            I.GrantGiven.selector,
            I.GrantSuspended.selector,
            I.RectificationReported.selector,
            I.GrantResumed.selector,
            I.GrantTerminated.selector,
            I.ChangeProposed.selector,
            I.TermsKept.selector,
            I.TermsChanged.selector,
            I.GrantExpired.selector,
            I.GrantClosed.selector,
            I.DisposalRecorded.selector
        ];
    }
}
