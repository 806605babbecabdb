// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {IDatasetCatalog as I} from "../../src/interfaces/IDatasetCatalog.sol";
import {IWorkCalendar} from "../../src/interfaces/IWorkCalendar.sol";

/// @title DatasetCatalog: review and update clocks, who starts, extends and ends them, lateness as a fact
contract DatasetClocksTest is Fixture {
    /// @dev two and ten working days after Friday 2026-05-29: the ends of Tuesday 06-02 and Friday 06-12, UTC+8
    uint40 private constant REVIEW_DEADLINE = 1_780_416_000;
    uint40 private constant UPDATE_DEADLINE = 1_781_280_000;

    function setUp() public override {
        super.setUp();
        loadYears();
        publishDataset(1, 1);
    }

    // ---- review ------------------------------------------------------------------------------------------------------

    function test_reviewClockRunsWhileProposed() public {
        vm.assertEq(catalog.reviewDeadlineOf(FUND, 7, 1), 0, "nobody proposed it");
        propose(7, 1);
        vm.assertEq(catalog.reviewDeadlineOf(FUND, 7, 1), REVIEW_DEADLINE, "two working days");
        vm.prank(authority);
        catalog.returnForChange(FUND, 7, 1, DOCUMENT);
        vm.assertEq(catalog.reviewDeadlineOf(FUND, 7, 1), 0, "returned");
        vm.warp(REVIEW_DEADLINE);
        propose(7, 1);
        uint40 again = calendar.deadlineAfter(REVIEW_DEADLINE, 2);
        vm.assertEq(catalog.reviewDeadlineOf(FUND, 7, 1), again, "anew with the second round");
        vm.prank(authority);
        catalog.publish(FUND, 7, 1, DOCUMENT);
        vm.assertEq(catalog.reviewDeadlineOf(FUND, 7, 1), 0, "published");
    }

    function test_reviewIsOverdueFromTheDeadlineOnOnceARound() public {
        propose(7, 1);
        vm.warp(REVIEW_DEADLINE - 1);
        bytes4 early = I.DatasetCatalogNotOverdue.selector;
        refuseReviewOverdue(7, 1, abi.encodeWithSelector(early, REVIEW_DEADLINE, REVIEW_DEADLINE - 1));
        vm.warp(REVIEW_DEADLINE);
        vm.expectEmit(true, true, true, true, address(catalog));
        emit I.DatasetReviewOverdue(FUND, 7, 1, REVIEW_DEADLINE, BANK);
        recordReviewOverdue(7, 1);
        vm.assertTrue(catalog.entryOf(FUND, 7, 1).reviewOverdue, "recorded");
        refuseReviewOverdue(7, 1, abi.encodeWithSelector(I.DatasetCatalogOverdueRecorded.selector, FUND, 7));

        vm.prank(authority);
        catalog.returnForChange(FUND, 7, 1, DOCUMENT);
        propose(7, 1);
        vm.assertFalse(catalog.entryOf(FUND, 7, 1).reviewOverdue, "a new round is not late yet");
        vm.warp(catalog.reviewDeadlineOf(FUND, 7, 1));
        recordReviewOverdue(7, 1);
        vm.prank(authority);
        catalog.publish(FUND, 7, 1, DOCUMENT); // late, but lawful
        vm.assertTrue(catalog.entryOf(FUND, 7, 1).reviewOverdue, "stays recorded");
    }

    function test_onlyAProposedEntryIsUnderReview() public {
        bytes4 unexpected = I.DatasetCatalogStateUnexpected.selector;
        vm.warp(REVIEW_DEADLINE);
        refuseReviewOverdue(7, 1, abi.encodeWithSelector(unexpected, I.State.NONE, I.State.PROPOSED));
        refuseReviewOverdue(1, 1, abi.encodeWithSelector(unexpected, I.State.PUBLISHED, I.State.PROPOSED));
    }

    // ---- update ------------------------------------------------------------------------------------------------------

    function test_ownerOrAuthorityOpensAnUpdate() public {
        vm.assertEq(catalog.updateDeadlineOf(FUND, 1), 0, "none runs");
        vm.expectEmit(true, true, true, true, address(catalog));
        emit I.DatasetUpdateOpened(FUND, 1, false, DOCUMENT);
        openUpdate();
        vm.assertEq(catalog.updateDeadlineOf(FUND, 1), UPDATE_DEADLINE, "ten working days");
        vm.assertEq(catalog.serialOf(FUND, 1).updateOpenedAt, START, "opened at");
        bytes memory open = abi.encodeWithSelector(I.DatasetCatalogUpdateOpen.selector, FUND, 1, START);
        vm.expectRevert(open);
        vm.prank(authority);
        catalog.openUpdate(FUND, 1, DOCUMENT);

        publishDataset(2, 1);
        vm.expectEmit(true, true, true, true, address(catalog));
        emit I.DatasetUpdateOpened(FUND, 2, true, DOCUMENT);
        vm.prank(authority);
        catalog.openUpdate(FUND, 2, DOCUMENT);
    }

    function test_nobodyElseOpensAnUpdate() public {
        vm.prank(signerOf(ESTATE, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.DatasetCatalogNotOwner.selector, ESTATE, FUND));
        catalog.openUpdate(FUND, 1, DOCUMENT);
        suspend(FUND);
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.DatasetCatalogDepartmentSuspended.selector, FUND));
        catalog.openUpdate(FUND, 1, DOCUMENT);
    }

    function test_onlyAPublishedEntryIsUpdated() public {
        bytes memory nothing = abi.encodeWithSelector(I.DatasetCatalogNothingPublished.selector, FUND, 2);
        refuseUpdate(2, nothing);
        propose(2, 1);
        refuseUpdate(2, nothing);
        vm.startPrank(authority);
        catalog.publish(FUND, 2, 1, DOCUMENT);
        vm.assertEq(catalog.serialOf(FUND, 2).publishedVersions, 1, "one");
        catalog.retire(FUND, 2, 1, DOCUMENT);
        vm.assertEq(catalog.serialOf(FUND, 2).publishedVersions, 0, "none");
        vm.stopPrank();
        refuseUpdate(2, nothing);
    }

    function test_updateIsExtendedOnce() public {
        bytes memory none = abi.encodeWithSelector(I.DatasetCatalogUpdateNotOpen.selector, FUND, 1);
        refuseExtension(none);
        openUpdate();
        extend();
        vm.assertTrue(catalog.serialOf(FUND, 1).updateExtended, "extended");
        vm.assertEq(catalog.updateDeadlineOf(FUND, 1), calendar.deadlineAfter(START, 15), "five working days more");
        refuseExtension(abi.encodeWithSelector(I.DatasetCatalogUpdateAlreadyExtended.selector, FUND, 1));
    }

    function test_updateIsOverdueFromTheDeadlineOnOnce() public {
        openUpdate();
        vm.warp(UPDATE_DEADLINE - 1);
        bytes4 early = I.DatasetCatalogNotOverdue.selector;
        refuseUpdateOverdue(abi.encodeWithSelector(early, UPDATE_DEADLINE, UPDATE_DEADLINE - 1));
        vm.warp(UPDATE_DEADLINE);
        extend();
        uint40 extended = catalog.updateDeadlineOf(FUND, 1);
        refuseUpdateOverdue(abi.encodeWithSelector(early, extended, UPDATE_DEADLINE));
        vm.warp(extended);
        vm.expectEmit(true, true, true, true, address(catalog));
        emit I.DatasetUpdateOverdue(FUND, 1, extended, BANK);
        recordUpdateOverdue();
        vm.assertTrue(catalog.serialOf(FUND, 1).updateOverdue, "recorded");
        refuseUpdateOverdue(abi.encodeWithSelector(I.DatasetCatalogOverdueRecorded.selector, FUND, 1));
    }

    function test_lateUpdateIsNotExtended() public {
        openUpdate();
        vm.warp(UPDATE_DEADLINE);
        recordUpdateOverdue();
        refuseExtension(abi.encodeWithSelector(I.DatasetCatalogOverdueRecorded.selector, FUND, 1));
    }

    function test_newVersionEndsTheUpdate() public {
        openUpdate();
        extend();
        vm.warp(catalog.updateDeadlineOf(FUND, 1));
        recordUpdateOverdue();
        propose(1, 2);
        vm.assertEq(catalog.updateDeadlineOf(FUND, 1), 0, "no clock");
        bytes memory whole = abi.encode(catalog.serialOf(FUND, 1));
        vm.assertEq(whole, abi.encode(I.Serial(1, 0, false, false)), "nothing of the old clock is left");
        refuseUpdateOverdue(abi.encodeWithSelector(I.DatasetCatalogUpdateNotOpen.selector, FUND, 1));
        openUpdate();
        vm.assertEq(catalog.updateDeadlineOf(FUND, 1), calendar.deadlineAfter(uint40(block.timestamp), 10), "anew");
    }

    function test_retiringTheLastPublishedVersionEndsTheUpdate() public {
        publishDataset(1, 2);
        openUpdate();
        vm.startPrank(authority);
        catalog.retire(FUND, 1, 1, DOCUMENT);
        vm.assertEq(catalog.updateDeadlineOf(FUND, 1), UPDATE_DEADLINE, "version 2 is still published");
        catalog.retire(FUND, 1, 2, DOCUMENT);
        vm.assertEq(catalog.updateDeadlineOf(FUND, 1), 0, "nothing left to update");
        vm.stopPrank();
    }

    // ---- the calendar ------------------------------------------------------------------------------------------------

    function test_missingYearStopsNothingButOverdueCalls() public {
        vm.warp(START + 250 days);
        propose(7, 1);
        vm.startPrank(authority);
        catalog.returnForChange(FUND, 7, 1, DOCUMENT);
        vm.stopPrank();
        propose(7, 1);
        vm.prank(authority);
        catalog.publish(FUND, 7, 1, DOCUMENT);
        openUpdate();
        extend();
        propose(8, 1);
        bytes memory missing = abi.encodeWithSelector(IWorkCalendar.WorkCalendarYearNotLoaded.selector, 2027);
        refuseReviewOverdue(8, 1, missing);
        refuseUpdateOverdue(missing);
    }

    function testFuzz_nobodyIsLateBeforeTheDeadline(uint40 started, uint40 later) public {
        started = uint40(clamp(started, START, START + 150 days));
        vm.warp(started);
        propose(7, 1);
        openUpdate();
        uint256 now_ = clamp(later, started, started + 30 days);
        vm.warp(now_);
        uint40 review = calendar.deadlineAfter(started, 2);
        uint40 update = calendar.deadlineAfter(started, 10);
        bytes4 early = I.DatasetCatalogNotOverdue.selector;
        if (now_ < review) refuseReviewOverdue(7, 1, abi.encodeWithSelector(early, review, now_));
        else recordReviewOverdue(7, 1);
        if (now_ < update) refuseUpdateOverdue(abi.encodeWithSelector(early, update, now_));
        else recordUpdateOverdue();
    }

    // ---- helpers -----------------------------------------------------------------------------------------------------

    function propose(uint32 serial, uint16 version) private {
        vm.prank(signerOf(FUND, LAW));
        catalog.propose(proposal(serial, version));
    }

    function openUpdate() private {
        vm.prank(signerOf(FUND, LAW));
        catalog.openUpdate(FUND, 1, DOCUMENT);
    }

    function extend() private {
        vm.prank(authority);
        catalog.extendUpdate(FUND, 1, DOCUMENT);
    }

    function recordReviewOverdue(uint32 serial, uint16 version) private {
        vm.prank(signerOf(BANK, ANCHOR)); // any registered signer may
        catalog.recordReviewOverdue(FUND, serial, version);
    }

    function recordUpdateOverdue() private {
        vm.prank(signerOf(BANK, ANCHOR));
        catalog.recordUpdateOverdue(FUND, 1);
    }

    function refuseReviewOverdue(uint32 serial, uint16 version, bytes memory reason) private {
        vm.prank(signerOf(BANK, ANCHOR));
        vm.expectRevert(reason);
        catalog.recordReviewOverdue(FUND, serial, version);
    }

    function refuseUpdateOverdue(bytes memory reason) private {
        vm.prank(signerOf(BANK, ANCHOR));
        vm.expectRevert(reason);
        catalog.recordUpdateOverdue(FUND, 1);
    }

    function refuseUpdate(uint32 serial, bytes memory reason) private {
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(reason);
        catalog.openUpdate(FUND, serial, DOCUMENT);
    }

    function refuseExtension(bytes memory reason) private {
        vm.prank(authority);
        vm.expectRevert(reason);
        catalog.extendUpdate(FUND, 1, DOCUMENT);
    }
}
