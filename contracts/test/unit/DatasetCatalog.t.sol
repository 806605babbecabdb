// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {IDatasetCatalog as I} from "../../src/interfaces/IDatasetCatalog.sol";

/// @title DatasetCatalog: every condition with its exact error, versions, history of publication
contract DatasetCatalogTest is Fixture {
    enum Step {
        RETURN,
        PUBLISH,
        RETIRE
    }

    function test_proposedEntryIsReadable() public {
        I.Proposal memory p = proposal(7, 1);
        propose(p);
        I.Entry memory entry = catalog.entryOf(FUND, 7, 1);
        vm.assertEq(uint256(entry.state), uint256(I.State.PROPOSED), "state");
        vm.assertEq(entry.shareType, p.shareType, "share type");
        vm.assertEq(entry.fieldCount, p.fieldCount, "fields");
        vm.assertEq(entry.viewCount, p.viewCount, "views");
        vm.assertEq(entry.schemaHash, p.schemaHash, "schema hash");
        vm.assertEq(entry.verifiableMask, p.verifiableMask, "verifiable");
        vm.assertEq(entry.sensitiveMask, p.sensitiveMask, "sensitive");
        vm.assertTrue(entry.personal, "personal");
        vm.assertFalse(entry.authorisationRequired, "no authorisation required");
        vm.assertEq(entry.round, 1, "first round");
        vm.assertEq(entry.proposedAt, START, "proposed at");
        vm.assertTrue(catalog.allowsPurpose(FUND, 7, 1, PURPOSE), "first purpose");
        vm.assertTrue(catalog.allowsPurpose(FUND, 7, 1, OTHER_PURPOSE), "second purpose");
        vm.assertFalse(catalog.allowsPurpose(FUND, 7, 1, "ELSE"), "no other purpose");
        vm.assertFalse(catalog.allowsPurpose(ESTATE, 7, 1, PURPOSE), "no other owner");
        vm.assertFalse(catalog.isPublishedAt(FUND, 7, 1, type(uint64).max), "not published");
    }

    function test_unconditionalEntryAllowsEveryPurpose() public {
        I.Proposal memory p = proposal(7, 1);
        p.shareType = 1;
        p.purposes = new bytes32[](0);
        propose(p);
        vm.assertTrue(catalog.allowsPurpose(FUND, 7, 1, "ELSE"), "no condition may be added to property 1");
    }

    function test_publicationIsKeptByBlock() public {
        propose(proposal(7, 1));
        vm.roll(200);
        publish(7, 1);
        vm.roll(300);
        vm.prank(authority);
        catalog.retire(FUND, 7, 1, DOCUMENT);
        uint64[6] memory blocks = [uint64(0), 199, 200, 299, 300, type(uint64).max];
        bool[6] memory published = [false, false, true, true, false, false];
        for (uint256 i = 0; i < blocks.length; ++i) {
            vm.assertEq(catalog.isPublishedAt(FUND, 7, 1, blocks[i]), published[i], "published at the block's end");
        }
    }

    function test_versionsFollowEachOtherAndLiveSideBySide() public {
        refuse(proposal(7, 0), abi.encodeWithSelector(I.DatasetCatalogVersionZero.selector, 7));
        refuse(proposal(7, 2), abi.encodeWithSelector(I.DatasetCatalogVersionGap.selector, 7, 2, 1));
        propose(proposal(7, 1));
        propose(proposal(7, 2));
        bytes4 taken = I.DatasetCatalogVersionTaken.selector;
        refuse(proposal(7, 1), abi.encodeWithSelector(taken, 7, 1, I.State.PROPOSED));
        publish(7, 1);
        publish(7, 2);
        refuse(proposal(7, 2), abi.encodeWithSelector(taken, 7, 2, I.State.PUBLISHED));
        vm.assertTrue(catalog.isPublishedAt(FUND, 7, 1, 100) && catalog.isPublishedAt(FUND, 7, 2, 100), "both");
    }

    function test_statesFollowEachOther() public {
        refuseAdvances(I.State.NONE);
        propose(proposal(7, 1));
        refuseAdvance(Step.RETIRE, I.State.PROPOSED, I.State.PUBLISHED);
        returnForChange(7, 1);
        refuseAdvances(I.State.RETURNED);
        propose(proposal(7, 1));
        publish(7, 1);
        refuseAdvance(Step.PUBLISH, I.State.PUBLISHED, I.State.PROPOSED);
        refuseAdvance(Step.RETURN, I.State.PUBLISHED, I.State.PROPOSED);
        retire(7, 1);
        refuseAdvances(I.State.RETIRED);
        bytes4 taken = I.DatasetCatalogVersionTaken.selector;
        refuse(proposal(7, 1), abi.encodeWithSelector(taken, 7, 1, I.State.RETIRED));
    }

    function test_everyDecisionHasItsDocument() public {
        propose(proposal(7, 1));
        refuseWithoutDocument(abi.encodeCall(I.returnForChange, (FUND, 7, 1, 0)));
        refuseWithoutDocument(abi.encodeCall(I.publish, (FUND, 7, 1, 0)));
        publish(7, 1);
        refuseWithoutDocument(abi.encodeCall(I.retire, (FUND, 7, 1, 0)));
        refuseWithoutDocument(abi.encodeCall(I.openUpdate, (FUND, 7, 0)));
        openUpdate(7);
        refuseWithoutDocument(abi.encodeCall(I.extendUpdate, (FUND, 7, 0)));
    }

    // ---- sent back for change ----------------------------------------------------------------------------------------

    function test_returnedEntryIsProposedAgainWithOtherContents() public {
        propose(proposal(7, 1));
        vm.warp(START + 100);
        returnForChange(7, 1);
        I.Proposal memory p = proposal(7, 1);
        p.schemaHash = keccak256("changed schema");
        (p.shareType, p.fieldCount, p.viewCount, p.verifiableMask, p.sensitiveMask) = (1, 3, 0, 1, 0);
        (p.personal, p.impactAssessment, p.authorisationRequired) = (false, 0, true);
        propose(p);
        I.Entry memory entry = catalog.entryOf(FUND, 7, 1);
        vm.assertEq(uint256(entry.state), uint256(I.State.PROPOSED), "state");
        vm.assertEq(entry.schemaHash, p.schemaHash, "schema hash");
        vm.assertEq(entry.shareType, 1, "share type");
        vm.assertEq(entry.fieldCount, 3, "fields");
        vm.assertEq(entry.viewCount, 0, "views");
        vm.assertEq(entry.verifiableMask, 1, "verifiable");
        vm.assertEq(entry.sensitiveMask, 0, "sensitive");
        vm.assertFalse(entry.personal, "not personal any more");
        vm.assertTrue(entry.authorisationRequired, "authorisation required");
        vm.assertEq(entry.round, 2, "second round");
        vm.assertEq(entry.proposedAt, START + 100, "the review clock starts anew");
    }

    function test_purposesOfAnEarlierRoundAreGone() public {
        propose(proposal(7, 1));
        returnForChange(7, 1);
        I.Proposal memory p = proposal(7, 1);
        p.purposes = oneId(OTHER_PURPOSE);
        propose(p);
        vm.assertFalse(catalog.allowsPurpose(FUND, 7, 1, PURPOSE), "named in the first round only");
        vm.assertTrue(catalog.allowsPurpose(FUND, 7, 1, OTHER_PURPOSE), "named again");
    }

    function test_nextVersionMayFollowAReturnedOne() public {
        propose(proposal(7, 1));
        returnForChange(7, 1);
        propose(proposal(7, 2));
        vm.assertEq(catalog.entryOf(FUND, 7, 2).round, 1, "its own round");
    }

    // ---- assessments, consent, basis ---------------------------------------------------------------------------------

    function test_assessmentsConsentAndBasis() public {
        I.Proposal memory p = proposal(7, 1);
        p.secrecyAssessment = 0;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogSecrecyAssessmentMissing.selector, 7, 1));
        p = proposal(7, 1);
        p.headConsent = 0;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogHeadConsentMissing.selector, 7, 1));
        p = proposal(7, 1);
        p.impactAssessment = 0;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogImpactAssessmentMissing.selector, 7, 1));
        (p.personal, p.sensitiveMask) = (false, 0);
        propose(p); // nothing personal, nothing to assess
        p = proposal(8, 1);
        (p.personal, p.sensitiveMask) = (false, 0);
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogImpactAssessmentUnexpected.selector, 8, 1));
    }

    function test_notSharingNamesItsBasis() public {
        I.Proposal memory p = proposal(7, 1);
        p.shareType = 3;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogNoShareBasisMissing.selector, 7, 1));
        p.noShareBasis = keccak256("basis");
        for (uint8 shareType = 1; shareType < 3; ++shareType) {
            p.shareType = shareType;
            refuse(p, abi.encodeWithSelector(I.DatasetCatalogNoShareBasisUnexpected.selector, 7, 1, shareType));
        }
        p.shareType = 3;
        propose(p);
    }

    function testFuzz_sensitiveFieldsExistAndArePersonal(uint16 fieldCount, uint256 mask, bool personal) public {
        I.Proposal memory p = proposal(1, 1);
        (p.fieldCount, p.verifiableMask) = (uint16(clamp(fieldCount, 1, 256)), 0);
        (p.sensitiveMask, p.personal) = (mask >> (mask % 256), personal);
        if (!personal) p.impactAssessment = 0;
        uint256 allowed = p.fieldCount == 256 ? type(uint256).max : 2 ** p.fieldCount - 1;
        if (p.sensitiveMask > allowed) {
            bytes4 selector = I.DatasetCatalogMaskOutOfRange.selector;
            refuse(p, abi.encodeWithSelector(selector, p.sensitiveMask, allowed));
        } else if (p.sensitiveMask != 0 && !personal) {
            refuse(p, abi.encodeWithSelector(I.DatasetCatalogSensitiveNotPersonal.selector, p.sensitiveMask));
        } else {
            propose(p);
            vm.assertEq(catalog.entryOf(FUND, 1, 1).sensitiveMask, p.sensitiveMask, "stored");
        }
    }

    // ---- well formed -------------------------------------------------------------------------------------------------

    function test_proposalIsWellFormed() public {
        I.Proposal memory p = proposal(0, 1);
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogSerialOutOfRange.selector, 0, 999_999));
        p = proposal(1_000_000, 1);
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogSerialOutOfRange.selector, 1_000_000, 999_999));
        p = proposal(999_999, 1);
        p.schemaHash = 0;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogSchemaHashZero.selector, 999_999, 1));
        p = proposal(1, 1);
        p.shareType = 0;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogShareTypeOutOfRange.selector, 0, 3));
        p.shareType = 4;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogShareTypeOutOfRange.selector, 4, 3));
        p = proposal(1, 1);
        p.fieldCount = 0;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogFieldCountOutOfRange.selector, 0, 256));
        p.fieldCount = 257;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogFieldCountOutOfRange.selector, 257, 256));
        p.fieldCount = 256;
        p.verifiableMask = type(uint256).max;
        propose(p);
    }

    function testFuzz_verifiableFieldsExist(uint16 fieldCount, uint256 mask) public {
        I.Proposal memory p = proposal(1, 1);
        p.fieldCount = uint16(clamp(fieldCount, 1, 256));
        (p.verifiableMask, p.sensitiveMask) = (mask >> (mask % 256), 0);
        uint256 allowed = 0;
        for (uint256 i = 0; i < p.fieldCount; ++i) {
            allowed |= 1 << i;
        }
        if (p.verifiableMask & allowed == p.verifiableMask) {
            propose(p);
        } else {
            bytes4 selector = I.DatasetCatalogMaskOutOfRange.selector;
            refuse(p, abi.encodeWithSelector(selector, p.verifiableMask, allowed));
        }
    }

    function test_purposesAreFewDifferentAndNotZero() public {
        I.Proposal memory p = proposal(1, 1);
        p.purposes = new bytes32[](17);
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogTooManyPurposes.selector, 17, 16));
        p.purposes = new bytes32[](2);
        p.purposes[0] = PURPOSE;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogPurposeRepeated.selector, bytes32(0), 1));
        p.purposes[1] = PURPOSE;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogPurposeRepeated.selector, PURPOSE, 1));
        p.purposes = new bytes32[](16);
        for (uint256 i = 0; i < 16; ++i) {
            p.purposes[i] = bytes32(i + 1);
        }
        propose(p);
    }

    function test_otherReceiversOwnNoDataset() public {
        vm.prank(signerOf(BANK, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.DatasetCatalogOwnerNotDepartment.selector, BANK));
        catalog.propose(proposal(1, 1));
    }

    function propose(I.Proposal memory p) private {
        vm.prank(signerOf(FUND, LAW));
        catalog.propose(p);
    }

    function publish(uint32 serial, uint16 version) private {
        vm.prank(authority);
        catalog.publish(FUND, serial, version, DOCUMENT);
    }

    function refuse(I.Proposal memory p, bytes memory reason) private {
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(reason);
        catalog.propose(p);
    }

    function retire(uint32 serial, uint16 version) private {
        vm.prank(authority);
        catalog.retire(FUND, serial, version, DOCUMENT);
    }

    function returnForChange(uint32 serial, uint16 version) private {
        vm.prank(authority);
        catalog.returnForChange(FUND, serial, version, DOCUMENT);
    }

    function openUpdate(uint32 serial) private {
        vm.prank(signerOf(FUND, LAW));
        catalog.openUpdate(FUND, serial, DOCUMENT);
    }

    /// @dev None of the authority's three steps is possible in `state`.
    function refuseAdvances(I.State state) private {
        refuseAdvance(Step.RETURN, state, I.State.PROPOSED);
        refuseAdvance(Step.PUBLISH, state, I.State.PROPOSED);
        refuseAdvance(Step.RETIRE, state, I.State.PUBLISHED);
    }

    function refuseAdvance(Step step, I.State state, I.State expected) private {
        vm.prank(authority);
        vm.expectRevert(abi.encodeWithSelector(I.DatasetCatalogStateUnexpected.selector, state, expected));
        if (step == Step.RETURN) catalog.returnForChange(FUND, 7, 1, DOCUMENT);
        else if (step == Step.PUBLISH) catalog.publish(FUND, 7, 1, DOCUMENT);
        else catalog.retire(FUND, 7, 1, DOCUMENT);
    }

    function refuseWithoutDocument(bytes memory call) private {
        vm.prank(authority);
        (bool ok, bytes memory answer) = address(catalog).call(call);
        vm.assertFalse(ok, "no document");
        vm.assertEq(answer, abi.encodeWithSelector(I.DatasetCatalogDocumentMissing.selector, FUND, 7), "reason");
    }
}
