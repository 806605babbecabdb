// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {IWorkCalendar} from "../../src/interfaces/IWorkCalendar.sol";
import {ISharingRegistry as I} from "../../src/interfaces/ISharingRegistry.sol";

/// @title SharingRegistry's state machine: every call in every state, and the clocks to the second
contract SharingStatesTest is Fixture {
    /// @dev a call by whom it is for, and the states in which it goes through
    struct Step {
        string name;
        address caller;
        bytes data;
        uint256 from;
    }

    uint256 private constant STATES = uint256(type(I.State).max) + 1;
    Step[] private steps;

    function setUp() public override {
        super.setUp();
        loadYears();
        publishDataset(1, 1);
        listSteps();
    }

    function test_everyCallInEveryState() public {
        for (uint256 state = 0; state < STATES; ++state) {
            uint256 snapshot = vm.snapshotState();
            reach(I.State(state));
            for (uint256 i = 0; i < steps.length; ++i) {
                trial(I.State(state), steps[i]);
            }
            vm.revertToState(snapshot);
        }
    }

    function trial(I.State state, Step memory step) private {
        uint256 snapshot = vm.snapshotState();
        bytes memory before = abi.encode(sharing.requestOf(ESTATE, 1), sharing.accumulatorOf(ESTATE, 1));
        vm.prank(step.caller);
        (bool done, bytes memory reason) = address(sharing).call(step.data);
        bool allowed = step.from & (1 << uint256(state)) != 0;
        vm.assertEq(done, allowed, string.concat(step.name, " in state ", digits(uint256(state))));
        if (!allowed) {
            bytes4 head = bytes4(reason);
            bool named = head == I.SharingRegistryStateUnexpected.selector
                || head == I.SharingRegistryNoClock.selector
                || head == I.SharingRegistryDisposalUnexpected.selector
                || head == I.SharingRegistryNotProvider.selector
                || head == I.SharingRegistryNumberTaken.selector;
            vm.assertTrue(named, string.concat(step.name, " names the state"));
            bytes memory later = abi.encode(sharing.requestOf(ESTATE, 1), sharing.accumulatorOf(ESTATE, 1));
            vm.assertEq(later, before, string.concat(step.name, " leaves nothing behind"));
        } else {
            vm.assertTrue(
                keccak256(abi.encode(sharing.accumulatorOf(ESTATE, 1))) != keccak256(before), "leaves its event"
            );
        }
        vm.revertToState(snapshot);
    }

    // ---- clocks ----------------------------------------------------------------------------------------------------

    function test_answerIsLateFromTheFirstSecondAfterItsLastDay() public {
        submitAs(ESTATE, application(1));
        checkOverdue(I.Clock.ANSWER, calendar.deadlineAfter(uint40(block.timestamp), 10));
        vm.assertTrue(sharing.requestOf(ESTATE, 1).answerOverdue, "marked");
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryExtensionTooLate.selector, ESTATE, 1));
        sharing.askExtension(ESTATE, 1, 5, DOCUMENT);
        agreeTo(ESTATE, 1, terms()); // late, and still an answer
    }

    function test_deliveryIsLateAfterTwentyDays() public {
        submitAs(ESTATE, application(1));
        vm.warp(block.timestamp + 4 days);
        agreeTo(ESTATE, 1, terms());
        checkOverdue(I.Clock.DELIVERY, calendar.deadlineAfter(uint40(block.timestamp), 20));
        vm.prank(signerOf(FUND, LAW));
        sharing.deliver(ESTATE, 1, 1, terms(), DOCUMENT);
    }

    function test_noReplyToTheNoticeIsWithdrawal() public {
        submitAs(ESTATE, application(1));
        vm.prank(signerOf(FUND, LAW));
        sharing.askSupplement(ESTATE, 1, DOCUMENT);
        uint40 deadline = calendar.deadlineAfter(uint40(block.timestamp), 10);
        vm.warp(deadline - 1);
        vm.prank(signerOf(BANK, ANCHOR));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryNotOverdue.selector, deadline, deadline - 1));
        sharing.recordWithdrawn(ESTATE, 1);
        vm.warp(deadline + 1 days);
        uint256 snapshot = vm.snapshotState();
        vm.prank(signerOf(ESTATE, LAW));
        sharing.resubmit(1, terms(), false, LEGAL_BASIS, DOCUMENT); // until it is recorded the reply wins
        vm.revertToState(snapshot);
        vm.prank(signerOf(BANK, ANCHOR));
        sharing.recordWithdrawn(ESTATE, 1);
        vm.assertEq(uint256(sharing.requestOf(ESTATE, 1).state), uint256(I.State.WITHDRAWN), unicode"视为撤回");
    }

    function test_terminationOnlyAfterTheTimeToRectify() public {
        reach(I.State.SUSPENDED);
        uint40 deadline = calendar.deadlineAfter(uint40(block.timestamp), 5);
        vm.warp(deadline - 1);
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryNotOverdue.selector, deadline, deadline - 1));
        sharing.terminate(ESTATE, 1, DOCUMENT);
        vm.warp(deadline);
        sharing.terminate(ESTATE, 1, DOCUMENT);
        vm.stopPrank();
    }

    function test_termEndsAtItsSecond() public {
        reach(I.State.ACTIVE);
        vm.warp(1_790_000_000 - 1);
        vm.prank(signerOf(BANK, ANCHOR));
        vm.expectRevert(
            abi.encodeWithSelector(I.SharingRegistryTermRunning.selector, 1_790_000_000, 1_790_000_000 - 1)
        );
        sharing.recordExpired(ESTATE, 1);
        vm.warp(1_790_000_000);
        vm.prank(signerOf(BANK, ANCHOR));
        sharing.recordExpired(ESTATE, 1);
    }

    function test_aMissingYearStopsOverdueCallsOnly() public {
        vm.warp(CALENDAR_END - 1 days);
        I.Application memory a = application(1);
        (a.terms.validFrom, a.terms.validTo) = (CALENDAR_END, CALENDAR_END + 365 days);
        submitAs(ESTATE, a);
        vm.warp(CALENDAR_END + 40 days);
        bytes memory missing = abi.encodeWithSelector(IWorkCalendar.WorkCalendarYearNotLoaded.selector, 2027);
        vm.expectRevert(missing);
        sharing.deadlineOf(ESTATE, 1);
        vm.prank(signerOf(BANK, ANCHOR));
        vm.expectRevert(missing);
        sharing.recordOverdue(ESTATE, 1);
        agreeTo(ESTATE, 1, a.terms);
        vm.prank(signerOf(FUND, LAW));
        sharing.deliver(ESTATE, 1, 1, a.terms, DOCUMENT);
    }

    function test_nobodyIsLateWhileTheScopeIsReviewed() public {
        submitAs(ESTATE, application(1));
        (, uint40 deadline) = sharing.deadlineOf(ESTATE, 1);
        vm.prank(signerOf(FUND, LAW));
        sharing.flagScope(ESTATE, 1, DOCUMENT);
        vm.warp(deadline);
        vm.prank(signerOf(ESTATE, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryNoClock.selector, ESTATE, 1, I.State.SUBMITTED));
        sharing.recordOverdue(ESTATE, 1);
        I.Application memory a = application(1);
        vm.prank(authority);
        sharing.reviewScope(ESTATE, 1, a.terms, scopeOf(a.terms), DOCUMENT);
        vm.prank(signerOf(ESTATE, LAW));
        sharing.recordOverdue(ESTATE, 1);
        vm.assertTrue(sharing.requestOf(ESTATE, 1).answerOverdue, "recorded");
    }

    function checkOverdue(I.Clock clock, uint40 deadline) private {
        (I.Clock found, uint40 until) = sharing.deadlineOf(ESTATE, 1);
        vm.assertEq(uint256(found), uint256(clock), "clock");
        vm.assertEq(until, deadline, "deadline");
        vm.warp(deadline - 1);
        vm.prank(signerOf(BANK, ANCHOR));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryNotOverdue.selector, deadline, deadline - 1));
        sharing.recordOverdue(ESTATE, 1);
        vm.warp(deadline);
        vm.prank(stranger);
        (bool done,) = address(sharing).call(abi.encodeCall(I.recordOverdue, (ESTATE, 1)));
        vm.assertFalse(done, "nobody unregistered");
        suspend(BANK);
        vm.prank(signerOf(BANK, ANCHOR));
        sharing.recordOverdue(ESTATE, 1); // any registered signer, a suspended department's too
        I.State state = sharing.requestOf(ESTATE, 1).state;
        vm.prank(signerOf(ESTATE, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryNoClock.selector, ESTATE, 1, state));
        sharing.recordOverdue(ESTATE, 1);
    }

    // ---- inside ----------------------------------------------------------------------------------------------------

    /// @dev Request 1 of ESTATE in this state, late enough for every clock where one runs.
    function reach(I.State state) private {
        if (state == I.State.NONE) return;
        submitAs(ESTATE, application(1));
        address provider = signerOf(FUND, LAW);
        address requester = signerOf(ESTATE, LAW);
        if (state == I.State.SUPPLEMENT) by(provider, abi.encodeCall(I.askSupplement, (ESTATE, 1, DOCUMENT)));
        if (state == I.State.WITHDRAWN) by(requester, abi.encodeCall(I.withdraw, (1)));
        if (state == I.State.REFUSED || state == I.State.DISPUTE) {
            by(provider, abi.encodeCall(I.refuse, (ESTATE, 1, 1, DOCUMENT)));
        }
        if (state == I.State.DISPUTE) by(requester, abi.encodeCall(I.dispute, (1, DOCUMENT)));
        bool answered = state == I.State.AGREED || uint256(state) >= uint256(I.State.ACTIVE);
        if (answered) agreeTo(ESTATE, 1, terms());
        if (uint256(state) >= uint256(I.State.ACTIVE)) {
            by(provider, abi.encodeCall(I.deliver, (ESTATE, 1, 1, terms(), DOCUMENT)));
        }
        if (state == I.State.SUSPENDED || state == I.State.TERMINATED) {
            by(provider, abi.encodeCall(I.suspendUse, (ESTATE, 1, 5, DOCUMENT)));
        }
        if (state == I.State.TERMINATED) {
            vm.warp(block.timestamp + 10 days);
            by(provider, abi.encodeCall(I.terminate, (ESTATE, 1, DOCUMENT)));
        }
        if (state == I.State.CHANGE_NEGOTIATION) {
            by(provider, abi.encodeCall(I.proposeChange, (ESTATE, 1, terms(), DOCUMENT)));
        }
        if (state == I.State.EXPIRED) {
            vm.warp(1_790_000_000);
            by(provider, abi.encodeCall(I.recordExpired, (ESTATE, 1)));
        }
        if (state == I.State.CLOSED) by(requester, abi.encodeCall(I.close, (1, DOCUMENT)));
        vm.assertEq(uint256(sharing.requestOf(ESTATE, 1).state), uint256(state), "reached");
    }

    function by(address caller, bytes memory data) private {
        vm.prank(caller);
        (bool done,) = address(sharing).call(data);
        vm.assertTrue(done, "on the way");
    }

    function listSteps() private {
        address r = signerOf(ESTATE, LAW);
        address p = signerOf(FUND, LAW);
        I.Scope memory all = scopeOf(terms());
        uint256 submitted = bit(I.State.SUBMITTED);
        uint256 active = bit(I.State.ACTIVE);
        add("submit", r, abi.encodeCall(I.submit, (application(1))), bit(I.State.NONE));
        bytes memory again = abi.encodeCall(I.resubmit, (1, terms(), false, LEGAL_BASIS, DOCUMENT));
        add("resubmit", r, again, bit(I.State.SUPPLEMENT));
        add("withdraw", r, abi.encodeCall(I.withdraw, (1)), submitted | bit(I.State.SUPPLEMENT));
        add("dispute", r, abi.encodeCall(I.dispute, (1, DOCUMENT)), bit(I.State.REFUSED));
        add("reportRectification", r, abi.encodeCall(I.reportRectification, (1, DOCUMENT)), bit(I.State.SUSPENDED));
        bytes memory accept = abi.encodeCall(I.acceptChange, (1, terms(), DOCUMENT));
        add("acceptChange", r, accept, bit(I.State.CHANGE_NEGOTIATION));
        add("close", r, abi.encodeCall(I.close, (1, DOCUMENT)), active);
        uint256 ended = bit(I.State.EXPIRED) | bit(I.State.CLOSED) | bit(I.State.TERMINATED);
        add("recordDisposal", r, abi.encodeCall(I.recordDisposal, (1, DOCUMENT)), ended);
        add("askSupplement", p, abi.encodeCall(I.askSupplement, (ESTATE, 1, DOCUMENT)), submitted);
        add("flagScope", p, abi.encodeCall(I.flagScope, (ESTATE, 1, DOCUMENT)), submitted);
        add("askExtension", p, abi.encodeCall(I.askExtension, (ESTATE, 1, 5, DOCUMENT)), submitted);
        bytes memory yes = abi.encodeCall(I.agree, (ESTATE, 1, terms(), all, 0, I.Cover.NONE, DOCUMENT));
        add("agree", p, yes, submitted);
        add("refuse", p, abi.encodeCall(I.refuse, (ESTATE, 1, 1, DOCUMENT)), submitted);
        add("deliver", p, abi.encodeCall(I.deliver, (ESTATE, 1, 2, terms(), DOCUMENT)), bit(I.State.AGREED));
        add("proposeChange", p, abi.encodeCall(I.proposeChange, (ESTATE, 1, terms(), DOCUMENT)), active);
        add("proposeStop", p, abi.encodeCall(I.proposeStop, (ESTATE, 1, DOCUMENT)), active);
        bytes memory keep = abi.encodeCall(I.keepTerms, (ESTATE, 1, DOCUMENT));
        add("keepTerms", p, keep, bit(I.State.CHANGE_NEGOTIATION));
        add("suspendUse", p, abi.encodeCall(I.suspendUse, (ESTATE, 1, 5, DOCUMENT)), active);
        add("suspendUse", authority, abi.encodeCall(I.suspendUse, (ESTATE, 1, 5, DOCUMENT)), active);
        add("resume", p, abi.encodeCall(I.resume, (ESTATE, 1, DOCUMENT)), bit(I.State.SUSPENDED));
        add("resume", authority, abi.encodeCall(I.resume, (ESTATE, 1, DOCUMENT)), bit(I.State.SUSPENDED));
        I.Scope memory nothing;
        bytes memory no = abi.encodeCall(I.settleDispute, (ESTATE, 1, terms(), nothing, I.Cover.NONE, DOCUMENT));
        add("settleDispute", authority, no, bit(I.State.DISPUTE));
    }

    function add(string memory name, address caller, bytes memory data, uint256 from) private {
        steps.push(Step(name, caller, data, from));
    }

    function bit(I.State state) private pure returns (uint256) {
        return 1 << uint256(state);
    }

    function digits(uint256 value) private pure returns (string memory) {
        bytes memory text = new bytes(2);
        (text[0], text[1]) = (bytes1(uint8(48 + value / 10)), bytes1(uint8(48 + value % 10)));
        return string(text);
    }
}
