// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {IDatasetCatalog} from "../../src/interfaces/IDatasetCatalog.sol";
import {IDepartmentRegistry} from "../../src/interfaces/IDepartmentRegistry.sol";
import {ISharingRegistry as I} from "../../src/interfaces/ISharingRegistry.sol";

/// @title SharingRegistry: what a request must say, what an answer may say, every condition with its exact error
/// @notice Which call is allowed in which state, and the clocks, are in SharingStates.t.sol.
contract SharingRegistryTest is Fixture {
    uint256 private constant FIELDS = 0x3ff;
    uint256 private constant VERIFIABLE = 0x0f;
    uint256 private constant VIEWS = 0x03;

    function setUp() public override {
        super.setUp();
        loadYears();
        publishDataset(1, 1);
    }

    // ---- submitting ------------------------------------------------------------------------------------------------

    function test_submittedRequestIsReadable() public {
        submitAs(ESTATE, application(20260924000001));
        I.Request memory found = sharing.requestOf(ESTATE, 20260924000001);
        vm.assertEq(uint256(found.state), uint256(I.State.SUBMITTED), "state");
        vm.assertEq(bytes32(found.provider), bytes32(FUND), "provider");
        vm.assertEq(found.serial, 1, "serial");
        vm.assertEq(found.version, 1, "version");
        vm.assertFalse(found.unconditional, "conditional");
        vm.assertEq(found.submittedAt, block.timestamp, "clock");
        vm.assertEq(found.termsHash, keccak256(abi.encode(terms())), "terms");
        vm.assertEq(sharing.grantOf(FUND, 1).receiver == 0, true, "no grant yet");
    }

    function test_numberHasFourteenDigitsAndIsUsedOnce() public {
        uint64 limit = 99_999_999_999_999;
        refuseSubmit(application(0), abi.encodeWithSelector(I.SharingRegistryNumberOutOfRange.selector, 0, limit));
        refuseSubmit(
            application(limit + 1), abi.encodeWithSelector(I.SharingRegistryNumberOutOfRange.selector, limit + 1, limit)
        );
        submitAs(ESTATE, application(limit));
        refuseSubmit(
            application(limit),
            abi.encodeWithSelector(I.SharingRegistryNumberTaken.selector, ESTATE, limit, I.State.SUBMITTED)
        );
    }

    function test_legalBasisAndDocumentAreNeeded() public {
        I.Application memory a = application(1);
        a.legalBasis = 0;
        refuseSubmit(a, abi.encodeWithSelector(I.SharingRegistryLegalBasisMissing.selector, ESTATE, 1));
        a = application(1);
        a.document = 0;
        refuseSubmit(a, abi.encodeWithSelector(I.SharingRegistryDocumentMissing.selector, ESTATE, 1));
    }

    function test_ownDataNeedsNoRequest() public {
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryRequesterIsProvider.selector, FUND));
        sharing.submit(application(1));
    }

    function test_datasetIsPublishedAndShared() public {
        I.Application memory a = application(1);
        a.version = 2;
        refuseSubmit(a, notPublished(1, 2, IDatasetCatalog.State.NONE));
        vm.prank(signerOf(FUND, LAW));
        catalog.propose(proposal(1, 2));
        refuseSubmit(a, notPublished(1, 2, IDatasetCatalog.State.PROPOSED));
        vm.prank(authority);
        catalog.retire(FUND, 1, 1, DOCUMENT);
        refuseSubmit(application(1), notPublished(1, 1, IDatasetCatalog.State.RETIRED));
        publishShared(2, 3);
        a = application(1);
        a.serial = 2;
        refuseSubmit(a, abi.encodeWithSelector(I.SharingRegistryDatasetNotShared.selector, FUND, 2, 1));
    }

    function testFuzz_masksStayInsideTheEntry(uint256 verify, uint256 query, uint256 answer, uint256 batch_) public {
        I.Application memory a = application(1);
        // small masks, so that good ones are drawn often enough
        (a.terms.verifyMask, a.terms.queryMask) = (verify % 32, query % 2048);
        (a.terms.answerMask, a.terms.batchMask) = (answer % 8, batch_ % 2048);
        bytes memory expected = scopeFault(scopeOf(a.terms), I.Scope(VERIFIABLE, FIELDS, VIEWS, FIELDS));
        if (expected.length != 0) refuseSubmit(a, expected);
        else submitAs(ESTATE, a);
    }

    function test_purposesAreCatalogued() public {
        I.Application memory a = application(1);
        a.terms.purposes = new bytes32[](0);
        refuseSubmit(a, abi.encodeWithSelector(I.SharingRegistryPurposeCountOutOfRange.selector, 0, 16));
        a.terms.purposes = new bytes32[](17);
        refuseSubmit(a, abi.encodeWithSelector(I.SharingRegistryPurposeCountOutOfRange.selector, 17, 16));
        a.terms.purposes = oneId("ELSE");
        refuseSubmit(a, abi.encodeWithSelector(I.SharingRegistryPurposeNotAllowed.selector, bytes32("ELSE")));
        publishShared(2, 1);
        a.serial = 2;
        submitAs(ESTATE, a); // property 1: every purpose
    }

    function test_scenariosTermAndUses() public {
        I.Application memory a = application(1);
        a.terms.scenarios = new bytes32[](0);
        refuseSubmit(a, abi.encodeWithSelector(I.SharingRegistryScenarioCountOutOfRange.selector, 0, 1, 8));
        a.terms.scenarios = new bytes32[](9);
        refuseSubmit(a, abi.encodeWithSelector(I.SharingRegistryScenarioCountOutOfRange.selector, 9, 1, 8));
        a = application(1);
        (a.terms.validFrom, a.terms.validTo) = (1_790_000_000, 1_780_000_000);
        refuseSubmit(
            a, abi.encodeWithSelector(I.SharingRegistryTermEmpty.selector, 1_790_000_000, 1_780_000_000)
        );
        (a.terms.validFrom, a.terms.validTo) = (1, uint40(block.timestamp));
        refuseSubmit(
            a, abi.encodeWithSelector(I.SharingRegistryTermPast.selector, block.timestamp, block.timestamp)
        );
        a = application(1);
        a.terms.usesPerCase = 0;
        refuseSubmit(
            a, abi.encodeWithSelector(I.SharingRegistryUsesOutOfRange.selector, 0, type(uint32).max)
        );
    }

    // ---- answering -------------------------------------------------------------------------------------------------

    function test_answerGivesNotMoreThanAsked() public {
        submitAs(ESTATE, application(1));
        I.Scope memory scope = scopeOf(terms());
        scope.queryMask |= 1;
        refuseAgree(scope, 0, I.Cover.NONE, scopeFault(scope, scopeOf(terms())));
        refuseAgree(
            I.Scope(0, 0, 0, 0), 1, I.Cover.NONE, abi.encodeWithSelector(I.SharingRegistryMasksEmpty.selector)
        );
    }

    function test_termsOfTheAnswerAreThoseOfTheRequest() public {
        submitAs(ESTATE, application(1));
        I.Terms memory other = terms();
        other.usesPerCase += 1;
        bytes memory expected = abi.encodeWithSelector(
            I.SharingRegistryTermsMismatch.selector, keccak256(abi.encode(other)), keccak256(abi.encode(terms()))
        );
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(expected);
        sharing.agree(ESTATE, 1, other, scopeOf(other), 0, I.Cover.NONE, DOCUMENT);
    }

    function test_partOfItNeedsGroundsAndAllOfItHasNone() public {
        submitAs(ESTATE, application(1));
        I.Scope memory part = scopeOf(terms());
        part.queryMask &= 0x0f0;
        refuseAgree(part, 0, I.Cover.NONE, abi.encodeWithSelector(I.SharingRegistryGroundsOutOfRange.selector, 0, 7));
        refuseAgree(part, 8, I.Cover.NONE, abi.encodeWithSelector(I.SharingRegistryGroundsOutOfRange.selector, 8, 7));
        refuseAgree(
            scopeOf(terms()), 1, I.Cover.NONE, abi.encodeWithSelector(I.SharingRegistryGroundsOutOfRange.selector, 1, 0)
        );
        vm.prank(signerOf(FUND, LAW));
        sharing.agree(ESTATE, 1, terms(), part, 5, I.Cover.NONE, DOCUMENT);
        vm.assertTrue(sharing.requestOf(ESTATE, 1).partialAnswer, unicode"部分同意");
        I.Terms memory agreed = terms();
        agreed.queryMask = part.queryMask;
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(
            abi.encodeWithSelector(
                I.SharingRegistryTermsMismatch.selector, keccak256(abi.encode(terms())), keccak256(abi.encode(agreed))
            )
        );
        sharing.deliver(ESTATE, 1, 1, terms(), DOCUMENT);
        sharing.deliver(ESTATE, 1, 1, agreed, DOCUMENT);
        vm.stopPrank();
        vm.assertEq(abi.encode(sharing.grantOf(FUND, 1).terms), abi.encode(agreed), "only what was agreed");
    }

    function test_refusalNeedsGrounds() public {
        submitAs(ESTATE, application(1));
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryGroundsOutOfRange.selector, 0, 7));
        sharing.refuse(ESTATE, 1, 0, DOCUMENT);
        sharing.refuse(ESTATE, 1, 7, DOCUMENT);
        vm.stopPrank();
    }

    function test_unconditionalIsNeitherRefusedNorCutNorExtended() public {
        publishShared(2, 1);
        I.Application memory a = application(1);
        a.serial = 2;
        submitAs(ESTATE, a);
        vm.assertTrue(sharing.requestOf(ESTATE, 1).unconditional, "property 1");
        bytes memory expected = abi.encodeWithSelector(I.SharingRegistryUnconditional.selector, ESTATE, 1);
        vm.expectRevert(expected);
        vm.prank(signerOf(FUND, LAW));
        sharing.flagScope(ESTATE, 1, DOCUMENT);
        I.Scope memory part = scopeOf(terms());
        part.queryMask = 0;
        refuseAgree(part, 1, I.Cover.NONE, expected);
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(expected);
        sharing.refuse(ESTATE, 1, 1, DOCUMENT);
        vm.expectRevert(expected);
        sharing.askExtension(ESTATE, 1, 1, DOCUMENT);
        vm.stopPrank();
        agreeTo(ESTATE, 1, terms());
    }

    function test_completionIsAskedForOnce() public {
        submitAs(ESTATE, application(1));
        vm.prank(signerOf(FUND, LAW));
        sharing.askSupplement(ESTATE, 1, DOCUMENT);
        vm.warp(block.timestamp + 3 days);
        vm.prank(signerOf(ESTATE, LAW));
        sharing.resubmit(1, terms(), false, LEGAL_BASIS, DOCUMENT);
        vm.assertEq(sharing.requestOf(ESTATE, 1).submittedAt, block.timestamp, "the clock starts anew");
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistrySupplementRepeated.selector, ESTATE, 1));
        sharing.askSupplement(ESTATE, 1, DOCUMENT);
    }

    // ---- extension -------------------------------------------------------------------------------------------------

    function test_extensionNeedsConsentAndComesOnce() public {
        submitAs(ESTATE, application(1));
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryExtensionOutOfRange.selector, 11, 10));
        sharing.askExtension(ESTATE, 1, 11, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryExtensionWithoutConsent.selector, 5, 0));
        sharing.extend(ESTATE, 1, 5, DOCUMENT);
        sharing.askExtension(ESTATE, 1, 8, DOCUMENT);
        vm.stopPrank();
        vm.startPrank(authority);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryExtensionOutOfRange.selector, 9, 8));
        sharing.consentExtension(ESTATE, 1, 9, DOCUMENT);
        sharing.consentExtension(ESTATE, 1, 5, DOCUMENT);
        vm.stopPrank();
        (, uint40 before) = sharing.deadlineOf(ESTATE, 1);
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryExtensionWithoutConsent.selector, 6, 5));
        sharing.extend(ESTATE, 1, 6, DOCUMENT);
        sharing.extend(ESTATE, 1, 5, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryExtensionRepeated.selector, ESTATE, 1, 5));
        sharing.extend(ESTATE, 1, 1, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryExtensionRepeated.selector, ESTATE, 1, 5));
        sharing.askExtension(ESTATE, 1, 1, DOCUMENT);
        vm.stopPrank();
        (, uint40 extended) = sharing.deadlineOf(ESTATE, 1);
        vm.assertEq(before, calendar.deadlineAfter(uint40(block.timestamp), 10), "ten working days");
        vm.assertEq(extended, calendar.deadlineAfter(uint40(block.timestamp), 15), "five more");
    }

    // ---- 超范围 and third parties -----------------------------------------------------------------------------------

    function test_outOfScopeIsReviewedFirst() public {
        I.Application memory a = application(1);
        a.outOfScope = true;
        submitAs(ESTATE, a);
        bytes memory expected = abi.encodeWithSelector(I.SharingRegistryScopeNotReviewed.selector, ESTATE, 1);
        refuseAgree(scopeOf(terms()), 0, I.Cover.NONE, expected);
        I.Scope memory allowed = scopeOf(terms());
        allowed.queryMask &= 0x0f0;
        vm.prank(authority);
        sharing.reviewScope(ESTATE, 1, terms(), allowed, DOCUMENT);
        I.Terms memory reviewed = terms();
        reviewed.queryMask = allowed.queryMask;
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(
            abi.encodeWithSelector(
                I.SharingRegistryTermsMismatch.selector, keccak256(abi.encode(terms())), keccak256(abi.encode(reviewed))
            )
        );
        sharing.agree(ESTATE, 1, terms(), scopeOf(terms()), 0, I.Cover.NONE, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryGroundsOutOfRange.selector, 0, 7));
        sharing.agree(ESTATE, 1, reviewed, allowed, 0, I.Cover.NONE, DOCUMENT);
        sharing.agree(ESTATE, 1, reviewed, allowed, 1, I.Cover.NONE, DOCUMENT);
        vm.stopPrank();
        vm.assertTrue(sharing.requestOf(ESTATE, 1).partialAnswer, "less than asked");
    }

    function test_providerFlagsWhatTheRequesterDidNot() public {
        submitAs(ESTATE, application(1));
        vm.startPrank(signerOf(FUND, LAW));
        sharing.flagScope(ESTATE, 1, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryScopeFlag.selector, ESTATE, 1, true));
        sharing.flagScope(ESTATE, 1, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryScopeNotReviewed.selector, ESTATE, 1));
        sharing.agree(ESTATE, 1, terms(), scopeOf(terms()), 0, I.Cover.NONE, DOCUMENT);
        vm.stopPrank();
        vm.startPrank(authority);
        sharing.reviewScope(ESTATE, 1, terms(), scopeOf(terms()), DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryScopeFlag.selector, ESTATE, 1, false));
        sharing.reviewScope(ESTATE, 1, terms(), scopeOf(terms()), DOCUMENT);
        vm.stopPrank();
        agreeTo(ESTATE, 1, terms());
        vm.assertFalse(sharing.requestOf(ESTATE, 1).partialAnswer, "all of it");
    }

    function test_thirdPartyNeedsCoverAndDepartmentHasNone() public {
        submitAs(BANK, application(1));
        bytes memory none = abi.encodeWithSelector(I.SharingRegistryCoverUnexpected.selector, BANK, I.Cover.NONE);
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(none);
        sharing.agree(BANK, 1, terms(), scopeOf(terms()), 0, I.Cover.NONE, DOCUMENT);
        sharing.agree(BANK, 1, terms(), scopeOf(terms()), 0, I.Cover.AUTHORISATION, DOCUMENT);
        sharing.deliver(BANK, 1, 1, terms(), DOCUMENT);
        vm.stopPrank();
        vm.assertEq(uint256(sharing.grantOf(FUND, 1).cover), uint256(I.Cover.AUTHORISATION), "with every use");
        submitAs(ESTATE, application(1));
        bytes memory some = abi.encodeWithSelector(I.SharingRegistryCoverUnexpected.selector, ESTATE, I.Cover.CONSENT);
        refuseAgree(scopeOf(terms()), 0, I.Cover.CONSENT, some);
    }

    // ---- disputes --------------------------------------------------------------------------------------------------

    function test_disputeIsSettledOnce() public {
        refuseAndDispute(1);
        I.Scope memory nothing;
        vm.prank(authority);
        sharing.settleDispute(ESTATE, 1, terms(), nothing, I.Cover.NONE, DOCUMENT);
        vm.assertEq(uint256(sharing.requestOf(ESTATE, 1).state), uint256(I.State.REFUSED), "refusal stands");
        vm.prank(signerOf(ESTATE, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryDisputeSettled.selector, ESTATE, 1));
        sharing.dispute(1, DOCUMENT);

        refuseAndDispute(2);
        vm.prank(authority);
        sharing.settleDispute(ESTATE, 2, terms(), scopeOf(terms()), I.Cover.NONE, DOCUMENT);
        vm.prank(signerOf(FUND, LAW));
        sharing.deliver(ESTATE, 2, 1, terms(), DOCUMENT);
        vm.assertTrue(sharing.isRunningAt(FUND, 1, 1_780_000_000), "delivered by decision");
    }

    // ---- grants ----------------------------------------------------------------------------------------------------

    function test_grantComesOnlyFromDelivery() public {
        shareWith(ESTATE, 1, terms());
        I.Grant memory found = sharing.grantOf(FUND, 1);
        vm.assertEq(bytes32(found.receiver), bytes32(ESTATE), "receiver");
        vm.assertEq(found.request, 1, "request");
        vm.assertEq(found.serial, 1, "serial");
        vm.assertEq(abi.encode(found.terms), abi.encode(terms()), "terms");
        submitAs(ESTATE, application(2));
        agreeTo(ESTATE, 2, terms());
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryGrantNumberTaken.selector, FUND, 1));
        sharing.deliver(ESTATE, 2, 1, terms(), DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryGrantNumberTaken.selector, FUND, 0));
        sharing.deliver(ESTATE, 2, 0, terms(), DOCUMENT);
        vm.stopPrank();
    }

    function test_retiredDatasetIsNotDelivered() public {
        submitAs(ESTATE, application(1));
        agreeTo(ESTATE, 1, terms());
        vm.prank(authority);
        catalog.retire(FUND, 1, 1, DOCUMENT);
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(notPublished(1, 1, IDatasetCatalog.State.RETIRED));
        sharing.deliver(ESTATE, 1, 1, terms(), DOCUMENT);
    }

    function testFuzz_runsInsideItsTerm(uint40 from, uint40 to, uint40 time) public {
        vm.assume(from < to && to > block.timestamp);
        I.Terms memory t = terms();
        (t.validFrom, t.validTo) = (from, to);
        shareWith(ESTATE, 1, t);
        vm.assertEq(sharing.isRunningAt(FUND, 1, time), from <= time && time < to, "inside the term");
        vm.assertTrue(sharing.isRunningAt(FUND, 1, from), "first second");
        vm.assertFalse(sharing.isRunningAt(FUND, 1, to), "second after the last");
        vm.assertFalse(sharing.isRunningAt(FUND, 2, time), "another number");
    }

    // ---- changes ---------------------------------------------------------------------------------------------------

    function testFuzz_proposedTermsAreNarrower(uint256 verify, uint256 query, uint256 answer, uint256 batch_) public {
        shareWith(ESTATE, 1, terms());
        I.Terms memory t = terms();
        (t.verifyMask, t.queryMask, t.answerMask, t.batchMask) =
            (verify % 8, query % 2048, answer % 8, (batch_ % 8) << 7);
        bytes memory expected = scopeFault(scopeOf(t), scopeOf(terms()));
        vm.prank(signerOf(FUND, LAW));
        if (expected.length != 0) vm.expectRevert(expected);
        sharing.proposeChange(ESTATE, 1, t, DOCUMENT);
    }

    function test_proposedListsTermAndUsesAreNarrower() public {
        shareWith(ESTATE, 1, terms());
        I.Terms memory t = terms();
        t.purposes = oneId("ELSE");
        refuseChange(t, abi.encodeWithSelector(I.SharingRegistryPurposeNotAllowed.selector, bytes32("ELSE")));
        t = terms();
        t.scenarios = oneId("ELSE");
        refuseChange(t, abi.encodeWithSelector(I.SharingRegistryScenarioNotAllowed.selector, bytes32("ELSE")));
        t = terms();
        t.validTo += 1;
        refuseChange(
            t,
            abi.encodeWithSelector(
                I.SharingRegistryTermWidened.selector, t.validFrom, t.validTo, t.validFrom, t.validTo - 1
            )
        );
        t = terms();
        t.usesPerCase += 1;
        refuseChange(t, abi.encodeWithSelector(I.SharingRegistryUsesOutOfRange.selector, 6, 5));
        t = terms();
        t.standing = true;
        refuseChange(t, abi.encodeWithSelector(I.SharingRegistryStandingAdded.selector, ESTATE, 1));
    }

    function test_changeIsAcceptedAsProposed() public {
        shareWith(ESTATE, 1, terms());
        I.Terms memory t = terms();
        (t.queryMask, t.purposes, t.usesPerCase) = (0x30, oneId(PURPOSE), 2);
        vm.prank(signerOf(FUND, LAW));
        sharing.proposeChange(ESTATE, 1, t, DOCUMENT);
        vm.assertTrue(sharing.isRunningAt(FUND, 1, 1_780_000_000), "goes on meanwhile");
        vm.startPrank(signerOf(ESTATE, LAW));
        vm.expectRevert(
            abi.encodeWithSelector(
                I.SharingRegistryTermsMismatch.selector, keccak256(abi.encode(terms())), keccak256(abi.encode(t))
            )
        );
        sharing.acceptChange(1, terms(), DOCUMENT);
        sharing.acceptChange(1, t, DOCUMENT);
        vm.stopPrank();
        vm.assertEq(abi.encode(sharing.grantOf(FUND, 1).terms), abi.encode(t), "changed");
        vm.assertEq(sharing.requestOf(ESTATE, 1).termsHash, keccak256(abi.encode(t)), "hash");
    }

    function test_stopIsFiledByTheAuthorityNotAcceptedAsAChange() public {
        shareWith(ESTATE, 1, terms());
        vm.prank(signerOf(FUND, LAW));
        sharing.proposeStop(ESTATE, 1, DOCUMENT);
        vm.assertTrue(sharing.isRunningAt(FUND, 1, 1_780_000_000), "no unilateral stop");
        vm.prank(signerOf(ESTATE, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryChangeKind.selector, ESTATE, 1, true));
        sharing.acceptChange(1, terms(), DOCUMENT);
        vm.prank(authority);
        sharing.fileClosing(ESTATE, 1, DOCUMENT);
        vm.assertFalse(sharing.isRunningAt(FUND, 1, 1_780_000_000), "over");

        shareWith(ESTATE, 2, terms());
        vm.prank(signerOf(FUND, LAW));
        sharing.proposeChange(ESTATE, 2, terms(), DOCUMENT);
        vm.prank(authority);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryChangeKind.selector, ESTATE, 2, false));
        sharing.fileClosing(ESTATE, 2, DOCUMENT);
    }

    // ---- suspension, disposal --------------------------------------------------------------------------------------

    function test_whoSuspendedDecidesAndTheAuthorityAlways() public {
        shareWith(ESTATE, 1, terms());
        vm.startPrank(authority);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryRectificationOutOfRange.selector, 0, 250));
        sharing.suspendUse(ESTATE, 1, 0, DOCUMENT);
        sharing.suspendUse(ESTATE, 1, 5, DOCUMENT);
        vm.stopPrank();
        vm.assertFalse(sharing.isRunningAt(FUND, 1, 1_780_000_000), "suspended");
        vm.startPrank(signerOf(FUND, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistrySuspendedByAuthority.selector, ESTATE, 1));
        sharing.resume(ESTATE, 1, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistrySuspendedByAuthority.selector, ESTATE, 1));
        sharing.terminate(ESTATE, 1, DOCUMENT);
        vm.stopPrank();
        vm.prank(authority);
        sharing.resume(ESTATE, 1, DOCUMENT);
        vm.prank(signerOf(FUND, LAW));
        sharing.suspendUse(ESTATE, 1, 5, DOCUMENT);
        vm.prank(authority);
        sharing.resume(ESTATE, 1, DOCUMENT);
        vm.assertTrue(sharing.isRunningAt(FUND, 1, 1_780_000_000), "goes on");
    }

    function test_disposalIsRecordedOnceAfterTheEnd() public {
        shareWith(ESTATE, 1, terms());
        vm.startPrank(signerOf(ESTATE, LAW));
        vm.expectRevert(
            abi.encodeWithSelector(I.SharingRegistryDisposalUnexpected.selector, ESTATE, 1, I.State.ACTIVE, 0)
        );
        sharing.recordDisposal(1, DOCUMENT);
        sharing.close(1, DOCUMENT);
        sharing.recordDisposal(1, DOCUMENT);
        vm.expectRevert(
            abi.encodeWithSelector(
                I.SharingRegistryDisposalUnexpected.selector, ESTATE, 1, I.State.CLOSED, block.timestamp
            )
        );
        sharing.recordDisposal(1, DOCUMENT);
        vm.stopPrank();
    }

    // ---- inside ----------------------------------------------------------------------------------------------------

    function publishShared(uint32 serial, uint8 shareType) private {
        IDatasetCatalog.Proposal memory p = proposal(serial, 1);
        p.shareType = shareType;
        if (shareType == 3) p.noShareBasis = keccak256("basis");
        vm.prank(signerOf(FUND, LAW));
        catalog.propose(p);
        vm.prank(authority);
        catalog.publish(FUND, serial, 1, DOCUMENT);
    }

    function refuseAndDispute(uint64 number) private {
        submitAs(ESTATE, application(number));
        vm.prank(signerOf(FUND, LAW));
        sharing.refuse(ESTATE, number, 2, DOCUMENT);
        vm.prank(signerOf(ESTATE, LAW));
        sharing.dispute(number, DOCUMENT);
    }

    function notPublished(uint32 serial, uint16 version, IDatasetCatalog.State state)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(I.SharingRegistryDatasetNotPublished.selector, FUND, serial, version, state);
    }

    /// @return fault revert data for a scope that is not inside `limit`, empty when it is
    function scopeFault(I.Scope memory scope, I.Scope memory limit) private pure returns (bytes memory fault) {
        if (scope.verifyMask | scope.queryMask | scope.answerMask | scope.batchMask == 0) {
            return abi.encodeWithSelector(I.SharingRegistryMasksEmpty.selector);
        }
        uint256[4] memory masks = [scope.verifyMask, scope.queryMask, scope.answerMask, scope.batchMask];
        uint256[4] memory limits = [limit.verifyMask, limit.queryMask, limit.answerMask, limit.batchMask];
        for (uint256 i = 0; i < 4; ++i) {
            if (masks[i] & ~limits[i] != 0) {
                return abi.encodeWithSelector(
                    I.SharingRegistryMaskOutOfRange.selector, I.Mode(i + 1), masks[i], limits[i]
                );
            }
        }
    }

    function refuseSubmit(I.Application memory a, bytes memory expected) private {
        vm.prank(signerOf(ESTATE, LAW));
        vm.expectRevert(expected);
        sharing.submit(a);
    }

    function refuseAgree(I.Scope memory scope, uint8 grounds, I.Cover cover, bytes memory expected) private {
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(expected);
        sharing.agree(ESTATE, 1, terms(), scope, grounds, cover, DOCUMENT);
    }

    function refuseChange(I.Terms memory t, bytes memory expected) private {
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(expected);
        sharing.proposeChange(ESTATE, 1, t, DOCUMENT);
    }
}
