// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {IDatasetCatalog} from "../../src/interfaces/IDatasetCatalog.sol";
import {ISharingRegistry as I} from "../../src/interfaces/ISharingRegistry.sol";

/// @title SharingRegistry: every condition with its exact error, narrowing as a subset relation, term
contract SharingRegistryTest is Fixture {
    uint256 private constant FIELDS = 0x3ff;
    uint256 private constant VERIFIABLE = 0x0f;
    uint256 private constant VIEWS = 0x03;

    function setUp() public override {
        super.setUp();
        publishDataset(1, 1);
    }

    function test_givenGrantIsReadable() public {
        give(1, terms());
        I.Grant memory found = sharing.grantOf(FUND, 1);
        vm.assertEq(uint256(found.state), uint256(I.State.ACTIVE), "state");
        vm.assertEq(bytes32(found.receiver), bytes32(BANK), "receiver");
        vm.assertEq(found.serial, 1, "serial");
        vm.assertEq(found.version, 1, "version");
        vm.assertEq(abi.encode(found.terms), abi.encode(terms()), "terms");
    }

    function testFuzz_runsInsideItsTermUntilRevoked(uint40 from, uint40 to, uint40 time) public {
        vm.assume(from < to);
        I.Terms memory t = terms();
        (t.validFrom, t.validTo) = (from, to);
        give(1, t);
        vm.assertEq(sharing.isRunningAt(FUND, 1, time), from <= time && time < to, "inside the term");
        vm.assertTrue(sharing.isRunningAt(FUND, 1, from), "first second");
        vm.assertFalse(sharing.isRunningAt(FUND, 1, to), "second after the last");
        vm.assertFalse(sharing.isRunningAt(FUND, 2, time), "another number");
        vm.prank(signerOf(FUND, LAW));
        sharing.revoke(1, 3);
        vm.assertFalse(sharing.isRunningAt(FUND, 1, from), "revoked");
    }

    // ---- grant -----------------------------------------------------------------------------------------------------

    function test_numberIsUsedOnce() public {
        give(1, terms());
        refuseGive(terms(), abi.encodeWithSelector(I.SharingRegistryNumberTaken.selector, FUND, 1, I.State.ACTIVE));
        vm.prank(signerOf(FUND, LAW));
        sharing.revoke(1, 0);
        refuseGive(terms(), abi.encodeWithSelector(I.SharingRegistryNumberTaken.selector, FUND, 1, I.State.REVOKED));
    }

    function test_receiverIsAnotherActiveOne() public {
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryReceiverIsProvider.selector, FUND));
        sharing.grant(1, FUND, 1, 1, terms());
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryReceiverNotActive.selector, NOBODY));
        sharing.grant(1, NOBODY, 1, 1, terms());
        vm.stopPrank();
        suspend(BANK);
        refuseGive(terms(), abi.encodeWithSelector(I.SharingRegistryReceiverNotActive.selector, BANK));
    }

    function test_datasetIsPublishedAndShared() public {
        vm.startPrank(signerOf(FUND, LAW));
        refuseDataset(2, IDatasetCatalog.State.NONE);
        IDatasetCatalog.Proposal memory p = proposal(2, 1);
        p.shareType = 3;
        p.noShareBasis = keccak256("basis");
        catalog.propose(p);
        refuseDataset(2, IDatasetCatalog.State.PROPOSED);
        vm.stopPrank();
        vm.startPrank(authority);
        catalog.publish(FUND, 2, 1, DOCUMENT);
        catalog.retire(FUND, 1, 1, DOCUMENT);
        vm.stopPrank();
        vm.startPrank(signerOf(FUND, LAW));
        refuseDataset(1, IDatasetCatalog.State.RETIRED);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryDatasetNotShared.selector, FUND, 2, 1));
        sharing.grant(1, BANK, 2, 1, terms());
        vm.stopPrank();
    }

    function testFuzz_masksStayInsideTheEntry(uint256 verify, uint256 query, uint256 answer, uint256 batch_) public {
        I.Terms memory t = terms();
        // small masks, so that good ones are drawn often enough
        (t.verifyMask, t.queryMask) = (verify % 32, query % 2048);
        (t.answerMask, t.batchMask) = (answer % 8, batch_ % 2048);
        bytes4 outside = I.SharingRegistryMaskOutOfRange.selector;
        if (t.verifyMask | t.queryMask | t.answerMask | t.batchMask == 0) {
            refuseGive(t, abi.encodeWithSelector(I.SharingRegistryMasksEmpty.selector));
        } else if (t.verifyMask & ~VERIFIABLE != 0) {
            refuseGive(t, abi.encodeWithSelector(outside, I.Mode.VERIFY, t.verifyMask, VERIFIABLE));
        } else if (t.queryMask & ~FIELDS != 0) {
            refuseGive(t, abi.encodeWithSelector(outside, I.Mode.QUERY, t.queryMask, FIELDS));
        } else if (t.answerMask & ~VIEWS != 0) {
            refuseGive(t, abi.encodeWithSelector(outside, I.Mode.ANSWER, t.answerMask, VIEWS));
        } else if (t.batchMask & ~FIELDS != 0) {
            refuseGive(t, abi.encodeWithSelector(outside, I.Mode.BATCH, t.batchMask, FIELDS));
        } else {
            give(1, t);
        }
    }

    function test_oneMaskIsEnoughAndNoneIsNot() public {
        I.Terms memory t = terms();
        (t.verifyMask, t.queryMask, t.answerMask, t.batchMask) = (0, 0, 0, 0);
        refuseGive(t, abi.encodeWithSelector(I.SharingRegistryMasksEmpty.selector));
        t.answerMask = 2;
        give(1, t);
    }

    function test_purposesAreCatalogued() public {
        I.Terms memory t = terms();
        t.purposes = new bytes32[](0);
        refuseGive(t, abi.encodeWithSelector(I.SharingRegistryPurposeCountOutOfRange.selector, 0, 16));
        t.purposes = new bytes32[](17);
        refuseGive(t, abi.encodeWithSelector(I.SharingRegistryPurposeCountOutOfRange.selector, 17, 16));
        t.purposes = new bytes32[](2);
        (t.purposes[0], t.purposes[1]) = (PURPOSE, "ELSE");
        refuseGive(t, abi.encodeWithSelector(I.SharingRegistryPurposeNotAllowed.selector, bytes32("ELSE")));
    }

    function test_scenariosAreNamedUnlessStanding() public {
        I.Terms memory t = terms();
        bytes4 count = I.SharingRegistryScenarioCountOutOfRange.selector;
        t.scenarios = new bytes32[](9);
        refuseGive(t, abi.encodeWithSelector(count, 9, 1, 8));
        t.scenarios = new bytes32[](0);
        refuseGive(t, abi.encodeWithSelector(count, 0, 1, 8));
        t.standing = true;
        give(1, t);
        t.scenarios = new bytes32[](9);
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(count, 9, 0, 8));
        sharing.grant(2, BANK, 1, 1, t);
    }

    function test_termAndUses() public {
        I.Terms memory t = terms();
        t.validTo = t.validFrom;
        refuseGive(t, abi.encodeWithSelector(I.SharingRegistryTermEmpty.selector, t.validFrom, t.validFrom));
        t = terms();
        t.usesPerCase = 0;
        refuseGive(t, abi.encodeWithSelector(I.SharingRegistryUsesOutOfRange.selector, 0, type(uint32).max));
    }

    // ---- narrow ----------------------------------------------------------------------------------------------------

    function testFuzz_narrowMasksAreSubsets(uint256 verify, uint256 query, uint256 answer, uint256 batch_) public {
        I.Terms memory before = terms();
        give(1, before);
        I.Terms memory t = terms();
        (t.verifyMask, t.queryMask) = (verify % 8, before.queryMask & query | (query % 7 == 0 ? 1 : 0));
        (t.answerMask, t.batchMask) = (answer % 5, before.batchMask & batch_);
        vm.assume(t.verifyMask | t.queryMask | t.answerMask | t.batchMask != 0);
        bytes4 outside = I.SharingRegistryMaskOutOfRange.selector;
        if (t.verifyMask & ~before.verifyMask != 0) {
            refuseNarrow(t, abi.encodeWithSelector(outside, I.Mode.VERIFY, t.verifyMask, before.verifyMask));
        } else if (t.queryMask & ~before.queryMask != 0) {
            refuseNarrow(t, abi.encodeWithSelector(outside, I.Mode.QUERY, t.queryMask, before.queryMask));
        } else if (t.answerMask & ~before.answerMask != 0) {
            refuseNarrow(t, abi.encodeWithSelector(outside, I.Mode.ANSWER, t.answerMask, before.answerMask));
        } else {
            narrow(t);
            vm.assertEq(abi.encode(sharing.grantOf(FUND, 1).terms), abi.encode(t), "narrowed");
        }
    }

    function test_narrowBatchMask() public {
        give(1, terms());
        I.Terms memory t = terms();
        t.batchMask = 0x301;
        refuseNarrow(t, abi.encodeWithSelector(I.SharingRegistryMaskOutOfRange.selector, I.Mode.BATCH, 0x301, 0x300));
    }

    function test_narrowListsAreSubsets() public {
        I.Terms memory t = terms();
        t.purposes = oneId(PURPOSE);
        t.scenarios = oneId(SCENARIO);
        give(1, t);
        t.purposes = oneId(OTHER_PURPOSE); // the catalogue names it, this grant does not
        refuseNarrow(t, abi.encodeWithSelector(I.SharingRegistryPurposeNotAllowed.selector, OTHER_PURPOSE));
        t.purposes = oneId(PURPOSE);
        t.scenarios = oneId(OTHER_SCENARIO);
        refuseNarrow(t, abi.encodeWithSelector(I.SharingRegistryScenarioNotAllowed.selector, OTHER_SCENARIO));
    }

    function test_narrowedListsAreShorterInStorageToo() public {
        give(1, terms());
        I.Terms memory t = terms();
        t.purposes = oneId(OTHER_PURPOSE);
        t.scenarios = oneId(OTHER_SCENARIO);
        narrow(t);
        vm.assertEq(abi.encode(sharing.grantOf(FUND, 1).terms), abi.encode(t), "only the second of each");
    }

    function testFuzz_narrowTermAndUses(uint40 from, uint40 to, uint32 uses) public {
        I.Terms memory before = terms();
        give(1, before);
        I.Terms memory t = terms();
        t.validFrom = uint40(clamp(from, before.validFrom - 10, before.validTo + 10));
        t.validTo = uint40(clamp(to, before.validFrom - 10, before.validTo + 10));
        t.usesPerCase = uint32(clamp(uses, 1, 2 * before.usesPerCase));
        if (t.validFrom >= t.validTo) {
            refuseNarrow(t, abi.encodeWithSelector(I.SharingRegistryTermEmpty.selector, t.validFrom, t.validTo));
        } else if (t.validFrom < before.validFrom || t.validTo > before.validTo) {
            bytes4 widened = I.SharingRegistryTermWidened.selector;
            refuseNarrow(t, abi.encodeWithSelector(widened, t.validFrom, t.validTo, before.validFrom, before.validTo));
        } else if (t.usesPerCase > before.usesPerCase) {
            bytes4 range = I.SharingRegistryUsesOutOfRange.selector;
            refuseNarrow(t, abi.encodeWithSelector(range, t.usesPerCase, before.usesPerCase));
        } else {
            narrow(t);
        }
    }

    function test_narrowEndsStandingUseOnly() public {
        I.Terms memory t = terms();
        t.standing = true;
        give(1, t);
        t.standing = false;
        narrow(t);
        t.standing = true;
        refuseNarrow(t, abi.encodeWithSelector(I.SharingRegistryStandingAdded.selector, FUND, 1));
    }

    function test_narrowedTermsAreStillWellFormed() public {
        give(1, terms());
        I.Terms memory t = terms();
        (t.verifyMask, t.queryMask, t.answerMask, t.batchMask) = (0, 0, 0, 0);
        refuseNarrow(t, abi.encodeWithSelector(I.SharingRegistryMasksEmpty.selector));
        t = terms();
        t.purposes = new bytes32[](0);
        refuseNarrow(t, abi.encodeWithSelector(I.SharingRegistryPurposeCountOutOfRange.selector, 0, 16));
        t = terms();
        t.scenarios = new bytes32[](0);
        refuseNarrow(t, abi.encodeWithSelector(I.SharingRegistryScenarioCountOutOfRange.selector, 0, 1, 8));
    }

    // ---- revoke ----------------------------------------------------------------------------------------------------

    function test_revokedIsForEver() public {
        bytes4 inactive = I.SharingRegistryGrantNotActive.selector;
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(inactive, FUND, 1, I.State.NONE));
        sharing.revoke(1, 0);
        sharing.grant(1, BANK, 1, 1, terms());
        sharing.revoke(1, 0);
        vm.expectRevert(abi.encodeWithSelector(inactive, FUND, 1, I.State.REVOKED));
        sharing.revoke(1, 0);
        vm.expectRevert(abi.encodeWithSelector(inactive, FUND, 1, I.State.REVOKED));
        sharing.narrow(1, terms());
        vm.stopPrank();
    }

    // ---- helpers ---------------------------------------------------------------------------------------------------

    function give(uint64 number, I.Terms memory t) private {
        vm.prank(signerOf(FUND, LAW));
        sharing.grant(number, BANK, 1, 1, t);
    }

    function narrow(I.Terms memory t) private {
        vm.prank(signerOf(FUND, LAW));
        sharing.narrow(1, t);
    }

    function refuseGive(I.Terms memory t, bytes memory reason) private {
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(reason);
        sharing.grant(1, BANK, 1, 1, t);
    }

    function refuseNarrow(I.Terms memory t, bytes memory reason) private {
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(reason);
        sharing.narrow(1, t);
    }

    /// @dev inside a started prank
    function refuseDataset(uint32 serial, IDatasetCatalog.State state) private {
        bytes4 selector = I.SharingRegistryDatasetNotPublished.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, FUND, serial, 1, state));
        sharing.grant(1, BANK, serial, 1, terms());
    }
}
