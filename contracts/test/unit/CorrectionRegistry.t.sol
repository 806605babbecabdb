// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {ICorrectionRegistry as I} from "../../src/interfaces/ICorrectionRegistry.sol";
import {IWorkCalendar} from "../../src/interfaces/IWorkCalendar.sol";

/// @title CorrectionRegistry: every condition with its exact error, who answers when, clocks
contract CorrectionRegistryTest is Fixture {
    /// @dev ten working days after Friday 2026-05-29: the end of Friday 06-12, UTC+8
    uint40 private constant DEADLINE = 1_781_280_000;
    uint64 private constant LAST = 99_999_999_999_999;

    function setUp() public override {
        super.setUp();
        loadYears();
        publishDataset(1, 1);
        giveGrant(FUND, 1, BANK, 1);
    }

    // ---- open --------------------------------------------------------------------------------------------------------

    function test_openedCorrectionIsReadable() public {
        I.Opening memory o = opening(7, 1);
        vm.expectEmit(true, true, true, true, address(corrections));
        emit I.CorrectionOpened(BANK, 7, FUND, 1, 1, 1, o.target, o.evidence, o.document);
        open(7);
        I.Correction memory expected = I.Correction(I.State.OPEN, FUND, START, 0, false, false, 0, 1, 1, 1);
        vm.assertEq(abi.encode(corrections.correctionOf(BANK, 7)), abi.encode(expected), "as opened");
        vm.assertEq(uint256(corrections.correctionOf(ESTATE, 7).state), 0, "of this receiver only");
        vm.assertEq(corrections.deadlineOf(BANK, 7), DEADLINE, "ten working days");
    }

    function test_numbersRunFromOneAndAreUsedOnce() public {
        bytes4 range = I.CorrectionRegistryNumberOutOfRange.selector;
        refuseOpen(opening(0, 1), abi.encodeWithSelector(range, 0, LAST));
        refuseOpen(opening(LAST + 1, 1), abi.encodeWithSelector(range, LAST + 1, LAST));
        open(LAST);
        bytes4 taken = I.CorrectionRegistryNumberTaken.selector;
        refuseOpen(opening(LAST, 1), abi.encodeWithSelector(taken, BANK, LAST, I.State.OPEN));
        vm.prank(signerOf(BANK, LAW));
        corrections.withdraw(LAST, DOCUMENT);
        refuseOpen(opening(LAST, 1), abi.encodeWithSelector(taken, BANK, LAST, I.State.WITHDRAWN));
    }

    function test_onlyAReceiverOfTheGrantOpens() public {
        bytes4 notReceiver = I.CorrectionRegistryNotReceiver.selector;
        vm.prank(signerOf(ESTATE, LAW));
        vm.expectRevert(abi.encodeWithSelector(notReceiver, ESTATE, FUND, 1, BANK));
        corrections.open(opening(1, 1));
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(notReceiver, FUND, FUND, 1, BANK));
        corrections.open(opening(1, 1));
        refuseOpen(opening(1, 2), abi.encodeWithSelector(notReceiver, BANK, FUND, 2, bytes18(0)));
        I.Opening memory o = opening(1, 1);
        o.provider = ESTATE;
        refuseOpen(o, abi.encodeWithSelector(notReceiver, BANK, ESTATE, 1, bytes18(0)));
    }

    function test_receiverOfAGrantThatEndedOpensToo() public {
        vm.prank(signerOf(BANK, LAW));
        sharing.close(1, DOCUMENT);
        open(1);
    }

    function test_datasetIsTheGrants() public {
        bytes4 mismatch = I.CorrectionRegistryDatasetMismatch.selector;
        I.Opening memory o = opening(1, 1);
        o.serial = 2;
        refuseOpen(o, abi.encodeWithSelector(mismatch, 2, 1, 1, 1));
        o = opening(1, 1);
        o.version = 2;
        refuseOpen(o, abi.encodeWithSelector(mismatch, 1, 2, 1, 1));
    }

    function test_targetEvidenceAndDocumentAreThere() public {
        I.Opening memory o = opening(1, 1);
        o.target = 0;
        refuseOpen(o, abi.encodeWithSelector(I.CorrectionRegistryTargetMissing.selector, BANK, 1));
        o = opening(1, 1);
        o.evidence = 0;
        refuseOpen(o, abi.encodeWithSelector(I.CorrectionRegistryEvidenceMissing.selector, BANK, 1));
        o = opening(1, 1);
        o.document = 0;
        bytes memory missing = abi.encodeWithSelector(I.CorrectionRegistryDocumentMissing.selector, BANK, 1);
        refuseOpen(o, missing);
        open(1);
        refuseAnswer(FUND, I.State.MAINTAINED, 0, missing); // no refusal without reasons
        refuseForward(FUND, ESTATE, 0, missing);
        vm.prank(signerOf(BANK, LAW));
        vm.expectRevert(missing);
        corrections.withdraw(1, 0);
    }

    // ---- answer ------------------------------------------------------------------------------------------------------

    function test_providerAnswersOnce() public {
        I.State[2] memory outcomes = [I.State.CORRECTED, I.State.MAINTAINED];
        for (uint64 i = 0; i < 2; ++i) {
            open(i + 1);
            vm.expectEmit(true, true, true, true, address(corrections));
            emit I.CorrectionAnswered(BANK, i + 1, outcomes[i], FUND, DOCUMENT);
            answer(FUND, i + 1, outcomes[i]);
            vm.assertEq(uint256(corrections.correctionOf(BANK, i + 1).state), uint256(outcomes[i]), "outcome");
            vm.assertEq(corrections.deadlineOf(BANK, i + 1), 0, "nobody has to answer");
        }
        refuseEverything(1, I.State.CORRECTED);
        refuseEverything(2, I.State.MAINTAINED);
    }

    function test_unknownAndWithdrawnAreNotAnswered() public {
        refuseEverything(1, I.State.NONE);
        open(1);
        vm.expectEmit(true, true, true, true, address(corrections));
        emit I.CorrectionWithdrawn(BANK, 1, DOCUMENT);
        vm.prank(signerOf(BANK, LAW));
        corrections.withdraw(1, DOCUMENT);
        refuseEverything(1, I.State.WITHDRAWN);
    }

    function test_onlyTheProviderAnswersOrForwards() public {
        open(1);
        bytes4 other = I.CorrectionRegistryNotAddressee.selector;
        refuseAnswer(BANK, I.State.CORRECTED, DOCUMENT, abi.encodeWithSelector(other, BANK, FUND));
        refuseAnswer(ESTATE, I.State.CORRECTED, DOCUMENT, abi.encodeWithSelector(other, ESTATE, FUND));
        refuseForward(BANK, ESTATE, DOCUMENT, abi.encodeWithSelector(other, BANK, FUND));
        refuseForward(ESTATE, BANK, DOCUMENT, abi.encodeWithSelector(other, ESTATE, FUND));
    }

    function test_outcomeIsCorrectedOrMaintained() public {
        open(1);
        I.State[4] memory others = [I.State.NONE, I.State.OPEN, I.State.FORWARDED, I.State.WITHDRAWN];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes4 unexpected = I.CorrectionRegistryOutcomeUnexpected.selector;
            refuseAnswer(FUND, others[i], DOCUMENT, abi.encodeWithSelector(unexpected, others[i]));
        }
    }

    // ---- forward -----------------------------------------------------------------------------------------------------

    function test_onceForwardedTheSourceAloneAnswers() public {
        open(1);
        vm.warp(START + 3 days);
        vm.expectEmit(true, true, true, true, address(corrections));
        emit I.CorrectionForwarded(BANK, 1, ESTATE, DOCUMENT);
        forward(ESTATE);
        I.Correction memory expected =
            I.Correction(I.State.FORWARDED, FUND, START, START + 3 days, false, false, ESTATE, 1, 1, 1);
        vm.assertEq(abi.encode(corrections.correctionOf(BANK, 1)), abi.encode(expected), "as forwarded");
        vm.assertEq(corrections.deadlineOf(BANK, 1), calendar.deadlineAfter(START + 3 days, 10), "anew");

        bytes4 other = I.CorrectionRegistryNotAddressee.selector;
        refuseAnswer(FUND, I.State.CORRECTED, DOCUMENT, abi.encodeWithSelector(other, FUND, ESTATE));
        bytes memory once =
            abi.encodeWithSelector(I.CorrectionRegistryStateUnexpected.selector, BANK, 1, I.State.FORWARDED);
        refuseForward(FUND, ESTATE, DOCUMENT, once);
        refuseForward(ESTATE, FUND, DOCUMENT, once);
        vm.expectEmit(true, true, true, true, address(corrections));
        emit I.CorrectionAnswered(BANK, 1, I.State.MAINTAINED, ESTATE, DOCUMENT);
        answer(ESTATE, 1, I.State.MAINTAINED);
        refuseEverything(1, I.State.MAINTAINED);
    }

    function test_sourceIsAnotherActiveDepartment() public {
        open(1);
        refuseForward(FUND, FUND, DOCUMENT, abi.encodeWithSelector(I.CorrectionRegistrySourceIsProvider.selector, FUND));
        bytes4 inactive = I.CorrectionRegistrySourceNotActive.selector;
        refuseForward(FUND, NOBODY, DOCUMENT, abi.encodeWithSelector(inactive, NOBODY));
        refuseForward(FUND, BANK, DOCUMENT, abi.encodeWithSelector(inactive, BANK)); // no department
        suspend(ESTATE);
        refuseForward(FUND, ESTATE, DOCUMENT, abi.encodeWithSelector(inactive, ESTATE));
    }

    function test_receiverWithdrawsAForwardedOne() public {
        open(1);
        forward(ESTATE);
        vm.prank(signerOf(BANK, LAW));
        corrections.withdraw(1, DOCUMENT);
        refuseEverything(1, I.State.WITHDRAWN);
    }

    // ---- clocks ------------------------------------------------------------------------------------------------------

    function test_providerIsOverdueFromTheDeadlineOnOnce() public {
        open(1);
        vm.warp(DEADLINE - 1);
        bytes4 early = I.CorrectionRegistryNotOverdue.selector;
        refuseOverdue(abi.encodeWithSelector(early, DEADLINE, DEADLINE - 1));
        vm.warp(DEADLINE);
        vm.expectEmit(true, true, true, true, address(corrections));
        emit I.CorrectionOverdue(BANK, 1, FUND, DEADLINE, ESTATE);
        recordOverdue();
        vm.assertTrue(corrections.correctionOf(BANK, 1).providerOverdue, "recorded");
        refuseOverdue(abi.encodeWithSelector(I.CorrectionRegistryOverdueRecorded.selector, BANK, 1, FUND));
        answer(FUND, 1, I.State.CORRECTED); // late, but an answer
        vm.assertTrue(corrections.correctionOf(BANK, 1).providerOverdue, "stays recorded");
    }

    function test_sourceHasAClockOfItsOwn() public {
        open(1);
        vm.warp(DEADLINE + 5 days);
        recordOverdue();
        forward(ESTATE);
        uint40 deadline = corrections.deadlineOf(BANK, 1);
        bytes4 early = I.CorrectionRegistryNotOverdue.selector;
        refuseOverdue(abi.encodeWithSelector(early, deadline, block.timestamp));
        vm.warp(deadline);
        vm.expectEmit(true, true, true, true, address(corrections));
        emit I.CorrectionOverdue(BANK, 1, ESTATE, deadline, ESTATE);
        recordOverdue();
        I.Correction memory found = corrections.correctionOf(BANK, 1);
        vm.assertTrue(found.providerOverdue && found.sourceOverdue, "both");
        refuseOverdue(abi.encodeWithSelector(I.CorrectionRegistryOverdueRecorded.selector, BANK, 1, ESTATE));
    }

    function test_missingYearStopsNothingButOverdueCalls() public {
        vm.warp(START + 250 days);
        open(1);
        forward(ESTATE);
        refuseOverdue(abi.encodeWithSelector(IWorkCalendar.WorkCalendarYearNotLoaded.selector, 2027));
        answer(ESTATE, 1, I.State.CORRECTED);
        open(2);
        vm.prank(signerOf(BANK, LAW));
        corrections.withdraw(2, DOCUMENT);
    }

    function testFuzz_nobodyIsLateBeforeTheDeadline(uint40 opened, uint40 handed, uint40 later, bool forwarded) public {
        opened = uint40(clamp(opened, START, START + 140 days));
        vm.warp(opened);
        open(1);
        uint40 start = opened;
        if (forwarded) {
            start = uint40(clamp(handed, opened, opened + 40 days));
            vm.warp(start);
            forward(ESTATE);
        }
        uint40 time = uint40(clamp(later, start, start + 30 days));
        vm.warp(time);
        uint40 deadline = calendar.deadlineAfter(start, 10);
        vm.assertEq(corrections.deadlineOf(BANK, 1), deadline, "deadline");
        bytes4 early = I.CorrectionRegistryNotOverdue.selector;
        if (time < deadline) refuseOverdue(abi.encodeWithSelector(early, deadline, time));
        else recordOverdue();
    }

    // ---- suspended ---------------------------------------------------------------------------------------------------

    function test_suspendedDepartmentsActNot() public {
        open(1);
        suspend(FUND);
        bytes memory shut = abi.encodeWithSelector(I.CorrectionRegistryDepartmentSuspended.selector, FUND);
        refuseAnswer(FUND, I.State.CORRECTED, DOCUMENT, shut);
        refuseForward(FUND, ESTATE, DOCUMENT, shut);
        suspend(BANK);
        shut = abi.encodeWithSelector(I.CorrectionRegistryDepartmentSuspended.selector, BANK);
        refuseOpen(opening(2, 1), shut);
        vm.prank(signerOf(BANK, LAW));
        vm.expectRevert(shut);
        corrections.withdraw(1, DOCUMENT);
    }

    // ---- helpers -----------------------------------------------------------------------------------------------------

    function open(uint64 number) private {
        vm.prank(signerOf(BANK, LAW));
        corrections.open(opening(number, 1));
    }

    function answer(bytes18 department, uint64 number, I.State outcome) private {
        vm.prank(signerOf(department, LAW));
        corrections.answer(BANK, number, outcome, DOCUMENT);
    }

    function forward(bytes18 source) private {
        vm.prank(signerOf(FUND, LAW));
        corrections.forward(BANK, 1, source, DOCUMENT);
    }

    function recordOverdue() private {
        vm.prank(signerOf(ESTATE, ANCHOR)); // any registered signer may
        corrections.recordOverdue(BANK, 1);
    }

    function refuseOpen(I.Opening memory o, bytes memory reason) private {
        vm.prank(signerOf(BANK, LAW));
        vm.expectRevert(reason);
        corrections.open(o);
    }

    function refuseAnswer(bytes18 department, I.State outcome, bytes32 document, bytes memory reason) private {
        vm.prank(signerOf(department, LAW));
        vm.expectRevert(reason);
        corrections.answer(BANK, 1, outcome, document);
    }

    function refuseForward(bytes18 department, bytes18 source, bytes32 document, bytes memory reason) private {
        vm.prank(signerOf(department, LAW));
        vm.expectRevert(reason);
        corrections.forward(BANK, 1, source, document);
    }

    function refuseOverdue(bytes memory reason) private {
        vm.prank(signerOf(ESTATE, ANCHOR));
        vm.expectRevert(reason);
        corrections.recordOverdue(BANK, 1);
    }

    /// @dev Nothing can be done with correction `number`, which is in state `state`.
    function refuseEverything(uint64 number, I.State state) private {
        bytes memory reason =
            abi.encodeWithSelector(I.CorrectionRegistryStateUnexpected.selector, BANK, number, state);
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(reason);
        corrections.answer(BANK, number, I.State.CORRECTED, DOCUMENT);
        vm.expectRevert(reason);
        corrections.forward(BANK, number, ESTATE, DOCUMENT);
        vm.expectRevert(reason);
        corrections.recordOverdue(BANK, number);
        vm.stopPrank();
        vm.prank(signerOf(BANK, LAW));
        vm.expectRevert(reason);
        corrections.withdraw(number, DOCUMENT);
    }
}
